"""`Person`, one person in one picture (or a batch of them), and `Pair`, two pictures of one person.

The geometry of a `Person` changes here alone: flip, crop, pad and resize change the picture and every other field with
it, so that no caller can forget one.

Conventions of the whole library:

- images are float in [-1, 1], shape (3, H, W) or (B, 3, H, W); uint8 only where pictures are read and written;
- keypoints are (18, 3) or (B, 18, 3): x, y, visible. x runs right, y runs down, in pixel index units: the centre of
  the first pixel is (0, 0). visible is 1 for a joint that is seen, 0.5 for one that is located but occluded, 0 for a
  missing one. A missing joint has x = y = 0, and its place must never be read; it is not marked by -1;
- left and right are the person's, not the picture's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

JOINTS: Final = (
    "nose", "neck",
    "right_shoulder", "right_elbow", "right_wrist",
    "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle",
    "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear",
)  # fmt: skip
"""The 18 joints of OpenPose's COCO model, the order of every array of keypoints in Repose."""

MIRROR: Final = (0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 15, 14, 17, 16)
"""`keypoints[MIRROR]` swaps the left and right joints."""

LIMBS: Final = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
    (1, 0), (0, 14), (14, 16), (0, 15), (15, 17), (2, 16), (5, 17),
)  # fmt: skip
"""Pairs of joints that a bone joins, OpenPose's COCO order."""

_FINGERS: Final = ("thumb", "index", "middle", "ring", "pinky")

FOOT_POINTS: Final = (
    "left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel",
)  # fmt: skip
"""The six points of the feet, in the order of COCO-WholeBody and of OpenPose's BODY_25."""

HAND_POINTS: Final = ("wrist", *(f"{finger}_{number}" for finger in _FINGERS for number in range(1, 5)))
"""The 21 points of a hand, in the order of OpenPose, COCO-WholeBody and MediaPipe: 1 is next to the palm, 4 the tip."""

EXTRA_POINTS: Final = (
    *FOOT_POINTS, *(f"{side}_hand_{name}" for side in ("left", "right") for name in HAND_POINTS),
)  # fmt: skip
"""The 48 points beyond the joints, the order of `Person.extra_keypoints`: feet, left hand, right hand."""

EXTRA_MIRROR: Final = (3, 4, 5, 0, 1, 2, *range(27, 48), *range(6, 27))
"""`extra_keypoints[EXTRA_MIRROR]` swaps left and right."""

LIP_LABELS: Final = (
    "background", "hat", "hair", "glove", "sunglasses", "upper clothes", "dress", "coat", "socks", "pants",
    "jumpsuits", "scarf", "skirt", "face", "left arm", "right arm", "left leg", "right leg", "left shoe", "right shoe",
)  # fmt: skip
"""The 20 parsing labels of LIP. Labels 14 to 19 come in left and right pairs."""

LABELS: Final = (*LIP_LABELS, "neck")
"""The 21 labels in which Repose holds every parsing: LIP's, and 20, the bare skin of neck and chest.

LIP counts that skin as face, and so does whatever knows LIP's labels alone: `repose.represent.parsing.fold_neck`. CIHP
and PINet have a label for it.
"""

LABEL_MIRROR: Final = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 14, 17, 16, 19, 18, 20)
"""Labels after a mirror: `LABEL_MIRROR[label]`."""

IUV_MIRROR: Final = (
    0, 1, 2, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15, 18, 17, 20, 19, 22, 21, 24, 23,
)  # fmt: skip
"""DensePose part numbers after a mirror: `IUV_MIRROR[part]`."""


Fill = float | Literal["edge"]
"""What pixels beyond a picture show: a value, or its border repeated."""


