"""Train the parser on the people of a store, and write its weights.

    repose prepare synthetic data/mixed-256 --style mixed --seed 424242
    python scripts/train_parser.py data/mixed-256 runs/parser --body runs/body.npz --out weights/person-parser

A run that was stopped goes on where its last checkpoint is. BodyPix's maps of every second record are computed first.
"""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

import torch

from repose.data.parsing_samples import ParsingSource, write_body
from repose.data.store import Store
from repose.estimate.bodypix import BodyPix
from repose.train.parser import Plan, ship, train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("folder", type=Path, help="for checkpoint and log")
    parser.add_argument("--body", type=Path, help="file for BodyPix's maps; without it they are no input")
    parser.add_argument("--out", type=Path, help="folder for weights.safetensors")
    parser.add_argument("--threads", type=int, default=1)
    for field in fields(Plan):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    store = Store.open(args.store)
    if args.body:
        write_body(store, args.body, store.split("train").numpy()[::2], BodyPix())
    plan = Plan(**{field.name: getattr(args, field.name) for field in fields(Plan)})
    net = train(args.folder, plan, ParsingSource(store, "train", args.body, plan.seed))
    if args.out:
        file = args.out / "weights.safetensors"
        print(f"{file}: {ship(net, file) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
