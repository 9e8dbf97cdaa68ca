"""One of several people by number, size, score and place."""

import numpy as np
import pytest

from repose.represent.choosing import NoSuchPersonError, choose_person

BOXES = np.array([[0, 0, 10, 20], [50, 0, 90, 80], [30, 0, 40, 30], [100, 0, 120, 60]], float)
SCORES = np.array([0.2, 0.5, 0.9, 0.4])


@pytest.mark.parametrize(
    ("which", "index"),
    [("largest", 1), ("best", 2), ("left", 0), ("right", 3), ("middle", 1), (0, 1), (1, 3), (2, 2), (3, 0)],
)
def test_every_way(which: object, index: int) -> None:
    assert choose_person(BOXES, SCORES, which) == index  # type: ignore[arg-type]


def test_the_middle_of_the_picture_where_its_width_is_known() -> None:
    assert choose_person(BOXES, None, "middle", width=70) == 2


def test_what_is_refused() -> None:
    with pytest.raises(NoSuchPersonError, match=r"person 4 was asked for, but 4 found in a\.json: use 0 to 3"):
        choose_person(BOXES, None, 4, where="in a.json")
    with pytest.raises(NoSuchPersonError, match="but 1 found in this picture: only 0 is there"):
        choose_person(BOXES[:1], None, 1)
    with pytest.raises(ValueError, match="there are no scores in this picture"):
        choose_person(BOXES, None, "best")
    with pytest.raises(ValueError, match="'middle' or a number is wanted, not 'first'"):
        choose_person(BOXES, None, "first")  # type: ignore[arg-type]
