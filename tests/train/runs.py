"""Runs in this process: on one thread, broken off as by a fault, looked into."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from repose.data import Store
from repose.recipes import Recipe
from repose.train.checkpoint import load_checkpoint
from repose.train.log import Log
from repose.train.loop import Summary, train


@contextmanager
def one_thread() -> Iterator[None]:
    """Another number of threads adds up in another order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def run_here(recipe: Recipe, store: Store, run: Path, **how: Any) -> Summary:
    return train(recipe, store, run, accelerator="cpu", progress=False, **how)


def last(run: Path) -> dict[str, Any]:
    """The tree of a run's last checkpoint."""
    found = load_checkpoint(run / "checkpoints")
    assert found is not None
    return found[1]


def broken_off(recipe: Recipe, store: Store, run: Path, images: int) -> dict[str, Any]:
    """The last checkpoint of a run that a fault ends at the log line of so many images, before their checkpoint."""
    line = Log.line

    def breaking(self: Log, now: int, *rest: Any) -> None:
        line(self, now, *rest)
        if now == images:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Log, "line", breaking)
        with pytest.raises(KeyboardInterrupt):
            run_here(recipe, store, run)
    return last(run)


def assert_same(one: Any, other: Any, where: str = "") -> None:
    """The same tree, tensors bit for bit; the clock may differ."""
    if isinstance(one, torch.Tensor):
        assert one.dtype == other.dtype, where
        assert torch.equal(one, other), where
    elif isinstance(one, dict):
        assert list(one) == list(other), where
        for key in one:
            if key != "seconds":
                assert_same(one[key], other[key], f"{where}/{key}")
    elif isinstance(one, list):
        assert len(one) == len(other), where
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_same(a, b, f"{where}/{i}")
    else:
        assert one == other, f"{where}: {one} is not {other}"
