"""The latency of the page: from the joints that are posted to the last byte of the picture, while a joint is dragged.

`repose web` runs in a process of its own, as a visitor meets it. A client on the same machine opens a photograph of a
rendered person and moves a wrist in small steps; each step is asked for when the picture of the one before is there,
over one connection. Measured at the size of the model's canvas, and in the whole photograph. Encoding is part of it;
what the browser does with the picture is not.
"""

from __future__ import annotations

import http.client
import io
import json
import math
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import PIL.Image
from rich.console import Console
from rich.table import Table

from repose.bench.large import SEED, large_photograph
from repose.cores import cores
from repose.markdown import each_value, grid_table
from repose.person import JOINTS
from repose.picture_files import open_picture
from repose.record import ResultLine, reading_line

SIZE: Final = (720, 1280)
"""Height and width of the photograph, pixels."""

GOALS: Final = {"canvas": 0.150, "photograph": 0.400}
"""Seconds that a picture may take, by its size."""

_WARM: Final = 6  # steps that do not count
_START: Final = 180.0  # seconds for the server to start, compilers included
_WRIST: Final = JOINTS.index("right_wrist")
_RADIUS, _ROUND = 0.08, 48  # of the circle on which the wrist moves, of the photograph's height; steps of a round


@dataclass(frozen=True)
class Latency:
    """Of one size of pictures.

    Attributes:
        height, width: pixels. bytes: of a picture, the median. p50, p95: seconds from the request to the last byte.
        processor: seconds of processor time of the server for a picture, of all threads, which other work on the
            machine changes less; None where the system does not tell.
    """

    height: int
    width: int
    bytes: int
    p50: float
    p95: float
    processor: float | None = None


@dataclass(frozen=True)
class LiveCost:
    """One run.

    Attributes:
        model: its name. steps: that count, of each size.
        first: seconds from the photograph's upload to its first picture, on a server that has started up.
        canvas, photograph: latencies at the size of the model's canvas, and in the photograph.
        load: of the machine, processes that want to run, the mean. cores: of this machine. seed: of the person.
    """

    model: str
    steps: int
    first: float
    canvas: Latency
    photograph: Latency
    load: float
    cores: int
    seed: int | None = SEED

    def line(self) -> ResultLine:
        """The result line without the stamp: "bench" is "live", and the attributes by their names."""
        return {"bench": "live", **asdict(self)}

    @classmethod
    def read(cls, line: ResultLine) -> LiveCost:
        """Of a result line. ValueError if it lacks a key."""
        with reading_line(line):
            canvas, photograph = (Latency(**line[name]) for name in ("canvas", "photograph"))
            return cls(
                line["model"], line["steps"], line["first"], canvas, photograph, line["load"], line["cores"],
                line.get("seed"),
            )  # fmt: skip


def time_live(
    steps: int = 100, model: str = "default", size: tuple[int, int] = SIZE, say: Callable[[str], None] = lambda _: None
) -> LiveCost:
    """Drag a wrist on a page of this machine.

    Args:
        steps: that count, of each size. model: by name. size: (height, width) of the photograph.
        say: called with a line of text at each part.

    Raises:
        ValueError: no step, or the server does not start or refuses (with what it said).
        SyntheticUnavailable: as of `large_photograph`.
    """
    if steps < 1:
        raise ValueError(f"at least 1 step is needed, got {steps}")
    say("rendering a person")
    pixels, _ = large_photograph(*size)
    content = io.BytesIO()
    PIL.Image.fromarray(pixels).save(content, "JPEG", quality=95)
    loads = [os.getloadavg()[0]]
    say("starting repose web")
    with _server(model) as (host, port, process):
        client = _Client(host, port)
        client.warm_up(content.getvalue())
        begun = time.perf_counter()
        facts = json.loads(client.post("photograph?name=me.jpg", content.getvalue()))
        place, joints = f"{facts['session']}/pose", facts["joints"]
        client.post(place, _asked(joints, 1, facts["height"], False))
        first = time.perf_counter() - begun
        found = {}
        for name, small in (("canvas", True), ("photograph", False)):
            say(f"dragging: pictures of the {name}")
            seconds, sizes = [], []
            work: float | None = None
            for step in range(-_WARM, steps):
                work = _processor(process) if step == 0 else work
                asked = _asked(joints, step, facts["height"], small)
                begun = time.perf_counter()
                picture = client.post(place, asked)
                if step >= 0:
                    seconds.append(time.perf_counter() - begun)
                    sizes.append(len(picture))
            after = _processor(process)
            share = None if work is None or after is None else (after - work) / steps
            width, height = open_picture(io.BytesIO(picture)).size
            p50, p95 = (float(np.percentile(seconds, part)) for part in (50, 95))
            found[name] = Latency(height, width, int(np.median(sizes)), p50, p95, share)
            loads.append(os.getloadavg()[0])
        name = json.loads(client.get("start"))["models"][0]
    return LiveCost(name, steps, first, found["canvas"], found["photograph"], float(np.mean(loads)), cores())


