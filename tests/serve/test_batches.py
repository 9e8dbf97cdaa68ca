"""Requests that are computed together."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from repose.serve.forms import transfer_fields, transfer_task
from repose.serve.messages import Answer, Task
from repose.serve.metrics import Metrics
from repose.serve.queue import RequestQueue
from repose.serve.settings import ServeSettings
from repose.serve.work import Work
from repose.serve.workers import Pool
from tests import tiny
from tests.serve.conftest import encoded, joints


@pytest.fixture(scope="module")
def work(weights: Path) -> Work:
    return Work({"tiny": str(weights)}, "movenet", "cpu", 1_000_000)


def asked(number: int, **more: Any) -> Task:
    """A request, each of another photograph and pose."""
    place = 10 + 4 * number, 20 - 3 * number, 150 + 5 * number
    values = {name: field.default for name, field in transfer_fields(("tiny",)).items()}
    values |= {"source_keypoints": json.loads(joints(*place)), "target": joints(20, 10, 180 - 9 * number)}
    values |= {"background": "white", **more}
    return transfer_task({"source": encoded(tiny.photograph(None, 100, 200, *place))}, values, 1_000_000)


def run(work: Work, tasks: list[Task]) -> list[Answer]:
    given: dict[int, Answer] = {}
    work.run(tasks, given.__setitem__)
    return [given[number] for number in range(len(tasks))]


def pixels(answer: Answer) -> np.ndarray:
    assert answer.refused is None, answer.refused
    return np.asarray(PIL.Image.open(io.BytesIO(answer.body))).astype(int)


def test_a_batch_is_one_call_of_the_network_and_gives_the_same_pictures(work: Work) -> None:
    tasks = [asked(0), asked(1), asked(2, person="tall"), asked(3, background="generated")]
    sizes: list[int] = []
    network = work.models["tiny"].generator
    handle = network.register_forward_hook(lambda module, given, output: sizes.append(len(output.image)))
    steps: list[int | None] = []
    given: dict[int, Answer] = {}
    work.run(tasks, given.__setitem__, steps.append)
    handle.remove()
    assert sizes == [3], "the request that fails is left out, the others go together"
    assert steps == [0, 1, 2, 3, None, 0, 1, 3]
    refused = given[2].refused
    assert refused is not None
    assert refused.status == 422
    for number in (0, 3):
        (alone,) = run(work, [tasks[number]])
        assert (given[number].facts["batch"], alone.facts["batch"]) == (3, 1)
        assert np.abs(pixels(given[number]) - pixels(alone)).max() <= 1
    assert np.abs(pixels(given[0]) - pixels(given[3])).max() > 50, "each answer is that of its own request"


def test_a_batch_that_does_not_fit_is_computed_one_by_one(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    model = work.models["tiny"]
    whole = type(model).outputs

    def small(self: Any, scenes: Any, poses: Any) -> Any:
        if len(scenes) > 1:
            raise RuntimeError("not enough memory: you tried to allocate 1 bytes")
        return whole(self, scenes, poses)

    monkeypatch.setattr(type(model), "outputs", small)
    first, second = run(work, [asked(0), asked(1)])
    assert np.abs(pixels(first) - pixels(second)).max() > 50


def test_what_waits_while_a_worker_is_busy_is_a_batch(weights: Path) -> None:
    settings = ServeSettings(models=(str(weights),), workers=0, batch=4)
    queue, metrics = RequestQueue(10, 4), Metrics()
    entries = [queue.put(asked(number)) for number in range(3)]
    pool = Pool(settings, queue, metrics)
    pool.start()
    try:
        assert [entry.future.result(60).facts["batch"] for entry in entries] == [3, 3, 3]
    finally:
        pool.stop()
    assert "repose_batch_size_sum 3.0" in metrics.text({})
