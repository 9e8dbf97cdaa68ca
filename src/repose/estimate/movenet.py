"""MoveNet lightning: one small network finds the people in a photograph, and their joints.

The network sees one person in a square. People are found with the network alone: it looks at the whole picture and
at overlapping squares of it, what it sees there decides where it looks closer, and a person who is found twice counts
once. (A detector in front was tried: see the class.)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import PIL.Image
import torch
from PIL.Image import Transpose
from torch import Tensor

from repose.estimate.base import Detection, Image
from repose.estimate.kernels import Computed, kernels_of
from repose.estimate.looks import Look, mean_look, mirrored_back, named_alike, named_alike_by_pair
from repose.estimate.squares import Square
from repose.estimate.tflite import load_network
from repose.hub.files import FILES, File
from repose.represent.keypoints import from_skeleton

Joints = npt.NDArray[np.float64]
"""(17, 3): x, y, score in COCO's order; x and y in pixels, 0 being the outer edge of the first pixel."""

Network = Callable[[Image], npt.NDArray[np.float32]]
"""uint8 (192, 192, 3) -> float (17, 3): y, x from edge 0 to edge 1 of the square, score 0 to 1."""

SIDE: Final = 192
"""The side of the network's square, in pixels."""

_PLAUSIBLE, _PERSON = 0.25, 0.35  # mean score of the 17 joints that is worth a closer look; that makes a person
_FEWEST = 5  # located joints that make a person
_CLOSER = ((1.6, False), (1.3, True))
"""The closer looks: side of the window as a multiple of the longer side of the joints' box, and whether it is a
careful one. The first is wide because a square often shows a person in part."""

_THRESHOLDS: Final = {1: 0.25, 2: 0.256}
"""Below it a joint is missing, by version. MoveNet's scores come in 21 levels; 0.256 lies between two of them, and in a
gap between those of the mean of two looks."""

_SHIFTS: Final = {1: ((0.0, 0.0),), 2: ((1 / SIDE, 1 / SIDE), (-1 / SIDE, -1 / SIDE))}
"""Where the joints are looked for, by version: away from the centre, in sides of the square.

The two lie apart by half a cell of the network's maps, which has 4 pixels."""

_SURE = 0.55  # mean score from which nobody is looked for in turned pictures
_TURNED = 0.08  # by which the mean score of a turned look must be higher than that of the upright one
_TURNED_PERSON = 0.4  # mean score that makes a person in a turned picture: in three of them, chance finds more
_QUARTERS = (None, Transpose.ROTATE_90, Transpose.ROTATE_180, Transpose.ROTATE_270)  # anticlockwise

_SMALLEST = 48  # side of the smallest square searched, in pixels of the picture
_MOST = 400  # squares of one size at most: a strip of 48x100,000 pixels is no photograph
_MARGIN = 0.1  # of the joints' height, around them to the box: crown, feet and sleeves


