"""A contact sheet shows every picture, unaltered and in its place."""

import numpy as np
import pytest
from PIL import Image

from repose.draw.sheet import captioned, reduced, sheet

RED, BLUE = (np.full((8, 6, 3), colour, np.uint8) for colour in ((255, 0, 0), (0, 0, 255)))


def test_every_picture_is_there_in_order() -> None:
    page = np.asarray(sheet([[RED, BLUE], [BLUE, RED]], scale=3, margin=5))
    assert page.shape == (2 * 24 + 3 * 5, 2 * 18 + 3 * 5, 3)
    red = (page == (255, 0, 0)).all(-1)
    assert red.sum() == 2 * 24 * 18
    assert red[5:29, 5:23].all()
    assert red[34:58, 28:46].all()
    white = (page == 255).all(-1)
    assert white[:5].all()
    assert white[:, 23:28].all()


def test_pixels_are_not_altered() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    page = np.asarray(sheet([[noise]], margin=4))
    assert np.array_equal(page[4:-4, 4:-4], noise)


def test_names_and_empty_cells_and_ragged_rows() -> None:
    wide = np.zeros((20, 60), np.uint8)
    page = sheet([[None, wide], [wide]], ["a", "a very long name that cannot possibly fit"], labels=["one", "two"])
    plain = sheet([[None, wide], [wide]])
    assert page.height > plain.height
    assert page.width > plain.width
    pixels = np.asarray(page)
    assert (pixels[:, -4:] == 255).all(), "a long name stays within its column"
    assert (pixels.sum(-1) == 0).sum() == 2 * 20 * 60
    assert (pixels[:14].min(axis=(0, 2)) < 128).any(), "the names are written"


def test_smaller_pictures_stand_in_the_middle() -> None:
    page = np.asarray(sheet([[RED], [np.zeros((4, 2, 3), np.uint8)]], margin=0))
    assert np.argwhere((page == 0).all(-1)).min(0).tolist() == [8, 2]


def test_wrong_input() -> None:
    for rows, columns, message in (
        ([[None]], (), "no picture"),
        ([], (), "no picture"),
        ([[RED]], ("a", "b"), "2 column"),
        ([[RED.astype(float)]], (), "uint8"),
        ([[RED.transpose(2, 0, 1)]], (), r"got uint8 \(3, 8, 6\)"),
    ):
        with pytest.raises(ValueError, match=message):
            sheet(rows, columns)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="scale"):
        sheet([[RED]], scale=0)


def test_captions_stand_below_and_are_broken_between_words() -> None:
    picture = Image.new("RGB", (120, 40), (10, 200, 10))
    one, two = captioned(picture, ["a word"]), captioned(picture, ["a word", "and some more words that do not fit"])
    assert one.width == two.width == 120
    assert one.height > 40 + 10
    assert two.height > one.height + 20, "the second line is broken"
    pixels = np.asarray(two)
    assert (pixels[:40] == (10, 200, 10)).all()
    assert (pixels[40:] < 120).any()
    assert (pixels[:, :3][40:] == 255).all(), "a margin at the left"
    with pytest.raises(ValueError, match="at least one line"):
        captioned(picture, [])


def test_reduced_pictures_have_one_height() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (100, 60, 3), dtype=np.uint8)
    assert reduced(picture, 50).shape == (50, 30, 3)
    assert abs(reduced(picture, 50).mean() - picture.mean()) < 2
    assert np.array_equal(reduced(picture, 200), picture.repeat(2, 0).repeat(2, 1))
    assert np.array_equal(reduced(picture, 100), picture)
