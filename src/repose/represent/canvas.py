"""Canvases and value ranges: the size of a network's picture, and where the photograph lies in it.

A `Canvas` is a network's whole picture; its window is the part that holds the photograph, the rest is white.
`Canvas.put` places a person of any size on it; the `Placement` that it returns brings a result back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.names import nearest
from repose.person import Fill, Person

Box = tuple[int, int, int, int]
"""(top, left, height, width) in pixels; may reach outside the picture."""

How = Literal["fit", "letterbox", "crop"]

_STRIP: Final = 1_000_000
"""Values that `to_uint8` converts at once, about."""


@dataclass(frozen=True)
class Placement:
    """How one picture lies on a canvas: its part `box` fills the part `window` of the canvas."""

    size: tuple[int, int]
    box: Box
    window: Box

    def back(self, image: Tensor, onto: Tensor | None = None) -> Tensor:
        """A result on the canvas -> a picture of the original size.

        Args:
            image: (..., 3, H, W) on the canvas, in [-1, 1].
            onto: the original picture (..., 3, *size); fills the parts that are not on the canvas; None: white.
        """
        height, width = self.size
        top, left, box_height, box_width = self.box
        t, w_left, w_height, w_width = self.window
        part = image[..., t : t + w_height, w_left : w_left + w_width]
        part = _picture(Person(image=part).resize(box_height, box_width))
        if onto is None:
            onto = torch.ones(*part.shape[:-2], height, width, dtype=part.dtype, device=part.device)
        elif tuple(onto.shape[-2:]) != self.size:
            raise ValueError(f"Placement.back: the original picture was {self.size}, got {tuple(onto.shape[-2:])}")
        out = onto.clone()
        first_row, last_row = max(top, 0), min(top + box_height, height)
        first, last = max(left, 0), min(left + box_width, width)
        if first_row < last_row and first < last:
            rows, columns = slice(first_row - top, last_row - top), slice(first - left, last - left)
            out[..., first_row:last_row, first:last] = part[..., rows, columns]
        return out


@dataclass(frozen=True)
class Canvas:
    """A network's picture size and the window (top, left, height, width) in it that holds the photograph."""

    name: str
    height: int
    width: int
    window: Box

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width

    def put(
        self,
        person: Person,
        how: How = "letterbox",
        box: Box | None = None,
        margin: float = 0.15,
        fill: Fill = 1.0,
    ) -> tuple[Person, Placement]:
        """Place a person of any size, batched or not, on the canvas.

        Args:
            person: any fields; all move together.
            how: "fit" scales the whole picture onto the window and may change its proportions; "letterbox" keeps
                them and leaves white strips; "crop" cuts a part of the window's proportions around the
                joints, white where it reaches outside.
            box: the part to cut with "crop", widened to the window's proportions; None: around the located joints.
            margin: room around the joints, a share of their extent, for "crop" without a box.
            fill: what the crop shows beyond the picture, see `Person.pad`.

        Raises:
            ValueError: "crop" without a box on a batch, or on a person without keypoints.
        """
        if how not in ("fit", "letterbox", "crop"):
            raise ValueError(f"Canvas.put: how={how!r} is not known; choose fit, letterbox or crop")
        if person.size is None:
            raise ValueError("Canvas.put: this Person has no size: give an image or size=(height, width)")
        height, width = person.size
        w_top, w_left, w_height, w_width = window = self.window
        part: Box = (0, 0, height, width)
        if how == "letterbox":
            scale = min(w_height / height, w_width / width)
            new = (max(1, round(height * scale)), max(1, round(width * scale)))
            window = (w_top + (w_height - new[0]) // 2, w_left + (w_width - new[1]) // 2, *new)
        elif how == "crop":
            part = _widened(box or _around(person, margin), w_height / w_width)
        top, left, new_height, new_width = window
        placed = person if part == (0, 0, height, width) else person.crop(*part, fill=fill)
        placed = placed.resize(new_height, new_width)
        placed = placed.pad(left, top, self.width - left - new_width, self.height - top - new_height)
        return placed, Placement(person.size, part, window)

    def frame(self, person: Person) -> Person:
        """Unchanged if the picture has the canvas's size, with white around it if the window's; nothing is scaled.

        Args:
            person: any fields, batched or not.

        Raises:
            ValueError: a picture of another size; the text names the accepted sizes, and canvases for this one.
        """
        top, left, height, width = self.window
        if person.size == self.size:
            return person
        if person.size == (height, width):
            return person.pad(left, top, self.width - left - width, self.height - top - height)
        taken = f"{self.height}x{self.width}"
        if (height, width) != self.size:
            taken += f", or of {height}x{width} with white around them"
        fits = [other.name for other in CANVASES.values() if person.size in (other.size, other.window[2:])]
        other = f", or take another canvas ({', '.join(fits)})" if fits else ""
        seen = "x".join(map(str, person.size or ("?", "?")))
        raise ValueError(
            f"the canvas '{self.name}' takes pictures of {taken}, these are {seen}; "
            f"prepare the data at that size{other}"
        )

    def fits(self, size: tuple[int, int], points: Tensor) -> bool:
        """Whether a picture can be used whole ("fit"), not cropped: it resembles the window and shows a person large.

        That is: its proportions are the window's within 10 %, and the joints are all on it and extend over more than
        half of its height.

        Args:
            size: (height, width) of the picture.
            points: (N, 2), x and y of located joints on it, of one figure or several; without any the answer is False.
        """
        height, width = size
        _, _, window_height, window_width = self.window
        ratio = (height / width) / (window_height / window_width)
        if len(points) == 0 or max(ratio, 1 / ratio) >= 1.1:
            return False
        (x0, y0), (x1, y1) = points.amin(0).tolist(), points.amax(0).tolist()
        inside = min(x0, y0) >= -0.5 and x1 <= width - 0.5 and y1 <= height - 0.5  # the size in a file may be wrong
        return bool(inside and y1 - y0 > 0.5 * height)

    def take(self, person: Person) -> Person:
        """The window alone: a result on "fashion-square" becomes a 256x176 picture again."""
        if person.size != self.size:
            raise ValueError(f"{self.name}: the canvas is {self.size} (height, width), the person's is {person.size}")
        return person.crop(*self.window)


CANVASES: Final = {
    canvas.name: canvas
    for canvas in (
        Canvas("market", 128, 64, (0, 0, 128, 64)),
        Canvas("fashion", 256, 176, (0, 0, 256, 176)),
        Canvas("fashion-square", 256, 256, (0, 40, 256, 176)),
        Canvas("fashion-half", 128, 96, (0, 4, 128, 88)),
        Canvas("fashion-small", 128, 88, (0, 0, 128, 88)),
        Canvas("fashion-1024", 1024, 704, (0, 0, 1024, 704)),
        Canvas("fashion-square-1024", 1024, 1024, (0, 160, 1024, 704)),
    )
}
"""Market-1501 unchanged; DeepFashion's 256x176 crop (PATN, PINet); the same in a white square (Multi-scale, and
PATN's own measurement); half of 256x176 for two CPU cores, with four white columns on either side so that it
can be halved four more times, and without them; four times 256x176, and the same in a white square (HPN)."""


def canvas(name: str) -> Canvas:
    """The canvas of this name. ValueError names the nearest one."""
    if name not in CANVASES:
        raise ValueError(f"no canvas is called {name!r}; {nearest(name, CANVASES)}")
    return CANVASES[name]


# -- value ranges ---------------------------------------------------------------------------------------------------


def to_uint8(image: Tensor, rounding: Literal["nearest", "patn"] = "nearest") -> npt.NDArray[np.uint8]:
    """Float (B, 3, H, W) or (3, H, W) in [-1, 1] -> uint8 (B, H, W, 3) or (H, W, 3); values outside are clamped.

    Args:
        image: a uint8 one is taken as it is, see `as_float`; no copy is made of it where none is needed.
        rounding: "nearest" is the inverse of `from_uint8`; "patn" cuts the fraction off, (x + 1) / 2 * 255 as an
            integer, as PATN's test code does: half a grey level darker on average.

    Raises:
        ValueError: the image holds NaN or infinity, or has no three channels.
    """
    if image.ndim not in (3, 4) or image.shape[-3] != 3:
        raise ValueError(f"to_uint8: image (3, H, W) or (B, 3, H, W), got {tuple(image.shape)}")
    if rounding not in ("nearest", "patn"):
        raise ValueError(f"to_uint8: no rounding {rounding!r}; there are nearest and patn")
    if image.dtype == torch.uint8:
        return np.ascontiguousarray(image.detach().movedim(-3, -1).numpy())
    out = torch.empty(*image.shape[:-3], *image.shape[-2:], 3, dtype=torch.uint8)
    rows = max(1, _STRIP // max(1, image.numel() // max(1, image.shape[-2])))
    for first in range(0, image.shape[-2], rows):  # a photograph's floats are not copied as a whole
        part = image[..., first : first + rows, :].detach().float()
        if not torch.isfinite(part).all():
            raise ValueError("to_uint8: the image holds NaN or infinity; the network that made it has diverged")
        grey = ((part + 1) / 2 * 255).clamp(0, 255)
        grey = grey.round() if rounding == "nearest" else grey
        out[..., first : first + rows, :, :] = grey.to(torch.uint8).movedim(-3, -1)
    return out.numpy()


def from_uint8(image: npt.NDArray[np.uint8] | Tensor) -> Tensor:
    """uint8 (B, H, W, 3) or (H, W, 3) -> float32 (B, 3, H, W) or (3, H, W) in [-1, 1]: value / 127.5 - 1."""
    tensor = image if isinstance(image, Tensor) else torch.from_numpy(np.ascontiguousarray(image))
    if tensor.dtype != torch.uint8 or tensor.ndim not in (3, 4) or tensor.shape[-1] != 3:
        raise ValueError(f"from_uint8: uint8 (H, W, 3) or (B, H, W, 3), got {tensor.dtype} {tuple(tensor.shape)}")
    return tensor.movedim(-1, -3).to(torch.float32, memory_format=torch.contiguous_format).div_(127.5).sub_(1)


def as_float(image: Tensor) -> Tensor:
    """A picture (..., 3, H, W), or a part of one, as float32 in [-1, 1]; one of uint8 levels is converted.

    A large photograph may be held as uint8: it takes a quarter of the memory, and only the parts that are read become
    floats.
    """
    return from_uint8(image.movedim(-3, -1)) if image.dtype == torch.uint8 else image.float()


# -- inside ---------------------------------------------------------------------------------------------------------


def _picture(person: Person) -> Tensor:
    if person.image is None:
        raise ValueError("this Person has no image")
    return person.image


def _around(person: Person, margin: float) -> Box:
    """The box of the located joints with a margin, a share of its longer side, on every side."""
    if person.batched:
        raise ValueError("Canvas.put: to crop a batch give box=(top, left, height, width), or put one person at a time")
    if person.keypoints is None or not bool((person.keypoints[:, 2] > 0).any()):
        raise ValueError("Canvas.put: to crop around a person it needs located keypoints, or box=(top, left, h, w)")
    located = person.keypoints[person.keypoints[:, 2] > 0, :2]
    (x0, y0), (x1, y1) = located.amin(0).tolist(), located.amax(0).tolist()
    room = margin * max(x1 - x0, y1 - y0, 1.0)
    top, left = math.floor(y0 - room), math.floor(x0 - room)
    return top, left, math.ceil(y1 + room) + 1 - top, math.ceil(x1 + room) + 1 - left


def _widened(box: Box, ratio: float) -> Box:
    """The smallest box around this one, on the same centre, whose height / width is `ratio` (to a pixel)."""
    top, left, height, width = box
    if height < 1 or width < 1:
        raise ValueError(f"Canvas.put: the box (top, left, height, width) {box} is empty")
    new_height, new_width = max(height, round(width * ratio)), max(width, round(height / ratio))
    return top - (new_height - height) // 2, left - (new_width - width) // 2, new_height, new_width
