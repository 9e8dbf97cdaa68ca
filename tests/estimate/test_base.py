"""Which of several people."""

import pytest
import torch

from repose.estimate import Detection, NobodyFound, choose


def person(size: float, score: float) -> Detection:
    return Detection(torch.zeros(18, 3), (10.0, 10.0, 10.0 + size, 10.0 + 2 * size), score)


PEOPLE = [person(50, 0.5), person(30, 0.9), person(20, 0.6)]


def test_choose() -> None:
    assert choose(PEOPLE) is PEOPLE[0]
    assert choose(PEOPLE[::-1], "largest") is PEOPLE[0]
    assert choose(PEOPLE, "best") is PEOPLE[1]
    assert choose(PEOPLE, 1) is PEOPLE[1]


@pytest.mark.parametrize("which", [3, -1, 99])
def test_an_index_too_far(which: int) -> None:
    with pytest.raises(NobodyFound, match=f"person {which} .* use 0 to 2"):
        choose(PEOPLE, which)


def test_an_unknown_choice() -> None:
    with pytest.raises(ValueError, match="largest"):
        choose(PEOPLE, "biggest")  # type: ignore[arg-type]


@pytest.mark.parametrize("which", ["largest", "best", 0])
def test_nobody(which: str) -> None:
    with pytest.raises(NobodyFound, match="no person was found") as caught:
        choose([], which)  # type: ignore[arg-type]
    assert isinstance(caught.value, ValueError)
