"""What comes before the first step: the forecast of memory, networks on their device, a checkpoint, the pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
from rich.console import Console
from torch import Tensor

from repose.data.augment import Bits
from repose.data.loader import Loader, PairSampler, load_pairs
from repose.data.store import Store
from repose.estimate.suppliers import supplier
from repose.losses.frozen import FrozenNetworkTerm
from repose.models import build_generator, build_objective
from repose.models.base import course, stage_of
from repose.models.weights import lineage, load_weights, weight_files
from repose.person import Pair
from repose.recipes import Recipe, iterations
from repose.represent.canvas import canvas
from repose.train.checkpoint import load_checkpoint
from repose.train.memory_forecast import forecast
from repose.train.processes import Fabric, to_device
from repose.train.state import State

SHEET_PAIRS: Final = 8
"""Pairs on a contact sheet."""


def print_forecast(recipe: Recipe, fabric: Fabric, store: Store) -> None:
    """Print how much memory the run will need, and what to turn down where that is more than is free."""
    screen = Console()
    text, warning = forecast(recipe, fabric.device, store.fields, devices=fabric.world_size, sheet_pairs=SHEET_PAIRS)
    parts = f" in {recipe.data.accumulate} parts" if recipe.data.accumulate > 1 else ""
    length = f"{iterations(recipe):,} iterations of {recipe.data.pictures} pictures{parts}"
    screen.print(f"{recipe.name}: {length}; {text}", highlight=False)
    if warning:
        screen.print(f"warning: {warning}", highlight=False, style="yellow")


def new_state(
    recipe: Recipe, store: Store, fabric: Fabric, weights: Path | None, overfit: int, channels_last: bool
) -> State:
    """The state before the first step, on the device; every process builds the same networks.

    Args:
        weights: weight file or folder to begin from. overfit, channels_last: as `repose.train.loop.train` takes them.

    Raises:
        ValueError: the store lacks a field (says who supplies it), or a stage of the objective is wrong.
    """
    torch.manual_seed(recipe.seed)
    generator, objective = build_generator(recipe), build_objective(recipe)
    for name in sorted({*generator.needs.fields, *objective.requires} - set(store.fields)):
        raise ValueError(f"{recipe.name} trains on '{name}', which {store.folder} does not have; {supplier(name)}")
    if weights is not None:
        load_weights(generator, recipe.model, weight_files(weights))
    generator, objective = to_device(generator, fabric, channels_last), to_device(objective, fabric, channels_last)
    data = {"dataset": store.dataset, "checksum": store.checksum}
    state = State.fresh(recipe, generator, objective, data, overfit, None if weights is None else lineage(weights))
    _check_stages(state)
    for module in objective.modules():
        # It reads its file, and draws random numbers, when it is first used: now.
        if isinstance(module, FrozenNetworkTerm):
            module.network(fabric.device)
    torch.manual_seed(recipe.seed + 1 + fabric.global_rank)  # every process has its own dropout
    return state


def load_newest(state: State, folder: Path, rank: int) -> None:
    """Take over the newest whole checkpoint of a folder, if it has one.

    Raises:
        ValueError: it is of another recipe or of other data. CheckpointError: all of them are damaged.
    """
    newest = load_checkpoint(folder)
    if newest is not None:
        path, tree = newest
        state.load(tree, str(path), rank)


def move_aside(run: Path) -> None:
    """Rename a folder that holds a run to `<run>.old<N>`."""
    if (run / "checkpoints").exists() or (run / "log.jsonl").exists():
        number = next(n for n in range(1, 10_000) if not run.with_name(f"{run.name}.old{n}").exists())
        run.rename(run.with_name(f"{run.name}.old{number}"))


def open_pairs(state: State, store: Store, fabric: Fabric, validation: str) -> tuple[Loader, Pair]:
    """The batches of this process from the state's step on, and the pairs of the contact sheets.

    The sheets' pairs are the same ones in every run of this store.

    Args:
        validation: split of the sheets' pairs; the training split where the store has no such.
    """
    recipe, place = state.recipe, canvas(state.recipe.canvas)
    reads = {"image", "keypoints", *state.generator.needs.fields, *state.objective.requires, *state.objective.reads}
    fields = tuple(name for name in store.fields if name in reads)
    sampler_class = FirstBatchOnly if state.overfit else PairSampler
    sampler = sheet_sampler = sampler_class(
        store, recipe.data.split, recipe.data.batch, recipe.seed, fabric.global_rank, fabric.world_size
    )
    if not state.overfit:
        split = validation if validation in store.splits else recipe.data.split
        sheet_sampler = PairSampler(store, split, SHEET_PAIRS, seed=0)
    sheet_pairs = load_pairs(store, sheet_sampler.batch_at(0)[:SHEET_PAIRS], fields, canvas=place)
    loader = Loader(
        store, sampler, fields, recipe.data.flip, state.step, canvas=place,
        both_directions=recipe.data.both_directions, change=recipe.data.augment, views=state.objective.views,
    )  # fmt: skip
    return loader, sheet_pairs


class FirstBatchOnly(PairSampler):
    """The first step's pairs at every step, always mirrored and augmented in the same way: to overfit them."""

    def batch_at(self, step: int) -> Tensor:
        return super().batch_at(0)

    def flips_at(self, step: int) -> Tensor:
        return super().flips_at(0)

    def bits_at(self, step: int, both_directions: bool = False) -> Bits:
        return super().bits_at(0, both_directions)

    def views_at(self, step: int, count: int) -> Tensor:
        return super().views_at(0, count)


def _check_stages(state: State) -> None:
    """Prepare every stage that `course` finds, without a step, so that a ValueError comes now and not hours later."""
    for phases in course(state.objective, state.recipe.images):
        state.generator.set_stage(stage_of(phases))
        of_generator = [phase.name for phase in phases if any(name.startswith("generator") for name in phase.trains)]
        if state.recipe.data.accumulate > 1 and len(of_generator) > 1:
            raise ValueError(
                f"data.accumulate: {' and '.join(of_generator)} both train the generator in one step, and the second "
                "would see what the first has changed; data.accumulate=1 is wanted"
            )
        for phase in phases:
            for name in phase.trains:
                state.trained(name)
