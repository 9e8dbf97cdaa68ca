"""Which part of a photograph a model sees, and which part its picture of a new pose covers.

The source's box is framed by the source's person alone, so no pose moves it. The target's box is the
source's, extended as far as the new figure needs it.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Final

import torch
from torch import Tensor

from repose.person import Person
from repose.represent.canvas import Box, Canvas, Placement, as_float
from repose.represent.figure import FACE, size_of
from repose.represent.sampling import Between, sample

MARGIN: Final = 0.11
"""Room around the joints, a share of their extent: about what Market-1501 leaves (0.09 above, 0.12 below)."""

HEAD: Final = 0.2
"""Room around the middle of a face, at least, in units of trunk + thigh + shin (`person_size`)."""

FOOT: Final = 0.16
"""Room around an ankle, at least, in the same unit: a shoe ends 0.13 from it."""

BEYOND: Final = 0.15
"""A joint so far outside the photograph, a share of the figure's extent, is still enclosed: its limb is seen."""

MOST_PIXELS: Final = 4_000_000
"""A crop is carried at no more pixels than that, for memory."""

_LARGE: Final = 4_000_000  # pixels of a box from which it is scaled in strips
_STRIP: Final = 768  # rows


def place_source(person: Person, canvas: Canvas) -> tuple[Person, Placement]:
    """A person of a photograph on a model's canvas, with every field that they have, and how the crop lies there.

    A photograph that fits the canvas (`Canvas.fits`) is taken whole. Of any other a part of the window's proportions
    is cut around the joints, inside the photograph where it goes in.

    Args:
        person: unbatched, with image and keypoints.
    """
    assert person.size is not None
    assert person.keypoints is not None
    points = person.keypoints.float().cpu()
    last = _last(person.size)
    located = points[points[:, 2] > 0, :2]
    # what lies outside the photograph cannot be shown
    if canvas.fits(person.size, located.clamp_min(0).minimum(last)):
        return canvas.put(_floats(person), "fit")
    return place(person, source_box(points, person.size, canvas), canvas)


def source_box(keypoints: Tensor, size: tuple[int, int], canvas: Canvas) -> Box:
    """The part of a photograph around a person, of the window's proportions; inside the photograph where it goes in.

    Args:
        keypoints: (18, 3), with a located joint at least; a joint outside the photograph counts as one at its border.
        size: (height, width) of the photograph.
    """
    points = keypoints.float().cpu()
    (x0, y0), (x1, y1) = (end.tolist() for end in _extent(points, _last(size)))
    _, _, window_height, window_width = canvas.window
    ratio = window_height / window_width
    box_height = max(2, math.ceil(max(y1 - y0, (x1 - x0) * ratio)))
    box_width = max(2, math.ceil(max(y1 - y0, (x1 - x0) * ratio) / ratio))
    height, width = size
    top = _shifted((y0 + y1) / 2, box_height, height)
    left = _shifted((x0 + x1) / 2, box_width, width)
    joints = Person(keypoints=keypoints, size=size)
    _, placement = canvas.put(joints, "crop", (top, left, box_height, box_width))  # widened to the window's proportions
    return placement.box


def target_box(box: Box, source: Tensor, pose: Tensor, size: tuple[int, int]) -> Box:
    """The source's box, extended as far as it must be to enclose a figure; in the same proportions.

    It is the source's own box for every figure that needs no more room than the source or the box has, and grows pixel
    by pixel with a figure that needs more. A joint a little outside the photograph is enclosed, for a limb is drawn
    from both of its ends; one far outside is not, for it cannot be shown.

    Args:
        box: of the source's crop in the photograph. source, pose: keypoints (18, 3) in the photograph, of the source
            and of the figure.
        size: (height, width) of the photograph.
    """
    top, left, height, width = box
    ends = torch.tensor([left, top, left + width - 1, top + height - 1], dtype=torch.float32)
    outwards = torch.tensor([-1.0, -1.0, 1.0, 1.0])
    # what the source's own crop lacks of its room, at a border of the photograph, is not needed
    had = torch.maximum(outwards * ends, outwards * _needed(source, size))
    # half a pixel is rounding
    more = (outwards * _needed(pose, size) - had - 0.5).clamp_min(0).ceil().int().tolist()
    if not any(more):
        return box
    least_height, least_width = height + more[1] + more[3], width + more[0] + more[2]
    new_height = max(least_height, math.ceil(least_width * height / width))
    new_width = max(least_width, round(new_height * width / height))
    first_row, first = top - more[1] - (new_height - least_height) // 2, left - more[0] - (new_width - least_width) // 2
    return first_row, first, new_height, new_width


