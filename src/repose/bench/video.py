"""A video of one photograph, end to end: frame by frame and as a sequence, side by side in one run.

A rendered person on a photograph of 1280x720 moves all limbs. The joints of every frame are given. Measured is what
comes between them and the finished file:

    before          another checkout, frame by frame (`--against`)
    frame by frame  `Model.pose` of each frame, written as PNG as `repose transfer` writes it, then read and encoded
    sequence        a clip of the same size is decoded, as its sound and its frame rate need it, `Model.poses`, encoded

Each way runs in a process of its own, and they take turns, so that other work on the machine slows all alike. Beside
the clock stands the processor time of all threads, which other work changes less.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from repose.bench.large import large_photograph
from repose.cores import cores
from repose.images import save_image
from repose.markdown import each_value, grid_table
from repose.person import JOINTS
from repose.record import ResultLine, commit_of, reading_line

HEIGHT, WIDTH = 720, 1280
"""Of the photograph and the clip, pixels."""

RATE: Final = 30
"""Frames a second of the clip that is decoded and of the one that is written."""

PARTS: Final = ("decode", "place", "body", "network", "figure", "composition", "encode")
"""Of a frame's processor time, measured one after another with one thread."""

_SWINGS: Final = {"shoulder": (50.0, 1), "elbow": (40.0, 2), "hip": (25.0, 1), "knee": (15.0, 2)}
"""Degrees by which a limb swings about a joint, and how often in `_PERIOD` frames."""

_PERIOD: Final = 24
_LIMBS: Final = {
    "shoulder": ("elbow", "wrist"), "elbow": ("wrist",), "hip": ("knee", "ankle"), "knee": ("ankle",),
}  # fmt: skip

_START: Final = """
import json, os, sys, time, warnings
import numpy as np
import torch
import repose
from repose.images import Photograph
from repose.person import Person
from repose.pipeline import load, to_pixels, with_mask
from repose.represent.canvas import from_uint8
warnings.simplefilter("ignore")
torch_threads = torch.get_num_threads()
model, rate, first = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
photograph = Photograph.read("me.png")
joints = torch.from_numpy(np.load("joints.npy"))
person = with_mask(Person(image=from_uint8(photograph.pixels), keypoints=torch.from_numpy(np.load("me.npy"))))
loaded = load(model)
scene = loaded.scene(person)
size = person.size
poses = [Person(keypoints=one, size=size) for one in joints]

def encoder(file):
    stream = file.add_stream("libx264", rate=rate, options={"crf": "18", "preset": "veryfast", "bf": "0"})
    stream.height, stream.width, stream.pix_fmt = *size, "yuv420p"
    return stream

def encode(file, stream, picture):
    import av
    for packet in stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")):
        file.mux(packet)

def finish(facts):
    facts |= {"source": repose.__file__, "masked": person.mask is not None, "load": os.getloadavg()[0]}
    facts["threads"] = torch_threads
    open("facts.json", "w").write(json.dumps(facts))
"""
"""What both ways begin with; of Repose it uses what every checkout since the first `Model.scene` has."""

_FRAMES: Final = """
import av
from pathlib import Path
def one(k):
    path = Path("frames") / f"{k:06d}.png"
    path.parent.mkdir(exist_ok=True)
    photograph.save(path, to_pixels(loaded.pose(scene, poses[k])), 95, None)
    return path
for k in range(first):
    one(k)
start, work = time.perf_counter(), time.process_time()
paths = [one(k) for k in range(first, len(poses))]
with av.open("frames.mp4", "w") as file:
    stream = encoder(file)
    for path in paths:
        encode(file, stream, Photograph.read(path).pixels)
    file.mux(stream.encode(None))
facts = {"seconds": time.perf_counter() - start, "processor": time.process_time() - work}
finish(facts | {"frames": len(poses) - first})
"""

