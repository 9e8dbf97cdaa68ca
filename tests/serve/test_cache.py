"""What workers keep of photographs for further requests."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from repose.serve import forms, workers
from repose.serve.cache import Cache, held_bytes
from repose.serve.messages import CacheNumbers, Task
from repose.serve.metrics import Metrics
from repose.serve.photographs import Photographs
from repose.serve.queue import RequestQueue
from repose.serve.settings import ServeSettings
from repose.serve.work import Work
from repose.serve.workers import Pool
from tests import tiny
from tests.serve import fakes
from tests.serve.conftest import encoded, joints
from tests.serve.test_batches import asked, pixels, run

LIMITS = (4, 50_000_000, 600.0)


@pytest.fixture(scope="module")
def works(weights: Path) -> tuple[Work, Work]:
    """With a cache, and without."""
    models = {"tiny": str(weights), "other": str(weights)}
    return Work(models, "movenet", "cpu", 1_000_000, LIMITS), Work(models, "movenet", "cpu", 1_000_000)


# -- the cache --------------------------------------------------------------------------------------------------------


def test_the_one_that_was_not_used_for_longest_goes() -> None:
    now = [0.0]
    cache: Cache[list[int]] = Cache(3, 100, 60, sum, lambda: now[0])
    for name in "abc":
        cache.put(name, [30])
    assert cache.get("a") == [30]
    cache.put("d", [10])
    assert cache.get("b") is None, "of four one goes"
    assert (len(cache), cache.bytes, cache.hits, cache.misses) == (3, 70, 1, 1)
    grown = cache.get("d")
    assert grown is not None
    grown.append(50)
    cache.put("d", grown)  # 120 bytes: the oldest goes
    assert (len(cache), cache.bytes) == (2, 90)
    cache.put("large", [101])
    assert (cache.get("large"), len(cache)) == (None, 2), "it would be too large alone, and drives nobody out"
    now[0] = 30
    assert cache.get("d") == [10, 50]
    now[0] = 65
    assert cache.forget_old() == 25, "a was not used for a minute, d for 35 seconds"
    assert (len(cache), cache.bytes) == (1, 60)
    now[0] = 91
    assert (cache.forget_old(), len(cache), cache.bytes) == (None, 0, 0)


def test_zero_keeps_nothing() -> None:
    cache: Cache[list[int]] = Cache(0, 100, 60, sum)
    cache.put("a", [1])
    assert (cache.get("a"), len(cache), cache.bytes, cache.hits, cache.misses) == (None, 0, 0, 0, 0)


def test_bytes_of_what_is_shared_count_once() -> None:
    image = torch.zeros(3, 10, 10)
    array = np.zeros((5, 5), np.uint8)
    assert held_bytes([image, image[:, :2], {"a": (image,)}, array, array[1:], None, "text"]) == 1200 + 25


# -- requests ---------------------------------------------------------------------------------------------------------


def test_a_photograph_that_comes_again_is_not_understood_again(
    works: tuple[Work, Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The picture and the notes are what they are without a cache, for every option and model."""
    tiny.seeing(monkeypatch)
    monkeypatch.setattr("repose.pipeline.masks.no_automatic_mask", lambda: "no network of masks")
    keeping, plain = works
    base = asked(0, source_keypoints=None, target=joints(60, 10, 180))
    beyond = replace(base, options={**base.options, "room": True, "format": "webp"})
    other = replace(base, options={**base.options, "model": "other", "background": "keep"})
    before, cached = keeping.cache_numbers, []
    for task in (base, base, beyond, other, other, base):
        (answer,), (wanted,) = run(keeping, [task]), run(plain, [task])
        assert answer.body == wanted.body
        assert answer.facts["notes"] == wanted.facts["notes"]
        assert any("by joints and colours alone" in note for note in answer.facts["notes"])
        cached.append(answer.facts["cached"])
        assert wanted.facts["cached"] is False
    assert cached == [False, True, True, True, True, True]
    numbers = keeping.cache_numbers
    assert (numbers.source_hits - before.source_hits, numbers.source_misses - before.source_misses) == (5, 1)
    assert numbers.photographs == before.photographs + 1
    assert numbers.bytes > before.bytes + 3 * 4 * 100 * 200, "the photograph alone has so many"
    assert plain.cache_numbers == CacheNumbers()


