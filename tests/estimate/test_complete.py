"""A person's missing fields, filled from the photograph; and who supplies what cannot be filled."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from repose.estimate import (
    ESTIMATORS,
    Detection,
    Estimator,
    MissingFieldError,
    NobodyFound,
    complete,
    estimator,
    supplier,
)
from repose.estimate.base import Image
from repose.estimate.selfie import Selfie
from repose.hub.fetch import FileMissingError
from repose.person import Person
from repose.represent.canvas import from_uint8, to_uint8
from tests import tiny
from tests.estimate import fakes


class Joints:
    """Two people, the larger first; notes what it was asked."""

    name = "joints-of-tests"

    def __init__(self) -> None:
        self.asked: list[Image] = []

    def people(self, image: Image) -> list[Detection]:
        self.asked.append(image)
        one, two = torch.ones(18, 3), torch.ones(18, 3) * 2
        two[:, 2] = 1
        return [Detection(two, (0, 0, 9, 9), 0.5), Detection(one, (0, 0, 1, 1), 0.9)]

    def crops(self, images: Sequence[Image]) -> torch.Tensor:
        raise AssertionError("the person is looked for on the whole photograph")


class Maps:
    """An estimator of each of the other fields that notes what it was given."""

    name = "maps-of-tests"

    def __init__(self) -> None:
        self.given: list[tuple[Image, torch.Tensor]] = []

    def mask(self, image: Image, keypoints: torch.Tensor) -> torch.Tensor:
        self.given.append((image, keypoints))
        return torch.full((1, *image.shape[:2]), 0.2)

    def parsing(self, image: Image, keypoints: torch.Tensor) -> torch.Tensor:
        self.given.append((image, keypoints))
        return torch.full(image.shape[:2], 5)

    def iuv(self, image: Image, keypoints: torch.Tensor) -> torch.Tensor:
        self.given.append((image, keypoints))
        return torch.full((3, *image.shape[:2]), 1.0)


PIXELS = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
BARE = Person(image=from_uint8(PIXELS))
PLACED = replace(BARE, keypoints=torch.ones(18, 3))


def test_what_is_there_stays() -> None:
    whole = replace(PLACED, mask=torch.zeros(1, 20, 30))
    for fields in ([], ["image", "keypoints", "mask"], "mask"):
        person, origin = complete(whole, fields)
        assert person is whole
        assert origin == {}


def test_what_is_missing_is_filled_and_says_from_where() -> None:
    joints, maps = Joints(), Maps()
    using: dict[str, str | Estimator] = {"keypoints": joints, "mask": maps, "parsing": maps, "iuv": maps}
    person, origin = complete(BARE, ("iuv", "mask", "image", "parsing", "keypoints"), using)
    assert list(origin.items()) == [
        ("keypoints", "joints-of-tests"),
        ("mask", "maps-of-tests"),
        ("parsing", "maps-of-tests"),
        ("iuv", "maps-of-tests"),
    ]
    assert person.keypoints is not None
    assert (person.keypoints[:, :2] == 2).all(), "the larger one"
    assert person.mask is not None
    assert (person.mask == 0.2).all()
    assert person.parsing is not None
    assert (person.parsing == 5).all()
    assert person.iuv is not None
    assert person.depth is None
    assert torch.equal(person.image, BARE.image)  # type: ignore[arg-type]
    assert np.array_equal(joints.asked[0], PIXELS)
    for image, keypoints in maps.given:
        assert np.array_equal(image, PIXELS)
        assert torch.equal(keypoints, person.keypoints)
    person, origin = complete(BARE, "keypoints", using, which=1)
    assert person.keypoints is not None
    assert (person.keypoints[:, :2] == 1).all()
    assert list(origin) == ["keypoints"]


def test_joints_come_along_where_they_are_needed() -> None:
    joints, maps = Joints(), Maps()
    person, origin = complete(BARE, "mask", {"keypoints": joints, "mask": maps})
    assert list(origin) == ["keypoints", "mask"]
    assert person.keypoints is not None
    person, origin = complete(PLACED, "mask", {"keypoints": joints, "mask": maps})
    assert list(origin) == ["mask"]
    assert len(joints.asked) == 1, "joints that are there are not estimated"
    assert torch.equal(maps.given[1][1], torch.ones(18, 3))


def test_by_name_and_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.seeing(monkeypatch)
    monkeypatch.setitem(ESTIMATORS, "mask", {"one": "tests.estimate.test_complete:Maps", "two": "tests.tiny:NoSuch"})
    person = Person(image=from_uint8(tiny.photograph()))
    person, origin = complete(person, "mask")
    assert origin == {"keypoints": tiny.Eyes().name, "mask": "maps-of-tests"}
    assert origin["keypoints"] == estimator().name
    with pytest.raises(AttributeError, match="NoSuch"):
        complete(replace(person, mask=None), "mask", {"mask": "two"})


def test_the_person_on_a_photograph(monkeypatch: pytest.MonkeyPatch) -> None:
    """Joints and the mask of people of dots: every dot of the person lies in the mask."""
    tiny.seeing(monkeypatch)
    pixels = tiny.photograph()

    def bright(square: np.ndarray) -> np.ndarray:
        return (square[..., 2] > 0.5).astype(np.float32)

    person, origin = complete(Person(image=from_uint8(pixels)), "mask", {"mask": Selfie(network=bright)})
    assert list(origin) == ["keypoints", "mask"]
    assert person.mask is not None
    dots = torch.from_numpy(pixels[..., 2] > 240)
    assert float((person.mask[0] > 0.5)[dots].float().mean()) > 0.9
    assert float((person.mask[0] > 0.5)[~dots].float().mean()) < 0.02


def test_values_lie_where_the_photograph_does() -> None:
    for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        person, _ = complete(PLACED.to(device), "mask", {"mask": Maps()})
        assert person.mask is not None
        assert person.mask.device.type == device


# -- errors ---------------------------------------------------------------------------------------------------------


def test_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.seeing(monkeypatch)
    with pytest.raises(NobodyFound, match="no person was found"):
        complete(Person(image=torch.zeros(3, 64, 64)), "mask", {"mask": Maps()})


def test_no_located_joint() -> None:
    with pytest.raises(ValueError, match="no joint of the person is located, so nothing says whose mask is wanted"):
        complete(replace(BARE, keypoints=torch.zeros(18, 3)), "mask", {"mask": Maps()})


def test_a_batch() -> None:
    with pytest.raises(ValueError, match="unbatched"):
        complete(PLACED.batch(), "mask", {"mask": Maps()})


def test_no_photograph() -> None:
    with pytest.raises(MissingFieldError, match=r"no photograph to estimate mask from; repose\.read_person\(PHOTO\)"):
        complete(Person(keypoints=torch.ones(18, 3), size=(9, 9)), "mask")
    with pytest.raises(MissingFieldError, match="no photograph"):
        complete(Person(keypoints=torch.ones(18, 3), size=(9, 9)), "image")


def test_unknown_words() -> None:
    with pytest.raises(ValueError, match="Person has no field 'masks'; did you mean 'mask'"):
        complete(PLACED, ["masks"])
    with pytest.raises(ValueError, match="no field 'pose'"):
        complete(PLACED, ["mask"], {"pose": "movenet"})
    with pytest.raises(ValueError, match="no estimator of mask is called 'selfy'; did you mean 'selfie'"):
        complete(PLACED, "mask", {"mask": "selfy"})


def test_an_estimator_of_another_field() -> None:
    with pytest.raises(ValueError, match="Joints is no estimator of mask"):
        complete(PLACED, "mask", {"mask": Joints()})
    with pytest.raises(ValueError, match="Maps is no estimator of depth"):
        complete(PLACED, "depth", {"depth": Maps()})


@pytest.mark.parametrize("field", ["parsing", "iuv", "depth"])
def test_a_field_without_an_estimator(field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if field in ESTIMATORS:
        monkeypatch.setitem(ESTIMATORS, field, {})
    for using in (None, {field: "selfie"}):
        with pytest.raises(
            MissingFieldError, match=f"the person lacks {field}, .*`repose prepare synthetic`"
        ) as caught:
            complete(PLACED, field, using)
        assert isinstance(caught.value, ValueError)
        assert "has no estimator" in str(caught.value)


def test_nothing_is_estimated_if_something_cannot_be() -> None:
    joints = Joints()
    with pytest.raises(MissingFieldError):
        complete(BARE, ["keypoints", "depth"], {"keypoints": joints})
    assert joints.asked == []


def test_without_the_weight_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("REPOSE_CACHE", tmp_path), ("REPOSE_FILES", ""), ("REPOSE_OFFLINE", "1")):
        monkeypatch.setenv(name, str(value))
    monkeypatch.setitem(ESTIMATORS, "mask", {"selfie": "tests.estimate.test_complete:Absent"})
    with pytest.raises(MissingFieldError) as caught:
        complete(PLACED, "mask")
    text = str(caught.value)
    for part in (
        "lacks mask",
        "selfie_segmentation.tflite",
        "REPOSE_OFFLINE",
        str(tmp_path),
        "set Person.mask yourself",
    ):
        assert part in text
    assert "repose.estimate.complete" not in text, "that is what has just failed"
    assert isinstance(caught.value.__cause__, FileMissingError)


class Absent(Selfie):
    """The real one, under another name: this process may have the real one in memory already."""


def test_without_the_package(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    monkeypatch.setitem(__import__("sys").modules, "ai_edge_litert.interpreter", None)
    monkeypatch.setitem(ESTIMATORS, "mask", {"selfie": "tests.estimate.test_complete:Absent"})
    with pytest.raises(
        MissingFieldError, match=r"(?s)ai-edge-litert, which is not installed.*set Person\.mask yourself"
    ):
        complete(PLACED, "mask")


# -- who supplies what ----------------------------------------------------------------------------------------------


def test_every_field_has_a_supplier(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in ("image", "keypoints", "parsing", "iuv", "mask", "depth"):
        text = supplier(field)
        assert text
        assert not text.endswith(".")
        assert ("complete(" in text) is (field not in ("image", "keypoints") and bool(ESTIMATORS.get(field)))
        assert ("has no estimator" in text) is (field not in ("image", "keypoints") and not ESTIMATORS.get(field))
    monkeypatch.setitem(ESTIMATORS, "parsing", {"new": "somewhere:New"})
    assert supplier("parsing").startswith("repose.estimate.complete(person, 'parsing') estimates it")


def test_the_sentence_about_masks_is_true(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ai_edge_litert")
    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    assert supplier("mask").startswith("repose.estimate.complete(person, 'mask') estimates it from the photograph")
    image, _ = fakes.figure(90, 160, [fakes.joints(10, 10, 140)])
    person = Person(image=from_uint8(image), keypoints=torch.ones(18, 3) * 40)
    person, origin = complete(person, "mask")
    assert person.mask is not None
    assert origin == {"mask": estimator(field="mask").name}
    assert np.array_equal(to_uint8(person.image), image)  # type: ignore[arg-type]
