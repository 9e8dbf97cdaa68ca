"""Whether the networks of people tell people apart: photographs of a data set that names person and camera.

Re-identification: one photograph of each person and camera asks for the person among all photographs, without those of
the same person from the same camera, as Market-1501 is measured. Attributes: how often two photographs of one person
agree, and two of different people.

Source: Zheng et al. 2015, "Scalable Person Re-identification: A Benchmark", section 5 (queries, rank-1, mean average
precision).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table
from torch import Tensor

from repose.data.store import Store
from repose.hub.fetch import locate
from repose.hub.files import FILES
from repose.markdown import each_value, grid_table
from repose.metrics.functional.reidentification import market_ranking
from repose.metrics.person_networks import (
    ATTRIBUTE_FILES,
    ATTRIBUTES,
    CLEAR,
    REIDENTIFICATION,
    SMALL_REIDENTIFICATION,
    attributes_kept,
    person_network,
)
from repose.record import ResultLine, reading_line
from repose.represent.canvas import to_uint8

REIDENTIFICATION_NETWORKS: Final = (REIDENTIFICATION, SMALL_REIDENTIFICATION)
"""The two files of each: that of the column `identity_reid`, and a smaller one."""

SEED: Final = 0
"""Of the pairs of photographs whose attributes are compared."""

PAIRS: Final = 2000
"""Of photographs of one person, and as many of different people."""

_CAMERA: Final = re.compile(r"_c(\d+)s\d+_")


@dataclass(frozen=True)
class Retrieval:
    """How well one network finds people again.

    Attributes:
        rank_1: share of the queries whose nearest photograph shows the person, 0 to 1.
        mean_average_precision: over the queries, 0 to 1.
        queries: that have a photograph of the person from another camera.
    """

    rank_1: float
    mean_average_precision: float
    queries: int


@dataclass(frozen=True)
class PeopleTold:
    """What the networks of people tell of a split.

    Attributes:
        split, photographs, people, cameras: of the store.
        networks: network -> how well it finds people again.
        attributes: attribute -> share of the photographs that have it, of two photographs of one person that agree, of
            two of different people that agree; only attributes that are clear on one of the two photographs count.
        same, different: the column "attributes" between two photographs of one person from two cameras, and of
            different people.
        seed: of the pairs of photographs.
    """

    split: str
    photographs: int
    people: int
    cameras: int
    networks: Mapping[str, Retrieval]
    attributes: Mapping[str, tuple[float, float, float]]
    same: float
    different: float
    seed: int = SEED

    def line(self) -> ResultLine:
        """The result line, without its data and stamp: "kind" is "reidentification"; the attributes by their names."""
        return {"kind": "reidentification", **asdict(self)}

    @classmethod
    def read(cls, line: ResultLine) -> PeopleTold:
        """Of a result line. ValueError if it lacks a key."""
        with reading_line(line):
            networks = {name: Retrieval(**numbers) for name, numbers in line["networks"].items()}
            attributes = {name: (have, one, other) for name, (have, one, other) in line["attributes"].items()}
            return cls(
                line["split"], line["photographs"], line["people"], line["cameras"], networks, attributes,
                line["same"], line["different"], line["seed"],
            )  # fmt: skip


def tell_people(
    store: Store, split: str = "test", limit: int = 0, tick: Callable[[str, int, int], None] | None = None
) -> PeopleTold:
    """Let the networks of people look at all photographs of a split.

    Args:
        store: whose names have the camera as Market-1501's do, 0002_c1s1_000451_03.jpg.
        split: of the store.
        limit: so many people, the first ones; 0: all.
        tick: called with the network, how many photographs are done, and how many there are.

    Raises:
        ValueError: a name has no camera, or nobody was photographed by two.
        repose.hub.fetch.FileMissingError: a weight file is not here.
        KeyError: no such split.
    """
    rows = store.split(split)
    people = [store.people[row] for row in rows.tolist()]
    chosen = set(sorted(set(people))[: limit or None])
    rows = rows[torch.tensor([person in chosen for person in people])]
    person = torch.tensor([sorted(chosen).index(store.people[row]) for row in rows.tolist()])
    camera = torch.tensor([_camera(store.names[row]) for row in rows.tolist()])
    networks = {}
    for files in REIDENTIFICATION_NETWORKS:
        networks[Path(files[0]).stem] = retrieval(_looked_at(files, store, rows, tick), person, camera)
    attributes = _looked_at(ATTRIBUTE_FILES, store, rows, tick)
    one, other, stranger = _pairs(person, camera)
    each: dict[str, tuple[float, float, float]] = {}
    for place, name in enumerate(ATTRIBUTES):
        column = attributes[:, place : place + 1]
        have = float((column >= 0.5).double().mean())
        each[name] = (have, _agree(column, one, other), _agree(column, one, stranger))
    return PeopleTold(
        split, len(rows), len(chosen), len(set(camera.tolist())), networks, each,
        _agree(attributes, one, other), _agree(attributes, one, stranger),
    )  # fmt: skip


def retrieval(vectors: Tensor, person: Tensor, camera: Tensor) -> Retrieval:
    """Rank-1 and mean average precision of vectors that are compared by their cosine.

    Args:
        vectors: (N, D), one for each photograph. person, camera: (N,), their numbers.

    Raises:
        ValueError: nobody was photographed by two cameras.
    """
    unit = F.normalize(vectors.double())
    first: dict[tuple[int, int], int] = {}
    for row, key in enumerate(zip(person.tolist(), camera.tolist(), strict=True)):
        first.setdefault(key, row)
    queries = torch.tensor([*first.values()])
    ranking = market_ranking(unit[queries] @ unit.T, person[queries], camera[queries], person, camera, ranks=(1,))
    return Retrieval(ranking.ranks[1], ranking.mean_average_precision, ranking.queries)


def print_people_told(told: PeopleTold, screen: Console) -> None:
    """Print how well people are found again, and the attributes."""
    table = Table(
        title=f"{told.photographs:,} photographs of {told.people:,} people by {told.cameras} cameras",
        title_justify="left",
    )
    for heading in ("network", "rank-1", "mAP", "queries"):
        table.add_column(heading)
    for name, one in told.networks.items():
        table.add_row(name, f"{one.rank_1:.3f}", f"{one.mean_average_precision:.3f}", f"{one.queries:,}")
    screen.print(table)
    table = Table("attribute", "have it", "agree, one person", "agree, different people")
    for row in _attribute_rows(told):
        table.add_row(*row)
    screen.print(table)


def reidentification_table(lines: list[ResultLine]) -> str:
    """The newest numbers of each data set.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line.
    """
    newest = {line["data"]: line for line in lines if line.get("kind") == "reidentification"}
    if not newest:
        raise ValueError("results hold no line of `repose research reidentification`")
    parts = []
    for data, line in newest.items():
        told = PeopleTold.read(line)
        grid = [["network", "rank-1", "mAP"]]
        grid += [
            [f"`{n}`", f"{one.rank_1:.3f}", f"{one.mean_average_precision:.3f}"] for n, one in told.networks.items()
        ]
        queries = max(one.queries for one in told.networks.values())
        parts.append(
            f"{grid_table(grid)}\n{data} `{line['checksum']}`, split {told.split}: {told.photographs:,} photographs of "
            f"{told.people:,} people by {told.cameras} cameras, {queries:,} queries; commit "
            f"{each_value([line], 'commit', '`{}`')}, {each_value([line], 'hardware')}.\n"
        )
        grid = [["attribute", "have it", "agree, one person", "agree, different people"], *_attribute_rows(told)]
        parts.append(
            f"{grid_table(grid)}\nOf {PAIRS:,} pairs of photographs of one person from two cameras, and of {PAIRS:,} "
            f"of different people; an attribute counts where it is clear (at most {CLEAR}, or at least {1 - CLEAR}) on "
            "the second photograph. The last row is the column `attributes`.\n"
        )
    return "\n".join(parts)


# -- inside ---------------------------------------------------------------------------------------------------------


def _attribute_rows(told: PeopleTold) -> list[list[str]]:
    rows = [[name, *(f"{number:.3f}" for number in numbers)] for name, numbers in told.attributes.items()]
    return [*rows, ["all", "", f"{told.same:.3f}", f"{told.different:.3f}"]]


def _camera(name: str) -> int:
    found = _CAMERA.search(name)
    if found is None:
        raise ValueError(f"{name} names no camera; names such as 0002_c1s1_000451_03.jpg are wanted")
    return int(found[1])


def _looked_at(
    files: Sequence[str], store: Store, rows: Tensor, tick: Callable[[str, int, int], None] | None
) -> Tensor:
    """What a network says of the photographs, (N, D)."""
    network = person_network([str(locate(FILES[file])) for file in files], torch.device("cpu"))
    outputs, done = [], 0
    for part in torch.split(rows, network.batch):
        images = store.person(part, ("image",)).image
        assert images is not None
        outputs.append(network.outputs(torch.from_numpy(to_uint8(images)).movedim(-1, 1)))
        done += len(part)
        if tick is not None:
            tick(Path(files[0]).stem, done, len(rows))
    return torch.cat(outputs)


def _pairs(person: Tensor, camera: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Photographs, for each another one of the same person from another camera, and one of somebody else."""
    generator = torch.Generator().manual_seed(SEED)
    one: list[int] = []
    other: list[int] = []
    stranger: list[int] = []
    order: list[int] = torch.randperm(len(person), generator=generator).tolist()
    for row in (order * (PAIRS // max(1, len(order)) + 1))[: PAIRS * 4]:
        same = ((person == person[row]) & (camera != camera[row])).nonzero()[:, 0]
        different = (person != person[row]).nonzero()[:, 0]
        if not len(same) or not len(different) or len(one) == PAIRS:
            continue
        one.append(row)
        other.append(int(same[torch.randint(len(same), (1,), generator=generator)]))
        stranger.append(int(different[torch.randint(len(different), (1,), generator=generator)]))
    return torch.tensor(one), torch.tensor(other), torch.tensor(stranger)


def _agree(attributes: Tensor, one: Tensor, other: Tensor) -> float:
    """The mean of `attributes_kept` over the pairs that count."""
    values, weights = attributes_kept(attributes[one], attributes[other])
    return float((values * weights).sum() / weights.sum().clamp_min(1))
