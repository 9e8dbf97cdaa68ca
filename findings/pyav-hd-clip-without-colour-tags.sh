#!/usr/bin/env bash
# PyAV 18.1.0: a clip of 1280x720 written from RGB frames says nothing of its colours, and players show other ones.
#
# VideoFrame.from_ndarray(..., "rgb24") is converted with the matrix of BT.601, and the H.264 stream carries no tag. Players
# take BT.709 for an untagged clip of 720 rows or more: a green of (40, 200, 40) is shown as (27, 174, 33), a red of (200, 40, 40)
# as (212, 54, 36), skin of (224, 172, 140) as (227, 173, 136). PyAV itself reads the clip back as BT.601, so a round trip
# in Python shows nothing. Frames that are converted with dst_colorspace=ITU709 and tagged come back right in both.
# Seen on 2026-11-30.
#
# Fails if the plain clip is tagged, or if it and the tagged one are not read as stated.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check av==18.1.0 numpy==2.3.5
cd "$work"
"$work/venv/bin/python" - <<'PYTHON'
import sys

import av
import numpy as np
from av.video.reformatter import Colorspace

UNSPECIFIED, BT709 = 2, 1
colours = np.array([(200, 40, 40), (40, 200, 40), (40, 40, 200), (224, 172, 140), (120, 120, 120)], np.uint8)
picture = np.repeat(np.broadcast_to(colours, (720, 5, 3)), 256, axis=1)


def write(path, tagged):
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        if tagged:
            stream.codec_context.colorspace, stream.codec_context.color_range = BT709, 1
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
        if tagged:
            frame = frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709)
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


def shown(frame, matrix=None):
    pixels = (frame if matrix is None else frame.reformat(format="rgb24", src_colorspace=matrix)).to_ndarray(format="rgb24")
    return np.stack([pixels[100:600, 256 * k + 60 : 256 * k + 200].reshape(-1, 3).mean(0) for k in range(5)])


expected = True
for path, tagged in (("plain.mp4", False), ("tagged.mp4", True)):
    write(path, tagged)
    with av.open(path) as container:
        frame = next(container.decode(video=0))
    by_python, by_player = shown(frame), shown(frame, Colorspace.ITU709)
    off = [int(np.abs(read - colours).max().round()) for read in (by_python, by_player)]
    print(f"PyAV {av.__version__}, {path}: tag {int(frame.colorspace)}, read by PyAV off by {off[0]}, as BT.709 by {off[1]} levels")
    expected &= int(frame.colorspace) == (BT709 if tagged else UNSPECIFIED)
    expected &= off[0] <= 3 and (off[1] <= 3 if tagged else off[1] >= 20)
sys.exit(not expected)
PYTHON
echo "As described."
