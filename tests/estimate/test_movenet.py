"""The search for people against people of dots whose joints are known exactly; the real network on real photographs."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import PIL.Image
import pytest
import torch

from repose.estimate import ESTIMATORS, NobodyFound, choose
from repose.estimate.base import KeypointEstimator
from repose.estimate.movenet import _SHIFTS, MoveNet, MoveNet1
from repose.person import JOINTS
from tests.estimate import fakes


@pytest.fixture(params=[False, True], ids=["plain", "flip"])
def seer(request: pytest.FixtureRequest) -> MoveNet:
    return MoveNet(network=fakes.network, flip=request.param)


def expected(points: np.ndarray) -> np.ndarray:
    """(18, 2) from COCO's (17, 2), written out by hand."""
    nose, l_eye, r_eye, l_ear, r_ear, l_sh, r_sh, l_el, r_el, l_wr, r_wr, l_hip, r_hip, l_kn, r_kn, l_an, r_an = points
    neck = (l_sh + r_sh) / 2
    right, left = (r_sh, r_el, r_wr), (l_sh, l_el, l_wr)
    return np.stack([nose, neck, *right, *left, r_hip, r_kn, r_an, l_hip, l_kn, l_an, r_eye, l_eye, r_ear, l_ear])


def off(keypoints: torch.Tensor, points: np.ndarray) -> float:
    assert (keypoints[:, 2] == 1).all()
    return float(np.abs(keypoints[:, :2].numpy() - expected(points)).max())


@pytest.mark.parametrize(("width", "height"), [(200, 400), (400, 400), (640, 400)])
def test_one_person_is_found_where_he_is(seer: MoveNet, width: int, height: int) -> None:
    points = fakes.joints(width * 0.2, 60, 300)
    (person,) = seer.people(fakes.draw(width, height, [points]))
    assert off(person.keypoints, points) < 1.5
    left, top, right, bottom = person.box
    assert left < points[:, 0].min() < points[:, 0].max() < right
    assert top < points[:, 1].min() < points[:, 1].max() < bottom
    assert min(left, top) >= 0
    assert (right <= width, bottom <= height) == (True, True)
    assert person.score == pytest.approx(0.9)


def test_several_people_the_largest_first(seer: MoveNet) -> None:
    people = [fakes.joints(20, 100, 220), fakes.joints(250, 20, 360), fakes.joints(480, 60, 280)]
    found = seer.people(fakes.draw(680, 400, people))
    assert len(found) == 3
    for person, points in zip(found, (people[1], people[2], people[0]), strict=True):
        assert off(person.keypoints, points) < 1.5
    assert choose(found) is found[0]
    assert choose(found, 2) is found[2]
    with pytest.raises(NobodyFound, match="0 to 2"):
        choose(found, 3)


def test_a_small_person_in_a_large_picture(seer: MoveNet) -> None:
    points = fakes.joints(900, 500, 190)
    (person,) = seer.people(fakes.draw(1600, 800, [points]))
    assert off(person.keypoints, points) < 1.5


def test_nobody(seer: MoveNet) -> None:
    for picture in (np.zeros((300, 200, 3), np.uint8), np.full((20, 3000, 3), 255, np.uint8)):
        assert seer.people(picture) == []
    with pytest.raises(NobodyFound, match="no person was found"):
        choose(seer.people(np.zeros((64, 64, 3), np.uint8)))


def test_a_huge_strip_is_searched_in_bounded_time() -> None:
    looks = 0

    def counting(square: np.ndarray) -> np.ndarray:
        nonlocal looks
        looks += 1
        return np.zeros((17, 3), np.float32)

    assert MoveNet(network=counting).people(np.zeros((100, 30000, 3), np.uint8)) == []
    assert looks < 1000


