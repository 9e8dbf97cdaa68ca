"""How far rendered people are from photographs: distances of features, classifiers that tell the two apart and what
they look at, nearest neighbours, and whether a pose estimator sees the joints.

Everything is measured on as many pictures of either store, spread evenly over the people of one split. The features
are those of MobileNetV2 behind its 1x1 head, averaged over the picture (1,280 numbers, what its classifier sees), of
pictures resized to 256 rows. They are not the features of the papers' FID, so the distance has a name of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from repose.bench.statistics import NAMES, effect, statistics
from repose.data.store import Store
from repose.draw.sheet import sheet
from repose.estimate.base import KeypointEstimator
from repose.metrics.functional import frechet, head_box, kernel_distance
from repose.nn.mobilenet import MobileNetV2, mobilenet_v2
from repose.person import JOINTS
from repose.represent.canvas import to_uint8

LAYER: Final = "head, averaged over the picture"
ROWS: Final = 256
"""Height of the pictures that the network sees; the width follows, rounded to a multiple of 32."""

_BATCH: Final = 32

ASKED_SHARE: Final = 0.9
"""Of the visible joints that the estimator must find on `people-fashion`."""

VIEWS: Final = ("whole", "person", "background", "grey", "coarse")
"""What a classifier may look at: all; only inside, only outside of a fixed ellipse; without colour; a quarter of the
resolution. The ellipse is the same for every picture: a mask of the person would tell by its outline alone."""

SAID: Final = {
    "whole": "whole picture",
    "person": "only inside the ellipse",
    "background": "only outside of it",
    "grey": "without colour",
    "coarse": "a quarter of the resolution",
}


@dataclass(frozen=True)
class Sample:
    """Pictures of a store.

    Attributes:
        store: whence. indices: int64 (N,). people: int64 (N,), a number for everybody.
    """

    store: Store
    indices: Tensor
    people: Tensor

    def __len__(self) -> int:
        return len(self.indices)

    def images(self, rows: Tensor) -> Tensor:
        """float32 (B, 3, H, W) in [-1, 1] of these rows of the sample."""
        image = self.store.person(self.indices[rows], ("image",)).image
        assert image is not None
        return image

    def keypoints(self, rows: Tensor) -> Tensor:
        """float32 (B, 18, 3) of these rows of the sample."""
        keypoints = self.store.person(self.indices[rows], ("keypoints",)).keypoints
        assert keypoints is not None
        return keypoints

    def take(self, rows: Tensor, count: int) -> Sample:
        """`count` of these rows, spread evenly, as a sample of their own."""
        chosen = rows[torch.from_numpy(_spread(len(rows), count))]
        return Sample(self.store, self.indices[chosen], self.people[chosen])

    def halves(self, seed: int = 0) -> tuple[Tensor, Tensor]:
        """Rows of two halves with people of their own, int64; of about the same size."""
        every = torch.unique(self.people)
        order = every[torch.from_numpy(np.random.default_rng(seed).permutation(len(every)))]
        first = torch.isin(self.people, order[: len(order) // 2])
        return first.nonzero()[:, 0], (~first).nonzero()[:, 0]


def sample(store: Store, split: str, count: int) -> Sample:
    """Up to `count` pictures of a split, spread evenly over it as ordered by person.

    Raises:
        KeyError: no such split. ValueError: fewer than four pictures or than two people.
    """
    indices, sizes = store.groups(split)
    people = torch.repeat_interleave(torch.arange(len(sizes)), sizes)
    chosen = torch.from_numpy(_spread(len(indices), count))
    made = Sample(store, indices[chosen], people[chosen])
    if len(made) < 4 or len(torch.unique(made.people)) < 2:
        raise ValueError(f"{store.folder}: split {split!r} has too few pictures or people to compare")
    return made


def _spread(length: int, count: int) -> npt.NDArray[np.int64]:
    """`count` of `length` places (all of them where there are fewer), evenly."""
    return np.unique(np.linspace(0, length - 1, min(count, length)).round().astype(np.int64))


# -- features -------------------------------------------------------------------------------------------------------


def view(images: Tensor, kind: str) -> Tensor:
    """(B, 3, H, W) in [-1, 1] as one of `VIEWS` shows it; what is hidden is 0, middle grey."""
    height, width = images.shape[-2:]
    if kind == "grey":
        return (images * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True).expand_as(images)
    if kind == "coarse":
        small = F.interpolate(images, (height // 4, width // 4), mode="bilinear", antialias=True, align_corners=False)
        return F.interpolate(small, (height, width), mode="bilinear", align_corners=False)
    if kind in ("person", "background"):
        y, x = torch.linspace(-1, 1, height)[:, None], torch.linspace(-1, 1, width)
        inside = (y / 0.94) ** 2 + (x / 0.62) ** 2 <= 1
        return images * (inside if kind == "person" else ~inside)
    if kind != "whole":
        raise ValueError(f"view: one of {VIEWS}, not {kind!r}")
    return images


def features(
    network: MobileNetV2, some: Sample, kind: str = "whole", tick: Callable[[int], None] | None = None
) -> Tensor:
    """The pooled final features of a sample, float64 (N, 1280). `tick` is told how many pictures were done."""
    size = seen_size(some.store)
    found = []
    with torch.inference_mode():
        for rows in torch.split(torch.arange(len(some)), _BATCH):
            seen = view(some.images(rows), kind)
            if size != some.store.size:
                seen = F.interpolate(seen, size, mode="bicubic", align_corners=False, antialias=True).clamp(-1, 1)
            found.append(pooled(network, seen.contiguous(memory_format=torch.channels_last)).double())
            if tick is not None:
                tick(len(rows))
    return torch.cat(found)


def seen_size(store: Store) -> tuple[int, int]:
    """The size at which the network sees the pictures of a store."""
    height, width = store.size
    return ROWS, max(32, 32 * round(width * ROWS / height / 32))


def pooled(network: MobileNetV2, images: Tensor) -> Tensor:
    """(B, 3, H, W) in [-1, 1] -> (B, 1280), what the classifier of the network sees. It must be built with taps=()."""
    if network.taps:
        raise ValueError("pooled: build the network with taps=()")
    x = network.stem(images)
    for block in network.blocks:
        x = block(x)
    made: Tensor = network.head(x).mean((2, 3))
    return made


def feature_network() -> MobileNetV2:
    """MobileNetV2 with its head, from the hub. FileNotFoundError says how to get its file."""
    return mobilenet_v2(()).to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


# -- telling them apart ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Told:
    """How well a classifier tells held-out pictures of held-out people.

    Attributes:
        accuracy: mean of the two kinds' shares of right answers; 0.5 is chance.
        area: under the ROC curve; 0.5 is chance.
        weights: (D,) of the standardised columns, positive for the first kind; empty for the MLP.
    """

    accuracy: float
    area: float
    weights: Tensor


def tell(
    one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor], hidden: int = 0, decay: float = 1e-2, steps: int = 200
) -> Told:
    """Train a classifier of columns on one half of the people and try it on the other.

    Args:
        one, other: for each kind the rows for training and those held out, each (N, D).
        hidden: units of the one hidden layer; 0 is logistic regression.
        decay: weight of half the squared weights beside the mean loss. steps: of the MLP.
    """
    train = torch.cat([one[0], other[0]]).float()
    middle, spread = train.mean(0), train.std(0).clamp_min(1e-6)
    x = (train - middle) / spread
    y = torch.cat([torch.ones(len(one[0])), torch.zeros(len(other[0]))])
    balance = torch.where(y > 0, 0.5 / y.sum(), 0.5 / (1 - y).sum())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        first = nn.Linear(x.shape[1], hidden or 1)
        model = nn.Sequential(first, nn.ReLU(), nn.Linear(hidden, 1)) if hidden else nn.Sequential(first)
        if not hidden:
            nn.init.zeros_(first.weight)
        _fit(model, x, y, balance, decay, steps if hidden else 0)
    with torch.no_grad():
        scores = [model((rows.float() - middle) / spread)[:, 0] for rows in (one[1], other[1])]
    right = ((scores[0] > 0).double().mean() + (scores[1] <= 0).double().mean()) / 2
    return Told(float(right), area(*scores), torch.empty(0) if hidden else first.weight.detach()[0])


def _fit(model: nn.Module, x: Tensor, y: Tensor, balance: Tensor, decay: float, steps: int) -> None:
    """Full-batch: L-BFGS where `steps` is 0 (convex), Adam else."""

    def loss() -> Tensor:
        wrong = F.binary_cross_entropy_with_logits(model(x)[:, 0], y, weight=balance, reduction="sum")
        ridge: Tensor = sum((p.square().sum() for p in model.parameters() if p.ndim > 1), torch.zeros(()))
        return wrong + decay / 2 * ridge

    if not steps:
        optimiser = torch.optim.LBFGS(model.parameters(), max_iter=200, line_search_fn="strong_wolfe")

        def closure() -> float:
            optimiser.zero_grad()
            value = loss()
            value.backward()  # type: ignore[no-untyped-call]
            return float(value.detach())

        optimiser.step(closure)  # type: ignore[no-untyped-call]
        return
    adam = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(steps):
        adam.zero_grad()
        loss().backward()  # type: ignore[no-untyped-call]
        adam.step()


def area(positive: Tensor, negative: Tensor) -> float:
    """Area under the ROC curve of two lists of scores, ties counted half."""
    order = torch.cat([positive, negative]).double()
    _, inverse, counts = torch.unique(order, return_inverse=True, return_counts=True)
    rank = (counts.cumsum(0).double() - (counts - 1) / 2)[inverse]  # 1-based, the mean of ties
    many, few = len(positive), len(negative)
    return float((rank[:many].sum() - many * (many + 1) / 2) / (many * few))


def measured(some: Sample) -> Tensor:
    """The plain statistics of a sample, float64 (N, S)."""
    rows = torch.split(torch.arange(len(some)), 50)
    return torch.cat([statistics(some.images(part), some.keypoints(part)) for part in rows])


# -- all of it ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Side:
    """One rendered store against the photographs.

    Attributes:
        name: "rich" or "plain". data, checksum: of the store.
        frechet, kernel: FD-MobileNetV2 and the kernel distance (times 1,000).
        told: (view, "logistic" | "mlp") -> accuracy and area; ("statistics", "logistic") is the probe of the plain
            numbers.
        effects: statistic -> mean of the photographs, mean here, Cohen's d (positive: more here), weight in the probe.
    """

    name: str
    data: str
    checksum: str
    frechet: float
    kernel: float
    told: dict[tuple[str, str], tuple[float, float]]
    effects: dict[str, tuple[float, float, float, float]]

    def line(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "data": self.data, "checksum": self.checksum, "frechet": self.frechet, "kernel": self.kernel,
            "told": {" ".join(key): list(value) for key, value in self.told.items()},
            "statistics": {name: list(value) for name, value in self.effects.items()},
        }  # fmt: skip


@dataclass(frozen=True)
class Realism:
    """What `compare` found.

    Attributes:
        pictures: of every store, and of the floor; people: among the photographs that all are compared with.
        real, checksum: the store of the photographs.
        size: (height, width) at which the network saw the pictures.
        floor_frechet, floor_kernel: other photographs of other people against the same photographs. Few pictures make
            a Frechet distance larger than it is; the kernel distance knows no such bias.
        sides: rich first, then plain where there is one.
    """

    pictures: int
    people: int
    real: str
    checksum: str
    size: tuple[int, int]
    floor_frechet: float
    floor_kernel: float
    sides: tuple[Side, ...]

    @property
    def ratio(self) -> float | None:
        """Frechet distance of the rich pictures by that of the plain ones; None without plain ones."""
        return self.sides[0].frechet / self.sides[1].frechet if len(self.sides) > 1 else None

    @property
    def ratio_kernel(self) -> float | None:
        """The same of the kernel distances."""
        return self.sides[0].kernel / self.sides[1].kernel if len(self.sides) > 1 else None

    def line(self) -> dict[str, Any]:
        """The result line, without its stamp."""
        return {
            "bench": "realism", "name": "FD-MobileNetV2", "layer": LAYER, "size": list(self.size),
            "real": self.real, "real_checksum": self.checksum, "pictures": self.pictures, "people": self.people,
            "floor": {"frechet": self.floor_frechet, "kernel": self.floor_kernel},
            "ratio": self.ratio, "ratio_kernel": self.ratio_kernel, **{side.name: side.line() for side in self.sides},
        }  # fmt: skip


def compare(
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
    few = {name: some.take(torch.arange(count), judged) for name, some in samples.items() if name != "other"}
    parts = [kind for kind in views if kind != "whole"]
    steps = _Steps(progress, len(samples) * count + len(parts) * sum(len(some) for some in few.values()))

    found = {name: features(network, some, "whole", steps(name)) for name, some in samples.items()}
    seen = {("whole", name): _halved(found[name], samples[name]) for name in few}
    for kind in parts:
        for name, some in few.items():
            seen[kind, name] = _halved(features(network, some, kind, steps(f"{name}: {SAID[kind]}")), some)
    numbers = {name: measured(samples[name]) for name in few}
    for name, rows in numbers.items():
        seen["statistics", name] = _halved(rows, samples[name])

    sides = []
    for name, store in rendered.items():
        told, weights = _judgements(seen, name, (*views, "statistics"))
        effects = _effects(numbers[name], numbers["real"], weights)
        apart = frechet(found[name], found["real"]), 1000 * kernel_distance(found[name], found["real"])
        sides.append(Side(name, store.dataset, store.checksum, *apart, told, effects))
    floor = frechet(found["other"], found["real"]), 1000 * kernel_distance(found["other"], found["real"])
    people = len(torch.unique(samples["real"].people))
    return Realism(count, people, real.dataset, real.checksum, seen_size(real), *floor, tuple(sides))


def _samples(real: Store, rendered: dict[str, Store], split: str, count: int) -> dict[str, Sample]:
    """ "real", "other" (photographs of other people) and the rendered ones, all with the same number of pictures."""
    photographs = sample(real, split, 2 * count)
    first, second = photographs.halves()
    pools = {name: sample(store, split, count) for name, store in rendered.items()}
    count = min(count, len(first), len(second), *(len(pool) for pool in pools.values()))
    made = {"real": photographs.take(first, count), "other": photographs.take(second, count)}
    return made | {name: pool.take(torch.arange(len(pool)), count) for name, pool in pools.items()}


def _judgements(
    seen: dict[tuple[str, str], tuple[Tensor, Tensor]], name: str, views: Sequence[str]
) -> tuple[dict[tuple[str, str], tuple[float, float]], Tensor]:
    """What classifiers tell by each view, and the weights of the last one's logistic regression."""
    told, weights = {}, torch.empty(0)
    for kind in views:
        for how, hidden in (("logistic", 0), ("mlp", 64)):
            one = tell(seen[kind, name], seen[kind, "real"], hidden)
            told[kind, how] = (one.accuracy, one.area)
            weights = weights if hidden else one.weights
    return told, weights


