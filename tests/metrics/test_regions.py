"""Colour, pattern and texture of clothes: against scikit-image, and against pictures whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from repose.metrics.functional.regions import CLOTHES, blurred, colour_error, lab, pattern, texture

HEIGHT, WIDTH = 128, 64
SHIRT, TROUSERS = CLOTHES[0], CLOTHES[3]


def labels(count: int = 1) -> Tensor:
    out = torch.zeros(count, HEIGHT, WIDTH, dtype=torch.int64)
    out[:, 30:64, 16:48] = SHIRT
    out[:, 64:110, 20:44] = TROUSERS
    return out


def striped(period: int = 8, offset: int = 0, along: int = 0, strength: float = 1.0, count: int = 1) -> Tensor:
    """A striped shirt over plain trousers on grey; uint8 (B, 3, H, W)."""
    rows, columns = torch.meshgrid(torch.arange(HEIGHT), torch.arange(WIDTH), indexing="ij")
    wave = torch.sign(torch.sin(2 * np.pi * ((rows if along == 0 else columns) + 0.5 - offset) / period))
    shirt = 128 + strength * 60 * wave
    parsing = labels()[0]
    grey = torch.where(parsing == SHIRT, shirt, torch.where(parsing == TROUSERS, 40.0, 200.0))
    tint = torch.tensor([1.0, 0.8, 0.6]).view(3, 1, 1)
    return (grey * tint).round().to(torch.uint8).expand(count, -1, -1, -1)


def soft(images: Tensor, sigma: float = 4.0) -> Tensor:
    whole = blurred(torch.ones(1, 1, HEIGHT, WIDTH, dtype=torch.float64, device=images.device), sigma)
    return (blurred(images.double(), sigma) / whole).round().to(torch.uint8)


def test_lab_is_scikit_images() -> None:
    color = pytest.importorskip("skimage.color")
    images = torch.randint(0, 256, (2, 3, 9, 7), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    wanted = np.moveaxis(color.rgb2lab(np.moveaxis(images.numpy(), 1, -1)), -1, 1)
    assert np.abs(lab(images).numpy() - wanted).max() < 0.01
    assert lab(torch.zeros(1, 3, 1, 1)).abs().max() < 1e-6


def test_the_same_picture_is_the_same() -> None:
    picture = striped(count=2)
    for measure, wanted in ((pattern, 1.0), (texture, 1.0), (colour_error, 0.0)):
        values, counts = measure(picture, picture, labels(2))
        assert values.tolist() == pytest.approx([wanted, wanted])
        assert counts.tolist() == [1, 1]


def test_neither_grey_nor_a_blur_has_a_pattern() -> None:
    target = striped()
    grey = torch.full_like(target, 128)
    for picture, most in ((grey, 0.0), (soft(target), 0.1), (striped(strength=0.2), 0.45)):
        values, _ = pattern(picture, target, labels())
        assert values.item() <= most + 1e-6
        kind, _ = texture(picture, target, labels())
        assert kind.item() < 0.5, "nor its kind"


def test_a_pattern_a_hair_beside_its_place_is_found_and_one_elsewhere_is_not() -> None:
    target = striped(period=16)
    near, _ = pattern(striped(period=16, offset=2), target, labels())
    far, _ = pattern(striped(period=16, offset=8), target, labels())
    assert near.item() > 0.75
    assert far.item() < 0.2
    for other, least in ((striped(period=16, offset=8), 0.9), (striped(period=16, along=1), 0.0)):
        kind, _ = texture(other, target, labels())
        assert kind.item() > least
    assert kind.item() < 0.5, "stripes that run the other way are another kind"
    assert texture(striped(period=6), target, labels())[0].item() < 0.8, "and so are finer ones"


def test_only_the_inside_of_garments_counts() -> None:
    target = striped()
    outside = target.clone()
    outside[:, :, labels()[0] == 0] = torch.randint(0, 256, (1,), generator=torch.Generator().manual_seed(1)).byte()
    for measure, wanted in ((pattern, 1.0), (texture, 1.0), (colour_error, 0.0)):
        assert measure(outside, target, labels())[0].item() == pytest.approx(wanted)
    plain = striped(strength=0.0)
    values, counts = pattern(plain, plain, labels())
    assert (values.item(), counts.item()) == (0, 0), "the step from shirt to trousers is no pattern"


def test_colour_is_told_garment_by_garment() -> None:
    target = striped(strength=0.0)
    swapped = target.clone()
    swapped[:, :, labels()[0] == SHIRT] = target[:, :, 100, 30].view(1, 3, 1)
    swapped[:, :, labels()[0] == TROUSERS] = target[:, :, 40, 30].view(1, 3, 1)
    apart = (lab(target)[0, :, 100, 30] - lab(target)[0, :, 40, 30]).norm().item()
    assert colour_error(swapped, target, labels())[0].item() == pytest.approx(apart)
    nobody = torch.zeros_like(labels())
    assert [part.item() for part in colour_error(swapped, target, nobody)] == [0, 0]
    assert [part.item() for part in texture(swapped, target, nobody)] == [0, 0]


def unrelated() -> Tensor:
    random = torch.Generator().manual_seed(3)
    noise = torch.randint(0, 256, (8, 3, HEIGHT, WIDTH), generator=random, dtype=torch.uint8)
    return torch.where((labels() == SHIRT)[:, None], noise, striped(count=8))


def test_what_is_unrelated_has_more_than_nothing() -> None:
    """The best of 25 shifts is biased upwards: what the docstring says of it."""
    noise = unrelated()
    found, _ = pattern(noise.roll(1, 0), noise, labels(8))
    assert 0.02 < found.mean() < 0.15
    assert pattern(torch.full_like(noise, 128), noise, labels(8))[0].abs().max() < 1e-6, "nothing has none"


def test_all_is_computed_where_the_pictures_are() -> None:
    """Without a GPU: whatever is made on the default device cannot be joined with the pictures."""
    target, parsing = striped(), labels()
    for measure in (pattern, texture, colour_error):
        wanted = measure(soft(target), target, parsing)
        with torch.device("meta"):
            found = measure(soft(target), target, parsing)
        assert [part.device.type for part in found] == ["cpu", "cpu"]
        assert [part.item() for part in found] == [part.item() for part in wanted]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_on_a_gpu() -> None:
    target, parsing = striped(), labels()
    for measure in (pattern, texture, colour_error):
        wanted = measure(soft(target), target, parsing)
        for place in (parsing, parsing.cuda()):
            found = measure(soft(target).cuda(), target.cuda(), place)
            assert {part.device.type for part in found} == {"cuda"}
            assert [part.item() for part in found] == pytest.approx([part.item() for part in wanted])


def test_a_label_map_is_whole_numbers() -> None:
    with pytest.raises(ValueError, match="whole labels"):
        pattern(striped(), striped(), labels().float())
