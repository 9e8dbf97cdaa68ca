"""A hole in a photograph, filled with what is around it."""

import math
import subprocess
import sys

import pytest
import torch
from torch import Tensor

from repose.represent.canvas import as_float
from repose.scene.fill import fill, fill_box, patched, spread
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

    def counted(small: Tensor, free: Tensor, nodes: Tensor, shifts: Tensor, down: float) -> Tensor:
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


def noisy_slope(height: int, width: int, grain: float = 0.06) -> Tensor:
    """Brightness that rises to the right, with grain that is the same in all three channels."""
    noise = torch.randn(1, height, width, generator=torch.Generator().manual_seed(5)) * grain
    return (torch.linspace(-0.5, 0.5, width) + noise).expand(3, -1, -1).clamp(-1, 1).contiguous()


def fine(image: Tensor) -> Tensor:
    """What differs from the mean of 5x5 pixels."""
    return image - torch.nn.functional.avg_pool2d(image[None], 5, 1, 2, count_include_pad=False)[0]


def test_a_large_hole_shows_no_cells_and_keeps_the_grain() -> None:
    height, width = 1200, 1600
    image, hole = noisy_slope(height, width), disc(height, width, 800, 600, 330)
    filled = fill(torch.where(hole > 0, torch.zeros_like(image), image), hole)
    inside = slice(450, 750), slice(600, 1000)
    for dim in (0, 1):  # means of columns and of rows: a step between cells stands out, grain is averaged away
        line = filled[0][inside].mean(dim)
        assert (line[2:] - line[:-2]).abs().max() < 0.03
    grain = fine(filled)[0][inside].square()
    own = fine(image)[0][inside].square().mean()
    assert grain.mean() > 0.85 * own
    assert torch.nn.functional.avg_pool2d(grain[None], 20).min() > 0.5 * own, "nowhere is it smoother than around"


def test_what_no_frequent_shift_serves_is_copied_too() -> None:
    image = grass(300, 200)
    hole = torch.zeros(1, 300, 200)
    hole[:, 10:, 22:178] = 1  # 75 % of the picture, down to its border
    filled = fine(fill(torch.where(hole > 0, torch.zeros_like(image), image), hole)).square().mean(0)
    own = filled[hole[0] == 0].mean()
    assert torch.nn.functional.avg_pool2d(filled[None, 20:290, 30:170], 10).min() > 0.1 * own, "no smear"


def test_a_hole_of_everything_takes_the_colours_of_the_border() -> None:
    image = torch.full((3, 200, 120), 0.4)
    assert (fill(image, torch.ones(1, 200, 120)) - 0.4).abs().max() < 1e-3


def test_the_box_of_the_hole_alone() -> None:
    image, hole = grass(200, 260), disc(200, 260, 130, 90, 30)
    patch = fill_box(image, hole)
    assert patch is not None
    (y, x), content = patch
    assert (y, x) == (slice(60, 121), slice(100, 161))
    assert torch.equal(fill(image, hole)[:, y, x], content)
    assert fill_box(image, torch.zeros_like(hole)) is None


def test_memory_of_a_large_photograph() -> None:
    script = (
        "import resource, torch\n"
        "from repose.scene.fill import fill_box\n"
        "small, dot = torch.zeros(3, 64, 64), torch.zeros(1, 64, 64)\n"
        "dot[:, 20:40, 20:40] = 1\n"
        "fill_box(small, dot)\n"  # the compiled loops are loaded
        "image = torch.rand(3, 2000, 3000) * 2 - 1\n"
        "hole = torch.zeros(1, 2000, 3000)\n"
        "hole[:, 300:1900, 1200:1800] = 1\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "fill_box(image, hole)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / image.nbytes)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 2.5, "pictures of floats beside the photograph"


def test_a_picture_of_levels() -> None:
    """Only the part that is looked at becomes floats; what is filled is that of floats, rounded."""
    levels = ((grass(200, 260) + 1) * 127.5).round().to(torch.uint8)
    hole = disc(200, 260, 130, 90, 30)
    whole, patch = fill_box(as_float(levels), hole), fill_box(levels, hole)
    assert whole is not None
    assert patch is not None
    assert patch[0] == whole[0]
    assert patch[1].dtype == torch.uint8
    assert (as_float(patch[1]) - whole[1]).abs().max() <= 0.51 / 127.5
    assert fill(levels, hole).dtype == torch.uint8
    assert torch.equal(patched(levels, patch, torch.float32), as_float(fill(levels, hole)))
