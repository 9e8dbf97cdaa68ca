"""The whole command `repose transfer` on large photographs: time and memory, beside another checkout's if there is one.

The photographs are rendered people, enlarged: a wide one with a person in the middle, and an upright one that the
person fills, as a phone takes it. The joints are given, and an arm goes up. Each command runs in a process of its own,
after one on a small photograph that does not count; the checkouts take turns, so that other work on the machine slows
all alike.
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

import numpy as np
import numpy.typing as npt
import PIL.Image
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from repose.bench.scene import raise_arm
from repose.images import write_picture
from repose.markdown import each_value, grid_table
from repose.person import Person
from repose.record import ResultLine, commit_of, reading_line
from repose.represent.pose_files import write_keypoints

LARGE_SIZES: Final = ((2880, 5120), (6000, 3000))
"""(height, width) of the photographs."""

LARGEST_SIZE: Final = (8000, 8000)
"""64 million pixels, the most that is read."""

SEED: Final = 0
_PERSON, _PICTURE = 5, 1
"""Of the rendered set: somebody who is seen whole, from about the front."""

_RENDERED: Final = 1500  # the longer side of what is rendered, at most; the rest is enlargement
_WARM: Final = 1600  # the longer side of the photograph that does not count; a much smaller one misses kernels
_COMMAND: Final = """
import json, pathlib, resource, sys, time
import repose
from repose.cli import main
try:
    main()
finally:
    try:  # ru_maxrss begins with the parent's peak
        lines = pathlib.Path("/proc/self/status").read_text().splitlines()
        peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    facts = {"source": repose.__file__, "processor": time.process_time(), "peak": peak}
    pathlib.Path("facts.json").write_text(json.dumps(facts))
"""


@dataclass(frozen=True)
class CommandCost:
    """What one command took; medians of the rounds.

    Attributes:
        commit: of the checkout.
        seconds: by the clock, from the start of the process to its end.
        processor: seconds of processor time, of all threads.
        peak_gb: the most memory that was resident, GB (1e9 bytes).
    """

    commit: str
    seconds: float
    processor: float
    peak_gb: float


@dataclass(frozen=True)
class LargeCost:
    """The command on one photograph.

    Attributes:
        height, width: of the photograph, pixels. model: its name. rounds: of which the medians are.
        now: this checkout. before: the other one; None without.
        threads: of torch. seed: of the rendered person.
    """

    height: int
    width: int
    model: str
    rounds: int
    now: CommandCost
    before: CommandCost | None
    threads: int
    seed: int | None = SEED

    @property
    def share(self) -> float | None:
        """Seconds of this checkout, as a share of the other's; None without another."""
        return None if self.before is None else self.now.seconds / self.before.seconds

    def line(self) -> ResultLine:
        """The result line without the stamp: "bench" is "large", and the attributes by their names."""
        return {"bench": "large", **asdict(self)}

    @classmethod
    def read(cls, line: ResultLine) -> LargeCost:
        """Of a result line. ValueError if it lacks a key."""
        with reading_line(line):
            now, before = (None if line[name] is None else CommandCost(**line[name]) for name in ("now", "before"))
            assert now is not None
            return cls(
                line["height"], line["width"], line["model"], line["rounds"], now, before, line["threads"],
                line.get("seed"),
            )  # fmt: skip


def large_photograph(height: int, width: int) -> tuple[npt.NDArray[np.uint8], Tensor]:
    """A rendered person on a photograph of this size, with a little grain; in an upright one they fill it.

    Returns:
        uint8 (height, width, 3), and joints (18, 3).

    Raises:
        SyntheticUnavailable: no OpenGL context can be had, or the extra `synthetic` is not installed.
    """
    from repose.render import Renderer, render_person

    share = min(1.0, _RENDERED / max(height, width))
    high, wide = max(1, round(share * height)), max(1, round(share * width))
    side = max(high, wide)
    # somebody beside whom there is much room is cut out of a wider picture
    with Renderer(height=high, width=side) as renderer:
        picture = render_person(renderer, SEED, _PERSON, _PICTURE + 1, "street")[_PICTURE]
    columns = np.nonzero(picture.mask.any(0))[0]
    left = min(max(0, round((columns[0] + columns[-1] + 1 - wide) / 2)), side - wide) if len(columns) else 0
    small = PIL.Image.fromarray(np.ascontiguousarray(picture.image[:, left : left + wide]))
    pixels = np.array(small.resize((width, height), PIL.Image.Resampling.BICUBIC))
    random = np.random.default_rng(SEED)
    for top in range(0, height, 256):  # grain, so that it is not as smooth as an enlargement is
        part = pixels[top : top + 256]
        grain = random.integers(-3, 4, part.shape, np.int8)
        part[:] = np.clip(part.astype(np.int16) + grain, 0, 255).astype(np.uint8)
    keypoints = torch.from_numpy(picture.keypoints.copy())
    scale = torch.tensor([width / wide, height / high])
    keypoints[:, :2] = (keypoints[:, :2] - torch.tensor([left, 0.0]) + 0.5) * scale - 0.5
    return pixels, keypoints * (keypoints[:, 2:] > 0)


