"""`measure_serving`: the parts that are asked for, one after another."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from repose.bench.serving.measure import (
    PARTS,
    Say,
    ServingCost,
    measure_batching,
    measure_kill,
    measure_load,
    measure_memory,
    people,
)
from repose.cores import cores
from repose.models.weights import find_weights
from repose.names import nearest
from repose.picture_files import open_picture


def measure_serving(
    parts: Sequence[str],
    photographs: Sequence[bytes] = (),
    *,
    model: str = "default",
    workers: int = 0,
    batch: int = 4,
    visitors: int = 100,
    seconds: float = 60.0,
    rounds: int = 3,
    pictures: int = 24,
    requests: int = 10_000,
    kills: int = 3,
    say: Say = lambda _: None,
) -> Iterator[ServingCost]:
    """Measure parts of `PARTS`.

    Args:
        photographs: files, each of one person; eight rendered people without them.
        workers: of the server; 0 for one a core. batch: of batching. visitors, seconds: of load. rounds, pictures: of
            batching. requests: of memory. kills: of kill. say: called with a line of text at each step.

    Raises:
        ValueError: no such part (names the nearest), or photographs on which nobody is found.
        RuntimeError: the server does not start. OSError: this system is not Linux.
    """
    for part in parts:
        if part not in PARTS:
            raise ValueError(f"no part is called '{part}'; {nearest(part, PARTS)}")
    if not Path("/proc/self/stat").exists():
        raise OSError("memory and processor time of the server are read from /proc, which this system does not have")
    weights = str(find_weights(model))
    name, workers = Path(weights).name, workers or cores()
    if set(parts) - {"memory"}:
        say("photographs")
        shown = [*photographs] or people()
        sizes = {open_picture(io.BytesIO(one)).size for one in shown}
        kind = "photographs" if photographs else "rendered people"
        about = f"{len(shown)} {kind} of {', '.join(f'{width}x{height}' for width, height in sorted(sizes)[:4])}"
    for part in parts:
        if part == "memory":
            numbers = measure_memory(workers, requests, 2 * workers, say)
            yield ServingCost(part, "tiny", "pictures of 120x200", workers, cores(), numbers)
            continue
        if part == "load":
            numbers = measure_load(shown, weights, workers, visitors, seconds, say)
        elif part == "batching":
            numbers = measure_batching(shown, weights, workers, batch, rounds, pictures, say)
        else:
            numbers = measure_kill(shown, weights, workers, 4 * workers, kills, say)
        yield ServingCost(part, name, about, workers, cores(), numbers)
