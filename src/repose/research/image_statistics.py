"""Plain numbers of pictures (colour, sharpness, noise, blocks, layout) that may tell rendered from photographed."""

from __future__ import annotations

import itertools
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.represent.keypoints import skeleton_mask

LUMA: Final = (0.299, 0.587, 0.114)
HEIGHT: Final = 128
"""Pictures are measured at this height, so that sharpness means the same in any store."""

MEANINGS: Final = {
    "brightness": "mean luma, 0 to 255",
    "contrast": "standard deviation of luma",
    "black": "share of pixels with luma below 20",
    "white": "share of pixels with luma above 235",
    "warmth": "mean of red minus blue",
    "magenta": "mean of (red + blue) / 2 minus green",
    "saturation": "mean of max minus min of red, green, blue",
    "saturation_sd": "its standard deviation inside the picture",
    "hues": "standard deviation of the two colour differences over the picture",
    "person_brightness": "mean luma on the skeleton",
    "person_contrast": "standard deviation of luma on the skeleton",
    "person_saturation": "mean saturation on the skeleton",
    "ground_brightness": "mean luma away from the skeleton",
    "ground_contrast": "standard deviation of luma away from the skeleton",
    "ground_saturation": "mean saturation away from the skeleton",
    "figure_ground": "absolute difference of mean luma, skeleton and away",
    "person_fine": "mean |luma - 3x3 binomial blur| on the skeleton: texture and noise of 1 to 2 pixels",
    "person_middle": "mean |blur 1 - blur 2.5 pixels| on the skeleton: folds, prints",
    "person_coarse": "mean |blur 2.5 - blur 6 pixels| on the skeleton: light and shade, parts of clothes",
    "ground_fine": "as person_fine, away from the skeleton",
    "ground_middle": "as person_middle, away from the skeleton",
    "ground_coarse": "as person_coarse, away from the skeleton",
    "laplacian": "mean |Laplacian| of luma: sharpness",
    "edge_kurtosis": "kurtosis of horizontal luma steps: few hard edges (high) or noise everywhere (3)",
    "upright": "energy of steps to the side by that of steps downwards (log): posts or floors",
    "noise": "median absolute high-pass of luma in the flattest tenth of 4x4 blocks",
    "chroma_noise": "the same of the colour differences",
    "chroma_fine": "fine detail of the colour differences by that of luma (log): JPEG and sensors blur colour",
    "blockiness": "luma steps across 8-pixel borders by those elsewhere (log): JPEG",
    "overshoot": "mean curvature beside strong edges: sharpening halos",
    "top_light": "mean luma of the upper quarter minus the lower quarter",
    "span": "share of the picture's height that the joints span",
    "centre_x": "mean x of the joints, share of the width",
    "centre_y": "mean y of the joints, share of the height",
}
"""Name of each statistic -> what it is, in the order of `picture_statistics`."""

NAMES: Final = tuple(MEANINGS)
"""Of the statistics, in their order."""