def times_of(box: Box, canvas: Canvas, most_pixels: int = MOST_PIXELS) -> int:
    """How many times larger than the canvas a picture must be, so that it has about the pixels that the box has.

    Args:
        box: in the photograph. most_pixels: of the larger picture, at most; the answer is 1 at least.
    """
    _, _, height, width = box
    _, _, window_height, window_width = canvas.window
    wanted = math.ceil(max(height / window_height, width / window_width) - 0.25)
    return max(1, min(wanted, math.isqrt(max(1, most_pixels // (canvas.height * canvas.width)))))


def enlarged(canvas: Canvas, times: int) -> Canvas:
    """The canvas with so many times its pixels to either side."""
    top, left, height, width = canvas.window
    window = (times * top, times * left, times * height, times * width)
    return Canvas(f"{canvas.name} x{times}", times * canvas.height, times * canvas.width, window)


def place(person: Person, box: Box, canvas: Canvas) -> tuple[Person, Placement]:
    """The part `box` of a person's picture on the canvas's window, its sides scaled apart where they must be.

    Beyond the picture its border is repeated.
    """
    assert person.size is not None
    placement = Placement(person.size, box, canvas.window)
    if box[2] * box[3] < _LARGE or box[3] <= canvas.window[3]:
        return canvas.put(_floats(person.crop(*box, fill="edge")), "fit")[0], placement
    placed, _ = canvas.put(replace(person, image=None, mask=None, size=person.size).crop(*box), "fit")
    narrow: dict[str, Any] = {
        name: _narrowed(name, value, box[1], box[3], canvas.window[3])
        for name, value in (("image", person.image), ("mask", person.mask))
        if value is not None
    }
    if narrow:
        shown, _ = canvas.put(Person(**narrow).crop(box[0], 0, box[2], canvas.window[3], fill="edge"), "fit")
        placed = replace(placed, image=shown.image, mask=shown.mask)
    return placed, placement


def place_maps(
    person: Person, names: tuple[str, ...], scale: float, shift: Tensor, placement: Placement, canvas: Canvas
) -> Person:
    """Maps of a target on its own picture -> where `place` puts joints that are moved by the same similarity.

    Labels, IUV and depth are taken from the nearest pixel, image and mask by bilinear curves. Beside the target's
    picture is background: 0, and white in an image.

    Args:
        person: unbatched, with the fields `names`, none of which is its keypoints.
        scale, shift: a pixel (x, y) of the target's picture lies at scale * (x, y) + shift, (2,), in the photograph.
        placement: of the box on the canvas.

    Returns:
        These fields alone, on the canvas.
    """
    assert person.size is not None
    top, left, box_height, box_width = placement.box
    frame_top, frame_left, height, width = placement.window
    target_height, target_width = person.size
    y = (torch.arange(height, dtype=torch.float32) + 0.5) * box_height / height - 0.5 + top  # in the photograph
    x = (torch.arange(width, dtype=torch.float32) + 0.5) * box_width / width - 0.5 + left
    y, x = (y - float(shift[1])) / scale, (x - float(shift[0])) / scale  # in the target's picture
    x, y = (2 * x + 1) / target_width - 1, (2 * y + 1) / target_height - 1
    grid = torch.stack([x.expand(height, -1), y[:, None].expand(-1, width)], -1)
    fields: dict[str, Any] = {}
    for name in names:
        value: Tensor = getattr(person, name)
        flat = value[None].float() if name == "parsing" else value.float()
        beside = 1.0 if name == "image" else 0.0
        mode: Between = "bilinear" if name in ("image", "mask") else "nearest"
        taken = sample((flat - beside)[None], grid[None].to(value.device), mode, "zeros")[0] + beside
        fields[name] = (taken[0] if name == "parsing" else taken).to(value.dtype)
    right, bottom = canvas.width - frame_left - width, canvas.height - frame_top - height
    return Person(**fields).pad(frame_left, frame_top, right, bottom)


# -- inside ---------------------------------------------------------------------------------------------------------


def _narrowed(field: str, picture: Tensor, left: int, width: int, pixels: int) -> Tensor:
    """Columns of a picture (C, H, W), some beyond it perhaps, scaled down to so many pixels: (C, H, pixels).

    In strips, so that no copy of a large photograph is made; `Person.crop` and `Person.resize` do the same.
    """
    out = picture.new_empty(len(picture), picture.shape[-2], pixels, dtype=torch.float32)
    for top in range(0, picture.shape[-2], _STRIP):
        strip = picture[:, top : top + _STRIP]
        fields: dict[str, Any] = {field: strip}
        one = _floats(Person(**fields).crop(0, left, strip.shape[-2], width, fill="edge"))
        out[:, top : top + _STRIP] = getattr(one.resize(strip.shape[-2], pixels), field)
    return out


def _floats(person: Person) -> Person:
    """The same person; an image of uint8 levels and a mask in half precision as float32."""
    image, mask = person.image, person.mask
    if image is not None and image.dtype == torch.uint8:
        person = replace(person, image=as_float(image))
    return replace(person, mask=mask.float()) if mask is not None and mask.dtype == torch.float16 else person


def _last(size: tuple[int, int]) -> Tensor:
    """x and y of the photograph's last pixel."""
    return torch.tensor([size[1] - 1.0, size[0] - 1.0])


def _extent(points: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
    """The lowest and the highest x and y, (2,) each, of a figure with room around it.

    A joint outside the photograph counts as one at its border.

    Args:
        points: (18, 3). last: x and y of the photograph's last pixel.
    """
    located = points[points[:, 2] > 0, :2].clamp_min(0).minimum(last)
    room = MARGIN * _longest(located)
    low, high = _ends(points, last)
    return torch.minimum(low, located.amin(0) - room), torch.maximum(high, located.amax(0) + room)


def _needed(keypoints: Tensor, size: tuple[int, int]) -> Tensor:
    """What a crop of a figure must enclose: the first x and y and the last x and y, (4,).

    Every joint needs room around it. From `BEYOND` on outside the photograph it needs less, and nothing at twice that.
    """
    points, last = keypoints.float().cpu(), _last(size)
    located = points[points[:, 2] > 0, :2]
    if len(located) == 0:
        return torch.cat([last, torch.zeros(2)])
    longest = _longest(located.clamp_min(0).minimum(last))
    room, limit = MARGIN * longest, BEYOND * longest
    over = torch.stack([-located, located - last])  # (2, N, 2), how far outside the photograph
    less = ((2 * limit - over) * (limit + room) / limit).clamp_min(0)
    needs = torch.where(over > limit, less, over + room).amax(1)  # (2, 2)
    low, high = _ends(points, last)
    return torch.cat([torch.minimum(low, -needs[0]), torch.maximum(high, last + needs[1])])


def _ends(points: Tensor, last: Tensor) -> tuple[Tensor, Tensor]:
    """The lowest and the highest x and y of head and feet, inside the photograph; they go beyond their joints.

    Without a face and ankles infinity, which changes no minimum and no maximum.
    """
    size = size_of(points)
    places = [(points[ankle, :2][None], FOOT * size) for ankle in (10, 13) if points[ankle, 2] > 0]
    face = points[list(FACE)][points[list(FACE), 2] > 0, :2]
    if len(face):
        places.append((face.mean(0)[None], HEAD * size))
    if not places:
        return torch.full((2,), torch.inf), torch.full((2,), -torch.inf)
    low = torch.cat([place - room for place, room in places]).amin(0)
    high = torch.cat([place + room for place, room in places]).amax(0)
    return low.clamp_min(0).minimum(last), high.clamp_min(0).minimum(last)


def _longest(points: Tensor) -> float:
    """The longer side of the box around points (N, 2), 1 at least."""
    return float((points.amax(0) - points.amin(0)).max().clamp_min(1))


def _shifted(middle: float, length: int, whole: int) -> int:
    """Where a stretch of this length around the middle begins, moved into [0, whole) if it fits."""
    first = round(middle - (length - 1) / 2)
    return min(max(first, 0), whole - length) if length <= whole else first


__all__ = [
    "MARGIN",
    "MOST_PIXELS",
    "enlarged",
    "place",
    "place_maps",
    "place_source",
    "source_box",
    "target_box",
    "times_of",
]
