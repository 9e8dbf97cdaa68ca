"""Distances of features: identities, a second plain writing of each, the switch, and the columns of an evaluation."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.bench.evaluations import read_scores
from repose.data import Store, StoreWriter
from repose.metrics import EvaluationSettings, GeneratorPictures, comparison_markdown, evaluate
from repose.metrics import features as deep
from repose.metrics.columns import columns_from
from repose.metrics.features import COMPARED, NEWEST, POOLED, Features, appearance, feature_distance, person_mask
from repose.metrics.functional.regions import CLOTHES
from repose.metrics.tables import TableRow
from repose.metrics.tables import markdown as written
from repose.nn.mobilenet import WEIGHTS, MobileNetV2, feature_scale, mobilenet_v2
from repose.person import Pair, Person
from repose.represent.canvas import to_uint8
from tests.metrics.stores import figure, fill

FILE = "mobilenet_v2_imagenet.safetensors"


@pytest.fixture
def weights(shared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The real weight file, found as a user's is."""
    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    return shared / "models" / FILE


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No weight file is to be had."""
    monkeypatch.setenv("REPOSE_FILES", "")
    monkeypatch.setenv("REPOSE_CACHE", str(tmp_path / "empty"))


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network of random weights in place of the file, so that these tests run anywhere."""

    def make(taps: tuple[str, ...], scaled: bool = False) -> MobileNetV2:
        torch.manual_seed(0)
        return MobileNetV2(taps, scaled)

    monkeypatch.setattr(deep, "mobilenet_v2", make)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return fill(tmp_path_factory.mktemp("stores") / "market")


def people(count: int, start: int = 0) -> tuple[Tensor, Tensor]:
    """Pictures uint8 (B, 3, 128, 64) and masks of the people on them."""
    images, keypoints = zip(*(figure(seed) for seed in range(start, start + count)), strict=True)
    joints = torch.from_numpy(np.stack(keypoints))
    return torch.from_numpy(np.stack(images)).movedim(-1, 1), person_mask(Person(keypoints=joints, size=(128, 64)))


def peek(pair: Pair) -> Tensor:
    assert pair.target.image is not None
    return pair.target.image


# -- the functions --------------------------------------------------------------------------------------------------


def test_equal_pictures_and_both_directions(untrained: None) -> None:
    network, (one, mask), (other, _) = Features(), people(6), people(6, 20)
    a, b = network.run(one, mask), network.run(other, mask)
    assert feature_distance(a, a).eq(0).all()
    torch.testing.assert_close(appearance(a, a)[0], torch.ones(6, dtype=torch.float64))
    assert torch.equal(feature_distance(a, b), feature_distance(b, a))
    assert torch.equal(appearance(a, b)[0], appearance(b, a)[0])
    assert (feature_distance(a, b) > 0).all()
    assert (feature_distance(a, b) <= 4).all()


def test_a_second_writing(weights: Path) -> None:
    """Without batches, splits or scaled networks: straight from the definitions, in NumPy."""
    network, (one, mask), (other, _) = Features(), people(5), people(5, 20)
    a, b = network.run(one, mask), network.run(other, mask)
    plain = mobilenet_v2((*COMPARED, POOLED), weights)
    for at in range(5):
        total, pooled = 0.0, []
        shown = [picture[at : at + 1].float() / 127.5 - 1 for picture in (one, other)]
        for tap in COMPARED:
            found = [plain(image)[tap][0].permute(2, 1, 0) / feature_scale(tap) for image in shown]
            x, y = (f.numpy().astype(np.float64) for f in found)
            x, y = (f / np.linalg.norm(f, axis=-1, keepdims=True) for f in (x, y))  # (W', H', C)
            total += sum(((x[i, j] - y[i, j]) ** 2).sum() for i in range(len(x)) for j in range(x.shape[1])) / (
                x.shape[0] * x.shape[1]
            )
        assert float(feature_distance(a, b)[at]) == pytest.approx(total / len(COMPARED), rel=1e-4)
        for image in shown:
            grey = torch.where(mask[at : at + 1] > 0, image, torch.zeros(()))
            pooled.append((plain(grey)[POOLED][0].mean((1, 2)) / feature_scale(POOLED)).numpy().astype(np.float64))
        wanted = pooled[0] @ pooled[1] / np.linalg.norm(pooled[0]) / np.linalg.norm(pooled[1])
        assert float(appearance(a, b)[0][at]) == pytest.approx(wanted, abs=1e-4)


