"""LPIPS as a loss, against the metric, on random weights and on the published ones where they are at hand."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from repose.hub.fetch import FileMissingError
from repose.losses.lpips import Lpips, Trunk, WeightedTrunk
from repose.losses.perceptual import Perceptual
from repose.metrics.picture_networks import LpipsNetwork
from repose.nn.alexnet import TAPS, AlexNet
from repose.nn.lpips import ALEXNET_WITH_WEIGHTS, lpips_alexnet, lpips_vgg16, lpips_weights
from repose.train.memory_count import feature_networks


@pytest.fixture(scope="module")
def network() -> WeightedTrunk:
    """AlexNet with random weights."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        term = Lpips()
        blank = term.blank()
    assert isinstance(blank, WeightedTrunk)
    return blank


def pictures(seed: int) -> Tensor:
    """uint8 (3, 3, 96, 72), smooth."""
    generator = torch.Generator().manual_seed(seed)
    small = torch.rand(3, 3, 12, 9, generator=generator)
    return (nn.functional.interpolate(small, (96, 72), mode="bilinear") * 255).round().to(torch.uint8)


def scaled(values: Tensor) -> Tensor:
    return values.float() / 127.5 - 1


def test_it_is_the_metric(network: WeightedTrunk) -> None:
    one, other = pictures(0), pictures(1)
    metric = LpipsNetwork(network.network, network.weights, torch.device("cpu"))
    wanted = metric.distances({"target": other, "generated": one})["generated"].mean().item()
    assert wanted > 0.01
    term = Lpips(network)
    assert term(scaled(one), scaled(other)).item() == pytest.approx(wanted, rel=1e-5)
    everywhere = torch.full((3, 1, 96, 72), 0.5)
    assert term(scaled(one), scaled(other), everywhere).item() == pytest.approx(wanted, rel=1e-5)
    assert term(scaled(one), scaled(one)).item() == 0


