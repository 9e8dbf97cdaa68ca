"""Training of the lifter on endless samples, resumable: `train`. scripts/train_lifter.py is the command."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.body.fit import difference, mirror_change
from repose.body.joint_noise import FEWEST, Detections, JointErrors, detect
from repose.body.lifter import Lifted, Lifter, box_of, decode, encode, pose, project
from repose.body.pose_space import JOINT_COUNT, Doubles, Floats
from repose.body.pose_space import STATE as STATE_SIZE
from repose.body.samples import Angles, Cameras, Samples, sample
from repose.tensor_files import read_tensors, write_tensors

STATE: Final = "state.safetensors"
_OUTSIDE: Final = 0.1  # weight of joints outside the picture in the loss of places in the picture
_ODDS: Final = (0.3, 0.2, 0.5)  # exact joints, Gaussian noise, the detector's errors


@dataclass(frozen=True)
class Plan:
    """How the lifter is trained.

    Attributes:
        steps: of `batch` samples each. rate: highest learning rate, reached after `warmup` steps, then a cosine to 0.
        first: poses sampled before the first step. fresh: poses sampled every `every` steps; 8 samples each. most:
            samples kept, the oldest go first.
        seed: of everything random. width, blocks: of the network.
        save: seconds between checkpoints. log: steps between lines of the log.
    """

    steps: int = 20000
    batch: int = 256
    rate: float = 1.2e-3
    warmup: int = 300
    first: int = 3000
    fresh: int = 40
    every: int = 20
    most: int = 160_000
    seed: int = 0
    width: int = 384
    blocks: int = 4
    save: float = 120.0
    log: int = 100


def train(
    folder: Path, plan: Plan, angles: Angles, cameras: Cameras, errors: JointErrors, say: Callable[[str], None] = print
) -> Lifter:
    """Train a lifter, or go on with the one in `folder`; its moving average is returned.

    Args:
        folder: for the checkpoint and the log, a JSON line every `plan.log` steps.
        angles, cameras: poses and cameras of the samples. errors: the detector's.
        say: gets every line of the log.

    Raises:
        CheckpointError: the checkpoint is damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(plan.seed)
    net, mean = Lifter(plan.width, plan.blocks), Lifter(plan.width, plan.blocks)
    mean.load_state_dict(net.state_dict())
    optimizer = torch.optim.AdamW(net.parameters(), lr=plan.rate, weight_decay=1e-4)
    step = _restored(folder / STATE, net, mean, optimizer)
    rng = np.random.default_rng([plan.seed, step])
    say(f"sampling {plan.first} poses")
    pool = _Pool(plan.most)
    pool.add(sample(rng, plan.first, angles, cameras))
    say(f"{pool.count} samples, from step {step}")
    terms: dict[str, float] = {}
    begun = saved = time.monotonic()
    with (folder / "log.jsonl").open("a", encoding="utf-8") as log:
        while step < plan.steps:
            if step % plan.every == 0:
                pool.add(sample(rng, plan.fresh, angles, cameras))
            for group in optimizer.param_groups:
                group["lr"] = _rate(step, plan)
            rows = pool.draw(rng, plan.batch)
            losses = _losses(net, rows, detect(rng, rows, errors, _ODDS))
            loss = losses["loss"]
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            step += 1
            _averaged(mean, net, min(0.998, step / (step + 50)))
            for name, value in losses.items():
                terms[name] = terms.get(name, value.item()) * 0.98 + 0.02 * value.item()
            if step % plan.log == 0:
                line = {"step": step, "seconds": round(time.monotonic() - begun), "cpu": round(time.process_time())}
                text = json.dumps(line | {name: round(value, 5) for name, value in terms.items()})
                log.write(text + "\n")
                log.flush()
                say(text)
            if time.monotonic() - saved > plan.save or step == plan.steps:
                _save(folder / STATE, net, mean, optimizer, step, plan)
                saved = time.monotonic()
    return mean


