"""Forward time of a generator under every backend, side by side in one run, against the machine's peak.

The backends take turns, so that a busy moment of the machine hits all of them alike; the best and the median of the
turns are reported. The peak is measured in the same run: the fastest of a large matrix product, a 1x1 and a 3x3
convolution. A share above 1 means that a backend does fewer multiplications than the direct sum (Winograd).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from repose.backends import BACKENDS, BackendError, image_function, known
from repose.models import build_generator
from repose.models import recipe as find_recipe
from repose.models.base import Generator
from repose.person import Person
from repose.represent.canvas import from_uint8, to_uint8

CONTRAST: Final = 0.05
"""A picture with a smaller standard deviation is grey: every backend would agree on it."""

_UNCOUNTED: Final = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: (
        lambda q, k, v, *_, **__: sdpa_flop_count(q, k, v)  # type: ignore[no-untyped-call]
    )
}
"""PyTorch's counter knows the attention of GPUs alone; the shapes of query, key and value are enough."""


@dataclass(frozen=True)
class Timing:
    """One backend on one network.

    Attributes:
        backend: key of `repose.backends.BACKENDS`.
        best, median: seconds a forward pass.
        share: of the machine's peak that the direct arithmetic in `best` seconds means.
        difference: largest absolute difference of a pixel to the plain module, of a range of 2.
        note: why it did not run, where it did not.
    """

    backend: str
    best: float = float("nan")
    median: float = float("nan")
    share: float = float("nan")
    difference: float = float("nan")
    note: str = ""


@dataclass(frozen=True)
class Forward:
    """The result of `measure`: the network, its arithmetic, the machine's peak, and a row a backend.

    `around` is what a picture costs beside the network, in seconds a batch: bytes to floats, the pose's maps, and the
    result back to bytes. The joints are given.
    """

    recipe: str
    height: int
    width: int
    batch: int
    parameters: int
    gmac: float
    peak_gflops: float
    threads: int
    around: float
    rows: tuple[Timing, ...]


def example(height: int, width: int, batch: int = 1, seed: int = 0) -> tuple[Person, Person]:
    """Two random people on a canvas, noise in every field that a model may ask for; every joint is there."""
    generator = torch.Generator().manual_seed(seed)
    scale = torch.tensor([width - 1.0, height - 1.0, 1.0])

    def person() -> Person:
        image = torch.rand(batch, 3, height, width, generator=generator) * 2 - 1
        keypoints = torch.rand(batch, 18, 3, generator=generator)
        keypoints[..., 2] = 1
        part = torch.randint(25, (batch, 1, height, width), generator=generator)
        return Person(
            image=image,
            keypoints=keypoints * scale,
            parsing=torch.randint(20, (batch, height, width), generator=generator),
            iuv=torch.cat([part, torch.rand(batch, 2, height, width, generator=generator)], 1),
            mask=(part > 0).float(),
        )

    return person(), person()


def gmacs(generator: Generator, inputs: Sequence[Tensor]) -> float:
    """Multiply-adds of `synthesise` by the direct sums, in units of 10^9, for the whole batch."""
    with torch.no_grad(), FlopCounterMode(display=False, custom_mapping=_UNCOUNTED) as counter:
        generator.synthesise(*inputs)
    return float(counter.get_total_flops()) / 2e9


