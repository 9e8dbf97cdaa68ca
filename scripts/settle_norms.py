"""Measure the statistics of a run's batch norms anew with its final weights, then ship it by scripts/ship_weights.py.

    python scripts/settle_norms.py runs/parsing data/people runs/parsing-settled

Of a short run in small batches the running statistics are those of weights that have changed since, and of a few
pictures. Here they are means over 1,024 training pairs in batches of 16.
"""

import json
import sys
from pathlib import Path

import torch
from torch import nn

from repose.data import Store
from repose.models.weights import load_generator, save_weights
from repose.represent.canvas import canvas

PAIRS, BATCH = 1024, 16


def main(run: str, store_folder: str, out: str) -> None:
    """Read, measure, write a folder like the run's."""
    (generator, recipe), store = load_generator(run), Store.open(store_folder)
    for module in generator.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the mean over all batches
    place, needs = canvas(recipe.canvas), generator.needs
    pairs = store.pairs(recipe.data.split)
    chosen = pairs[torch.randperm(len(pairs), generator=torch.Generator().manual_seed(0))[:PAIRS]]
    generator.train()
    with torch.no_grad():
        for some in chosen.split(BATCH):
            source = place.frame(store.person(some[:, 0].tolist(), needs.fields))
            target = place.frame(store.person(some[:, 1].tolist(), needs.fields))
            generator(source.only(*needs.source), target.only(*needs.target))
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    card = json.loads((Path(run) / "card.json").read_text()) | {"batch norms": f"measured anew over {PAIRS} pairs"}
    save_weights(folder, generator.eval(), recipe, card)


if __name__ == "__main__":
    main(*sys.argv[1:])