def test_crops_of_any_size(seer: MoveNet) -> None:
    sizes = [(128, 256), (300, 200), (192, 192)]
    points = [fakes.joints(0.2 * w, 0.1 * h, 0.8 * h) for w, h in sizes]
    images = [fakes.draw(w, h, [p]) for (w, h), p in zip(sizes, points, strict=True)]
    keypoints = seer.crops(images)
    assert keypoints.shape == (3, 18, 3)
    assert keypoints.dtype == torch.float32
    for one, p in zip(keypoints, points, strict=True):
        assert off(one, p) < 1.5
    assert seer.crops([]).shape == (0, 18, 3)
    assert not seer.crops([np.zeros((64, 32, 3), np.uint8)]).any(), "nothing recognised: all joints missing"


def test_joints_beyond_the_border_are_missing() -> None:
    def outside(square: np.ndarray) -> np.ndarray:
        points = np.full((17, 3), 0.5, np.float32)
        points[15, 1] = 0.02  # left ankle in the black strip beside a narrow picture
        return points

    keypoints = MoveNet(network=outside, flip=False).crops([np.zeros((128, 64, 3), np.uint8)])[0]
    assert (keypoints[JOINTS.index("left_ankle")] == 0).all()
    assert keypoints[:, 2].sum() == 17
    assert torch.allclose(keypoints[0], torch.tensor([31.5, 63.5, 1.0]))


def test_low_scores_are_missing() -> None:
    def faint(square: np.ndarray) -> np.ndarray:
        points = np.full((17, 3), 0.5, np.float32)
        points[5, 2] = 0.1  # the left shoulder, and so the neck
        return points

    keypoints = MoveNet(network=faint, flip=False).crops([np.zeros((64, 64, 3), np.uint8)])[0]
    missing = {JOINTS[j] for j in range(18) if keypoints[j, 2] == 0}
    assert missing == {"left_shoulder", "neck"}


def test_names_tell_settings_apart() -> None:
    made = [MoveNet(network=fakes.network, flip=flip, threshold=t) for flip in (False, True) for t in (0.2, 0.3)]
    assert len({one.name for one in made}) == 4
    assert isinstance(made[0], KeypointEstimator)


# -- turned pictures ------------------------------------------------------------------------------------------------


def upright_only(square: np.ndarray) -> np.ndarray:
    """A network that is sure of people whose head is above their feet, and guesses at others."""
    joints = fakes.network(square)
    if joints[:, 2].any() and joints[0, 0] >= joints[[15, 16], 0].mean() - 0.15:
        joints[:, 2] = np.where(joints[:, 2] > 0, 0.4, 0)
    return joints


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_people_in_turned_pictures(quarters: int) -> None:
    width, height = 260, 400
    points = fakes.joints(40, 60, 300)
    turned, places = np.rot90(fakes.draw(width, height, [points]), quarters), points.copy()
    for done in range(quarters):  # an edge at x = width comes to y = 0
        across = (width, height)[done % 2]
        places = np.stack([places[:, 1], across - places[:, 0]], axis=1)
    (person,) = MoveNet(network=upright_only, flip=False).people(np.ascontiguousarray(turned))
    assert off(person.keypoints, places) < 1.5  # left and right stay the person's
    left, top, right, bottom = person.box
    assert left < places[:, 0].min() < places[:, 0].max() < right
    assert top < places[:, 1].min() < places[:, 1].max() < bottom


KNEES = [13, 14]


def confused(surer: str, knees: float = 0.5) -> Callable[[np.ndarray], np.ndarray]:
    """A network whose look at the mirror image calls the left knee right; the mark in the picture tells which it is.

    `surer`: the look with the higher scores. `knees`: how sure the plain look is of the knees alone.
    """
    points = fakes.joints(0, 0, 180) / 192

    def network(square: np.ndarray) -> np.ndarray:
        seen = np.column_stack([points[:, ::-1], np.full(17, 0.5)]).astype(np.float32)
        if square[:8, :96].any():  # the plain look: the mark lies on its left
            seen[:, 2] += 0.2 * (surer == "plain")
            seen[KNEES, 2] = knees
            return seen
        seen[:, 1] = 1 - seen[:, 1]
        seen[:, 2] += 0.2 * (surer == "mirrored")
        return seen[[0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, *KNEES, 16, 15]]

    return network


