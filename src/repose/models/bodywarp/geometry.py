"""What two skeletons say of a pair of pictures, as tensors: both bodies' maps, and where each pixel comes from."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from repose.body.around import REACH, nearest_skin, write_around
from repose.body.flow import HIDDEN, areas, write_flow
from repose.body.lift import LiftError, lift, lift_batch
from repose.body.pose_space import Floats
from repose.body.posed_body import PosedBody
from repose.body.raster import draw_faces, fill_skin
from repose.body.skin_mesh import skin_mesh
from repose.body.surface import normals
from repose.models.bodywarp.kernels import finish_flow, finish_maps, stillness, write_beside

NOISE: Final = 0.008
"""Standard deviation that joints are believed to have, in sides of the box around them: rendered ones have less,
estimated ones more."""

BODY_MAPS: Final = 9
"""Channels of the maps of a body, `PairGeometry.source`."""

TRAITS: Final = 7
"""Channels of `PairGeometry.traits`."""

_CHANNELS: Final = (2, 2, TRAITS, BODY_MAPS, BODY_MAPS)  # of the fields of `PairGeometry`
_HIDDEN: Final = np.float32(HIDDEN)
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
        source, target: (B, 9, H, W) of each body: the point on the mean body (3, metres; beside the skin that of the
            nearest skin), normal (3), depth relative to the hips (1, metres), mask (1), distance from the skin (1,
            shares of `around.REACH`).
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
    parts = torch.ops.repose.pair_geometry(source, target, height, width)
    return PairGeometry(*(part.to(source.device) for part in parts))


def _operator(source: Tensor, target: Tensor, height: int, width: int) -> list[Tensor]:
    """`pair_geometry` as an operator, so that memory is counted and graphs are traced without it; on the CPU."""
    count = len(source)
    bodies = _BODIES.of(torch.cat([source, target]))
    parts = [torch.zeros(count, channels, height, width) for channels in _CHANNELS]
    arrays = [part.numpy() for part in parts]
    drawn: dict[int, _Drawn] = {}
    for body in bodies:
        if body is not None and id(body) not in drawn:
            drawn[id(body)] = _drawn(body, height, width)
    own: dict[int, Floats] = {}  # maps of the sources so far
    for k, (one, other) in enumerate(zip(bodies[:count], bodies[count:], strict=True)):
        flow, mirrored, traits, source_maps, target_maps = (array[k] for array in arrays)
        if one is None or other is None:
            _write_empty(flow, mirrored, source_maps, target_maps)
            continue
        if id(one) in own:
            source_maps[:] = own[id(one)]
        else:
            _write_source(drawn[id(one)], source_maps)
            own[id(one)] = source_maps
        _write_pair(drawn[id(one)], drawn[id(other)], flow, mirrored, traits, source_maps, target_maps)
    return parts


def _shapes(source: Tensor, target: Tensor, height: int, width: int) -> list[Tensor]:
    return [torch.empty(len(source), channels, height, width, device=source.device) for channels in _CHANNELS]


# `torch.library.custom_op` would do the same, but its first call imports the compiler of PyTorch: more than a second
_LIBRARY: Final[Any] = torch.library.Library("repose", "FRAGMENT")  # type: ignore[no-untyped-call]
_LIBRARY.define("pair_geometry(Tensor source, Tensor target, SymInt height, SymInt width) -> Tensor[]")
_LIBRARY.impl("pair_geometry", _operator, "CompositeExplicitAutograd")
_LIBRARY.impl("pair_geometry", _shapes, "Meta")


@dataclass(frozen=True, eq=False)
class _Drawn:
    """A body in a picture: what `raster` finds of it, its normals (V, 3), the areas (F,) of its triangles in the
    picture, and the nearest skin of every pixel."""

    body: PosedBody
    face: NDArray[np.int32]
    weights: Floats
    nearness: Floats
    normals: Floats
    area: Floats
    row: NDArray[np.int32]
    column: NDArray[np.int32]


@lru_cache(maxsize=4)  # further poses of one photograph have the same source
def _drawn(body: PosedBody, height: int, width: int) -> _Drawn:
    """A body in a picture of this size."""
    body = replace(body)  # what a body computes of itself is not kept as long as `_Bodies` keeps it
    faces, places = skin_mesh().faces, body.vertices
    flat = body.project(places)
    face, weights, nearness = draw_faces(flat, faces, float(body.camera[3]), height, width)
    row, column = nearest_skin(face)
    return _Drawn(body, face, weights, nearness, normals(places, faces), areas(flat, faces), row, column)


def _write_empty(flow: Floats, mirrored: Floats, source_maps: Floats, target_maps: Floats) -> None:
    """The rows of a pair without two bodies, in zeros."""
    height, width = flow.shape[1:]
    flow[0], flow[1] = (2 * np.arange(width) + 1) / width - 1, ((2 * np.arange(height) + 1) / height - 1)[:, None]
    mirrored[:] = flow
    source_maps[8], target_maps[8] = 1, 1


def _write_skin(drawn: _Drawn, maps: Floats) -> None:
    """Point, normal and depth from the camera of the skin, into maps (9, H, W) of zeros."""
    surface, distance = skin_mesh(), float(drawn.body.camera[3])
    fill_skin(
        drawn.face, drawn.weights, drawn.nearness, surface.faces, surface.canon, drawn.normals, distance, maps[:3],
        maps[3:6], maps[6],
    )  # fmt: skip


def _write_source(drawn: _Drawn, maps: Floats) -> None:
    """A body's own maps, `PairGeometry.source`, into zeros."""
    _write_skin(drawn, maps)
    camera = drawn.body.camera
    write_beside(drawn.face, drawn.row, drawn.column, float(camera[2]), REACH, maps[:3], maps[8])
    finish_maps(drawn.face, float(camera[3]), REACH, maps)


