"""The sheet of docs/reconstruct.md, and the first pictures as a folder for `repose eval`.

    python scripts/draw_reconstructions.py multiscale-parsing-s-synthetic data/people docs/reconstruct.jpg
    python scripts/draw_reconstructions.py multiscale-parsing-s-synthetic data/people docs/reconstruct.jpg out/first

The sheet shows test pairs of a store with parsing, one of a person: those with the smallest error on the person,
those in the middle, and those with the largest. The fourth word is a folder: what the network starts from is written
into it, SOURCE_2_TARGET.png for every test pair.
"""

import sys
from pathlib import Path

import numpy as np
import torch

from repose.apps.reconstruction import require_model
from repose.data import Store
from repose.draw.panels import label_map
from repose.draw.sheet import sheet
from repose.images import save_image
from repose.person import Person
from repose.represent.canvas import to_uint8
from repose.represent.parsing import first_picture, part_maps

ROWS = 2
"""Of the best, of the middle and of the worst."""

FIELDS = ("image", "parsing")


def first_of(source: Person, target: Person) -> torch.Tensor:
    """The first picture of a batch of pairs, (B, 3, H, W)."""
    assert source.image is not None
    assert source.parsing is not None
    assert target.parsing is not None
    return first_picture(source.image, part_maps(source.parsing), part_maps(target.parsing))


def main(name: str, store_folder: str, out: str, firsts: str | None = None) -> None:
    """Score every test pair, draw the sheet, and write the first pictures if they are asked for."""
    model, store = require_model(name), Store.open(store_folder)
    pairs = store.pairs("test")
    errors = []
    for start in range(0, len(pairs), 16):
        some = pairs[start : start + 16]
        source, target = (store.person(some[:, side].tolist(), FIELDS) for side in (0, 1))
        placed = [model.canvas.frame(person) for person in (source, target)]
        images = model.canvas.take(Person(image=model(*placed))).image
        assert images is not None
        assert target.image is not None
        assert target.parsing is not None
        there = (target.parsing > 0).float()[:, None]
        off = ((images - target.image).abs() * there).sum((1, 2, 3)) / (3 * there.sum((1, 2, 3)).clamp_min(1))
        errors += off.tolist()
        if firsts is not None:
            framed = model.canvas.frame(Person(image=first_of(source, target))).image
            assert framed is not None
            for first, (a, b) in zip(framed, some.tolist(), strict=True):
                Path(firsts).mkdir(parents=True, exist_ok=True)
                save_image(Path(firsts) / f"{store.names[a]}_2_{store.names[b]}.png", to_uint8(first))
    order = np.argsort(errors)
    chosen: list[int] = []
    for group in (order, order[len(order) // 2 :], order[::-1]):
        seen = {store.people[pairs[k, 0]] for k in chosen}
        rows: list[int] = []
        for k in group:
            if len(rows) < ROWS and store.people[pairs[k, 0]] not in seen:
                seen.add(store.people[pairs[k, 0]])
                rows.append(int(k))
        chosen += rows
    lines = []
    for k in chosen:
        source, target = (store.person([int(pairs[k, side])], FIELDS) for side in (0, 1))
        image = model.canvas.take(Person(image=model(model.canvas.frame(source), model.canvas.frame(target)))).image
        assert image is not None
        pictures = [source.image, None, first_of(source, target), image, target.image]
        assert target.parsing is not None
        cells = [label_map(target.parsing[0]) if each is None else to_uint8(each[0]) for each in pictures]
        lines.append(cells)
        print(f"{store.names[pairs[k, 0]]} -> {store.names[pairs[k, 1]]}: {127.5 * errors[k]:.1f} grey levels")
    columns = ["source", "map", "first", "result", "true"]
    names = ["best"] * ROWS + ["middle"] * ROWS + ["worst"] * ROWS
    save_image(out, np.asarray(sheet(lines, columns, scale=2, labels=names)), quality=80)


if __name__ == "__main__":
    main(*sys.argv[1:])
