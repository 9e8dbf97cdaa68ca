"""The table of cost: counted numbers are those of the real networks, and what is measured stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from repose import models
from repose.bench.cost import count, measure, run
from repose.bench.cost.count import count_cost
from repose.bench.cost.measure import measure_cost, measure_costs, settings_digest
from repose.bench.cost.result import CountedCost, MeasuredRun
from repose.bench.cost.run import run_apart, run_generator
from repose.bench.cost.table import cost_table, short_cost_table
from repose.bench.workload import example, gmacs
from repose.models.base import Generator
from repose.recipes import Recipe, override
from tests import tiny
from tests.lines import rows_of

RESULTS = Path(__file__).parents[2] / "results"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recipes of PATN and multi-scale are tiny ones here; in other processes they are what they are."""
    real, tiny_ones = models.recipe, ("patn-s", "patn-market", "multiscale-s")
    monkeypatch.setattr(models, "recipe", lambda name: tiny.recipe(name) if name in tiny_ones else real(name))


# -- counted ----------------------------------------------------------------------------------------------------------


def test_what_is_counted_is_what_is_there() -> None:
    made = tiny.recipe("patn-market")
    counted = count_cost(made)
    generator, objective = models.build_generator(made).eval(), models.build_objective(made)
    inputs = generator.encode(*example(128, 64))
    assert counted.gmac["128x64"] == pytest.approx(gmacs(generator, inputs), rel=1e-9)
    assert list(counted.gmac) == ["128x64", "256x176", "1024x1024"]
    assert counted.gmac["1024x1024"] == pytest.approx(128 * counted.gmac["128x64"], rel=1e-6), "convolutions alone"
    assert counted.parameters == {
        "generator": sum(weight.numel() for weight in generator.parameters()),
        "objective": sum(weight.numel() for weight in objective.networks.parameters()),
        "features": 3 * 9 * 64 + 64 + 64 * 9 * 64 + 64,  # VGG19 up to relu1_2, whose file is not here
    }
    assert counted.why == {}
    assert counted.inference_bytes["1024x1024"] > 50 * counted.inference_bytes["128x64"]
    training = counted.training
    assert (training.batch, training.pictures, training.lacks) == (32, 32, "")
    assert training.bytes > training.bytes_at_one


def test_a_size_that_is_refused() -> None:
    made = override(models.recipe("hpn"), ["network.width=32"])
    counted = count_cost(made)
    assert list(counted.gmac) == ["128x64", "1024x1024", "256x256"]
    assert counted.why == {
        "256x176": "HPN takes sides that are multiples of 32, got 256x176; repose.represent.canvas pads or resizes"
    }


def test_every_recipe_has_a_line_in_the_results() -> None:
    texts = (text for path in RESULTS.glob("*.jsonl") for text in path.read_text("utf-8").splitlines())
    lines = [line for line in map(json.loads, texts) if line.get("kind") == "cost"]
    assert not set(models.RECIPES) - {line["recipe"] for line in lines}, "run `repose bench cost --count`"


# -- measured ---------------------------------------------------------------------------------------------------------


def test_measuring() -> None:
    measured = run_generator(tiny.recipe("patn-s"), 64, 32, rounds=3, backends=("plain", "folded"))
    assert set(measured.backends) == set(measured.ran) == {"plain", "folded"}
    for row in measured.ran.values():
        assert 0 < row.best <= row.low <= row.median <= row.high
    assert measured.peak_gflops > 1
    assert measured.cuda is None
    assert "cuda" not in measured.line()
    assert MeasuredRun.read(json.loads(json.dumps(measured.line()))) == measured


def test_a_backend_that_does_not_run_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str, generator: Generator, inputs: Any) -> Any:
        raise RuntimeError("inside\nmore")

    monkeypatch.setattr(run, "image_function", broken)
    measured = run_generator(tiny.recipe("patn-s"), 64, 32, rounds=2)
    assert measured.line()["backends"] == {"plain": {"note": "RuntimeError: inside"}}
    assert measured.ran == {}
    assert MeasuredRun.read(measured.line()) == measured


