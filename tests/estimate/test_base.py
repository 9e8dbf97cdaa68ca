"""Which of several people; estimators by name; estimates remembered."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from repose.estimate import ESTIMATORS, Cached, Detection, NobodyFound, choose, estimator
from repose.estimate.base import Image, KeypointEstimator


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


def test_unknown_estimator() -> None:
    with pytest.raises(ValueError, match="did you mean 'movenet'"):
        estimator("movnet")


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator(name: str, shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ai_edge_litert")
    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    made = estimator(name)
    assert isinstance(made, KeypointEstimator)
    assert estimator(name) is made
    keypoints = made.crops([np.zeros((64, 32, 3), np.uint8)] * 2)
    assert keypoints.shape == (2, 18, 3)
    assert torch.isfinite(keypoints).all()


class Counting:
    """Says which picture it saw, and counts."""

    def __init__(self, name: str = "counting") -> None:
        self.name, self.seen = name, 0

    def people(self, image: Image) -> list[Detection]:
        self.seen += 1
        return [Detection(torch.full((18, 3), float(image[0, 0, 0])), (0.5, 1.0, 2.0, 3.25), 0.75)]

    def crops(self, images: Sequence[Image]) -> torch.Tensor:
        self.seen += len(images)
        return torch.stack([torch.full((18, 3), float(image[0, 0, 0]) + 0.5) for image in images])


def test_cached(tmp_path: Path) -> None:
    work = Counting()
    images = [np.full((4, 2, 3), value, np.uint8) for value in range(4)]
    cached = Cached(work, tmp_path)
    first = cached.crops(images[:2])
    assert work.seen == 2
    assert torch.equal(Cached(work, tmp_path).crops(images), torch.cat([first, work.crops(images[2:])]))
    assert work.seen == 6, "two new ones, and two asked here"
    for _ in range(2):
        (found,) = cached.people(images[3])
        assert torch.equal(found.keypoints, torch.full((18, 3), 3.0))
        assert (found.box, found.score) == ((0.5, 1.0, 2.0, 3.25), 0.75)
    assert work.seen == 7
    assert cached.crops([]).shape == (0, 18, 3)


def test_cached_tells_pictures_and_estimators_apart(tmp_path: Path) -> None:
    a, b = Counting("a"), Counting("b")
    image = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
    for work in (a, b):
        Cached(work, tmp_path).people(image)
        Cached(work, tmp_path).people(image.reshape(2, 4, 3))  # the same bytes, another picture
        Cached(work, tmp_path).crops([image])
        assert work.seen == 3


def test_a_broken_entry_is_estimated_anew(tmp_path: Path) -> None:
    work = Counting()
    image = np.zeros((4, 2, 3), np.uint8)
    Cached(work, tmp_path).people(image)
    (path,) = tmp_path.rglob("*.json")
    path.write_text(path.read_text()[:20])
    assert len(Cached(work, tmp_path).people(image)) == 1
    assert work.seen == 2


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert len(Cached(Counting(), tmp_path / "file").people(np.zeros((4, 2, 3), np.uint8))) == 1
