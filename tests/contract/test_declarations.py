"""What every paper declares is there: its parts, its card, its rows in lists and tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from repose.models import MODELS
from tests.contract import checks


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("check", checks.DECLARATION, ids=lambda check: check.__name__)
def test_declaration(check: checks.Check, name: str, tmp_path: Path) -> None:
    check(MODELS[name], tmp_path)
