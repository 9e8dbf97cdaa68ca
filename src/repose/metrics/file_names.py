"""File names of the pictures of pairs, ours and those of other projects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from torch import Tensor

from repose.data.store import Store

DIRECTION_FOLDERS: Final = ("fake_B", "fake_A")
"""Roy's folders of the given and of the other direction."""

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
    from_, to = Path(source), Path(target)
    names = [f"{from_.stem}_2_{to.stem}.png"]
    for ending in ("png", "jpg"):
        names += [
            f"{from_.stem}_2_{to.stem}_vis.{ending}",
            f"{from_.name}___{to.name}_vis.{ending}",
            f"{from_.stem}___{to.stem}_vis.{ending}",
            *(f"{DIRECTION_FOLDERS[0 if forth else 1]}/{number}@{to.stem}.{ending}" for number, forth in counted),
        ]
    return tuple(names)


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
