"""The reduced skeleton and the mesh say the same as the renderer's body."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from repose.body.angles import INDEX, TABLE
from repose.body.kinematics import bone_turns
from repose.body.model import load_body, sample_shape
from repose.body.pose_space import (
    FREEDOM_COUNT,
    JOINT_COUNT,
    joints_of,
    mirror_turns,
    posed_bones,
    right_jacobian,
    rotation,
    shaped,
    skeleton,
    turned,
    turns_of_bones,
)
from repose.body.posed_body import PosedBody
from repose.body.rig import BONES, rig_of, rotations
from repose.body.skin_mesh import pose_skin, skin_mesh
from repose.body.surface import body_surface, pose_surface
from repose.person import MIRROR
from repose.render.pose.poses import sample_pose

FINGERS = ("thumb", "index", "middle", "ring", "little", "spread")


def test_joints_and_skin_are_those_of_the_renderer() -> None:
    body, rng = load_body(), np.random.default_rng(4)
    surface, arrays = skin_mesh(), skeleton()
    for _ in range(3):
        coefficients, _, _ = sample_shape(body, rng)
        angles = sample_pose(rng, "mixed").angles.copy()
        for name, row in INDEX.items():
            if name.split("_")[0] in FINGERS:
                angles[row] = TABLE[row, 0]
        shape = body.shape(coefficients)
        transforms = body.transforms(shape.pivots, rotations(body, angles[None]))
        points = body.points(shape, transforms)[0]
        turns = turns_of_bones(bone_turns(angles.astype(np.float64), rig_of(body).vec), BONES)
        pivots = shaped(arrays.pivots, arrays.pivots_basis, coefficients.astype(np.float64))
        turn, place = posed_bones(turns, pivots, arrays.parents, arrays.turn_of)
        rest = shaped(arrays.place, arrays.place_basis, coefficients.astype(np.float64))
        joints = joints_of(turn, place, pivots, arrays.point, arrays.bone, rest, arrays.share, JOINT_COUNT)
        away = np.linalg.norm(joints + shape.pivots[0] - points[:JOINT_COUNT], axis=1)
        assert away.max() < 0.006  # the asset's two sides differ by some millimetres, these do not
        vertices = pose_skin(
            surface.mean,
            surface.basis,
            coefficients.astype(np.float64),
            surface.bone,
            surface.weight,
            turn,
            place,
            pivots,
        )
        there = pose_surface(body_surface(body, shape, "body"), transforms[0])
        assert cKDTree(there).query(vertices + shape.pivots[0])[0].max() < 0.008


def test_the_mesh_is_its_own_mirror_image() -> None:
    surface = skin_mesh()
    flip = np.array([-1, 1, 1], np.float32)
    assert (surface.mirror[surface.mirror] == np.arange(len(surface.mean))).all()
    assert np.abs(surface.canon[surface.mirror] * flip - surface.canon).max() < 1e-4
    assert (surface.mirror_face[surface.mirror_face] == np.arange(len(surface.faces))).all()
    corners = np.take_along_axis(surface.faces[surface.mirror_face], surface.mirror_corner, axis=1)
    assert (surface.mirror[surface.faces] == corners).all()


def test_a_mirrored_body_has_mirrored_joints_and_skin(bodies: list[PosedBody]) -> None:
    for body in bodies[:4]:
        other = body.mirrored(100)
        assert np.abs(other.joints - body.joints[list(MIRROR)] * [-1, 1, 1]).max() < 1e-9
        assert np.abs(other.vertices - body.vertices[skin_mesh().mirror] * [-1, 1, 1]).max() < 3e-4
        assert np.abs(other.keypoints[:, 0] - (99 - body.keypoints[list(MIRROR), 0])).max() < 1e-6


def test_turned_by_mirrored_freedoms_is_the_mirror_image(bodies: list[PosedBody]) -> None:
    arrays, rng = skeleton(), np.random.default_rng(0)
    change = rng.standard_normal(FREEDOM_COUNT) * 0.3
    change[:15] = 0  # the trunk is its own twin: its axes change sign
    twin = change.copy()
    twin[15:34], twin[34:] = change[34:], change[15:34]
    turns = bodies[0].turns
    one = mirror_turns(turned(turns, change, arrays.axes, arrays.start))
    two = turned(mirror_turns(turns), twin, arrays.axes, arrays.start)
    assert np.abs(one - two).max() < 1e-12


def test_right_jacobian_is_the_derivative_of_the_exponential() -> None:
    v, d = np.array([0.4, -1.1, 0.3]), np.array([2e-6, 1e-6, -3e-6])
    want = rotation(*v).T @ rotation(*(v + d))
    assert np.abs(rotation(*(right_jacobian(*v) @ d)) - want).max() < 1e-11


def test_scaled_and_moved_bodies_lie_where_the_picture_goes(bodies: list[PosedBody]) -> None:
    body = bodies[0]
    assert np.allclose(body.scaled(2).keypoints, (body.keypoints + 0.5) * 2 - 0.5)
    assert np.allclose(body.moved(3, -4).keypoints, body.keypoints + np.array([3, -4]))
