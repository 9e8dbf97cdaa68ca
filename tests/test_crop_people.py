"""scripts/crop_people.py: who is the same person, what makes a crop, and which crops are alike."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from repose.estimate import Detection
from repose.person import JOINTS

SCRIPT = Path(__file__).parents[1] / "scripts" / "crop_people.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("crop_people", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look for it there
    spec.loader.exec_module(module)
    return module


def sighting(script: ModuleType, x: float, colour: float = 100, frame: int = 0, raised: float = 0) -> object:
    pose = np.ones((18, 3))
    pose[4, 1] -= raised
    picture = np.zeros((4, 4, 3), np.uint8)
    return script.Sighting(frame, (x, 0.0, x + 100.0, 300.0), pose, np.full(3, colour), picture)


def person(x: float = 300, y: float = 40, tall: float = 300) -> Detection:
    joints = torch.rand(18, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([100, tall, 0])
    joints += torch.tensor([x, y, 1])
    return Detection(joints, (x, y, x + 100, y + tall), 0.9)


def test_a_person_goes_on_and_a_stranger_is_new(script: ModuleType) -> None:
    track = script.Track([sighting(script, 0)])
    near, far = sighting(script, 20, frame=1), sighting(script, 500, frame=1)
    assert script.assigned([track], [near, far]) == [far]
    assert track.sightings[-1] is near


def test_another_colour_in_the_same_place_is_another_person(script: ModuleType) -> None:
    track = script.Track([sighting(script, 0, 20)])
    other = sighting(script, 10, 200, frame=1)
    assert script.assigned([track], [other]) == [other]
    assert not track.open


def test_where_two_meet_both_names_end(script: ModuleType) -> None:
    tracks = [script.Track([sighting(script, 0)]), script.Track([sighting(script, 60)])]
    between = sighting(script, 30, frame=1)
    assert script.assigned(tracks, [between]) == [between]
    assert not tracks[0].open
    assert not tracks[1].open


def test_a_moment_of_another_colour_does_not_change_the_track(script: ModuleType) -> None:
    """A ball before the trunk: the colour is the median of the last sightings."""
    track = script.Track([sighting(script, 0, colour) for colour in (100, 100, 130, 100)])
    assert (track.colour == 100).all()


def test_crops_that_are_alike_are_left_out(script: ModuleType) -> None:
    raised = (0, 0.02, 0.1, 0.09, 0.3)
    track = script.Track([sighting(script, 0, frame=k, raised=one) for k, one in enumerate(raised)])
    assert [one.frame for one in script.written(track, 0.06)] == [0, 2, 4]


def test_a_crop_has_the_proportions_of_the_canvas(script: ModuleType) -> None:
    picture = np.zeros((400, 800, 3), np.uint8)
    alone = person()
    crop = script.crop_of(picture, alone, [alone], 200)
    assert crop.shape[1] / crop.shape[0] == pytest.approx(176 / 256, rel=0.01)
    assert crop.shape[0] == pytest.approx(330, abs=2)


def test_who_makes_no_crop(script: ModuleType) -> None:
    picture = np.zeros((400, 800, 3), np.uint8)
    small = person()
    assert script.crop_of(picture, small, [small], 301) is None, "too small"
    hidden = person()
    for name in ("right_ankle", "left_ankle"):
        hidden.keypoints[JOINTS.index(name), 2] = 0
    assert script.crop_of(picture, hidden, [hidden], 200) is None, "no foot"
    leaving = person(x=720)
    assert script.crop_of(picture, leaving, [leaving], 200) is None, "half out of the frame"
    one, other = person(), person(x=380)
    assert script.crop_of(picture, one, [one, other], 200) is None, "two people in it"


def test_without_pyav(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setattr(script, "estimator", lambda name: None)
    assert script.main(["walk.mp4", "--out", str(tmp_path)]) == 1
    assert "pip install av" in capsys.readouterr().err
