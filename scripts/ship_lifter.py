"""Make weights of a trained lifter: float16, the covariances of its errors, and the detector's noise.

python scripts/ship_lifter.py runs/lifter weights/body-lifter --errors errors.npz
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from repose.body.joint_noise import read_errors
from repose.body.samples import sample
from repose.body.train_lifter import STATE, load_state, ship
from repose.render.place.views import sample_shot
from repose.render.pose.poses import sample_pose


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="folder of scripts/train_lifter.py")
    parser.add_argument("out", type=Path, help="folder for weights.safetensors")
    parser.add_argument("--errors", type=Path, required=True)
    parser.add_argument("--poses", type=int, default=1500, help="held-out poses, 8 samples each")
    parser.add_argument("--seed", type=int, default=90_001)
    args = parser.parse_args()
    torch.set_num_threads(1)
    rng = np.random.default_rng(args.seed)
    held = sample(rng, args.poses, lambda r, style: sample_pose(r, style).angles, sample_shot)
    size = ship(load_state(args.run / STATE), held, read_errors(args.errors), args.out / "weights.safetensors", rng)
    print(f"{args.out / 'weights.safetensors'}: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
