"""Hair and beards as geometry: caps with locks over the scalp, hair that hangs, tails, braids, strands at the edges.

Everything is described by where on the skull a point grows from (a direction from the middle of the head), how far it
stands off there and how far it hangs from it, so that it fits any head: `scalp` knows the skull and the hairline,
`hair_parts` makes meshes of it, `short_hair` and `long_hair` the styles, `beard` the beards.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from repose.body.model import BodyModel, Floats, Shape
from repose.body.surface import Surface
from repose.render.hair import long_hair, short_hair
from repose.render.hair.beard import build_beard
from repose.render.hair.hair_parts import Part, joined_parts
from repose.render.hair.scalp import Skull, find_skull, lookup, ramp
from repose.render.mesh import clip, compact
from repose.render.pieces import Looks, Piece

STYLES: Final = ("bald", "balding", "buzz", "short", "parted", "quiff", "curly", "afro", "bob", "long", "wavy",
                 "ponytail", "bun", "braids")  # fmt: skip
_HAIR, _FACE = (2, 2), (13, 13)  # LIP


def build_hair(
    body: BodyModel,
    shape: Shape,
    looks: Looks,
    hidden_by_hat: Callable[[Floats], Any] | None = None,
    clear: float = 0.012,
) -> list[Piece]:
    """The hair and beard of a person; an empty list for a bald one without a beard.

    Args:
        body, shape: the person. looks: what grows; `looks.seed` decides everything random.
        hidden_by_hat: canon points (V, 3) -> (V,), above 0 where a hat covers them: hair is cut there.
        clear: metres that long hair keeps from the body below the neck, where clothes are.

    Raises:
        ValueError: the style is unknown.
    """
    if looks.hair not in STYLES:
        raise ValueError(f"unknown hair {looks.hair!r}; known are {', '.join(STYLES)}")
    rng = np.random.default_rng([int(looks.seed), 71])
    pieces = []
    skull = find_skull(body, shape)
    parts = _BUILDERS[looks.hair](looks, rng, skull) if looks.hair != "bald" else []
    if parts:
        surface = _carried(body, shape, skull, joined_parts(parts), clear, hidden_by_hat)
        fuzz = {"afro": 0.014, "curly": 0.012, "buzz": 0.002, "balding": 0.003}.get(looks.hair, 0.005)
        if len(surface.faces):
            pieces.append(Piece("hair", surface, None, _HAIR, double=True, fuzz=fuzz, kind="hair"))
    if looks.beard > 0.02 and looks.beard_style in ("short", "full", "moustache"):
        pieces.append(
            Piece("beard", build_beard(body, shape, looks, rng), None, _FACE, double=True, fuzz=0.004, kind="hair")
        )
    return pieces


def _curly(looks: Looks, rng: np.random.Generator, skull: Skull) -> list[Part]:
    """Curls that stand off the head, or hang if they are longer than 11 cm."""
    return (long_hair.hanging if looks.length > 0.11 else short_hair.short_curls)(looks, rng, skull)


_BUILDERS: Final[Mapping[str, Callable[[Looks, np.random.Generator, Skull], list[Part]]]] = {
    "balding": short_hair.balding, "buzz": short_hair.buzz, "short": short_hair.short, "parted": short_hair.parted,
    "quiff": short_hair.quiff, "curly": _curly, "afro": short_hair.afro, "bob": long_hair.hanging,
    "long": long_hair.hanging, "wavy": long_hair.hanging, "ponytail": long_hair.ponytail, "bun": long_hair.bun,
    "braids": long_hair.braids,
}  # fmt: skip


def _carried(
    body: BodyModel, shape: Shape, skull: Skull, part: Part, clear: float, hat: Callable[[Floats], Any] | None
) -> Surface:
    """A part on the person's own head, pushed out of the body, with the bones that move it."""
    low, own = lookup(skull.canon, part.dirs), lookup(skull.rest, part.dirs)
    canon = low[:, :3] + low[:, 3:] * part.height[:, None] + part.offset
    rest = own[:, :3] + (own[:, 3:] * part.height[:, None] + part.offset) * np.float32(skull.scale)
    hangs = (np.abs(part.offset).max(1) > 0.015) & (canon[:, 2] < 0.88)
    rest[hangs] = _pushed(body, shape, rest[hangs], clear)
    chin, base = (shape.pivots[body.index[name], 2] for name in ("neck03", "neck01"))
    turn = ramp(rest[:, 2], base - 0.05, chin)
    index = np.zeros((len(rest), 4), np.uint8)
    index[:, 0], index[:, 1], index[:, 2] = body.index["head"], body.index["neck02"], body.index["spine01"]
    weight = np.zeros((len(rest), 4), np.float32)
    weight[:, 1] = 0.5 * turn * (1 - turn)
    weight[:, 0], weight[:, 2] = turn - weight[:, 1] / 2, 1 - turn - weight[:, 1] / 2
    region = np.zeros((len(rest), 4), np.float32)
    region[:, 2] = canon[:, 2] > 0.66
    surface = Surface(
        rest.astype(np.float32), canon.astype(np.float32), part.run, region, part.shade, index, weight,
        part.faces.astype(np.int32),
    )  # fmt: skip
    keep = part.keep
    if hat is not None:
        keep = np.minimum(keep, -hat(surface.canon).astype(np.float32))
    return clip(surface, keep) if (keep > 0).any() else compact(replace(surface, faces=surface.faces[:0]))


def _pushed(body: BodyModel, shape: Shape, points: Floats, clear: float) -> Floats:
    """Points moved out of the person's trunk, neck and head, and off their clothes."""
    if len(points) == 0:
        return points
    near = _obstacles(body)
    tree = cKDTree(shape.vertices[near], balanced_tree=False, compact_nodes=False)
    scalp = body.canon[near, 2] > 0.70
    for _ in range(2):
        distance, closest = tree.query(points)
        vertex = near[closest]
        gap = ((points - shape.vertices[vertex]) * shape.normals[vertex]).sum(1)
        lack = np.clip(np.where(scalp[closest], 0.003, clear) - gap, 0, 0.06)
        lack *= np.clip(2 - distance / 0.04, 0, 1)  # far from all of it means nothing: better to stay
        points = points + shape.normals[vertex] * lack[:, None].astype(np.float32)
    return points


@cache
def _obstacles(body: BodyModel) -> NDArray[np.int64]:
    vertices = np.unique(body.faces["shell"]).astype(np.int64)
    skin = np.unique(body.faces["body"]).astype(np.int64)
    canon, arm = body.canon, body.attributes
    shell = vertices[(canon[vertices, 2] > 0.1) & (arm[vertices, 0] < 0.45)]
    neck = skin[(canon[skin, 2] > 0.60) & (canon[skin, 2] < 0.84) & (arm[skin, 0] < 0.3) & (canon[skin, 1] > -0.15)]
    return np.unique(np.concatenate([shell, neck]))
