"""Fields of many photographs: what is written, what is kept, what is skipped, and processes that are killed."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

import repose
from repose.estimate import ESTIMATORS
from repose.estimate.field_files import KEYPOINTS, RECORDS, FieldFolder, read_map, write_map
from repose.estimate.field_sheet import write_field_sheet
from repose.estimate.many import Outcome, estimate_folder
from repose.estimate.workers import Killed, WorkerError, run_in_processes
from repose.represent.maps import read_iuv, read_parsing, with_maps
from repose.represent.pose_files import read_keypoints
from tests.estimate import fake_fields
from tests.estimate.fake_fields import FIELDS, PATH, USING, photograph


@pytest.fixture
def photographs(tmp_path: Path) -> list[Path]:
    return [photograph(tmp_path / "photographs" / f"p{k}.png", 10 + 3 * k) for k in range(5)]


def run(photographs: list[Path], folder: Path, **more: object) -> list[Outcome]:
    settings = {"using": USING, **more}
    fields = settings.pop("fields", FIELDS)
    return list(estimate_folder(photographs, fields, folder, **settings))  # type: ignore[arg-type]


def files(folder: Path) -> dict[str, bytes]:
    """Every map by its name."""
    return {path.name: path.read_bytes() for path in folder.glob("*.png")}


# -- what is written ------------------------------------------------------------------------------------------------


def test_every_field_is_written_and_read_back(photographs: list[Path], tmp_path: Path) -> None:
    done = run(photographs, tmp_path / "out")
    assert [(one.name, one.state) for one in done] == [(path.stem, "estimated") for path in photographs]
    folder = FieldFolder(tmp_path / "out")
    joints = read_keypoints(tmp_path / "out" / KEYPOINTS)
    assert set(joints) == {path.name for path in photographs}
    for path in photographs:
        image = np.array(PIL.Image.open(path))
        keypoints = fake_fields.Joints().people(image)[0].keypoints
        person = folder.person(path.stem)
        assert person.keypoints is not None
        assert torch.equal(person.keypoints, keypoints)
        assert torch.equal(joints[path.name], keypoints)
        for name, network in (
            ("mask", fake_fields.Mask()),
            ("parsing", fake_fields.Parsing()),
            ("iuv", fake_fields.Surface()),
        ):
            assert torch.equal(getattr(person, name), getattr(network, name)(image, keypoints)), name
        # the readers of other tools' files read them too
        assert torch.equal(read_parsing(folder.path(path.stem, "parsing"), "lip"), person.parsing)
        assert torch.equal(read_iuv(folder.path(path.stem, "iuv")), person.iuv)


def test_the_files_go_with_the_options_of_the_command(photographs: list[Path], tmp_path: Path) -> None:
    run(photographs, tmp_path / "out")
    joints = read_keypoints(tmp_path / "out" / KEYPOINTS)["p0.png"]
    person = repose.read_person(photographs[0], keypoints=joints.numpy())
    with_both = with_maps(person, tmp_path / "out" / "p0.parsing.png", tmp_path / "out" / "p0.iuv.png", "lip")
    assert with_both.parsing is not None
    assert sorted(with_both.parsing.unique().tolist()) == [0, 5, 9, 13, 16, 17, 18, 19]
    with PIL.Image.open(tmp_path / "out" / "p0.parsing.png") as picture:
        assert picture.mode == "P", "it has colours, so that people can see it"
        colours = np.unique(np.array(picture.convert("RGB")).reshape(-1, 3), axis=0)
    assert len(colours) == 8
    with PIL.Image.open(tmp_path / "out" / "p0.iuv.png") as picture:
        blue = np.array(picture)[..., 2]
    assert set(np.unique(blue)) == {0, 2, 9}, "the part is blue, as OpenCV writes DensePose's"


def test_the_sheet_has_a_row_for_each_photograph(photographs: list[Path], tmp_path: Path) -> None:
    run(photographs[:2], tmp_path / "out")
    rows = [(str(path), path.stem) for path in photographs[:2]]
    page = write_field_sheet(FieldFolder(tmp_path / "out"), rows)
    with PIL.Image.open(page) as picture:
        wide, high = picture.size
    assert high > 2 * 256
    assert wide > 5 * 160, "the photograph, its joints and three maps"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mask", torch.full((1, 4, 4), 1.5)),
        ("mask", torch.full((1, 4, 4), torch.nan)),
        ("mask", torch.zeros(4, 4)),
        ("parsing", torch.full((4, 4), 21)),
        ("iuv", torch.full((3, 4, 4), 25.0)),
        ("depth", torch.zeros(1, 4, 4)),
    ],
)
def test_a_map_out_of_range_is_not_written(field: str, value: torch.Tensor, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"map\.png|depth is not written"):
        write_map(tmp_path / "map.png", field, value)
    assert not list(tmp_path.iterdir())


def test_a_map_of_another_size_or_kind_is_not_read(tmp_path: Path) -> None:
    write_map(tmp_path / "map.png", "mask", torch.zeros(1, 8, 6))
    assert not read_map(tmp_path / "map.png", "mask", (8, 6)).any()
    for field, size in (("mask", (6, 8)), ("parsing", (8, 6)), ("iuv", (8, 6))):
        with pytest.raises(ValueError, match=r"map\.png cannot be read"):
            read_map(tmp_path / "map.png", field, size)


# -- what is kept ---------------------------------------------------------------------------------------------------


def test_what_is_there_is_kept(photographs: list[Path], tmp_path: Path) -> None:
    run(photographs[:3], tmp_path / "out")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.*.png")}
    done = run(photographs, tmp_path / "out")
    assert [one.state for one in done] == ["kept"] * 3 + ["estimated"] * 2
    assert all(path.stat().st_mtime_ns == then for path, then in times.items())
    assert [one.state for one in run(photographs, tmp_path / "out", again=True)] == ["estimated"] * 5


def test_a_field_more_is_added(photographs: list[Path], tmp_path: Path) -> None:
    run(photographs[:2], tmp_path / "out", fields=("mask",), using={k: USING[k] for k in ("keypoints", "mask")})
    before = files(tmp_path / "out")
    done = run(photographs[:2], tmp_path / "out")
    assert [one.state for one in done] == ["estimated"] * 2
    after = files(tmp_path / "out")
    assert {name: after[name] for name in before} == before
    assert len(after) == 3 * len(before)


@pytest.mark.parametrize("change", ["cut off", "gone", "another estimator"])
def test_only_what_is_lacking_is_estimated(change: str, photographs: list[Path], tmp_path: Path) -> None:
    run(photographs[:2], tmp_path / "out")
    mask, using = tmp_path / "out" / "p0.mask.png", dict(USING)
    whole, iuv = mask.read_bytes(), (tmp_path / "out" / "p0.iuv.png").stat().st_mtime_ns
    if change == "cut off":
        mask.write_bytes(whole[:-20])
    elif change == "gone":
        mask.unlink()
    else:
        using["mask"] = f"{PATH}OtherMask"
    done = run(photographs[:2], tmp_path / "out", using=using)
    assert [one.state for one in done] == ["estimated", "estimated" if change == "another estimator" else "kept"]
    assert (mask.read_bytes() == whole) == (change != "another estimator")
    assert (tmp_path / "out" / "p0.iuv.png").stat().st_mtime_ns == iuv


@pytest.mark.parametrize("change", ["another photograph", "another person", "a broken record"])
def test_everything_is_estimated_anew(change: str, photographs: list[Path], tmp_path: Path) -> None:
    run(photographs[:1], tmp_path / "out")
    before = files(tmp_path / "out")
    if change == "another photograph":
        photograph(photographs[0], 30)
    elif change == "a broken record":
        (tmp_path / "out" / RECORDS / "p0.json").write_text('{"version": 1, "photo')
    done = run(photographs[:1], tmp_path / "out", which="best" if change == "another person" else "largest")
    assert [one.state for one in done] == ["estimated"]
    assert (files(tmp_path / "out") == before) == (change != "another photograph")


def test_maps_of_other_joints_do_not_stay(photographs: list[Path], tmp_path: Path) -> None:
    run(photographs[:1], tmp_path / "out")
    photograph(photographs[0], 30)
    run(photographs[:1], tmp_path / "out", fields=(), using={"keypoints": USING["keypoints"]})
    assert not files(tmp_path / "out"), "they belonged to the photograph before"


# -- what is skipped ------------------------------------------------------------------------------------------------


def test_broken_photographs_are_named_and_the_rest_is_done(photographs: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "photographs" / "broken.png"
    broken.write_bytes(photographs[0].read_bytes()[:200])
    nobody = photograph(tmp_path / "photographs" / "nobody.png", people=0)
    twin = photograph(tmp_path / "elsewhere" / "p1.png")
    gone = tmp_path / "gone.png"
    done = run([broken, photographs[0], nobody, photographs[1], twin, gone], tmp_path / "out")
    skipped = {one.photograph: one.reason for one in done if one.state == "skipped"}
    assert set(skipped) == {str(path) for path in (broken, nobody, twin, gone)}
    assert "broken.png" in skipped[str(broken)]
    assert "no person was found" in skipped[str(nobody)]
    assert "is called 'p1', too" in skipped[str(twin)]
    assert "gone.png" in skipped[str(gone)]
    assert set(read_keypoints(tmp_path / "out" / KEYPOINTS)) == {"p0.png", "p1.png"}


def test_wrong_words(photographs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ESTIMATORS, "parsing", {})
    cases: list[tuple[str, list[Path], dict[str, object]]] = [
        ("no photographs", [], {}),
        ("photograph p0.png", photographs, {"folder": photographs[0].parent}),
        ("called 'masks'", photographs, {"fields": ["masks"], "using": {"keypoints": USING["keypoints"]}}),
        ("no estimator of parsing", photographs, {"using": {"keypoints": USING["keypoints"]}, "fields": ["parsing"]}),
        ("parsing is none of the fields", photographs, {"fields": ["mask"]}),
        ("cannot be imported", photographs, {"using": {**USING, "mask": "no.such:Thing"}}),
        ("is no estimator of mask", photographs, {"using": {**USING, "mask": f"{PATH}Parsing"}}),
    ]
    for text, paths, more in cases:
        folder = more.pop("folder", tmp_path / "out")
        with pytest.raises(ValueError, match=text):
            run(paths, folder, **more)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


# -- processes ------------------------------------------------------------------------------------------------------


def test_several_processes_write_the_same_files(photographs: list[Path], tmp_path: Path) -> None:
    run(photographs, tmp_path / "one")
    done = run(photographs, tmp_path / "two", workers=2, batch=2)
    assert {one.name for one in done} == {path.stem for path in photographs}
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert (tmp_path / "one" / KEYPOINTS).read_bytes() == (tmp_path / "two" / KEYPOINTS).read_bytes()
    assert [one.state for one in run(photographs, tmp_path / "two", workers=2)] == ["kept"] * 5


def test_a_killed_process_costs_its_batch_and_not_the_run(
    photographs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_DEATHS", str(tmp_path / "deaths"))
    photograph(photographs[2], deadly=True)
    done = run(photographs, tmp_path / "out", using={**USING, "parsing": f"{PATH}DiesOnce"}, workers=2, batch=4)
    assert (tmp_path / "deaths").exists(), "a process was killed"
    assert {one.name: one.state for one in done} == {path.stem: "estimated" for path in photographs}
    assert len(files(tmp_path / "out")) == 3 * len(photographs)
    assert not list((tmp_path / "out").rglob("*.partial"))


def test_a_photograph_that_kills_twice_is_skipped(
    photographs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_DEATHS", str(tmp_path / "deaths"))
    photograph(photographs[1], deadly=True)
    done = run(photographs, tmp_path / "out", using={**USING, "parsing": f"{PATH}Dies"}, workers=2, batch=4)
    assert len(set((tmp_path / "deaths").read_text().split())) == 2, "two processes died of it"
    states = {one.name: one.state for one in done}
    assert states == {path.stem: "skipped" if path.stem == "p1" else "estimated" for path in photographs}
    (skipped,) = [one for one in done if one.state == "skipped"]
    assert "killed by signal 9, 2 times" in skipped.reason
    assert set(read_keypoints(tmp_path / "out" / KEYPOINTS)) == {"p0.png", "p2.png", "p3.png", "p4.png"}


class _Numbers:
    """A function of numbers; what it is told to do besides is in the number."""

    def __call__(self, number: int) -> int:
        if number == -1:
            raise KeyError("a mistake")
        time.sleep(0.05)
        return 2 * number


def _refuse() -> Callable[[int], int]:
    raise ImportError("no such package")


def _die() -> Callable[[int], int]:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def test_results_of_processes_that_are_killed_from_outside() -> None:
    """A process is killed after the first results, by its number, as somebody else would."""
    import multiprocessing

    results: dict[int, int | Killed] = {}
    killed = 0
    for task, result in run_in_processes(_Numbers, range(40), 2, batch=5):
        results[task] = result
        if len(results) in (6, 20):
            victim = multiprocessing.active_children()[0]
            os.kill(victim.pid or 0, signal.SIGKILL)
            killed += 1
    assert killed == 2
    assert results == {number: 2 * number for number in range(40)}
    assert not multiprocessing.active_children()


def test_processes_that_cannot_work() -> None:
    with pytest.raises(WorkerError, match=r"ImportError: no such package \(_refuse"):
        list(run_in_processes(_refuse, range(3), 2))
    with pytest.raises(WorkerError, match="end as they start: the last one was killed by signal 9"):
        list(run_in_processes(_die, range(3), 2))
    with pytest.raises(WorkerError, match="KeyError: 'a mistake'"):
        list(run_in_processes(_Numbers, [1, -1], 1))
    assert list(run_in_processes(_Numbers, [], 2)) == []
    with pytest.raises(ValueError, match="at least 1"):
        list(run_in_processes(_Numbers, [1], 0))


# -- Ray ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of a local Ray. Its processes import this module, as those of other machines would."""
    pytest.importorskip("ray", reason="Ray (the extra `ray`) is not installed")
    monkeypatch.setenv("RAY_worker_niceness", "0")
    monkeypatch.setenv("RAY_DISABLE_IMPORT_WARNING", "1")
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    )


