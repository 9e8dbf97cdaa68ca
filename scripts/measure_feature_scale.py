"""Measure the standard deviation per channel of MobileNetV2's taps and write `src/repose/nn/mobilenet_scale.json`.

    python scripts/measure_feature_scale.py FOLDER [--count 400] [--height 128] [--width 64] [--weights FILE]

FOLDER holds photographs (searched recursively, sorted by name, evenly sampled). The committed numbers come from 400
training photographs of Market-1501 at 128x64. Only the 488 standard deviations are kept, nothing of the pictures.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from repose.nn.mobilenet import TAPS, mobilenet_v2

TARGET = Path(__file__).resolve().parents[1] / "src/repose/nn/mobilenet_scale.json"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("folder", type=Path)
    words.add_argument("--count", type=int, default=400)
    words.add_argument("--height", type=int, default=128)
    words.add_argument("--width", type=int, default=64)
    words.add_argument("--weights", type=Path, default=None, help="mobilenet_v2_imagenet.safetensors; else the hub's")
    words.add_argument("--out", type=Path, default=TARGET)
    given = words.parse_args()

    files = sorted(f for f in given.folder.rglob("*") if f.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not files:
        raise SystemExit(f"no photographs (.jpg, .jpeg, .png) below {given.folder}")
    files = [files[i] for i in np.unique(np.linspace(0, len(files) - 1, given.count).astype(int))]
    network = mobilenet_v2(TAPS, given.weights)
    sums = {tap: [torch.zeros(1), torch.zeros(1), 0] for tap in TAPS}
    with torch.no_grad():
        for start in range(0, len(files), 50):
            pictures = [_read(file, given.height, given.width) for file in files[start : start + 50]]
            for tap, x in network(torch.stack(pictures)).items():
                total, squares, count = sums[tap]
                x = x.double()
                sums[tap] = [total + x.sum((0, 2, 3)), squares + x.square().sum((0, 2, 3)), count + x[:, 0].numel()]
    std = {
        tap: [round(v, 5) for v in (squares / count - (total / count).square()).clamp_min(0).sqrt().tolist()]
        for tap, (total, squares, count) in sums.items()
    }
    temporary = given.out.with_suffix(".tmp")
    lines = ",\n".join(f"    {json.dumps(tap)}: {json.dumps(values)}" for tap, values in std.items())
    head = f'  "pictures": {len(files)},\n  "height": {given.height},\n  "width": {given.width}'
    temporary.write_text(f'{{\n{head},\n  "std": {{\n{lines}\n  }}\n}}\n', encoding="utf-8")
    temporary.replace(given.out)
    print(
        f"{given.out}: {len(files)} pictures; " + "; ".join(f"{t} {min(s):.3f} to {max(s):.3f}" for t, s in std.items())
    )


def _read(file: Path, height: int, width: int) -> torch.Tensor:
    """(3, height, width) in [-1, 1]."""
    with Image.open(file) as image:
        pixels = np.asarray(image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR), np.float32)
    return torch.from_numpy(pixels / 127.5 - 1).permute(2, 0, 1)


if __name__ == "__main__":
    main()
