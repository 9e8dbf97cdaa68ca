"""A model of a few thousand weights with all that a run must remember: dropout, batch norm, a buffer, an image pool.

`python -m tests.train.toy STORE RUN key=value ... [devices=2] [save_every=0]` trains it in a process of its own.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from repose.data import Store, StoreWriter
from repose.losses.adversarial import ImagePool, adversarial
from repose.models import MODELS, ModelDeclaration
from repose.models.base import Generator, Needs, Objective, Output, Phase, Progress, Term
from repose.person import Pair, Person
from repose.recipes import DataConfig, OptimiserConfig, Recipe, ScheduleConfig, override
from repose.represent.canvas import CANVASES, Canvas
from repose.represent.keypoints import heatmaps
from repose.train.loop import Summary, train

if TYPE_CHECKING:
    import pytest

SMALL = {
    canvas.name: canvas
    for canvas in (Canvas("toy", 32, 16, (0, 0, 32, 16)), Canvas("toy-square", 32, 32, (0, 8, 32, 16)))
}
"""Canvases of the toy stores; the fixtures add them to `CANVASES` for the tests of this folder alone."""


@dataclass(frozen=True)
class ToyConfig:
    width: int = 8
    norm: str = "batch"
    dropout: float = 0.5


@dataclass(frozen=True)
class ToyObjectiveConfig:
    order: str = "generator first"
    pool: int = 6
    fool: float = 0.1
    nan_at: int = 10**9


class Toy(Generator):
    needs = Needs(source=("image",), target=("keypoints",))

    def __init__(self, config: ToyConfig) -> None:
        super().__init__()
        norm = {"batch": nn.BatchNorm2d, "instance": nn.InstanceNorm2d}[config.norm]
        self.net = nn.Sequential(
            nn.Conv2d(3 + 18, config.width, 3, padding=1),
            norm(config.width),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Conv2d(config.width, config.width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(config.width, 3, 3, padding=1),
            nn.Tanh(),
        )

    def encode(self, source: Person, target: Person) -> tuple[Tensor, ...]:
        assert source.image is not None
        assert target.keypoints is not None
        height, width = source.image.shape[-2:]
        return source.image, heatmaps(target.keypoints, height, width, sigma=2.0)

    def synthesise(self, *inputs: Tensor) -> Output:
        return Output(self.net(torch.cat(inputs, 1)))


class ToyObjective(Objective):
    def __init__(self, config: ToyObjectiveConfig) -> None:
        super().__init__()
        self.config = config
        self.networks = nn.ModuleDict(
            {"judge": nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Dropout(0.0), nn.Conv2d(8, 1, 3))}
        )
        self.pool = ImagePool(config.pool)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def phases(self, progress: Progress) -> Sequence[Phase]:
        phases = [Phase("generator", ("generator",)), Phase("judge", ("judge",))]
        return phases if self.config.order == "generator first" else phases[::-1]

    def losses(self, phase: Phase, pair: Pair, output: Output) -> dict[str, Term]:
        target, judge = pair.target.image, self.networks["judge"]
        assert target is not None
        if phase.name == "generator":
            self.steps += 1
            l1 = (output.image - target).abs().mean()
            if int(self.steps) >= self.config.nan_at:
                l1 = l1 * float("nan")
            return {"l1": Term(l1), "fool": Term(adversarial(judge(output.image), True, "lsgan"), self.config.fool)}
        return {
            "real": Term(adversarial(judge(target), True, "lsgan")),
            "generated": Term(adversarial(judge(self.pool(output.image)), False, "lsgan")),
        }


ENTRY = ModelDeclaration(
    package="tests.train",
    name="toy",
    title="toy",
    paper="none",
    generator=".toy:Toy",
    network_config=".toy:ToyConfig",
    objective=".toy:ToyObjective",
    objective_config=".toy:ToyObjectiveConfig",
    recipes={"toy": ".toy:recipe"},
    full="toy",
    small="toy",
)
"""What a paper would declare of the toy; the fixtures add it for the tests of this folder alone."""


def declare(patch: pytest.MonkeyPatch) -> None:
    """Add the toy and its canvases to what is known, until the patch is undone."""
    patch.setitem(MODELS, "toy", ENTRY)
    for name, small in SMALL.items():
        patch.setitem(CANVASES, name, small)


def recipe(**changes: object) -> Recipe:
    made = Recipe(
        name="toy",
        model="toy",
        network=ToyConfig(),
        objective=ToyObjectiveConfig(),
        canvas="toy",
        data=DataConfig(batch=4, flip="mirror", both_directions=True),
        generator_optimiser=OptimiserConfig(lr=1e-2, weight_decay=0.01),
        discriminator_optimiser=OptimiserConfig(lr=1e-2),
        schedule=ScheduleConfig(kind="cosine", warmup=16),
        images=160,
        ema=40,
        clip=1.0,
        tick=40,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def luck() -> np.random.Generator:
    """Random numbers whose seed a failing test shows; REPOSE_SEED=<it> repeats them."""
    seed = int(os.environ.get("REPOSE_SEED") or np.random.SeedSequence().generate_state(1)[0])
    print(f"repeat with REPOSE_SEED={seed}")
    return np.random.default_rng(seed)


def store(folder: Path, seed: int = 0, licence: str = "CC0-1.0") -> Store:
    """Four people in three pictures, and one for validation, 32x16: a disc of the person's colour at every joint."""
    random = np.random.default_rng(seed)
    with StoreWriter(folder, 32, 16, "discs", licence=licence) as writer:
        for person in range(5):
            colour = random.integers(0, 256, 3)
            for view in range(3):
                keypoints = np.c_[random.uniform(2, 13, 18), random.uniform(2, 29, 18), np.ones(18)].astype(np.float32)
                maps = heatmaps(torch.from_numpy(keypoints), 32, 16, kind="disc", radius=2.0).amax(0).numpy()
                image = (maps[..., None] * colour + (1 - maps[..., None]) * 230).astype(np.uint8)
                writer.add(f"{person}_{view}", str(person), image, keypoints, split="train" if person < 4 else "val")
    return Store.open(folder)


def main(words: list[str]) -> Summary:
    torch.set_num_threads(1)
    how = {"devices": "1", "save_every": "300"}
    how |= {key: value for key, _, value in (word.partition("=") for word in words[2:]) if key in how}
    made = override(recipe(), [word for word in words[2:] if word.partition("=")[0] not in how])
    return train(
        made,
        Store.open(words[0]),
        Path(words[1]),
        accelerator="cpu",
        devices=int(how["devices"]),
        progress=False,
        save_every=float(how["save_every"]),
    )


if __name__ == "__main__":
    from tests.train.toy import main as real  # not this second copy under the name __main__

    CANVASES.update(SMALL)
    MODELS["toy"] = ENTRY
    real(sys.argv[1:])