_SEQUENCE: Final = """
import av
def shown(clip, given):
    if clip is None:
        yield from given
        return
    with av.open(clip) as file:
        for _, pose in zip(file.decode(video=0), given):
            yield pose
def write(out, given, clip):
    with av.open(out, "w") as file:
        stream = encoder(file)
        for picture in loaded.poses(scene, shown(clip, given)):
            encode(file, stream, picture)
        file.mux(stream.encode(None))
write("first.mp4", poses[:first], None)
with av.open("clip.mp4", "w") as file:
    stream = encoder(file)
    for k in range(len(poses) - first):
        encode(file, stream, np.roll(photograph.pixels, k, 1))
    file.mux(stream.encode(None))
start, work = time.perf_counter(), time.process_time()
write("sequence.mp4", poses[first:], "clip.mp4")
facts = {"seconds": time.perf_counter() - start, "processor": time.process_time() - work}
finish(facts | {"frames": len(poses) - first, "parts": None})
"""

_IN_PARTS: Final = """
import av
torch.set_num_threads(1)
generator = loaded.generator
spent = dict.fromkeys(("decode", "place", "body", "network", "figure", "composition", "encode"), 0.0)
def timed(part, function, *given, **options):
    work = time.process_time()
    with torch.no_grad():
        result = function(*given, **options)
    spent[part] += time.process_time() - work
    return result
source = scene.source.only(*generator.needs.source, *generator.needs.helps).batch()
prepared = scene.prepared(generator, source)
clip, out = av.open("clip.mp4"), av.open("parts.mp4", "w")
stream = encoder(out)
decoded = clip.decode(video=0)
for k, given in enumerate(poses):
    if k == first:
        spent = dict.fromkeys(spent, 0.0)
    if k >= first:
        timed("decode", next, decoded)
    pose = timed("place", scene.pose, given)
    inputs = timed("body", generator.encode, source, pose.target.only(*generator.needs.target).batch())
    output = timed("network", generator.synthesise, *inputs, *prepared)
    extra = {name: output.extra[name][0] for name in ("person", "still") if name in output.extra}
    alone, cutout = scene.person_alone(pose.times), None
    if alone is not None:
        colours, matte = (part[None] for part in alone)
        cutout = timed("figure", generator.cutout, output, colours, matte, everywhere=False)
    if cutout is None:
        large = scene.enlarged(pose.times)[None]
        picture, alpha = timed("figure", generator.enlarge, output, large, pose.coarser)[0], None
    else:
        picture, alpha = cutout.figure[0], cutout.alpha[0]
    pixels = timed(
        "composition", scene.frame, picture, pose, extra.get("person"), "keep", extra.get("still"), alpha
    )
    timed("encode", encode, out, stream, pixels)
finish({"parts": {name: value / (len(poses) - first) for name, value in spent.items()}, "times": pose.times})
"""


@dataclass(frozen=True)
class WayCost:
    """What one way took; medians of the rounds.

    Attributes:
        commit: of the checkout. seconds: by the clock, of a frame. processor: processor seconds of a frame, of all
            threads.
    """

    commit: str
    seconds: float
    processor: float

    @property
    def rate(self) -> float:
        """Frames a second, by the clock."""
        return 1 / self.seconds

    def idle_rate(self, threads: int) -> float:
        """Frames a second of so many idle cores that are all busy, by the processor time."""
        return threads / self.processor


