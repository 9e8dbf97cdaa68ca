"""The rows of Table 3 are recipes by name."""

import pytest

from repose.models import recipe


@pytest.mark.parametrize(
    ("name", "links"), [("full", "full"), ("a0", "none"), ("a1-lr", "lowest"), ("a1-hr", "highest")]
)
def test_every_row_of_the_ablation_has_a_name(name: str, links: str) -> None:
    made, official = recipe(f"multiscale-{name}"), recipe("multiscale-fashion")
    assert made.name == f"multiscale-{name}"
    assert made.network.links == links
    assert made.images == 125_000 * 8
    assert made.objective == official.objective
    assert made.data == official.data