class MoveNet:
    """MoveNet single-pose lightning through `ai-edge-litert` (the extra `estimate`).

    Tried on 400 test photographs of Market-1501 (64x128), joints within 8 pixels of the published annotation: one
    look 0.950, with the mirror image 0.954 (within 4 pixels 0.798 and 0.823); a closer look at a picture that is
    cropped already does nothing (0.944 after 0.949, training photographs). Of such photographs pasted onto canvases,
    four beside each other, BlazePose's detector found 26 % and FastestDet 99 %; the search below finds 99 % without a
    second network, and 97 % of 320 people over one to six a picture. Nobody there: it sees somebody in 2 of 115.

    Upside-down and lying people: the network is taught upright ones. Where nobody is seen with a mean score of 0.55,
    the picture turned by 90, 180 and 270 degrees is searched as well, and for each person the surest look counts. Of
    120 test photographs of Market-1501 turned so, 0.923, 0.921 and 0.919 of the joints are found within 8 pixels
    (0.289, 0.129 and 0.267 without; as they are 0.928), of 69 rendered people within a tenth of their height 0.946,
    0.961 and 0.948 (0.482, 0.233 and 0.477; as they are 0.961). None of those 189 changes as it is. 9 % of Market's
    photographs and 15 % of the rendered ones are not sure enough and take about four times as long. Of 53 rendered
    people who sit or squat one is turned wrongly (0.908 of the joints after 0.916). Of 225 pieces of photographs in
    which nobody was found, it sees somebody in 9 (8 without). A second person who lies beside somebody surely upright
    is not looked for.

    Version 2 (`people` at its last look, and `crops`): four looks, from two places half a cell apart, each with its
    mirror image, and joints that the looks name differently get the names of the look that is surer of the person.
    Version 1 took the two looks at the centre, and matched names in `people` alone, pair by pair. docs/photographs.md
    has the table of both. The lifted body (`repose.body.lift`) names pairs no better: decision 89.

    Args:
        path: the TFLite file; None asks `repose.hub`.
        threshold: a joint with a lower score is missing; None is that of the version. On Market-1501 it keeps 99 % of
            the annotated joints.
        flip: look at the mirror image, too, and take the mean weighted by the scores; twice the time.
        threads: of the interpreter.
        network: in place of the file, for tests.
        version: of how the network is used; see above. `MoveNet1` is the first.

    Raises:
        ImportError: `ai-edge-litert` is not installed.
        FileNotFoundError: the file is not here and cannot be fetched.
        ValueError: the file is not MoveNet single-pose lightning.
    """

    search: Final = 2
    """The version of the search for people, part of the key of the cache: 2 looks at turned pictures."""

    def __init__(
        self,
        path: str | Path | None = None,
        threshold: float | None = None,
        flip: bool = True,
        threads: int = 1,
        network: Network | None = None,
        version: Literal[1, 2] = 2,
    ) -> None:
        self.threshold = _THRESHOLDS[version] if threshold is None else threshold
        self.flip, self.version = flip, version
        self._network = network or _loaded(FILES["movenet_lightning.tflite"] if path is None else path, threads)

    @property
    def name(self) -> str:
        """Names the network, the version of how it is used, and the settings."""
        return f"movenet-lightning-{self.version}-{self.threshold:g}{'-flip' if self.flip else ''}"

    @property
    def kernels(self) -> str:
        """What computes the network, see `repose.estimate.kernels`; empty for one that was given."""
        return kernels_of(self._network)

    def people(self, image: Image) -> list[Detection]:
        """Everybody in a picture, uint8 (H, W, 3), the largest first; empty where there is nobody."""
        picture = PIL.Image.fromarray(image)
        everybody = self._search(picture, (1, 2)) or self._search(picture, (4,))
        if not any(_mean(joints) >= _SURE for joints in everybody):
            everybody = self._search_turned(picture, everybody)
        people = [self._detection(joints, picture.size) for joints in everybody]
        return sorted(people, key=lambda person: -person.area)

    def crops(self, images: Sequence[Image]) -> Tensor:
        """Pictures of one person each, uint8 (H, W, 3) -> float32 (N, 18, 3), each in its own pixels."""
        keypoints = []
        for image in images:
            picture = PIL.Image.fromarray(image)
            width, height = picture.size
            joints = self.look(picture, width / 2, height / 2, max(width, height), matched=self.version > 1)
            keypoints.append(self._keypoints(joints, picture.size))
        return torch.stack(keypoints) if keypoints else torch.zeros(0, 18, 3)

    def _search(self, picture: PIL.Image.Image, divisors: tuple[int, ...]) -> list[Joints]:
        """Everybody that the squares of (short side / divisor) show, the surest first."""
        # more pixels than the network takes from a square are of no use to the search
        small, short = picture, min(picture.size)
        if short > SIDE * max(divisors):
            scale = SIDE * max(divisors) / short
            small = picture.resize((round(picture.width * scale), round(picture.height * scale)), reducing_gap=2)
        scale = picture.width / small.width
        seen = [self._one_look(small, *square) * (scale, scale, 1) for square in _squares(small.size, divisors)]
        seen = [joints for joints in seen if _mean(joints) > _PLAUSIBLE and self._located(joints)]
        people: list[Joints] = []
        for joints in sorted(seen, key=_mean, reverse=True):
            if self._known(joints, people):
                continue
            for room, careful in _CLOSER:
                left, top, right, bottom = self._extent(joints)
                side = max(SIDE / 8, room * max(right - left, bottom - top))
                joints = (self.look if careful else self._one_look)(
                    picture, (left + right) / 2, (top + bottom) / 2, side
                )
                if not self._located(joints):
                    break
            else:
                if _mean(joints) > _PERSON and not self._known(joints, people):
                    people.append(joints)
        return sorted(people, key=_mean, reverse=True)

    def _search_turned(self, picture: PIL.Image.Image, upright: list[Joints]) -> list[Joints]:
        """Everybody in the picture, also upside-down and lying: for each person the surest of the four turns.

        Upright joints are kept unless a turned look at the same person is surer by `_TURNED`.
        """
        seen = [(_mean(joints), joints) for joints in upright]
        for quarters, way in enumerate(_QUARTERS):
            if way is not None:
                for joints in self._search(picture.transpose(way), (1, 2)):
                    if _mean(joints) >= _TURNED_PERSON:
                        seen.append((_mean(joints) - _TURNED, _turned_back(joints, picture.size, quarters)))
        people: list[Joints] = []
        for _, joints in sorted(seen, key=lambda one: -one[0]):
            if not self._known(joints, people):
                people.append(joints)
        return sorted(people, key=_mean, reverse=True)

    def looks(self, picture: PIL.Image.Image, x: float, y: float, side: float) -> list[Look]:
        """What the network says of a square: at the version's places, and of their mirror images with `flip`.

        Args:
            x, y, side: centre and side of the square, in pixels of the picture; it is black beyond the border.
        """
        looks = []
        for right, down in _SHIFTS[self.version]:
            square = Square(x + right * side, y + down * side, side).cut(picture, SIDE)
            seen = [self._seen(square)]
            if self.flip:
                seen.append(mirrored_back(self._seen(np.ascontiguousarray(square[:, ::-1]))))
            looks += [one + np.array([right, down, 0]) for one in seen]
        return looks

    def look(self, picture: PIL.Image.Image, x: float, y: float, side: float, matched: bool = True) -> Joints:
        """The joints in a square, of all `looks`: (17, 3), x, y in pixels of the picture, score.

        Args:
            x, y, side: as of `looks`.
            matched: joints that the looks name differently get the same names before the mean is taken.
        """
        looks = self.looks(picture, x, y, side)
        if matched and len(looks) > 1:
            looks = named_alike(looks) if self.version > 1 else named_alike_by_pair(*looks)
        return _placed(mean_look(looks) if len(looks) > 1 else looks[0], x, y, side)

    def _one_look(self, picture: PIL.Image.Image, x: float, y: float, side: float) -> Joints:
        """The joints in a square, by one look."""
        return _placed(self._seen(Square(x, y, side).cut(picture, SIDE)), x, y, side)

    def _seen(self, square: Image) -> Joints:
        return self._network(square)[:, [1, 0, 2]].astype(np.float64)

    def _located(self, joints: Joints) -> bool:
        return int((joints[:, 2] >= self.threshold).sum()) >= _FEWEST

    def _extent(self, joints: Joints) -> tuple[float, float, float, float]:
        """left, top, right, bottom of the located joints."""
        located = joints[joints[:, 2] >= self.threshold, :2]
        (left, top), (right, bottom) = located.min(axis=0).tolist(), located.max(axis=0).tolist()
        return left, top, right, bottom

    def _known(self, joints: Joints, others: Sequence[Joints]) -> bool:
        """Whether these are joints of others: most of them lie where the others have theirs, or within one of them.

        A window between two people makes one of both; hence all the others count together. The price is that a
        child right in front of an adult is not seen.
        """
        mine = joints[:, 2] >= self.threshold
        same = np.zeros(len(joints), dtype=bool)
        left, top, right, bottom = self._extent(joints)
        for other in others:
            there = self._extent(other)
            reach = 0.15 * max(there[2] - there[0], there[3] - there[1])
            same |= (other[:, 2] >= self.threshold) & (np.linalg.norm((joints - other)[:, :2], axis=1) < reach)
            across = max(0.0, min(right, there[2]) - max(left, there[0]))
            down = max(0.0, min(bottom, there[3]) - max(top, there[1]))
            if across * down > 0.7 * (right - left) * (bottom - top):
                return True
        return bool(same[mine].mean() > 0.5)

    def _keypoints(self, joints: Joints, size: tuple[int, int]) -> Tensor:
        inside = np.all((joints[:, :2] >= 0) & (joints[:, :2] < size), axis=1)
        points = torch.from_numpy(np.where(inside[:, None], joints, 0.0) - (0.5, 0.5, 0))
        return from_skeleton(points, "coco17", threshold=self.threshold)

    def _detection(self, joints: Joints, size: tuple[int, int]) -> Detection:
        left, top, right, bottom = self._extent(joints)
        room = _MARGIN * (bottom - top)
        box = (max(0.0, left - room), max(0.0, top - room), min(size[0], right + room), min(size[1], bottom + room))
        return Detection(self._keypoints(joints, size), box, _mean(joints))


