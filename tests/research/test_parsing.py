"""How an estimated parsing is compared, and its table."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from repose.estimate.bodypix import PARTS
from repose.person import LIP_LABELS
from repose.research.parsing import ParsingMeasured, parsing_table, part_regions, regions, wears_hat


def labels(*names: str) -> torch.Tensor:
    return torch.tensor([[LIP_LABELS.index(name) for name in names]])


def test_regions() -> None:
    given = regions(labels("background", "hair", "left arm", "right shoe", "dress", "jumpsuits"))
    assert given.tolist() == [[0, 1, 2, 3, -1, -1]]
    named = ("left face", "right hand", "torso, back", "left foot", "right upper leg, front")
    parts = torch.tensor([[-1, *(PARTS.index(name) for name in named)]])
    assert part_regions(parts).tolist() == [[0, 1, 2, 2, 3, 3]]


def test_a_hat_covers_a_fifth_of_the_head() -> None:
    assert wears_hat(labels(*["hat"] * 30, *["hair"] * 30))
    assert not wears_hat(labels(*["hat"] * 30, *["hair"] * 300))
    assert not wears_hat(labels(*["hat"] * 20))


def line(estimator: str, reference: str, data: str, iou: dict[str, float], **more: Any) -> dict[str, Any]:
    areas = {"head": 0.91, "upper": 0.82, "lower": 0.73}
    measured = ParsingMeasured(estimator, "x", reference, 7, iou, areas, 5, 0.1).line()
    return {**measured, "data": data, "commit": "123", **more}


def test_the_table() -> None:
    lines = [
        line("person-parser-1", "exact", "synthetic", {"hair": 0.1, "face": 0.2}),
        line("person-parser-1", "exact", "synthetic", {"hair": 0.6, "face": 0.8}),
        line("person-parser-1(bodypix-1)", "bodypix-1", "street", {}),
    ]
    table = parsing_table(lines)
    assert "| synthetic, 7 | exact | no | exact | 0.700 | 0.910 | 0.820 | 0.730 | 5 |" in table
    assert "| street, 7 | MoveNet | yes | BodyPix |  | 0.910 | 0.820 | 0.730 | 5 |" in table
    assert "| label | without |" in table
    assert "| hair | 0.600 |" in table
    assert "0.100" not in table, "the newest line counts"
    with pytest.raises(ValueError, match="no line"):
        parsing_table([])
    del lines[1]["hats"]
    with pytest.raises(ValueError, match="no key 'hats'"):
        parsing_table(lines)
