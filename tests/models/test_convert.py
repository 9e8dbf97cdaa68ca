"""What a foreign state dict is said to be: by the marks of the papers, of foreign files, and by our own names."""

from dataclasses import replace

import pytest
import torch

from repose import models
from repose.models.convert import looks_like
from repose.names import resolve


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (("module.model.stream1_down.1.weight", "stream2_down.1.weight", "stream1_up.0.weight"), "official PATN gen"),
        (("in1_conv1.0.weight", "in2_conv1.0.weight", "out_conv1.0.weight"), "the official multi-scale generator"),
        (("features.0.weight", "features.2.weight", "classifier.6.weight"), "torchvision's VGG"),
        (("stem.weight", "blocks.0.depthwise.weight", "head.weight"), "MobileNetV2"),
    ],
)
def test_official_and_foreign_files(names: tuple[str, ...], what: str) -> None:
    assert what in str(looks_like(names))
    assert looks_like(names[:1]) is None


def test_our_own_generators() -> None:
    for name in models.MODELS:
        with torch.device("meta"):
            made = resolve(models.MODELS[name].generator)()
        assert looks_like(made.state_dict()) == f"Repose's '{name}' generator"


def test_a_paper_brings_its_own_marks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looks_like(["strange.weight"]) is None
    declared = replace(models.MODELS["patn"], marks={"the official network of a test": ("strange.",)})
    monkeypatch.setitem(models.MODELS, "strange", declared)
    assert looks_like(["strange.weight"]) == "the official network of a test"
