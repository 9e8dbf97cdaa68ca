"""The parts of the benchmark: load, batches, memory, killed workers."""

from __future__ import annotations

import io
import json
import os
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import PIL.Image

from repose.bench.serving.server import RunningServer
from repose.bench.serving.visitors import Form, Visits, form, visit
from repose.record import ResultLine

PARTS: Final = ("load", "batching", "memory", "kill")

Say = Callable[[str], None]


@dataclass(frozen=True)
class ServingCost:
    """One part.

    Attributes:
        part: of `PARTS`. model: its name. photographs: what they are, and their sizes. workers, cores: of the server
            and the machine. numbers: what was measured, by name; see the function of the part.
    """

    part: str
    model: str
    photographs: str
    workers: int
    cores: int
    numbers: dict[str, Any]

    def line(self) -> ResultLine:
        """The result line without the stamp: "bench" is "serving", and the attributes by their names."""
        return {"bench": "serving", "seed": 0, **asdict(self)}


def people(count: int = 8, size: tuple[int, int] = (704, 480)) -> list[bytes]:
    """Photographs of rendered people as JPEG files, each of somebody else.

    Args:
        size: height and width.

    Raises:
        SyntheticUnavailable: no OpenGL context can be had, or the extra `synthetic` is not installed.
    """
    from repose.render import Renderer, render_person

    height, width = size
    found = []
    with Renderer(height=height, width=max(size)) as renderer:
        for number in range(count):
            picture = render_person(renderer, 977, number, 1, "street")[0]
            columns = np.nonzero(picture.mask.any(0))[0]
            middle = int(columns.mean()) if len(columns) else max(size) // 2
            left = min(max(0, middle - width // 2), max(size) - width)
            buffer = io.BytesIO()
            PIL.Image.fromarray(np.ascontiguousarray(picture.image[:, left : left + width])).save(
                buffer, "JPEG", quality=92
            )
            found.append(buffer.getvalue())
    return found


def forms_of(photographs: Sequence[bytes], **values: str) -> list[Form]:
    """Requests of every photograph in the pose of every other one."""
    chosen = {"format": "jpeg", **values}
    return [
        form({"source": source, "target": target}, chosen)
        for source in photographs
        for target in photographs
        if source is not target
    ]


def usable(photographs: Sequence[bytes], server: RunningServer) -> list[bytes]:
    """Those on which the server finds somebody. ValueError if there are not two.

    Afterwards everything is loaded and compiled in it.
    """
    address, found = (server.host, server.port), []
    for content in photographs:
        asked = [form({"picture": content}, {"person": "largest"})]
        if not visit(address, asked, 1, requests=1, path="/v1/estimate").errors:
            found.append(content)
    if len(found) < 2:
        raise ValueError(f"of {len(photographs)} photographs {len(found)} can be used; give others, each of one person")
    visit(address, forms_of(found[:2]), 4, requests=8)
    return found


def measure_load(
    photographs: Sequence[bytes], model: str, workers: int, visitors: int, seconds: float, say: Say
) -> dict[str, Any]:
    """Visitors at once: visitors, seconds, served, refused (503 that were served later), errors, p50, p99 (seconds),
    rate (requests a second), processor (seconds of a request), mean_batch."""
    with tempfile.TemporaryDirectory() as folder, _server(model, workers, 0, Path(folder)) as server:
        forms = forms_of(usable(photographs, server))
        say(f"{visitors} visitors for {seconds:g} s")
        before = server.processor()
        found = visit((server.host, server.port), forms, visitors, seconds)
        used = server.processor() - before
    return {
        "visitors": visitors, "asked_seconds": seconds, **_summary(found),
        "processor": used / max(1, len(found.seconds)),
    }  # fmt: skip


def measure_batching(
    photographs: Sequence[bytes], model: str, workers: int, batch: int, rounds: int, requests: int, say: Say
) -> dict[str, Any]:
    """Two servers in turns, one without batches: "1" and the batch -> rate, processor, mean_batch (medians)."""
    found: dict[str, list[dict[str, Any]]] = {"1": [], str(batch): []}
    with (
        tempfile.TemporaryDirectory() as folder,
        _server(model, workers, 1, Path(folder)) as alone,
        _server(model, workers, batch, Path(folder)) as together,
    ):
        forms = forms_of(usable(photographs, alone))
        usable(photographs, together)  # everything is compiled in both
        for turn in range(rounds):
            for name, server in (("1", alone), (str(batch), together)):
                say(f"round {turn + 1} of {rounds}: batches of {name}")
                before = server.processor()
                visits = visit(
                    (server.host, server.port), forms, 2 * batch * max(1, workers), requests=requests, seed=turn
                )
                used = (server.processor() - before) / max(1, len(visits.seconds))
                found[name].append({**_summary(visits), "processor": used})
    keys = ("rate", "processor", "mean_batch", "p50")
    return {
        "rounds": rounds, "requests": requests,
        "ways": {
            name: {key: statistics.median(one[key] for one in ways) for key in keys}
            | {"errors": sum(one["errors"] for one in ways)}
            for name, ways in found.items()
        },
    }  # fmt: skip


def measure_memory(workers: int, requests: int, visitors: int, say: Say) -> dict[str, Any]:
    """A tiny network, real pictures: requests, errors, rate, and resident (bytes after each tenth of them)."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        weights = tiny_weights(folder / "tiny")
        forms = [_small_request(number) for number in range(32)]
        with _server(str(weights), workers, 0, folder) as server:
            say("before the first tenth")
            visit((server.host, server.port), forms, visitors, requests=max(visitors, requests // 20))
            resident, errors, served, lasted = [server.resident()], 0, 0, 0.0
            for tenth in range(10):
                say(f"tenth {tenth + 1} of {requests:,} requests, {resident[-1] / 1e6:.0f} MB")
                found = visit((server.host, server.port), forms, visitors, requests=requests // 10, seed=tenth)
                errors += len(found.errors) + found.unserved
                served += len(found.seconds)
                lasted += found.lasted
                resident.append(server.resident())
    return {
        "requests": served, "errors": errors, "rate": served / max(lasted, 1e-9), "resident": resident,
    }  # fmt: skip


def measure_kill(
    photographs: Sequence[bytes], model: str, workers: int, visitors: int, kills: int, say: Say
) -> dict[str, Any]:
    """kill -9 of a worker under load: visitors, kills, held (requests that the dead had), again (served by another
    worker), lost (never served), served, errors, back (seconds until the worker is there again, the longest)."""
    back: list[float] = []
    with tempfile.TemporaryDirectory() as folder, _server(model, workers, 0, Path(folder)) as server:
        server.wait_for_workers(workers)
        forms = forms_of(usable(photographs, server))
        ended = threading.Event()
        found: list[Visits] = []

        def load() -> None:
            while not ended.is_set():
                found.append(visit((server.host, server.port), forms, visitors, requests=2 * visitors))

        thread = threading.Thread(target=load, daemon=True)
        thread.start()
        for number in range(kills):
            time.sleep(3)
            say(f"kill -9, {number + 1} of {kills}")
            killed = time.monotonic()
            os.kill(server.workers()[0], signal.SIGKILL)
            while server.numbers()["repose_worker_restarts_total"] <= number:
                time.sleep(0.02)
            server.wait_for_workers(workers)
            back.append(time.monotonic() - killed)
        ended.set()
        thread.join()
        numbers = server.numbers()
    return {
        "visitors": visitors, "kills": kills, "held": int(numbers["repose_requests_lost_total"]),
        "again": sum(one.again for one in found), "lost": sum(len(one.errors) + one.unserved for one in found),
        "served": sum(len(one.seconds) for one in found), "errors": [text for one in found for text in one.errors][:5],
        "restarts": int(numbers["repose_worker_restarts_total"]), "back": max(back),
    }  # fmt: skip


def tiny_weights(folder: Path) -> Path:
    """Random weights of the smallest PATN, as a run leaves them: all but the network takes its usual time."""
    from repose.models import MODELS, build_generator, recipe
    from repose.models.weights import save_weights
    from repose.recipes import override

    declaration = MODELS["patn"]
    small = override(recipe("patn-s"), [*declaration.tiny, *declaration.without_features])
    save_weights(folder, build_generator(small).eval(), small, {"licence": "none", "data": "noise"})
    return folder


# -- inside ---------------------------------------------------------------------------------------------------------


def _server(model: str, workers: int, batch: int, folder: Path) -> RunningServer:
    words = [model, "--workers", str(workers), "--batch", str(batch), "--wait", "600", "--queue", "256"]
    return RunningServer(words, folder / "server.log")


def _summary(found: Visits) -> dict[str, Any]:
    times = sorted(found.seconds) or [float("nan")]
    return {
        "served": len(found.seconds), "refused": found.refused, "errors": len(found.errors) + found.unserved,
        "first_errors": found.errors[:3], "seconds": found.lasted,
        "rate": len(found.seconds) / max(found.lasted, 1e-9), "p50": times[len(times) // 2],
        "p99": times[min(len(times) - 1, int(0.99 * len(times)))],
        "mean_batch": statistics.mean(found.batches) if found.batches else float("nan"),
    }  # fmt: skip


def _small_request(number: int) -> Form:
    """A JPEG of noise, another one for each number, with the joints of both; nothing is estimated."""
    random = np.random.default_rng(number)
    coarse = random.integers(0, 256, (20, 12, 3), np.uint8)
    picture = PIL.Image.fromarray(coarse).resize((120, 200), PIL.Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=92)
    rows = np.stack([random.uniform(20, 100, 18), np.linspace(15, 185, 18)], 1).round(1).tolist()
    values = {
        "source_keypoints": json.dumps(rows), "target": json.dumps(rows[::-1]), "background": "white", "mask": "none",
        "format": ("png", "jpeg", "webp")[number % 3],
    }  # fmt: skip
    return form({"source": buffer.getvalue()}, values)
