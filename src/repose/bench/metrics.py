"""`repose bench metrics`: what the measuring without networks costs a pair, beside scikit-image in the same run."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from repose.bench.peak import peak_of_processor_time
from repose.data.store import Store
from repose.markdown import grid_table
from repose.metrics.evaluate import evaluate
from repose.metrics.functional import GFLA, PATN, SKIMAGE, WANG, SSIMVariant, l1, ms_ssim, psnr, similarity, ssim
from repose.metrics.measure import pixel_columns
from repose.metrics.protocols import PROTOCOLS, MaskVariant, Protocol
from repose.metrics.settings import EvaluationSettings
from repose.person import Pair, Person
from repose.record import ResultLine, reading_line
from repose.represent import descriptors
from repose.represent.canvas import CANVASES, canvas, to_uint8
from repose.represent.keypoints import skeleton_mask


@dataclass(frozen=True)
class MetricTime:
    """One metric, in milliseconds of processor time a pair, best of the rounds.

    Attributes:
        name: of the metric.
        ours: by this package.
        theirs: by scikit-image; None if it has no such metric or is not installed.
        apart: the largest difference of the values of one pair; None without scikit-image.
    """

    name: str
    ours: float
    theirs: float | None = None
    apart: float | None = None


@dataclass(frozen=True)
class MetricTimes:
    """All times of a run.

    Attributes:
        timings: each metric alone.
        protocols: protocol -> ms of processor time a pair for all that it measures without a network, with the mask,
            as `evaluate` does it.
        clocked: protocol -> seconds by the clock of an `evaluate` of `whole` pairs of copied sources, read from the
            store and measured by all that needs no network, on all cores; empty where it was not asked for.
        reading: ms a pair for two pictures and their joints from the store.
        share: of the machine's float32 multiply-adds that SSIM's separable filter takes of its time.
        pairs, height, width, rounds, threads: how the timings were measured.
        whole, cores: how `clocked` was measured.
        seed: None, nothing of this is random.
    """

    timings: list[MetricTime]
    protocols: dict[str, float]
    clocked: dict[str, float]
    reading: float
    share: float
    pairs: int
    height: int
    width: int
    rounds: int
    threads: int
    whole: int
    cores: int
    seed: int | None = None

    def line(self) -> ResultLine:
        """The result line, without its data and stamp: "bench" is "metrics"; the attributes by their names."""
        return {"bench": "metrics", **asdict(self)}

    @classmethod
    def read(cls, line: ResultLine) -> MetricTimes:
        """Of a result line. ValueError if it lacks a key."""
        with reading_line(line):
            timings = [MetricTime(row["name"], row["ours"], row["theirs"], row["apart"]) for row in line["timings"]]
            return cls(
                timings, line["protocols"], line.get("clocked", {}), line["reading"], line["share"], line["pairs"],
                line["height"], line["width"], line["rounds"], line["threads"], line.get("whole", 0),
                line.get("cores", 0), line.get("seed"),
            )  # fmt: skip


def time_metrics(store: Store, split: str = "test", pairs: int = 24, rounds: int = 3, whole: int = 0) -> MetricTimes:
    """Time the metrics on the copied sources of some pairs of a store.

    Args:
        store, split: the data; images and keypoints are read.
        pairs: for the processor time of each metric, of all threads that torch has; the best of `rounds`.
        whole: so many pairs for the clock, with all cores; 0 leaves it out.

    Raises:
        ValueError: the split has no pairs, or the pictures are too small for MS-SSIM (161 pixels a side).
        KeyError: no such split.
    """
    listed = store.pairs(split)
    if not len(listed):
        raise ValueError(f"{store.folder}: split {split!r} has no pairs to measure on")
    count = min(pairs, len(listed))
    chosen = listed[torch.arange(count) * len(listed) // count]

    def clock(work: Callable[[], object]) -> float:
        best = float("inf")
        for _ in range(rounds):
            start = time.process_time()
            work()
            best = min(best, time.process_time() - start)
        return best / count * 1000

    reading = clock(lambda: _people(store, chosen))
    pictures = _Pictures.of(*_people(store, chosen))
    height, width = pictures.size
    timings = _time_each(pictures, clock)
    protocols = _protocols(height, width)
    times = {name: clock(functools.partial(_measure, protocol, pictures)) for name, protocol in protocols.items()}
    cores = os.cpu_count() or 1
    clocked = {
        name: round(_clocked(store, protocol, split, whole, cores), 2)
        for name, protocol in protocols.items() if whole and canvas(protocol.canvas).size == (height, width)
    }  # fmt: skip
    operations = 2 * 2 * PATN.size * 4 * 3 * height * width  # two passes, four maps, three colours
    share = operations / (timings[0].ours / 1000) / peak_of_processor_time()
    how = (count, height, width, rounds, torch.get_num_threads(), min(whole, len(listed)), cores)
    return MetricTimes(timings, times, clocked, reading, share, *how)


def print_metrics(times: MetricTimes, screen: Console) -> None:
    """Print a row for each metric."""
    about = f"SSIM's filter runs at {times.share:.0%} of the float32 peak measured beside it"
    if times.clocked:
        about += f"; {times.whole:,} pairs on {times.cores} cores by the clock, read and measured: "
        about += ", ".join(f"{name} {seconds:.0f} s" for name, seconds in times.clocked.items())
    title = f"ms of processor time a pair of {times.height}x{times.width}, {times.threads} thread(s)"
    table = Table(title=title, caption=about, title_justify="left", caption_justify="left")
    for heading in ("", "ours", "scikit-image", "apart"):
        table.add_column(heading, justify="left" if not heading else "right")
    for row in times.timings:
        table.add_row(row.name, f"{row.ours:.2f}", *_beside_cells(row))
    screen.print(table)


def metrics_table(lines: list[ResultLine]) -> str:
    """The times of the newest run.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line.
    """
    runs = [line for line in lines if line.get("bench") == "metrics"]
    if not runs:
        raise ValueError("results hold no line of `repose bench metrics`")
    line, times = runs[-1], MetricTimes.read(runs[-1])
    grid = [["ms a pair", "ours", "scikit-image", "largest difference"]]
    grid += [[row.name, f"{row.ours:.2f}", *_beside_cells(row)] for row in times.timings]
    whole = ""
    if times.clocked:
        seconds = ", ".join(f"`{name}` {value:.0f}" for name, value in times.clocked.items())
        whole = (
            f"Seconds by the clock for {times.whole:,} pairs on {times.cores} cores, pictures read from the store and "
            f"all measured that needs no network: {seconds}. "
        )
    return (
        f"{grid_table(grid)}\n{times.pairs} copied sources of {line['data']}, {times.height}x{times.width}, best of "
        f"{times.rounds} rounds, threads: {line['threads']}; SSIM's filter runs at {times.share:.0%} of the "
        f"machine's float32 peak. {whole}{line['hardware']}; torch {line['torch']}; "
        f"commit `{line['commit']}`.\n"
    )


# -- inside ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pictures:
    """Sources in place of generated pictures, and the targets with their joints.

    Attributes:
        sources, targets: uint8 (N, 3, H, W). keypoints: of the targets, (N, 18, 3).
    """

    sources: Tensor
    targets: Tensor
    keypoints: Tensor

    @classmethod
    def of(cls, source: Person, target: Person) -> _Pictures:
        assert source.image is not None
        assert target.image is not None
        assert target.keypoints is not None
        x, y = (torch.from_numpy(to_uint8(image)).movedim(-1, 1).contiguous() for image in (source.image, target.image))
        return cls(x, y, target.keypoints)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return int(self.targets.shape[-2]), int(self.targets.shape[-1])

    def mask(self) -> Tensor:
        """Around the skeletons, uint8 (N, 1, H, W)."""
        shape = _mask_variant(self.size[0])
        mask = skeleton_mask(self.keypoints, *self.size, shape.radius, shape.half_width, shape.close)
        return mask.to(torch.uint8)


def _people(store: Store, pairs: Tensor) -> tuple[Person, Person]:
    """The sources and the targets of pairs (N, 2), read from the store."""
    source, target = (store.person(pairs[:, side], ("image", "keypoints")) for side in (0, 1))
    return source, target


def _time_each(pictures: _Pictures, clock: Callable[[Callable[[], object]], float]) -> list[MetricTime]:
    """Every metric alone."""
    x, y, (height, width) = pictures.sources, pictures.targets, pictures.size
    mask = pictures.mask()
    side = descriptors.window(height, width)
    centres, there = descriptors.descriptors(pictures.keypoints, height, width, 44)
    corners = descriptors.corners(centres, height, width, side)
    windows = (("SSIM (Gaussian 1.5)", PATN), ("SSIM (7x7)", SKIMAGE), ("SSIM (51x51)", GFLA))
    return [
        *(_time_ssim(name, variant, x, y, clock) for name, variant in windows),
        _time_ssim("mask-SSIM", PATN, x * mask, y * mask, clock),
        MetricTime("drawing the mask", clock(pictures.mask)),
        MetricTime("MS-SSIM", clock(lambda: ms_ssim(x, y))),
        MetricTime("local-SSIM, 44 windows", clock(lambda: similarity(x, y, WANG, corners, there, side))),
        _time_psnr(x, y, clock),
        MetricTime("L1", clock(lambda: l1(x, y))),
    ]


def _protocols(height: int, width: int) -> dict[str, Protocol]:
    """The protocols of this size that make no files, by name@version, and one with every metric."""
    fitting = {
        str(protocol): protocol
        for protocol in PROTOCOLS.values()
        if canvas(protocol.canvas).size == (height, width) and protocol.file == "png"
    }
    place = next((one.name for one in CANVASES.values() if one.size == (height, width)), "fashion")
    shape = _mask_variant(height)
    every = Protocol("every metric", 1, place, ssim=WANG, mask=shape, ms_ssim=WANG, local_ssim=WANG)
    return {**fitting, every.name: replace(every, windows=(("ssim_51", GFLA),))}


def _mask_variant(height: int) -> MaskVariant:
    thick = height / 32
    return MaskVariant(thick, thick, 2 * (height // 64) + 1)


def _measure(protocol: Protocol, pictures: _Pictures) -> None:
    """All that a protocol measures without a network."""
    mask = None if protocol.mask is None else pictures.mask()
    pixel_columns(protocol, pictures.sources, pictures.targets, mask, pictures.keypoints)


def _clocked(store: Store, protocol: Protocol, split: str, count: int, cores: int) -> float:
    """Seconds that `evaluate` takes for one kind of picture, the copied source, without the rows beside it."""

    def copy(pair: Pair) -> Tensor:
        assert pair.source.image is not None
        return pair.source.image

    protocol = replace(protocol, directions="given")
    before = torch.get_num_threads()
    torch.set_num_threads(cores)
    try:
        settings = EvaluationSettings(split=split, limit=count, features=False)
        beside = evaluate(protocol, store, settings=settings)
        start = time.perf_counter()
        evaluate(protocol, store, copy, settings, beside=beside)
        return time.perf_counter() - start
    finally:
        torch.set_num_threads(before)


def _beside_cells(row: MetricTime) -> list[str]:
    """scikit-image's time, and the difference to it."""
    return [
        "" if row.theirs is None else f"{row.theirs:.2f}",
        "" if row.apart is None else f"{row.apart:.0e}",
    ]


