"""The flow beside the skin: clothes and hair move with the bone of the nearest skin."""

from __future__ import annotations

import numpy as np

from repose.body.around import REACH, FlowAround, flow_around, nearest_skin
from repose.body.flow import flow_between
from repose.body.posed_body import PosedBody
from repose.body.raster import raster

HEIGHT, WIDTH = 64, 44


def _around(source: PosedBody, target: PosedBody) -> FlowAround:
    source_maps, target_maps = raster(source, HEIGHT, WIDTH), raster(target, HEIGHT, WIDTH)
    return flow_around(source, target, source_maps, target_maps, flow_between(source, target, source_maps, target_maps))


def _rest() -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))).astype(np.float32)


def test_the_nearest_skin_is_the_nearest() -> None:
    random = np.random.default_rng(0)
    face = np.where(random.random((20, 15)) < 0.03, 1, -1).astype(np.int32)
    rows, columns = nearest_skin(face)
    ys, xs = np.nonzero(face >= 0)
    y, x = np.mgrid[:20, :15]
    right = np.sqrt(((y[..., None] - ys) ** 2 + (x[..., None] - xs) ** 2).min(-1))
    got = np.hypot(y - rows, x - columns)
    assert (face[rows, columns] >= 0).all()
    assert np.abs(got - right).max() < 0.5
    assert (np.abs(got - right) < 1e-4).mean() > 0.95


def test_nothing_is_near_where_there_is_no_skin() -> None:
    rows, columns = nearest_skin(np.full((4, 5), -1, np.int32))
    assert (rows == -1).all()
    assert (columns == -1).all()


def test_a_body_stays_where_it_is(bodies: list[PosedBody]) -> None:
    body = bodies[0].scaled(0.25)
    around = _around(body, body)
    assert np.abs(around.place - _rest()).max() < 0.01
    skin = raster(body, HEIGHT, WIDTH).mask
    assert (around.distance[skin] == 0).all()
    assert (around.distance[~skin] > 0).all()
    assert around.distance.max() == np.float32(REACH)
    assert around.agreement[skin].min() > 0.99
    assert (around.agreement[around.distance >= REACH] == 0).all()


def test_what_is_beside_a_moved_body_moves_with_it(bodies: list[PosedBody]) -> None:
    target = bodies[0].scaled(0.25)
    around = _around(target.moved(3, -2), target)
    near = (around.distance > 0) & (around.distance < 0.1)
    assert near.sum() > 50
    way = (around.place - _rest())[:, near]
    assert np.abs(way - np.array([[3], [-2]])).max() < 0.01
    far = around.distance >= REACH
    assert np.abs((around.place - _rest())[:, far]).max() == 0


def test_what_is_beside_a_turned_body_turns_with_it(bodies: list[PosedBody]) -> None:
    """A body turned in the picture by a quarter: what was right of the skin is now below or above it."""
    target = bodies[0].scaled(0.25)
    turns = target.turns.copy()
    turns[0] = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]) @ turns[0]
    source = PosedBody(turns, target.coefficients, target.camera)
    around = _around(source, target)
    near = (around.distance > 0.02) & (around.distance < 0.1)
    rows, columns = nearest_skin(raster(target, HEIGHT, WIDTH).face)
    flow = flow_between(source, target, raster(source, HEIGHT, WIDTH), raster(target, HEIGHT, WIDTH))
    ys, xs = np.nonzero(near)
    aside = np.stack([xs - columns[ys, xs], ys - rows[ys, xs]])
    turned = around.place[:, ys, xs] - flow.place[:, rows[ys, xs], columns[ys, xs]]
    right = np.stack([aside[1], -aside[0]])  # y runs down: a turn to the left takes right to up
    length = np.hypot(*aside)
    assert (np.hypot(*(turned - right)) < 0.25 * length + 0.1).mean() > 0.95
