"""Equal budgets: how many images a run gets, that a comparison goes on where it was, and what it leaves."""

import io
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from repose import models
from repose.bench.budget.compare import compare_budgets
from repose.bench.budget.lengths import expected_seconds, images_for, quarter_costs
from repose.bench.budget.machine import MachineUse, own_cores
from repose.bench.budget.process import TrainingJob
from repose.bench.budget.table import budget_rows, budget_table
from repose.bench.budget.terms import EMA, Terms, read_specs
from repose.bench.budget.training import RunState, replan
from repose.data import Store
from repose.metrics.columns import columns_from
from repose.metrics.features import NEWEST
from repose.metrics.protocols import protocol
from repose.models import recipe_from_dict
from repose.nn.mobilenet import MobileNetV2
from repose.recipes import override, to_dict
from repose.train.loop import train
from tests import tiny
from tests.train import toy

SCREEN = Console(file=io.StringIO(), width=200)


# -- how many images ------------------------------------------------------------------------------------------------


def test_costs_of_a_run_whose_second_half_is_dearer() -> None:
    images = [10.0 * n for n in range(1, 11)]
    seconds = [5.0 + min(n, 50) * 0.1 + max(0, n - 50) * 0.3 for n in images]  # 5 seconds of warm-up before
    assert quarter_costs(images, seconds) == pytest.approx([0.1, 0.1, 0.3, 0.3])
    assert expected_seconds([0.1, 0.1, 0.3, 0.3], 1000) == pytest.approx(200)
    assert expected_seconds([0.1, 0.1, 0.3, 0.3], 1000, 400) == pytest.approx(160)
    assert expected_seconds([0.1, 0.1, 0.3, 0.3], 1000, 1000) == 0


@pytest.mark.parametrize("costs", [[0.1] * 4, [0.1, 0.1, 0.3, 0.3], [0.4, 0.1, 0.1, 0.02]])
@pytest.mark.parametrize("done", [0, 96, 800])
def test_the_images_take_the_seconds(costs: list[float], done: int) -> None:
    found = images_for(costs, 120.0, done, 8)
    assert found % 8 == 0
    assert expected_seconds(costs, found, done) == pytest.approx(120, abs=8 * max(costs))
    assert images_for(costs, 0.0, done, 8) == done + 8, "a run that is late ends with its next step"


# -- terms ----------------------------------------------------------------------------------------------------------


def test_equal_terms_are_set_for_all_and_others_refused() -> None:
    canvas = protocol("people-half").canvas
    first, second = read_specs(["patn-s", "patn-s name=slow data.batch=2 ema=0 data.both_directions=true"], canvas)
    assert (first.name, second.name, second.data.batch) == ("patn-s", "slow", 2)
    assert {recipe.canvas for recipe in (first, second)} == {"fashion-half"}
    assert (first.ema, second.ema) == (models.recipe("patn-s").ema, EMA)
    assert read_specs(["patn-market"], canvas)[0].data.both_directions
    for specs, words in (
        (["patn-s", "patn-s data.batch=2"], "two recipes are called 'patn-s'"),
        (["patn-s canvas=market"], "on the canvas 'fashion-half'"),
        (["patn-s data.both_directions=false"], "both directions"),
        ([], "no recipe"),
    ):
        with pytest.raises(ValueError, match=words):
            read_specs(specs, canvas)
    with pytest.raises(KeyError, match="did you mean 'patn-s'"):
        read_specs(["patn-ss"], canvas)


def test_a_recipe_s_file_is_read_and_named_where_it_is_none(tmp_path: Path) -> None:
    canvas, path = protocol("people-half").canvas, tmp_path / "own.json"
    path.write_text(json.dumps(to_dict(override(models.recipe("patn-s"), ["name=own"]))))
    assert [recipe.name for recipe in read_specs([f"{path} data.batch=2"], canvas)] == ["own"]
    path.write_text("{")
    with pytest.raises(ValueError, match=r"own\.json is not a recipe"):
        read_specs([str(path)], canvas)


