"""Training of the parser, resumable: `train`. scripts/train_parser.py is the command."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.data.parsing_samples import ParsingSource, Samples
from repose.estimate.parsing_network import NAME, ParsingNetwork
from repose.nn.mobilenet import TAPS, mobilenet_v2
from repose.tensor_files import read_tensors, write_tensors

STATE: Final = "state.safetensors"


@dataclass(frozen=True)
class Plan:
    """How the parser is trained.

    Attributes:
        first_steps, first_batch, first_height, first_width: the first stage, on small crops.
        steps, batch, height, width: the second stage, at the size of use.
        rate: highest learning rate of the decoder, reached after `warmup` steps, then a cosine to 0 over both stages.
        encoder_rate: that of the encoder as a share of `rate`.
        dice: weight of the Dice term.
        seed: of everything random.
        save: seconds between checkpoints. log: steps between lines of the log.
    """

    first_steps: int = 1400
    first_batch: int = 24
    first_height: int = 128
    first_width: int = 96
    steps: int = 1000
    batch: int = 12
    height: int = 256
    width: int = 192
    rate: float = 2e-3
    encoder_rate: float = 0.1
    warmup: int = 100
    dice: float = 0.5
    seed: int = 0
    save: float = 120.0
    log: int = 20

    @property
    def total(self) -> int:
        """Steps of both stages."""
        return self.first_steps + self.steps


def train(
    folder: Path, plan: Plan, source: ParsingSource, encoder: Path | str | None = None,
    say: Callable[[str], None] = print, pretrained: bool = True,
) -> ParsingNetwork:  # fmt: skip
    """Train a parser, or go on with the one in `folder`; its moving average is returned.

    Args:
        folder: for the checkpoint and the log, a JSON line every `plan.log` steps.
        source: of the samples.
        encoder: the file mobilenet_v2_imagenet.safetensors; None asks `repose.hub`.
        say: gets every line of the log.
        pretrained: False begins with random weights.

    Raises:
        FileNotFoundError: the encoder's file is not here.
        CheckpointError: the checkpoint is damaged. ValueError: the checkpoint is of another plan.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(plan.seed)
    net, mean = ParsingNetwork(), ParsingNetwork()
    if pretrained and not (folder / STATE).is_file():
        net.encoder.load(mobilenet_v2(TAPS, encoder).state_dict())
    mean.load_state_dict(net.state_dict())
    for network in (net, mean):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    net.train()
    inside = {id(weight) for weight in net.encoder.parameters()}
    optimizer = torch.optim.AdamW(
        [
            {"params": [w for w in net.parameters() if id(w) not in inside], "share": 1.0},
            {"params": list(net.encoder.parameters()), "share": plan.encoder_rate},
        ],
        lr=plan.rate,
        weight_decay=1e-3,
    )
    step = _restored(folder / STATE, net, mean, optimizer, plan)
    weight = label_weights(source.pixels)
    terms: dict[str, float] = {}
    begun = saved = time.monotonic()
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        while step < plan.total:
            early = step < plan.first_steps
            size = (plan.first_height, plan.first_width) if early else (plan.height, plan.width)
            samples = source.batch(step, plan.first_batch if early else plan.batch, size)
            for group in optimizer.param_groups:
                group["lr"] = _rate(step, plan) * group["share"]
            losses = _losses(net, samples, weight, plan.dice, step)
            optimizer.zero_grad(set_to_none=True)
            losses["loss"].backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            step += 1
            _averaged(mean, net, min(0.995, step / (step + 20)))
            for name, value in losses.items():
                terms[name] = terms.get(name, value.item()) * 0.95 + 0.05 * value.item()
            if step % plan.log == 0:
                line = {"step": step, "seconds": round(time.monotonic() - begun), "cpu": round(time.process_time())}
                text = json.dumps(line | {name: round(value, 4) for name, value in terms.items()})
                log.write(text + "\n")
                log.flush()
                say(text)
            if time.monotonic() - saved > plan.save or step == plan.total:
                _save(folder / STATE, net, mean, optimizer, step, plan)
                saved = time.monotonic()
    return mean.eval()


