"""The whole command `repose transfer` on a photograph of one megapixel, from the start of the process to its end.

The photographs are of a rendered person: the target is the mirror image of the source. Either the estimators find
joints and mask, or the joints are given in files. This checkout and another one take turns, so that other work on the
machine slows both alike; then each is run once more with a clock at every part (`latency_parts.py`).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import PIL.Image
import PIL.ImageOps
import torch
from rich.console import Console
from rich.table import Table

from repose.bench.large import large_photograph
from repose.bench.scene import raise_arm
from repose.images import write_picture
from repose.markdown import each_value, grid_table
from repose.person import Person
from repose.picture_files import open_picture
from repose.record import ResultLine, commit_of, reading_line
from repose.represent.pose_files import write_keypoints

SIZE: Final = (1224, 816)
"""(height, width) of the photograph: one megapixel."""

WAYS: Final = {
    "estimators": ("me.jpg", "dancer.jpg"),
    "joints": ("me.jpg", "target.json", "--source-keypoints", "me.json", "--mask", "none"),
}
"""How the person is found -> the words of the command."""

_PARTS: Final = Path(__file__).with_name("latency_parts.py")


@dataclass(frozen=True)
class Latency:
    """One checkout; medians of the rounds.

    Attributes:
        commit: of the checkout. wall: seconds by the clock. processor: seconds of processor time, of all threads and of
            the end of the process, too.
        parts: seconds of processor time of each part, of one further run.
    """

    commit: str
    wall: float
    processor: float
    parts: dict[str, float]


@dataclass(frozen=True)
class LatencyCost:
    """The command, by this checkout and another one.

    Attributes:
        way: a key of `WAYS`. height, width: of the photograph. rounds: of which the medians are.
        now: this checkout. before: the other one; None without.
        wall_share, processor_share: medians over the rounds of this checkout's seconds as a share of the other's in the
            same round; None without another.
        apart: the largest difference of the two results, grey levels of 255; None without another.
        threads: of torch.
    """

    way: str
    height: int
    width: int
    rounds: int
    now: Latency
    before: Latency | None
    wall_share: float | None
    processor_share: float | None
    apart: int | None
    threads: int
    seed: int | None = 0

    def line(self) -> ResultLine:
        """The result line without the stamp: "bench" is "latency", and the attributes by their names."""
        return {"bench": "latency", **asdict(self)}

    @classmethod
    def read(cls, line: ResultLine) -> LatencyCost:
        """Of a result line. ValueError if it lacks a key."""
        with reading_line(line):
            now, before = (None if line[name] is None else Latency(**line[name]) for name in ("now", "before"))
            assert now is not None
            return cls(
                line["way"], line["height"], line["width"], line["rounds"], now, before, line["wall_share"],
                line["processor_share"], line["apart"], line["threads"], line.get("seed"),
            )  # fmt: skip


def time_latency(
    against: Path | None = None,
    rounds: int = 5,
    ways: Sequence[str] = tuple(WAYS),
    size: tuple[int, int] = SIZE,
    say: Callable[[str], None] = lambda _: None,
) -> list[LatencyCost]:
    """Run the command in turns.

    Args:
        against: the folder `src` of another checkout. rounds: of each way, after one that does not count.
        ways: keys of `WAYS`. size: (height, width) of the photograph. say: called with a line of text at each command.

    Raises:
        ValueError: no round, an unknown way, `against` is no folder with Repose, or a command fails.
        SyntheticUnavailable: as of `large_photograph`.
    """
    if rounds < 1:
        raise ValueError(f"at least 1 round is needed, got {rounds}")
    for way in ways:
        if way not in WAYS:
            raise ValueError(f"a way is {' or '.join(WAYS)}, not '{way}'")
    sources = [Path(__file__).resolve().parents[2]]
    if against is not None:
        if not (against / "repose" / "__init__.py").is_file():
            raise ValueError(f"{against} has no folder repose: --against is the folder src of another checkout")
        sources.append(against.resolve())
    commits = [commit_of(source / "repose") for source in sources]
    costs = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, *size)
        for way in ways:
            runs: list[list[tuple[float, float]]] = [[] for _ in sources]
            for turn in range(rounds + 1):
                for number, source in enumerate(sources):
                    what = f"round {turn} of {rounds}" if turn else "one that does not count"
                    say(f"{way}, commit {commits[number]}: {what}")
                    run = _run(folder, source, way, number)
                    if turn:
                        runs[number].append(run)
            measured = []
            for number, source in enumerate(sources):
                wall, processor = (statistics.median(column) for column in zip(*runs[number], strict=True))
                measured.append(Latency(commits[number], wall, processor, _parts(folder, source, way)))
            shares: list[float | None] = [None, None]
            apart = None
            if len(sources) == 2:
                pairs = list(zip(*runs, strict=True))
                shares = [statistics.median(now[k] / before[k] for now, before in pairs) for k in (0, 1)]
                apart = _apart(folder / "result-0.png", folder / "result-1.png")
            now, *others = measured
            costs.append(
                LatencyCost(
                    way, *size, rounds, now, others[0] if others else None, shares[0], shares[1], apart,
                    torch.get_num_threads(),
                )
            )  # fmt: skip
    return costs


def print_latency(costs: Sequence[LatencyCost], screen: Console) -> None:
    """Print both checkouts, a row each, and the shares."""
    table = Table("joints and mask", "commit", "seconds", "processor seconds", "share", "share of processor", "apart")
    for cost in costs:
        for one in (cost.now, cost.before):
            if one is not None:
                own = one is cost.now and cost.wall_share is not None
                shares = [f"{cost.wall_share:.2f}", f"{cost.processor_share:.2f}", str(cost.apart)] if own else [""] * 3
                table.add_row(cost.way, one.commit, f"{one.wall:.2f}", f"{one.processor:.2f}", *shares)
    screen.print(table)


def latency_table(lines: list[ResultLine]) -> str:
    """The newest measurement of each way: whole commands, then their parts.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line.
    """
    newest = {line["way"]: line for line in lines if line.get("bench") == "latency"}
    if not newest:
        raise ValueError("results hold no line of `repose bench latency`")
    costs = [LatencyCost.read(line) for line in newest.values()]
    grid = [["joints and mask", "before: seconds", "processor", "now: seconds", "processor", "share", "of processor"]]
    for cost in costs:
        before = ["", ""] if cost.before is None else [f"{cost.before.wall:.2f}", f"{cost.before.processor:.2f}"]
        shares = ["" if share is None else f"{share:.2f}" for share in (cost.wall_share, cost.processor_share)]
        grid.append([cost.way, *before, f"{cost.now.wall:.2f}", f"{cost.now.processor:.2f}", *shares])
    stamps = list(newest.values())
    others = dict.fromkeys(cost.before.commit for cost in costs if cost.before is not None)
    before_is = f"; before: commit {', '.join(f'`{other}`' for other in others)}" if others else ""
    return (
        f"{grid_table(grid)}\nPicture: {each_value(stamps, 'width')}x{each_value(stamps, 'height')}; medians, rounds: "
        f"{each_value(stamps, 'rounds')}; results apart by grey levels: {each_value(stamps, 'apart')}; "
        f"threads: {each_value(stamps, 'threads')}; {each_value(stamps, 'hardware')}; torch "
        f"{each_value(stamps, 'torch')}; commit {each_value(stamps, 'commit', '`{}`')}{before_is}.\n\n"
        f"{_parts_grid(costs)}"
    )


# -- inside ---------------------------------------------------------------------------------------------------------


def _parts_grid(costs: Sequence[LatencyCost]) -> str:
    """Seconds of processor time of every part, the largest first, before and now."""
    head = ["processor seconds of"]
    columns: list[dict[str, float]] = []
    for cost in costs:
        if cost.before is not None:
            head.append(f"{cost.way}: before")
            columns.append(cost.before.parts)
        head.append(f"{cost.way}: now")
        columns.append(cost.now.parts)
    names = {name: max(column.get(name, 0.0) for column in columns) for column in columns for name in column}
    shown = [name for name, most in sorted(names.items(), key=lambda one: -one[1]) if most >= 0.02]
    grid = [head, *([name, *(f"{column.get(name, 0.0):.2f}" for column in columns)] for name in shown)]
    return grid_table(grid)


def _write(folder: Path, height: int, width: int) -> None:
    """The photographs, their joints and the target's as files."""
    pixels, keypoints = large_photograph(height, width)
    picture = PIL.Image.fromarray(pixels)
    write_picture(folder / "me.jpg", picture, quality=92)
    write_picture(folder / "dancer.jpg", PIL.ImageOps.mirror(picture), quality=92)
    write_keypoints(folder / "me.json", {"me": keypoints})
    target = raise_arm(Person(keypoints=keypoints, size=(height, width)), 2)[1].keypoints
    assert target is not None
    write_keypoints(folder / "target.json", {"target": target})


