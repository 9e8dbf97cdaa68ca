"""What is printed on chests and backs: words, numbers, emblems and pictures, with the font that Pillow carries.

All words are made up of syllables. A print is an image with straight alpha, laid flat on the front or the back of the
trunk. The back is drawn as seen from behind: nothing is mirrored.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from repose.render.pieces import Decal

Floats = NDArray[np.float32]
Mask = NDArray[np.uint8]
Box = tuple[float, float, float, float]
Rng = np.random.Generator

_SIZE: Final = 256
_WHITE: Final = np.array([0.93, 0.93, 0.91], np.float32)
_BLACK: Final = np.array([0.08, 0.08, 0.09], np.float32)
_CHEST: Final = 0.41  # canon z of the middle of a large print


class _Canvas:
    """A print in the making: inks laid over each other, in places given in fractions of its width and height."""

    def __init__(self) -> None:
        self.image = Image.new("RGBA", (_SIZE, _SIZE), (0, 0, 0, 0))

    def put(self, mask: Mask, box: Box, ink: Floats) -> None:
        """`mask` (h, w) stretched into box (left, top, right, bottom) in [0, 1]."""
        left, top, right, bottom = (round(v * _SIZE) for v in box)
        size = max(1, right - left), max(1, bottom - top)
        stencil = Image.fromarray(mask).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
        self.image.paste((*_bytes(ink), 255), (left, top), stencil)

    def picture(self, image: NDArray[np.uint8], mask: Mask, box: Box) -> None:
        """(h, w, 3) sRGB in place of an ink; mask (h, w) of the same size."""
        left, top, right, bottom = (round(v * _SIZE) for v in box)
        size = max(1, right - left), max(1, bottom - top)
        self.image.paste(Image.fromarray(image).resize(size), (left, top), Image.fromarray(mask).resize(size))

    def done(self, rng: Rng, worn: float) -> NDArray[np.uint8]:
        """(256, 256, 4) uint8. Clear pixels take the mean ink, so that shrinking the image draws no dark rim."""
        out = np.array(self.image)
        drawn = out[..., 3] > 0
        if drawn.any():
            out[~drawn, :3] = out[drawn, :3][::7].mean(0)
        if worn > 0:
            grain = np.kron(rng.random((64, 64), np.float32), np.ones((4, 4), np.float32))
            grain = grain * 0.6 + 0.4 * rng.random((_SIZE, _SIZE), np.float32)
            out[..., 3] = out[..., 3] * np.clip((grain - worn * 0.45) * 6 + 0.5, 0, 1)
        return out


def _bytes(value: Floats) -> tuple[int, int, int]:
    red, green, blue = (np.clip(value, 0, 1) * 255).round().astype(int).tolist()
    return red, green, blue


# -- words -----------------------------------------------------------------------------------------------------------

# Chosen to keep clear of rude words; "an" and the like are left out for that.
_SYLLABLES: Final = [
    "bel", "bro", "cal", "del", "dor", "el", "fal", "gal", "hol", "il", "ka", "lan", "lo", "lu", "ma", "mel", "mi",
    "mon", "nor", "ol", "or", "pal", "ra", "ren", "ri", "ro", "sal", "sol", "sta", "ta", "tel", "tor", "ul", "va",
    "ven", "vi", "wal", "zan", "zel", "tho", "kri", "gru", "bra", "jo", "pra", "quo",
]  # fmt: skip


def word(rng: Rng, syllables: int) -> str:
    """A made-up word in capitals."""
    return "".join(rng.choice(_SYLLABLES, syllables).tolist()).upper()


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _text(text: str, stroke: int = 0, size: int = 72, outline: bool = False) -> Mask:
    """(h, w) the letters, cropped to their box; `stroke` pixels bolder, or only that outline."""
    font = _font(size)
    left, top, right, bottom = (int(v) for v in font.getbbox(text, stroke_width=stroke))
    image = Image.new("L", (max(1, right - left), max(1, bottom - top)), 0)
    draw = ImageDraw.Draw(image)
    draw.text((-left, -top), text, 255, font, stroke_width=stroke)
    if outline:
        draw.text((-left, -top), text, 0, font)
    return np.asarray(image)


def _arc(text: str, stroke: int, bend: float) -> Mask:
    """(256, 256) text on an arch that fills the width; `bend` radians from its middle to its end."""
    image = Image.new("L", (_SIZE, _SIZE), 0)
    radius = 104 / math.sin(bend)
    size = int(min(64, 2 * bend * radius / max(1, len(text)) * 1.45))
    drop = 36 + radius
    for k, letter in enumerate(text):
        angle = bend * (2 * (k + 0.5) / len(text) - 1)
        glyph = Image.new("L", (80, 80), 0)
        ImageDraw.Draw(glyph).text((40, 40), letter, 255, _font(size), anchor="mm", stroke_width=stroke)
        turned = glyph.rotate(-math.degrees(angle), Image.Resampling.BILINEAR)
        place = round(128 + radius * math.sin(angle) - 40), round(drop - radius * math.cos(angle) - 40)
        image.paste(255, place, turned)
    return np.asarray(image)


# -- shapes ----------------------------------------------------------------------------------------------------------


def _emblem(rng: Rng) -> Mask:
    """(160, 160) one of many signs."""
    kind = str(
        rng.choice(["ring", "shield", "star", "heart", "hills", "animal", "blob", "blocks", "sun", "chevrons", "waves"])
    )
    big = Image.new("L", (320, 320), 0)
    draw = ImageDraw.Draw(big)
    t = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    if kind == "ring":
        draw.ellipse((8, 8, 312, 312), 255)
        hole = int(rng.integers(24, 110))
        draw.ellipse((hole, hole, 320 - hole, 320 - hole), 0)
        if rng.random() < 0.6:
            draw.polygon([(160, 70), (240, 220), (80, 220)], 255)
    elif kind == "shield":
        shape = [(30, 20), (290, 20), (290, 150), (160, 310), (30, 150)]
        draw.polygon(shape, 255)
        draw.polygon([(160 + (x - 160) * 0.84, 150 + (y - 150) * 0.84) for x, y in shape], 0)
        for k in range(int(rng.integers(1, 4))):
            draw.rectangle((62, 60 + 60 * k, 258 - 40 * k, 86 + 60 * k), 255)
    elif kind == "star":
        points, inner = int(rng.choice([5, 7, 8, 9])), float(rng.uniform(0.35, 0.75))
        angle = np.arange(2 * points) * np.pi / points - np.pi / 2
        reach = np.where(np.arange(2 * points) % 2 == 0, 150, 150 * inner)
        draw.polygon(_pairs(160 + reach * np.cos(angle), 160 + reach * np.sin(angle)), 255)
    elif kind == "heart":
        x, y = 16 * np.sin(t) ** 3, 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
        draw.polygon(_pairs(160 + 9 * x, 150 - 9 * y), 255)
    elif kind == "hills":
        draw.ellipse((190, 30, 270, 110), 255)
        tops = rng.uniform(40, 150, 3)
        for k, top in enumerate(tops):
            at, high = 70 + 90 * k, float(top)
            draw.polygon([(at - 90, 280), (at, high), (at + 90, 280)], 255 - 60 * (k % 2))
            draw.polygon([(at - 20, high + 40), (at, high + 12), (at + 20, high + 40)], 0)
    elif kind == "animal":
        _animal(draw, rng)
    elif kind == "blob":
        order = np.arange(1, 7)
        reach = 100 + (rng.normal(0, 34, 6) / order**0.5) @ np.cos(order[:, None] * (t - np.pi / 2))
        draw.polygon(_pairs(160 + reach * np.cos(t) * 1.1, 160 + reach * np.sin(t) * 1.1), 255)
        draw.ellipse((110, 110, 140, 140), 0)
        draw.ellipse((180, 110, 210, 140), 0)
    elif kind == "blocks":
        half = rng.random((8, 4)) < 0.5
        grid = np.concatenate([half, half[:, ::-1]], 1)
        return np.kron(grid, np.full((20, 20), 255, np.uint8)).astype(np.uint8)
    elif kind == "sun":
        draw.ellipse((40, 40, 280, 280), 255)
        for k in range(6):
            draw.rectangle((30, 150 + 22 * k, 290, 153 + 24 * k), 0)
    elif kind == "chevrons":
        thick, count = int(rng.integers(24, 44)), int(rng.integers(2, 5))
        for k in range(count):
            top = 60 + 62 * k - 10 * count
            draw.polygon([(20, top + 70), (160, top), (300, top + 70), (300, top + 70 + thick), (160, top + thick),
                          (20, top + 70 + thick)], 255)  # fmt: skip
    else:
        for k in range(4):
            x = np.linspace(10, 310, 40)
            y = 60 + 60 * k + 18 * np.sin(x / 24 + k)
            draw.line(_pairs(x, y), 255, 22)
    return np.asarray(big.reduce(2))


def _pairs(x: NDArray[np.float64], y: NDArray[np.float64]) -> list[tuple[float, float]]:
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _animal(draw: ImageDraw.ImageDraw, rng: Rng) -> None:
    """A four-legged animal from the side: trunk, neck, head, ears, legs and tail of random proportions."""
    legs, fat, neck = float(rng.uniform(40, 110)), float(rng.uniform(30, 60)), float(rng.uniform(10, 80))
    draw.ellipse((70, 150 - fat, 240, 150 + fat), 255)
    for x in (84, 112, 190, 218):
        draw.polygon([(x, 150), (x + 24, 150), (x + 18, 160 + fat / 2 + legs), (x + 4, 160 + fat / 2 + legs)], 255)
    hx, hy = 245, 140 - neck
    draw.polygon([(200, 120), (236, 150), (hx + 14, hy), (hx - 20, hy)], 255)
    draw.ellipse((hx - 30, hy - 30, hx + 40, hy + 20), 255)
    ear = float(rng.uniform(15, 50))
    draw.polygon([(hx - 22, hy - 15), (hx - 14, hy - 20 - ear), (hx + 2, hy - 22)], 255)
    draw.line([(80, 140), (50, 120), (34, 120 + float(rng.uniform(-50, 70)))], 255, 14)


def _landscape(rng: Rng, palette: Floats) -> NDArray[np.uint8]:
    """(128, 128, 3) a sky with a sun over hills or the sea."""
    y = np.linspace(0, 1, 128, dtype=np.float32)[:, None, None]
    high, low = palette[1], palette[2] * 0.5 + 0.45
    out = np.broadcast_to(high * (1 - y) + low * y, (128, 128, 3)).copy()
    cy, cx, reach = (float(v) for v in (rng.uniform(0.2, 0.6), rng.uniform(0.25, 0.75), rng.uniform(0.06, 0.18)))
    x = np.linspace(0, 1, 128, dtype=np.float32)[None]
    out[np.hypot(y[..., 0] - cy, x - cx) < reach] = palette[3] * 0.4 + 0.6
    for k in range(int(rng.integers(1, 4))):
        waves = rng.normal(0, 1, 5) / np.arange(1, 6)
        ridge = 0.55 + 0.15 * k + 0.07 * waves @ np.sin(np.arange(1, 6)[:, None] * 7 * x + rng.uniform(0, 6, (5, 1)))
        out[y[..., 0] > ridge] = (palette[0] * 0.4 + palette[1] * 0.3) * (0.85 - 0.22 * k)
    return (np.clip(out + rng.normal(0, 0.02, out.shape), 0, 1) * 255).astype(np.uint8)


def _abstract(rng: Rng, palette: Floats) -> NDArray[np.uint8]:
    """(128, 128, 3) shapes thrown over each other, as on a poster."""
    image = Image.new("RGB", (256, 256), _bytes(palette[int(rng.integers(4))]))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(4, 12))):
        tone = _bytes(np.clip(palette[int(rng.integers(4))] + np.float32(rng.normal(0, 0.12)), 0, 1))
        x, y, w, h = rng.uniform((0, 0, 20, 20), (240, 240, 150, 150)).tolist()
        if rng.random() < 0.5:
            draw.ellipse((x - w / 2, y - w / 2, x + w / 2, y + w / 2), tone)
        else:
            draw.polygon([(x, y), (x + w, y + h * 0.3), (x + w * 0.4, y + h)], tone)
    return np.asarray(image.reduce(2))


def _frame(rng: Rng) -> Mask:
    """(128, 128) the outline of a picture: square, round or arched."""
    image = Image.new("L", (256, 256), 0)
    draw = ImageDraw.Draw(image)
    kind = int(rng.integers(3))
    if kind == 0:
        draw.rectangle((0, 0, 256, 256), 255)
    elif kind == 1:
        draw.ellipse((2, 2, 254, 254), 255)
    else:
        draw.ellipse((2, 2, 254, 254), 255)
        draw.rectangle((2, 128, 254, 256), 255)
    return np.asarray(image.reduce(2))


# -- designs ---------------------------------------------------------------------------------------------------------


def ink_on(palette: Floats) -> Floats:
    """(4, 3) inks that can be read on the ground colour `palette[0]`: the first one stands out most."""
    ground = palette[0] @ np.array([0.3, 0.59, 0.11], np.float32)
    main = _BLACK if ground > 0.55 else _WHITE
    return np.stack([main, palette[1], palette[2], palette[3]])


def _letters(rng: Rng, canvas: _Canvas, inks: Floats) -> float:
    """One to three lines of text. Returns height over width that the canvas should have."""
    lines = int(rng.choice([1, 2, 3], p=[0.55, 0.3, 0.15]))
    stroke, hollow = int(rng.choice([0, 2, 4])), bool(rng.random() < 0.12)
    for k in range(lines):
        text = word(rng, int(rng.integers(2, 4)))
        if rng.random() < 0.2:
            text = text.capitalize()
        if k == lines - 1 and lines > 1 and rng.random() < 0.5:
            text = f"{rng.choice(['EST.', 'NO.', 'SINCE'])} {rng.integers(1900, 2024)}"
        box = (0.02, (k + 0.04) / lines, 0.98, (k + 0.9) / lines)
        canvas.put(_text(text, stroke + 2 * hollow, outline=hollow), box, inks[0 if k == 0 else int(rng.integers(2))])
    return lines * float(rng.uniform(0.16, 0.3))


def _college(rng: Rng, canvas: _Canvas, inks: Floats) -> float:
    """A word on an arch, with a number or an emblem below."""
    canvas.put(_arc(word(rng, int(rng.integers(2, 4)))[:10], 3, float(rng.uniform(0.35, 0.8))), (0, 0, 1, 1), inks[0])
    if rng.random() < 0.6:
        canvas.put(_text(str(rng.integers(10, 100)), 3), (0.3, 0.45, 0.7, 0.86), inks[int(rng.integers(2))])
    else:
        canvas.put(_text(word(rng, 2), 1), (0.22, 0.5, 0.78, 0.66), inks[1])
    return 0.8


def _badge(rng: Rng, canvas: _Canvas, inks: Floats) -> float:
    """An emblem, with or without a word."""
    if rng.random() < 0.5:
        canvas.put(_emblem(rng), (0.08, 0.02, 0.92, 0.74), inks[int(rng.choice([0, 1], p=[0.6, 0.4]))])
        canvas.put(_text(word(rng, 2), 2), (0.1, 0.8, 0.9, 0.98), inks[0])
        return 1.15
    canvas.put(_emblem(rng), (0.02, 0.02, 0.98, 0.98), inks[int(rng.choice([0, 1], p=[0.6, 0.4]))])
    return 1.0


def _poster(rng: Rng, canvas: _Canvas, inks: Floats) -> float:
    """A picture, with a line above or below or alone."""
    image = _landscape(rng, inks) if rng.random() < 0.55 else _abstract(rng, inks)
    frame, titled = _frame(rng), rng.random() < 0.6
    canvas.picture(image, frame, (0.02, 0.2 if titled else 0.02, 0.98, 0.98))
    if titled:
        canvas.put(_text(word(rng, int(rng.integers(2, 4))), 2), (0.06, 0.02, 0.94, 0.16), inks[0])
    return float(rng.uniform(1.0, 1.25))


def _boxed(rng: Rng, canvas: _Canvas, inks: Floats) -> float:
    """A word left out of a bar."""
    canvas.put(np.full((4, 4), 255, np.uint8), (0, 0, 1, 1), inks[1])
    ground = float(inks[1] @ np.array([0.3, 0.59, 0.11], np.float32))
    canvas.put(_text(word(rng, 2), 3), (0.08, 0.2, 0.92, 0.8), _BLACK if ground > 0.55 else _WHITE)
    return float(rng.uniform(0.22, 0.36))


def _number(rng: Rng, canvas: _Canvas, inks: Floats, name: str, number: int) -> float:
    """The back of a sports shirt: name above number."""
    canvas.put(_text(name, 2), (0.08, 0.0, 0.92, 0.16), inks[0])
    wide = 0.3 if number < 10 else 0.62
    canvas.put(_text(str(number), 3), (0.5 - wide / 2, 0.24, 0.5 + wide / 2, 1.0), inks[0])
    return 1.15


_DESIGNS: Final = (_letters, _college, _badge, _poster, _boxed)


def _design(rng: Rng, inks: Floats, width: float, x: float, z: float, odds: tuple[float, ...]) -> Decal:
    """A design of random kind; `odds` of `_DESIGNS`; width in metres, x and z of the centre."""
    canvas = _Canvas()
    draw = _DESIGNS[int(rng.choice(len(odds), p=odds))]
    tall = draw(rng, canvas, inks)
    if draw is _letters or draw is _boxed:
        z += 0.03
    return Decal(canvas.done(rng, float(rng.choice([0.0, 0.6], p=[0.75, 0.25]))), (x, z), (width, width * tall))


def _small(rng: Rng, inks: Floats) -> Decal:
    """A logo on the left breast."""
    return _design(rng, inks, float(rng.uniform(0.05, 0.1)), 0.085, 0.45, (0.3, 0.0, 0.5, 0.0, 0.2))


def sample_prints(rng: Rng, kind: str, inks: Floats) -> tuple[Decal | None, Decal | None]:
    """What is printed on front and back: mostly the front alone, else small before and large behind, or the back alone.

    Args:
        kind: "jersey" is a sports shirt with name and number; "hoodie" and "sweater" like college words; others all.
        inks: (4, 3) sRGB.

    Returns:
        Front and back; at least one is not None.
    """
    if kind == "jersey":
        canvas, number = _Canvas(), int(rng.integers(1, 100))
        tall = _number(rng, canvas, inks, word(rng, int(rng.integers(2, 4))), number)
        number_plate = Decal(canvas.done(rng, 0.0), (0.0, 0.38), (0.28, 0.28 * tall))
        front = _small(rng, inks) if rng.random() < 0.4 else _design(rng, inks, 0.26, 0.0, 0.42, (0.6, 0.3, 0.1, 0, 0))
        return front, number_plate
    odds = (0.22, 0.4, 0.22, 0.06, 0.1) if kind in ("hoodie", "sweater") else (0.24, 0.13, 0.24, 0.28, 0.11)
    width = float(rng.uniform(0.19, 0.31))
    where = str(rng.choice(["front", "breast", "both", "back"], p=[0.6, 0.16, 0.16, 0.08]))
    behind = None
    if where in ("both", "back"):
        behind = _design(rng, inks, float(rng.uniform(0.22, 0.32)), 0.0, 0.42, odds)
    if where == "front":
        return _design(rng, inks, width, 0.0, _CHEST + float(rng.uniform(-0.03, 0.03)), odds), None
    return (None if where == "back" else _small(rng, inks)), behind