def _effects(here: Tensor, real: Tensor, weights: Tensor) -> dict[str, tuple[float, float, float, float]]:
    columns = (real.mean(0), here.mean(0), effect(here, real), weights.double())
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


def _halved(rows: Tensor, some: Sample) -> tuple[Tensor, Tensor]:
    first, second = some.halves()
    return rows[first], rows[second]


# -- neighbours -----------------------------------------------------------------------------------------------------


def neighbours(real: Sample, rendered: Sample, network: MobileNetV2, nearest: int = 5) -> tuple[Tensor, Tensor]:
    """For every real picture the nearest rendered ones by the cosine of their features, each less the real mean.

    Returns:
        Rows of `rendered`, int64 (N, nearest), nearest first, and their cosines, float64 (N, nearest).
    """
    one, other = features(network, real), features(network, rendered)
    middle = one.mean(0)
    cosines = F.normalize(one - middle, dim=1) @ F.normalize(other - middle, dim=1).T
    top = cosines.topk(min(nearest, len(rendered)), dim=1)
    return top.indices, top.values


def neighbour_sheet(real: Sample, rendered: Sample, nearest: int = 6) -> npt.NDArray[np.uint8]:
    """A sheet (H, W, 3): each photograph, then the rendered pictures nearest to it. It shows real people."""
    rows, cosines = neighbours(real, rendered, feature_network(), nearest)
    first = to_uint8(real.images(torch.arange(len(real))))
    grid = [[photo, *to_uint8(rendered.images(row))] for photo, row in zip(first, rows, strict=True)]
    labels = [f"{value:.2f}" for value in cosines[:, 0].tolist()]
    return np.asarray(sheet(grid, ["photograph", "nearest"], scale=2, labels=labels))


