"""How far rendered people are from photographs: distances of features, and classifiers that tell the two apart.

Everything is measured on as many pictures of either store, spread evenly over the people of one split.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from repose.data.store import Store
from repose.markdown import grid_table
from repose.metrics.functional import frechet, kernel_distance
from repose.nn.mobilenet import MobileNetV2
from repose.record import ResultLine, reading_line
from repose.research.classifiers import tell_apart
from repose.research.image_statistics import NAMES, effect_size, picture_statistics
from repose.research.sample import Sample, draw_sample
from repose.research.views import LAYER, VIEW_TITLES, VIEWS, feature_network, sample_features, seen_size

STATISTICS: Final = "statistics"
"""Beside the views of `VIEWS`: the plain numbers of the pictures alone."""

SEED: Final = 0
"""Of the halves of the people and of the classifiers."""

_HIDDEN: Final = {"logistic": 0, "mlp": 64}
"""Classifier -> units of its hidden layer."""

_SIDES: Final = ("rich", "plain")
"""Names of the rendered stores, in the order of tables."""


@dataclass(frozen=True)
class RenderedStore:
    """One rendered store against the photographs.

    Attributes:
        name: "rich" or "plain". data, checksum: of the store.
        frechet, kernel: FD-MobileNetV2 and the kernel distance (times 1,000).
        told: (view, "logistic" | "mlp") -> accuracy and area; ("statistics", ...) sees the plain numbers.
        effects: statistic -> mean of the photographs, mean here, Cohen's d (positive: more here), weight in the linear
            classifier of the plain numbers.
    """

    name: str
    data: str
    checksum: str
    frechet: float
    kernel: float
    told: dict[tuple[str, str], tuple[float, float]]
    effects: dict[str, tuple[float, float, float, float]]

    def line(self) -> dict[str, Any]:
        """For JSON: the attributes by their names, "told" by "VIEW CLASSIFIER", the effects under "statistics"."""
        return {
            "data": self.data, "checksum": self.checksum, "frechet": self.frechet, "kernel": self.kernel,
            "told": {" ".join(key): list(value) for key, value in self.told.items()},
            "statistics": {name: list(value) for name, value in self.effects.items()},
        }  # fmt: skip

    @classmethod
    def read(cls, name: str, line: Mapping[str, Any]) -> RenderedStore:
        """Of what `line` gives. KeyError if a key is missing."""
        told = {}
        for key, (accuracy, area) in line["told"].items():
            view, _, classifier = key.rpartition(" ")
            told[view, classifier] = (accuracy, area)
        effects = {key: (a, b, d, weight) for key, (a, b, d, weight) in line["statistics"].items()}
        return cls(name, line["data"], line["checksum"], line["frechet"], line["kernel"], told, effects)


@dataclass(frozen=True)
class Realism:
    """How far rendered people are from photographs.

    Attributes:
        pictures: of every store, and of the floor. people: among the photographs that all are compared with.
        real, checksum: the store of the photographs.
        size: (height, width) at which the network saw the pictures.
        floor_frechet, floor_kernel: other photographs of other people against the same photographs. Few pictures make
            a Frechet distance larger than it is; the kernel distance has no such bias.
        sides: rich first, then plain where there is one.
        seed: of the halves and the classifiers; None on lines of before it was written.
    """

    pictures: int
    people: int
    real: str
    checksum: str
    size: tuple[int, int]
    floor_frechet: float
    floor_kernel: float
    sides: tuple[RenderedStore, ...]
    seed: int | None = SEED

    @property
    def ratio(self) -> float | None:
        """Frechet distance of the rich pictures by that of the plain ones; None without plain ones."""
        return self.sides[0].frechet / self.sides[1].frechet if len(self.sides) > 1 else None

    @property
    def ratio_kernel(self) -> float | None:
        """The same of the kernel distances."""
        return self.sides[0].kernel / self.sides[1].kernel if len(self.sides) > 1 else None

    def line(self) -> ResultLine:
        """The result line, without its stamp.

        "bench" is "realism"; "name" and "layer" say what the distances are of; the attributes by their names, but
        "real_checksum", the floor under "floor", and each rendered store under its name.
        """
        return {
            "bench": "realism", "name": "FD-MobileNetV2", "layer": LAYER, "size": list(self.size),
            "real": self.real, "real_checksum": self.checksum, "pictures": self.pictures, "people": self.people,
            "floor": {"frechet": self.floor_frechet, "kernel": self.floor_kernel},
            "ratio": self.ratio, "ratio_kernel": self.ratio_kernel, "seed": self.seed,
            **{side.name: side.line() for side in self.sides},
        }  # fmt: skip

    @classmethod
    def read(cls, line: ResultLine) -> Realism:
        """Of a result line. ValueError if it lacks a key."""
        with reading_line(line):
            height, width = line["size"]
            sides = tuple(RenderedStore.read(name, line[name]) for name in _SIDES if name in line)
            return cls(
                line["pictures"], line["people"], line["real"], line["real_checksum"], (height, width),
                line["floor"]["frechet"], line["floor"]["kernel"], sides, line.get("seed"),
            )  # fmt: skip


def compare_stores(
    real: Store,
    rendered: dict[str, Store],
    split: str = "train",
    count: int = 4000,
    judged: int = 800,
    views: Sequence[str] = VIEWS,
    network: MobileNetV2 | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> Realism:
    """Photographs against one or two rendered stores of the same canvas.

    Args:
        real: photographs. rendered: "rich" and perhaps "plain", in this order.
        split: of every store. count: pictures of each for the distances; the smallest store decides for all, and of
            the photographs twice as many are needed, for the floor.
        judged: pictures of each for the classifiers of all `views` but "whole", which takes `count`.
        network: in place of the hub's MobileNetV2, built with taps=().
        progress: called with (what, pictures done, pictures in all).

    Raises:
        ValueError: the stores differ in size, or have too few pictures.
        FileNotFoundError: the features' file is not here.
    """
    for store in rendered.values():
        if store.size != real.size:
            raise ValueError(
                f"{store.folder} has pictures of {store.size}, {real.folder} of {real.size}: render them at one size"
            )
    network = feature_network() if network is None else network
    samples = _samples(real, rendered, split, count)
    count = len(samples["real"])
    few = {name: sample.take(torch.arange(count), judged) for name, sample in samples.items() if name != "other"}
    parts = [kind for kind in views if kind != "whole"]
    steps = _Steps(progress, len(samples) * count + len(parts) * sum(len(sample) for sample in few.values()))

    features = {name: sample_features(network, sample, "whole", steps(name)) for name, sample in samples.items()}
    halves = {("whole", name): _halved(features[name], samples[name]) for name in few}
    for kind in parts:
        for name, sample in few.items():
            rows = sample_features(network, sample, kind, steps(f"{name}: {VIEW_TITLES[kind]}"))
            halves[kind, name] = _halved(rows, sample)
    numbers = {name: sample_statistics(samples[name]) for name in few}
    for name, rows in numbers.items():
        halves[STATISTICS, name] = _halved(rows, samples[name])

    sides = []
    for name, store in rendered.items():
        told, weights = _judgements(halves, name, (*views, STATISTICS))
        effects = _effects(numbers[name], numbers["real"], weights)
        distances = _distances(features[name], features["real"])
        sides.append(RenderedStore(name, store.dataset, store.checksum, *distances, told, effects))
    floor = _distances(features["other"], features["real"])
    people = len(torch.unique(samples["real"].people))
    return Realism(count, people, real.dataset, real.checksum, seen_size(real), *floor, tuple(sides))


def sample_statistics(sample: Sample) -> Tensor:
    """The plain statistics of a sample, float64 (N, S)."""
    rows = torch.split(torch.arange(len(sample)), 50)
    return torch.cat([picture_statistics(sample.images(part), sample.keypoints(part)) for part in rows])


def print_realism(realism: Realism, screen: Console, most: int = 40) -> None:
    """Print the distances, what classifiers tell, and the statistics with the largest effects first."""
    height, width = realism.size
    title = (
        f"FD-MobileNetV2 ({LAYER}; pictures at {height}x{width}): {realism.pictures:,} pictures of each, against "
        f"{realism.real} {realism.checksum}"
    )
    table = Table("pictures", "FD-MobileNetV2", "kernel distance x 1000", title=title)
    table.add_row("other photographs (floor)", f"{realism.floor_frechet:.1f}", f"{realism.floor_kernel:.1f}")
    for side in realism.sides:
        table.add_row(f"{side.name}: {side.data} {side.checksum}", f"{side.frechet:.1f}", f"{side.kernel:.1f}")
    if realism.ratio is not None and realism.ratio_kernel is not None:
        table.add_row("rich / plain", f"{realism.ratio:.3f}", f"{realism.ratio_kernel:.3f}")
    screen.print(table)

    heads = [f"{side.name}, {how}" for side in realism.sides for how in ("logistic", "MLP")]
    table = Table("sees", *heads, title="real or rendered? accuracy on people held out (area under ROC)")
    for kind in dict.fromkeys(kind for kind, _ in realism.sides[0].told):
        told = [side.told[kind, how] for side in realism.sides for how in _HIDDEN]
        title = VIEW_TITLES.get(kind, "the plain statistics alone")
        table.add_row(title, *(f"{accuracy:.3f} ({under:.3f})" for accuracy, under in told))
    screen.print(table)

    heads = [f"{side.name} {what}" for side in realism.sides for what in ("mean", "d", "weight")]
    table = Table("statistic", "real mean", *heads, title="Cohen's d, rendered less real; weight in the linear probe")
    first = realism.sides[0].effects
    for name in sorted(first, key=lambda name: -abs(first[name][2]))[:most]:
        cells: list[str] = []
        for side in realism.sides:
            _, mean, d, weight = side.effects[name]
            cells += [f"{mean:.3g}", f"{d:+.2f}", f"{weight:+.2f}"]
        table.add_row(name, f"{first[name][0]:.3g}", *cells)
    screen.print(table)


def realism_table(lines: list[ResultLine]) -> str:
    """The newest distances of rendered people to photographs, and how well classifiers tell the two apart.

    The newest line with plain people too comes before a newer one without them.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line.
    """
    known = [line for line in lines if line.get("bench") == "realism"]
    if not known:
        raise ValueError("results hold no line of `repose research realism` with photographs")
    line = next((line for line in reversed(known) if "plain" in line), known[-1])
    realism = Realism.read(line)
    sides = realism.sides
    grid = [["", *(side.name for side in sides), "other photographs"]]
    grid.append(["FD-MobileNetV2", *(f"{side.frechet:.1f}" for side in sides), f"{realism.floor_frechet:.1f}"])
    grid.append(["kernel distance x 1000", *(f"{side.kernel:.1f}" for side in sides), f"{realism.floor_kernel:.1f}"])
    for view, classifier in sides[0].told:
        title = f"told by {VIEW_TITLES.get(view, 'the plain statistics')}, {classifier}"
        grid.append([title, *(f"{side.told[view, classifier][0]:.1%}" for side in sides), ""])
    height, width = realism.size
    ratio = "" if realism.ratio is None else f" Rich by plain: {realism.ratio:.2f}."
    stores = ", ".join(f"{side.name} {side.data} `{side.checksum}`" for side in sides)
    return (
        f"{grid_table(grid)}\nAgainst {realism.real} `{realism.checksum}`, {realism.pictures:,} pictures of each; "
        f"{stores}. MobileNetV2 (ImageNet), {line['layer']}, pictures at {height}x{width}: not the FID of the papers."
        f"{ratio} Told: accuracy on people held out, chance is 50 %. Commit `{line['commit']}`.\n"
    )


# -- inside ---------------------------------------------------------------------------------------------------------


def _samples(real: Store, rendered: dict[str, Store], split: str, count: int) -> dict[str, Sample]:
    """ "real", "other" (photographs of other people) and the rendered ones, all with the same number of pictures."""
    photographs = draw_sample(real, split, 2 * count)
    first, second = photographs.halves(SEED)
    pools = {name: draw_sample(store, split, count) for name, store in rendered.items()}
    count = min(count, len(first), len(second), *(len(pool) for pool in pools.values()))
    samples = {"real": photographs.take(first, count), "other": photographs.take(second, count)}
    return samples | {name: pool.take(torch.arange(len(pool)), count) for name, pool in pools.items()}


def _distances(one: Tensor, other: Tensor) -> tuple[float, float]:
    """The Frechet distance, and 1,000 times the kernel distance."""
    return frechet(one, other), 1000 * kernel_distance(one, other)


def _judgements(
    halves: dict[tuple[str, str], tuple[Tensor, Tensor]], name: str, views: Sequence[str]
) -> tuple[dict[tuple[str, str], tuple[float, float]], Tensor]:
    """What classifiers tell by each view, and the weights of the last one's logistic regression."""
    told, weights = {}, torch.empty(0)
    for kind in views:
        for classifier, hidden in _HIDDEN.items():
            result = tell_apart(halves[kind, name], halves[kind, "real"], hidden)
            told[kind, classifier] = (result.accuracy, result.area)
            weights = weights if hidden else result.weights
    return told, weights


def _effects(here: Tensor, real: Tensor, weights: Tensor) -> dict[str, tuple[float, float, float, float]]:
    columns = (real.mean(0), here.mean(0), effect_size(here, real), weights.double())
    return {
        name: (float(a), float(b), float(d), float(w))
        for name, a, b, d, w in zip(NAMES, *columns, strict=True)
    }  # fmt: skip


class _Steps:
    """Counts pictures over several loops."""

    def __init__(self, progress: Callable[[str, int, int], None] | None, total: int) -> None:
        self.progress, self.total, self.done = progress, total, 0

    def __call__(self, what: str) -> Callable[[int], None]:
        def tick(count: int) -> None:
            self.done += count
            if self.progress is not None:
                self.progress(what, self.done, self.total)

        return tick


def _halved(rows: Tensor, sample: Sample) -> tuple[Tensor, Tensor]:
    first, second = sample.halves(SEED)
    return rows[first], rows[second]
