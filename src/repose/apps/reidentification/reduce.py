"""Reduced sets of photographs of people, and which pictures are generated for what is left out.

Source: Zhu et al., PATN (TPAMI), section 5: a portion p of the real pictures is kept, with one of every person at
least; each other picture is replaced by one that is generated from a kept picture of the same person.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from repose.names import nearest

POSES: Final = ("own", "kept", "all")
"""Whose poses generated pictures have: that of the picture which is replaced, of a random kept one, of any one."""


def kept_pictures(people: Sequence[str], portion: float, seed: int) -> Tensor:
    """The pictures of a reduced set. With one seed, a smaller set is part of every larger one.

    Args:
        people: of every picture, the person.
        portion: p, the share of the pictures that is kept, above 0, at most 1. If there are more people than p allows
            pictures, one picture of every person is kept.
        seed: of the draw.

    Returns:
        Places in `people`, int64 (K,), ascending.

    Raises:
        ValueError: there is nobody, or the portion is no such number.
    """
    if not people:
        raise ValueError("there are no pictures to choose from")
    if not 0 < portion <= 1:
        raise ValueError(f"the portion of real pictures is above 0 and at most 1, not {portion:g}")
    order: list[int] = torch.randperm(len(people), generator=_generator(seed)).tolist()
    seen: set[str] = set()
    first: list[int] = []
    others: list[int] = []
    for place in order:
        (others if people[place] in seen else first).append(place)
        seen.add(people[place])
    count = max(len(first), round(portion * len(people)))
    return torch.tensor((first + others)[:count]).sort().values


def replacements(people: Sequence[str], kept: Tensor, seed: int, poses: str = "own", pool: int | None = None) -> Tensor:
    """For each picture that was not kept, what is generated in its place.

    The source is a random kept picture of the same person. Two reduced sets of one seed that share many pictures share
    many sources, so that pictures generated for one serve for the other.

    Args:
        people: of every picture, the person.
        kept: of `kept_pictures`.
        seed: of the draw.
        poses: one of `POSES`. "own" is the paper's first setting (rows without a star in its Table 6), "kept" that of
            the rows with a star, "all" takes any picture of `pool`.
        pool: how many pictures there are to take poses from with "all", such as those of another set; None: `people`.

    Returns:
        (source, pose), int64 (M, 2): places in `people`, and with "all" the pose's place in the pool.

    Raises:
        ValueError: no such way to choose poses, or a person has no kept picture.
    """
    if poses not in POSES:
        raise ValueError(f"no poses are called '{poses}'; {nearest(poses, POSES)}")
    generator = _generator(seed, 1)
    chosen = torch.zeros(len(people), dtype=torch.bool)
    chosen[kept] = True
    groups: dict[str, list[int]] = {}
    for place, person in enumerate(people):
        groups.setdefault(person, []).append(place)
    sources = torch.full((len(people),), -1, dtype=torch.int64)
    for person, places in groups.items():
        members = torch.tensor(places)
        # the order in which each picture would take the others as its source: the same for every portion
        order = torch.rand(len(places), len(places), generator=generator)
        order[:, ~chosen[members]] = torch.inf
        if torch.isinf(order).all():
            raise ValueError(f"person {person} has no picture among those that are kept")
        sources[members] = members[order.argmin(1)]
    missing = (~chosen).nonzero()[:, 0]
    if poses == "own":
        return torch.stack([sources[missing], missing], 1)
    from_many = torch.rand(len(people), generator=generator)[missing]
    count = (pool or len(people)) if poses == "all" else len(kept)
    drawn = (from_many * count).long().clamp_max(count - 1)
    return torch.stack([sources[missing], kept[drawn] if poses == "kept" else drawn], 1)


def additions(people: Sequence[str], ratio: int, seed: int, pool: int | None = None) -> Tensor:
    """What is generated beside a whole set: one (ratio 2) or more pictures of every picture, in random poses.

    Args:
        people: of every picture, the person.
        ratio: how many times as many pictures there are afterwards, at least 2.
        seed: of the draw.
        pool: how many pictures there are to take poses from; None: `people`.

    Returns:
        (source, pose), int64 ((ratio - 1) N, 2).

    Raises:
        ValueError: the ratio is below 2.
    """
    if ratio < 2:
        raise ValueError(f"the ratio of augmentation is at least 2, not {ratio}")
    sources = torch.arange(len(people)).repeat(ratio - 1)
    poses = torch.randint(pool or len(people), (len(sources),), generator=_generator(seed, 1))
    return torch.stack([sources, poses], 1)


def _generator(seed: int, purpose: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(2 * seed + purpose)
