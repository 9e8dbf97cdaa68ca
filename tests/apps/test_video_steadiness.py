"""Flicker, the played detector, and the table of both."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from repose.apps.motion.steadiness import flicker, flow_of_joints
from repose.bench.steadiness import MISSED, WAYS, Steadiness, played_detector, steadiness_table
from tests.apps.test_video_placing import keypoints, motion
from tests.apps.test_video_smoothing import moving


def body(count: int, step: float) -> torch.Tensor:
    """Somebody who moves to the right as a whole, on pictures of 160x160."""
    points = np.tile(moving(1)[0] * 0.45 + [25, 10], (count, 1, 1))
    return keypoints(points + step * np.arange(count)[:, None, None] * [1, 0])


def pictures(count: int, step: int) -> list[np.ndarray]:
    """A pattern that moves to the right."""
    rng = np.random.default_rng(0)
    coarse = torch.from_numpy(rng.uniform(0, 255, (1, 3, 20, 40)))
    fine = torch.nn.functional.interpolate(coarse, (160, 320), mode="bilinear")[0].movedim(0, -1).numpy()
    return [fine[:, 160 - step * k : 320 - step * k].astype(np.uint8) for k in range(count)]


def test_what_moves_with_the_joints_does_not_flicker() -> None:
    with_them = flicker(pictures(4, 3), body(4, 3))
    against = flicker(pictures(4, 3), body(4, 0))
    assert with_them < 0.3 * against
    assert flicker([pictures(1, 0)[0]] * 3, body(3, 0)) < 0.01


def test_light_that_changes_flickers_by_as_much() -> None:
    first = np.full((160, 160, 3), 100, np.uint8)
    assert flicker([first, first + 7, first], body(3, 0)) == pytest.approx(7, abs=0.01)


def test_the_flow_of_joints_turns_with_a_limb() -> None:
    now = body(1, 0)[0]
    now[3, :2], now[4, :2] = torch.tensor([10.0, 62.0]), torch.tensor([6.0, 90.0])  # away from the trunk
    before = now.clone()
    before[4, :2] += torch.tensor([10.0, 0.0])  # the right hand came from further in
    flow = flow_of_joints(now, before, 160, 160)
    x, y = (round(float(value)) for value in now[4, :2])
    came = (float(flow[0, y, x]) + 1) * 80 - 0.5
    assert came == pytest.approx(x + 10, abs=2)
    x, y = (round(float(value)) for value in now[0, :2])
    assert (float(flow[0, y, x]) + 1) * 80 - 0.5 == pytest.approx(x, abs=0.1)


def test_the_played_detector_misses_and_shakes() -> None:
    given = motion(moving(400)[0])
    seen = played_detector(given, np.random.default_rng(0))
    assert np.isnan(seen.joints[..., 0]).mean() == pytest.approx(MISSED, abs=0.01)
    again = played_detector(given, np.random.default_rng(0))
    assert np.array_equal(seen.joints, again.joints, equal_nan=True)
    apart = np.linalg.norm(seen.joints - given.joints, axis=2) / 100  # of a trunk of 100 pixels
    assert np.nanmedian(apart) == pytest.approx(0.059, abs=0.01)


def test_the_table_has_the_newest_line_of_each_clip() -> None:
    def line(steadied: float, **more: object) -> dict[str, object]:
        values = dict(zip(WAYS, (10.0, steadied, 1.0), strict=True))
        found = Steadiness("p1", "walk", 8, 100, 80, values, values, {"frame by frame": 0.1, "steadied": 0.05})
        return {**found.line(), "model": "m", "seed": 1, "commit": "abc", "hardware": "two cores", **more}

    table = steadiness_table([line(9.0), line(4.0)])
    assert "| walk | p1 | 8 | 10.000 | 4.000 | 1.000 | 0.40 |" in table
    assert "0.90" not in table
    with pytest.raises(ValueError, match="no line"):
        steadiness_table([])
