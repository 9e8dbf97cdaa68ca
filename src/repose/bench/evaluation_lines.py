"""Whether a result line of `repose eval` is whole, before a table is made of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from repose.files import shortened
from repose.metrics.columns import COLUMNS
from repose.metrics.result import REFERENCES
from repose.record import DamagedLineError, ResultLine

_TEXTS: Final = ("protocol", "data", "checksum", "split", "date", "commit", "hardware")
_TEXTS_OR_NULL: Final = ("model", "weights", "features")
_COUNTS: Final = ("pairs", "pairs_in_split")
_KINDS: Final = (*REFERENCES, "generated")
_SLACK: Final = 1e-6
"""Rounding may put a number so far outside of the range of its column."""


def require_evaluation(line: ResultLine) -> None:
    """Check a line of `repose eval`: its facts, its rows, and that each score lies in the range of its column.

    Raises:
        DamagedLineError: a key is missing, or a value is of another type, no number, or outside of its range. The text
            names the line's place, the key and the value.
    """
    if why := _damage(line):
        raise DamagedLineError(line, why)


# -- inside ---------------------------------------------------------------------------------------------------------


def _damage(line: ResultLine) -> str:
    """What is wrong in a line; "" if nothing is."""
    if wrong := [key for key in _TEXTS if not isinstance(line.get(key), str)]:
        return _told(line, wrong[0], "a text")
    if not _is_protocol(line["protocol"]):
        return _told(line, "protocol", "a name with a version, such as patn-market@1")
    if wrong := [key for key in _COUNTS if not _is_count(line.get(key))]:
        return _told(line, wrong[0], "a number from 1")
    if wrong := [key for key in _TEXTS_OR_NULL if not isinstance(line.get(key), str | None)]:
        return _told(line, wrong[0], "a text or null")
    missing = line.get("networks_missing", {})
    if not isinstance(missing, dict) or any(name not in COLUMNS for name in missing):
        return _told(line, "networks_missing", "reasons by column")
    rows = line.get("rows")
    if not isinstance(rows, dict) or not rows or any(kind not in _KINDS for kind in rows):
        return _told(line, "rows", f"scores by {', '.join(_KINDS)}")
    for kind, scores in rows.items():
        if not isinstance(scores, dict) or "ssim" not in scores:
            return f"rows.{_told(rows, kind, 'scores by column, with ssim')}"
        for column, numbers in scores.items():
            if why := _damaged_score(f"rows.{kind}.{column}", column, numbers):
                return why
    return ""


def _damaged_score(place: str, column: str, numbers: Any) -> str:
    """What is wrong in the score of a column; "" if nothing is."""
    if column not in COLUMNS:
        return f"{place}: there is no column of this name"
    if not isinstance(numbers, list) or len(numbers) != 3:
        return f"{place} is {shortened(numbers)}, not [value, low, high]"
    low, high = COLUMNS[column].range
    for number in numbers:
        if number is None:  # infinite PSNR, or nothing was measured
            continue
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            return f"{place} holds {shortened(number)}, which is neither a finite number nor null"
        if not low - _SLACK <= number <= high + _SLACK:
            return f"{place} holds {number:g}, and {COLUMNS[column].title} lies between {low:g} and {high:g}"
    return ""


def _is_protocol(name: str) -> bool:
    base, _, version = name.partition("@")
    return bool(base) and version.isascii() and version.isdigit()


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _told(values: Mapping[str, Any], key: str, wanted: str) -> str:
    return f"{key} is {shortened(values[key])}, not {wanted}" if key in values else f"{key} is missing"
