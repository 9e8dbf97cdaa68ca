"""What every recipe of the registry keeps: it can be written and read, and its parts and stages fit each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from repose.models import RECIPES, recipe
from tests.contract import checks


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("check", checks.RECIPE, ids=lambda check: check.__name__)
def test_recipe(check: Callable[[str], None], name: str) -> None:
    check(name)


@pytest.mark.parametrize("name", RECIPES)
def test_folding(name: str) -> None:
    """Every norm that can be folded is, and no other: PINet's stand behind a gate."""
    left = checks.folding_changes_no_picture(name)
    assert bool(left) == (recipe(name).model == "pinet")
