"""Whether a run fits into the memory that is free, and what to turn down where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Final

import torch

from repose.files import first_line
from repose.recipes import Recipe
from repose.train.memory import Memory, free_memory
from repose.train.memory_count import step_memory

USABLE: Final = 0.9
"""A run is warned of when it needs more than this share of what is free."""


def forecast(
    recipe: Recipe,
    device: torch.device | str = "cpu",
    data: Sequence[str] | None = None,
    *,
    devices: int = 1,
    sheet_pairs: int = 0,
) -> tuple[str, str | None]:
    """What a run of a recipe will need, in words, and a warning where that is more than is free. It never raises.

    Ask before the networks are built: they are counted, so they must not be missing from what is free already.

    Args:
        recipe: of the run. device: where it will run.
        data: fields of the data set; None: all that generator and objective can use.
        devices: processes, each with its share of the batch.
        sheet_pairs: pairs on a contact sheet.
    """
    try:
        device = torch.device(device)
        memory = step_memory(recipe, data, device=device.type, devices=devices, sheet_pairs=sheet_pairs)
        free = free_memory(device)
        if free is not None and device.type == "cpu":
            free //= devices  # the processes share it
        return f"a run {memory.text(free)}", None if free is None else warning(recipe, memory, free, devices)
    except Exception as error:
        reason = first_line(error)
        return f"the memory that the run needs could not be estimated ({reason})", None


def warning(recipe: Recipe, memory: Memory, free: int, devices: int = 1) -> str | None:
    """What to turn down where a run needs more than `USABLE` of the free bytes; None if it fits."""
    if memory.total <= USABLE * free:
        return None
    text = f"this run {memory.text(free)}. It may be killed; "
    picture = (memory.step - memory.fixed - memory.gradients) / memory.batch  # bytes of one, a little too high
    fitting = int((USABLE * free - memory.fixed - memory.gradients) / picture) if picture else 0
    pictures = max(1, recipe.data.pictures // devices)
    parts = [
        n for n in range(recipe.data.accumulate + 1, pictures + 1) if pictures % n == 0 and pictures // n <= fitting
    ]
    batch = fitting * devices // (2 if recipe.data.both_directions else 1)
    if parts and recipe.data.batch > 1:
        smaller = f", or data.batch={batch} ({recipe.data.batch} now)" if 1 <= batch < recipe.data.batch else ""
        return f"{text}data.accumulate={parts[0]} would fit, with the same steps but for batch norm{smaller}"
    sizes = [
        f"network.{field.name}={value}"
        for field in fields(recipe.network)
        if isinstance(value := getattr(recipe.network, field.name), int) and not isinstance(value, bool) and value > 1
    ]
    smallest = "" if recipe.data.batch == 1 else "data.batch=1 is not enough: "
    average = ", or ema=0" if memory.average > 0.1 * memory.total else ""
    return f"{text}{smallest}turn down the network ({', '.join(sizes) or 'its config'}) or the canvas{average}"
