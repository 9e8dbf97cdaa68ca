"""Measure networks of characters, and the baselines, on fonts that no training saw.

    python scripts/measure_font.py data/fonts --results results/font.jsonl --sheets docs
    python scripts/measure_font.py data/fonts --network "without skeleton"=runs/font-letters/weights.safetensors

--sheets writes font.jpg, pairs drawn by lot, and font-extremes.jpg: those with the highest and the lowest SSIM of
`font-s`, one of a font.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import torch

from repose.apps.fonts.catalogue import FONTS, read_fonts
from repose.apps.fonts.measure import measure_characters
from repose.apps.fonts.network import NAME, CharacterNetwork
from repose.apps.fonts.pairs import Pairs
from repose.apps.fonts.sheet import pair_sheet
from repose.apps.fonts.transfer import load
from repose.images import write_picture
from repose.record import append_result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fonts", type=Path, help="folder of scripts/fetch_fonts.py")
    parser.add_argument(
        "--network", action="append", default=[], metavar="NAME=FILE", help="a weight file to measure beside font-s"
    )
    parser.add_argument("--per-font", type=int, default=4, help="pairs of each font, of its 200")
    parser.add_argument("--seed", type=int, default=1, help="of the colours and the pairs")
    parser.add_argument("--results", type=Path)
    parser.add_argument("--sheets", type=Path, help="folder for the two sheets")
    args = parser.parse_args()
    torch.set_num_threads(1)
    fonts, glyphs = read_fonts(args.fonts, "test")
    pairs = Pairs(glyphs, args.seed)
    networks = {NAME: load()}
    for given in args.network:
        name, _, file = given.partition("=")
        networks[name] = load(file)
    checksum = hashlib.sha256(FONTS.read_bytes()).hexdigest()[:12]
    methods = measure_characters(networks, pairs, args.per_font)
    for measured in methods:
        line = measured.line() | {"data": "free fonts, test", "checksum": checksum, "protocol": "roy-characters-64"}
        print(append_result(args.results, line, seed=args.seed))
    if args.sheets:
        (ours,) = (measured.ssims for measured in methods if measured.method == NAME)
        write_sheets(args.sheets, pairs, [font.name for font in fonts], networks, ours)


def write_sheets(
    folder: Path, pairs: Pairs, names: list[str], networks: dict[str, CharacterNetwork], ours: dict[int, float]
) -> None:
    """The two sheets. `ours`: number of a pair -> its SSIM."""
    lots = np.random.default_rng(0).choice(len(names), 16, replace=False)  # one pair of each of 16 fonts
    each = len(pairs) // len(names)
    best: dict[str, int] = {}  # one of each family, by the first word of the name
    for number in sorted(ours, key=lambda number: -ours[number]):
        best.setdefault(names[number // each].split()[0], number)
    worst: dict[str, int] = {}
    for number in sorted(ours, key=lambda number: ours[number]):
        worst.setdefault(names[number // each].split()[0], number)
    chosen = {
        "font.jpg": [each * int(lot) for lot in lots],
        "font-extremes.jpg": [*list(best.values())[:6], *list(worst.values())[:6]],
    }
    for file, numbers in chosen.items():
        labels = [f"{names[number // each][:26]}, {ours[number]:.2f}" for number in numbers]
        page = pair_sheet(pairs, numbers, networks, labels)
        write_picture(folder / file, page, quality=88)
        print(f"{folder / file}: {', '.join(labels)}")


if __name__ == "__main__":
    main()
