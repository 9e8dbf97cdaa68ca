"""The training loop: one for every recipe, on any number of processes.

    for each batch:
        output = generator(source, target)              once
        for each phase of the objective:                generator and discriminators, in the objective's order
            terms, backward, mean of the gradients over the processes, clip, optimiser step
        moving average of the generator
    at every tick: log line, contact sheet, checkpoint, weights

There is no DDP wrapper module: one forward serves several backward passes with other parameters frozen in each, which
is what DDP's hooks cannot count. The gradients of a phase are averaged by one all-reduce of one flat tensor instead.
"""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, cast

import numpy as np
import torch
from lightning.fabric import Fabric
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from repose import record
from repose.data.loader import Loader, PairSampler, load_pairs
from repose.data.store import Store
from repose.models import build_generator, build_objective
from repose.models.base import Output, Phase, Progress, total
from repose.person import Pair
from repose.represent.canvas import to_uint8
from repose.represent.keypoints import draw_skeleton
from repose.sheet import sheet
from repose.train import ema
from repose.train.checkpoint import (
    SUFFIX,
    checkpoints,
    load_checkpoint,
    load_weights,
    save_checkpoint,
    save_weights,
    write_text,
)
from repose.train.log import Log, Meter
from repose.train.recipe import Recipe, to_dict
from repose.train.schedule import factor
from repose.train.state import State

SHOWN = 8
"""Pairs on a contact sheet."""


class NotFinite(RuntimeError):  # noqa: N818  the name says what happened
    """A loss or a gradient became infinite or NaN; the last checkpoint is whole."""


@dataclass(frozen=True)
class Summary:
    """What became of a run. `stopped` is the signal that ended it early, or None; `losses` are the last means."""

    run: Path
    images: int
    seconds: float
    losses: dict[str, float]
    stopped: str | None = None