def test_terms_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="cores of their own, there are"):
        Terms(1, threads=1, side_by_side=1 + len(own_cores()))
    with pytest.raises(ValueError, match="more than 0 minutes"):
        Terms(0)


# -- a whole comparison, with the toy and without processes -----------------------------------------------------------


@pytest.fixture(autouse=True)
def _toy(monkeypatch: pytest.MonkeyPatch) -> None:
    toy.declare(monkeypatch)
    monkeypatch.setitem(models.RECIPES, "toy", "tests.bench.test_budget:toy_recipe")


def toy_recipe() -> Any:
    return replace(toy.recipe(), canvas="market", ema=0)


class InProcess:
    """Trains in this process, and can fail before the n-th call."""

    def __init__(self, store: Store, fail_at: int = 0) -> None:
        self.store, self.fail_at, self.calls = store, fail_at, list[list[str]]()

    def __call__(self, jobs: Sequence[TrainingJob]) -> MachineUse:
        self.calls.append([f"{job.run.parent.name}/{job.name}" for job in jobs])
        if len(self.calls) == self.fail_at:
            raise KeyboardInterrupt
        for job in jobs:
            made = recipe_from_dict(json.loads(job.recipe.read_text()))
            train(made, self.store, job.run, accelerator="cpu", progress=False)
        return MachineUse(2.0, {job.name: 0.5 for job in jobs}, 0.25, (1.0, 3.0))


def test_a_comparison_goes_on_and_repeats_nothing(tmp_path: Path) -> None:
    store, out, results = tiny.store(tmp_path / "data"), tmp_path / "out", tmp_path / "results.jsonl"
    specs, terms = ["toy", "toy name=wide network.width=12"], Terms(0.02, accelerator="cpu")

    def compare(run: InProcess, these: Sequence[str] = specs, on: Terms = terms) -> list[dict[str, Any]]:
        return compare_budgets(
            these, store.folder, "patn-market", on, out, results, SCREEN, limit=2, pose="none", probe=0.2, train=run
        )

    interrupted = InProcess(store, fail_at=6)
    with pytest.raises(KeyboardInterrupt):
        compare(interrupted)
    assert interrupted.calls == [
        ["probe/toy"], ["probe/toy"], ["out/toy"], ["probe/wide"], ["probe/wide"], ["out/wide"]
    ]  # fmt: skip
    assert not results.exists()
    again = InProcess(store)
    lines = compare(again)
    assert again.calls == [["out/wide"]], "what is probed and trained stays"
    written = [json.loads(line) for line in results.read_text().splitlines()]
    assert written == lines
    assert [line["model"] for line in lines] == ["toy", "wide"]
    for line in lines:
        assert (line["kind"], line["minutes"], line["threads"], line["pairs"]) == ("budget", 0.02, 1, 2)
        assert 0 < line["minutes_used"] < 0.2
        assert line["images"] == json.loads((out / line["model"] / "card.json").read_text())["images"]
        assert line["images"] % 8 == 0
        assert {"ssim", "l1"} <= set(line["rows"]["generated"])
        assert {"target", "source"} <= set(line["rows"])
        assert line["machine"] == {"cores": 0.5, "others": 0.25, "load": 2.0, "beside": [], "legs": 1}
        assert line["settings"]["ema"] == EMA
        assert json.loads((out / line["model"] / "card.json").read_text())["weights"] == "moving average"
    assert lines[0]["parameters"] < lines[1]["parameters"]
    assert lines[0]["gmac"] < lines[1]["gmac"]
    assert lines[1]["rows"]["source"] == lines[0]["rows"]["source"]
    assert (out / "sheet.png").exists()
    assert not (out / "probe").exists()

    third = InProcess(store)
    assert compare(third) == lines
    assert third.calls == []
    assert len(results.read_text().splitlines()) == 2
    more = InProcess(store)
    assert [line["model"] for line in compare(more, [*specs, "toy name=third"])] == ["toy", "wide", "third"]
    assert more.calls == [["probe/third"], ["probe/third"], ["out/third"]]
    with pytest.raises(ValueError, match=r"minutes was 0.02, is 0.04"):
        compare(third, on=replace(terms, minutes=0.04))
    with pytest.raises(ValueError, match="'wide' had other settings"):
        compare(third, ["toy name=wide network.width=16"])

    text = budget_table([json.loads(line) for line in results.read_text().splitlines()], "drawn")
    assert text.splitlines()[0].startswith(
        "|  | parameters | GMAC | images | minutes | reads beside photograph and joints |"
    )
    assert "| `wide` | 0.00 M |" in text
    assert all(line["needs"] == {"source": ["image"], "target": ["keypoints"]} for line in written)
    assert "2 of 3 test pairs" in text
    dense = [dict(lines[0], model="toy-dense", needs={"source": ["image", "iuv"], "target": ["iuv", "keypoints"]})]
    some = budget_table([*written, *dense], "drawn", "0.02", "toy")
    assert "| source's IUV, target's IUV |" in some
    assert "`wide`" not in some
    with pytest.raises(ValueError, match=r"budget` of 0\.02 minutes of to on drawn"):
        budget_table(written, "drawn", "0.02", "to")
    assert "0.02 minutes on 1 thread, both directions" in text


