"""The benchmark of the whole command on large photographs: photograph, both checkouts, line, table and command."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from repose import cli
from repose.bench import large
from repose.bench.large import LargeCost, large_photograph, large_table, print_large, time_large
from repose.person import JOINTS
from repose.record import commit_of, stamp
from tests import tiny

SOURCE = Path(large.__file__).parents[2]


@pytest.fixture(autouse=True)
def rendering() -> None:
    from repose.render import SyntheticUnavailable, create_context

    try:
        create_context().release()
    except SyntheticUnavailable as error:
        pytest.skip(str(error))


def test_the_person_fills_an_upright_photograph() -> None:
    pixels, keypoints = large_photograph(300, 150)
    assert (pixels.shape, pixels.dtype) == ((300, 150, 3), np.uint8)
    assert bool((keypoints[:, 2] > 0).all()), "all joints are inside"
    neck, ankle = keypoints[JOINTS.index("neck")], keypoints[JOINTS.index("right_ankle")]
    assert float(ankle[1] - neck[1]) > 0.6 * 300
    assert 0.3 * 150 < float(neck[0]) < 0.7 * 150, "in the middle"
    again, joints = large_photograph(300, 150)
    assert np.array_equal(pixels, again)
    assert bool((keypoints == joints).all())


def test_enlargement_moves_the_joints_along(monkeypatch: pytest.MonkeyPatch) -> None:
    _, small = large_photograph(100, 200)
    monkeypatch.setattr(large, "_RENDERED", 200)
    pixels, twice = large_photograph(200, 400)
    assert pixels.shape == (200, 400, 3)
    assert (twice[:, :2] - (2 * small[:, :2] + 0.5) * (small[:, 2:] > 0)).abs().max() < 1e-3


def test_both_checkouts_line_and_table(tmp_path: Path) -> None:
    model, said = str(tiny.save(tmp_path / "run")), []
    (cost,) = time_large([(240, 160)], against=SOURCE, rounds=1, model=model, say=said.append)
    assert len(said) == 4, "a small one and a round, of both"
    assert (cost.height, cost.width, cost.rounds) == (240, 160, 1)
    assert cost.before is not None
    assert cost.now.commit == cost.before.commit == commit_of(SOURCE / "repose") == stamp()["commit"]
    for one in (cost.now, cost.before):
        assert one.seconds > 0.5, "Python and torch start"
        assert one.processor > 0.5
        assert 0.1 < one.peak_gb < 8
    assert cost.share == pytest.approx(cost.now.seconds / cost.before.seconds)
    line = {**json.loads(json.dumps(cost.line())), **stamp()}
    assert (line["bench"], line["seed"]) == ("large", 0)
    assert LargeCost.read(line) == cost
    text = large_table([{**line, "now": {**line["now"], "seconds": 99.0}}, line])
    (row,) = [row for row in text.splitlines() if row.startswith("| 160x240")]
    assert f"| {cost.now.seconds:.1f} |" in row, "the newest"
    assert "99.0" not in text
    alone = {**line, "before": None, "height": 7}
    assert LargeCost.read(alone).share is None
    assert "| 160x7 |" in large_table([alone])
    screen = Console(file=io.StringIO(), record=True, width=160)
    print_large([cost], screen)
    assert f"{cost.share:.1%}" in screen.export_text()
    with pytest.raises(ValueError, match="no line of `repose bench large`"):
        large_table([])


def test_what_cannot_be_measured_says_why(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 round"):
        time_large(rounds=0)
    with pytest.raises(ValueError, match="the folder src of another checkout"):
        time_large(against=tmp_path)
    with pytest.raises(ValueError, match=r"(?s)failed:.*nobody"):
        time_large([(120, 80)], model="nobody")
    (tmp_path / "repose").mkdir()
    (tmp_path / "repose" / "__init__.py").write_text("raise SystemExit(1)\n")
    with pytest.raises(ValueError, match="failed"):
        time_large([(120, 80)], against=tmp_path, model=str(tiny.save(tmp_path / "run")))


def test_the_command(tmp_path: Path) -> None:
    model = str(tiny.save(tmp_path / "run"))
    words = ["bench", "large", "240x160", "-m", model, "--results", str(tmp_path / "r.jsonl")]
    done = CliRunner().invoke(cli.app, words)
    assert done.exit_code == 0, done.output
    line = json.loads((tmp_path / "r.jsonl").read_text())
    assert (line["bench"], line["height"], line["width"], line["before"]) == ("large", 240, 160, None)
    assert {"commit", "hardware", "threads", "seed"} <= line.keys()