def test_options_of_two_visitors_are_never_mixed(works: tuple[Work, Work], monkeypatch: pytest.MonkeyPatch) -> None:
    """One photograph, asked for with joints of several people, ways of masks and choices of a person."""
    tiny.seeing(monkeypatch)
    monkeypatch.setattr("repose.pipeline.masks.no_automatic_mask", lambda: "")
    keeping, plain = works
    both = encoded(np.concatenate([tiny.photograph(None, 100, 200, 15, 20, 160)] * 2, axis=1)[:, :190])
    first = asked(0)

    def visitor(**more: Any) -> Task:
        options = {**first.options, "source_keypoints": None, "background": "white", **more}
        digests = {"source": forms.digest(both)}
        return replace(first, files={**first.files, "source": both}, options=options, digests=digests)

    known, moved = json.loads(joints(15, 20, 160)), json.loads(joints(100, 20, 140))
    tasks = [
        visitor(person="left"), visitor(person="right"), visitor(person="left", mask="none"),
        visitor(source_keypoints=known), visitor(source_keypoints=moved), visitor(source_keypoints=known, min_score=2),
    ]  # fmt: skip
    wanted = [run(plain, [task])[0] for task in tasks]
    for number in (0, 1, 2, 3, 4, 5, 1, 0, 4, 3):
        (answer,) = run(keeping, [tasks[number]])
        assert answer.body == wanted[number].body
        if answer.refused is not None or wanted[number].refused is not None:
            assert answer.refused == wanted[number].refused
    assert len({one.body for one in wanted[:2] + wanted[4:5]}) == 3, "the options matter"


def test_one_photograph_several_times_in_a_batch(works: tuple[Work, Work]) -> None:
    keeping, plain = works
    tasks = [asked(7), asked(7, target=joints(35, 40, 120)), asked(3), asked(7, background="generated")]
    answers = run(keeping, tasks)
    assert [answer.facts["cached"] for answer in answers] == [False, True, False, True]
    for answer, wanted in zip(answers, [run(plain, [task])[0] for task in tasks], strict=True):
        assert answer.facts["batch"] == 4
        assert np.abs(pixels(answer) - pixels(wanted)).max() <= 1


