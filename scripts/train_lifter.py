"""Train the body's lifter on poses and cameras of the synthetic people, without drawing any.

    python scripts/measure_joint_errors.py errors.npz
    python scripts/train_lifter.py runs/lifter --errors errors.npz --steps 20000

A run that was stopped goes on where its last checkpoint is. scripts/ship_lifter.py makes weights of it.
"""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

import torch

from repose.body.joint_noise import read_errors
from repose.body.train_lifter import Plan, train
from repose.render.place.views import sample_shot
from repose.render.pose.poses import sample_pose


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="for checkpoint and log")
    parser.add_argument("--errors", type=Path, required=True, help="file of scripts/measure_joint_errors.py")
    parser.add_argument("--threads", type=int, default=1)
    for field in fields(Plan):
        parser.add_argument(f"--{field.name}", type=type(field.default), default=field.default)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    plan = Plan(**{field.name: getattr(args, field.name) for field in fields(Plan)})
    train(args.folder, plan, lambda rng, style: sample_pose(rng, style).angles, sample_shot, read_errors(args.errors))


if __name__ == "__main__":
    main()
