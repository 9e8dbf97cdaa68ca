"""The main job: a photograph and a target pose in, a photograph of that person in that pose out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from repose.estimate import ESTIMATORS, KeypointEstimator, MaskEstimator
from repose.images import ImageLike, same_kind
from repose.person import Person
from repose.pipeline.backgrounds import covering, read_background, to_pixels
from repose.pipeline.masks import no_automatic_mask, require_mask, with_mask
from repose.pipeline.model import DEVICES, Model, load, untrained
from repose.pipeline.people import Joints, read_further, read_person, read_pose
from repose.represent.canvas import to_uint8
from repose.represent.choosing import Which
from repose.represent.pose_files import MIN_SCORE
from repose.represent.pose_files.arrays import ArrayLike, is_joints


def transfer(
    source: ImageLike,
    target: ImageLike | ArrayLike | Person,
    model: Model | str | Path = "default",
    pose: KeypointEstimator | str = "movenet",
    which: Which = "largest",
    whole: bool = True,
    background: str | Path | ImageLike = "keep",
    retarget: bool = True,
    target_which: Which = "largest",
    source_keypoints: Joints | Sequence[Joints] = None,
    sources: Sequence[ImageLike] = (),
    room: bool = False,
    mask: MaskEstimator | str | None = "auto",
    min_score: float = MIN_SCORE,
    target_size: tuple[int, int] | None = None,
) -> Any:
    """Put the person of the photograph `source` into the pose of `target`; the result is of the kind that `source` is.

    Args:
        source: a photograph: path, PIL image, uint8 array (H, W, 3), or tensor (3, H, W).
        target: a photograph, a drawing of a skeleton, a pose file or FILE#NAME, an array of joints, or a Person: see
            `repose.pipeline.read_pose`.
        model: a loaded model, the name of weights, or a folder.
        pose: the pose estimator, or its name.
        which: which of several people on the source: "largest", "best", "left", "right", "middle" or a number, 0 the
            largest.
        whole: the whole photograph, with the new figure where the old one stood; False: the model's canvas alone, as it
            comes from the network.
        background: of the whole photograph: "keep" it and fill what the old figure leaves, take the model's
            ("generated"), "white", "transparent", or a picture, which is scaled to cover the photograph.
        retarget: give the pose the build of the source's person; False: the limbs of the target as they are.
        target_which: the same as `which`, for the target.
        source_keypoints: the joints of the source, where they are known, see `read_person`; with `sources` a list: of
            the source, then of each further photograph, None where they are to be found.
        sources: further photographs of the same person, such as their back. Every part of the figure comes from the
            photograph that shows it best; surroundings, light and build are those of `source`. Not every model takes
            them.
        room: enlarge the photograph where the new figure would leave it, filled from what is beside.
        mask: how the person is cut out, see `with_mask`.
        min_score: a joint of a pose file or an array with a lower score is missing.
        target_size: (height, width) of the picture that the target's joints are of, where they are shares of it (0 to
            1) and the file does not tell it.

    Returns:
        A picture of the photograph's size (larger with `room`, of the model's canvas without `whole`): a PIL image for
        a path or a PIL image, an array for an array, a tensor for a tensor. It is RGB (RGBA with "transparent"), sRGB
        and upright, as `load_image` reads the photograph: colour profiles are applied, transparency lies on white, and
        a JPEG of more than 64 million pixels comes back at a half, a quarter or an eighth of its sides.
        `repose.images.Photograph` writes a result in the photograph's own colour profile and with its EXIF.

    Warns:
        UserWarning: nobody is found on a further photograph, which is left out; and what `read_pose` tells.

    Raises:
        ImageError, NobodyFound, ValueError: what is wrong, where, and what to do.

    Example:
        >>> picture = repose.transfer("me.jpg", "dancer.jpg")  # doctest: +SKIP
        >>> picture.save("me_dancing.png")  # doctest: +SKIP
        >>> picture = repose.transfer("front.jpg", "dancer.jpg", sources=["back.jpg"])  # doctest: +SKIP
    """
    model = model if isinstance(model, Model) else load(model)
    if sources:
        model.require_gathering()
    poses = read_pose(target, pose, target_which, min_score, target_size)
    if len(poses) != 1:
        raise ValueError(
            f"{target} holds {len(poses)} poses ({', '.join(list(poses)[:3])} ...); `transfer` takes one. "
            "The command `repose transfer` makes a picture for each"
        )
    target_person = next(iter(poses.values()))
    joints = _joint_list(source_keypoints)
    if len(joints) > 1 + len(sources):
        raise ValueError(f"source_keypoints has {len(joints)} entries for {1 + len(sources)} photographs")
    person = read_person(source, pose, which, joints[0] if joints else None, min_score)
    further = read_further(sources, pose, which, joints[1:], min_score)
    if whole:
        behind = read_background(background)
        assert person.image is not None
        # its levels, as the command holds them: a scene makes floats of the parts that it reads
        person = replace(person, image=torch.from_numpy(to_uint8(person.image)).movedim(-1, 0))
        scene = model.scene(with_mask(person, mask))
        scene = model.roomy(scene, target_person, retarget) if room else scene
        behind = behind if isinstance(behind, str) else covering(behind, scene.placement.size)
        views = [model.scene(with_mask(other, mask)) for other in further]
        pixels = model.picture(scene, target_person, behind, retarget, views)
    else:
        pixels = to_pixels(model.crop(person, target_person, retarget, further))
    return same_kind(pixels, like=source)


def _joint_list(joints: Joints | Sequence[Joints]) -> list[Joints]:
    """The entries of a list, or what is given as the only one."""
    if joints is None or isinstance(joints, np.ndarray | Tensor | Person | str | Path):
        return [joints]
    entries = list(joints)
    numbers = bool(entries) and isinstance(entries[0], list | tuple) and is_joints(entries)
    return [entries] if numbers else entries


__all__ = [
    "DEVICES",
    "ESTIMATORS",
    "Joints",
    "Model",
    "covering",
    "load",
    "no_automatic_mask",
    "read_background",
    "read_further",
    "read_person",
    "read_pose",
    "require_mask",
    "to_pixels",
    "transfer",
    "untrained",
    "with_mask",
]
