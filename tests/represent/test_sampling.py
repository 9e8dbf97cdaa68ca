"""Places between pixels are computed in float32, whatever the tensors are."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import repose
from repose.represent.flow import at_rest, warp
from repose.represent.sampling import sample

SIZES = [(128, 88), (256, 176), (720, 1280)]


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_half_precision_picture_stands_still(height: int, width: int) -> None:
    picture = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(0)).half()
    still = at_rest(picture)
    moved = warp(picture, still)
    assert moved.dtype == torch.float32
    torch.testing.assert_close(moved, picture.float(), rtol=0, atol=2e-3)


def test_half_places_lose_no_more_than_their_own_rounding() -> None:
    random = torch.Generator().manual_seed(0)
    picture, places = torch.rand(1, 3, 128, 88, generator=random), torch.rand(1, 50, 40, 2, generator=random) * 2 - 1
    low = sample(picture.half(), places.half())
    torch.testing.assert_close(low, sample(picture.half().float(), places.half().float()), rtol=0, atol=0)


def test_under_autocast() -> None:
    picture = torch.rand(1, 3, 256, 176, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(warp(picture, at_rest(picture)), picture, rtol=0, atol=1e-4)


def test_everything_samples_here() -> None:
    root = Path(repose.__file__).parent
    found = [
        path.relative_to(root).as_posix() for path in root.rglob("*.py") if "grid_sample(" in path.read_text("utf-8")
    ]
    assert found == ["represent/sampling.py"]
