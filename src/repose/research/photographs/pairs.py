"""Which photographs are a pair: drawn from a seed, never by looks."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

SEED: Final = 20261129

APART: Final = 4
"""Two photographs of a pair are at least this part (1/4) of the person's list apart: frames of a clip are not alike."""

Usable = Callable[[Path], bool]
"""Whether a photograph can be used; asked only of those that are drawn."""


def draw_pairs(
    people: Mapping[str, Sequence[Path]], count: int, usable: Usable, seed: int = SEED
) -> list[tuple[Path, Path]]:
    """Pairs (source, target) of one person each, at most `count`.

    Everybody gives one pair before anybody gives a second, and so on. Of one person no pair comes twice, and no
    photograph comes again as long as there are others.

    Args:
        people: ID -> their photographs in order; whoever has fewer than two gives none.
        usable: see `Usable`.
    """
    lots = random.Random(seed)
    order = sorted(identity for identity, files in people.items() if len(files) > 1)
    lots.shuffle(order)
    return _in_turn([_pairs_of(people[identity], usable, random.Random(lots.random())) for identity in order], count)


def draw_photographs(
    people: Mapping[str, Sequence[Path]], count: int, usable: Usable, seed: int = SEED
) -> list[tuple[Path, Path]]:
    """Photographs to be put into their own pose, (photograph, the same), at most `count`, spread over the people."""
    lots = random.Random(seed)
    order = sorted(people)
    lots.shuffle(order)

    def shuffled(files: Sequence[Path], own: random.Random) -> Iterator[tuple[Path, Path]]:
        return ((file, file) for file in own.sample(files, len(files)) if usable(file))

    return _in_turn([shuffled(people[identity], random.Random(lots.random())) for identity in order], count)


def _pairs_of(files: Sequence[Path], usable: Usable, lots: random.Random) -> Iterator[tuple[Path, Path]]:
    """The pairs of one person, those of photographs that were used least first."""
    least = max(1, len(files) // APART)
    places = range(len(files))
    left = [(i, j) for i in places for j in places if abs(i - j) >= least]
    lots.shuffle(left)
    used = [0] * len(files)
    limit = 1
    while left:
        later = []
        for i, j in left:
            if used[i] >= limit or used[j] >= limit:
                later.append((i, j))
            elif usable(files[i]) and usable(files[j]):
                used[i] += 1
                used[j] += 1
                yield files[i], files[j]
        left, limit = later, limit + 1


def _in_turn(each: Sequence[Iterator[tuple[Path, Path]]], count: int) -> list[tuple[Path, Path]]:
    """One of each iterator, then the next of each, until there are `count` or all are at their end."""
    drawn: list[tuple[Path, Path]] = []
    open_ones = list(each)
    while open_ones and len(drawn) < count:
        still = []
        for one in open_ones:
            if len(drawn) == count:
                break
            pair = next(one, None)
            if pair is not None:
                drawn.append(pair)
                still.append(one)
        open_ones = still
    return drawn
