"""Fields of many photographs on a Ray cluster, through Ray Data (the extra `ray`).

The workers write their files themselves, into a folder that all machines see; the driver gathers what became of each
photograph. Ray Data starts a dead worker again and gives it its batch again, without an end: so a worker notes which
photograph it has in work, and a photograph that was in work when its worker died is tried once more and then given up.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from repose.cores import ONE_THREAD
from repose.estimate.field_files import RECORDS, Estimate, Record
from repose.estimate.field_worker import FieldWorker, Job, Outcome, Photograph
from repose.estimate.workers import STRIKES, WorkerError
from repose.extras import how_to_install
from repose.files import replacing

LOCAL: Final = "local"
"""In place of an address: a Ray of its own on this machine, which ends with the run."""


def run_on_ray(
    job: Job, photographs: Sequence[Photograph], address: str, workers: int, batch: int
) -> Iterator[Outcome]:
    """Estimate photographs on the workers of a Ray cluster; yields the outcomes in the order in which they come.

    Args:
        job: relative paths begin at the current folder, which all machines must see at the same place.
        photographs: path and name of each.
        address: "local", or that of a running cluster, such as "auto" or "ray://head:10001".
        workers: so many, a core each; 0 for all cores. batch: photographs of a task.

    Raises:
        ImportError: Ray is not installed. ValueError: a negative number of workers, or batches of nothing.
        ConnectionError: there is no cluster at the address. WorkerError: the workers cannot start.
    """
    if workers < 0 or batch < 1:
        raise ValueError(f"workers are at least 0 and batch at least 1, got {workers} and {batch}")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ImportError(
            f"--ray runs on Ray Data, which is not installed or cannot be imported ({error}): {how_to_install('ray')}"
        ) from error
    started = not ray.is_initialized()
    if started:
        _connect(ray, address, workers)
    try:
        yield from _gathered(ray, replace(job, base=str(Path.cwd())), photographs, workers, batch)
    finally:
        if started:
            ray.shutdown()


class RayWorker:
    """What an actor of Ray Data runs: batches of photographs in, an outcome of each one as JSON out.

    Args:
        job: with an absolute `base`.
    """

    def __init__(self, job: Job) -> None:
        self._worker = FieldWorker(job)
        self._job = job
        self._marks = Path(job.base, job.folder, RECORDS)

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        """The columns "path" and "name" -> the column "outcome"."""
        pairs = zip(batch["path"], batch["name"], strict=True)
        return {"outcome": [outcome_to_json(self._watched((str(path), str(name)))) for path, name in pairs]}

    def _watched(self, photograph: Photograph) -> Outcome:
        """One photograph; a note of it lies in the folder as long as it is in work."""
        mark = self._marks / f".{photograph[1]}.in-work"
        deaths = self._deaths(mark)
        if deaths >= STRIKES:
            mark.unlink(missing_ok=True)
            return Outcome(*photograph, "skipped", f"its process was killed, {STRIKES} times")
        with replacing(mark) as part:
            part.write_text(json.dumps({"run": self._job.run, "starts": deaths + 1}), encoding="utf-8")
        outcome = self._worker(photograph)
        mark.unlink(missing_ok=True)
        return outcome

    def _deaths(self, mark: Path) -> int:
        """How often this run began the photograph and did not come to an end."""
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            content = json.loads(mark.read_text(encoding="utf-8"))
            if content["run"] == self._job.run:
                return int(content["starts"])
        return 0


def outcome_to_json(outcome: Outcome) -> str:
    """An outcome as text, for a column of Ray Data."""
    return json.dumps(asdict(outcome))


def outcome_from_json(text: str) -> Outcome:
    """The outcome of such a text."""
    content = json.loads(text)
    record = content.pop("record")
    if record is not None:
        estimates = {name: Estimate(**one) for name, one in record.pop("estimates").items()}
        record = Record(**record, estimates=estimates)
    return Outcome(**{**content, "notes": tuple(content["notes"])}, record=record)


# -- inside ---------------------------------------------------------------------------------------------------------


def _connect(ray: Any, address: str, workers: int) -> None:
    """Start a local Ray, or connect to a cluster; its workers use one thread each."""
    settings: dict[str, Any] = {
        "runtime_env": {"env_vars": dict(ONE_THREAD)},
        "log_to_driver": False,
        "logging_level": logging.ERROR,
    }
    if address == LOCAL:
        ray.init(address="local", num_cpus=workers or None, include_dashboard=False, **settings)
        return
    try:
        ray.init(address=address, **settings)
    except (ConnectionError, ValueError, RuntimeError, OSError) as error:
        raise ConnectionError(f"no Ray cluster answers at {address}: {error}") from error


def _gathered(ray: Any, job: Job, photographs: Sequence[Photograph], workers: int, batch: int) -> Iterator[Outcome]:
    context = ray.data.DataContext.get_current()
    before = context.enable_progress_bars
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        blocks = -(-len(photographs) // batch)
        rows = [{"path": path, "name": name} for path, name in photographs]
        processes = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        # Ray Data restarts an actor that died, and repeats its task, as often as it takes
        pool = ray.data.ActorPoolStrategy(size=min(processes, blocks))
        outcomes = ray.data.from_items(rows, override_num_blocks=blocks).map_batches(
            RayWorker, fn_constructor_args=(job,), batch_size=batch, num_cpus=1, compute=pool
        )
        lacking = dict(photographs)
        for row in outcomes.iter_rows():
            outcome = outcome_from_json(row["outcome"])
            if lacking.pop(outcome.photograph, None) is not None:
                yield outcome
        for path, name in lacking.items():
            yield Outcome(path, name, "skipped", "Ray lost it; the same command tries it again")
    except ray.exceptions.RayError as error:
        raise WorkerError(f"Ray ended the run: {str(error).strip().splitlines()[-1]}") from error
    finally:
        context.enable_progress_bars = before


__all__ = ["LOCAL", "RayWorker", "outcome_from_json", "outcome_to_json", "run_on_ray"]
