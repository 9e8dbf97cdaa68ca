"""Train the network that draws characters in the style of a font, and write its weights.

    python scripts/fetch_fonts.py data/fonts
    python scripts/train_font.py data/fonts runs/font --out weights/font-s
    python scripts/train_font.py data/fonts runs/font-letters --guide letters

A run that was stopped goes on where its last checkpoint is, with the same plan.
"""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path

import torch

from repose.apps.fonts.catalogue import read_fonts
from repose.apps.fonts.network import CHANNELS, CharacterConfig
from repose.apps.fonts.pairs import Pairs
from repose.apps.fonts.train import CharacterPlan, ship, train_characters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fonts", type=Path, help="folder of scripts/fetch_fonts.py")
    parser.add_argument("folder", type=Path, help="for checkpoint and log")
    parser.add_argument("--out", type=Path, help="folder for weights.safetensors")
    parser.add_argument("--begin", type=Path, help="weight file to begin from")
    parser.add_argument("--guide", choices=list(CHANNELS), default="skeleton")
    parser.add_argument("--colour", choices=["apart", "learned"], default="apart")
    parser.add_argument("--width", type=int, default=CharacterConfig.width)
    parser.add_argument("--threads", type=int, default=1)
    for field in fields(CharacterPlan):
        parser.add_argument(f"--{field.name.replace('_', '-')}", type=type(field.default), default=field.default)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    plan = CharacterPlan(**{field.name: getattr(args, field.name) for field in fields(CharacterPlan)})
    _, glyphs = read_fonts(args.fonts, "train")
    pairs = Pairs(glyphs, plan.seed)
    print(f"{len(glyphs)} fonts, {len(pairs)} pairs", flush=True)
    network = train_characters(
        args.folder,
        plan,
        pairs,
        CharacterConfig(width=args.width, guide=args.guide, colour=args.colour),
        lambda text: print(text, flush=True),
        args.begin,
    )
    if args.out:
        file = args.out / "weights.safetensors"
        print(f"{file}: {ship(network, file) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
