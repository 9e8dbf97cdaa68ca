"""Work in threads, in order; and `Model.poses`: the pictures of `Model.pose`, as pixels."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from repose.models import MODELS
from repose.person import Person
from repose.pipeline import Model, to_pixels
from repose.pipeline.sequence import AHEAD, in_order
from tests.contract import checks


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_the_order_is_kept(threads: int) -> None:
    def work(k: int) -> int:
        time.sleep(0.02 if k % 3 == 0 else 0)
        return k * k

    assert list(in_order(work, range(12), threads)) == [k * k for k in range(12)]
    assert list(in_order(work, [], threads)) == []


def test_items_are_taken_a_few_ahead_and_in_the_callers_thread() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for k in range(20):
            assert threading.current_thread() is threading.main_thread()
            taken.append(k)
            yield k

    results = in_order(lambda k: threading.current_thread().name, items(), 2)
    for done in range(1, 10):
        assert next(results).startswith("repose")
        assert len(taken) <= done + 1 + AHEAD
    results.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("by", ["work", "items"])
def test_an_error_comes_at_its_turn(threads: int, by: str) -> None:
    def items() -> Iterator[int]:
        for k in range(9):
            if k == 5 and by == "items":
                raise ValueError("the fifth")
            yield k

    def work(k: int) -> int:
        if k == 5 and by == "work":
            raise ValueError("the fifth")
        return k

    got: list[int] = []
    with pytest.raises(ValueError, match="the fifth"):
        got.extend(in_order(work, items(), threads))
    assert got == [0, 1, 2, 3, 4]


def test_threads_of_pytorch_are_as_many_afterwards() -> None:
    own = torch.get_num_threads()
    assert set(in_order(lambda _: torch.get_num_threads(), range(6), 2)) == {1}
    assert torch.get_num_threads() == own
    results: list[int] = []
    later = threading.Thread(target=lambda: results.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert results == [own]


def test_no_thread() -> None:
    with pytest.raises(ValueError, match="1 thread or more"):
        in_order(int, [1], 0)


@pytest.fixture(scope="module")
def model() -> Model:
    pytest.importorskip("numba")
    return Model("tiny", checks.build("bodywarp").eval(), checks.tiny_recipe(MODELS["bodywarp"]))  # type: ignore[arg-type]


def poses() -> list[Person]:
    return [Person(keypoints=checks.person(1, seed, 96, 80)[0].keypoints) for seed in (2, 3, 4, 5, 6)]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.filterwarnings("ignore:.*of the new figure lies beyond")
def test_a_sequence_is_its_pictures(model: Model, threads: int, masked: bool) -> None:
    fields = ("image", "keypoints", "mask") if masked else ("image", "keypoints")
    person = checks.person(1, 1, 96, 80)[0].only(*fields)
    scene = model.scene(person)
    got = list(model.poses(scene, iter(poses()), threads=threads))
    assert len(got) == 5
    assert len({pixels.tobytes() for pixels in got}) == 5
    for pixels, pose in zip(got, poses(), strict=True):
        wanted = to_pixels(model.pose(scene, pose))
        assert np.abs(wanted.astype(int) - pixels).max() <= 1


@pytest.mark.filterwarnings("ignore:.*of the new figure lies beyond")
def test_poses_that_are_placed_already(model: Model) -> None:
    scene = model.scene(checks.person(1, 1, 96, 80)[0].only("image", "keypoints"))
    stood = [scene.pose(pose) for pose in poses()]
    joints = [Person(keypoints=pose.keypoints, size=(96, 80)) for pose in stood]
    wanted = list(model.poses(scene, poses()))
    for given in (model.poses(scene, stood), model.poses(scene, joints, placed=True)):
        assert all(np.array_equal(a, b) for a, b in zip(given, wanted, strict=True))


@pytest.mark.filterwarnings("ignore:.*of the new figure lies beyond")
def test_a_bad_pose_is_told_at_its_turn(model: Model) -> None:
    scene = model.scene(checks.person(1, 1, 96, 80)[0].only("image", "keypoints"))
    empty = Person(keypoints=torch.zeros(18, 3))
    got: list[np.ndarray] = []  # type: ignore[type-arg]
    with pytest.raises(ValueError, match="joints"):
        got.extend(model.poses(scene, [*poses()[:2], empty, *poses()[2:]]))
    assert len(got) == 2
    with pytest.raises(ValueError, match="no background"):
        model.poses(scene, poses(), "blue")  # type: ignore[arg-type]
