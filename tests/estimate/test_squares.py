"""A square of a photograph, cut and put back."""

import numpy as np
import PIL.Image
import pytest

from repose.estimate.squares import Square


def ramp(width: int, height: int) -> np.ndarray:
    """(height, width): a smooth function of the pixel's centre, within 0 to 250."""
    x, y = np.arange(width) + 0.5, np.arange(height)[:, None] + 0.5
    return 120 + 60 * np.sin(x / 40) + 60 * np.cos(y / 30)


@pytest.mark.parametrize(
    "square", [Square(60, 50, 64), Square(61.3, 47.9, 40.5), Square(10, 90, 100), Square(60, 50, 300)]
)
def test_what_is_cut_lies_where_it_is_put(square: Square) -> None:
    want = ramp(120, 100)
    picture = PIL.Image.fromarray(np.repeat(want[..., None], 3, 2).round().astype(np.uint8))
    cut = square.cut(picture, 256, fill=128)
    assert cut.shape == (256, 256, 3)
    back = square.paste(cut[..., 0].astype(np.float32), picture.size)
    assert back.shape == (100, 120)
    inside = np.zeros((100, 120), bool)
    rows, columns = (
        slice(max(0, int(np.ceil(low)) + 2), int(low + square.side) - 2) for low in (square.top, square.left)
    )
    inside[rows, columns] = True
    inside[[0, 1, -1, -2]] = inside[:, [0, 1, -1, -2]] = False  # the last pixels mix with what is beyond the border
    assert inside.sum() > 500
    assert np.abs(back - want)[inside].max() < 2.5


def test_beside_the_square_there_is_nothing() -> None:
    back = Square(50, 40, 20).paste(np.ones((16, 16), np.float32), (100, 80))
    assert back[30:50, 40:60].min() == 1
    assert back.sum() == 400


def test_beyond_the_border_it_is_filled() -> None:
    picture = PIL.Image.new("RGB", (10, 10), "white")
    cut = Square(0, 5, 20).cut(picture, 40, fill=7)
    assert (cut[:, :20] == 7).all()
    assert (cut[:10] == 7).all()
    assert (cut[10:30, 20:] == 255).all()
    assert (Square(100, 100, 20).cut(picture, 8, fill=9) == 9).all()
    assert not Square(100, 100, 20).paste(np.ones((8, 8), np.float32), (10, 10)).any()


def test_a_map_finer_than_the_photograph_is_averaged() -> None:
    stripes = np.tile(np.array([0, 1], np.float32), (64, 32))  # as fine as the map
    back = Square(8, 8, 16).paste(stripes, (16, 16))
    assert np.abs(back - 0.5).max() < 0.13, "four columns of the map a pixel"
