"""Measure the lifter: bodies of unseen seeds from exact, shaken and detected joints, and the maps drawn of them.

    REPOSE_FILES=<folder with movenet_lightning.tflite> python scripts/measure_lifter.py --errors errors.npz

Lengths in space are in per cent of the person's height. `sign` is the share of skeletons with a limb that is inclined
by more than 0.35 of its length and lifted the other way by more than 0.15.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from measure_joint_errors import joint_turns, look, takes_of

from repose.body.joint_noise import EXACT, THRESHOLD, Detections, detect, read_errors
from repose.body.lift import LifterWeights, lift, lift_batch, load_lifter
from repose.body.model import load_body
from repose.body.pose_space import COEFFICIENTS, space_of
from repose.body.posed_body import PosedBody
from repose.body.raster import raster
from repose.body.samples import Samples, sample, skin_rows
from repose.estimate.movenet import MoveNet
from repose.person import MIRROR
from repose.render.draw.render import Renderer
from repose.render.people import Subject, render_takes, sample_subject
from repose.render.place.views import sample_shot
from repose.render.pose.poses import sample_pose
from repose.render.takes import Take

LIMBS = ((2, 3), (3, 4), (5, 6), (6, 7), (8, 9), (9, 10), (11, 12), (12, 13))
HEIGHT, WIDTH = 256, 176


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="file; the shipped one without")
    parser.add_argument("--errors", type=Path, help="of scripts/measure_joint_errors.py: detected joints of skeletons")
    parser.add_argument("--poses", type=int, default=250, help="4 skeletons each")
    parser.add_argument("--people", type=int, default=60, help="rendered, 2 pictures each, half of them of the street")
    parser.add_argument("--seed", type=int, default=777)
    args = parser.parse_args()
    torch.set_num_threads(1)
    weights = load_lifter(args.weights)
    if args.poses:
        _skeletons(weights, args.errors, args.poses, args.seed)
    if args.people:
        _pictures(weights, args.people, args.seed)


def _show(name: str, values: dict[str, float]) -> None:
    print(name.ljust(36), " ".join(f"{key} {value:.3g}" for key, value in values.items()), flush=True)


# -- skeletons --------------------------------------------------------------------------------------------------------


def _skeletons(weights: LifterWeights, errors: Path | None, poses: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = sample(rng, poses, lambda r, style: sample_pose(r, style).angles, sample_shot, views=2, wild=0)
    known = None if errors is None else read_errors(errors)
    cases: list[tuple[str, Detections, float | None]] = []
    if known is not None:
        exact = detect(np.random.default_rng(5), samples, known, (1, 0, 0), change=False)
        shaken = detect(np.random.default_rng(5), samples, known, (1, 0, 0), change=False)
        metre = (samples.height * samples.camera[:, 2])[:, None, None]
        shaken.joints[:] += np.random.default_rng(6).standard_normal(shaken.joints.shape) * 0.015 * metre
        found = detect(np.random.default_rng(5), samples, known, (0, 0, 1), change=False)
        cases = [("exact", exact, EXACT), ("off by 1.5 % of the height", shaken, 0.018), ("MoveNet's", found, None)]
    for name, case, noise in cases:
        good = case.located.sum(1) >= 5
        joints = np.concatenate([case.joints, case.located[..., None]], -1)[good]
        for steps in (0, 4):
            begun = time.process_time()
            given = _scored(case.noise[good], weights) if noise is None else None
            bodies = lift_batch(joints, scores=given, noise=noise, steps=steps, weights=weights)
            spent = (time.process_time() - begun) / len(bodies) * 1e3
            values = _against(bodies, samples[good]) | {"ms": spent}
            values["other reading"] = 100 * float(np.mean([body.reading != "as named" for body in bodies]))
            _show(f"{name} joints, {steps} steps, {len(bodies)}", values)
    if known is not None:
        good = found.located.sum(1) >= 5
        joints = np.concatenate([found.joints, found.located[..., None]], -1)[good]
        scores = _scored(found.noise[good], weights)
        for name, order in (("as found", list(range(18))), ("all exchanged", list(MIRROR))):
            bodies = lift_batch(joints[:, order], scores=scores[:, order], weights=weights)
            _show(f"readings chosen, joints {name}", {r: sum(b.reading == r for b in bodies) for r in _READINGS})
        print(
            "in truth exchanged:", int((found.reading[good] == 1).sum()), "legs:", int((found.reading[good] == 2).sum())
        )


_READINGS = ("as named", "left and right exchanged", "legs exchanged")


def _scored(noise: np.ndarray, weights: LifterWeights) -> np.ndarray:
    """Scores that stand for these deviations."""
    grid = np.linspace(0.05, 0.95, 91)
    table = np.stack([weights.noise.of(np.full(18, score)) for score in grid])  # (91, 18)
    return grid[np.abs(table[None] - noise[:, None]).argmin(1)]


def _against(bodies: list[PosedBody], samples: Samples) -> dict[str, float]:
    got, want, tall = np.stack([b.joints for b in bodies]), samples.points[:, :18], samples.height
    hips = (got[:, 8:9] + got[:, 11:12]) / 2, (want[:, 8:9] + want[:, 11:12]) / 2
    a, b = got - hips[0], want - hips[1]
    error = np.linalg.norm(a - b, axis=-1) / tall[:, None] * 100
    scale = (a * b).sum((1, 2)) / (a**2).sum((1, 2))
    scaled = np.linalg.norm(a * scale[:, None, None] - b, axis=-1) / tall[:, None] * 100
    skin = np.stack([body.vertices[skin_rows()] for body in bodies]) - hips[0]
    flat = np.stack([body.keypoints for body in bodies])
    inside = ((samples.joints >= -0.5) & (samples.joints <= samples.size[:, None, ::-1] - 0.5)).all(-1)
    metre = (tall * samples.camera[:, 2])[:, None]
    seen = np.linalg.norm(flat - samples.joints, axis=-1) / metre * 100
    front = [np.cross(j[:, 5] - j[:, 2], j[:, 1]) for j in (a, b)]
    wrong = []
    for first, last in LIMBS:
        one, two = a[:, last, 2] - a[:, first, 2], b[:, last, 2] - b[:, first, 2]
        length = np.linalg.norm(b[:, last] - b[:, first], axis=-1)
        wrong.append((one * two < 0) & (abs(two) > 0.35 * length) & (abs(one) > 0.15 * length))
    return {
        "joints": error.mean(), "median": float(np.median(error)), "scaled": scaled.mean(),
        "skin": (np.linalg.norm(skin - (samples.skin - hips[1]), axis=-1) / tall[:, None] * 100).mean(),
        "in picture": seen[inside].mean(), "flips": 100 * float(((front[0] * front[1]).sum(1) < 0).mean()),
        "sign": 100 * float(np.stack(wrong).any(0).mean()), "99 %": float(np.quantile(error.mean(1), 0.99)),
    }  # fmt: skip


# -- rendered people --------------------------------------------------------------------------------------------------


def _pictures(weights: LifterWeights, people: int, seed: int) -> None:
    detector = MoveNet()
    rows: dict[tuple[str, str], list[dict[str, float]]] = {}
    rng = np.random.default_rng(seed)
    with Renderer(HEIGHT, WIDTH) as renderer:
        for person in range(people):
            style = "street" if person % 2 == 0 else "fashion"
            subject = sample_subject(renderer, 100_000 + seed, person, style)
            takes = takes_of(renderer, subject, 100_000 + seed, person, style, 2)
            for take, picture in zip(takes, render_takes(renderer, subject, takes), strict=True):
                true = _maps(_true_body(subject, take))
                dressed = np.moveaxis(picture.iuv.astype(np.float32), -1, 0) / np.array([1, 255, 255])[:, None, None]
                _add(rows, style, "the true naked body", None, true, dressed)
                for name, joints, options in _joints(picture.keypoints, look(detector, picture.image), take, rng):
                    if (joints[:, 2] > 0).sum() >= 5:
                        body = lift(joints, weights=weights, **options)
                        _add(rows, style, name, _maps(body), true, dressed)
    for (style, name), values in rows.items():
        _show(f"{style}, {name}, {len(values)}", {k: float(np.nanmean([v[k] for v in values])) for k in values[0]})


def _joints(true: np.ndarray, found: np.ndarray, take: Take, rng: np.random.Generator) -> Iterator[tuple]:
    exact = true.astype(np.float64)
    shaken = exact.copy()
    shaken[:, :2] += rng.standard_normal((18, 2)) * 0.015 * 1.7 * take.shot.scale * (exact[:, 2:] > 0)
    located = found.astype(np.float64)
    located[:, 2] = (found[:, 2] >= THRESHOLD) & (found[:, :2] > -0.5).all(1)
    located[:, 2] *= (found[:, 0] < WIDTH - 0.5) & (found[:, 1] < HEIGHT - 0.5)
    yield "exact joints, network alone", exact, {"noise": EXACT, "steps": 0}
    yield "exact joints", exact, {"noise": EXACT}
    yield "joints off by 1.5 %", shaken, {"noise": 0.018}
    yield "MoveNet with scores", located, {"scores": found[:, 2]}
    yield "MoveNet without scores", located, {}


def _true_body(subject: Subject, take: Take) -> PosedBody:
    body = load_body()
    mean, basis = space_of(body)
    shape = subject.dressed.shape
    both = np.concatenate([shape.vertices, shape.pivots]).astype(np.float64)
    rows = np.arange(0, len(both), 7)
    coefficients = np.linalg.lstsq(
        basis[:, rows].reshape(COEFFICIENTS, -1).T, (both - mean)[rows].reshape(-1), rcond=None
    )
    shot = take.shot
    root = shot.view[:, :3].astype(np.float64) @ shape.pivots[0] + shot.view[:, 3]
    distance = shot.distance - root[2]
    scale = shot.scale * shot.distance / distance
    camera = np.array([shot.centre[0] + scale * root[0], shot.centre[1] - scale * root[1], scale, distance])
    return PosedBody(joint_turns(take), coefficients[0], camera)


def _maps(body: PosedBody) -> np.ndarray:
    """(7, H, W): IUV, canonical place, depth."""
    maps = raster(body, HEIGHT, WIDTH)
    return np.concatenate([maps.iuv, maps.canon, maps.depth[None]])


def _add(
    rows: dict[tuple[str, str], list[dict[str, float]]], style: str, name: str, got: np.ndarray | None,
    true: np.ndarray, dressed: np.ndarray,
) -> None:  # fmt: skip
    values: dict[str, float] = {}
    if got is not None:
        values |= _agreement(got, true, "naked ")
        both = (got[0] > 0) & (true[0] > 0)
        away = np.linalg.norm(got[3:6] - true[3:6], axis=0)[both] * 100
        depth = (got[6] - true[6])[both] * 100
        values["place cm"] = float(np.median(away)) if both.any() else np.nan
        values["depth cm"] = float(np.abs(depth - np.median(depth)).mean()) if both.any() else np.nan
    values |= _agreement(true if got is None else got, dressed, "dressed ")
    rows.setdefault((style, name), []).append(values)


def _agreement(one: np.ndarray, two: np.ndarray, prefix: str) -> dict[str, float]:
    """IoU, parts that agree among the pixels of either, and the error of u and v where they do."""
    a, b = one[0] > 0, two[0] > 0
    either, same = (a | b).sum(), a & b & (one[0] == two[0])
    chart = np.linalg.norm(one[1:3] - two[1:3], axis=0)[same]
    return {
        f"{prefix}IoU": (a & b).sum() / max(either, 1),
        f"{prefix}parts": same.sum() / max(either, 1),
        f"{prefix}uv": float(chart.mean()) if same.any() else np.nan,
    }


if __name__ == "__main__":
    main()
