"""What a pose of the body is here: 23 turns, 28 bones that carry them, and their 53 degrees of freedom.

The asset has 76 bones. Those that never turn on their own (pelvis, shoulder, metacarpals, second halves of the legs)
are one with their parent, the fingers keep a relaxed hand, and bones of the spine and the neck share their turn, as in
the renderer's poses. Left are 28 bones and 23 turns: 5 of the trunk (`TRUNK`), 9 of each side (`SIDE`), left first.

Rest axes, metres: x to the person's left, y to the back, z up. Camera axes: x right, y up, z towards the camera. The
first turn, that of the root, takes rest axes to camera axes; every other one is relative to its parent, in rest axes.

A right side is the mirror image of a left one, so its degrees of freedom are counted in mirrored axes: two poses that
mirror each other have the same numbers with left and right exchanged. Elbow, knee and the twists of upper arm and
forearm turn about one fixed axis each; all other turns are free.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from repose.body.compiled import jit
from repose.body.model import BodyModel, load_body
from repose.body.rig import rig_of
from repose.person import MIRROR

Doubles = NDArray[np.float64]
Floats = NDArray[np.float32]

TRUNK: Final = {
    "root": ("root",),
    "waist": ("spine05", "spine04", "spine03"),
    "chest": ("spine02", "spine01"),
    "neck": ("neck01", "neck02"),
    "head": ("neck03", "head"),
}
"""The turns of the trunk, and the bones that share each."""

SIDE: Final = (
    "clavicle", "upperarm01", "upperarm02", "lowerarm01", "lowerarm02", "wrist", "upperleg01", "lowerleg01", "foot",
)  # fmt: skip
"""The turns of one side, each of one bone."""

HINGES: Final = ("upperarm02", "lowerarm01", "lowerarm02", "lowerleg01")
TURNS: Final = (*TRUNK, *(f"{name}.{side}" for side in "LR" for name in SIDE))
TURN_COUNT: Final = len(TURNS)  # 23
MOVING_BONES: Final = (*(bone for bones in TRUNK.values() for bone in bones), *TURNS[len(TRUNK) :])
"""The bones of the asset that move here, a subset of `rig.BONES` (which has the fingers as well)."""

BONE_COUNT: Final = len(MOVING_BONES)  # 28
JOINT_COUNT: Final = 18
COEFFICIENTS: Final = 40
CAMERA: Final = 4  # x, y of the root, logarithm of the scale, logarithm of the distance

FREEDOMS: Final = tuple(1 if name.split(".")[0] in HINGES else 3 for name in TURNS)
FREEDOM_COUNT: Final = sum(FREEDOMS)  # 53
STATE: Final = FREEDOM_COUNT + COEFFICIENTS + CAMERA  # 97
SHAPE: Final = slice(FREEDOM_COUNT, FREEDOM_COUNT + COEFFICIENTS)
VIEW: Final = slice(FREEDOM_COUNT + COEFFICIENTS, STATE)

_MIRROR: Final = np.diag([-1.0, 1.0, 1.0])
TURN_MIRROR: Final = np.array([*range(5), *range(14, 23), *range(5, 14)])
"""`turns[TURN_MIRROR]` exchanges the left and the right side."""


@dataclass(frozen=True, eq=False)
class Skeleton:
    """The moving bones as arrays.

    Attributes:
        row_of: (J,) the moving bone (row of `MOVING_BONES`) that carries each bone of the asset.
        parents: (28,) rows of `MOVING_BONES`, -1 for the root; a parent comes before its children.
        turn_of: (28,) the row of `TURNS` of each bone.
        pivots, pivots_basis: (28, 3) and (40, 28, 3): pivots at rest, relative to that of the root, metres; those of a
            person are `pivots + coefficients @ pivots_basis`.
        axes: (23, 3, 3) columns: the axes of the degrees of freedom of each turn; hinges use the first alone.
        start: (24,) where the degrees of freedom of each turn begin among the 53.
        point, bone, place, share, place_basis: the joints, in terms (i): joint `point[i]` gets
            `turn[bone[i]] @ (place[i] - share[i] * head) + share[i] * pivot`, with place (N, 3) linear in the
            coefficients by place_basis (40, N, 3).
        anchors: number of points after the 18 joints (on the outline of the body, for cameras).
    """

    row_of: NDArray[np.int64]
    parents: NDArray[np.int64]
    turn_of: NDArray[np.int64]
    pivots: Doubles
    pivots_basis: Doubles
    axes: Doubles
    start: NDArray[np.int64]
    point: NDArray[np.int64]
    bone: NDArray[np.int64]
    place: Doubles
    share: Doubles
    place_basis: Doubles
    anchors: int


@cache
def skeleton() -> Skeleton:
    """The arrays of the shipped body, built once."""
    body = load_body()
    row_of = np.empty(len(body.bones), np.int64)
    for k, name in enumerate(body.bones):
        row_of[k] = MOVING_BONES.index(name) if name in MOVING_BONES else row_of[body.parents[k]]
    own = [body.index[name] for name in MOVING_BONES]
    parents = np.array([-1 if body.parents[k] < 0 else row_of[body.parents[k]] for k in own])
    turn_of = np.concatenate(
        [np.repeat(np.arange(len(TRUNK)), [len(b) for b in TRUNK.values()]), np.arange(len(TRUNK), TURN_COUNT)]
    )
    mean, basis = space_of(body)
    pivots, pivots_basis = mean[body.count :], basis[:, body.count :]
    point, bone, place, share, place_basis = _points(body, row_of, mean, basis)
    origin = pivots[0].copy()
    own_pivots, own_basis = pivots[own] - origin, pivots_basis[:, own] - pivots_basis[:, :1]
    twin = mirror_of_bones()
    own_pivots = (own_pivots + own_pivots[twin] * _MIRROR.diagonal()) / 2  # the asset's two sides differ by up to 2 mm
    own_basis = (own_basis + own_basis[:, twin] * _MIRROR.diagonal()) / 2
    return Skeleton(
        row_of, parents, turn_of, own_pivots, own_basis, _axes(body),
        np.cumsum([0, *FREEDOMS]), point, bone, place - share[:, None] * origin, share,
        place_basis - share[:, None] * pivots_basis[:, :1], body.point_count - JOINT_COUNT,
    )  # fmt: skip


def space_of(body: BodyModel) -> tuple[Doubles, Doubles]:
    """The linear space of rest shapes: mean (V + J, 3) and basis (40, V + J, 3), vertices then pivots, metres."""
    mean = body.mean.reshape(-1, 3).astype(np.float64)
    return mean, body.basis.reshape(COEFFICIENTS, -1, 3).astype(np.float64)


def mirror_turns(turns: NDArray[Any]) -> NDArray[Any]:
    """The pose seen in a mirror; (..., 23, 3, 3)."""
    out: NDArray[Any] = (_MIRROR @ turns[..., TURN_MIRROR, :, :] @ _MIRROR).astype(turns.dtype)
    return out


def turns_of_bones(bones: NDArray[Any], names: tuple[str, ...]) -> NDArray[Any]:
    """(..., 23, 3, 3) of the turns (..., B, 3, 3) of bones called `names`, the root's in body axes."""
    rows = [names.index(TRUNK[name][0] if name in TRUNK else name) for name in TURNS]
    out: NDArray[Any] = bones[..., rows, :, :]
    return out


