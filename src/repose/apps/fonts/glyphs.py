"""Capital letters of fonts as pictures of 64x64, drawn by Pillow, and which fonts cannot give them."""

from __future__ import annotations

import string
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Coverage = npt.NDArray[np.uint8]
"""How far each pixel is covered by ink: uint8, 0 is paper and 255 ink."""

SUFFIXES: Final = (".ttf", ".otf", ".pfb", ".t1")
"""Of the font files that are read."""

LETTERS: Final = string.ascii_uppercase
SIDE: Final = 64
"""Height and width of a picture of one character."""

CAP_HEIGHT: Final = 46
"""Rows of the letter H, where the widest, the highest and the deepest letter fit at that size."""

SMALLEST: Final = 16
"""Rows of H below which a font is left out: one capital is so large that the others are specks."""

MARGIN: Final = 3
_MEASURED_AT: Final = 200  # pixels of the font size at which letters are measured
_MISSING: Final = ("\ue0ff", "\uffff", "\u0378")  # characters that fonts do not have: what is drawn for them is a box


class FontError(ValueError):
    """A font cannot be used; the text says why."""


def open_font(path: Path | str, size: float = _MEASURED_AT) -> ImageFont.FreeTypeFont:
    """A font file at a size in pixels.

    Raises:
        FontError: FreeType cannot read it.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path} is not there")
    try:
        return ImageFont.truetype(str(path), size)
    except (OSError, ValueError) as error:
        raise FontError(f"{path} is no font that FreeType reads ({error})") from error


def plain_font(size: float = _MEASURED_AT) -> ImageFont.FreeTypeFont:
    """The fixed font of the skeletons: Aileron Regular (CC0), which comes with Pillow.

    Raises:
        FontError: this Pillow was built without FreeType.
    """
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise FontError("this Pillow has no FreeType, and cannot draw characters: install Pillow from PyPI")
    return font


def font_glyphs(font: ImageFont.FreeTypeFont, letters: Sequence[str] = LETTERS) -> Coverage:
    """Letters of a font, all at one scale and on one line; in the middle is what lies between a letter's origin and its
    right end, so that its left bearing stays.

    The scale: H is `CAP_HEIGHT` rows high, or less where a capital would not fit.

    Returns:
        uint8 (letters, 64, 64).

    Raises:
        FontError: the font draws nothing for a capital, or cannot be drawn.
    """
    try:
        boxes = {letter: _box(font, letter) for letter in LETTERS}
        empty = [letter for letter, (left, top, right, bottom) in boxes.items() if right <= left or bottom <= top]
        if empty:
            raise FontError(f"it has no {_named(empty)}")
        scaled = font.font_variant(size=_MEASURED_AT * _scale(boxes))
        line = _line(boxes, _scale(boxes))
        return np.stack([_drawn(scaled, letter, line) for letter in letters])
    except (OSError, ValueError, OverflowError) as error:
        if isinstance(error, FontError):
            raise
        raise FontError(f"it cannot be drawn ({error})") from error


def why_unusable(font: ImageFont.FreeTypeFont) -> str:
    """Why a font cannot show the 26 capitals apart: it lacks some, draws boxes for them, or the same for several.

    Returns:
        The reason, or "" if it can be used.
    """
    try:
        glyphs = font_glyphs(font)
    except FontError as error:
        return str(error)
    missing = [_ink(font, character) for character in _MISSING]
    boxes = [letter for letter in LETTERS if _ink(font, letter) in missing]
    if boxes:
        return f"it draws the box of missing characters for {_named(boxes)}"
    high = _rows(glyphs[LETTERS.index("H")])
    if high < SMALLEST:
        return f"its H is {high} rows high where its largest capital fits"
    thin = [letter for letter, glyph in zip(LETTERS, glyphs, strict=True) if _rows(glyph) < high // 2]
    if thin:
        return f"{_named(thin)} too thin to be seen at this size"
    solid = [letter for letter, glyph in zip(LETTERS, glyphs, strict=True) if _filled(glyph) > 0.97]
    if len(solid) > 1:  # an I may be a bar
        return f"it draws a filled box for {_named(solid)}"
    seen: dict[bytes, str] = {}
    for letter, glyph in zip(LETTERS, glyphs, strict=True):
        if other := seen.get(glyph.tobytes()):
            return f"it draws {other} and {letter} alike"
        seen[glyph.tobytes()] = letter
    return ""


def coloured(coverage: npt.NDArray[np.uint8], colour: Sequence[int]) -> npt.NDArray[np.uint8]:
    """Coverage (H, W) -> uint8 (H, W, 3): ink of this colour (red, green, blue, 0 to 255) on white."""
    share = coverage[..., None].astype(np.float32) / 255
    ink = np.asarray(colour, np.float32)
    return np.asarray(np.rint(255 + (ink - 255) * share), np.uint8)


# -- inside ---------------------------------------------------------------------------------------------------------


def _box(font: ImageFont.FreeTypeFont, letter: str) -> tuple[float, float, float, float]:
    """Left, top, right, bottom of the ink; y is 0 on the line that letters stand on, and grows downwards."""
    return font.getbbox(letter, anchor="ls")


def _scale(boxes: dict[str, tuple[float, float, float, float]]) -> float:
    room = SIDE - 2 * MARGIN
    width = max(right - left for left, _, right, _ in boxes.values())
    height = max(bottom for *_, bottom in boxes.values()) - min(top for _, top, *_ in boxes.values())
    cap = -boxes["H"][1]
    if cap <= 0:
        raise FontError("its H lies below the line")
    return min(CAP_HEIGHT / cap, room / width, room / height)


def _line(boxes: dict[str, tuple[float, float, float, float]], scale: float) -> int:
    """The row of the line: H in the middle, or all letters where one would leave the picture."""
    top, bottom = (scale * f(box[side] for box in boxes.values()) for f, side in ((min, 1), (max, 3)))
    line = SIDE / 2 - scale * boxes["H"][1] / 2
    return round(min(max(line, MARGIN - top), SIDE - MARGIN - bottom))


def _drawn(font: ImageFont.FreeTypeFont, letter: str, line: int) -> Coverage:
    picture = Image.new("L", (SIDE, SIDE))
    left, _, right, _ = _box(font, letter)
    ImageDraw.Draw(picture).text(((SIDE - left - right) / 2, line), letter, 255, font, anchor="ls")
    return np.asarray(picture)


def _ink(font: ImageFont.FreeTypeFont, character: str) -> bytes:
    mask = font.getmask(character)
    return bytes(mask) + bytes(str(mask.size), "ascii")


def _rows(glyph: Coverage) -> int:
    """How many rows have ink."""
    return int((glyph > 127).any(1).sum())


def _filled(glyph: Coverage) -> float:
    """The share of the box around a letter that is ink."""
    rows, columns = np.nonzero(glyph > 127)
    inside = glyph[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return float((inside > 127).mean())


def _named(letters: Sequence[str]) -> str:
    return "capitals" if len(letters) == len(LETTERS) else " ".join(letters)
