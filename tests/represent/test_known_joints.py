"""Which pose of a keypoint file is a photograph's, and what is refused."""

from pathlib import Path

import pytest
import torch

from repose.person import Person
from repose.represent.known_joints import KeypointFile, joints_on
from repose.represent.pose_files import FormatError, write_keypoints


def pose(x: float) -> torch.Tensor:
    """18 seen joints in a column at x."""
    return torch.tensor([[x, 3.0 * number, 1.0] for number in range(18)])


def x_of(person: Person) -> float:
    assert person.keypoints is not None
    return float(person.keypoints[0, 0])


@pytest.fixture
def several(tmp_path: Path) -> Path:
    path = tmp_path / "poses.json"
    write_keypoints(path, {"me.png": pose(1), "you": pose(2), "a#b": pose(3)})
    return path


@pytest.fixture
def single(tmp_path: Path) -> Path:
    path = tmp_path / "single.json"
    write_keypoints(path, {"somebody": pose(4)}, size=(60, 40))
    return path


@pytest.mark.parametrize(
    ("photograph", "x"), [("me.png", 1), ("me.jpg", 1), ("me", 1), ("you.jpg", 2), ("you", 2), ("a#b.png", 3)]
)
@pytest.mark.parametrize("alone", [True, False])
def test_the_name_of_the_photograph_decides(photograph: str, x: float, alone: bool, several: Path) -> None:
    assert x_of(KeypointFile.read(several).pose_of(photograph, alone)) == x


def test_a_name_behind_the_file_decides(several: Path, tmp_path: Path) -> None:
    assert x_of(KeypointFile.read(f"{several}#you").pose_of("me.png")) == 2
    assert x_of(KeypointFile.read(f"{several}#a#b").pose_of("")) == 3
    with pytest.raises(ValueError, match=r"poses.json has no pose called 'yu'; did you mean 'you'\?"):
        KeypointFile.read(f"{several}#yu")
    marked = tmp_path / "one#two.json"
    write_keypoints(marked, {"me": pose(5)})
    assert x_of(KeypointFile.read(marked).pose_of("")) == 5, "a file may have the mark in its name"


def test_the_only_pose_is_taken_for_the_only_photograph(single: Path) -> None:
    assert x_of(KeypointFile.read(single).pose_of("me.jpg")) == 4
    assert x_of(KeypointFile.read(single).pose_of("")) == 4
    with pytest.raises(ValueError, match=r"single.json has no pose called 'me.jpg'; there are: somebody"):
        KeypointFile.read(single).pose_of("me.jpg", alone=False)


def test_of_several_photographs_each_has_a_pose_of_its_own(several: Path) -> None:
    with pytest.raises(ValueError, match=r"poses.json#you' is one pose, but there may be several photographs; give '"):
        KeypointFile.read(f"{several}#you").pose_of("me.png", alone=False)
    with pytest.raises(ValueError, match=r"has no pose called 'her.png'"):
        KeypointFile.read(several).pose_of("her.png", alone=False)


def test_what_may_be_meant_is_told(several: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"holds 3 poses that may be meant \(me.png, you, a#b\); name one: '.*#me.png'"
    ):
        KeypointFile.read(several).pose_of("her.png")
    twice = tmp_path / "twice.json"
    write_keypoints(twice, {"me.png": pose(1), "me.jpg": pose(2)})
    assert x_of(KeypointFile.read(twice).pose_of("me.jpg")) == 2
    with pytest.raises(ValueError, match="holds 2 poses that may be meant"):
        KeypointFile.read(twice).pose_of("me.webp")


def test_the_best_person_is_unknown(several: Path) -> None:
    with pytest.raises(ValueError, match=r"there are no scores in me\.png to choose the best person by"):
        KeypointFile.read(several, "best")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "text.json").write_text("hello")
    with pytest.raises(FormatError, match="no known keypoint format"):
        KeypointFile.read(tmp_path / "text.json")
    with pytest.raises(FileNotFoundError):
        KeypointFile.read(tmp_path / "none.json")
    with pytest.raises(FileNotFoundError):
        KeypointFile.read(f"{tmp_path / 'none.json'}#me")


def test_the_joints_must_be_of_this_photograph(single: Path) -> None:
    person = KeypointFile.read(single).pose_of("")
    assert torch.equal(joints_on(person, (60, 40)), pose(4))
    with pytest.raises(ValueError, match="of a picture of 40x60 pixels, this photograph has 60x40"):
        joints_on(person, (40, 60))
    few = torch.zeros(18, 3)
    few[0] = 1
    with pytest.raises(ValueError, match="fewer than two located joints"):
        joints_on(Person(keypoints=few), (40, 60))
    assert torch.equal(joints_on(Person(keypoints=pose(1)), (9, 9)), pose(1)), "no size is told"
