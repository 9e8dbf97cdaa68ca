"""What networks gave for the last pictures, and BodyPix, which several estimators of one photograph ask."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from repose.estimate import bodypix, estimator
from repose.estimate.base import Image
from repose.estimate.memo import Memo
from tests.estimate import fakes
from tests.estimate.test_selfie import keypoints


def picture(number: int, shape: tuple[int, int] = (4, 6)) -> Image:
    return np.full((*shape, 3), number, np.uint8)


def test_a_picture_is_computed_once_until_others_came() -> None:
    memo: Memo[int] = Memo(2)
    computed: list[int] = []

    def of(number: int, shape: tuple[int, int] = (4, 6)) -> int:
        def compute() -> int:
            computed.append(number)
            return 10 * number

        return memo.of(picture(number, shape), compute)

    assert [of(1), of(2), of(1)] == [10, 20, 10]
    assert computed == [1, 2]
    assert of(3) == 30
    assert of(1) == 10
    assert computed == [1, 2, 3], "2 was asked for the longest ago"
    assert of(2) == 20
    assert computed == [1, 2, 3, 2]
    assert of(2, (6, 4)) == 20
    assert computed[-2:] == [2, 2], "the same bytes in another shape are another picture"
    assert len(memo) == 2
    with pytest.raises(ValueError, match="at least one"):
        Memo(0)


def test_the_order_of_the_bytes_in_memory_does_not_matter() -> None:
    memo: Memo[str] = Memo(3)
    image = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    assert memo.of(image, lambda: "first") == "first"
    assert memo.of(np.asfortranarray(image), lambda: "again") == "first"
    assert memo.of(image[:, ::-1], lambda: "mirrored") == "mirrored"


def test_an_error_is_not_kept() -> None:
    memo: Memo[str] = Memo(1)

    def fail() -> str:
        raise OSError("no")

    with pytest.raises(OSError, match="no"):
        memo.of(picture(1), fail)
    assert memo.of(picture(1), lambda: "now") == "now"


def test_several_threads() -> None:
    memo: Memo[int] = Memo(5)
    wrong: list[int] = []

    def work() -> None:
        for k in range(200):
            if memo.of(picture(k % 9), lambda k=k: k % 9) != k % 9:  # type: ignore[misc]
                wrong.append(k)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len(memo) == 5


def test_who_changes_a_result_changes_it_for_nobody_else() -> None:
    network = bodypix.BodyPix(network=fakes.body_network)
    image, _ = fakes.figure(100, 160, [fakes.joints(20, 8, 140)])
    joints = keypoints(fakes.joints(20, 8, 140), 100, 160)
    first = network.look(image, joints)
    kept = first.person.copy()
    first.person[:] = 7
    first.parts[:] = 7
    assert np.array_equal(network.look(image, joints).person, kept)


def test_bodypix_runs_once_for_all_fields_of_a_photograph(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mask looks at the surroundings of the person alone, and still at the same rectangle."""
    pytest.importorskip("ai_edge_litert")
    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    monkeypatch.setattr(bodypix, "_LOOKS", Memo(4))
    looked: list[int] = []
    both = bodypix.BodyPix._both
    monkeypatch.setattr(bodypix.BodyPix, "_both", lambda self, pixels: looked.append(1) or both(self, pixels))
    person_mask = type(estimator("person", field="mask"))()  # with a BodyPix of its own
    other = bodypix.BodyPix()
    for width, height in ((100, 160), (400, 300)):
        image, _ = fakes.figure(width, height, [fakes.joints(20, 8, 140)])
        joints = keypoints(fakes.joints(20, 8, 140), width, height)
        looked.clear()
        first = person_mask.mask(image, joints)
        parts = other.look(image, joints)
        assert len(looked) == 1
        assert torch.equal(person_mask.mask(image, joints), first)
        monkeypatch.setattr(other, "_looks", Memo(1))
        assert np.array_equal(other.look(image, joints).parts, parts.parts), "it is what the network gives"
        monkeypatch.setattr(other, "_looks", bodypix._LOOKS)


def test_joints_are_part_of_what_a_result_is_of() -> None:
    memo: Memo[int] = Memo(2)
    picture, one, other = np.zeros((4, 4, 3), np.uint8), torch.zeros(18, 3), torch.ones(18, 3)
    asked = iter(range(9))
    results = [memo.of(picture, lambda: next(asked), joints) for joints in (one, one, other, one, None)]
    assert results == [0, 0, 1, 0, 2]
