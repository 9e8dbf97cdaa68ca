"""Contact sheets: a grid of pictures with names above the columns. Every training run writes one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

_INK, _PALE, _PAPER = (40, 40, 40), (110, 110, 110), (255, 255, 255)


def sheet(
    rows: Sequence[Sequence[npt.NDArray[np.uint8] | None]],
    columns: Sequence[str] = (),
    scale: int = 1,
    labels: Sequence[str] = (),
    margin: int = 6,
) -> Image.Image:
    """A labelled grid of pictures on white.

    Args:
        rows: uint8 pictures (H, W, 3) or (H, W), of any sizes; None leaves a cell empty, and rows may differ in length.
        columns: names above the columns, cut off if they are wider than the column; () for none.
        scale: whole number by which every picture grows, pixel by pixel.
        labels: names left of the rows; () for none.
        margin: pixels around every picture.

    Raises:
        ValueError: no picture at all, a picture of the wrong kind, or more names than columns or rows.
    """
    if scale < 1:
        raise ValueError(f"sheet: scale is a whole number of at least 1, got {scale}")
    grid = [[None if cell is None else _enlarged(cell, scale) for cell in row] for row in rows]
    width = max((len(row) for row in grid), default=0)
    if not any(cell is not None for row in grid for cell in row):
        raise ValueError("sheet: there is no picture to show")
    if len(columns) > width or len(labels) > len(grid):
        raise ValueError(f"sheet: {len(columns)} column and {len(labels)} row names for {len(grid)} x {width} cells")
    grid = [row + [None] * (width - len(row)) for row in grid]
    wide = [max((row[i].width for row in grid if (row[i])), default=0) for i in range(width)]  # type: ignore[union-attr]
    high = [max((cell.height for cell in row if cell), default=0) for row in grid]

    font = ImageFont.load_default(size=max(10, min(16, max(wide) // 6)))
    line = sum(font.getmetrics()) if isinstance(font, ImageFont.FreeTypeFont) else 12
    left = margin + (max(round(font.getlength(label)) for label in labels) + margin if labels else 0)
    top = margin + (line + margin // 2 if columns else 0)
    page = Image.new("RGB", (left + sum(wide) + margin * width, top + sum(high) + margin * len(grid)), _PAPER)
    draw = ImageDraw.Draw(page)

    x_of = [left + sum(wide[:i]) + margin * i for i in range(width)]
    y_of = [top + sum(high[:j]) + margin * j for j in range(len(grid))]
    for name, x, room in zip(columns, x_of, wide, strict=False):
        text = _fitted(name, room, font)
        draw.text((x + (room - font.getlength(text)) / 2, margin // 2), text, _INK, font)
    for label, y, room in zip(labels, y_of, high, strict=False):
        draw.text((margin, y + (room - line) / 2), label, _INK, font)
    for row, y, tall in zip(grid, y_of, high, strict=True):
        for cell, x, room in zip(row, x_of, wide, strict=True):
            if cell is not None:
                page.paste(cell, (x + (room - cell.width) // 2, y + (tall - cell.height) // 2))
    return page


def reduced(picture: npt.NDArray[np.uint8], height: int) -> npt.NDArray[np.uint8]:
    """A picture (H, W, 3) at this height: pixels repeated if it grows by a whole factor, smoothed otherwise."""
    factor = height / len(picture)
    width = max(1, round(picture.shape[1] * factor))
    way = Image.Resampling.NEAREST if factor >= 1 and factor == int(factor) else Image.Resampling.LANCZOS
    return np.asarray(Image.fromarray(np.ascontiguousarray(picture)).resize((width, height), way))


def captioned(picture: Image.Image, lines: Sequence[str], margin: int = 6) -> Image.Image:
    """A picture with lines of text below it, on white; the first line is the darker one.

    Args:
        lines: broken between words if they are wider than the picture.
        margin: pixels left of the text and below it.

    Raises:
        ValueError: there is no line.
    """
    if not lines:
        raise ValueError("captioned: at least one line is needed")
    font = ImageFont.load_default(size=max(10, min(16, picture.width // 26)))
    line = sum(font.getmetrics()) if isinstance(font, ImageFont.FreeTypeFont) else 12
    texts = [(part, k == 0) for k, text in enumerate(lines) for part in _broken(text, picture.width - 2 * margin, font)]
    page = Image.new("RGB", (picture.width, picture.height + line * len(texts) + margin), _PAPER)
    page.paste(picture, (0, 0))
    draw = ImageDraw.Draw(page)
    for k, (text, dark) in enumerate(texts):
        draw.text((margin, picture.height + k * line), text, _INK if dark else _PALE, font)
    return page


def _broken(text: str, room: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> list[str]:
    """Lines of whole words that fit; a single word that does not is cut off."""
    out: list[str] = []
    for word in text.split():
        longer = f"{out[-1]} {word}" if out else word
        if out and font.getlength(longer) <= room:
            out[-1] = longer
        else:
            out.append(_fitted(word, room, font))
    return out


def _enlarged(cell: npt.NDArray[np.uint8], scale: int) -> Image.Image:
    if cell.dtype != np.uint8 or not (cell.ndim == 2 or (cell.ndim == 3 and cell.shape[2] == 3)):
        raise ValueError(f"sheet: pictures are uint8 (H, W, 3) or (H, W), got {cell.dtype} {cell.shape}")
    picture = Image.fromarray(np.ascontiguousarray(cell)).convert("RGB")
    size = (picture.width * scale, picture.height * scale)
    return picture if scale == 1 else picture.resize(size, Image.Resampling.NEAREST)


def _fitted(text: str, room: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    if font.getlength(text) <= room:
        return text
    while text and font.getlength(text + "…") > room:
        text = text[:-1]
    return text + "…"
