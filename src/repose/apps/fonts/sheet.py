"""Sheets of drawn characters, as Figure 9 of the paper: source, skeletons, drawn, true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from repose.apps.fonts.glyphs import LETTERS, coloured, font_glyphs, open_font
from repose.apps.fonts.measure import drawn, fixed_font
from repose.apps.fonts.network import CharacterNetwork
from repose.apps.fonts.pairs import Pairs, as_pictures
from repose.apps.fonts.skeletons import plain_skeletons, skeleton
from repose.apps.fonts.transfer import Source, draw_letters, is_font
from repose.draw.sheet import sheet
from repose.images import ImageLike

_MOST = 12
"""Letters on a sheet of one source."""


def character_sheet(source: ImageLike, read: Source, text: str, network: CharacterNetwork) -> Image.Image:
    """The source with its skeleton, and for each letter of a text the plain skeleton, what is drawn, and the truth.

    Args:
        source, read: the same character, as it was given and as it was read.
        text: of `repose.apps.fonts.transfer.checked_text`; its first 12 different letters are shown.
    """
    letters = "".join(dict.fromkeys(c for c in text if c in LETTERS))[:_MOST]
    pictures = draw_letters(read, letters, network)
    plain = plain_skeletons()
    rows: list[list[npt.NDArray[np.uint8] | None]] = [
        [coloured(read.coverage, read.ink if min(read.paper) > 200 else (40, 40, 40))],
        [_lines(skeleton(read.coverage)), *(_lines(plain[LETTERS.index(c)]) for c in letters)],
        [None, *(pictures[c] for c in letters)],
    ]
    labels = ["source", "skeletons", "drawn"]
    if is_font(source):
        true = font_glyphs(open_font(str(source)), letters)
        rows.append([None, *(coloured(one, read.ink) for one in true)])
        labels.append("the font's own")
    return sheet(rows, [read.letter, *letters], labels=labels)


def pair_sheet(
    pairs: Pairs, numbers: Sequence[int], networks: Mapping[str, CharacterNetwork], names: Sequence[str] = ()
) -> Image.Image:
    """Pairs of fonts below each other: source, its skeleton, the plain one, the fixed font, each network, the truth.

    Args:
        numbers: of the pairs. names: of the rows.
    """
    chosen = np.asarray(numbers, np.int64)
    batch = pairs.batch(chosen)
    columns = [_as_rows(as_pictures(batch.source))]
    columns += [[_lines(one) for one in batch.skeletons[:, k].numpy().astype(np.uint8)] for k in range(2)]
    columns.append(_as_rows(fixed_font(pairs, chosen)))
    columns += [_as_rows(drawn(network, batch)) for network in networks.values()]
    columns.append(_as_rows(as_pictures(batch.target)))
    heads = ["source", "skeleton", "target's", "fixed", *networks, "true"]
    return sheet(list(zip(*columns, strict=True)), heads, labels=names)


def _as_rows(pictures: Tensor) -> list[npt.NDArray[np.uint8]]:
    return list(pictures.permute(0, 2, 3, 1).numpy())


def _lines(lines: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """A skeleton, 0 or 1 -> black on white."""
    return np.asarray(255 - 255 * lines, np.uint8)
