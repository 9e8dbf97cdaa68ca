"""Derivatives against differences, and what refinement does."""

from __future__ import annotations

import numpy as np
import pytest

from repose.body.fit import View, _flat, difference, refine, refine_together, slopes
from repose.body.pose_space import FREEDOM_COUNT, SHAPE, STATE, VIEW, skeleton, turned
from repose.body.posed_body import PosedBody
from repose.body.samples import joint_frames


def _boxed(body: PosedBody) -> np.ndarray:
    """A camera in a box of 200 pixels round (50, 100)."""
    x, y, scale, distance = body.camera
    return np.array([(x - 50) / 200, (y - 100) / 200, np.log(scale / 200), np.log(distance)])


def _shaken(body: PosedBody, rng: np.random.Generator, size: float) -> tuple[View, np.ndarray]:
    """A body that a lifter got wrong by `size`, before its true joints; and the true joints."""
    arrays = skeleton()
    true = _flat(body.turns, np.zeros(STATE), body.coefficients, _boxed(body))
    change = rng.standard_normal(STATE) * size
    view = View(
        turned(body.turns, change[:FREEDOM_COUNT], arrays.axes, arrays.start),
        body.coefficients + change[SHAPE], _boxed(body) + 0.1 * change[VIEW], true, np.ones(18, bool),
        np.full(18, 0.002), np.zeros((18, 3)), np.eye(STATE) / size**2,
    )  # fmt: skip
    return view, true


def test_derivatives_are_those_of_finite_differences(bodies: list[PosedBody]) -> None:
    rng = np.random.default_rng(1)
    for body in bodies[:3]:
        change = rng.standard_normal(STATE) * 0.2
        camera = _boxed(body)

        def at(step: np.ndarray, body: PosedBody = body, camera: np.ndarray = camera) -> np.ndarray:
            return _flat(body.turns, step, body.coefficients + step[SHAPE], camera + step[VIEW])

        flat, derivative, _, _ = slopes(body.turns, change, body.coefficients + change[SHAPE], camera + change[VIEW])
        steps = 1e-6 * np.eye(STATE)
        want = np.stack([(at(change + step) - at(change - step)) / 2e-6 for step in steps], -1)
        assert np.abs(flat - at(change)).max() < 1e-12
        assert np.abs(derivative - want).max() < 1e-6 * max(1, np.abs(want).max())


def test_joints_lie_where_the_detector_has_them(bodies: list[PosedBody]) -> None:
    body, camera = bodies[0], _boxed(bodies[0])
    offsets = np.random.default_rng(9).standard_normal((18, 3)) * 0.02
    plain = slopes(body.turns, np.zeros(STATE), body.coefficients, camera)
    moved = slopes(body.turns, np.zeros(STATE), body.coefficients, camera, offsets)
    frames = joint_frames(body.turns)
    assert np.abs(moved[2] - plain[2] - np.einsum("jab,jb->ja", frames, offsets)).max() < 1e-12


def test_derivatives_in_space_are_those_of_finite_differences(bodies: list[PosedBody]) -> None:
    body, change = bodies[1], np.random.default_rng(2).standard_normal(STATE) * 0.2
    camera = _boxed(body)

    def at(step: np.ndarray) -> np.ndarray:
        return slopes(body.turns, step, body.coefficients + step[SHAPE], camera)[2]

    want = np.stack([(at(change + s) - at(change - s)) / 2e-6 for s in 1e-6 * np.eye(STATE)], -1)
    assert np.abs(slopes(body.turns, change, body.coefficients + change[SHAPE], camera)[3] - want).max() < 1e-7


def test_difference_undoes_a_change(bodies: list[PosedBody]) -> None:
    body, change = bodies[2], np.random.default_rng(3).standard_normal(STATE) * 0.3
    arrays = skeleton()
    after = turned(body.turns, change[:FREEDOM_COUNT], arrays.axes, arrays.start)
    got = difference(
        body.turns[None], body.coefficients[None], _boxed(body)[None], after[None],
        (body.coefficients + change[SHAPE])[None], (_boxed(body) + change[VIEW])[None],
    )  # fmt: skip
    assert np.abs(got - change).max() < 1e-7


def test_refinement_moves_the_body_onto_its_joints(bodies: list[PosedBody]) -> None:
    rng = np.random.default_rng(4)
    for body in bodies[:6]:
        view, true = _shaken(body, rng, 0.15)
        before = np.linalg.norm(refine(view, steps=0).joints - true, axis=1).mean()
        after = np.linalg.norm(refine(view, steps=5).joints - true, axis=1).mean()
        assert after < 0.15 * before


def test_a_joint_of_somebody_else_does_not_pull_the_body_along(bodies: list[PosedBody]) -> None:
    view, true = _shaken(bodies[0], np.random.default_rng(5), 0.05)
    wrong = true.copy()
    wrong[4] += 0.8
    away = View(**{**view.__dict__, "joints": wrong, "noise": np.full(18, 0.01)})
    got = np.linalg.norm(refine(away, steps=8).joints - true, axis=1)
    assert got[4] < 0.2
    assert np.delete(got, [3, 4]).max() < 0.05


def test_missing_joints_are_not_read(bodies: list[PosedBody]) -> None:
    view, true = _shaken(bodies[3], np.random.default_rng(6), 0.1)
    located = np.ones(18, bool)
    located[[10, 13]] = False
    joints = [np.where(located[:, None], true, value) for value in (0.0, np.inf)]
    one, two = (refine(View(**{**view.__dict__, "joints": j, "located": located})) for j in joints)
    assert np.array_equal(one.joints, two.joints)
    assert one.spread[10] > one.spread[9]


def test_several_pictures_of_one_person_get_one_shape(bodies: list[PosedBody]) -> None:
    rng = np.random.default_rng(7)
    body = bodies[0]
    views = []
    for other in bodies[:4]:
        same = PosedBody(other.turns, body.coefficients, other.camera)
        views.append(_shaken(same, rng, 0.3)[0])
    together = refine_together(views, steps=6)
    assert all(np.allclose(one.coefficients, together[0].coefficients) for one in together)
    alone = np.mean([np.abs(refine(view, 6).coefficients - body.coefficients).mean() for view in views])
    assert np.abs(together[0].coefficients - body.coefficients).mean() < 0.8 * alone
    with pytest.raises(ValueError, match="at least one"):
        refine_together([])
