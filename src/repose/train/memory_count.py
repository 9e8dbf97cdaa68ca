"""Count the memory of a training step without doing the step.

The step runs on fake tensors, which have shapes and no numbers: `step_memory` builds the networks, runs the generator
and every phase of the objective forward and backward as the loop does, and counts which storages are alive at once. A
network of 200M parameters costs no memory this way, and a second or two.

The interpreter and its libraries are not counted: they are there already when the loop asks. On a CPU the count is
what torch asks for, and the C library's allocator holds more (`ALLOCATOR`). What a GPU's allocator and its libraries
keep for themselves is not counted.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from repose.files import first_line
from repose.losses.adversarial import ImagePool
from repose.losses.frozen import FrozenNetworkTerm
from repose.models import build_generator, build_objective
from repose.models.base import Generator, Objective, Output, Phase, course, stage_of, total
from repose.person import JOINTS, Pair, Person
from repose.recipes import Recipe
from repose.represent.canvas import canvas
from repose.train.memory import Memory
from repose.train.state import named_part

BATCHES: Final = 4
"""Batches that exist at once: two that the loader has ready, one that it makes, one that is trained on."""

ALLOCATOR: Final = 0.25
"""What a CPU's heap holds beside gradients and activations, as a share of them: freed pieces that nothing fits into.
Measured with glibc on runs of patn-s, multiscale-s, carry-s and patn-fashion: 0.12 to 0.45. What it still holds of a
step while a contact sheet is drawn is not counted: where the sheet needs most, a run may need a quarter more."""

LOOP: Final = 30_000_000
"""Bytes that the loop itself takes on a CPU: threads, compiled kernels, the log. Measured with a tiny network."""


def step_memory(
    recipe: Recipe,
    data: Sequence[str] | None = None,
    *,
    device: str = "cpu",
    batch: int | None = None,
    devices: int = 1,
    sheet_pairs: int = 0,
) -> Memory:
    """The memory of one process of a run, in its largest stage.

    Args:
        recipe: of the run.
        data: fields of the data set; None: all that generator and objective can use.
        device: "cpu" or "cuda"; it need not be there.
        batch: pairs a step, in place of the recipe's. devices: processes that share them.
        sheet_pairs: pairs on a contact sheet; 0: none is drawn.

    Raises:
        ValueError: the recipe's own parts refuse it. Where only a step fails, `Memory.not_counted` says so.
    """
    pairs = max(1, (recipe.data.batch if batch is None else batch) // devices)
    with torch.random.fork_rng(devices=[]), FakeTensorMode(allow_non_fake_inputs=True):
        generator, objective = build_generator(recipe).train(), build_objective(recipe).train()
        features = feature_networks(objective)
        wanted = {*generator.needs.fields, *objective.reads, *objective.requires}
        names = {"image", "keypoints", *(wanted if data is None else wanted.intersection(data))}
        size = canvas(recipe.canvas).size
        source, target, *views = (_people(names, pairs, size) for _ in range(2 + objective.views))
        pair = Pair(source, target, tuple(views))
        pair = pair.both() if recipe.data.both_directions else pair
        part = pair[: max(1, len(pair) // recipe.data.accumulate)]
        run = _FakeRun(recipe, generator, objective, part, device != "cpu" and recipe.precision != "32-true")
        run.do_not_count([*features, generator, objective])
        run.train()
        if sheet_pairs:
            run.draw_sheet(Pair(_people(names, sheet_pairs, size), _people(names, sheet_pairs, size)))
        pools = sum(_full_pool(module) for module in objective.modules() if isinstance(module, ImagePool))
        weights = _bytes([generator])
        moments = 2 * sum(weight.nbytes for weight in run.trained)
        copies = sum(map(_copied, generator.parameters())) * (2 if recipe.ema else 1)
        copies += sum(map(_copied, objective.networks.parameters())) + 2 * sum(map(_copied, run.trained))
        overhead = round(ALLOCATOR * (run.gradients + run.activations)) + LOOP if device == "cpu" else 0
        return Memory(
            batch=len(part), weights=weights, average=weights if recipe.ema else 0,
            objective=_bytes([objective, *features]) + pools, moments=moments, pictures=BATCHES * _bytes_of_pair(pair),
            gradients=run.gradients, activations=run.activations, sheet=run.sheet,
            saving=copies if device == "cpu" else 0, overhead=overhead, not_counted=run.not_counted,
        )  # fmt: skip


def inference_memory(generator: Generator, source: Person, target: Person) -> int:
    """Bytes of a generator's weights and of its forward pass at the fullest moment, without gradients.

    Args:
        generator, source, target: of real tensors, or built under `FakeTensorMode`, where nothing is computed.
    """
    counter = StorageCounter()
    counter.do_not_count([*_tensors(generator), *_fields(source), *_fields(target)])
    with counter, torch.no_grad():
        generator.eval()(source, target)
    return _bytes([generator]) + counter.peak


def feature_networks(objective: Objective) -> list[nn.Module]:
    """The frozen networks of an objective's feature terms; without their weight files where those are not read yet."""
    return [module.blank() for module in objective.modules() if isinstance(module, FrozenNetworkTerm)]


