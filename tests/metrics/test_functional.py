"""The functional metrics against scikit-image, torchmetrics, and definitions written out in loops."""

import itertools
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torch import Tensor
from torchmetrics.functional.image import (
    multiscale_structural_similarity_index_measure,
    structural_similarity_index_measure,
)

from repose.metrics.functional import (
    GFLA,
    PATN,
    PIDM,
    SKIMAGE,
    WANG,
    SSIMVariant,
    head_box,
    l1,
    ms_ssim,
    padded,
    pckh,
    psnr,
    similarity,
    ssim,
)
from repose.metrics.functional.pckh import Counting
from repose.metrics.functional.regions import CLOTHES, colour_error, pattern, texture
from repose.represent.canvas import from_uint8
from tests.metrics.stores import figure


def pictures(count: int = 4, height: int = 40, width: int = 33, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Noise, a shifted copy, a nearly flat picture, and a dark one: uint8 (B, 3, H, W) each."""
    random = np.random.default_rng(seed)
    target = random.integers(0, 256, (count, 3, height, width))
    generated = np.clip(target + random.integers(-60, 60, target.shape), 0, 255)
    generated[1] = np.roll(target[1], 3, -1)
    generated[2] = 100 + random.integers(0, 3, target[2].shape)
    generated[3] //= 9
    return torch.from_numpy(generated.astype(np.uint8)), torch.from_numpy(target.astype(np.uint8))


def by_skimage(x: Tensor, y: Tensor, **options: object) -> list[float]:
    out = []
    for generated, target in zip(x.numpy(), y.numpy(), strict=True):
        if options.get("data_range") == "generated":
            span = float(generated.max()) - float(generated.min())
            out.append(structural_similarity(target, generated, channel_axis=0, **(options | {"data_range": span})))
        else:
            out.append(structural_similarity(target, generated, channel_axis=0, **options))
    return out


GAUSSIAN = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}


@pytest.mark.parametrize(
    ("variant", "options"),
    [
        (PATN, {**GAUSSIAN, "data_range": "generated"}),
        (SKIMAGE, {}),
        (SSIMVariant("gaussian", 11), {**GAUSSIAN, "data_range": 255}),
        (SSIMVariant("gaussian", 15, sigma=2.0), {**GAUSSIAN, "sigma": 2.0, "data_range": 255}),
        (SSIMVariant("uniform", 9), {"win_size": 9, "use_sample_covariance": False}),
        (SSIMVariant("uniform", 7, sample_covariance=True, data_range=100.0), {"data_range": 100}),
        (WANG, {**GAUSSIAN, "data_range": 255}),
        (GFLA, {"win_size": 51}),
        (PIDM, {**GAUSSIAN, "sigma": 1.2, "data_range": "generated"}),
    ],
)
@pytest.mark.parametrize("kind", ["noise", "flat", "narrow"])
def test_ssim_is_scikit_images(variant: SSIMVariant, options: dict[str, object], kind: str) -> None:
    x, y = pictures(4, 70, 63)
    if kind == "flat":  # bright and dark areas whose squares leave float32 few digits
        y[..., 30:], x[..., 20:] = 255, 250
        x[:, :, :25], y[:, :, 40:] = 3, 1
    if kind == "narrow":
        x = x // 4 + 90
    ours = ssim(x, y, variant)
    assert ours.dtype == torch.float64
    assert np.allclose(ours.numpy(), by_skimage(x, y, **options), rtol=0, atol=1e-6)


def test_ssim_is_torchmetrics() -> None:
    x, y = pictures()
    _, full = structural_similarity_index_measure(
        x.double(), y.double(), data_range=255.0, sigma=1.5, reduction="none", return_full_image=True
    )
    # its own mean takes in the border, filtered over a reflection; scikit-image's and ours leave it out
    theirs = full[..., 5:-5, 5:-5].mean((1, 2, 3))
    assert torch.allclose(ssim(x, y, SSIMVariant("gaussian", 11)), theirs, rtol=0, atol=1e-6)


def test_ms_ssim_is_torchmetrics() -> None:
    made = [figure(seed, 256, 176)[0] for seed in range(4)]
    y = torch.from_numpy(np.stack(made)).movedim(-1, 1).contiguous()
    x = (
        (y.float() + 25 * torch.randn(y.shape, generator=torch.Generator().manual_seed(1)))
        .clamp(0, 255)
        .to(torch.uint8)
    )
    x[3] = y.flip(0)[3]
    theirs = multiscale_structural_similarity_index_measure(
        x.double(), y.double(), data_range=255.0, sigma=1.5, reduction="none", normalize="relu"
    )
    ours = ms_ssim(x, y)
    assert torch.allclose(ours, theirs, rtol=0, atol=1e-6)
    assert torch.allclose(ms_ssim(x, y, WANG, similarity(x, y, WANG)), ours, rtol=0, atol=1e-12)
    assert torch.equal(ms_ssim(x, x), torch.ones(4, dtype=torch.float64))
    with pytest.raises(ValueError, match="need 161 pixels"):
        ms_ssim(x[..., :160], y[..., :160])
    with pytest.raises(ValueError, match="fixed range"):
        ms_ssim(x, y, PATN)


def test_windows_have_the_ssim_of_what_they_show() -> None:
    x, y = (one[:3] for one in pictures(4, 90, 70))
    x[1, :, :60] = y[1, :, :60]  # equal where most windows lie
    random = torch.Generator().manual_seed(2)
    corners = torch.stack([torch.randint(0, 70 - 24, (3, 6), generator=random),
                           torch.randint(0, 90 - 24, (3, 6), generator=random)], -1)  # fmt: skip
    present = torch.rand(3, 6, generator=random) < 0.7
    found = similarity(x, y, WANG, corners, present, 24)
    assert torch.equal(found.ssim, ssim(x, y, WANG))
    for at in range(3):
        wanted = [
            by_skimage(
                *(one[at : at + 1, :, top : top + 24, left : left + 24] for one in (x, y)), **GAUSSIAN, data_range=255
            )
            for (left, top), there in zip(corners[at].tolist(), present[at].tolist(), strict=True)
            if there
        ]
        assert found.regions is not None
        assert found.counted is not None
        assert float(found.regions[at]) == pytest.approx(sum(one[0] for one in wanted), abs=1e-5)
        assert int(found.counted[at]) == len(wanted)
    with pytest.raises(ValueError, match="fixed range"):
        similarity(x, y, PATN, corners, present, 24)


def test_equal_parts_are_left_out_and_count_as_one() -> None:
    """What is not computed where pictures are equal changes no value."""
    x, y = pictures(4, 70, 63)
    for top, left, bottom, right in ((30, 20, 33, 22), (0, 0, 1, 1), (69, 62, 70, 63), (0, 40, 70, 45)):
        part = y.clone()
        part[:, :, top:bottom, left:right] = x[:, :, top:bottom, left:right]
        for variant, options in ((WANG, {**GAUSSIAN, "data_range": 255}), (SKIMAGE, {})):
            ours = ssim(part, y, variant)
            assert np.allclose(ours.numpy(), by_skimage(part, y, **options), rtol=0, atol=1e-6)
            assert bool((ours <= 1).all())


def test_ssim_does_not_depend_on_the_batch() -> None:
    x, y = pictures()
    assert torch.allclose(ssim(x, y), torch.cat([ssim(x[i : i + 1], y[i : i + 1]) for i in range(4)]), atol=1e-12)


def test_ssim_invariants() -> None:
    x, y = pictures()
    for variant in (PATN, SKIMAGE):
        assert torch.allclose(ssim(x, x, variant), torch.ones(4, dtype=torch.float64), rtol=0, atol=1e-12)
        assert torch.equal(ssim(x, y, variant), ssim(x.float(), y.float(), variant, value_range=(0, 255)))
        assert bool((ssim(x, y, variant) < 1).all())
    assert torch.allclose(ssim(x, y, SKIMAGE), ssim(y, x, SKIMAGE), atol=1e-12)
    # PATN's range is the generated picture's: exchange the two and a flat one changes the value
    assert abs(float(ssim(x, y, PATN)[2] - ssim(y, x, PATN)[2])) > 1e-3


def test_ssim_of_flat_pictures_is_a_number() -> None:
    black = torch.zeros(1, 3, 16, 16, dtype=torch.uint8)
    assert ssim(black, black).item() == pytest.approx(1)
    assert ssim(black, torch.full_like(black, 9)).isfinite().item()


def test_white_padding_adds_its_share() -> None:
    """SSIM_padded is about 0.3125 + 0.6875 SSIM_crop for 176 -> 256 columns: the white strips are equal."""
    made = [figure(seed, 256, 176)[0] for seed in range(6)]
    x = torch.from_numpy(np.stack(made[:3])).movedim(-1, 1)
    y = torch.from_numpy(np.stack(made[3:])).movedim(-1, 1)
    whole = ssim(padded(x, (40, 0, 40, 0)), padded(y, (40, 0, 40, 0)))
    assert padded(x, (40, 0, 40, 0)).shape == (3, 3, 256, 256)
    # the border columns, which the crop leaves out and the padding brings in, are good for the rest
    assert torch.allclose(whole, 0.3125 + 0.6875 * ssim(x, y), rtol=0, atol=0.02)
    assert torch.equal(padded(x, (40, 0, 40, 0))[..., 40:216], x)


def test_psnr_and_l1() -> None:
    x, y = pictures()
    wanted = [peak_signal_noise_ratio(b, a) for a, b in zip(x.numpy(), y.numpy(), strict=True)]
    assert np.allclose(psnr(x, y).numpy(), wanted, rtol=0, atol=1e-9)
    assert psnr(x, x).isinf().all()
    scaled = [np.abs(a / 127.5 - b / 127.5).mean() for a, b in zip(x.numpy(), y.numpy(), strict=True)]
    assert np.allclose(l1(x, y).numpy(), scaled, rtol=0, atol=1e-12)
    white, black = torch.full((1, 3, 8, 8), 255), torch.zeros(1, 3, 8, 8)
    assert l1(white, black, value_range=(0, 255)).item() == 2


METRICS = [
    psnr,
    l1,
    ssim,
    partial(ssim, variant=SKIMAGE),
    ms_ssim,
    lambda x, y, **more: similarity(x, y, WANG, **more).contrast,
    lambda x, y, **more: colour_error(x, y, torch.full((len(x), *x.shape[-2:]), CLOTHES[0]), **more)[0],
    lambda x, y, **more: pattern(x, y, torch.full((len(x), *x.shape[-2:]), CLOTHES[0]), **more)[0],
    lambda x, y, **more: texture(x, y, torch.full((len(x), *x.shape[-2:]), CLOTHES[0]), **more)[0],
]


@pytest.mark.parametrize("metric", METRICS)
def test_a_metric_is_the_same_in_every_range(metric: Callable[..., Tensor]) -> None:
    """uint8, and floats in the ranges that they are declared to have."""
    x, y = pictures(4, 162, 161)
    wanted = metric(x, y)
    for low, high in ((-1, 1), (0, 1), (0, 255), (-0.5, 3.0)):
        floats = [images.double() / 255 * (high - low) + low for images in (x, y)]
        found = metric(*floats, value_range=(low, high))
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-5 * max(1, float(wanted.abs().max())))
    torch.testing.assert_close(metric(x, y.double(), value_range=(0, 255)), wanted, rtol=0, atol=1e-4)


@pytest.mark.parametrize("metric", METRICS)
def test_a_wrong_range_is_refused(metric: Callable[..., Tensor]) -> None:
    x, y = pictures(4, 162, 161)
    ones = [images / 255 for images in (x, y)]
    wide = [images.float() for images in (x, y)]
    lost = ones[0].clone()
    lost[0, 0, 0, 0] = torch.nan
    for given, value_range, message in (
        (ones, None, "generated is torch.float32, whose values may mean anything"),
        ((x, ones[1]), None, "target is torch.float32, whose values may mean anything"),
        ([images.half() for images in ones], None, "torch.float16"),
        ([images.long() for images in (x, y)], None, "torch.int64"),
        (ones, (0, 255), r"no value above 1, so its range is not \(0, 255\); give value_range=\(0, 1\)"),
        (wide, (0, 1), r"values from 0 to 255, outside of value_range \(0, 1\)"),
        (wide, (-1, 1), r"outside of value_range \(-1, 1\)"),
        ([images * 2 - 1 for images in ones], (0, 1), r"values from -1 to 1, outside of value_range \(0, 1\)"),
        ((lost, ones[1]), (0, 1), "values from nan to nan"),
        ((x, y), (-1, 1), "uint8 pictures have values from 0 to 255"),
        (ones, (1, 0), "the smaller number first"),
    ):
        with pytest.raises(ValueError, match=message):
            metric(*given, value_range=value_range)


def test_psnr_of_pictures_from_0_to_1_is_not_told_too_high() -> None:
    """Noise of 0.0945 on pictures in [0, 1] has 20.5 dB; read as grey levels of 255 it would have 68.6 dB."""
    target = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 0.5 + 0.25
    noise = torch.where(torch.arange(64) % 2 == 0, 0.0945, -0.0945)
    with pytest.raises(ValueError, match=r"value_range=\(-1, 1\) for images of Repose, \(0, 1\) or \(0, 255\)"):
        psnr(target + noise, target)
    with pytest.raises(ValueError, match="no value above 1"):
        psnr(target + noise, target, value_range=(0, 255))
    assert psnr(target + noise, target, value_range=(0, 1)).item() == pytest.approx(20.49, abs=0.01)
    theirs = peak_signal_noise_ratio(target.numpy(), (target + noise).numpy(), data_range=1)
    assert psnr(target + noise, target, value_range=(0, 1)).item() == pytest.approx(theirs, abs=1e-5)


def test_black_pictures_are_no_mistake() -> None:
    black = torch.zeros(1, 3, 16, 16)
    assert l1(black, black, value_range=(0, 255)).item() == 0
    assert psnr(black + 1, black, value_range=(0, 255)).item() == pytest.approx(48.13, abs=0.01)


def test_images_of_the_library_as_they_are() -> None:
    """A person's image in [-1, 1], as a generator returns it, against the same saved as uint8."""
    x, y = pictures(4, 40, 33)
    floats = [from_uint8(images.movedim(1, -1)) for images in (x, y)]
    assert floats[0].shape == x.shape
    torch.testing.assert_close(psnr(*floats, value_range=(-1, 1)), psnr(x, y), rtol=0, atol=1e-4)
    torch.testing.assert_close(ssim(*floats, value_range=(-1, 1)), ssim(x, y), rtol=0, atol=1e-5)


def test_what_cannot_be_compared_is_refused() -> None:
    x, y = pictures()
    with pytest.raises(ValueError, match="one shape"):
        ssim(x, y[..., 1:])
    with pytest.raises(ValueError, match="smaller than the window"):
        ssim(x[..., :10], y[..., :10])
    with pytest.raises(ValueError, match="odd"):
        SSIMVariant("uniform", 8)
    with pytest.raises(ValueError, match="window"):
        SSIMVariant("square", 7)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="18, 3"):
        pckh(torch.zeros(2, 17, 3), torch.zeros(2, 17, 3))


