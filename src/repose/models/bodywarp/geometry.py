"""What two skeletons say of a pair of pictures, as tensors: both bodies' maps, and where each pixel comes from."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.body.around import REACH, flow_around, nearest_skin
from repose.body.flow import BodyFlow, flow_between
from repose.body.lift import LiftError, lift, lift_batch
from repose.body.pose_space import Floats
from repose.body.posed_body import PosedBody
from repose.body.raster import BodyMaps, raster

NOISE: Final = 0.008
"""Standard deviation that joints are believed to have, in sides of the box around them: rendered ones have less,
estimated ones more."""

BODY_MAPS: Final = 9
"""Channels of `body_maps`."""

TRAITS: Final = 7
"""Channels of `PairGeometry.traits`."""

_KEPT: Final = 4096  # lifted bodies
_STILL: Final = 0.012  # share of the height that a body may move and still be taken as standing still
_AROUND: Final = 0.05  # share of the height within which all of it must stand still


@dataclass(frozen=True)
class PairGeometry:
    """Of B pairs of pictures H x W; places are x and y in the source, -1 to 1 from edge to edge.

    Attributes:
        flow: (B, 2, H, W) where the skin under each pixel lies in the source; beside the skin by the nearest bone; each
            pixel's own place where no body is near.
        mirrored: (B, 2, H, W) where the mirror image of that point lies.
        traits: (B, 7, H, W): seen, facing, stretch (1 where the source has as many pixels or more) and agreement of
            `flow`; seen and facing of `mirrored`; how much stands still.
        source, target: (B, 9, H, W) `body_maps` of each.
    """

    flow: Tensor
    mirrored: Tensor
    traits: Tensor
    source: Tensor
    target: Tensor


class _Bodies:
    """Bodies by their joints: a picture's is lifted once, however often it is posed. Safe among threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, PosedBody | None] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, keypoints: Tensor) -> list[PosedBody | None]:
        """Of (B, 18, 3); None where no body can be lifted."""
        rows = np.ascontiguousarray(keypoints.detach().cpu().numpy(), np.float32)
        keys = [row.tobytes() for row in rows]
        with self._lock:
            missing = list({key: row for key, row in zip(keys, rows, strict=True) if key not in self._kept}.items())
        if missing:
            lifted = _lifted(np.stack([row for _, row in missing]))
            with self._lock:
                self._kept.update(zip((key for key, _ in missing), lifted, strict=True))
        with self._lock:
            bodies = [self._kept[key] for key in keys]
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return bodies


def _lifted(rows: Floats) -> list[PosedBody | None]:
    try:
        return list(lift_batch(rows, noise=NOISE))
    except LiftError:
        out: list[PosedBody | None] = []
        for row in rows:
            try:
                out.append(lift(row, noise=NOISE))
            except LiftError:
                out.append(None)
        return out


_BODIES: Final = _Bodies()


def pair_geometry(source: Tensor, target: Tensor, height: int, width: int) -> PairGeometry:
    """The geometry of pairs.

    Args:
        source, target: keypoints (B, 18, 3) on a canvas of height x width pixels. A skeleton of fewer than 5 located
            joints has no body: its maps are empty, and every pixel stays in its place.
    """
    parts = _operator(source, target, height, width)
    return PairGeometry(*(part.to(source.device) for part in parts))


@torch.library.custom_op("repose::pair_geometry", mutates_args=())
def _operator(source: Tensor, target: Tensor, height: int, width: int) -> list[Tensor]:
    """`pair_geometry` as an operator, so that memory is counted and graphs are traced without it; on the CPU."""
    count = len(source)
    bodies = _BODIES.of(torch.cat([source, target]))
    maps: dict[int, BodyMaps] = {}
    for body in bodies:
        if body is not None and id(body) not in maps:
            maps[id(body)] = raster(body, height, width)
    rows = []
    for one, other in zip(bodies[:count], bodies[count:], strict=True):
        if one is None or other is None:
            rows.append(_empty(height, width))
        else:
            rows.append(_pair(one, other, maps[id(one)], maps[id(other)]))
    return [torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)]


@_operator.register_fake
def _shapes(source: Tensor, target: Tensor, height: int, width: int) -> list[Tensor]:
    channels = (2, 2, TRAITS, BODY_MAPS, BODY_MAPS)
    return [torch.empty(len(source), count, height, width) for count in channels]