def test_a_gpu_is_timed_from_people_to_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the CPU is: what goes to the GPU are people, and each time holds `encode` and the wait for the picture."""
    done: list[str] = []

    class Placed:
        def to(self, device: str) -> Placed:
            done.append(f"{type(self).__name__} to {device}")
            return self

    class Someone(Placed):
        pass

    class Network(Placed):
        def encode(self, source: Someone, target: Someone) -> tuple[Someone, Someone]:
            assert isinstance(source, Someone)
            done.append("encode")
            return source, target

        def synthesise(self, *inputs: Someone) -> None:
            done.append("synthesise")

    for name, value in (("synchronize", None), ("reset_peak_memory_stats", None), ("max_memory_allocated", 7)):
        monkeypatch.setattr(torch.cuda, name, lambda name=name, value=value: (done.append(name), value)[1])
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    network: Any = Network()
    people: Any = (Someone(), Someone())
    gpu = run._run_on_gpu(network, people, 3)
    assert (gpu.bytes, gpu.name) == (7, "a GPU")
    one = ["encode", "synthesise", "synchronize"]
    assert done[:3] == ["Network to cuda", "Someone to cuda", "Someone to cuda"]
    assert done[3:] == [*one, "reset_peak_memory_stats", *one, "max_memory_allocated", *3 * one]


def test_a_process_of_its_own() -> None:
    measured = run_apart("carry-s", 128, 64, 1, ["plain"], "cpu")
    weights = 4 * sum(weight.numel() for weight in models.build_generator(models.recipe("carry-s")).parameters())
    assert weights < measured.bytes < weights + 0.3e9, "the network's own, not the interpreter's"
    with pytest.raises(RuntimeError, match=r"the process ended with 1: .*no recipe is called 'carry-x'"):
        run_apart("carry-x", 128, 64, 1, ["plain"], "cpu")


# -- all of them ------------------------------------------------------------------------------------------------------


SECONDS = {"best": 0.4, "low": 0.4, "median": 0.5, "high": 0.8}


def measured_line(**changes: Any) -> dict[str, Any]:
    """What a line says of a run."""
    line = {"height": 256, "width": 176, "bytes": 700_000_000, "rounds": 7, "peak_gflops": 100.0,
            "backends": {"plain": SECONDS}}  # fmt: skip
    return line | changes


def test_what_is_measured_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int, int]] = []

    def apart(name: str, height: int, width: int, *rest: object) -> MeasuredRun:
        asked.append((name, height, width))
        if name == "multiscale-s":
            raise RuntimeError("the process ended with -9: it was killed, for memory perhaps")
        return MeasuredRun.read(measured_line())

    def counting(recipe: Recipe) -> CountedCost:
        if recipe.name == "patn-market":
            raise ValueError("it cannot be built")
        return count.count_cost(recipe)

    monkeypatch.setattr(measure, "run_apart", apart)
    monkeypatch.setattr(measure, "count_cost", counting)
    results, names = tmp_path / "cost.jsonl", ["patn-s", "patn-market", "multiscale-s"]
    first = {name: (cost, happened) for name, cost, happened in measure_costs(names, results)}
    assert first["patn-s"][1] == "measured"
    assert first["patn-market"] == (None, "skipped: it cannot be built")
    assert first["multiscale-s"][1] == "the process ended with -9: it was killed, for memory perhaps"
    assert asked == [("patn-s", 256, 176), ("multiscale-s", 256, 176)]
    assert len(results.read_text().splitlines()) == 2
    line = json.loads(results.read_text().splitlines()[0])
    assert {"date", "commit", "hardware", "threads", "torch", "seed"} <= set(line), "the stamp"
    assert (line["kind"], line["recipe"], line["model"], line["measured"]["bytes"]) == ("cost", "patn-s", "patn", 7e8)

    again = {name: happened for name, _, happened in measure_costs(names, results)}
    assert again["patn-s"] == "was there"
    assert asked[2:] == [("multiscale-s", 256, 176)], "what failed is tried again"
    assert [happened for *_, happened in measure_costs(["patn-s"], results, anew=True)] == ["measured"]
    threads = torch.get_num_threads()
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads + 1)
    assert [happened for *_, happened in measure_costs(["patn-s"], results)] == ["measured"], "of other threads"
    monkeypatch.undo()
    assert settings_digest(tiny.recipe("patn-s")) != settings_digest(tiny.recipe("patn-s", "network.width=8"))


def test_what_is_counted_stays_while_no_more_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "run_apart", lambda *_: MeasuredRun.read(measured_line()))
    results = tmp_path / "cost.jsonl"

    def happened(**options: bool) -> str:
        ((_, cost, what),) = measure_costs(["patn-s"], results, **options)  # type: ignore[arg-type]
        assert cost is not None
        return f"{what}, {'measured' if cost.measured else 'not'}"

    assert happened(run=False) == "only counted, not"
    assert happened(run=False) == "was there, not"
    assert happened() == "measured, measured"
    assert happened() == happened(run=False) == "was there, measured"
    assert happened(run=False, anew=True) == "only counted, not"
    assert happened(run=False) == "was there, measured", "a finished line is worth more than a newer one that is not"
    assert len(results.read_text().splitlines()) == 3


def test_what_does_not_fit_is_counted_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "run_apart", lambda *_: pytest.fail("it must not run"))
    monkeypatch.setattr(measure, "free_memory", lambda: 1000)
    cost = measure_cost("patn-s")
    assert (cost.measured, cost.again) == (None, True)
    assert cost.counted.why["measured"].endswith("0.0 GB were free")
    assert measure_cost("patn-s", run=False).counted.why["measured"] == "only counted"


def test_unknown_names_stop_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="did you mean 'patn-s'"):
        list(measure_costs(["patn-s", "patn-ss"], tmp_path / "cost.jsonl"))
    with pytest.raises(KeyError, match="did you mean 'folded'"):
        list(measure_costs(["patn-s"], tmp_path / "cost.jsonl", backends=["foldde"]))
    assert not list(tmp_path.iterdir())


def test_every_model_is_in_the_short_table() -> None:
    main = models.main_recipes()
    assert {models.recipe(name).model for name in main} == set(models.MODELS)
    assert len(main) == 2 * len(models.MODELS) == len(set(main))
    assert set(main) | set(models.published_costs()) <= set(models.RECIPES)


# -- the tables -------------------------------------------------------------------------------------------------------


def line(recipe: str, day: int = 1, **facts: Any) -> dict[str, Any]:
    """A result line of `repose bench cost`."""
    return {
        "kind": "cost", "recipe": recipe, "model": "patn", "digest": recipe, "inference_bytes": {"256x176": 1e9},
        "parameters": {"generator": 41_358_019, "objective": 7_900_000, "features": 9},
        "gmac": {"128x64": 5.04, "256x176": 20.0, "1024x1024": 640.0}, "why": {}, "again": False,
        "training": {
            "batch": 7, "pictures": 7, "bytes": 9.63e9, "bytes_at_one": 1.91e9, "activations": 1e9, "lacks": "",
        },
        "measured": measured_line(), "hardware": "a box", "threads": 2, "torch": "2.6", "commit": "abc",
        "date": f"2026-01-{day:02}T00:00:00+00:00", **facts,
    }  # fmt: skip


def cells(text: str) -> dict[str, dict[str, str]]:
    """First cell -> head of the column -> cell."""
    rows = rows_of(text)
    heads = next(values for name, values in rows.items() if name == "recipe")
    assert len(heads) == len(set(heads))
    return {name: dict(zip(heads, values, strict=True)) for name, values in rows.items() if name != "recipe"}


def test_the_long_table() -> None:
    lines = [line("carry-s"), line("patn-fashion", 1), line("patn-fashion", 2, commit="def"), line("gone")]
    text = cost_table(lines)
    found = cells(text)
    assert list(found)[:2] == ["`patn-fashion`", "`carry-s`"], "in the registry's order, without what it lost"
    assert found["`patn-fashion`"] == {
        "M weights": "41.36", "M of discriminators": "7.90", "GMAC 128x64": "5.0", "GMAC 256x176": "20.0",
        "GMAC 1024x1024": "640.0", "training GB": "9.63 at batch 7", "with one pair": "1.91",
        "pictures a second": "2.00", "quartiles": "1.25 to 2.50", "of peak": "80%", "inference GB": "0.70",
        "published: M weights": "41.36", "published: pictures a second": "60.61",
    }  # fmt: skip
    assert found["`carry-s`"]["published: M weights"] == ""
    others = [row for name, row in found.items() if name.endswith("not here")]
    assert [row["published: M weights"] for row in others] == ["437.09", "139.36", "82.08", "44.85"]
    assert all(row["M weights"] == row["pictures a second"] == "" for row in others)
    assert "Commit `def`, `abc`." in text
    assert "Missing" not in text


def test_a_later_count_hides_no_measurement() -> None:
    counted: dict[str, Any] = {"measured": None, "why": {"measured": "only counted"}, "again": True}
    lines = [line("patn-s", 1, digest="a"), line("patn-s", 2, digest="a", **counted)]
    assert cells(cost_table(lines))["`patn-s`"]["pictures a second"] == "2.00"
    lines.append(line("patn-s", 3, digest="a", measured=measured_line(bytes=900_000_000)))
    assert cells(cost_table(lines))["`patn-s`"]["inference GB"] == "0.90", "the newest measurement"
    lines.append(line("patn-s", 4, digest="b", **counted))
    assert cells(cost_table(lines))["`patn-s`"]["pictures a second"] == "", "of other settings none is known"


def test_what_is_missing_says_why() -> None:
    refused: dict[str, Any] = {
        "gmac": {"128x64": 5.0, "256x256": 30.0},
        "why": {"256x176": "multiples of 32", "1024x1024": "too large"},
    }
    square = line("hpn", **refused, measured=measured_line(height=256, width=256))
    silent = line("hpn-s", measured=None, why={"measured": "it needs 40.0 GB, 20.0 GB were free"})
    partial = line("garment", training={**line("a")["training"], "lacks": "the loss terms of joint: a file"})
    broken = line("pinet-s", measured=measured_line(backends={"plain": {"note": "RuntimeError"}}))
    text = cost_table([square, silent, partial, broken])
    found = cells(text)
    assert found["`hpn`"]["GMAC 256x176"] == "30.0*"
    assert found["`hpn`"]["GMAC 1024x1024"] == ""
    assert found["`hpn`"]["pictures a second"] == "2.00*"
    assert found["`hpn`"]["of peak"] == "120%"
    assert found["`hpn-s`"]["pictures a second"] == found["`hpn-s`"]["inference GB"] == ""
    assert found["`garment`"]["training GB"] == "at least 9.63 at batch 7"
    assert found["`pinet-s`"]["pictures a second"] == "did not run"
    for why in (
        "256x176: multiples of 32 (`hpn`)",
        "1024x1024: too large (`hpn`)",
        "not measured: it needs 40.0 GB, 20.0 GB were free (`hpn-s`)",
        "training without the loss terms of joint: a file (`garment`)",
    ):
        assert why in text
    assert "too large" not in short_cost_table([square])
    many = [line(name, measured=None, why={"measured": "only counted"}) for name in models.RECIPES]
    assert f"not measured: only counted ({len(models.RECIPES)} recipes)" in cost_table(many)


def test_the_short_table_and_the_gpu() -> None:
    gpu = {"best": 0.01, "low": 0.01, "median": 0.01, "high": 0.01, "bytes": 1.5e9, "name": "a GPU"}
    fast = {"plain": SECONDS, "compiled": {"best": 0.1, "low": 0.1, "median": 0.1, "high": 0.1}}
    text = short_cost_table([line("patn-s", measured=measured_line(cuda=gpu, backends=fast)), line("patn-market")])
    found = cells(text)
    assert "`patn-market`" not in found
    assert found["`patn-s`"] == {
        "M weights": "41.36", "GMAC 256x176": "20.0", "training GB": "9.63 at batch 7",
        "pictures a second": "2.00, `compiled` 10.00", "inference GB": "0.70", "pictures a second on the GPU": "100.0",
        "GB on the GPU": "1.50", "published: M weights": "", "published: pictures a second": "",
    }  # fmt: skip
    assert "GPU: a GPU" in text
    with pytest.raises(ValueError, match="no line of `repose bench cost`"):
        cost_table([line("gone")])


# -- the command ------------------------------------------------------------------------------------------------------


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from repose.cli import app

    results = tmp_path / "cost.jsonl"
    words = ["bench", "cost", "patn-s", "--count", "--results", str(results)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "patn-s: " in done.output
    assert "(only counted)" in done.output
    assert json.loads(results.read_text())["again"]
    for wrong, said in ((["--device", "gpu"], "auto, cpu or cuda"), (["--device", "cuda"], "no GPU")):
        if wrong[1] == "cuda" and torch.cuda.is_available():
            continue
        failed = CliRunner().invoke(app, [*words, *wrong])
        assert said in str(failed.exception)


def test_attention_counts() -> None:
    """Twice the side is 4 times the convolutions but 16 times the products of places."""
    made = override(models.recipe("apatn-s"), ["network.width=4"])
    generator = models.build_generator(made).eval()
    small, large = (gmacs(generator, generator.encode(*example(*size))) for size in ((64, 32), (128, 64)))
    assert large > 4.2 * small


def test_a_line_counted_in_another_way_is_another_line(monkeypatch: pytest.MonkeyPatch) -> None:
    made = tiny.recipe("patn-s")
    before = settings_digest(made)
    monkeypatch.setattr(measure, "COUNTING", measure.COUNTING + 1)
    assert settings_digest(made) != before
