"""The perceptual term on a hand-made backbone, and on MobileNetV2 where its weights are at hand."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from repose.losses.perceptual import Perceptual, gram, style
from repose.nn.mobilenet import mobilenet_v2


class Linear(nn.Module):
    """Two "layers": the picture itself, and twice its first channel."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.tensor(2.0))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"relu1_2": images, "relu2_2": self.factor * images[:, :1]}


def test_sum_and_mean_of_the_layers() -> None:
    a, b = torch.rand(2, 3, 4, 4) * 2 - 1, torch.rand(2, 3, 4, 4) * 2 - 1
    first = (a - b).abs().mean().item() / 2  # VGG19 is fed [0, 1]
    second = (a - b)[:, 0].abs().mean().item()
    assert Perceptual(features=Linear())(a, b).item() == pytest.approx(first + second, rel=1e-5)
    assert Perceptual(features=Linear(), reduce="mean")(a, b).item() == pytest.approx((first + second) / 2, rel=1e-5)


def test_the_l2_distance_is_of_each_picture() -> None:
    a, b = torch.rand(2, 3, 4, 4) * 2 - 1, torch.rand(2, 3, 4, 4) * 2 - 1
    first = [((x - y) / 2).norm().item() / 48**0.5 for x, y in zip(a, b, strict=True)]
    second = [(x - y)[0].norm().item() / 16**0.5 for x, y in zip(a, b, strict=True)]
    term = Perceptual(features=Linear(), distance="l2")
    assert term(a, b).item() == pytest.approx((sum(first) + sum(second)) / 2, rel=1e-5)
    same = a.clone().requires_grad_()
    term(same, a).backward()
    assert same.grad is not None
    assert torch.isfinite(same.grad).all()
    with pytest.raises(ValueError, match="no distance 'l3'"):
        Perceptual(distance="l3")  # type: ignore[arg-type]


def test_style_knows_which_channels_go_together_not_where() -> None:
    a, b = torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4)
    by_hand = torch.einsum("bchw,bdhw->bcd", a, a) / 48
    torch.testing.assert_close(gram(a), by_hand)
    wanted = (by_hand - gram(b)).square().mean() + (gram(2 * a) - gram(2 * b)).square().mean()
    torch.testing.assert_close(style({"x": a, "y": 2 * a}, {"x": b, "y": 2 * b}), wanted)
    places = torch.randperm(16, generator=torch.Generator().manual_seed(0))
    moved = a.flatten(2)[..., places].reshape(a.shape)
    assert style({"x": moved}, {"x": a}).item() < 1e-12 < style({"x": a.flip(1)}, {"x": a}).item()


def test_batch_rescaling_ignores_gain_and_offset_of_the_whole_batch() -> None:
    a, b = torch.rand(2, 3, 4, 4) * 2 - 1, torch.rand(2, 3, 4, 4) * 2 - 1
    term = Perceptual(features=Linear(), rescale="batch")
    assert term(0.3 * a + 0.2, b).item() == pytest.approx(term(a, b).item(), rel=1e-4)
    one_darker = torch.cat([a[:1], 0.5 * a[1:]])  # per picture it would be the same, per batch it is not
    assert term(one_darker, b).item() != pytest.approx(term(a, b).item(), rel=1e-3)
    assert torch.isfinite(term(torch.zeros(1, 3, 4, 4), b[:1]))


def test_gradients_reach_the_generated_picture_only() -> None:
    a, b = torch.rand(1, 3, 4, 4, requires_grad=True), torch.rand(1, 3, 4, 4, requires_grad=True)
    backbone = Linear()
    Perceptual(features=backbone)(a, b).backward()
    assert a.grad is not None
    assert a.grad.abs().sum() > 0
    assert b.grad is None
    assert backbone.factor.grad is None


def test_backbone_moves_but_is_not_saved_or_trained() -> None:
    backbone = Linear()
    holder = nn.Sequential(Perceptual(features=backbone))
    assert holder.state_dict() == {}
    assert list(holder.parameters()) == []
    holder.to(torch.float64)
    assert backbone.factor.dtype == torch.float64
    holder.train()
    assert not backbone.training


def test_squared() -> None:
    a, b = torch.rand(2, 3, 4, 4) * 2 - 1, torch.rand(2, 3, 4, 4) * 2 - 1
    apart = (a - b) / 2
    wanted = apart.square().mean().item() + (2 * apart[:, :1]).square().mean().item()
    term = Perceptual(features=Linear())
    assert term.between(*term.features(a, b), "squared").item() == pytest.approx(wanted, rel=1e-5)
    assert Perceptual(features=Linear(), distance="squared")(a, b).item() == pytest.approx(wanted, rel=1e-5)


def test_bad_words() -> None:
    with pytest.raises(ValueError, match="did you mean 'relu2_2'"):
        Perceptual("vgg19", ("relu2_22",))
    with pytest.raises(ValueError, match="did you mean 'relu3_3'"):
        Perceptual("vgg16", ("relu3_4",))  # VGG19 has it
    with pytest.raises(ValueError, match="no backbone 'vgg13'"):
        Perceptual("vgg13")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no rescale"):
        Perceptual(rescale="none")  # type: ignore[arg-type]


def test_mobilenet_term_orders_pictures(shared: Path) -> None:
    layers = ("blocks.0", "blocks.5")
    network = mobilenet_v2(layers, shared / "models/mobilenet_v2_imagenet.safetensors", scaled=True)
    term = Perceptual("mobilenet_v2", layers, features=network)
    generator = torch.Generator().manual_seed(0)
    x = nn.functional.interpolate(torch.rand(2, 3, 8, 4, generator=generator) * 2 - 1, (64, 32), mode="bilinear")
    noise = torch.randn(x.shape, generator=generator)
    same, near, far = (term((x + s * noise).clamp(-1, 1), x).item() for s in (0.0, 0.05, 0.5))
    assert same == 0
    assert 0 < near < far
