"""Ways to try a garment on, compared on rendered people who truly put it on.

    exchanges = render_exchanges(canvas("fashion"), {"shirt": 40, "trousers": 20})
    scored = score_ways(exchanges, {"source copied": copied_source, "mine": my_way})

A way is a function (source, garment, labels) -> picture: two people on one canvas with image, joints, parsing and mask,
the labels of LIP that make the garment, and (3, H, W) in [-1, 1] on that canvas.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from rich.console import Console
from rich.table import Table
from torch import Tensor

from repose.draw.sheet import sheet
from repose.markdown import each_value, grid_table
from repose.metrics.functional.ssim import ssim
from repose.metrics.functional.ssim_variants import PATN
from repose.metrics.networks import network_metric
from repose.person import LIP_LABELS, Person
from repose.record import ResultLine, reading_line
from repose.represent.canvas import to_uint8
from repose.represent.flow import warp
from repose.research.wardrobe import SEED, Exchange

Way = Callable[[Person, Person, tuple[str, ...]], Tensor]
"""A way to try a garment on: (source, garment, labels) -> (3, H, W) in [-1, 1]."""

VERSION: Final = 1
"""Of the protocol: people, garments and columns."""

COUNTS: Final = {"shirt": 40, "trousers": 20}
"""Exchanges of each garment."""

COLUMNS: Final = {
    "ssim": ("SSIM", "higher", 3), "lpips": ("LPIPS (Alex)", "lower", 3), "garment": ("garment", "lower", 1),
    "ratio": ("garment / its mean colour", "lower", 2), "outline": ("in both outlines", "lower", 1),
    "outside": ("outside", "lower", 2), "worse": ("worse than copying", "lower", 0),
}  # fmt: skip
"""Column -> title, the better side, digits. garment: mean absolute difference, grey levels, over the true garment's
pixels. ratio: of its mean over that of the garment's own mean colour in its place. outline: likewise over the pixels
that both the old and the new garment cover. outside: over the pixels that neither covers. worse: percent of the
pictures that are further from the truth there, than the unchanged source is."""


@dataclass(frozen=True)
class WayScores:
    """What a way gave on one garment, or on all of them: means over the exchanges, of `COLUMNS`; NaN where unknown."""

    way: str
    garment: str
    count: int
    values: dict[str, float]


@dataclass(frozen=True)
class TryOnScores:
    """The scores of all ways, and their pictures.

    Attributes:
        exchanges: as given. pictures: way -> (N, 3, H, W) in [-1, 1]. rows: of each garment and of all, by way.
        errors: way -> the column "garment" of each exchange.
    """

    exchanges: Sequence[Exchange]
    pictures: dict[str, Tensor]
    rows: list[WayScores]
    errors: dict[str, list[float]]

    def lines(self) -> list[ResultLine]:
        """A result line a way and garment, without their stamps; "kind" is "tryon"."""
        size = self.exchanges[0].source.size
        return [
            {
                "kind": "tryon", "version": VERSION, "way": row.way, "garment": row.garment, "exchanges": row.count,
                "scores": {name: None if math.isnan(value) else round(value, 5) for name, value in row.values.items()},
                "size": None if size is None else list(size), "seed": SEED,
            }
            for row in self.rows
        ]  # fmt: skip

    def sheet(self, numbers: Sequence[int], ways: Sequence[str], scale: int = 1) -> Image.Image:
        """Some exchanges: source, the garment's person, the true picture, and each way's."""
        rows: list[list[npt.NDArray[np.uint8] | None]] = []
        for number in numbers:
            exchange = self.exchanges[number]
            shown = [exchange.source.image, exchange.owner.image, exchange.true.image]
            shown += [self.pictures[way][number] for way in ways]
            rows.append([to_uint8(picture) for picture in shown if picture is not None])
        return sheet(rows, ["source", "garment", "true", *ways], scale)


def score_ways(
    exchanges: Sequence[Exchange],
    ways: Mapping[str, Way],
    progress: Callable[[int, int], None] | None = None,
) -> TryOnScores:
    """Compare ways on the same exchanges.

    Args:
        exchanges: of `repose.research.wardrobe.render_exchanges`.
        ways: name -> way. progress: called with (pictures done, pictures in all).

    Raises:
        ValueError: no exchange or no way, or a way gives a picture of another size.
    """
    if not exchanges or not ways:
        raise ValueError("try-on: at least one exchange and one way are needed")
    true = torch.stack([_image(exchange.true) for exchange in exchanges])
    pictures: dict[str, Tensor] = {}
    for name, way in ways.items():
        made: list[Tensor] = []
        for exchange in exchanges:
            picture = way(exchange.source, exchange.owner, (exchange.label,))
            if picture.shape != true.shape[1:]:
                raise ValueError(f"the way '{name}' gave {tuple(picture.shape)}, wanted is {tuple(true.shape[1:])}")
            made.append(picture.clamp(-1, 1))
            if progress is not None:
                progress(len(pictures) * len(exchanges) + len(made), len(ways) * len(exchanges))
        pictures[name] = torch.stack(made)
    copied = torch.stack([_image(exchange.source) for exchange in exchanges])
    references = _columns(copied, true, exchanges)["garment"]
    garments = list(dict.fromkeys(exchange.garment for exchange in exchanges))
    rows, errors = [], {}
    for name, images in pictures.items():
        columns = _columns(images, true, exchanges)
        columns["worse"] = 100.0 * (columns["garment"] > references).double()
        errors[name] = columns["garment"].tolist()
        for garment in (*garments, "all"):
            which = torch.tensor([garment in ("all", exchange.garment) for exchange in exchanges])
            values = {column: float(numbers[which].mean()) for column, numbers in columns.items()}
            values["ratio"] = float(columns["garment"][which].mean() / columns["flat"][which].mean())
            del values["flat"]
            rows.append(WayScores(name, garment, int(which.sum()), {column: values[column] for column in COLUMNS}))
    return TryOnScores(exchanges, pictures, rows, errors)


def _columns(images: Tensor, true: Tensor, exchanges: Sequence[Exchange]) -> dict[str, Tensor]:
    """Each column of each exchange, float64 (N,); "flat": the error of the true garment's mean colour."""
    out: dict[str, list[float]] = {name: [] for name in ("garment", "outline", "outside", "flat")}
    for image, truth, exchange in zip(images, true, exchanges, strict=True):
        new, old = (_mask(person, exchange.label) for person in (exchange.true, exchange.source))
        off = (image - truth).abs().mean(0) * 127.5
        out["garment"].append(float(off[new].mean()))
        both = new & old
        out["outline"].append(float(off[both].mean()) if bool(both.any()) else math.nan)
        out["outside"].append(float(off[~(new | old)].mean()))
        flat = (truth - truth[:, new].mean(1)[:, None, None]).abs().mean(0) * 127.5
        out["flat"].append(float(flat[new].mean()))
    columns = {name: torch.tensor(numbers, dtype=torch.float64) for name, numbers in out.items()}
    columns["ssim"] = ssim(_levels(images), _levels(true), PATN)
    try:
        columns["lpips"] = torch.as_tensor(network_metric("lpips_alex", images, true, value_range=(-1, 1)))
    except FileNotFoundError:  # a network that not everybody has
        columns["lpips"] = torch.full((len(images),), math.nan, dtype=torch.float64)
    return columns


