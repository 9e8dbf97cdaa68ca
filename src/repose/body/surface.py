"""Triangle surfaces bound to the skeleton, and where their vertices are in a pose: linear blend skinning and normals.

Surfaces are modelled in canon space, which is the mean body at rest (`BodyModel.canon`). They are the renderer's: skin,
clothes and hair at full detail. The coarser skin of lifted bodies is `skin_mesh.SkinMesh`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repose.body.compiled import jit
from repose.body.model import BodyModel, Floats, Shape

Ints = NDArray[np.int32]


@dataclass(frozen=True)
class Surface:
    """A mesh of V vertices and F triangles at rest, counter-clockwise seen from outside.

    Attributes:
        rest: (V, 3) float32, metres, on this person's body at rest.
        canon: (V, 3) float32, metres, the same points on the mean body: where patterns, labels and IUV are read.
        along: (V, 2) float32, position along the arm (0 shoulder, 1 elbow, 2 wrist) and the leg (0 hip, 1 knee,
            2 ankle).
        region: (V, 4) float32 in [0, 1], how much arm, leg, head, foot.
        shade: (V,) float32, multiplies the colour.
        bone_index: (V, 4) uint8. bone_weight: (V, 4) float32, sums to 1.
        faces: (F, 3) int32.
        special: (V, 3) float32, of skin alone: lips, eye, how much of the hair's colour shows through.
    """

    rest: Floats
    canon: Floats
    along: Floats
    region: Floats
    shade: Floats
    bone_index: NDArray[np.uint8]
    bone_weight: Floats
    faces: Ints
    special: Floats | None = None

    def __len__(self) -> int:
        return len(self.rest)


def body_surface(body: BodyModel, shape: Shape, layer: str) -> Surface:
    """A layer of the body model on a person, at rest.

    Args:
        body, shape: the person. layer: "body", "shell" (a suit over it), "skirt" or "hair".

    Returns:
        the surface, without the vertices that the layer does not use.

    Raises:
        KeyError: no such layer.
    """
    used, faces = np.unique(body.faces[layer], return_inverse=True)
    attributes = body.attributes[used].astype(np.float32)
    return Surface(
        rest=shape.vertices[used],
        canon=body.canon[used],
        along=attributes[:, 0:2],
        region=attributes[:, 2:6],
        shade=np.ones(len(used), np.float32),
        bone_index=body.bone_index[used],
        bone_weight=body.bone_weight[used],
        faces=faces.reshape(-1, 3).astype(np.int32),
        special=np.concatenate([attributes[:, 6:8], np.zeros((len(used), 1), np.float32)], axis=1),
    )


def normals(positions: Floats, faces: Ints) -> Floats:
    """(V, 3) float32 unit normals, averaged over the triangles round a vertex by their area.

    Args:
        positions: (V, 3) float32. faces: (F, 3), counter-clockwise seen from outside.
    """
    out: Floats = _normals(positions, faces)
    return out


def pose_surface(surface: Surface, transforms: Floats) -> Floats:
    """Where the vertices of a surface are in a pose, by linear blend skinning.

    Args:
        surface: at rest. transforms: (J, 3, 4) of one pose, from `BodyModel.transforms`.

    Returns:
        (V, 3) float32, metres.
    """
    out: Floats = _skin(surface.rest, surface.bone_index, surface.bone_weight, transforms)
    return out


def pose_body(body: BodyModel, shape: Shape, transforms: Floats) -> tuple[Floats, Floats]:
    """Every vertex of the body model in a pose, with normals.

    Args:
        body, shape: the person. transforms: (J, 3, 4) of one pose, from `BodyModel.transforms`.

    Returns:
        places (V, 3) float32, metres, and unit normals (V, 3) float32 of the layer "body", 0 for other vertices.
    """
    place: Floats = _skin(shape.vertices, body.bone_index, body.bone_weight, transforms)
    return place, normals(place, _skin_faces(body))


@cache
def _skin_faces(body: BodyModel) -> Ints:
    return body.faces["body"].astype(np.int32)


@jit
def _skin(rest: Any, index: Any, weight: Any, bones: Any) -> Any:
    out = np.empty_like(rest)
    for v in range(len(rest)):
        x, y, z = rest[v, 0], rest[v, 1], rest[v, 2]
        for row in range(3):
            total = np.float32(0)
            for k in range(4):
                w = weight[v, k]
                if w > 0:
                    b = bones[index[v, k], row]
                    total += w * (b[0] * x + b[1] * y + b[2] * z + b[3])
            out[v, row] = total
    return out


@jit
def _normals(place: Any, faces: Any) -> Any:
    out = np.zeros_like(place)
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        ux, uy, uz = place[b, 0] - place[a, 0], place[b, 1] - place[a, 1], place[b, 2] - place[a, 2]
        vx, vy, vz = place[c, 0] - place[a, 0], place[c, 1] - place[a, 1], place[c, 2] - place[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for k in (a, b, c):
            out[k, 0] += nx
            out[k, 1] += ny
            out[k, 2] += nz
    for v in range(len(out)):
        length = np.sqrt(out[v, 0] ** 2 + out[v, 1] ** 2 + out[v, 2] ** 2) + np.float32(1e-12)
        out[v] /= length
    return out
