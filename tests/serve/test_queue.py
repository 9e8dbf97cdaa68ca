"""The queue: its bound, batches, waiting, and what a worker left."""

from __future__ import annotations

import asyncio

import pytest

from repose.serve import queue as queues
from repose.serve.errors import RefusedError
from repose.serve.messages import Answer
from repose.serve.queue import RequestQueue
from repose.serve.service import Service
from repose.serve.settings import ServeSettings
from tests.serve.fakes import task


def test_a_full_queue_refuses_and_says_when_to_come_back() -> None:
    queue = RequestQueue(2)
    queue.record_pace(41.0)
    first = queue.put(task("a"))
    queue.put(task("b"))
    with pytest.raises(RefusedError) as refused:
        queue.put(task("c"))
    assert refused.value.status == 503
    assert int(refused.value.headers["Retry-After"]) == 6  # 1 s, and half of two requests of 5 s
    first.future.cancel()  # its client has gone
    queue.put(task("c"))
    assert [entry.task.files["source"] for entry in queue.take(0)] == [b"b"]


def test_the_bytes_of_what_waits_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "MOST_BYTES", 10)
    queue = RequestQueue(100)
    queue.put(task("12345678"))
    with pytest.raises(RefusedError):
        queue.put(task("123"))
    assert len(queue.take(0)) == 1
    queue.put(task("123"))


def test_batches_are_of_one_model_and_keep_the_order() -> None:
    queue = RequestQueue(20, batch=3)
    for words, kind, model in (
        ("1", "transfer", "a"), ("2", "transfer", "b"), ("3", "transfer", "a"), ("4", "estimate", "a"),
        ("5", "transfer", "a"), ("6", "transfer", "a"),
    ):  # fmt: skip
        queue.put(task(words, kind, model))
    taken = [[entry.task.files["source"].decode() for entry in queue.take(0)] for _ in range(5)]
    assert taken == [["1", "3", "5"], ["2"], ["4"], ["6"], []]


def test_several_workers_share_what_waits() -> None:
    queue = RequestQueue(20, batch=4, workers=2)
    for k in range(4):
        queue.put(task(str(k)))
    assert [len(queue.take(0)) for _ in range(3)] == [2, 1, 1]


def test_what_a_dead_worker_left_comes_first_and_alone() -> None:
    queue = RequestQueue(20, batch=4)
    for k in range(3):
        queue.put(task(str(k)))
    taken = queue.take(0)
    for entry in taken:
        entry.attempts += 1
    queue.put(task("new"))
    queue.put_back(taken[1:])
    assert [[e.task.files["source"].decode() for e in queue.take(0)] for _ in range(3)] == [["1"], ["2"], ["new"]]


def test_who_waits_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = RequestQueue(20, wait=5)
    entry = queue.put(task("a"))
    now = entry.since
    monkeypatch.setattr(queues.time, "monotonic", lambda: now + 4)
    queue.tidy()
    assert not entry.future.done()
    monkeypatch.setattr(queues.time, "monotonic", lambda: now + 6)
    queue.tidy()
    refused = entry.future.result(0).refused
    assert refused is not None
    assert (refused.status, refused.error) == (503, "The request has waited for 5 s.")
    assert len(queue) == 0


def test_a_closed_queue_gives_what_it_has() -> None:
    queue = RequestQueue(20)
    entry = queue.put(task("a"))
    queue.close()
    with pytest.raises(RefusedError, match="503"):
        queue.put(task("b"))
    assert queue.take() == [entry]
    assert queue.take() == []
    entry.finish(Answer())
    entry.refuse(queues.stopping())  # the first answer stays
    assert entry.future.result(0).refused is None


def test_a_client_that_goes_away_while_it_waits_is_left_out() -> None:
    async def visit() -> int:
        service = Service(ServeSettings())  # no worker is started

        async def gone() -> None:
            assert len(service.queue) == 1

        with pytest.raises(RefusedError, match="gone"):
            await service.compute(task("a"), gone)
        await asyncio.sleep(0)
        service.queue.tidy()
        return len(service.queue)

    assert asyncio.run(visit()) == 0