@pytest.mark.timeout(600)
@pytest.mark.usefixtures("ray")
@pytest.mark.parametrize("how", ["DiesOnce", "Dies"])
def test_on_ray_a_killed_worker_costs_its_batch(
    how: str, photographs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes of a local Ray, of which one is killed in the middle of a photograph, once or each time."""
    monkeypatch.setenv("FAKE_DEATHS", str(tmp_path / "deaths"))
    photograph(photographs[2], deadly=True)
    broken = tmp_path / "photographs" / "broken.png"
    broken.write_text("no picture")
    using = {**USING, "parsing": f"{PATH}{how}"}
    done = run([*photographs, broken], tmp_path / "out", using=using, ray="local", workers=2, batch=2)
    states = {one.name: one.state for one in done}
    expected = {path.stem: "estimated" for path in photographs} | {"broken": "skipped"}
    assert states == expected | ({"p2": "skipped"} if how == "Dies" else {})
    deaths = (tmp_path / "deaths").read_text().split()
    assert len(deaths) == (2 if how == "Dies" else 1)
    reasons = {one.name: one.reason for one in done if one.state == "skipped"}
    assert "broken.png" in reasons["broken"]
    assert how == "DiesOnce" or reasons["p2"] == "its process was killed, 2 times"
    assert not list((tmp_path / "out" / RECORDS).glob(".*")), "no note of a photograph in work is left"
    run([path for path in photographs if states[path.stem] != "skipped"], tmp_path / "alone")
    assert {k: v for k, v in files(tmp_path / "out").items() if k.split(".")[0] in ("p0", "p1", "p3", "p4")} == {
        k: v for k, v in files(tmp_path / "alone").items() if not k.startswith("p2")
    }


def test_without_ray_the_error_says_how_to_install_it(
    photographs: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ray", None)
    with pytest.raises(ImportError, match=r"pose-transfer\[ray\]"):
        run(photographs, tmp_path / "out", ray="local")


def test_an_outcome_survives_the_way_through_a_column(photographs: list[Path], tmp_path: Path) -> None:
    from repose.estimate.ray_workers import outcome_from_json, outcome_to_json

    (one,) = run(photographs[:1], tmp_path / "out")
    assert outcome_from_json(outcome_to_json(one)) == one
    skipped = Outcome("a.png", "a", "skipped", "why", ("a note",))
    assert outcome_from_json(outcome_to_json(skipped)) == skipped


def test_ray_workers_give_up_what_killed_them_twice(photographs: list[Path], tmp_path: Path) -> None:
    """The note that a dead worker leaves is what the next one goes by; that of another run counts for nothing."""
    from repose.estimate.field_worker import Job
    from repose.estimate.ray_workers import RayWorker, outcome_from_json

    job = Job(str(tmp_path / "out"), dict(USING), base=str(tmp_path))
    worker = RayWorker(job)
    mark = tmp_path / "out" / RECORDS / ".p0.in-work"
    batch = {"path": [str(photographs[0])], "name": ["p0"]}
    for starts, run_name, state in ((2, job.run, "skipped"), (2, "another", "estimated"), (1, job.run, "kept")):
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.write_text(json.dumps({"run": run_name, "starts": starts}))
        (text,) = worker(batch)["outcome"]
        assert outcome_from_json(text).state == state
        assert not mark.exists()
