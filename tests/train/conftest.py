"""The toy and its canvases are there for these tests and gone after them."""

from collections.abc import Iterator

import pytest

from repose.models import MODELS
from repose.represent.canvas import CANVASES
from tests.train import toy


@pytest.fixture(scope="module", autouse=True)
def _toy() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODELS, "toy", toy.ENTRY)
        for name, small in toy.SMALL.items():
            patch.setitem(CANVASES, name, small)
        yield
