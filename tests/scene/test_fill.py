"""A hole in a photograph, filled with what is around it."""

import math

import pytest
import torch
from torch import Tensor

from repose.scene.fill import fill, spread
from tests.scene.people import grass


def disc(height: int, width: int, x: float, y: float, radius: float) -> Tensor:
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return ((columns - x) ** 2 + (rows - y) ** 2 <= radius**2)[None].float()


def test_stripes_go_on_through_a_hole() -> None:
    width, period = 400, 40
    stripes = (torch.arange(width) % period < period // 2).float() * 1.6 - 0.8
    image = stripes.expand(3, 300, width).clone()
    hole = disc(300, width, 205, 150, 50)
    filled = fill(image * (1 - hole), hole)
    assert torch.equal(filled[:, hole[0] == 0], image[:, hole[0] == 0])
    assert (filled - image).abs()[:, hole[0] == 1].mean() < 0.25, "a smear would be 0.8 off"


def test_a_smooth_wall_stays_smooth() -> None:
    light = torch.linspace(-0.6, 0.6, 300).expand(3, 200, 300).clone()
    hole = disc(200, 300, 150, 100, 40)
    filled = fill(torch.where(hole > 0, torch.ones_like(light), light), hole)
    error = (filled - light).abs()[:, hole[0] == 1]
    assert error.mean() < 0.06
    assert error.flatten().quantile(0.98) < 0.15, "shifted copies alone are 0.37 off"
    assert torch.equal(fill(light, torch.zeros_like(hole)), light)


def test_a_filled_hole_is_the_same_every_time_and_never_looked_at() -> None:
    image, hole = grass(200, 260), disc(200, 260, 30, 170, 40)
    filled = fill(image, hole)
    assert torch.equal(filled, fill(torch.where(hole > 0, -image.flip(2), image), hole))
    assert filled.abs().max() <= 1


@pytest.mark.parametrize("size", [(16, 16), (17, 300), (40, 23), (64, 128)])
def test_holes_of_every_kind(size: tuple[int, int]) -> None:
    image = grass(*size)
    for hole in (disc(*size, size[1] / 2, size[0] / 2, 6), disc(*size, 0, 0, 9), torch.ones(1, *size)):
        filled = fill(image, hole)
        assert torch.isfinite(filled).all()
        assert filled.shape == image.shape
    soft = disc(*size, 8, 8, 5) * 0.5
    assert math.isfinite(float(fill(image, soft).sum()))
    with pytest.raises(ValueError, match=r"fill: image \(3, H, W\)"):
        fill(image, image)


def test_ragged_holes_are_chosen_for_on_few_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = []

    def counted(small: Tensor, free: Tensor, nodes: Tensor, shifts: Tensor) -> Tensor:
        cells.append(len(nodes))
        return torch.zeros(len(nodes), dtype=torch.long)

    monkeypatch.setattr("repose.scene.fill.choose_labels", counted)
    hole = torch.zeros(1, 600, 600)
    hole[:, 200:400:8, 150:450:8] = 1  # speckles: 950 pixels that touch as many cells
    hole[:, 100:500:4, 100:500:9] = 1
    filled = fill(grass(600, 600), hole)
    assert torch.isfinite(filled).all()
    assert cells
    assert max(cells) <= 3000


def test_spread() -> None:
    values, known = torch.zeros(1, 33, 20), torch.zeros(1, 33, 20)
    values[:, :, 0], values[:, :, -1] = -1, 1
    known[:, :, [0, -1]] = 1
    out = spread(values, known)
    assert torch.equal(out[:, :, [0, -1]], values[:, :, [0, -1]])
    assert (out.diff(dim=2) > -0.1).all()
    assert abs(float(out[0, 16, 9:11].mean())) < 0.3
    assert (spread(values, torch.zeros_like(known)) == 0).all()