# -- ways that any other should beat --------------------------------------------------------------------------------


def copied_source(source: Person, garment: Person, labels: tuple[str, ...]) -> Tensor:
    """The source as they are."""
    return _image(source)


def mean_colour(source: Person, garment: Person, labels: tuple[str, ...]) -> Tensor:
    """The mean colour of the garment in the old outline."""
    image, there = _image(garment), _mask(garment, *labels)
    place = _mask(source, *labels)
    return torch.where(place, image[:, there].mean(1)[:, None, None], _image(source))


def copied_garment(source: Person, garment: Person, labels: tuple[str, ...]) -> Tensor:
    """The garment's pixels in the old outline, the two masks laid on each other by centre and extent."""
    from repose.models.garment.network import aligned

    there, place = _mask(garment, *labels), _mask(source, *labels)
    flow = aligned(there[None, None].float(), place[None, None].float())
    moved = warp(_image(garment)[None], flow)[0]
    return torch.where(place, moved, _image(source))


# -- tables ---------------------------------------------------------------------------------------------------------


def print_ways(scores: TryOnScores, screen: Console) -> None:
    """Print a table of all ways."""
    table = Table("garment", "way", *_heads(), title=f"{len(scores.exchanges)} exchanges of garments")
    for row in scores.rows:
        table.add_row(row.garment, row.way, *_cells(row.values))
    screen.print(table)


def tryon_table(lines: list[ResultLine]) -> str:
    """The newest scores of every way, of each garment and of all.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line, or one lacks a key.
    """
    known = [line for line in lines if line.get("kind") == "tryon" and line.get("version") == VERSION]
    if not known:
        raise ValueError("results hold no line of `repose research tryon`")
    newest = {(line["garment"], line["way"]): line for line in known}
    grid = [["garment", "way", *_heads()]]
    garments = dict.fromkeys(line["garment"] for line in known)
    for garment in garments:
        for (of, way), line in newest.items():
            if of != garment:
                continue
            with reading_line(line):
                values = {k: math.nan if v is None else float(v) for k, v in line["scores"].items()}
                grid.append([f"{garment}, {line['exchanges']}", way, *_cells(values)])
    stamps = list(newest.values())
    return f"{grid_table(grid)}\nCommit {each_value(stamps, 'commit', '`{}`')}; {each_value(stamps, 'hardware')}.\n"


def _heads() -> list[str]:
    return [f"{title} {'↑' if better == 'higher' else '↓'}" for title, better, _ in COLUMNS.values()]


def _cells(values: Mapping[str, float]) -> list[str]:
    return [
        "-" if math.isnan(values[name]) else f"{values[name]:.{digits}f}" + (" %" if name == "worse" else "")
        for name, (_, _, digits) in COLUMNS.items()
    ]


def _image(person: Person) -> Tensor:
    assert person.image is not None
    return person.image


def _mask(person: Person, *labels: str) -> Tensor:
    assert person.parsing is not None
    return torch.isin(person.parsing, torch.tensor([LIP_LABELS.index(label) for label in labels]))


def _levels(images: Tensor) -> Tensor:
    """(N, 3, H, W) in [-1, 1] -> uint8."""
    return torch.from_numpy(to_uint8(images)).movedim(-1, 1).contiguous()


__all__ = [
    "COLUMNS",
    "COUNTS",
    "VERSION",
    "TryOnScores",
    "Way",
    "WayScores",
    "copied_garment",
    "copied_source",
    "mean_colour",
    "print_ways",
    "score_ways",
    "tryon_table",
]
