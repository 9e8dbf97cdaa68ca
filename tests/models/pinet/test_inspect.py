"""The panels: which there are, and that they show what the network did."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from repose.draw.panels import PALETTE, heat
from repose.models.pinet.inspect import panels
from repose.models.pinet.network import PINet, PINetConfig, labels
from repose.person import LIP_LABELS, Person
from tests.models.pinet.drawn import person


def made(**changes: Any) -> PINet:
    torch.manual_seed(0)
    return PINet(replace(PINetConfig(width=4), **changes)).eval()


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, ["parsing", "gates-parsing", "gates-image"]),
        ({"gated": False}, ["parsing"]),
        ({"stages": 1}, ["gates-image"]),
        ({"stages": 1, "gated": False}, []),
    ],
)
def test_every_variant_shows_what_it_has(changes: dict[str, Any], names: list[str]) -> None:
    with torch.inference_mode():
        found = panels(made(**changes), person(1, 1), person(2, 1))
    assert [panel.name for panel in found] == names


def test_the_truth_is_shown_where_it_is_known() -> None:
    model, source, target = made(), person(1, 1), person(2, 1)
    bare = Person(keypoints=target.keypoints, size=target.size)
    with torch.inference_mode():
        full, less = panels(model, source, target), panels(model, source, bare)
        made_labels, true = model(source, target).extra["parsing"].argmax(1), labels(target).argmax(1)
        right = (made_labels == true)[true > 0].float().mean()
    assert f"Of the figure's pixels {float(right):.0%} have the true label." in full[0].caption
    assert "true" not in less[0].caption
    assert [a.image.shape[1] >= b.image.shape[1] for a, b in zip(full, less, strict=True)] == [True] * 3
    assert full[0].image.shape[1] > less[0].image.shape[1]


def contains(page: np.ndarray, cell: np.ndarray) -> bool:
    """Whether the cell stands somewhere on the page, pixel by pixel."""
    height, width = cell.shape[:2]
    return any(
        np.array_equal(page[y : y + height, x : x + width], cell)
        for y, x in np.argwhere((page[: 1 - height, : 1 - width] == cell[0, 0]).all(2))
    )


def test_every_gate_is_drawn() -> None:
    model, source, target = made(), person(1, 1), person(2, 1)
    with torch.inference_mode():
        pages = {panel.name: panel.image for panel in panels(model, source, target)}
        told = model.gates(source, target)
    for name in ("parsing", "image"):
        for gate in told[name]:
            cell = heat(gate[0], (32, 16)).repeat(4, 0).repeat(4, 1)
            assert contains(pages[f"gates-{name}"], cell)
            assert not contains(pages["parsing"], cell)


def test_labels_have_the_colours_of_the_house() -> None:
    model, source, target = made(), person(1, 1), person(2, 1)
    only = replace(target, parsing=torch.full_like(target.parsing, LIP_LABELS.index("coat")))  # type: ignore[arg-type]
    with torch.inference_mode():
        page = panels(model, source, only)[0].image
    assert contains(page, np.tile(PALETTE[LIP_LABELS.index("upper clothes")], (256, 128, 1)))
