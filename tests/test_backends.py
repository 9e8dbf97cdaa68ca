"""Every backend gives the picture of the plain module; folding folds all there is; what is missing is named."""

import re
import shutil
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import nn

from repose.backends import (
    BACKENDS,
    BackendError,
    NetworkFunction,
    accelerated,
    acceleration,
    backend_of,
    choose,
    files,
    fold_batch_norm,
    image_function,
    running,
)
from repose.backends.acceleration import Worth
from repose.bench.workload import example
from repose.models.base import Generator
from repose.pipeline import Model, read_person
from tests import tiny
from tests.contract import checks

HEIGHT, WIDTH = 64, 48

NETWORKS = {
    "patn-batch": ("patn-s", ("network.blocks=1",)),
    "patn-instance": ("patn-fashion", ("network.blocks=1",)),
    "multiscale": ("multiscale-s", ()),
}
NEEDS = {"onnxruntime": ("onnx", "onnxscript", "onnxruntime"), "openvino": ("onnx", "onnxscript", "openvino"),
         "ncnn": ("ncnn", "pnnx")}  # fmt: skip
EXTRAS = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]["optional-dependencies"]
DEAR = {"compiled": ("patn-batch",), "openvino": ("multiscale",)}
"""Backends that take seconds to prepare are tried on fewer networks."""

CASES = [(backend, network) for backend in BACKENDS for network in DEAR.get(backend, NETWORKS) if backend != "plain"]


def build(network: str) -> tuple[Generator, tuple[torch.Tensor, ...]]:
    name, words = NETWORKS[network]
    generator = tiny.generator(tiny.recipe(name, *words))
    return generator, generator.encode(*example(HEIGHT, WIDTH))


@pytest.mark.parametrize(("backend", "network"), CASES)
def test_equals_plain(backend: str, network: str) -> None:
    for package in NEEDS.get(backend, ()):
        pytest.importorskip(package)
    if backend == "compiled" and shutil.which("c++") is None and shutil.which("g++") is None:
        pytest.skip("torch.compile needs a C++ compiler")
    generator, inputs = build(network)
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    wanted = image_function("plain", generator, inputs)(*inputs)
    assert wanted.std() > 0.05, "a grey picture would say nothing"
    run = image_function(backend, generator, inputs)
    image = run(*inputs)
    assert image.shape == wanted.shape
    assert float((image - wanted).abs().max()) < 1e-3
    if backend == "onnxruntime":
        many = generator.encode(*example(HEIGHT, WIDTH, batch=3, seed=1))
        assert float((run(*many) - image_function("plain", generator, many)(*many)).abs().max()) < 1e-3, (
            "its batch is free"
        )
    other = tuple(value.flip(-1) for value in inputs)
    assert float((run(*other) - wanted).abs().max()) > 0.05, "it looks at what it is given"
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())


def test_plain_is_the_module_in_evaluation() -> None:
    generator, inputs = build("patn-batch")
    with torch.no_grad():
        wanted = generator.synthesise(*inputs).image
    assert torch.equal(image_function("plain", generator.train(), inputs)(*inputs), wanted)
    assert generator.training, "the caller's network stays as it was"


# -- folding --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", NETWORKS)
def test_folding_folds_every_batch_norm(network: str) -> None:
    generator, inputs = build(network)
    norms = sum(isinstance(module, nn.BatchNorm2d) for module in generator.modules())
    assert (norms == 0) == (network == "patn-instance")
    with torch.no_grad():
        wanted = generator.synthesise(*inputs).image
        assert fold_batch_norm(generator) == norms
        assert float((generator.synthesise(*inputs).image - wanted).abs().max()) < 1e-4
    assert not any(isinstance(module, nn.BatchNorm2d) for module in generator.modules())
    assert fold_batch_norm(generator) == 0


# -- inside a generator and a model ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "backend"), [("garment", "onnxruntime"), ("bodywarp", "channels_last")])
def test_an_accelerated_generator_gives_every_output(name: str, backend: str) -> None:
    for package in NEEDS.get(backend, ()):
        pytest.importorskip(package)
    generator = checks.settle(checks.build(name))
    source, target = checks.person(2, 1), checks.person(2, 2)
    fast = accelerated(generator, backend)
    with torch.no_grad():
        prepared = generator.prepare(source)
        for more in ((), *((prepared,) if prepared else ())):
            wanted, found = generator(source, target, more), fast(source, target, more)
            assert list(found.extra) == list(wanted.extra)
            assert ("person" if name == "bodywarp" else "flow") in found.extra
            for key, value in {"image": wanted.image, **wanted.extra}.items():
                got = found.image if key == "image" else found.extra[key]
                assert got.shape == value.shape, key
                assert float((got - value).abs().max()) < 1e-4, key
    assert backend_of(fast) == (backend, "")
    assert backend_of(generator) == ("plain", "")
    assert fast.synthesise is not generator.synthesise
    assert next(fast.parameters()) is next(generator.parameters()), "the weights are shared"


