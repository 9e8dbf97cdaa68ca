"""The training loop: one for every recipe, on any number of processes.

    for each batch:
        output = generator(source, target)              once
        for each phase of the objective:                generator and discriminators, in the objective's order
            terms, backward, mean of the gradients over the processes, clip, optimiser step
        moving average of the generator
    at every tick: log line, contact sheet, checkpoint, weights; every few minutes a checkpoint

There is no DDP wrapper module: one forward serves several backward passes with other parameters frozen in each, which
is what DDP's hooks cannot count. The gradients of a phase are averaged by one all-reduce of one flat tensor instead.
"""

from __future__ import annotations

import contextlib
import json
import math
import shutil
import signal
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import Any, Final, TypeVar, cast

import torch
from lightning.fabric import Fabric
from rich.console import Console
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from repose import record
from repose.data.augment import Bits
from repose.data.loader import Loader, PairSampler, load_pairs
from repose.data.store import Store
from repose.draw.sheet import sheet
from repose.losses.perceptual import Perceptual
from repose.models import build_generator, build_objective
from repose.models.base import Output, Progress, course, stage_of, supplier, total
from repose.models.weights import lineage, load_weights, save_weights, weight_files
from repose.person import Pair, Person
from repose.recipes import Recipe, to_dict
from repose.represent.canvas import Canvas, canvas, to_uint8
from repose.represent.keypoints import draw_skeleton
from repose.tensor_files import SUFFIX, write_text, writing
from repose.train import ema
from repose.train.checkpoint import checkpoints, load_checkpoint, save_checkpoint
from repose.train.log import Log, Meter
from repose.train.memory import forecast
from repose.train.schedule import factor
from repose.train.state import State

M = TypeVar("M", bound=nn.Module)

