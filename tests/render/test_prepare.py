"""Preparation: the same store however often it was interrupted and however many workers made it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from repose.data import ProgressFunction, Store
from repose.render import prepare as module
from repose.render.dataset import Synthetic, expected, prepare_synthetic
from repose.render.prepare import prepare_set
from repose.render.sets import SETS, splits
from repose.render.workers import WorkerError

from .jobs import FakeStart

PEOPLE, PICTURES = 7, 3


class FakeRenderer:
    drawn = 0

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width

    def __enter__(self) -> FakeRenderer:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def release(self) -> None:
        pass


def fake_render(renderer: FakeRenderer, person: module.PersonTask) -> list[object]:
    FakeRenderer.drawn += 1
    return FakeStart(renderer.height, renderer.width).pictures(person)


@pytest.fixture(autouse=True)
def fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "create_context", lambda: FakeRenderer(0, 0))
    monkeypatch.setattr(module, "Renderer", FakeRenderer)
    monkeypatch.setattr(module, "StartRenderer", FakeStart)
    monkeypatch.setattr(module, "render", fake_render)
    FakeRenderer.drawn = 0


def make(
    out: Path,
    workers: int = 1,
    seed: int = 5,
    style: str = "mixed",
    size: tuple[int, int] = (32, 16),
    progress: ProgressFunction | None = None,
    fresh: bool = False,
) -> Store:
    settings = Synthetic(people=PEOPLE, images=PICTURES, size=size, style=style, seed=seed, workers=workers)
    report = prepare_synthetic(settings, out, progress, fresh)
    assert report.photographs == {"train": 15, "val": 3, "test": 3}
    return Store.open(out, verify=True)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_any_number_of_workers_makes_the_same_store(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    store = make(tmp_path / "one", progress=lambda done, total: calls.append((done, total)))
    assert calls == [(done, 21) for done in range(22)]
    make(tmp_path / "two", workers=2)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert store.provenance["renderer"] == 2
    assert store.provenance["seed"] == 5
    assert store.splits == sorted(store.splits, key=["train", "val", "test"].index)
    assert len(store.pairs("test")) == PICTURES * 2


class Stopped(Exception):  # noqa: N818
    pass


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_interrupted_goes_on(tmp_path: Path, workers: int) -> None:
    make(tmp_path / "unbroken")
    for stop in (1, 2, 3, 10, 21):

        def progress(done: int, total: int, stop: int = stop) -> None:
            if done >= stop:
                raise Stopped

        with pytest.raises(Stopped):
            make(tmp_path / "s", workers if stop == 10 else 1, progress=progress)
        assert not (tmp_path / "s").exists()
    FakeRenderer.drawn = 0
    make(tmp_path / "s", workers)
    assert FakeRenderer.drawn == 0, "everybody was written, only the end was missing"
    assert content(tmp_path / "s") == content(tmp_path / "unbroken")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s", "unbroken"]


def test_people_that_are_written_are_not_rendered_again(tmp_path: Path) -> None:
    def progress(done: int, total: int) -> None:
        if done == 7:
            raise Stopped

    with pytest.raises(Stopped):
        make(tmp_path / "s", progress=progress)
    assert FakeRenderer.drawn == 3
    calls: list[int] = []
    make(tmp_path / "s", progress=lambda done, total: calls.append(done))
    assert FakeRenderer.drawn == 3 + 5  # the third person was half written
    assert calls == list(range(7, 22))


def test_killed(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from tests.render import test_prepare as t\n"
        "from repose.render import prepare as module\n"
        "if __name__ == '__main__':\n"
        "    module.create_context = lambda: t.FakeRenderer(0, 0)\n"
        "    module.StartRenderer = t.FakeStart\n"
        "    die = lambda done, total: done < 8 or os.kill(os.getpid(), signal.SIGKILL)\n"
        "    t.make(Path(sys.argv[1]), workers=2, progress=die)\n"
    )
    paths = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "s")], env={**os.environ, "PYTHONPATH": paths}, check=False,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done
    calls: list[int] = []
    make(tmp_path / "s", progress=lambda done, total: calls.append(done))
    assert calls[0] == 8
    make(tmp_path / "unbroken")
    assert content(tmp_path / "s") == content(tmp_path / "unbroken")


def test_other_settings_do_not_go_on(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        if done == 4:
            raise Stopped

    with pytest.raises(Stopped):
        make(tmp_path / "s", progress=stop)
    for options, text in (
        ({"seed": 6}, "provenance.seed was 5, is 6"),
        ({"style": "street"}, "provenance.style was 'mixed', is 'street'"),
    ):
        with pytest.raises(ValueError, match=text):
            make(tmp_path / "s", **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="height was 32, is 64"):
        make(tmp_path / "s", size=(64, 16))
    make(tmp_path / "s", seed=6, fresh=True)
    make(tmp_path / "whole", seed=6)
    assert content(tmp_path / "s") == content(tmp_path / "whole")


def test_a_person_that_cannot_be_rendered_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(renderer: FakeRenderer, person: module.PersonTask) -> list[object]:
        if person.number == 2:
            raise ZeroDivisionError("no such pose")
        return fake_render(renderer, person)

    monkeypatch.setattr(module, "render", broken)
    with pytest.raises(WorkerError, match="person 2 of seed 5: ZeroDivisionError: no such pose"):
        make(tmp_path / "s")
    monkeypatch.setattr(module, "StartRenderer", lambda height, width: FakeStart(height, width, dies_at=800_000))
    with pytest.raises(WorkerError, match="person 800000 of seed 5: the process was killed"):
        make(tmp_path / "s", workers=2)
    monkeypatch.setattr(module, "render", fake_render)
    calls: list[int] = []
    make(tmp_path / "s", progress=lambda done, total: calls.append(done))
    assert calls[0] == 15, "what was rendered before the death was kept"


def test_named_sets(tmp_path: Path) -> None:
    report = prepare_synthetic(Synthetic("people-s", workers=1), tmp_path / "s")
    assert report.dataset == "people-s"
    assert report.people == {"train": 8, "val": 2, "test": 2}
    assert report.pairs == {"train": 8 * 12, "val": 16, "test": 16}
    store = Store.open(tmp_path / "s")
    assert store.size == (128, 64)
    assert sorted(set(store.people))[8:] == ["p800000", "p800001", "p900000", "p900001"]
    few = prepare_synthetic(Synthetic("people-s", people=5, workers=1), tmp_path / "few")
    assert few.dataset == "people-s-5"
    assert few.people == {"train": 3, "val": 1, "test": 1}
    assert few.pairs == {"train": 36, "val": 8, "test": 8}
    assert set(Store.open(tmp_path / "few").names) < set(store.names)


def test_the_pairs_of_people_fashion(tmp_path: Path) -> None:
    import dataclasses

    small = dataclasses.replace(SETS["people-fashion"], height=16, width=16)
    report = prepare_set(small, tmp_path / "s", workers=1)
    assert report.pairs == {"train": 101_966, "val": 1000, "test": 8570}
    store = Store.open(tmp_path / "s")
    who = np.array(store.people)[store.pairs("train").numpy()]
    assert (who[:, 0] == who[:, 1]).all()
    _, counts = np.unique(who[:, 0], return_counts=True)
    assert set(counts) == {53, 54}
    assert len(np.unique(store.pairs("test").numpy(), axis=0)) == 8570


def test_what_a_set_costs() -> None:
    seconds, size = expected(SETS["people-fashion"], workers=2)
    assert 300 < seconds < 3600
    assert 3 < size < 10


def test_splits_have_their_own_people() -> None:
    assert [splits(100).count(split) for split in ("train", "val", "test")] == [90, 5, 5]
    with pytest.raises(ValueError, match="at least 3"):
        splits(2)
