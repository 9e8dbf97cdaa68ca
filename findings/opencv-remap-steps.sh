#!/usr/bin/env bash
# OpenCV 4.13: remap rounds a warp to steps of 1/32 pixel, also on float32 pictures; OpenCV 5.0 does not.
#
# A flow field of less than 1/64 pixel moves nothing at all, and any other one is up to 2 grey levels away from bilinear
# interpolation (picture of 256x176 with fine detail, values 0 to 255). Flows that are put together from small steps, as
# in videos, stand still or jump. A warp that a network was trained with (grid_sample) is not the warp that OpenCV 4
# computes, and the same code gives other pictures under OpenCV 5. Seen on 2026-11-30, on a CPU, 4.13.0 and 5.0.0.
#
# Fails if OpenCV 4.13 follows a flow of 0.015 pixels or comes within half a grey level of bilinear interpolation, or if
# OpenCV 5.0 is further than 0.01 away from it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat > "$work/warp.py" <<'PYTHON'
import sys

import cv2
import numpy as np

rows, columns = 256, 176
picture = cv2.GaussianBlur(np.random.default_rng(0).random((rows, columns)).astype(np.float32), (0, 0), 0.7)
picture = (picture - picture.min()) / (picture.max() - picture.min()) * 255
y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
inner = np.s_[2:-2, 2:-2]


def bilinear(there):
    left = np.clip(np.floor(there).astype(int), 0, columns - 2)
    share, lines = there - left, np.arange(rows)[:, None]
    return picture[lines, left] * (1 - share) + picture[lines, left + 1] * share


expected = True
for shift in (0.015, 0.1, 0.484):
    there = np.clip(x + np.float32(shift), 0, columns - 1.001)
    warped = cv2.remap(picture, there, y, cv2.INTER_LINEAR)
    off = float(np.abs(warped - bilinear(there))[inner].max())
    moved = not np.array_equal(warped[inner], picture[inner])
    print(f"OpenCV {cv2.__version__}, {shift} pixels: moved {moved}, at most {off:.3f} levels from bilinear")
    old = cv2.__version__.startswith("4.")
    right = off > 0.5 and moved == (shift > 1 / 64) if old else off < 0.01 and moved
    expected = expected and right
sys.exit(not expected)
PYTHON
for version in 4.13.0.92 5.0.0.93; do
    python3 -m venv "$work/venv-$version"
    "$work/venv-$version/bin/pip" install --quiet --disable-pip-version-check \
        "opencv-python-headless==$version" numpy==2.3.5
    "$work/venv-$version/bin/python" "$work/warp.py"
done
echo "As described."
