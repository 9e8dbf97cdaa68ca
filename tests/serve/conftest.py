"""A server with a tiny model in this process, and a picture of a person whom the estimator sees."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from fastapi.testclient import TestClient

from repose.serve.app import create_app
from repose.serve.settings import ServeSettings
from tests import tiny
from tests.estimate import fakes


def encoded(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    PIL.Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save(tmp_path_factory.mktemp("weights") / "tiny", "patn-s")


@pytest.fixture(scope="session")
def me() -> bytes:
    return encoded(tiny.photograph(None, 100, 200, 15, 20, 160))


@pytest.fixture(scope="session")
def dancer() -> bytes:
    return encoded(tiny.photograph(None, 100, 200, 20, 10, 180))


@pytest.fixture(scope="session")
def known() -> dict[str, str]:
    """Fields with the joints of both, so that nothing is looked for on the pictures."""
    return {"source_keypoints": joints(15, 20, 160), "target": joints(20, 10, 180)}


def joints(x: float, y: float, tall: float) -> str:
    """Joints of a person of dots, of COCO's 17, as JSON."""
    return json.dumps(fakes.joints(x, y, tall).tolist())


@pytest.fixture(scope="module")
def client(weights: Path) -> Iterator[TestClient]:
    """Of one server for all tests of a module."""
    settings = ServeSettings(
        models=(str(weights),), workers=0, max_pixels=200_000, max_bytes=400_000, pose="movenet", jobs=2
    )
    with pytest.MonkeyPatch.context() as patch:
        tiny.seeing(patch)
        patch.setattr("repose.pipeline.masks.no_automatic_mask", lambda: "")
        with TestClient(create_app(settings), base_url="http://localhost") as made:
            made.portal.call(made.app.state.service.wait_until_ready)  # type: ignore[union-attr, attr-defined]
            yield made
