"""`repose generate`: the pictures of a model as files, which `eval` measures as it measures the model."""

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from rich.console import Console

from repose.comparison import ComparisonFiles, compare
from repose.data import Store
from repose.data.deepfashion_layout import export_layout, layout_names
from repose.generate import FACTS, GenerateSettings, generate
from repose.metrics import EvaluationSettings, FolderPictures, evaluate
from repose.metrics.file_names import FORMS, named_as
from repose.metrics.folder import FolderError
from repose.represent.canvas import to_uint8
from repose.study.material import prepare_study
from repose.study.protocols import StudyProtocol
from tests import tiny


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return tiny.store(tmp_path / "data", 8)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tiny.save(tmp_path / "run")


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.png")}


@pytest.mark.parametrize("form", FORMS)
def test_a_folder_and_its_model_measure_the_same_numbers(form: str, store: Store, run: Path, tmp_path: Path) -> None:
    done = generate(run, store.folder, tmp_path / "out", GenerateSettings(protocol="patn-market@1", names=form))
    assert (done.pictures, done.before) == (len(store.pairs("test")), 0)
    names, files = [str(run), str(tmp_path / "out")], ComparisonFiles(tmp_path / "eval.png")
    screen = Console(file=(tmp_path / "screen.txt").open("w"))
    model, folder = compare(names, store.folder, "patn-market@1", EvaluationSettings(), files, screen)
    wanted = model["generated"].scores
    assert wanted.keys() >= {"ssim", "mask_ssim", "psnr", "l1"}
    assert folder["generated"].scores == wanted  # exactly: PNG loses nothing, and the batches are the same


def test_an_interrupted_run_goes_on(store: Store, run: Path, tmp_path: Path) -> None:
    settings = GenerateSettings(batch=2)
    generate(run, store.folder, tmp_path / "whole", settings)
    calls: list[tuple[int, int]] = []

    def stop(done: int, total: int) -> None:
        calls.append((done, total))
        if done >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(run, store.folder, tmp_path / "out", settings, stop)
    assert calls == [(2, 7), (4, 7)]
    assert len(pictures(tmp_path / "out")) == 4
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.png")}
    done = generate(run, store.folder, tmp_path / "out", settings)
    assert (done.pictures, done.before) == (7, 4)
    assert all(path.stat().st_mtime_ns == time for path, time in times.items()), "what was there is not written again"
    assert pictures(tmp_path / "out") == pictures(tmp_path / "whole")


def test_another_model_in_the_folder_is_an_error(store: Store, run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    generate(run, store.folder, out)
    other = tiny.save(tmp_path / "other", "patn-s", "network.blocks=3")
    with pytest.raises(ValueError, match=r"generated otherwise: model was 'run', is 'other'.*weights was"):
        generate(other, store.folder, out)
    with pytest.raises(ValueError, match="names was 'repose', is 'gfla'"):
        generate(run, store.folder, out, GenerateSettings(names="gfla"))
    (out / FACTS).unlink()
    with pytest.raises(ValueError, match="did not write"):
        generate(run, store.folder, out)
    assert len(pictures(out)) == 7


def test_pairs_of_a_list(store: Store, run: Path, tmp_path: Path) -> None:
    (source, target), *_ = store.pairs("train").tolist()
    listed = tmp_path / "few.csv"
    listed.write_text(f"from,to\n{store.names[source]},{store.names[target]}\n")
    generate(run, store.folder, tmp_path / "out", GenerateSettings(pairs=listed))
    assert list(pictures(tmp_path / "out")) == [named_as("repose", store.names[source], store.names[target])]
    facts = json.loads((tmp_path / "out" / FACTS).read_text())
    assert (facts["model"], facts["checksum"], facts["canvas"]) == ("run", store.checksum, "market")
    listed.write_text(f"from,to\n{store.names[source]},nobody.jpg\n")
    with pytest.raises(KeyError, match=r"nobody\.jpg"):
        generate(run, store.folder, tmp_path / "out", GenerateSettings(pairs=listed))


def test_settings_that_cannot_be(store: Store, run: Path, tmp_path: Path) -> None:
    for settings, message in (
        (GenerateSettings(names="gfl"), "did you mean 'gfla'"),
        (GenerateSettings(batch=0), "--batch"),
        (GenerateSettings(protocol="people-half"), "works on the canvas 'market'"),
    ):
        with pytest.raises(ValueError, match=message):
            generate(run, store.folder, tmp_path / "out", settings)
    assert not (tmp_path / "out").exists()


# -- results of other people's code on an exported store ------------------------------------------------------------


def save_exported(store: Store, folder: Path, form: str, ending: str, png: bool = False) -> None:
    """The target of each test pair, named as code of the field names its results on the exported store."""
    names = layout_names(store, ".png" if png else ".jpg")[0]
    folder.mkdir()
    for place, (source, target) in enumerate(store.pairs("test").tolist()):
        file = folder / named_as(form, names[source], names[target], (place, True), ending)
        file.parent.mkdir(exist_ok=True)
        PIL.Image.fromarray(to_uint8(store.person([target]).image)[0]).save(file)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("png", [False, True])
def test_names_of_an_exported_store_come_back(form: str, png: bool, store: Store, tmp_path: Path) -> None:
    export_layout(store, tmp_path / "layout", png)
    save_exported(store, tmp_path / "out", form, "png", png)
    listed = (tmp_path / "layout" / "fasion-resize-pairs-test.csv").read_text().splitlines()[1:]
    assert len(listed) == len(list((tmp_path / "out").rglob("*.png")))
    evaluation = evaluate("patn-market@1", store, FolderPictures(tmp_path / "out"))
    assert evaluation["generated"].scores["l1"].value == 0, "each picture is its pair's target"
    assert evaluation["generated"].scores["ssim"].value == pytest.approx(1)


def test_an_exported_name_of_no_pair_is_still_told(store: Store, tmp_path: Path) -> None:
    save_exported(store, tmp_path / "out", "gfla", "png")
    stranger = "fashionWOMENTees_Tanksid0000999901_1front_2_fashionWOMENTees_Tanksid0000999901_2back_vis.png"
    PIL.Image.fromarray(np.zeros((128, 64, 3), np.uint8)).save(tmp_path / "out" / stranger)
    with pytest.raises(FolderError, match=f"of no pair of split 'test': {stranger}"):
        evaluate("patn-market@1", store, FolderPictures(tmp_path / "out"))


def test_a_study_takes_both(store: Store, run: Path, tmp_path: Path) -> None:
    generate(run, store.folder, tmp_path / "ours")
    save_exported(store, tmp_path / "theirs", "patn", "png")
    protocol = StudyProtocol("short", 1, "preference", (None,), pool=4, shown=2)
    folders = {"ours": tmp_path / "ours", "theirs": tmp_path / "theirs"}
    prepared = prepare_study(tmp_path / "study.db", protocol, folders, store=store)
    assert prepared.methods == ("ours", "theirs")
