"""What tests of whole rendered pictures share."""

from collections.abc import Iterator

import pytest

from repose.render import Renderer, SyntheticUnavailable

SIZE = 128, 96


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    """A renderer of pictures of `SIZE`; skips where there is no OpenGL."""
    try:
        opened = Renderer(*SIZE)
    except SyntheticUnavailable as error:
        pytest.skip(str(error))
    with opened:
        yield opened
