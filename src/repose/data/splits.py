"""Which people of a data set are for training, validation and test, and which pairs are measured: drawn by a seed.

A draw depends on the seed and on the names alone, so it is the same on every machine and in every order of the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from repose.data.photographs import VALIDATION_PAIRS, draw, drawn_pairs
from repose.data.store import StoreWriter


def split_people(
    people: Iterable[str], validation: int | None, test: int | None, seed: int, given: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Each person's split: "train", "val" or "test".

    Args:
        people: all of them.
        validation, test: how many are drawn for it; None is a tenth of those to be drawn from, one at least where they
            are three or more.
        seed: of the draw.
        given: person -> split, where it is known; these are not drawn.

    Raises:
        ValueError: nobody is left to train on.
    """
    splits = dict(given or {})
    drawn = sorted({person for person in people if person not in splits}, key=lambda person: draw(seed, person))
    tenth = 0 if len(drawn) < 3 else max(1, len(drawn) // 10)
    tested = tenth if test is None else test
    validated = tenth if validation is None else validation
    if drawn and tested + validated >= len(drawn) and "train" not in splits.values():
        raise ValueError(
            f"{tested} people for the test and {validated} for validation leave none of {len(drawn)} to train on; "
            "choose fewer (--test, --validation)"
        )
    for number, person in enumerate(drawn):
        splits[person] = "test" if number < tested else "val" if number < tested + validated else "train"
    return splits


STRETCHES: Final = 2
"""Stretches of time that are held out of a clip."""


def held_out(count: int, share: float) -> list[bool]:
    """Which pictures of somebody, in the order of time, are held out for the test: two stretches of equal length.

    Neighbours in time look alike, so whole stretches are held out: the ends of both halves.

    Args:
        count: of the pictures. share: of them, 0 to 1; at least one of each stretch where it is above 0.

    Raises:
        ValueError: the share leaves nothing to train on.
    """
    if not 0 <= share < 1:
        raise ValueError(f"the share that is held out is from 0 to below 1, not {share:g}")
    chosen = [False] * count
    for stretch in range(STRETCHES if share else 0):
        start, end = (count * place // STRETCHES for place in (stretch, stretch + 1))
        length = max(1, round((end - start) * share))
        if length >= end - start:
            raise ValueError(
                f"{share:g} of {count} pictures are held out in {STRETCHES} stretches, which leaves none to train on"
            )
        chosen[end - length : end] = [True] * length
    return chosen


def pair_lists(writer: StoreWriter, seed: int, most: int = VALIDATION_PAIRS) -> dict[str, list[tuple[str, str]]]:
    """The lists of pairs of "val" and "test", where the store has these splits: at most `most` of the ordered pairs.

    Args:
        writer: of the store, with all records added. seed: of the draw.
    """
    return {split: drawn_pairs(writer, seed, split, most) for split in ("val", "test") if split in writer.splits}
