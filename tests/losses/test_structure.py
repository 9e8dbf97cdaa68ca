import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from repose.losses.structure import dissimilarity


def pictures(seed: int) -> torch.Tensor:
    noise = torch.randn(2, 3, 9, 9, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(noise, (40, 32), mode="bicubic").clamp(-1, 1)


def test_equal_pictures_are_at_0() -> None:
    assert dissimilarity(pictures(0), pictures(0)).item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("window", [7, 11])
def test_against_scikit_image(window: int) -> None:
    x, y = pictures(0), pictures(1)
    each = [
        structural_similarity(
            (a.numpy() + 1) / 2,
            (b.numpy() + 1) / 2,
            win_size=window,
            data_range=1,
            channel_axis=0,
            use_sample_covariance=False,
        )
        for a, b in zip(x, y, strict=True)
    ]
    assert dissimilarity(x, y, window).item() == pytest.approx((1 - np.mean(each)) / 2, abs=1e-4)


def test_following_the_gradient_brings_pictures_together() -> None:
    x, y = pictures(0).requires_grad_(), pictures(1)
    before = dissimilarity(x, y)
    before.backward()
    assert x.grad is not None
    step = x.detach() - 0.05 * x.grad / x.grad.abs().max()
    assert dissimilarity(step, y) < before.detach()


def test_a_floor_forgives_noise_on_flat_ground() -> None:
    flat = torch.zeros(1, 3, 20, 20)
    noisy = flat + 0.02 * torch.randn(1, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    assert dissimilarity(noisy, flat, floor=0.01) < 0.3 * dissimilarity(noisy, flat)


def test_grey_is_not_black() -> None:
    """An error of 0.05 that nobody sees in mid-grey counts more where it is dark."""
    grey, dark = torch.zeros(1, 3, 16, 16), torch.full((1, 3, 16, 16), -0.9)
    assert dissimilarity(grey, grey + 0.05) < 0.01
    assert dissimilarity(grey, grey + 0.05) < dissimilarity(dark, dark + 0.05)


def test_pictures_must_be_alike_and_large_enough() -> None:
    with pytest.raises(ValueError, match="two pictures alike in shape"):
        dissimilarity(pictures(0), pictures(1)[:1])
    with pytest.raises(ValueError, match="of 50 pixels at least"):
        dissimilarity(pictures(0), pictures(1), window=50)
