"""Things before the person in the source's picture: balls, boxes, poles, bags and passers-by.

Where a thing stands the person ends: `mask`, `iuv`, `parsing` and `depth` become 0, and a visible joint becomes an
occluded one. The target's picture stays, so a network learns to tell body from what hides it. Some passers-by stand
beside the person, or behind: these change the picture alone.

Passers-by are cut out of the pair's own two pictures, in other colours. Everything depends on the pair and its 64 bits.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.data.augment_config import AugmentConfig
from repose.data.draws import Bits, Numbers
from repose.data.occluder_shapes import SHAPES, Array, Place, Thing, covered, window
from repose.person import Person

_MOST_THINGS: Final = 3


def put_occluders(source: Person, target: Person, config: AugmentConfig, bits: Bits) -> None:
    """Put things before, and passers-by around, the people of `source`, in place.

    The person is where the mask is above 0.5; without a mask, where there is a label, a part or a depth; without these,
    in the box around the joints. Without any of them a pair stays as it is.

    Args:
        source: (B), changed in place.
        target: (B), of the same fields; its people walk by in the sources.
        config: `occlude` and `occlude_most` are read.
        bits: uint64 (B,), 64 random bits of each pair.
    """
    for number, key in enumerate(bits):
        numbers = Numbers(int(key))
        if numbers.uniform() < config.occlude:
            _put(source[number], target[number], config.occlude_most, numbers)


def _put(source: Person, target: Person, most: float, numbers: Numbers) -> None:
    """One source, in place."""
    place = _place(source)
    if place is None:
        return
    before: list[Thing] = []
    behind: list[Thing] = []
    left = most * place.area  # pixels of the box that may still be covered
    count = 1 + numbers.below(_MOST_THINGS)
    seen = [person for person in (target, source) if person.image is not None and _outlined(person)]
    for number in range(count):
        area = left / (count - number) * numbers.uniform(0.25, 1.0)
        if seen and numbers.uniform() < 0.3:
            things, front = _passers_by(place, seen[numbers.below(len(seen))], numbers), numbers.uniform() < 0.5
        else:
            things, front = [SHAPES[numbers.below(len(SHAPES))](place, area, numbers)], True
        fit = [thing for thing in things if thing.alpha.size]
        thing = next((thing for thing in fit if covered(thing, place) <= left), None) if front else None
        if thing is not None:
            before.append(thing)
            left -= covered(thing, place)
        elif fit and place.person is not None:
            behind.append(fit[0])

    image = None if source.image is None else source.image.numpy()
    if image is not None and place.person is not None:
        for thing in behind:
            _paint(image, thing, 1 - place.person[thing.window])
    for thing in before:
        if image is not None:
            _paint(image, thing)
        _erase(source, thing)


def _place(person: Person) -> Place | None:
    """Where somebody is, or None: nobody is there, or nothing says where."""
    assert person.size is not None
    joints = None if person.keypoints is None else person.keypoints.numpy()
    where = _silhouette(person)
    if where is not None:
        inside = where > 0.5
        rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        if not len(rows):
            return None
        box = int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
    else:
        located = None if joints is None else joints[joints[:, 2] > 0, :2]
        if located is None or not len(located):
            return None
        (x0, y0), (x1, y1) = located.min(0), located.max(0)
        margin = 0.1 * max(x1 - x0, y1 - y0) + 1
        box = (
            max(0, math.floor(y0 - margin)), max(0, math.floor(x0 - margin)),
            min(person.size[0], math.ceil(y1 + margin) + 1), min(person.size[1], math.ceil(x1 + margin) + 1),
        )  # fmt: skip
        if box[0] >= box[2] or box[1] >= box[3]:
            return None
    return Place(*box, person=where, joints=joints, size=person.size)


def _outlined(person: Person) -> bool:
    """Whether `_silhouette` has one."""
    return any(value is not None for value in (person.mask, person.parsing, person.iuv, person.depth))


def _silhouette(person: Person) -> Array | None:
    """float (H, W), 1 on the person; None where no field tells. Of a mask it is a copy."""
    if person.mask is not None:
        mask: Array = person.mask[0].numpy().astype(np.float32)
        return mask
    for labels in (person.parsing, person.iuv, person.depth):
        if labels is not None:
            plane: Array = ((labels if labels.ndim == 2 else labels[0]) > 0).float().numpy()
            return plane
    return None


# -- into the picture -------------------------------------------------------------------------------------------------


def _paint(image: Array, thing: Thing, free: Array | None = None) -> None:
    """Over a picture (3, H, W), in place; where `free` is 0 nothing is painted."""
    rows, columns = thing.window
    under = image[:, rows, columns]
    alpha, shade = thing.alpha, thing.shade
    if free is not None:
        alpha = alpha * free
        shade = None if shade is None else 1 - (1 - shade) * free
    if shade is not None:
        under += 1
        under *= shade
        under -= 1
    under += alpha * (thing.image - under)


def _erase(source: Person, thing: Thing) -> None:
    """The person ends where the thing begins; joints under it are occluded ones."""
    rows, columns = thing.window
    hidden = thing.alpha >= 0.5
    if source.mask is not None:
        source.mask.numpy()[0, rows, columns] *= 1 - thing.alpha
    for labels in (source.parsing, source.iuv, source.depth):
        if labels is not None:
            labels.numpy()[..., rows, columns] *= ~hidden
    if source.keypoints is not None:
        joints = source.keypoints.numpy()
        x = np.floor(joints[:, 0] + 0.5).astype(np.int64) - columns.start
        y = np.floor(joints[:, 1] + 0.5).astype(np.int64) - rows.start
        inside = (joints[:, 2] == 1) & (x >= 0) & (x < hidden.shape[1]) & (y >= 0) & (y < hidden.shape[0])
        inside[inside] = hidden[y[inside], x[inside]]
        joints[inside, 2] = 0.5


# -- passers-by -------------------------------------------------------------------------------------------------------


def _passers_by(place: Place, who: Person, numbers: Numbers) -> list[Thing]:
    """Somebody cut out of a picture, in other colours and another size, in up to three places, each further aside."""
    silhouette, there = _silhouette(who), _place(who)
    if silhouette is None or there is None or who.image is None:
        return []
    rows, columns = slice(there.top, there.bottom), slice(there.left, there.right)
    alpha = torch.from_numpy(silhouette)[None, rows, columns]
    # colours in [0, 1] times alpha, so that what is around the person does not come along
    cut = torch.cat([(who.image[:, rows, columns] + 1).mul_(0.5).mul_(alpha), alpha])[None]  # (1, 4, h, w)
    scale = math.exp(numbers.uniform(math.log(0.4), 0.0)) * place.height / there.height
    height, width = max(round(there.height * scale), 4), max(round(there.width * scale), 2)
    cut = F.interpolate(cut, (height, width), mode="bilinear", antialias=True)[0]
    if numbers.uniform() < 0.5:
        cut = cut.flip(-1)
    alpha = cut[3]
    colours = _recoloured(cut[:3] / alpha.clamp_min(1e-3), numbers).mul_(2).sub_(1).clamp_(-1, 1)  # (3, h, w)
    # the outermost pixels of a person hold some of the old background: leave them out
    image, covers = colours.numpy(), (1.6 * alpha - 0.55).clamp_(0, 1).numpy()
    middle, side = (place.left + place.right) / 2, numbers.side()
    apart = numbers.uniform(0.2, 0.6) * (place.width + width)  # from centre to centre; at a half the boxes touch
    foot = place.bottom + numbers.uniform(-0.1, 0.1) * place.height
    return [
        _cut_out(image, covers, round(middle + side * apart * further - width / 2), round(foot) - height, place.size)
        for further in (1.0, 1.4, 1.8)
    ]


def _recoloured(image: Tensor, numbers: Numbers) -> Tensor:
    """A picture (3, h, w) in [0, 1] with its channels partly exchanged, and brighter or darker."""
    orders = ((0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))
    order, share = orders[numbers.below(len(orders))], numbers.uniform(0.1, 0.7)
    matrix = (1 - share) * torch.eye(3) + share * torch.eye(3)[list(order)]
    gains = torch.tensor([[numbers.uniform(0.7, 1.3)] for _ in range(3)])
    return ((matrix * gains) @ image.flatten(1)).view_as(image)


def _cut_out(image: Array, alpha: Array, left: int, top: int, size: tuple[int, int]) -> Thing:
    """A picture (3, h, w) with its first pixel at (left, top) of a picture of (H, W)."""
    pixels = window(left, top, left + alpha.shape[1] - 1, top + alpha.shape[0] - 1, size)
    rows, columns = (slice(part.start - at, part.stop - at) for part, at in zip(pixels, (top, left), strict=True))
    return Thing(pixels, alpha[rows, columns], image[:, rows, columns])
