"""Text in the style of a font, of which one character is given: `font`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from repose.apps.fonts.glyphs import (
    LETTERS,
    SIDE,
    SUFFIXES,
    Coverage,
    coloured,
    font_glyphs,
    open_font,
    plain_font,
    why_unusable,
)
from repose.apps.fonts.network import NAME, CharacterNetwork, built
from repose.apps.fonts.pairs import as_input, as_pictures
from repose.apps.fonts.skeletons import pieces, plain_skeletons, skeleton
from repose.callers import callers_level
from repose.images import ImageLike, load_image, same_kind
from repose.tensor_files import read_shipped

Picture = npt.NDArray[np.uint8]

DARK: Final = (40, 40, 40)
"""The colour of a font's characters where none is asked for."""

_PAPER: Final = 225  # a background whose channels are all lighter counts as white
_CONTRAST: Final = 40  # grey levels between ink and background, at least
_FEW: Final = 40  # pixels of ink, at least
_PIECES: Final = 3  # of the ink of one character, at most: stencils have several
_SPECK: Final = 0.01  # of the ink: smaller pieces are specks
_WHITE: Final = (255, 255, 255)


@dataclass(frozen=True)
class Source:
    """The character whose style is taken.

    Attributes:
        letter: which one it is. coverage: uint8 (64, 64).
        ink: its colour, and `paper`, that of its background; red, green, blue, 0 to 255.
    """

    letter: str
    coverage: Coverage
    ink: tuple[int, int, int]
    paper: tuple[int, int, int] = _WHITE


def font(
    source: ImageLike,
    text: str,
    *,
    letter: str = "",
    colour: Sequence[int] | None = None,
    model: str | Path = NAME,
    height: int = SIDE,
) -> Any:
    """Draw capitals in the style of a font or of one character (Roy et al., section 4.5.3).

    Args:
        source: a font file (TTF, OTF, PFB), or a picture of one capital, dark on light or light on dark: a path, PIL
            image, array or tensor.
        text: capitals from A to Z, spaces and line breaks; small letters are drawn as capitals.
        letter: which capital `source` shows; of a font, the one whose style is taken, R by default.
        colour: red, green, blue, 0 to 255; that of the picture by default, nearly black of a font.
        model: "font-s", or the path of a weight file of scripts/train_font.py.
        height: of a line of the result, in pixels; the network draws 64, and other heights are scaled.

    Returns:
        The text, of the kind that `source` is; a font gives a PIL image.

    Warns:
        UserWarning: what stands out in the picture is in many pieces, so that it is hardly one letter.

    Raises:
        ValueError: the font lacks capitals, the picture shows no character that stands out, `letter` is missing, or
            the text holds anything else than letters from A to Z.
        FileNotFoundError: the weights are not there. ImportError: scikit-image is not installed.
    """
    words = checked_text(text)
    read = read_source(source, letter, colour)
    return same_kind(scaled(draw(read, words, load(model)), height), source)


def load(model: str | Path = NAME) -> CharacterNetwork:
    """The network that ships, or the one of a weight file.

    Raises:
        FileNotFoundError: it is not there. CheckpointError: the file is damaged, or of something else.
    """
    _, tensors, header = read_shipped(NAME, "characters", None if str(model) == NAME else Path(model))
    return built(tensors, header)


def is_font(source: ImageLike) -> bool:
    """Whether this is a font file, by its suffix."""
    return isinstance(source, str | Path) and Path(source).suffix.lower() in SUFFIXES


def checked_text(text: str) -> str:
    """The text in capitals.

    Raises:
        ValueError: it is empty, or holds a character that the network does not know.
    """
    words = text.upper()
    unknown = sorted({c for c in words if c not in LETTERS and c not in " \n"})
    if unknown:
        raise ValueError(
            f"the text has {' '.join(map(repr, unknown))}: the network draws the letters from A to Z, as it learned"
        )
    if not words.strip():
        raise ValueError("the text has no letter: give one or more from A to Z")
    return words