def test_a_backend_is_prepared_once_for_each_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    generator, inputs = build("patn-batch")
    built: list[tuple[int, ...]] = []

    def counted(generator: Generator, inputs: Sequence[torch.Tensor], outputs: Sequence[str]) -> NetworkFunction:
        built.append(tuple(inputs[0].shape))
        return running.plain(generator, inputs, outputs)

    monkeypatch.setitem(BACKENDS, "ncnn", counted)
    fast = accelerated(generator, "ncnn")
    for _ in range(3):
        fast.synthesise(*inputs)
        fast.synthesise(*(value[..., :32, :] for value in inputs))
    assert built == [(1, 3, 64, 48), (1, 3, 32, 48)]
    wanting = inputs[0].clone().requires_grad_()
    fast.synthesise(wanting, inputs[1]).image.sum().backward()
    assert wanting.grad is not None, "gradients are PyTorch's"
    assert len(built) == 2


def failing(*_: object) -> NetworkFunction:
    raise RuntimeError("illegal instruction\nstack ...")


def test_a_librarys_error_is_a_sentence_and_auto_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    generator, inputs = build("patn-batch")
    monkeypatch.setitem(BACKENDS, "openvino", failing)
    said = r"^openvino cannot run this network \(RuntimeError: illegal instruction\); `plain` runs every network"
    with pytest.raises(BackendError, match=said):
        accelerated(generator, "openvino").synthesise(*inputs)
    fast = accelerated(generator, "openvino", falls_back=True)
    wanted = image_function("plain", generator, inputs)(*inputs)
    assert torch.equal(fast.synthesise(*inputs).image, wanted)
    name, why = backend_of(fast)
    assert name == "plain"
    assert "illegal instruction" in why


def test_a_model_with_a_backend_poses_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = tiny.recipe("patn-s", "network.blocks=1")
    model = Model("patn-tiny", tiny.generator(recipe), recipe)
    person = read_person(tiny.photograph(), tiny.Eyes())
    pose = read_person(tiny.photograph(x=60, tall=280), tiny.Eyes())
    wanted = model.crop(person, pose)
    fast = model.with_backend("folded")
    assert fast.backend == "folded"
    assert model.backend == "plain"
    assert float((fast.crop(person, pose) - wanted).abs().max()) < 1e-4
    assert not torch.equal(model.crop(pose, person), wanted)
    for name in ("plain", "auto"):
        assert model.with_backend(name).backend == "plain", "one picture is not worth a preparation"
        assert torch.equal(model.with_backend(name).crop(person, pose), wanted)
    with pytest.raises(KeyError, match="did you mean 'folded'"):
        model.with_backend("foldet")
    monkeypatch.setattr(acceleration, "WORTH", {"patn": (Worth("ncnn", 10), Worth("openvino", 10))})
    monkeypatch.setattr(acceleration, "_PACKAGES", {"ncnn": ("no_such_package",), "openvino": ("torch",)})
    monkeypatch.setitem(BACKENDS, "openvino", failing)
    assert choose("patn", 9) == "plain"
    assert choose("bodywarp", 1000) == "plain"
    many = model.with_backend("auto", pictures=10)
    assert many.backend == "openvino", "the first is not installed"
    assert torch.equal(many.crop(person, pose), wanted)
    assert (many.backend, "illegal instruction" in many.backend_note) == ("plain", True)


# -- what is wrong --------------------------------------------------------------------------------------------------


def test_unknown_backend() -> None:
    generator, inputs = build("patn-batch")
    with pytest.raises(KeyError, match="did you mean 'onnxruntime'"):
        image_function("onnx-runtime", generator, inputs)
    with pytest.raises(KeyError, match="there are: plain, channels_last"):
        image_function("qqqq", generator, inputs)


@pytest.mark.parametrize(("backend", "package"), [(b, p) for b, packages in NEEDS.items() for p in packages])
def test_a_missing_package_is_named_with_its_extra(backend: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for other in NEEDS[backend]:
        if other != package:
            pytest.importorskip(other)
    monkeypatch.setitem(sys.modules, package, None)
    generator, inputs = build("patn-batch")
    extra = "onnx" if package.startswith("onnx") else backend
    assert any(re.split("[<>=]", wanted)[0] == package for wanted in EXTRAS[extra])
    with pytest.raises(
        BackendError, match=rf"{package} is not installed: pip install 'pose-transfer\[{extra}\]' \(from a checkout: "
    ):
        image_function(backend, generator, inputs)


def test_ncnn_says_why_a_conversion_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    for package in NEEDS["ncnn"]:
        pytest.importorskip(package)
    converter = type("converter", (), {"EXEC_PATH": shutil.which("false") or "false"})
    real = files.package
    monkeypatch.setattr(files, "package", lambda name, extra: converter if name == "pnnx" else real(name, extra))
    generator, inputs = build("patn-batch")
    with pytest.raises(BackendError, match="pnnx could not convert the network to ncnn"):
        image_function("ncnn", generator, inputs)
