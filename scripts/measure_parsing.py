"""Measure the shipped parser, with BodyPix and without, on people that its training did not see.

    python scripts/measure_parsing.py data/mixed-256 --every 4 --results results/parsing.jsonl
    python scripts/measure_parsing.py --photographs street=photos/ --count 60 --results results/parsing.jsonl

On rendered people it is compared with the exact labels, on photographs with the regions that BodyPix tells apart; the
joints are exact, or MoveNet's. A label that no picture shows has no IoU.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from repose.data.store import Store
from repose.estimate import estimator
from repose.estimate.bodypix import BodyPix
from repose.estimate.person_parsing import PersonParsing
from repose.record import append_result
from repose.research.parsing import ParsingMeasured, checksum, measure_photographs, measure_rendered

ENDINGS = (".jpg", ".jpeg", ".png", ".webp")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path, nargs="?")
    parser.add_argument("--split", default="test")
    parser.add_argument("--every", type=int, default=1, help="every n-th picture of the split")
    parser.add_argument("--photographs", metavar="NAME=FOLDER", help="of one person each; NAME stands on the line")
    parser.add_argument("--count", type=int, help="so many of the folder, spread over all of it")
    parser.add_argument("--results", type=Path)
    args = parser.parse_args()
    if (args.store is None) == (args.photographs is None):
        parser.error("give a store, or --photographs NAME=FOLDER")
    torch.set_num_threads(1)
    for bodypix in (True, False):
        parsing = PersonParsing(bodypix=bodypix)
        if args.store is not None:
            store = Store.open(args.store)
            records = store.split(args.split).tolist()[:: args.every]
            measured: ParsingMeasured = measure_rendered(store, records, parsing)
            print(append_result(args.results, measured.line(), data=store, split=args.split))
            continue
        name, _, folder = args.photographs.partition("=")
        files = sorted(file for file in Path(folder).iterdir() if file.suffix.lower() in ENDINGS)
        count = min(args.count or len(files), len(files))
        files = [files[number * len(files) // count] for number in range(count)]
        measured = measure_photographs(files, estimator("movenet"), BodyPix(), parsing)
        line = measured.line() | {"data": name, "checksum": checksum(files)}
        print(append_result(args.results, line))


if __name__ == "__main__":
    main()
