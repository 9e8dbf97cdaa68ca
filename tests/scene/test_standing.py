"""Where a new figure stands."""

import pytest
import torch

from repose.person import Person
from repose.represent.canvas import canvas
from repose.represent.retarget import anchor, person_size
from repose.scene import Scene
from repose.scene.standing import moved, similarity, stand
from tests.represent.test_retarget import stick
from tests.scene.people import photograph


@pytest.mark.parametrize("retargeting", [True, False])
@pytest.mark.parametrize("pose", [{"arms": 80}, {"yaw": 90}, {"sit": 90}, {"lean": 20, "arms": 150}])
def test_the_new_figure_stands_where_the_old_one_stood(pose: dict[str, float], retargeting: bool) -> None:
    source = photograph().keypoints
    assert source is not None
    target = stick(**pose) * torch.tensor([0.4, 0.4, 1]) + torch.tensor([70, 11, 0])
    new = stand(target, source, retargeting)
    torch.testing.assert_close(anchor(new), anchor(source))
    assert float(person_size(new)) == pytest.approx(float(person_size(source)), rel=0.06)
    assert (new[:, 2] == 1).all()


def test_the_lowest_foot_is_on_the_ground() -> None:
    source = stick()
    source[10, 1] -= 30
    target = stick()
    target[13, 1] -= 25
    new = stand(target, source)
    assert float(new[[10, 13], 1].max()) == pytest.approx(float(source[[10, 13], 1].max()))


def test_a_portrait_gets_the_legs_of_the_source() -> None:
    source, target = stick(sit=30), stick(arms=60) * torch.tensor([2, 2, 1])
    target[[8, 9, 10, 11, 12, 13]] = 0
    new = stand(target, source)
    assert (new[:, 2] == 1).all()
    for first, second in ((8, 9), (9, 10), (11, 12), (12, 13)):
        torch.testing.assert_close(new[second] - new[first], source[second] - source[first])
    torch.testing.assert_close(anchor(new), anchor(source))
    target = stick(arms=60)
    target[[10, 4]] = 0  # one side only: hidden, not cut off
    assert (stand(target, source)[[10, 4], 2] == 0).all()


@pytest.mark.parametrize("hidden", [[4, 7], [3, 4, 6, 7], [8, 11], [10, 13]])
def test_what_is_hidden_stays_hidden(hidden: list[int]) -> None:
    target = stick()
    target[hidden] = 0  # hands behind the back, hips behind a bag, feet under somebody who kneels
    for size in (None, (1000, 1000)):
        assert (stand(target, stick(arms=60), size=size)[hidden, 2] == 0).all()


def test_feet_below_the_border_are_those_of_the_source() -> None:
    source, target = stick(sit=30), stick(arms=60)
    target[[10, 13]] = 0
    border = round(float(target[[9, 12], 1].max()) + 8)
    new = stand(target, source, size=(border, 200))
    for first, second in ((9, 10), (12, 13)):
        torch.testing.assert_close(new[second] - new[first], source[second] - source[first])
    person = Person(keypoints=target, size=(border, 200))
    pose = Scene(photograph(), canvas("market")).pose(person)
    assert torch.equal(pose.keypoints[:, 2], torch.ones(18)), "a scene tells the size"


def test_a_half_figure_stands_on_its_hips() -> None:
    source = stick()
    source[[9, 10, 12, 13]] = 0
    target = stick(arms=40) * torch.tensor([3, 3, 1])
    new = stand(target, source)
    hips = [8, 11]
    torch.testing.assert_close(new[hips, :2].mean(0), source[hips, :2].mean(0))
    assert (new[[10, 13], 2] == 1).all(), "the legs are there, below the border of the photograph"
    face = stick()
    face[1:14] = 0
    assert torch.isfinite(stand(target, face)).all()
    assert torch.isfinite(stand(face, target)).all()


@pytest.mark.parametrize("pose", [{}, {"sit": 90}, {"lean": 20, "arms": 150}])
def test_a_similarity_is_standing_without_another_build(pose: dict[str, float]) -> None:
    source = photograph().keypoints
    assert source is not None
    target = stick(**pose) * torch.tensor([0.4, 0.4, 1]) + torch.tensor([70, 11, 0])
    target[4] = 0
    scale, shift = similarity(target, source)
    torch.testing.assert_close(moved(target, scale, shift), stand(target, source, retargeting=False))
    assert (moved(target, scale, shift)[4] == 0).all()
    portrait = target.clone()
    portrait[8:14] = 0
    assert (moved(portrait, *similarity(portrait, source))[8:14] == 0).all(), "no legs of the source's"


def test_somebody_upside_down_stands_on_their_lowest_joint() -> None:
    source = stick()
    upside = source.clone()
    upside[:, 1] = source[:, 1].max() + source[:, 1].min() - source[:, 1]
    new = stand(upside, source)
    assert float(new[:, 1].max()) == pytest.approx(float(anchor(source)[0, 1]), abs=0.01)
    assert float(new[[10, 13], 1].max()) < float(new[[8, 11], 1].min())


def test_a_kick_with_one_foot_seen_stands_by_the_hips() -> None:
    source = stick()
    kick = source.clone()
    kick[10] = 0
    kick[13, 1] = source[1, 1]  # as high as the neck
    new = stand(kick, source, retargeting=False)
    assert torch.allclose(new[[8, 11], :2].mean(0), source[[8, 11], :2].mean(0), atol=0.01)


def test_a_photograph_that_is_upside_down_has_the_new_figure_on_its_lowest_joint() -> None:
    target = stick()
    upside = target.clone()
    upside[:, 1] = target[:, 1].max() + target[:, 1].min() - target[:, 1]
    new = stand(target, upside)
    assert float(anchor(new)[0, 1]) == pytest.approx(float(upside[:, 1].max()), abs=0.01)
    assert float(new[:, 1].min()) > float(upside[:, 1].min()) - 0.3 * float(person_size(upside)), "not in the air above"


@pytest.mark.parametrize("below", [0.15, 0.2])
def test_an_ankle_without_any_knee_is_not_the_ground(below: float) -> None:
    """Of a person cut at the hips an estimator reports one ankle at the border of the photograph."""
    target, bust = stick(), stick()
    bust[[9, 10, 12, 13]] = 0
    wanted = stand(target, bust)
    guess = bust.clone()
    guess[10] = bust[8] + torch.tensor([0.0, below * float(person_size(target)), 0.0])
    torch.testing.assert_close(stand(target, guess)[:, 1], wanted[:, 1], rtol=0, atol=0.05 * float(person_size(target)))
    assert torch.allclose(wanted[[8, 11], 1].mean(), bust[[8, 11], 1].mean(), atol=0.01), "hips on hips"
