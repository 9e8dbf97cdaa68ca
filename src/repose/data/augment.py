"""Augmentation of training pairs: joints with the errors of an estimator, other crops, other light, poor cameras.

`augment` changes a batch of pairs. What it does to a pair depends on 64 random bits of that pair alone, so neither the
batch around it nor the number of processes matters, and a resumed run sees what an unbroken one would.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import PIL.Image
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.person import JOINTS, MIRROR, Pair, Person
from repose.represent.canvas import from_uint8, to_uint8

Bits = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class AugmentConfig:
    """How strongly pairs are changed; with the defaults they are not (`off`).

    Joints, of both people; pictures and labels stay.

    Attributes:
        jitter: standard deviation of a joint's error in x and y, a share of the person's height.
        outlier: probability of a joint to be off by `OUTLIER` more.
        swap: probability of a person to have left and right exchanged: wrists, or elbows and wrists, or whole arms;
            likewise legs.
        drop: probability of a joint to be missing; twice that for wrists, ankles and the face, half for shoulders, hips
            and neck, three times as much where occluded.
        drop_limb: probability of a person to lose a forearm with its elbow, or a lower leg with its knee.
        drop_face: probability of a person to lose nose and eyes, in half of the cases the ears, too.
        ghost: probability of a joint that is missing below the picture to be seen at its lower border, under the joint
            before it; twice that for hips.

    Geometry: pictures, joints and labels move together. A side where the person leaves the picture stays one,
    unless the picture is turned.

        scale: 0.2 draws a factor from 1 / 1.2 to 1.2.
        shift: share of the height, and of the width, to either side.
        rotate: degrees to either side.
        moved: share of the pairs that are moved at all; the others stay as sharp as they are.
        moved_apart: share of the movement that each picture draws for itself: 0 moves both alike, 1 each alone.

    Light: 0.2 draws a factor from 1 / 1.2 to 1.2.

        brightness, contrast, gamma, saturation: on values in [0, 1]; contrast is about 0.5.
        temperature: factor on red, and its inverse on blue.
        light_apart: share that each picture draws for itself. A network cannot know the light of the target.

    Faults of the camera, of the source's picture alone, in this order; with the probabilities:

        lowres: scaled down and up again, by a factor from `lowres_least` to 1.
        blur: Gaussian, sigma up to `blur_most`, a share of the picture's height.
        noise: Gaussian, sigma up to `noise_most`, white being 1.
        jpeg: compressed, at a quality of `jpeg_quality`, least and most.

    Raises:
        ValueError: a value is outside its range; the text names both.
    """

    jitter: float = 0.0
    outlier: float = 0.0
    swap: float = 0.0
    drop: float = 0.0
    drop_limb: float = 0.0
    drop_face: float = 0.0
    ghost: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    rotate: float = 0.0
    moved: float = 1.0
    moved_apart: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    gamma: float = 0.0
    saturation: float = 0.0
    temperature: float = 0.0
    light_apart: float = 0.0
    lowres: float = 0.0
    lowres_least: float = 0.4
    blur: float = 0.0
    blur_most: float = 0.01
    noise: float = 0.0
    noise_most: float = 0.05
    jpeg: float = 0.0
    jpeg_quality: tuple[int, int] = (30, 95)

    def __post_init__(self) -> None:
        for name in _SHARES:
            self._require(name, 0 <= getattr(self, name) <= 1, "0 to 1")
        for name in ("scale", *_LIGHT):
            self._require(name, 0 <= getattr(self, name) <= 2, "0 to 2")
        for name, most in {"jitter": 0.2, "shift": 0.5, "rotate": 180.0, "blur_most": 0.1, "noise_most": 1.0}.items():
            self._require(name, 0 <= getattr(self, name) <= most, f"0 to {most:g}")
        self._require("lowres_least", 0.05 <= self.lowres_least <= 1, "0.05 to 1")
        low, high = self.jpeg_quality
        self._require("jpeg_quality", 1 <= low <= high <= 100, "least and most, from 1 to 100,")

    @property
    def off(self) -> bool:
        """Whether nothing is changed."""
        return not (self.joints or self.geometry or self.light or self.faults)

    @property
    def joints(self) -> bool:
        """Whether joints are changed."""
        return any((self.jitter, self.outlier, self.swap, self.drop, self.drop_limb, self.drop_face, self.ghost))

    @property
    def geometry(self) -> bool:
        """Whether pictures are moved."""
        return bool(self.moved and (self.scale or self.shift or self.rotate))

    @property
    def light(self) -> bool:
        """Whether the light is changed."""
        return any(getattr(self, name) for name in _LIGHT)

    @property
    def faults(self) -> bool:
        """Whether the source has faults."""
        return any((self.lowres, self.blur, self.noise, self.jpeg))

    def _require(self, name: str, inside: bool, wanted: str) -> None:
        if not inside:
            raise ValueError(f"{name}: {wanted} is wanted, got {getattr(self, name)!r}")


_LIGHT: Final = ("brightness", "contrast", "gamma", "saturation", "temperature")
_SHARES: Final = (
    "outlier", "swap", "drop", "drop_limb", "drop_face", "ghost", "moved", "moved_apart", "light_apart",
    "lowres", "blur", "noise", "jpeg",
)  # fmt: skip

OUTLIER: Final = 0.08
"""Standard deviation in x and y of a joint that is badly off, a share of the person's height."""


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
    geometry, joints, light, faults = (_Draws(table[:, piece]) for piece in range(4))  # none shifts another's numbers
    if config.geometry:
        both = _moved(both, config, geometry)
    if config.joints and both.keypoints is not None:
        both = replace(both, keypoints=_estimated(both.keypoints, size, config, joints))
    if config.light and both.image is not None:
        both = replace(both, image=_relit(both.image, config, light))
    source, target = both[: len(bits)], both[len(bits) :]
    if config.faults and source.image is not None:
        source = replace(source, image=_degraded(source.image, config, faults, streams))
    return Pair(source, target)


