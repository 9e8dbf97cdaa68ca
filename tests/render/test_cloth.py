"""Cloth in a pose: lengths, gravity, the body in the way, and no memory."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from repose.body.model import load_body
from repose.body.surface import Surface, normals, pose_surface
from repose.render.pieces import Piece
from repose.render.wear.cloth import drape, strain
from repose.render.wear.clothes import build_clothes


def _turn(degrees):
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[[1, 0, 0], [0, c, -s], [0, s, c]]], np.float32)


@pytest.fixture(scope="module")
def scene():
    body = load_body()
    shape = body.shape(np.zeros(body.coefficients.shape[1], np.float32))
    cut = {"waist": 0.25, "hem": -0.25, "flare": 0.1, "ease": 0.01}
    outfit = SimpleNamespace(garments=(SimpleNamespace(kind="skirt", fabric=None, cut=cut),))
    (piece,), _ = build_clothes(body, shape, outfit)
    flesh = Surface(shape.vertices, body.canon, body.canon[:, :2], body.bone_weight, body.canon[:, 0], body.bone_index,
                    body.bone_weight, body.faces["body"].astype(np.int32))  # fmt: skip

    def posed(rotations):
        transforms = body.transforms(shape.pivots, rotations)[0]
        place = pose_surface(flesh, transforms)
        start = pose_surface(piece.surface, transforms)
        return start, drape(piece, start, place, normals(place, flesh.faces), transforms)

    return piece, posed


def _sitting(degrees=-85):
    return {f"upperleg01.{s}": _turn(degrees) for s in "LR"} | {f"lowerleg01.{s}": _turn(-degrees) for s in "LR"}


def test_cloth_at_rest_stays_where_it_is(scene):
    _, posed = scene
    start, out = posed({"root": _turn(0)})
    assert np.abs(out - start).max() < 0.03
    assert np.median(np.linalg.norm(out - start, axis=1)) < 0.004


def test_a_skirt_hangs_from_raised_thighs(scene):
    piece, posed = scene
    start, out = posed(_sitting())
    hem = piece.surface.canon[:, 2] < -0.15
    behind = hem & (piece.surface.canon[:, 1] > 0.0)
    assert out[behind, 2].mean() < start[behind, 2].mean() - 0.02


def test_threads_do_not_stretch_as_skinning_does(scene):
    piece, posed = scene
    start, out = posed(_sitting())
    pair, length = piece.cloth.edges, piece.cloth.length

    def worst(place):
        return np.percentile(np.linalg.norm(place[pair[:, 0]] - place[pair[:, 1]], axis=1) / length, 97)

    assert worst(out) < 1 + 0.75 * (worst(start) - 1)


def test_it_never_leaves_the_skinned_place_farther_than_its_limit(scene):
    piece, posed = scene
    for degrees in (-120, -60, 60):
        start, out = posed(_sitting(degrees))
        own = piece.cloth.follow[:, 0] < 0
        assert np.isfinite(out).all()
        assert (np.linalg.norm(out - start, axis=1)[own] <= piece.cloth.limit[own] + 1e-4).all()


def test_no_memory(scene):
    _, posed = scene
    first = posed(_sitting())[1]
    posed({"root": _turn(0)})
    np.testing.assert_array_equal(first, posed(_sitting())[1])


def test_strain_says_where_cloth_is_pushed_together(scene):
    piece, _ = scene
    flat = piece.surface.rest
    assert strain(piece, flat).max() < 1e-3
    squeezed = flat * np.array([1, 1, 0.6], np.float32)
    assert strain(piece, squeezed).mean() > 0.05


def test_a_piece_without_cloth_only_follows_the_skeleton(scene):
    piece, _ = scene
    bare = Piece("top", piece.surface, None, (5, 5))
    place = piece.surface.rest
    assert drape(bare, place, place, place, np.zeros((1, 3, 4), np.float32)) is place
    assert not strain(bare, place).any()