class _Pool:
    """The newest samples, at most `most`."""

    def __init__(self, most: int) -> None:
        self.most, self.count, self._next = most, 0, 0
        self._rows: Samples | None = None

    def add(self, new: Samples) -> None:
        """Take in samples; the oldest make room."""
        new = new[-self.most :]
        if self._rows is None:
            self._rows = Samples(*(np.empty((self.most, *column.shape[1:]), np.float32) for column in _columns(new)))
        at = (self._next + np.arange(len(new))) % self.most
        for column, values in zip(_columns(self._rows), _columns(new), strict=True):
            column[at] = values
        self._next = int((self._next + len(new)) % self.most)
        self.count = min(self.most, self.count + len(new))

    def draw(self, rng: np.random.Generator, count: int) -> Samples:
        """Some of them, any of them more than once."""
        assert self._rows is not None
        return self._rows[rng.integers(self.count, size=count)]


def _columns(rows: Samples) -> list[Floats]:
    return [getattr(rows, field.name) for field in fields(rows)]


def load_state(path: Path) -> Lifter:
    """The moving average of a checkpoint."""
    tensors, facts = read_tensors(path)
    plan = json.loads(facts["plan"])
    net = Lifter(plan["width"], plan["blocks"])
    net.load_state_dict({name[5:]: value for name, value in tensors.items() if name.startswith("mean.")})
    return net


def ship(net: Lifter, held: Samples, errors: JointErrors, path: Path, rng: np.random.Generator) -> int:
    """Write weights that `lift.load_lifter` reads; returns the bytes of the file.

    Args:
        net: trained. held: samples that it was not trained on, for the covariances of its errors.
        errors: of the detector. path: of the file.
    """
    width, blocks = net.first.out_features, len(net.blocks)
    tensors = {f"net.{name}": value.half() for name, value in net.state_dict().items()}
    rounded = Lifter(width, blocks)
    rounded.load_state_dict({name[4:]: value.float() for name, value in tensors.items()})
    noise = errors.noise
    for name in ("by_score", "unknown", "offsets"):
        tensors[f"noise.{name}"] = torch.from_numpy(getattr(noise, name)).float()
    for name, odds in (("exact", (1.0, 0.0, 0.0)), ("noisy", (0.0, 0.0, 1.0))):
        found = detect(rng, held, errors, odds, change=False)
        tensors[f"covariance.{name}"] = torch.from_numpy(covariance(rounded, held, found)).float()
    header = {"kind": "body-lifter", "width": str(width), "blocks": str(blocks)}
    write_tensors(path, tensors, header, compressible=True)
    return path.stat().st_size


def covariance(net: Lifter, held: Samples, found: Detections) -> Doubles:
    """(97, 97) of the changes (`fit`) that take what the network says to the truth.

    Skeletons with exchanged names or fewer than 5 joints are left out, and the 2 % with the largest errors.
    """
    good = np.flatnonzero((found.located.sum(1) >= FEWEST) & (found.reading == 0))
    joints, located = torch.from_numpy(found.joints[good]), torch.from_numpy(found.located[good])
    box = box_of(joints, located)
    inside = (joints - box.centre[:, None]) / box.side[:, None]
    with torch.inference_mode():
        said = decode(net.both(encode(inside, located, torch.from_numpy(found.noise[good]))))
    side, centre = box.side[:, 0].double().numpy(), box.centre.double().numpy()
    camera = held.camera[good].astype(np.float64)
    place = (camera[:, :2] - centre) / side[:, None]
    truth = np.stack([place[:, 0], place[:, 1], np.log(camera[:, 2] / side), np.log(camera[:, 3])], 1)
    turns, shape, view = (value.double().numpy() for value in (said.turns, said.coefficients, said.camera))
    change = difference(
        turns, shape, view, held.turns[good].astype(np.float64), held.coefficients[good].astype(np.float64), truth
    )
    size = (change / change.std(0)) ** 2
    change = change[size.sum(1) <= np.quantile(size.sum(1), 0.98)]
    change = np.concatenate([change, mirror_change(change)])
    out: Doubles = change.T @ change / len(change) + 1e-6 * np.eye(STATE_SIZE)
    return out


