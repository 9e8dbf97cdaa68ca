#!/usr/bin/env bash
# OpenCV 5.0: the number of frames of a Matroska clip with a held pose is 179, and 120 frames can be read.
#
# Somebody moves for 2 s, holds a pose for 2 s, and moves for 2 s. The recorder keeps one frame of the held pose (a
# variable frame rate): 120 frames, the 60th of which lasts 2 s. Of a Matroska file CAP_PROP_FRAME_COUNT is duration times
# frame rate, 179; of the same frames in MP4 it is 120, but CAP_PROP_FPS is the mean, 20.1, where both halves have 30. Tools
# that write one pose a frame, loop up to the count, or compute times from the frame's number are off by up to 2 s after
# the held pose; CAP_PROP_POS_MSEC is right. Seen on 2026-11-30 with OpenCV 5.0.0 and 4.13.0, on clips written by PyAV.
#
# Fails if the Matroska count is that of the frames, the rate of the MP4 is 30, or a time is wrong.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check opencv-python-headless==5.0.0.93 av==18.1.0 numpy==2.3.5
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import sys
from fractions import Fraction

import av
import cv2
import numpy as np

FRAMES, HELD = 120, 59
ticks = [20 * k + (1180 if k > HELD else 0) for k in range(FRAMES)]  # 600 in a second


def write(path):
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 600)
        for number, tick in enumerate(ticks):
            frame = av.VideoFrame.from_ndarray(np.full((96, 128, 3), 2 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = tick, Fraction(1, 600)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


expected = True
for path, count_is, rate_is in (("clip.mkv", 179, 30.0), ("clip.mp4", 120, 20.1)):
    write(path)
    video = cv2.VideoCapture(path)
    count, rate = int(video.get(cv2.CAP_PROP_FRAME_COUNT)), video.get(cv2.CAP_PROP_FPS)
    times = []
    while video.read()[0]:
        times.append(video.get(cv2.CAP_PROP_POS_MSEC))
    off = max(abs(time - tick / 0.6) for time, tick in zip(times, ticks))
    print(f"OpenCV {cv2.__version__}, {path}: count {count}, rate {rate:.1f}, {len(times)} frames read, times off by {off:.1f} ms")
    expected &= count == count_is and abs(rate - rate_is) < 0.05 and len(times) == FRAMES and off < 2
sys.exit(not expected)
PYTHON
echo "As described."
