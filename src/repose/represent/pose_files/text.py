"""Text and JSON, in and out."""

from __future__ import annotations

import codecs
import json
from pathlib import Path
from typing import Any

from torch import Tensor

from repose.represent.pose_files.errors import FormatError


def text_of(file: Path) -> str:
    """The text of a file; FormatError where it is none."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
        with file.open("rb") as opened:
            if opened.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
                raise FormatError(file, None, "text in UTF-16; save it as UTF-8") from None
    if "\0" in text:
        raise FormatError(file, None, "not a text file; keypoints and pairs come as CSV or JSON")
    return text


def parsed(file: Path, text: str) -> Any:
    """The JSON of a file.

    Raises:
        FormatError: it is none, an object has a name twice, or it is nested too deep.
    """
    try:
        return json.loads(text, object_pairs_hook=lambda pairs: _once(file, pairs))
    except json.JSONDecodeError as error:
        problem = f"not valid JSON: {error.msg} at column {error.colno}; the file may be cut off"
        raise FormatError(file, error.lineno, problem) from None
    except FormatError:
        raise
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, brackets a thousand deep
        raise FormatError(file, None, f"the JSON cannot be read: {error}") from None


def _once(file: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; json itself would keep the last of two values under one name and say nothing."""
    entries = dict(pairs)
    if len(entries) < len(pairs):
        seen: set[str] = set()
        key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise FormatError(file, None, f"{key!r} comes twice in one object; remove one of the two", key)
    return entries


def dumps(data: object) -> str:
    """One line of JSON."""
    return json.dumps(data, ensure_ascii=False) + "\n"


def short(value: float) -> float:
    """Three decimals, and an int where nothing follows the point."""
    value = round(value, 3)
    return int(value) if value == int(value) else value


def flat(points: Tensor) -> list[float]:
    """(N, 3) -> x, y, third, x, y, third, ..., short."""
    return [short(value) for value in points.flatten().tolist()]
