"""How MoveNet's looks at one person are joined: agreement with an annotation, and what a pixel of padding does."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, astuple, dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt
import PIL.Image
import torch
from rich.console import Console
from rich.table import Table

from repose.data.store import Store
from repose.estimate.looks import Look, differing, mean_look, named_alike, named_alike_by_pair
from repose.estimate.movenet import MoveNet
from repose.markdown import each_value, grid_table
from repose.record import ResultLine, or_nan, reading_line
from repose.represent.canvas import to_uint8
from repose.represent.keypoints import from_skeleton

Points = npt.NDArray[np.float64]

RADIUS: Final = 8.0
"""Pixels of a picture of 128 rows within which a joint agrees with its annotation."""

THRESHOLDS: Final = (0.15, 0.2, 0.236, 0.25, 0.256, 0.287, 0.32, 0.35, 0.4)

WAYS: Final = {
    "one look": "the picture alone",
    "mean": "the picture and its mirror image, their mean (version 1, with the threshold of version 2)",
    "names by pair": "the same, each pair with the names of the look that is surer of it",
    "names by person": "the same, all pairs with the names of the look that is surer of the person",
    "two places": "the same at two places on either side of the centre (version 2)",
}
"""The ways that are measured, and what they are."""


@dataclass(frozen=True)
class LooksRow:
    """One way of joining the looks.

    Attributes:
        way: key of `WAYS`. looks: of the network.
        near, half: share of the annotated joints that are located within `RADIUS`, and within half of it.
        concerned: `near` of the people whose two looks name a pair differently.
        changed: share of the people of whom other joints are located when the picture gets a black border of one pixel.
        moved: pixels by which joints that are located in both move then, on average, of a picture of 128 rows.
        milliseconds: of processor time for a person.
    """

    way: str
    looks: int
    near: float
    half: float
    concerned: float
    changed: float
    moved: float
    milliseconds: float


@dataclass(frozen=True)
class ThresholdRow:
    """What a threshold of the score does to the joints of the last way.

    Attributes:
        threshold: a joint with a lower score is missing.
        recall: share of the annotated joints that are located within `RADIUS`.
        precision: of the located joints that are annotated, the share within `RADIUS`.
        kept: share of the annotated joints that are located. others: of the joints that are not annotated.
        step: of the annotated joints whose score lies between this threshold and the next, the share within `RADIUS`.
    """

    threshold: float
    recall: float
    precision: float
    kept: float
    others: float
    step: float


@dataclass(frozen=True)
class LooksMeasured:
    """All ways on the same photographs.

    Attributes:
        photographs: drawn from the split. padded: of them, so many with a border. concerned: people whose two looks
            name a pair differently. collapsed: of them, those of whom the mean brings such a pair together, within a
            third of the distance that both looks see.
        seed: of the draw. rows: one a way. thresholds: of the last way.
    """

    photographs: int
    padded: int
    concerned: int
    collapsed: int
    seed: int
    rows: tuple[LooksRow, ...]
    thresholds: tuple[ThresholdRow, ...]

    def line(self) -> ResultLine:
        """The result line without the stamp: "bench" is "looks", and the attributes by their names."""
        return {"bench": "looks", "radius": RADIUS, **asdict(self)}

    @classmethod
    def read(cls, line: ResultLine) -> LooksMeasured:
        """Of a result line. ValueError if it lacks a key."""
        with reading_line(line):
            return cls(
                line["photographs"], line["padded"], line["concerned"], line["collapsed"], line["seed"],
                tuple(LooksRow(**row) for row in line["rows"]),
                tuple(ThresholdRow(**{**row, "step": or_nan(row["step"])}) for row in line["thresholds"]),
            )  # fmt: skip


def measure_looks(
    store: Store, split: str, count: int, padded: int, seed: int, say: Callable[[str], None] = lambda _: None
) -> LooksMeasured:
    """Measure every way on photographs of a store whose joints are annotated.

    Args:
        split: of the store. count: photographs, drawn without repetition. padded: of them, so many are looked at again
            with a border. seed: of the draw. say: called with a line of text now and then.

    Raises:
        ValueError: the split has fewer photographs.
    """
    rows = store.split(split).numpy()
    if count > len(rows) or padded > count:
        raise ValueError(f"{split} has {len(rows)} photographs; {count} and {padded} with a border are asked for")
    drawn = np.sort(np.random.default_rng(seed).permutation(rows)[:count])
    estimators = MoveNet(version=1), MoveNet()
    seen: list[dict[str, Points]] = []
    again: list[dict[str, Points]] = []
    annotated, seconds, differ, collapsed = [], np.zeros(2), [], 0
    for number, row in enumerate(drawn):
        person = store.person(torch.tensor([row]), ["image", "keypoints"])
        assert person.image is not None
        assert person.keypoints is not None
        picture = to_uint8(person.image[0])
        annotated.append(person.keypoints[0].double().numpy())
        two, spent = _timed(estimators, picture)
        seconds += spent
        pairs = differing(*two[0])
        differ.append(bool(pairs))
        collapsed += any(_collapsed(two[0], pair) for pair in pairs)
        seen.append(_joined(two, picture.shape[:2], 0))
        if number < padded:
            wider = np.pad(picture, ((1, 1), (1, 1), (0, 0)))
            again.append(_joined(_timed(estimators, wider)[0], wider.shape[:2], 1))
        if number % 100 == 99:
            say(f"{number + 1} of {count} photographs")
    truth, size = np.stack(annotated), picture.shape[:2]
    unit = size[0] / 128
    which = np.array(differ)
    ways = []
    for way in WAYS:
        every = np.stack([one[way] for one in seen])
        threshold = estimators[1].threshold
        joints = _located(every, size, threshold)
        moved, changed = _stability(every[:padded], np.stack([one[way] for one in again]), size, threshold)
        looks = {"one look": 1, "two places": 4}.get(way, 2)
        time_of = seconds[1] if looks == 4 else seconds[0] * looks / 2
        ways.append(
            LooksRow(
                way, looks, _near(joints, truth, RADIUS * unit), _near(joints, truth, RADIUS * unit / 2),
                _near(joints[which], truth[which], RADIUS * unit), changed, moved / unit, 1000 * float(time_of) / count,
            )
        )  # fmt: skip
    last = np.stack([one["two places"] for one in seen])
    thresholds = _thresholds(last, truth, size, RADIUS * unit)
    return LooksMeasured(count, padded, int(which.sum()), collapsed, seed, tuple(ways), thresholds)


def print_looks(measured: LooksMeasured, screen: Console) -> None:
    """Print the ways, and below them the thresholds of the last one."""
    for rows in (measured.rows, measured.thresholds):
        table = Table(*(one.name for one in fields(rows[0])))
        for row in rows:
            table.add_row(*(f"{value:.4g}" if isinstance(value, float) else str(value) for value in astuple(row)))
        screen.print(table)


def looks_table(lines: list[ResultLine]) -> str:
    """The newest run of each split: the ways, and the thresholds of the last one.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line.
    """
    newest = {line["split"]: line for line in lines if line.get("bench") == "looks"}
    if not newest:
        raise ValueError("results hold no line of `repose research looks`")
    parts = []
    for split, line in sorted(newest.items()):
        one = LooksMeasured.read(line)
        grid = [["looks", "", "within 8 px", "within 4", "of those concerned", "another set", "moved px", "ms"]]
        for row in one.rows:
            cells = [f"{value:.3f}" for value in (row.near, row.half, row.concerned, row.changed)]
            grid.append([str(row.looks), WAYS[row.way], *cells, f"{row.moved:.2f}", f"{row.milliseconds:.0f}"])
        levels = [["threshold", "recall", "precision", "annotated located", "others located", "right up to the next"]]
        for level in one.thresholds:
            values = (level.recall, level.precision, level.kept, level.others, level.step)
            levels.append([f"{level.threshold:g}", *(f"{value:.3f}" for value in values)])
        parts.append(
            f"{line['data']} {split}, {one.photographs:,} photographs, seed {one.seed}; concerned: {one.concerned} "
            f"people, of whom the mean collapses a pair of {one.collapsed}; border: {one.padded} photographs.\n\n"
            f"{grid_table(grid)}\n{grid_table(levels)}"
        )
    stamps = list(newest.values())
    return "\n".join(parts) + f"\n{each_value(stamps, 'hardware')}; commit {each_value(stamps, 'commit', '`{}`')}.\n"


# -- inside ---------------------------------------------------------------------------------------------------------


def _timed(
    estimators: Sequence[MoveNet], picture: npt.NDArray[np.uint8]
) -> tuple[list[list[Look]], npt.NDArray[np.float64]]:
    """The looks of both versions at a whole picture, and the processor's seconds of each."""
    shown = PIL.Image.fromarray(picture)
    out, seconds = [], []
    for movenet in estimators:
        begin = time.process_time()
        out.append(movenet.looks(shown, shown.width / 2, shown.height / 2, max(shown.size)))
        seconds.append(time.process_time() - begin)
    return out, np.array(seconds)


