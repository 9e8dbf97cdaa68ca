"""What one session shows: the draw of its pictures, and their order."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from repose.study.protocols import StudyProtocol


@dataclass(frozen=True)
class Listed:
    """One picture of the study, without its pixels."""

    id: int
    kind: str
    method: str
    pair: int
    practice: bool


@dataclass(frozen=True)
class Trial:
    """What a session is going to show at a time; `pictures` are ids, in their order on the page."""

    track: int
    practice: bool
    seconds: float | None
    kind: str
    method: str
    other: str
    pictures: tuple[int, ...]


def plan(protocol: StudyProtocol, pictures: Sequence[Listed], method: str, generator: random.Random) -> list[Trial]:
    """What one session shows, in order.

    Args:
        protocol: says how many of what.
        pictures: all of the study.
        method: whose pictures are judged; of no meaning for preference, which sees all methods equally often.
        generator: of all draws.
    """
    methods = sorted({picture.method for picture in pictures if picture.kind == "generated"})
    place = {(picture.kind, picture.method, picture.pair): picture for picture in pictures}
    first = {"real": "", "generated": method if protocol.question != "preference" else methods[0]}
    duos = {practice: _endless(list(combinations(methods, 2)), generator) for practice in (True, False)}

    def trial(picked: Listed, track: int, practice: bool) -> Trial:
        kind, one, other, pair = picked.kind, picked.method, "", picked.pair
        shown = [picked]
        if protocol.question == "pose":
            shown = [place["target", "", pair], picked]
            generator.shuffle(shown)
        elif protocol.question == "preference":
            one, other = generator.sample(next(duos[practice]), 2)
            shown = [place["source", "", pair], place["pose", "", pair]]
            shown += [place["generated", name, pair] for name in (one, other)]
        seconds = None if practice and not protocol.timed_practice else protocol.seconds[track]
        return Trial(track, practice, seconds, kind, one, other, tuple(picture.id for picture in shown))

    piles: dict[str, list[Listed]] = {}
    trials: list[Trial] = []
    labelled = {picture.id for picture in examples(protocol, pictures, method)}
    for kind in protocol.asked.judged:
        pile = [picture for picture in pictures if (picture.kind, picture.method) == (kind, first[kind])]
        generator.shuffle(pile)
        piles[kind] = [picture for picture in pile if not picture.practice]
        trials += [trial(picture, 0, True) for picture in pile if picture.practice and picture.id not in labelled]
    generator.shuffle(trials)
    for track in range(len(protocol.seconds)):
        drawn = []
        for kind in protocol.asked.judged:
            if protocol.draws == "independent":
                drawn += generator.sample(piles[kind], protocol.shown)
            else:
                drawn += [piles[kind].pop() for _ in range(protocol.shown)]
        generator.shuffle(drawn)
        aside = protocol.practice if protocol.practice_from == "first" and track == 0 else 0
        trials += [trial(picture, track, index < aside) for index, picture in enumerate(drawn)]
    return trials


def examples(protocol: StudyProtocol, pictures: Sequence[Listed], method: str) -> list[Listed]:
    """The labelled examples that a session begins with: the same for every session of a method, real ones first.

    Args:
        protocol: says how many of each kind. pictures: all of the study. method: the one that the session judges.
    """
    of_kind = [("real", ""), ("generated", method)]
    return [
        picture
        for kind in of_kind
        for picture in pictures
        if (picture.kind, picture.method) == kind and picture.pair < protocol.examples
    ]


def _endless(items: list[Any], generator: random.Random) -> Iterator[Any]:
    """The items over and over, each round in an order of its own; nothing of nothing."""
    while items:
        yield from generator.sample(items, len(items))
