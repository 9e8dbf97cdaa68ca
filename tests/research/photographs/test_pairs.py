"""Pairs of photographs: of one person, from the seed, everybody once before anybody twice, frames far apart."""

from collections import Counter
from pathlib import Path

import pytest

from repose.research.photographs.crops import checksum_of, people_of
from repose.research.photographs.pairs import draw_pairs, draw_photographs


def people(*counts: int) -> dict[str, list[Path]]:
    return {f"p{k}": [Path(f"p{k}_{n:02d}.jpg") for n in range(count)] for k, count in enumerate(counts)}


def identity(file: Path) -> str:
    return file.stem.split("_")[0]


def anything(file: Path) -> bool:
    return True


def test_pairs_are_of_one_person_and_of_two_photographs() -> None:
    drawn = draw_pairs(people(5, 2, 9), 20, anything)
    assert len(drawn) == 20
    assert all(identity(a) == identity(b) and a != b for a, b in drawn)
    assert len(set(drawn)) == 20


def test_everybody_once_where_there_are_enough() -> None:
    drawn = draw_pairs(people(*[4] * 30), 12, anything)
    assert len({identity(a) for a, _ in drawn}) == 12


def test_spread_evenly_where_there_are_not() -> None:
    drawn = draw_pairs(people(20, 20, 20), 30, anything)
    assert set(Counter(identity(a) for a, _ in drawn).values()) == {10}


def test_no_more_pairs_than_there_are() -> None:
    assert len(draw_pairs(people(2, 1), 10, anything)) == 2  # both directions; one photograph makes no pair


def test_frames_of_a_pair_lie_far_apart() -> None:
    for a, b in draw_pairs(people(40), 60, anything):
        assert abs(int(a.stem[-2:]) - int(b.stem[-2:])) >= 10


def test_no_photograph_twice_as_long_as_there_are_others() -> None:
    drawn = draw_pairs(people(40), 12, anything)
    assert max(Counter(file for pair in drawn for file in pair).values()) == 1


def test_the_seed_decides() -> None:
    first = draw_pairs(people(9, 9, 9), 9, anything, seed=1)
    assert draw_pairs(people(9, 9, 9), 9, anything, seed=1) == first
    assert draw_pairs(people(9, 9, 9), 9, anything, seed=2) != first


def test_unusable_photographs_are_in_no_pair_and_cost_none() -> None:
    def usable(file: Path) -> bool:
        return not file.stem.endswith(("0", "1", "2"))

    drawn = draw_pairs(people(*[8] * 6), 6, usable)
    assert len({identity(a) for a, _ in drawn}) == 6
    assert all(usable(a) and usable(b) for a, b in drawn)


def test_own_poses_are_spread_over_the_people() -> None:
    drawn = draw_photographs(people(6, 1, 6), 7, anything)
    assert all(a == b for a, b in drawn)
    assert len(set(drawn)) == 7
    assert Counter(identity(a) for a, _ in drawn) == {"p0": 3, "p1": 1, "p2": 3}


def test_people_are_told_by_the_names_of_files(tmp_path: Path) -> None:
    for name in ("b_02.png", "b_01.jpg", "a_1.jpg", "notes.txt", "clip.sheet.png", "_1.jpg"):
        (tmp_path / name).touch()
    found = people_of(tmp_path)
    assert {who: [file.name for file in files] for who, files in found.items()} == {
        "a": ["a_1.jpg"],
        "b": ["b_01.jpg", "b_02.png"],
    }
    before = checksum_of(found)
    (tmp_path / "c_01.jpg").touch()
    assert checksum_of(people_of(tmp_path)) != before


def test_a_folder_without_photographs(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ID_NN\.jpg"):
        people_of(tmp_path)
    with pytest.raises(ValueError, match="is not a folder"):
        people_of(tmp_path / "nowhere")
