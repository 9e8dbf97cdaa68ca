"""Run MoveNet over rendered people and keep what it says beside the true joints: the errors that lifting learns from.

    REPOSE_FILES=<folder with movenet_lightning.tflite> python scripts/measure_joint_errors.py errors.npz --people 300

One person gives `--pictures` pictures, the first half of the people in street style, the others in fashion style,
256x176. The file holds float32 arrays: `truth` (N, 18, 2) pixels, also of joints outside the picture, `visible`
(N, 18), `found` (N, 18, 2) and `score` (N, 18) of MoveNet, `height` (N,) pixels that the body's height spans, `street`
(N,) and `front` (N,), the cosine between the direction that the trunk faces and the direction to the camera; `frame`
(N, 18, 3, 3), what a step of each joint in rest axes becomes in camera axes, and `metre` (N, 18), the pixels that a
metre spans there.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import torch

from repose.body.kinematics import bone_turns
from repose.body.model import load_body
from repose.body.pose_space import JOINT_COUNT, turns_of_bones
from repose.body.rig import BONES, rig_of
from repose.body.samples import joint_frames
from repose.estimate.movenet import MoveNet
from repose.person import JOINTS
from repose.render.draw.render import Renderer
from repose.render.people import Subject, light_of, pose_bones, render_takes, sample_subject
from repose.render.place.views import sample_shot
from repose.render.pose.poses import sample_pose
from repose.render.takes import Take, along_body, ground_of
from repose.represent.keypoints import SKELETONS, from_skeleton


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--people", type=int, default=300)
    parser.add_argument("--pictures", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1300)
    args = parser.parse_args()
    rows: dict[str, list[np.ndarray]] = {}
    begun = time.time()
    detector = MoveNet(version=1)
    with Renderer(256, 176) as renderer:
        for person in range(args.people):
            style = "street" if person % 2 == 0 else "fashion"
            for row in pictures_of(renderer, detector, args.seed, person, style, args.pictures):
                for name, value in row.items():
                    rows.setdefault(name, []).append(np.asarray(value, np.float32))
            if person % 20 == 19 or person == args.people - 1:
                np.savez_compressed(args.out, **{name: np.stack(values) for name, values in rows.items()})
                print(f"{person + 1} people, {len(rows['score'])} pictures, {time.time() - begun:.0f} s", flush=True)


def takes_of(renderer: Renderer, subject: Subject, seed: int, person: int, style: str, count: int) -> list[Take]:
    """Random takes of one person."""
    rngs = [np.random.default_rng([seed, person, k + 1]) for k in range(count)]
    poses = [sample_pose(rng, style, subject.dressed.girth) for rng in rngs]
    transforms, points = pose_bones(renderer.body, subject.dressed, poses)
    shots = [sample_shot(r, p, renderer.height, renderer.width, style) for r, p in zip(rngs, points, strict=True)]
    lights = [light_of(subject, r, s) for r, s in zip(rngs, shots, strict=True)]
    return [
        Take(poses[k], transforms[k], points[k], shots[k], along_body(lights[k], shots[k].azimuth_deg),
             ground_of(shots[k], points[k]), rngs[k])
        for k in range(count)
    ]  # fmt: skip


def pictures_of(
    renderer: Renderer, detector: MoveNet, seed: int, person: int, style: str, count: int
) -> Iterator[dict[str, object]]:
    """Rows of one person's pictures."""
    subject = sample_subject(renderer, seed, person, style)
    takes = takes_of(renderer, subject, seed, person, style, count)
    tall = float(np.ptp(subject.dressed.shape.vertices[:, 2]))
    for take, picture in zip(takes, render_takes(renderer, subject, takes), strict=True):
        joints = look(detector, picture.image)
        across, up = take.points[5] - take.points[2], take.points[1] - (take.points[8] + take.points[11]) / 2
        facing = np.cross(up, across)
        flat = take.shot.project(take.points[:JOINT_COUNT])
        yield {
            "truth": flat[:, :2],
            "visible": picture.keypoints[:, 2],
            "found": joints[:, :2],
            "score": joints[:, 2],
            "height": tall * take.shot.scale,
            "street": style == "street",
            "front": -(facing / np.linalg.norm(facing)) @ take.shot.view[2, :3],
            "frame": joint_frames(joint_turns(take)),
            "metre": take.shot.scale / (1 - flat[:, 2] / take.shot.distance),
        }


def joint_turns(take: Take) -> np.ndarray:
    """(23, 3, 3) the turns of a take's body, to camera axes."""
    turns = turns_of_bones(bone_turns(take.pose.angles.astype(np.float64), rig_of(load_body()).vec), BONES)
    turns[0] = take.shot.view[:, :3] @ turns[0]
    return turns


def look(detector: MoveNet, image: np.ndarray) -> np.ndarray:
    """(18, 3): x, y in pixel index units and score of every joint, none left out."""
    height, width = image.shape[:2]
    joints = detector.look(PIL.Image.fromarray(image), width / 2, height / 2, max(width, height), matched=False)
    points = torch.from_numpy(joints - (0.5, 0.5, 0)).float()
    out = from_skeleton(points, "coco17").numpy()
    ours = [JOINTS.index(name) for name in SKELETONS["coco17"]]
    out[ours, 2] = joints[:, 2]
    out[1, 2] = out[[2, 5], 2].min()  # the neck is the middle of the shoulders
    return out


if __name__ == "__main__":
    main()
