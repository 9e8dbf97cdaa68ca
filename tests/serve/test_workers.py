"""Workers that die or hang, with processes that compute nothing."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from repose.serve import workers
from repose.serve.messages import Answer
from repose.serve.metrics import Metrics
from repose.serve.queue import RequestQueue
from repose.serve.settings import ServeSettings
from repose.serve.workers import Pool
from tests.serve import fakes
from tests.serve.fakes import task


@contextlib.contextmanager
def pool(monkeypatch: pytest.MonkeyPatch, **settings: float) -> Iterator[tuple[Pool, RequestQueue, Metrics]]:
    monkeypatch.setattr(workers, "worker_main", fakes.worker)
    chosen = ServeSettings(workers=1, batch=3, **settings)  # type: ignore[arg-type]
    queue, metrics = RequestQueue(20, chosen.batch), Metrics()
    made = Pool(chosen, queue, metrics)
    made.start()
    try:
        yield made, queue, metrics
    finally:
        made.stop()


def lines(metrics: Metrics) -> dict[str, float]:
    return {line.split()[0]: float(line.split()[1]) for line in metrics.text({}).splitlines() if line[0] != "#"}


def test_a_killed_worker_loses_only_what_it_held(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pool(monkeypatch, seconds=20) as (made, queue, metrics):
        entries = [queue.put(task(words)) for words in ("", f"once {tmp_path / 'died'}", "")]
        later = queue.put(task("die"))  # a poisonous one: it kills every worker
        last = queue.put(task(""))
        answers = [entry.future.result(30) for entry in entries]
        assert [answer.refused for answer in answers] == [None, None, None]
        first, second, third = (answer.facts["process"] for answer in answers)
        assert first != second == third, "the request before the death was answered, the others by the next worker"
        assert answers[1].facts == {"process": second, "batch": 1, "attempts": 2}
        refused = later.future.result(30).refused
        assert refused is not None
        assert refused.status == 503
        assert "was killed by signal 9, 2 times" in refused.error
        assert last.future.result(30).refused is None
        assert made.restarts == 3
        assert lines(metrics)["repose_requests_lost_total"] == 5  # two and the three attempts with and after "die"
        assert made.ready


def test_a_killed_idle_worker_is_started_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with pool(monkeypatch) as (_, queue, _):
        first = queue.put(task("")).future.result(30).facts["process"]
        os.kill(first, 9)
        second = queue.put(task("")).future.result(30).facts["process"]
        assert first != second


def test_a_worker_that_hangs_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    with pool(monkeypatch, seconds=0.3) as (_, queue, metrics):
        entries = [queue.put(task(words)) for words in ("", "hang", "")]
        answers: list[Answer] = [entry.future.result(30) for entry in entries]
        refused = answers[1].refused
        assert refused is not None
        assert (refused.status, refused.error) == (504, "The request took longer than 0.3 s to compute.")
        assert answers[0].refused is None
        assert answers[2].refused is None
        assert answers[2].facts["process"] != answers[0].facts["process"]
        assert (lines(metrics)["repose_requests_lost_total"], lines(metrics)["repose_requests_retried_total"]) == (2, 1)


def test_a_model_that_cannot_be_loaded_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "worker_main", fakes.failing)
    made = Pool(ServeSettings(workers=1), RequestQueue(20), Metrics())
    made.start()
    end = time.monotonic() + 30
    while not made.failed and time.monotonic() < end:
        time.sleep(0.01)
    made.stop()
    assert made.failed == "no weights are called 'x'"
    assert not made.ready


def test_batches_are_for_a_gpu() -> None:
    def batch(device: str, **settings: int) -> int:
        chosen = ServeSettings(workers=1, **settings)  # type: ignore[arg-type]
        queue = RequestQueue(20, chosen.batch)
        made = Pool(chosen, queue, Metrics())
        made.loaded([{"name": "default", "device": device}])
        return queue.batch

    assert (batch("cpu"), batch("cuda"), batch("cpu", batch=3), batch("cuda", batch=3)) == (1, 8, 3, 3)
