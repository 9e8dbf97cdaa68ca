"""The benchmark of pictures with given joints: what is timed, side by side, line and table."""

import io
import json
import time
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from rich.console import Console
from typer.testing import CliRunner

from repose import cli
from repose.bench.pictures import PictureTimes, pictures_table, print_pictures, time_pictures
from repose.person import Person
from repose.pipeline import Model, load, untrained
from repose.record import stamp
from repose.represent.keypoints import from_skeleton
from tests import tiny
from tests.estimate import fakes


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(tiny.save(tmp_path_factory.mktemp("weights") / "run"))


@pytest.fixture(scope="module")
def person() -> Person:
    points = fakes.joints(40, 20, 150)
    coco = torch.from_numpy(np.concatenate([points, np.ones((17, 1))], 1).astype(np.float32))
    image = torch.from_numpy(fakes.draw(160, 200, [points])).permute(2, 0, 1) / 127.5 - 1
    return Person(image=image, keypoints=from_skeleton(coco, "coco17"))


def test_every_picture_has_joints_of_its_own(model: Model, person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, bytes, bytes]] = []
    whole, single = Model.pose, Model.__call__

    def pose(self: Model, scene: object, target: Person, **options: object) -> object:
        assert target.keypoints is not None
        seen.append(("further", b"", target.keypoints.numpy().tobytes()))
        time.sleep(0.02)
        return whole(self, scene, target, **options)  # type: ignore[arg-type]

    def call(self: Model, source: Person, target: Person) -> torch.Tensor:
        assert source.keypoints is not None
        assert target.keypoints is not None
        assert source.size == target.size == model.canvas.size
        seen.append(("pair", source.keypoints.numpy().tobytes(), target.keypoints.numpy().tobytes()))
        end = time.process_time() + 0.01
        while time.process_time() < end:
            pass
        return single(self, source, target)

    monkeypatch.setattr(Model, "pose", pose)
    monkeypatch.setattr(Model, "__call__", call)
    said: list[str] = []
    (times,) = time_pictures([model], person, 3, said.append)
    assert said == ["a picture that does not count", *(f"picture {k} of 3" for k in (1, 2, 3))]
    assert [kind for kind, *_ in seen] == ["further", *["pair", "further"] * 4]
    pairs = [joints for kind, *joints in seen if kind == "pair"]
    assert len({source for source, _ in pairs}) == len({target for _, target in pairs}) == 4
    assert len({target for kind, _, target in seen if kind == "further"}) == 5
    assert (times.height, times.width, times.pictures) == (200, 160, 3)
    assert (times.canvas_height, times.canvas_width) == model.canvas.size
    assert 0.01 <= times.pair_processor < 0.5
    assert 0.02 <= times.further < 0.5


def test_side_by_side_line_and_table(model: Model, person: Person) -> None:
    other = untrained("carry-s")
    times = time_pictures([model, other], person, 1)
    assert [one.model for one in times] == ["run", "carry-s-random"]
    lines = [{**json.loads(json.dumps(one.line())), **stamp()} for one in times]
    assert [PictureTimes.read(line) for line in lines] == times
    assert (lines[0]["bench"], lines[0]["seed"]) == ("pictures", None)
    text = pictures_table([{**lines[0], "pair": 9.0}, *lines])
    rows = [row for row in text.splitlines() if row.startswith("| `")]
    assert [row.split("|")[1].strip() for row in rows] == ["`run`", "`carry-s-random`"]
    assert f"| {1e3 * times[0].pair:.1f} |" in rows[0], "the newest"
    screen = Console(file=io.StringIO(), record=True, width=160)
    print_pictures(times, screen)
    assert f"{1e3 * times[1].further:.1f}" in screen.export_text()
    with pytest.raises(ValueError, match="no line of `repose bench pictures`"):
        pictures_table([])


def test_what_cannot_be_timed(model: Model, person: Person) -> None:
    with pytest.raises(ValueError, match="at least 1 model and 1 picture"):
        time_pictures([model], person, 0)
    with pytest.raises(ValueError, match="no photograph"):
        time_pictures([model], person.only("keypoints"))
    with pytest.raises(ValueError, match="densepose-s-random needs more of a target"):
        time_pictures([untrained("densepose-s")], person)


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.seeing(monkeypatch)
    run = tiny.save(tmp_path / "run")
    photograph = tmp_path / "me.png"
    PIL.Image.fromarray(fakes.draw(160, 200, [fakes.joints(40, 20, 150)])).save(photograph)
    words = ["bench", "pictures", str(photograph), str(run), "carry-s", "--pictures", "1", "--size", "128x96"]
    done = CliRunner().invoke(cli.app, [*words, "--results", str(tmp_path / "r.jsonl")])
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert [(line["model"], line["height"], line["width"]) for line in lines] == [
        ("run", 128, 96), ("carry-s-random", 128, 96),
    ]  # fmt: skip
    assert {"commit", "hardware", "threads", "seed"} <= lines[0].keys()
