"""Measure the standard deviation per channel of MobileNetV2's taps and write `src/repose/nn/mobilenet_scale.json`.

    python scripts/measure_feature_scale.py STORE [--split train] [--count 400] [--height 128] [--width 64]

STORE is a packed store, as `repose prepare` makes it, or a folder of photographs (searched recursively, sorted by
name). The pictures are sampled evenly over the people or names and resized where they have another size. The file says
what it was measured on; only the 488 standard deviations are kept, nothing of the pictures.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

from repose.data.store import Store
from repose.nn.mobilenet import TAPS, MobileNetV2, mobilenet_v2
from repose.record import commit

TARGET = Path(__file__).resolve().parents[1] / "src/repose/nn/mobilenet_scale.json"
BATCH = 50


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("place", type=Path, metavar="STORE")
    words.add_argument("--split", default="train", help="of a store")
    words.add_argument("--count", type=int, default=400)
    words.add_argument("--height", type=int, default=128)
    words.add_argument("--width", type=int, default=64)
    words.add_argument("--weights", type=Path, default=None, help="mobilenet_v2_imagenet.safetensors; else the hub's")
    words.add_argument("--out", type=Path, default=TARGET)
    given = words.parse_args()

    size = (given.height, given.width)
    if (given.place / "meta.json").is_file():
        about, batches = from_store(Store.open(given.place), given.split, given.count, size)
    else:
        about, batches = from_folder(given.place, given.count, size)
    std = deviations(mobilenet_v2(TAPS, given.weights), batches)
    write(given.out, about, size, std)
    spans = "; ".join(f"{tap} {min(values):.3f} to {max(values):.3f}" for tap, values in std.items())
    print(f"{given.out}: {about['pictures']} pictures of {about['measured_on']}; {spans}")


def from_store(
    store: Store, split: str, count: int, size: tuple[int, int]
) -> tuple[dict[str, Any], Iterator[torch.Tensor]]:
    """What is measured, and the pictures of one split of a store in batches (B, 3, *size) in [-1, 1]."""
    indices, _ = store.groups(split)
    chosen = indices[torch.tensor(_spread(len(indices), count))]

    def batches() -> Iterator[torch.Tensor]:
        for rows in torch.split(chosen, BATCH):
            image = store.person(rows, ("image",)).image
            assert image is not None
            yield (
                image
                if store.size == size
                else F.interpolate(image, size, mode="bilinear", align_corners=False, antialias=True)
            )

    about = {
        "measured_on": store.dataset, "checksum": store.checksum, "split": split, "licence": store.licence,
        "commit": commit(), "pictures": len(chosen),
    }  # fmt: skip
    return about, batches()


def from_folder(folder: Path, count: int, size: tuple[int, int]) -> tuple[dict[str, Any], Iterator[torch.Tensor]]:
    """The same of a folder of photographs. SystemExit where there are none."""
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in (".jpg", ".jpeg", ".png"))
    if not files:
        raise SystemExit(f"{folder} is no store, and there are no photographs (.jpg, .jpeg, .png) below it")
    files = [files[i] for i in _spread(len(files), count)]
    batches = (
        torch.stack([_read(file, *size) for file in files[start : start + BATCH]])
        for start in range(0, len(files), BATCH)
    )
    return {"measured_on": f"photographs of {folder.name}", "commit": commit(), "pictures": len(files)}, batches


def deviations(network: MobileNetV2, batches: Iterator[torch.Tensor]) -> dict[str, list[float]]:
    """Tap -> standard deviation of each channel over all pictures and places."""
    sums: dict[str, tuple[Any, Any, int]] = dict.fromkeys(TAPS, (0.0, 0.0, 0))
    with torch.no_grad():
        for batch in batches:
            for tap, x in network(batch).items():
                total, squares, count = sums[tap]
                x = x.double()
                sums[tap] = (total + x.sum((0, 2, 3)), squares + x.square().sum((0, 2, 3)), count + x[:, 0].numel())
    return {
        tap: [round(v, 5) for v in (squares / count - (total / count).square()).clamp_min(0).sqrt().tolist()]
        for tap, (total, squares, count) in sums.items()
    }


def write(out: Path, about: dict[str, Any], size: tuple[int, int], std: dict[str, list[float]]) -> None:
    """The file that `repose.nn.mobilenet.feature_scale` reads; a line a tap."""
    head = {**about, "height": size[0], "width": size[1]}
    lines = ",\n".join(f"    {json.dumps(tap)}: {json.dumps(values)}" for tap, values in std.items())
    facts = "".join(f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)},\n" for key, value in head.items())
    temporary = out.with_suffix(".tmp")
    temporary.write_text(f'{{\n{facts}  "std": {{\n{lines}\n  }}\n}}\n', encoding="utf-8")
    temporary.replace(out)


def _spread(length: int, count: int) -> list[int]:
    return [int(i) for i in np.unique(np.linspace(0, length - 1, min(count, length)).round())]


def _read(file: Path, height: int, width: int) -> torch.Tensor:
    """(3, height, width) in [-1, 1]."""
    with Image.open(file) as image:
        pixels = np.asarray(image.convert("RGB").resize((width, height), Image.Resampling.BILINEAR), np.float32)
    return torch.from_numpy(pixels / 127.5 - 1).permute(2, 0, 1)


if __name__ == "__main__":
    main()