def _joined(two: list[list[Look]], size: tuple[int, ...], border: int) -> dict[str, Points]:
    """Way -> (17, 3), pixels of the picture without its border, the edge of the first being 0."""
    height, width = size
    side = max(size)
    plain, several = two
    joined = {
        "one look": plain[0],
        "mean": mean_look(plain),
        "names by pair": mean_look(named_alike_by_pair(*plain)),
        "names by person": mean_look(named_alike(plain)),
        "two places": mean_look(named_alike(several)),
    }
    corner = (width - side) / 2 - border, (height - side) / 2 - border
    return {way: look * (side, side, 1) + (*corner, 0) for way, look in joined.items()}


def _collapsed(looks: Sequence[Look], pair: tuple[int, int]) -> bool:
    """Whether the plain mean of two looks brings a pair together that both see apart."""
    left, right = pair
    apart = min(float(np.linalg.norm((look[left] - look[right])[:2])) for look in looks)
    mean = mean_look(looks)
    return float(np.linalg.norm((mean[left] - mean[right])[:2])) < apart / 3


def _located(joints: Points, size: tuple[int, ...], threshold: float) -> Points:
    """(N, 17, 3) -> (N, 18, 3) in pixel index units; a joint outside the picture or below the threshold is missing."""
    inside = np.all((joints[..., :2] >= 0) & (joints[..., :2] < size[::-1]), axis=-1)
    points = torch.from_numpy(np.where(inside[..., None], joints, 0.0) - (0.5, 0.5, 0))
    return from_skeleton(points, "coco17", threshold=threshold).double().numpy()