def _rate(step: int, plan: Plan) -> float:
    begin = min(1.0, (step + 1) / plan.warmup)
    return plan.rate * begin * (0.5 + 0.5 * math.cos(math.pi * step / plan.steps)) + 1e-6


def _losses(net: Lifter, rows: Samples, found: Detections) -> dict[str, Tensor]:
    joints, located = torch.from_numpy(found.joints), torch.from_numpy(found.located)
    box = box_of(joints, located)
    said = decode(
        net(encode((joints - box.centre[:, None]) / box.side[:, None], located, torch.from_numpy(found.noise)))
    )
    learn = torch.from_numpy(found.learn)
    learn = learn / learn.sum().clamp(min=1)
    points, skin = pose(said)
    true_points, true_skin = torch.from_numpy(rows.points), torch.from_numpy(rows.skin)
    places = (points - true_points).abs().mean((1, 2)) + (skin - true_skin).abs().mean((1, 2))
    flat = project(points[:, :JOINT_COUNT], said.camera)
    true_flat = (torch.from_numpy(rows.joints) - box.centre[:, None]) / box.side[:, None]
    # what lies outside the picture can hardly be known, and lies far away in the box of a head
    within = torch.from_numpy(found.inside) * (1 - _OUTSIDE) + _OUTSIDE
    seen = F.smooth_l1_loss(flat, true_flat.clamp(-4, 4), beta=0.01, reduction="none").mean(2)
    seen = (seen * within).mean(1)
    turns = (said.turns - torch.from_numpy(rows.turns)).pow(2).sum((2, 3)).mean(1)
    shape = (said.coefficients - torch.from_numpy(rows.coefficients)).pow(2).mean(1)
    distance = (said.camera[:, 3] - torch.log(torch.from_numpy(rows.camera[:, 3]))).pow(2)
    terms = {"places": places, "seen": seen, "turns": turns, "shape": shape, "distance": distance}
    out = {name: (value * learn).sum() for name, value in terms.items()}
    out["reading"] = F.cross_entropy(said.readings, torch.from_numpy(found.reading))
    weights = {"places": 5.0, "seen": 5.0, "turns": 0.5, "shape": 0.02, "distance": 0.05, "reading": 0.05}
    return out | {"loss": torch.stack([weights[name] * value for name, value in out.items()]).sum()}


@torch.no_grad()
def _averaged(mean: Lifter, net: Lifter, keep: float) -> None:
    for ours, theirs in zip(mean.parameters(), net.parameters(), strict=True):
        ours.lerp_(theirs, 1 - keep)


def _save(path: Path, net: Lifter, mean: Lifter, optimizer: torch.optim.Optimizer, step: int, plan: Plan) -> None:
    tensors = {f"net.{name}": value for name, value in net.state_dict().items()}
    tensors |= {f"mean.{name}": value for name, value in mean.state_dict().items()}
    for k, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{k}.{name}": torch.as_tensor(value) for name, value in state.items()}
    write_tensors(path, tensors, {"step": str(step), "plan": json.dumps(asdict(plan))})


def _restored(path: Path, net: Lifter, mean: Lifter, optimizer: torch.optim.Optimizer) -> int:
    """The step of the checkpoint, after everything is as it was; 0 where there is none."""
    if not path.exists():
        return 0
    tensors, facts = read_tensors(path)
    for prefix, module in (("net.", net), ("mean.", mean)):
        module.load_state_dict({n[len(prefix) :]: value for n, value in tensors.items() if n.startswith(prefix)})
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, number, key = name.split(".", 2)
            state.setdefault(int(number), {})[key] = value
    optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
    return int(facts["step"])


__all__ = ["Lifted", "Plan", "load_state", "train"]
