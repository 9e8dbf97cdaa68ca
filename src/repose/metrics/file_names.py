"""File names of the pictures of pairs, ours and those of other projects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from torch import Tensor

from repose.data.deepfashion_layout import NAME, layout_names
from repose.data.store import Store
from repose.names import nearest

DIRECTION_FOLDERS: Final = ("fake_B", "fake_A")
"""Roy's folders of the given and of the other direction."""

_FLATTENED: Final = re.compile(NAME.pattern.rpartition(r"\.")[0])
"""A name of DeepFashion without its ending."""

FORMS: Final = {
    "repose": "SOURCE_2_TARGET.png, of the names' stems",
    "gfla": "SOURCE_2_TARGET_vis.png: GFLA, DPTN, NTED, PIDM",
    "patn": "SOURCE.jpg___TARGET.jpg_vis.png: PATN, with the endings of the names",
    "stems": "SOURCE___TARGET_vis.png: as PATN, without the endings",
    "roy": "fake_B/12@TARGET.png: Multi-scale, by the position in the list; fake_A for the other direction",
}
"""Forms of file names, and whose they are."""

PairIndex = tuple[int, int]
"""Source and target index in a store."""

Places = dict[PairIndex, list[tuple[int, bool]]]
"""Pair -> its positions in the list, from 0, and whether it stands there as it is (True) or the other way round."""


def file_names(source: str, target: str, counted: Sequence[tuple[int, bool]] = ()) -> tuple[str, ...]:
    """The names that the picture of a pair may have, in its folder.

    Ours; GFLA's, DPTN's (JPEG), NTED's and PIDM's (PNG); PATN's with and without the endings of the two files; Roy's,
    which number the pairs of the list and have a folder for each direction.

    >>> file_names("a.jpg", "b.jpg")[:3]
    ('a_2_b.png', 'a_2_b_vis.png', 'a.jpg___b.jpg_vis.png')

    Args:
        source, target: names in the store.
        counted: for Roy's names, the positions of the pair in the list as in `Places`.
    """
    names = [named_as("repose", source, target)]
    for ending in ("png", "jpg"):
        names += [named_as(form, source, target, ending=ending) for form in ("gfla", "patn", "stems")]
        names += [named_as("roy", source, target, place, ending) for place in counted]
    return tuple(names)


def named_as(form: str, source: str, target: str, place: tuple[int, bool] | None = None, ending: str = "png") -> str:
    """The name of the picture of a pair in one of `FORMS`.

    >>> named_as("patn", "a.jpg", "b.jpg")
    'a.jpg___b.jpg_vis.png'

    Args:
        source, target: names in the store.
        place: of "roy": the position of the pair in the list, as in `Places`.
        ending: of the file.

    Raises:
        ValueError: there is no such form; the text names the nearest. Or "roy" without a position.
    """
    from_, to = Path(source), Path(target)
    if form == "repose":
        return f"{from_.stem}_2_{to.stem}.{ending}"
    if form == "gfla":
        return f"{from_.stem}_2_{to.stem}_vis.{ending}"
    if form == "patn":
        return f"{from_.name}___{to.name}_vis.{ending}"
    if form == "stems":
        return f"{from_.stem}___{to.stem}_vis.{ending}"
    if form != "roy":
        raise ValueError(f"no form of file names is called '{form}'; {nearest(form, FORMS)}")
    if place is None:
        raise ValueError("file names of the form 'roy' are numbered by the list, and this pair is not in it")
    number, forth = place
    return f"{DIRECTION_FOLDERS[0 if forth else 1]}/{number}@{to.stem}.{ending}"


def places_of(store: Store, split: str) -> Places:
    """The positions in the list of a split of every pair, as it stands there and the other way round."""
    places: Places = {}
    for number, (source, target) in enumerate(index_pairs(store.pairs(split))):
        places.setdefault((source, target), []).append((number, True))
        places.setdefault((target, source), []).append((number, False))
    return places


def names_of(store: Store, pair: PairIndex, places: Places) -> tuple[str, ...]:
    """The names that the picture of a pair may have (`file_names`); `places` are those of its split."""
    return file_names(store.names[pair[0]], store.names[pair[1]], places.get(pair, ()))


def possible_names(
    store: Store, pairs: Iterable[PairIndex], places: Places, there: Iterable[str]
) -> dict[PairIndex, tuple[str, ...]]:
    """The names that the picture of each pair may have, with those that `repose export-layout` gives.

    That command writes a store with names of DeepFashion, so other people's code names its results after these. They
    are told apart from a store's own names only where a file has such a name.

    Args:
        pairs: source and target index of each. places: of the split.
        there: the files of a folder.
    """
    names = {pair: names_of(store, pair, places) for pair in pairs}
    own = {name for of_pair in names.values() for name in of_pair}
    if not any(_FLATTENED.search(name) for name in there if name not in own):
        return names
    for ending in (".jpg", ".png"):
        exported = layout_names(store, ending)[0]
        for pair, of_pair in names.items():
            more = file_names(exported[pair[0]], exported[pair[1]], places.get(pair, ()))
            names[pair] = tuple(dict.fromkeys((*of_pair, *more)))
    return names


def owners(names: Mapping[PairIndex, Sequence[str]], whose: str) -> dict[str, PairIndex]:
    """The pair that each name belongs to.

    Args:
        names: pair -> its names.
        whose: the beginning of the error message.

    Raises:
        ValueError: two pairs share a name.
    """
    owned: dict[str, PairIndex] = {}
    for pair, of_pair in names.items():
        for name in of_pair:
            if owned.setdefault(name, pair) != pair:
                raise ValueError(f"{whose} share the file name {name}")
    return owned


def several(names: Sequence[str]) -> bool:
    """Whether a pair has two pictures; numbered names count as one, as the list may have the pair several times."""
    return len({name for name in names if "/" not in name}) + any("/" in name for name in names) > 1


def index_pairs(indices: Tensor) -> Iterable[PairIndex]:
    """Pairs (N, 2) as tuples."""
    return ((source, target) for source, target in indices.tolist())
