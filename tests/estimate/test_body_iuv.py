"""IUV from the joints alone: against bodies whose IUV is known, and where it cannot be had."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

pytest.importorskip("numba")
pytest.importorskip("scipy")

from repose.body.posed_body import PosedBody
from repose.body.raster import raster
from repose.body.samples import sample
from repose.estimate import complete, estimator
from repose.estimate.body_iuv import BodyIUV
from repose.person import IUV_MIRROR, MIRROR, Person
from repose.render.place.views import sample_shot
from repose.render.pose.poses import sample_pose

HEIGHT, WIDTH = 256, 176


@pytest.fixture(scope="module")
def bodies() -> list[tuple[PosedBody, torch.Tensor]]:
    """Bodies of unseen seeds of whom every joint is in the picture, with these joints."""
    rng = np.random.default_rng(606_060)
    rows = sample(rng, 16, lambda r, style: sample_pose(r, style).angles, sample_shot, views=1, wild=0)
    out = []
    for k in range(len(rows)):
        joints, size = rows.joints[k], rows.size[k]
        if (size == (HEIGHT, WIDTH)).all() and (joints > 0).all() and (joints < size[::-1] - 1).all():
            columns = (rows.turns[k], rows.coefficients[k], rows.camera[k])
            keypoints = torch.cat([torch.from_numpy(joints), torch.ones(18, 1)], 1)
            out.append((PosedBody(*(column.astype(np.float64) for column in columns)), keypoints))
    assert len(out) > 5
    return out


def test_it_covers_the_true_body_with_its_parts(bodies: list[tuple[PosedBody, torch.Tensor]]) -> None:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    covered, named, far = [], [], []
    for body, keypoints in bodies:
        true, got = raster(body, HEIGHT, WIDTH).iuv, BodyIUV().iuv(image, keypoints).numpy()
        either, both = (true[0] > 0) | (got[0] > 0), (true[0] > 0) & (got[0] > 0)
        same = both & (true[0] == got[0])
        covered.append(both.sum() / either.sum())
        named.append(same.sum() / both.sum())
        far.append(np.abs(true[1:] - got[1:])[:, same].mean())
    assert np.mean(covered) > 0.7
    assert np.mean(named) > 0.75
    assert np.mean(far) < 0.15


def test_a_mirrored_person_has_the_mirrored_parts(bodies: list[tuple[PosedBody, torch.Tensor]]) -> None:
    image, network = np.zeros((HEIGHT, WIDTH, 3), np.uint8), BodyIUV()
    for _, keypoints in bodies[:3]:
        there = keypoints[list(MIRROR)].clone()
        there[:, 0] = WIDTH - 1 - there[:, 0]
        one = network.iuv(image, keypoints).flip(-1)
        two = network.iuv(image, there)
        assert float((torch.tensor(IUV_MIRROR)[one[0].long()] == two[0].long()).float().mean()) > 0.98


@pytest.mark.parametrize("located", [[], [0], [0, 1, 2, 5]])
def test_too_few_joints_give_nothing(bodies: list[tuple[PosedBody, torch.Tensor]], located: list[int]) -> None:
    keypoints = torch.zeros(18, 3)
    keypoints[located] = bodies[0][1][located]
    assert not BodyIUV().iuv(np.zeros((HEIGHT, WIDTH, 3), np.uint8), keypoints).any()


def test_complete_fills_it(bodies: list[tuple[PosedBody, torch.Tensor]]) -> None:
    keypoints = bodies[0][1]
    person = Person(image=torch.zeros(3, HEIGHT, WIDTH), keypoints=keypoints)
    person, origin = complete(person, "iuv", {"iuv": "body"})
    assert origin == {"iuv": BodyIUV.name}
    assert person.iuv is not None
    expected = estimator("body", field="iuv").iuv(np.zeros((HEIGHT, WIDTH, 3), np.uint8), keypoints)
    assert torch.equal(person.iuv, expected)


def test_without_numba() -> None:
    """Nothing but the estimator needs numba, and its absence says what to install."""
    code = """
import sys
sys.modules["numba"] = None
import torch, repose, repose.body, repose.pipeline
from repose.estimate import MissingFieldError, complete
person = repose.Person(image=torch.zeros(3, 64, 32), keypoints=torch.ones(18, 3))
try:
    complete(person, "iuv")
except MissingFieldError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "needs numba, which is not installed" in done.stdout
    assert "install Repose, or numba, anew" in done.stdout
