"""IUV of a dressed person: the skin widened to the outline of the figure, and each pixel given to a part of it.

Clothes count as the body below them, as in the rendered people. A lifted body is naked, so it covers about three
quarters of a dressed person. Two steps close the gap:

1. `widened` moves the skin along its normals, each bone by its own distance, until it fills the figure's mask. The
   sides of a wide jacket are then the sides of the trunk, and not a border that is repeated.
2. `dressed_iuv` draws each of the 14 limbs (`PART_GROUPS`) alone, so that what another limb hides is known too. Each
   pixel takes the limb of least cost: the distance to it, whether another limb hides it there, and what a parser of
   the body says.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from repose.body.around import nearest_skin
from repose.body.atlas import iuv_of
from repose.body.compiled import jit
from repose.body.pose_space import BONE_COUNT, Floats
from repose.body.posed_body import PosedBody
from repose.body.raster import draw_faces, iuv_of_faces
from repose.body.skin_mesh import skin_mesh
from repose.body.surface import normals

Mask = NDArray[np.bool_]

PART_GROUPS: Final = (
    (1, 2), (3,), (4,), (5,), (6,), (7, 9), (8, 10), (11, 13), (12, 14), (15, 17), (16, 18), (19, 21), (20, 22),
    (23, 24),
)  # fmt: skip
"""DensePose's parts that make a limb: trunk, both hands, feet, upper and lower legs, upper and lower arms, head."""

_ROUNDS: Final = 2
_THICKEST: Final = 0.15
"""Metres that clothes or hair reach beyond the skin of a bone, at most; what is further away is the nearest skin's."""

_THINNEST: Final = 0.03
"""Metres that the skin of a bone may lie outside the mask, at most: a larger lack is an error of the mask."""

_OUTLINE: Final = 0.03
"""Metres of outline that speak for no change: a bone whose outline is hidden is not widened."""

_AWAY: Final = 0.02
"""Metres beside a limb that cost 1."""

_HIDDEN: Final = 1.5
"""The cost of a limb that another one hides, from `_BEHIND` metres between the two on."""

_BEHIND: Final = 0.1


def widened(body: PosedBody, figure: Mask) -> Floats:
    """The vertices of a body whose skin is moved along its normals so that it fills a figure.

    A bone's distance is the area by which the figure exceeds the drawn body beside it, less the area by which it falls
    short, over the length of the bone's outline; neighbouring bones blend as the skin's weights do.

    Args:
        body: its pixels are those of the figure.
        figure: bool (H, W), where the dressed person is.

    Returns:
        (V, 3) float32, camera axes, metres, as `PosedBody.vertices`; those unchanged if the body is beside the picture.
    """
    surface = skin_mesh()
    places = body.vertices
    outward = normals(places, surface.faces)
    away = np.zeros(BONE_COUNT)
    moved = places
    for _ in range(_ROUNDS):
        face, weights, _near = _drawn(body, moved, surface.faces, *figure.shape)
        if not (face >= 0).any():
            return places
        away = np.clip(away + _lack(face, weights, figure, float(body.camera[2])), -_THINNEST, _THICKEST)
        by_vertex = (surface.weight * away[surface.bone]).sum(1).astype(np.float32)
        moved = places + outward * by_vertex[:, None]
    return moved


