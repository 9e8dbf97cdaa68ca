#!/usr/bin/env bash
# torch 2.13.0 on a CPU: max_pool2d with stride 1 and a long window is many times slower than maxima of shifted views.
#
# Dilating a mask is max pooling with stride 1. On one thread of an AMD EPYC (AVX-512) a window of 17x1 and then one of
# 1x17 on float32 (4, 1, 256, 176) took 6.9 to 13 ms, and 32 element-wise maxima of shifted views, with equal results,
# 1.0 to 1.2 ms. Seen with torch 2.13.0+cpu on 2026-11-29. The kernel also computes where each largest value was
# (max_pool2d_with_indices), also without gradients.
#
# Fails if the results differ, or if pooling is less than 3 times slower.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.3.5
OMP_NUM_THREADS=1 "$work/venv/bin/python" - <<'PYTHON'
import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
masks = (torch.rand(4, 1, 256, 176, generator=torch.Generator().manual_seed(0)) > 0.999).float()
reach = 8


def pooled():
    side = 2 * reach + 1
    return F.max_pool2d(F.max_pool2d(masks, (side, 1), 1, (reach, 0)), (1, side), 1, (0, reach))


def shifted():
    out = F.pad(masks, (reach, reach, reach, reach))
    for dim, size in ((-2, masks.shape[-2]), (-1, masks.shape[-1])):
        widest = out.narrow(dim, 0, size)
        for step in range(1, 2 * reach + 1):
            widest = torch.maximum(widest, out.narrow(dim, step, size))
        out = widest
    return out


def milliseconds(function):
    function()
    times = []
    for _ in range(15):
        begun = time.process_time()
        function()
        times.append(time.process_time() - begun)
    return 1000 * min(times)


with torch.inference_mode():
    same = torch.equal(pooled(), shifted())
    slow, fast = milliseconds(pooled), milliseconds(shifted)
print(f"torch {torch.__version__}: max_pool2d {slow:.2f} ms, shifted maxima {fast:.2f} ms, equal results: {same}")
sys.exit(not same or slow < 3 * fast)
PYTHON
echo "As described."
