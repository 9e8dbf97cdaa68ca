"""Measure networks of characters, and the baselines, on fonts that no training saw.

    python scripts/measure_font.py data/fonts --results results/font.jsonl --sheet docs/font.jpg
    python scripts/measure_font.py data/fonts --network "without skeleton"=runs/font-letters/weights.safetensors

On rows of the sheet stand pairs drawn by lot, then those with the highest and with the lowest SSIM of `font-s`.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import torch

from repose.apps.fonts.catalogue import FONTS, read_fonts
from repose.apps.fonts.measure import measure_characters
from repose.apps.fonts.network import NAME
from repose.apps.fonts.pairs import Pairs
from repose.apps.fonts.transfer import load
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
    args = parser.parse_args()
    torch.set_num_threads(1)
    _, glyphs = read_fonts(args.fonts, "test")
    pairs = Pairs(glyphs, args.seed)
    networks = {NAME: load()}
    for given in args.network:
        name, _, file = given.partition("=")
        networks[name] = load(file)
    checksum = hashlib.sha256(FONTS.read_bytes()).hexdigest()[:12]
    for measured in measure_characters(networks, pairs, args.per_font):
        line = measured.line() | {"data": "free fonts, test", "checksum": checksum, "protocol": "roy-characters-64"}
        print(append_result(args.results, line, seed=args.seed))


if __name__ == "__main__":
    main()
