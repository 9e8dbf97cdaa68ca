"""What survives when somebody turns: prints, stripes, colours and faces of rendered people at 30, 90 and 180 degrees.

Every person wears a pattern and stands before a camera that stays where it is; the generator gets the picture at 0
degrees and the joints of the turned one, and the rendered turn is the truth. Beside it stand three references: the
copied source, which has the whole pattern in the wrong place; the truth under a blur, which has all places and no
pattern; and the truth with the cloth of somebody else, which is what chance scores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from repose.draw.sheet import sheet
from repose.metrics.accumulators import PairScores, Score, scores
from repose.metrics.functional import SKIMAGE, ssim
from repose.metrics.functional.regions import CLOTHES, blurred, colour_error, pattern, texture
from repose.metrics.tables import shown
from repose.person import Person
from repose.pipeline import Model
from repose.render import Picture
from repose.render.sets import TURNS_SEED
from repose.represent.canvas import Canvas, from_uint8, to_uint8

TURNS: Final = (30, 90, 180)
"""Degrees."""

VERSION: Final = 2
"""Of what is rendered and measured; what has another does not stand in one table. 1: poses by the order of people."""

KINDS: Final = {
    "generated": "generated", "source": "copied source", "blur": "true target, blurred",
    "other": "true target, another pattern",
}  # fmt: skip
"""Kind of picture -> its name. The last is missing where there is one person alone."""

METRICS: Final = {
    "pattern": ("pattern in place", "higher", 3),
    "texture": ("kind of pattern", "higher", 3),
    "colour": ("colour (Delta E)", "lower", 1),
    "head": ("head (SSIM)", "higher", 3),
}
"""Metric -> its title, which way is better, and the digits shown."""

BLUR: Final = 1 / 32
"""Sigma of the blurred reference, a share of the height."""

_HEAD: Final = (23, 24)  # DensePose parts
_LEAST: Final = SKIMAGE.size + 4  # pixels of a side of the head's box
_MOST_TRIED: Final = 60  # people looked at for each who wears a pattern: about one in five does


@dataclass(frozen=True)
class Turning:
    """Rendered people who turn, at the size of a canvas's window.

    Attributes:
        canvas: on which they are transferred. style: of the renderer. numbers: of the people, under `TURNS_SEED`.
        source: batch of N at 0 degrees. targets: degrees -> batch of N.
    """

    canvas: Canvas
    style: str
    numbers: tuple[int, ...]
    source: Person
    targets: dict[int, Person]


@dataclass(frozen=True)
class Turns:
    """What `measure` found.

    Attributes:
        turning: whom.
        pictures: degrees -> kind of `KINDS` -> uint8 (N, 3, h, w) of the window.
        scores: degrees -> kind -> metric -> score over the people.
    """

    turning: Turning
    pictures: dict[int, dict[str, Tensor]]
    scores: dict[int, dict[str, dict[str, Score]]]

    def line(self) -> dict[str, Any]:
        """The result line, without the model and the stamp; scores as [value, low, high]."""
        _, _, height, width = self.turning.canvas.window
        measured = {
            str(degrees): {
                kind: {metric: [s.value, s.low, s.high] for metric, s in row.items()} for kind, row in rows.items()
            }
            for degrees, rows in self.scores.items()
        }
        return {
            "kind": "turns", "version": VERSION, "canvas": self.turning.canvas.name, "height": height, "width": width,
            "style": self.turning.style, "seed": TURNS_SEED, "people": list(self.turning.numbers), "turns": measured,
        }  # fmt: skip

    def sheet(self, scale: int = 1) -> npt.NDArray[np.uint8]:
        """Rows are people; the source, then for each turn the generated picture and the true one."""
        columns = [_shown(_window(self.turning.canvas, self.turning.source))]
        names = ["source"]
        for degrees, kinds in self.pictures.items():
            columns += [_shown(kinds["generated"]), _shown(_window(self.turning.canvas, self.turning.targets[degrees]))]
            names += [f"{degrees}° made", f"{degrees}° true"]
        rows = [list(row) for row in zip(*columns, strict=True)]
        return np.asarray(sheet(rows, names, scale, labels=[str(number) for number in self.turning.numbers]))


def render(
    canvas: Canvas,
    count: int = 20,
    style: str = "fashion",
    turns: Sequence[int] = TURNS,
    first: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Turning:
    """The first `count` people under `TURNS_SEED` from number `first` on who wear a pattern; a pose by each number.

    Args:
        canvas: they are rendered at the size of its window. style: of the renderer.
        turns: degrees to their left. progress: called with (people done, people in all).

    Raises:
        SyntheticUnavailable: people cannot be rendered here.
        ValueError: fewer than one person, no turn or the same twice, no such style, or one without patterns ("plain").
    """
    from repose.render import Renderer
    from repose.render.turns import patterned, render_turns

    if count < 1:
        raise ValueError(f"turns: at least 1 person is needed, got {count}")
    if not turns or len(set(turns)) < len(turns):
        raise ValueError(f"turns: one or more different angles are needed, got {tuple(turns)}")
    if style == "plain":
        raise ValueError("turns: the style 'plain' has no patterns; take fashion, street or mixed")
    _, _, height, width = canvas.window
    numbers: list[int] = []
    views: list[list[Picture]] = []
    with Renderer(height, width) as renderer:
        for number in range(first, first + _MOST_TRIED * count):
            if patterned(renderer, TURNS_SEED, number, style):
                numbers.append(number)
                views.append(render_turns(renderer, TURNS_SEED, number, number, (0, *turns), style))
                if progress is not None:
                    progress(len(numbers), count)
            if len(numbers) == count:
                break
        else:
            raise ValueError(
                f"turns: only {len(numbers)} of {_MOST_TRIED * count} people of style {style!r} wear a pattern"
            )
    source, *targets = ([_person(view[k], canvas) for view in views] for k in range(1 + len(turns)))
    batches = {degrees: Person.stack(people) for degrees, people in zip(turns, targets, strict=True)}
    return Turning(canvas, style, tuple(numbers), Person.stack(source), batches)


def measure(model: Model, turning: Turning, batch: int = 8) -> Turns:
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
    found: dict[int, dict[str, dict[str, Score]]] = {}
    source = _bytes(_window(turning.canvas, turning.source))
    for degrees, target in turning.targets.items():
        rows = torch.split(torch.arange(len(target)), batch)
        made = [model(turning.source[r].only(*needs.source), target[r].only(*needs.target)) for r in rows]
        true = turning.canvas.take(target)
        truth = _bytes(_image(true))
        pictures[degrees] = {
            "generated": _bytes(turning.canvas.take(Person(image=torch.cat(made))).image),
            "source": source,
            "blur": soft(truth),
        }
        if len(truth) > 1:
            assert true.parsing is not None
            pictures[degrees]["other"] = another(truth, true.parsing)
        found[degrees] = {kind: scores(compare(images, true)) for kind, images in pictures[degrees].items()}
    return Turns(turning, pictures, found)


def compare(pictures: Tensor, true: Person) -> dict[str, PairScores]:
    """The columns of `METRICS` of uint8 pictures (N, 3, H, W) against people with image, parsing and iuv."""
    assert true.parsing is not None
    truth = _bytes(_image(true))
    return {
        "pattern": PairScores(*pattern(pictures, truth, true.parsing)),
        "texture": PairScores(*texture(pictures, truth, true.parsing)),
        "colour": PairScores(*colour_error(pictures, truth, true.parsing)),
        "head": PairScores(*_heads(pictures, truth, true)),
    }


def soft(pictures: Tensor) -> Tensor:
    """uint8 (N, 3, H, W) under a Gaussian in which stripes are gone."""
    sigma = BLUR * pictures.shape[-2]
    whole = blurred(torch.ones(1, 1, *pictures.shape[-2:], dtype=torch.float64), sigma)
    return (blurred(pictures.double(), sigma) / whole).round().clamp(0, 255).to(torch.uint8)


def another(pictures: Tensor, parsing: Tensor) -> Tensor:
    """Everybody in the next one's cloth, the last one in the first one's: their places, another pattern.

    Each garment is filled from the next person's of the same label, or from their largest, moved so that the middles of
    the two meet; beyond its edges the nearest pixel goes on.

    Args:
        pictures: uint8 (N, 3, H, W). parsing: labels (N, H, W).

    Returns:
        uint8 (N, 3, H, W); a garment stays as it is where the next person wears none.
    """
    from scipy.ndimage import distance_transform_edt

    out = pictures.clone()
    for k, labels in enumerate(parsing):
        donor = (k + 1) % len(parsing)
        worn = {label: int((parsing[donor] == label).sum()) for label in CLOTHES}
        for label in CLOTHES:
            place = (labels == label).nonzero()  # (P, 2)
            given = label if worn[label] else max(worn, key=lambda one: worn[one])
            if not len(place) or not worn[given]:
                continue
            cloth = parsing[donor] == given
            found = distance_transform_edt(~cloth.numpy(), return_distances=False, return_indices=True)
            nearest = torch.from_numpy(found.astype(np.int64))  # (2, H, W)
            moved = place + (_middle(cloth.nonzero()) - _middle(place))
            rows, columns = (moved[:, axis].clamp(0, cloth.shape[axis] - 1) for axis in (0, 1))
            rows, columns = nearest[:, rows, columns]
            out[k, :, place[:, 0], place[:, 1]] = pictures[donor, :, rows, columns]
    return out


def report(found: Turns, model: str, screen: Console) -> None:
    """Print the scores."""
    _, _, height, width = found.turning.canvas.window
    title = f"{model}: {len(found.turning.numbers)} unseen people with patterns turn on the spot, {height}x{width}"
    table = Table("turn", "", *heads(), title=title)
    for degrees, rows in found.scores.items():
        for kind, row in rows.items():
            table.add_row(f"{degrees}°", KINDS[kind], *cells(row, compact=True))
    screen.print(table)


def heads() -> list[str]:
    """The metrics' titles with an arrow to the better side."""
    return [f"{title} {'↑' if better == 'higher' else '↓'}" for title, better, _ in METRICS.values()]


def cells(row: Mapping[str, Score], compact: bool = False) -> list[str]:
    """One row's numbers with their intervals in the order of `METRICS`; "-" where nothing counted."""
    return [shown(row[metric], digits, compact) for metric, (_, _, digits) in METRICS.items()]


# -- inside ---------------------------------------------------------------------------------------------------------


def _person(picture: Picture, canvas: Canvas) -> Person:
    """A rendered picture, unbatched, on the canvas."""
    iuv = torch.from_numpy(picture.iuv).movedim(-1, 0).float()
    iuv[1:] /= 255
    return canvas.frame(
        Person(
            image=from_uint8(picture.image),
            keypoints=torch.from_numpy(picture.keypoints),
            parsing=torch.from_numpy(picture.parsing).long(),
            iuv=iuv,
            mask=torch.from_numpy(picture.mask)[None].float() / 255,
            depth=torch.from_numpy(picture.depth)[None].float(),
        )
    )


def _heads(pictures: Tensor, truth: Tensor, true: Person) -> tuple[Tensor, Tensor]:
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


def _middle(places: Tensor) -> Tensor:
    """The middle of the box around pixels (P, 2)."""
    return (places.amin(0) + places.amax(0)) // 2


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
