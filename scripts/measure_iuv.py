"""Measure the estimators of IUV on the rendered people of a store, with exact joints and with MoveNet's.

    python scripts/measure_iuv.py STORE --split test --results results/iuv.jsonl

STORE is one of `repose prepare synthetic`. The networks are those of the extra `estimate`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.progress import track

from repose.data.store import Store
from repose.estimate import ESTIMATORS, estimator
from repose.record import append_result
from repose.research.iuv import NUMBERS, measure_iuv


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--results", type=Path, help="the .jsonl file that gets a line for every estimator and style")
    options = parser.parse_args()
    store = Store.open(options.store)
    networks = [estimator(name, field="iuv") for name in ESTIMATORS["iuv"]]
    ticks = iter(track(range(2 * len(store.split(options.split))), description="pictures"))
    for detector in (None, estimator("movenet")):
        for result in measure_iuv(store, options.split, networks, detector, lambda: next(ticks, None)):
            append_result(options.results, result.line(), data=store, split=options.split)
            numbers = "  ".join(f"{key} {result.numbers[key]:.3f}" for key in NUMBERS)
            print(f"{result.style}, joints {result.joints}, {result.estimator}: {numbers}")


if __name__ == "__main__":
    main()
