"""Training processes: side by side, one to a folder, and none that outlives its caller."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from repose.bench.budget import launch, machine
from repose.bench.budget.launch import Launcher
from repose.bench.budget.machine import CoreTime, own_cores
from repose.bench.budget.process import TrainingJob, TrainingTerms, require_alone
from repose.bench.budget.training import make_job, read_state
from repose.models import recipe_from_dict
from repose.recipes import override
from tests import tiny


def tiny_job(folder: Path, name: str, images: int, stop_after: float | None = None) -> TrainingJob:
    made = override(tiny.recipe("patn-s"), [f"name={name}"])
    return make_job(made, folder, images, images, stop_after)


def test_processes_stop_go_on_and_end_side_by_side(tmp_path: Path) -> None:
    store = tiny.store(tmp_path / "data")
    run = Launcher(store.folder, side_by_side=min(2, len(own_cores())), accelerator="cpu")
    use = run([tiny_job(tmp_path / "out", "a", 10**6, stop_after=0.5)])
    state = read_state(tmp_path / "out" / "a")
    assert 0 < state.images < 10**6
    assert state.weights == state.images
    assert 0.3 < state.seconds < 10
    assert 0 < use.cores["a"] < 2
    assert use.others is None or 0 <= use.others <= 1
    run([tiny_job(tmp_path / "out", "a", state.images + 16)])
    assert read_state(tmp_path / "out" / "a").images == state.images + 16
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "a.json", "a.log"], "no filler stays"


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    store = tiny.store(tmp_path / "data")
    job = tiny_job(tmp_path / "out", "a", 16)
    job.recipe.write_text(job.recipe.read_text().replace('"canvas": "market"', '"canvas": "fashion"'))
    with pytest.raises(RuntimeError, match=r"(?s)training of 'a' ended with 2.*takes pictures of 256x176"):
        Launcher(store.folder, accelerator="cpu")([job])


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="only Linux tells what a process does")
@pytest.mark.parametrize("place", ["a", "filler/0"])
def test_a_folder_has_one_trainer(tmp_path: Path, place: str) -> None:
    job, folder = tiny_job(tmp_path / "out", "a", 16), tmp_path / "out" / place
    words = [sys.executable, "-c", "import time; time.sleep(60)", str(folder)]
    with subprocess.Popen(words) as other:
        assert waited(lambda: trains(other.pid, folder)), "the system knows its command"
        folder.parent.mkdir(exist_ok=True)
        folder.with_name(f"{folder.name}.pid").write_text(str(other.pid))
        with pytest.raises(RuntimeError, match=f"still being trained by the process {other.pid}"):
            Launcher(tmp_path)([job])
        other.send_signal(signal.SIGTERM)
        other.wait()
    require_alone(replace(job, run=folder))
    assert not folder.with_name(f"{folder.name}.pid").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a process that its caller is gone")
def test_processes_end_with_a_caller_that_is_killed(tmp_path: Path) -> None:
    store, out, most = tiny.store(tmp_path / "data"), tmp_path / "out", min(2, len(own_cores()))
    job = tiny_job(out, "a", 10**6)
    text = (
        "from pathlib import Path; from repose.bench.budget.launch import Launcher\n"
        "from repose.bench.budget.process import TrainingJob\n"
        f"job = TrainingJob('a', Path({str(job.recipe)!r}), Path({str(job.run)!r}))\n"
        f"Launcher(Path({str(store.folder)!r}), side_by_side={most}, accelerator='cpu')([job])"
    )
    files = [out / "a.pid", *(out / "filler" / f"{slot}.pid" for slot in range(1, most))]
    with subprocess.Popen([sys.executable, "-c", text]) as caller:
        try:
            assert waited(lambda: all(file.exists() and file.read_text() for file in files)), "they have started"
            assert all(trains(int(file.read_text()), out) for file in files)
        finally:
            caller.kill()
    numbers = [int(file.read_text()) for file in files]
    gone = waited(lambda: not any(trains(number, out) for number in numbers))
    for number in numbers:
        if trains(number, out):
            os.kill(number, signal.SIGKILL)
    assert gone


def waited(done: Callable[[], bool], seconds: float = 60.0) -> bool:
    end = time.monotonic() + seconds
    while not done() and time.monotonic() < end:
        time.sleep(0.1)
    return done()


def trains(number: int, folder: Path) -> bool:
    """Whether a process with this number has to do with a folder; another may have its number by now."""
    try:
        return os.fsencode(folder) in Path(f"/proc/{number}/cmdline").read_bytes()
    except OSError:
        return False


def test_fillers_have_an_end_and_follow_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Brief:
        """A process that ends when it was looked at often enough, and has used a second."""

        made: ClassVar[list[tuple[str, int, int]]] = []

        def __init__(self, terms: TrainingTerms, job: TrainingJob, slot: int) -> None:
            images = recipe_from_dict(json.loads(job.recipe.read_text())).images
            self.job, self.left, self.cpu, self.lasted, self.ended = job, 8 if job.name == "a" else 3, 1.0, 2.0, False
            self.made.append((job.name, slot, images))
            assert not job.run.exists(), "each begins at its beginning"
            job.run.mkdir(parents=True)

        def over(self) -> bool:
            self.left -= 1
            self.ended = self.left == 0
            return self.ended

        def require_well(self) -> None:
            pass

        def end(self, gently: bool) -> None:
            assert self.ended or not gently

    monkeypatch.setattr(launch, "TrainingProcess", Brief)
    monkeypatch.setattr(launch.time, "sleep", lambda _: None)
    use = Launcher(tmp_path, side_by_side=2)([tiny_job(tmp_path / "out", "a", 160)])
    assert Brief.made == [("a", 0, 160), *[("filler 1", 1, 200)] * 3]
    assert use.cores == {"a": 0.5}
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "a.json"]


def test_what_the_machine_did() -> None:
    before, started = machine.core_time(), os.times()
    if before is None:
        pytest.skip("only Linux tells")
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        pass
    own = os.times().user - started.user
    after = machine.core_time()
    assert after is not None
    assert after.busy - before.busy >= own - 0.1
    share = machine.share_of_others(before, after, own)
    assert share is not None
    assert 0 <= share <= 1
    assert machine.share_of_others(CoreTime(0.0, 0.0), CoreTime(30.0, 100.0), 20.0) == pytest.approx(0.1)
    assert machine.share_of_others(None, after, own) is None