@dataclass(frozen=True)
class Person:
    """One person in one picture, or a batch of B of them; any field but one may be absent.

    Attributes:
        image: float (..., 3, H, W) in [-1, 1]. Of a whole photograph also uint8, its levels: a scene converts the parts
            that it reads (`repose.represent.canvas.as_float`).
        keypoints: float (..., 18, 3), see the module's text for order, units and missing joints.
        parsing: int64 (..., H, W), numbers of `LABELS`: the 20 of LIP, and 20 for the neck where it is told apart.
        iuv: float (..., 3, H, W): DensePose part 0 to 24, u and v in [0, 1].
        mask: float (..., 1, H, W) in [0, 1], 1 on the person.
        depth: float (..., 1, H, W), metres from the camera, 0 beside the person.
        extra_keypoints: float (..., 48, 3), `EXTRA_POINTS` of feet and hands, in the conventions of keypoints.
        size: (H, W) of the canvas that the keypoints live on; taken from the first picture field where not given.

    Raises:
        ValueError: a field has the wrong shape, or two fields disagree in size or batch.
    """

    image: Tensor | None = None
    keypoints: Tensor | None = None
    parsing: Tensor | None = None
    iuv: Tensor | None = None
    mask: Tensor | None = None
    depth: Tensor | None = None
    extra_keypoints: Tensor | None = None
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        shapes: dict[str, tuple[int, int]] = {}
        batches: dict[str, tuple[int, ...]] = {}
        for name, channels in (("image", 3), ("parsing", None), ("iuv", 3), ("mask", 1), ("depth", 1)):
            value: Tensor | None = getattr(self, name)
            if value is None:
                continue
            rank = 2 if channels is None else 3
            wanted = f"({'' if channels is None else f'{channels}, '}H, W)"
            if value.ndim not in (rank, rank + 1) or (channels is not None and value.shape[-3] != channels):
                raise ValueError(f"Person.{name}: shape {wanted} with or without a batch, got {tuple(value.shape)}")
            shapes[name] = (int(value.shape[-2]), int(value.shape[-1]))
            batches[name] = tuple(value.shape[:-rank])
        if self.keypoints is not None:
            if self.keypoints.ndim not in (2, 3) or self.keypoints.shape[-2:] != (len(JOINTS), 3):
                raise ValueError(
                    f"Person.keypoints: shape (18, 3) with or without a batch, got {tuple(self.keypoints.shape)}; "
                    "repose.represent.keypoints converts other skeletons"
                )
            batches["keypoints"] = tuple(self.keypoints.shape[:-2])
        if self.extra_keypoints is not None:
            if self.extra_keypoints.ndim not in (2, 3) or self.extra_keypoints.shape[-2:] != (len(EXTRA_POINTS), 3):
                raise ValueError(
                    f"Person.extra_keypoints: shape ({len(EXTRA_POINTS)}, 3) with or without a batch, got "
                    f"{tuple(self.extra_keypoints.shape)}"
                )
            batches["extra_keypoints"] = tuple(self.extra_keypoints.shape[:-2])
        if len(set(shapes.values())) > 1:
            raise ValueError(f"Person: the fields disagree in (H, W): {shapes}")
        if len(set(batches.values())) > 1:
            raise ValueError(f"Person: the fields disagree in their batch: {batches}")
        if shapes:
            size = next(iter(shapes.values()))
            if self.size is not None and tuple(self.size) != size:
                raise ValueError(f"Person: size {self.size} given, but the fields are {size}")
            object.__setattr__(self, "size", size)

    # -- batches ------------------------------------------------------------------------------------------------

    @property
    def batched(self) -> bool:
        """Whether the fields carry a batch dimension."""
        for name, value in self._tensors():
            return value.ndim == _RANK[name] + 1
        return False

    def __len__(self) -> int:
        """The size of the batch; TypeError without one."""
        if not self.batched:
            raise TypeError("this Person is not batched and has no length")
        return next(iter(self._tensors()))[1].shape[0]

    def __getitem__(self, index: int | slice | Tensor) -> Person:
        """One person (int), or a smaller batch (slice, index tensor), of a batch."""
        if not self.batched:
            raise TypeError("this Person is not batched and cannot be indexed")
        return self._map(lambda _, value: value[index])

    def batch(self) -> Person:
        """The same person as a batch of one; unchanged if batched already."""
        return self if self.batched else self._map(lambda _, value: value[None])

    @staticmethod
    def stack(people: Sequence[Person]) -> Person:
        """Unbatched people of one size -> a batch. ValueError if they differ in fields or size."""
        if not people:
            raise ValueError("Person.stack: no people given")
        return _join(people, torch.stack, "stack")

    @staticmethod
    def cat(people: Sequence[Person]) -> Person:
        """Batches of one size -> one longer batch. ValueError if they differ in fields or size."""
        if not people:
            raise ValueError("Person.cat: no people given")
        return _join(people, torch.cat, "cat")

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Person:
        """The same person on another device."""
        return self._map(lambda _, value: value.to(device, non_blocking=non_blocking))

    def only(self, *names: str) -> Person:
        """The same person with just these fields (and the size)."""
        return Person(**{name: getattr(self, name) for name in names}, size=self.size)

    # -- geometry -----------------------------------------------------------------------------------------------

    def flip(self) -> Person:
        """Mirror the picture left to right; left and right joints, labels and parts change their names."""
        _, width = self._canvas()
        parsing, iuv = self.parsing, self.iuv
        if parsing is not None:
            parsing = torch.tensor(LABEL_MIRROR, device=parsing.device)[parsing.flip(-1)]
        if iuv is not None:
            iuv = iuv.flip(-1)
            part = torch.tensor(IUV_MIRROR, device=iuv.device)[iuv[..., 0, :, :].long()].to(iuv.dtype)
            # a mirrored surface runs the other way along u
            u = torch.where(part > 0, 1 - iuv[..., 1, :, :], iuv[..., 1, :, :])
            iuv = torch.stack([part, u, iuv[..., 2, :, :]], dim=-3)
        keypoints = self.keypoints
        if keypoints is not None:
            keypoints = keypoints[..., list(MIRROR), :]
            keypoints = _moved(keypoints, lambda x, y: (width - 1 - x, y))
        extra = self.extra_keypoints
        if extra is not None:
            extra = _moved(extra[..., list(EXTRA_MIRROR), :], lambda x, y: (width - 1 - x, y))
        return replace(
            self,
            image=None if self.image is None else self.image.flip(-1),
            mask=None if self.mask is None else self.mask.flip(-1),
            depth=None if self.depth is None else self.depth.flip(-1),
            parsing=parsing,
            iuv=iuv,
            keypoints=keypoints,
            extra_keypoints=extra,
        )

    def flip_patn(self) -> Person:
        """PATN's own mirror, by name: the pose map is mirrored but left and right joints keep their names.

        It makes a left arm of a right one (official code; PAPERS.md, row "flip"). Image and keypoints only.
        """
        _, width = self._canvas()
        keypoints = self.keypoints
        if keypoints is not None:
            keypoints = _moved(keypoints, lambda x, y: (width - 1 - x, y))
        image = None if self.image is None else self.image.flip(-1)
        return Person(image=image, keypoints=keypoints, size=self.size)

    def pad(self, left: int, top: int, right: int, bottom: int, fill: Fill = 1.0) -> Person:
        """Put more canvas around the person; negative numbers cut canvas away.

        Args:
            left, top, right, bottom: pixels.
            fill: value of the new pixels of the image, 1 is white; "edge" repeats the picture's border. Other fields
                get background (0).

        Joints that come to lie outside are missing afterwards.
        """
        height, width = self._canvas()
        new = (height + top + bottom, width + left + right)
        if min(new) < 1:
            raise ValueError(f"Person.pad: nothing of {height}x{width} is left by {(left, top, right, bottom)}")

        def picture(name: str, value: Tensor) -> Tensor:
            if name in _POINTS:
                return _inside(_moved(value, lambda x, y: (x + left, y + top)), new)
            new_value = 0.0
            if name == "image":
                if fill == "edge":
                    return _edges_repeated(value, left, top, right, bottom)
                new_value = fill
            if max(-left, -right) >= width or max(-top, -bottom) >= height:  # a window beside the picture
                return value.new_full((*value.shape[:-2], *new), new_value)
            return F.pad(value, (left, right, top, bottom), value=new_value)

        return self._map(picture, size=new)

    def crop(self, top: int, left: int, height: int, width: int, fill: Fill = 1.0) -> Person:
        """The window of (height, width) pixels whose first pixel is (top, left); may reach outside the canvas."""
        old_height, old_width = self._canvas()
        return self.pad(-left, -top, left + width - old_width, top + height - old_height, fill)

    def resize(self, height: int, width: int) -> Person:
        """Scale to (height, width): image and mask bilinear with antialiasing, the others by nearest pixel."""
        old_height, old_width = self._canvas()
        if (height, width) == (old_height, old_width):
            return self
        sx, sy = width / old_width, height / old_height

        def scaled(name: str, value: Tensor) -> Tensor:
            if name in _POINTS:  # half a pixel: index 0 is the centre of the first pixel, not its edge
                return _moved(value, lambda x, y: ((x + 0.5) * sx - 0.5, (y + 0.5) * sy - 0.5))
            flat = value.reshape(-1, 1 if name == "parsing" else value.shape[-3], old_height, old_width)
            if name in ("parsing", "iuv", "depth"):  # there is nothing between a person and what is behind
                flat = F.interpolate(flat.float(), (height, width), mode="nearest-exact")
            else:
                flat = F.interpolate(flat, (height, width), mode="bilinear", antialias=True, align_corners=False)
            out = flat.reshape(*value.shape[:-2], height, width).to(value.dtype)
            return out.clamp(-1, 1) if name == "image" else out

        return self._map(scaled, size=(height, width))

    # -- inside -------------------------------------------------------------------------------------------------

    def _canvas(self) -> tuple[int, int]:
        if self.size is None:
            raise ValueError("this Person has no canvas: give an image or size=(height, width)")
        return self.size

    def _tensors(self) -> Iterator[tuple[str, Tensor]]:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Tensor):
                yield field.name, value

    def _map(self, change: Callable[[str, Tensor], Tensor], size: tuple[int, int] | None = None) -> Person:
        changed = {name: change(name, value) for name, value in self._tensors()}
        return Person(**changed, size=size or self.size)


