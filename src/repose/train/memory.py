"""What a training step needs in memory, found without doing it.

The step is played through with fake tensors, which have shapes and no numbers: `step_memory` builds the networks, runs
the generator and every phase of the objective forward and backward as the loop does, and counts which storages are
alive at once. A network of 200M parameters costs no memory this way, and a second or two.

The interpreter and its libraries are not counted: they are there already when the loop asks. On a CPU the count is
what torch asks for, and the C library's allocator holds more (`SLACK`). What a GPU's allocator and its libraries keep
for themselves is not counted.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from repose.losses.adversarial import ImagePool
from repose.losses.perceptual import Perceptual
from repose.models import build_generator, build_objective
from repose.models.base import Generator, Objective, Output, Phase, course, stage_of, total
from repose.person import JOINTS, Pair, Person
from repose.recipes import Recipe
from repose.represent.canvas import canvas
from repose.train.state import named_part

BATCHES: Final = 4
"""Batches that exist at once: two that the loader has ready, one that it makes, one that is trained on."""

SLACK: Final = 0.25
"""So much more of gradients and activations the heap holds on a CPU, freed pieces that nothing fits into. Measured with
glibc on runs of patn-s, multiscale-s, carry-s and patn-fashion: 0.12 to 0.45. What it still holds of a step while a
contact sheet is drawn is not counted: where the sheet needs most, a run may need a quarter more."""

LOOP: Final = 30_000_000
"""Bytes that the loop itself takes on a CPU: threads, compiled kernels, the log. Measured with a tiny network."""

ROOM: Final = 0.9
"""A run is warned of when it needs more than this share of what is free."""


@dataclass(frozen=True)
class Memory:
    """Bytes that a run needs at its fullest moment, by what they are for.

    Attributes:
        batch: pictures that the generator makes in a step.
        weights: of the generator. average: its averaged weights.
        objective: the objective's networks, those that only look included, and held pictures.
        moments: Adam's two numbers for each weight that is trained.
        pictures: batches of the loader.
        gradients, activations: at the fullest moment of a step: gradients of weights, and all other tensors.
        sheet: what the contact sheet needs, instead of gradients and activations.
        saving: what a checkpoint copies, instead of gradients and activations; 0 on a GPU, the copies are the host's.
        slack: what a CPU's heap holds beside them (`SLACK`), and the loop itself (`LOOP`).
        lacks: what could not be counted, and why; "" where all was.
    """

    batch: int
    weights: int
    average: int
    objective: int
    moments: int
    pictures: int
    gradients: int
    activations: int
    sheet: int = 0
    saving: int = 0
    slack: int = 0
    lacks: str = ""

    @property
    def fixed(self) -> int:
        """What is there from the first step to the last, whatever the batch."""
        return self.weights + self.average + self.objective + self.moments

    @property
    def step(self) -> int:
        """The fullest moment of a training step."""
        return self.fixed + self.pictures + self.gradients + self.activations + self.slack

    @property
    def total(self) -> int:
        """The fullest moment of a run, contact sheet and checkpoint included."""
        return self.fixed + self.pictures + self.slack + self._most

    @property
    def _most(self) -> int:
        return max(self.gradients + self.activations, self.sheet, self.saving)

    def text(self, free: int | None = None) -> str:
        """One sentence, such as "needs about 5.3 GB: weights 0.8, ..., activations 2.9 at batch 8; 22 GB are free"."""
        parts = {
            "weights": self.weights, "averaged weights": self.average, "objective": self.objective,
            "Adam": self.moments, "pictures": self.pictures,
        }  # fmt: skip
        if self._most == self.gradients + self.activations:
            parts |= {"gradients": self.gradients, f"activations at batch {self.batch}": self.activations}
        else:
            parts["contact sheet" if self._most == self.sheet else "checkpoint"] = self._most
        parts["the allocator"] = self.slack
        said = ", ".join(f"{name} {_short(size)}" for name, size in parts.items() if size >= 0.005 * self.total)
        text = f"needs {'at least' if self.lacks else 'about'} {_short(self.total)} GB: {said}"
        if free is not None:
            text += f"; {_short(free)} GB are free"
        return f"{text} (not counted: {self.lacks})" if self.lacks else text


def forecast(
    recipe: Recipe,
    device: torch.device | str = "cpu",
    data: Sequence[str] | None = None,
    *,
    devices: int = 1,
    shown: int = 0,
) -> tuple[str, str | None]:
    """What a run of a recipe will need, in words, and a warning where that is more than is free. It never raises.

    Ask before the networks are built: they are counted, so they must not be missing from what is free already.

    Args:
        recipe: of the run. device: where it will run.
        data: fields of the data set; None: all that generator and objective can use.
        devices: processes, each with its share of the batch. shown: pairs on a contact sheet.
    """
    try:
        device = torch.device(device)
        memory = step_memory(recipe, data, device=device.type, devices=devices, shown=shown)
        free = free_memory(device)
        if free is not None and device.type == "cpu":
            free //= devices  # the processes share it
        return f"a run {memory.text(free)}", None if free is None else warning(recipe, memory, free, devices)
    except Exception as error:
        why = str(error).strip().partition("\n")[0][:160] or type(error).__name__
        return f"how much memory a run needs could not be told ({why})", None


def warning(recipe: Recipe, memory: Memory, free: int, devices: int = 1) -> str | None:
    """What to turn down where a run needs more than `ROOM` of the free bytes; None where it fits."""
    if memory.total <= ROOM * free:
        return None
    text = f"this run {memory.text(free)}. It may be killed; "
    each = (memory.step - memory.fixed - memory.gradients) / memory.batch  # bytes a picture, a little too high
    fits = int((ROOM * free - memory.fixed - memory.gradients) / each) if each else 0
    batch = fits * devices // (2 if recipe.data.both_directions else 1)
    if 1 <= batch < recipe.data.batch:
        return f"{text}data.batch={batch} would fit ({recipe.data.batch} now)"
    sizes = [
        f"network.{field.name}={value}"
        for field in fields(recipe.network)
        if isinstance(value := getattr(recipe.network, field.name), int) and not isinstance(value, bool) and value > 1
    ]
    least = "" if recipe.data.batch == 1 else "data.batch=1 is not enough: "
    average = ", or ema=0" if memory.average > 0.1 * memory.total else ""
    return f"{text}{least}turn down the network ({', '.join(sizes) or 'its config'}) or the canvas{average}"


def free_memory(device: torch.device | str = "cpu") -> int | None:
    """Bytes that are free on a device; of the CPU what the system and its container let us have. None: unknown."""
    device = torch.device(device)
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type != "cpu":
        return None
    found = [size for size in (_available(), _container()) if size is not None]
    return min(found, default=None)


def step_memory(
    recipe: Recipe,
    data: Sequence[str] | None = None,
    *,
    device: str = "cpu",
    batch: int | None = None,
    devices: int = 1,
    shown: int = 0,
) -> Memory:
    """The memory of one process of a run, its largest stage.

    Args:
        recipe: of the run.
        data: fields of the data set; None: all that generator and objective can use.
        device: "cpu" or "cuda"; it need not be there.
        batch: pairs a step, instead of the recipe's. devices: processes that share them.
        shown: pairs on a contact sheet; 0: none is drawn.

    Raises:
        ValueError: the recipe's own parts refuse it. Where only the playing through fails, `Memory.lacks` says so.
    """
    pairs = max(1, (recipe.data.batch if batch is None else batch) // devices)
    with torch.random.fork_rng(devices=[]), FakeTensorMode(allow_non_fake_inputs=True):
        generator, objective = build_generator(recipe).train(), build_objective(recipe).train()
        looking = feature_networks(objective)
        wanted = {*generator.needs.fields, *objective.reads, *objective.requires}
        names = {"image", "keypoints", *(wanted if data is None else wanted.intersection(data))}
        size = canvas(recipe.canvas).size
        source, target, *views = (_person(names, pairs, size) for _ in range(2 + objective.views))
        pair = Pair(source, target, tuple(views))
        pair = pair.both() if recipe.data.both_directions else pair
        play = _Play(recipe, generator, objective, pair, device != "cpu" and recipe.precision == "bf16-mixed")
        play.known([*looking, generator, objective])
        play.run()
        if shown:
            play.sheet(Pair(_person(names, shown, size), _person(names, shown, size)))
        held = sum(_held(module) for module in objective.modules() if isinstance(module, ImagePool))
        weights = _bytes([generator])
        moments = 2 * sum(weight.nbytes for weight in play.trained)
        average = weights if recipe.ema else 0
        copied = sum(map(_copied, generator.parameters())) * (2 if recipe.ema else 1)
        copied += sum(map(_copied, objective.networks.parameters())) + 2 * sum(map(_copied, play.trained))
        slack = round(SLACK * (play.gradients + play.activations)) + LOOP if device == "cpu" else 0
        return Memory(
            batch=len(pair), weights=weights, average=average, objective=_bytes([objective, *looking]) + held,
            moments=moments, pictures=BATCHES * _size_of(pair), gradients=play.gradients, activations=play.activations,
            sheet=play.shown, saving=copied if device == "cpu" else 0, slack=slack, lacks=play.lacks,
        )  # fmt: skip


def inference_memory(generator: Generator, source: Person, target: Person) -> int:
    """Bytes of a generator's weights and of its forward pass at the fullest moment, without gradients.

    Args:
        generator, source, target: of real tensors, or made under `FakeTensorMode`, where nothing is computed.
    """
    live = Live()
    live.ignore([*_tensors(generator), *_fields(source), *_fields(target)])
    with live, torch.no_grad():
        generator.eval()(source, target)
    return _bytes([generator]) + live.peak


# -- the step, played through -----------------------------------------------------------------------------------------


class Live(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes of the storages that are alive among those made while it is on.

    Where a step asks for a number, which fake tensors do not have, it gets 0, and a choice by a mask takes everything.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._sizes: dict[int, tuple[int, bool, Any]] = {}  # storage -> bytes, whether a gradient, its weak reference
        self.now = self.grads = self.peak = self.peak_grads = 0

    def ignore(self, tensors: Iterable[Tensor]) -> None:
        """Do not count these: they are counted elsewhere."""
        for tensor in tensors:
            self._add(tensor, 0)

    def gradient(self, weight: Tensor) -> None:
        """The gradient of this weight has come to its place."""
        assert weight.grad is not None
        key = weight.grad.untyped_storage()._cdata
        size, already, reference = self._sizes.get(key, (0, True, None))
        if not already:
            self._sizes[key] = (size, True, reference)
            self.grads += size

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket in _INDEXING:
            args = (args[0], _all_of(args[1]), *args[2:])
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
        self._sizes[key] = (size, False, weakref.ref(storage, lambda _: self._gone(key)))
        self.now += size
        if self.now > self.peak:
            self.peak, self.peak_grads = self.now, self.grads

    def _gone(self, key: int) -> None:
        size, gradient, _ = self._sizes.pop(key)
        self.now -= size
        self.grads -= size if gradient else 0


_INDEXING: Final = (
    torch.ops.aten.index,
    torch.ops.aten.index_put,
    torch.ops.aten.index_put_,
    torch.ops.aten._index_put_impl_,
)


def _all_of(indices: Sequence[Tensor | None]) -> list[Tensor | None]:
    """The indices of x[mask] as if the mask were true everywhere: which places it chooses is not known."""
    found: list[Tensor | None] = []
    for index in indices:
        if index is not None and index.dtype == torch.bool:
            found += [index.new_zeros(index.numel(), dtype=torch.int64)] * index.ndim
        else:
            found.append(index)
    return found


class _Play:
    """The steps of a run with fake tensors: one of each stage."""

    def __init__(self, recipe: Recipe, generator: Generator, objective: Objective, pair: Pair, mixed: bool) -> None:
        self.recipe, self.generator, self.objective, self.pair, self.mixed = recipe, generator, objective, pair, mixed
        self.modules: dict[str, nn.Module] = {"generator": generator, **dict(objective.networks.items())}
        self.live = Live()
        self.gradients = self.activations = self.shown = 0
        self.lacks = ""
        self.trained: list[nn.Parameter] = []
        self._can_train = [weight for module in self.modules.values() for weight in module.parameters()]
        self._can_train = [weight for weight in self._can_train if weight.requires_grad]
        for weight in self._can_train:
            weight.register_post_accumulate_grad_hook(self.live.gradient)  # type: ignore[no-untyped-call]

    def known(self, modules: Iterable[nn.Module]) -> None:
        """These modules' own tensors, and the batch, are counted elsewhere."""
        for module in modules:
            self.live.ignore(_tensors(module))
        for person in (self.pair.source, self.pair.target, *self.pair.views):
            self.live.ignore(_fields(person))

    def run(self) -> None:
        """Every stage; sets `gradients` and `activations` of the fullest, `trained`, and `lacks`."""
        with self.live:
            stages = course(self.objective, self.recipe.images)
        named = {name: None for phases in stages for phase in phases for name in phase.trains}
        weights = {id(weight): weight for name in named for weight in self._weights(name)}
        self.trained = list(weights.values())
        for phases in stages:
            try:
                self._step(phases)
                continue
            except Exception as error:
                self._note(f"the loss terms of {', '.join(phase.name for phase in phases)}", error)
            self._alone(phases)  # the error is gone, and the tensors of its step with it

    def sheet(self, pair: Pair) -> None:
        """The generator's forward pass on the pairs of a contact sheet."""
        try:
            self.shown = inference_memory(self.generator, pair.source, pair.target) - _bytes([self.generator])
        except Exception as error:
            self._note("the contact sheet", error)

    def _step(self, phases: Sequence[Phase]) -> None:
        """One step as `train.loop` does it."""
        named = [name for phase in phases for name in phase.trains]
        generating = [name for name in named if name.partition(".")[0] == "generator"]
        with self._counted():
            self.generator.set_stage(stage_of(phases))
            self._only(generating)
            with self._autocast(), torch.set_grad_enabled(bool(generating)):
                output = self.generator(self.pair.source, self.pair.target)
            output = Output(output.image.float(), output.extra)
            for phase in phases:
                self._only(phase.trains)
                with self._autocast():
                    loss = total(self.objective.losses(phase, self.pair, output))
                loss.backward()  # type: ignore[no-untyped-call]
                self._zero()

    def _alone(self, phases: Sequence[Phase]) -> None:
        """The generator forward and backward, without the objective."""
        try:
            with self._counted():
                self.generator.set_stage(stage_of(phases))
                self._only(["generator"])
                with self._autocast():
                    output = self.generator(self.pair.source, self.pair.target)
                output.image.float().sum().backward()
        except Exception as error:
            self._note("the generator's step", error)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        """Inside, tensors are counted; afterwards `gradients` and `activations` are those of the fullest step."""
        live = self.live
        live.peak, live.peak_grads = live.now, live.grads
        try:
            with live:
                yield
        finally:
            if live.peak > self.gradients + self.activations:
                self.gradients, self.activations = live.peak_grads, live.peak - live.peak_grads
            self._zero()

    def _autocast(self) -> torch.autocast:
        return torch.autocast("cpu", torch.bfloat16, enabled=self.mixed)

    def _only(self, names: Sequence[str]) -> None:
        for weight in self._can_train:
            weight.requires_grad_(False)
        for name in names:
            for weight in self._weights(name):
                weight.requires_grad_(True)

    def _weights(self, name: str) -> list[nn.Parameter]:
        """What `Phase.trains` means by a name."""
        inside = {id(weight) for weight in named_part(self.modules, name).parameters()}
        return [weight for weight in self._can_train if id(weight) in inside]

    def _zero(self) -> None:
        for weight in self._can_train:
            weight.grad = None

    def _note(self, what: str, error: Exception) -> None:
        why = str(error).strip().partition("\n")[0][:100] or type(error).__name__
        self.lacks = self.lacks or f"{what}: {why}"


