"""The parsing of one person by the shipped network: shapes, nobody, other people, determinism, a floor of quality."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from repose.data.store import Store
from repose.estimate import estimator
from repose.estimate import person_parsing as module
from repose.estimate.base import ParsingEstimator
from repose.estimate.bodypix import BodyPix
from repose.estimate.person_parsing import Crop, PersonParsing, crop_around, cut, moved_into
from repose.represent.canvas import to_uint8
from repose.research.parsing import measure_rendered
from tests.estimate import fakes
from tests.estimate.test_selfie import keypoints

STORE = Path(__file__).parents[1] / "compatibility" / "files" / "store"
"""Six rendered people of 128x64 with exact labels, none of which the training saw."""


@pytest.fixture(scope="module")
def parsing() -> PersonParsing:
    return PersonParsing(bodypix=False)


@pytest.mark.parametrize(("width", "height", "tall"), [(200, 400, 320), (64, 128, 110), (300, 220, 400)])
def test_shape_labels_and_determinism(parsing: PersonParsing, width: int, height: int, tall: float) -> None:
    points = fakes.joints(0.3 * width, 0.1 * height, tall)
    image, _ = fakes.figure(width, height, [points])
    joints = keypoints(points, width, height)
    labels = parsing.parsing(image, joints)
    assert labels.shape == (height, width)
    assert labels.dtype == torch.int64
    assert 0 <= int(labels.min()) <= int(labels.max()) < 20
    assert torch.equal(labels, parsing.parsing(image, joints))


def test_nobody(parsing: PersonParsing) -> None:
    assert not parsing.parsing(np.zeros((50, 40, 3), np.uint8), torch.zeros(18, 3)).any()


def test_far_from_the_joints_is_background(parsing: PersonParsing) -> None:
    points = fakes.joints(40, 40, 300)
    image, _ = fakes.figure(900, 400, [points, fakes.joints(700, 40, 300)])
    labels = parsing.parsing(image, keypoints(points, 900, 400))
    assert not labels[:, 600:].any()


def test_a_crop_holds_its_joints_and_is_grey_beyond_the_photograph() -> None:
    points = fakes.joints(30, 20, 160)
    joints = keypoints(points, 120, 200)
    crop = crop_around(joints, 200, 120)
    moved = moved_into(joints, crop)
    located = moved[joints[:, 2] > 0]
    assert (located[:, 0] >= 0).all()
    assert (located[:, 0] < 192).all()
    assert (located[:, 1] < 256).all()
    picture = cut(np.full((200, 120, 3), 255, np.uint8), Crop(-96, 0, 1))
    assert (picture[:, :96] == 128).all()
    assert (picture[:200, 96:] == 255).all()
    assert (picture[200:] == 128).all()


def test_name_and_default(parsing: PersonParsing, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(parsing, ParsingEstimator)
    assert PersonParsing(bodypix=BodyPix(network=fakes.body_network)).name != parsing.name
    built: list[str] = []
    monkeypatch.setattr("repose.estimate.table._build", lambda path: built.append(path))
    estimator(field="parsing")
    assert built == ["repose.estimate.person_parsing:PersonParsing"]


@pytest.mark.parametrize("error", [ImportError, FileNotFoundError])
def test_without_bodypix_it_warns_and_says_so(
    error: type[Exception], parsing: PersonParsing, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*args: Any) -> BodyPix:
        raise error("bodypix is not here\nit was searched in many places")

    monkeypatch.setattr(module, "BodyPix", missing)
    with pytest.warns(UserWarning, match="without BodyPix: bodypix is not here$"):
        bare = PersonParsing()
    assert bare.name == parsing.name == "person-parser-1"
    person = Store.open(STORE).person([0], ("image", "keypoints"))[0]
    assert person.image is not None
    assert person.keypoints is not None
    image = to_uint8(person.image)
    assert torch.equal(bare.parsing(image, person.keypoints), parsing.parsing(image, person.keypoints))
    with pytest.raises(error, match="not here"):
        PersonParsing(bodypix=True)


def test_rendered_people_are_labelled(parsing: PersonParsing) -> None:
    measured = measure_rendered(Store.open(STORE), range(6), parsing)
    assert measured.mean_iou is not None
    assert measured.mean_iou > 0.4
    assert min(measured.region_iou.values()) > 0.75


@pytest.mark.parametrize("half", ["upper", "lower"])
def test_half_bodies_are_labelled(parsing: PersonParsing, half: str) -> None:
    """Cut at the hips, the labels of what is left stay mostly right."""
    store, right, pixels = Store.open(STORE), 0, 0
    for record in range(6):
        person = store.person([record], ("image", "keypoints", "parsing"))[0]
        assert person.image is not None
        assert person.keypoints is not None
        assert person.parsing is not None
        joints = person.keypoints.clone()
        hips = round(float(joints[[8, 11], 1].mean()))
        rows = slice(0, hips) if half == "upper" else slice(hips, 128)
        inside = (joints[:, 2:] > 0) & (joints[:, 1:2] >= rows.start) & (joints[:, 1:2] < rows.stop)
        joints = torch.where(inside, joints - torch.tensor([0.0, rows.start, 0.0]), 0.0)
        labels = parsing.parsing(np.ascontiguousarray(to_uint8(person.image)[rows]), joints)
        true = person.parsing[rows]
        assert labels.shape == true.shape
        right += int(((labels == true) & (true > 0)).sum())
        pixels += int((true > 0).sum())
    assert right / pixels > 0.55


def test_another_person_beside_is_background(parsing: PersonParsing) -> None:
    """Two people in one picture: the joints say whose labels are wanted."""
    store, other, whole = Store.open(STORE), 0, 0
    for first, second in ((0, 2), (2, 4), (4, 0)):
        people = store.person([first, second], ("image", "keypoints", "parsing"))
        assert people.image is not None
        assert people.keypoints is not None
        assert people.parsing is not None
        image = np.concatenate([to_uint8(one) for one in people.image], 1)
        labels = parsing.parsing(image, people.keypoints[0])
        beside = people.parsing[1] > 0
        other += int((labels[:, 64:][beside] > 0).sum())
        whole += int(beside.sum())
        assert (labels[:, :64][people.parsing[0] > 0] > 0).float().mean() > 0.7
    assert other / whole < 0.1