def dressed_iuv(body: PosedBody, figure: Mask, evidence: Floats | None = None) -> Floats:
    """The IUV of a dressed person, for every pixel of a picture: beside the figure that of the nearest limb, too.

    Args:
        body: its pixels are those of the figure.
        figure: bool (H, W), where the dressed person is.
        evidence: (14, H, W), how much speaks for each of `PART_GROUPS` at a pixel, in the unit of a logarithm of
            chances; a difference of 1 between two limbs counts as much as 2 cm. None where nothing is known.

    Returns:
        float32 (3, H, W): part 1 to 24, u and v in [0, 1]; all 0 if no part of the body is in the picture.

    Raises:
        ValueError: the evidence has another shape.
    """
    size = figure.shape
    if evidence is not None and evidence.shape != (len(PART_GROUPS), *size):
        raise ValueError(f"dressed_iuv: evidence {(len(PART_GROUPS), *size)} is wanted, got {evidence.shape}")
    surface = skin_mesh()
    places = widened(body, figure)
    _, _, front = _drawn(body, places, surface.faces, *size)
    scale = float(body.camera[2])
    least = np.full(size, np.inf, np.float32)
    face, weights = np.full(size, -1, np.int32), np.zeros((3, *size), np.float32)
    for limb, rows in enumerate(_faces_of_groups()):
        own, own_weights, near = _drawn(body, places, np.ascontiguousarray(surface.faces[rows]), *size)
        if (own >= 0).any():
            row, column = nearest_skin(own)
            said = np.zeros(size, np.float32) if evidence is None else evidence[limb].astype(np.float32, copy=False)
            _take_cheaper(own, own_weights, near, front, row, column, said, rows, scale, least, face, weights)
    return iuv_of_faces(face, weights)


# -- inside -----------------------------------------------------------------------------------------------------------


def _drawn(body: PosedBody, places: Floats, faces: NDArray[np.int32], height: int, width: int) -> Any:
    """Face, weights and nearness of vertices (V, 3) as of `draw_faces`."""
    return draw_faces(body.project(places), faces, float(body.camera[3]), height, width)


@cache
def _faces_of_groups() -> tuple[NDArray[np.int32], ...]:
    """The rows of `SkinMesh.faces` of each group."""
    surface = skin_mesh()
    middle = [values[surface.faces].mean(1) for values in (surface.canon, surface.along, surface.region)]
    part = iuv_of(*middle)[:, 0].astype(int)
    return tuple(np.flatnonzero(np.isin(part, parts)).astype(np.int32) for parts in PART_GROUPS)


def _lack(face: NDArray[np.int32], weights: Floats, figure: Mask, scale: float) -> NDArray[np.float64]:
    """(28,) metres by which the skin of each bone lies within the figure's outline, on average."""
    surface = skin_mesh()
    there = face >= 0
    corner = weights.argmax(0)
    row, column = nearest_skin(face)
    bone = np.where(there, surface.bone[surface.faces[np.maximum(face, 0), corner], 0], 0)[row, column]
    outline = np.zeros_like(there)
    inner = there[1:-1, 1:-1]
    enclosed = there[:-2, 1:-1] & there[2:, 1:-1] & there[1:-1, :-2] & there[1:-1, 2:]
    outline[1:-1, 1:-1] = inner & ~enclosed  # the border of the picture is no outline
    length, beyond, short = (
        np.bincount(bone[where], minlength=BONE_COUNT) for where in (outline, figure & ~there, there & ~figure)
    )
    away: NDArray[np.float64] = (beyond - short) / scale**2 / (length / scale + _OUTLINE)
    return away


@jit
def _take_cheaper(
    own: Any, own_weights: Any, near: Any, front: Any, row: Any, column: Any, said: Any, rows: Any, scale: float,
    least: Any, face: Any, weights: Any,
) -> None:  # fmt: skip
    """Give a limb the pixels where it costs less than the limbs before; writes the last three arguments."""
    height, width = own.shape
    for y in range(height):
        for x in range(width):
            r, c = row[y, x], column[y, x]
            cost = np.sqrt((y - r) ** 2 + (x - c) ** 2) / (scale * _AWAY) - said[y, x]
            if own[y, x] >= 0:
                cost += _HIDDEN * min(1.0, (front[y, x] - near[y, x]) / _BEHIND)
            if cost < least[y, x]:
                least[y, x] = cost
                face[y, x] = rows[own[r, c]]
                for k in range(3):
                    weights[k, y, x] = own_weights[k, r, c]


__all__ = ["PART_GROUPS", "dressed_iuv", "widened"]
