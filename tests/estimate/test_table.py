"""Estimators by field and name, and the contract that every one of them keeps."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from repose.estimate import ESTIMATORS, KeypointEstimator, estimator
from repose.estimate.base import Image
from repose.estimate.table import CONTRACTS
from repose.person import LIP_LABELS, Person
from repose.represent.canvas import from_uint8
from tests import tiny

EVERY = [(field, name) for field, named in ESTIMATORS.items() for name in named]
OF_JOINTS = [one for one in EVERY if one[0] == "keypoints"]
GIVEN_JOINTS = [one for one in EVERY if one[0] != "keypoints"]


def test_the_table() -> None:
    assert list(CONTRACTS) == list(ESTIMATORS)
    assert set(ESTIMATORS) < set(Person.__dataclass_fields__)
    assert next(iter(ESTIMATORS)) == "keypoints", "the others need the joints"


def test_unknown_names() -> None:
    with pytest.raises(ValueError, match="no estimator of keypoints is called 'movnet'; did you mean 'movenet'"):
        estimator("movnet")
    with pytest.raises(ValueError, match=r"no estimator of mask is called 'movenet'; .*selfie"):
        estimator("movenet", field="mask")
    with pytest.raises(ValueError, match="called 'masks'; did you mean 'mask'"):
        estimator(field="masks")


def test_a_field_without_estimators(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ESTIMATORS, "parsing", {})
    with pytest.raises(ValueError, match="no estimator of parsing"):
        estimator(field="parsing")


def test_the_first_is_the_default_and_each_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.seeing(monkeypatch)
    assert estimator() is estimator("movenet") is estimator(field="keypoints")
    assert isinstance(estimator(), tiny.Eyes)


# -- the contract ---------------------------------------------------------------------------------------------------


@pytest.fixture(params=EVERY, ids="-".join)
def named(request: pytest.FixtureRequest, shared: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A field and the name of an estimator of it, whose package and weights are here."""
    pytest.importorskip("ai_edge_litert")
    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    field, name = request.param
    if name == "rtmpose":
        pytest.importorskip("rtmlib", reason="rtmlib (the extra `rtmpose`) is not installed", exc_type=ImportError)
        try:
            estimator(name)
        except FileNotFoundError:
            pytest.skip("the networks of RTMPose are not in rtmlib's cache")
    return field, name


@pytest.fixture(scope="module")
def photograph(market: Path) -> Image:
    path = sorted((market / "bounding_box_test").glob("*.jpg"))[10]
    with PIL.Image.open(path) as image:
        return np.array(image.convert("RGB"))


@pytest.fixture(scope="module")
def keypoints(photograph: Image, shared: Path) -> torch.Tensor:
    pytest.importorskip("ai_edge_litert")
    from repose.estimate.movenet import MoveNet

    return MoveNet(shared / "models" / "movenet_lightning.tflite").crops([photograph])[0]


def values(field: str, name: str, image: Image, keypoints: torch.Tensor) -> torch.Tensor:
    """What the estimator gives for one person of a picture."""
    network = estimator(name, field=field)
    if isinstance(network, KeypointEstimator):
        return network.crops([image])[0]
    given: torch.Tensor = getattr(network, field)(image, keypoints)
    return given


def check(field: str, value: torch.Tensor, image: Image) -> None:
    """Shape, type and range, and that stores and PNG files hold it without loss."""
    height, width = image.shape[:2]
    if field in ("keypoints", "extra_keypoints"):
        assert value.shape == (18 if field == "keypoints" else 48, 3)
        located = value[:, 2] > 0
        assert not value[~located].any()
        assert set(value[:, 2].unique().tolist()) <= {0.0, 0.5, 1.0}
        assert (value[located, :2] > -0.5).all()
        assert (value[located, :2] < torch.tensor([width - 0.5, height - 0.5])).all()
    elif field == "parsing":
        assert (value.shape, value.dtype) == ((height, width), torch.int64)
        assert 0 <= int(value.min()) <= int(value.max()) < len(LIP_LABELS)
    else:
        channels = {"mask": 1, "iuv": 3}[field]
        assert value.shape == (channels, height, width)
        part, rest = (value[:1], value[1:]) if field == "iuv" else (value[:0], value)
        assert not part.numel() or (part == part.round()).all()
        assert not part.numel() or 0 <= float(part.min()) <= float(part.max()) <= 24
        assert 0 <= float(rest.min()) <= float(rest.max()) <= 1
        assert torch.equal((rest * 255).round() / 255, rest)
    if field != "parsing":
        assert value.dtype == torch.float32
        assert torch.isfinite(value).all()
    Person(**{field: value, "image": from_uint8(image)})  # type: ignore[arg-type]


def test_every_estimator_on_a_photograph(named: tuple[str, str], photograph: Image, keypoints: torch.Tensor) -> None:
    field, name = named
    network = estimator(name, field=field)
    assert isinstance(network, CONTRACTS[field])
    assert network is estimator(name, field=field)
    assert isinstance(network.name, str)
    assert network.name
    before = photograph.copy(), keypoints.clone()
    first, again = (values(field, name, photograph, keypoints) for _ in range(2))
    check(field, first, photograph)
    assert first.any() or field == "extra_keypoints"  # a photograph of 128x64 shows no fingers, and feet may be hidden
    assert torch.equal(first, again)
    assert np.array_equal(photograph, before[0])
    assert torch.equal(keypoints, before[1])


@pytest.mark.parametrize("size", [(64, 32), (33, 190), (400, 300)])
def test_every_estimator_on_an_empty_picture(named: tuple[str, str], size: tuple[int, int]) -> None:
    field, name = named
    image = np.full((*size, 3), 127, np.uint8)
    joints = torch.ones(18, 3) * torch.tensor([size[1] - 1.0, size[0] - 1.0, 1.0])  # all in the last pixel
    check(field, values(field, name, image, joints), image)


@pytest.mark.parametrize("named", GIVEN_JOINTS, ids="-".join, indirect=True)
def test_every_estimator_without_a_located_joint(named: tuple[str, str], photograph: Image) -> None:
    field, name = named
    value = values(field, name, photograph, torch.zeros(18, 3))
    check(field, value, photograph)
    assert not value.any()


@pytest.mark.parametrize("named", OF_JOINTS, ids="-".join, indirect=True)
def test_every_estimator_of_joints_takes_none_and_several(named: tuple[str, str], photograph: Image) -> None:
    network = estimator(named[1])
    assert network.crops([]).shape == (0, 18, 3)
    assert network.crops([photograph, photograph[:, ::-1].copy()]).shape == (2, 18, 3)
    for person in network.people(photograph):
        check("keypoints", person.keypoints, photograph)
        assert 0 <= person.score <= 1
