"""Models that read a parsing or DensePose, on photographs alone and with files of a parser and of DensePose."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from torch import Tensor

from repose import models
from repose.estimate import ESTIMATORS, MissingFieldError, estimator
from repose.inspection import look_inside
from repose.models.weights import save_weights
from repose.person import Person
from repose.pipeline import Model, load, read_person, transfer
from tests import tiny
from tests.test_cli import Run, photographs, run  # noqa: F401  (fixtures)


class Bands:
    """A parser to whom every picture shows a face (13) above upper clothes (5) and pants (9)."""

    name = "bands-1"
    asked = 0

    def parsing(self, image: np.ndarray, keypoints: Tensor) -> Tensor:
        type(self).asked += 1
        return torch.from_numpy(bands(*image.shape[:2])).long()


def bands(height: int, width: int) -> np.ndarray:
    labels = np.full((height, width), 9, np.uint8)
    labels[: height // 2] = 5
    labels[: height // 5] = 13
    return labels


@pytest.fixture(autouse=True)
def _no_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The IUV of a photograph is that of the joints alone, whatever networks are here."""
    monkeypatch.setitem(ESTIMATORS, "iuv", {"body": ESTIMATORS["iuv"]["body"]})


@pytest.fixture
def parser(monkeypatch: pytest.MonkeyPatch) -> type[Bands]:
    monkeypatch.setitem(ESTIMATORS, "parsing", {"bands": "tests.test_models_on_photographs:Bands"})
    monkeypatch.setattr(Bands, "asked", 0)
    return estimator("bands", field="parsing").__class__


def saved(folder: Path, name: str) -> Path:
    made = tiny.recipe(name)
    torch.manual_seed(0)
    save_weights(folder, models.build_generator(made), made, {"licence": "none", "data": "noise"})
    return folder


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(saved(tmp_path_factory.mktemp("dense") / "tiny", "densepose-s"))


@pytest.fixture(scope="module")
def pinet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("pinet") / "tiny", "pinet-s")


def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    tiny.seeing(monkeypatch)
    tiny.photograph(tmp_path / "me.png"), tiny.photograph(tmp_path / "dancer.png", 300, 300, 60, 20, 260)
    return tmp_path / "me.png", tmp_path / "dancer.png"


def test_dense_pose_transfer_takes_photographs_and_poses_alone(
    dense: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, dancer = two(tmp_path, monkeypatch)
    picture = transfer(me, dancer, dense)
    assert picture.size == (200, 400)
    joints = read_person(dancer).keypoints
    assert joints is not None
    from_joints = transfer(me, joints, dense, target_size=(300, 300))
    assert np.array_equal(np.asarray(picture), np.asarray(from_joints))  # the new body comes from the joints
    assert transfer(me, dancer, dense, whole=False).size == (dense.canvas.width, dense.canvas.height)


@pytest.mark.parametrize("retarget", [True, False])
def test_the_iuv_of_a_pose_is_that_of_the_new_figure(
    retarget: bool, dense: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, dancer = two(tmp_path, monkeypatch)
    seen: list[Person] = []
    monkeypatch.setattr(type(dense.generator), "encode", _kept(type(dense.generator).encode, seen))
    scene, target = dense.scene(read_person(me)), read_person(dancer)
    pose = scene.pose(target, retarget)
    dense.pose(scene, target, retarget=retarget)
    assert pose.target.keypoints is not None
    blank = np.zeros((*dense.canvas.size, 3), np.uint8)
    expected = estimator("body", field="iuv").iuv(blank, pose.target.keypoints)
    assert seen[-1].iuv is not None
    assert torch.equal(seen[-1].iuv[0], expected)
    assert int((expected[0] > 0).sum()) > 500


def _kept(encode: object, seen: list[Person]) -> object:
    def kept(self: object, source: Person, target: Person) -> object:
        seen.append(target)
        return encode(self, source, target)  # type: ignore[operator]

    return kept


def test_an_iuv_that_is_given_is_used(dense: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    me, dancer = two(tmp_path, monkeypatch)
    target = read_person(dancer)
    seen: list[Person] = []
    monkeypatch.setattr(type(dense.generator), "encode", _kept(type(dense.generator).encode, seen))
    given = replace(target, iuv=torch.cat([torch.full((1, 300, 300), 2.0), torch.full((2, 300, 300), 0.2)]))
    dense.crop(read_person(me), given)
    assert seen[-1].iuv is not None
    assert set(seen[-1].iuv[0, 0].unique().tolist()) <= {0.0, 2.0}


def test_without_a_parser_the_error_says_who_has_one(
    pinet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ESTIMATORS, "parsing", {})
    me, dancer = two(tmp_path, monkeypatch)
    with pytest.raises(MissingFieldError, match="lacks parsing"):
        transfer(me, dancer, pinet)


def test_a_parsing_is_estimated_once_a_photograph(
    parser: type[Bands], pinet: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two(tmp_path, monkeypatch)
    (tmp_path / "poses").mkdir()
    for name in ("a", "b"):
        tiny.photograph(tmp_path / "poses" / f"{name}.png")
    for words in ([], ["--crop"]):
        parser.asked = 0
        done = run("transfer", "me.png", "poses", "-m", pinet, "-o", "out.png", "--force", "--json", *words)
        assert done.code == 0
        assert parser.asked == 1
        said = json.loads(done.out)
        assert said["sources"][0]["estimated"] == ["parsing by bands-1"]
        assert [target["estimated"] for target in said["targets"]] == [[], []]


def test_files_of_a_parser_take_its_place(
    parser: type[Bands], pinet: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two(tmp_path, monkeypatch)
    labels = bands(400, 200)
    (tmp_path / "maps").mkdir(), (tmp_path / "people").mkdir()
    for place in ("labels.png", "maps/me.parsing.png"):
        PIL.Image.fromarray(labels).save(tmp_path / place)
    tiny.photograph(tmp_path / "people" / "me.png"), tiny.photograph(tmp_path / "people" / "other.png")
    words = ("-m", pinet, "--labels", "lip", "--json", "--source-parsing")
    assert run("transfer", "me.png", "dancer.png", "-m", pinet, "-o", "estimated.png").code == 0
    done = run("transfer", "me.png", "dancer.png", "-o", "given.png", *words, "labels.png")
    assert json.loads(done.out)["sources"][0]["estimated"] == []
    assert parser.asked == 1
    with PIL.Image.open(tmp_path / "estimated.png") as one, PIL.Image.open(tmp_path / "given.png") as other:
        assert np.array_equal(np.asarray(one), np.asarray(other))
    done = run("transfer", "people", "dancer.png", "-o", "sheet.png", *words, "maps")
    assert done.code == 3
    assert "maps has no map of other.png: a file such as other.png is needed" in done.out
    assert parser.asked == 1


def test_inspect_estimates_too(
    parser: type[Bands], pinet: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    me, dancer = two(tmp_path, monkeypatch)
    panels = look_inside(load(pinet), read_person(me), read_person(dancer), retarget=True)
    assert "input" in [panel.name for panel in panels]
    assert parser.asked == 1
