"""The benchmark of one photograph in several poses: the poses, the parts of a picture's time, line and table."""

import io
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

from repose import cli
from repose.bench import scene
from repose.bench.scene import PARTS, SceneTimes, print_scene, raise_arm, scene_table, time_scene
from repose.person import JOINTS, Person
from repose.pipeline import Model, load
from repose.record import stamp
from repose.represent.keypoints import from_skeleton
from repose.scene import Scene
from repose.scene import scene as scene_module
from repose.scene.fill import Patch
from tests import tiny
from tests.estimate import fakes

WRIST, ELBOW, SHOULDER = (JOINTS.index(f"right_{joint}") for joint in ("wrist", "elbow", "shoulder"))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(tiny.save(tmp_path_factory.mktemp("weights") / "run"))


@pytest.fixture(scope="module")
def person() -> Person:
    points = fakes.joints(40, 20, 150)
    coco = torch.from_numpy(np.concatenate([points, np.ones((17, 1))], 1).astype(np.float32))
    pixels = fakes.draw(160, 200, [points])
    image = torch.from_numpy(pixels).permute(2, 0, 1) / 127.5 - 1
    return Person(image=image, keypoints=from_skeleton(coco, "coco17"))


def test_an_arm_goes_up_and_keeps_its_length(person: Person) -> None:
    poses = raise_arm(person, 4)
    assert person.keypoints is not None
    assert torch.allclose(poses[0].keypoints, person.keypoints, atol=1e-4), "the first is their own"
    heights = [float(pose.keypoints[WRIST, 1]) for pose in poses]
    assert heights == sorted(heights, reverse=True)
    for pose in poses:
        assert pose.size == person.size
        for end in (ELBOW, WRIST):
            length = (pose.keypoints[end, :2] - pose.keypoints[SHOULDER, :2]).norm()
            assert length == pytest.approx(float((person.keypoints[end, :2] - person.keypoints[SHOULDER, :2]).norm()))
        others = [joint for joint in range(18) if joint not in (ELBOW, WRIST)]
        assert torch.equal(pose.keypoints[others], person.keypoints[others])
    outwards = poses[1].keypoints[WRIST, 0] - person.keypoints[WRIST, 0]
    away = person.keypoints[SHOULDER, 0] - person.keypoints[JOINTS.index("neck"), 0]
    assert outwards * away > 0, "to its own side"
    missing = person.keypoints.clone()
    missing[WRIST] = 0
    left = raise_arm(replace(person, keypoints=missing), 2)
    assert not torch.equal(left[1].keypoints[JOINTS.index("left_wrist")], missing[JOINTS.index("left_wrist")])
    missing[JOINTS.index("left_elbow")] = 0
    with pytest.raises(ValueError, match="no arm of the person"):
        raise_arm(replace(person, keypoints=missing), 2)
    with pytest.raises(ValueError, match="at least 2 poses"):
        raise_arm(person, 1)


def test_a_part_inside_another_counts_alone() -> None:
    stopwatch = scene._Stopwatch(time.perf_counter)
    inner = stopwatch.watch("background", lambda: time.sleep(0.05))

    def outer() -> None:
        time.sleep(0.02)
        inner()

    stopwatch.watch("composition", outer)()
    assert 0.05 <= stopwatch.seconds["background"] < 0.07
    assert 0.02 <= stopwatch.seconds["composition"] < 0.05
    assert stopwatch.seconds["network"] == 0


def test_the_parts_of_every_picture(model: Model, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (scene_module.fill_box, Scene.compose, dict(vars(model.generator)))
    fill_box = scene_module.fill_box

    def slow_fill(image: torch.Tensor, hole: torch.Tensor, half_from: int | None = None) -> Patch | None:
        end = time.process_time() + 0.1
        while time.process_time() < end:
            pass
        return fill_box(image, hole, half_from)

    monkeypatch.setattr(scene_module, "fill_box", slow_fill)
    said: list[str] = []
    times = time_scene(model, person, raise_arm(person, 3), rounds=2, say=said.append)
    monkeypatch.undo()
    assert (scene_module.fill_box, Scene.compose, dict(vars(model.generator))) == before, "all is as it was"
    assert said == ["a round that does not count", "round 1 of 2", "round 2 of 2"]
    assert (times.height, times.width, times.poses, times.rounds) == (200, 160, 3, 2)
    for picture in (times.first, times.further):
        assert tuple(picture.parts) == PARTS
        assert all(picture.parts[part] > 0 for part in PARTS if part != "background")
        assert sum(picture.parts.values()) == pytest.approx(picture.processor, rel=0.5)
        assert sum(picture.share(part) for part in PARTS) == pytest.approx(1)
    assert times.first.parts["background"] > 0.1
    assert times.first.total > 0.1
    assert times.further.parts["background"] == 0, "it is filled once"
    for words, error in ((([],), "2 poses"), ((raise_arm(person, 2), 0), "1 round")):
        with pytest.raises(ValueError, match=error):
            time_scene(model, person, *words)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no photograph"):
        time_scene(model, raise_arm(person, 2)[0], raise_arm(person, 2))


def test_line_and_table(model: Model, person: Person) -> None:
    times = time_scene(model, person, raise_arm(person, 2), rounds=1)
    line = {**json.loads(json.dumps(times.line())), "model": "a", **stamp()}
    assert (line["bench"], line["seed"]) == ("scene", None)
    assert SceneTimes.read(line) == times
    slow = {**line, "first": {**line["first"], "total": 9.0}}
    text = scene_table([slow, line, {**slow, "model": "b"}])
    rows = [row for row in text.splitlines() if row.startswith("| `")]
    names = [(row.split("|")[1].strip(), row.split("|")[4].strip()) for row in rows]
    assert names == [(f"`{model}`", name) for model in ("a", "b") for name in ("first", "each further")]
    assert f"| cpu | 200x160 | first | {times.first.processor:.2f} | {times.first.total:.2f} |" in rows[0], "the newest"
    assert "| 9.00 |" in rows[2]
    screen = Console(file=io.StringIO(), record=True, width=120)
    print_scene(times, "a", screen)
    assert f"{times.further.total:.3f}" in screen.export_text()
    with pytest.raises(ValueError, match="no line of `repose bench scene`"):
        scene_table([])


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.seeing(monkeypatch)
    run = tiny.save(tmp_path / "run")
    photograph = tmp_path / "me.png"
    PIL.Image.fromarray(fakes.draw(160, 200, [fakes.joints(40, 20, 150)])).save(photograph)
    words = ["bench", "scene", str(photograph), "-m", str(run), "--poses", "2", "--rounds", "1"]
    done = CliRunner().invoke(cli.app, [*words, "--results", str(tmp_path / "r.jsonl")])
    assert done.exit_code == 0, done.output
    line = json.loads((tmp_path / "r.jsonl").read_text())
    assert (line["bench"], line["model"], line["poses"], line["height"]) == ("scene", "run", 2, 200)
    assert {"weights", "recipe", "commit", "hardware", "threads", "seed", "checksum"} <= line.keys()