def train(
    recipe: Recipe,
    store: Store,
    run: Path,
    *,
    resume: bool = True,
    accelerator: str = "auto",
    devices: int = 1,
    progress: bool = True,
    validation: str = "val",
    overfit: int = 0,
    weights: Path | None = None,
    channels_last: bool = False,
    compile: bool = False,
) -> Summary:
    """Train a recipe on a store; killed at any moment, the same call goes on from the last checkpoint in `run`.

    On the CPU with one process and the same number of threads, a run that was killed and resumed ends with the very
    bits of one that was not. Batch norm takes each process's own statistics, but those of all on GPUs.

    Args:
        resume: False begins anew; a run that lies in the folder is moved aside to `<run>.old<N>`.
        accelerator: "auto", "cpu" or "cuda".
        devices: processes; recipe.data.batch is divided among them.
        progress: whether to report on the screen.
        validation: split whose first pairs are on the contact sheets; the training split where the store has no such.
        overfit: for debugging: N pairs, the same ones forever; 0 for a real run.
        weights: weight file or folder of the same model to begin from, with fresh optimisers.
        channels_last: memory layout of the networks.
        compile: torch.compile on the generator's `synthesise`.

    Raises:
        ValueError: the folder holds a run of another recipe, or the store lacks what the generator needs.
        NotFinite: a loss is not finite.
        OSError: the disk is full at the end of the run; a failure before that is a warning, and the next tick retries.
    """
    if overfit:
        recipe = replace(recipe, data=replace(recipe.data, batch=overfit))
    fabric = Fabric(accelerator=accelerator, devices=devices, strategy="ddp" if devices > 1 else "auto")
    cpu = fabric.device.type == "cpu"
    fabric = fabric if cpu else _with_precision(recipe, accelerator, devices)  # mixed precision is for GPUs
    fabric.launch()
    leads, run = fabric.is_global_zero, Path(run)

    torch.manual_seed(recipe.seed)  # every process makes the same networks
    generator, objective = build_generator(recipe), build_objective(recipe)
    if weights is not None:
        load_weights(generator, recipe.model, [weights] if weights.is_file() else sorted(weights.glob("weights*" + SUFFIX)))
    state = State.fresh(recipe, *(_placed(module, fabric, channels_last) for module in (generator, objective)))
    torch.manual_seed(recipe.seed + 1 + fabric.global_rank)  # and its own dropout

    if leads and not resume:
        _move_aside(run)
    fabric.barrier()
    found = load_checkpoint(run / "checkpoints")
    if found is not None:
        state.load(found[1], str(found[0]), fabric.global_rank)
    if leads:
        write_text(run / "recipe.json", _json(to_dict(recipe)))
    if compile:
        generator.synthesise = torch.compile(generator.synthesise)  # type: ignore[method-assign]

    needs = {"image", "keypoints", *generator.needs.source, *generator.needs.target}
    fields = tuple(name for name in store.fields if name in needs)
    sampler = (_Same if overfit else PairSampler)(
        store, recipe.data.split, recipe.data.batch, recipe.seed, fabric.global_rank, fabric.world_size
    )
    shown = _shown(store, validation, sampler, fields, overfit)
    loader = Loader(store, sampler, fields, recipe.data.flip, start=state.step)
    meter, losses = Meter(), dict[str, float]()
    log = Log(run, recipe.images, state.images, silent=not leads, show=progress)
    with log, loader, _Stop() as stop, _deterministic(cpu):
        log.start(_facts(state, store, fabric, overfit))
        clock = time.perf_counter() - state.seconds
        while state.images < recipe.images and not stop.asked(fabric, state.step):
            _, pair = next(loader)
            pair = pair.to(fabric.device, non_blocking=True)
            if recipe.data.both_directions:
                pair = pair.both()
            _step(fabric, state, pair, meter)

            before, state.step = state.images, state.step + 1
            state.images += len(pair) * fabric.world_size
            if recipe.ema:
                ema.update(state.average, state.generator, state.images, state.images - before, recipe.ema)
            log.advance(state.images)
            state.seconds = time.perf_counter() - clock

            last = state.images >= recipe.images or bool(stop.name)
            tick = last or state.images // recipe.tick > before // recipe.tick
            every = max(1, recipe.tick // 10)
            if tick or state.images // every > before // every:
                losses = meter.read()
                _require_finite(state, losses, run)
                log.line(state.images, state.seconds, _rates(state), losses)
            if tick and leads:
                _leave_behind(state, shown, store, run, log, must=last)
                log.pause()
    fabric.barrier()
    if stop.name:
        log.say(f"stopped by {stop.name} at {state.images:,} images, all saved; the same command goes on from here")
    elif leads:
        log.say(f"{run}: {state.images:,} images in {state.seconds / 60:.1f} min; weights{SUFFIX} is what was trained")
    return Summary(run, state.images, state.seconds, losses, stop.name)


def _step(fabric: Fabric, state: State, pair: Pair, meter: Meter) -> None:
    """One batch: the generator once, then every phase of the objective."""
    recipe = state.recipe
    phases = state.objective.phases(Progress(state.images, recipe.images))
    scale = factor(recipe.schedule, state.images, recipe.images)
    _only(state, ["generator"])
    with fabric.autocast(), torch.set_grad_enabled(any("generator" in phase.trains for phase in phases)):
        output = state.generator(pair.source, pair.target)
    output = Output(output.image.float(), output.extra)
    for phase in phases:
        _only(state, phase.trains)
        with fabric.autocast():
            terms = state.objective.losses(phase, pair, output)
            loss = total(terms)
        loss.backward()  # type: ignore[no-untyped-call]
        grads = [w.grad for name in phase.trains for w in state.weights[name] if w.grad is not None]
        _average(grads, fabric)
        norm = get_total_norm(grads)
        if recipe.clip:
            weights = [w for name in phase.trains for w in state.weights[name]]
            clip_grads_with_norm_(weights, recipe.clip, norm)

        names = [f"{phase.name}/{name}" for name in (*terms, "gradient norm")]
        values = torch.stack([*(term.value.detach().float() for term in terms.values()), norm.float()])
        _average([values], fabric)
        meter.add(names, values)
        if values.device.type == "cpu" and not bool(values.isfinite().all()):  # a GPU would have to wait for this
            return  # no optimiser step: the loop's next look at the meter tells the user
        for name in phase.trains:
            _set_rate(state, name, scale)
            state.optimisers[name].step()
        for optimiser in state.optimisers.values():
            optimiser.zero_grad(set_to_none=True)


def _only(state: State, names: Sequence[str]) -> None:
    """Only these modules take gradients."""
    for name in names:
        if name not in state.modules:
            raise ValueError(f"a phase trains '{name}', but there is only {', '.join(state.modules)}")
    for name, weights in state.weights.items():
        for weight in weights:
            weight.requires_grad_(name in names)
