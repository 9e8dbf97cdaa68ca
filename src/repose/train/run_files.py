"""The files of a run's folder: recipe, contact sheets, checkpoints, weights with their card, snapshots of them."""

from __future__ import annotations

import contextlib
import json
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from repose import record
from repose.data.store import Store
from repose.draw.sheet import sheet
from repose.images import write_picture
from repose.models.weights import save_weights
from repose.person import Pair
from repose.recipes import Recipe, to_dict
from repose.represent.canvas import to_uint8
from repose.represent.keypoints import draw_skeleton
from repose.tensor_files import write_text
from repose.train.checkpoint import save_checkpoint
from repose.train.state import State


def write_recipe(run: Path, recipe: Recipe) -> None:
    """`recipe.json`, the whole recipe of the run."""
    write_text(run / "recipe.json", json.dumps(to_dict(recipe), indent=2) + "\n")


def save(run: Path, state: State, store: Store, sheet_pairs: Pair | None, last: bool) -> None:
    """Write a checkpoint; with `sheet_pairs` also their contact sheet, and the weights.

    Args:
        last: whether this is the end of the run. A full disk is an error then, and before that a warning.
    """
    with _full_disk_is_a_warning(state, last):
        if sheet_pairs is not None:
            draw_sheet(state, sheet_pairs, run / "sheets" / f"{state.images:09d}.png")
        save_checkpoint(run / "checkpoints", state.tree(), state.images)
        if sheet_pairs is not None:
            save_weights(run, state.average, state.recipe, _card(state, store))


def save_snapshot(run: Path, state: State, store: Store, keep: int, last: bool) -> None:
    """Write the weights of now to `run`/snapshots/IMAGES, whole or not at all; of the earlier ones the last stay.

    Args:
        keep: how many stay in all. last: as `save` takes it.
    """
    folder = run / "snapshots"
    place = folder / f"{state.images:09d}"
    with _full_disk_is_a_warning(state, last):
        try:
            save_weights(place, state.average, state.recipe, _card(state, store))
        except OSError:
            shutil.rmtree(place, ignore_errors=True)
            raise
        snapshots = sorted(folder.iterdir())
        whole = [snapshot for snapshot in snapshots if (snapshot / "card.json").exists()]  # it is written last
        for snapshot in snapshots:
            if snapshot not in whole[-keep:]:
                shutil.rmtree(snapshot, ignore_errors=True)


def draw_sheet(state: State, pairs: Pair, path: Path) -> None:
    """Write a contact sheet: a row for each pair, generated with the averaged weights."""
    device = next(state.generator.parameters()).device
    state.average.eval()
    with torch.no_grad():
        pair = pairs.to(device)
        generated = state.average(pair.source, pair.target).image.float().cpu()
    if state.average is state.generator:
        state.generator.train()
    assert pairs.source.image is not None
    assert pairs.target.image is not None
    assert pairs.target.keypoints is not None
    height, width = generated.shape[-2:]
    poses = [draw_skeleton(keypoints, height, width) for keypoints in pairs.target.keypoints]
    pictures = [to_uint8(pairs.source.image), poses, to_uint8(generated), to_uint8(pairs.target.image)]
    rows = [list(row) for row in zip(*pictures, strict=True)]
    page = sheet(rows, ["source", "pose", "generated", "target"], scale=max(1, 128 // width))
    write_picture(path, page)


@contextlib.contextmanager
def _full_disk_is_a_warning(state: State, last: bool) -> Iterator[None]:
    """Warn of what could not be written, but raise it at the end of the run."""
    try:
        yield
    except OSError as error:
        if last:
            raise
        text = f"not saved at {state.images:,} images: {error}. Training goes on; the next tick tries again"
        warnings.warn(text, UserWarning, stacklevel=4)


def _card(state: State, store: Store) -> dict[str, Any]:
    """What card.json tells of the weights."""
    begun = state.begun_from
    licence = f"{store.licence}; and: {begun['licence']}" if begun else store.licence
    return {
        "name": state.recipe.name,
        "model": state.recipe.model,
        "images": state.images,
        "seconds": round(state.seconds, 1),
        "weights": "moving average" if state.recipe.ema else "last",
        "data": store.dataset,
        "data_checksum": store.checksum,
        "licence": licence,
        "begun_from": begun,
        "trained": record.stamp(),
    }
