"""Augmentation of training pairs: errors of joints, other crops, things before the person, other light, poor cameras.

`augment` changes a batch of pairs. What it does to a pair depends on 64 random bits of that pair alone, so neither the
batch around it nor the number of processes matters, and a resumed run sees what an unbroken one would.
"""

from __future__ import annotations

import io
import math
from dataclasses import fields, replace
from typing import Any, Final

import numpy as np
import PIL.Image
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.data.augment_config import LIGHT, AugmentConfig
from repose.data.draws import Bits, Draws, mixed
from repose.data.joint_errors import ANKLES, OUTLIER, estimated, inside
from repose.data.occluders import put_occluders
from repose.person import Pair, Person
from repose.represent.canvas import from_uint8, to_uint8
from repose.represent.sampling import sample

__all__ = ["OUTLIER", "AugmentConfig", "Bits", "augment"]


def augment(pair: Pair, config: AugmentConfig, bits: Bits) -> Pair:
    """Change a batch of pairs; the given one stays as it is.

    Args:
        pair: batched, on the CPU. Fields that are absent stay absent.
        config: the strengths. With the defaults `pair` itself is returned.
        bits: uint64 (B,), 64 random bits of each pair (`PairSampler.bits_at`); they decide everything.

    Raises:
        ValueError: no batch, a number of bits that is not the batch's, or people of two sizes or fields.
    """
    if config.off:
        return pair
    if not pair.source.batched or bits.shape != (len(pair),):
        have = f"{len(pair)} pairs" if pair.source.batched else "a pair without a batch"
        raise ValueError(f"augment: a batch of B pairs and bits (B,), got {have} and bits {bits.shape}")
    both = Person.cat([pair.source, pair.target])  # all sources, then all targets: (2B, ...)
    size = both.size
    if size is None:
        raise ValueError("augment: the people have no canvas: give an image or size=(height, width)")
    streams = [np.random.Philox(key=int(number)) for number in bits]
    table = np.stack([stream.random_raw(4 * _NUMBERS) for stream in streams]).reshape(len(bits), 4, _NUMBERS)
    geometry, joints, light, faults = (Draws(table[:, piece]) for piece in range(4))  # none shifts another's numbers
    if config.geometry:
        both = _moved(both, config, geometry)
    if config.occlude:
        put_occluders(both[: len(bits)], both[len(bits) :], config, bits)
    if config.joints and both.keypoints is not None:
        both = replace(both, keypoints=estimated(both.keypoints, size, config, joints))
    if config.light and both.image is not None:
        both = replace(both, image=_relit(both.image, config, light))
    source, target = both[: len(bits)], both[len(bits) :]
    if config.faults and source.image is not None:
        source = replace(source, image=_degraded(source.image, config, faults, streams))
    return Pair(source, target)


_NUMBERS: Final = 1024  # for each of the four pieces, more than any of them takes


# -- geometry ---------------------------------------------------------------------------------------------------------


