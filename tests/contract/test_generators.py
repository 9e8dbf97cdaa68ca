"""The contract that every generator of the registry keeps, at the size of the settings `tiny` that it declares."""

from __future__ import annotations

from pathlib import Path

import pytest

from repose.models import MODELS
from tests.contract import checks


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("check", checks.GENERATOR, ids=lambda check: check.__name__)
def test_generator(check: checks.Check, name: str, tmp_path: Path) -> None:
    check(MODELS[name], tmp_path)


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if model.inspect is not None])
@pytest.mark.parametrize("check", checks.INSPECTION, ids=lambda check: check.__name__)
def test_inspection(check: checks.Check, name: str, tmp_path: Path) -> None:
    check(MODELS[name], tmp_path)