def _environment(source: Path) -> dict[str, str]:
    paths = os.pathsep.join([str(source), *filter(None, [os.environ.get("PYTHONPATH")])])
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPATH": paths}


def _run(folder: Path, source: Path, way: str, number: int) -> tuple[float, float]:
    """Seconds by the clock, and of processor time, of one command."""
    words = [sys.executable, "-m", "repose", "transfer", *WAYS[way], "-o", f"result-{number}.png"]
    with (folder / "said.txt").open("w+") as said:
        start = time.perf_counter()
        process = subprocess.Popen(words, cwd=folder, env=_environment(source), stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        if process.returncode:
            raise ValueError(f"{' '.join(words[2:])}, of {source}, failed:\n{said.read()}")
    return seconds, usage.ru_utime + usage.ru_stime


def _parts(folder: Path, source: Path, way: str) -> dict[str, float]:
    """Seconds of processor time of each part of one command."""
    words = [sys.executable, str(_PARTS), "parts.json", "transfer", *WAYS[way], "-o", "parts.png"]
    done = subprocess.run(
        words, cwd=folder, env=_environment(source), capture_output=True, text=True, check=False
    )  # fmt: skip
    if done.returncode:
        raise ValueError(f"{' '.join(words[1:])}, of {source}, failed:\n{done.stdout}{done.stderr}")
    told = json.loads((folder / "parts.json").read_text())
    if source not in Path(told["source"]).resolve().parents:
        raise ValueError(f"{source} was to be measured, but Python took {told['source']}")
    return {name: round(seconds, 4) for name, seconds in told["parts"].items()}


def _apart(one: Path, other: Path) -> int:
    """The largest difference of two pictures of one size, grey levels."""
    with open_picture(one) as first, open_picture(other) as second:
        pixels = [
            torch.frombuffer(bytearray(each.convert("RGB").tobytes()), dtype=torch.uint8) for each in (first, second)
        ]
    return int((pixels[0].int() - pixels[1].int()).abs().max())


__all__ = ["SIZE", "WAYS", "Latency", "LatencyCost", "latency_table", "print_latency", "time_latency"]