@pytest.mark.parametrize(("trunk", "read"), [("alex", lpips_alexnet), ("vgg", lpips_vgg16)])
def test_it_is_the_metric_with_the_published_weights(
    trunk: Trunk,
    read: Callable[[], tuple[nn.Module, dict[str, Tensor]]],
    shared: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    monkeypatch.setenv("REPOSE_OFFLINE", "1")
    metric = LpipsNetwork(*read(), torch.device("cpu"))
    one, other = pictures(0), pictures(1)
    wanted = metric.distances({"target": other, "generated": one})["generated"].mean().item()
    assert 0.1 < wanted < 1
    assert Lpips(trunk=trunk)(scaled(one), scaled(other)).item() == pytest.approx(wanted, rel=1e-5)


def test_vgg16_before_its_file_is_read() -> None:
    with torch.random.fork_rng():
        term = Lpips(trunk="vgg")
        blank = term.blank()
    assert sum(weight.numel() for weight in blank.parameters()) == 14_714_688  # VGG16 without its classifier
    one = scaled(pictures(0))[:1, :, :16, :16].requires_grad_()
    term(one, scaled(pictures(1))[:1, :, :16, :16]).backward()
    assert one.grad is not None
    assert float(one.grad.abs().max()) > 0
    with pytest.raises(ValueError, match=r"H and W of 16 or more are wanted, got \(1, 3, 12, 16\)"):
        term(one[:, :, :12], one[:, :, :12])
    with pytest.raises(ValueError, match="no trunk 'vgg19'"):
        Lpips(trunk="vgg19")  # type: ignore[arg-type]


def test_both_files_hold_the_same_learnt_weights(shared: Path) -> None:
    theirs = pytest.importorskip("torchmetrics.functional.image.lpips")
    published = lpips_weights(Path(theirs.__file__).parent / "lpips_models" / "alex.pth", TAPS)
    for tap, weight in lpips_weights(shared / "models" / ALEXNET_WITH_WEIGHTS, TAPS).items():
        assert torch.equal(weight, published[tap])


def test_the_weight_says_which_pixels_count(network: WeightedTrunk) -> None:
    """By hand: per layer, the weighted mean over places and pictures."""
    one, other = scaled(pictures(0)), scaled(pictures(1))
    weight = torch.zeros(3, 1, 96, 72)
    weight[0, :, 20:70, 10:50], weight[1, :, :40] = 1, 0.5  # nobody in the third
    wanted = 0.0
    taps = [network(images) for images in (one, other)]
    for tap, learnt in network.weights.items():
        a, b = (value[tap] / value[tap].norm(dim=1, keepdim=True).clamp_min(1e-9) for value in taps)
        apart = ((a - b).square() * learnt.view(1, -1, 1, 1)).sum(1, keepdim=True)
        share = nn.functional.adaptive_avg_pool2d(weight, apart.shape[-2:])
        wanted += float((apart * share).sum() / share.sum())
    term = Lpips(network)
    assert term(one, other, weight).item() == pytest.approx(wanted, rel=1e-4)
    assert term(one, other, weight).item() != pytest.approx(term(one, other).item(), rel=1e-3)
    changed = one.clone()
    changed[2] = 0
    assert term(changed, other, weight).item() == pytest.approx(wanted, rel=1e-4), "the third does not count"
    assert term(one, other, torch.zeros_like(weight)).item() == 0
    half = term.between(term.features(one[:1]), term.features(other[:1]), weight[:1])
    assert half.item() == pytest.approx(term(one[:1], other[:1], weight[:1]).item())


def test_the_gradient_is_the_slope(network: WeightedTrunk) -> None:
    with torch.random.fork_rng():
        double = WeightedTrunk(AlexNet(), network.weights)
    double.load_state_dict(network.state_dict())
    term = Lpips(double)
    one = scaled(pictures(0))[:1].requires_grad_()
    other = scaled(pictures(1))[:1].requires_grad_()
    weight = torch.rand(1, 1, 96, 72, requires_grad=True)
    term(one, other, weight).backward()
    assert one.grad is not None
    assert other.grad is None
    assert weight.grad is None
    assert all(parameter.grad is None for parameter in double.parameters())
    direction = one.grad / one.grad.norm()
    step = 2e-2
    with torch.no_grad():
        up, down = (term(one + k * step * direction, other, weight).item() for k in (1, -1))
    assert (up - down) / (2 * step) == pytest.approx(one.grad.norm().item(), rel=0.03)


def test_flat_pictures_have_a_finite_slope(network: WeightedTrunk) -> None:
    """Where a layer is silent its vector has no length."""
    dead = WeightedTrunk(AlexNet(), network.weights)
    for layer in dead.network.features.values():
        layer.weight.zero_()
        layer.bias.zero_()
    for net in (network, dead):
        flat = torch.zeros(2, 3, 64, 64, requires_grad=True)
        Lpips(net)(flat, scaled(pictures(0))[:2, :, :64, :64]).backward()
        assert flat.grad is not None
        assert torch.isfinite(flat.grad).all()


def test_the_network_moves_but_is_not_saved_or_trained() -> None:
    term = Lpips()
    term.blank()
    holder = nn.Sequential(term)
    assert holder.state_dict() == {}
    assert list(holder.parameters()) == []
    assert list(holder.buffers()) == []
    holder.to(torch.float64)
    moved = term.network()
    assert {value.dtype for value in (*moved.parameters(), *moved.buffers())} == {torch.float64}
    holder.train()
    assert not moved.training
    assert not any(parameter.requires_grad for parameter in moved.parameters())


def test_memory_counting_sees_it() -> None:
    objective = nn.ModuleList([Lpips(), Perceptual("mobilenet_v2")])
    weights = [sum(p.numel() for p in net.parameters()) for net in feature_networks(objective)]  # type: ignore[arg-type]
    assert weights[0] == 2_469_696
    assert len(weights) == 2


def test_missing_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REPOSE_OFFLINE", "1")
    monkeypatch.setenv("REPOSE_CACHE", str(tmp_path))
    monkeypatch.delenv("REPOSE_FILES", raising=False)
    term = Lpips()
    term.advice = "add objective.lpips=0"
    with pytest.raises(FileMissingError, match=r"(?s)lpips_v0\.1_alex\.pth.*or        add objective\.lpips=0"):
        term(torch.zeros(1, 3, 64, 64), torch.zeros(1, 3, 64, 64))


def test_wrong_shapes(network: WeightedTrunk) -> None:
    term, images = Lpips(network), scaled(pictures(0))
    with pytest.raises(ValueError, match=r"H and W of 63 or more are wanted, got \(3, 3, 40, 72\)"):
        term(images[:, :, :40], images[:, :, :40])
    with pytest.raises(ValueError, match=r"weight \(B, 1, H, W\) for 3 pictures is wanted, got \(3, 96, 72\)"):
        term(images, images, torch.ones(3, 96, 72))
