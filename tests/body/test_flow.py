"""The rasteriser against a slow reference, and the flow between bodies."""

from __future__ import annotations

import numpy as np
import pytest

from repose.body.atlas import iuv_of
from repose.body.flow import flow_between
from repose.body.pose_space import rotation
from repose.body.posed_body import PosedBody
from repose.body.raster import _CHART, _SEGMENTS, BEHIND, chart, raster
from repose.body.skin_mesh import skin_mesh
from repose.person import IUV_MIRROR

HEIGHT, WIDTH = 64, 44


@pytest.fixture(scope="module")
def small(bodies: list[PosedBody]) -> list[PosedBody]:
    return [body.scaled(0.25) for body in bodies]


def _reference(body: PosedBody, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Nearness (H, W) and face of a picture by rays through all triangles (Moller and Trumbore 1997), float64."""
    places, faces = body.vertices.astype(np.float64), skin_mesh().faces
    a, b, c = (places[faces[:, k]] for k in range(3))
    x0, y0, scale, distance = body.camera
    eye = np.array([0, 0, distance])
    near, face = np.full((height, width), float(BEHIND)), np.full((height, width), -1)
    q = np.cross(eye - a, b - a)
    along = (q * (c - a)).sum(1)
    for y in range(height):
        for x in range(width):
            ray = np.array([(x - x0) / scale, -(y - y0) / scale, 0]) - eye
            p = np.cross(ray, c - a)
            det = ((b - a) * p).sum(1)
            with np.errstate(divide="ignore", invalid="ignore"):
                u = ((eye - a) * p).sum(1) / det
                v = (q @ ray) / det
                t = along / det
            hit = (det > 0) & (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0)
            if hit.any():
                best = np.flatnonzero(hit)[t[hit].argmin()]
                near[y, x], face[y, x] = distance + t[best] * ray[2], best
    return near, face


def test_raster_is_the_slow_reference(small: list[PosedBody]) -> None:
    for body in (small[0].scaled(0.35), small[5].scaled(0.35)):
        near, face = _reference(body, 22, 15)
        got = raster(body, 22, 15)
        assert (face >= 0).sum() > 15
        same = got.face == face
        assert same.mean() > 0.99  # a centre on an edge belongs to either side
        assert np.abs(got.nearness - near)[same & (face >= 0)].max() < 1e-4


def test_face_and_coordinates_lead_back_to_the_pixel(small: list[PosedBody]) -> None:
    body = small[1]
    maps = raster(body, HEIGHT, WIDTH)
    rows, columns = np.nonzero(maps.mask)
    corners = skin_mesh().faces[maps.face[rows, columns]]
    weights = maps.weights[:, rows, columns].T
    assert np.abs(weights.sum(1) - 1).max() < 1e-5
    assert weights.min() > -1e-5
    points = (body.vertices[corners] * weights[..., None]).sum(1)
    flat = body.project(points)
    assert np.abs(flat[:, 0] - columns).max() < 1e-3
    assert np.abs(flat[:, 1] - rows).max() < 1e-3
    assert np.abs(maps.depth[rows, columns] - (body.camera[3] - points[:, 2])).max() < 1e-4
    canon = (skin_mesh().canon[corners] * weights[..., None]).sum(1)
    assert np.abs(maps.canon[:, rows, columns].T - canon).max() < 1e-5
    normal = maps.normal[:, rows, columns]
    assert np.abs(np.linalg.norm(normal, axis=0) - 1).max() < 1e-4
    assert (normal[2] > 0).mean() > 0.97  # what is seen looks towards the camera


def test_charts_are_those_of_the_atlas() -> None:
    rng, surface = np.random.default_rng(0), skin_mesh()
    faces = surface.faces[rng.integers(len(surface.faces), size=3000)]
    weights = rng.dirichlet([1, 1, 1], len(faces)).astype(np.float32)[..., None]
    canon, along, region = ((v[faces] * weights).sum(1) for v in (surface.canon, surface.along, surface.region))
    want = iuv_of(canon, along, region)
    got = np.array([
        chart(*canon[k].astype(float), along[k].astype(float), region[k].astype(float), _SEGMENTS, _CHART)
        for k in range(len(faces))
    ])  # fmt: skip
    assert set(range(1, 25)) == set(want[:, 0].astype(int))
    assert np.abs(got - want).max() < 1e-4


def test_a_mirrored_body_gives_mirrored_maps(small: list[PosedBody]) -> None:
    body = small[2]
    maps, other = raster(body, HEIGHT, WIDTH), raster(body.mirrored(WIDTH), HEIGHT, WIDTH)
    back = other.iuv[:, :, ::-1]
    same = np.array(IUV_MIRROR)[back[0].astype(int)] == maps.iuv[0]
    assert same.mean() > 0.999
    on = same & maps.mask
    assert np.abs(1 - back[1] - maps.iuv[1])[on].max() < 0.02
    assert np.abs(back[2] - maps.iuv[2])[on].max() < 0.02


def test_beside_the_body_maps_are_empty(small: list[PosedBody]) -> None:
    maps = raster(small[0].moved(10_000, 0), 8, 8)
    assert not maps.mask.any()
    assert not maps.iuv.any()
    assert not maps.depth.any()
    assert (maps.nearness == BEHIND).all()
    with pytest.raises(ValueError, match="1x1"):
        raster(small[0], 0, 8)


def test_a_body_flows_onto_itself(small: list[PosedBody]) -> None:
    for body in small[:6]:
        maps = raster(body, HEIGHT, WIDTH)
        flow = flow_between(body, body, maps, maps)
        rows, columns = np.nonzero(maps.mask)
        assert np.abs(flow.place[0, rows, columns] - columns).max() < 1e-3
        assert np.abs(flow.place[1, rows, columns] - rows).max() < 1e-3
        assert (flow.seen == maps.mask).all()
        assert np.abs(flow.stretch[maps.mask] - 1).max() < 1e-4
        assert not flow.place[:, ~maps.mask].any()


def test_flow_into_a_larger_picture(small: list[PosedBody]) -> None:
    body = small[3]
    big = body.scaled(2)
    maps, big_maps = raster(body, HEIGHT, WIDTH), raster(big, 2 * HEIGHT, 2 * WIDTH)
    flow = flow_between(big, body, big_maps, maps)
    rows, columns = np.nonzero(maps.mask)
    assert np.abs(flow.place[0, rows, columns] - (2 * columns + 0.5)).max() < 2e-3
    assert np.abs(flow.place[1, rows, columns] - (2 * rows + 0.5)).max() < 2e-3
    assert np.abs(flow.stretch[maps.mask] - 4).max() < 0.01
    assert flow.seen[maps.mask].mean() > 0.98


def test_from_behind_nothing_of_the_front_is_seen(small: list[PosedBody]) -> None:
    body = small[0]
    turns = body.turns.copy()
    turns[0] = rotation(0.0, np.pi, 0.0) @ turns[0]
    behind = PosedBody(turns, body.coefficients, body.camera)
    maps, other = raster(body, HEIGHT, WIDTH), raster(behind, HEIGHT, WIDTH)
    flow = flow_between(body, behind, maps, other)
    assert flow.seen.sum() < 0.1 * other.mask.sum()
    assert flow.facing[other.mask].mean() < 0


def test_what_an_arm_hides_is_not_seen(bodies: list[PosedBody]) -> None:
    """The depth test, against the picture itself: what is seen shows the same point of the body."""
    source, target = bodies[0], bodies[6]
    maps = raster(source, 256, 176)
    flow = flow_between(source, target, maps, raster(target, 256, 176))
    target_maps = raster(target, 256, 176)
    rows, columns = np.nonzero(flow.seen)
    x, y = (np.rint(flow.place[k, rows, columns]).astype(int) for k in (0, 1))
    shown = maps.face[y, x] >= 0
    away = np.linalg.norm(maps.canon[:, y, x] - target_maps.canon[:, rows, columns], axis=0)[shown]
    assert shown.mean() > 0.9
    assert np.median(away) < 0.015
    assert np.quantile(away, 0.95) < 0.06


def test_the_mirrored_flow_takes_the_other_side(small: list[PosedBody]) -> None:
    body = small[4]
    maps = raster(body, HEIGHT, WIDTH)
    twin = body.mirrored(WIDTH)
    flow = flow_between(twin, body, raster(twin, HEIGHT, WIDTH), maps, mirrored=True)
    rows, columns = np.nonzero(maps.mask)
    assert np.abs(flow.place[0, rows, columns] - (WIDTH - 1 - columns)).max() < 0.01
    assert np.abs(flow.place[1, rows, columns] - rows).max() < 0.01