def load_state(path: Path) -> ParsingNetwork:
    """The moving average of a checkpoint.

    Raises:
        CheckpointError: the file is damaged.
    """
    tensors, _ = read_tensors(path)
    net = ParsingNetwork()
    net.load_state_dict({name[5:]: value for name, value in tensors.items() if name.startswith("mean.")})
    return net.eval()


def ship(net: ParsingNetwork, path: Path) -> int:
    """Write weights in float16 that `load_parser` reads; returns the bytes of the file."""
    tensors = {n: v.contiguous().half() if v.is_floating_point() else v for n, v in net.state_dict().items()}
    write_tensors(path, tensors, {"kind": NAME}, compressible=True)
    return path.stat().st_size


def label_weights(pixels: np.ndarray) -> Tensor:
    """(20,) weights of the cross entropy from the pixels of each label: rare labels count for more, up to 6 times."""
    share = torch.tensor(pixels / pixels.sum(), dtype=torch.float32)
    return (0.05 / share.clamp_min(1e-6)).pow(0.4).clamp(0.5, 6.0)


# -- inside ---------------------------------------------------------------------------------------------------------


def _losses(net: ParsingNetwork, samples: Samples, weight: Tensor, dice: float, step: int) -> dict[str, Tensor]:
    """Cross entropy with weights, and 1 - Dice of the labels in the batch (Milletari et al. 2016, section 3)."""
    image = samples.image.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        logits = net(image, samples.keypoints, samples.body)
    logits = logits.float()  # (B, 20, H/2, W/2)
    # each step compares with one of the four pixels of a cell
    labels = samples.labels[:, step % 2 :: 2, step // 2 % 2 :: 2]
    entropy = F.cross_entropy(logits, labels, weight)
    chances = logits.softmax(1)
    truth = F.one_hot(labels, logits.shape[1]).movedim(-1, 1).to(chances.dtype)
    both, sizes = (chances * truth).sum((0, 2, 3)), (chances + truth).sum((0, 2, 3))
    there = truth.sum((0, 2, 3)) > 20
    overlap = (1 - 2 * both / sizes.clamp_min(1))[there].mean()
    right = (logits.argmax(1) == labels).float().mean()
    return {"loss": entropy + dice * overlap, "entropy": entropy, "dice": overlap, "right": right}


def _rate(step: int, plan: Plan) -> float:
    begin = min(1.0, (step + 1) / plan.warmup)
    return plan.rate * begin * (0.5 + 0.5 * math.cos(math.pi * step / plan.total)) + 1e-6


def _averaged(mean: ParsingNetwork, net: ParsingNetwork, share: float) -> None:
    with torch.no_grad():
        for a, b in zip(mean.state_dict().values(), net.state_dict().values(), strict=True):
            if a.is_floating_point():
                a.lerp_(b, 1 - share)
            else:
                a.copy_(b)


def _save(
    path: Path, net: ParsingNetwork, mean: ParsingNetwork, optimizer: torch.optim.Optimizer, step: int, plan: Plan
) -> None:
    tensors = {f"net.{name}": value.contiguous() for name, value in net.state_dict().items()}
    tensors |= {f"mean.{name}": value.contiguous() for name, value in mean.state_dict().items()}
    for index, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{name}": value.contiguous() for name, value in values.items()}
    write_tensors(path, tensors, {"step": str(step), "plan": json.dumps(asdict(plan))})


def _restored(
    path: Path, net: ParsingNetwork, mean: ParsingNetwork, optimizer: torch.optim.Optimizer, plan: Plan
) -> int:
    """Take over a checkpoint; returns its step, 0 without one."""
    if not path.is_file():
        return 0
    tensors, facts = read_tensors(path)
    if json.loads(facts["plan"]) != asdict(plan):
        raise ValueError(f"{path} was trained with another plan: {facts['plan']}; give that one, or another folder")
    for network, prefix in ((net, "net."), (mean, "mean.")):
        own = {name.removeprefix(prefix): v for name, v in tensors.items() if name.startswith(prefix)}
        network.load_state_dict(own)
    state = optimizer.state_dict()
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, index, entry = name.split(".")
            state["state"].setdefault(int(index), {})[entry] = value
    optimizer.load_state_dict(state)
    return int(facts["step"])


__all__ = ["Plan", "label_weights", "load_state", "ship", "train"]