def marked() -> np.ndarray:
    picture = np.zeros((192, 192, 3), np.uint8)
    picture[:4, :8] = 255
    return picture


def knees_of(movenet: MoveNet, matched: bool) -> np.ndarray:
    return movenet.look(PIL.Image.fromarray(marked()), 96, 96, 192, matched)[KNEES, :2] / 192


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("surer", ["plain", "mirrored"])
def test_a_pair_that_two_looks_name_differently_keeps_its_two_joints(surer: str, version: Literal[1, 2]) -> None:
    """Their mean would lie between the knees, twice."""
    movenet = MoveNet(network=confused(surer), version=version)
    knees, wanted = knees_of(movenet, True), (fakes.joints(0, 0, 180) / 192)[KNEES]
    assert np.allclose(knees, wanted if surer == "plain" else wanted[::-1], atol=1e-6)
    mixed = knees_of(movenet, False)
    assert np.abs(mixed[0] - mixed[1])[0] < np.abs(knees[0] - knees[1])[0] / 2


def test_names_are_those_of_the_look_that_is_surer_of_the_whole_person() -> None:
    """Version 1 asked which look is surer of the pair."""
    network, wanted = confused("plain", knees=0.3), (fakes.joints(0, 0, 180) / 192)[KNEES]
    assert np.allclose(knees_of(MoveNet(network=network), True), wanted, atol=1e-6)
    assert np.allclose(knees_of(MoveNet(network=network, version=1), True), wanted[::-1], atol=1e-6)


@pytest.mark.parametrize("version", [1, 2])
def test_crops_match_names_since_version_2(version: Literal[1, 2]) -> None:
    keypoints = MoveNet(network=confused("plain"), version=version).crops([marked()])[0].numpy()
    apart = abs(keypoints[JOINTS.index("left_knee"), 0] - keypoints[JOINTS.index("right_knee"), 0])
    assert apart > 20 if version == 2 else apart < 10


def test_version_1_is_an_estimator_of_its_own() -> None:
    first, second = MoveNet1(network=fakes.network), MoveNet(network=fakes.network)
    assert first.name == "movenet-lightning-1-0.25-flip"
    assert second.name == "movenet-lightning-2-0.256-flip"
    assert ESTIMATORS["keypoints"]["movenet-1"] == "repose.estimate.movenet:MoveNet1"


def test_places_of_several_looks_cancel_out() -> None:
    """A person is looked at from two places on either side of the centre."""
    asked = []

    def network(square: np.ndarray) -> np.ndarray:
        asked.append(square)
        return np.full((17, 3), 0.5, np.float32)

    ramp = np.repeat(np.arange(192, dtype=np.uint8)[None, :, None], 192, 0).repeat(3, 2)
    joints = MoveNet(network=network, flip=False).look(PIL.Image.fromarray(ramp), 96, 96, 192)
    assert np.allclose(joints, [96, 96, 0.5])
    first, second = (float(square[96, 48:144, 0].astype(float).mean()) for square in asked)
    assert abs(first - second) == pytest.approx(2 * 192 * _SHIFTS[2][0][0], abs=0.2)
    assert first + second == pytest.approx(2 * 95.5, abs=0.5)


def test_who_is_surely_upright_is_looked_at_no_longer_than_before() -> None:
    looks = 0

    def counting(square: np.ndarray) -> np.ndarray:
        nonlocal looks
        looks += 1
        return upright_only(square)

    picture = fakes.draw(260, 400, [fakes.joints(40, 60, 300)])
    movenet = MoveNet(network=counting)
    movenet.people(picture)
    upright, looks = looks, 0
    movenet.people(np.ascontiguousarray(picture[::-1]))
    assert looks > 3 * upright > 0


# -- the file -------------------------------------------------------------------------------------------------------