def slow_pckh(predicted: list, target: list, alpha: float, released: bool) -> tuple[int, int]:
    """The definition joint by joint; the released scripts do not look at the size of the box."""
    head = [target[j] for j in (0, 1, 14, 15, 16, 17) if target[j][2] > 0]
    if len(head) < 2:
        return 0, 0
    width = max(x for x, _, _ in head) - min(x for x, _, _ in head)
    height = max(y for _, y, _ in head) - min(y for _, y, _ in head)
    if not released and (width == 0 or height == 0):
        return 0, 0
    right = counted = 0
    for (px, py, seen), (tx, ty, there) in zip(predicted, target, strict=True):
        if there > 0:
            counted += 1
            offset, reach = (abs(px - tx), abs(py - ty)), (alpha * width, alpha * height)
            near = [o < r if released else o <= r for o, r in zip(offset, reach, strict=True)]
            right += seen > 0 and all(near)
    return right, counted


@pytest.mark.parametrize("counting", ["ours", "released"])
@pytest.mark.parametrize("alpha", [0.5, 0.25])
def test_pckh_joint_by_joint(alpha: float, counting: Counting) -> None:
    random = torch.Generator().manual_seed(3)
    target = torch.randint(0, 12, (400, 18, 3), generator=random).float()
    target[..., 2] = (torch.rand(400, 18, generator=random) < torch.rand(400, 1, generator=random)).float()
    predicted = target + torch.randint(-4, 5, (400, 18, 3), generator=random)
    predicted[..., 2] = (torch.rand(400, 18, generator=random) < 0.8).float() * 0.5
    for keypoints in (target, predicted):  # missing joints are zeros
        keypoints[keypoints[..., 2] == 0] = 0
    right, counted = pckh(predicted, target, alpha, counting)
    pairs = zip(predicted.tolist(), target.tolist(), strict=True)
    wanted = [slow_pckh(p, t, alpha, counting == "released") for p, t in pairs]
    assert [(int(r), int(c)) for r, c in zip(right, counted, strict=True)] == wanted
    assert 0 in counted.tolist()  # targets without a head box occurred
    assert 0 < right.sum() < counted.sum()