# -- random numbers ---------------------------------------------------------------------------------------------------

_NUMBERS: Final = 1024  # for each of the four pieces, more than any of them takes


class _Draws:
    """Random numbers of B pairs from raw bits (B, N), handed out in order."""

    def __init__(self, raw: Bits) -> None:
        self._unit = torch.from_numpy((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53)
        self._next = 0

    def uniform(self, *shape: int) -> Tensor:
        """float32 (B, *shape) in [0, 1)."""
        start, self._next = self._next, self._next + math.prod(shape)
        numbers = self._unit[:, start : self._next].reshape(len(self._unit), *shape)
        return numbers.float().clamp(max=1 - 2**-24)  # what is nearly 1 must not become 1

    def sided(self, *shape: int) -> Tensor:
        """float32 (B, *shape) in [-1, 1)."""
        return 2 * self.uniform(*shape) - 1

    def normal(self, *shape: int) -> Tensor:
        """float32 (B, *shape), standard normal (Box and Muller)."""
        return torch.sqrt(-2 * torch.log1p(-self.uniform(*shape))) * torch.cos(2 * math.pi * self.uniform(*shape))


def _mixed(common: Tensor, own: Tensor, apart: float) -> Tensor:
    """Mean of draws that a pair shares, (B, N), and draws of its pictures, (B, 2, N), weighed by `apart`: (2B, N)."""
    return ((1 - apart) * common[:, None] + apart * own).transpose(0, 1).flatten(0, 1)


# -- geometry ---------------------------------------------------------------------------------------------------------


def _moved(both: Person, config: AugmentConfig, draws: _Draws) -> Person:
    """Scale, turn and shift about the middle; sources first, then targets."""
    assert both.size is not None
    height, width = both.size
    some = (draws.uniform() < config.moved).repeat(2).nonzero()[:, 0]  # (M,) of 2B
    drawn = _mixed(draws.sided(4), draws.sided(2, 4), config.moved_apart)[some]  # (M, 4)
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
        image = F.grid_sample(people.image, grid, "bicubic", "border", align_corners=False)
        changed["image"] = image.clamp_(-1, 1)
    if people.mask is not None:
        changed["mask"] = F.grid_sample(people.mask, grid, "bilinear", "zeros", align_corners=False)
    for name in ("parsing", "iuv", "depth"):  # there is nothing between a person and what is behind
        value: Tensor | None = getattr(people, name)
        if value is not None:
            planes = value.float()[:, None] if name == "parsing" else value
            new = F.grid_sample(planes, grid, "nearest", "zeros", align_corners=False)
            changed[name] = new[:, 0].long() if name == "parsing" else new
    if people.keypoints is not None:
        middle = torch.tensor([(width - 1) / 2, (height - 1) / 2])
        x, y = (people.keypoints[..., :2] - middle).unbind(-1)
        turned = torch.stack([cos[:, None] * x - sin[:, None] * y, sin[:, None] * x + cos[:, None] * y], -1)
        xy = middle + shift[:, None] + scale[:, None, None] * turned
        changed["keypoints"] = _inside(torch.cat([xy, people.keypoints[..., 2:]], -1), both.size)
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
        cut[:, 3] = (people.keypoints[:, _ANKLES, 2] == 0).any(1)
    return cut


def _inside(keypoints: Tensor, size: tuple[int, int]) -> Tensor:
    """What is missing, or lies on no pixel of (H, W), is (0, 0, 0)."""
    x, y, visible = keypoints.unbind(-1)
    stays = (visible > 0) & (x >= -0.5) & (x < size[1] - 0.5) & (y >= -0.5) & (y < size[0] - 0.5)
    return torch.where(stays[..., None], keypoints, 0.0)


# -- joints -----------------------------------------------------------------------------------------------------------


def _numbers(*names: str) -> list[int]:
    """Of the joints with these words in their names."""
    return [number for number, name in enumerate(JOINTS) if any(word in name for word in names)]


def _weights(**weights: float) -> Tensor:
    """(18,) 1, or the weight of the word that is in a joint's name."""
    return torch.tensor([next((weight for word, weight in weights.items() if word in name), 1.0) for name in JOINTS])


def _permutations() -> Tensor:
    """(6, 18): wrists exchanged, elbows and wrists, whole arms; ankles, knees and ankles, whole legs."""
    table = torch.arange(len(JOINTS)).repeat(6, 1)
    for limb, words in enumerate((("wrist", "elbow", "shoulder"), ("ankle", "knee", "hip"))):
        for length in range(3):
            moved = _numbers(*words[: length + 1])
            table[3 * limb + length, moved] = torch.tensor(MIRROR)[moved]
    return table


_ANKLES: Final = _numbers("ankle")
_ARMS: Final = _numbers("elbow", "wrist")
_NECK: Final = JOINTS.index("neck")
_FACE, _EARS = _numbers("nose", "eye"), _numbers("ear")
_LIMBS: Final = [[_numbers(f"{side}_{end}")[0] for end in ends]
                 for side in ("right", "left") for ends in (("elbow", "wrist"), ("knee", "ankle"))]  # fmt: skip
_PERMUTATIONS: Final = _permutations()
_ERRORS: Final = _weights(hip=1.6, nose=0.6, eye=0.6, ear=0.6)
_DROPS: Final = _weights(wrist=2, ankle=2, nose=2, eye=2, ear=2, neck=0.5, shoulder=0.5, hip=0.5)
_BEFORE: Final = tuple(
    (JOINTS.index(f"{side}_{joint}"), JOINTS.index(f"{side}_{before}"))
    for joint, before in (
        ("elbow", "shoulder"), ("wrist", "elbow"), ("hip", "shoulder"), ("knee", "hip"), ("ankle", "knee"),
    )
    for side in ("right", "left")
)  # fmt: skip
"""A joint and the one before it on its limb, in this order."""


def _estimated(keypoints: Tensor, size: tuple[int, int], config: AugmentConfig, draws: _Draws) -> Tensor:
    """Joints (2B, 18, 3), sources first, with the errors of an estimator."""
    count = len(JOINTS)
    k = keypoints.reshape(2, -1, count, 3).transpose(0, 1)  # (B, 2, 18, 3)
    located = k[..., 2:] > 0
    xy = k[..., :2]
    extent = xy.where(located, -math.inf).amax(2) - xy.where(located, math.inf).amin(2)  # (B, 2, 2)
    tall = extent.amax(-1).clamp_min(0)[..., None]  # (B, 2, 1) the longer side of the joints' box; 0 without joints

    spread = (config.jitter * _ERRORS * tall)[..., None]  # (B, 2, 18, 1)
    error = spread * draws.normal(2, count, 2)
    far = OUTLIER * tall[..., None] * draws.normal(2, count, 2)
    error = error + far * (draws.uniform(2, count) < config.outlier)[..., None]
    k = _inside(torch.cat([xy + error, k[..., 2:]], -1), size)

    k = _with_ghosts(k, tall[..., 0], size, config.ghost, draws)

    exchanged, which = draws.uniform(2) < config.swap, (draws.uniform(2) * len(_PERMUTATIONS)).long()
    order = torch.where(exchanged[..., None], _PERMUTATIONS[which], torch.arange(count))  # (B, 2, 18)
    k = k.gather(2, order[..., None].expand_as(k))

    chance = config.drop * _DROPS * torch.where(k[..., 2] < 1, 3.0, 1.0)
    gone = draws.uniform(2, count) < chance  # (B, 2, 18)
    lost, limb = draws.uniform(2) < config.drop_limb, (draws.uniform(2) * len(_LIMBS)).long()
    for number, joints in enumerate(_LIMBS):
        gone[..., joints] |= (lost & (limb == number))[..., None]
    behind, ears = draws.uniform(2) < config.drop_face, draws.uniform(2) < 0.5
    gone[..., _FACE] |= behind[..., None]
    gone[..., _EARS] |= (behind & ears)[..., None]
    return torch.where(gone[..., None], 0.0, k).transpose(0, 1).flatten(0, 1)


def _with_ghosts(k: Tensor, tall: Tensor, size: tuple[int, int], share: float, draws: _Draws) -> Tensor:
    """Missing joints (B, 2, 18, 3) at the lower border, 1 to 3 % above it, under the joint before them."""
    height, width = size
    coin, above, aside = draws.uniform(2, len(JOINTS)), draws.uniform(2, len(JOINTS)), draws.normal(2, len(JOINTS))
    if not share:
        return k
    k = k.clone()
    for joint, before in _BEFORE:
        arm, hip = joint in _ARMS, "hip" in JOINTS[joint]
        near = (k[..., before, 2] > 0) & (k[..., before, 1] > height * (0.65 if arm else 0.5))  # not beside the picture
        seen = (k[..., joint, 2] == 0) & near & (coin[..., joint] < share * (2 if hip else 1))
        x = k[..., before, 0]
        if hip:  # halfway between the shoulder and the neck
            x = torch.where(k[..., _NECK, 2] > 0, (x + k[..., _NECK, 0]) / 2, x)
        x = (x + 0.05 * tall * aside[..., joint]).clamp(0, width - 1)
        y = (height - 1) - (0.01 + 0.02 * above[..., joint]) * height
        ghost = torch.stack([x, y, torch.ones_like(x)], -1)
        k[..., joint, :] = torch.where(seen[..., None], ghost, k[..., joint, :])
    return k


# -- light ------------------------------------------------------------------------------------------------------------

_LUMA: Final = (0.299, 0.587, 0.114)  # BT.601


def _relit(image: Tensor, config: AugmentConfig, draws: _Draws) -> Tensor:
    """Pictures (2B, 3, H, W), sources first, in another light: one matrix for the colours, then gamma."""
    strength = torch.tensor([math.log1p(getattr(config, name)) for name in _LIGHT])
    drawn = _mixed(draws.sided(len(_LIGHT)), draws.sided(2, len(_LIGHT)), config.light_apart)
    brightness, contrast, gamma, saturation, warm = torch.exp(drawn * strength).unbind(1)  # (2B,) each
    grey = torch.tensor(_LUMA).expand(3, 3)  # (3, 3) every row gives the luma
    s = saturation[:, None, None]
    matrix = s * torch.eye(3) + (1 - s) * grey  # (2B, 3, 3)
    matrix = matrix * torch.stack([warm, torch.ones_like(warm), 1 / warm], 1)[..., None]
    matrix = matrix * (brightness * contrast)[:, None, None]
    # x -> matrix x + offset on [0, 1]; on [-1, 1] the matrix is the same and the offset another
    offset = matrix.sum(2, keepdim=True) - contrast[:, None, None]
    lit = torch.baddbmm(offset, matrix, image.flatten(2)).clamp_(-1, 1)  # (2B, 3, H W)
    if config.gamma:
        lit = lit.add_(1).div_(2).pow_(gamma[:, None, None]).mul_(2).sub_(1)
    return lit.view_as(image)


# -- the camera -------------------------------------------------------------------------------------------------------


def _degraded(image: Tensor, config: AugmentConfig, draws: _Draws, streams: list[Any]) -> Tensor:
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
    with PIL.Image.open(file) as back:
        return from_uint8(np.array(back))
