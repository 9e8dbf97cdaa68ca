"""The body: posing keeps it whole, and the joints are those of the skin."""

from __future__ import annotations

import numpy as np

from repose.body.model import load_body
from repose.body.rig import rotations
from repose.body.surface import pose_body
from repose.render.pose.poses import sample_pose

BODY = load_body()


def _posed(row: int, count: int, seed: int):
    shape = BODY.shape(BODY.coefficients[row])
    rng = np.random.default_rng(seed)
    angles = np.stack([sample_pose(rng).angles for _ in range(count)])
    return shape, BODY.transforms(shape.pivots, rotations(BODY, angles))


def test_poses_keep_bone_lengths() -> None:
    shape, placed = _posed(3, 50, 0)
    turns = placed[..., :3]
    assert np.allclose(turns @ turns.swapaxes(-1, -2), np.eye(3), atol=1e-4)
    heads = np.einsum("pjik,jk->pji", turns, shape.pivots) + placed[..., 3]
    for bone, parent in enumerate(BODY.parents):
        if parent >= 0:
            length = np.linalg.norm(heads[:, bone] - heads[:, parent], axis=1)
            assert np.allclose(length, np.linalg.norm(shape.pivots[bone] - shape.pivots[parent]), atol=1e-4)


def test_anchors_agree_with_skinning_every_vertex() -> None:
    for row in (3, len(BODY.coefficients) - 1):  # an adult and a child
        shape, placed = _posed(row, 1, 2)
        place, normal = pose_body(BODY, shape, placed[0])
        anchors = BODY.points(shape, placed)[0, 18:]
        assert np.linalg.norm(place[None] - anchors[:, None], axis=2).min(1).max() < 1e-4
        skin = np.unique(BODY.faces["body"])
        assert np.allclose(np.linalg.norm(normal[skin], axis=1), 1, atol=1e-3)


def test_children_are_smaller_than_adults() -> None:
    def tall(which: np.ndarray) -> float:
        return float(
            np.mean([np.ptp(BODY.shape(BODY.coefficients[k]).vertices[:, 2]) for k in np.nonzero(which)[0][:30]])
        )

    ages = BODY.traits[:, 1]
    assert tall(ages < 0.38) < 0.93 * tall((ages > 0.6) & (ages < 0.8))
