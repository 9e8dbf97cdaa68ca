"""AlexNet, SqueezeNet, Inception v3 and SSD300: against lists of layers as the published files number them.

The lists are written here a second time, unfolded and layer by layer; `tests/parity/test_metrics.py` runs other
people's packages.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from repose.hub.files import FILES
from repose.nn import alexnet, inception, squeezenet, ssd
from repose.nn.alexnet import AlexNet
from repose.nn.inception import InceptionV3, prepared
from repose.nn.squeezenet import SqueezeNet
from repose.nn.ssd import SSD300
from repose.nn.vgg import IMAGENET_MEAN, IMAGENET_STD


def normal(images: Tensor) -> Tensor:
    mean, std = (torch.tensor(v).view(1, 3, 1, 1) for v in (IMAGENET_MEAN, IMAGENET_STD))
    return (images - mean) / std


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


# -- AlexNet --------------------------------------------------------------------------------------------------------


def test_alexnet() -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, 1, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, 1, 1), nn.ReLU(), nn.Conv2d(384, 256, 3, 1, 1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, 1, 1), nn.ReLU(), nn.MaxPool2d(3, 2),
    )  # fmt: skip
    head = nn.Sequential(
        nn.Identity(), nn.Linear(9216, 4096), nn.ReLU(), nn.Identity(), nn.Linear(4096, 4096), nn.ReLU(),
        nn.Linear(4096, 1000),
    )  # fmt: skip
    state = {f"features.{k}": v for k, v in plain.state_dict().items()}
    state |= {f"classifier.{k}": v for k, v in head.state_dict().items()}
    network, x = AlexNet(), torch.rand(1, 3, 128, 96)
    network.load(state)
    outputs = network(x)
    for tap, layers in zip(alexnet.TAPS, (2, 5, 8, 10, 12), strict=True):
        torch.testing.assert_close(outputs[tap], plain[:layers](normal(x)))
    whole = AlexNet(())
    whole.load(state)
    assert count(whole) == 61_100_840
    assert set(whole.state_dict()) == set(state)
    wanted = head(F.adaptive_avg_pool2d(plain(normal(x)), 6).flatten(1))
    torch.testing.assert_close(whole.logits(x), wanted)
    with pytest.raises(ValueError, match="taps=\\(\\)"):
        network.logits(x)


# -- SqueezeNet -----------------------------------------------------------------------------------------------------


class Fire(nn.Module):
    def __init__(self, into: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(into, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.squeeze(x).relu()
        return torch.cat([self.expand1x1(x).relu(), self.expand3x3(x).relu()], 1)


def test_squeezenet() -> None:
    torch.manual_seed(0)

    def pool() -> nn.Module:
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    plain = nn.Sequential(
        nn.Conv2d(3, 64, 3, 2), nn.ReLU(), pool(), Fire(64, 16, 64), Fire(128, 16, 64), pool(), Fire(128, 32, 128),
        Fire(256, 32, 128), pool(), Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256),
    )  # fmt: skip
    last = nn.Conv2d(512, 1000, 1)
    state = {f"features.{k}": v for k, v in plain.state_dict().items()}
    state |= {f"classifier.1.{k}": v for k, v in last.state_dict().items()}
    whole, x = SqueezeNet(()), torch.rand(1, 3, 101, 90)  # sides under which a window hangs over the border
    whole.load(state)
    assert count(whole) == 1_235_496
    assert set(whole.state_dict()) == set(state)
    torch.testing.assert_close(whole.logits(x), last(plain(normal(x))).relu().mean((2, 3)))
    network = SqueezeNet()
    network.load(state)
    outputs = network(x)
    for tap, layers in zip(squeezenet.TAPS, (2, 4, 5, 7, 8, 10, 11, 12, 13), strict=True):
        torch.testing.assert_close(outputs[tap], plain[:layers](normal(x)))


# -- Inception v3 ---------------------------------------------------------------------------------------------------


def inception_state(dialect: inception.Dialect) -> dict[str, Tensor]:
    """Random weights under all names of a published file, the auxiliary classifier and the counters included."""
    generator = torch.Generator().manual_seed(3)
    state: dict[str, Tensor] = {}

    def conv(name: str, out: int, into: int, height: int, width: int) -> None:
        fan = into * height * width
        state[f"{name}.conv.weight"] = torch.randn(out, into, height, width, generator=generator) * (2 / fan) ** 0.5
        state[f"{name}.bn.weight"] = torch.rand(out, generator=generator) + 0.5
        state[f"{name}.bn.bias"] = torch.randn(out, generator=generator) * 0.1
        state[f"{name}.bn.running_mean"] = torch.randn(out, generator=generator) * 0.1
        state[f"{name}.bn.running_var"] = torch.rand(out, generator=generator) + 0.5
        state[f"{name}.bn.num_batches_tracked"] = torch.tensor(1)

    for name, layer in InceptionV3(dialect).named_modules():
        if isinstance(layer, nn.Conv2d):
            conv(name, layer.out_channels, layer.in_channels, *layer.kernel_size)
    classes = inception.CLASSES[dialect]
    state["fc.weight"] = torch.randn(classes, 2048, generator=generator) * 0.02
    state["fc.bias"] = torch.randn(classes, generator=generator)
    if dialect == "torchvision":
        conv("AuxLogits.conv0", 128, 768, 1, 1)
        conv("AuxLogits.conv1", 768, 128, 5, 5)
        state["AuxLogits.fc.weight"], state["AuxLogits.fc.bias"] = torch.zeros(1000, 768), torch.zeros(1000)
    return state


def plain_inception(state: dict[str, Tensor], dialect: inception.Dialect, x: Tensor) -> Tensor:
    """The published network once more: batch norms apart, every branch written out."""

    def c(name: str, x: Tensor, stride: int = 1, padding: tuple[int, int] = (0, 0)) -> Tensor:
        x = F.conv2d(x, state[f"{name}.conv.weight"], None, stride, padding)
        mean, var = state[f"{name}.bn.running_mean"], state[f"{name}.bn.running_var"]
        return F.batch_norm(x, mean, var, state[f"{name}.bn.weight"], state[f"{name}.bn.bias"], eps=1e-3).relu()

    def pool(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 3, 1, 1, count_include_pad=dialect == "torchvision")

    s, t, u = (1, 1), (0, 3), (3, 0)
    x = c("Conv2d_2b_3x3", c("Conv2d_2a_3x3", c("Conv2d_1a_3x3", x, 2)), 1, s)
    x = c("Conv2d_4a_3x3", c("Conv2d_3b_1x1", F.max_pool2d(x, 3, 2)))
    x = F.max_pool2d(x, 3, 2)
    for n in ("Mixed_5b.branch", "Mixed_5c.branch", "Mixed_5d.branch"):
        five = c(f"{n}5x5_2", c(f"{n}5x5_1", x), 1, (2, 2))
        three = c(f"{n}3x3dbl_3", c(f"{n}3x3dbl_2", c(f"{n}3x3dbl_1", x), 1, s), 1, s)
        x = torch.cat([c(f"{n}1x1", x), five, three, c(f"{n}_pool", pool(x))], 1)
    n = "Mixed_6a.branch"
    three = c(f"{n}3x3dbl_3", c(f"{n}3x3dbl_2", c(f"{n}3x3dbl_1", x), 1, s), 2)
    x = torch.cat([c(f"{n}3x3", x, 2), three, F.max_pool2d(x, 3, 2)], 1)
    for n in ("Mixed_6b.branch", "Mixed_6c.branch", "Mixed_6d.branch", "Mixed_6e.branch"):
        seven = c(f"{n}7x7_3", c(f"{n}7x7_2", c(f"{n}7x7_1", x), 1, t), 1, u)
        twice = c(f"{n}7x7dbl_3", c(f"{n}7x7dbl_2", c(f"{n}7x7dbl_1", x), 1, u), 1, t)
        twice = c(f"{n}7x7dbl_5", c(f"{n}7x7dbl_4", twice, 1, u), 1, t)
        x = torch.cat([c(f"{n}1x1", x), seven, twice, c(f"{n}_pool", pool(x))], 1)
    n = "Mixed_7a.branch"
    three = c(f"{n}3x3_2", c(f"{n}3x3_1", x), 2)
    seven = c(f"{n}7x7x3_3", c(f"{n}7x7x3_2", c(f"{n}7x7x3_1", x), 1, t), 1, u)
    x = torch.cat([three, c(f"{n}7x7x3_4", seven, 2), F.max_pool2d(x, 3, 2)], 1)
    for n in ("Mixed_7b.branch", "Mixed_7c.branch"):
        one, two = c(f"{n}3x3_1", x), c(f"{n}3x3dbl_2", c(f"{n}3x3dbl_1", x), 1, s)
        parts = [c(f"{n}1x1", x), c(f"{n}3x3_2a", one, 1, (0, 1)), c(f"{n}3x3_2b", one, 1, (1, 0))]
        parts += [c(f"{n}3x3dbl_3a", two, 1, (0, 1)), c(f"{n}3x3dbl_3b", two, 1, (1, 0))]
        largest = dialect == "tf" and n.startswith("Mixed_7c")
        x = torch.cat([*parts, c(f"{n}_pool", F.max_pool2d(x, 3, 1, 1) if largest else pool(x))], 1)
    return x.mean((2, 3))


@pytest.mark.parametrize("dialect", ["torchvision", "tf"])
def test_inception(dialect: inception.Dialect) -> None:
    state, network = inception_state(dialect), InceptionV3(dialect)
    network.load(state)
    x = torch.rand(1, 3, 299, 299, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        wanted = plain_inception(state, dialect, x)
        outputs = network(x)
    torch.testing.assert_close(outputs, wanted, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(network.logits(outputs), outputs @ state["fc.weight"].T + state["fc.bias"])
    torch.testing.assert_close(network.logits(outputs, bias=False), outputs @ state["fc.weight"].T)
    other: inception.Dialect = "tf" if dialect == "torchvision" else "torchvision"
    with torch.no_grad():
        apart = (plain_inception(state, other, x) - outputs).abs().max()
    assert apart > 1e-3, "the dialects are told apart by more than their weights"
    with pytest.raises(ValueError, match=r"'fc\.weight' is"):
        InceptionV3(other).load(state)


def test_the_published_inception_is_covered() -> None:
    state = inception_state("torchvision")
    learnt = [v for k, v in state.items() if not k.endswith(("running_mean", "running_var", "num_batches_tracked"))]
    assert sum(v.numel() for v in learnt) == 27_161_264
    assert len(state) == 96 * 6 + 4
    del state["Mixed_6c.branch7x7_2.bn.running_var"]
    with pytest.raises(ValueError, match=r"has no 'Mixed_6c.branch7x7_2.bn.running_var'; an Inception v3 file"):
        InceptionV3().load(state)


def test_resizing() -> None:
    pictures = torch.randint(0, 256, (2, 3, 128, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    for at, picture in enumerate(pictures):
        for channel in range(3):
            plain = Image.fromarray(picture[channel].float().numpy(), mode="F").resize(
                (299, 299), Image.Resampling.BICUBIC
            )
            wanted = (torch.from_numpy(np.array(plain)).clamp(0, 255) - 128) / 128
            torch.testing.assert_close(prepared(pictures, "clean")[at, channel], wanted, rtol=0, atol=1e-4)
    tf = prepared(pictures, "tf") * 128 + 128
    for row, column in ((0, 0), (298, 298), (100, 250), (7, 31)):
        y, x = row * 128 / 299, column * 64 / 299  # the corner of a pixel, not its middle
        corners = [pictures[:, :, min(int(y) + i, 127), min(int(x) + j, 63)].float() for i in (0, 1) for j in (0, 1)]
        a, b = y - int(y), x - int(x)
        wanted = (1 - a) * ((1 - b) * corners[0] + b * corners[1]) + a * ((1 - b) * corners[2] + b * corners[3])
        torch.testing.assert_close(tf[:, :, row, column], wanted, rtol=0, atol=2e-3)
    flat = torch.full((1, 3, 8, 8), 255, dtype=torch.uint8)
    torch.testing.assert_close(prepared(flat, "unit"), torch.ones(1, 3, 299, 299))
    torch.testing.assert_close(prepared(flat, "imagenet")[0, :, 0, 0], torch.tensor([0.428, 0.36, 0.262]))
    torch.testing.assert_close(prepared(flat, "clean"), torch.full((1, 3, 299, 299), 127 / 128))
    with pytest.raises(ValueError, match="got 'dirty'"):
        prepared(flat, "dirty")  # type: ignore[arg-type]


# -- SSD300 ---------------------------------------------------------------------------------------------------------


def plain_ssd(state: dict[str, Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """The published detector once more: class scores before softmax and offsets."""

    def c(name: str, x: Tensor, **how: int) -> Tensor:
        return F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], **how)

    b = "backbone.features"
    for index in (0, 2, 5, 7, 10, 12, 14, 17, 19, 21):
        x = c(f"{b}.{index}", x, padding=1).relu()
        if index in (2, 7, 14):
            x = F.max_pool2d(x, 2, 2, ceil_mode=index == 14)
    maps = [state["backbone.scale_weight"].view(1, 512, 1, 1) * x / x.norm(dim=1, keepdim=True).clamp_min(1e-12)]
    b = "backbone.extra.0"
    x = F.max_pool2d(x, 2, 2)
    for index in (1, 3, 5):
        x = c(f"{b}.{index}", x, padding=1).relu()
    x = c(f"{b}.7.1", F.max_pool2d(x, 3, 1, 1), padding=6, dilation=6).relu()
    maps.append(c(f"{b}.7.3", x).relu())
    for index, how in ((1, (2, 1)), (2, (2, 1)), (3, (1, 0)), (4, (1, 0))):
        x = c(f"backbone.extra.{index}.0", maps[-1]).relu()
        maps.append(c(f"backbone.extra.{index}.2", x, stride=how[0], padding=how[1]).relu())
    out = []
    for head, columns in (("classification_head", 91), ("regression_head", 4)):
        parts = []
        for number, features in enumerate(maps):
            y = c(f"head.{head}.module_list.{number}", features, padding=1)
            y = y.view(len(y), -1, columns, features.shape[2] * features.shape[3])  # box, column, place
            parts.append(y.permute(0, 3, 1, 2).flatten(1, 2))
        out.append(torch.cat(parts, 1))
    return out[0], out[1]


def test_ssd() -> None:
    torch.manual_seed(0)
    network = SSD300()
    assert count(network) == 35_641_826
    state = {
        k: torch.randn_like(v) * (2 / v[0].numel()) ** 0.5 if v.ndim == 4 else v
        for k, v in network.state_dict().items()
    }
    assert len(state) == 1 + 2 * (10 + 3 + 2 + 8 + 12)
    network.load(state)
    x = torch.rand(1, 3, 300, 300)
    mean = torch.tensor([0.48235, 0.45882, 0.40784]).view(1, 3, 1, 1)
    with torch.no_grad():
        scores, offsets = network(x)
        wanted, shift = plain_ssd(state, (x - mean) * 255)
    assert scores.shape == (1, 8732, 91)
    torch.testing.assert_close(scores, wanted.softmax(2), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(offsets, shift, rtol=1e-4, atol=1e-3)


def test_boxes_of_the_paper() -> None:
    default = ssd.default_boxes()
    assert default.shape == (8732, 4)
    torch.testing.assert_close(default[0], torch.tensor([4 / 300, 4 / 300, 0.07, 0.07]))
    torch.testing.assert_close(default[3], torch.tensor([4 / 300, 4 / 300, 0.07 / 2**0.5, 0.07 * 2**0.5]))
    torch.testing.assert_close(default[-4], torch.tensor([0.5, 0.5, 0.87, 0.87]))
    still = ssd.boxes(torch.zeros(1, 8732, 4))[0, -4]
    torch.testing.assert_close(still, torch.tensor([0.065, 0.065, 0.935, 0.935]))
    moved = torch.zeros(1, 8732, 4)
    moved[0, -4] = torch.tensor([1.0, 0, -5 * 0.6931472, 0])  # right by a tenth of the width, half as wide
    torch.testing.assert_close(ssd.boxes(moved)[0, -4], torch.tensor([0.587 - 0.2175, 0.065, 0.587 + 0.2175, 0.935]))


# -- the files ------------------------------------------------------------------------------------------------------

Build = Callable[..., nn.Module]
BUILDERS: list[tuple[str, Build]] = [
    (alexnet.WEIGHTS, alexnet.alexnet),
    (squeezenet.WEIGHTS, squeezenet.squeezenet),
    (inception.WEIGHTS["torchvision"], inception.inception_v3),
    (ssd.WEIGHTS, ssd.ssd300),
]


@pytest.mark.parametrize(("name", "build"), BUILDERS)
def test_a_missing_file_is_named(name: str, build: Build, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REPOSE_FILES", "")
    monkeypatch.setenv("REPOSE_CACHE", str(tmp_path))
    monkeypatch.setenv("REPOSE_OFFLINE", "1")
    with pytest.raises(FileNotFoundError, match=name):
        build()
    with pytest.raises(FileNotFoundError, match=name):
        build(path=tmp_path / "nowhere.pth")
    torch.save({"something": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match="has no '"):
        build(path=tmp_path / "other.pth")


def test_names_carry_the_checksums() -> None:
    """torchvision puts the first eight digits of the sha256 into the name."""
    for name, file in FILES.items():
        if name.endswith(".pth") and not name.startswith("lpips"):
            digits = name.removesuffix(".pth").rpartition("-")[2]
            assert file.sha256.startswith(digits)
            assert file.url is not None
            assert file.url.endswith(name)
