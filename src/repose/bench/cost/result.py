"""The cost of one recipe as it stands on a result line, and as one sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from repose.record import ResultLine, reading_line

COUNTED_SIZES: Final = ((128, 64), (256, 176), (1024, 1024))
"""Height and width at which multiply-adds are counted."""

MEASURED_SIZE: Final = (256, 176)
"""Height and width at which speed is measured."""

SQUARE_SIZE: Final = (256, 256)
"""The same on a white square; a network that refuses `MEASURED_SIZE` is counted and measured here."""

SEED: Final = 0
"""Of the weights and of the people."""


def size_name(size: tuple[int, int]) -> str:
    """(256, 176) -> "256x176", as sizes stand on a line."""
    return f"{size[0]}x{size[1]}"


@dataclass(frozen=True)
class TrainingMemory:
    """What `repose train` forecasts for the fullest step of a run, in bytes.

    Attributes:
        batch: pairs of the recipe. pictures: that the step sees.
        bytes_at_one: with one pair. bytes: with the recipe's batch. activations: of the latter.
        lacks: what is left out of the forecast, for want of a file; empty if nothing is.
    """

    batch: int
    pictures: int
    bytes_at_one: int
    bytes: int
    activations: int
    lacks: str


@dataclass(frozen=True)
class CountedCost:
    """What can be known of a recipe without running it.

    Attributes:
        parameters: weights of "generator", "objective" (its discriminators) and "features" (feature networks of its
            losses, which are not trained).
        gmac: size -> 10^9 multiply-adds of one picture by the direct sums.
        inference_bytes: size -> memory of one picture.
        why: size -> why it has none of these; "measured" -> why there is no `Cost.measured`.
        training: memory of a step.
    """

    parameters: dict[str, int]
    gmac: dict[str, float]
    inference_bytes: dict[str, int]
    why: dict[str, str]
    training: TrainingMemory


@dataclass(frozen=True)
class Seconds:
    """The rounds of one backend: the best, the median and the quartiles."""

    best: float
    median: float
    low: float
    high: float


@dataclass(frozen=True)
class GPURun:
    """The plain module on the GPU.

    Attributes:
        seconds: from people on the GPU to the picture there. bytes: of tensors, at most. name: of the GPU.
    """

    seconds: Seconds
    bytes: int
    name: str


@dataclass(frozen=True)
class MeasuredRun:
    """The generator of a recipe, run on this machine.

    Attributes:
        height, width: of the one picture.
        bytes: of the first forward pass with its weights, above the process before.
        rounds: of each backend.
        backends: name -> seconds from people to the picture, or why it did not run.
        peak_gflops: of the machine, measured in the same run.
        cuda: the same on a GPU; None without one.
    """

    height: int
    width: int
    bytes: int
    rounds: int
    backends: dict[str, Seconds | str]
    peak_gflops: float
    cuda: GPURun | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width

    @property
    def ran(self) -> dict[str, Seconds]:
        """The backends that ran."""
        return {name: row for name, row in self.backends.items() if not isinstance(row, str)}

    def line(self) -> dict[str, Any]:
        """For JSON: attributes by their names, a backend that did not run has a "note", "cuda" only with a GPU."""
        backends = {name: {"note": row} if isinstance(row, str) else asdict(row) for name, row in self.backends.items()}
        line = {
            "height": self.height, "width": self.width, "bytes": self.bytes, "rounds": self.rounds,
            "backends": backends, "peak_gflops": self.peak_gflops,
        }  # fmt: skip
        if self.cuda is not None:
            line["cuda"] = {**asdict(self.cuda.seconds), "bytes": self.cuda.bytes, "name": self.cuda.name}
        return line

    @classmethod
    def read(cls, line: Mapping[str, Any]) -> MeasuredRun:
        """Of what `line` gives. KeyError if a key is missing."""
        backends = {
            name: row["note"] if "note" in row else _read_seconds(row) for name, row in line["backends"].items()
        }
        gpu = line.get("cuda")
        cuda = None if gpu is None else GPURun(_read_seconds(gpu), gpu["bytes"], gpu["name"])
        return cls(
            line["height"], line["width"], line["bytes"], line["rounds"], backends, line["peak_gflops"], cuda
        )  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """All that is known of what a recipe costs.

    Attributes:
        recipe, model: names. digest: of the settings, see `repose.bench.cost.measure.settings_digest`.
        counted: without running it.
        measured: on this machine; None with the reason in `counted.why`.
        again: whether a later try may give more.
        seed: of weights and people; None on lines of before it was written.
    """

    recipe: str
    model: str
    digest: str
    counted: CountedCost
    measured: MeasuredRun | None
    again: bool
    seed: int | None = SEED

    def line(self) -> ResultLine:
        """The result line, without its stamp.

        "kind" is "cost"; the attributes by their names, those of `counted` among them; "measured" is null without one.
        """
        return {
            "kind": "cost", "recipe": self.recipe, "model": self.model, "digest": self.digest, **asdict(self.counted),
            "measured": None if self.measured is None else self.measured.line(), "again": self.again, "seed": self.seed,
        }  # fmt: skip

    @classmethod
    def read(cls, line: ResultLine) -> Cost:
        """Of a result line. ValueError if it lacks a key."""
        with reading_line(line):
            training = line["training"]
            memory = TrainingMemory(
                training["batch"], training["pictures"], training["bytes_at_one"], training["bytes"],
                training["activations"], training["lacks"],
            )  # fmt: skip
            counted = CountedCost(line["parameters"], line["gmac"], line["inference_bytes"], line["why"], memory)
            run = line["measured"]
            return cls(
                line["recipe"], line["model"], line["digest"], counted, None if run is None else MeasuredRun.read(run),
                line["again"], line.get("seed"),
            )  # fmt: skip


def describe_cost(cost: Cost) -> str:
    """A cost as one sentence, for the terminal."""
    weights, training, run = cost.counted.parameters, cost.counted.training, cost.measured
    arithmetic = ", ".join(f"{size} {gmac:.1f}" for size, gmac in cost.counted.gmac.items())
    text = (
        f"{cost.recipe}: {weights['generator'] / 1e6:.2f}M weights, {weights['objective'] / 1e6:.2f}M of "
        f"discriminators; GMAC {arithmetic}; training {training.bytes_at_one / 1e9:.2f} GB with one pair, "
        f"{training.bytes / 1e9:.2f} with {training.batch}"
    )
    if run is None:
        return text
    for backend, row in run.backends.items():
        text += f"; {backend} " + (row if isinstance(row, str) else f"{1 / row.median:.2f} pictures a second")
    if run.cuda is not None:
        text += f"; {run.cuda.name} {1 / run.cuda.seconds.median:.1f}"
    return f"{text}; inference {run.bytes / 1e9:.2f} GB"


def _read_seconds(row: Mapping[str, float]) -> Seconds:
    return Seconds(row["best"], row["median"], row["low"], row["high"])