@dataclass(frozen=True)
class Pair:
    """Two pictures of one person: `source` is given, `target` is wanted. All batched, or none.

    `views` are further pictures of the same person, for losses that look from several sides; mostly there are none.
    """

    source: Person
    target: Person
    views: tuple[Person, ...] = ()

    def flip(self) -> Pair:
        """Both mirrored, left and right exchanged (`Person.flip`)."""
        return self.map(Person.flip)

    def swap(self) -> Pair:
        """The other direction: target to source."""
        return Pair(self.target, self.source, self.views)

    def both(self) -> Pair:
        """Both directions in one batch of twice the length."""
        views = tuple(Person.cat([view, view]) for view in self.views)
        return Pair(Person.cat([self.source, self.target]), Person.cat([self.target, self.source]), views)

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Pair:
        """The same pair on another device."""
        return self.map(lambda person: person.to(device, non_blocking))

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, index: int | slice | Tensor) -> Pair:
        return self.map(lambda person: person[index])

    def map(self, change: Callable[[Person], Person]) -> Pair:
        """Source, target and views, all changed in the same way."""
        return Pair(change(self.source), change(self.target), tuple(change(view) for view in self.views))


_RANK = {"image": 3, "keypoints": 2, "parsing": 2, "iuv": 3, "mask": 3, "depth": 3, "extra_keypoints": 2}
_POINTS: Final = ("keypoints", "extra_keypoints")