def test_more_noise_is_further_away(weights: Path) -> None:
    network, (one, mask) = Features(), people(4)
    smooth = F.avg_pool2d(one.float(), 9, 1, 4)
    noise = torch.randn(smooth.shape, generator=torch.Generator().manual_seed(0))
    clean = network.run(smooth.round().to(torch.uint8), mask)
    noisy = [network.run((smooth + s * noise).clamp(0, 255).round().to(torch.uint8), mask) for s in (4, 10, 25, 60)]
    distance = torch.stack([feature_distance(seen, clean).mean() for seen in noisy])
    alike = torch.stack([appearance(seen, clean)[0].mean() for seen in noisy])
    assert (distance.diff() > 0).all(), distance
    assert (alike.diff() < 0).all(), alike


def test_appearance_sees_the_person_alone(untrained: None) -> None:
    network, (one, mask) = Features(), people(4)
    elsewhere = torch.where(mask > 0, one, 255 - one)
    a, b = network.run(one, mask), network.run(elsewhere, mask)
    torch.testing.assert_close(appearance(a, b)[0], torch.ones(4, dtype=torch.float64))
    assert (feature_distance(a, b) > 0).all()


def test_a_picture_without_anybody_does_not_count(untrained: None) -> None:
    network, (one, mask) = Features(), people(3)
    mask[1] = 0
    values, counts = appearance(network.run(one, mask), network.run(one, mask))
    assert counts.tolist() == [1, 0, 1]
    assert values[1] == 0


@pytest.mark.parametrize("factor", [1, 2])
def test_the_mask_grows_with_the_picture(factor: int) -> None:
    keypoints = torch.zeros(1, 18, 3)
    keypoints[0, 4] = torch.tensor([30.0 * factor, 60.0 * factor, 1])
    mask = person_mask(Person(keypoints=keypoints, size=(128 * factor, 88 * factor)))
    across = mask[0, 0, 60 * factor].nonzero()[:, 0]
    assert (int(across[0]), int(across[-1])) == (22 * factor + 1, 38 * factor - 1), "a disc of radius 8, its rim out"
    assert person_mask(Person(keypoints=keypoints * 0, size=(128, 88))).sum() == 0


def test_clothing_of_a_picture_is_that_of_its_source(weights: Path, tmp_path: Path) -> None:
    """Of the parsed pixels alone: source and picture in the same shirt are alike whatever lies around it."""
    with StoreWriter(tmp_path / "s", 128, 64, "made") as writer:
        for number in range(4):
            image, keypoints = figure(number)
            parsing = np.zeros((128, 64), np.uint8)
            parsing[40:80, 16:48] = CLOTHES[0] if number < 3 else 0
            image[40:80, 16:48] = figure(9)[0][40:80, 16:48]
            writer.add(f"{number}.png", "p", image, keypoints, split="test", parsing=parsing)
        writer.finish({"test": [("0.png", "1.png"), ("2.png", "1.png"), ("3.png", "1.png")]})
    evaluation = evaluate("patn-market@2", Store.open(tmp_path / "s"), peek)
    clothing = evaluation["generated"].columns["clothing"]
    assert clothing.weights.tolist() == [1, 1, 0]
    assert clothing.values.tolist() == pytest.approx([1, 1, 0])
    assert evaluation["generated"].scores["identity"].value < 0.999
    assert "left out, no clothes: 1 pairs of clothing" in evaluation.markdown()


# -- the switch -----------------------------------------------------------------------------------------------------


def test_without_the_file_the_columns_are_absent_and_named_once(nowhere: None, store: Store) -> None:
    first, second = (evaluate("patn-market@2", store, GeneratorPictures(peek, name=name)) for name in "ab")
    assert not set(columns_from("features")) & set(first["generated"].scores)
    assert first.line()["features"] is None
    assert first.line()["weights_missing"] == FILE == WEIGHTS
    assert comparison_markdown([first, second]).count(f"weights missing: {FILE}") == 1
    off = evaluate("patn-market@2", store, peek, EvaluationSettings(features=False))
    assert "weights missing" not in off.markdown()
    assert "weights_missing" not in off.line()
    with pytest.raises(FileNotFoundError, match=FILE):
        evaluate("patn-market@2", store, peek, EvaluationSettings(features=NEWEST))
    with pytest.raises(KeyError, match="did you mean 'mobilenet_v2@1'"):
        evaluate("patn-market@2", store, peek, EvaluationSettings(features="mobilenet_v2"))