# -- the estimator --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """How many of the visible joints an estimator finds within half the head box.

    Attributes:
        data, checksum: of the store. estimator: its name. pictures: looked at.
        joints: joint -> (found, visible), of the pictures with a usable head box.
        headless: pictures whose head box has no area, which count nothing.
    """

    data: str
    checksum: str
    estimator: str
    pictures: int
    joints: dict[str, tuple[int, int]]
    headless: int

    @property
    def share(self) -> float:
        """Of all visible joints, 0 to 1."""
        seen = sum(visible for _, visible in self.joints.values())
        return sum(found for found, _ in self.joints.values()) / seen if seen else float("nan")

    def line(self) -> dict[str, Any]:
        """The result line, without its stamp."""
        return {
            "bench": "joints", "data": self.data, "checksum": self.checksum, "estimator": self.estimator,
            "pictures": self.pictures, "headless": self.headless, "share": self.share,
            "joints": {name: list(counts) for name, counts in self.joints.items()},
        }  # fmt: skip


def found_joints(
    some: Sample, estimator: KeypointEstimator, alpha: float = 0.5, tick: Callable[[int], None] | None = None
) -> Found:
    """Let an estimator look at pictures of one person each and count the visible joints (visible = 1) it finds.

    Found is as PCKh counts it: within `alpha` times the width and height of the box around the located joints of the
    head, on each axis. Joints hidden or outside the frame do not count, a joint that the estimator misses is wrong.
    """
    right = torch.zeros(len(JOINTS), dtype=torch.int64)
    visible = torch.zeros_like(right)
    headless = 0
    for rows in torch.split(torch.arange(len(some)), _BATCH):
        pixels = ((some.images(rows) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).contiguous().numpy()
        target, predicted = some.keypoints(rows), estimator.crops(list(pixels))
        width, height, usable = head_box(target)
        offset = (predicted[..., :2].double() - target[..., :2].double()).abs()
        near = (offset[..., 0] <= alpha * width[:, None]) & (offset[..., 1] <= alpha * height[:, None])
        counts = (target[..., 2] == 1) & usable[:, None]
        right += (counts & near & (predicted[..., 2] > 0)).sum(0)
        visible += counts.sum(0)
        headless += int((~usable).sum())
        if tick is not None:
            tick(len(rows))
    joints = {name: (int(a), int(b)) for name, a, b in zip(JOINTS, right, visible, strict=True)}
    return Found(some.store.dataset, some.store.checksum, estimator.name, len(some), joints, headless)


# -- printing -------------------------------------------------------------------------------------------------------


def report(found: Realism, screen: Console, most: int = 40) -> None:
    """Print the distances, what classifiers tell, and the statistics with the largest effects first."""
    height, width = found.size
    title = (
        f"FD-MobileNetV2 ({LAYER}; pictures at {height}x{width}): {found.pictures:,} pictures of each, against "
        f"{found.real} {found.checksum}"
    )
    table = Table("pictures", "FD-MobileNetV2", "kernel distance x 1000", title=title)
    table.add_row("other photographs (floor)", f"{found.floor_frechet:.1f}", f"{found.floor_kernel:.1f}")
    for side in found.sides:
        table.add_row(f"{side.name}: {side.data} {side.checksum}", f"{side.frechet:.1f}", f"{side.kernel:.1f}")
    if found.ratio is not None and found.ratio_kernel is not None:
        table.add_row("rich / plain", f"{found.ratio:.3f}", f"{found.ratio_kernel:.3f}")
    screen.print(table)

    heads = [f"{side.name}, {how}" for side in found.sides for how in ("logistic", "MLP")]
    table = Table("sees", *heads, title="real or rendered? accuracy on people held out (area under ROC)")
    for kind in dict.fromkeys(kind for kind, _ in found.sides[0].told):
        told = [side.told[kind, how] for side in found.sides for how in ("logistic", "mlp")]
        said = SAID.get(kind, "the plain statistics alone")
        table.add_row(said, *(f"{accuracy:.3f} ({under:.3f})" for accuracy, under in told))
    screen.print(table)

    heads = [f"{side.name} {what}" for side in found.sides for what in ("mean", "d", "weight")]
    table = Table("statistic", "real mean", *heads, title="Cohen's d, rendered less real; weight in the linear probe")
    first = found.sides[0].effects
    for name in sorted(first, key=lambda name: -abs(first[name][2]))[:most]:
        cells: list[str] = []
        for side in found.sides:
            _, mean, d, weight = side.effects[name]
            cells += [f"{mean:.3g}", f"{d:+.2f}", f"{weight:+.2f}"]
        table.add_row(name, f"{first[name][0]:.3g}", *cells)
    screen.print(table)


def report_joints(found: Found, screen: Console) -> None:
    """Print the share of every joint."""
    title = (
        f"{found.data} {found.checksum}: visible joints that {found.estimator} finds within half the head box; "
        f"{found.pictures:,} pictures, {found.headless:,} without a head box"
    )
    table = Table("joint", "found", "visible", "share", title=title)
    for name, (right, visible) in found.joints.items():
        table.add_row(name, f"{right:,}", f"{visible:,}", f"{right / visible:.3f}" if visible else "")
    table.add_row("all", "", "", f"{found.share:.3f} (asked: {ASKED_SHARE})")
    screen.print(table)
