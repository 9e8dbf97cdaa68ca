"""Every backend gives the picture of the plain module; folding folds all there is; what is missing is named."""

import re
import shutil
import sys
import tomllib
from pathlib import Path

import pytest
import torch
from torch import nn

from repose.backends import BACKENDS, BackendError, files, fold_batch_norm, image_function
from repose.bench.workload import example
from repose.models.base import Generator
from tests import tiny

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
