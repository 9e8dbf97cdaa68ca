"""Changes of a valid file, drawn by Hypothesis: values of JSON and CSV, text, bytes, numbers of an array."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import PIL.Image
from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]

NUMBERS: Final = (
    0, -1, 1, 2, 0.5, -0.5, 1e300, -1e300, 1e30, -1e9, 1e9, 1e6, 99_999, 10**30, 10**400, -(10**19), 2**31, 2**63,
    float("nan"), float("inf"), float("-inf"), 1e-300, 0.9999999, 25, 255, 256, 20, 24.5,
)  # fmt: skip
"""Numbers that a file may hold in place of a sensible one."""

SMALL: Final = (
    0,
    -1,
    1,
    2,
    3,
    5,
    7,
    17,
    0.5,
    1.5,
    1e9,
    2**20,
    2**31,
    2**63,
    10**30,
    True,
    None,
    [],
    [0],
    [1],
    [2, 3],
    "",
)
"""Values that are wrong in more places than the kind of the value: 0, odd and huge counts."""

VALUES: Final = (
    *NUMBERS, None, True, False, "", "text", "nan", "1e400", "0x10", "\0", "\ud800", "é" * 300, "../../x", [], {}, [[]],
    [None], [{}], {"": 0}, {"x": 1}, [1, 2, 3], [[1, 2], None], [1e300] * 54, [[0, 0, 1]] * 18, [[0, 0, 1]] * 17,
)  # fmt: skip
"""Values of JSON of every kind, also such as JSON does not know (NaN, half a character)."""

WORDS: Final = (
    "", ",", ":", "]", "}", "[", "{", '"', "nul", "NaN", "-", "1e999", "1" * 400, "[" * 3000, "\0", "\ufeff", "\n",
    "\r", "\ud800", "-1", "0.5", ",,,,", "é",
)  # fmt: skip
"""Words that are put into text."""


def dumped(data: Any, plain: bool = False) -> bytes:
    """JSON as bytes, `plain` in ASCII alone; half a character stays one, as a broken tool would write it."""
    return json.dumps(data, ensure_ascii=plain).encode("utf-8", "surrogatepass")


def changed_json(draw: Draw, data: Any) -> bytes:
    """A document of JSON with one to three changed places."""
    data = copy.deepcopy(data)
    for _ in range(draw(st.sampled_from((1, 1, 1, 2, 3)))):
        parent, key, here = None, None, data
        for _ in range(draw(st.integers(1, 8))):
            if not isinstance(here, dict | list) or not here:
                break
            parent = here
            key = draw(st.sampled_from(list(here))) if isinstance(here, dict) else draw(st.integers(0, len(here) - 1))
            here = parent[key]  # type: ignore[call-overload]
        if parent is None:
            data = draw(st.sampled_from(VALUES))
            continue
        _change_at(draw, parent, key)
    return dumped(data, draw(st.booleans()))


def changed_text(draw: Draw, text: str) -> bytes:
    """A text with something cut out, doubled or put in."""
    for _ in range(draw(st.sampled_from((1, 1, 2, 4)))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from((0, 1, 2, 5, 40, 400))))
        middle = draw(st.sampled_from((*WORDS, text[start:end] * 2)))
        text = text[:start] + middle + text[end:]
    if draw(st.integers(0, 9)) == 0:
        text = text[: draw(st.integers(0, len(text)))]
    return text.encode("utf-8", "surrogatepass")


def changed_cells(draw: Draw, text: str) -> bytes:
    """A table of text with other numbers in some of its cells, other numbers of cells, or rows twice."""
    lines = text.split("\n")
    for _ in range(draw(st.integers(1, 3))):
        row = draw(st.integers(0, len(lines) - 1))
        mark = draw(st.sampled_from((",", ":")))
        cells = lines[row].split(mark)
        place = draw(st.integers(0, len(cells) - 1))
        match draw(st.sampled_from(("value", "value", "value", "drop", "double", "row"))):
            case "value":
                cells[place] = _word(draw(st.sampled_from(VALUES)))
            case "drop":
                del cells[place]
            case "double":
                cells.insert(place, cells[place])
            case _:
                lines.insert(row, lines[row])
                continue
        lines[row] = mark.join(cells)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def changed_bytes(draw: Draw, content: bytes) -> bytes:
    """Bytes with some of them changed, cut off, doubled, or overwritten; mostly near the head."""
    data = bytearray(content)
    if not data:
        return b"\0"
    for _ in range(draw(st.sampled_from((1, 1, 2, 3, 6)))):
        end = min(400, len(data)) if draw(st.booleans()) else len(data)
        start = draw(st.integers(0, max(0, end - 1)))
        match draw(st.sampled_from(("byte", "byte", "bit", "cut", "double", "zero"))):
            case "byte":
                data[start] = draw(st.integers(0, 255))
            case "bit":
                data[start] ^= 1 << draw(st.integers(0, 7))
            case "double":
                data[start:start] = data[start : start + draw(st.sampled_from((1, 4, 64)))]
            case "zero":
                length = min(len(data) - start, draw(st.sampled_from((1, 4, 64, 4096))))
                data[start : start + length] = bytes(length)
            case _:
                if draw(st.integers(0, 2)) == 0:
                    del data[start:]
        if not data:
            break
    return bytes(data)


def changed_array(draw: Draw, array: np.ndarray) -> np.ndarray:
    """An array with other numbers, another type, another shape."""
    array = np.array(array)
    match draw(st.sampled_from(("value", "value", "type", "shape", "scale"))):
        case "value":
            if array.dtype.kind not in "f" and draw(st.booleans()):
                array = array.astype(np.float64)
            with np.errstate(all="ignore"):
                for _ in range(draw(st.integers(1, 4))):
                    if array.size:
                        place = np.unravel_index(draw(st.integers(0, array.size - 1)), array.shape)
                        number = draw(st.sampled_from([n for n in NUMBERS if abs(n) < 1e300 or n != n]))
                        array[place] = _cast(number, array.dtype)
        case "type":
            kind = draw(st.sampled_from(("i1", "u2", "i8", "f2", "f8", "c16", "?", "S3", "U2", "u8", ">f4", "M8[s]")))
            with np.errstate(all="ignore"):
                array = array.astype(np.float64).astype(kind) if kind != "M8[s]" else array.astype("i8").astype(kind)
        case "scale":
            array = array.astype(np.float64) * draw(st.sampled_from((0.5, -1.0, 1 / 255, 255.0, 1e30, 0.999)))
        case _:
            match draw(st.integers(0, 6)):
                case 0:
                    array = array[: draw(st.integers(0, len(array)))] if array.ndim else array
                case 1:
                    array = array[None]
                case 2:
                    array = array.T
                case 3:
                    array = array.reshape(-1)
                case 4:
                    array = np.stack([array] * draw(st.integers(1, 4)), -1)
                case 5:
                    array = np.zeros((0, 3), array.dtype)
                case _:
                    array = np.array(array.flat[0] if array.size else 0)
    return array


def array_file(array: np.ndarray) -> bytes:
    """A .npy."""
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def picture_file(array: np.ndarray, format: str) -> bytes | None:
    """A picture of an array, None where Pillow writes none of it."""
    stream = io.BytesIO()
    try:
        PIL.Image.fromarray(array).save(stream, format=format)
    except (TypeError, OSError, ValueError, KeyError, SystemError):
        return None
    return stream.getvalue()


def chosen(draw: Draw, values: Sequence[Any]) -> Any:
    """One of some values."""
    return values[draw(st.integers(0, len(values) - 1))]


def _change_at(draw: Draw, parent: Any, key: Any) -> None:
    match draw(st.sampled_from(("value", "value", "value", "value", "drop", "double", "rename", "cut"))):
        case "value":
            parent[key] = copy.deepcopy(draw(st.sampled_from(VALUES)))
        case "drop":
            del parent[key]
        case "double":
            if isinstance(parent, list):
                parent.insert(key, copy.deepcopy(parent[key]))
            else:
                parent[f"{key}2"] = copy.deepcopy(parent[key])
        case "rename":
            if isinstance(parent, dict):
                name = draw(st.sampled_from(("", "x", "people", "keypoints", "image_id", "size", f"{key} ")))
                parent[name] = parent.pop(key)
            else:
                parent.reverse()
        case _:
            if isinstance(parent[key], list | str) and parent[key]:
                parent[key] = parent[key][: draw(st.integers(0, len(parent[key]) - 1))]
            else:
                parent[key] = [parent[key]]


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _cast(number: float, dtype: np.dtype[Any]) -> Any:
    if dtype.kind == "f":
        return number
    if number != number or abs(number) == float("inf"):
        return 0
    limits = np.iinfo(dtype)
    return max(limits.min, min(limits.max, int(number)))
