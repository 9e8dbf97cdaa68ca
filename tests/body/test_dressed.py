"""The body widened to the outline of a dressed figure, and the IUV of every pixel of it."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")

from repose.body.dressed import PART_GROUPS, dressed_iuv, widened
from repose.body.posed_body import PosedBody
from repose.body.raster import iuv_of_faces, raster
from repose.body.skin_mesh import skin_mesh
from repose.body.surface import normals

HEIGHT, WIDTH = 160, 110


@pytest.fixture(scope="module")
def body() -> PosedBody:
    """Somebody of mean shape who faces us with the arms a little away, 140 pixels tall."""
    turns = np.tile(np.eye(3), (23, 1, 1))
    turns[0] = [[1, 0, 0], [0, 0, 1], [0, -1, 0]]  # rest axes to camera axes
    return PosedBody(turns, np.zeros(40), np.array([WIDTH / 2, 78.0, 80.0, 6.0]))


def grown(mask: np.ndarray, pixels: int) -> np.ndarray:
    """A mask that many pixels wider on all sides."""
    rows, columns = np.mgrid[-pixels : pixels + 1, -pixels : pixels + 1]
    wide = np.pad(mask, pixels)
    out = np.zeros_like(mask)
    for y, x in zip(rows[rows**2 + columns**2 <= pixels**2], columns[rows**2 + columns**2 <= pixels**2], strict=True):
        out |= wide[pixels + y : pixels + y + mask.shape[0], pixels + x : pixels + x + mask.shape[1]]
    return out


def test_the_groups_are_all_parts_once() -> None:
    assert sorted(part for parts in PART_GROUPS for part in parts) == list(range(1, 25))


def test_iuv_of_faces_is_that_of_raster(body: PosedBody) -> None:
    maps = raster(body, HEIGHT, WIDTH)
    assert maps.mask.any()
    assert np.array_equal(iuv_of_faces(maps.face, maps.weights), maps.iuv)


def test_the_naked_figure_changes_little(body: PosedBody) -> None:
    maps = raster(body, HEIGHT, WIDTH)
    assert np.abs(widened(body, maps.mask) - body.vertices).max() < 0.002
    given = dressed_iuv(body, maps.mask)
    assert (given[0] == maps.iuv[0])[maps.mask].mean() > 0.99
    assert np.abs(given - maps.iuv)[1:, maps.mask].mean() < 0.01


def test_the_skin_fills_a_wider_figure(body: PosedBody) -> None:
    """4 pixels are 5 cm: the skin moves outwards by about that, and u is spread over the wider figure."""
    maps = raster(body, HEIGHT, WIDTH)
    figure = grown(maps.mask, 4)
    moved = widened(body, figure) - body.vertices
    outward = (moved * normals(body.vertices, skin_mesh().faces)).sum(1)
    trunk = (skin_mesh().region[:, :3] < 0.1).all(1)
    assert 0.02 < np.median(outward[trunk]) < 0.07
    given = dressed_iuv(body, figure)
    assert (given[0] > 0)[figure].all()
    row = int(78 - 80 * 0.25)  # across the waist
    trunk_row = np.flatnonzero((given[0, row] == 2) & figure[row])
    naked_row = np.flatnonzero(maps.iuv[0, row] == 2)
    assert len(trunk_row) >= len(naked_row) + 4
    u = given[1, row, trunk_row]
    assert (np.diff(u) > 0).all(), "u is spread, not repeated at the border"


def test_a_smaller_figure_draws_the_skin_in_a_little(body: PosedBody) -> None:
    maps = raster(body, HEIGHT, WIDTH)
    moved = widened(body, ~grown(~maps.mask, 3)) - body.vertices
    assert 0.005 < np.linalg.norm(moved, axis=1).max() < 0.04


def test_evidence_decides_between_two_limbs(body: PosedBody) -> None:
    maps = raster(body, HEIGHT, WIDTH)
    belly = 78 - 16, WIDTH // 2
    plain = dressed_iuv(body, maps.mask)
    assert plain[0][belly] in (1, 2)
    hand = PART_GROUPS.index((4,))
    said = np.zeros((len(PART_GROUPS), HEIGHT, WIDTH), np.float32)
    said[hand, belly[0] - 2 : belly[0] + 3, belly[1] - 2 : belly[1] + 3] = 40
    given = dressed_iuv(body, maps.mask, said)
    assert given[0][belly] == 4
    elsewhere = said[hand] == 0
    assert np.array_equal(given[:, elsewhere], plain[:, elsewhere])
    with pytest.raises(ValueError, match="evidence"):
        dressed_iuv(body, maps.mask, said[:3])


def test_a_body_beside_the_picture_gives_nothing(body: PosedBody) -> None:
    away = body.moved(10_000, 0)
    figure = np.ones((HEIGHT, WIDTH), bool)
    assert not dressed_iuv(away, figure).any()
    assert np.array_equal(widened(away, figure), away.vertices)
