"""Samples for the training of the parser (`repose.train.parser`): people of a store as photographs would show them.

A sample is a crop around the joints as `repose.estimate.person_parsing` takes it, of a photograph that may be cut above
or below (half bodies), before another background, with things and passers-by, in other light, with the faults of
poor cameras, and with joints as a detector finds them. Step t depends on the seed and t alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.data.augment import augment
from repose.data.augment_config import AugmentConfig
from repose.data.store import Store
from repose.estimate.bodypix import MIRRORED, BodyPix
from repose.estimate.parsing_network import BODY_CELL
from repose.estimate.person_parsing import Crop, body_channels, crop_around
from repose.files import replacing
from repose.person import LIP_LABELS, Pair, Person
from repose.represent.canvas import to_uint8
from repose.represent.parsing import fold_neck
from repose.represent.sampling import sample

FIELDS: Final = ("image", "keypoints", "parsing", "mask")

CHANGES: Final = AugmentConfig(
    jitter=0.015, outlier=0.02, swap=0.02, drop=0.04, drop_limb=0.04, drop_face=0.05, ghost=0.2,
    brightness=0.3, contrast=0.3, gamma=0.25, saturation=0.5, hue=25.0, temperature=0.12, light_apart=1.0,
    occlude=0.35, occlude_most=0.3, lowres=0.5, lowres_least=0.2, blur=0.15, blur_most=0.008,
    noise=0.2, noise_most=0.04, jpeg=0.4, jpeg_quality=(25, 95),
)  # fmt: skip
"""Joints as a detector finds them, light, things before the person, and faults."""

_RARE: Final = ("hat", "glove", "sunglasses", "dress", "jumpsuits", "scarf", "skirt")
_OFTEN: Final = 2.0  # added to the odds of a picture that shows one of these
_WITH_BODY: Final = 0.6  # share of the samples that keep BodyPix's maps, if the record has them
_VIEWS: Final = (0.55, 0.25, 0.1, 0.1)  # the photograph as it is, cut below, cut above, any window
_BACKGROUND: Final = 0.35  # share of the samples that get another background
_NEAREST: Final = 24.0  # pixels: no window of a photograph is smaller


@dataclass(frozen=True)
class Samples:
    """A batch for the network.

    Attributes:
        image: (B, 3, H, W) in [-1, 1]. keypoints: (B, 18, 3) in its pixels. body: (B, 26, H/8, W/8), zeros where
            BodyPix is left out. labels: int64 (B, H, W).
    """

    image: Tensor
    keypoints: Tensor
    body: Tensor
    labels: Tensor


def write_body(
    store: Store, path: Path, records: npt.NDArray[np.int64], bodypix: BodyPix, say: Callable[[str], None] = print
) -> None:
    """BodyPix's maps of some records of a store, as `ParsingSource` takes them: an .npz file with "maps" and "records".

    A file that is there is left as it is.
    """
    if path.is_file():
        return
    cells = store.size[0] // BODY_CELL, store.size[1] // BODY_CELL
    maps = np.zeros((len(records), 25, *cells), np.uint8)
    for number, record in enumerate(records):
        person = store.person([int(record)], ("image", "keypoints"))[0]
        assert person.image is not None
        assert person.keypoints is not None
        if bool((person.keypoints[:, 2] > 0).any()):
            seen = bodypix.look(to_uint8(person.image), person.keypoints)
            maps[number] = (body_channels(seen, Crop(0, 0, 1), cells) * 255).round().numpy()
        if number % 500 == 0:
            say(f"BodyPix: {number} of {len(records)}")
    with replacing(path) as part, part.open("wb") as file:
        np.savez(file, maps=maps, records=records)


class ParsingSource:
    """Draws batches of samples from a store.

    Args:
        store: with image, keypoints, parsing and mask.
        split: whose records are drawn.
        body: file of `write_body`; None leaves BodyPix out of every sample.
        seed: of everything random.
        records: only these of the split; None takes all.
    """

    def __init__(
        self, store: Store, split: str, body: Path | None, seed: int, records: npt.NDArray[np.int64] | None = None
    ) -> None:
        self.store, self.seed = store, seed
        self.records = store.split(split).numpy() if records is None else records
        self._maps: npt.NDArray[np.uint8] | None = None
        self._row = np.full(len(store), -1)
        if body is not None:
            with np.load(body) as file:
                self._maps = file["maps"]
                self._row[file["records"]] = np.arange(len(file["records"]))
        self.pixels, odds = self._counted()
        self._odds = odds / odds.sum()

    def batch(self, step: int, count: int, size: tuple[int, int]) -> Samples:
        """Sample `count` (even) crops of (H, W) for a step of training."""
        rng = np.random.default_rng([self.seed, step])
        records = rng.choice(self.records, size=count, p=self._odds)
        people = self.store.person(records, FIELDS)
        body = self._body(records, rng)
        people, body = _cropped(people, body, size, rng)
        flipped = torch.from_numpy(rng.random(count) < 0.5)
        people, body = _mirrored(people, body, flipped)
        people = _before_others(people, rng)
        half = count // 2
        bits = rng.integers(0, 2**63, size=half, dtype=np.uint64)
        both = augment(Pair(people[:half], people[half:]), CHANGES, bits)
        people = Person.cat([both.source, both.target])
        assert people.image is not None
        assert people.keypoints is not None
        assert people.parsing is not None
        return Samples(people.image, people.keypoints, body, people.parsing)

    def _body(self, records: npt.NDArray[np.int64], rng: np.random.Generator) -> Tensor:
        """(B, 26, h, w) of the whole photographs; the last channel is 1 where BodyPix was asked."""
        cells = self.store.size[0] // BODY_CELL, self.store.size[1] // BODY_CELL
        out = torch.zeros(len(records), 26, *cells)
        kept = rng.random(len(records)) < _WITH_BODY
        if self._maps is not None:
            for number, record in enumerate(records):
                if kept[number] and self._row[record] >= 0:
                    out[number, :-1] = torch.from_numpy(self._maps[self._row[record]]).float() / 255
                    out[number, -1] = 1
        return out

    def _counted(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Pixels of each label in all records, (20,), and the odds of each record, (N,)."""
        pixels, odds = np.zeros(len(LIP_LABELS)), np.ones(len(self.records))
        rare = [LIP_LABELS.index(name) for name in _RARE]
        for number, record in enumerate(self.records):
            parsing = self.store.person([int(record)], ("parsing",)).parsing
            assert parsing is not None
            count = np.bincount(fold_neck(parsing).numpy().ravel(), minlength=len(LIP_LABELS))
            pixels += count
            odds[number] += _OFTEN * (count[rare] > 20).any()
        return pixels, odds


