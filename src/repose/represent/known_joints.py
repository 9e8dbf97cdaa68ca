"""The joints of a photograph from a keypoint file, instead of an estimator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from repose.names import nearest
from repose.person import Person
from repose.represent.choosing import Which
from repose.represent.pose_files import MIN_SCORE, read_pose_file
from repose.represent.pose_files.arrays import UNIT
from repose.represent.pose_files.reading import split_name


@dataclass(frozen=True)
class KeypointFile:
    """A keypoint file with the joints of photographs.

    Attributes:
        path: of the file. name: of the one pose to use; "" if the photograph's name selects it.
        poses: name -> Person with keypoints (18, 3), and with a size if the file has it.
    """

    path: str
    name: str
    poses: dict[str, Person]

    @classmethod
    def read(cls, file: str | Path, person: Which = "largest", min_score: float = MIN_SCORE) -> KeypointFile:
        """Read FILE, or FILE#NAME for one pose of it.

        Args:
            file: what `repose.represent.pose_files.read_pose_file` reads. Coordinates that are shares of the picture
                need no size here: they are scaled to the photograph that they are put on.
            person: which one, where a picture has several.
            min_score: a joint with a lower score is missing.

        Raises:
            FormatError: the file cannot be read, or has no scores to choose the best person by. FileNotFoundError:
                there is no such file.
            ValueError: it has no pose of that name (names the nearest).
        """
        path, name = split_name(file)
        read = read_pose_file(path, person=person, min_score=min_score, name=name, shares=True)
        return cls(str(path), next(iter(read.poses)) if name and len(read.poses) == 1 else name, read.poses)

    def pose_of(self, photograph: str, alone: bool = True) -> Person:
        """The pose of a photograph: the one called `name`, or the one with the photograph's name, or the only one.

        Args:
            photograph: its file name, which a pose may have with another ending or none; "" if it has none.
            alone: whether it is the only photograph. Of several each must have a pose of its own name, as one pose for
                all of them would be a silent mistake.

        Raises:
            ValueError: the file has no such pose, or several that may be meant.
        """
        if self.name:
            if not alone:
                raise ValueError(
                    f"'{self.path}#{self.name}' is one pose, but there may be several photographs; give '{self.path}', "
                    "with a pose of each one's name"
                )
            return self.poses[self.name]
        if photograph in self.poses:
            return self.poses[photograph]
        same_stem = [name for name in self.poses if photograph and Path(name).stem == Path(photograph).stem]
        candidates = same_stem or (list(self.poses) if alone else [])
        if not candidates:
            raise ValueError(f"{self.path} has no pose called '{photograph}'; {nearest(photograph, self.poses)}")
        if len(candidates) > 1:
            some = f"{', '.join(candidates[:3])}{' ...' if len(candidates) > 3 else ''}"
            raise ValueError(
                f"{self.path} holds {len(candidates)} poses that may be meant ({some}); name one: "
                f"'{self.path}#{candidates[0]}'"
            )
        return self.poses[candidates[0]]


def joints_on(pose: Person, size: tuple[int, int]) -> Tensor:
    """The joints (18, 3) of a pose that belongs to a photograph of this size (height, width).

    A pose of the size (1, 1) has coordinates that are shares of the picture; they are scaled.

    Raises:
        ValueError: the pose has the size of another picture, or fewer than two joints.
    """
    if pose.keypoints is None or int((pose.keypoints[:, 2] > 0).sum()) < 2:
        raise ValueError("the pose has fewer than two located joints; at least two are needed to find the person")
    if pose.size == UNIT:
        scale = torch.tensor([size[1], size[0]], dtype=torch.float32)
        joints = torch.cat([(pose.keypoints[:, :2] + 0.5) * scale - 0.5, pose.keypoints[:, 2:]], dim=1)
        return torch.where(joints[:, 2:] > 0, joints, torch.zeros_like(joints))
    if pose.size is not None and pose.size != size:
        other, own = (f"{width}x{height}" for height, width in (pose.size, size))
        raise ValueError(
            f"the pose is of a picture of {other} pixels, this photograph has {own}; give the pose of this photograph"
        )
    return pose.keypoints
