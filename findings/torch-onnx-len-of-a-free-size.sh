#!/usr/bin/env bash
# PyTorch 2.13.0: in torch.onnx.export, len(tensor) turns a size that was declared free into a constant, without an error.
#
# A network that resizes a flow to the picture's rows by len() exports with dynamic_shapes={2: rows}, and the input of the file
# has a fixed number of rows all the same; pictures of another size are refused when the file is used. With
# tensor.shape[0] in the same place the file takes every size. Seen on 2026-11-30, on a CPU, by the exporter with dynamo.
#
# Fails if the size stays free with len(), or becomes fixed with shape[0].
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 numpy==2.4.6
cat > "$work/export.py" <<'PYTHON'
import sys
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch

warnings.simplefilter("ignore")
folder = Path(sys.argv[1])


class Places(torch.nn.Module):
    """Adds the row's place, -1 to 1, to a picture (B, 1, H, 6)."""

    def __init__(self, by_len):
        super().__init__()
        self.by_len = by_len

    def forward(self, picture):
        rows = picture[0, 0]
        count = len(rows) if self.by_len else rows.shape[0]
        places = (torch.arange(count, dtype=torch.float32) * 2 + 1) / count - 1
        return picture + places[:, None]


found = {}
for by_len in (True, False):
    rows = torch.export.Dim("rows", min=2, max=512)
    path = folder / f"{by_len}.onnx"
    torch.onnx.export(
        Places(by_len), (torch.zeros(2, 1, 8, 6),), str(path), input_names=["picture"], output_names=["moved"],
        dynamic_shapes=({2: rows},), dynamo=True, verbose=False,
    )
    session = onnxruntime.InferenceSession(str(path))
    declared = session.get_inputs()[0].shape
    try:
        shape = session.run(None, {"picture": np.zeros((2, 1, 12, 6), np.float32)})[0].shape
        takes = f"12 rows give {shape}"
    except Exception as error:
        takes = f"12 rows are refused ({type(error).__name__})"
    print(f"torch {torch.__version__}, {'len' if by_len else 'shape[0]'}: the file's input is {declared}; {takes}")
    found[by_len] = declared[2]
sys.exit(not (found[True] == 8 and isinstance(found[False], str)))
PYTHON
"$work/venv/bin/python" "$work/export.py" "$work" 2> "$work/log" || { tail -5 "$work/log"; exit 1; }
echo "As described."
