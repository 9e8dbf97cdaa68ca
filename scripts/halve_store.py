"""Make a store of half the height and width: pictures averaged over 2x2 pixels, joints moved along, the same pairs.

    python scripts/halve_store.py data/people-fashion data/people-fashion-half [--iuv]

So that two CPU cores can train on what was made for 256x176. Pictures, joints, parsing (the upper left of four pixels)
and masks (where at least two of four are set) are kept, DensePose (the upper left of four) with --iuv; depth is not. So
labels lie a quarter of a pixel to the upper left of the picture, and may disagree by a pixel at the outline.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from repose.data.store import Store, StoreWriter
from repose.person import Person
from repose.represent.canvas import to_uint8

BATCH = 64


def halve(source: Path, out: Path, iuv: bool = False) -> None:
    store = Store.open(source)
    height, width = store.size
    if height % 2 or width % 2:
        raise ValueError(f"{source}: {height}x{width} cannot be halved")
    wanted = ("image", "keypoints", "parsing", "mask", *(["iuv"] if iuv else []))
    fields = [name for name in wanted if name in store.fields]
    provenance = {**store.provenance, "halved from": store.checksum}
    writer = StoreWriter(out, height // 2, width // 2, f"{store.dataset}-half", store.licence, provenance)
    with writer:
        for start in range(0, len(store), BATCH):
            rows = torch.arange(start, min(start + BATCH, len(store)))
            person = store.person(rows, fields)
            image = to_uint8(F.avg_pool2d(person.image, 2))
            joints = Person(keypoints=person.keypoints, size=store.size).resize(height // 2, width // 2).keypoints
            for k, row in enumerate(rows.tolist()):
                labels = {}
                if person.parsing is not None:
                    labels["parsing"] = person.parsing[k, ::2, ::2].numpy().astype(np.uint8)
                if person.mask is not None:
                    covered = F.avg_pool2d(person.mask[k].float().reshape(1, 1, height, width), 2)[0, 0].numpy()
                    labels["mask"] = np.where(covered >= 0.5, 255, 0).astype(np.uint8)
                if person.iuv is not None:
                    first = person.iuv[k, :, ::2, ::2] * torch.tensor([1, 255, 255])[:, None, None]
                    labels["iuv"] = first.round().to(torch.uint8).movedim(0, -1).contiguous().numpy()
                writer.add(
                    store.names[row], store.people[row], image[k], joints[k],
                    split=store.splits[row], **labels,
                )  # fmt: skip
        names = store.names
        pairs = {
            split: [(names[a], names[b]) for a, b in store.pairs(split).tolist()]
            for split in dict.fromkeys(store.splits)
            if store.listed(split)
        }
        report = writer.finish(pairs)
    print(f"{out}: {sum(report.photographs.values()):,} pictures of {height // 2}x{width // 2}, {report.checksum}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--iuv", action="store_true", help="keep DensePose")
    words = parser.parse_args()
    halve(words.source, words.out, words.iuv)
