"""Our feature networks, distances and scores against other people's implementations, on random weights and features.

None of those is needed to install or to test Repose; a test is skipped, with the reason, where its package cannot be
imported. CONTRIBUTING.md says how to run them in an environment of their own; `-rP` shows what was measured.

Limits are for the largest difference divided by the largest value: about three times what was measured over four seeds
on x86-64 with torch 2.13 (`docs/networks.md`, "Proof"), and `EXACT` where nothing differed.
"""

import importlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn

from repose.metrics.functional import (
    WANG,
    SSIMVariant,
    detection_score,
    frechet,
    inception_score,
    kernel_distance,
    kid,
    lpips,
    ms_ssim,
    ssim,
)
from repose.metrics.functional.ssim import MS_WEIGHTS
from repose.metrics.networks import network_metric
from repose.nn import inception
from repose.nn.alexnet import AlexNet
from repose.nn.inception import InceptionV3, prepared
from repose.nn.lpips import LPIPS_TAPS, lpips_weights
from repose.nn.squeezenet import SqueezeNet
from repose.nn.ssd import FLOOR, PERSON, SSD300, boxes
from repose.nn.vgg import IMAGENET_MEAN, IMAGENET_STD, TAPS, TAPS_16, VGG16, VGG19
from tests.metrics.stores import figure
from tests.nn.test_feature_networks import inception_state

SEED = 0

EXACT = 1e-7
"""The same float32 operations in the same order; what another processor may make of them."""

SET = 1e-12
"""Of scores of sets, in float64 on both sides; measured: 4e-14."""

WINDOW = {"piq": 6e-8, "pytorch_msssim": 4e-6}
"""Of SSIM and MS-SSIM, in float64 on their side; the window of pytorch_msssim is rounded to float32."""


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(SEED)


def imported(name: str) -> Any:
    """The module; where it cannot be imported the test is skipped with the reason.

    RuntimeError and OSError are what a torchvision built for another torch says.
    """
    try:
        return importlib.import_module(name)
    except (ImportError, RuntimeError, OSError) as error:
        pytest.skip(f"{name} cannot be imported, see CONTRIBUTING.md: {type(error).__name__}: {error}")


def close(what: str, found: Tensor | float, wanted: Tensor | float, limit: float) -> None:
    """No difference larger than `limit` times the largest wanted value."""
    ours, theirs = (torch.as_tensor(value, dtype=torch.float64) for value in (found, wanted))
    assert ours.shape == theirs.shape
    assert theirs.abs().max() > 0
    apart = float((ours - theirs).abs().max() / theirs.abs().max())
    print(f"{what}: {apart:.1e}")
    assert apart <= limit, f"{what}: {apart:.1e} of the largest value, {limit:.0e} allowed"


def pictures(count: int = 2, height: int = 128, width: int = 64, start: int = 0) -> Tensor:
    """uint8 (B, 3, H, W)."""
    made = [figure(SEED + seed, height, width)[0] for seed in range(start, start + count)]
    return torch.from_numpy(np.stack(made)).movedim(-1, 1).contiguous()


def pairs(count: int = 4, height: int = 192, width: int = 176) -> tuple[Tensor, Tensor]:
    """uint8 (B, 3, H, W) twice: a noisy copy, another person, a shifted copy, a dark one, and so on."""
    target = pictures(count, height, width)
    noisy = target.float() + 25 * torch.randn(target.shape)
    made = [noisy[0], target[1].float().flip(2), target[2].float().roll(3, 2), target[3] / 4]
    return torch.stack([made[k % 4] for k in range(count)]).clamp(0, 255).to(torch.uint8), target


def normal(images: Tensor) -> Tensor:
    mean, std = (torch.tensor(value).view(1, 3, 1, 1) for value in (IMAGENET_MEAN, IMAGENET_STD))
    return (images - mean) / std


