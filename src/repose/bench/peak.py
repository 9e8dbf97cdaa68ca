"""The most float32 arithmetic that this machine does now; measured beside a benchmark, in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
import torch.nn.functional as F


def peak_gflops(seconds: float = 1.0) -> float:
    """GFLOP/s by the clock, with torch's threads; one multiply-add is two operations.

    The fastest of a large matrix product, a 1x1 and a 3x3 convolution.

    Args:
        seconds: that each of the three runs.
    """
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


def peak_of_processor_time() -> float:
    """Operations a second of processor time, of all threads together, that a product of matrices reaches here."""
    matrix = torch.rand(768, 768)
    best = float("inf")
    for _ in range(5):
        start = time.process_time()
        matrix @ matrix
        best = min(best, time.process_time() - start)
    return 2 * 768**3 / best
