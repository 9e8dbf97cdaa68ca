"""How much memory a run needs, by what it is for, and how much is free here.

`repose.train.memory_count` counts the first, `repose.train.memory_forecast` sets the one against the other.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import torch


@dataclass(frozen=True)
class Memory:
    """Bytes that one process of a run needs at its fullest moment, by what they are for.

    Attributes:
        batch: pictures that the generator makes at once: of a step, or of one part of it (`DataConfig.accumulate`).
        weights: of the generator. average: its averaged weights.
        objective: the objective's networks, feature networks included, and the pictures of its image pools.
        moments: Adam's two numbers for each weight that is trained.
        pictures: batches of the loader.
        gradients, activations: at the fullest moment of a step: gradients of weights, and all other tensors.
        sheet: what the contact sheet needs; gradients and activations are not there at that time.
        saving: what a checkpoint copies, likewise; 0 on a GPU, where the host copies.
        overhead: what a CPU's allocator and the loop itself take beside them; 0 on a GPU.
        not_counted: what could not be counted, and why; "" where everything was.
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
    overhead: int = 0
    not_counted: str = ""

    @property
    def fixed(self) -> int:
        """What is there from the first step to the last, whatever the batch."""
        return self.weights + self.average + self.objective + self.moments

    @property
    def step(self) -> int:
        """The fullest moment of a training step."""
        return self.fixed + self.pictures + self.gradients + self.activations + self.overhead

    @property
    def total(self) -> int:
        """The fullest moment of a run, contact sheet and checkpoint included."""
        return self.fixed + self.pictures + self.overhead + self._largest_temporary

    @property
    def _largest_temporary(self) -> int:
        """The largest of what takes turns: a step, a contact sheet, a checkpoint."""
        return max(self.gradients + self.activations, self.sheet, self.saving)

    def text(self, free: int | None = None) -> str:
        """One sentence, such as "needs about 5.3 GB: weights 0.8, ..., activations 2.9 at batch 8; 22 GB are free"."""
        parts = {
            "weights": self.weights, "averaged weights": self.average, "objective": self.objective,
            "Adam": self.moments, "pictures": self.pictures,
        }  # fmt: skip
        if self._largest_temporary == self.gradients + self.activations:
            parts |= {"gradients": self.gradients, f"activations at batch {self.batch}": self.activations}
        else:
            parts["contact sheet" if self._largest_temporary == self.sheet else "checkpoint"] = self._largest_temporary
        parts["the allocator"] = self.overhead
        sizes = ", ".join(f"{name} {_gigabytes(size)}" for name, size in parts.items() if size >= 0.005 * self.total)
        text = f"needs {'at least' if self.not_counted else 'about'} {_gigabytes(self.total)} GB: {sizes}"
        if free is not None:
            text += f"; {_gigabytes(free)} GB are free"
        return f"{text} (not counted: {self.not_counted})" if self.not_counted else text


def free_memory(device: torch.device | str = "cpu") -> int | None:
    """Bytes that are free on a device; of the CPU what the system and its container let us have. None: unknown."""
    device = torch.device(device)
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type != "cpu":
        return None
    known = [size for size in (_free_in_system(), _free_in_container()) if size is not None]
    return min(known, default=None)


def _gigabytes(size: float) -> str:
    """Bytes in GB, with at least two digits."""
    gb = size / 1e9
    return f"{gb:.0f}" if gb >= 20 else f"{gb:.1f}" if gb >= 1 else f"{gb:.2f}"


def _free_in_system() -> int | None:
    """What the system says is available. None: it does not say."""
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


def _free_in_container(folder: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What is left of the container's limit. None: it has no limit."""
    for place, limit, used in (
        (folder, "memory.max", "memory.current"),
        (folder / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
    ):
        try:
            most, now = int((place / limit).read_text()), int((place / used).read_text())
            words = (place / "memory.stat").read_text().split()
            cached = int(words[words.index("inactive_file") + 1])  # cached files, given back when memory is needed
        except (OSError, ValueError, IndexError):
            continue
        return max(0, most - now + cached) if most < 1 << 60 else None
    return None