def _moved(both: Person, config: AugmentConfig, draws: Draws) -> Person:
    """Scale, turn and shift about the middle; sources first, then targets."""
    assert both.size is not None
    height, width = both.size
    some = (draws.uniform() < config.moved).repeat(2).nonzero()[:, 0]  # (M,) of 2B
    drawn = mixed(draws.sided(4), draws.sided(2, 4), config.moved_apart)[some]  # (M, 4)
    if not len(some):
        return both
    people = both[some]
    scale = torch.exp(drawn[:, 0] * math.log1p(config.scale))
    angle = drawn[:, 1] * math.radians(config.rotate)
    shift = drawn[:, 2:] * config.shift * torch.tensor([width, height])  # (M, 2) x and y, pixels

    cut = _cut(people)  # left, right, top, bottom
    scale = torch.where((cut[:, 0] & cut[:, 1]) | (cut[:, 2] & cut[:, 3]), scale.clamp_min(1), scale)
    spare = (scale[:, None] - 1) / 2 * torch.tensor([width, height])  # what a side may move inwards before it is seen
    shift = torch.where(cut[:, [0, 2]], torch.minimum(shift, spare), shift)
    shift = torch.where(cut[:, [1, 3]], torch.maximum(shift, -spare), shift)

    cos, sin = torch.cos(angle), torch.sin(angle)
    dx, dy = shift.unbind(1)
    # a pixel of the result -> where it comes from, -1 to 1 from edge to edge
    back = torch.stack(
        [
            torch.stack([cos, sin * height / width, -(cos * dx + sin * dy) * 2 / width], 1),
            torch.stack([-sin * width / height, cos, (sin * dx - cos * dy) * 2 / height], 1),
        ],
        1,
    )  # (M, 2, 3)
    grid = F.affine_grid(back / scale[:, None, None], [len(some), 1, height, width], align_corners=False)

    changed: dict[str, Tensor] = {}
    if people.image is not None:
        # bilinear would keep half as much of the finest detail, and a network paints as softly as what it is shown
        image = sample(people.image, grid, "bicubic", "border")
        changed["image"] = image.clamp_(-1, 1)
    if people.mask is not None:
        changed["mask"] = sample(people.mask, grid, "bilinear", "zeros")
    for name in ("parsing", "iuv", "depth"):  # there is nothing between a person and what is behind
        value: Tensor | None = getattr(people, name)
        if value is not None:
            planes = value.float()[:, None] if name == "parsing" else value
            new = sample(planes, grid, "nearest", "zeros")
            changed[name] = new[:, 0].long() if name == "parsing" else new
    if people.keypoints is not None:
        middle = torch.tensor([(width - 1) / 2, (height - 1) / 2])
        x, y = (people.keypoints[..., :2] - middle).unbind(-1)
        turned = torch.stack([cos[:, None] * x - sin[:, None] * y, sin[:, None] * x + cos[:, None] * y], -1)
        xy = middle + shift[:, None] + scale[:, None, None] * turned
        changed["keypoints"] = inside(torch.cat([xy, people.keypoints[..., 2:]], -1), both.size)
    out = {name: getattr(both, name).index_copy(0, some, value) for name, value in changed.items()}
    return replace(both, **out)


def _cut(people: Person) -> Tensor:
    """Which sides of the picture the person reaches beyond: bool (M, 4), left, right, top, bottom.

    The mask tells; without one an ankle that is missing stands for the bottom.
    """
    if people.mask is not None:
        mask = people.mask[:, 0] > 0.5
        sides = (mask[:, :, 0], mask[:, :, -1], mask[:, 0], mask[:, -1])
        return torch.stack([side.any(1) for side in sides], 1)
    count = next(len(value) for field in fields(people) if isinstance(value := getattr(people, field.name), Tensor))
    cut = torch.zeros(count, 4, dtype=torch.bool)
    if people.keypoints is not None:
        cut[:, 3] = (people.keypoints[:, ANKLES, 2] == 0).any(1)
    return cut


# -- light ------------------------------------------------------------------------------------------------------------

_LUMA: Final = (0.299, 0.587, 0.114)  # BT.601