def test_every_row_has_them(untrained: None, store: Store) -> None:
    evaluation = evaluate("patn-market@2", store, peek, EvaluationSettings(batch=4))
    for kind in ("target", "generated"):
        got = evaluation[kind].scores
        assert got["feature_distance"].value == 0
        assert got["appearance"].value == pytest.approx(1, abs=1e-9)
        assert got["fd"].value == pytest.approx(0, abs=1e-6)
    source = evaluation["source"].scores
    assert source["feature_distance"].value > 0
    assert source["appearance"].value < 1
    assert source["feature_distance"].low < source["feature_distance"].value < source["feature_distance"].high
    assert math.isnan(source["fd"].low)
    text = evaluation.markdown()
    assert "feature distance ↓ | appearance ↑ | FD ↓" in text
    assert "nan" not in text
    assert f"identity, clothing: {NEWEST}" in text


def test_each_picture_is_compared_with_its_own_target(untrained: None, store: Store) -> None:
    evaluation, network = evaluate("patn-market@2", store, settings=EvaluationSettings(batch=4)), Features()
    columns = evaluation["source"].columns
    for at, (source, target) in enumerate(evaluation.pairs.tolist()):
        seen = []
        for index in (source, target):
            person = store.person([index])
            assert person.image is not None
            picture = torch.from_numpy(to_uint8(person.image)).movedim(-1, 1)
            seen.append(network.run(picture, person_mask(person)))  # in its own pose
        assert float(columns["feature_distance"].values[at]) == pytest.approx(float(feature_distance(*seen)), rel=1e-5)
        assert float(columns["appearance"].values[at]) == pytest.approx(float(appearance(*seen)[0]), rel=1e-5)


def test_rows_beside_another_evaluation(untrained: None, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def source(pair: Pair) -> Tensor:
        assert pair.source.image is not None
        return pair.source.image

    first = evaluate("patn-market@2", store, source)
    second = evaluate("patn-market@2", store, source, beside=first)
    assert second["source"] is first["source"]
    assert second["generated"].scores["fd"].value == first["generated"].scores["fd"].value
    assert first["generated"].scores["fd"].value == pytest.approx(first["source"].scores["fd"].value, rel=1e-6)
    with pytest.raises(ValueError, match="different features"):
        evaluate("patn-market@2", store, source, EvaluationSettings(features=False), beside=first)


def test_pairs_without_a_joint_are_left_out_and_said(untrained: None, tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "data", 128, 64, "made") as writer:
        for view in range(3):
            image, keypoints = figure(view)
            writer.add(f"{view}.jpg", "p", image, keypoints * (view > 0), split="test")
        writer.finish({"test": [("1.jpg", "2.jpg"), ("2.jpg", "0.jpg")]})
    evaluation = evaluate("patn-market@2", Store.open(tmp_path / "data"), peek)
    assert evaluation.line()["skipped"] == {"appearance": 1, "identity": 1}
    assert evaluation["generated"].scores["appearance"].value == pytest.approx(1)
    assert "left out, no joint: 1 pairs of appearance, 1 pairs of identity" in evaluation.markdown()


def test_the_line_comes_back_as_it_went(untrained: None, store: Store, tmp_path: Path) -> None:
    evaluation = evaluate("patn-market@2", store, peek)
    evaluation.append(tmp_path / "r.jsonl")
    line = json.loads((tmp_path / "r.jsonl").read_text())
    assert line["features"] == NEWEST
    assert line["rows"]["source"]["fd"][1:] == [None, None]
    cells: Callable[[str], str] = lambda text: text.splitlines()[2].split("|")[-2]  # noqa: E731
    row = evaluation["source"].scores
    back = TableRow("a", read_scores(line["rows"]["source"]), line["protocol"])
    assert cells(written([back])) == cells(written([TableRow("a", row, "patn-market@2")]))
