"""`repose bench metrics`: what the measuring without networks costs a pair, beside scikit-image in the same run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from rich.table import Table
from torch import Tensor

from repose.data.store import Store
from repose.metrics.evaluate import evaluate
from repose.metrics.functional import GFLA, PATN, SKIMAGE, WANG, SSIMVariant, l1, ms_ssim, psnr, similarity, ssim
from repose.metrics.measure import pixel_columns
from repose.metrics.protocols import PROTOCOLS, MaskVariant, Protocol
from repose.metrics.settings import EvaluationSettings
from repose.person import Pair
from repose.represent import descriptors
from repose.represent.canvas import CANVASES, canvas, to_uint8
from repose.represent.keypoints import skeleton_mask


@dataclass(frozen=True)
class Timing:
    """One thing measured, in milliseconds of processor time a pair, best of the rounds.

    Attributes:
        name: of the metric.
        ours: by this package.
        theirs: by scikit-image; None where it has no such metric or is not installed.
        apart: the largest difference of the values of one pair; None without scikit-image.
    """

    name: str
    ours: float
    theirs: float | None = None
    apart: float | None = None


@dataclass(frozen=True)
class Measured:
    """All timings of a run.

    Attributes:
        timings: each metric alone.
        protocols: protocol -> ms of processor time a pair for all that it measures without a network, with the mask,
            as `evaluate` does it.
        reading: ms a pair for two pictures and their joints from the store.
        clocked: protocol -> seconds by the clock of an `evaluate` of `whole` pairs of copied sources, read from the
            store and measured by all that needs no network, on all cores; empty where it was not asked for.
        share: of the machine's float32 multiply-adds that SSIM's separable filter takes of its time.
        pairs, height, width, rounds, threads: how the timings were measured. whole, cores: how `clocked` was.
    """

    timings: list[Timing]
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

    def line(self) -> dict[str, Any]:
        """What a result line says."""
        return {"bench": "metrics", **asdict(self)}


def measure(store: Store, split: str = "test", pairs: int = 24, rounds: int = 3, whole: int = 0) -> Measured:
    """Time the metrics on the copied sources of some pairs of a store.

    Args:
        pairs: for the processor time of each metric, of all threads that torch has; the best of `rounds`.
        whole: for the clock, with all cores; 0 leaves it out.

    Raises:
        ValueError: the split has no pairs, or the pictures are too small for MS-SSIM (161 pixels a side).
    """
    listed = store.pairs(split)
    if not len(listed):
        raise ValueError(f"{store.folder}: split {split!r} has no pairs to measure on")
    chosen = listed[torch.arange(min(pairs, len(listed))) * len(listed) // min(pairs, len(listed))]
    count = len(chosen)

    def clock(work: Callable[[], object]) -> float:
        best = float("inf")
        for _ in range(rounds):
            began = time.process_time()
            work()
            best = min(best, time.process_time() - began)
        return best / count * 1000

    fields = ("image", "keypoints")
    reading = clock(lambda: [store.person(chosen[:, side], fields) for side in (0, 1)])
    source, target = (store.person(chosen[:, side], fields) for side in (0, 1))
    assert source.image is not None
    assert target.image is not None
    assert target.keypoints is not None
    x, y = (torch.from_numpy(to_uint8(image)).movedim(-1, 1).contiguous() for image in (source.image, target.image))
    keypoints, (height, width) = target.keypoints, x.shape[-2:]
    thick = height / 32
    shape = MaskVariant(thick, thick, 2 * (height // 64) + 1)

    def mask() -> Tensor:
        return skeleton_mask(keypoints, height, width, thick, thick, shape.close).to(torch.uint8)

    drawn = mask()
    side = descriptors.window(height, width)
    centres, there = descriptors.descriptors(keypoints, height, width, 44)
    corners = descriptors.corners(centres, height, width, side)
    timings = [
        _beside(name, variant, x, y, clock)
        for name, variant in (("SSIM (Gaussian 1.5)", PATN), ("SSIM (7x7)", SKIMAGE), ("SSIM (51x51)", GFLA))
    ]
    timings.append(_beside("mask-SSIM", PATN, x * drawn, y * drawn, clock))
    timings += [
        Timing("drawing the mask", clock(mask)),
        Timing("MS-SSIM", clock(lambda: ms_ssim(x, y))),
        Timing("local-SSIM, 44 windows", clock(lambda: similarity(x, y, WANG, corners, there, side))),
        _psnr(x, y, clock),
        Timing("L1", clock(lambda: l1(x, y))),
    ]
    place = next((one.name for one in CANVASES.values() if one.size == (height, width)), None)
    every = Protocol("every metric", 1, place or "fashion", ssim=WANG, mask=shape, ms_ssim=WANG, local_ssim=WANG)
    every = replace(every, windows=(("ssim_51", GFLA),))
    fitting = [made for made in PROTOCOLS.values() if canvas(made.canvas).size == (height, width)]
    fitting = [made for made in fitting if made.file == "png"]  # the work below makes no files
    protocols, clocked = {}, {}
    for made in (*fitting, every):

        def work(made: Protocol = made) -> None:
            drawn = None if made.mask is None else mask()
            pixel_columns(made, x, y, drawn, keypoints)

        protocols[made.name if made is every else str(made)] = clock(work)
    cores = os.cpu_count() or 1
    for made in (*fitting, *([every] if place else [])) if whole else ():
        clocked[made.name if made is every else str(made)] = round(_clocked(store, made, split, whole, cores), 2)
    operations = 2 * 2 * PATN.size * 4 * 3 * height * width  # two passes, four maps, three colours
    share = operations / (timings[0].ours / 1000) / _peak()
    how = (count, height, width, rounds, torch.get_num_threads(), min(whole, len(listed)), cores)
    return Measured(timings, protocols, clocked, reading, share, *how)


def _clocked(store: Store, made: Protocol, split: str, count: int, cores: int) -> float:
    """Seconds that `evaluate` takes for one kind of picture, the copied source, without the rows beside it."""

    def copy(pair: Pair) -> Tensor:
        assert pair.source.image is not None
        return pair.source.image

    made = replace(made, directions="given")
    before = torch.get_num_threads()
    torch.set_num_threads(cores)
    try:
        settings = EvaluationSettings(split=split, limit=count, features=False)
        beside = evaluate(made, store, settings=settings)
        began = time.perf_counter()
        evaluate(made, store, copy, settings, beside=beside)
        return time.perf_counter() - began
    finally:
        torch.set_num_threads(before)


def report(measured: Measured) -> Table:
    """The timings for the terminal."""
    about = f"SSIM's filter runs at {measured.share:.0%} of the float32 peak measured beside it"
    if measured.clocked:
        about += f"; {measured.whole:,} pairs on {measured.cores} cores by the clock, read and measured: "
        about += ", ".join(f"{name} {seconds:.0f} s" for name, seconds in measured.clocked.items())
    title = f"ms of processor time a pair of {measured.height}x{measured.width}, {measured.threads} thread(s)"
    table = Table(title=title, caption=about, title_justify="left", caption_justify="left")
    for heading in ("", "ours", "scikit-image", "apart"):
        table.add_column(heading, justify="left" if not heading else "right")
    for one in measured.timings:
        theirs = "" if one.theirs is None else f"{one.theirs:.2f}"
        table.add_row(one.name, f"{one.ours:.2f}", theirs, "" if one.apart is None else f"{one.apart:.0e}")
    return table


def _beside(
    name: str, variant: SSIMVariant, x: Tensor, y: Tensor, clock: Callable[[Callable[[], object]], float]
) -> Timing:
    ours = clock(lambda: ssim(x, y, variant))
    try:
        from skimage.metrics import structural_similarity
    except ModuleNotFoundError:
        return Timing(name, ours)
    options: dict[str, Any] = {"win_size": variant.size}
    if variant.window == "gaussian":
        options = {"gaussian_weights": True, "sigma": variant.sigma}
    pictures = [(one.numpy(), other.numpy()) for one, other in zip(x.movedim(1, -1), y.movedim(1, -1), strict=True)]

    def theirs() -> Sequence[float]:
        found = []
        for one, other in pictures:
            span = float(one.max()) - float(one.min()) if variant.data_range == "generated" else variant.data_range
            found.append(
                structural_similarity(  # type: ignore[no-untyped-call]
                    other,
                    one,
                    channel_axis=-1,
                    data_range=span,
                    use_sample_covariance=variant.sample_covariance,
                    **options,
                )
            )
        return found

    apart = float(np.abs(ssim(x, y, variant).numpy() - np.array(theirs())).max())
    return Timing(name, ours, clock(theirs), apart)


def _psnr(x: Tensor, y: Tensor, clock: Callable[[Callable[[], object]], float]) -> Timing:
    ours = clock(lambda: psnr(x, y))
    try:
        from skimage.metrics import peak_signal_noise_ratio
    except ModuleNotFoundError:
        return Timing("PSNR", ours)
    pictures = [(one.numpy(), other.numpy()) for one, other in zip(x, y, strict=True)]

    def theirs() -> Sequence[float]:
        return [peak_signal_noise_ratio(other, one) for one, other in pictures]  # type: ignore[no-untyped-call]

    apart = float(np.abs(psnr(x, y).numpy() - np.array(theirs())).max())
    return Timing("PSNR", ours, clock(theirs), apart)


def _peak() -> float:
    """Float32 operations a second of processor time that a product of matrices reaches here."""
    one = torch.rand(768, 768)
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        one @ one
        best = min(best, time.process_time() - began)
    return 2 * 768**3 / best