@torch.no_grad()
def settle(generator: Generator, inputs: Sequence[Tensor]) -> None:
    """Give the batch norms the statistics of these inputs; afterwards the generator is in eval mode.

    With untouched statistics the signal of a fresh network dies out from layer to layer, and its picture is grey.
    """
    generator.eval()  # the norms alone learn: dropout stays off
    norms = [module for module in generator.modules() if isinstance(module, nn.BatchNorm2d)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.train()
        norm.momentum = 1.0
    generator.synthesise(*inputs)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
    generator.eval()


def peak_gflops(seconds: float = 1.0) -> float:
    """The most this machine does now with torch's threads, in GFLOP/s of float32; one multiply-add is two."""
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    pixels = torch.randn(1, 512, 64, 44).to(memory_format=torch.channels_last)
    point, square = torch.randn(512, 512, 1, 1), torch.randn(512, 512, 3, 3).to(memory_format=torch.channels_last)
    jobs: list[tuple[Callable[[], object], float]] = [
        (lambda: a @ b, 2 * 2048**3),
        (lambda: F.conv2d(pixels, point), 2 * 512 * 512 * 64 * 44),
        (lambda: F.conv2d(pixels, square, padding=1), 2 * 9 * 512 * 512 * 64 * 44),
    ]
    best = 0.0
    with torch.inference_mode():
        for job, flops in jobs:
            job()
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                start = time.perf_counter()
                job()
                best = max(best, flops / (time.perf_counter() - start) / 1e9)
    return best


def measure(
    name: str,
    height: int = 256,
    width: int = 176,
    batch: int = 1,
    rounds: int = 7,
    backends: Sequence[str] = tuple(BACKENDS),
    say: Callable[[str], None] = lambda _: None,
) -> Forward:
    """Time the generator of a recipe under the named backends; its weights are fresh, its batch norms settled.

    Args:
        name: a recipe.
        height, width, batch: of the pictures.
        rounds: turns of each backend after one that does not count.
        say: told what happens, a line at a time.

    Raises:
        KeyError: no such recipe or backend; names the nearest.
        ValueError: the fresh network's picture is grey (below `CONTRAST`), so that no difference would show.
    """
    for backend in backends:
        known(backend)
    torch.manual_seed(0)
    generator = build_generator(find_recipe(name))
    people = example(height, width, batch)
    inputs = generator.encode(*people)
    settle(generator, inputs)
    with torch.inference_mode():
        expected = generator.synthesise(*inputs).image
    if not float(expected.std()) > CONTRAST:
        raise ValueError(
            f"{name}: the picture of the fresh network is grey (standard deviation {float(expected.std()):.1e}); "
            "the difference between backends would say nothing"
        )
    arithmetic = gmacs(generator, inputs)
    runners, notes = {}, {}
    for backend in backends:
        say(f"{name}: preparing {backend}")
        try:
            runners[backend] = image_function(backend, generator, inputs)
            runners[backend](*inputs)
        except Exception as error:
            runners.pop(backend, None)
            notes[backend] = str(error).strip().splitlines()[0][:160] if str(error) else type(error).__name__
            if not isinstance(error, BackendError):
                notes[backend] = f"{type(error).__name__}: {notes[backend]}"
    peak = peak_gflops()
    times: dict[str, list[float]] = {backend: [] for backend in runners}
    for turn in range(rounds):
        say(f"{name}: round {turn + 1} of {rounds}")
        for backend, run in runners.items():
            start = time.perf_counter()
            run(*inputs)
            times[backend].append(time.perf_counter() - start)
    around = min(_around(generator, *people, expected) for _ in range(rounds))
    peak = max(peak, peak_gflops())
    rows = []
    for backend in backends:
        if backend not in runners:
            rows.append(Timing(backend, note=notes[backend]))
            continue
        best = min(times[backend])
        difference = float((runners[backend](*inputs) - expected).abs().max())
        share = 2 * arithmetic / best / peak
        rows.append(Timing(backend, best, statistics.median(times[backend]), share, difference))
    parameters = sum(value.numel() for value in generator.parameters())
    threads = torch.get_num_threads()
    return Forward(name, height, width, batch, parameters, arithmetic, peak, threads, around, tuple(rows))


@torch.inference_mode()
def _around(generator: Generator, source: Person, target: Person, made: Tensor) -> float:
    """Seconds of everything but the network, once."""
    assert source.image is not None
    pixels = to_uint8(source.image)
    start = time.perf_counter()
    generator.encode(replace(source, image=from_uint8(pixels)), target)
    to_uint8(made)
    return time.perf_counter() - start
