"""The benchmark of all fields beside each network alone: what is timed, line and table."""

import io
import json
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from rich.console import Console
from torch import Tensor
from typer.testing import CliRunner

from repose import cli
from repose.bench.estimating import EstimatingTimes, NetworkTime, estimating_table, print_estimating, time_estimating
from repose.data import Store, StoreWriter
from repose.estimate.base import Image
from repose.record import stamp
from tests.estimate import fake_fields, fakes

MILLISECONDS = 40


class SlowMask(fake_fields.Mask):
    """A mask that takes `MILLISECONDS`, and a start that counts for nothing."""

    name = "slow-mask-1"

    def __init__(self) -> None:
        time.sleep(0.2)

    def mask(self, image: Image, keypoints: Tensor) -> Tensor:
        time.sleep(MILLISECONDS / 1000)
        return super().mask(image, keypoints)


USING = {"keypoints": fake_fields.USING["keypoints"], "mask": "tests.bench.test_estimating:SlowMask"}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Figures of 64x128 that the fakes see."""
    with StoreWriter(tmp_path / "data", 128, 64, "figures", licence="none") as writer:
        for k in range(12):
            image, _ = fakes.figure(64, 128, [fakes.joints(2 + k % 3, 6, 110)])
            writer.add(f"{k:02d}.png", f"p{k}", image, np.ones((18, 3), np.float32), split="test")
        writer.finish()
    return Store.open(tmp_path / "data")


def test_each_network_alone_and_the_whole(store: Store) -> None:
    said: list[str] = []
    times = time_estimating(store, ["mask"], USING, photographs=12, workers=1, rounds=2, say=said.append)
    assert said == [
        "round 1 of 2: all fields of 6 photographs", "round 1 of 2: keypoints alone", "round 1 of 2: mask alone",
        "round 2 of 2: all fields of 6 photographs", "round 2 of 2: keypoints alone", "round 2 of 2: mask alone",
    ]  # fmt: skip
    assert (times.height, times.width, times.photographs, times.workers, times.people) == (128, 64, 12, 1, 12)
    assert [(one.field, one.estimator) for one in times.networks] == [
        ("keypoints", "fake-joints-1"),
        ("mask", "slow-mask-1"),
    ]
    assert times.slowest.field == "mask"
    assert MILLISECONDS / 1000 <= times.slowest.seconds < 2 * MILLISECONDS / 1000
    assert times.seconds > times.slowest.seconds
    assert times.whole == pytest.approx(times.start + 10_000 * times.seconds)
    assert times.times == pytest.approx(times.whole / (10_000 * times.slowest.seconds))


def test_line_and_table() -> None:
    networks = (NetworkTime("keypoints", "a-1", 0.2), NetworkTime("mask", "b-1", 0.1))
    times = EstimatingTimes(256, 176, 300, 2, 0.31, 20.0, 290, networks)
    line = {**json.loads(json.dumps(times.line())), **stamp()}
    assert (line["bench"], line["seed"]) == ("estimate", None)
    assert EstimatingTimes.read(line) == times
    text = estimating_table([{**line, "seconds": 9.0}, line])
    assert "| keypoints | `a-1` | 200 | 33.3 | 1.00 |" in text
    assert "| mask | `b-1` | 100 | 16.7 | 0.50 |" in text
    assert "| all, files read and written |  | 310 | 52.0 | 1.56 |" in text, "the newest; with the start"
    assert "9000" not in text
    screen = Console(file=io.StringIO(), record=True, width=160)
    print_estimating(times, screen)
    assert "1.56" in screen.export_text()
    with pytest.raises(ValueError, match="no line of `repose bench estimate`"):
        estimating_table([])
    with pytest.raises(ValueError, match="has no key 'height'"):
        EstimatingTimes.read({"bench": "estimate", "networks": []})


def test_what_cannot_be_measured_says_why(store: Store) -> None:
    with pytest.raises(ValueError, match="4 photographs a process and round"):
        time_estimating(store, ["mask"], USING, photographs=12, workers=2, rounds=2)
    with pytest.raises(ValueError, match="has 12 photographs, 40 are wanted"):
        time_estimating(store, ["mask"], USING, photographs=40, workers=1)


def test_the_command(store: Store, tmp_path: Path) -> None:
    torch.manual_seed(0)
    using = ",".join(f"{name}={path}" for name, path in USING.items())
    words = ["bench", "estimate", "-d", str(store.folder), "--fields", "mask", "--estimators", using]
    more = ["--photographs", "8", "--workers", "1", "--rounds", "1", "--results", str(tmp_path / "r.jsonl")]
    done = CliRunner().invoke(cli.app, [*words, *more])
    assert done.exit_code == 0, done.output
    line = json.loads((tmp_path / "r.jsonl").read_text())
    assert (line["bench"], line["photographs"], line["data"]) == ("estimate", 8, "figures")
    assert {"commit", "hardware", "threads", "seed", "checksum"} <= line.keys()