def read_source(source: ImageLike, letter: str = "", colour: Sequence[int] | None = None) -> Source:
    """Read the character whose style is taken. Arguments and errors as `font` has them."""
    if letter and (len(letter) != 1 or letter.upper() not in LETTERS):
        raise ValueError(f"letter is one of A to Z, not '{letter}'")
    letter = letter.upper()
    if colour is not None and (len(colour) != 3 or not all(0 <= part <= 255 for part in colour)):
        raise ValueError(f"a colour is red, green, blue, each from 0 to 255, not {tuple(colour)}")
    given = None if colour is None else (int(colour[0]), int(colour[1]), int(colour[2]))
    if is_font(source):
        face = open_font(Path(str(source)))
        if reason := why_unusable(face):
            raise ValueError(f"{source} cannot be used: {reason}")
        letter = letter or "R"
        return Source(letter, font_glyphs(face, letter)[0], given or DARK)
    if not letter:
        raise ValueError("say which capital the picture shows: letter='R', or --letter R")
    coverage, ink, paper = _separated(load_image(source))
    _note_pieces(coverage)
    return Source(letter, _placed(coverage, letter), given or ink, paper)


def draw(source: Source, text: str, network: CharacterNetwork) -> Picture:
    """Lines of text, uint8 (64 lines, W, 3), in the source's colours.

    Args:
        text: of `checked_text`. network: of `load`.
    """
    letters = "".join(sorted(set(text) - set(" \n")))
    return _typeset(text, draw_letters(source, letters, network), _shown_paper(source))


def draw_letters(source: Source, letters: str, network: CharacterNetwork) -> dict[str, Picture]:
    """Single capitals, each uint8 (64, 64, 3), in the source's colours."""
    white = _shown_paper(source) == _WHITE
    # the network saw colours on white: on another background it draws in a dark one, which is then replaced
    ink = source.ink if white else DARK
    own, plain = skeleton(source.coverage), plain_skeletons()
    pictures = as_input(np.stack([coloured(source.coverage, ink)] * len(letters)))
    guides = torch.from_numpy(np.stack([np.stack([own, plain[LETTERS.index(c)]]) for c in letters])).float()
    codes = torch.tensor([[LETTERS.index(source.letter), LETTERS.index(c)] for c in letters])
    with torch.inference_mode():
        out = as_pictures(network(pictures, guides, codes)).permute(0, 2, 3, 1).numpy()
    return {c: one if white else _recoloured(one, source) for c, one in zip(letters, out, strict=True)}


def scaled(picture: Picture, height: int) -> Picture:
    """Lines of `draw` at another height of a line, in pixels."""
    if height == SIDE:
        return picture
    size = [max(1, round(side * height / SIDE)) for side in picture.shape[1::-1]]
    return np.asarray(Image.fromarray(picture).resize((size[0], size[1]), Image.Resampling.BICUBIC))


# -- inside ---------------------------------------------------------------------------------------------------------


