"""What survives when somebody turns: prints, stripes, colours and faces of rendered people at 30, 90 and 180 degrees.

The generator gets the picture at 0 degrees and the joints of the turned one, and the rendered turn is the truth. Beside
it stand three references: the copied source, which has the whole pattern in the wrong place; the truth under a blur,
which has all places and no pattern; and the truth with the cloth of another person, which is what chance scores.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from repose.draw.sheet import sheet
from repose.markdown import each_value, grid_table
from repose.metrics.accumulators import PairScores, Score, scores
from repose.metrics.functional import SKIMAGE, ssim
from repose.metrics.functional.regions import colour_error, pattern, texture
from repose.metrics.tables import shown
from repose.person import Person
from repose.pipeline import Model
from repose.record import ResultLine, reading_line
from repose.render.sets import TURNS_SEED
from repose.represent.canvas import Canvas, to_uint8
from repose.research.references import blur_pictures, exchange_cloth
from repose.research.turning import Turning

VERSION: Final = 2
"""Of what is rendered and measured; what has another does not stand in one table. 1: poses by the order of people."""

KINDS: Final = {
    "generated": "generated", "source": "copied source", "blur": "true target, blurred",
    "other": "true target, another pattern",
}  # fmt: skip
"""Kind of picture -> its name. The last is missing where there is one person alone."""

TURN_METRICS: Final = {
    "pattern": ("pattern in place", "higher", 3),
    "texture": ("kind of pattern", "higher", 3),
    "colour": ("colour (Delta E)", "lower", 1),
    "head": ("head (SSIM)", "higher", 3),
}
"""Metric -> its title, which way is better, and the digits shown."""

_HEAD: Final = (23, 24)  # DensePose parts
_LEAST: Final = SKIMAGE.size + 4  # pixels of a side of the head's box

TurnScores = dict[int, dict[str, dict[str, Score]]]
"""Degrees -> kind of `KINDS` -> metric of `TURN_METRICS` -> score over the people."""


@dataclass(frozen=True)
class TurnsResult:
    """The scores of one model, as they stand on a result line.

    Attributes:
        canvas: its name. height, width: of its window, on which pictures are compared.
        style: of the renderer. people: their numbers under `seed`.
        scores: of every turn. version: see `VERSION`; None on the first lines.
    """

    canvas: str
    height: int
    width: int
    style: str
    people: tuple[int, ...]
    scores: TurnScores
    seed: int = TURNS_SEED
    version: int | None = VERSION

    def line(self) -> ResultLine:
        """The result line, without the model and the stamp.

        "kind" is "turns"; the attributes by their names, but the scores under "turns", as [value, low, high].
        """
        turns = {
            str(degrees): {
                kind: {metric: [s.value, s.low, s.high] for metric, s in row.items()} for kind, row in rows.items()
            }
            for degrees, rows in self.scores.items()
        }
        return {
            "kind": "turns", "version": self.version, "canvas": self.canvas, "height": self.height,
            "width": self.width, "style": self.style, "seed": self.seed, "people": list(self.people), "turns": turns,
        }  # fmt: skip

    @classmethod
    def read(cls, line: ResultLine) -> TurnsResult:
        """Of a result line. ValueError if it lacks a key."""
        with reading_line(line):
            scores = {
                int(degrees): {
                    kind: {metric: _read_score(numbers) for metric, numbers in row.items()}
                    for kind, row in rows.items()
                }
                for degrees, rows in line["turns"].items()
            }
            return cls(
                line["canvas"], line["height"], line["width"], line["style"], tuple(line["people"]), scores,
                line["seed"], line.get("version"),
            )  # fmt: skip


@dataclass(frozen=True)
class ScoredTurns:
    """What a model makes of people who turn.

    Attributes:
        turning: the people.
        pictures: degrees -> kind of `KINDS` -> uint8 (N, 3, h, w) of the window.
        scores: of every turn.
    """

    turning: Turning
    pictures: dict[int, dict[str, Tensor]]
    scores: TurnScores

    @property
    def result(self) -> TurnsResult:
        """For a result line."""
        canvas = self.turning.canvas
        _, _, height, width = canvas.window
        return TurnsResult(canvas.name, height, width, self.turning.style, self.turning.numbers, self.scores)

    def sheet(self, scale: int = 1) -> npt.NDArray[np.uint8]:
        """Rows are people; the source, then for each turn the generated picture and the true one."""
        columns = [_shown(_window(self.turning.canvas, self.turning.source))]
        names = ["source"]
        for degrees, kinds in self.pictures.items():
            columns += [_shown(kinds["generated"]), _shown(_window(self.turning.canvas, self.turning.targets[degrees]))]
            names += [f"{degrees}° made", f"{degrees}° true"]
        rows = [list(row) for row in zip(*columns, strict=True)]
        return np.asarray(sheet(rows, names, scale, labels=[str(number) for number in self.turning.numbers]))


def score_turns(model: Model, turning: Turning, batch: int = 8) -> ScoredTurns:
    """Transfer everybody from 0 degrees to each turn and compare with what was rendered.

    Args:
        model: trained on the canvas of `turning`. batch: pairs at once.

    Raises:
        ValueError: the model works on another canvas.
    """
    if model.canvas != turning.canvas:
        raise ValueError(
            f"{model.name} works on the canvas '{model.canvas.name}', these people were rendered for "
            f"'{turning.canvas.name}'; render them for the model's"
        )
    needs = model.generator.needs
    pictures: dict[int, dict[str, Tensor]] = {}
    scored: TurnScores = {}
    source = _bytes(_window(turning.canvas, turning.source))
    for degrees, target in turning.targets.items():
        rows = torch.split(torch.arange(len(target)), batch)
        generated = [model(turning.source[r].only(*needs.source), target[r].only(*needs.target)) for r in rows]
        true = turning.canvas.take(target)
        truth = _bytes(_image(true))
        pictures[degrees] = {
            "generated": _bytes(turning.canvas.take(Person(image=torch.cat(generated))).image),
            "source": source,
            "blur": blur_pictures(truth),
        }
        if len(truth) > 1:
            assert true.parsing is not None
            pictures[degrees]["other"] = exchange_cloth(truth, true.parsing)
        scored[degrees] = {kind: scores(turn_columns(images, true)) for kind, images in pictures[degrees].items()}
    return ScoredTurns(turning, pictures, scored)


def turn_columns(pictures: Tensor, true: Person) -> dict[str, PairScores]:
    """The columns of `TURN_METRICS` of uint8 pictures (N, 3, H, W) against people with image, parsing and iuv."""
    assert true.parsing is not None
    truth = _bytes(_image(true))
    return {
        "pattern": PairScores(*pattern(pictures, truth, true.parsing)),
        "texture": PairScores(*texture(pictures, truth, true.parsing)),
        "colour": PairScores(*colour_error(pictures, truth, true.parsing)),
        "head": PairScores(*_score_heads(pictures, truth, true)),
    }


def print_turns(result: TurnsResult, model: str, screen: Console) -> None:
    """Print the scores of a model."""
    title = (
        f"{model}: {len(result.people)} unseen people with patterns turn on the spot, {result.height}x{result.width}"
    )
    table = Table("turn", "", *_heads(), title=title)
    for degrees, rows in result.scores.items():
        for kind, row in rows.items():
            table.add_row(f"{degrees}°", KINDS[kind], *_cells(row, compact=True))
    screen.print(table)


def turns_table(lines: list[ResultLine]) -> str:
    """The newest turns of each model: what is left of patterns, colours and heads, beside the references.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line.
    """
    known = [line for line in lines if line.get("kind") == "turns"]
    if not known:
        raise ValueError("results hold no line of `repose research turns`")
    known = [line for line in known if line.get("version") == known[-1].get("version")]
    stamps = {line["model"]: line for line in known}
    results = {model: TurnsResult.read(line) for model, line in stamps.items()}
    grid = [["turn", "picture size", "", *_heads()]]
    for degrees in dict.fromkeys(degrees for result in results.values() for degrees in result.scores):
        references = set()
        for model, result in results.items():
            size = f"{result.height}x{result.width}"
            for kind, row in result.scores.get(degrees, {}).items():
                reference = (kind, size, result.people, result.style)
                if kind != "generated" and reference in references:
                    continue
                references.add(reference)
                name = f"`{model}`" if kind == "generated" else KINDS[kind]
                grid.append([f"{degrees}°", size, name, *_cells(row)])
    about = "; ".join(
        f"`{model}` {len(result.people)} people of seed {result.seed}, {result.style}, "
        f"commit `{stamps[model]['commit']}`"
        for model, result in results.items()
    )
    return (
        f"{grid_table(grid)}\nUnseen rendered people with patterned clothes, transferred from 0 degrees; in brackets "
        f"95 % bootstrap intervals over the people. {about}; {each_value(stamps.values(), 'hardware')}.\n"
    )


# -- inside ---------------------------------------------------------------------------------------------------------


def _heads() -> list[str]:
    """The metrics' titles with an arrow to the better side."""
    return [f"{title} {'↑' if better == 'higher' else '↓'}" for title, better, _ in TURN_METRICS.values()]


