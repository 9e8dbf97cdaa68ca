"""A checkpoint is chosen by validation people, never by test pairs."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from repose.data import Store, StoreWriter
from repose.metrics import Evaluation, EvaluationSettings, GeneratorPictures, evaluate, protocol
from repose.metrics.choosing import LAST, allowed, best, left_out
from repose.person import Pair
from tests.metrics.stores import figure


def store(folder: Path, shared: bool = False) -> Store:
    with StoreWriter(folder, 128, 64, "made") as writer:
        for view in range(6):
            image, keypoints = figure(view)
            split = "val" if view < 3 else "test"
            writer.add(f"{view}.jpg", "same" if shared else split, image, keypoints, split=split)
        writer.finish(
            {"val": [("0.jpg", "1.jpg"), ("1.jpg", "2.jpg")], "test": [("3.jpg", "4.jpg"), ("4.jpg", "5.jpg")]}
        )
    return Store.open(folder)


def measured(data: Store, share: float, name: str) -> Evaluation:
    def generate(pair: Pair) -> Tensor:
        assert pair.source.image is not None
        assert pair.target.image is not None
        return torch.lerp(pair.source.image, pair.target.image, share)

    settings = EvaluationSettings(split="val", features=False)
    return evaluate("patn-market", data, GeneratorPictures(generate, name), settings)


@pytest.mark.parametrize("split", [None, "test", "Test-2", "testing"])
def test_test_pairs_are_refused_and_why(tmp_path: Path, split: str | None) -> None:
    with pytest.raises(ValueError, match=r"no choosing on the split .* has been fitted to them.*--split val"):
        allowed(store(tmp_path / "s"), protocol("patn-market"), split)


def test_people_of_the_test_are_refused_under_any_name(tmp_path: Path) -> None:
    made = protocol("patn-market")
    assert allowed(store(tmp_path / "a"), made, "val") == "val"
    with pytest.raises(ValueError, match="1 of its people are in 'test', too, such as same"):
        allowed(store(tmp_path / "b", shared=True), made, "val")


def test_people_of_the_training_are_refused(tmp_path: Path) -> None:
    made = protocol("patn-market")
    with StoreWriter(tmp_path / "s", 128, 64, "made") as writer:
        who = "a train,a train,a val,b val,b val,c dev,c dev,c test,d test,d test,e val-2,e val-2"
        for view, one in enumerate(who.split(",")):
            person, split = one.split()
            writer.add(f"{view}.jpg", person, *figure(view), split=split)
        writer.finish({"val": [("3.jpg", "4.jpg")], "test": [("8.jpg", "9.jpg")]})
    data = Store.open(tmp_path / "s")
    with pytest.raises(ValueError, match=r"no choosing on the split 'train': on people that it was trained on"):
        allowed(data, made, "train")
    with pytest.raises(ValueError, match=r"'val': 1 of its people are in 'train', too, such as a; on people that"):
        allowed(data, made, "val")
    with pytest.raises(ValueError, match=r"'dev': 1 of its people are in 'test', too, such as c; .*fitted"):
        allowed(data, made, "dev")
    assert allowed(data, made, "val-2") == "val-2"


def test_people_are_compared_once_a_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, asked = store(tmp_path / "a"), []
    pairs = Store.pairs
    monkeypatch.setattr(Store, "pairs", lambda self, split: asked.append(split) or pairs(self, split))
    allowed(data, protocol("patn-market"), "val")
    assert sorted(asked) == ["test", "val"], "not once a picture"


def test_a_store_without_test_people_may_choose(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "s", 128, 64, "made") as writer:
        for number in range(4):
            split = "train" if number < 2 else "val"
            writer.add(f"{number}.png", split, *figure(number), split=split)
    assert allowed(Store.open(tmp_path / "s"), protocol("patn-market"), "val") == "val"


def test_the_best_refuses_test_pairs_and_names_whom_it_left_out(tmp_path: Path) -> None:
    data = store(tmp_path / "s")
    one = measured(data, 0.5, "one")
    assert left_out([one] * LAST) == []
    assert left_out([measured(data, 0.2, "first"), *[one] * LAST]) == ["first"]
    tested = evaluate("patn-market", data, lambda pair: pair.target.image, EvaluationSettings(features=False))  # type: ignore[arg-type,return-value]
    with pytest.raises(ValueError, match="no choosing on the split 'test'"):
        best([tested])


def test_the_best_of_the_last(tmp_path: Path) -> None:
    data = store(tmp_path / "s")
    low, high, same = (measured(data, share, name) for name, share in (("a", 0.2), ("b", 0.8), ("c", 0.8)))
    assert best([high, low]) is high
    assert best([high, low, same]) is same, "of equal ones the last"
    assert best([low, high], "l1") is high, "lower is better"
    assert best([high, *[low] * LAST]) is low, "only the last ones count"
    with pytest.raises(ValueError, match="no PCKh"):
        best([low, high], "pckh")
    with pytest.raises(KeyError, match="did you mean 'ssim'"):
        best([low, high], "sim")
    settings = EvaluationSettings(split="val", features=False)
    other = evaluate("patn-market@1", data, lambda pair: pair.target.image, settings)  # type: ignore[arg-type,return-value]
    with pytest.raises(ValueError, match="different protocol"):
        best([low, other])
