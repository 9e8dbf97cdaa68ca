"""How near drawn characters are to the true ones, in the layout of Roy et al., Table 4."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.apps.fonts.glyphs import coloured, font_glyphs, plain_font
from repose.apps.fonts.network import CharacterNetwork
from repose.apps.fonts.pairs import Batch, Pairs, as_input, as_pictures
from repose.markdown import each_value, grid_table
from repose.metrics.functional import SKIMAGE, psnr, ssim
from repose.metrics.picture_networks import LpipsNetwork, NetworkMissingError, build_network
from repose.record import ResultLine, reading_line

COLUMNS: Final = {
    "ssim": "SSIM ↑",
    "psnr": "PSNR (dB) ↑",
    "lpips_vgg": "LPIPS (VGG) ↓",
    "lpips_squeeze": "LPIPS (SqzNet) ↓",
    "lpips_alex": "LPIPS (Alex) ↓",
}
"""Name of a measure -> its heading; those of the paper first."""

COPY: Final = "fixed font in the source's colour"
REAL: Final = "real data"

PUBLISHED: Final = {
    "STEFANN": (0.450, 13.347, 0.397, 0.273),
    "Ours (Roy et al.)": (0.638, 16.876, 0.208, 0.089),
}
"""Table 4: SSIM, PSNR, LPIPS of VGG and of SqueezeNet, over 60,000 pairs of 300 other fonts."""


@dataclass(frozen=True)
class CharactersMeasured:
    """What one way of drawing characters gave.

    Attributes:
        method: its name. pairs, fonts: how many were drawn.
        values: mean of each measure of `COLUMNS` over the pairs; None where its network is not here.
        ssims: number of a pair -> its SSIM.
    """

    method: str
    pairs: int
    fonts: int
    values: dict[str, float | None]
    ssims: dict[int, float]

    def line(self) -> ResultLine:
        """The result line, without its stamp and its seed: "kind" is "font"."""
        return {"kind": "font", "method": self.method, "pairs": self.pairs, "fonts": self.fonts, "values": self.values}


def drawn(network: CharacterNetwork, batch: Batch) -> Tensor:
    """What a network draws for pairs, uint8 (B, 3, 64, 64)."""
    with torch.inference_mode():
        return as_pictures(network.eval()(batch.source, batch.skeletons, batch.letters))


def fixed_font(pairs: Pairs, numbers: npt.NDArray[np.int64]) -> Tensor:
    """The baseline: the target's letter in the fixed font, in the source's colour, uint8 (B, 3, 64, 64)."""
    glyphs = font_glyphs(plain_font())
    rows = [coloured(glyphs[target], pairs.colours[font]) for font, _, target in pairs.rows[numbers]]
    return as_pictures(as_input(np.stack(rows)))


def measure_characters(
    networks: Mapping[str, CharacterNetwork],
    pairs: Pairs,
    per_font: int,
    tick: Callable[[int, int], None] | None = None,
    batch_size: int = 16,
) -> list[CharactersMeasured]:
    """Measure networks, and the baselines, on the same pairs.

    Args:
        networks: by name. pairs: of fonts that no training saw.
        per_font: pairs of each font that are measured, its first ones.
        tick: called with the pairs done and all pairs.

    Returns:
        The fixed font in the source's colour, the networks, and the true characters themselves.
    """
    each = len(pairs) // len(pairs.glyphs)
    numbers = np.concatenate([np.arange(min(per_font, each)) + each * font for font in range(len(pairs.glyphs))])
    judges = {name: _lpips(name) for name in COLUMNS if name.startswith("lpips")}
    sums: dict[str, dict[str, list[Tensor]]] = {}
    for start in range(0, len(numbers), batch_size):
        chosen = numbers[start : start + batch_size]
        batch = pairs.batch(chosen)
        target = as_pictures(batch.target)
        pictures = {COPY: fixed_font(pairs, chosen)}
        pictures |= {name: drawn(network, batch) for name, network in networks.items()} | {REAL: target}
        for method, picture in pictures.items():
            parts = sums.setdefault(method, {name: [] for name in COLUMNS})
            parts["ssim"].append(ssim(picture, target, SKIMAGE))
            parts["psnr"].append(psnr(picture, target))
        for name, judge in judges.items():
            if judge is not None:
                others = {method: picture for method, picture in pictures.items() if method != REAL}
                for method, distances in judge.distances(others | {"target": target}).items():
                    sums[REAL if method == "target" else method][name].append(distances)
        if tick is not None:
            tick(start + len(chosen), len(numbers))
    return [
        CharactersMeasured(
            method,
            len(numbers),
            len(pairs.glyphs),
            {name: _mean(part) for name, part in parts.items()},
            dict(zip(numbers.tolist(), torch.cat(parts["ssim"]).tolist(), strict=True)),
        )
        for method, parts in sums.items()
    ]


def font_table(lines: list[ResultLine]) -> str:
    """The newest measurement of every method, beside the published rows, in the layout of Table 4.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line, or one lacks a key.
    """
    newest = {line["method"]: line for line in lines if line.get("kind") == "font"}
    if not newest:
        raise ValueError("results hold no line of scripts/measure_font.py")
    grid = [["method", *COLUMNS.values()]]
    for name, numbers in PUBLISHED.items():
        grid.append([f"*{name}, published*", *(f"*{cell}*" for cell in _cells(numbers)), ""])
    for method, line in newest.items():
        with reading_line(line):
            values = [line["values"][name] for name in COLUMNS]
        if method == REAL:
            grid.append([method, "1.000", "∞", "0.000", "0.000", "0.000"])
        else:
            grid.append([method, *_cells(values)])
    stamps = list(newest.values())
    return (
        f"{grid_table(grid)}\n"
        f"Ours: {each_value(stamps, 'pairs', '{:,}')} pairs of {each_value(stamps, 'fonts')} fonts that no training "
        f"saw, at 64x64. Commit {each_value(stamps, 'commit', '`{}`')}.\n"
    )


# -- inside ---------------------------------------------------------------------------------------------------------


def _lpips(name: str) -> LpipsNetwork | None:
    try:
        network = build_network(f"{name}@0.1", torch.device("cpu"))
    except NetworkMissingError:
        return None
    assert isinstance(network, LpipsNetwork)
    return network


def _mean(parts: Sequence[Tensor]) -> float | None:
    return round(float(torch.cat(list(parts)).mean()), 4) if parts else None


def _cells(values: Sequence[float | None]) -> list[str]:
    decimals = [3] * len(COLUMNS)
    return ["no file" if v is None else f"{v:.{n}f}" for v, n in zip(values, decimals, strict=False)]