def test_another_network(shared: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    with pytest.raises(ValueError, match="is not MoveNet"):
        MoveNet(shared / "models" / "selfie_segmentation.tflite")


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(ImportError, match=r"pip install 'pose-transfer\[estimate\]' \(from a checkout: pip "):
        MoveNet("a.tflite")


# -- real photographs -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def movenet(shared: Path) -> MoveNet:
    pytest.importorskip("ai_edge_litert")
    return MoveNet(shared / "models" / "movenet_lightning.tflite")


@pytest.fixture(scope="module")
def photographs(market: Path) -> tuple[list[np.ndarray], np.ndarray]:
    """60 test photographs of Market-1501 and their annotation (60, 18, 2), -1 missing."""
    with (market / "market-annotation-test.csv").open() as stream:
        rows = {r["name"]: (r["keypoints_x"], r["keypoints_y"]) for r in csv.DictReader(stream, delimiter=":")}
    paths = [p for p in sorted((market / "bounding_box_test").glob("*.jpg"))[::5] if p.name in rows][:60]
    images = [np.asarray(PIL.Image.open(path).convert("RGB")) for path in paths]
    annotated = np.array([[json.loads(axis) for axis in rows[path.name]] for path in paths]).transpose(0, 2, 1)
    return images, annotated


def agreement(keypoints: np.ndarray, annotated: np.ndarray) -> float:
    """The share of annotated joints found within 8 pixels."""
    near = np.linalg.norm(keypoints[..., :2] - annotated, axis=-1) <= 8
    return float((near & (keypoints[..., 2] > 0))[(annotated >= 0).all(-1)].mean())


def test_agreement_with_the_annotation(movenet: MoveNet, photographs: tuple[list[np.ndarray], np.ndarray]) -> None:
    images, annotated = photographs
    assert len(images) == 60
    assert agreement(movenet.crops(images).numpy(), annotated) > 0.92  # 0.95 on 400


def test_people_on_photographs(movenet: MoveNet, photographs: tuple[list[np.ndarray], np.ndarray]) -> None:
    images, annotated = photographs[0][:15], photographs[1][:15]
    found = [movenet.people(image) for image in images]
    assert all(found)
    assert sum(len(people) for people in found) <= 17
    assert agreement(torch.stack([choose(people).keypoints for people in found]).numpy(), annotated) > 0.9


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_turned_photographs(movenet: MoveNet, photographs: tuple[list[np.ndarray], np.ndarray], quarters: int) -> None:
    """Before turned pictures were tried: 0.29, 0.13 and 0.27 of the joints of 120 photographs; since: 0.92."""
    images, annotated = photographs[0][:15], photographs[1][:15].copy()
    missing = (annotated < 0).any(-1)
    for done in range(quarters):
        across = (64, 128)[done % 2]
        annotated = np.stack([annotated[..., 1], across - 1 - annotated[..., 0]], axis=-1)
    annotated[missing] = -1
    found = [movenet.people(np.ascontiguousarray(np.rot90(image, quarters))) for image in images]
    assert agreement(torch.stack([choose(people).keypoints for people in found]).numpy(), annotated) > 0.9


def test_several_on_one_real_picture(movenet: MoveNet, photographs: tuple[list[np.ndarray], np.ndarray]) -> None:
    ramp = np.linspace(90, 160, 480 * 720).reshape(480, 720).astype(np.uint8)
    canvas = np.dstack([ramp] * 3)
    places = [(20, 30, 420), (300, 100, 340), (540, 150, 260)]
    for image, (x, y, height) in zip(photographs[0][::7], places, strict=False):
        person = PIL.Image.fromarray(image).resize((height // 2, height), PIL.Image.Resampling.BICUBIC)
        canvas[y : y + height, x : x + height // 2] = np.asarray(person)
    found = movenet.people(canvas)
    assert len(found) == 3
    for person, (x, y, height) in zip(found, places, strict=True):
        seen = person.keypoints[person.keypoints[:, 2] > 0]
        assert ((seen[:, 0] >= x - 9) & (seen[:, 0] <= x + height // 2 + 9)).all()
        assert ((seen[:, 1] >= y - 9) & (seen[:, 1] <= y + height + 9)).all()


def test_nobody_on_a_real_network(movenet: MoveNet) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    assert movenet.people(noise) == []
