"""The training loop: one for every recipe, on any number of processes.

    for each batch:
        output = generator(source, target)              once
        for each phase of the objective:                generator and discriminators, in the objective's order
            terms, backward, mean of the gradients over the processes, clip, optimiser step
        moving average of the generator
    at every tick: log line, contact sheet, checkpoint, weights; every few minutes a checkpoint

There is no DDP wrapper module: one forward serves several backward passes with other parameters frozen in each, which
is what DDP's hooks cannot count. The gradients of a phase are averaged by one all-reduce of one flat tensor instead.

What comes before the first step is in `repose.train.start`, what a tick writes in `repose.train.run_files`.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from repose.data.store import Store
from repose.locks import locked
from repose.models.base import Output, Phase, Progress, stage_of, total
from repose.person import Pair, Person
from repose.recipes import Recipe, to_dict
from repose.represent.canvas import canvas
from repose.tensor_files import SUFFIX
from repose.train import run_files, start
from repose.train.checkpoint import checkpoints
from repose.train.log import Log
from repose.train.means import RunningMeans
from repose.train.moving_average import update_average
from repose.train.parts import PartOutputs
from repose.train.processes import Fabric, StopRequest, arithmetic, average_over_processes, launch
from repose.train.schedule import factor
from repose.train.state import State


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
    channels_last: bool = True,
    compile: bool = False,
    save_every: float = 300.0,
    snapshots: int = 0,
    snapshot_every: int = 0,
) -> Summary:
    """Train a recipe on a store. A run that was killed goes on from the last checkpoint in `run` by the same call.

    On the CPU with one process and the same number of threads, a run that was killed and resumed ends with the very
    bits of one that was not. Batch norm takes each process's own statistics, but those of all on GPUs.

    Args:
        resume: False begins anew; a run that lies in the folder is moved aside to `<run>.old<N>`.
        accelerator: "auto", "cpu" or "cuda".
        devices: processes; recipe.data.batch is divided among them.
        progress: whether to report on the screen.
        validation: split whose first pairs are on the contact sheets; the training split where the store has no such.
        overfit: for debugging: N pairs, the same ones forever; 0 for a real run.
        weights: weight file or folder of the same model to begin from, with fresh optimisers; a run that goes on
            from a checkpoint has that behind it.
        channels_last: memory layout of the networks; saves the small presets a tenth of the time on a CPU.
        compile: torch.compile on the generator's `synthesise`.
        save_every: seconds after which there is a checkpoint also between two ticks; the result does not depend on it.
        snapshots: how many ticks' weights stay, the last ones, each in `run/snapshots/<images>`: to choose among
            (`repose.metrics.choosing`).
        snapshot_every: iterations between two of them, in place of a tick; the papers keep one every 500 iterations
            and choose among the last 70.

    Raises:
        ValueError: the folder holds a run of another recipe or of other data, another process is training in it, the
            store's pictures are not of the recipe's canvas or its window, it lacks what the generator needs, or a
            process's share of a step cannot be computed in `data.accumulate` equal parts.
        NotFinite: a loss is not finite.
        OSError: the disk is full at the end of the run; a failure before that is a warning, and the next tick retries.
    """
    if overfit:
        recipe = replace(recipe, data=replace(recipe.data, batch=overfit))
    canvas(recipe.canvas).frame(Person(size=store.size))  # raises now if the pictures do not fit
    share, parts = recipe.data.pictures // devices, recipe.data.accumulate
    if parts > 1 and share % parts:
        raise ValueError(
            f"data.accumulate={parts}: {share} pictures of a step on each of {devices} device(s) make no {parts} equal "
            "parts"
        )
    if snapshot_every and not snapshots:
        raise ValueError("snapshot_every says how often; snapshots, how many of them stay, is missing")
    fabric, precision = launch(recipe, accelerator, devices)
    run = Path(run)
    with locked(run, "training in this folder") if fabric.is_global_zero else contextlib.nullcontext():
        return _train(
            fabric, precision, recipe, store, run, resume=resume, progress=progress, validation=validation,
            overfit=overfit, weights=weights, channels_last=channels_last, compile=compile, save_every=save_every,
            snapshots=snapshots, snapshot_every=snapshot_every,
        )  # fmt: skip


def _train(
    fabric: Fabric,
    precision: str,
    recipe: Recipe,
    store: Store,
    run: Path,
    *,
    resume: bool,
    progress: bool,
    validation: str,
    overfit: int,
    weights: Path | None,
    channels_last: bool,
    compile: bool,
    save_every: float,
    snapshots: int,
    snapshot_every: int,
) -> Summary:
    """`train` in one of its processes."""
    leads = fabric.is_global_zero
    if leads and progress:  # before the networks are built: what they take must not be missing from what is free
        start.print_forecast(recipe, fabric, store)
    weights = None if weights is None else Path(weights)
    state = start.new_state(recipe, store, fabric, weights, overfit, channels_last)
    if leads and not resume:
        start.move_aside(run)
    fabric.barrier()
    start.load_newest(state, run / "checkpoints", fabric.global_rank)
    if leads:
        run_files.write_recipe(run, recipe)
    if compile:
        state.generator.synthesise = torch.compile(state.generator.synthesise)  # type: ignore[method-assign]
    loader, sheet_pairs = start.open_pairs(state, store, fabric, validation)

    means, losses, line_every = RunningMeans(), dict[str, float](), max(1, recipe.tick // 10)
    log = Log(run, recipe.images, state.images, silent=not leads, show=progress)
    with log, loader, StopRequest(fabric) as stop, arithmetic(fabric.device.type == "cpu"):
        log.start(_run_facts(state, fabric, precision))
        why = "is for GPUs" if recipe.precision == "bf16-mixed" else "needs a CPU that multiplies bfloat16"
        other = f" (the recipe's {recipe.precision} {why})" if precision == "32-true" != recipe.precision else ""
        log.say(f"{run}: device {fabric.device}, precision {precision}{other}")
        begun, saved = time.perf_counter() - state.seconds, time.monotonic()
        while state.images < recipe.images and not stop.agreed:
            _, pair = next(loader)
            pair = pair.to(fabric.device, non_blocking=True)
            _step(fabric, state, pair, means, run)

            before, state.step = state.images, state.step + 1
            state.images += len(pair) * fabric.world_size
            if recipe.ema:
                update_average(state.average, state.generator, state.images, state.images - before, recipe.ema)
            state.seconds = time.perf_counter() - begun
            log.advance(state.images)

            last = stop.agree(state.step) or state.images >= recipe.images
            tick = last or state.images // recipe.tick > before // recipe.tick
            if tick or state.images // line_every > before // line_every:
                losses = means.read()
                _require_finite(losses, state.images, run)
                log.line(state.images, state.seconds, _learning_rates(state), losses)
            due = time.monotonic() - saved >= save_every and means.all_finite()  # a diverged state replaces no good one
            if snapshot_every:
                snap = state.step % snapshot_every == 0 and means.all_finite()
            else:
                snap = tick and not stop.agreed
            if leads and (tick or due):
                run_files.save(run, state, store, sheet_pairs if tick else None, last=last)
                saved = time.monotonic()
            if leads and snap and snapshots:
                run_files.save_snapshot(run, state, store, snapshots, last=last)
            if leads and (tick or due or snap):
                log.restart_clock()
        fabric.barrier()
        if stop.agreed:
            log.say(f"stopped by {stop.agreed} at {state.images:,} images; all is saved, the same command goes on")
        else:
            log.say(f"{run}: {state.images:,} images in {state.seconds / 60:.1f} min; the result is weights{SUFFIX}")
    return Summary(run, state.images, state.seconds, losses, stop.agreed)


def _step(fabric: Fabric, state: State, pair: Pair, means: RunningMeans, run: Path) -> None:
    """One batch: the generator once, then every phase of the objective."""
    recipe = state.recipe
    phases = state.objective.phases(Progress(state.images, recipe.images))
    state.generator.set_stage(stage_of(phases))
    for name, rate in _learning_rates(state).items():
        for group in state.optimisers[name].param_groups:
            group["lr"] = rate
    outputs = _outputs(fabric, state, pair, phases)
    for phase in phases:
        for part, output in outputs(phase):
            _train_only(state, phase.trains)
            with fabric.autocast():
                terms = state.objective.losses(phase, part, output)
                loss = total(terms) / recipe.data.accumulate
            loss.backward()  # type: ignore[no-untyped-call]
            columns = [f"{phase.name}/{name}" for name in terms]
            values = torch.stack([term.value.detach().float() for term in terms.values()])
            average_over_processes([values], fabric)
            means.add(columns, values)
            if values.device.type == "cpu":  # a GPU would have to wait: there the loop checks when it reads the means
                _require_finite(dict(zip(columns, values.tolist(), strict=True)), state.images, run)

        weights = [weight for name in phase.trains for weight in state.trained(name)]
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        average_over_processes(gradients, fabric)
        norm = get_total_norm(gradients)
        if recipe.clip:
            clip_grads_with_norm_(weights, recipe.clip, norm)
        column = f"{phase.name}/gradient norm"
        means.add([column], norm.float()[None])
        if norm.device.type == "cpu":
            _require_finite({column: norm.item()}, state.images, run)
        for name in dict.fromkeys(name.partition(".")[0] for name in phase.trains):
            state.optimisers[name].step()
        for optimiser in state.optimisers.values():
            optimiser.zero_grad(set_to_none=True)


def _outputs(
    fabric: Fabric, state: State, pair: Pair, phases: Sequence[Phase]
) -> Callable[[Phase], Iterator[tuple[Pair, Output]]]:
    """For a phase: the parts of the batch, each with what the generator makes of it.

    A batch in one part is generated once, with a graph that serves all phases.
    """
    of_generator = {
        phase.name: [name for name in phase.trains if name.partition(".")[0] == "generator"] for phase in phases
    }  # fmt: skip
    trained = sorted({name for names in of_generator.values() for name in names})

    def generate(part: Pair) -> Output:
        with fabric.autocast():
            output = state.generator(part.source, part.target)
        return Output(output.image.float(), output.extra)

    count = state.recipe.data.accumulate
    if count == 1:
        _train_only(state, trained)
        with torch.set_grad_enabled(bool(trained)):
            whole = generate(pair)
        return lambda phase: iter([(pair, whole)])

    size = len(pair) // count
    parts = [pair[index * size : (index + 1) * size] for index in range(count)]
    outputs = PartOutputs(parts, generate, state.generator, fabric.device, later=bool(trained))

    def each(phase: Phase) -> Iterator[tuple[Pair, Output]]:
        for index, part in enumerate(parts):
            if of_generator[phase.name]:
                _train_only(state, of_generator[phase.name])
            yield part, outputs.output(index, graph=bool(of_generator[phase.name]))

    return each


def _train_only(state: State, names: Sequence[str]) -> None:
    """Only these modules, or parts of them, take gradients."""
    for weights in state.weights.values():
        for weight in weights:
            weight.requires_grad_(False)
    for name in names:
        for weight in state.trained(name):
            weight.requires_grad_(True)


def _learning_rates(state: State) -> dict[str, float]:
    """The learning rate of every optimiser, for the step that begins now."""
    recipe = state.recipe
    scale = factor(recipe.schedule, state.images, recipe.images)
    g, d = recipe.generator_optimiser, recipe.discriminator_optimiser
    return {name: scale * (g if name == "generator" else d).lr for name in state.optimisers}


def _require_finite(values: Mapping[str, float], images: int, run: Path) -> None:
    """Raise NotFinite, naming the term, its phase and the last checkpoint, if a value is infinite or NaN."""
    for name, value in values.items():
        if not math.isfinite(value):
            phase, _, term = name.partition("/")
            saved = checkpoints(run / "checkpoints")
            last = f"the last good checkpoint is {saved[0]}" if saved else "there is no checkpoint yet"
            raise NotFinite(
                f"'{term}' of the phase '{phase}' is {value} at {images:,} images; {last}. Try a lower learning rate "
                "(generator_optimiser.lr, discriminator_optimiser.lr), clip=1, schedule.warmup=1_000, precision=32-true"
            )


def _run_facts(state: State, fabric: Fabric, precision: str) -> dict[str, Any]:
    """What the line "start" of the log tells."""
    return {
        "recipe": to_dict(state.recipe),
        "seed": state.recipe.seed,
        "images": state.images,
        "data": state.data["dataset"],
        "data_checksum": state.data["checksum"],
        "begun_from": state.begun_from,
        "device": str(fabric.device),
        "precision": precision,
        "processes": fabric.world_size,
        "overfit": state.overfit,
        "parameters": {name: sum(weight.numel() for weight in ws) for name, ws in state.weights.items()},
    }