def _relit(image: Tensor, config: AugmentConfig, draws: Draws) -> Tensor:
    """Pictures (2B, 3, H, W), sources first, in another light: one matrix for the colours, then gamma."""
    strength = torch.tensor([math.log1p(getattr(config, name)) for name in LIGHT])
    drawn = mixed(draws.sided(len(LIGHT)), draws.sided(2, len(LIGHT)), config.light_apart)
    brightness, contrast, gamma, saturation, warm = torch.exp(drawn * strength).unbind(1)  # (2B,) each
    grey = torch.tensor(_LUMA).expand(3, 3)  # (3, 3) every row gives the luma
    s = saturation[:, None, None]
    matrix = s * torch.eye(3) + (1 - s) * grey  # (2B, 3, 3)
    if config.hue:
        matrix = matrix @ _turned_colours(math.radians(config.hue) * draws.sided() * (draws.uniform() < 0.5)).repeat(
            2, 1, 1
        )
    matrix = matrix * torch.stack([warm, torch.ones_like(warm), 1 / warm], 1)[..., None]
    matrix = matrix * (brightness * contrast)[:, None, None]
    # x -> matrix x + offset on [0, 1]; on [-1, 1] the matrix is the same and the offset another
    offset = matrix.sum(2, keepdim=True) - contrast[:, None, None]
    lit = torch.baddbmm(offset, matrix, image.flatten(2)).clamp_(-1, 1)  # (2B, 3, H W)
    if config.gamma:
        lit = lit.add_(1).div_(2).pow_(gamma[:, None, None]).mul_(2).sub_(1)
    return lit.view_as(image)


def _turned_colours(angle: Tensor) -> Tensor:
    """(B, 3, 3): colours turned about the line of greys, by radians (B,); the mean of the channels stays."""
    cos, sin = torch.cos(angle)[:, None, None], torch.sin(angle)[:, None, None]
    across = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    return cos * torch.eye(3) + (1 - cos) / 3 + sin * across


# -- the camera -------------------------------------------------------------------------------------------------------


def _degraded(image: Tensor, config: AugmentConfig, draws: Draws, streams: list[Any]) -> Tensor:
    """Pictures (B, 3, H, W) with the faults of poor cameras; changed in place, as `augment` works on a copy."""
    height, width = image.shape[-2:]
    coins, strengths = draws.uniform(4), draws.uniform(4)  # (B, 4)
    for number in (coins[:, 0] < config.lowres).nonzero()[:, 0].tolist():
        factor = config.lowres_least + (1 - config.lowres_least) * float(strengths[number, 0])
        small = [max(1, round(factor * side)) for side in (height, width)]
        one = F.interpolate(image[number, None], small, mode="bilinear", antialias=True)
        image[number] = F.interpolate(one, (height, width), mode="bilinear")[0].clamp(-1, 1)
    for number in (coins[:, 1] < config.blur).nonzero()[:, 0].tolist():
        sigma = config.blur_most * height * float(strengths[number, 1])
        image[number] = _blur(height, sigma) @ image[number] @ _blur(width, sigma).T
    for number in (coins[:, 2] < config.noise).nonzero()[:, 0].tolist():
        # the sum of four numbers of 16 bits is near enough to normal, and takes no logarithm a pixel
        parts = streams[number].random_raw(image[number].numel()).view(np.uint16).reshape(4, -1)
        normal = torch.from_numpy((parts.sum(0, dtype=np.float32) - 2 * 65535) * np.float32(math.sqrt(3) / 65536))
        image[number] += 2 * config.noise_most * strengths[number, 2] * normal.view_as(image[number])
    image.clamp_(-1, 1)
    least, most = config.jpeg_quality
    for number in (coins[:, 3] < config.jpeg).nonzero()[:, 0].tolist():
        image[number] = _compressed(image[number], least + int((most - least + 1) * float(strengths[number, 3])))
    return image


def _blur(length: int, sigma: float) -> Tensor:
    """A Gaussian along one side as a matrix (length, length); rows sum to 1, also at the border."""
    place = torch.arange(length, dtype=torch.float32)
    matrix = torch.exp(-0.5 * ((place[:, None] - place) / max(sigma, 1e-3)).square())
    return matrix / matrix.sum(1, keepdim=True)


def _compressed(image: Tensor, quality: int) -> Tensor:
    """One picture (3, H, W) through JPEG."""
    file = io.BytesIO()
    PIL.Image.fromarray(to_uint8(image)).save(file, "JPEG", quality=quality)
    with PIL.Image.open(file, formats=("JPEG",)) as back:
        return from_uint8(np.array(back))
