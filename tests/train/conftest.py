"""The toy and its canvases are there for these tests and gone after them; its store, and one thread, for whom asks."""

import sys
from collections.abc import Iterator

import pytest

from repose.data import Store
from tests.train import toy
from tests.train.runs import one_thread


@pytest.fixture(scope="module", autouse=True)
def _toy() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        toy.declare(patch)
        yield


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return toy.store(tmp_path_factory.mktemp("toy") / "store")


@pytest.fixture
def one_threaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """And no board: its import takes seconds."""
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with one_thread():
        yield