@dataclass(frozen=True)
class VideoCost:
    """One run.

    Attributes:
        height, width: of the photograph, pixels. frames: that count. rounds: of which the medians are.
        model: its name. masked: the person was cut out by a mask.
        ways: "before" (perhaps), "frame by frame" and "sequence".
        parts: processor seconds of a frame by `PARTS`, of the sequence's steps one after another.
        times: how many times the canvas the figure is.
        load: of the machine, processes that want to run, the mean of the rounds; more than `cores` slows the clock.
        cores: of this machine. threads: of torch, in each process. seed: of the rendered person.
    """

    height: int
    width: int
    frames: int
    rounds: int
    model: str
    masked: bool
    ways: dict[str, WayCost]
    parts: dict[str, float]
    times: int
    load: float
    cores: int
    threads: int
    seed: int | None = 0

    def line(self) -> ResultLine:
        """The result line without the stamp: "bench" is "video", and the attributes by their names."""
        return {"bench": "video", **asdict(self)}

    @classmethod
    def read(cls, line: ResultLine) -> VideoCost:
        """Of a result line. ValueError if it lacks a key."""
        with reading_line(line):
            ways = {name: WayCost(**values) for name, values in line["ways"].items()}
            return cls(
                line["height"], line["width"], line["frames"], line["rounds"], line["model"], line["masked"], ways,
                line["parts"], line["times"], line["load"], line["cores"], line["threads"],
                line.get("seed"),
            )  # fmt: skip


def swing(keypoints: Tensor, count: int) -> Tensor:
    """A person who swings arms and legs: (count, 18, 3), every joint in the pixels of `keypoints` (18, 3)."""
    out = keypoints.repeat(count, 1, 1)
    for k in range(count):
        for side, late in (("right", 0.0), ("left", 2.0)):
            for joint, (degrees, often) in _SWINGS.items():
                rows = [JOINTS.index(f"{side}_{name}") for name in (joint, *_LIMBS[joint])]
                if bool((keypoints[rows, 2] > 0).all()):
                    angle = math.radians(degrees) * math.sin(2 * math.pi * often * k / _PERIOD + late)
                    turn = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
                    pivot = out[k, rows[0], :2].clone()
                    out[k, rows[1:], :2] = (out[k, rows[1:], :2] - pivot) @ turn.T + pivot
    return out


def time_video(
    frames: int = 48,
    rounds: int = 3,
    model: str = "default",
    against: Path | None = None,
    size: tuple[int, int] = (HEIGHT, WIDTH),
    say: Callable[[str], None] = lambda _: None,
) -> VideoCost:
    """Make the video in each way, in rounds.

    Args:
        frames: that count, after four that do not. rounds: of all ways. model: by name.
        against: the folder `src` of another checkout. size: (height, width) of the photograph.
        say: called with a line of text at each step.

    Raises:
        ValueError: no frame or round, `against` is no folder with Repose, or a way fails (with what it said).
        SyntheticUnavailable: as of `large_photograph`.
    """
    if frames < 1 or rounds < 1:
        raise ValueError(f"at least 1 frame and 1 round are needed, got {frames} and {rounds}")
    own = Path(__file__).resolve().parents[2]
    ways = [("frame by frame", own, _FRAMES), ("sequence", own, _SEQUENCE)]
    if against is not None:
        if not (against / "repose" / "__init__.py").is_file():
            raise ValueError(f"{against} has no folder repose: --against is the folder src of another checkout")
        ways.insert(0, ("before", against.resolve(), _FRAMES))
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name, _, _ in ways}
    first, loads = 4, []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pixels, keypoints = large_photograph(*size)
        save_image(folder / "me.png", pixels)
        np.save(folder / "me.npy", keypoints.numpy())
        np.save(folder / "joints.npy", swing(keypoints, frames + first).numpy())
        for turn in range(rounds):
            for way, source, text in ways:
                say(f"round {turn + 1} of {rounds}: {way}")
                facts = _run(folder, source, _START + text, model, first)
                runs[way].append((facts["seconds"] / frames, facts["processor"] / frames))
                loads.append(facts["load"])
        say("the parts, one after another")
        facts = _run(folder, own, _START + _IN_PARTS, model, first)
    costs = {}
    for way, source, _ in ways:
        seconds, processor = (statistics.median(column) for column in zip(*runs[way], strict=True))
        costs[way] = WayCost(commit_of(source / "repose"), seconds, processor)
    return VideoCost(
        *size, frames, rounds, model, facts["masked"], costs, facts["parts"], facts["times"],
        statistics.mean(loads), cores(), facts["threads"],
    )  # fmt: skip


