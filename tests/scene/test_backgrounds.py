"""What is behind the new figure: white, nothing, or a picture; and colours at the figure's border."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.person import Person
from repose.represent.canvas import canvas
from repose.represent.figure import figure_mask
from repose.scene import Background, Pose, Scene
from tests.represent.test_retarget import stick
from tests.scene.people import photograph, redness

GREEN = torch.tensor([-0.8, 0.8, -0.8]).view(3, 1, 1)
RED = torch.tensor([0.9, -0.9, -0.9]).view(3, 1, 1)


def red_on_green() -> Person:
    """A red person whose soft border is mixed with a green background."""
    drawn = photograph()
    assert drawn.mask is not None
    soft = F.avg_pool2d(drawn.mask[None], 5, 1, 2)[0]
    return Person(image=GREEN * (1 - soft) + RED * soft, keypoints=drawn.keypoints, mask=soft)


def mixed(arms: float) -> tuple[Scene, Pose, Tensor, Tensor, Tensor]:
    """A scene, a pose, a model's picture on green with a mixed border, `shown`, and `shown` at the picture's size."""
    scene = Scene(red_on_green(), canvas("fashion"))
    pose = scene.pose(stick(arms=arms))
    assert pose.target.keypoints is not None
    shown = figure_mask(pose.target.keypoints, 256, 176)
    large = F.interpolate(shown[None], scene.enlarged(pose.times).shape[1:], mode="bilinear")[0]
    return scene, pose, GREEN * (1 - large) + RED * large, shown, large


def greenish(image: Tensor) -> Tensor:
    """Where a picture shows more than a fifth of the green background beside the red figure, (H, W).

    Of a model's picture, what is the person with 85 % certainty is taken as it is.
    """
    return image[1] > -0.55


def masks(pose: Pose) -> tuple[Tensor, Tensor]:
    """Where a new figure surely is, and where it surely is not, (480, 640)."""
    return (
        figure_mask(pose.keypoints, 480, 640, 0.7)[0] == 1,
        figure_mask(pose.keypoints, 480, 640, 1.5)[0] == 0,
    )


@pytest.mark.parametrize("alone", [False, True], ids=["a model's picture", "a figure alone"])
@pytest.mark.parametrize("arms", [20, 100])
def test_transparent(arms: float, alone: bool) -> None:
    scene, pose, picture, shown, large = mixed(arms)
    if alone:
        whole = scene.compose(RED.expand_as(picture), pose, shown, "transparent", alpha=large)
    else:
        whole = scene.compose(picture, pose, shown, "transparent")
    assert whole.shape == (4, 480, 640)
    assert whole.abs().max() <= 1
    colours, opacity = whole[:3], (whole[3] + 1) / 2
    inside, outside = masks(pose)
    assert (opacity[outside] == 0).all()
    assert (opacity[inside] > 0.98).all()
    assert (colours[:, opacity == 0] == 1).all(), "white where nothing is"
    assert redness(colours)[inside].all()
    solid = opacity > 0.5
    assert solid.sum() > 5000
    assert not greenish(colours)[solid].any(), "nothing of the old background at the border"
    seen = opacity > 0.02
    assert greenish(colours)[seen].float().mean() < 0.01


def test_a_border_that_is_not_cleaned_is_greenish() -> None:
    """The measure tells: the picture itself holds the background at the border."""
    scene, pose, picture, shown, _ = mixed(20)
    generated = scene.compose(picture, pose, shown, "generated")
    opacity = (scene.compose(picture, pose, shown, "transparent")[3] + 1) / 2
    assert greenish(generated)[opacity > 0.5].sum() > 50


def test_white_has_no_rim() -> None:
    scene, pose, picture, shown, _ = mixed(60)
    whole = scene.compose(picture, pose, shown, "white")
    inside, outside = masks(pose)
    assert whole.shape == (3, 480, 640)
    assert (whole[:, outside] == 1).all()
    assert redness(whole)[inside].all()
    assert not ((whole[1] > whole[0] + 0.1).any()), "between red and white nothing is green"


def test_white_is_the_transparent_one_on_white() -> None:
    scene, pose, picture, shown, _ = mixed(60)
    white, clear = (scene.compose(picture, pose, shown, name) for name in ("white", "transparent"))  # type: ignore[arg-type]
    opacity = (clear[3:] + 1) / 2
    torch.testing.assert_close(clear[:3] * opacity + (1 - opacity), white, rtol=0, atol=4e-3)


@pytest.mark.parametrize("alone", [False, True])
def test_a_picture_behind(alone: bool) -> None:
    scene, pose, picture, shown, large = mixed(60)
    random = torch.Generator().manual_seed(1)
    beach = torch.rand(3, 480, 640, generator=random) * 0.4 + torch.tensor([-0.4, -0.4, 0.6]).view(3, 1, 1)
    given = beach.clone()
    if alone:
        whole = scene.compose(RED.expand_as(picture), pose, shown, beach, alpha=large)
    else:
        whole = scene.compose(picture, pose, shown, beach)
    inside, outside = masks(pose)
    assert torch.equal(beach, given), "it is not drawn on"
    assert whole.shape == (3, 480, 640)
    assert torch.equal(whole[:, outside], beach[:, outside])
    assert redness(whole)[inside].all()
    assert not (whole[1] > beach[1].max() + 1e-5).any(), "nothing green comes along"
    old = figure_mask(scene.person.keypoints, 480, 640)[0] == 1  # type: ignore[arg-type]
    gone = old & outside
    assert torch.equal(whole[:, gone], beach[:, gone])


def test_a_picture_behind_a_figure_that_stands_still() -> None:
    """The photograph itself comes back in its own pose only where it is kept."""
    scene = Scene(red_on_green(), canvas("fashion"))
    assert scene.person.keypoints is not None
    pose = scene.pose(scene.person.keypoints)
    beach = torch.full((3, 480, 640), 0.25)
    alone = scene.person_alone(pose.times)
    assert alone is not None
    colours, matte = alone
    still = torch.ones(1, 256, 176)
    whole = scene.compose(colours, pose, matte, beach, still, alpha=matte)
    _, outside = masks(pose)
    assert (whole - beach)[:, outside].abs().max() < 1e-3


@pytest.mark.parametrize("shape", [(3, 480, 639), (3, 64, 64), (1, 480, 640), (4, 480, 640)])
def test_a_picture_of_another_size(shape: tuple[int, ...]) -> None:
    scene, pose, picture, shown, _ = mixed(60)
    with pytest.raises(ValueError, match=rf"the background is \({shape[0]}, {shape[1]}, {shape[2]}\), the photograph"):
        scene.compose(picture, pose, shown, torch.zeros(shape))


def test_other_types_of_pictures() -> None:
    scene, pose, picture, shown, _ = mixed(60)
    beach = torch.full((3, 480, 640), 0.25)
    wanted = scene.compose(picture, pose, shown, beach)
    assert torch.equal(scene.compose(picture, pose, shown, beach.double()), wanted)


@pytest.mark.parametrize("times", [1, 2, 3])
def test_the_person_alone(times: int) -> None:
    """What is mixed with the background has the person's own colour; the matte is the photograph's."""
    scene = Scene(red_on_green(), canvas("fashion"))
    alone = scene.person_alone(times)
    assert alone is not None
    colours, matte = alone
    assert colours.shape == (3, 256 * times, 176 * times)
    assert matte.shape == (1, 256 * times, 176 * times)
    assert 0 <= matte.min() < 0.01
    assert 0.99 < matte.max() < 1 + 1e-6
    near = F.max_pool2d(matte[None], 4 * times + 1, 1, 2 * times)[0, 0] > 0.5
    assert not greenish(colours)[near].any()
    border = ((matte[0] > 0.2) & (matte[0] < 0.8)).nonzero()
    assert len(border) > 100
    assert greenish(scene.enlarged(times))[border[:, 0], border[:, 1]].float().mean() > 0.2, "the photograph is mixed"
    solid = matte[0] > 0.96
    assert torch.equal(colours[:, solid], scene.enlarged(times)[:, solid])
    again = scene.person_alone(times)
    assert again is not None
    assert again[0] is colours, "computed once"


def test_without_a_mask_nobody_is_alone() -> None:
    person = red_on_green()
    assert Scene(person.only("image", "keypoints"), canvas("fashion")).person_alone(1) is None
    assert person.mask is not None
    other = Person(image=person.image, keypoints=person.keypoints, mask=torch.zeros_like(person.mask))
    assert Scene(other, canvas("fashion")).person_alone(1) is None, "an empty one is not theirs"


@pytest.mark.parametrize("background", ["keep", "white", "transparent"])
def test_alpha_decides_where_the_figure_is(background: Background) -> None:
    scene, pose, picture, shown, _ = mixed(60)
    nothing = torch.zeros_like(picture[:1])
    whole = scene.compose(RED.expand_as(picture), pose, shown, background, alpha=nothing)
    if background == "keep":
        assert torch.equal(whole, scene.background)
    else:
        assert (whole[:3] == 1).all()
        assert len(whole) == 3 or (whole[3] == -1).all()
