"""Beards: the skin of jaw and lip once more, moved outwards and cut raggedly."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from repose.body.model import BodyModel, Floats, Shape
from repose.body.surface import Surface, body_surface
from repose.render.hair.scalp import bumps, ramp
from repose.render.mesh import clip, compact
from repose.render.pieces import Looks

_HEAD_ONLY: Final = np.array([[0, 0, 1, 0]], np.float32)


def build_beard(body: BodyModel, shape: Shape, looks: Looks, rng: np.random.Generator) -> Surface:
    """A beard as the skin of jaw and lip once more, moved outwards and cut raggedly."""
    skin = _face(body, shape)
    field, depth = beard_field(skin.canon, looks.beard_style)
    field = field + 0.004 * bumps(skin.canon, rng, 0.004)
    lips = skin.special[:, 0] if skin.special is not None else 0
    field = field - 0.03 * ramp(np.asarray(lips, np.float32), 0.1, 0.5)
    skin = replace(skin, shade=(0.86 + 0.16 * bumps(skin.canon * [1.6, 1.6, 0.5], rng, 0.004)).astype(np.float32))
    skin = clip(replace(skin, special=field[:, None].repeat(3, 1).astype(np.float32)), field.astype(np.float32))
    field = skin.special[:, 0] if skin.special is not None else field
    _, depth = beard_field(skin.canon, looks.beard_style)
    more = 0.6 + 0.8 * float(looks.beard)
    out = depth * more * (0.1 + 0.9 * ramp(field, 0.0, 0.012)) * (1 + 0.35 * bumps(skin.canon, rng, 0.006)) + 0.0006
    normal = _near_normals(body, shape, skin)
    rest = skin.rest + normal * out[:, None].astype(np.float32)
    if looks.beard_style == "full":
        rest[:, 2] -= out * 0.7  # it hangs
    run = np.stack([skin.canon[:, 0] * 3 - skin.canon[:, 1] * 1.5, skin.canon[:, 2] * 5], 1).astype(np.float32)
    return replace(
        skin, rest=rest.astype(np.float32), along=run, region=_HEAD_ONLY[np.zeros(len(skin), int)], special=None
    )


def beard_field(canon: Floats, style: str) -> tuple[Floats, Floats]:
    """Where a beard of this style grows, (V,) above 0, and how far it stands off, (V,) metres."""
    x, y, z = np.abs(canon[:, 0]), canon[:, 1], canon[:, 2]
    lip = np.minimum(0.0095 - np.abs(z - 0.7795 + 0.25 * x), 0.030 - x)
    if style == "moustache":
        return np.where(y < -0.13, lip, -0.01), np.full(len(canon), 0.004, np.float32)
    # The upper edge runs from the corner of the mouth to the ear; the lower one below the jaw.
    upper = 0.757 + 0.55 * np.maximum(0, x - 0.026) + 0.25 * np.maximum(0, y + 0.10)
    jaw = np.minimum(upper - z, z - (0.705 + 0.30 * np.maximum(0, y + 0.11)))
    side = np.minimum(0.012 - np.abs(y + 0.080), np.minimum(0.85 - z, x - 0.055))
    corner = np.minimum(0.010 - np.abs(x - 0.030), np.minimum(0.782 - z, z - 0.745))
    field = np.maximum(np.maximum(jaw, side), np.where(y < -0.12, np.maximum(lip, corner), -0.01))
    field = np.where(y > -0.052, -0.01, field)
    full = style == "full"
    depth = np.where(z < 0.757, 0.013 if full else 0.004, 0.005 if full else 0.003)
    return field, depth.astype(np.float32)


@cache
def _face_faces(body: BodyModel) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    faces = body.faces["body"].astype(np.int64)
    canon = body.canon
    # The skin alone: not eyes, teeth or the inside of the mouth.
    ok = (canon[:, 2] > 0.69) & (canon[:, 2] < 0.86) & (canon[:, 1] < -0.04) & (np.abs(canon[:, 0]) < 0.0725)
    ok &= body.attributes[:, 7] < 0.5
    chosen = faces[ok[faces].all(1)]
    used, index = np.unique(chosen, return_inverse=True)
    return used, index.reshape(-1, 3).astype(np.int32)


def _face(body: BodyModel, shape: Shape) -> Surface:
    used, faces = _face_faces(body)
    whole = body_surface(body, shape, "body")
    place = np.searchsorted(np.unique(body.faces["body"]), used)
    return compact(replace(whole, faces=place[faces].astype(np.int32)))


def _near_normals(body: BodyModel, shape: Shape, surface: Surface) -> Floats:
    used, _ = _face_faces(body)
    _, closest = cKDTree(shape.vertices[used]).query(surface.rest)
    out: Floats = shape.normals[used[closest]]
    return out
