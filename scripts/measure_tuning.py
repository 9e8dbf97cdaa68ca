"""Measure what tuning to one person gains: rendered people of whom ten photographs are known, and a clip.

    python scripts/measure_tuning.py out/tuning --people 2 --images 3000 --results results/tuning.jsonl
    python scripts/measure_tuning.py out/tuning --people 0 --clip juggle=juggle.mp4 --results results/tuning.jsonl

Of a rendered person 40 pictures are drawn, which no training saw. Ten are photographs to tune on, pairs of the other
thirty are measured. Of a clip a fifth is held out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from repose.record import append_result
from repose.research.tuning import held_out_store, measure_tuning, photograph_rendered

SEED = 880_131
"""Of the people; no data set has it."""

STYLES = ("street", "fashion")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--people", type=int, default=2)
    parser.add_argument("--clip", metavar="NAME=FILE")
    parser.add_argument("--model", default="default")
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--pairs", type=int, default=80)
    parser.add_argument("--results", type=Path)
    args = parser.parse_args()
    screen = Console()
    jobs: list[tuple[str, Path, Path | None]] = []
    for person in range(args.people):
        style = STYLES[person % len(STYLES)]
        place = args.out / f"person-{person}"
        if not (place / "39.png").exists():
            photograph_rendered(place, SEED, person, 40, style, (512, 352))
        jobs.append((f"rendered person {person + 1}, {style}", place, place))
    if args.clip:
        name, _, file = args.clip.partition("=")
        jobs.append((f"{name}, a clip", Path(file), None))
    for name, source, drawn in jobs:
        store = None
        if drawn is not None:
            files = sorted(drawn.glob("*.png"))
            few = drawn.with_name(f"{drawn.name}-ten")
            few.mkdir(exist_ok=True)
            for path in files[:10]:
                (few / path.name).write_bytes(path.read_bytes())
            source = few
            store = held_out_store(files[10:], drawn.with_name(f"{drawn.name}-store"), (256, 176), args.pairs)
        out = args.out / name.split(",")[0].replace(" ", "-")
        line, _ = measure_tuning(source, out, name, args.model, args.images, store, args.pairs, screen)
        screen.print(append_result(args.results, line))


if __name__ == "__main__":
    main()