SHOWN: Final = 8
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
    channels_last: bool = True,
    compile: bool = False,
    save_every: float = 300.0,
    snapshots: int = 0,
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
        weights: weight file or folder of the same model to begin from, with fresh optimisers; a run that goes on
            from a checkpoint has that behind it.
        channels_last: memory layout of the networks; saves the small presets a tenth of the time on a CPU.
        compile: torch.compile on the generator's `synthesise`.
        save_every: seconds after which there is a checkpoint also between two ticks; the result does not depend on it.
        snapshots: how many ticks' weights stay, the last ones, each in `run/snapshots/<images>`: to choose among
            (`repose.metrics.choosing`).

    Raises:
        ValueError: the folder holds a run of another recipe or of other data, the store's pictures are not of the
            recipe's canvas or its window, or it lacks what the generator needs.
        NotFinite: a loss is not finite.
        OSError: the disk is full at the end of the run; a failure before that is a warning, and the next tick retries.
    """
    if overfit:
        recipe = replace(recipe, data=replace(recipe.data, batch=overfit))
    place = canvas(recipe.canvas)
    place.frame(Person(size=store.size))  # whether the pictures fit is said before anything is made
    mixed = recipe.precision if accelerator != "cpu" and torch.cuda.is_available() else "32-true"
    strategy = "ddp" if devices > 1 else "auto"
    fabric = Fabric(accelerator=accelerator, devices=devices, strategy=strategy, precision=mixed)
    fabric.launch()
    cpu = fabric.device.type == "cpu"
    leads, run = fabric.is_global_zero, Path(run)

    if leads and progress:  # before the networks are built: what they take must not be missing from what is free
        _foretell(recipe, fabric, store)
    torch.manual_seed(recipe.seed)  # every process makes the same networks
    generator, objective = build_generator(recipe), build_objective(recipe)
    wanted = {*generator.needs.fields, *objective.requires}
    for name in sorted(wanted - set(store.fields)):
        raise ValueError(f"{recipe.name} trains on '{name}', which {store.folder} does not have; {supplier(name)}")
    if weights is not None:
        load_weights(generator, recipe.model, weight_files(Path(weights)))
    generator, objective = _placed(generator, fabric, channels_last), _placed(objective, fabric, channels_last)
    data = {"dataset": store.dataset, "checksum": store.checksum}
    begun_from = None if weights is None else lineage(Path(weights))
    state = State.fresh(recipe, generator, objective, data, overfit, begun_from)
    _rehearse(state)
    for module in objective.modules():
        if isinstance(module, Perceptual):  # it reads its file, and draws random numbers, when it is first used: now
            module.network(fabric.device)
    torch.manual_seed(recipe.seed + 1 + fabric.global_rank)  # every process has its own dropout

    if leads and not resume:
        _move_aside(run)
    fabric.barrier()
    found = load_checkpoint(run / "checkpoints")
    if found is not None:
        state.load(found[1], str(found[0]), fabric.global_rank)
    if leads:
        write_text(run / "recipe.json", json.dumps(to_dict(recipe), indent=2) + "\n")
    if compile:
        generator.synthesise = torch.compile(generator.synthesise)  # type: ignore[method-assign]

    needs = {"image", "keypoints", *wanted, *objective.reads}
    fields = tuple(name for name in store.fields if name in needs)
    sampler = (_Same if overfit else PairSampler)(
        store, recipe.data.split, recipe.data.batch, recipe.seed, fabric.global_rank, fabric.world_size
    )
    shown = _shown(state, store, validation, sampler, fields, place)
    how = recipe.data
    loader = Loader(
        store, sampler, fields, how.flip, state.step, canvas=place, both_directions=how.both_directions,
        change=how.augment, views=objective.views,
    )  # fmt: skip
    meter, losses, every = Meter(), dict[str, float](), max(1, recipe.tick // 10)
    log = Log(run, recipe.images, state.images, silent=not leads, show=progress)
    with log, loader, _Stop(fabric) as stop, _arithmetic(cpu):
        log.start(_facts(state, fabric, mixed))
        other = f" (the recipe's {recipe.precision} is for GPUs)" if mixed != recipe.precision else ""
        log.say(f"{run}: device {fabric.device}, precision {mixed}{other}")
        clock, saved = time.perf_counter() - state.seconds, time.monotonic()
        while state.images < recipe.images and not stop.agreed:
            _, pair = next(loader)
            pair = pair.to(fabric.device, non_blocking=True)
            _step(fabric, state, pair, meter, run)

            before, state.step = state.images, state.step + 1
            state.images += len(pair) * fabric.world_size
            if recipe.ema:
                ema.update(state.average, state.generator, state.images, state.images - before, recipe.ema)
            state.seconds = time.perf_counter() - clock
            log.advance(state.images)

            last = stop.agree(state.step) or state.images >= recipe.images
            tick = last or state.images // recipe.tick > before // recipe.tick
            if tick or state.images // every > before // every:
                losses = meter.read()
                _require_finite(losses, state.images, run)
                log.line(state.images, state.seconds, _rates(state), losses)
            due = time.monotonic() - saved >= save_every and meter.finite()  # a diverged state replaces no good one
            if leads and (tick or due):
                _leave_behind(state, shown if tick else None, store, run, 0 if stop.agreed else snapshots, must=last)
                log.pause()
                saved = time.monotonic()
        fabric.barrier()
        if stop.agreed:
            log.say(f"stopped by {stop.agreed} at {state.images:,} images; all is saved, the same command goes on")
        else:
            log.say(f"{run}: {state.images:,} images in {state.seconds / 60:.1f} min; the result is weights{SUFFIX}")
    return Summary(run, state.images, state.seconds, losses, stop.agreed)


def _step(fabric: Fabric, state: State, pair: Pair, meter: Meter, run: Path) -> None:
    """One batch: the generator once, then every phase of the objective."""
    recipe = state.recipe
    phases = state.objective.phases(Progress(state.images, recipe.images))
    state.generator.set_stage(stage_of(phases))
    for name, rate in _rates(state).items():
        for group in state.optimisers[name].param_groups:
            group["lr"] = rate
    named = [name for phase in phases for name in phase.trains]
    generating = sorted({name for name in named if name.partition(".")[0] == "generator"})
    _only(state, generating)
    with fabric.autocast(), torch.set_grad_enabled(bool(generating)):
        output = state.generator(pair.source, pair.target)
    output = Output(output.image.float(), output.extra)
    for phase in phases:
        _only(state, phase.trains)
        with fabric.autocast():
            terms = state.objective.losses(phase, pair, output)
            loss = total(terms)
        loss.backward()  # type: ignore[no-untyped-call]

        weights = [weight for name in phase.trains for weight in state.trained(name)]
        grads = [weight.grad for weight in weights if weight.grad is not None]
        _average(grads, fabric)
        norm = get_total_norm(grads)
        if recipe.clip:
            clip_grads_with_norm_(weights, recipe.clip, norm)

        names = [f"{phase.name}/{name}" for name in (*terms, "gradient norm")]
        values = torch.stack([*(term.value.detach().float() for term in terms.values()), norm.float()])
        _average([values], fabric)
        meter.add(names, values)
        if values.device.type == "cpu":  # a GPU would have to wait: there it is the loop's next look at the meter
            _require_finite(dict(zip(names, values.tolist(), strict=True)), state.images, run)
        for name in dict.fromkeys(name.partition(".")[0] for name in phase.trains):
            state.optimisers[name].step()
        for optimiser in state.optimisers.values():
            optimiser.zero_grad(set_to_none=True)


def _only(state: State, names: Sequence[str]) -> None:
    """Only these modules, or parts of them, take gradients."""
    for weights in state.weights.values():
        for weight in weights:
            weight.requires_grad_(False)
    for name in names:
        for weight in state.trained(name):
            weight.requires_grad_(True)


def _average(tensors: Sequence[Tensor], fabric: Fabric) -> None:
    """Replace tensors by their means over the processes: one all-reduce of one flat tensor."""
    if fabric.world_size == 1 or not tensors:
        return
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    mean = cast("Tensor", fabric.all_reduce(flat, reduce_op="mean"))
    for tensor, part in zip(tensors, torch.split(mean, [tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


def _rates(state: State) -> dict[str, float]:
    """The learning rate of every optimiser, for the step that begins now."""
    recipe = state.recipe
    scale = factor(recipe.schedule, state.images, recipe.images)
    g, d = recipe.generator_optimiser, recipe.discriminator_optimiser
    return {name: scale * (g if name == "generator" else d).lr for name in state.optimisers}


def _require_finite(values: Mapping[str, float], images: int, run: Path) -> None:
    for name, value in values.items():
        if not math.isfinite(value):
            phase, _, term = name.partition("/")
            kept = checkpoints(run / "checkpoints")
            last = f"the last good checkpoint is {kept[0]}" if kept else "there is no checkpoint yet"
            raise NotFinite(
                f"'{term}' of the phase '{phase}' is {value} at {images:,} images; {last}. Try a lower learning rate "
                "(generator_optimiser.lr, discriminator_optimiser.lr), clip=1, schedule.warmup=1_000, precision=32-true"
            )


# -- before and after -------------------------------------------------------------------------------------------------


def _rehearse(state: State) -> None:
    """Go through the stages that `course` finds, without a step: a ValueError about one comes now, not hours later."""
    for phases in course(state.objective, state.recipe.images):
        state.generator.set_stage(stage_of(phases))
        for phase in phases:
            for name in phase.trains:
                state.trained(name)


def _foretell(recipe: Recipe, fabric: Fabric, store: Store) -> None:
    """Say how much memory the run will need, and what to turn down where that is more than is free."""
    screen = Console()
    told, warned = forecast(recipe, fabric.device, store.fields, devices=fabric.world_size, shown=SHOWN)
    screen.print(f"{recipe.name}: {told}", highlight=False)
    if warned:
        screen.print(f"warning: {warned}", highlight=False, style="yellow")


def _placed(module: M, fabric: Fabric, channels_last: bool) -> M:
    """A module on its device; batch norm over all processes on GPUs (the CPU has no such kernel)."""
    if fabric.world_size > 1 and fabric.device.type == "cuda":
        module = nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
    module = module.to(fabric.device)
    return module.to(memory_format=torch.channels_last) if channels_last else module  # type: ignore[call-overload]


def _shown(
    state: State, store: Store, validation: str, sampler: PairSampler, fields: Sequence[str], place: Canvas
) -> Pair:
    """The pairs of the contact sheets, the same ones in every run of this store."""
    if not state.overfit:
        split = validation if validation in store.splits else state.recipe.data.split
        sampler = PairSampler(store, split, SHOWN, seed=0)
    return load_pairs(store, sampler.batch_at(0)[:SHOWN], fields, canvas=place)


def _facts(state: State, fabric: Fabric, precision: str) -> dict[str, Any]:
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


def _leave_behind(state: State, shown: Pair | None, store: Store, run: Path, snapshots: int, must: bool) -> None:
    """Contact sheet, checkpoint, weights and a snapshot of them; without `shown` the checkpoint alone.

    A full disk is an error only at the end (`must`).
    """
    try:
        if shown is not None:
            _draw(state, shown, run / "sheets" / f"{state.images:09d}.png")
        save_checkpoint(run / "checkpoints", state.tree(), state.images)
        if shown is not None:
            card = _card(state, store)
            save_weights(run, state.average, state.recipe, card)
            if snapshots:
                _snapshot(run / "snapshots", state, card, snapshots)
    except OSError as error:
        if must:
            raise
        text = f"not saved at {state.images:,} images: {error}. Training goes on; the next tick tries again"
        warnings.warn(text, UserWarning, stacklevel=2)


def _snapshot(folder: Path, state: State, card: Mapping[str, Any], keep: int) -> None:
    """The weights of now, whole or not at all; of those before, the last ones stay."""
    place = folder / f"{state.images:09d}"
    try:
        save_weights(place, state.average, state.recipe, card)
    except OSError:
        shutil.rmtree(place, ignore_errors=True)
        raise
    found = sorted(folder.iterdir())
    whole = [one for one in found if (one / "card.json").exists()]  # it is written last
    for old in found:
        if old not in whole[-keep:]:
            shutil.rmtree(old, ignore_errors=True)


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


def _draw(state: State, shown: Pair, path: Path) -> None:
    """Write the contact sheet: a row a pair, made by the averaged weights."""
    device = next(state.generator.parameters()).device
    state.average.eval()
    with torch.no_grad():
        pair = shown.to(device)
        generated = state.average(pair.source, pair.target).image.float().cpu()
    if state.average is state.generator:
        state.generator.train()
    assert shown.source.image is not None
    assert shown.target.image is not None
    assert shown.target.keypoints is not None
    height, width = generated.shape[-2:]
    poses = [draw_skeleton(keypoints, height, width) for keypoints in shown.target.keypoints]
    pictures = [to_uint8(shown.source.image), poses, to_uint8(generated), to_uint8(shown.target.image)]
    rows = [list(row) for row in zip(*pictures, strict=True)]
    page = sheet(rows, ["source", "pose", "generated", "target"], scale=max(1, 128 // width))
    with writing(path) as partial:
        page.save(partial, format="PNG")


def _move_aside(run: Path) -> None:
    if (run / "checkpoints").exists() or (run / "log.jsonl").exists():
        number = next(n for n in range(1, 10_000) if not run.with_name(f"{run.name}.old{n}").exists())
        run.rename(run.with_name(f"{run.name}.old{number}"))


class _Same(PairSampler):
    """The first step's pairs forever, never mirrored or changed anew."""

    def batch_at(self, step: int) -> Tensor:
        return super().batch_at(0)

    def flips_at(self, step: int) -> Tensor:
        return super().flips_at(0)

    def bits_at(self, step: int, both_directions: bool = False) -> Bits:
        return super().bits_at(0, both_directions)

    def views_at(self, step: int, count: int) -> Tensor:
        return super().views_at(0, count)


