"""`repose eval` from inside: models and folders of pictures in one table, and which weights a line is about."""

import hashlib
import io
import json
from pathlib import Path

import PIL.Image
import pytest
from rich.console import Console

from repose.bench.evaluate import _digest, evaluate_models
from repose.metrics.folder import file_names
from repose.pipeline import load
from repose.represent.canvas import to_uint8
from repose.train.checkpoint import save_weights, weight_files
from tests import tiny


def test_a_model_and_the_folder_of_its_pictures_measure_alike(tmp_path: Path) -> None:
    store, run = tiny.store(tmp_path / "data"), tiny.save(tmp_path / "run")
    model, folder = load(run), tmp_path / "pictures"
    folder.mkdir()
    for source, target in store.pairs("test").tolist():
        picture = to_uint8(model(store.person([source]), store.person([target])))[0]
        PIL.Image.fromarray(picture).save(folder / file_names(store.names[source], store.names[target])[0])
    screen = Console(file=io.StringIO(), width=160)
    names, results = [str(run), str(folder)], tmp_path / "results.jsonl"
    evaluations = evaluate_models(
        names, store.folder, "patn-market", None, None, "none", results, tmp_path / "eval.png", screen
    )
    first, second = (evaluation["generated"].scores for evaluation in evaluations)
    assert first.keys() == second.keys() >= {"ssim", "mask_ssim", "psnr", "l1"}
    for metric, score in first.items():  # batches of other sizes round differently
        assert score.value == pytest.approx(second[metric].value, rel=1e-3)
    lines = [json.loads(line) for line in results.read_text().splitlines()]
    assert [line["model"] for line in lines] == ["run", "pictures"]
    assert lines[0]["weights"] == hashlib.sha256((run / "weights.safetensors").read_bytes()).hexdigest()
    assert lines[1]["weights"] is None
    assert (tmp_path / "eval.png").exists()
    few = evaluate_models([str(run)], store.folder, "patn-market", "train", 2, "none", None, tmp_path / "e.png", screen)
    assert (few[0].facts["split"], few[0].facts["pairs"]) == ("train", 2)


@pytest.mark.parametrize("shard", [None, 4_000])
def test_digest_of_one_and_of_several_files(shard: int | None, tmp_path: Path) -> None:
    made = tiny.recipe()
    save_weights(tmp_path, tiny.generator(made), made, {}, shard=shard)
    paths = weight_files(tmp_path)
    assert (len(paths) > 1) == (shard is not None)
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
    assert _digest(str(tmp_path)) == wanted
