"""Draw what a model does to unseen people: a contact sheet by lot, and its failures with what was measured of them.

    python scripts/draw_gallery.py default data/people-half docs --name patn-s

Writes NAME-people.jpg (one pair of each of twenty people of the split, drawn by lot from the seed and never by looks)
and NAME-failures.jpg (the worst pairs by limbs lost, joints missed, left and right exchanged, colours changed and
mask-SSIM, with captions; no such file, nor an older one, where nothing fails), and appends a line with the medians and
the worst of each criterion to --results. Of photographs of real people, which is every store that does not say that its
people are rendered, only the line is written: no face comes into a document.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

from repose.bench.gallery import contact_sheet, draw_lots, failure_sheet, judge, may_show, worst
from repose.data.store import Store
from repose.estimate import estimator
from repose.models.weights import weights_checksum
from repose.pipeline import load
from repose.record import append, stamp


def main(words: argparse.Namespace) -> None:
    model, store = load(words.model), Store.open(words.store)
    eyes = None if words.pose == "none" else estimator(words.pose)
    judged = judge(model, store, words.split, words.limit or None, eyes)
    facts = {"model": model.name, "recipe": model.recipe.name, "weights": weights_checksum(words.model)}
    line = {**judged.line(), **facts, "seed": words.seed, **stamp()}
    for criterion, numbers in line["criteria"].items():
        print(f"{criterion}: " + ", ".join(f"{name} {value:.3g}" for name, value in numbers.items()))
    if words.results is not None:
        append(words.results, line)
    if not may_show(store):
        print(f"{store.dataset} shows real people: numbers only, no sheet")
        return
    words.folder.mkdir(parents=True, exist_ok=True)
    scale = words.scale or (1 if model.canvas.height > 200 else 2)
    name = words.name or model.name
    lots = draw_lots(store, words.split, words.people, words.seed)
    sheets = {"people": contact_sheet(model, store, lots, across=words.across, scale=scale)}
    failures = worst(judged, words.failures)
    if not failures:
        (words.folder / f"{name}-failures.jpg").unlink(missing_ok=True)  # of an earlier call
        print("no failures")
    else:
        sheets["failures"] = failure_sheet(model, judged, failures, across=max(1, words.across // 2), scale=scale)
    for kind, pixels in sheets.items():
        path = words.folder / f"{name}-{kind}.jpg"
        Image.fromarray(pixels).save(path, quality=85)
        print(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="weights by name, or the folder of a run")
    parser.add_argument("store", type=Path, help="a store on the model's canvas")
    parser.add_argument("folder", type=Path, help="where the sheets go")
    parser.add_argument("--name", help="of the sheets; the model's by default")
    parser.add_argument("--split", default="test")
    parser.add_argument("--limit", type=int, default=1000, help="pairs to judge, spread over the split; 0 for all")
    parser.add_argument("--people", type=int, default=20, help="on the contact sheet")
    parser.add_argument("--failures", type=int, default=12, help="at most")
    parser.add_argument("--across", type=int, default=4, help="people in a row of the contact sheet")
    parser.add_argument("--scale", type=int, default=0, help="enlarge the pictures; 0 for 2 where they are small")
    parser.add_argument("--seed", type=int, default=0, help="of the lots")
    parser.add_argument("--pose", default="movenet", help="estimator for joints and limbs, or none")
    parser.add_argument("--results", type=Path, help="append a line to this .jsonl")
    main(parser.parse_args())
