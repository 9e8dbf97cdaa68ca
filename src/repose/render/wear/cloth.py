"""How cloth hangs in one pose: skinned places corrected by gravity, threads that do not stretch, and the body below.

Quasi-static and without memory: the same pose gives the same folds, whatever was drawn before. Cloth starts where the
skeleton carries it; parts that hang free are let down chain by chain from what holds them, lying on the limbs they
meet; then edges are pulled back to their length and everything is kept outside the body.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

from repose.body.model import Floats
from repose.render.pieces import Cloth, Piece

ROUNDS: Final = 10
"""How often edges are pulled back to their length."""
_SLACK: Final = 0.9  # edges shorter than this share of their length push back a little: cloth bunches into folds
_FEW: Final = 1e-9


def drape(
    piece: Piece, positions: Floats, body_positions: Floats, body_normals: Floats, transforms: Floats,
    rounds: int = ROUNDS,
) -> Floats:  # fmt: skip
    """Where a garment really hangs.

    Args:
        piece: the garment. positions: (V, 3) its skinned places, metres. body_positions, body_normals: (V_body, 3) the
            body in the same pose. transforms: (J, 3, 4) the pose. rounds: fewer for pictures that show no folds.

    Returns:
        (V, 3) float32; `positions` itself if the piece has no `Cloth`.
    """
    cloth = piece.cloth
    if cloth is None:
        return positions
    ends, radii = _carried(cloth, transforms), cloth.radii
    if len(ends) == 4:  # cloth spans the gap between two thighs
        ends = np.concatenate([ends, (ends[:1] + ends[2:3]) / 2])
        radii = np.concatenate([radii, 0.8 * radii[:1]])
    facing = transforms[cloth.root, :2, 0]
    facing = (facing / max(float(np.hypot(*facing)), 1e-6)).astype(np.float32)
    out: Floats = _drape(
        np.ascontiguousarray(positions, np.float32), body_positions, body_normals, ends, radii, cloth.edges,
        cloth.length, cloth.order, cloth.parent, cloth.down, cloth.fall, cloth.hold, cloth.sag, cloth.limit,
        cloth.near, cloth.gap, cloth.free, cloth.follow, cloth.portion, facing, rounds,
    )  # fmt: skip
    return out


def strain(piece: Piece, positions: Floats) -> Floats:
    """(V,) float32, how much the cloth is pushed together at each vertex: 0 not at all, 0.5 to half its length."""
    cloth = piece.cloth
    if cloth is None:
        return np.zeros(len(positions), np.float32)
    out: Floats = _strain(positions, cloth.edges, cloth.length)
    return out


def _carried(cloth: Cloth, transforms: Floats) -> Floats:
    """(C, 2, 3) ends of the capsules in a pose."""
    bone = transforms[cloth.bones]
    out: Floats = np.einsum("cij,ckj->cki", bone[:, :, :3], cloth.ends) + bone[:, None, :, 3]
    return np.ascontiguousarray(out, np.float32)


@njit(cache=True)
def _strain(place: Any, edges: Any, length: Any) -> Any:
    count = len(place)
    push, many = np.zeros(count, np.float32), np.zeros(count, np.float32)
    for e in range(len(edges)):
        a, b = edges[e, 0], edges[e, 1]
        x, y, z = place[a, 0] - place[b, 0], place[a, 1] - place[b, 1], place[a, 2] - place[b, 2]
        short = max(np.float32(0), 1 - np.sqrt(x * x + y * y + z * z) / length[e])
        push[a] += short
        push[b] += short
        many[a] += 1
        many[b] += 1
    for v in range(count):
        push[v] /= max(many[v], np.float32(1))
    out = push.copy()
    for e in range(len(edges)):
        a, b = edges[e, 0], edges[e, 1]
        out[a] += push[b]
        out[b] += push[a]
    for v in range(count):
        out[v] /= many[v] + 1
    return out


@njit(cache=True)
def _outside(x: Any, y: Any, z: Any, ends: Any, radii: Any) -> Any:
    """A point moved out of the capsules."""
    for c in range(len(ends)):
        ax, ay, az = ends[c, 0, 0], ends[c, 0, 1], ends[c, 0, 2]
        ux, uy, uz = ends[c, 1, 0] - ax, ends[c, 1, 1] - ay, ends[c, 1, 2] - az
        t = ((x - ax) * ux + (y - ay) * uy + (z - az) * uz) / (ux * ux + uy * uy + uz * uz + _FEW)
        t = min(max(t, 0.0), 1.0)
        dx, dy, dz = x - ax - t * ux, y - ay - t * uy, z - az - t * uz
        radius = radii[c, 0] + t * (radii[c, 1] - radii[c, 0])
        far = dx * dx + dy * dy + dz * dz
        if far < radius * radius and far > 1e-8:
            grow = radius / np.sqrt(far) - 1
            x, y, z = x + dx * grow, y + dy * grow, z + dz * grow
    return x, y, z


@njit(cache=True)
def _lying(x: Any, y: Any, z: Any, ends: Any, radii: Any) -> Any:
    """How much a point lies on top of a raised limb, 0 to 1: a lap holds cloth, also between the thighs."""
    best, out = 1e9, 0.0
    for c in range(len(ends)):
        ax, ay, az = ends[c, 0, 0], ends[c, 0, 1], ends[c, 0, 2]
        ux, uy, uz = ends[c, 1, 0] - ax, ends[c, 1, 1] - ay, ends[c, 1, 2] - az
        long = ux * ux + uy * uy + uz * uz + _FEW
        t = min(max(((x - ax) * ux + (y - ay) * uy + (z - az) * uz) / long, 0.0), 1.0)
        dx, dy, dz = x - ax - t * ux, y - ay - t * uy, z - az - t * uz
        far = dx * dx + dy * dy + dz * dz
        if far < best:
            best = far
            level = max(0.0, 1 - 1.2 * uz * uz / long)
            above = min(max(dz / radii[c, 0] * 2, 0.0), 1.0)
            close = min(max(1 - (np.sqrt(far) - radii[c, 0]) * 20, 0.0), 1.0)
            out = level * above * close if t < 1.0 else 0.0
    return out


@njit(cache=True)
def _let_down(
    skinned: Any, out: Any, order: Any, parent: Any, down: Any, fall: Any, sag: Any, ends: Any, radii: Any, free: Any,
    facing: Any,
) -> None:  # fmt: skip
    """Each free vertex below the one it hangs from: between where the skeleton points and where its weight does."""
    for k in range(len(order)):
        v = order[k]
        p, share = parent[v], fall[v]
        if p < 0 or share <= 0:
            for i in range(3):
                out[v, i] = skinned[v, i]
            out[v, 2] -= sag[v]
            continue
        share *= 1 - _lying(skinned[v, 0], skinned[v, 1], skinned[v, 2], ends, radii)
        dx = down[v, 0] * facing[0] - down[v, 1] * facing[1]
        dy = down[v, 0] * facing[1] + down[v, 1] * facing[0]
        dz = down[v, 2]
        whole = np.sqrt(dx * dx + dy * dy + dz * dz) + _FEW
        sx, sy, sz = skinned[v, 0] - skinned[p, 0], skinned[v, 1] - skinned[p, 1], skinned[v, 2] - skinned[p, 2]
        grow = whole / (np.sqrt(sx * sx + sy * sy + sz * sz) + _FEW)
        grow *= 1 - share
        x, y, z = share * dx + sx * grow, share * dy + sy * grow, share * dz + sz * grow
        px, py, pz = out[p, 0], out[p, 1], out[p, 2]
        for _ in range(3):
            grow = whole / (np.sqrt(x * x + y * y + z * z) + _FEW)
            nx, ny, nz = px + x * grow, py + y * grow, pz + z * grow
            if not free[v]:
                break
            nx, ny, nz = _outside(nx, ny, nz, ends, radii)
            x, y, z = nx - px, ny - py, nz - pz
        out[v, 0], out[v, 1], out[v, 2] = nx, ny, nz


@njit(cache=True)
def _kept_out(place: Any, body: Any, normal: Any, near: Any, gap: Any, ends: Any, radii: Any, free: Any) -> None:
    """Vertices below the skin are lifted above it; far from the vertex they were above at rest it is not known."""
    for v in range(len(place)):
        b = near[v]
        if b >= 0:
            dx, dy, dz = place[v, 0] - body[b, 0], place[v, 1] - body[b, 1], place[v, 2] - body[b, 2]
            deep = gap[v] - (dx * normal[b, 0] + dy * normal[b, 1] + dz * normal[b, 2])
            if 0 < deep < 0.06 and dx * dx + dy * dy + dz * dz < 0.0081:
                place[v, 0] += deep * normal[b, 0]
                place[v, 1] += deep * normal[b, 1]
                place[v, 2] += deep * normal[b, 2]
        if free[v]:
            place[v, 0], place[v, 1], place[v, 2] = _outside(place[v, 0], place[v, 1], place[v, 2], ends, radii)


@njit(cache=True)
def _drape(
    skinned: Any, body: Any, normal: Any, ends: Any, radii: Any, edges: Any, length: Any, order: Any, parent: Any,
    down: Any, fall: Any, hold: Any, sag: Any, limit: Any, near: Any, gap: Any, free: Any, follow: Any, portion: Any,
    facing: Any, rounds: Any,
) -> Any:  # fmt: skip
    goal = np.empty_like(skinned)
    _let_down(skinned, goal, order, parent, down, fall, sag, ends, radii, free, facing)
    _kept_out(goal, body, normal, near, gap, ends, radii, free)
    place = goal.copy()
    half = np.float32(0.5)
    for turn in range(rounds):
        for e in range(len(edges)):
            a, b = edges[e, 0], edges[e, 1]
            x, y, z = place[a, 0] - place[b, 0], place[a, 1] - place[b, 1], place[a, 2] - place[b, 2]
            now = np.sqrt(x * x + y * y + z * z) + np.float32(1e-9)
            wrong = now - length[e]
            if wrong < 0:
                wrong = np.float32(0.25) * min(np.float32(0), now - np.float32(_SLACK) * length[e])
            # What is held more gives way less.
            wa, wb = 1 - hold[a], 1 - hold[b]
            total = wa + wb
            if total > np.float32(1e-4) and wrong != 0:
                wrong *= np.float32(0.9) / (now * total)
                place[a, 0] -= x * wrong * wa
                place[a, 1] -= y * wrong * wa
                place[a, 2] -= z * wrong * wa
                place[b, 0] += x * wrong * wb
                place[b, 1] += y * wrong * wb
                place[b, 2] += z * wrong * wb
        for v in range(len(place)):
            pull = half * hold[v]
            for i in range(3):
                place[v, i] += pull * (goal[v, i] - place[v, i])
        if turn % 3 == 2 or turn == rounds - 1:
            _kept_out(place, body, normal, near, gap, ends, radii, free)
    for v in range(len(place)):
        x, y, z = place[v, 0] - skinned[v, 0], place[v, 1] - skinned[v, 1], place[v, 2] - skinned[v, 2]
        far = np.sqrt(x * x + y * y + z * z)
        if far > limit[v]:
            shrink = limit[v] / far
            place[v, 0] = skinned[v, 0] + x * shrink
            place[v, 1] = skinned[v, 1] + y * shrink
            place[v, 2] = skinned[v, 2] + z * shrink
    for v in range(len(place)):
        if follow[v, 0] >= 0:
            for i in range(3):
                place[v, i] = skinned[v, i]
                for k in range(3):
                    f = follow[v, k]
                    place[v, i] += portion[v, k] * (place[f, i] - skinned[f, i])
    return place