def test_what_was_measured_without_features_is_measured_again_with_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repose.metrics.features.mobilenet_v2", lambda taps, scaled: MobileNetV2(taps, scaled))
    store = tiny.store(tmp_path / "data")
    run = InProcess(store)
    words = (["toy"], store.folder, "patn-market@2", Terms(0.01, accelerator="cpu"), tmp_path / "out", None, SCREEN)

    def compare(features: bool | str) -> dict[str, Any]:
        return compare_budgets(*words, limit=2, pose="none", probe=0.1, train=run, features=features)[0]

    without = compare(False)
    calls = len(run.calls)
    with_them = compare(NEWEST)
    assert (without["features"], with_them["features"]) == (None, NEWEST)
    columns = set(columns_from("features"))
    assert not columns & set(without["rows"]["generated"])
    assert columns - {"clothing"} <= set(with_them["rows"]["generated"]), "the store has no parsing"
    assert compare(True) == with_them, "the newest version is the one that was measured"
    assert compare(False) == without
    assert len(run.calls) == calls, "nothing is trained again"
    assert len((tmp_path / "out" / "results.jsonl").read_text().splitlines()) == 2
    with pytest.raises(ValueError, match=f"different features cannot stand in one table: None, {NEWEST}"):
        budget_rows([without, with_them])
    assert "feature distance" not in budget_table([with_them, without], "drawn"), "those of the newest line"


def test_a_run_that_lost_its_weights_makes_them_again(tmp_path: Path) -> None:
    store, out = tiny.store(tmp_path / "data"), tmp_path / "out"
    terms, run = Terms(0.01, accelerator="cpu"), InProcess(store)
    words = (["toy"], store.folder, "patn-market", terms, out, None, SCREEN)
    first = compare_budgets(*words, limit=1, pose="none", probe=0.1, train=run)[0]
    card = json.loads((out / "toy" / "card.json").read_text())
    (out / "toy" / "card.json").write_text(json.dumps(card | {"images": 0}))  # as if killed before the last weights
    (out / "results.jsonl").unlink()
    second = compare_budgets(*words, limit=1, pose="none", probe=0.1, train=run)[0]
    assert second["images"] == first["images"] + 8
    assert second["weights"] != first["weights"]


def test_the_rest_is_planned_at_the_pace_of_the_last_leg() -> None:
    recipe = override(toy_recipe(), ["data.batch=4"])
    run: dict[str, Any] = {"images": 8_000, "costs": [0.01] * 4}

    def after(before: tuple[int, float], images: int, seconds: float) -> int:
        replan(run, RunState(*before, 0), RunState(images, seconds, images), 80.0, recipe)
        return int(run["images"])

    assert after((0, 0.0), 1_000, 20.0) == 4_000, "twice as slow as the probe"
    assert after((1_000, 20.0), 2_000, 30.0) == 7_000, "as fast as the probe"
    assert after((2_000, 30.0), 3_000, 95.0) == 3_008, "over time"
    with pytest.raises(RuntimeError, match="without a step"):
        after((3_000, 95.0), 3_000, 95.0)
