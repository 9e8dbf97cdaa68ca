"""Recipes over several seeds: what is trained, that nothing is repeated, and the intervals."""

import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from scipy.stats import t

from repose import models
from repose.bench.seeds import STUDENT_T, compare_seeds, over_seeds, seeds_table
from repose.document_tables import document_table
from repose.record import read_results
from tests import tiny
from tests.bench.test_budget import InProcess
from tests.train import toy


@pytest.fixture(autouse=True)
def _toy_recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    toy.declare(monkeypatch)
    monkeypatch.setitem(models.RECIPES, "toy", "tests.bench.test_budget:toy_recipe")


def test_the_interval_is_student_s() -> None:
    values = [0.5, 0.52, 0.57]
    low, high = t.interval(0.95, 2, loc=0.53, scale=math.sqrt(0.0026 / 2) / math.sqrt(3))
    score = over_seeds(values)
    assert (score.value, score.low, score.high) == pytest.approx((0.53, low, high), abs=1e-4)
    assert pytest.approx([t.ppf(0.975, degrees) for degrees in range(1, 10)], abs=1e-4) == list(STUDENT_T)
    infinite = over_seeds([math.inf, math.inf])
    assert math.isinf(infinite.value)
    assert math.isnan(infinite.low)


def test_each_recipe_from_each_seed_once_and_the_differences(tmp_path: Path) -> None:
    store, out, results = tiny.store(tmp_path / "data"), tmp_path / "out", tmp_path / "results.jsonl"
    specs = ["toy", "toy name=wide network.width=12"]

    def compare(seeds: Sequence[int], run: InProcess, images: int = 16) -> list[dict[str, Any]]:
        screen = Console(file=io.StringIO(), width=200)
        return compare_seeds(
            specs, store.folder, "patn-market", images, seeds, out, results, screen,
            limit=2, pose="none", features=False, accelerator="cpu", train=run,
        )  # fmt: skip

    stopped = InProcess(store, fail_at=4)
    with pytest.raises(KeyboardInterrupt):
        compare([0, 3], stopped)
    again = InProcess(store)
    lines = compare([0, 3], again)
    assert stopped.calls[:3] + again.calls == [["out/toy-0"], ["out/wide-0"], ["out/toy-3"], ["out/wide-3"]]
    assert [(line["model"], line["seed"], line["images"]) for line in lines] == [
        ("toy", 0, 16), ("toy", 3, 16), ("wide", 0, 16), ("wide", 3, 16)
    ]  # fmt: skip
    assert len({line["weights"] for line in lines}) == 4
    assert [line["settings"]["seed"] for line in lines] == [0, 3, 0, 3]
    assert (out / "sheet.png").exists()
    third = InProcess(store)
    assert compare([0, 3], third) == lines
    assert third.calls == []
    written = [json.loads(text) for text in results.read_text().splitlines()]
    assert len(written) == 4

    table = seeds_table(written, "drawn", "toy")
    ssim = {(line["model"], line["seed"]): line["rows"]["generated"]["ssim"][0] for line in lines}
    less = over_seeds([ssim["wide", seed] - ssim["toy", seed] for seed in (0, 3)])
    (row,) = [line for line in table.splitlines() if line.startswith("| `wide` less `toy` |")]
    assert f"| {less.value:.3f} [{less.low:.3f}, {less.high:.3f}] |" in row
    assert "16 images from the seeds 0, 3" in table
    with pytest.raises(ValueError, match="wide has no line of seed 3"):
        seeds_table([line for line in written if (line["model"], line["seed"]) != ("wide", 3)], "drawn", "toy")
    lacking = tmp_path / "lacking"
    lacking.mkdir()
    (lacking / "seeds.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in written[:3]))
    with pytest.raises(ValueError, match=r"^wide has no line of seed 3"):  # no line is to blame
        document_table("seeds-drawn@toy", read_results(lacking))
    with pytest.raises(ValueError, match="whose first recipe is wide"):
        seeds_table(written, "drawn", "wide")
    with pytest.raises(ValueError, match="other settings; give another folder"):
        compare([0, 3], third, images=24)
    for seeds in ([0], [0, 0], range(11)):
        with pytest.raises(ValueError, match="needs 2 to 10 of them"):
            compare(list(seeds), third)
