"""`repose eval` from inside: models and folders of pictures in one table, and which weights a line is about."""

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from rich.console import Console

from repose.comparison import ComparisonFiles, compare
from repose.data import Store, StoreWriter
from repose.metrics import EvaluationSettings
from repose.metrics.file_names import file_names
from repose.models import build_generator, recipe
from repose.models.carry.network import CarryConfig
from repose.models.weights import save_weights, weight_files, weights_checksum
from repose.pipeline import Model, load
from repose.represent.canvas import to_uint8
from tests import tiny


def screen() -> Console:
    return Console(file=io.StringIO(), width=160)


def test_a_model_and_the_folder_of_its_pictures_measure_alike(tmp_path: Path) -> None:
    store, run = tiny.store(tmp_path / "data"), tiny.save(tmp_path / "run")
    model, folder = load(run), tmp_path / "pictures"
    folder.mkdir()
    for source, target in store.pairs("test").tolist():
        picture = to_uint8(model(store.person([source]), store.person([target])))[0]
        PIL.Image.fromarray(picture).save(folder / file_names(store.names[source], store.names[target])[0])
    names, results = [str(run), str(folder)], tmp_path / "results.jsonl"
    files = ComparisonFiles(tmp_path / "eval.png", results)
    evaluations = compare(names, store.folder, "patn-market", EvaluationSettings(), files, screen())
    first, second = (evaluation["generated"].scores for evaluation in evaluations)
    assert first.keys() == second.keys() >= {"ssim", "mask_ssim", "psnr", "l1"}
    for metric, score in first.items():  # batches of other sizes round differently
        assert score.value == pytest.approx(second[metric].value, rel=1e-3)
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    assert [line["model"] for line in lines] == ["run", "pictures"]
    assert lines[0]["weights"] == hashlib.sha256((run / "weights.safetensors").read_bytes()).hexdigest()
    assert lines[1]["weights"] is None
    assert (tmp_path / "eval.png").exists()
    settings, files = EvaluationSettings(split="train", limit=2), ComparisonFiles(tmp_path / "e.png")
    few = compare([str(run)], store.folder, "patn-market", settings, files, screen())
    assert (few[0].facts["split"], few[0].facts["pairs"]) == ("train", 2)


@pytest.mark.parametrize("shard", [None, 4_000])
def test_checksum_of_one_and_of_several_weight_files(shard: int | None, tmp_path: Path) -> None:
    small_recipe = tiny.recipe()
    save_weights(tmp_path, tiny.generator(small_recipe), small_recipe, {}, shard=shard)
    paths = weight_files(tmp_path)
    assert (len(paths) > 1) == (shard is not None)
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    wanted = digests[0] if shard is None else hashlib.sha256("".join(digests).encode()).hexdigest()
    assert weights_checksum(str(tmp_path)) == wanted


def save_pictures(folder: Path, store: Store, grey: int, size: tuple[int, int] = (64, 128)) -> Path:
    """A folder with one grey picture for each pair of the test split."""
    folder.mkdir()
    for source, target in store.pairs("test").tolist():
        name = file_names(store.names[source], store.names[target])[0]
        PIL.Image.new("RGB", size, (grey, grey, grey)).save(folder / name)
    return folder


def test_a_sheet_of_folders_alone(tmp_path: Path) -> None:
    store, out = tiny.store(tmp_path / "data"), tmp_path / "sheet.png"
    folders = [str(save_pictures(tmp_path / name, store, grey)) for name, grey in (("dark", 60), ("light", 190))]
    settings = EvaluationSettings(limit=2)
    compare(folders, store.folder, "patn-market", settings, ComparisonFiles(out), screen())
    picture = np.asarray(PIL.Image.open(out))
    for grey in (60, 190):
        assert 0 <= (picture == grey).all(-1).sum() - 2 * (2 * 64) * (2 * 128) < 500, "two pairs; the rest is lettering"
    assert (picture == 60).all(-1).sum(0).argmax() < (picture == 190).all(-1).sum(0).argmax(), "in the order given"


def test_the_sheet_shows_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with StoreWriter(tmp_path / "data", 256, 176, "noise", licence="none") as writer:
        random = np.random.default_rng(0)
        for name in ("a.png", "b.png"):
            keypoints = np.concatenate([random.uniform(20, 150, (18, 2)), np.ones((18, 1))], 1).astype(np.float32)
            writer.add(name, "p", random.integers(0, 256, (256, 176, 3), np.uint8), keypoints, split="test")
        writer.finish({"test": [("a.png", "b.png")]})
    run = tiny.save(tmp_path / "run", "multiscale-fashion")
    small_recipe: list[torch.Tensor] = []
    real = Model.__call__
    monkeypatch.setattr(Model, "__call__", lambda *words: small_recipe.append(real(*words)) or small_recipe[-1])
    out = tmp_path / "sheet.png"
    compare([str(run)], tmp_path / "data", "roy-fashion", EvaluationSettings(), ComparisonFiles(out), screen())
    measured, drawn = small_recipe
    assert measured.shape == (2, 3, 256, 256)
    assert torch.allclose(measured, drawn, atol=1e-5)
    assert PIL.Image.open(out).width > 4 * 2 * 256


