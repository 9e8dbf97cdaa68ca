"""A person in a whole photograph: cut out onto a model's canvas with a pose that stands in their place, and put back.

    made = cut(person, pose, canvas)                     # what the model takes, at its size
    picture = generator.enlarge(output, made.photograph[None])[0]
    whole = put_back(made, picture, output.extra.get("person"))

The new figure stands where the old one stood: on the same ground, in the same column, as tall, of the same build.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.fill import fill, spread
from repose.person import JOINTS, Person
from repose.represent.canvas import Box, Canvas, How, Placement
from repose.represent.retarget import anchor, person_size, retarget, size_ratio
from repose.words import nearest

Background = Literal["keep", "generated", "white"]
BACKGROUNDS: Final[tuple[Background, ...]] = ("keep", "generated", "white")

MARGIN: Final = 0.11
"""Room around the joints, a share of their extent: about what Market-1501 leaves (0.09 above, 0.12 below)."""

MOST_PIXELS: Final = 4_000_000
"""The crop is carried at no more pixels than that, for memory."""

_PAIRED: Final = ((3, 6), (4, 7), (8, 11), (9, 12), (10, 13))
"""Joints that a target whose picture ends above them lacks on both sides."""

_PARENT: Final = {3: 2, 6: 5, 4: 3, 7: 6, 8: 1, 11: 1, 9: 8, 12: 11, 10: 9, 13: 12}


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

    The crop encloses the old figure and the new one, as far as the photograph goes; a photograph that has the canvas's
    proportions and that both fill is taken whole.

    Args:
        person: unbatched, with image and keypoints.
        target: a person with the pose, or its keypoints (18, 3), in any pixels: see `stand`.
        canvas: of the model.
        retargeting: give the pose the person's own build.
        most_pixels: of the crop at k times the canvas, at most; k is 1 at least.

    Raises:
        ValueError: a person without image or joints, or a batch.
    """
    if person.batched or person.image is None or person.keypoints is None or person.size is None:
        raise ValueError("cut: one unbatched person with image and keypoints is needed; repose.read_person gives one")
    joints = target if isinstance(target, Tensor) else target.keypoints
    if joints is None or tuple(joints.shape) != (len(JOINTS), 3):
        raise ValueError("cut: the target needs keypoints (18, 3)")
    pose = stand(joints, person.keypoints, retargeting)
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


