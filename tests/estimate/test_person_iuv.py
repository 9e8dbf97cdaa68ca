"""IUV of a dressed person: around networks that see colours, and measured on rendered people."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

pytest.importorskip("numba")

from repose.body.dressed import PART_GROUPS
from repose.estimate import IUVEstimator
from repose.estimate import person_iuv as module
from repose.estimate.body_iuv import BodyIUV
from repose.estimate.bodypix import PARTS, BodyParts, BodyPix
from repose.estimate.person_iuv import PersonIUV, chances_of_groups
from repose.estimate.person_mask import PersonMask
from repose.estimate.selfie import Selfie
from tests.estimate import fakes
from tests.estimate.test_selfie import keypoints

TALL = 300
WIDTH, HEIGHT = 240, 380


@pytest.fixture
def mask() -> PersonMask:
    return PersonMask(Selfie(network=fakes.person_network), BodyPix(network=fakes.body_network))


@pytest.fixture
def person_iuv(mask: PersonMask) -> PersonIUV:
    return PersonIUV(mask)


@pytest.fixture
def person() -> tuple[np.ndarray, torch.Tensor]:
    points = fakes.joints(50, 35, TALL)
    image, _ = fakes.figure(WIDTH, HEIGHT, [points])
    return image, keypoints(points, WIDTH, HEIGHT)


def test_every_pixel_of_the_mask_has_a_part(
    person_iuv: PersonIUV, mask: PersonMask, person: tuple[np.ndarray, torch.Tensor]
) -> None:
    image, joints = person
    assert isinstance(person_iuv, IUVEstimator)
    iuv, figure = person_iuv.iuv(image, joints), mask.mask(image, joints)[0] >= 0.5
    assert iuv.shape == (3, HEIGHT, WIDTH)
    assert torch.equal(iuv[0] > 0, figure), "neither naked skin beyond the mask nor a hole within"
    assert figure.sum() > 5000
    assert torch.equal((iuv[1:] * 255).round() / 255, iuv[1:])
    assert 0 <= float(iuv[1:].min()) <= float(iuv[1:].max()) <= 1
    assert not iuv[:, ~figure].any()
    for joint, parts in ((3, (16, 18, 20, 22)), (9, (7, 9, 11, 13)), (12, (8, 10, 12, 14)), (0, (23, 24))):
        x, y = joints[joint, :2].round().int().tolist()
        assert int(iuv[0, y, x]) in parts


def test_large_photographs_are_like_small_ones(person_iuv: PersonIUV, person: tuple[np.ndarray, torch.Tensor]) -> None:
    """Beyond 512 pixels the body is drawn smaller; the mask keeps the photograph's size."""
    image, joints = person
    times = 3
    large = np.kron(image, np.ones((times, times, 1), np.uint8))
    wide = joints.clone()
    wide[:, :2] = ((joints[:, :2] + 0.5) * times - 0.5) * (joints[:, 2:] > 0)
    small, big = person_iuv.iuv(image, joints), person_iuv.iuv(large, wide)
    assert big.shape == (3, times * HEIGHT, times * WIDTH)
    centre = big[:, times // 2 :: times, times // 2 :: times]
    both = (small[0] > 0) & (centre[0] > 0)
    assert both.sum() > 0.95 * (small[0] > 0).sum()
    assert (small[0] == centre[0])[both].float().mean() > 0.95


@pytest.mark.parametrize("located", [[], [0], [0, 1, 2, 5]])
def test_too_few_joints_give_nothing(
    person_iuv: PersonIUV, person: tuple[np.ndarray, torch.Tensor], located: list[int]
) -> None:
    image, joints = person
    few = torch.zeros(18, 3)
    few[located] = joints[located]
    assert not person_iuv.iuv(image, few).any()


def test_the_networks_run_once_for_mask_and_iuv(person: tuple[np.ndarray, torch.Tensor]) -> None:
    calls: list[str] = []

    def selfie(square: np.ndarray) -> np.ndarray:
        calls.append("selfie")
        return fakes.person_network(square)

    def bodypix(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        calls.append("bodypix")
        return fakes.body_network(picture)

    mask = PersonMask(Selfie(network=selfie), BodyPix(network=bodypix))
    first = mask.mask(*person)
    once = list(calls)
    assert once.count("bodypix") == 2, "the picture and its mirror image"
    PersonIUV(mask).iuv(*person)
    assert calls == once
    first.zero_()
    assert mask.mask(*person).any(), "a caller may change what they got"


def test_chances_are_chances() -> None:
    """Each of BodyPix's 24 parts belongs to one group, and left is left."""
    scores = np.zeros((3, 2, 24), np.float32)
    scores[0, 0, PARTS.index("left lower arm, back")] = 50
    scores[2, 1, PARTS.index("right face")] = 50
    given = chances_of_groups(BodyParts(np.zeros((3, 2), np.float32), scores, (0, 0, 33, 17)), (33, 17))
    assert given.shape == (14, 33, 17)
    assert torch.allclose(given.exp().sum(0), torch.ones(33, 17), atol=1e-4)
    assert PART_GROUPS[int(given[:, 0, 0].argmax())] == (19, 21)
    assert PART_GROUPS[int(given[:, 32, 16].argmax())] == (23, 24)


def test_without_networks_it_is_the_naked_body(
    person: tuple[np.ndarray, torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*names: str, **fields: str) -> Any:
        raise FileNotFoundError("selfie_segmentation.tflite is not here\nit was searched in many places")

    monkeypatch.setattr(module, "estimator", missing)
    with pytest.warns(UserWarning, match="naked body alone.*selfie_segmentation.tflite is not here$"):
        bare = PersonIUV()
    assert bare.name == BodyIUV.name
    assert torch.equal(bare.iuv(*person), BodyIUV().iuv(*person))


def test_the_name_says_which_networks(person_iuv: PersonIUV, mask: PersonMask) -> None:
    assert person_iuv.name == f"person-iuv-1({BodyIUV.name},{mask.name})"