def test_of_what_is_chosen_among_the_best_is_drawn(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "data", 128, 64, "noise", licence="none") as writer:
        random = np.random.default_rng(0)
        for number in range(2):
            keypoints = np.concatenate([random.uniform(10, 60, (18, 2)), np.ones((18, 1))], 1).astype(np.float32)
            image = random.integers(170, 210, (128, 64, 3), np.uint8)
            writer.add(f"{number}.png", "p", image, keypoints, split="val")
        writer.finish({"val": [("0.png", "1.png")]})
    names = []
    for name, grey in (("dark", 60), ("light", 190)):
        (tmp_path / name).mkdir()
        PIL.Image.new("RGB", (64, 128), (grey, grey, grey)).save(tmp_path / name / "0_2_1.png")
        names.append(str(tmp_path / name))
    out, page, console = tmp_path / "sheet.png", tmp_path / "page.html", screen()
    settings, files = EvaluationSettings(split="val", features=False), ComparisonFiles(out, reports=(page,))
    compare(names, tmp_path / "data", "patn-market", settings, files, console, choose="l1")
    assert all(f'alt="{name}"' in page.read_text() for name in ("dark", "light")), "each by its own worst and best"
    assert "best by l1 on val: light" in console.file.getvalue()  # type: ignore[attr-defined]
    picture = np.asarray(PIL.Image.open(out))
    assert (picture == 190).all(-1).sum() >= 128 * 256
    assert (picture == 60).all(-1).sum() < 500, "lettering at most"


def test_a_model_of_another_canvas_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    store, results = tiny.store(tmp_path / "data"), tmp_path / "results.jsonl"
    runs = [str(tiny.save(tmp_path / "run")), str(tiny.save(tmp_path / "other", "patn-fashion"))]
    files = ComparisonFiles(tmp_path / "e.png", results)
    with pytest.raises(ValueError, match=r"other works on the canvas 'fashion', patn-market@3 measures on 'market'"):
        compare(runs, store.folder, "patn-market", EvaluationSettings(), files, screen())
    assert not results.exists()


def carry(folder: Path) -> Path:
    """Weights of a tiny Carry, trained for 'market', that works on 64 rows."""
    small_recipe = replace(recipe("carry-s"), network=CarryConfig(width=8, depth=1, match=8, heads=2, height=64))
    torch.manual_seed(0)
    save_weights(folder, build_generator(small_recipe), small_recipe, {"licence": "none", "data": "noise"})
    return folder


def test_strips_of_networks_are_refused_and_of_some_are_said(tmp_path: Path) -> None:
    run, store = str(tiny.save(tmp_path / "run")), tiny.store(tmp_path / "data")
    pictures = save_pictures(tmp_path / "pictures", store, 9, (5 * 64, 128))
    settings, files = EvaluationSettings(estimator=None), ComparisonFiles(tmp_path / "eval.png")
    with pytest.raises(ValueError, match=r"--strips is for folders of pictures, .*run computes its pictures; leave"):
        compare([run], store.folder, "patn-market", settings, files, screen(), strips=True)
    assert not files.sheet.exists()
    with pytest.raises(ValueError, match="no such folder exists"):  # a folder that is not there is told as that
        compare([str(tmp_path / "nowhere")], store.folder, "patn-market", settings, files, screen(), strips=True)
    said = screen()
    compare([str(pictures), run], store.folder, "patn-market", settings, files, said, strips=True)
    assert f"--strips holds for the folders alone, not for {run}" in said.file.getvalue()  # type: ignore[attr-defined]


def test_a_model_of_any_canvas_is_measured_on_another(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "data", 128, 88, "noise", licence="none") as writer:
        random = np.random.default_rng(0)
        for name in ("a.png", "b.png"):
            keypoints = np.concatenate([random.uniform(20, 80, (18, 2)), np.ones((18, 1))], 1).astype(np.float32)
            writer.add(name, "p", random.integers(0, 256, (128, 88, 3), np.uint8), keypoints, split="test")
        writer.finish({"test": [("a.png", "b.png")]})
    settings, files = EvaluationSettings(features=False), ComparisonFiles(tmp_path / "e.png")
    (done,) = compare([str(carry(tmp_path / "run"))], tmp_path / "data", "people-half", settings, files, screen())
    assert 0 < done["generated"].scores["l1"].value < 1
    assert load(tmp_path / "run").recipe.canvas == "market"


def test_a_canvas_that_no_model_can_take_is_said_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measured(*_: object, **__: object) -> None:
        raise AssertionError("too late")

    monkeypatch.setattr("repose.comparison.evaluate", measured)
    store, run = tiny.store(tmp_path / "data"), carry(tmp_path / "run")
    settings, files = EvaluationSettings(), ComparisonFiles(tmp_path / "e.png")
    with pytest.raises(ValueError, match=r"run cannot work on the canvas 'fashion' of patn-fashion@2: .* multiples of"):
        compare([str(run)], store.folder, "patn-fashion", settings, files, screen())


def test_a_store_that_cannot_be_written_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.seeing(monkeypatch)
    store, run, results = tiny.store(tmp_path / "data"), tiny.save(tmp_path / "run"), tmp_path / "results.jsonl"
    (store.folder / "estimated").write_text("in the way")
    settings, files = EvaluationSettings(estimator="movenet", limit=1), ComparisonFiles(tmp_path / "e.png", results)
    compare([str(run)], store.folder, "patn-market", settings, files, screen())
    assert json.loads(results.read_text())["rows"]["target"]["pckh"][0] == 1
