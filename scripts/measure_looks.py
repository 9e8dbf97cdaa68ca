"""Measure how MoveNet's looks at one person are joined, on photographs whose joints are annotated.

    python scripts/measure_looks.py data/market1501 --split test --count 1500 --seed 0 --results results/estimate.jsonl

Of a store whose key points are not MoveNet's own, such as Market-1501's. `--padded` of the photographs are looked at
again with a black border of one pixel.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from repose.data.store import Store
from repose.record import append_result
from repose.research.looks import measure_looks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--count", type=int, default=1500)
    parser.add_argument("--padded", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--results", type=Path)
    args = parser.parse_args()
    store = Store.open(args.store)
    measured = measure_looks(
        store, args.split, args.count, args.padded, args.seed, lambda text: print(text, file=sys.stderr, flush=True)
    )
    line = append_result(args.results, measured.line(), data=store, split=args.split)
    print({key: value for key, value in line.items() if key not in ("rows", "thresholds")})
    for row in (*measured.rows, *measured.thresholds):
        print(row)


if __name__ == "__main__":
    main()
