#!/usr/bin/env bash
# ONNX Runtime 1.32.0: GridSample at places far outside gives black where the border is asked for, and a picture's corner
# where nothing is.
#
# ONNX lets a grid hold any place; outside of -1 to 1 the padding mode decides. A warp often marks "no source here" by a
# large number. On a picture of 256x176 with padding_mode=border and 1e6, which must give the last pixel, the result is 0:
# beyond 2^24 pixels both weights are rounded to nothing. With zeros and 1e20, which must give 0, it is a quarter of the
# first pixel, and all of it with align_corners=1: the corner of the photograph shows in every hole. OpenVINO 2026.4.1 is
# right on the same files. Seen on 2026-11-30, on a CPU.
#
# Fails if ONNX Runtime is right at these places, or if it is wrong at 1e5, or OpenVINO at any.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    onnxruntime==1.32.0 openvino==2026.4.1 onnx==1.23.2 numpy==2.4.6
cat > "$work/warp.py" <<'PYTHON'
import sys
from importlib.metadata import version

import numpy as np
import onnxruntime
import openvino
from onnx import TensorProto, checker, helper

HEIGHT, WIDTH = 256, 176
rng = np.random.default_rng(0)
picture = rng.uniform(100, 255, (1, 1, HEIGHT, WIDTH)).astype(np.float32)
core = openvino.Core()


def value(padding, place, corners):
    """What both runtimes give at a place far to the right and in the middle of the rows."""
    node = helper.make_node(
        "GridSample", ["picture", "grid"], ["seen"], mode="bilinear", padding_mode=padding, align_corners=corners
    )
    shapes = {"picture": [1, 1, HEIGHT, WIDTH], "grid": [1, 1, 1, 2], "seen": [1, 1, 1, 1]}
    tensors = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()}
    graph = helper.make_graph([node], "warp", [tensors["picture"], tensors["grid"]], [tensors["seen"]])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    checker.check_model(model, full_check=True)
    file = model.SerializeToString()
    given = {"picture": picture, "grid": np.array([[[[place, place]]]], np.float32)}
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    program = core.compile_model(core.read_model(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return float(session.run(None, given)[0].item()), float(program(given)[0].item())


print(f"ONNX Runtime {onnxruntime.__version__}, OpenVINO {version('openvino')}")
expected = True
for padding, corners, place, wrong in (
    ("border", 0, 1e5, False), ("border", 0, 1e6, True), ("border", 1, 1e6, True), ("zeros", 0, 1e6, False),
    ("zeros", 0, 1e20, True), ("zeros", 1, 1e20, True),
):
    right = float(picture[0, 0, -1, -1]) if padding == "border" else 0.0
    ours, other = value(padding, place, corners)
    print(f"{padding}, align_corners={corners}, {place:.0e}: right {right:.1f}, ONNX Runtime {ours:.1f}, OpenVINO {other:.1f}")
    expected = expected and (abs(ours - right) > 20) == wrong and abs(other - right) < 0.01
print(f"the first pixel of the picture: {picture[0, 0, 0, 0]:.1f}")
sys.exit(not expected)
PYTHON
"$work/venv/bin/python" "$work/warp.py"
echo "As described."