def _axes(body: BodyModel) -> Doubles:
    """Axes of the degrees of freedom in rest axes."""
    vec = rig_of(body).vec
    straight = float(vec[6, 1])  # turns the legs of the rest pose vertical; knees bend about x there
    hinge = {
        "upperarm02": vec[0],
        "lowerarm01": vec[2],
        "lowerarm02": vec[1],
        "lowerleg01": np.array([np.cos(straight), 0, np.sin(straight)]),
    }
    out = np.zeros((TURN_COUNT, 3, 3))
    for k, name in enumerate(TURNS):
        mirrored = name.endswith(".R")
        short = name.split(".")[0]
        if short in hinge:
            out[k, :, 0] = hinge[short]
        else:
            out[k] = np.eye(3)
        if mirrored:  # M R(a, angle) M is R(-M a, angle)
            out[k] = -_MIRROR @ out[k]
    return out


def _points(
    body: BodyModel, row_of: NDArray[np.int64], mean: Doubles, basis: Doubles
) -> tuple[NDArray[np.int64], NDArray[np.int64], Doubles, Doubles, Doubles]:
    """Joints and anchors as sums over moving bones, one row a joint and bone."""
    place = np.zeros((body.point_count, BONE_COUNT, 3))
    place_basis = np.zeros((COEFFICIENTS, body.point_count, BONE_COUNT, 3))
    total = np.zeros((body.point_count, BONE_COUNT))
    vertices, rows = body.term_vertices, body.term_points
    for k in range(body.bone_index.shape[1]):
        share = (body.term_weights * body.bone_weight[vertices, k]).astype(np.float64)
        bones = row_of[body.bone_index[vertices, k]]
        np.add.at(total, (rows, bones), share)
        np.add.at(place, (rows, bones), mean[vertices] * share[:, None])
        for c in range(COEFFICIENTS):
            np.add.at(place_basis[c], (rows, bones), basis[c, vertices] * share[:, None])
    bones, joints = mirror_of_bones(), list(MIRROR)
    for values, sign in ((total, 1), (place, _MIRROR.diagonal()), (place_basis, _MIRROR.diagonal())):
        rows = values[..., :JOINT_COUNT, :] if values is total else values[..., :JOINT_COUNT, :, :]
        other = rows[joints][:, bones] if values is not place_basis else rows[:, joints][:, :, bones]
        rows[...] = (rows + other * sign) / 2  # the asset's two sides differ by up to 4 mm
    point, bone = np.nonzero(total)
    return point, bone, place[point, bone], total[point, bone], np.ascontiguousarray(place_basis[:, point, bone])


