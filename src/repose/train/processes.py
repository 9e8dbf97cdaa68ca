"""The devices and processes of a run: Lightning Fabric, which starts them, and what all of them do together."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any, Literal, TypeVar, cast

import torch
from torch import Tensor, nn

from repose.extras import how_to_install
from repose.recipes import Recipe

try:
    from lightning.fabric import Fabric as Fabric
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] != "lightning":
        raise  # lightning is here, and something that it needs is not
    raise ImportError(f"training needs lightning, which is not installed: {how_to_install('train')}") from error

M = TypeVar("M", bound=nn.Module)


def launch(recipe: Recipe, accelerator: str, devices: int) -> tuple[Fabric, str]:
    """Start the processes of a run.

    Args:
        accelerator: "auto", "cpu" or "cuda". devices: processes.

    Returns:
        The fabric of this process, and the precision that it computes in: the recipe's on a GPU; "32-true" on a CPU
        that does not multiply bfloat16, or if the recipe does not say "bf16-everywhere".
    """
    gpu = accelerator != "cpu" and torch.cuda.is_available()
    bf16 = recipe.precision != "32-true" and (gpu or (recipe.precision == "bf16-everywhere" and _multiplies_bf16()))
    precision: Literal["32-true", "bf16-mixed"] = "bf16-mixed" if bf16 else "32-true"
    strategy = "ddp" if devices > 1 else "auto"
    fabric = Fabric(accelerator=accelerator, devices=devices, strategy=strategy, precision=precision)
    fabric.launch()
    return fabric, precision


def _multiplies_bf16() -> bool:
    """Whether this CPU has instructions for products of bfloat16."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def to_device(module: M, fabric: Fabric, channels_last: bool) -> M:
    """A module on its device; batch norm over all processes on GPUs (the CPU has no such kernel)."""
    if fabric.world_size > 1 and fabric.device.type == "cuda":
        module = nn.SyncBatchNorm.convert_sync_batchnorm(module)  # type: ignore[no-untyped-call]
    module = module.to(fabric.device)
    return module.to(memory_format=torch.channels_last) if channels_last else module  # type: ignore[call-overload]


def average_over_processes(tensors: Sequence[Tensor], fabric: Fabric) -> None:
    """Replace tensors by their means over the processes: one all-reduce of one flat tensor."""
    if fabric.world_size == 1 or not tensors:
        return
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    mean = cast("Tensor", fabric.all_reduce(flat, reduce_op="mean"))
    for tensor, part in zip(tensors, torch.split(mean, [tensor.numel() for tensor in tensors]), strict=True):
        tensor.copy_(part.view_as(tensor))


class StopRequest:
    """A context manager: SIGINT and SIGTERM ask the run to stop after the step; a second one interrupts at once."""

    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric
        self._received: str | None = None
        self._handlers: dict[int, Any] = {}
        self.agreed: str | None = None
        """The signal by which all processes have decided to stop."""

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():  # Python gives signals to no other
            for number in (signal.SIGINT, signal.SIGTERM):
                self._handlers[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def agree(self, step: int) -> bool:
        """Whether to stop after this step; several processes ask each other every tenth step."""
        if self._fabric.world_size == 1:
            self.agreed = self._received
        elif step % 10 == 0:
            asked = torch.tensor(float(self._received is not None), device=self._fabric.device)
            if float(cast("Tensor", self._fabric.all_reduce(asked, reduce_op="sum"))) > 0:
                self.agreed = self._received or "another process"
        return self.agreed is not None

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self._received:
            raise KeyboardInterrupt
        self._received = signal.Signals(number).name


@contextlib.contextmanager
def arithmetic(cpu: bool) -> Iterator[None]:
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
