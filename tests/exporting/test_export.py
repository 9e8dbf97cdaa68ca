"""`repose export` writes files that give PyTorch's pictures without it, and refuses those that do not."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from typer.testing import CliRunner

from repose import cli
from repose.backends import OPSET, BackendError
from repose.exporting import Exported, ExportSettings, consumer, export, folder, writing
from repose.exporting.checks import Difference, largest_lpips
from repose.exporting.precision import half_weights
from repose.models import MODELS
from repose.models.base import Generator
from repose.person import Person
from repose.pipeline import Model, read_person
from tests import tiny
from tests.contract.checks import build, settle, tiny_recipe

NEEDS = {
    "onnx": ("onnx", "onnxscript", "onnxruntime"), "openvino": ("onnx", "onnxscript", "openvino"),
    "ncnn": ("ncnn", "pnnx"), "torchscript": (),
}  # fmt: skip
FILES = ("README.md", "check.json", "example.npz", "model.json", "use.py")


def model_of(name: str) -> Model:
    """A tiny network of a model, on the canvas 128x64 of Market-1501."""
    return Model(f"{name}-tiny", settle(build(name)), tiny_recipe(MODELS[name]))


def patn() -> Model:
    recipe = tiny.recipe("patn-s", "network.blocks=1")
    return Model("patn-tiny", tiny.generator(recipe), recipe)


def need(form: str) -> None:
    for package in NEEDS[form]:
        pytest.importorskip(package)


def onnx_of(path: Path) -> Any:
    import onnx

    return onnx.load(str(path))


def quick(place: Path, model: Model | None = None, **settings: object) -> Exported:
    """TorchScript, which is written in an instant: for what does not depend on the format."""
    return export(model or patn(), place, ExportSettings(format="torchscript", **settings))  # type: ignore[arg-type]


def run_alone(place: Path, *words: str, blocked: tuple[str, ...]) -> str:
    """use.py in a process that cannot import some packages; what it printed."""
    (place / "sitecustomize.py").write_text(f"import sys\nfor name in {blocked!r}:\n    sys.modules[name] = None\n")
    done = subprocess.run(
        [sys.executable, str(place / "use.py"), *words], cwd=place, env=os.environ | {"PYTHONPATH": str(place)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def by_torch(model: Model, inputs: tuple[torch.Tensor, ...]) -> np.ndarray:
    with torch.no_grad():
        return model.generator.synthesise(*inputs).image.numpy()


# -- what is written ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Model, Exported]:
    """An ONNX file for any batch and size; written once, as it takes seconds."""
    need("onnx")
    model = patn()
    return model, export(model, tmp_path_factory.mktemp("onnx") / "out", ExportSettings(size="dynamic"))


def test_onnx_of_any_batch_and_size_without_torch(whole: tuple[Model, Exported]) -> None:
    model, exported = whole
    assert sorted(path.name for path in exported.folder.iterdir()) == sorted([*FILES, "model.onnx"])
    graph = onnx_of(exported.files[0])
    assert [entry.version for entry in graph.opset_import if not entry.domain] == [OPSET] == [18]
    assert exported.checks is not None
    assert exported.checks.largest < 1e-4
    assert {(run.pictures, run.size) for run in exported.checks.runs} >= {(1, (128, 64)), (3, (136, 68)), (1, (96, 48))}

    description, run = consumer.load(exported.folder)
    assert description["inputs"][1]["shape"] == ["dynamic", 36, "height", "width"]
    random = torch.Generator().manual_seed(5)
    inputs = (torch.rand(5, 3, 80, 40, generator=random) * 2 - 1, torch.rand(5, 36, 80, 40, generator=random))
    found = run({"source_image": inputs[0].numpy(), "pose": inputs[1].numpy()})["image"]
    wanted = by_torch(model, inputs)
    assert wanted.std() > 0.05, "a grey picture would say nothing"
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4)

    said = run_alone(exported.folder, blocked=("torch", "repose", "numba"))
    assert "the inputs, computed here, differ from Repose's by at most" in said
    assert PIL.Image.open(exported.folder / "result.png").size == (64, 128)


@pytest.mark.parametrize(
    ("form", "precision"), [("openvino", "float16"), ("ncnn", "float32"), ("torchscript", "float32")]
)
def test_other_formats_without_repose(form: str, precision: str, tmp_path: Path) -> None:
    need(form)
    exported = export(patn(), tmp_path / "out", ExportSettings(form, precision=precision))
    assert exported.checks is not None
    assert exported.checks.largest < (1e-4 if precision == "float32" else 5e-2)  # its last layer is 20 times as strong
    blocked = ("repose", "numba", *(("torch",) if form != "torchscript" else ()))
    said = run_alone(tmp_path / "out", blocked=blocked)
    assert "result.png: differs from PyTorch's picture by at most" in said


def test_a_picture_and_joints_of_ones_own(whole: tuple[Model, Exported], tmp_path: Path) -> None:
    model, exported = whole
    stored = np.load(exported.folder / "example.npz")
    pixels = ((stored["person.image"][0] + 1) * 127.5).round().astype(np.uint8).transpose(1, 2, 0)
    PIL.Image.fromarray(pixels).save(tmp_path / "me.png")
    joints = {who: stored[f"person.{who}_joints"][0].tolist() for who in ("source", "target")}
    (tmp_path / "pose.json").write_text(json.dumps(joints))
    words = (str(tmp_path / "me.png"), str(tmp_path / "pose.json"), "-o", str(tmp_path / "new.png"))
    run_alone(exported.folder, *words, blocked=("torch", "repose"))
    image = torch.from_numpy(pixels.transpose(2, 0, 1).astype(np.float32))[None] / 127.5 - 1
    wanted = (by_torch(model, (image, torch.from_numpy(stored["input.pose"])))[0].transpose(1, 2, 0) + 1) * 127.5
    found = np.asarray(PIL.Image.open(tmp_path / "new.png"))
    assert found.std() > 20
    assert np.abs(found - wanted).max() < 0.6, "what 8 bits round"
    own = {
        "format": "repose-keypoints",
        "version": 1,
        "people": {"me.png": joints["source"], "you.png": joints["target"]},
    }
    (tmp_path / "pose.json").write_text(json.dumps(own))
    run_alone(exported.folder, *words, blocked=("torch", "repose"))
    assert np.array_equal(np.asarray(PIL.Image.open(tmp_path / "new.png")), found)


@pytest.mark.parametrize("text", ["{", "[]", '{"people": {}}', '{"source": [[1, 2]], "target": [[1, 2]]}'])
def test_joints_that_are_none_are_told(text: str, tmp_path: Path) -> None:
    from repose.exporting.consumer import read_joints

    (tmp_path / "pose.json").write_text(text)
    with pytest.raises(ValueError, match=r'pose\.json .*it must be \{"source": \[\[x, y, visible\]'):
        read_joints(str(tmp_path / "pose.json"))
    with pytest.raises(ValueError, match=r"none\.json does not exist"):
        read_joints("none.json")


def test_half_weights_are_half_as_large(whole: tuple[Model, Exported], tmp_path: Path) -> None:
    _, exported = whole
    file = tmp_path / "model.onnx"
    shutil.copyfile(exported.files[0], file)
    half_weights(file)
    before, after = (
        [value for value in onnx_of(path).graph.initializer if np.prod(value.dims) >= 64]
        for path in (exported.files[0], file)
    )
    assert {value.data_type for value in before} == {1}
    assert {value.data_type for value in after} == {10}
    assert 2 * sum(len(value.raw_data) for value in after) == sum(len(value.raw_data) for value in before)
    inputs = dict(np.load(exported.folder / "example.npz"))
    names = [entry["name"] for entry in exported.description["inputs"]]
    run = consumer._onnx(file, names, ["image"])
    apart = np.abs(run({name: inputs[f"input.{name}"] for name in names})["image"] - inputs["expected.image"]).max()
    assert 1e-6 < apart < 5e-2, "rounded, though little"


def test_a_photograph_for_the_check_and_the_example(tmp_path: Path) -> None:
    model = patn()
    person = read_person(tiny.photograph(), tiny.Eyes())
    pose = read_person(tiny.photograph(x=60, tall=280), tiny.Eyes())
    settings = ExportSettings("torchscript")
    exported = export(model, tmp_path / "out", settings, (person, Person(keypoints=pose.keypoints, size=pose.size)))
    assert exported.checks is not None
    assert [run.what for run in exported.checks.runs][:2] == ["the given photograph and pose", "drawn people"]
    stored = np.load(tmp_path / "out" / "example.npz")
    np.testing.assert_array_equal(stored["person.image"][0], model.place(person).image)
    wanted = model.crop(person, pose).numpy()
    np.testing.assert_allclose(stored["expected.image"][0], wanted, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_every_model_with_what_a_scene_reads(name: str, tmp_path: Path) -> None:
    exported = quick(tmp_path / "out", model_of(name))
    beside = {"bodywarp": ["person", "still"], "carry": ["person"]}.get(name, [])
    outputs = ["image", *beside]
    assert [entry["name"] for entry in exported.description["outputs"]] == outputs
    assert exported.checks is not None
    assert all(list(run.outputs) == outputs for run in exported.checks.runs)
    assert exported.checks.largest < 1e-6
    stored = np.load(tmp_path / "out" / "example.npz")
    for entry in exported.description["inputs"]:
        low, high = entry["range"]
        values = stored[f"input.{entry['name']}"]
        assert low <= values.min() <= values.max() <= high, entry["name"]
        assert list(values.shape[1:]) == entry["shape"][1:]
    text = (tmp_path / "out" / "README.md").read_text()
    if name in ("bodywarp", "densepose"):
        assert exported.description["reads"] == []
        assert "What you need beside this folder" in text
    else:
        assert exported.checks.inputs is not None
        assert exported.checks.inputs < 2e-5


def test_a_batch_and_a_size_that_are_fixed(tmp_path: Path) -> None:
    exported = quick(tmp_path / "out", batch=2, size=(64, 48))
    assert exported.checks is not None
    assert {(run.pictures, run.size) for run in exported.checks.runs} == {(2, (64, 48))}
    assert exported.description["inputs"][0]["shape"] == [2, 3, 64, 48]


def test_the_licence_and_the_sums_of_shipped_weights(tmp_path: Path) -> None:
    settings = ExportSettings("torchscript", check=False)
    description = export("garment-s-synthetic", tmp_path / "out", settings).description
    assert description["licence"]["weights"] == "CC0-1.0"
    assert description["weights"]["data"] == "synthetic-half"
    assert len(description["sha256"]["model.pt"]) == 64
    assert "CC0-1.0" in (tmp_path / "out" / "README.md").read_text()


def test_an_earlier_export_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    place = tmp_path / "out"
    quick(place)
    (place / "model.onnx").write_text("of an earlier export")
    quick(place)
    assert sorted(path.name for path in place.iterdir()) == sorted([*FILES, "model.pt"])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "diary.txt").write_text("dear diary")
    with pytest.raises(ValueError, match="mine holds other files; give a new folder"):
        quick(tmp_path / "mine")


# -- what is refused ------------------------------------------------------------------------------------------------


class Spoilt:
    """`export_torchscript` of a network whose weights are a little off."""

    def __init__(self, by: float) -> None:
        self.by, self.real = by, writing.export_torchscript

    def __call__(self, generator: Generator, *more: object) -> None:
        import copy

        spoilt = copy.deepcopy(generator)
        with torch.no_grad():
            spoilt.decoder.last.weight.mul_(1 + self.by)  # type: ignore[union-attr]
        self.real(spoilt, *more)  # type: ignore[arg-type]


def test_other_pictures_are_refused_and_forced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "export_torchscript", Spoilt(0.01))
    with pytest.raises(BackendError, match=r"differs from PyTorch: image by .*e-0\d, and 1e-04 is allowed.*--force"):
        quick(tmp_path / "out")
    assert not (tmp_path / "out").exists(), "nothing is left"
    assert list(tmp_path.iterdir()) == []
    exported = quick(tmp_path / "out", force=True)
    assert exported.description["equal"] is False
    assert "written with `--force`" in (tmp_path / "out" / "README.md").read_text()
    monkeypatch.undo()
    monkeypatch.setattr(writing, "export_torchscript", Spoilt(1e-7))
    assert quick(tmp_path / "near").description["equal"] is True


@pytest.mark.parametrize(
    ("largest", "lpips", "grey", "refused"),
    [
        (0.5, 0.004, (9.0, 90.0), ""), (0.5, 0.006, (0.1, 1.0), "LPIPS"), (0.5, None, (0.9, 7.0), ""),
        (0.5, None, (1.1, 7.0), "grey levels"), (0.5, None, (0.9, 9.0), "grey levels"),
        (float("nan"), 0.0, (0.0, 0.0), "not finite"),
    ],
)  # fmt: skip
def test_equal_to_the_eye(largest: float, lpips: float | None, grey: tuple[float, float], refused: str) -> None:
    run = folder.CheckedRun(1, (8, 8), "drawn", {"image": Difference(largest, 0.0)})
    verdict = folder.Checks([run], lpips, grey).verdict("float16")
    assert refused in verdict
    assert bool(verdict) == bool(refused)


def test_lpips_says_nothing_of_small_pictures() -> None:
    picture = torch.zeros(3, 62, 62)
    assert largest_lpips([(picture, picture)]) is None


def test_a_size_that_must_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("Constraints violated (rows)! For more information, run with TORCH_LOGS")

    monkeypatch.setattr(writing, "export_onnx", fail)
    with pytest.raises(BackendError, match=r"arithmetic depends on the size \(Constraints.*; give --size HxW"):
        export(patn(), tmp_path / "out", ExportSettings(size="dynamic"))
    assert not (tmp_path / "out").exists()


def test_an_input_that_does_not_grow_with_the_picture() -> None:
    generator = patn().generator
    network = writing.Network(generator, ("a", "b"), ("image",), lambda count, size, seed: tensors(*size), (128, 64))

    def tensors(height: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(1, 3, height, width), torch.zeros(1, 3, height // 2 + 1, width)

    with pytest.raises(BackendError, match="input 'b' does not grow with the picture evenly; give --size HxW"):
        writing.free_sizes(network)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"format": "onx"}, "no format is called 'onx'; did you mean 'onnx'"),
        ({"precision": "fp16"}, "no precision is called 'fp16'; "),
        ({"format": "ncnn", "batch": 4}, "ncnn takes one picture at a time"),
        ({"format": "ncnn", "size": "dynamic"}, "converted at one size"),
        ({"format": "ncnn", "precision": "int8"}, "int8 is written for onnx and openvino alone"),
        ({"format": "torchscript", "precision": "float16"}, "TorchScript is written in float32"),
        ({"precision": "int8", "check": False}, "which --no-check leaves open"),
        ({"size": "dynamic", "check": False}, "known only when it is tried"),
        ({"batch": 0}, "a batch is 1 to 1024 pictures"),
    ],
)
def test_settings_that_do_not_go_together(words: dict, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ExportSettings(**words)


def test_a_size_that_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"multiples of 4, got 130x64 .*the nearest is 128x64"):
        quick(tmp_path / "out", size=(130, 64))


def test_a_librarys_error_has_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("Unsupported: aten::frobnicate\nand a page of stack")

    monkeypatch.setattr(torch.jit, "trace", fail)
    with pytest.raises(BackendError) as caught:
        quick(tmp_path / "out")
    assert str(caught.value) == (
        "this network cannot be written for torchscript (RuntimeError: Unsupported: aten::frobnicate); write another "
        "--format: onnx and torchscript hold every network of this package"
    )


# -- the command ----------------------------------------------------------------------------------------------------


def test_the_command(tmp_path: Path) -> None:
    weights = tiny.save(tmp_path / "weights")
    words = ["export", str(weights), "-o", str(tmp_path / "out"), "--format", "torchscript"]
    done = CliRunner().invoke(cli.app, words)
    assert done.exit_code == 0, done.output
    assert "model.pt" in done.stdout
    assert "differs from PyTorch by at most 0.0e+00" in done.stdout
    done = CliRunner().invoke(cli.app, [*words, "--json", "--size", "64x48", "--batch", "3"])
    document = json.loads(done.stdout)
    assert document["model"]["size"] == [64, 48]
    assert document["model"]["batch"] == 3
    assert document["check"]["equal"] is True
    assert document["model"]["licence"]["weights"] == "none"
    for more, said in ((["--batch", "many"], "a number of pictures or dynamic"), (["--source", "a.jpg"], "both")):
        done = CliRunner().invoke(cli.app, [*words, *more])
        assert done.exit_code
        assert said in str(done.exception)