# -- the crop -------------------------------------------------------------------------------------------------------


def _cropped(people: Person, body: Tensor, size: tuple[int, int], rng: np.random.Generator) -> tuple[Person, Tensor]:
    """Windows of the photographs, and crops of (H, W) around the people in them; beyond a window the picture is 0."""
    assert people.size is not None
    assert people.image is not None
    assert people.keypoints is not None
    assert people.parsing is not None
    assert people.mask is not None
    height, width = people.size
    count = len(people)
    windows = [_window(joints.numpy(), height, width, rng) for joints in people.keypoints]
    thetas, keypoints = [], people.keypoints.clone()
    valid = torch.zeros(count, 1, height, width)
    for number, (top, left, bottom, right) in enumerate(windows):
        valid[number, :, top:bottom, left:right] = 1
        joints = keypoints[number]
        seen = (joints[:, 0] >= left - 0.5) & (joints[:, 0] < right - 0.5)
        seen &= (joints[:, 1] >= top - 0.5) & (joints[:, 1] < bottom - 0.5)
        joints[~seen] = 0
        near = joints - torch.tensor([left, top, 0.0]) * (joints[:, 2:] > 0)
        crop = crop_around(near, bottom - top, right - left, size)
        pixel = crop.pixel * math.exp(rng.uniform(-0.2, 0.2))
        x = crop.left + left + size[1] * crop.pixel / 2 + rng.normal(0, 0.04) * size[1] * pixel
        y = crop.top + top + size[0] * crop.pixel / 2 + rng.normal(0, 0.04) * size[0] * pixel
        angle = math.radians(rng.normal(0, 5) if rng.random() < 0.5 else 0.0)
        theta, keypoints[number] = _moved(joints, (x, y), pixel, angle, size, (height, width))
        thetas.append(theta)
    where = torch.stack(thetas)
    grid = F.affine_grid(where, [count, 1, *size], align_corners=False)
    image = people.image
    if size[0] <= 0.6 * height:  # a crop of half the resolution would alias
        image = F.avg_pool2d(image, 2)
    inside = sample(valid, grid, "nearest", "zeros")
    image = sample(image, grid, "bilinear", "border") * inside
    mask = sample(people.mask, grid, "bilinear", "zeros") * inside
    parsing = sample(fold_neck(people.parsing).float()[:, None], grid, "nearest", "zeros") * inside
    cells = [count, 1, size[0] // BODY_CELL, size[1] // BODY_CELL]
    coarse = F.affine_grid(where, cells, align_corners=False)
    there = sample(valid, coarse, "nearest", "zeros")
    asked = body[:, -1:].amax((2, 3), keepdim=True)
    body = sample(body, coarse, "bilinear", "border") * there
    body[:, -1:] = asked
    return Person(image, keypoints, parsing[:, 0].long(), mask=mask), body


def _window(joints: npt.NDArray[np.float32], height: int, width: int, rng: np.random.Generator) -> tuple[int, ...]:
    """(top, left, bottom, right) of the part of a photograph that is shown; a joint lies in it."""
    kind = rng.choice(4, p=_VIEWS)
    located = joints[joints[:, 2] > 0, :2]
    whole = 0, 0, height, width
    if kind == 0 or len(located) < 5:
        return whole
    low, high = located[:, 1].min(), located[:, 1].max()
    tall = high - low
    if tall < _NEAREST:
        return whole
    top, left, bottom, right = 0.0, 0.0, float(height), float(width)
    if kind in (1, 3):  # from the chest to the shins
        bottom = low + tall * rng.uniform(0.2, 0.9)
    if kind == 2 or (kind == 3 and rng.random() < 0.5):
        top = low + tall * rng.uniform(0.1, 0.55)
    if kind == 3:
        middle, spread = located[:, 0].mean(), max(tall, located[:, 0].max() - located[:, 0].min())
        left, right = middle - spread * rng.uniform(0.15, 0.6), middle + spread * rng.uniform(0.15, 0.6)
    box = round(max(0, top)), round(max(0, left)), round(min(height, bottom)), round(min(width, right))
    here = (located >= [box[1], box[0]]) & (located < [box[3] - 1, box[2] - 1])
    if box[2] - box[0] < _NEAREST or box[3] - box[1] < _NEAREST or not here.all(1).any():
        return whole
    return box


def _moved(
    joints: Tensor, middle: tuple[float, float], pixel: float, angle: float, size: tuple[int, int],
    photograph: tuple[int, int],
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The map from a crop to the photograph for `affine_grid`, (2, 3), and the joints in pixels of the crop."""
    cos, sin = pixel * math.cos(angle), pixel * math.sin(angle)
    (x, y), (rows, columns), (height, width) = middle, size, photograph
    theta = torch.tensor(
        [
            [cos * columns / width, -sin * rows / width, 2 * x / width - 1],
            [sin * columns / height, cos * rows / height, 2 * y / height - 1],
        ]
    )
    away = joints[:, :2] + 0.5 - torch.tensor([x, y])
    back = torch.tensor([[cos, sin], [-sin, cos]]) / pixel**2
    places = away @ back.T + torch.tensor([columns, rows]) / 2 - 0.5
    stays = (joints[:, 2:] > 0) & (places >= -0.5).all(1, keepdim=True)
    stays &= (places < torch.tensor([columns - 0.5, rows - 0.5])).all(1, keepdim=True)
    return theta, torch.where(stays, torch.cat([places, joints[:, 2:]], 1), 0.0)


def _mirrored(people: Person, body: Tensor, which: Tensor) -> tuple[Person, Tensor]:
    """Some people mirrored, left and right exchanged, with BodyPix's parts."""
    if not bool(which.any()):
        return people, body
    mirrored = people[which].flip()
    changed = {}
    for name in FIELDS:
        old = getattr(people, name)
        changed[name] = old.index_copy(0, which.nonzero()[:, 0], getattr(mirrored, name))
    order = [0, *(1 + part for part in MIRRORED), 25]
    body = body.clone()
    body[which] = body[which].flip(-1)[:, order]
    return replace(people, **changed), body


# -- the background -------------------------------------------------------------------------------------------------


def _before_others(people: Person, rng: np.random.Generator) -> Person:
    """Some people cut out and set before another photograph of the batch, or before colours and noise."""
    assert people.image is not None
    assert people.mask is not None
    assert people.parsing is not None
    image, parsing = people.image.clone(), people.parsing.clone()
    height, width = image.shape[-2:]
    for number in np.flatnonzero(rng.random(len(image)) < _BACKGROUND):
        if rng.random() < 0.5:
            other = people.image[int(rng.integers(len(image)))]
            share = rng.uniform(0.4, 1.0)
            rows, columns = max(8, round(share * height)), max(8, round(share * width))
            top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
            part = other[None, :, top : top + rows, left : left + columns].flip(-1)
            behind = F.interpolate(part, (height, width), mode="bilinear")[0]
            behind = (behind * rng.uniform(0.5, 1.2) + rng.uniform(-0.3, 0.3)).clamp(-1, 1)
        else:
            behind = _noise(height, width, rng)
        alpha = (1.6 * people.mask[number] - 0.55).clamp(0, 1)  # the outermost pixels hold some of the old background
        image[number] = alpha * image[number] + (1 - alpha) * behind
        parsing[number] *= alpha[0] > 0.3
    return replace(people, image=image, parsing=parsing)


def _noise(height: int, width: int, rng: np.random.Generator) -> Tensor:
    """Colours and patches of several sizes, (3, H, W) in [-1, 1]."""
    out = torch.tensor(rng.uniform(-0.8, 0.8, (3, 1, 1)), dtype=torch.float32).expand(3, height, width).clone()
    for cells in (2, 6, 20, 64):
        strength = rng.uniform(0, 0.6)
        patches = torch.tensor(rng.normal(0, strength, (1, 3, cells, cells)), dtype=torch.float32)
        mode = "bilinear" if rng.random() < 0.6 else "nearest"
        out += F.interpolate(patches, (height, width), mode=mode)[0]
    return out.clamp(-1, 1)


__all__ = ["CHANGES", "ParsingSource", "Samples", "write_body"]
