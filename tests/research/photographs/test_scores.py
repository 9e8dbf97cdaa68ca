"""The columns on pictures whose right values are known, with plain functions in place of the networks."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageFilter

from repose.research.photographs.columns import COLUMNS
from repose.research.photographs.scores import (
    GREY,
    PairScorer,
    cut_out,
    laplacian,
    overlap,
    part_agreement,
    sharpness,
)

Picture = npt.NDArray[np.uint8]
HEIGHT, WIDTH = 256, 176


def person(left: int = 60, seed: int = 0) -> Picture:
    """A red figure of noise, 56 x 200 pixels, on blue noise."""
    random = np.random.default_rng(seed)
    picture = random.integers(0, 120, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    picture[..., 2] = 200
    picture[30:230, left : left + 56] = random.integers(0, 256, (200, 56, 3))
    picture[30:230, left : left + 56, 2] = 0
    return picture


def blurred(picture: Picture) -> Picture:
    return np.asarray(Image.fromarray(picture).filter(ImageFilter.GaussianBlur(2)))


def parts(picture: Picture) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64]]:
    """The figure is where there is little blue; its parts are bands of ten rows."""
    rows = np.broadcast_to(np.arange(HEIGHT)[:, None] // 10, (HEIGHT, WIDTH)).astype(np.int64)
    return picture[..., 2] < 100, rows


def vectors(picture: Picture) -> npt.NDArray[np.float32]:
    small = np.asarray(Image.fromarray(picture).resize((8, 8), Image.Resampling.BOX)).astype(np.float32).ravel() - 127
    return small / np.linalg.norm(small)


def distances(pictures: Sequence[Picture], target: Picture) -> list[float]:
    return [float(np.abs(picture.astype(float) - target).mean()) for picture in pictures]


@pytest.fixture
def scorer() -> PairScorer:
    return PairScorer(parts, vectors, distances)


def test_the_target_itself(scorer: PairScorer) -> None:
    scored = scorer({"same": person()}, person())["same"]
    assert list(scored) == list(COLUMNS)
    assert scored["lpips"] == 0
    for column in ("identity", "identity_background", "sharpness", "silhouette", "parts"):
        assert scored[column] == pytest.approx(1, abs=1e-6), column


def test_what_is_blurred_is_less_sharp_and_less_alike(scorer: PairScorer) -> None:
    scored = scorer({"blurred": blurred(person())}, person())["blurred"]
    assert scored["sharpness"] < 0.3
    assert scored["lpips"] > 0


def test_only_the_person_counts_for_lpips(scorer: PairScorer) -> None:
    other_place = person()
    mask, _ = parts(other_place)
    other_place[~mask] = (0, 0, 200)
    scored = scorer({"other place": other_place}, person())["other place"]
    assert scored["lpips"] == 0
    assert scored["identity"] == pytest.approx(1, abs=1e-6)
    assert scored["identity_background"] < 0.999


def test_a_person_beside_the_place(scorer: PairScorer) -> None:
    scored = scorer({"moved": person(left=60 + 28)}, person())["moved"]
    assert scored["silhouette"] == pytest.approx(28 / 84, abs=0.01)
    assert scored["parts"] == 1  # in what they share, the rows are the same


def test_a_target_without_anybody_is_not_scored(scorer: PairScorer) -> None:
    assert scorer({"picture": person()}, np.full((HEIGHT, WIDTH, 3), 200, np.uint8)) == {}


def test_laplacian_of_known_pictures() -> None:
    dot = np.zeros((5, 5, 3), np.uint8)
    dot[2, 2] = 90
    everywhere = np.ones((5, 5), bool)
    assert laplacian(dot, everywhere) == pytest.approx((4 * 90 + 4 * 90) / 9)  # nine pixels are off the border
    only = np.zeros((5, 5), bool)
    only[2, 2] = True
    assert laplacian(dot, only) == 360
    border = ~everywhere
    border[0] = True
    assert math.isnan(laplacian(dot, border))
    assert math.isnan(sharpness(dot, np.zeros_like(dot), everywhere))


def test_overlap_and_parts_of_known_masks() -> None:
    one, other = np.zeros((2, 4), bool), np.zeros((2, 4), bool)
    assert overlap(one, other) == 0
    one[:, :3], other[:, 1:] = True, True
    assert overlap(one, other) == pytest.approx(4 / 8)
    labels = np.zeros((2, 4), np.int64)
    changed = labels.copy()
    changed[0, 1] = 7
    assert part_agreement(one, labels, other, changed) == pytest.approx(3 / 4)
    assert part_agreement(one, labels, ~one, labels) == 0


def test_cut_out_is_grey_around() -> None:
    picture = person()
    mask, _ = parts(picture)
    alone = cut_out(picture, mask)
    assert (alone[~mask] == GREY).all()
    assert (alone[mask] == picture[mask]).all()
