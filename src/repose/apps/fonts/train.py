"""Training of the character network, resumable: `train`. scripts/train_font.py is the command."""

from __future__ import annotations

import functools
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.apps.fonts.network import CharacterConfig, CharacterNetwork, as_header
from repose.apps.fonts.pairs import Batch, Pairs
from repose.losses.perceptual import Perceptual
from repose.recipes import ScheduleConfig
from repose.tensor_files import read_tensors, write_tensors
from repose.train.moving_average import update_average
from repose.train.schedule import factor

STATE: Final = "state.safetensors"
LAYERS: Final = ("blocks.0", "blocks.2", "blocks.5")
"""Of MobileNetV2, for the perceptual term: edges and strokes; deeper features see a character of 64 pixels as a dot."""


@dataclass(frozen=True)
class CharacterPlan:
    """How the network is trained; the paper has 65,000 steps of 8, L1, GAN and perceptual terms, and Adam at 1e-3.

    Attributes:
        steps, batch: of pairs. rate: highest learning rate, reached after 100 steps, then a cosine to 0.
        l1, perceptual: weights of the terms, those of the recipe `multiscale-s`; there is no adversarial term.
        half_life: of the moving average, in pairs. seed: of everything random.
        save: seconds between checkpoints. log: steps between lines of the log.
    """

    steps: int = 900
    batch: int = 8
    rate: float = 2e-3
    l1: float = 5.0
    perceptual: float = 0.5
    half_life: int = 2000
    seed: int = 0
    save: float = 60.0
    log: int = 50


def train_characters(
    folder: Path,
    plan: CharacterPlan,
    pairs: Pairs,
    config: CharacterConfig | None = None,
    say: Callable[[str], None] = print,
    begin: Path | None = None,
) -> CharacterNetwork:
    """Train a network, or go on with the one in `folder`; its moving average is returned.

    Args:
        folder: for the checkpoint and the log, a JSON line every `plan.log` steps.
        pairs: to learn from; drawn anew in each round through all of them.
        say: gets every line of the log.
        begin: weight file of `ship` to begin from, of the same network; a run that goes on has that behind it.

    Raises:
        FileNotFoundError: the perceptual term's network is not here. CheckpointError: the checkpoint is damaged.
        ValueError: the checkpoint is of another plan or another network.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(plan.seed)
    network, average = CharacterNetwork(config), CharacterNetwork(config)
    if begin is not None:
        network.load_state_dict(read_tensors(begin)[0])  # copies float16 into float32
    average.load_state_dict(network.state_dict())
    for one in (network, average):
        one.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in the stubs
    optimiser = torch.optim.Adam(network.parameters(), lr=plan.rate, betas=(0.9, 0.99))
    step, before = _restored(folder / STATE, network, average, optimiser, plan)
    features = Perceptual("mobilenet_v2", LAYERS) if plan.perceptual else None
    total, schedule = plan.steps * plan.batch, ScheduleConfig("cosine", warmup=100 * plan.batch)
    means: dict[str, float] = {}
    begun, saved = time.process_time() - before, time.monotonic()
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        while step < plan.steps:
            batch = pairs.batch(_drawn(len(pairs), plan, step))
            for group in optimiser.param_groups:
                group["lr"] = plan.rate * factor(schedule, step * plan.batch, total)
            terms = _terms(network.train(), batch, features)
            loss = plan.l1 * terms["l1"] + plan.perceptual * terms["perceptual"]
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            step += 1
            update_average(average, network, step * plan.batch, plan.batch, plan.half_life)
            for name, value in terms.items():
                means[name] = 0.95 * means.get(name, value.item()) + 0.05 * value.item()
            if step % plan.log == 0:
                line = {"step": step, "cpu_seconds": round(time.process_time() - begun)}
                text = json.dumps(line | {name: round(value, 4) for name, value in means.items()})
                log.write(text + "\n")
                log.flush()
                say(text)
            if time.monotonic() - saved > plan.save or step == plan.steps:
                _save(folder / STATE, network, average, optimiser, step, time.process_time() - begun, plan)
                saved = time.monotonic()
    return average.eval()


def ship(network: CharacterNetwork, path: Path) -> int:
    """Write weights in float16, as `repose font` reads them; returns the bytes of the file."""
    tensors = {n: v.contiguous().half() if v.is_floating_point() else v for n, v in network.state_dict().items()}
    write_tensors(path, tensors, as_header(network.config))
    return path.stat().st_size


# -- inside ---------------------------------------------------------------------------------------------------------


def _terms(network: CharacterNetwork, batch: Batch, features: Perceptual | None) -> dict[str, Tensor]:
    """L1 and the perceptual term between the drawn character and the true one; the network in bfloat16."""
    source = batch.source.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        drawn = network(source, batch.skeletons, batch.letters)
        drawn = drawn.float()
        apart = drawn.new_zeros(()) if features is None else features(drawn, batch.target)
    return {"l1": F.l1_loss(drawn, batch.target), "perceptual": apart.float()}


def _drawn(count: int, plan: CharacterPlan, step: int) -> np.ndarray:
    """The numbers of the pairs of a step: every round goes through all pairs in a new order."""
    each = max(1, count // plan.batch)  # steps of a round
    first = step % each * plan.batch
    return _order(count, plan.seed, step // each)[first : first + plan.batch]


@functools.lru_cache(1)
def _order(count: int, seed: int, number: int) -> np.ndarray:
    return np.random.default_rng((seed, number)).permutation(count)


def _save(
    path: Path,
    network: CharacterNetwork,
    average: CharacterNetwork,
    optimiser: torch.optim.Optimizer,
    step: int,
    seconds: float,
    plan: CharacterPlan,
) -> None:
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.state_dict().items()}
    for index, values in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": value for name, value in values.items()}
    facts = {"plan": json.dumps(asdict(plan)), "step": str(step), "seconds": str(seconds)}
    write_tensors(path, tensors, as_header(network.config) | facts)


def _restored(
    path: Path,
    network: CharacterNetwork,
    average: CharacterNetwork,
    optimiser: torch.optim.Optimizer,
    plan: CharacterPlan,
) -> tuple[int, float]:
    """Take over a checkpoint; returns its step and the processor's seconds until then, 0 without one."""
    if not path.is_file():
        return 0, 0.0
    tensors, facts = read_tensors(path)
    wanted = as_header(network.config) | {"plan": json.dumps(asdict(plan))}
    for name, text in wanted.items():
        if facts.get(name) != text:
            raise ValueError(
                f"{path} was trained with another {name}: {facts.get(name)}, not {text}; give that one, or "
                "another folder"
            )
    parts: dict[str, dict[str, Tensor]] = {"network": {}, "average": {}, "optimiser": {}}
    for name, value in tensors.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = value
    network.load_state_dict(parts["network"])
    average.load_state_dict(parts["average"])
    state = optimiser.state_dict()
    for name, value in parts["optimiser"].items():
        index, _, entry = name.partition(".")
        state["state"].setdefault(int(index), {})[entry] = value
    optimiser.load_state_dict(state)
    return int(facts["step"]), float(facts["seconds"])