def _cells(row: Mapping[str, Score], compact: bool = False) -> list[str]:
    """One row's numbers with their intervals in the order of `TURN_METRICS`; "-" where nothing counted."""
    return [shown(row[metric], digits, compact) for metric, (_, _, digits) in TURN_METRICS.items()]


def _read_score(numbers: Sequence[float | None]) -> Score:
    """Of [value, low, high]; null is NaN."""
    value, low, high = (math.nan if number is None else number for number in numbers)
    return Score(value, low, high)


def _score_heads(pictures: Tensor, truth: Tensor, true: Person) -> tuple[Tensor, Tensor]:
    """SSIM of the box around each target's head, and whether there is one, float64 (N,) each."""
    assert true.iuv is not None
    part = true.iuv[:, 0]
    seen = (part == _HEAD[0]) | (part == _HEAD[1])
    values, counts = (torch.zeros(len(part), dtype=torch.float64) for _ in range(2))
    for k, on in enumerate(seen):
        if bool(on.any()):
            rows, columns = (_span(on.any(side).nonzero()[:, 0], on.shape[1 - side]) for side in (1, 0))
            values[k] = ssim(pictures[k : k + 1, :, rows, columns], truth[k : k + 1, :, rows, columns], SKIMAGE)[0]
            counts[k] = 1
    return values, counts


def _span(places: Tensor, length: int) -> slice:
    """From the first to the last place, widened to what SSIM needs, inside [0, length)."""
    low, high = int(places[0]), int(places[-1]) + 1
    more = max(0, _LEAST - (high - low))
    low = max(0, min(low - more // 2, length - _LEAST))
    return slice(low, max(high, low + _LEAST))


def _window(canvas: Canvas, person: Person) -> Tensor:
    return _image(canvas.take(person))


def _image(person: Person) -> Tensor:
    assert person.image is not None
    return person.image


def _bytes(images: Tensor | None) -> Tensor:
    """(N, 3, H, W) in [-1, 1] -> uint8 of the same shape."""
    assert images is not None
    return torch.from_numpy(to_uint8(images)).movedim(-1, 1).contiguous()


def _shown(images: Tensor) -> list[npt.NDArray[np.uint8]]:
    """(N, 3, H, W), uint8 or in [-1, 1] -> uint8 pictures (H, W, 3)."""
    pictures = images.movedim(1, -1).numpy() if images.dtype == torch.uint8 else to_uint8(images)
    return list(pictures)