class _Stop:
    """Turns SIGINT and SIGTERM into a wish to stop after the step; a second one interrupts at once."""

    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric
        self._wish: str | None = None
        self._before: dict[int, Any] = {}
        self.agreed: str | None = None
        """The signal by which all processes have decided to stop."""

    def __enter__(self) -> _Stop:
        if threading.current_thread() is threading.main_thread():  # Python gives signals to no other
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._heard)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def agree(self, step: int) -> bool:
        """Whether to stop after this step; several processes ask each other every tenth."""
        if self._fabric.world_size == 1:
            self.agreed = self._wish
        elif step % 10 == 0:
            wish = torch.tensor(float(self._wish is not None), device=self._fabric.device)
            if float(cast("Tensor", self._fabric.all_reduce(wish, reduce_op="sum"))) > 0:
                self.agreed = self._wish or "another process"
        return self.agreed is not None

    def _heard(self, number: int, frame: FrameType | None) -> None:
        if self._wish:
            raise KeyboardInterrupt
        self._wish = signal.Signals(number).name


@contextlib.contextmanager
def _arithmetic(cpu: bool) -> Iterator[None]:
    """On the CPU the same bits every time; on a GPU the fastest convolution for the run's one size."""
    deterministic = torch.are_deterministic_algorithms_enabled()
    warn_only = torch.is_deterministic_algorithms_warn_only_enabled()
    switches: Any = torch.utils.deterministic  # its switch is absent from the stubs
    fill, benchmark = switches.fill_uninitialized_memory, torch.backends.cudnn.benchmark
    try:
        if cpu:
            torch.use_deterministic_algorithms(True, warn_only=True)
            switches.fill_uninitialized_memory = False  # costs time and guards only against bugs
        else:
            torch.backends.cudnn.benchmark = True
        yield
    finally:
        torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
        switches.fill_uninitialized_memory = fill
        torch.backends.cudnn.benchmark = benchmark
