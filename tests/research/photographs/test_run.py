"""The whole protocol on photographs of nobody: pictures, numbers, what is kept, and what is told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from repose.cli import app
from repose.pipeline import Model, load
from repose.research.photographs import run as protocol
from repose.research.photographs.columns import ALL, COLUMNS, OWN_POSE, SOURCE
from repose.research.photographs.crops import Picture
from repose.research.photographs.document import photographs_table
from repose.research.photographs.run import Drawn, draw, generated, judge
from repose.research.photographs.scores import PairScorer
from repose.research.photographs.sheets import write_sheets
from repose.research.photographs.table import grouped, result_lines
from tests.research.photographs import test_scores
from tests.research.photographs.test_crops import Fixed, standing

pytest.importorskip("numba")


class Counting(PairScorer):
    """Plain functions in place of the networks; counts the pictures that it scores."""

    def __init__(self) -> None:
        super().__init__(test_scores.parts, test_scores.vectors, test_scores.distances)
        self.pictures = 0

    def __call__(self, pictures: dict[str, Picture], target: Picture) -> dict[str, dict[str, float]]:  # type: ignore[override]
        self.pictures += len(pictures)
        return super().__call__(pictures, target)


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("REPOSE_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """Three people, two photographs each, and a broken file of a fourth."""
    folder = tmp_path / "crops"
    folder.mkdir()
    for person in range(3):
        for number in range(2):
            picture = test_scores.person(left=50 + 20 * number, seed=person)
            Image.fromarray(picture).save(folder / f"{person}_{number:02d}.png")
    (folder / "3_00.jpg").write_bytes(b"\xff\xd8\xff broken")
    shutil.copy(folder / "0_00.png", folder / "3_01.png")
    return folder


@pytest.fixture
def drawn(crops: Path) -> Drawn:
    return draw(crops, 10, 2, Fixed(standing()))


@pytest.fixture(scope="module")
def model() -> Model:
    return load("default", "cpu")


def test_draw_names_what_it_leaves_out(drawn: Drawn) -> None:
    own = [pair for pair in drawn.pairs if pair.own_pose]
    assert (len(drawn.pairs), len(own)) == (8, 2)  # three people, both directions
    assert all(pair.source.name[0] == pair.target.name[0] == pair.identity for pair in drawn.pairs)
    (line,) = drawn.skipped
    assert "3_00.jpg" in line
    assert drawn.people == 4


def test_nobody_can_be_used(crops: Path) -> None:
    hidden = standing()
    hidden[2] = 0
    with pytest.raises(ValueError, match="no pair could be drawn from 8 photographs of 4 people") as caught:
        draw(crops, 10, 2, Fixed(hidden))
    assert "right shoulder missing" in str(caught.value)


def test_pictures_are_those_of_the_model(drawn: Drawn, model: Model, tmp_path: Path) -> None:
    out = tmp_path / "out"
    judge(drawn, [("default", model)], Counting(), out)
    for pair in drawn.pairs[:2]:
        files = {
            kind: np.asarray(Image.open(out / model.name / f"{pair.number:03d}_{kind}.png"))
            for kind in ("source", "target", "generated")
        }
        assert (files["source"] == pair.source.picture).all()
        assert (files["target"] == pair.target.picture).all()
        with torch.inference_mode():
            image = model(pair.source.person, pair.target.person)
        expected = ((image.clamp(-1, 1) + 1) * 127.5).round().byte().movedim(0, -1).numpy()
        assert (files["generated"] == expected).all()
    listed = json.loads((out / "pairs.json").read_text())
    assert [entry["source"] for entry in listed] == [pair.source.name for pair in drawn.pairs]


def test_numbers_and_groups(drawn: Drawn, model: Model, tmp_path: Path) -> None:
    judged = judge(drawn, [("default", model)], Counting(), tmp_path)
    groups = grouped(judged)
    assert {group: count for group, (count, _) in groups.items()} == {ALL: 6, "under 30°": 6, OWN_POSE: 2}
    own = groups[OWN_POSE][1][SOURCE]
    assert own["lpips"].value == 0
    assert own["sharpness"].value == own["silhouette"].value == 1
    each = [judged.rows[model.name][pair.number]["lpips"] for pair in drawn.pairs if not pair.own_pose]
    score = groups[ALL][1][model.name]["lpips"]
    assert score.value == pytest.approx(np.mean(each))
    assert score.low <= score.value <= score.high

    (line,) = result_lines(judged)
    assert (line["kind"], line["model"], line["seed"]) == ("photographs", model.name, drawn.seed)
    assert line["groups"][ALL]["pairs"] == 6
    assert list(line["groups"][ALL]["generated"]) == list(COLUMNS)
    assert line["checksum"] == drawn.checksum
    json.dumps(line)


def test_the_table_of_documents(drawn: Drawn, model: Model, tmp_path: Path) -> None:
    judged = judge(drawn, [("default", model)], Counting(), tmp_path)
    (line,) = (one | {"commit": "abc", "hardware": "a machine"} for one in result_lines(judged))
    older = line | {"checksum": "others", "model": "old"}
    text = photographs_table([older, line])
    assert "old" not in text, "of other photographs"
    lpips = [row.split("|")[4].split()[0] for row in text.splitlines() if row.startswith("| crops, all pairs |")]
    assert lpips == [f"{grouped(judged)[ALL][1][row]['lpips'].value:.3f}" for row in (SOURCE, model.name)]
    assert text.count("| crops, own pose |") == 1
    with pytest.raises(ValueError, match="no line of `repose research photographs`"):
        photographs_table([])
    with pytest.raises(ValueError, match="has no key 'pairs'"):
        photographs_table([line | {"groups": {ALL: {}}}])


def test_what_is_there_is_neither_made_nor_scored_again(
    drawn: Drawn, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def counted(*words: object) -> Picture:
        calls.append(1)
        return generated(*words)  # type: ignore[arg-type]

    monkeypatch.setattr(protocol, "generated", counted)
    monkeypatch.setattr(protocol, "commit", lambda: "0123456789ab")

    def again(**more: bool) -> tuple[int, int, dict[str, dict[int, dict[str, float]]]]:
        calls.clear()
        scorer = Counting()
        judged = judge(drawn, [("default", model)], scorer, tmp_path, **more)
        return len(calls), scorer.pictures, judged.rows

    made, scored, rows = again()
    assert made == 8
    assert scored >= 8
    assert again() == (0, 0, rows)
    assert again(again=True)[:2] == (made, scored)

    (tmp_path / model.name / "001_generated.png").write_bytes(b"cut off")
    assert again()[:2] == (1, 0), "the same picture comes back, and its numbers are known"
    monkeypatch.setattr(protocol, "commit", lambda: "0123456789ab-dirty")
    assert again()[:2] == (8, 0), "code that is not committed may make other pictures"


def test_sheets(drawn: Drawn, model: Model, tmp_path: Path) -> None:
    judged = judge(drawn, [("default", model)], Counting(), tmp_path)
    paths = write_sheets(judged)
    assert [path.name for path in paths] == ["pairs.sheet.png", "own-pose.sheet.png"]
    height, width, _ = np.asarray(Image.open(paths[0]).convert("RGB")).shape
    assert height > 6 * 256
    assert width > 3 * 176


def test_a_model_of_another_size(drawn: Drawn, tmp_path: Path) -> None:
    from repose.pipeline import untrained

    with pytest.raises(ValueError, match=r"128x64.*256x176"):
        judge(drawn, [("patn-market", untrained("patn-market"))], Counting(), tmp_path)


def test_the_same_model_twice(drawn: Drawn, model: Model, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the same"):
        judge(drawn, [("default", model), ("default", model)], Counting(), tmp_path)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    monkeypatch.setattr("repose.estimate.estimator", lambda name: Fixed(standing()))
    monkeypatch.setattr(PairScorer, "load", classmethod(lambda cls, folder: Counting()))
    return lambda *words: CliRunner().invoke(app, ["research", "photographs", *map(str, words)])


def test_the_command(command: Callable[..., object], crops: Path, tmp_path: Path) -> None:
    results, out = tmp_path / "photographs.jsonl", tmp_path / "out"
    shown = command(crops, "--pairs", 4, "--own-pose", 1, "--results", results, "--out", out)
    assert shown.exit_code == 0, shown.output  # type: ignore[attr-defined]
    text = shown.output  # type: ignore[attr-defined]
    assert "all pairs: 4" in text
    assert "own pose: 1" in text
    assert "3_00.jpg" in text
    (line,) = map(json.loads, results.read_text().splitlines())
    assert {"commit", "hardware", "seed", "checksum", "weights"} <= set(line)
    assert (out / "pairs.sheet.png").is_file()


def test_the_command_without_networks(crops: Path, tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["research", "photographs", str(crops), "--networks", str(tmp_path)])
    assert shown.exit_code != 0
    assert isinstance(shown.exception, FileNotFoundError)
    assert "bodypix" in str(shown.exception)
