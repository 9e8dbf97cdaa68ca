"""How estimated IUV is compared with the true one, and its table."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from repose.render.sets import person_style
from repose.research.iuv import NUMBERS, SIDES, IUVMeasured, agreement, iuv_table


def square(part: int, u: float = 0.5, v: float = 0.5) -> torch.Tensor:
    """A part in the middle 4x4 of 8x8 pixels."""
    iuv = torch.zeros(3, 8, 8)
    iuv[:, 2:6, 2:6] = torch.tensor([part, u, v])[:, None, None]
    return iuv


def test_equal_maps_agree() -> None:
    given = agreement(square(2), square(2))
    assert given == {"covered": 1, "beyond": 0, "part": 1, "limb": 1, "u": 0, "v": 0}
    assert list(NUMBERS) == list(given)


def test_shares_are_of_the_true_person() -> None:
    moved = square(2, 0.7, 0.4).roll(2, dims=2)
    given = agreement(moved, square(2))
    assert (given["covered"], given["beyond"], given["part"]) == (0.5, 0.5, 0.5)
    assert given["u"] == pytest.approx(0.2)
    assert given["v"] == pytest.approx(0.1)


def test_front_and_back_are_one_limb() -> None:
    given = agreement(square(9), square(7))
    assert (given["part"], given["limb"]) == (0, 1)
    assert math.isnan(given["u"])
    assert agreement(square(8), square(7))["limb"] == 0
    assert SIDES[0] == 0
    assert (SIDES[1:] > 0).all()


def test_u_of_a_hand_goes_round() -> None:
    assert agreement(square(4, 0.02), square(4, 0.98))["u"] == pytest.approx(0.04)
    assert agreement(square(2, 0.02), square(2, 0.98))["u"] == pytest.approx(0.96)


def test_an_empty_person_divides_by_nothing() -> None:
    nothing = torch.zeros(3, 8, 8)
    given = agreement(nothing, nothing)
    assert given["covered"] == given["part"] == 0


def test_styles_of_a_mixed_set() -> None:
    styles = [person_style(5, person, "mixed") for person in range(200)]
    assert 60 < styles.count("street") < 140
    assert set(styles) == {"street", "fashion"}
    assert person_style(5, 3, "plain") == "plain"


def test_the_table() -> None:
    def line(estimator: str, joints: str, style: str, part: float, **more: Any) -> dict[str, Any]:
        numbers = {"covered": 0.9, "beyond": 0.1, "part": part, "limb": 0.8, "u": 0.0512, "v": 0.02}
        measured = IUVMeasured(estimator, joints, style, 7, numbers).line()
        assert measured["seed"] is None
        return {**measured, "data": "synthetic", "checksum": "abc", "split": "test", "commit": "123", **more}

    lines = [
        line("body-lifter-1", "movenet-x", "street", 0.11),
        line("body-lifter-1", "movenet-x", "street", 0.25),
        line("person-iuv-1(...)", "exact", "street", 0.75),
    ]
    table = iuv_table(lines)
    assert "25.0%" in table
    assert "11.0%" not in table, "the newest line counts"
    assert table.index("exact") < table.index("MoveNet")
    assert "0.051" in table
    assert "`person`" in table
    with pytest.raises(ValueError, match="no line"):
        iuv_table([])
    del lines[0]["u"], lines[1]["u"]
    with pytest.raises(ValueError, match="no key 'u'"):
        iuv_table(lines)
