"""Which of several people in one picture is meant: by number, size, score or place."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

Which = Literal["largest", "best", "left", "right", "middle"] | int
"""One of several people: the largest, the one with the highest score, the one furthest to the left or right or nearest
to the middle of the picture, or a number (0 is the largest)."""

WORDS: Final = ("largest", "best", "left", "right", "middle")
"""The words of `Which`."""


class NoSuchPersonError(ValueError):
    """Fewer people are there than the number asks for."""


def choose_person(
    boxes: npt.NDArray[np.float64],
    scores: npt.NDArray[np.float64] | None,
    which: Which = "largest",
    width: float | None = None,
    where: str = "in this picture",
) -> int:
    """The index of one of several people.

    Args:
        boxes: (N, 4): left, top, right, bottom of each person, pixels; N is at least 1.
        scores: (N,), higher is surer; None if nobody has one.
        which: see `Which`.
        width: of the picture, pixels; without it the middle is halfway between the outermost people.
        where: for errors: the picture or the file.

    Raises:
        NoSuchPersonError: there are fewer people.
        ValueError: another word, or "best" without scores.
    """
    if which not in WORDS and not isinstance(which, int):
        raise ValueError(f"which person: {', '.join(map(repr, WORDS))} or a number is wanted, not {which!r}")
    areas = np.maximum(boxes[:, 2] - boxes[:, 0], 0.0) * np.maximum(boxes[:, 3] - boxes[:, 1], 0.0)
    if which == "largest":
        return int(np.argmax(areas))
    if which == "best":
        if scores is None:
            raise ValueError(
                f"there are no scores {where} to choose the best person by; choose largest, left, right, middle or a "
                "number from 0"
            )
        return int(np.argmax(scores))
    centres = (boxes[:, 0] + boxes[:, 2]) / 2
    if which == "left":
        return int(np.argmin(centres))
    if which == "right":
        return int(np.argmax(centres))
    if which == "middle":
        middle = (centres.min() + centres.max()) / 2 if width is None else width / 2
        return int(np.argmin(np.abs(centres - middle)))
    count = len(boxes)
    if not 0 <= which < count:
        known = "only 0 is there" if count == 1 else f"use 0 to {count - 1}, 0 is the largest"
        raise NoSuchPersonError(f"person {which} was asked for, but {count} found {where}: {known}")
    return int(np.argsort(-areas, kind="stable")[which])