def test_a_head_box_without_width() -> None:
    """The released scripts call every joint wrong, also in its very place; here the target does not count."""
    target = torch.from_numpy(figure(1)[1])[None]
    target[:, [0, 1, 14, 15, 16, 17], 0] = 30  # seen from the side, on 64 columns
    located = int((target[..., 2] > 0).sum())
    assert [int(n) for n in pckh(target, target)] == [0, 0]
    assert [int(n) for n in pckh(target, target, counting="released")] == [0, located]
    target[:, [0, 14, 15, 16, 17]] = 0  # one joint of the head is no box: left out by both
    assert [int(n) for n in pckh(target, target, counting="released")] == [0, 0]


def test_pckh_by_hand() -> None:
    target = torch.from_numpy(figure(1)[1])[None]
    width, height, usable = head_box(target)
    assert usable.item()
    located = int((target[..., 2] > 0).sum())
    for dx, dy, hits in itertools.product((0, 1), (0, 1), (True, False)):
        moved = target.clone()
        slack = 0.0 if hits else 0.01
        moved[..., 0] += dx * (width / 2 + slack)
        moved[..., 1] -= dy * (height / 2 + slack)
        wanted = located if hits or not (dx or dy) else 0
        assert [int(n) for n in pckh(moved, target)] == [wanted, located]
    gone = torch.zeros_like(target)
    assert [int(n) for n in pckh(gone, target)] == [0, located]
    assert [int(n) for n in pckh(target, gone)] == [0, 0]
