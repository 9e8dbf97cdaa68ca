"""How many of the joints of rendered people a pose estimator finds."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from rich.console import Console
from rich.table import Table

from repose.estimate.base import KeypointEstimator
from repose.markdown import each_value, grid_table
from repose.metrics.functional import head_box
from repose.person import JOINTS
from repose.record import ResultLine, reading_line
from repose.research.sample import Sample

REQUIRED_SHARE: Final = 0.9
"""Of the visible joints that the estimator must find on `people-fashion`."""

_BATCH: Final = 32


@dataclass(frozen=True)
class JointsFound:
    """How many of the visible joints an estimator finds within half the head box.

    Attributes:
        data, checksum: of the store. estimator: its name. pictures: looked at.
        joints: joint -> (found, visible), of the pictures with a usable head box.
        headless: pictures whose head box has no area, which count nothing.
    """

    data: str
    checksum: str
    estimator: str
    pictures: int
    joints: dict[str, tuple[int, int]]
    headless: int

    @property
    def share(self) -> float:
        """Of all visible joints, 0 to 1; NaN where none is visible."""
        seen = sum(visible for _, visible in self.joints.values())
        return sum(found for found, _ in self.joints.values()) / seen if seen else math.nan

    def line(self) -> ResultLine:
        """The result line, without its stamp: "bench" is "joints"; the attributes by their names; "share".

        "seed" is null: the pictures are spread evenly, none is drawn.
        """
        return {
            "bench": "joints", "data": self.data, "checksum": self.checksum, "estimator": self.estimator,
            "pictures": self.pictures, "headless": self.headless, "share": self.share,
            "joints": {name: list(counts) for name, counts in self.joints.items()}, "seed": None,
        }  # fmt: skip

    @classmethod
    def read(cls, line: ResultLine) -> JointsFound:
        """Of a result line. ValueError if it lacks a key."""
        with reading_line(line):
            joints = {name: (found, visible) for name, (found, visible) in line["joints"].items()}
            return cls(
                line["data"], line["checksum"], line["estimator"], line["pictures"], joints, line["headless"]
            )  # fmt: skip


def count_joints(
    sample: Sample, estimator: KeypointEstimator, alpha: float = 0.5, tick: Callable[[int], None] | None = None
) -> JointsFound:
    """Let an estimator look at pictures of one person each and count the visible joints (visible = 1) it finds.

    Found is as PCKh counts it: within `alpha` times the width and height of the box around the located joints of the
    head, on each axis. Joints hidden or outside the frame do not count, a joint that the estimator misses is wrong.

    Args:
        sample: rendered people. alpha: share of the head box. tick: called with the number of pictures of each batch.
    """
    right = torch.zeros(len(JOINTS), dtype=torch.int64)
    visible = torch.zeros_like(right)
    headless = 0
    for rows in torch.split(torch.arange(len(sample)), _BATCH):
        pixels = ((sample.images(rows) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
        target, predicted = sample.keypoints(rows), estimator.crops(list(pixels))
        width, height, usable = head_box(target)
        offset = (predicted[..., :2].double() - target[..., :2].double()).abs()
        near = (offset[..., 0] <= alpha * width[:, None]) & (offset[..., 1] <= alpha * height[:, None])
        counts = (target[..., 2] == 1) & usable[:, None]
        right += (counts & near & (predicted[..., 2] > 0)).sum(0)
        visible += counts.sum(0)
        headless += int((~usable).sum())
        if tick is not None:
            tick(len(rows))
    joints = {name: (int(a), int(b)) for name, a, b in zip(JOINTS, right, visible, strict=True)}
    return JointsFound(sample.store.dataset, sample.store.checksum, estimator.name, len(sample), joints, headless)


def print_joints(result: JointsFound, screen: Console) -> None:
    """Print the share of every joint."""
    title = (
        f"{result.data} {result.checksum}: visible joints that {result.estimator} finds within half the head box; "
        f"{result.pictures:,} pictures, {result.headless:,} without a head box"
    )
    table = Table("joint", "found", "visible", "share", title=title)
    for name, (right, visible) in result.joints.items():
        table.add_row(name, f"{right:,}", f"{visible:,}", f"{right / visible:.3f}" if visible else "")
    table.add_row("all", "", "", f"{result.share:.3f} (asked: {REQUIRED_SHARE})")
    screen.print(table)


def joints_table(lines: list[ResultLine]) -> str:
    """The newest share of visible joints that the estimator finds, for each data set.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line.
    """
    newest = {line["data"]: line for line in lines if line.get("bench") == "joints"}
    if not newest:
        raise ValueError("results hold no line of `repose research realism` with joints")
    sets = [JointsFound.read(line) for line in newest.values()]
    grid = [["joint", *(one.data for one in sets)]]
    grid.append(["all", *(f"{one.share:.1%}" for one in sets)])
    for name in sets[0].joints:
        counts = [one.joints[name] for one in sets]
        grid.append([name, *(f"{right / visible:.1%}" if visible else "" for right, visible in counts)])
    about = ", ".join(f"{one.data} `{one.checksum}`, {one.pictures:,} pictures" for one in sets)
    stamps = list(newest.values())
    return (
        f"{grid_table(grid)}\nVisible joints that {each_value(stamps, 'estimator', '`{}`')} finds within half the head "
        f"box: {about}; asked: {REQUIRED_SHARE:.0%}. Commit {each_value(stamps, 'commit', '`{}`')}.\n"
    )
