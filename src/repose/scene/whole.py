"""A person in a whole photograph: cut out onto a model's canvas with a pose that stands in their place, and put back.

    made = cut(person, pose, canvas)                     # what the model takes, at its size
    picture = generator.enlarge(output, made.photograph[None])[0]
    whole = put_back(made, picture, output.extra.get("person"))

The new figure stands where the old one stood: on the same ground, in the same column, as tall, of the same build.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, replace
from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.names import nearest
from repose.person import JOINTS, Person
from repose.represent.canvas import Box, Canvas, How, Placement
from repose.represent.retarget import anchor, person_size, retarget, size_ratio
from repose.scene.fill import fill, spread

Background = Literal["keep", "generated", "white"]
BACKGROUNDS: Final[tuple[Background, ...]] = ("keep", "generated", "white")

MARGIN: Final = 0.11
"""Room around the joints, a share of their extent: about what Market-1501 leaves (0.09 above, 0.12 below)."""

HEAD: Final = 0.2
"""Room around the middle of a face, at least, in units of trunk + thigh + shin (`person_size`)."""

_BELIEVED: Final = 0.3
"""The share of a person's bones that a mask of them covers, at least."""

MOST_PIXELS: Final = 4_000_000
"""The crop is carried at no more pixels than that, for memory."""

_LEGS: Final = ((8, 11), (9, 12), (10, 13))
"""Hips, knees, ankles: what a picture that ends above them lacks on both sides."""

_PARENT: Final = {8: 1, 11: 1, 9: 8, 12: 11, 10: 9, 13: 12}

_FACE: Final = (0, 14, 15, 16, 17)

_REACH: Final = 0.25
"""No part of a figure is further from a joint's bone, in units of trunk + thigh + shin: a head over a face is 0.21."""


@dataclass(frozen=True)
class Cut:
    """A person of a photograph on a model's canvas.

    Attributes:
        source: the person, unbatched, on the canvas. target: the new figure's joints on the same canvas.
        photograph: (3, k H, k W), what `source` shows at k times its pixels, so that the photograph's own are not lost.
        placement: how `photograph` lies on the whole.
        person: as given, on the whole photograph. pose: (18, 3), the new figure's joints on the whole photograph; they
            may lie outside.
    """

    source: Person
    target: Person
    photograph: Tensor
    placement: Placement
    person: Person
    pose: Tensor

    @property
    def times(self) -> int:
        """k, how many times larger than the canvas the photograph's crop is."""
        assert self.source.size is not None
        return int(self.photograph.shape[-2]) // self.source.size[0]


