"""The endless store: pairs of one person always, new people all the time, no hang and no process left over."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from repose.data.loader import Loader, PairSampler
from repose.person import Person
from repose.render.sets import SETS, STREAM_SEED
from repose.render.stream import Stream, open_stream
from repose.render.workers import WorkerError

from .jobs import FakeStart
from .test_workers import alive

PEOPLE, PICTURES = 10, 3


@contextmanager
def opened(people: int = PEOPLE, dies_at: int = -1, **settings: object) -> Iterator[Stream]:
    start, settings = FakeStart(32, 16, dies_at=dies_at), {"niceness": 0} | settings
    with Stream(32, 16, "street", pictures=PICTURES, people=people, start_worker=start, **settings) as stream:  # type: ignore[arg-type]
        yield stream


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def numbers(person: Person) -> torch.Tensor:
    """The fake pixels: number of the person plus number of the picture."""
    assert person.image is not None
    return ((person.image[:, 0, 0, 0] + 1) * 127.5).round().long()


def test_pairs_without_end_and_always_of_one_person() -> None:
    with opened() as stream:
        processes = stream.processes
        assert stream.splits.count("train") == PEOPLE * PICTURES
        sampler = PairSampler(stream, "train", 64, seed=0)
        seen: set[int] = set()
        with Loader(stream, sampler, ("image", "keypoints", "parsing", "mask"), "mirror") as loader:
            for step, pair in loader:
                source, target = numbers(pair.source), numbers(pair.target)
                assert (source != target).all(), "two pictures"
                assert ((source - target).abs() < PICTURES).all(), "of one person"
                seen |= set(source.tolist())
                if stream.rendered > 4 * PEOPLE and step > 20:
                    break
                assert step < 100_000
        assert min(seen) < PEOPLE
        assert max(seen) >= 2 * PEOPLE, "new people came"
    assert not any(map(alive, processes))


def test_the_validation_people_stay() -> None:
    with opened() as stream:
        rows = stream.split("val")
        before = stream.person(rows)
        until(lambda: stream.person([0]) is not None and stream.rendered > 3 * PEOPLE)
        after = stream.person(rows)
    assert torch.equal(numbers(before), torch.tensor([k + view for k in range(4) for view in range(PICTURES)]))
    for field in stream.fields:
        assert torch.equal(getattr(before, field), getattr(after, field))


def test_nobody_is_rendered_that_nobody_will_see() -> None:
    with opened() as stream:
        stream.person([0])
        until(lambda: stream.rendered >= PEOPLE)
        time.sleep(0.3)
        held = stream.rendered
        assert held <= 2 * PEOPLE
        time.sleep(0.3)
        assert stream.rendered == held
        stream.person([0])
        until(lambda: stream.rendered > held)


def test_training_begins_with_the_first_people() -> None:
    with opened(people=10_000) as stream:
        drawn = numbers(stream.person(torch.arange(0, len(stream.split("train")), 7)))
        there = stream.rendered
        assert there < 10_000
        assert drawn.max() < 200 + PICTURES


def draw_on(stream: Stream) -> None:
    while True:
        stream.person([0])


def test_a_dead_worker_is_an_error() -> None:
    with opened(dies_at=12) as stream:
        with pytest.raises(WorkerError, match=r"person 12 of seed 2000000.*killed by signal 9"):
            draw_on(stream)
        assert stream.processes
    assert not stream.processes
    with opened() as stream:
        stream.person([0])
        os.kill(stream.processes[0], signal.SIGKILL)
        with pytest.raises(WorkerError, match=r"synthetic:street:32x16: person .* killed by signal 9"):
            draw_on(stream)


def test_closed() -> None:
    with opened() as stream:
        processes = stream.processes
    assert not any(map(alive, processes))
    with pytest.raises(ValueError, match="closed"):
        stream.person([0])
    stream.close()


def test_people_of_its_own_and_another_start() -> None:
    assert max(spec.seed for spec in SETS.values()) < STREAM_SEED
    with opened(start=50) as stream, opened(seed=1) as other:
        assert numbers(stream.person([0])).item() >= 50
        assert stream.checksum != other.checksum
        assert stream.dataset == other.dataset == "synthetic:street:32x16"


def test_wrong_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for change, text in (
        ({"style": "streed"}, "did you mean 'street'"),
        ({"seed": STREAM_SEED}, "seed of a stream"),
        ({"pictures": 1}, "2 pictures"),
        ({"workers": -1}, "workers=-1"),
    ):
        with pytest.raises(ValueError, match=text):
            Stream(32, 16, **change)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a picture of 0x16"):
        Stream(0, 16)
    for text in ("synthetic:", "synthetic:fashion", "synthetic:fashion:256", "synthetic:fashion:axb", "fashion:64x32",
                 "synthetic:fashion:64x32:1:2"):  # fmt: skip
        with pytest.raises(ValueError, match="is not a stream"):
            open_stream(text)
    made: list[tuple[object, ...]] = []
    monkeypatch.setattr("repose.render.stream.Stream", lambda *words, **settings: made.append((words, settings)))
    open_stream("synthetic:fashion:256x176:3", start=5)
    open_stream("synthetic:street:128x64", workers=2)
    assert made == [
        ((256, 176, "fashion", 3), {"start": 5}), ((128, 64, "street", 0), {"start": 0, "workers": 2}),
    ]  # fmt: skip


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")
def test_workers_are_polite() -> None:
    with opened(niceness=7) as stream:
        stream.person([0])
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, stream.processes[0]) == min(own + 7, 19)


def test_the_loop_trains_on_it_and_goes_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from repose.train.loop import train
    from tests.train import toy

    toy.declare(monkeypatch)
    for images in (40, 80):
        with opened(start=images) as stream:
            recipe = toy.recipe(images=images)
            summary = train(recipe, stream, tmp_path / "run", accelerator="cpu", progress=False)
        assert summary.images == images
    with opened(seed=1) as stream, pytest.raises(ValueError, match="was trained on the data synthetic:street:32x16"):
        train(recipe, stream, tmp_path / "run", accelerator="cpu", progress=False)
