"""Whether a result line of `repose eval` is whole, before a table is made of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from repose.metrics.columns import COLUMNS
from repose.metrics.result import REFERENCES
from repose.record import ResultLine

_TEXTS: Final = ("protocol", "data", "checksum", "split", "date", "commit", "hardware")
_COUNTS: Final = ("pairs", "pairs_in_split")
_KINDS: Final = (*REFERENCES, "generated")
_SLACK: Final = 1e-6
"""Rounding may put a number so far outside of the range of its column."""


def require_evaluation(line: ResultLine) -> None:
    """Check a line of `repose eval`: its facts, its rows, and that each score lies in the range of its column.

    Raises:
        ValueError: a key is missing, or a value is of another type, no number, or outside of its range. The text names
            the key and the value.
    """
    for key in _TEXTS:
        if not isinstance(line.get(key), str):
            raise ValueError(_told(line, key, "a text"))
    if not _is_protocol(line["protocol"]):
        raise ValueError(_told(line, "protocol", "a name with a version, such as patn-market@1"))
    for key in _COUNTS:
        value = line.get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise ValueError(_told(line, key, "a number from 1"))
    for key in ("model", "weights", "features"):
        if line.get(key) is not None and not isinstance(line[key], str):
            raise ValueError(_told(line, key, "a text or null"))
    missing = line.get("networks_missing", {})
    if not isinstance(missing, dict) or any(
        name not in COLUMNS or not isinstance(why, str) for name, why in missing.items()
    ):
        raise ValueError(_told(line, "networks_missing", "reasons by column"))
    rows = line.get("rows")
    if not isinstance(rows, dict) or not rows or any(kind not in _KINDS for kind in rows):
        raise ValueError(_told(line, "rows", f"scores by {', '.join(_KINDS)}"))
    for kind, scores in rows.items():
        if not isinstance(scores, dict) or "ssim" not in scores:
            raise ValueError(_told(rows, kind, "scores by column, with ssim", f"rows.{kind}"))
        for column, numbers in scores.items():
            _require_score(f"rows.{kind}.{column}", column, numbers)


# -- inside ---------------------------------------------------------------------------------------------------------


def _require_score(place: str, column: str, numbers: Any) -> None:
    if column not in COLUMNS:
        raise ValueError(f"{place}: there is no column of this name")
    if not isinstance(numbers, list) or len(numbers) != 3:
        raise ValueError(f"{place} is {_short(numbers)}, not [value, low, high]")
    low, high = COLUMNS[column].range
    for number in numbers:
        if number is None:  # infinite PSNR, or nothing was measured
            continue
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise ValueError(f"{place} holds {_short(number)}, which is neither a finite number nor null")
        if not low - _SLACK <= number <= high + _SLACK:
            raise ValueError(f"{place} holds {number:g}, and {COLUMNS[column].title} lies between {low:g} and {high:g}")


def _is_protocol(name: str) -> bool:
    base, _, version = name.partition("@")
    return bool(base) and version.isascii() and version.isdigit()


def _told(values: Mapping[str, Any], key: str, wanted: str, name: str = "") -> str:
    name = name or key
    return f"{name} is missing" if key not in values else f"{name} is {_short(values[key])}, not {wanted}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
