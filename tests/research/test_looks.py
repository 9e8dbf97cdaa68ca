"""The comparison of MoveNet's looks: its numbers on joints that are known, and its table."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from repose import cli
from repose.research.looks import WAYS, LooksMeasured, LooksRow, ThresholdRow, _collapsed, _located, _near, _stability
from tests import tiny

PLACES = np.array([[10.0 + k, 20.0 + 2 * k, 0.9] for k in range(17)])


def test_located_joints() -> None:
    joints = np.stack([PLACES, PLACES])
    joints[1, 3, 2], joints[1, 4, 0] = 0.1, 70.0  # one too faint, one outside
    one, two = _located(joints, (128, 64), 0.256)
    assert (one[:, 2] > 0).all()
    assert (two[:, 2] > 0).sum() == 16
    assert one[0].tolist() == [9.5, 19.5, 1.0]


def test_agreement_and_stability() -> None:
    truth = _located(PLACES[None], (128, 64), 0.256)
    moved = PLACES[None].copy()
    moved[0, :, 0] += 3
    moved[0, 16, 2] = 0.1
    found = _located(moved, (128, 64), 0.256)
    assert _near(found, truth, 2.9) == 0
    assert _near(found, truth, 3.1) == pytest.approx(17 / 18)
    assert _stability(PLACES[None], moved, (128, 64), 0.256) == pytest.approx((3.0, 1.0))
    assert _stability(PLACES[None], PLACES[None], (128, 64), 0.256) == (0.0, 0.0)


def test_collapsed_pairs() -> None:
    look = np.column_stack([np.linspace(0.2, 0.8, 17), np.full(17, 0.5), np.full(17, 0.5)])
    other = look.copy()
    other[[13, 14]] = look[[14, 13]]
    assert _collapsed([look, other], (13, 14))
    assert not _collapsed([look, other], (15, 16))


def test_the_verb_prints_and_appends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = tuple(LooksRow(way, 2, 0.9125, 0.8, 0.7, 0.3, 1.5, 10.0) for way in WAYS)
    measured = LooksMeasured(3, 2, 1, 1, 0, rows, (ThresholdRow(0.25, 0.9, 0.9, 0.9, 0.8, 0.5),))
    asked: list[tuple[object, ...]] = []

    def measure(*given: object) -> LooksMeasured:
        asked.append(given[1:-1])
        return measured

    monkeypatch.setattr("repose.research.looks.measure_looks", measure)
    monkeypatch.setattr(cli.stdout, "width", 200)
    place, results = tiny.store(tmp_path / "data").folder, tmp_path / "lines.jsonl"
    words = ["research", "looks", "-d", str(place), "--count", "3", "--padded", "2", "--results", str(results)]
    done = CliRunner().invoke(cli.app, words)
    assert done.exit_code == 0, done.output
    assert asked == [("test", 3, 2, 0)]
    assert "names by person" in done.output
    assert "0.9125" in done.output
    (line,) = [json.loads(text) for text in results.read_text().splitlines()]
    assert (LooksMeasured.read(line), line["split"]) == (measured, "test")


def test_the_line_is_read_back() -> None:
    rows = tuple(LooksRow(way, 2, 0.9, 0.8, 0.7, 0.3, 1.5, 10.0) for way in WAYS)
    measured = LooksMeasured(3, 2, 1, 1, 0, rows, (ThresholdRow(0.25, 0.9, 0.9, 0.9, 0.8, 0.5),))
    assert LooksMeasured.read(json.loads(json.dumps(measured.line()))) == measured