# -- which storages are alive -----------------------------------------------------------------------------------------


class StorageCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of the storages that are alive among those allocated while it is on.

    Where a step asks for a number, which fake tensors do not have, it gets 0, and a choice by a mask takes everything.

    Attributes:
        now, gradients: bytes that are alive, and those of them that are gradients of weights.
        peak, peak_gradients: the same at the fullest moment.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._sizes: dict[int, tuple[int, bool, Any]] = {}  # storage -> bytes, whether a gradient, its weak reference
        self.now = self.gradients = self.peak = self.peak_gradients = 0

    def do_not_count(self, tensors: Iterable[Tensor]) -> None:
        """Leave these out: they are counted elsewhere."""
        for tensor in tensors:
            self._add(tensor, 0)

    def mark_gradient(self, weight: Tensor) -> None:
        """From now on the gradient of this weight counts as one (a hook for after it is accumulated)."""
        assert weight.grad is not None
        key = weight.grad.untyped_storage()._cdata
        size, marked, reference = self._sizes.get(key, (0, True, None))
        if not marked:
            self._sizes[key] = (size, True, reference)
            self.gradients += size

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket in _INDEXING:
            args = (args[0], _as_if_all_true(args[1]), *args[2:])
        try:
            if func is torch.ops.aten.nonzero.default:  # as large as it can become
                out = args[0].new_zeros(args[0].numel(), args[0].ndim, dtype=torch.int64)
            else:
                out = func(*args, **(kwargs or {}))
        except DataDependentOutputException:  # .item(): there is no number, any will do
            return False if args[0].dtype == torch.bool else 0.0 if args[0].is_floating_point() else 0
        for tensor in tree_leaves(out):
            if isinstance(tensor, Tensor):
                self._add(tensor)
        return out

    def _add(self, tensor: Tensor, size: int | None = None) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._sizes:
            return
        size = storage.nbytes() if size is None else size
        self._sizes[key] = (size, False, weakref.ref(storage, lambda _: self._remove(key)))
        self.now += size
        if self.now > self.peak:
            self.peak, self.peak_gradients = self.now, self.gradients

    def _remove(self, key: int) -> None:
        size, gradient, _ = self._sizes.pop(key)
        self.now -= size
        self.gradients -= size if gradient else 0


_INDEXING: Final = (
    torch.ops.aten.index,
    torch.ops.aten.index_put,
    torch.ops.aten.index_put_,
    torch.ops.aten._index_put_impl_,
)


def _as_if_all_true(indices: Sequence[Tensor | None]) -> list[Tensor | None]:
    """The indices of x[mask] as if the mask were true everywhere: which places it chooses is not known."""
    replaced: list[Tensor | None] = []
    for index in indices:
        if index is not None and index.dtype == torch.bool:
            replaced += [index.new_zeros(index.numel(), dtype=torch.int64)] * index.ndim
        else:
            replaced.append(index)
    return replaced


# -- the steps of a run, on fake tensors ------------------------------------------------------------------------------