def stand(target: Tensor, source: Tensor, retargeting: bool = True) -> Tensor:
    """The target's pose where the source's person stands, in the pixels of the source's photograph.

    The size is the source's, however much of the two is seen; the lowest ankle stands on the row of the source's, where
    both show ankles, else the hips (or the neck) lie in the same place. Joints below the lower border of the target's
    picture, which both sides lack (a portrait has no legs), are the source's own.

    Args:
        target, source: keypoints (18, 3).
        retargeting: give the limbs the source's proportions, see `repose.represent.retarget`.

    Returns:
        float32 keypoints (18, 3); some may lie outside the photograph.
    """
    target, source = target.float(), source.float().to(target.device)
    if retargeting:
        new = retarget(target, source, "source")
    else:
        new = target.clone()
        new[:, :2] *= size_ratio(source, target) * (target[:, 2:] > 0)
    for pair in _PAIRED:
        if not bool((new[list(pair), 2] > 0).any()):
            for joint in pair:
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
    times = max(1, int(size / loose) // 60)  # thick limbs need no fine grid
    rows, columns = -(-height // times), -(-width // times)
    y = (torch.arange(rows, dtype=torch.float32) * times + (times - 1) / 2)[:, None]
    x = (torch.arange(columns, dtype=torch.float32) * times + (times - 1) / 2)[None]
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
    face = points[[0, 14, 15, 16, 17]][located[[0, 14, 15, 16, 17]], :2]
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
    return mask[0, :, :height, :width]


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
        before: the same as `shown` for the old figure; None: `made.person.mask`, else judged by its joints.

    Returns:
        (3, height, width) of the photograph, in [-1, 1].

    Raises:
        ValueError: another background.
    """
    find_background(background)
    photograph, person = made.person.image, made.person
    assert photograph is not None
    assert person.keypoints is not None
    height, width = made.placement.size
    new, inside = _lifted(made, picture)
    share, _ = _lifted(made, _matte(made, picture) if shown is None else _sharper(shown.float()))
    # whoever else the crop shows stays
    share = share * (figure_mask(made.pose, height, width, loose=2.5) > 0) * inside
    if background == "white":
        return torch.ones_like(photograph) * (1 - share) + new * share
    if background == "generated":
        share = torch.maximum(share, _ramp(made) * inside)
        return photograph * (1 - share) + new * share
    if person.mask is not None:
        hole = person.mask.float()
        # shoes and hair have soft borders
        hole = _wider(hole, 1 + round(0.012 * float(person_size(person.keypoints))))
    else:
        hole = _old_figure(photograph, person.keypoints)
        if before is not None:
            seen, _ = _lifted(made, before.float())
            hole = torch.maximum(hole, _wider((seen > 0.3).float(), 1 + round(0.01 * made.placement.box[2])))
    behind = fill(photograph, hole)
    return behind * (1 - share) + new * share


def find_background(name: str) -> Background:
    """The background of this name. ValueError names the nearest one."""
    for known in BACKGROUNDS:
        if name == known:
            return known
    raise ValueError(f"no background is called '{name}'; {nearest(name, BACKGROUNDS)}")


# -- inside ---------------------------------------------------------------------------------------------------------


def _box(person: Person, pose: Tensor, canvas: Canvas) -> Box | None:
    """(top, left, height, width) of the crop, in the window's proportions; inside the photograph where that goes.

    None for a photograph that is to be taken whole.
    """
    assert person.size is not None
    assert person.keypoints is not None
    height, width = person.size
    _, _, window_height, window_width = canvas.window
    ratio = window_height / window_width
    both = torch.cat([points[points[:, 2] > 0, :2] for points in (person.keypoints.cpu(), pose.cpu())])
    (x0, y0), (x1, y1) = both.amin(0).tolist(), both.amax(0).tolist()
    # what lies outside the photograph cannot be shown
    x0, x1 = max(x0, 0.0), min(x1, width - 1.0)
    y0, y1 = max(y0, 0.0), min(y1, height - 1.0)
    tall, wide = max(y1 - y0, 1.0), max(x1 - x0, 1.0)
    if abs(height / width / ratio - 1) < 0.1 and tall > 0.5 * height:
        return None
    room = MARGIN * max(tall, wide)
    new_height = max(tall + 2 * room, (wide + 2 * room) * ratio)
    new_height, new_width = max(2, math.ceil(new_height)), max(2, math.ceil(new_height / ratio))
    top = _shifted((y0 + y1) / 2, new_height, height)
    left = _shifted((x0 + x1) / 2, new_width, width)
    return top, left, new_height, new_width


def _shifted(middle: float, length: int, whole: int) -> int:
    """Where a stretch of this length around the middle begins, moved into [0, whole) if it fits."""
    first = round(middle - (length - 1) / 2)
    return min(max(first, 0), whole - length) if length <= whole else first


def _lifted(made: Cut, picture: Tensor) -> tuple[Tensor, Tensor]:
    """(C, h, w) on the canvas, at any size -> (C, height, width) of the photograph; (1, ...), 1 where the crop is."""
    height, width = made.placement.size
    top, left, box_height, box_width = made.placement.box
    scale = picture.shape[-2] / made.photograph.shape[-2]
    t, l, h, w = (round(side * scale) for side in made.placement.window)  # noqa: E741
    part = picture[None, :, t : t + h, l : l + w]
    smaller = box_height < h or box_width < w
    mode = "bilinear" if smaller else "bicubic"
    part = F.interpolate(part, (box_height, box_width), mode=mode, align_corners=False, antialias=smaller)[0]
    part = part.clamp(-1, 1)
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


def _old_figure(photograph: Tensor, keypoints: Tensor) -> Tensor:
    """What hides the background, (1, H, W): generously around the bones, and further where colours are the figure's.

    Skirts, bags and the tips of shoes lie off the bones. Their colours occur on the figure, and seldom around it.
    """
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


__all__ = ["BACKGROUNDS", "Background", "Cut", "cut", "figure_mask", "find_background", "put_back", "stand"]
