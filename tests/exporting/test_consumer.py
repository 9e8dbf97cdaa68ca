"""The NumPy of use.py gives the inputs that Repose gives, for every model whose inputs it computes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from repose.exporting import consumer
from repose.exporting.inputs import input_tensors, why_not
from repose.models import MODELS, build_generator
from repose.models.base import Generator
from repose.person import Person
from tests import tiny
from tests.contract.checks import build, person

COMPUTED = ("patn", "apatn", "multiscale", "pinet", "hpn", "carry", "garment")
HEIGHT, WIDTH = 64, 32


def described(model: str, generator: Generator, count: int, height: int) -> dict:
    tensors = input_tensors(model, generator, count, height)
    return {
        "reads": [name for tensor in tensors for name in tensor.reads],
        "inputs": [{"name": tensor.name, "computed": tensor.computed} for tensor in tensors],
    }


def arrays(source: Person, target: Person) -> dict[str, np.ndarray]:
    return {
        "image": source.image.numpy(),
        "source_joints": source.keypoints.numpy(), "target_joints": target.keypoints.numpy(),
        "source_labels": source.parsing.numpy(), "target_labels": target.parsing.numpy(),
    }  # fmt: skip


def same_inputs(model: str, generator: Generator, height: int = HEIGHT, width: int = WIDTH) -> None:
    source, target = person(3, 1, height, width), person(3, 2, height, width)
    wanted = generator.eval().encode(source, target)
    description = described(model, generator, len(wanted), height)
    found = consumer.encode(description, arrays(source, target))
    assert list(found) == [entry["name"] for entry in description["inputs"]]
    for (name, one), other in zip(found.items(), wanted, strict=True):
        assert one.shape == tuple(other.shape), name
        assert float(other.abs().max()) > 0.1, f"{name} is empty: nothing would be compared"
        np.testing.assert_allclose(one, other.numpy(), atol=2e-5, rtol=0, err_msg=name)


@pytest.mark.parametrize("model", COMPUTED)
def test_inputs_of_numpy_are_those_of_torch(model: str) -> None:
    same_inputs(model, build(model))


@pytest.mark.parametrize("words", [("network.pose=point",), ("network.sigma=2.5",)])
def test_every_kind_of_joint_map(words: tuple[str, ...]) -> None:
    same_inputs("patn", tiny.generator(tiny.recipe("patn-s", *words)))


def test_parts_and_the_first_picture() -> None:
    same_inputs(
        "multiscale", build_generator(tiny.recipe("multiscale-s", "network.pose=parsing", "network.guided=true"))
    )


def test_a_carried_picture_twice_as_large() -> None:
    """Carry averages a picture of more rows than it works on, and its cells are so many pixels larger."""
    generator = build("carry")
    rows = generator.config.height
    same_inputs("carry", generator, 2 * rows, rows)


def test_what_numpy_does_not_compute_is_said() -> None:
    assert set(COMPUTED) | {"bodywarp", "densepose"} == set(MODELS)
    for model, count in {"bodywarp": 6, "densepose": 5}.items():
        tensors = input_tensors(model, build(model), count, HEIGHT)
        assert len(tensors) == count
        assert all(tensor.computed is None and tensor.meaning for tensor in tensors)
        assert "Repose" in why_not(model)
    with pytest.raises(ValueError, match=r"README\.md says where they come from"):
        consumer.encode({"reads": [], "inputs": []}, {})


def test_names_of_another_packages_inputs() -> None:
    generator = build("patn")
    names = [tensor.name for tensor in input_tensors("acme", generator, 2, HEIGHT)]
    assert names == ["source_image", "pose"]
    assert "encode" in why_not("acme")


def test_a_png_of_its_own(tmp_path: Path) -> None:
    image = np.random.default_rng(0).uniform(-1.2, 1.2, (3, 5, 7)).astype(np.float32)
    consumer.write_png(tmp_path / "a.png", image)
    read = np.asarray(Image.open(tmp_path / "a.png"))
    wanted = np.clip(np.round((np.moveaxis(image, 0, -1) + 1) * 127.5), 0, 255)
    assert read.shape == (5, 7, 3)
    assert np.abs(read - wanted).max() <= 1
