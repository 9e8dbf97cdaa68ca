"""The contract that every generator of the registry keeps, at tiny size. A new shelf adds its line to `TINY`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from repose.models import MODELS
from repose.models.base import Generator
from repose.models.densepose.warping import InpaintingConfig
from repose.names import resolve
from repose.person import Person

HEIGHT, WIDTH = 64, 32

TINY: dict[str, dict[str, Any]] = {
    "patn": {"width": 4, "blocks": 2},
    "apatn": {"width": 4, "blocks": 2, "whole_last": False},
    "multiscale": {"width": 4},
    "pinet": {"width": 8, "downs": 1, "gamma": 0.1},
    "carry": {"width": 8, "depth": 1, "match": 8, "heads": 2},
    "hpn": {"width": 16, "levels": 2, "trained": 1},  # a grown one's first projections are done with
    "garment": {"width": 4, "downs": 2, "blocks": 1},
    "densepose": {"width": 4, "residuals": 1, "blend_width": 4, "inpainting": InpaintingConfig(16, (4, 4), 8)},
}


def build(name: str) -> Generator:
    torch.manual_seed(0)
    entry = MODELS[name]
    made = resolve(entry.generator)(resolve(entry.network_config)(**TINY[name]))
    assert isinstance(made, Generator)
    return made


def person(batch: int, seed: int, height: int = HEIGHT, width: int = WIDTH) -> Person:
    """A batch of noise with every field that any model may ask for; one joint is missing."""
    random = torch.Generator().manual_seed(seed)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(shape, generator=random)

    keypoints = torch.cat([uniform(batch, 18, 2) * torch.tensor([width - 1, height - 1]), torch.ones(batch, 18, 1)], 2)
    keypoints[:, 4] = 0
    part = torch.randint(25, (batch, 1, height, width), generator=random).float()
    return Person(
        image=uniform(batch, 3, height, width) * 2 - 1,
        keypoints=keypoints,
        parsing=torch.randint(20, (batch, height, width), generator=random),
        iuv=torch.cat([part, uniform(batch, 2, height, width)], dim=1),
        mask=uniform(batch, 1, height, width),
    )


def settle(model: Generator) -> Generator:
    """Running statistics as of one batch: without them a tiny network's eval is a constant picture."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        model.train()(person(8, 10), person(8, 20))
    return model.eval()


class ImageOnly(nn.Module):
    """What an exporter sees: tensors in, one tensor out."""

    def __init__(self, model: Generator) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.model.synthesise(*inputs).image


def test_every_model_is_here() -> None:
    assert set(TINY) == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
class TestGenerator:
    def test_shape_and_range(self, name: str) -> None:
        output = build(name).eval()(person(2, 1), person(2, 2))
        assert output.image.shape == (2, 3, HEIGHT, WIDTH)
        assert output.image.abs().max() <= 1
        assert all(isinstance(value, Tensor) for value in output.extra.values())

    def test_every_parameter_gets_a_gradient(self, name: str) -> None:
        model = build(name).train()
        output = model(person(2, 1), person(2, 2))
        seen = [output.image, *output.extra.values()]
        weights = [torch.randn(value.shape, generator=torch.Generator().manual_seed(7)) for value in seen]
        sum((value * weight).sum() for value, weight in zip(seen, weights, strict=True)).backward()  # type: ignore[union-attr]
        dead = [key for key, p in model.named_parameters() if p.grad is None or not p.grad.abs().max() > 0]
        assert not dead
        assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)

    def test_save_and_load(self, name: str, tmp_path: Path) -> None:
        model = settle(build(name))
        save_file({k: v.contiguous() for k, v in model.state_dict().items()}, tmp_path / "weights.safetensors")
        torch.manual_seed(99)
        entry = MODELS[name]
        other = resolve(entry.generator)(resolve(entry.network_config)(**TINY[name])).eval()
        source, target = person(2, 1), person(2, 2)
        with torch.no_grad():
            wanted = model(source, target).image
            assert not torch.equal(other(source, target).image, wanted)
            other.load_state_dict(load_file(tmp_path / "weights.safetensors"))
            assert torch.equal(other(source, target).image, wanted)

    def test_a_batch_does_not_mix(self, name: str) -> None:
        model = settle(build(name))
        source, target = person(2, 1), person(2, 2)
        with torch.no_grad():
            both = model(source, target).image
            one = model(source[1:], target[1:]).image
        assert (both[0] - both[1]).abs().max() > 1e-4
        # another batch may take other kernels; PINet's thirty norms in a row scale the difference in rounding up
        torch.testing.assert_close(one, both[1:], rtol=0, atol=1e-4 if name == "pinet" else 2e-5)

    def test_source_and_target_matter(self, name: str) -> None:
        model = settle(build(name))
        with torch.no_grad():
            image = model(person(1, 1), person(1, 2)).image
            assert not torch.equal(image, model(person(1, 3), person(1, 2)).image)
            assert not torch.equal(image, model(person(1, 1), person(1, 3)).image)

    def test_compiled(self, name: str) -> None:
        """Captured whole and lowered. Inductor's own code is left out: its g++ takes up to a minute a model."""
        torch.compiler.reset()
        model = settle(build(name))
        inputs = model.encode(person(2, 1), person(2, 2))
        with torch.no_grad():
            eager = model.synthesise(*inputs).image
            compiled = torch.compile(model.synthesise, backend="aot_eager", fullgraph=True)(*inputs).image
        torch.testing.assert_close(compiled, eager, rtol=0, atol=1e-4)

    def test_onnx(self, name: str, tmp_path: Path) -> None:
        onnxruntime = pytest.importorskip("onnxruntime")
        pytest.importorskip("onnxscript")
        model = settle(build(name))
        file = tmp_path / "model.onnx"
        inputs = model.encode(person(2, 1), person(2, 2))
        batch = torch.export.Dim("batch")
        with torch.no_grad():
            program = torch.onnx.export(
                ImageOnly(model).eval(),
                inputs,
                dynamo=True,
                dynamic_shapes=(tuple({0: batch} for _ in inputs),),
                verbose=False,
            )
        assert program is not None
        program.save(file)
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        for size in (2, 3):
            inputs = model.encode(person(size, 3), person(size, 4))
            feed = {node.name: tensor.numpy() for node, tensor in zip(session.get_inputs(), inputs, strict=True)}
            (image,) = session.run(None, feed)
            with torch.no_grad():
                wanted = model.synthesise(*inputs).image.numpy()
            np.testing.assert_allclose(image, wanted, rtol=0, atol=1e-4)

    def test_missing_field(self, name: str) -> None:
        model = build(name)
        people = {"source": person(1, 1), "target": person(1, 2)}
        for role in people:
            for field in getattr(model.needs, role):
                less = {**people, role: dataclasses.replace(people[role], **{field: None})}
                with pytest.raises(ValueError, match=rf"{role}\.{field}, which is missing"):
                    model(less["source"], less["target"])

    def test_wrong_canvas(self, name: str) -> None:
        model = build(name)
        with pytest.raises(ValueError, match="must share a canvas"):
            model(person(1, 1), person(1, 2, 2 * HEIGHT, WIDTH))
        multiple = model.needs.multiple
        if multiple > 1:
            with pytest.raises(ValueError, match=rf"multiples of {multiple}, got {HEIGHT + 1}x{WIDTH}"):
                model(person(1, 1, HEIGHT + 1), person(1, 2, HEIGHT + 1))

    def test_unbatched(self, name: str) -> None:
        with pytest.raises(ValueError, match=r"use source\.batch\(\)"):
            build(name)(person(1, 1)[0], person(1, 2)[0])
