"""`repose research turns`: what copies, blurs and perfect generators score, and what the line and the table say."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console

from repose.metrics.functional.regions import CLOTHES
from repose.models.base import Output
from repose.person import Person
from repose.pipeline import Model, load
from repose.render import SyntheticUnavailable
from repose.render.sets import TURNS_SEED
from repose.represent.canvas import canvas, to_uint8
from repose.research.references import blur_pictures, exchange_cloth
from repose.research.turning import Turning, render_turning
from repose.research.turns import (
    KINDS,
    TURN_METRICS,
    VERSION,
    TurnsResult,
    _span,
    print_turns,
    score_turns,
    turn_columns,
    turns_table,
)
from tests import tiny


@pytest.fixture(scope="module")
def turning() -> Turning:
    pytest.importorskip("moderngl", reason="the synthetic people need moderngl")
    try:
        return render_turning(canvas("market"), 2, turns=(30, 180))
    except SyntheticUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(tiny.save(tmp_path_factory.mktemp("weights") / "run"))


def window(person: Person) -> torch.Tensor:
    assert person.image is not None
    return torch.from_numpy(to_uint8(person.image)).movedim(-1, 1)


def test_people_with_patterns_in_their_turns(turning: Turning) -> None:
    assert turning.numbers == (1, 13)
    assert list(turning.targets) == [30, 180]
    for person in (turning.source, *turning.targets.values()):
        assert person.size == (128, 64)
        assert len(person) == 2
        for field in ("image", "keypoints", "parsing", "iuv", "mask", "depth"):
            assert getattr(person, field) is not None
        assert person.iuv[:, 1:].max() <= 1
    again = render_turning(canvas("market"), 1, turns=(30,), first=2)
    assert again.numbers == (13,)
    for field in ("image", "keypoints"):
        same = torch.equal(getattr(again.source, field), getattr(turning.source[1:], field))
        assert same, "the pose is of the person, whoever came before"


def test_other_canvases(model: Model) -> None:
    pytest.importorskip("moderngl", reason="the synthetic people need moderngl")
    try:
        half = render_turning(canvas("fashion-half"), 1, turns=(90,))
    except SyntheticUnavailable as error:
        pytest.skip(str(error))
    assert half.source.size == (128, 96)
    assert (half.source.image[..., :4] == 1).all(), "white beside the window"
    with pytest.raises(ValueError, match="rendered for 'fashion-half'"):
        score_turns(model, half)
    found = score_turns(perfect(model, half), half)
    assert list(found.pictures[90]) == ["generated", "source", "blur"], "nobody else's cloth"
    assert found.pictures[90]["generated"].shape == (1, 3, 128, 88)


def perfect(model: Model, turning: Turning) -> Model:
    """A model that knows the truth."""

    class Knowing(torch.nn.Module):
        needs = model.generator.needs

        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, source: Person, target: Person) -> Output:
            for person in turning.targets.values():
                for k, keypoints in enumerate(person.keypoints):
                    if torch.equal(keypoints, target.keypoints[0]):
                        return Output(person.image[k : k + len(target)])
            raise AssertionError("a pose that was not rendered")

    recipe = replace(model.recipe, canvas=turning.canvas.name)
    return Model("knowing", Knowing(), recipe)  # type: ignore[arg-type]


def test_truth_scores_all_and_the_references_do_not(model: Model, turning: Turning) -> None:
    found = score_turns(perfect(model, turning), turning)
    for degrees in (30, 180):
        best = {metric: score.value for metric, score in found.scores[degrees]["generated"].items()}
        assert best == pytest.approx({"pattern": 1, "texture": 1, "colour": 0, "head": 1})
        for kind in ("source", "blur", "other"):
            row = {metric: score.value for metric, score in found.scores[degrees][kind].items()}
            assert row["pattern"] < 0.75
            assert row["texture"] < 0.95
            assert row["colour"] > 1
            assert row["head"] < 0.6 or kind == "other", "only the clothes are somebody else's"
        chance = found.scores[degrees]["other"]["pattern"].value
        assert 0 < chance < 0.25
        assert chance < found.scores[degrees]["source"]["pattern"].value
        assert found.scores[degrees]["blur"]["pattern"].value < 0.15, "a blur has no pattern"
        assert found.scores[degrees]["blur"]["texture"].value < found.scores[degrees]["source"]["texture"].value
    near, far = (found.scores[degrees]["source"]["pattern"].value for degrees in (30, 180))
    assert near > far, "at 30 degrees most of it is where it was"


def test_somebody_elses_cloth() -> None:
    shirt, skirt = CLOTHES[0], CLOTHES[-1]
    rows = torch.arange(32).view(-1, 1).expand(32, 24)
    columns = torch.arange(24).expand(32, 24)
    pictures = torch.stack([rows, columns + 100, rows + 200]).to(torch.uint8)[:, None].expand(-1, 3, -1, -1)
    parsing = torch.zeros(3, 32, 24, dtype=torch.int64)
    parsing[0, 4:20, 4:20], parsing[0, 20:30, 8:16] = shirt, skirt
    parsing[1, 10:16, 9:15] = shirt  # smaller, and around (12, 11) as the first one's is around (11, 11)
    made = exchange_cloth(pictures, parsing)
    worn = parsing[0] > 0
    assert torch.equal(made[0][:, ~worn], pictures[0][:, ~worn])
    assert made[0, 0, 11, 4:20].tolist() == [109] * 6 + [110, 111, 112, 113] + [114] * 6, "its edges go on"
    assert set(made[0, 0, 20:30, 8:16].unique().tolist()) <= set(range(109, 115)), "no skirt there: the shirt's"
    assert torch.equal(made[1], pictures[1]), "the next one wears nothing"
    assert torch.equal(made[2], pictures[2]), "wears nothing"


def test_compare_skips_who_shows_nothing(turning: Turning) -> None:
    target = turning.targets[30]
    assert target.parsing is not None
    bare = replace(target, parsing=torch.zeros_like(target.parsing), iuv=torch.zeros_like(target.iuv))
    columns = turn_columns(window(target), bare)
    assert list(columns) == list(TURN_METRICS)
    assert all(column.skipped == 2 for column in columns.values())


def test_line_table_report_and_sheet(model: Model, turning: Turning) -> None:
    found = score_turns(model, turning)
    line = json.loads(json.dumps(found.result.line()))
    assert TurnsResult.read(line) == found.result
    assert (line["kind"], line["version"], line["seed"]) == ("turns", VERSION, TURNS_SEED)
    assert line["people"] == [1, 13]
    assert (line["canvas"], line["height"], line["width"]) == ("market", 128, 64)
    assert set(line["turns"]) == {"30", "180"}
    assert set(line["turns"]["30"]) == set(KINDS)
    sheet = found.sheet(2)
    assert sheet.shape[1] > 5 * 2 * 64
    assert sheet.shape[0] > 2 * 2 * 128
    screen = Console(file=io.StringIO(), record=True, width=160)
    print_turns(found.result, "a", screen)
    assert "copied source" in screen.export_text(clear=False)
    facts = {"model": "a", "recipe": "r", "commit": "abc", "hardware": "a box", "date": "2026"}
    old = {**line, **facts, "date": "2020", "people": [5]}
    other = {**line, **facts, "model": "b"}
    text = turns_table([old, {**line, **facts}, other])
    rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in text.splitlines() if row[:1] == "|"]
    assert rows[0][3:] == [f"{title} {'↓' if m == 'colour' else '↑'}" for m, (title, _, _) in TURN_METRICS.items()]
    assert [row[2] for row in rows[2:]] == ["`a`", *list(KINDS.values())[1:], "`b`"] * 2, "references once"
    value, low, high = line["turns"]["30"]["generated"]["pattern"]
    assert low < high
    assert rows[2][3] == f"{value:.3f} [{low:.3f}, {high:.3f}]"
    assert "in brackets 95 % bootstrap intervals over the people" in text
    value, low, high = line["turns"]["30"]["source"]["texture"]
    assert f"±{(high - low) / 2:.3f}" in screen.export_text(clear=False)
    before = {key: value for key, value in line.items() if key != "version"}
    text = turns_table([{**before, **facts, "model": "older"}, {**line, **facts}])
    assert "older" not in text, "people in other poses do not stand beside"
    assert "`older`" in turns_table([{**before, **facts, "model": "older"}])
    assert f"seed {TURNS_SEED}" in text
    line["turns"]["30"]["generated"]["head"] = [None, None, None]
    assert turns_table([{**line, **facts}]).splitlines()[2].endswith("| - |")
    with pytest.raises(ValueError, match="no line of `repose research turns`"):
        turns_table([])


def test_what_cannot_be_asked_for() -> None:
    for words, error in (
        ({"count": 0}, "at least 1 person"),
        ({"turns": ()}, "one or more different angles"),
        ({"turns": (30, 30)}, "one or more different angles"),
        ({"style": "plain"}, "has no patterns"),
    ):
        with pytest.raises(ValueError, match=error):
            render_turning(canvas("market"), **words)  # type: ignore[arg-type]


def test_a_blur_keeps_what_is_flat() -> None:
    flat = torch.full((1, 3, 64, 32), 77, dtype=torch.uint8)
    assert torch.equal(blur_pictures(flat), flat)
    noise = torch.randint(0, 256, (1, 3, 64, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    assert blur_pictures(noise).double().std() < 0.2 * noise.double().std()


@pytest.mark.parametrize("places", [[0, 1], [30, 31], [60, 63], [5, 40]])
def test_the_heads_box_is_never_too_small_for_ssim(places: list[int]) -> None:
    span = _span(torch.tensor(places), 64)
    assert span.stop - span.start >= 11
    assert 0 <= span.start <= places[0]
    assert places[1] < span.stop <= 64


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turning: Turning, model: Model) -> None:
    from typer.testing import CliRunner

    from repose.cli import app

    monkeypatch.chdir(tmp_path)
    run = tiny.save(tmp_path / "run")
    monkeypatch.setattr("repose.research.turning.render_turning", lambda *_, **__: turning)
    words = ["research", "turns", str(run), "--people", "2", "--results", "r.jsonl", "-o", "t.png"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    (line,) = [json.loads(text) for text in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert (line["kind"], line["model"]) == ("turns", "run")
    assert {"weights", "recipe", "commit", "hardware", "date"} <= set(line)
    assert (tmp_path / "t.png").exists()
    done = CliRunner().invoke(app, ["bench", "turns", str(run), "--degrees", "30;90"])
    assert isinstance(done.exception, ValueError)
    assert "whole numbers with commas" in str(done.exception)
    assert np.isfinite(line["turns"]["30"]["generated"]["texture"][0])