def _write_pair(
    source: _Drawn,
    target: _Drawn,
    flow: Floats,
    mirrored: Floats,
    traits: Floats,
    source_maps: Floats,
    target_maps: Floats,
) -> None:
    """The rows of a pair, in zeros; `source_maps` is written already."""
    surface, size = skin_mesh(), source.face.shape
    height = size[0]
    every = 4 if min(size) >= 64 else 1
    place, back = (np.empty((2, *size), np.float32) for _ in range(2))
    seen, mirrored_seen, back_seen, unused = (np.empty(size, np.bool_) for _ in range(4))
    spare = np.empty(size, np.float32)

    def follow(
        one: _Drawn, other: _Drawn, mirror: bool, step: int, at: Floats, shown: NDArray[np.bool_], facing: Floats,
        stretch: Floats,
    ) -> None:  # fmt: skip
        """The flow to `one` of what the picture of `other` shows."""
        write_flow(
            other.face, other.weights, one.nearness, one.body.vertices, one.normals, surface.faces, surface.mirror_face,
            surface.mirror_corner, one.area, other.area, one.body.camera, mirror, _HIDDEN, step, at, shown, facing,
            stretch, unused,
        )  # fmt: skip

    follow(source, target, False, 1, place, seen, traits[1], traits[2])
    follow(source, target, True, 1, mirrored, mirrored_seen, traits[5], spare)
    follow(target, source, False, every, back, back_seen, spare, spare)
    _write_skin(target, target_maps)
    turn = np.einsum("bij,bkj->bik", source.body.bones[0], target.body.bones[0])
    write_around(
        target.face, target.weights, target.nearness, target_maps[:3], target.row, target.column, place, seen,
        source.nearness, source_maps[:3], source.row, source.column, surface.faces, surface.bone, turn,
        target.body.camera, source.body.camera, REACH, flow, target_maps[8], target_maps[:3], traits[3],
    )  # fmt: skip
    finish_maps(target.face, float(target.body.camera[3]), REACH, target_maps)
    most = max(1.0, _STILL * height)
    still = stillness(
        target.face, place, seen, source.face, back, back_seen, every, most, round(_AROUND * height / every)
    )
    finish_flow(target.face, seen, mirrored_seen, still, flow, mirrored, traits)


__all__ = ["BODY_MAPS", "NOISE", "TRAITS", "PairGeometry", "pair_geometry"]
