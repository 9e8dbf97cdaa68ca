#!/usr/bin/env bash
# albumentations 2.0.8: Resize leaves keypoints beside the picture, by half a pixel of the smaller picture.
#
# A dot at (20, 50) of a 64x128 picture, enlarged to 512x1024, lies at (163.5, 403.5); the keypoint that goes with it at
# (160, 400). Halved, the dot lies at (9.75, 24.75) and the keypoint at (10, 25). Flips, rotations and affine changes keep
# the two together to a hundredth of a pixel, so these take coordinates at the middles of pixels, and Resize takes them at
# the corners: flip and Resize in the other order give keypoints 7 pixels apart. Small pictures are hit most, as those of
# re-identification are, when they are enlarged for a pose network. LongestMaxSize does the same. Seen on 2026-11-30.
#
# Fails if an enlarged dot and its keypoint are less than 3 pixels apart, or if the other changes separate them.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    albumentations==2.0.8 opencv-python-headless==4.13.0.92 numpy==2.3.5
NO_ALBUMENTATIONS_UPDATE=1 "$work/venv/bin/python" - <<'PYTHON'
import sys

import albumentations
import numpy as np
from albumentations import Affine, Compose, HorizontalFlip, KeypointParams, Resize, Rotate

ROWS, COLUMNS = 128, 64
rows, columns = np.mgrid[0:ROWS, 0:COLUMNS].astype(np.float32)
dot = np.exp(-((columns - 20) ** 2 + (rows - 50) ** 2) / 8)
picture = np.repeat(dot[..., None], 3, axis=2)


def changed(*changes):
    how = KeypointParams(format="xy", remove_invisible=False)
    result = Compose(list(changes), keypoint_params=how)(image=picture, keypoints=[(20.0, 50.0)])
    light = result["image"][..., 0].astype(np.float64)
    y, x = np.mgrid[0 : light.shape[0], 0 : light.shape[1]]
    return np.array([(x * light).sum(), (y * light).sum()]) / light.sum(), np.array(result["keypoints"][0][:2])


enlarge, flip = Resize(8 * ROWS, 8 * COLUMNS, p=1), HorizontalFlip(p=1)
expected = True
for name, changes, least, most in (
    ("flip", [flip], 0, 0.02),
    ("rotation by 30 degrees", [Rotate((30, 30), p=1)], 0, 0.02),
    ("affine", [Affine(scale=(1.2, 1.2), rotate=(10, 10), p=1)], 0, 0.02),
    ("enlarged 8 times", [enlarge], 3, 4),
):
    seen, given = changed(*changes)
    off = float(np.abs(seen - given).max())
    print(f"albumentations {albumentations.__version__}, {name}: dot at {seen.round(2)}, keypoint at {given.round(2)}")
    expected = expected and least <= off <= most
first, second = changed(flip, enlarge)[1], changed(enlarge, flip)[1]
print(f"flip then Resize: keypoint at {first.round(2)}; Resize then flip: {second.round(2)}")
sys.exit(not (expected and abs(first[0] - second[0]) > 6))
PYTHON
echo "As described."