def _empty(height: int, width: int) -> tuple[Floats, ...]:
    rest = np.stack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)
    flow, maps = _edges(rest), np.zeros((BODY_MAPS, height, width), np.float32)
    traits = np.zeros((TRAITS, height, width), np.float32)
    maps[8] = 1
    return flow, flow, traits, maps, maps


def _pair(source: PosedBody, target: PosedBody, source_maps: BodyMaps, target_maps: BodyMaps) -> tuple[Floats, ...]:
    flow = flow_between(source, target, source_maps, target_maps)
    mirrored = flow_between(source, target, source_maps, target_maps, mirrored=True)
    around = flow_around(source, target, source_maps, target_maps, flow)
    back = flow_between(target, source, target_maps, source_maps)
    traits = np.stack(
        [
            flow.seen.astype(np.float32),
            flow.facing,
            np.minimum(flow.stretch, 1),
            around.agreement,
            mirrored.seen.astype(np.float32),
            mirrored.facing,
            _still(flow, back, target_maps, source_maps),
        ]
    )
    rest = np.stack(np.meshgrid(np.arange(flow.place.shape[2]), np.arange(flow.place.shape[1]))).astype(np.float32)
    aside = np.where(target_maps.mask, mirrored.place, rest).astype(np.float32)
    return (
        _edges(around.place),
        _edges(aside),
        traits,
        body_maps(source, source_maps),
        body_maps(target, target_maps, around.distance, around.canon),
    )


def body_maps(body: PosedBody, maps: BodyMaps, distance: Floats | None = None, canon: Floats | None = None) -> Floats:
    """(9, H, W): the point on the mean body (3, metres; beside the skin that of the nearest skin), normal (3), depth
    relative to the hips (1, metres), mask (1), distance from the skin (1, shares of `REACH`)."""
    if distance is None or canon is None:
        row, column = nearest_skin(maps.face)
        y, x = np.mgrid[: row.shape[0], : row.shape[1]]
        distance = np.minimum(np.hypot(y - row, x - column) / body.camera[2], REACH).astype(np.float32)
        canon = maps.canon[:, row, column] * (distance < REACH)
        if (row < 0).any():
            distance, canon = np.full_like(distance, REACH), np.zeros_like(maps.canon)
    depth = np.where(maps.mask, maps.depth - np.float32(body.camera[3]), 0)
    return np.concatenate([canon, maps.normal, depth[None], maps.mask[None], distance[None] / REACH], dtype=np.float32)


def _edges(place: Floats) -> Floats:
    """Pixels (2, H, W) -> -1 to 1 from edge to edge."""
    height, width = place.shape[1:]
    out: Floats = ((place * 2 + 1) / np.array([width, height], np.float32)[:, None, None] - 1).astype(np.float32)
    return out


def _still(flow: BodyFlow, back: BodyFlow, target: BodyMaps, source: BodyMaps) -> Floats:
    """(H, W) 1 where neither body moves, here and around, falling to 0 with the movement."""
    height, width = target.face.shape
    every = 4 if min(height, width) >= 64 else 1
    part = (slice(None, None, every), slice(None, None, every))
    y, x = (grid[part].astype(np.float32) for grid in np.mgrid[:height, :width])
    most = np.float32(max(1.0, _STILL * height))
    moved: Any = np.zeros(y.shape, np.float32)
    for one, maps in ((flow, target), (back, source)):
        step = np.hypot(one.place[0][part] - x, one.place[1][part] - y)
        step = np.where(one.seen[part], step, most)
        moved = np.maximum(moved, np.where(maps.mask[part], step, 0))
    reach = 2 * round(_AROUND * height / every) + 1
    still = torch.from_numpy(1.25 * (1 - np.minimum(moved, most) / most)).clamp(0, 1)[None, None]
    still = -F.max_pool2d(-still, (reach, 1), 1, (reach // 2, 0))
    still = -F.max_pool2d(-still, (1, reach), 1, (0, reach // 2))
    out: Floats = F.interpolate(still, (height, width), mode="bilinear", align_corners=False)[0, 0].numpy()
    return out


__all__ = ["BODY_MAPS", "NOISE", "TRAITS", "PairGeometry", "body_maps", "pair_geometry"]
