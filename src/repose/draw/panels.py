"""Panels: pictures of what happens inside a model, with captions; masks as heat, label maps, where pixels come from.

A model's `inspect.py` has `panels(generator, source, target) -> list[Panel]`; the functions here draw its tensors, and
`write_panels` writes the panels to a folder. Colours mean the same in every panel: `heat` goes from dark blue (low) to
light yellow (high), a label has one colour, and `flow_map` gives every place of the source its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from repose.draw.sheet import captioned, sheet
from repose.images import save_image
from repose.person import LIP_LABELS, Person
from repose.represent.canvas import to_uint8
from repose.represent.flow import at_rest
from repose.represent.keypoints import draw_skeleton
from repose.represent.pose_files.drawing import draw_extra

Pixels = npt.NDArray[np.uint8]
"""(H, W, 3), red, green, blue."""


@dataclass(frozen=True)
class Panel:
    """One picture of the inside of a model.

    Attributes:
        name: what it shows, safe as a file name: small letters, digits and hyphens ("masks", "flow-coarse").
        caption: a sentence that says how to read it.
        image: uint8 (H, W, 3).

    Raises:
        ValueError: the name cannot be a file name, the caption is empty, or the image has another type or shape.
    """

    name: str
    caption: str
    image: Pixels

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.name):
            raise ValueError(f"Panel: a name is small letters, digits and hyphens, got {self.name!r}")
        if not self.caption.strip():
            raise ValueError(f"Panel {self.name}: the caption is empty; say how to read the picture")
        if self.image.dtype != np.uint8 or self.image.ndim != 3 or self.image.shape[2] != 3 or not self.image.size:
            raise ValueError(
                f"Panel {self.name}: the image is uint8 (H, W, 3), got {self.image.dtype} {self.image.shape}"
            )


# -- colours --------------------------------------------------------------------------------------------------------


def _srgb(lab: npt.NDArray[np.float64]) -> Pixels:
    """CIE L*a*b* (D65) (..., 3) -> uint8 sRGB; colours that a screen cannot show are clipped."""
    ell, a, b = np.moveaxis(lab, -1, 0)
    y = (ell + 16) / 116
    f = np.stack([y + a / 500, y, y - b / 200], -1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * (0.95047, 1.0, 1.08883)
    # XYZ (D65) to linear sRGB, IEC 61966-2-1
    matrix = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
    linear = (xyz @ matrix.T).clip(0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    out: Pixels = np.round(srgb * 255).astype(np.uint8)
    return out


def _table() -> Pixels:
    """The 256 colours of `heat`: lightness rises evenly from 12 to 93, so it can be read without colour vision too."""
    anchors = np.array(
        [[12, 24, -40], [28, 20, -42], [44, -2, -28], [60, -26, 2], [76, -26, 48], [93, -8, 62]], dtype=np.float64
    )
    at = np.linspace(0, len(anchors) - 1, 256)
    lab = np.stack([np.interp(at, np.arange(len(anchors)), anchors[:, k]) for k in range(3)], -1)
    return _srgb(lab)


TABLE: Final = _table()
"""uint8 (256, 3): the colours of `heat`, low to high."""

PALETTE: Final = np.array(
    [
        (24, 24, 28), (117, 46, 0), (50, 21, 0), (177, 151, 113), (104, 108, 132),
        (32, 117, 216), (186, 79, 0), (23, 72, 85), (143, 148, 143), (37, 56, 157),
        (177, 45, 69), (255, 255, 0), (162, 140, 178), (255, 214, 178), (221, 126, 0),
        (238, 190, 85), (0, 126, 99), (157, 202, 194), (57, 167, 255), (185, 211, 255),
        (254, 253, 243),
    ],
    dtype=np.uint8,
)  # fmt: skip
"""uint8 (21, 3): the colours of labels, in the order of `repose.person.LABELS`; the left and the right of a limb
are two shades of one colour. Any two are at least 12 apart (CIEDE2000), also for people who do not see red or green."""

LOOKED_UP: Final = ("nose", "right_shoulder", "right_wrist", "left_hip", "right_knee", "left_ankle")
"""Joints of the target for which panels of attention or of a search show the matching place in the source."""

_NOTHING: Final = (208, 208, 208)
"""The grey of a missing value."""


# -- drawing --------------------------------------------------------------------------------------------------------


def picture(image: Tensor) -> Pixels:
    """float (3, H, W) in [-1, 1] -> uint8 (H, W, 3); values outside are clamped.

    Raises:
        ValueError: another shape, or NaN or infinity inside.
    """
    if image.ndim != 3:
        raise ValueError(f"picture: one image (3, H, W), got {tuple(image.shape)}; index the batch")
    return to_uint8(image)


def heat(
    values: Tensor, size: tuple[int, int] | None = None, low: float | None = None, high: float | None = None
) -> Pixels:
    """Values as colour: dark blue for `low`, light yellow for `high`, grey where there is none (NaN).

    Args:
        values: (H, W), any kind of number. size: (height, width) of the picture; cells stay sharp where they are
            enlarged and are averaged where they are reduced; None: one pixel a value.
        low, high: ends of the scale, what lies beyond takes the end's colour; None: the smallest, the largest value.

    Returns:
        uint8 (height, width, 3). Values that are all the same, without ends given, are drawn in the middle colour.

    Raises:
        ValueError: not (H, W), or `high` below `low`.
    """
    values = _plane("heat", values)
    if size is not None:
        values = _resized(values, size)
    there = torch.isfinite(values)
    known = values[there]
    bottom = low if low is not None else float(known.min()) if len(known) else 0.0
    top = high if high is not None else float(known.max()) if len(known) else 1.0
    if top < bottom:
        raise ValueError(f"heat: the scale runs from {bottom:g} to {top:g}; high must not be below low")
    share = (values - bottom) / (top - bottom) if top > bottom else torch.full_like(values, 0.5)
    index = torch.where(there, share, 0).clamp(0, 1).mul(255).round().long().numpy()
    out: Pixels = TABLE[index]
    out[~there.numpy()] = _NOTHING
    return out


def over(image: Tensor, values: Tensor, low: float | None = None, high: float | None = None) -> Pixels:
    """Values as heat over the grey picture, so that all colour comes from the values.

    Args:
        image: (3, H, W) in [-1, 1]. values: (h, w), brought to the picture's size. low, high: as in `heat`.

    Returns:
        uint8 (H, W, 3).
    """
    below = picture(image).astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    colour = heat(values, (int(image.shape[-2]), int(image.shape[-1])), low, high).astype(np.float32)
    return np.round(0.45 * below[..., None] + 0.55 * colour).astype(np.uint8)


def skeleton_over(image: Pixels, keypoints: Tensor, extra: Tensor | None = None) -> Pixels:
    """A person's skeleton over their photograph, which shows through a little; hands and feet as they are drawn.

    Args:
        image: uint8 (H, W, 3). keypoints: (18, 3) in its pixels. extra: (48, 3) as `Person.extra_keypoints`, or None.

    Returns:
        A new picture, uint8 (H, W, 3).
    """
    skeleton = draw_skeleton(keypoints, *image.shape[:2]).astype(np.float32)
    drawn: Pixels = np.where(skeleton.max(-1, keepdims=True) > 0, 0.25 * image + 0.75 * skeleton, image).astype(
        np.uint8
    )
    return drawn if extra is None else draw_extra(drawn, extra)


def label_map(parsing: Tensor, names: Sequence[str] | None = None) -> Pixels:
    """A label map in the fixed colours of `PALETTE`; from label 21 on the colours repeat, lighter.

    Args:
        parsing: (H, W), whole numbers from 0. names: of the labels; those that occur are listed right of the map.

    Returns:
        uint8 (H, W, 3), wider (and higher, if the list needs it) with `names`.

    Raises:
        ValueError: not (H, W), no whole numbers, a label below 0, or one without a name.
    """
    if parsing.ndim != 2 or parsing.is_floating_point():
        raise ValueError(f"label_map: whole numbers (H, W), got {parsing.dtype} {tuple(parsing.shape)}")
    labels = parsing.detach().cpu().long().numpy()
    highest = int(labels.max(initial=0))
    if labels.min(initial=0) < 0 or (names is not None and highest >= len(names)):
        ends = f"{labels.min(initial=0)} to {highest}"
        raise ValueError(f"label_map: labels run {ends}" + (f", names from 0 to {len(names) - 1}" if names else ""))
    colours = _colours(highest + 1)
    drawn: Pixels = colours[labels]
    if names is None:
        return drawn
    present = [int(k) for k in np.unique(labels)]
    return _listed(drawn, [(names[k], colours[k]) for k in present])


def flow_map(place: Tensor) -> Pixels:
    """Where each pixel comes from, as colour: every place of the source has its own.

    Left is blue, right is orange, the top light and the bottom dark, in squares of an eighth of the source: large
    squares mean that the source is stretched, small ones that it is compressed. `flow_key` draws the source itself.

    Args:
        place: (2, H, W), x and y in the source, -1 to 1 from edge to edge; NaN where a pixel comes from nowhere.

    Returns:
        uint8 (H, W, 3); grey for NaN, the border's colour for places outside.

    Raises:
        ValueError: not (2, H, W).
    """
    if place.ndim != 3 or place.shape[0] != 2:
        raise ValueError(f"flow_map: x and y (2, H, W), got {tuple(place.shape)}; index the batch")
    x, y = place.detach().cpu().double().numpy()
    nowhere = ~(np.isfinite(x) & np.isfinite(y))
    x, y = (np.where(nowhere, 0, z).clip(-1, 1) for z in (x, y))
    square = np.floor((x + 1) * 4).clip(0, 7) + np.floor((y + 1) * 4).clip(0, 7)
    ell = 60 - 28 * y + np.where(square % 2 == 0, 5, -5)
    side = np.sign(x) * np.abs(x) ** 0.65  # people stand in the middle: there the colours change faster
    out = _srgb(np.stack([ell, np.where(x > 0, 30, 4) * side, 58 * side], -1))
    out[nowhere] = _NOTHING
    return out


def flow_key(height: int, width: int) -> Pixels:
    """The colours of `flow_map` where nothing moves: which colour stands for which place, uint8 (height, width, 3)."""
    return flow_map(at_rest(torch.empty(height, width))[0])


def grid(
    rows: Sequence[Sequence[Pixels | None]], columns: Sequence[str] = (), labels: Sequence[str] = (), scale: int = 1
) -> Pixels:
    """Pictures in rows with names above the columns and left of the rows (`repose.draw.sheet.sheet`), uint8 (H, W, 3).

    Args:
        rows: None leaves a cell empty. columns, labels: () for none. scale: whole number every picture grows by.
    """
    return np.asarray(sheet(rows, columns, scale, labels))


def map_picture(person: Person, field: str) -> Pixels | None:
    """A map of a batch of one as a picture: labels, DensePose's parts with u and v in squares, a mask or depth as heat.

    None if the person does not have the field.
    """
    value: Tensor | None = getattr(person, field)
    if value is None:
        return None
    if field == "parsing":
        return label_map(value[0])
    if field == "iuv":
        u, v = value[0, 1:].cpu().numpy()
        light = 1 - 0.35 * ((np.floor(u * 8) + np.floor(v * 8)) % 2)
        shaded: Pixels = np.round(label_map(value[0, 0].round().long()) * light[..., None]).astype(np.uint8)
        return shaded
    if field == "depth":
        return heat(torch.where(value[0, 0] > 0, value[0, 0], torch.nan))
    if field == "mask":
        return heat(value[0, 0], low=0, high=1)
    raise ValueError(f"map_picture: a Person has no map '{field}'; choose parsing, iuv, mask or depth")


# -- pages -----------


def write_panels(panels: Sequence[Panel], folder: Path | str, title: str = "", note: str = "") -> list[Path]:
    """Every panel as FOLDER/NAME.png, all with their captions as FOLDER/sheet.png, and the captions as FOLDER/index.md.

    Args:
        title: the model and the pair. note: a warning for the reader, such as random weights.

    Returns:
        The files, the sheet and the captions last.

    Raises:
        ValueError: no panels, or two of one name.
        OSError: the folder cannot be written.
    """
    folder = Path(folder)
    names = [panel.name for panel in panels]
    if not names or len(set(names)) < len(names) or "sheet" in names:
        raise ValueError(f"write_panels: give panels with different names, none of them 'sheet'; got {names}")
    paths = [save_image(folder / f"{panel.name}.png", panel.image) for panel in panels]
    paths.append(save_image(folder / "sheet.png", page(panels, title, note)))
    lines = [f"# {title or 'Inside a model'}", *([f"**{note}.**"] if note else [])]
    lines += [f"## {panel.name}\n\n{panel.caption}\n\n![{panel.name}]({panel.name}.png)" for panel in panels]
    index = folder / "index.md"
    index.write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    return [*paths, index]


def page(panels: Sequence[Panel], title: str = "", note: str = "", width: int = 1200) -> Pixels:
    """All panels with their names and captions on one page, uint8 (H, W, 3).

    They stand left to right and downwards; the page is `width` wide, or as wide as its widest panel.
    """
    cells = []
    for panel in panels:
        image = Image.fromarray(panel.image)
        times = max(1, 256 // image.height)  # single small pictures; grids of them are higher
        image = image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
        cell = Image.new("RGB", (max(image.width, 320), image.height), (255, 255, 255))
        cell.paste(image, (0, 0))
        cells.append(captioned(cell, [panel.name, panel.caption], margin=8))
    width = max(width, *(cell.width + 32 for cell in cells))
    rows: list[list[Image.Image]] = [[]]
    for cell in cells:
        if rows[-1] and sum(one.width + 16 for one in rows[-1]) + cell.width + 32 > width:
            rows.append([])
        rows[-1].append(cell)
    wide = max(sum(cell.width + 16 for cell in row) for row in rows) + 16
    head = Image.new("RGB", (wide, 8), (255, 255, 255))
    if title or note:
        head = captioned(head, [text for text in (title, note) if text], margin=16)
    out = Image.new("RGB", (wide, head.height + sum(max(c.height for c in row) + 16 for row in rows)), (255, 255, 255))
    out.paste(head, (0, 0))
    top = head.height
    for row in rows:
        left = 16
        for cell in row:
            out.paste(cell, (left, top))
            left += cell.width + 16
        top += max(cell.height for cell in row) + 16
    return np.asarray(out)


def enlargement(height: int) -> int:
    """The whole number by which pictures so high grow in a panel, to be about 256 high: `grid(..., scale=...)`."""
    return max(1, round(256 / height))


# -- inside ----------


def _plane(what: str, values: Tensor) -> Tensor:
    """(H, W) as float32 without a graph, on the CPU."""
    if values.ndim != 2 or not values.numel():
        raise ValueError(f"{what}: values (H, W), got {tuple(values.shape)}; index the batch and the channel")
    return values.detach().cpu().float()


def _resized(values: Tensor, size: tuple[int, int]) -> Tensor:
    """(H, W) -> (height, width): the nearest cell where it grows, the mean of the cells where it shrinks."""
    smaller = size[0] < values.shape[0] or size[1] < values.shape[1]
    return F.interpolate(values[None, None], size, mode="area" if smaller else "nearest-exact")[0, 0]


def _colours(count: int) -> Pixels:
    """As many colours as there are labels: the palette, then lighter shades of its first 20, as of 20 labels."""
    lip = PALETTE[: len(LIP_LABELS)]
    rounds = [lip + (255 - lip.astype(np.float32)) * (k / (k + 1.5)) for k in range(-(-count // len(lip)))]
    colours = np.round(np.concatenate(rounds)).astype(np.uint8)[:count]
    colours[len(lip) : len(PALETTE)] = PALETTE[len(lip) : count]
    return colours


def _listed(drawn: Pixels, entries: Sequence[tuple[str, npt.NDArray[np.uint8]]]) -> Pixels:
    """A map with a list of its colours at the right, on white."""
    font = ImageFont.load_default(size=10)
    line = 13
    wide = max(round(font.getlength(name)) for name, _ in entries) + 24
    page = Image.new("RGB", (drawn.shape[1] + wide, max(drawn.shape[0], line * len(entries))), (255, 255, 255))
    page.paste(Image.fromarray(drawn), (0, 0))
    draw = ImageDraw.Draw(page)
    for k, (name, colour) in enumerate(entries):
        left, top = drawn.shape[1] + 6, k * line + 1
        draw.rectangle((left, top, left + 10, top + 10), tuple(int(c) for c in colour), (110, 110, 110))
        draw.text((left + 15, top - 1), name, (40, 40, 40), font)
    return np.asarray(page)