def time_large(
    sizes: Sequence[tuple[int, int]] = LARGE_SIZES,
    against: Path | None = None,
    rounds: int = 1,
    model: str = "default",
    say: Callable[[str], None] = lambda _: None,
) -> list[LargeCost]:
    """Run the command on a photograph of each size.

    Args:
        sizes: (height, width) each. against: the folder `src` of another checkout. rounds: of each photograph.
        model: by name. say: called with a line of text at each command.

    Raises:
        ValueError: no round, `against` is no folder with Repose, or a command fails (with what it said).
        SyntheticUnavailable: as of `large_photograph`.
    """
    if rounds < 1:
        raise ValueError(f"at least 1 round is needed, got {rounds}")
    sources = [Path(__file__).resolve().parents[2]]
    if against is not None:
        if not (against / "repose" / "__init__.py").is_file():
            raise ValueError(f"{against} has no folder repose: --against is the folder src of another checkout")
        sources.append(against.resolve())
    commits = [commit_of(source / "repose") for source in sources]
    costs = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for height, width in sizes:
            share = min(1.0, _WARM / max(height, width))
            _write(folder / "small", round(share * height), round(share * width))
            _write(folder / "large", height, width)
            runs: list[list[tuple[float, float, float]]] = [[] for _ in sources]
            for turn in range(rounds + 1):
                for number, source in enumerate(sources):
                    what = f"round {turn} of {rounds}" if turn else "a small one that does not count"
                    say(f"{width}x{height}, commit {commits[number]}: {what}")
                    run = _run(folder / ("large" if turn else "small"), source, model)
                    if turn:
                        runs[number].append(run)
            now, *others = (
                CommandCost(commit, *(statistics.median(column) for column in zip(*columns, strict=True)))
                for commit, columns in zip(commits, runs, strict=True)
            )
            threads = torch.get_num_threads()
            costs.append(LargeCost(height, width, model, rounds, now, others[0] if others else None, threads))
    return costs


def print_large(costs: Sequence[LargeCost], screen: Console) -> None:
    """Print both checkouts, a row each, and the share of the time."""
    table = Table("photograph", "commit", "seconds", "processor seconds", "peak GB", "share of the time")
    for cost in costs:
        for one in (cost.now, cost.before):
            if one is not None:
                share = f"{cost.share:.1%}" if cost.share is not None and one is cost.now else ""
                table.add_row(f"{cost.width}x{cost.height}", one.commit, *_cells(one), share)
    screen.print(table)


def large_table(lines: list[ResultLine]) -> str:
    """The newest cost of each photograph.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line.
    """
    newest = {(line["model"], line["height"], line["width"]): line for line in lines if line.get("bench") == "large"}
    if not newest:
        raise ValueError("results hold no line of `repose bench large`")
    grid = [[
        "photograph (WxH)", "seconds", "processor seconds", "peak GB", "before: seconds", "processor seconds",
        "peak GB", "share of the time",
    ]]  # fmt: skip
    for line in newest.values():
        cost = LargeCost.read(line)
        before = ["", "", ""] if cost.before is None else _cells(cost.before)
        share = "" if cost.share is None else f"{cost.share:.1%}"
        grid.append([f"{cost.width}x{cost.height}", *_cells(cost.now), *before, share])
    stamps = list(newest.values())
    others = dict.fromkeys(cost.before.commit for cost in map(LargeCost.read, stamps) if cost.before is not None)
    before_is = f"; before: commit {', '.join(f'`{other}`' for other in others)}" if others else ""
    return (
        f"{grid_table(grid)}\nModel: {each_value(stamps, 'model', '`{}`')}; medians, rounds: "
        f"{each_value(stamps, 'rounds')}; threads: {each_value(stamps, 'threads')}; "
        f"{each_value(stamps, 'hardware')}; torch {each_value(stamps, 'torch')}; commit "
        f"{each_value(stamps, 'commit', '`{}`')}{before_is}.\n"
    )


# -- inside ---------------------------------------------------------------------------------------------------------


def _write(folder: Path, height: int, width: int) -> None:
    """The photograph, its joints and the target's as files."""
    folder.mkdir(exist_ok=True)
    pixels, keypoints = large_photograph(height, width)
    write_picture(folder / "me.jpg", PIL.Image.fromarray(pixels), quality=92)
    write_keypoints(folder / "me.json", {"me": keypoints})
    target = raise_arm(Person(keypoints=keypoints, size=(height, width)), 2)[1].keypoints
    assert target is not None
    write_keypoints(folder / "target.json", {"target": target})


def _run(folder: Path, source: Path, model: str) -> tuple[float, float, float]:
    """Seconds by the clock, seconds of processor time, and the peak in GB of one command."""
    (folder / "result.jpg").unlink(missing_ok=True)
    paths = os.pathsep.join([str(source), *filter(None, [os.environ.get("PYTHONPATH")])])
    words = ["transfer", "me.jpg", "target.json", "--source-keypoints", "me.json", "-m", model, "-o", "result.jpg"]
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", _COMMAND, *words], cwd=folder, env=os.environ | {"PYTHONPATH": paths},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - start
    if done.returncode or not (folder / "result.jpg").exists():
        raise ValueError(f"repose {' '.join(words)}, of {source}, failed:\n{done.stdout}{done.stderr}")
    facts = json.loads((folder / "facts.json").read_text())
    if source not in Path(facts["source"]).resolve().parents:
        raise ValueError(f"{source} was to be measured, but Python took {facts['source']}")
    return seconds, facts["processor"], facts["peak"] / 1e9


def _cells(cost: CommandCost) -> list[str]:
    return [f"{cost.seconds:.1f}", f"{cost.processor:.1f}", f"{cost.peak_gb:.2f}"]


__all__ = [
    "LARGEST_SIZE", "LARGE_SIZES", "CommandCost", "LargeCost", "large_photograph", "large_table", "print_large",
    "time_large",
]  # fmt: skip