def print_video(cost: VideoCost, screen: Console) -> None:
    """Print each way, a row each, and the parts of a frame."""
    size = f"{cost.width}x{cost.height}"
    table = Table(
        *_HEAD, title=f"{cost.model}, {size}, {cost.frames} frames, load {cost.load:.1f} on {cost.cores} cores"
    )
    for row in _rows(cost):
        table.add_row(*row)
    screen.print(table)
    parts = ", ".join(f"{name} {1000 * cost.parts[name]:.0f}" for name in PARTS)
    screen.print(f"processor ms of a frame in parts: {parts}")


def video_table(lines: list[ResultLine]) -> str:
    """The newest run of each size.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line.
    """
    newest = {(line["model"], line["height"], line["width"]): line for line in lines if line.get("bench") == "video"}
    if not newest:
        raise ValueError("results hold no line of `repose bench video`")
    grid, notes = [["photograph", *_HEAD]], []
    for line in newest.values():
        cost = VideoCost.read(line)
        size = f"{cost.width}x{cost.height}"
        grid += [[size, *row] for row in _rows(cost)]
        parts = ", ".join(f"{name} {1000 * cost.parts[name]:.0f}" for name in PARTS)
        cut = "cut out by a mask" if cost.masked else "cut out by the network alone"
        notes.append(
            f"{size}: processor ms of a frame of the sequence, in parts: {parts}; the person {cut}, computed at "
            f"{cost.times} times the canvas; mean load of the machine {cost.load:.1f}, cores: {cost.cores}."
        )
    stamps = list(newest.values())
    return (
        f"{grid_table(grid)}\n" + "\n".join(notes) + f"\nModel: {each_value(stamps, 'model', '`{}`')}; frames: "
        f"{each_value(stamps, 'frames')}; medians, rounds: {each_value(stamps, 'rounds')}; "
        f"threads of torch: {each_value(stamps, 'threads')}; "
        f"{each_value(stamps, 'hardware')}; torch {each_value(stamps, 'torch')}; "
        f"commit {each_value(stamps, 'commit', '`{}`')}.\n"
    )


# -- inside ---------------------------------------------------------------------------------------------------------

_HEAD: Final = (
    "way", "commit", "ms a frame, clock", "frames a second, clock", "ms a frame, processor",
    "frames a second by the processor time",
)  # fmt: skip


def _rows(cost: VideoCost) -> list[list[str]]:
    """A row for each way. A way that works on one frame after another keeps no second core busy."""
    rows = []
    for name, way in cost.ways.items():
        idle = way.idle_rate(cost.cores if name == "sequence" else 1)
        cells = f"{1000 * way.seconds:.0f}", f"{way.rate:.1f}", f"{1000 * way.processor:.0f}", f"{idle:.1f}"
        rows.append([name, f"`{way.commit}`", *cells])
    return rows


def _run(folder: Path, source: Path, text: str, model: str, first: int) -> dict[str, Any]:
    """Run a program in a process of its own, with the Repose of a folder; what it wrote into facts.json."""
    (folder / "facts.json").unlink(missing_ok=True)
    paths = os.pathsep.join([str(source), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", text, model, str(RATE), str(first)], cwd=folder, env=os.environ | {"PYTHONPATH": paths},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode or not (folder / "facts.json").exists():
        raise ValueError(f"a video, by {source}, failed:\n{done.stdout}{done.stderr}")
    facts = json.loads((folder / "facts.json").read_text())
    if source not in Path(facts["source"]).resolve().parents:
        raise ValueError(f"{source} was to be measured, but Python took {facts['source']}")
    return dict(facts)


__all__ = [
    "HEIGHT", "PARTS", "RATE", "WIDTH", "VideoCost", "WayCost", "print_video", "swing", "time_video", "video_table",
]  # fmt: skip
