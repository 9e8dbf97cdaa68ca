"""Measure the shipped parser on people of a store that its training did not see: IoU of each label.

    python scripts/measure_parsing.py data/mixed-256 --every 4 --results results/parsing.jsonl

IoU is of all pixels of the pictures together; the joints are the exact ones. A label that no picture shows has no IoU.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from repose.data.store import Store
from repose.estimate.person_parsing import PersonParsing
from repose.person import LIP_LABELS
from repose.record import append_result
from repose.represent.canvas import to_uint8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--every", type=int, default=1, help="every n-th picture of the split")
    parser.add_argument("--results", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    store = Store.open(args.store)
    records = store.split(args.split).tolist()[:: args.every]
    count = len(LIP_LABELS)
    for bodypix in (True, False):
        parsing = PersonParsing(bodypix=bodypix)
        table = torch.zeros(count, count, dtype=torch.int64)
        for record in records:
            person = store.person([record], ("image", "keypoints", "parsing"))[0]
            assert person.image is not None
            assert person.keypoints is not None
            assert person.parsing is not None
            labels = parsing.parsing(to_uint8(person.image), person.keypoints)
            pairs = torch.bincount((person.parsing * count + labels).flatten(), minlength=count**2)
            table += pairs.reshape(count, count)
        right = table.diagonal()
        iou = right / (table.sum(0) + table.sum(1) - right).clamp_min(1)
        there = table.sum(1) > 0
        labels_iou = {n: round(float(v), 4) for n, v, seen in zip(LIP_LABELS, iou, there, strict=True) if seen}
        line = {
            "kind": "parsing", "estimator": parsing.name, "pictures": len(records), "split": args.split, "seed": None,
            "mean_iou": round(float(iou[there].mean()), 4), "iou": labels_iou,
        }  # fmt: skip
        print(append_result(args.results, line, data=store))


if __name__ == "__main__":
    main()
