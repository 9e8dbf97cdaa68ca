"""The named sets of synthetic people: the content of each set, its splits, and the lists of pairs.

A person is a function of (seed, number), so people, textures and hair are shared by two splits only if both are. Every
set has a seed of its own, and its splits have numbers of their own: train counts from 0, val from 800,000, test from
900,000. A part of a set therefore holds some of its people in the same splits: a model trained on the part may be
tested on the whole set.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

import numpy as np

from repose.names import nearest

FIRST_SEED: Final = 1_000_000
"""Seeds from this one on belong to the named sets; `repose prepare synthetic --seed` takes smaller ones."""

STREAM_SEED: Final = 2_000_000
"""Seeds from this one on belong to the endless mode."""

TURNS_SEED: Final = 1_900_000
"""The seed of the people who turn on the spot for `repose research turns`; no set may use it: no model saw them."""

STARTS: Final = MappingProxyType({"train": 0, "val": 800_000, "test": 900_000})
"""The number of the first person of each split."""

ROOM: Final = MappingProxyType({"train": 800_000, "val": 100_000, "test": 100_000})
"""The number of people that a split can have, so that no person is in two splits."""

LARGEST: Final = 4096
"""The largest side in pixels: OpenGL limits textures, and a mistyped size should not fill the memory."""

STYLES: Final = ("mixed", "street", "fashion", "plain")
"""The kinds of pictures: "street" as of a surveillance camera, "fashion" as in a catalogue, "plain" single-coloured
clothes before a grey wall (for comparison), "mixed" either of the first two."""


def drawn_style(rng: np.random.Generator) -> str:
    """The style of a person of a mixed set: the first number that is drawn for them."""
    return "street" if rng.random() < 0.5 else "fashion"


def person_style(seed: int, person: int, style: str) -> str:
    """The style of one person of a set of this seed and style, by number."""
    return drawn_style(np.random.default_rng([seed, person])) if style == "mixed" else style


_PAIRS_PER_PICTURE: Final = 2  # of the lists of val and test, where no named set says otherwise


def check_size(height: int, width: int) -> None:
    """ValueError if pictures of this size cannot be rendered."""
    if not 16 <= min(height, width) <= max(height, width) <= LARGEST:
        raise ValueError(
            f"a picture of {height}x{width} cannot be rendered; each side must be 16 to {LARGEST:,} pixels"
        )


@dataclass(frozen=True)
class SplitSpec:
    """The number of people and of listed pairs; None: all ordered pairs of one person, without a list."""

    people: int
    pairs: int | None = None


@dataclass(frozen=True)
class SetSpec:
    """A set of rendered people.

    Attributes:
        name: in result lines.
        height, width: pixels. style: of the renderer, one of `STYLES`. pictures: of each person.
        seed: of the people. splits: in the order in which they are written.
        numbers: split -> numbers of its people.
        why: one line for people.
    """

    name: str
    height: int
    width: int
    style: str
    pictures: int
    seed: int
    splits: Mapping[str, SplitSpec]
    why: str = ""

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise ValueError(f"no style is called '{self.style}'; {nearest(self.style, STYLES)}")
        if not 2 <= self.pictures <= 100:
            raise ValueError(f"pictures must be 2 to 100 a person, got {self.pictures}")
        check_size(self.height, self.width)
        for split, spec in self.splits.items():
            most = spec.people * self.pictures * (self.pictures - 1)
            if spec.people > ROOM[split]:
                raise ValueError(f"{self.name}, {split}: at most {ROOM[split]:,} people fit, not {spec.people:,}")
            if spec.people < 1 or not 0 < (spec.pairs or most) <= most:
                raise ValueError(f"{self.name}, {split}: {spec.people} people have {most} pairs, not {spec.pairs}")

    @property
    def people(self) -> int:
        """Of all splits."""
        return sum(split.people for split in self.splits.values())

    def numbers(self, split: str) -> range:
        """The numbers of a split's people."""
        return range(STARTS[split], STARTS[split] + self.splits[split].people)

    def order(self) -> list[tuple[str, int]]:
        """(split, number) of every person, as they are rendered."""
        return [(split, number) for split in self.splits for number in self.numbers(split)]

    def cut(self, people: int) -> SetSpec:
        """The same set with fewer people, every split and list of pairs in proportion, none empty.

        Raises ValueError if there are fewer people than splits, or more than the set has.
        """
        if not len(self.splits) <= people <= self.people:
            raise ValueError(
                f"{self.name} has {self.people:,} people, of which at least {len(self.splits)} must stay; "
                f"{people:,} cannot be had"
            )
        if people == self.people:
            return self
        counts = {name: -(-part.people * people // self.people) for name, part in self.splits.items()}
        del counts["train"]  # gets what is left, and no more than it has: the others were rounded up
        counts["train"] = people - sum(counts.values())
        cut = {}
        for split, spec in self.splits.items():
            pairs = None if spec.pairs is None else max(1, round(spec.pairs * counts[split] / spec.people))
            cut[split] = SplitSpec(counts[split], pairs)
        return replace(self, name=f"{self.name}-{people}", splits=cut)


def _named(*specs: SetSpec) -> Mapping[str, SetSpec]:
    return MappingProxyType({spec.name: spec for spec in specs})


SETS: Final = _named(
    SetSpec(
        "people-s", 128, 64, "mixed", 4, FIRST_SEED + 1,
        {"train": SplitSpec(8), "val": SplitSpec(2, 16), "test": SplitSpec(2, 16)},
        "for tests: rendered in seconds",
    ),
    SetSpec(
        "people-market", 128, 64, "street", 8, FIRST_SEED + 2,
        {"train": SplitSpec(1500), "val": SplitSpec(60, 1000), "test": SplitSpec(160, 4000)},
        "small street pictures, as in Market-1501",
    ),
    SetSpec(
        "people-fashion", 256, 176, "fashion", 8, FIRST_SEED + 3,
        {"train": SplitSpec(1900, 101_966), "val": SplitSpec(60, 1000), "test": SplitSpec(160, 8570)},
        "as many pairs as DeepFashion has",
    ),
    SetSpec(
        "people-1024", 1024, 704, "fashion", 6, FIRST_SEED + 4,
        {"train": SplitSpec(80), "val": SplitSpec(8, 200), "test": SplitSpec(12, 360)},
        "four times as large as people-fashion to each side",
    ),
)  # fmt: skip


def find_set(name: str, people: int | None = None) -> SetSpec:
    """A named set, reduced to `people` if given. ValueError, with the nearest name, if there is no such set."""
    if name not in SETS:
        raise ValueError(f"no set is called '{name}'; {nearest(name, SETS)}")
    return SETS[name] if people is None else SETS[name].cut(people)


def free_set(people: int, pictures: int, height: int, width: int, seed: int, style: str = "mixed") -> SetSpec:
    """A set by its numbers: all ordered pairs to train on, fixed random lists for val and test.

    Args:
        people: at least 3. pictures: of each person, 2 to 100. height, width: pixels.
        seed: of the people. style: one of `STYLES`.

    Raises:
        ValueError: too few people or pictures, an unknown style, or a seed that belongs to a named set.
    """
    if not 0 <= seed < FIRST_SEED:
        raise ValueError(
            f"a seed is 0 to {FIRST_SEED - 1:,}, got {seed:,}: larger seeds are reserved for the named sets"
        )
    split = splits(people)
    listed = min(_PAIRS_PER_PICTURE, pictures - 1) * pictures
    counts = {name: split.count(name) for name in ("train", "val", "test")}
    parts = {name: SplitSpec(n, None if name == "train" else n * listed) for name, n in counts.items()}
    return SetSpec("synthetic", height, width, style, pictures, seed, parts)


def splits(people: int) -> list[str]:
    """The split of each of `people` persons: the last 5 % are test, the 5 % before them val, at least one each.

    Raises:
        ValueError: there are fewer than three people.
    """
    if people < 3:
        raise ValueError(f"train, val and test need people of their own: at least 3, got {people}")
    part = max(1, round(people * 0.05))
    return ["train"] * (people - 2 * part) + ["val"] * part + ["test"] * part


def choose_pairs(seed: int, people: Sequence[Sequence[str]], count: int) -> list[tuple[str, str]]:
    """`count` random ordered pairs, each of two pictures of one person, spread evenly over the people.

    The draws are hashes of seed and names, so a list is the same on every machine and with every version of a library.

    Args:
        seed: of the set. people: the names of the pictures of each person, at least two.
        count: at most the pairs that there are.

    Raises:
        ValueError: there are not so many pairs.
    """
    each, more = divmod(count, len(people))
    with_more = set(sorted(range(len(people)), key=lambda k: _draw(seed, people[k][0]))[:more])
    pairs: list[tuple[str, str]] = []
    for k, names in enumerate(people):
        wanted = each + (k in with_more)
        every = sorted(itertools.permutations(names, 2), key=lambda pair: _draw(seed, *pair))
        if wanted > len(every):
            raise ValueError(
                f"{names[0]}: {len(names)} pictures have {len(every)} pairs, fewer than the {wanted} wanted"
            )
        pairs += sorted(every[:wanted])
    return pairs


def _draw(seed: int, *words: str) -> bytes:
    return hashlib.sha256(":".join((str(seed), *words)).encode()).digest()
