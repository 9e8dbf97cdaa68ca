"""The parsing of one person by the shipped network: shapes, nobody, other people, determinism, a floor of quality."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from repose.estimate import estimator
from repose.estimate.base import ParsingEstimator
from repose.estimate.bodypix import BodyPix
from repose.estimate.person_parsing import Crop, PersonParsing, crop_around, cut, moved_into
from tests.estimate import fakes
from tests.estimate.test_selfie import keypoints


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
