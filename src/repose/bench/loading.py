"""How fast training pairs come out of a store, heatmaps of both poses included."""

from __future__ import annotations

import time

import torch

from repose.data.loader import Loader, PairSampler
from repose.data.store import Store
from repose.person import Pair
from repose.represent.keypoints import heatmaps


def measure(store: Store, seconds: float = 3.0, batch: int = 32, split: str = "train") -> dict[str, float]:
    """Pairs a second of mirrored training pairs, each variant for `seconds` after a warm-up.

    Returns:
        "pairs": images and joints only; "pairs_thread": likewise, from the prefetching thread; "heatmaps" and
        "heatmaps_thread": with the Gaussian heatmaps of both poses, encoded by the caller as a network would; and
        "threads", the number of threads that torch computes with.
    """
    rates: dict[str, float] = {"threads": float(torch.get_num_threads())}
    for name, encode in (("pairs", False), ("heatmaps", True)):
        for suffix, ahead in (("", 0), ("_thread", 2)):
            with Loader(store, PairSampler(store, split, batch, seed=0), flip="mirror", ahead=ahead) as loader:
                for _ in range(4):
                    _use(next(loader)[1], encode)
                steps, start = 0, time.perf_counter()
                while time.perf_counter() - start < seconds:
                    _use(next(loader)[1], encode)
                    steps += 1
                rates[name + suffix] = steps * batch / (time.perf_counter() - start)
    return rates


def _use(pair: Pair, encode: bool) -> None:
    if not encode:
        return
    for person in (pair.source, pair.target):
        if person.keypoints is None or person.size is None:
            raise ValueError("measure: the store has no keypoints")
        heatmaps(person.keypoints, *person.size, kind="gaussian", sigma=6)