# -- sizes ------------------------------------------------------------------------------------------------------------


def _person(names: Iterable[str], count: int, size: tuple[int, int]) -> Person:
    """People with these fields; under fake tensors their numbers do not exist."""
    height, width = size
    shapes = {
        "image": (3, height, width), "keypoints": (len(JOINTS), 3), "parsing": (height, width),
        "iuv": (3, height, width), "mask": (1, height, width), "depth": (1, height, width),
    }  # fmt: skip
    kinds = {"parsing": torch.int64}
    made: dict[str, Any] = {
        name: torch.zeros(count, *shapes[name], dtype=kinds.get(name, torch.float32)) for name in names
    }
    return Person(**made)


def feature_networks(objective: Objective) -> list[nn.Module]:
    """The frozen networks of feature terms, made here without their files where they are not read yet."""
    return [module.blank() for module in objective.modules() if isinstance(module, Perceptual)]


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters()
    yield from module.buffers()


def _fields(person: Person) -> list[Tensor]:
    return [value for field in fields(person) if isinstance(value := getattr(person, field.name), Tensor)]


def _bytes(modules: Iterable[nn.Module]) -> int:
    """Of all different tensors of these modules."""
    found = {id(tensor): tensor.nbytes for module in modules for tensor in _tensors(module)}
    return sum(found.values())