def mirror_of_bones() -> NDArray[np.int64]:
    """The mirror image of each of `MOVING_BONES`."""
    other = {"L": "R", "R": "L"}
    return np.array(
        [MOVING_BONES.index(f"{n[:-1]}{other[n[-1]]}" if n[-2:] in (".L", ".R") else n) for n in MOVING_BONES]
    )


# -- kernels ----------------------------------------------------------------------------------------------------------


@jit
def rotation(x: float, y: float, z: float) -> Any:
    """(3, 3) exp of a rotation vector, radians."""
    out = np.empty((3, 3))
    angle2 = x * x + y * y + z * z
    if angle2 < 1e-16:
        a, b = 1.0 - angle2 / 6, 0.5 - angle2 / 24
    else:
        angle = np.sqrt(angle2)
        a, b = np.sin(angle) / angle, (1 - np.cos(angle)) / angle2
    out[0, 0], out[0, 1], out[0, 2] = 1 - b * (y * y + z * z), b * x * y - a * z, b * x * z + a * y
    out[1, 0], out[1, 1], out[1, 2] = b * x * y + a * z, 1 - b * (x * x + z * z), b * y * z - a * x
    out[2, 0], out[2, 1], out[2, 2] = b * x * z - a * y, b * y * z + a * x, 1 - b * (x * x + y * y)
    return out


@jit
def right_jacobian(x: float, y: float, z: float) -> Any:
    """(3, 3) J with exp(v + d) = exp(v) exp(J d) to first order (Sola, "A micro Lie theory", equation 143)."""
    out = np.empty((3, 3))
    angle2 = x * x + y * y + z * z
    if angle2 < 1e-10:
        a, b = 0.5 - angle2 / 24, 1 / 6.0 - angle2 / 120
    else:
        angle = np.sqrt(angle2)
        a, b = (1 - np.cos(angle)) / angle2, (angle - np.sin(angle)) / (angle2 * angle)
    out[0, 0], out[0, 1], out[0, 2] = 1 - b * (y * y + z * z), b * x * y + a * z, b * x * z - a * y
    out[1, 0], out[1, 1], out[1, 2] = b * x * y - a * z, 1 - b * (x * x + z * z), b * y * z + a * x
    out[2, 0], out[2, 1], out[2, 2] = b * x * z + a * y, b * y * z - a * x, 1 - b * (x * x + y * y)
    return out


@jit
def turned(base: Any, change: Any, axes: Any, start: Any) -> Any:
    """(23, 3, 3) the turns `base` after a change of their 53 degrees of freedom (rotation vectors, radians)."""
    out = np.empty_like(base)
    for g in range(len(base)):
        v = np.zeros(3)
        for k in range(start[g + 1] - start[g]):
            for i in range(3):
                v[i] += axes[g, i, k] * change[start[g] + k]
        turn = rotation(v[0], v[1], v[2])
        for i in range(3):
            for j in range(3):
                out[g, i, j] = base[g, i, 0] * turn[0, j] + base[g, i, 1] * turn[1, j] + base[g, i, 2] * turn[2, j]
    return out


@jit
def posed_bones(turns: Any, pivots: Any, parents: Any, turn_of: Any) -> Any:
    """World turn (28, 3, 3) and pivot (28, 3) of every bone, camera axes, relative to the root's pivot."""
    count = len(parents)
    turn, place = np.empty((count, 3, 3)), np.zeros((count, 3))
    for b in range(count):
        p, g = parents[b], turn_of[b]
        if p < 0:
            turn[b] = turns[g]
            continue
        for i in range(3):
            for j in range(3):
                turn[b, i, j] = (
                    turn[p, i, 0] * turns[g, 0, j] + turn[p, i, 1] * turns[g, 1, j] + turn[p, i, 2] * turns[g, 2, j]
                )
            place[b, i] = place[p, i]
            for j in range(3):
                place[b, i] += turn[p, i, j] * (pivots[b, j] - pivots[p, j])
    return turn, place


@jit
def joints_of(turn: Any, place: Any, pivots: Any, point: Any, bone: Any, rest: Any, share: Any, count: int) -> Any:
    """(count, 3) joints (and anchors) from posed bones, camera axes, relative to the root's pivot, metres."""
    out = np.zeros((count, 3))
    for t in range(len(point)):
        if point[t] >= count:
            continue
        b, s = bone[t], share[t]
        for i in range(3):
            total = s * place[b, i]
            for j in range(3):
                total += turn[b, i, j] * (rest[t, j] - s * pivots[b, j])
            out[point[t], i] += total
    return out


@jit
def shaped(mean: Any, basis: Any, coefficients: Any) -> Any:
    """(N, 3) `mean + coefficients @ basis`, basis (C, N, 3)."""
    out = mean.copy()
    for c in range(len(coefficients)):
        a = coefficients[c]
        for n in range(len(out)):
            for i in range(3):
                out[n, i] += a * basis[c, n, i]
    return out