def _moved(keypoints: Tensor, move: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> Tensor:
    """Move the located joints; the missing ones stay at (0, 0, 0)."""
    x, y = move(keypoints[..., 0], keypoints[..., 1])
    located = keypoints[..., 2] > 0
    moved = torch.stack([x, y, keypoints[..., 2]], dim=-1)
    return torch.where(located[..., None], moved, torch.zeros_like(moved))


def _edges_repeated(image: Tensor, left: int, top: int, right: int, bottom: int) -> Tensor:
    """A picture (..., 3, H, W) with its border repeated outwards; negative numbers cut."""
    height, width = image.shape[-2:]
    if max(left, top, right, bottom) <= 0:
        return image[..., -top : height + bottom, -left : width + right]
    if max(-left, -right) < width and max(-top, -bottom) < height and image.is_floating_point():
        part = image[..., max(0, -top) : height + min(0, bottom), max(0, -left) : width + min(0, right)]
        return F.pad(part, [max(0, side) for side in (left, right, top, bottom)], mode="replicate")
    rows, columns = (  # a window beside the picture
        torch.arange(-before, length + after, device=image.device).clamp(0, length - 1)
        for before, length, after in ((top, height, bottom), (left, width, right))
    )
    return image[..., rows[:, None], columns]


def _inside(keypoints: Tensor, size: tuple[int, int]) -> Tensor:
    """Joints whose pixel lies outside (H, W) become missing."""
    x, y = keypoints[..., 0], keypoints[..., 1]
    inside = (x >= -0.5) & (x < size[1] - 0.5) & (y >= -0.5) & (y < size[0] - 0.5)
    return torch.where(inside[..., None], keypoints, torch.zeros_like(keypoints))


def _join(people: Sequence[Person], join: Callable[..., Tensor], verb: str) -> Person:
    names = [frozenset(name for name, _ in person._tensors()) for person in people]
    if len(set(names)) > 1 or len({person.size for person in people}) > 1:
        seen = sorted({f"{sorted(n)} at {p.size}" for n, p in zip(names, people, strict=True)})
        raise ValueError(f"Person.{verb}: the people differ in fields or size: {'; '.join(seen)}")
    joined = {name: join([getattr(person, name) for person in people]) for name in sorted(names[0])}
    return Person(**joined, size=people[0].size)