def _size_of(pair: Pair) -> int:
    people = (pair.source, pair.target, *pair.views)
    return sum(tensor.nbytes for person in people for tensor in _fields(person))


def _held(pool: ImagePool) -> int:
    """Bytes of a pool's pictures once it is full, by the first that it took."""
    return pool.size * pool._held[0].nbytes if pool._held else 0


def _copied(weight: Tensor) -> int:
    """Bytes of the copy that is written of a weight: convolutions lie with the channels innermost while they train."""
    shape = weight.shape
    return weight.nbytes if len(shape) == 4 and shape[1] > 1 and shape[2] * shape[3] > 1 else 0


def _short(size: float) -> str:
    """Bytes in GB, two digits of them at least."""
    gb = size / 1e9
    return f"{gb:.0f}" if gb >= 20 else f"{gb:.1f}" if gb >= 1 else f"{gb:.2f}"


# -- what is free -----------------------------------------------------------------------------------------------------


def _available() -> int | None:
    """What the system says is available."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return None


def _container(folder: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What is left of the container's limit; None where it has none."""
    for place, limit, used in (
        (folder, "memory.max", "memory.current"),
        (folder / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        try:
            most, now = int((place / limit).read_text()), int((place / used).read_text())
            known = (place / "memory.stat").read_text().split()
            spare = int(known[known.index("inactive_file") + 1])  # of files, given back when it is needed
        except (OSError, ValueError, IndexError):
            continue
        return max(0, most - now + spare) if most < 1 << 60 else None
    return None
