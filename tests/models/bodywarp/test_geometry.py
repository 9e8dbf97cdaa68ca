"""The geometry of pairs: the fused loops against the public functions of the bodies that they put together."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

pytest.importorskip("numba")
pytest.importorskip("scipy")

from repose.body.around import REACH, flow_around, nearest_skin
from repose.body.flow import BodyFlow, flow_between
from repose.body.lift import lift_batch
from repose.body.pose_space import Floats
from repose.body.posed_body import PosedBody
from repose.body.raster import BodyMaps, raster
from repose.body.samples import sample
from repose.models.bodywarp import geometry
from repose.models.bodywarp.geometry import NOISE, PairGeometry, pair_geometry
from repose.render.place.views import sample_shot
from repose.render.pose.poses import sample_pose


@cache
def skeletons() -> Tensor:
    """(8, 18, 3): people of the renderer, each 200 pixels high in a picture of 256x176."""
    rng = np.random.default_rng(515_151)
    drawn = sample(rng, 2, lambda r, style: sample_pose(r, style).angles, sample_shot, views=2, wild=0)
    columns = (drawn.turns, drawn.coefficients, drawn.camera)
    rows = []
    for row in zip(*(c.astype(np.float64) for c in columns), strict=True):
        points = torch.from_numpy(PosedBody(*row).keypoints).float()
        low, high = points.amin(0), points.amax(0)
        points = (points - (low + high) / 2) * (200 / (high - low).max()) + torch.tensor([87.5, 127.5])
        rows.append(torch.cat([points, torch.ones(18, 1)], 1))
    return torch.stack(rows[:8])


def edges(place: Floats) -> Floats:
    size = np.array([place.shape[2], place.shape[1]])[:, None, None]
    return (place * 2 + 1) / size - 1


def own_maps(body: PosedBody, maps: BodyMaps, distance: Floats | None = None, canon: Floats | None = None) -> Floats:
    if distance is None or canon is None:
        row, column = nearest_skin(maps.face)
        y, x = np.mgrid[: row.shape[0], : row.shape[1]]
        distance = np.minimum(np.hypot(y - row, x - column) / body.camera[2], REACH)
        canon = maps.canon[:, row, column] * (distance < REACH)
        if (row < 0).any():
            distance, canon = np.full(row.shape, REACH), np.zeros_like(maps.canon)
    depth = np.where(maps.mask, maps.depth - body.camera[3], 0)
    return np.concatenate([canon, maps.normal, depth[None], maps.mask[None], distance[None] / REACH])


def stillness(flow: BodyFlow, back: BodyFlow, target: BodyMaps, source: BodyMaps) -> Floats:
    height, width = target.face.shape
    every = 4 if min(height, width) >= 64 else 1
    part = (slice(None, None, every), slice(None, None, every))
    y, x = (grid[part] for grid in np.mgrid[:height, :width])
    most = max(1.0, 0.012 * height)
    moved = np.zeros(y.shape)
    for one, maps in ((flow, target), (back, source)):
        step = np.hypot(one.place[0][part] - x, one.place[1][part] - y)
        step = np.where(one.seen[part], step, most)
        moved = np.maximum(moved, np.where(maps.mask[part], step, 0))
    still = torch.from_numpy(1.25 * (1 - np.minimum(moved, most) / most)).clamp(0, 1)[None, None]
    reach = round(0.05 * height / every)
    still = -F.max_pool2d(-still, 2 * reach + 1, 1, reach)
    out: Floats = F.interpolate(still, (height, width), mode="bilinear", align_corners=False)[0, 0].numpy()
    return out


def plain(source: PosedBody, target: PosedBody, height: int, width: int) -> tuple[Floats, ...]:
    """The fields of `PairGeometry`, of one pair, by the public functions of `repose.body`."""
    source_maps, target_maps = raster(source, height, width), raster(target, height, width)
    flow = flow_between(source, target, source_maps, target_maps)
    mirrored = flow_between(source, target, source_maps, target_maps, mirrored=True)
    around = flow_around(source, target, source_maps, target_maps, flow)
    back = flow_between(target, source, target_maps, source_maps)
    traits = np.stack(
        [
            flow.seen, flow.facing, np.minimum(flow.stretch, 1), around.agreement, mirrored.seen, mirrored.facing,
            stillness(flow, back, target_maps, source_maps),
        ]
    )  # fmt: skip
    y, x = np.mgrid[:height, :width]
    aside = np.where(target_maps.mask, mirrored.place, np.stack([x, y]))
    maps = own_maps(source, source_maps), own_maps(target, target_maps, around.distance, around.canon)
    return edges(around.place), edges(aside), traits, *maps


def fields(pairs: PairGeometry) -> list[Tensor]:
    return [pairs.flow, pairs.mirrored, pairs.traits, pairs.source, pairs.target]


@pytest.mark.parametrize(("height", "width"), [(256, 176), (64, 44), (40, 24)])
def test_as_the_plain_functions_say(height: int, width: int) -> None:
    joints = skeletons() * torch.tensor([height / 256, height / 256, 1.0])
    source, target = joints[:4].clone(), joints[4:].clone()
    target[0] = source[0]  # nobody moves
    target[1] = source[1] + torch.tensor([height / 256, 0, 0])  # hardly
    target[2, :, 0] += width / 2  # partly outside
    together = fields(pair_geometry(source, target, height, width))
    bodies = lift_batch(torch.cat([source, target]), noise=NOISE)  # one at a time they differ by rounding
    for k in range(len(source)):
        for got, wanted in zip(together, plain(bodies[k], bodies[k + 4], height, width), strict=True):
            assert got.dtype == torch.float32
            np.testing.assert_allclose(got[k].numpy(), wanted, rtol=0, atol=1e-5)
    still = together[2][:, 6].mean((1, 2))
    assert still[0] == 1
    assert 0 < still[3] < 0.99


def test_a_source_in_several_poses_and_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    joints = skeletons()
    source, target = joints[[0, 0, 0, 1]].clone(), joints[[4, 5, 0, 6]].clone()
    target[0, :, 0] += 1000  # beside the picture
    source[3, :, 2] = 0  # no joint is located
    together = fields(pair_geometry(source, target, 64, 48))
    for k in range(4):
        for got, alone in zip(
            together, fields(pair_geometry(source[k : k + 1], target[k : k + 1], 64, 48)), strict=True
        ):
            assert torch.equal(got[k], alone[0])
    flow, mirrored, traits, one, other = (field[3] for field in together)
    x, y = (torch.arange(48) * 2 + 1) / 48 - 1, (torch.arange(64) * 2 + 1) / 64 - 1
    torch.testing.assert_close(flow, torch.stack([x.expand(64, -1), y[:, None].expand(-1, 48)]))
    assert torch.equal(flow, mirrored)
    assert not traits.any()
    assert all((maps[8] == 1).all() and not maps[:8].any() for maps in (one, other))
    assert (together[4][0, 8] == 1).all(), "no skin in the picture"
    assert not together[4][0, :3].any()

    drawings = []
    draw = geometry.draw_faces
    monkeypatch.setattr(geometry, "draw_faces", lambda *args: drawings.append(args) or draw(*args))
    geometry._drawn.cache_clear()
    for k in (5, 6, 7):
        pair_geometry(joints[:1], joints[k : k + 1], 64, 48)
    assert len(drawings) == 4, "the source is drawn once"
