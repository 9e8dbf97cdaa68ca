"""Surfaces: cut, refined and carried onto bodies without losing area, bones or place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from repose.body.model import load_body
from repose.body.surface import body_surface, normals, pose_surface
from repose.render.mesh import bind, clip, edges, merge, subdivide


@pytest.fixture(scope="module")
def body():
    return load_body()


@pytest.fixture(scope="module")
def shell(body):
    return body_surface(body, body.shape(body.coefficients[5]), "shell")


def area(surface) -> float:
    a, b, c = (surface.rest[surface.faces[:, k]] for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def test_clip_cuts_exactly_at_the_border_and_keeps_the_area_of_both_sides(shell):
    field = shell.canon[:, 2] - np.float32(0.3137)
    above, below = clip(shell, field), clip(shell, -field)
    assert above.canon[:, 2].min() == pytest.approx(0.3137, abs=1e-5)
    assert below.canon[:, 2].max() == pytest.approx(0.3137, abs=1e-5)
    assert area(above) + area(below) == pytest.approx(area(shell), rel=1e-5)
    assert np.isfinite(above.rest).all()
    np.testing.assert_allclose(above.bone_weight.sum(1), 1, atol=1e-5)


def test_clip_keeps_the_side_that_faces_outwards(shell):
    cut = clip(shell, shell.canon[:, 2] - 0.3)
    whole = normals(shell.rest, shell.faces)
    kept = normals(cut.rest, cut.faces)
    for s, n in ((shell, whole), (cut, kept)):
        trunk = (s.canon[:, 2] > 0.35) & (s.canon[:, 2] < 0.5) & (s.region[:, 0] < 0.1)
        away = s.rest[trunk] - s.rest[trunk].mean(0)
        assert ((away[:, :2] * n[trunk, :2]).sum(1) > 0).mean() > 0.95


def test_clip_of_nothing_and_of_everything(shell):
    assert clip(shell, np.ones(len(shell), np.float32)) is shell
    assert len(clip(shell, -np.ones(len(shell), np.float32)).faces) == 0


def test_subdivide_makes_four_of_each_triangle_in_the_same_place(shell):
    fine = subdivide(shell)
    assert len(fine.faces) == 4 * len(shell.faces)
    assert area(fine) == pytest.approx(area(shell), rel=1e-5)
    assert len(fine) == len(shell) + len(edges(shell.faces))


def test_merge_keeps_both(shell):
    both = merge([shell, replace(shell, rest=shell.rest + 1)])
    assert area(both) == pytest.approx(2 * area(shell), rel=1e-4)
    with pytest.raises(ValueError, match="at least one"):
        merge([])


def test_a_bound_copy_of_the_skin_follows_the_skin(body):
    shape = body.shape(body.coefficients[11])
    own = body_surface(body, shape, "body")
    carried = bind(body, shape, own.canon, own.faces)
    assert np.abs(carried.rest - own.rest).max() < 1e-3  # metres
    bend = np.eye(3, dtype=np.float32)[[0, 2, 1]] * np.float32([[1, 1, 1], [1, -1, 1], [1, 1, 1]])
    turned = body.transforms(shape.pivots, {"lowerleg01.L": bend[None]})[0]
    assert np.abs(pose_surface(carried, turned) - pose_surface(own, turned)).max() < 0.02


def test_a_rigid_thing_is_as_large_as_the_head_it_sits_on(body):
    child = body.shape(body.coefficients[np.argmin(body.traits[:, 1])])
    band = np.float32([[0.08, -0.05, 0.88], [-0.08, -0.05, 0.88], [0, -0.15, 0.88], [0, 0.06, 0.88]])
    hat = bind(body, child, band, np.array([[0, 1, 2], [0, 3, 1]]), rigid="head")
    assert set(hat.bone_index[:, 0]) == {body.index["head"]}
    head = child.vertices[((body.bone_index == body.index["head"]) & (body.bone_weight > 0.5)).any(1)]
    assert np.abs(hat.rest[:, :2]).max() < np.abs(head[:, :2]).max() * 1.3
    assert np.abs(hat.rest[:, 2]).max() < np.abs(head[:, 2]).max()
