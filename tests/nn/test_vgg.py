"""VGG16 and VGG19 against a plain list of layers as the published file numbers them."""

from pathlib import Path

import pytest
import torch
from torch import nn

from repose.nn.vgg import IMAGENET_MEAN, IMAGENET_STD, TAPS, TAPS_16, VGG16, VGG19, vgg16, vgg19

PLAN = (64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M", 512, 512, 512, 512, "M", 512, 512, 512, 512, "M")
PLAN_16 = (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M")


def published(seed: int = 0, plan: tuple[int | str, ...] = PLAN) -> nn.Sequential:
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    before = 3
    for width in plan:
        if width == "M":
            layers.append(nn.MaxPool2d(2, 2))
        else:
            layers += [nn.Conv2d(before, int(width), 3, padding=1), nn.ReLU()]
            before = int(width)
    return nn.Sequential(*layers)


def test_taps_equal_the_layers_of_the_published_list() -> None:
    reference = published()
    network = VGG19(("relu1_1", "relu1_2", "relu2_2", "relu3_1", "relu5_4"))
    network.load({f"features.{name}": value for name, value in reference.state_dict().items()})
    x = torch.rand(1, 3, 32, 32)
    outputs = network(x)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    for tap, count in (("relu1_1", 2), ("relu1_2", 4), ("relu2_2", 9), ("relu3_1", 12), ("relu5_4", 36)):
        torch.testing.assert_close(outputs[tap], reference[:count]((x - mean) / std))


def test_names_and_size_are_the_published_ones() -> None:
    network = VGG19((TAPS[-1],))
    assert sum(p.numel() for p in network.parameters()) == 20_024_384  # the convolutions of VGG19
    assert set(network.state_dict()) == {f"features.{name}" for name in published().state_dict()}
    assert not any(p.requires_grad for p in network.parameters())
    assert len(VGG19(("relu2_2",)).features) == 4  # nothing below the deepest tap is built


def test_vgg16() -> None:
    reference = published(plan=PLAN_16)
    network = VGG16(("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"))
    network.load({f"features.{name}": value for name, value in reference.state_dict().items()})
    assert sum(p.numel() for p in network.parameters()) == 14_714_688  # the convolutions of VGG16
    assert set(network.state_dict()) == {f"features.{name}" for name in reference.state_dict()}
    assert tuple(tap for tap in TAPS if tap not in ("relu3_4", "relu4_4", "relu5_4")) == TAPS_16
    x = torch.rand(1, 3, 32, 32)
    outputs = network(x)
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    for tap, count in (("relu1_2", 4), ("relu2_2", 9), ("relu3_3", 16), ("relu4_3", 23), ("relu5_3", 30)):
        torch.testing.assert_close(outputs[tap], reference[:count]((x - mean) / std))
    with pytest.raises(ValueError, match=r"has no 'features\.0\.weight'; the VGG16 file .* 'features\.28\.bias'"):
        network.load({})
    with pytest.raises(FileNotFoundError, match="vgg16-397923af"):
        vgg16(path="nothing.pth")


def test_file(tmp_path: Path) -> None:
    state = {f"features.{name}": value for name, value in published().state_dict().items()}
    state["classifier.6.bias"] = torch.zeros(1000)
    torch.save(state, tmp_path / "vgg.pth")
    network = vgg19(("relu2_2",), tmp_path / "vgg.pth")
    assert torch.equal(network.features["7"].weight, state["features.7.weight"])
    with pytest.raises(FileNotFoundError, match="vgg19-dcbb9e9d"):
        vgg19(("relu2_2",), tmp_path / "nothing.pth")
    del state["features.5.bias"]
    torch.save(state, tmp_path / "vgg.pth")
    with pytest.raises(ValueError, match=r"has no 'features\.5\.bias'"):
        vgg19(("relu2_2",), tmp_path / "vgg.pth")
    state["features.5.bias"] = torch.zeros(3)
    torch.save(state, tmp_path / "vgg.pth")
    with pytest.raises(ValueError, match=r"'features\.5\.bias' is \(3,\), wanted \(128,\)"):
        vgg19(("relu2_2",), tmp_path / "vgg.pth")


def test_unknown_tap() -> None:
    with pytest.raises(ValueError, match="did you mean 'relu1_2'"):
        VGG19(("relu_1_2",))
    with pytest.raises(ValueError, match="at least one"):
        VGG19(())
