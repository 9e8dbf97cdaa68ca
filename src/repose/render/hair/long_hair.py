"""Hair that hangs or is tied: bobs, long hair, tails, buns, braids."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from repose.body.model import Floats
from repose.render.hair.hair_parts import Part, fringe, hair_cap, hair_sheet, layers, parting, strips, tubes
from repose.render.hair.scalp import MIDDLE, Reals, Skull, bumps, direction, lookup, ramp, ridges, slerp
from repose.render.pieces import Looks

_LEAVE: Final = 1.66  # polar angle at which long hair leaves the skull


def _fall(
    looks: Looks, turn: Floats, length: Floats, rows: int, volume: float, wave: float
) -> tuple[Reals, Reals, Reals, Reals]:
    """Strands that grow from the parting, run over the skull and hang from it.

    Args:
        turn: (M,) where they leave the skull, radians from the front, 0 to 2 pi. length: (M,) metres from there.
        rows: points a strand. volume: metres off the skull. wave: metres to and fro.

    Returns:
        dirs (M, N, 3), height (M, N), offset (M, N, 3), and (N,) 0 to 1 along the strands.
    """
    front, crown = parting(looks.part)
    around = np.minimum(turn, 2 * np.pi - turn)
    back = ramp(around, 0.9, 2.9)[:, None]
    root = front * (1 - back) + crown * back
    root /= np.linalg.norm(root, axis=1, keepdims=True)
    on = 9
    share = np.concatenate([np.linspace(0, 1, on), np.ones(rows - on)]).astype(np.float32)
    down = np.concatenate([np.zeros(on), np.arange(1, rows - on + 1) / (rows - on)]).astype(np.float32)
    leave = direction(turn, np.full_like(turn, _LEAVE))
    dirs = slerp(
        np.repeat(root[:, None], rows, 1), np.repeat(leave[:, None], rows, 1), np.broadcast_to(share, (len(turn), rows))
    )
    # Flat at the face, else the edge stands off like a visor.
    face = ramp(around - around.min(), 0.0, 0.9)[:, None]
    height = 0.0025 + (volume * (0.2 + 0.8 * face)) * (0.75 * ramp(share, 0.0, 0.4) + 0.25 * share)[None]
    ear = np.exp(-(((around - 1.55) / 0.42) ** 2))[:, None] * ramp(share + down * length.max() / 0.05, 0.55, 1.0)
    height = height + 0.011 * ear
    offset = np.zeros((len(turn), rows, 3), np.float32)
    offset[..., 2] = -down * length[:, None]
    out = np.stack([np.sin(turn), -np.cos(turn)], -1)[:, None]  # away from the axis of the head
    drop = -offset[..., 2]
    # The back of the head recedes to the nape and the hair follows it part of the way.
    into = 0.024 * ramp(drop, 0.02, 0.11) * (0.5 + 0.5 * ramp(around, 1.2, 2.6)[:, None])
    if looks.hair == "bob":
        into = into + 0.016 * down**2
    offset[..., :2] -= out * into[..., None]
    level = 0.838 - drop
    low = ramp(-level, -0.745, -0.635)
    before = np.sin(looks.seed * np.array([1.3, 2.1])) > -0.1  # the sides, left and right, that hang in front
    ahead = (around < 1.85) & np.where(turn < np.pi, before[0], before[1])
    y = -np.cos(turn) * 0.09 + MIDDLE[1]
    offset[..., 1] += low * np.where(ahead, np.minimum(0, -0.115 - y), np.maximum(0, 0.035 - y))[:, None]
    offset[..., 0] += low * np.where(ahead, np.sign(np.sin(turn)) * (0.01 + 0.035 * (around - 1.1)), 0)[:, None]
    if wave > 0:
        locks = np.round(turn * 5.5)
        phase = np.sin(locks * 12.9898) * 43.7 + 1.5 * np.sin(turn * 3)
        swing = (
            np.sin(drop * (2 * np.pi / 0.062) + share * 4 + phase[:, None]) * wave * ramp(share + drop / 0.1, 0.5, 1.1)
        )
        height = height + swing * 0.7
        tangent = np.stack([np.cos(turn), np.sin(turn)], -1)[:, None]
        offset[..., :2] += tangent * (np.gradient(swing, axis=1) * 1.2)[..., None]
    return dirs, height.astype(np.float32), offset, np.linspace(0, 1, rows).astype(np.float32)


def hanging(looks: Looks, rng: np.random.Generator, skull: Skull) -> list[Part]:
    """Bob, long, wavy and long curly hair: an outer and an inner sheet, locks over them, and perhaps a fringe."""
    curly = looks.hair == "curly"
    # The first part of a strand lies on the skull; curls are measured as they hang.
    length = float(np.clip(looks.length - (0.0 if curly else 0.12), 0.05, 0.45))
    wave = {"wavy": 0.007, "curly": 0.010}.get(looks.hair, 0.0012)
    volume = 0.011 + float(np.clip(looks.volume, 0, 0.04)) * 0.6 + (0.012 if curly else 0)
    edge = 1.9 if rng.random() < 0.2 else 1.03 + 0.14 * rng.random()  # behind the ears, or over them
    columns, rows = 78, 24
    share = np.arange(columns) / (columns - 1)
    turn = (edge + (2 * np.pi - 2 * edge) * share).astype(np.float32)
    ends = rng.normal(0, 0.055, columns) + 0.07 * np.cos(share * 2 * np.pi * rng.integers(14, 20) + rng.random())
    ends += -0.12 * np.cos(share * 2 * np.pi)  # longest at the back
    sizes = (length * (1 + ends)).astype(np.float32)
    parts = []
    for inner in (False, True):
        pick = slice(None, None, 2) if inner else slice(None)
        dirs, height, offset, along = _fall(looks, turn[pick], sizes[pick] * (0.94 if inner else 1), rows, volume, wave)
        ridge = ridges(share[pick], along, rng, 20)
        if curly:
            place = lookup(skull.canon, dirs)[..., :3] + offset
            ridge = 0.4 * ridge + 1.1 * bumps(place, rng, 0.011)
        ridge = ridge * ramp(along, 0.05, 0.3)
        if inner:
            height = height * 0.5
            shade = np.broadcast_to(0.55 + 0.1 * ridge, height.shape)
        else:
            height = height * (1 + 0.22 * ridge) + 0.003 * ridge * ramp(along, 0.3, 0.6)
            streak = rng.normal(0, 0.08, (columns, 1))
            shade = 0.9 + 0.15 * ridge + streak + 0.08 * along - 0.25 * (1 - ramp(along, 0, 0.09))
        part = hair_sheet(dirs, height.astype(np.float32), offset, np.asarray(shade, np.float32), closed=False)
        parts.append(replace(part, faces=_unsplit(part)))
    if edge > 1.5:
        front, crown = parting(looks.part)
        parts.append(
            hair_cap(looks, rng, skull, layers(0.005, 0.003), front, crown, columns=40, rows=12, locks=16, end=2.0)
        )
    parts.append(_loose(looks, rng, skull, edge, length, volume, wave))
    if (looks.hair != "curly" and looks.fringe > 0.6) or (curly and looks.fringe > 0.75):
        parts.append(fringe(looks, rng, skull, 0.895 - 0.035 * looks.fringe, 26, volume * 0.7))
    return parts


def _unsplit(part: Part) -> NDArray[Any]:
    """The faces of a sheet without those that hair before and hair behind a shoulder would tear."""
    corner = part.offset[part.faces]
    y = part.dirs[part.faces][..., 1] * 0.09 + corner[..., 1]
    torn = np.ptp(y, axis=1) > 0.055
    kept: NDArray[Any] = part.faces[~torn]
    return kept


def _loose(
    looks: Looks, rng: np.random.Generator, skull: Skull, edge: float, length: float, volume: float, wave: float
) -> Part:
    """Single locks over hanging hair, most of them at the face and the ends."""
    count = 48
    around = rng.beta(0.8, 1.2, count) * (np.pi - edge) + edge
    turn = np.where(rng.random(count) < 0.5, around, 2 * np.pi - around).astype(np.float32)
    sizes = (length * (1 - 0.12 * np.cos(turn - np.pi) * -1) * rng.uniform(0.72, 1.1, count)).astype(np.float32)
    dirs, height, offset, along = _fall(looks, turn, sizes, 14, volume, wave * 1.3)
    height = height * rng.uniform(1.0, 1.3, (count, 1)) + 0.002
    offset[..., 0] += rng.normal(0, 0.006, (count, 1)) * along**2
    offset[..., 1] += rng.normal(0, 0.006, (count, 1)) * along**2
    width = rng.uniform(0.004, 0.014, (count, 1)) * np.minimum(1, 0.3 + 5 * along) * np.minimum(1, (1.02 - along) * 5)
    shade = 0.86 + rng.normal(0, 0.12, (count, 1)) + 0.12 * along
    return strips(skull, dirs, height.astype(np.float32), offset, width.astype(np.float32), shade.astype(np.float32))


def _tied(looks: Looks, rng: np.random.Generator, skull: Skull, tie: Floats) -> list[Part]:
    """Hair combed back flat to where it is tied."""
    thick = layers(0.011 + 0.3 * float(np.clip(looks.volume, 0, 0.03)), 0.008)
    parts = [
        hair_cap(looks, rng, skull, thick, tie, tie, locks=30, rough=0.22, rows=26, ragged=0.004, end=2.5, tied=True)
    ]
    if looks.fringe > 0.6:
        parts.append(fringe(looks, rng, skull, 0.895 - 0.035 * looks.fringe, 24))
    # Strands that came loose at the temples and the nape.
    count = 14
    side = np.where(rng.random(count) < 0.5, 1, -1)
    turn = (side * rng.choice([1.0, 1.12, 2.6, 2.9], count) + rng.normal(0, 0.06, count)).astype(np.float32)
    tilt = np.where(np.abs(turn) > 2, 2.2, 1.15)[:, None] + np.linspace(0, 0.35, 6)
    dirs = direction(np.repeat(turn[:, None], 6, 1), tilt.astype(np.float32))
    height = 0.002 + 0.007 * rng.random((count, 1)) * np.linspace(0, 1, 6)
    offset = np.zeros((count, 6, 3), np.float32)
    offset[..., 2] = -rng.uniform(0, 0.05, (count, 1)) * np.linspace(0, 1, 6)
    width = np.full((count, 6), 0.003) * np.linspace(1, 0.3, 6)
    parts.append(
        strips(
            skull,
            dirs,
            height.astype(np.float32),
            offset,
            width.astype(np.float32),
            np.full((count, 6), 0.95, np.float32),
        )
    )
    return parts


def _tie(looks: Looks) -> Floats:
    """Where a tail or bun sits: low at the nape up to high on the crown."""
    high = (np.sin(looks.seed * 1.7) + 1) / 2
    return direction(np.float32(np.pi), np.float32(1.75 - 1.05 * high))


def ponytail(looks: Looks, rng: np.random.Generator, skull: Skull) -> list[Part]:
    """Hair combed back to a tie, and a tail of locks that hangs from it."""
    tie = _tie(looks)
    parts = _tied(looks, rng, skull, tie)
    length = float(np.clip(looks.length, 0.12, 0.42))
    rows = 16
    t = np.linspace(0, 1, rows)
    path = np.zeros((1, rows, 3))
    # Out of the tie first, then down.
    path[0, :, 1] = (
        (0.012 + 0.03 * max(0.0, float(tie[2]))) * (1 - np.exp(-t * 5)) - 0.012 * t + 0.008 * np.sin(t * 5 + looks.seed)
    )
    path[0, :, 2] = -length * np.maximum(0, t - 0.02) ** 1.1 + 0.015 * np.sin(np.minimum(t * 6, np.pi)) * max(
        0.2, float(tie[2])
    )
    path[0, :, 0] = 0.02 * looks.part * t**2
    thick = 0.014 + 0.013 * np.sin(np.pi * np.minimum(1, t * 1.25)) ** 0.8
    thick = thick * np.minimum(1, (1.04 - t) * 3.5)
    parts.append(tubes(path, thick[None], tie[None], 0.85 + 0.12 * t[None], 14))
    count, n = 60, 12
    s = np.linspace(0, 1, n)
    angle = rng.uniform(0, 2 * np.pi, (count, 1)) + rng.normal(0, 0.5, (count, 1)) * s
    far = np.interp(s, t, thick) * rng.uniform(0.85, 1.3, (count, 1))
    stretch = rng.uniform(0.75, 1.12, (count, 1)) * s
    offset = np.stack([np.interp(np.minimum(stretch, 1), t, path[0, :, k]) for k in range(3)], -1)
    offset[..., 2] -= np.maximum(stretch - 1, 0) * length
    offset[..., 0] += far * np.cos(angle)
    offset[..., 1] += far * np.sin(angle)
    dirs = np.broadcast_to(tie, (count, n, 3)).astype(np.float32)
    width = rng.uniform(0.005, 0.012, (count, 1)) * np.minimum(1, (1.03 - s) * 4)
    shade = 0.9 + rng.normal(0, 0.13, (count, 1)) + 0.1 * s
    parts.append(
        strips(
            skull,
            dirs,
            np.zeros((count, n), np.float32),
            offset.astype(np.float32),
            width.astype(np.float32),
            shade.astype(np.float32),
        )
    )
    return parts


def bun(looks: Looks, rng: np.random.Generator, skull: Skull) -> list[Part]:
    """Hair combed back to a ball."""
    tie = _tie(looks)
    parts = _tied(looks, rng, skull, tie)
    size = 0.028 + 0.3 * float(np.clip(looks.volume, 0, 0.04)) + 0.006 * rng.random()
    columns, rows = 36, 16
    turn = (np.arange(columns) / columns * 2 * np.pi).astype(np.float32)
    tilt = np.linspace(0, 2.6, rows).astype(np.float32)
    ball = direction(*np.broadcast_arrays(turn[:, None], tilt))
    swirl = np.cos(3 * turn[:, None] + 4.2 * tilt[None] + rng.uniform(0, 6)) + 0.5 * bumps(ball, rng, 0.25)
    radius = size * (1 + 0.09 * swirl)
    # The ball's own top looks away from the head.
    side = np.array([1.0, 0, 0])
    other = np.cross(tie, side)
    offset = (ball[..., :1] * side + ball[..., 1:2] * other + ball[..., 2:] * tie * 0.85) * radius[..., None]
    offset = offset + tie * size * 0.75
    dirs = np.broadcast_to(tie, offset.shape).astype(np.float32)
    shade = 0.9 + 0.14 * swirl - 0.25 * ramp(tilt, 1.6, 2.3)[None]
    part = hair_sheet(dirs, np.zeros(offset.shape[:2], np.float32), offset.astype(np.float32), shade.astype(np.float32))
    parts.append(part)
    return parts


def braids(looks: Looks, rng: np.random.Generator, skull: Skull) -> list[Part]:
    """Two braids of three strands each, at the sides."""
    front, crown = parting(0.0)
    thick = layers(0.010, 0.009)
    parts = [hair_cap(looks, rng, skull, thick, front, crown, locks=34, rough=0.25, ragged=0.004)]
    length = float(np.clip(looks.length, 0.18, 0.40))
    rows = 30
    t = np.linspace(0, 1, rows)
    for side in (-1.0, 1.0):
        start = direction(np.float32(side * 2.05), np.float32(1.95))
        path = np.zeros((3, rows, 3))
        path[..., 2] = -length * t
        path[..., 1] = -0.105 * ramp(t * length, 0.05, 0.17) + 0.01
        path[..., 0] = side * (0.012 + 0.03 * ramp(t * length, 0.03, 0.12))
        for k in range(3):
            beat = t * length / 0.042 * 2 * np.pi + k * 2 * np.pi / 3
            path[k, :, 0] += 0.0085 * np.cos(beat) * (1 - 0.35 * t)
            path[k, :, 1] += 0.0055 * np.sin(2 * beat) * (1 - 0.35 * t)
        radius = np.repeat((0.0095 * (1 - 0.4 * t) * np.minimum(1, (1.02 - t) * 8))[None], 3, 0)
        shade = 0.9 + 0.14 * np.sin(t[None] * length / 0.042 * 4 * np.pi + np.arange(3)[:, None] * 4 * np.pi / 3)
        parts.append(tubes(path, radius, np.repeat(start[None], 3, 0), shade, 7))
    if looks.fringe > 0.6:
        parts.append(fringe(looks, rng, skull, 0.895 - 0.035 * looks.fringe, 24))
    return parts