def picture_statistics(images: Tensor, keypoints: Tensor) -> Tensor:
    """The numbers of `NAMES` of every picture.

    The person is where the thickened skeleton of the joints lies, so that photographs without a mask are measured as
    rendered pictures are. Pictures of another height than 128 are resized to it first.

    Args:
        images: float32 (B, 3, H, W) in [-1, 1]. keypoints: float32 (B, 18, 3) in pixels of the pictures.

    Returns:
        float64 (B, len(NAMES)).
    """
    pixels, joints = _at_height(images, keypoints)
    rgb = (pixels.double() + 1) * 127.5  # (B, 3, H, W)
    height, width = rgb.shape[-2:]
    luma = (rgb * torch.tensor(LUMA, dtype=rgb.dtype).view(1, 3, 1, 1)).sum(1, keepdim=True)  # (B, 1, H, W)
    red, green, blue = torch.split(rgb, 1, 1)
    chroma = torch.cat([blue - luma, red - luma], 1) * torch.tensor([0.564, 0.713], dtype=rgb.dtype).view(1, 2, 1, 1)
    saturation = rgb.amax(1, keepdim=True) - rgb.amin(1, keepdim=True)
    person = skeleton_mask(joints, height, width).double()  # (B, 1, H, W)
    ground = 1 - F.max_pool2d(person, 9, stride=1, padding=4)

    bands = [luma, *(_blur(luma, sigma) for sigma in (0.85, 2.5, 6.0))]
    fine, middle, coarse = (a - b for a, b in itertools.pairwise(bands))
    colour_fine = (chroma - _blur(chroma, 0.85)).abs().mean((1, 2, 3))
    flat = F.pad(luma, (1, 1, 1, 1), mode="replicate")
    laplacian = 4 * luma - flat[..., :-2, 1:-1] - flat[..., 2:, 1:-1] - flat[..., 1:-1, :-2] - flat[..., 1:-1, 2:]
    across, down = luma.diff(dim=3), luma.diff(dim=2)
    flattest, colour_flattest = _flattest(fine, chroma - _blur(chroma, 0.85), middle)
    quarter = height // 4
    located = joints[..., 2] > 0
    span = joints[..., 1].masked_fill(~located, -torch.inf).amax(1) - joints[..., 1].masked_fill(
        ~located, torch.inf
    ).amin(1)
    count = located.sum(1).clamp_min(1)

    values: dict[str, Tensor] = {
        "brightness": luma.mean((1, 2, 3)),
        "contrast": luma.flatten(1).std(1),
        "black": (luma < 20).double().mean((1, 2, 3)),
        "white": (luma > 235).double().mean((1, 2, 3)),
        "warmth": (red - blue).mean((1, 2, 3)),
        "magenta": ((red + blue) / 2 - green).mean((1, 2, 3)),
        "saturation": saturation.mean((1, 2, 3)),
        "saturation_sd": saturation.flatten(1).std(1),
        "hues": chroma.flatten(2).std(2).mean(1),
        "person_brightness": _mean(luma, person),
        "person_contrast": _deviation(luma, person),
        "person_saturation": _mean(saturation, person),
        "ground_brightness": _mean(luma, ground),
        "ground_contrast": _deviation(luma, ground),
        "ground_saturation": _mean(saturation, ground),
        "figure_ground": (_mean(luma, person) - _mean(luma, ground)).abs(),
        "person_fine": _mean(fine.abs(), person),
        "person_middle": _mean(middle.abs(), person),
        "person_coarse": _mean(coarse.abs(), person),
        "ground_fine": _mean(fine.abs(), ground),
        "ground_middle": _mean(middle.abs(), ground),
        "ground_coarse": _mean(coarse.abs(), ground),
        "laplacian": laplacian.abs().mean((1, 2, 3)),
        "edge_kurtosis": across.flatten(1).pow(4).mean(1) / across.flatten(1).square().mean(1).square().clamp_min(1e-6),
        "upright": (across.abs().mean((1, 2, 3)) / down.abs().mean((1, 2, 3)).clamp_min(1e-6)).clamp_min(1e-6).log(),
        "noise": flattest,
        "chroma_noise": colour_flattest,
        "chroma_fine": (colour_fine / fine.abs().mean((1, 2, 3)).clamp_min(1e-6)).clamp_min(1e-6).log(),
        "blockiness": _blockiness(luma),
        "overshoot": _overshoot(luma),
        "top_light": luma[..., :quarter, :].mean((1, 2, 3)) - luma[..., -quarter:, :].mean((1, 2, 3)),
        "span": torch.where(located.any(1), span, 0.0).double() / height,
        "centre_x": joints[..., 0].sum(1).double() / count / width,
        "centre_y": joints[..., 1].sum(1).double() / count / height,
    }
    return torch.stack([values[name] for name in NAMES], 1)


