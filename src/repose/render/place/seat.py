"""Something to sit on: a plain block under people whose pose wants one."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from repose.body.model import BodyModel, Floats, Shape
from repose.body.surface import Surface, normals, pose_body
from repose.render.pieces import Piece, Posed

SCENERY: Final = 255
"""The label of what is drawn with a person but is none."""

_WIDTH, _DEPTH = 0.46, 0.40  # metres
_LOWEST: Final = 0.12  # who sits lower sits on the ground


@cache
def block() -> Piece:
    """The block, 1 metre wide; `put_under` gives it its size and place."""
    faces: list[NDArray[np.int64]] = []
    corners: list[NDArray[np.float64]] = []
    for axis in range(3):
        for sign in (-1, 1):
            u, v = np.eye(3)[(axis + 1) % 3], np.eye(3)[(axis + 2) % 3]
            middle = np.eye(3)[axis] * sign
            quad = np.array([[0, 1, 2], [0, 2, 3]]) + len(corners)
            corners += [middle - u - v, middle + u - v, middle + u + v, middle - u + v]
            faces.append(quad if sign > 0 else quad[:, ::-1])
    place: Floats = np.array(corners, np.float32) * np.float32(0.5)
    count = len(place)
    bones = np.tile(np.array([1, 0, 0, 0], np.float32), (count, 1))
    surface = Surface(place, place, np.zeros((count, 2), np.float32), np.zeros((count, 4), np.float32),
                      np.ones(count, np.float32), np.zeros((count, 4), np.uint8),
                      bones, np.concatenate(faces).astype(np.int32))  # fmt: skip
    return Piece("seat", surface, None, (SCENERY, SCENERY), kind="scenery")


def put_under(body: BodyModel, shape: Shape, transforms: Floats, posed: Posed, seat: bool) -> Posed:
    """Somebody in a pose with the vertices of `block` behind their own.

    Args:
        body, shape: who. transforms: (J, 3, 4), the pose. posed: everything they wear in it. seat: whether they sit; if
            not, or on the ground, the block shrinks to a point inside them and nothing of it is drawn.
    """
    surface = block().surface
    ground = float(posed.place[:, 2].min())
    top = ground
    if seat:
        under = pose_body(body, shape, transforms)[0][_buttocks(body)]
        top = float(np.quantile(under[:, 2], 0.1))
    if top - ground < _LOWEST:
        place: Floats = np.tile(posed.place.mean(0), (len(surface), 1)).astype(np.float32)
    else:
        middle = under.mean(0)
        size = np.array([_WIDTH, _DEPTH, top - ground], np.float32)
        place = surface.rest * size + np.array([middle[0], middle[1] + 0.02, (ground + top) / 2], np.float32)
    return Posed(
        np.concatenate([posed.place, place]),
        np.concatenate([posed.normal, normals(place, surface.faces)]),
        np.concatenate([posed.strain, np.zeros(len(place), np.float32)]),
    )


@cache
def _buttocks(body: BodyModel) -> NDArray[np.int64]:
    used = np.unique(body.faces["body"])
    canon = body.canon[used]
    seat = (np.abs(canon[:, 2] - 0.08) < 0.08) & (canon[:, 1] > 0.03) & (body.attributes[used, 2] < 0.1)
    out: NDArray[np.int64] = used[seat].astype(np.int64)
    return out
