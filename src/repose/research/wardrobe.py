"""Rendered people who wear each other's garments, so that the true picture of a try-on exists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from repose.person import LIP_LABELS, Person
from repose.represent.canvas import Canvas
from repose.research.turning import rendered_person

if TYPE_CHECKING:
    from repose.render.draw.render import Renderer
    from repose.render.wear.outfits import Outfit

SEED: Final = 1_910_000
"""Of the people who exchange clothes; no set may use it: no model saw them."""

KINDS: Final[Mapping[str, tuple[str, str]]] = {"shirt": ("top", "upper clothes"), "trousers": ("trousers", "pants")}
"""Garment -> the renderer's kind of it, and its label of LIP."""

_HIDING: Final = ("coat", "dress", "jumpsuit", "scarf")
"""Whoever wears one of these is left out: their shirt or trousers are hidden."""

_LEAST: Final = 0.02
"""A garment is on all three pictures with so many of their pixels at least."""

_MOST_TRIED: Final = 40
"""People looked at for each exchange."""


@dataclass(frozen=True)
class Exchange:
    """One person who puts on a garment of another.

    Attributes:
        garment: a key of `KINDS`. label: of LIP.
        numbers: of the wearer and of the garment's owner, under `SEED`.
        source: the wearer as they are. owner: in the garment, in another pose and place.
        true: the wearer in the garment, in the same pose, light and place. All are unbatched on one canvas, with exact
            joints, parsing and mask.
    """

    garment: str
    label: str
    numbers: tuple[int, int]
    source: Person
    owner: Person
    true: Person


def render_exchanges(
    canvas: Canvas,
    counts: Mapping[str, int],
    style: str = "fashion",
    progress: Callable[[int, int], None] | None = None,
) -> list[Exchange]:
    """So many exchanges of each garment; the same every time.

    Two people who follow each other in number and wear such a garment with nothing over it make one exchange.

    Args:
        canvas: they are rendered at the size of its window. counts: garment of `KINDS` -> how many exchanges.
        style: of the renderer. progress: called with (exchanges done, exchanges in all).

    Raises:
        SyntheticUnavailable: people cannot be rendered here.
        ValueError: too few people wear the garment.
    """
    from repose.render import Renderer

    _, _, height, width = canvas.window
    exchanges: list[Exchange] = []
    with Renderer(height, width) as renderer:
        outfits: dict[int, Outfit] = {}
        for garment, count in counts.items():
            number, there, waiting = 0, 0, -1
            while there < count:
                if number >= _MOST_TRIED * count:
                    raise ValueError(f"only {there} of {count} exchanges of {garment} in {number} people")
                if number not in outfits:
                    outfits[number] = _outfit(renderer, number, style)
                if not _wears(outfits[number], garment):
                    number += 1
                    continue
                if waiting < 0:
                    waiting = number
                else:
                    exchange = _exchange(renderer, canvas, garment, waiting, number, outfits[number], style)
                    waiting = -1
                    if exchange is not None:
                        exchanges.append(exchange)
                        there += 1
                        if progress is not None:
                            progress(len(exchanges), sum(counts.values()))
                number += 1
    return exchanges


def _outfit(renderer: Renderer, number: int, style: str) -> Outfit:
    """What a person wears, without the clothes' geometry."""
    import numpy as np

    from repose.body.model import sample_shape
    from repose.render.sets import drawn_style
    from repose.render.wear.outfits import sample_outfit

    rng = np.random.default_rng([SEED, number])
    style = drawn_style(rng) if style == "mixed" else style
    _, gender, age = sample_shape(renderer.body, rng)
    return sample_outfit(rng, gender, age, style)


def _wears(outfit: Outfit, garment: str) -> bool:
    kinds = [worn.kind for worn in outfit.garments]
    return kinds.count(KINDS[garment][0]) == 1 and not any(kind in kinds for kind in _HIDING)


def _exchange(
    renderer: Renderer, canvas: Canvas, garment: str, wearer: int, owner: int, outfit: Outfit, style: str
) -> Exchange | None:
    """The three pictures; None where one of them shows too little of the garment."""
    from repose.render import render_person

    kind, label = KINDS[garment]
    new = outfit.find(kind)
    assert new is not None

    def change(worn: Outfit) -> Outfit:
        return replace(worn, garments=tuple(new if one.kind == kind else one for one in worn.garments))

    pictures = [
        render_person(renderer, SEED, wearer, 1, style)[0],
        render_person(renderer, SEED, owner, 2, style)[1],
        render_person(renderer, SEED, wearer, 1, style, change)[0],
    ]
    least = _LEAST * pictures[0].parsing.size
    number = LIP_LABELS.index(label)
    if any((picture.parsing == number).sum() < least for picture in pictures):
        return None
    source, other, true = (rendered_person(picture, canvas) for picture in pictures)
    return Exchange(garment, label, (wearer, owner), source, other, true)
