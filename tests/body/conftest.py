"""Bodies of the renderer's poses and cameras, with their joints, for all tests here."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("numba")
pytest.importorskip("scipy")

from repose.body.posed_body import PosedBody
from repose.body.samples import Samples, sample
from repose.render.place.views import sample_shot
from repose.render.pose.poses import sample_pose


@pytest.fixture(scope="session")
def samples() -> Samples:
    """48 bodies of unseen seeds, as the renderer poses them."""
    rng = np.random.default_rng(515_151)
    return sample(rng, 12, lambda r, style: sample_pose(r, style).angles, sample_shot, views=2, wild=0)


@pytest.fixture(scope="session")
def bodies(samples: Samples) -> list[PosedBody]:
    """The same bodies, true."""
    columns = (samples.turns, samples.coefficients, samples.camera)
    return [PosedBody(*row) for row in zip(*(c.astype(np.float64) for c in columns), strict=True)]


@pytest.fixture(scope="session")
def keypoints(samples: Samples) -> np.ndarray:
    """(N, 18, 3) of those with at least 10 joints in the picture; the others are missing there."""
    height, width = samples.size[:, :1], samples.size[:, 1:]
    x, y = samples.joints[..., 0], samples.joints[..., 1]
    inside = (x > -0.5) & (y > -0.5) & (x < width - 0.5) & (y < height - 0.5)
    out = np.concatenate([samples.joints * inside[..., None], inside[..., None]], -1).astype(np.float64)
    out[inside.sum(1) < 10] = 0
    return out