def cut(
    person: Person, target: Person | Tensor, canvas: Canvas, retargeting: bool = True, most_pixels: int = MOST_PIXELS
) -> Cut:
    """A person and the pose they shall take, on a model's canvas.

    The crop encloses the old figure and the new one, as far as the photograph goes. Whether the photograph is taken
    whole instead is `Canvas.fits` to say, about the joints of both together.

    Args:
        person: unbatched, with image and keypoints.
        target: a person with the pose, or its keypoints (18, 3), in any pixels: see `stand`. A person's size tells
            where their picture ends.
        canvas: of the model.
        retargeting: give the pose the person's own build.
        most_pixels: of the crop at k times the canvas, at most; k is 1 at least.

    Warns:
        UserWarning: less than a trunk (the neck and a hip) of the person is located, so that it is guessed how large
            they are and where the rest of them is.

    Raises:
        ValueError: a person without image or joints, or a batch.
    """
    if person.batched or person.image is None or person.keypoints is None or person.size is None:
        raise ValueError("cut: one unbatched person with image and keypoints is needed; repose.read_person gives one")
    joints = target if isinstance(target, Tensor) else target.keypoints
    if joints is None or tuple(joints.shape) != (len(JOINTS), 3):
        raise ValueError("cut: the target needs keypoints (18, 3)")
    located = person.keypoints[:, 2] > 0
    if not (located[1] and located[[8, 11]].any()):
        warnings.warn(
            f"only {int(located.sum())} joints of the person in the photograph are located, less than a trunk (the "
            "neck and a hip): how large they are is a guess; a photograph that shows more of them serves better",
            stacklevel=2,
        )
    pose = stand(joints, person.keypoints, retargeting, target.size if isinstance(target, Person) else None)
    box = _box(person, pose, canvas)
    how: How = "fit" if box is None else "crop"
    top, left, window_height, window_width = canvas.window
    _, _, height, width = box or (0, 0, *person.size)
    wanted = math.ceil(max(height / window_height, width / window_width) - 0.25)
    times = max(1, min(wanted, math.isqrt(max(1, most_pixels // (canvas.height * canvas.width)))))
    window = (times * top, times * left, times * window_height, times * window_width)
    large = Canvas(f"{canvas.name} x{times}", times * canvas.height, times * canvas.width, window)
    bare = person.only("image", "keypoints")
    small, _ = canvas.put(bare, how, box)
    whole, placement = large.put(bare, how, box)
    posed, _ = canvas.put(Person(keypoints=pose, size=person.size), how, box)
    assert whole.image is not None
    return Cut(small, posed, whole.image, placement, person, pose)


def stand(target: Tensor, source: Tensor, retargeting: bool = True, size: tuple[int, int] | None = None) -> Tensor:
    """The target's pose where the source's person stands, in the pixels of the source's photograph.

    The size is the source's, however much of the two is seen; the lowest ankle stands on the row of the source's, where
    both show ankles, else the hips (or the neck) lie in the same place.

    Legs of which the target shows nothing from the hips or the knees on (a portrait has none) are the source's own. So
    are shins where both ankles are missing and the target's picture is known to end above them. Any other joint that
    is missing is hidden, and stays missing.

    Args:
        target, source: keypoints (18, 3).
        retargeting: give the limbs the source's proportions, see `repose.represent.retarget`.
        size: (height, width) of the target's picture, where it is known.

    Returns:
        float32 keypoints (18, 3); some may lie outside the photograph.
    """
    target, source = target.float(), source.float().to(target.device)
    if retargeting:
        new = retarget(target, source, "source")
    else:
        new = target.clone()
        new[:, :2] *= size_ratio(source, target) * (target[:, 2:] > 0)
    for joint in _not_shown(target, size):
        parent = _PARENT[joint]
        if source[joint, 2] > 0 and source[parent, 2] > 0 and new[parent, 2] > 0:
            new[joint, :2] = new[parent, :2] + source[joint, :2] - source[parent, :2]
            new[joint, 2] = source[joint, 2]
    old, like = source.clone(), new.clone()
    for group in ((10, 13), (8, 11), (1,)):  # both stand on what both have
        rows = list(group)
        if not all(bool((points[rows, 2] > 0).any()) for points in (old, like)):
            old[rows], like[rows] = 0, 0
    shared = (old[:, 2:] > 0) & (like[:, 2:] > 0)
    if not bool((old[[1, 8, 10, 11, 13], 2] > 0).any()):  # compare the middles of the same joints
        old, like = old * shared, like * shared
    if bool((old[:, 2] > 0).any()) and bool((like[:, 2] > 0).any()):
        new[:, :2] += (anchor(old) - anchor(like)) * (new[:, 2:] > 0)
    return new


def figure_mask(keypoints: Tensor, height: int, width: int, loose: float = 1.0) -> Tensor:
    """About where the person with these joints is, with clothes and hair: limbs as thick as limbs are, soft borders.

    Args:
        keypoints: (18, 3), in pixels of the picture; may lie outside.
        height, width: of the picture.
        loose: how many times thicker than usual.

    Returns:
        float32 (1, H, W) in [0, 1].
    """
    size = float(person_size(keypoints)) * loose
    points = keypoints.float().cpu()
    located = points[:, 2] > 0
    whole = torch.zeros(1, height, width)
    top, left, bottom, right = _reach(points, height, width, loose)
    if top >= bottom or left >= right:
        return whole
    times = max(1, int(size / loose) // 60)  # thick limbs need no fine grid
    top, left = top // times * times, left // times * times
    rows, columns = -(-(bottom - top) // times), -(-(right - left) // times)
    y = (torch.arange(rows, dtype=torch.float32) * times + top + (times - 1) / 2)[:, None]
    x = (torch.arange(columns, dtype=torch.float32) * times + left + (times - 1) / 2)[None]
    inside = torch.full((rows, columns), torch.inf)  # distance from the body, negative within it

    def capsule(a: Tensor, b: Tensor, thick: float, thick_end: float) -> None:
        nonlocal inside
        (ax, ay), (dx, dy) = a.tolist(), (b - a).tolist()
        along = (((x - ax) * dx + (y - ay) * dy) / max(dx * dx + dy * dy, 1e-6)).clamp(0, 1)
        away = torch.hypot(x - ax - along * dx, y - ay - along * dy)
        inside = torch.minimum(inside, away - size * (thick + (thick_end - thick) * along))

    for first, second, thick, thick_end in _LIMBS:
        if located[first] and located[second]:
            capsule(points[first, :2], points[second, :2], thick, thick_end)
    for elbow, wrist in ((3, 4), (6, 7)):
        if located[wrist]:
            end = points[wrist, :2]
            forearm = end - points[elbow, :2] if located[elbow] else torch.zeros(2)
            hand = forearm / forearm.norm().clamp_min(1e-6) * size * 0.1
            capsule(end, end + hand, 0.05, 0.06)
    for knee, ankle in ((9, 10), (12, 13)):
        if located[ankle]:
            end = points[ankle, :2]
            shin = end - points[knee, :2] if located[knee] else torch.tensor([0.0, 1.0])
            foot = shin / shin.norm().clamp_min(1e-6) * size * 0.06
            capsule(end, end + foot, 0.06, 0.13)
    face = points[list(_FACE)][located[list(_FACE)], :2]
    if len(face):
        middle = face.mean(0)
        up = torch.tensor([0.0, -1.0])
        if located[1]:
            up = (middle - points[1, :2]) / (middle - points[1, :2]).norm().clamp_min(1e-6)
        capsule(middle - 0.02 * size * up, middle + 0.07 * size * up, 0.115, 0.12)
    soft = size * 0.02 + 0.5
    mask = (0.5 - inside / (2 * soft)).clamp(0, 1)[None, None]
    if times > 1:
        mask = F.interpolate(mask, scale_factor=float(times), mode="bilinear", align_corners=False)
    whole[:, top:bottom, left:right] = mask[0, :, : bottom - top, : right - left]
    return whole


_LIMBS: Final = (
    (1, 0, 0.07, 0.07), (2, 5, 0.06, 0.06), (2, 8, 0.085, 0.09), (5, 11, 0.085, 0.09), (1, 8, 0.08, 0.1),
    (1, 11, 0.08, 0.1), (8, 11, 0.1, 0.1), (2, 3, 0.075, 0.065), (3, 4, 0.065, 0.05), (5, 6, 0.075, 0.065),
    (6, 7, 0.065, 0.05), (8, 9, 0.115, 0.085), (9, 10, 0.085, 0.06), (11, 12, 0.115, 0.085), (12, 13, 0.085, 0.06),
)  # fmt: skip
"""Two joints and how thick the body is there, with clothes, in units of trunk + thigh + shin."""


def put_back(
    made: Cut,
    picture: Tensor,
    shown: Tensor | None = None,
    background: Background = "keep",
    before: Tensor | None = None,
) -> Tensor:
    """The whole photograph with the new figure in place of the old one.

    Args:
        made: the cut that `picture` was made from.
        picture: (3, k H, k W) in [-1, 1], of the size of `made.photograph` or of the canvas.
        shown: (1, H, W), probability that a pixel of the picture shows the person, of any size (the model's
            `extra["person"]`); None: judged by the new figure's joints.
        background: "keep" leaves the photograph as it is, and where only the old figure was it is filled from its
            surroundings; "generated" takes the model's background within the crop, blended at its border; "white".
        before: the same as `shown` for the old figure. With "keep" the old figure is where `known_mask` says; without
            one it is judged by its joints and colours, and by `before` if that is given.

    Returns:
        (3, height, width) of the photograph, in [-1, 1].

    Raises:
        ValueError: another background.
    """
    find_background(background)
    photograph = made.person.image
    assert photograph is not None
    mask = known_mask(made.person) if background == "keep" else None
    y, x = _around(made, mask)
    near = _moved(made, y, x)
    new, inside = _lifted(near, picture)
    share, _ = _lifted(near, _matte(near, picture) if shown is None else _sharper(shown.float()))
    # whoever else the crop shows stays
    share = share * (figure_mask(made.pose, *made.placement.size, loose=2.5)[:, y, x] > 0) * inside
    if background == "white":
        whole = torch.ones_like(photograph)
    elif background == "generated":
        share = torch.maximum(share, _ramp(near) * inside)
        whole = photograph.clone()
    else:
        hole = torch.zeros_like(photograph[:1])
        hole[:, y, x] = _old_figure(near, before) if mask is None else _hidden(near, mask[:, y, x])
        whole = fill(photograph, hole).clone()
    whole[:, y, x] = whole[:, y, x] * (1 - share) + new * share
    return whole


def known_mask(person: Person) -> Tensor | None:
    """The person's mask with what it misses of their bones, (1, H, W) in [0, 1]; None where it is not to be believed.

    Not to be believed is a mask that covers less than 30 % of the middles of the limbs: an empty one, or another
    person's.

    Args:
        person: unbatched, with keypoints, and with a mask or without.
    """
    if person.mask is None:
        return None
    assert person.keypoints is not None
    height, width = (int(side) for side in person.mask.shape[-2:])
    mask = person.mask.float()
    bones = (figure_mask(person.keypoints, height, width, loose=0.6) > 0.5).to(mask.device)
    if bool(bones.any()) and float((mask[bones] > 0.5).float().mean()) < _BELIEVED:
        return None
    return torch.maximum(mask, figure_mask(person.keypoints, height, width, loose=0.8).to(mask.device))


def find_background(name: str) -> Background:
    """The background of this name. ValueError names the nearest one."""
    for known in BACKGROUNDS:
        if name == known:
            return known
    raise ValueError(f"no background is called '{name}'; {nearest(name, BACKGROUNDS)}")


# -- inside ---------------------------------------------------------------------------------------------------------


def _not_shown(target: Tensor, size: tuple[int, int] | None) -> list[int]:
    """The joints of the legs that the target's picture does not show, hips first; see `stand`."""
    there = [bool((target[list(pair), 2] > 0).any()) for pair in _LEGS]
    if there == [True, True, False]:  # knees without ankles: they kneel, or the picture ends
        knees = target[list(_LEGS[1])]
        lowest = float(knees[knees[:, 2] > 0, 1].max())
        if size is None or lowest + 0.3 * float(person_size(target)) < size[0] - 1:
            return []
    return [joint for level, pair in enumerate(_LEGS) if not any(there[level:]) for joint in pair]


def _reach(keypoints: Tensor, height: int, width: int, loose: float) -> Box:
    """(top, left, bottom, right) of what `figure_mask` may cover, within the picture; empty without joints."""
    points = keypoints[keypoints[:, 2] > 0, :2].float().cpu()
    if len(points) == 0:
        return 0, 0, 0, 0
    room = _REACH * loose * float(person_size(keypoints)) + 2
    (x0, y0), (x1, y1) = points.amin(0).tolist(), points.amax(0).tolist()
    top, left = max(0, math.floor(y0 - room)), max(0, math.floor(x0 - room))
    return top, left, min(height, math.ceil(y1 + room) + 1), min(width, math.ceil(x1 + room) + 1)


def _around(made: Cut, mask: Tensor | None) -> tuple[slice, slice]:
    """The rows and columns of the photograph that may change: the crop, the reach of both figures, and the mask."""
    height, width = made.placement.size
    assert made.person.keypoints is not None
    top, left, box_height, box_width = made.placement.box
    # two more, so that the crop does not end where this ends unless the photograph does
    boxes = [(top - 2, left - 2, top + box_height + 2, left + box_width + 2)]
    boxes += [_reach(points, height, width, 2.5) for points in (made.person.keypoints, made.pose)]
    if mask is not None and bool((mask > 0).any()):
        wider = 3 + _seam(made.person.keypoints)
        rows, columns = (torch.nonzero((mask[0] > 0).any(dim))[:, 0] for dim in (1, 0))
        boxes.append((int(rows[0]) - wider, int(columns[0]) - wider, int(rows[-1]) + wider, int(columns[-1]) + wider))
    boxes = [box for box in boxes if box[0] < box[2] and box[1] < box[3]]
    first, last = [max(0, min(box[k] for box in boxes)) for k in (0, 1)], [max(box[k] for box in boxes) for k in (2, 3)]
    return slice(first[0], min(height, last[0])), slice(first[1], min(width, last[1]))


def _moved(made: Cut, y: slice, x: slice) -> Cut:
    """The same cut of a part of the photograph; joints may lie outside of it."""
    person = made.person
    assert person.image is not None
    assert person.keypoints is not None

    def moved(points: Tensor) -> Tensor:
        return points - torch.tensor([x.start, y.start, 0.0]) * (points[:, 2:] > 0)

    image = person.image[:, y, x]
    top, left, height, width = made.placement.box
    placement = Placement(
        (image.shape[1], image.shape[2]), (top - y.start, left - x.start, height, width), made.placement.window
    )
    near = Person(image=image, keypoints=moved(person.keypoints))
    return replace(made, placement=placement, person=near, pose=moved(made.pose))


def _box(person: Person, pose: Tensor, canvas: Canvas) -> Box | None:
    """(top, left, height, width) of the crop, in the window's proportions; inside the photograph where that goes.

    None for a photograph that is to be taken whole.
    """
    assert person.size is not None
    assert person.keypoints is not None
    height, width = person.size
    last = torch.tensor([width - 1.0, height - 1.0])
    figures = [points.float().cpu() for points in (person.keypoints, pose)]
    # what lies outside the photograph cannot be shown
    both = torch.cat([points[points[:, 2] > 0, :2] for points in figures]).clamp_min(0).minimum(last)
    if canvas.fits(person.size, both):
        return None
    low, high = both.amin(0), both.amax(0)
    room = MARGIN * float((high - low).max().clamp_min(1))
    low, high = low - room, high + room
    for points in figures:  # a head is larger than the joints of a face
        face = points[list(_FACE)][points[list(_FACE), 2] > 0, :2]
        if len(face):
            head = HEAD * float(person_size(points))
            low = torch.minimum(low, (face.mean(0) - head).clamp_min(0).minimum(last))
            high = torch.maximum(high, (face.mean(0) + head).clamp_min(0).minimum(last))
    (x0, y0), (x1, y1) = low.tolist(), high.tolist()
    _, _, window_height, window_width = canvas.window
    ratio = window_height / window_width
    new_height = max(y1 - y0, (x1 - x0) * ratio)
    new_height, new_width = max(2, math.ceil(new_height)), max(2, math.ceil(new_height / ratio))
    top = _shifted((y0 + y1) / 2, new_height, height)
    left = _shifted((x0 + x1) / 2, new_width, width)
    return top, left, new_height, new_width


def _shifted(middle: float, length: int, whole: int) -> int:
    """Where a stretch of this length around the middle begins, moved into [0, whole) if it fits."""
    first = round(middle - (length - 1) / 2)
    return min(max(first, 0), whole - length) if length <= whole else first


def _lifted(made: Cut, picture: Tensor) -> tuple[Tensor, Tensor]:
    """(C, h, w) on the canvas, at any size -> (C, height, width) of the photograph; (1, ...), 1 where the crop is.

    One channel is a share in [0, 1], three are a picture in [-1, 1]; cubic curves would overshoot at a share's border.
    """
    height, width = made.placement.size
    top, left, box_height, box_width = made.placement.box
    scale = picture.shape[-2] / made.photograph.shape[-2]
    t, l, h, w = (round(side * scale) for side in made.placement.window)  # noqa: E741
    part = picture[None, :, t : t + h, l : l + w]
    smaller = box_height < h or box_width < w
    alone = len(picture) == 1
    mode = "bilinear" if smaller or alone else "bicubic"
    part = F.interpolate(part, (box_height, box_width), mode=mode, align_corners=False, antialias=smaller)[0]
    part = part.clamp(0 if alone else -1, 1)
    out, inside = picture.new_zeros(len(picture), height, width), picture.new_zeros(1, height, width)
    rows = slice(max(top, 0), min(top + box_height, height))
    columns = slice(max(left, 0), min(left + box_width, width))
    if rows.start < rows.stop and columns.start < columns.stop:
        out[:, rows, columns] = part[:, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        inside[:, rows, columns] = 1
    return out, inside


def _ramp(made: Cut) -> Tensor:
    """1 inside the crop, falling to 0 at its border over 8 % of it; not where the photograph ends there, too."""
    height, width = made.placement.size
    top, left, box_height, box_width = made.placement.box

    def line(length: int, first: int, extent: int) -> Tensor:
        at = torch.arange(length, dtype=torch.float32)
        soft = 0.08 * extent
        from_start = (at - first + 0.5) / soft if first > 0 else torch.ones(length)
        to_end = (first + extent - at - 0.5) / soft if first + extent < length else torch.ones(length)
        share = torch.minimum(from_start, to_end).clamp(0, 1)
        return share * share * (3 - 2 * share)

    return (line(height, top, box_height)[:, None] * line(width, left, box_width))[None]


def _hidden(made: Cut, mask: Tensor) -> Tensor:
    """What a mask of the old figure hides, (1, H, W): shoes and hair have soft borders."""
    assert made.person.keypoints is not None
    return _wider(mask, _seam(made.person.keypoints))


def _seam(keypoints: Tensor) -> int:
    return 1 + round(0.012 * float(person_size(keypoints)))


def _old_figure(made: Cut, before: Tensor | None) -> Tensor:
    """What hides the background, (1, H, W): generously around the bones, and further where colours are the figure's.

    Skirts, bags and the tips of shoes lie off the bones. Their colours occur on the figure, and seldom around it.
    Where a model shows the old figure, `before`, is hidden, too.
    """
    photograph, keypoints = made.person.image, made.person.keypoints
    assert photograph is not None
    assert keypoints is not None
    hole = _by_colour(photograph, keypoints)
    if before is not None:
        seen, _ = _lifted(made, before.float())
        hole = torch.maximum(hole, _wider((seen > 0.3).float(), 1 + round(0.01 * made.placement.box[2])))
    return hole


def _by_colour(photograph: Tensor, keypoints: Tensor) -> Tensor:
    """The old figure by its joints and colours, (1, H, W), see `_old_figure`."""
    _, height, width = photograph.shape
    hole = figure_mask(keypoints, height, width, loose=1.3)
    near = figure_mask(keypoints, height, width, loose=2.2) > 0
    if bool(near.all()):
        return hole
    levels = ((photograph + 1) * 5.999).long().clamp(0, 11)  # (3, H, W)
    colour = (levels[0] * 12 + levels[1]) * 12 + levels[2]
    core, around = figure_mask(keypoints, height, width, loose=0.8)[0] > 0.5, ~near[0]
    on, off = (torch.bincount(colour[part], minlength=12**3).float() for part in (core, around))
    on, off = on / on.sum().clamp_min(1), off / off.sum().clamp_min(1)
    likely = (on / (on + off).clamp_min(1e-9))[colour][None]
    soft = 2 * round(0.01 * float(person_size(keypoints))) + 1
    likely = F.avg_pool2d(likely[None], soft, 1, soft // 2, count_include_pad=False)[0]
    further = (likely > 0.75) & near
    return torch.maximum(hole, _wider(further.float(), 1 + soft // 2))


def _matte(made: Cut, picture: Tensor) -> Tensor:
    """Where a picture shows the new figure, (1, H, W) on the canvas: near its bones, and unlike what is behind it.

    Weak models paint a plain background, and a mask of bones alone would carry a rim of it into the photograph.
    """
    assert made.target.keypoints is not None
    assert made.source.size is not None
    joints = made.target.keypoints
    height, width = made.source.size
    small = F.interpolate(picture[None], (height, width), mode="area")[0]
    sure, perhaps = (figure_mask(joints, height, width, loose) for loose in (0.6, 1.2))
    behind = spread(small, (figure_mask(joints, height, width, 1.4) == 0).float())
    unlike = ((small - behind).abs().amax(0, keepdim=True) - 0.1) / 0.2
    unlike = F.avg_pool2d(unlike.clamp(0, 1)[None], 3, 1, 1, count_include_pad=False)[0]
    return torch.maximum(sure, perhaps * unlike)


def _sharper(share: Tensor) -> Tensor:
    """Probabilities as a cover: what is hardly the person is not, what nearly surely is, is."""
    return ((share - 0.15) / 0.7).clamp(0, 1)


def _wider(mask: Tensor, by: int) -> Tensor:
    """(1, H, W) grown by so many pixels, with a border of one more that is soft."""
    grown = F.max_pool2d(mask[None], (2 * by + 1, 1), 1, (by, 0))
    grown = F.max_pool2d(grown, (1, 2 * by + 1), 1, (0, by))
    return F.avg_pool2d(grown, 3, 1, 1, count_include_pad=False)[0]


__all__ = [
    "BACKGROUNDS",
    "Background",
    "Cut",
    "cut",
    "figure_mask",
    "find_background",
    "known_mask",
    "put_back",
    "stand",
]