def _near(joints: Points, truth: Points, radius: float) -> float:
    """Of the annotated joints, the share located within the radius; NaN without any."""
    known = truth[..., 2] > 0
    return float((_agrees(joints, truth, radius) & (joints[..., 2] > 0))[known].mean()) if known.any() else math.nan


def _agrees(joints: Points, truth: Points, radius: float) -> npt.NDArray[np.bool_]:
    near: npt.NDArray[np.bool_] = np.less_equal(np.linalg.norm((joints - truth)[..., :2], axis=-1), radius)
    return near


def _stability(first: Points, second: Points, size: tuple[int, ...], threshold: float) -> tuple[float, float]:
    """Mean way of the joints located in both, and the share of people of whom others are located."""
    one, two = (_located(joints, size, threshold) for joints in (first, second))
    both = (one[..., 2] > 0) & (two[..., 2] > 0)
    moved = np.linalg.norm((one - two)[..., :2], axis=-1)
    changed = np.not_equal(one[..., 2] > 0, two[..., 2] > 0).any(-1)
    return float(moved[both].mean()), float(changed.mean())


def _thresholds(joints: Points, truth: Points, size: tuple[int, ...], radius: float) -> tuple[ThresholdRow, ...]:
    known = truth[..., 2] > 0
    sets = [_located(joints, size, threshold) for threshold in THRESHOLDS]
    out = []
    for number, (threshold, found) in enumerate(zip(THRESHOLDS, sets, strict=True)):
        located, right = found[..., 2] > 0, _agrees(found, truth, radius)
        later = sets[number + 1][..., 2] > 0 if number + 1 < len(sets) else np.zeros_like(located)
        step = right[located & ~later & known]
        share = float(step.mean()) if len(step) else math.nan
        out.append(
            ThresholdRow(
                threshold, float((located & right)[known].mean()), float(right[located & known].mean()),
                float(located[known].mean()), float(located[~known].mean()), share,
            )
        )  # fmt: skip
    return tuple(out)


__all__ = [
    "RADIUS",
    "THRESHOLDS",
    "WAYS",
    "LooksMeasured",
    "LooksRow",
    "ThresholdRow",
    "looks_table",
    "measure_looks",
    "print_looks",
]
