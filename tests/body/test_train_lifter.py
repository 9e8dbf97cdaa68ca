"""Samples, replayed errors of a detector, and training that goes on where it stopped."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from repose.body.joint_noise import EXACT, JointErrors, detect, turn_of_trunk
from repose.body.lift import lift, load_lifter
from repose.body.lifter import Lifted, Lifter, decode, mirror_input, mirror_output, pose, project
from repose.body.pose_space import mirror_turns
from repose.body.samples import POINTS, Samples, joint_frames, projected, skin_rows
from repose.body.train_lifter import STATE, Plan, covariance, load_state, ship, train
from repose.person import MIRROR
from repose.render.place.views import sample_shot
from repose.render.pose.poses import sample_pose

COUNT = 60


@pytest.fixture(scope="module")
def errors() -> JointErrors:
    """Errors of a detector with shoulders 3 cm further out, surer where it is better, that exchanges legs once."""
    rng = np.random.default_rng(0)
    score = rng.uniform(0.3, 0.9, (COUNT, 18))
    frame = np.zeros((COUNT, 18, 2, 3))
    frame[..., 0, 0], frame[..., 1, 2] = 0.5, -0.5  # seen from the front, a metre is half a box
    residual = rng.standard_normal((COUNT, 18, 2)) * 0.02 * (1 - score)[..., None]
    offset = np.zeros((18, 3))
    offset[5, 0], offset[2, 0] = 0.03, -0.03
    residual += np.einsum("njab,jb->nja", frame, offset)
    mirrored = np.zeros((COUNT, 18), bool)
    mirrored[0, [9, 10, 12, 13]] = True
    reading = np.zeros(COUNT, np.int64)
    reading[0] = 2
    return JointErrors(
        residual.astype(np.float32), mirrored, score.astype(np.float32), np.ones((COUNT, 18), bool),
        np.arange(COUNT) % 2 == 0, np.arange(COUNT) % 4, reading, frame.astype(np.float32),
    )  # fmt: skip


def test_samples_are_one_body_in_one_picture(samples: Samples) -> None:
    assert samples.skin.shape[1] == POINTS == len(set(skin_rows().tolist()))
    assert np.abs(projected(samples.points[:, :18], samples.camera) - samples.joints).max() < 0.01
    assert ((samples.height > 0.9) & (samples.height < 2.3)).all()
    said = Lifted(
        torch.from_numpy(samples.turns), torch.from_numpy(samples.coefficients), torch.zeros(1), torch.zeros(1)
    )
    points, skin = pose(said)
    assert (points - torch.from_numpy(samples.points)).abs().max() < 1e-4
    assert (skin - torch.from_numpy(samples.skin)).abs().max() < 1e-4
    camera = torch.from_numpy(samples.camera).clone()
    camera[:, 2:] = camera[:, 2:].log()
    assert (project(points[:, :18], camera) - torch.from_numpy(samples.joints)).abs().max() < 0.02
    front = turn_of_trunk(samples.points)
    assert front.min() < -0.5
    assert front.max() > 0.5


def test_outputs_of_the_mirror_image_are_the_mirrored_body() -> None:
    torch.manual_seed(0)
    net = Lifter(32, 1)
    torch.nn.init.normal_(net.last.weight, std=0.05)
    x = torch.randn(4, 72)
    raw = net(x)
    one, two = decode(mirror_output(raw)), decode(raw)
    assert np.abs(one.turns.detach().numpy() - mirror_turns(two.turns.detach().numpy())).max() < 1e-6
    flip = torch.tensor([-1.0, 1, 1])
    assert (pose(one)[0][:, :18] - pose(two)[0][:, list(MIRROR)] * flip).abs().max() < 1e-5
    assert (one.camera - two.camera * torch.tensor([-1.0, 1, 1, 1])).abs().max() < 1e-6
    assert (net.both(mirror_input(x)) - mirror_output(net.both(x))).abs().max() < 1e-6


def test_offsets_and_deviations_are_found_again(errors: JointErrors) -> None:
    noise = errors.noise
    assert noise.offsets[5] == pytest.approx([0.03, 0, 0], abs=0.004)
    assert noise.offsets[2] == pytest.approx([-0.03, 0, 0], abs=0.004)
    assert np.abs(noise.offsets[[0, 4, 9]]).max() < 0.006
    sure, unsure = noise.of(np.full(18, 0.85)), noise.of(np.full(18, 0.35))
    assert (sure < unsure).all()
    assert unsure[4] == pytest.approx(0.02 * 0.65, rel=0.4)
    assert np.array_equal(noise.of(None), noise.unknown)


def test_exact_joints_are_the_true_ones(samples: Samples, errors: JointErrors) -> None:
    got = detect(np.random.default_rng(0), samples, errors, (1, 0, 0), change=False)
    assert np.array_equal(got.joints, samples.joints)
    assert (got.located == got.inside).all()
    assert (got.noise == np.float32(EXACT)).all()
    assert not got.reading.any()


def test_replayed_joints_have_the_errors_of_the_detector(samples: Samples, errors: JointErrors) -> None:
    got = detect(np.random.default_rng(0), samples, errors, (0, 0, 1), change=False)
    on = got.located & got.inside & (got.reading == 0)[:, None]
    high = np.where(got.inside[..., None], samples.joints, -np.inf).max(1)
    low = np.where(got.inside[..., None], samples.joints, np.inf).min(1)
    away = np.linalg.norm(got.joints - samples.joints, axis=-1) / (high - low).max(1)[:, None]
    assert 0.003 < away[on].mean() < 0.03
    most = np.arange(COUNT) >= 8
    swapped = replace(errors, reading=np.where(most, 2, 0), mirrored=most[:, None] & errors.mirrored[:1])
    got = detect(np.random.default_rng(0), samples, swapped, (0, 0, 1), change=False)
    assert (got.reading == 2).mean() > 0.5
    both = (got.reading == 2) & got.located[:, [9, 12]].all(1) & got.inside[:, [9, 12]].all(1)
    apart = np.linalg.norm(got.joints[both, 9] - samples.joints[both, 12], axis=-1)
    assert np.median(apart) < 10


def test_changed_skeletons_keep_five_joints_and_say_what_was_exchanged(samples: Samples, errors: JointErrors) -> None:
    many = samples[np.tile(np.arange(len(samples)), 20)]
    many = many[np.flatnonzero(detect(np.random.default_rng(0), many, errors, (1, 0, 0), False).located.sum(1) >= 5)]
    got = detect(np.random.default_rng(1), many, errors, (1, 0, 0))
    assert got.located.sum(1).min() >= 5
    assert (got.located.sum(1) < got.inside.sum(1)).mean() > 0.15
    whole = got.reading == 1
    assert 0.03 < whole.mean() < 0.1
    assert not got.learn[whole].any()
    near = np.abs(got.joints[whole][:, list(MIRROR)] - many.joints[whole]).max(-1) < 1e-3
    assert near.mean() > 0.95


def test_frames_are_the_derivative_of_the_joints(samples: Samples) -> None:
    frames = joint_frames(samples.turns[0].astype(np.float64))
    assert np.abs(np.linalg.norm(frames[4], axis=0) - 1).max() < 0.05  # the wrist is nearly one bone's


def test_training_goes_on_and_ships(tmp_path: Path, samples: Samples, errors: JointErrors) -> None:
    plan = Plan(steps=6, batch=16, warmup=2, first=2, fresh=1, every=3, most=64, width=32, blocks=1, log=2)
    lines: list[str] = []

    def angles(rng: np.random.Generator, style: str) -> np.ndarray:
        return sample_pose(rng, style).angles

    train(tmp_path, replace(plan, steps=4), angles, sample_shot, errors, lines.append)
    half = load_state(tmp_path / STATE)
    net = train(tmp_path, plan, angles, sample_shot, errors, lines.append)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log] == [2, 4, 6]
    assert all(np.isfinite(line["loss"]) for line in log)
    assert any("from step 4" in line for line in lines)
    assert not torch.equal(half.last.weight, net.last.weight)
    assert torch.equal(load_state(tmp_path / STATE).last.weight, net.last.weight)
    size = ship(net, samples, errors, tmp_path / "w.safetensors", np.random.default_rng(0))
    assert size < 200_000
    weights = load_lifter(tmp_path / "w.safetensors")
    assert np.allclose(weights.noise.offsets, errors.noise.offsets, atol=1e-6)
    row = np.concatenate([samples.joints[0], np.ones((18, 1))], 1)
    assert np.isfinite(lift(row, weights=weights).vertices).all()


def test_covariance_is_that_of_the_errors(samples: Samples, errors: JointErrors) -> None:
    got = covariance(Lifter(32, 1), samples, detect(np.random.default_rng(0), samples, errors, (1, 0, 0), False))
    assert got.shape == (97, 97)
    assert np.allclose(got, got.T)
    assert np.linalg.eigvalsh(got).min() > 0
