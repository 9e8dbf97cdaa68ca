"""MobileNetV2: TensorFlow's padding against a loop, names, counts and logits of the shared file."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from repose.nn.mobilenet import CHANNELS, TAPS, MobileNetV2, feature_scale, mobilenet_v2, same_pad


def tensorflow_same(x: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """SAME as TensorFlow's documentation defines it, one channel, pixel by pixel."""
    side = kernel.shape[0]
    out_shape = [-(-n // stride) for n in x.shape]
    before = [max((o - 1) * stride + side - n, 0) // 2 for o, n in zip(out_shape, x.shape, strict=True)]
    out = np.zeros(out_shape)
    for i in range(out_shape[0]):
        for j in range(out_shape[1]):
            for a in range(side):
                for b in range(side):
                    y, z = i * stride + a - before[0], j * stride + b - before[1]
                    if 0 <= y < x.shape[0] and 0 <= z < x.shape[1]:
                        out[i, j] += x[y, z] * kernel[a, b]
    return out


@pytest.mark.parametrize("size", [(8, 6), (7, 6), (7, 5)])
def test_padding_is_tensorflows(size: tuple[int, int]) -> None:
    x, kernel = torch.randn(size, dtype=torch.float64), torch.randn(3, 3, dtype=torch.float64)
    outputs = F.conv2d(same_pad(x[None, None]), kernel[None, None], stride=2)[0, 0]
    np.testing.assert_allclose(outputs.numpy(), tensorflow_same(x.numpy(), kernel.numpy(), 2), atol=1e-12)


def test_shapes_of_the_taps() -> None:
    outputs = MobileNetV2(TAPS)(torch.zeros(1, 3, 128, 64))
    sizes = {tap: tuple(x.shape[1:]) for tap, x in outputs.items()}
    assert sizes == {
        "blocks.0": (16, 64, 32), "blocks.2": (24, 32, 16), "blocks.5": (32, 16, 8), "blocks.12": (96, 8, 4),
        "blocks.16": (320, 4, 2),
    }  # fmt: skip
    assert {tap: size[0] for tap, size in sizes.items()} == CHANNELS
    assert len(MobileNetV2(("blocks.5",)).blocks) == 6


def test_scale_is_a_fixed_number_a_channel() -> None:
    torch.manual_seed(0)
    plain = MobileNetV2(("blocks.2",))
    scaled = MobileNetV2(("blocks.2",), scaled=True)
    scaled.load_state_dict(plain.state_dict())
    x = torch.randn(2, 3, 32, 32)
    ratio = plain(x)["blocks.2"] / scaled(x)["blocks.2"]
    torch.testing.assert_close(ratio, feature_scale("blocks.2").view(1, -1, 1, 1).expand_as(ratio))
    for tap in TAPS:
        assert feature_scale(tap).shape == (CHANNELS[tap],)
        assert (feature_scale(tap) > 0.1).all()


def test_every_entry_of_the_file_is_used_once(shared: Path) -> None:
    state = load_file(shared / "models/mobilenet_v2_imagenet.safetensors")
    network = MobileNetV2(())
    assert set(network.state_dict()) == set(state)
    assert sum(p.numel() for p in network.parameters()) == 3_489_097 == sum(v.numel() for v in state.values())


def test_logits_equal_a_second_writing(shared: Path) -> None:
    """The whole network once more, straight from the table of the file's own description."""
    file = shared / "models/mobilenet_v2_imagenet.safetensors"
    w = {name: value.double() for name, value in load_file(file).items()}

    def conv(x: torch.Tensor, name: str, stride: int = 1, groups: int = 1, relu: bool = True) -> torch.Tensor:
        weight = w[name + ".weight"]
        side = weight.shape[-1]
        pads = []
        for n in (x.shape[-1], x.shape[-2]):
            total = max((-(-n // stride) - 1) * stride + side - n, 0)
            pads += [total // 2, total - total // 2]
        y = F.conv2d(F.pad(x, pads), weight, w[name + ".bias"], stride, groups=groups)
        return y.clamp(0, 6) if relu else y

    x = torch.rand(2, 3, 65, 48, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    y = conv(x, "stem", 2)
    for number in range(17):
        name, before = f"blocks.{number}", y
        if number:
            y = conv(y, name + ".expand")
        y = conv(y, name + ".depthwise", 2 if number in (1, 3, 6, 13) else 1, groups=y.shape[1])
        y = conv(y, name + ".project", relu=False)
        if number in (2, 4, 5, 7, 8, 9, 11, 12, 14, 15):
            y = before + y
    y = conv(y, "head").mean((2, 3))
    wanted = y @ w["classifier.weight"].reshape(1001, 1280).T + w["classifier.bias"]
    outputs = mobilenet_v2((), file).logits(x.float())
    torch.testing.assert_close(outputs.double(), wanted, atol=2e-3, rtol=1e-3)
    assert torch.equal(outputs.argmax(1), wanted.argmax(1))


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="mobilenet_v2_imagenet"):
        mobilenet_v2(path=tmp_path / "x.safetensors")
    with pytest.raises(ValueError, match=r"has no 'stem\.weight'"):
        MobileNetV2().load({}, "an empty file")
    with pytest.raises(ValueError, match=r"did you mean 'blocks\.1"):
        MobileNetV2(("blocks.13",))
