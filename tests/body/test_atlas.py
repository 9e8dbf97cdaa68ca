"""The body chart: every part where it belongs, mirrored exactly, the same in numpy as in the shader's constants."""

from __future__ import annotations

import numpy as np
import pytest

from repose.body import atlas
from repose.body.model import load_body
from repose.person import IUV_MIRROR


def _chart(vertices: np.ndarray) -> np.ndarray:
    body = load_body()
    attributes = body.attributes[vertices].astype(np.float32)
    return atlas.iuv_of(body.canon[vertices], attributes[:, :2], attributes[:, 2:6])


def test_all_24_parts_are_on_the_body():
    parts = _chart(np.unique(load_body().faces["body"]))[:, 0]
    assert sorted(set(parts.astype(int))) == list(range(1, 25))
    assert np.bincount(parts.astype(int))[1:].min() > 20  # vertices


@pytest.mark.parametrize(
    ("bone", "parts"),
    [("head", {23, 24}), ("lowerleg01.L", {12, 14}), ("lowerleg01.R", {11, 13}), ("upperleg02.L", {8, 10}),
     ("lowerarm01.L", {19, 21}), ("lowerarm01.R", {20, 22}), ("upperarm02.L", {15, 17}), ("finger3-2.L", {4}),
     ("finger3-2.R", {3}), ("foot.L", {5}), ("foot.R", {6})],
)  # fmt: skip
def test_the_skin_of_a_bone_lies_in_its_parts(bone, parts):
    body = load_body()
    own = (body.bone_index == body.index[bone]) & (body.bone_weight > 0.8)
    vertices = np.intersect1d(np.nonzero(own.any(1))[0], body.faces["body"])
    found = _chart(vertices)[:, 0].astype(int)
    assert np.isin(found, list(parts)).mean() > 0.95


def test_front_and_back_of_the_trunk():
    chest = atlas.iuv_of(np.float32([[0.05, -0.14, 0.4]]), np.zeros((1, 2), np.float32), np.zeros((1, 4), np.float32))
    back = atlas.iuv_of(np.float32([[0.05, 0.1, 0.4]]), np.zeros((1, 2), np.float32), np.zeros((1, 4), np.float32))
    assert chest[0, 0] == 2
    assert back[0, 0] == 1


def test_a_mirrored_point_has_the_mirror_part_and_one_minus_u():
    body = load_body()
    vertices = np.unique(body.faces["body"])
    vertices = vertices[np.abs(body.canon[vertices, 0]) > 0.01]
    attributes = body.attributes[vertices].astype(np.float32)
    here = atlas.iuv_of(body.canon[vertices], attributes[:, :2], attributes[:, 2:6])
    there = atlas.iuv_of(body.canon[vertices] * np.float32([-1, 1, 1]), attributes[:, :2], attributes[:, 2:6])
    assert np.array_equal(np.array(IUV_MIRROR)[here[:, 0].astype(int)], there[:, 0].astype(int))
    np.testing.assert_allclose(there[:, 1], 1 - here[:, 1], atol=1e-5)
    np.testing.assert_allclose(there[:, 2], here[:, 2], atol=1e-6)


def test_v_grows_down_the_leg_and_to_the_hand():
    body = load_body()
    leg = np.stack([np.linspace(0.113, 0.146, 5), np.full(5, -0.1), np.linspace(0.1, -0.28, 5)], 1).astype(np.float32)
    along = np.stack([np.zeros(5), np.linspace(0.02, 0.95, 5)], 1).astype(np.float32)
    region = np.tile(np.float32([0, 1, 0, 0]), (5, 1))
    found = atlas.iuv_of(leg, along, region)
    assert set(found[:, 0]) == {10}
    assert (np.diff(found[:, 2]) > 0.1).all()
    assert body.index["root"] == 0