def _separated(picture: Picture) -> tuple[Coverage, tuple[int, int, int], tuple[int, int, int]]:
    """A picture of a character -> how far each pixel is ink, the colour of the ink, that of the background.

    The background is the commonest colour of the border; ink is what differs most from it.
    """
    edge = max(1, min(picture.shape[:2]) // 20)
    border = np.concatenate(
        [part.reshape(-1, 3) for part in (picture[:edge], picture[-edge:], picture[:, :edge], picture[:, -edge:])]
    )
    paper = np.median(border, 0)
    apart = np.linalg.norm(picture.astype(np.float32) - paper, axis=2)
    far = float(np.percentile(apart, 99.5))
    if far < _CONTRAST or (apart > far / 2).sum() < _FEW:
        raise ValueError("the picture shows no character that stands out from its background")
    ink = np.median(picture[apart > 0.8 * far], 0)
    along = (picture - paper) @ (ink - paper) / float((ink - paper) @ (ink - paper))
    coverage = np.rint(255 * along.clip(0, 1)).astype(np.uint8)
    if (coverage > 127).mean() > 0.9:
        raise ValueError("the picture shows no character: nearly all of it is of one colour")
    return coverage, _colour(ink), _colour(paper)


def _note_pieces(coverage: Coverage) -> None:
    """Warn where more than a character is ink: a word, or a photograph of something else."""
    sizes = pieces(coverage)
    count = int((sizes >= _SPECK * sizes.sum()).sum())
    if count > _PIECES:
        warnings.warn(
            f"what stands out from the background is in {count} pieces, and a capital has one: if more than the letter "
            "is on the picture, cut it out",
            UserWarning,
            stacklevel=callers_level(),
        )


def _colour(values: npt.NDArray[np.floating[Any]]) -> tuple[int, int, int]:
    red, green, blue = (round(float(value)) for value in values)
    return red, green, blue


def _placed(coverage: Coverage, letter: str) -> Coverage:
    """A character of any picture at the place and height that the same letter of the fixed font has."""
    rows, columns = np.nonzero(coverage > 127)
    inside = Image.fromarray(coverage[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1])
    there = np.nonzero(font_glyphs(plain_font(), letter)[0] > 127)
    top, high = int(there[0].min()), int(there[0].max() - there[0].min() + 1)
    scale = min(high / inside.height, (SIDE - 2) / inside.width)
    wide, tall = max(1, round(inside.width * scale)), max(1, round(inside.height * scale))
    left = round((there[1].min() + there[1].max() + 1 - wide) / 2)
    page = Image.new("L", (SIDE, SIDE))
    place = min(max(left, 1), SIDE - 1 - wide), top + (high - tall) // 2
    page.paste(inside.resize((wide, tall), Image.Resampling.LANCZOS), place)
    return np.asarray(page)


def _shown_paper(source: Source) -> tuple[int, int, int]:
    """The background of the result: white if the source's is nearly that."""
    return _WHITE if min(source.paper) >= _PAPER else source.paper


def _recoloured(drawn: Picture, source: Source) -> Picture:
    """A dark character on white -> the source's ink on the source's background."""
    dark = 255 - np.asarray(DARK, np.float32)
    share = (((255 - drawn.astype(np.float32)) @ dark) / (dark @ dark)).clip(0, 1)[..., None]
    paper, ink = np.asarray(source.paper, np.float32), np.asarray(source.ink, np.float32)
    return np.asarray(np.rint(paper + (ink - paper) * share), np.uint8)


def _typeset(text: str, drawn: dict[str, Picture], paper: Sequence[int], gap: int = 5, space: int = 20) -> Picture:
    """Characters beside each other, `gap` pixels between their inks; lines below each other, to the left."""
    lines = []
    for line in text.split("\n"):
        cells = [np.full((SIDE, gap, 3), paper, np.uint8)]
        for character in line:
            if character == " ":
                cells.append(np.full((SIDE, space, 3), paper, np.uint8))
                continue
            apart = np.abs(drawn[character].astype(np.int16) - np.asarray(paper, np.int16)).max(2)
            columns = np.nonzero((apart > 60).any(0))[0]
            first, last = (int(columns[0]), int(columns[-1])) if len(columns) else (0, SIDE - 1)
            cells += [drawn[character][:, first : last + 1], np.full((SIDE, gap, 3), paper, np.uint8)]
        lines.append(np.concatenate(cells, 1))
    width = max(line.shape[1] for line in lines)
    page = np.full((SIDE * len(lines), width, 3), paper, np.uint8)
    for row, drawn_line in enumerate(lines):
        page[row * SIDE : (row + 1) * SIDE, : drawn_line.shape[1]] = drawn_line
    return page
