"""Meshes of canon space, and how they are carried onto a person.

Solid things (hats, glasses, shoes, bags) follow the affine map that carries their part of the mean body onto the
person's, so that they keep smooth outlines; soft things are tied to the nearest points of the skin.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from repose.body.model import BodyModel, Floats, Shape, load_body, mean_shape
from repose.body.surface import Ints, Surface, body_surface
from repose.render.mesh import bind, clip
from repose.render.wear.solids import Doubles

LABELS: Final = {"socks": (8, 8), "shoes": (18, 19), "hat": (1, 1), "scarf": (11, 11), "gloves": (3, 3), "bag": (0, 0)}


@dataclass(frozen=True)
class CanonMesh:
    """A mesh in canon space with everything that does not depend on the person.

    Attributes:
        surface: with canon places as `rest`. near, share: (V, 4) the skin that carries each vertex. fits: names of the
            affine maps used. weight: (len(fits), V) share of each; what is left of 1 follows the skin.
    """

    surface: Surface
    near: NDArray[np.int64]
    share: Floats
    fits: tuple[str, ...]
    weight: Floats


@cache
def skin_mask(body: BodyModel, name: str) -> NDArray[np.bool_]:
    """(V_body,) the vertices of the skin that carry a kind of thing."""
    canon, attributes = body.canon, body.attributes.astype(np.float32)
    used: NDArray[np.bool_] = np.zeros(body.count, np.bool_)
    used[np.unique(body.faces["body"])] = True
    arm, foot = attributes[:, 2] > 0.5, attributes[:, 5] > 0.5
    x, z = canon[:, 0], canon[:, 2]
    trunk = ~arm & (z < 0.69) & (np.abs(x) < 0.2)
    kept = {
        "foot.L": foot & (x > 0),
        "foot.R": foot & (x < 0),
        "lower leg.L": (x > 0.04) & (z < -0.2),
        "head": (z > 0.80) & (np.abs(x) < 0.0775),  # without the ears
        "face": (z > 0.80) & (z < 0.88) & (canon[:, 1] < 0.0),
        "trunk": trunk & (z > -0.05),
        "back": trunk & (z > 0.1) & (canon[:, 1] > -0.02),
        "front": ~arm & (z > 0.1) & (z < 0.735) & (np.abs(x) < 0.2),
        "neck": ~arm & (z > 0.5) & (z < 0.735),
        "all": used,
    }
    return used & kept[name]


@cache
def _solver(body: BodyModel, name: str) -> tuple[NDArray[np.intp], Doubles]:
    """Vertices, and the matrix that makes the (4, 3) affine map from the places of these vertices on a person."""
    chosen = np.flatnonzero(skin_mask(body, name))
    ones = np.concatenate([body.canon[chosen], np.ones((len(chosen), 1))], 1)
    return chosen, np.asarray(np.linalg.pinv(ones.astype(np.float64)), np.float64)


def affine(body: BodyModel, shape: Shape, name: str) -> Doubles:
    """(4, 3): (canon point, 1) @ it is the point on the person."""
    chosen, solve = _solver(body, name)
    fit: Doubles = solve @ shape.vertices[chosen]
    return fit


def make_mesh(
    canon: Doubles | Floats, faces: Ints, shade: Floats | Doubles | None = None, among: str = "all",
    fits: tuple[str, ...] = (), weight: Floats | Doubles | None = None, rigid: str | None = None,
) -> CanonMesh:  # fmt: skip
    """Prepare a mesh; with `fits` but no `weight` the (only) map carries all of it. `rigid` names its only bone."""
    body = load_body()
    mask = skin_mask(body, among)
    surface = bind(body, mean_shape(body), np.ascontiguousarray(canon, np.float32), faces, mask)
    if rigid is not None:
        index, share = np.zeros_like(surface.bone_index), np.zeros_like(surface.bone_weight)
        index[:, 0], share[:, 0] = body.index[rigid], 1
        surface = replace(surface, bone_index=index, bone_weight=share)
    if shade is not None:
        surface = replace(surface, shade=np.asarray(shade, np.float32))
    vertices = np.flatnonzero(mask)
    distance, closest = cKDTree(body.canon[vertices]).query(surface.canon, k=4)
    near_share = 1 / (distance + 1e-3) ** 2
    near_share /= near_share.sum(1, keepdims=True)
    if weight is None:
        weight = np.ones((len(fits), len(surface)), np.float32)
    return CanonMesh(surface, vertices[closest], near_share.astype(np.float32), fits, weight.astype(np.float32))


def carry(mesh: CanonMesh, body: BodyModel, shape: Shape) -> Surface:
    """The mesh on a person."""
    canon = mesh.surface.canon
    rest = np.zeros_like(canon)
    bound = 1 - mesh.weight.sum(0)
    if (bound > 1e-4).any():
        grow = np.float32(abs(np.linalg.det(affine(body, shape, "trunk")[:3])) ** (1 / 3))
        offset = canon - (body.canon[mesh.near] * mesh.share[..., None]).sum(1)
        at = (shape.vertices[mesh.near] * mesh.share[..., None]).sum(1)
        rest += bound[:, None] * (at + grow * offset)
    for name, weight in zip(mesh.fits, mesh.weight, strict=True):
        fit = affine(body, shape, name)
        rest += weight[:, None] * (canon @ fit[:3] + fit[3]).astype(np.float32)
    return replace(mesh.surface, rest=rest.astype(np.float32))


def mirror_mesh(mesh: CanonMesh) -> CanonMesh:
    """The mesh on the other side of the body."""
    s = mesh.surface
    body = load_body()
    swap = np.arange(len(body.bones), dtype=np.uint8)
    for name, k in body.index.items():
        other = {"L": "R", "R": "L"}.get(name[-1]) if name[-2] == "." else None
        if other:
            swap[k] = body.index[name[:-1] + other]
    mirror = np.array([-1, 1, 1], np.float32)
    flipped = replace(s, rest=s.rest * mirror, canon=s.canon * mirror, bone_index=swap[s.bone_index],
                      faces=np.ascontiguousarray(s.faces[:, ::-1]))  # fmt: skip
    twin = _twins(body)
    return replace(mesh, surface=flipped, near=twin[mesh.near])


@cache
def _twins(body: BodyModel) -> NDArray[np.int64]:
    """(V_body,) the vertex at the mirrored place."""
    used = np.unique(body.faces["body"]).astype(np.int64)
    closest = cKDTree(body.canon[used]).query(body.canon * np.array([-1, 1, 1], np.float32))[1]
    out: NDArray[np.int64] = used[closest]
    return out


@dataclass(frozen=True)
class SkinPart:
    """A part of the skin, cut once in canon space: each vertex lies between two vertices of the body.

    Attributes:
        surface: with canon places. a, b: (V,) vertices of the body, t: (V,) how far from a to b.
    """

    surface: Surface
    a: NDArray[np.int64]
    b: NDArray[np.int64]
    t: Floats


def skin_part(field: Callable[[Floats, Floats], Doubles | Floats]) -> SkinPart:
    """The skin where `field`, of canon places and the positions along the limbs, is above 0."""
    body = load_body()
    whole = replace(body_surface(body, mean_shape(body), "body"), special=None)
    used = np.unique(body.faces["body"]).astype(np.int64)
    kept = clip(whole, np.asarray(field(whole.canon, whole.along), np.float32))
    tree = cKDTree(whole.canon)  # a cut edge's ends are the vertices nearest to the cut
    near = tree.query(kept.canon, k=2)[1]
    a, b = whole.canon[near[:, 0]], whole.canon[near[:, 1]]
    t = np.einsum("ij,ij->i", kept.canon - a, b - a) / (np.einsum("ij,ij->i", b - a, b - a) + 1e-12)
    return SkinPart(kept, used[near[:, 0]], used[near[:, 1]], np.clip(t, 0, 1).astype(np.float32))


def grown(part: SkinPart, shape: Shape, thick: float) -> Surface:
    """The part on a person, `thick` metres off the skin."""
    place, normal, t = shape.vertices, shape.normals, part.t[:, None]
    rest = (1 - t) * (place[part.a] + thick * normal[part.a]) + t * (place[part.b] + thick * normal[part.b])
    return replace(part.surface, rest=rest.astype(np.float32))
