"""Rendered people with patterned clothes who turn on the spot before a camera that stays where it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import torch

from repose.person import Person
from repose.render import Picture
from repose.render.sets import TURNS_SEED
from repose.represent.canvas import Canvas, from_uint8

TURNS: Final = (30, 90, 180)
"""Degrees."""

_MOST_TRIED: Final = 60
"""People looked at for each who wears a pattern: about one in five does."""


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


def render_turning(
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
    source, *targets = ([rendered_person(view[k], canvas) for view in views] for k in range(1 + len(turns)))
    batches = {degrees: Person.stack(people) for degrees, people in zip(turns, targets, strict=True)}
    return Turning(canvas, style, tuple(numbers), Person.stack(source), batches)


def rendered_person(picture: Picture, canvas: Canvas) -> Person:
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