class _FakeRun:
    """One step of each stage of a run, on fake tensors.

    Attributes:
        gradients, activations: bytes at the fullest moment of all steps. sheet: bytes that a contact sheet needs.
        trained: the weights that some phase trains.
        not_counted: what failed, and why.
    """

    def __init__(self, recipe: Recipe, generator: Generator, objective: Objective, pair: Pair, mixed: bool) -> None:
        self.recipe, self.generator, self.objective, self.pair, self.mixed = recipe, generator, objective, pair, mixed
        self.modules: dict[str, nn.Module] = {"generator": generator, **dict(objective.networks.items())}
        self.counter = StorageCounter()
        self.gradients = self.activations = self.sheet = 0
        self.not_counted = ""
        self.trained: list[nn.Parameter] = []
        every = [weight for module in self.modules.values() for weight in module.parameters()]
        self._trainable = [weight for weight in every if weight.requires_grad]
        for weight in self._trainable:
            weight.register_post_accumulate_grad_hook(self.counter.mark_gradient)  # type: ignore[no-untyped-call]

    def do_not_count(self, modules: Iterable[nn.Module]) -> None:
        """These modules' own tensors, and the batch, are counted elsewhere."""
        for module in modules:
            self.counter.do_not_count(_tensors(module))
        for person in (self.pair.source, self.pair.target, *self.pair.views):
            self.counter.do_not_count(_fields(person))

    def train(self) -> None:
        """A step of every stage; sets `gradients` and `activations` of the fullest, `trained`, and `not_counted`."""
        with self.counter:
            stages = course(self.objective, self.recipe.images)
        names = {name: None for phases in stages for phase in phases for name in phase.trains}
        weights = {id(weight): weight for name in names for weight in self._weights(name)}
        self.trained = list(weights.values())
        for phases in stages:
            try:
                self._step(phases)
                continue
            except Exception as error:
                self._note(f"the loss terms of {', '.join(phase.name for phase in phases)}", error)
            self._generator_alone(phases)  # behind the handler, which holds the tensors of the step that failed

    def draw_sheet(self, pair: Pair) -> None:
        """The generator's forward pass on the pairs of a contact sheet; sets `sheet`."""
        try:
            self.sheet = inference_memory(self.generator, pair.source, pair.target) - _bytes([self.generator])
        except Exception as error:
            self._note("the contact sheet", error)

    def _step(self, phases: Sequence[Phase]) -> None:
        """One step as `repose.train.loop` does it."""
        names = [name for phase in phases for name in phase.trains]
        parts = [name for name in names if name.partition(".")[0] == "generator"]
        with self._counting():
            self.generator.set_stage(stage_of(phases))
            self._train_only(parts)
            with self._autocast(), torch.set_grad_enabled(bool(parts)):
                output = self.generator(self.pair.source, self.pair.target)
            output = Output(output.image.float(), output.extra)
            for phase in phases:
                self._train_only(phase.trains)
                with self._autocast():
                    loss = total(self.objective.losses(phase, self.pair, output))
                loss.backward()  # type: ignore[no-untyped-call]
                self._drop_gradients()

    def _generator_alone(self, phases: Sequence[Phase]) -> None:
        """The generator forward and backward, without the objective."""
        try:
            with self._counting():
                self.generator.set_stage(stage_of(phases))
                self._train_only(["generator"])
                with self._autocast():
                    output = self.generator(self.pair.source, self.pair.target)
                output.image.float().sum().backward()
        except Exception as error:
            self._note("the generator's step", error)

    @contextmanager
    def _counting(self) -> Iterator[None]:
        """Inside, tensors are counted; afterwards `gradients` and `activations` are those of the fullest step."""
        counter = self.counter
        counter.peak, counter.peak_gradients = counter.now, counter.gradients
        try:
            with counter:
                yield
        finally:
            if counter.peak > self.gradients + self.activations:
                self.gradients, self.activations = counter.peak_gradients, counter.peak - counter.peak_gradients
            self._drop_gradients()

    def _autocast(self) -> torch.autocast:
        return torch.autocast("cpu", torch.bfloat16, enabled=self.mixed)

    def _train_only(self, names: Sequence[str]) -> None:
        for weight in self._trainable:
            weight.requires_grad_(False)
        for name in names:
            for weight in self._weights(name):
                weight.requires_grad_(True)

    def _weights(self, name: str) -> list[nn.Parameter]:
        """What `Phase.trains` means by a name."""
        inside = {id(weight) for weight in named_part(self.modules, name).parameters()}
        return [weight for weight in self._trainable if id(weight) in inside]

    def _drop_gradients(self) -> None:
        for weight in self._trainable:
            weight.grad = None

    def _note(self, what: str, error: Exception) -> None:
        """Keep the first failure for `not_counted`."""
        reason = first_line(error, 100)
        self.not_counted = self.not_counted or f"{what}: {reason}"


# -- sizes ------------------------------------------------------------------------------------------------------------


def _people(names: Iterable[str], count: int, size: tuple[int, int]) -> Person:
    """So many people with these fields, all zero; under fake tensors the numbers do not exist."""
    height, width = size
    shapes = {
        "image": (3, height, width), "keypoints": (len(JOINTS), 3), "parsing": (height, width),
        "iuv": (3, height, width), "mask": (1, height, width), "depth": (1, height, width),
    }  # fmt: skip
    types = {"parsing": torch.int64}
    values: dict[str, Any] = {
        name: torch.zeros(count, *shapes[name], dtype=types.get(name, torch.float32)) for name in names
    }
    return Person(**values)


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters()
    yield from module.buffers()


def _fields(person: Person) -> list[Tensor]:
    return [value for field in fields(person) if isinstance(value := getattr(person, field.name), Tensor)]


def _bytes(modules: Iterable[nn.Module]) -> int:
    """Of all different tensors of these modules."""
    sizes = {id(tensor): tensor.nbytes for module in modules for tensor in _tensors(module)}
    return sum(sizes.values())


def _bytes_of_pair(pair: Pair) -> int:
    people = (pair.source, pair.target, *pair.views)
    return sum(tensor.nbytes for person in people for tensor in _fields(person))


def _full_pool(pool: ImagePool) -> int:
    """Bytes of a pool's pictures once it is full, by the first that it took."""
    return pool.size * pool._held[0].nbytes if pool._held else 0


def _copied(weight: Tensor) -> int:
    """Bytes of the copy that is written of a weight: convolutions lie with the channels innermost while they train."""
    shape = weight.shape
    return weight.nbytes if len(shape) == 4 and shape[1] > 1 and shape[2] * shape[3] > 1 else 0