class MoveNet1(MoveNet):
    """MoveNet as it was used until its version 2, so that results measured with it can be repeated and compared.

    Arguments as of `MoveNet`.
    """

    def __init__(
        self, path: str | Path | None = None, flip: bool = True, threads: int = 1, network: Network | None = None
    ) -> None:
        super().__init__(path, None, flip, threads, network, version=1)


def _loaded(file: str | Path | File, threads: int) -> Network:
    shapes = (1, SIDE, SIDE, 3), (1, 1, 17, 3)
    instead = "give the joints in a keypoint file"
    run = load_network(file, *shapes, "MoveNet single-pose lightning", threads, instead)
    return Computed(lambda square: run(square[None])[0, 0], run.kernels)


def _squares(size: tuple[int, int], divisors: Sequence[int]) -> Iterator[tuple[float, float, float]]:
    """x, y, side: the square around the whole picture, then squares that overlap by a half."""
    width, height = size
    yield width / 2, height / 2, max(width, height)
    for divisor in divisors:
        side = min(width, height) / divisor
        if side < _SMALLEST:
            return
        across, down = (max(1, math.ceil(2 * (length - side) / side) + 1) for length in (width, height))
        if across * down > _MOST:
            return
        for y in np.linspace(side / 2, height - side / 2, down):
            for x in np.linspace(side / 2, width - side / 2, across):
                yield float(x), float(y), side


def _placed(joints: Joints, x: float, y: float, side: float) -> Joints:
    """Joints in sides of a square -> in pixels of the picture."""
    return joints * (side, side, 1) + (x - side / 2, y - side / 2, 0)


def _turned_back(joints: Joints, size: tuple[int, int], quarters: int) -> Joints:
    """Joints of a picture turned anticlockwise by so many quarters -> those of the picture, of this (width, height)."""
    out = joints.copy()
    for done in range(quarters, 0, -1):
        across = size[0] if done % 2 else size[1]  # the width of the picture before this quarter
        out[:, 0], out[:, 1] = across - out[:, 1], out[:, 0].copy()
    return out


def _mean(joints: Joints) -> float:
    return float(joints[:, 2].mean())
