"""Clothes at rest: borders, room, layers, what they hide."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from repose.body.atlas import iuv_of
from repose.body.model import load_body
from repose.render.wear.clothes import build_clothes
from repose.render.wear.cuts import KINDS

TOP = {"sleeve": 0.6, "hem": 0.05, "neck": "crew", "neck_depth": 0.03, "ease": 0.015}
CUTS = {
    "top": TOP,
    "coat": {"sleeve": 2.0, "hem": -0.3, "gap": 0.04, "ease": 0.03, "collar": "lapel"},
    "dress": {"sleeve": 0.0, "neck": "scoop", "neck_depth": 0.1, "waist": 0.26, "hem": -0.3, "flare": 0.1,
              "ease": 0.01},
    "skirt": {"waist": 0.25, "hem": -0.3, "flare": 0.05, "ease": 0.01},
    "trousers": {"waist": 0.22, "end": 2.0, "ease": 0.012, "flare": 0.0},
    "jumpsuit": {"sleeve": 0.5, "neck": "vee", "neck_depth": 0.12, "end": 1.9, "ease": 0.02},
}  # fmt: skip
BODY = load_body()
MEAN = BODY.shape(np.zeros(BODY.coefficients.shape[1], np.float32))


def _garment(kind, **more):
    return SimpleNamespace(kind=kind, fabric=None, cut=CUTS[kind] | more)


def _built(*garments, shape=MEAN):
    return build_clothes(BODY, shape, SimpleNamespace(garments=garments))


@pytest.mark.parametrize("kind", KINDS)
def test_a_garment_is_sound_on_any_body(kind):
    for shape in (MEAN, BODY.shape(BODY.coefficients[0]), BODY.shape(BODY.coefficients[-1])):
        (piece,), hidden = _built(_garment(kind), shape=shape)
        s = piece.surface
        assert np.isfinite(s.rest).all()
        assert np.isfinite(s.along).all()
        np.testing.assert_allclose(s.bone_weight.sum(1), 1, atol=1e-4)
        assert s.faces.max() < len(s) == len(piece.cloth.hold)
        pairs = np.linalg.norm(s.rest[piece.cloth.edges[:, 0]] - s.rest[piece.cloth.edges[:, 1]], axis=1)
        assert pairs.max() < 0.15
        assert (hidden > 0).any()
        assert hidden.shape == (BODY.count,)


def test_hem_sleeve_and_neck_are_where_the_cut_says():
    (piece,), _ = _built(_garment("top"))
    s = piece.surface
    assert abs(s.canon[:, 2].min() - 0.05) < 0.02
    arms = np.abs(s.canon[:, 0]) + s.canon[:, 2] > 0.72
    assert abs(s.along[arms, 0].max() - 0.6) < 0.06
    middle = (np.abs(s.canon[:, 0]) < 0.01) & (s.canon[:, 1] < -0.06)
    assert abs(s.canon[middle, 2].max() - 0.61) < 0.03


def test_the_skin_below_lies_inside():
    (piece,), hidden = _built(_garment("top"))
    skin = np.unique(BODY.faces["body"])
    covered = skin[hidden[skin] > 0.02]
    _, near = cKDTree(piece.surface.rest).query(MEAN.vertices[covered])
    out = ((piece.surface.rest[near] - MEAN.vertices[covered]) * MEAN.normals[covered]).sum(1)
    assert np.mean(out < -0.002) < 0.01


def test_ease_makes_room():
    girth = []
    for ease in (0.004, 0.02, 0.05):
        (piece,), _ = _built(_garment("top", ease=ease))
        s = piece.surface
        waist = (np.abs(s.canon[:, 2] - 0.3) < 0.03) & (np.abs(s.canon[:, 0]) < 0.25)
        girth.append(np.ptp(s.rest[waist], axis=0)[:2].sum())
    assert girth[0] + 0.03 < girth[1] < girth[2] - 0.03


def test_a_skirt_is_one_tube_and_trousers_are_two():
    for kind, bridged in (("skirt", True), ("trousers", False)):
        (piece,), _ = _built(_garment(kind))
        s = piece.surface
        knee = s.rest[np.abs(s.canon[:, 2] + 0.2) < 0.02]
        assert (np.abs(knee[:, 0]).min() < 0.02) == bridged


def test_an_open_coat_is_open_and_has_lapels():
    (open_,), hidden = _built(_garment("coat"))
    (shut,), _ = _built(_garment("coat", gap=0.0))

    def front(piece):
        s = piece.surface
        return ((np.abs(s.canon[:, 0]) < 0.03) & (s.canon[:, 1] < -0.08) & (s.canon[:, 2] > 0.2)).sum()

    assert front(open_) == 0 < front(shut)
    assert (open_.cloth.follow >= 0).any()
    chest = (np.abs(BODY.canon[:, 0]) < 0.02) & (BODY.canon[:, 1] < -0.1) & (np.abs(BODY.canon[:, 2] - 0.3) < 0.1)
    assert not (hidden[chest] > 0).any()


def test_outer_garments_hide_inner_ones_and_lie_outside():
    pieces, _ = _built(_garment("top"), _garment("trousers"), _garment("coat", gap=0.0))
    assert [p.name for p in pieces] == ["trousers", "top", "coat"] or [p.name for p in pieces] == ["trousers", "coat"]
    tucked, _ = _built(_garment("trousers"), _garment("top", tucked=1.0))
    assert [p.name for p in tucked] == ["top", "trousers"]
    assert abs(tucked[0].surface.canon[:, 2].min() - 0.205) < 0.02


def test_same_cut_same_cloth():
    one, two = (_built(_garment("dress"))[0][0] for _ in range(2))
    np.testing.assert_array_equal(one.surface.rest, two.surface.rest)
    np.testing.assert_array_equal(one.cloth.length, two.cloth.length)


def test_things_that_are_no_clothes_are_left_to_others():
    pieces, hidden = _built(SimpleNamespace(kind="hat", fabric=None, cut={}))
    assert pieces == []
    assert not (hidden > 0).any()


@pytest.mark.parametrize("kind", ["skirt", "dress", "coat"])
def test_what_hangs_round_the_legs_counts_as_the_leg_below(kind):
    (piece,), _ = _built(_garment(kind, hem=-0.5))
    s = piece.surface
    parts = iuv_of(s.canon, s.along, s.region)[:, 0].astype(int)
    thigh = (s.canon[:, 2] < 0.0) & (s.canon[:, 2] > -0.25) & (s.region[:, 0] < 0.5)
    shin = (s.canon[:, 2] < -0.35) & (s.region[:, 0] < 0.5)
    assert set(parts[thigh]) == {7, 8, 9, 10}
    assert set(parts[shin]) == {11, 12, 13, 14}
    left = s.canon[:, 0] > 0
    assert set(parts[thigh & left]) == {8, 10}
    assert set(parts[(s.canon[:, 2] > 0.2) & (s.canon[:, 2] < 0.24) & (s.region[:, 0] < 0.5)]) <= {1, 2}