def print_live(cost: LiveCost, screen: Console) -> None:
    """Print each size, a row each."""
    table = Table(
        *_HEAD, title=f"{cost.model}, {cost.steps} steps of a dragged wrist, load {cost.load:.1f} on {cost.cores} cores"
    )
    for row in _rows(cost):
        table.add_row(*row)
    screen.print(table)
    screen.print(f"from the upload of the photograph to its first picture: {cost.first:.1f} s")


def live_table(lines: list[ResultLine]) -> str:
    """Markdown: the newest line of each model.

    Raises:
        ValueError: there is no line of this kind.
    """
    newest = {line.get("model"): line for line in lines if line.get("bench") == "live"}
    if not newest:
        raise ValueError("the results have no line of `repose bench live`; measure with it")
    costs, rows = [LiveCost.read(line) for line in newest.values()], []
    for cost in costs:
        rows += [[cost.model, *row] for row in _rows(cost)]
    used = list(newest.values())
    first = ", ".join(f"{cost.first:.1f} s" for cost in costs)
    load = ", ".join(f"{cost.load:.1f}" for cost in costs)
    with reading_line(used[-1]):
        origin = (
            f"From the upload to the first picture: {first}. {each_value(used, 'steps')} steps of a dragged wrist; "
            f"load {load} on {each_value(used, 'cores')} cores; seed {each_value(used, 'seed')}; commit "
            f"{each_value(used, 'commit', '`{}`')}; {each_value(used, 'hardware')}."
        )
    return f"{grid_table([['model', *_HEAD], *rows])}\n{origin}\n"


# -- inside ---------------------------------------------------------------------------------------------------------

_HEAD: Final = ("picture", "pixels", "kilobytes", "median", "95 of 100", "goal", "processor time")


def _rows(cost: LiveCost) -> list[list[str]]:
    return [
        [
            name, f"{one.width}x{one.height}", f"{one.bytes / 1000:.0f}", f"{1000 * one.p50:.0f} ms",
            f"{1000 * one.p95:.0f} ms", f"{1000 * GOALS[name]:.0f} ms",
            "" if one.processor is None else f"{1000 * one.processor:.0f} ms",
        ]
        for name, one in (("canvas", cost.canvas), ("photograph", cost.photograph))
    ]  # fmt: skip


def _asked(joints: list[list[float]], step: int, height: int, small: bool) -> bytes:
    angle = 2 * math.pi * step / _ROUND
    moved = [list(row) for row in joints]
    moved[_WRIST][0] -= _RADIUS * height * math.sin(angle)
    moved[_WRIST][1] -= _RADIUS * height * (1 - math.cos(angle))
    moved[_WRIST][2] = 1.0
    return json.dumps({"joints": moved, "small": small}).encode()


def _processor(process: int) -> float | None:
    """Seconds of processor time that a process has used, of all threads; None where the system does not tell."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))


class _Client:
    """One connection, kept open, as a browser keeps it."""

    def __init__(self, host: str, port: int) -> None:
        self._connection = http.client.HTTPConnection(host, port, timeout=_START)

    def get(self, path: str) -> bytes:
        self._connection.request("GET", f"/live/{path}")
        return self._read()

    def post(self, path: str, body: bytes) -> bytes:
        self._connection.request("POST", f"/live/{path}", body, {"Repose-Page": "bench"})
        return self._read()

    def warm_up(self, photograph: bytes) -> None:
        """One picture, so that no compiler is measured; the session is forgotten."""
        facts = json.loads(self.post("photograph", photograph))
        self.post(f"{facts['session']}/pose", _asked(facts["joints"], 1, facts["height"], False))
        self._connection.request("DELETE", f"/live/{facts['session']}", headers={"Repose-Page": "bench"})
        self._read()

    def _read(self) -> bytes:
        reply = self._connection.getresponse()
        content = reply.read()
        if reply.status != 200:
            raise ValueError(f"the page refuses: {reply.status} {content[:300].decode(errors='replace')}")
        return content


@contextmanager
def _server(model: str) -> Iterator[tuple[str, int, int]]:
    """`repose web` in a process of its own: its host, port and the number of the process."""
    words = [sys.executable, "-m", "repose", "web", "--model", model, "--port", "0", "--no-open"]
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(words, env={**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "300"}, **options) as process:
        try:
            said = []
            assert process.stdout is not None
            for line in process.stdout:
                said.append(line)
                if found := re.search(r"http://([\d.]+):(\d+)/", line):
                    yield found[1], int(found[2]), process.pid
                    return
            raise ValueError(f"repose web does not start: {''.join(said)[-600:].strip()}")
        finally:
            process.terminate()
            process.wait(20)
