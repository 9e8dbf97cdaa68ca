#!/usr/bin/env bash
# torchmetrics 1.9.0: InceptionScore, FID, KID and MiFID with normalize=True make a quarter of all grey levels one darker.
#
# They turn pictures in [0, 1] into bytes by cutting off, not by rounding. A uint8 picture that a data loader has brought to
# [-1, 1], as pose transfer networks read and give it, and that is brought back by (x + 1) / 2 for the metric, comes out
# one level darker at 63 of 256 levels in float32, 37 in float16 and 95 in bfloat16. Pictures that a network gave lose half
# a level on average, which those in saved files do not, as torchvision's save_image rounds. So one set of pictures,
# measured from files and from memory, is two; and generated pictures are darker than real ones that are given as uint8.
# Seen on 2026-11-30, on a CPU, on a picture of 128x64.
#
# Fails if the network of InceptionScore gets the levels that the picture had, or others than those counted here.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 torchmetrics==1.9.0
cat > "$work/levels.py" <<'PYTHON'
import inspect
import sys
import warnings

import torch
import torchmetrics
from torchmetrics.image import fid, kid, mifid
from torchmetrics.image.inception import InceptionScore

warnings.simplefilter("ignore")
levels = torch.arange(256, dtype=torch.uint8).repeat(96).reshape(1, 3, 128, 64)
got = []


class Network(torch.nn.Module):
    """Stands for Inception: it keeps what it is given."""

    def forward(self, pictures):
        got.append(pictures)
        return torch.zeros(len(pictures), 10)


score, counts = InceptionScore(feature=Network(), normalize=True), {}
for kind in (torch.float32, torch.float16, torch.bfloat16):
    got.clear()
    picture = (levels / 127.5 - 1).to(kind)  # as networks read and give pictures
    score.update((picture + 1) / 2)
    off = got[-1].int() - levels.int()
    rounded = ((picture + 1) / 2).float().mul(255).round().int() - levels.int()
    counts[kind] = len(levels[off != 0].unique())
    print(f"torchmetrics {torchmetrics.__version__}, {kind}: {counts[kind]} of 256 levels are off, by "
          f"{sorted(off[off != 0].unique().tolist())}, {float(off.float().mean()):.2f} on average; rounded: "
          f"{int((rounded != 0).sum())}")
same = ["(imgs * 255).byte()" in inspect.getsource(module) for module in (fid, kid, mifid)]
print(f"the same line in FID, KID, MiFID: {same}")
sys.exit(not (list(counts.values()) == [63, 37, 95] and all(same)))
PYTHON
"$work/venv/bin/python" "$work/levels.py"
echo "As described."