@torch.no_grad()
def drawn(network: Any) -> Any:
    """The network with random weights under which no layer falls silent, and norms that do something."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
            if layer.bias is not None:
                nn.init.normal_(layer.bias, std=0.1)
        elif isinstance(layer, nn.BatchNorm2d):
            layer.weight.uniform_(0.5, 1.5)
            layer.bias.normal_(0, 0.1)
            layer.running_mean.normal_(0, 0.1)
            layer.running_var.uniform_(0.5, 1.5)
    return network.eval()


# -- trunks ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "kind"), [("alexnet", AlexNet), ("squeezenet1_1", SqueezeNet)])
@torch.no_grad()
def test_logits_are_torchvisions(name: str, kind: type[AlexNet | SqueezeNet]) -> None:
    theirs = drawn(getattr(imported("torchvision.models"), name)(weights=None))
    ours, x = kind(()), pictures() / 255
    ours.load(theirs.state_dict())
    assert set(ours.state_dict()) == set(theirs.state_dict())
    close(f"{name}, logits", ours.logits(x), theirs(normal(x)), EXACT)


@pytest.mark.parametrize(("name", "kind", "taps"), [("vgg16", VGG16, TAPS_16), ("vgg19", VGG19, TAPS)])
@torch.no_grad()
def test_taps_are_torchvisions(name: str, kind: type[VGG16 | VGG19], taps: Sequence[str]) -> None:
    theirs = drawn(getattr(imported("torchvision.models"), name)(weights=None, init_weights=False).features)
    ours, x = kind(taps), pictures() / 255
    ours.load({f"features.{key}": value for key, value in theirs.state_dict().items()})
    found, y = ours(x), normal(x)
    left = list(taps)
    for layer in theirs:
        y = layer(y)
        if isinstance(layer, nn.ReLU):
            close(f"{name}, {left[0]}", found[left.pop(0)], y, EXACT)
    assert not left


@torch.no_grad()
def test_inception_is_torchvisions() -> None:
    theirs = drawn(imported("torchvision.models").inception_v3(weights=None, init_weights=False, transform_input=False))
    ours, given = InceptionV3("torchvision"), pictures()
    ours.load(theirs.state_dict())
    x = prepared(given, "unit")
    features = ours(x)
    close("Inception v3, logits", ours.logits(features), theirs(x), 2e-6)
    # its own step for weights of Google on pictures with mean and deviation taken out, at what the field gives it
    theirs.transform_input = True
    plain = F.interpolate(given / 255, size=(299, 299), mode="bilinear", align_corners=False)
    found = ours(prepared(given, "imagenet"))
    close("Inception v3, the field's step, logits", ours.logits(found), theirs(plain), 2e-6)
    theirs.fc = nn.Identity()
    close("Inception v3, the field's step, features", found, theirs(plain), 1e-6)


@torch.no_grad()
def test_inception_is_torch_fidelitys(tmp_path: Path) -> None:
    """Its resizing as well."""
    theirs = imported("torch_fidelity.feature_extractor_inceptionv3")
    torch.save(inception_state("tf"), tmp_path / "w.pth")
    reference = theirs.FeatureExtractorInceptionV3("i", ["2048", "logits_unbiased", "logits"], str(tmp_path / "w.pth"))
    ours = inception.inception_v3("tf", tmp_path / "w.pth")
    given = pictures()
    features, unbiased, logits = reference(given)
    found = ours(prepared(given, "tf"))
    close("torch-fidelity, features", found, features, 1e-6)
    close("torch-fidelity, logits without bias", ours.logits(found, bias=False), unbiased, 2e-6)
    close("torch-fidelity, logits", ours.logits(found), logits, 2e-6)


@torch.no_grad()
def test_inception_is_pytorch_fids(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = imported("pytorch_fid.inception")
    state = inception_state("tf")
    monkeypatch.setattr(theirs, "load_state_dict_from_url", lambda *_, **__: state)
    reference = theirs.InceptionV3([3]).eval()
    ours, given = InceptionV3("tf"), pictures()
    ours.load(state)
    close("pytorch-fid, features", ours(prepared(given, "unit")), reference(given / 255)[0].flatten(1), 1e-6)


def test_resizing_is_clean_fids() -> None:
    resize = imported("cleanfid.resize").build_resizer("clean")
    for height, width in ((128, 64), (256, 176), (400, 312)):  # the last is made smaller
        given = pictures(2, height, width)
        wanted = np.stack([resize(picture) for picture in given.movedim(1, -1).numpy()])
        found = prepared(given, "clean") * 128 + 128
        close(f"clean-fid, {height}x{width} to 299x299", found, torch.from_numpy(wanted).movedim(-1, 1), 3e-5)


@torch.no_grad()
def test_ssd300_is_torchvisions() -> None:
    """Scores and boxes of every place, and the best person that its detector finds."""
    built = imported("torchvision.models.detection").ssd300_vgg16
    theirs = drawn(built(weights=None, weights_backbone=None, num_classes=91))
    for head, share, spread in ((theirs.head.classification_head, 0.01, 0.3), (theirs.head.regression_head, 0.03, 0.1)):
        for layer in head.module_list:
            layer.weight.mul_(share)  # else one class has it all, and every box fills the picture
            layer.bias.normal_(0, spread)
    ours, x = SSD300(), pictures(2, 256, 176) / 255
    ours.load(theirs.state_dict())
    assert set(ours.state_dict()) == set(theirs.state_dict())
    scores, offsets = ours(x)
    resized, _ = theirs.transform(list(x))
    maps = list(theirs.backbone(resized.tensors).values())
    made = theirs.head(maps)
    close("SSD300, scores", scores, made["cls_logits"].softmax(2), 7e-6)
    close("SSD300, offsets", offsets, made["bbox_regression"], 3e-6)
    anchors = theirs.anchor_generator(resized, maps)[0]
    decoded = torch.stack([theirs.box_coder.decode_single(one, anchors) for one in made["bbox_regression"]])
    found = boxes(offsets)
    close("SSD300, boxes", found, decoded.clamp(0, 300) / 300, 7e-6)
    theirs.topk_candidates, theirs.detections_per_img = 50, 10**6  # of each class and of all, before it sorts them
    people = scores[:, :, PERSON]
    for at, detections in enumerate(theirs(list(x))):
        which = detections["labels"] == PERSON
        best = detections["scores"][which].argmax()
        close("SSD300, detection score", detection_score(people, FLOOR)[at], detections["scores"][which][best], 5e-6)
        box = found[at, people[at].argmax()] * torch.tensor([176, 256, 176, 256])
        close("SSD300, box of the best person", box, detections["boxes"][which][best], 1e-5)


# -- pairs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("net", "kind"), [("alex", AlexNet), ("vgg", VGG16), ("squeeze", SqueezeNet)], ids=["alex", "vgg", "squeeze"]
)
@torch.no_grad()
def test_lpips_is_its_authors(net: str, kind: type[AlexNet | SqueezeNet | VGG16], tmp_path: Path) -> None:
    """Random trunk, random weights of the channels, none below 0 as in the published files."""
    theirs = drawn(imported("lpips").LPIPS(net=net, pnet_rand=True, pretrained=False, verbose=False))
    state = theirs.state_dict()
    learnt = {name: value.uniform_() for name, value in state.items() if name.endswith(".model.1.weight")}
    torch.save({name: value for name, value in learnt.items() if not name.startswith("lins.")}, tmp_path / "w.pth")
    taps = LPIPS_TAPS[net]
    ours = kind(taps)
    # net.slice2.3.weight is features.3.weight of the published file
    ours.load({"features." + k.split(".", 2)[2]: value for k, value in state.items() if k.startswith("net.")})
    one, other = (given / 255 for given in pairs(4, 128, 96))
    found = lpips(ours(one), ours(other), lpips_weights(str(tmp_path / "w.pth"), taps))
    close(f"lpips, {net}", found, theirs(one, other, normalize=True).flatten(), 3e-7)


@torch.no_grad()
def test_lpips_is_piqs(monkeypatch: pytest.MonkeyPatch) -> None:
    """VGG16 alone is in piq."""
    theirs = imported("piq.perceptual")
    trunk = drawn(imported("torchvision.models").vgg16(weights=None, init_weights=False))
    taps = LPIPS_TAPS["vgg"]
    weights = {tap: torch.rand(width) for tap, width in zip(taps, (64, 128, 256, 512, 512), strict=True)}
    columns = [weight.view(1, -1, 1, 1) for weight in weights.values()]
    monkeypatch.setattr(theirs, "vgg16", lambda **_: trunk)
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", lambda *_, **__: columns)
    ours = VGG16(taps)
    ours.load(trunk.state_dict())
    one, other = (given / 255 for given in pairs(4, 128, 96))
    wanted = theirs.LPIPS(reduction="none")(one, other)
    close("piq, LPIPS", lpips(ours(one), ours(other), weights), wanted, 3e-7)


@pytest.mark.parametrize("package", WINDOW)
@pytest.mark.parametrize(("size", "sigma"), [(11, 1.5), (15, 2.0)])
def test_ssim_is_theirs(package: str, size: int, sigma: float) -> None:
    """Gaussian window, covariances divided by N, whole windows alone, range 255, mean over the channels."""
    theirs = imported(package)
    x, y = pairs()
    if package == "piq":  # it halves large pictures by default
        options: dict[str, Any] = {"kernel_size": size, "kernel_sigma": sigma, "downsample": False, "reduction": "none"}
    else:
        options = {"win_size": size, "win_sigma": sigma, "size_average": False}
    wanted = theirs.ssim(x.double(), y.double(), data_range=255, **options)
    close(f"{package}, SSIM {size}x{size}", ssim(x, y, SSIMVariant("gaussian", size, sigma)), wanted, WINDOW[package])


@pytest.mark.parametrize("package", WINDOW)
def test_ms_ssim_is_theirs(package: str) -> None:
    """Window 11x11, sigma 1.5, range 255, five scales.

    Both take the product for each channel and then the mean, and whole windows alone at the coarsest scale, where ours
    (and torchmetrics') reflect the border: so ours is asked channel by channel, and its last factor is exchanged.
    """
    theirs = imported(package)
    x, y = (given[[0, 2, 3]] for given in pairs())  # another person's likeness is below 0 at the coarsest scale
    if package == "piq":
        wanted = theirs.multi_scale_ssim(x.double(), y.double(), data_range=255, reduction="none")
    else:
        wanted = theirs.ms_ssim(x.double(), y.double(), data_range=255, size_average=False)
    one, other = x.flatten(0, 1)[:, None], y.flatten(0, 1)[:, None]
    small = [F.avg_pool2d(each.double(), 16) for each in (one, other)]
    wide = [F.pad(each, [WANG.size // 2] * 4, mode="reflect") for each in small]
    inside, padded = (ssim(*both, WANG, value_range=(0, 255)) for both in (small, wide))
    factor = (inside / padded) ** MS_WEIGHTS[-1]
    found = (ms_ssim(one, other) * factor).view(len(x), -1).mean(1)
    close(f"{package}, MS-SSIM", found, wanted, WINDOW[package])


# -- sets -----------------------------------------------------------------------------------------------------------


def features(count: int, width: int = 64, shift: float = 0.0) -> Tensor:
    """float64 (N, D), correlated, of columns with different spreads."""
    mixed = torch.randn(count, width).double() @ torch.randn(width, width).double() / width**0.5
    return (mixed * torch.linspace(0.1, 2, width).double() + shift).abs()


@pytest.mark.parametrize("splits", [1, 10])
def test_inception_score_is_torch_fidelitys(splits: int) -> None:
    theirs = imported("torch_fidelity.metric_isc")
    logits = torch.randn(253, 1008) * 3
    wanted = theirs.isc_features_to_metric(logits, splits, shuffle=False)
    mean, deviation = inception_score(logits, splits)
    close(f"torch-fidelity, IS of {splits}", mean, wanted["inception_score_mean"], SET)
    if splits > 1:
        close(f"torch-fidelity, its deviation over {splits}", deviation, wanted["inception_score_std"], SET)


@pytest.mark.parametrize(("package", "name"), [
    ("torch_fidelity.metric_fid", ""),
    ("cleanfid.fid", "frechet_distance"),
    ("pytorch_fid.fid_score", "calculate_frechet_distance"),
])  # fmt: skip
def test_fid_is_theirs(package: str, name: str) -> None:
    theirs = imported(package)
    one, other = features(400), features(300, shift=0.1)
    if name:
        sums = [part for rows in (one, other) for part in (rows.mean(0).numpy(), rows.T.cov().numpy())]
        wanted = float(getattr(theirs, name)(*sums))
    else:
        both = [theirs.fid_features_to_statistics(rows) for rows in (one, other)]
        wanted = theirs.fid_statistics_to_metric(*both, verbose=False)["frechet_inception_distance"]
    close(f"{package}, FID", frechet(one, other), wanted, SET)


@pytest.mark.parametrize("package", ["torch_fidelity.metric_kid", "cleanfid.fid"])
def test_kid_is_theirs(package: str) -> None:
    """Subsets are drawn with other random numbers everywhere: here each holds all."""
    theirs = imported(package)
    one, other = features(200), features(200, shift=0.1)
    if package == "cleanfid.fid":
        wanted = theirs.kernel_distance(one.numpy(), other.numpy(), num_subsets=3, max_subset_size=200)
    else:
        made = theirs.kid_features_to_metric(one, other, kid_subsets=3, kid_subset_size=200, verbose=False)
        wanted = made["kernel_inception_distance_mean"]
    close(f"{package}, kernel distance", kernel_distance(one, other), wanted, SET)
    close(f"{package}, KID", kid(one, other, subsets=3, size=200)[0], wanted, SET)


def test_the_published_example_of_lpips() -> None:
    """The two distances that the metric's README prints for its own pictures, with the published weights.

    The package on PyPI has no pictures. Name the folder `imgs` of its repository in REPOSE_LPIPS_PICTURES.
    """
    folder = os.environ.get("REPOSE_LPIPS_PICTURES")
    if not folder:
        pytest.skip("REPOSE_LPIPS_PICTURES names no folder with ex_ref.png, ex_p0.png and ex_p1.png")
    ref, *others = (
        torch.from_numpy(np.array(Image.open(Path(folder) / f"ex_{name}.png").convert("RGB"))).movedim(-1, 0)[None]
        for name in ("ref", "p0", "p1")
    )
    found = [network_metric("lpips_alex", one, ref) for one in others]
    assert [round(float(one), 3) for one in found] == [0.722, 0.138]  # type: ignore[arg-type]