def _time_ssim(
    name: str, variant: SSIMVariant, x: Tensor, y: Tensor, clock: Callable[[Callable[[], object]], float]
) -> MetricTime:
    ours = clock(lambda: ssim(x, y, variant))
    try:
        from skimage.metrics import structural_similarity
    except ModuleNotFoundError:
        return MetricTime(name, ours)
    options: dict[str, Any] = {"win_size": variant.size}
    if variant.window == "gaussian":
        options = {"gaussian_weights": True, "sigma": variant.sigma}
    pictures = [(one.numpy(), other.numpy()) for one, other in zip(x.movedim(1, -1), y.movedim(1, -1), strict=True)]

    def theirs() -> Sequence[float]:
        values = []
        for one, other in pictures:
            span = float(one.max()) - float(one.min()) if variant.data_range == "generated" else variant.data_range
            values.append(
                structural_similarity(  # type: ignore[no-untyped-call]
                    other,
                    one,
                    channel_axis=-1,
                    data_range=span,
                    use_sample_covariance=variant.sample_covariance,
                    **options,
                )
            )
        return values

    apart = float(np.abs(ssim(x, y, variant).numpy() - np.array(theirs())).max())
    return MetricTime(name, ours, clock(theirs), apart)


def _time_psnr(x: Tensor, y: Tensor, clock: Callable[[Callable[[], object]], float]) -> MetricTime:
    ours = clock(lambda: psnr(x, y))
    try:
        from skimage.metrics import peak_signal_noise_ratio
    except ModuleNotFoundError:
        return MetricTime("PSNR", ours)
    pictures = [(one.numpy(), other.numpy()) for one, other in zip(x, y, strict=True)]

    def theirs() -> Sequence[float]:
        return [peak_signal_noise_ratio(other, one) for one, other in pictures]  # type: ignore[no-untyped-call]

    apart = float(np.abs(psnr(x, y).numpy() - np.array(theirs())).max())
    return MetricTime("PSNR", ours, clock(theirs), apart)
