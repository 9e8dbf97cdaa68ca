#!/usr/bin/env bash
# torchmetrics 1.9.0: a picture compared with itself scores 0.59 in universal_image_quality_index if half of it is white.
#
# Windows without contrast count 0 instead of 1, so a person before a white wall, as in DeepFashion, gets a score that
# says how much of the picture is wall. Wholly white pictures score 0. The spectral angle of a picture to itself is NaN
# as soon as one pixel is black, and visual_information_fidelity of two equal grey pictures is NaN. sewar 0.4.10 gives 1
# for the first. Seen on 2026-11-30, on a CPU, on computed pictures of 128x64.
#
# Fails if torchmetrics scores the picture with itself above 0.9, or the other two are numbers.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 torchmetrics==1.9.0 sewar==0.4.10
cat > "$work/score.py" <<'PYTHON'
import math
import sys
import warnings

import torch
import torchmetrics
from sewar.full_ref import uqi
from torchmetrics.functional.image import spectral_angle_mapper, universal_image_quality_index, visual_information_fidelity

warnings.simplefilter("ignore")
person = torch.rand(1, 3, 128, 32, generator=torch.Generator().manual_seed(0))
wall = torch.ones(1, 3, 128, 32)
scores = {
    "person alone": float(universal_image_quality_index(person, person)),
    "person and white wall": float(universal_image_quality_index(*[torch.cat([person, wall], 3)] * 2)),
    "white wall": float(universal_image_quality_index(wall, wall)),
}
pixels = (torch.cat([person, wall], 3)[0].permute(1, 2, 0).numpy() * 255).round().astype("uint8")
dark = person.clone()
dark[..., 5, 5] = 0
angle = float(spectral_angle_mapper(dark, dark))
grey = torch.full((1, 3, 64, 64), 0.5)
fidelity = float(visual_information_fidelity(grey, grey))
print(f"torchmetrics {torchmetrics.__version__}, a picture and itself:", {k: round(v, 3) for k, v in scores.items()})
print(f"sewar, person and white wall: {uqi(pixels, pixels):.3f}")
print(f"spectral angle with one black pixel: {angle}; visual information fidelity of grey: {fidelity}")
right = scores["person alone"] > 0.99 and uqi(pixels, pixels) > 0.99
sys.exit(not (right and scores["person and white wall"] < 0.9 and scores["white wall"] == 0
              and math.isnan(angle) and math.isnan(fidelity)))
PYTHON
"$work/venv/bin/python" "$work/score.py"
echo "As described."