def effect_size(one: Tensor, other: Tensor) -> Tensor:
    """Cohen's d of each column: difference of the means by the pooled standard deviation; positive where `one` is more.

    Args:
        one, other: (N, S) and (M, S), float64.
    """
    pooled = ((one.var(0) * (len(one) - 1) + other.var(0) * (len(other) - 1)) / (len(one) + len(other) - 2)).sqrt()
    return (one.mean(0) - other.mean(0)) / pooled.clamp_min(1e-12)


# -- inside ---------------------------------------------------------------------------------------------------------


def _at_height(images: Tensor, keypoints: Tensor) -> tuple[Tensor, Tensor]:
    height, width = images.shape[-2:]
    if height == HEIGHT:
        return images, keypoints
    size = (HEIGHT, round(width * HEIGHT / height))
    small = F.interpolate(images, size, mode="bicubic", align_corners=False, antialias=True).clamp(-1, 1)
    scale = torch.tensor([size[1] / width, size[0] / height])
    moved = keypoints.clone()
    moved[..., :2] = ((keypoints[..., :2] + 0.5) * scale - 0.5) * (keypoints[..., 2:] > 0)
    return small, moved


def _blur(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur of (B, C, H, W), the border repeated."""
    radius = max(1, round(3 * sigma)) if sigma > 1 else 1
    taps = torch.exp(-0.5 * (torch.arange(-radius, radius + 1, dtype=x.dtype) / sigma) ** 2)
    taps = taps / taps.sum()
    channels = x.shape[1]
    x = F.pad(x, (radius, radius, radius, radius), mode="replicate")
    x = F.conv2d(x, taps.view(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
    return F.conv2d(x, taps.view(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)


def _mean(x: Tensor, weight: Tensor) -> Tensor:
    """(B, 1, H, W) twice -> the weighted mean (B,)."""
    return (x * weight).sum((1, 2, 3)) / weight.sum((1, 2, 3)).clamp_min(1)


def _deviation(x: Tensor, weight: Tensor) -> Tensor:
    middle = _mean(x, weight).view(-1, 1, 1, 1)
    return _mean((x - middle).square(), weight).sqrt()


def _flattest(fine: Tensor, colour: Tensor, middle: Tensor) -> tuple[Tensor, Tensor]:
    """Mean |high-pass| of luma and colour in the tenth of 4x4 blocks that have the least structure of 3 to 6 pixels."""
    structure = F.avg_pool2d(middle.abs(), 4).flatten(1)  # (B, blocks)
    chosen = structure.argsort(1)[:, : max(1, structure.shape[1] // 10)]
    luma = F.avg_pool2d(fine.abs(), 4).flatten(1).gather(1, chosen)
    both = F.avg_pool2d(colour.abs().mean(1, keepdim=True), 4).flatten(1).gather(1, chosen)
    return luma.median(1).values, both.median(1).values


def _blockiness(luma: Tensor) -> Tensor:
    """Log of the steps across borders of 8x8 blocks by those between the other pixels, both ways: (B,)."""
    scores = []
    for axis in (2, 3):
        steps = luma.diff(dim=axis).abs().mean((1, 5 - axis))  # (B, L - 1)
        border = torch.arange(steps.shape[1]) % 8 == 7
        scores.append((steps[:, border].mean(1) / steps[:, ~border].mean(1).clamp_min(1e-6)).clamp_min(1e-6).log())
    return (scores[0] + scores[1]) / 2


def _overshoot(luma: Tensor) -> Tensor:
    """How far the pixels beside a strong edge lie beyond what comes after them, mean over both sides: (B,).

    An edge between columns c and c + 1 of |step| above 25 that rises: the halo is (c) below (c - 2), (c + 1) above
    (c + 3).
    """
    step = luma[..., 3:-2] - luma[..., 2:-3]  # between columns c = 2.. and c + 1
    before, after = luma[..., 2:-3] - luma[..., :-5], luma[..., 3:-2] - luma[..., 5:]
    halo = (after - before) / 2 * step.sign()
    strong = (step.abs() > 25).double()
    return (halo * strong).sum((1, 2, 3)) / strong.sum((1, 2, 3)).clamp_min(1)