def test_joints_of_a_target_photograph_are_kept(
    works: tuple[Work, Work], dancer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.seeing(monkeypatch)
    keeping, plain = works
    values = {name: field.default for name, field in forms.transfer_fields(("tiny",)).items()}
    values |= {"source_keypoints": json.loads(joints(15, 20, 160)), "mask": "none"}
    source = encoded(tiny.photograph(None, 100, 200, 15, 20, 160))
    task = forms.transfer_task({"source": source, "target": dancer}, values, 1_000_000)
    before = keeping.cache_numbers
    first, second = run(keeping, [task])[0], run(keeping, [task])[0]
    assert first.body == second.body == run(plain, [task])[0].body
    numbers = keeping.cache_numbers
    assert (numbers.target_hits - before.target_hits, numbers.target_misses - before.target_misses) == (1, 1)
    refused = run(keeping, [replace(task, options={**task.options, "target_person": 3})])[0].refused
    assert refused is not None
    assert refused.where == "target"


def test_a_model_that_reads_more_of_a_target_still_gets_its_photograph(
    works: tuple[Work, Work], dancer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.seeing(monkeypatch)
    photographs, model = Photographs("movenet", 1_000_000, LIMITS), works[0].models["tiny"]
    task = Task("transfer", {"target": dancer}, {"target_person": "largest", "target_size": None, "min_score": 0.3},
                {"target": forms.digest(dancer)})  # fmt: skip
    (bare,) = photographs.target(task, model).values()
    assert (bare.image, bare.size) == (None, (200, 100))
    needs = replace(model.generator.needs, target=("keypoints", "parsing"))
    monkeypatch.setattr(model.generator, "needs", needs)
    (shown,) = photographs.target(task, model).values()
    assert shown.image is not None
    assert shown.image.shape == (3, 200, 100)
    assert photographs.numbers.target_hits == 1


def test_many_photographs_do_not_grow(weights: Path) -> None:
    work = Work({"tiny": str(weights)}, "movenet", "cpu", 1_000_000, (3, 50_000_000, 600.0))
    held = []
    for number in range(8):
        run(work, [asked(number)])
        held.append((work.cache_numbers.photographs, work.cache_numbers.bytes))
    assert [count for count, _ in held] == [1, 2, 3, 3, 3, 3, 3, 3]
    assert max(size for _, size in held[3:]) < 1.2 * held[2][1]


def test_where_memory_does_not_suffice_nothing_is_kept(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work({"tiny": str(weights)}, "movenet", "cpu", 1_000_000, LIMITS)
    run(work, [asked(1)])
    assert work.cache_numbers.photographs == 1

    def full(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(type(work.models["tiny"]), "outputs", full)
    refused = run(work, [asked(2)])[0].refused
    assert refused is not None
    assert refused.status == 507
    assert (work.cache_numbers.photographs, work.cache_numbers.bytes) == (0, 0)


# -- workers ----------------------------------------------------------------------------------------------------------


def sent(photograph: bytes) -> Task:
    return Task("transfer", {}, {"model": "default"}, {"source": photograph})


def test_a_photograph_goes_to_the_idle_worker_that_had_it() -> None:
    queue, taken = RequestQueue(20, workers=2, homes=8), dict[str, list[bytes]]()
    queue.put(sent(b"me"))
    assert len(queue.take(1, "first")) == 1

    def wait(name: str) -> None:
        taken[name] = [entry.task.digests["source"] for entry in queue.take(20, name)]

    threads = [threading.Thread(target=wait, args=(name,)) for name in ("second", "first")]
    for thread in threads:
        thread.start()
        while len(queue._idle) <= threads.index(thread):  # the second one waits for longer, and would be asked first
            time.sleep(0.001)
    queue.put(sent(b"me"))
    threads[1].join(20)
    assert taken == {"first": [b"me"]}
    queue.put(sent(b"me"))  # the first one is busy now
    threads[0].join(20)
    assert taken["second"] == [b"me"], "nobody waits for a busy worker"


def test_no_homes_where_nothing_is_kept() -> None:
    queue = RequestQueue(20, workers=2)
    for name in "abc":
        queue.put(sent(name.encode()))
        queue.take(1, "first")
    assert not queue._homes
    queue = RequestQueue(20, workers=2, homes=2)
    for name in "abc":
        queue.put(sent(name.encode()))
        queue.take(1, "first")
    assert list(queue._homes) == [b"b", b"c"]


def test_numbers_of_workers_that_are_gone_still_count() -> None:
    metrics = Metrics()
    metrics.cache("first", CacheNumbers(3, 2, 1, 0, 2, 500))
    metrics.cache("second", CacheNumbers(1, 1, 0, 1, 1, 70))
    metrics.cache_gone("first")
    metrics.cache("first", CacheNumbers(0, 1, 0, 0, 1, 30))
    text = metrics.text({})
    for line in (
        'repose_cache_hits_total{field="source"} 4', 'repose_cache_misses_total{field="source"} 4',
        'repose_cache_hits_total{field="target"} 1', 'repose_cache_misses_total{field="target"} 1',
        "repose_cache_photographs 2", "repose_cache_bytes 100",
    ):  # fmt: skip
        assert f"\n{line}\n" in text


def test_a_process_tells_of_its_cache_while_it_works_and_while_it_is_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "worker_main", fakes.forgetting)
    queue, metrics = RequestQueue(20), Metrics()
    made = Pool(ServeSettings(workers=1), queue, metrics)
    made.start()
    try:
        assert queue.put(sent(b"me")).future.result(60).refused is None
        end = time.monotonic() + 60
        while "repose_cache_bytes 7\n" not in metrics.text({}) and time.monotonic() < end:
            time.sleep(0.02)
        text = metrics.text({})
        assert queue.put(sent(b"me")).future.result(60).refused is None, "it still works"
    finally:
        made.stop()
    assert 'repose_cache_misses_total{field="source"} 1\n' in text
    assert "repose_cache_bytes 7\n" in text


def test_an_idle_worker_forgets_photographs_and_says_so(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Work, "warm", lambda self: None)
    settings = ServeSettings(models=(str(weights),), workers=0, cache_seconds=0.5)
    queue, metrics = RequestQueue(10), Metrics()
    pool = Pool(settings, queue, metrics)
    pool.start()
    try:
        task = asked(0)
        task = replace(task, options={**task.options, "model": weights.name})
        assert queue.put(task).future.result(120).refused is None
        end = time.monotonic() + 60
        wanted = ('repose_cache_misses_total{field="source"} 1\n', "repose_cache_photographs 0\n")
        while not all(line in metrics.text({}) for line in wanted) and time.monotonic() < end:
            time.sleep(0.02)
        text = metrics.text({})
        assert all(line in text for line in wanted), text
    finally:
        pool.stop()
