"""Several photographs of one person: the surest view's pixels arrive, in the light of the first."""

import numpy as np
import pytest
import torch
from torch import Tensor

pytest.importorskip("numba")

from repose.body.lift import lift
from repose.body.raster import raster
from repose.models import gathering
from repose.models.bodywarp.geometry import NOISE
from repose.models.bodywarp.network import BodyWarp, BodyWarpConfig
from repose.models.bodywarp.several import exposure, leading
from repose.person import Person
from repose.pipeline import Model, read_further, transfer, untrained
from repose.render import Renderer, SyntheticUnavailable
from repose.represent.canvas import from_uint8
from tests.represent.test_retarget import stick

SIZE = 128, 96
RED, BLUE = (0.8, -0.8, -0.8), (-0.8, -0.8, 0.8)


def joints(back: bool = False, height: int = SIZE[0], width: int = SIZE[1], tall: float = 0.8) -> Tensor:
    """A person who stands in the middle and shows the front, or the back (the face is not seen then)."""
    points = stick()
    low, high = points[:, :2].amin(0), points[:, :2].amax(0)
    xy = (points[:, :2] - (low + high) / 2) * tall * height / (high - low)[1]
    points[:, :2] = xy * torch.tensor([-1.0 if back else 1.0, 1.0]) + torch.tensor([width / 2, height / 2])
    if back:
        points[[0, 14, 15]] = 0
    return points


def flat(points: Tensor, colour: tuple[float, ...], height: int = SIZE[0], width: int = SIZE[1]) -> Person:
    """The body of these joints in one colour, a little thicker than the skin, on grey."""
    mask = torch.from_numpy(raster(lift(points.numpy(), noise=NOISE), height, width).mask)[None, None].float()
    mask = torch.nn.functional.max_pool2d(mask, 5, 1, 2)[0]
    image = torch.tensor(colour).view(3, 1, 1) * mask + 0.2 * (1 - mask)
    return Person(image=image, keypoints=points)


@pytest.fixture(scope="module")
def network() -> BodyWarp:
    """Random weights, but the outline is the figure and not half of the surroundings everywhere."""
    torch.manual_seed(0)
    network = BodyWarp(BodyWarpConfig(width=8, depth=1, heads=2, height=SIZE[0])).eval()
    with torch.no_grad():
        assert network.to_picture.bias is not None
        network.to_picture.bias[4 * 3 : 4 * 4] = 3.0
    return network


@pytest.fixture(scope="module")
def model() -> Model:
    return untrained("bodywarp-s", "cpu")


def trunk(image: Tensor, points: Tensor) -> Tensor:
    """The mean colour (3,) between the shoulders and the hips."""
    xy = points[[2, 5, 8, 11], :2]
    (x0, y0), (x1, y1) = xy.amin(0).int().tolist(), xy.amax(0).int().tolist()
    return image[:, y0 + (y1 - y0) // 4 : y1, x0 + (x1 - x0) // 3 : x1 - (x1 - x0) // 3].mean((1, 2))


@torch.no_grad()
def test_the_surest_view_wins(network: BodyWarp) -> None:
    front, back = joints(), joints(back=True)
    sources = Person.stack([flat(front, RED), flat(back, BLUE)])
    assert sources.image is not None
    for pose, colour in ((front, RED), (back, BLUE)):
        target = Person(keypoints=pose, size=SIZE).batch()
        both = network.gather(sources, target, sources.image)
        got = trunk(both.image[0], pose)
        apart = [float((got - torch.tensor(other)).norm()) for other in (RED, BLUE)]
        assert apart[colour == RED] > 2 * apart[colour == BLUE], (colour, got)
        torch.testing.assert_close(both.extra["views"].sum(0), torch.ones(1, *SIZE))
    alone = network(sources[:1], target)
    mask = flat(back, (1.0, 1.0, 1.0)).image[:1] > 0.5  # type: ignore[index]
    shown = [float(output.extra["shares"][0, :1][mask].mean()) for output in (alone, both)]
    assert shown[1] > 2 * shown[0], shown
    assert both.extra["person"].shape == (1, 1, *SIZE)


@torch.no_grad()
@pytest.mark.parametrize("times", [1, 2])
def test_the_same_photograph_twice_is_as_once(network: BodyWarp, times: int) -> None:
    person = flat(joints(), RED)
    assert person.image is not None
    noise = torch.rand(3, *SIZE, generator=torch.manual_seed(0)) - 0.5
    person = Person(image=(person.image + noise).clamp(-1, 1), keypoints=person.keypoints)
    turned = joints()
    turned[3:5] = torch.tensor([[20.0, 40, 1], [14, 20, 1]])  # an arm is raised
    target = Person(keypoints=turned, size=SIZE).batch()
    large = torch.nn.functional.interpolate(person.image[None], scale_factor=times, mode="bicubic").clamp(-1, 1)
    once = network(person.batch(), target)
    twice = network.gather(Person.stack([person, person]), target, large.expand(2, -1, -1, -1))
    torch.testing.assert_close(twice.image, network.enlarge(once, large), atol=1e-4, rtol=0)
    torch.testing.assert_close(twice.extra["person"], once.extra["person"], atol=1e-4, rtol=0)


def test_an_exposure_of_another_photograph_is_evened_out() -> None:
    front, back = flat(joints(), (0.3, 0.0, -0.2)), flat(joints(back=True), (0.3, 0.0, -0.2))
    assert front.image is not None
    assert back.image is not None

    def gains(other: Tensor, points: Tensor) -> Tensor:
        return exposure(torch.stack([front.image, other]), torch.stack([joints(), points]))[1]  # type: ignore[list-item]

    for factor in (0.8, 1.2, torch.tensor([0.8, 0.9, 1.1]).view(3, 1, 1)):
        darker = (front.image + 1) * factor - 1
        torch.testing.assert_close(gains(darker, joints()), 1 / torch.as_tensor(factor).reshape(-1).expand(3))
    assert torch.equal(gains((front.image + 1) * 0.3 - 1, joints()), torch.full((3,), 1 / 0.6)), "no light, other paint"
    assert torch.equal(gains((back.image + 1) * 0.8 - 1, joints(back=True)), torch.ones(3)), "they share nothing"


def test_the_first_view_leads_among_equals() -> None:
    assert leading(torch.full((3, 1, 2, 2), 0.5))[0].min() > 0.7
    ahead = torch.tensor([0.3, 0.7]).view(2, 1, 1, 1)
    assert leading(ahead)[1].item() > 0.99


def test_photographs_of_any_size(model: Model) -> None:
    """The back, small or large, on a photograph of another size, comes into the first photograph at its size."""
    front, small, large = joints(False, 420, 300), joints(True, 300, 260, 0.5), joints(True, 900, 640, 0.7)
    scene = model.scene(flat(front, RED, 420, 300))
    target = Person(keypoints=joints(True, 256, 176), size=(256, 176))
    for points, height, width in ((small, 300, 260), (large, 900, 640)):
        other = model.scene(flat(points, BLUE, height, width))
        bluer = []
        for further in ([], [other]):
            picture = model.pose(scene, target, "generated", further=further)
            assert picture.shape == (3, 420, 300)
            red, _, blue = trunk(picture, scene.pose(target).keypoints).tolist()
            bluer.append(blue - red)
        assert bluer[1] > max(bluer[0], 0) + 0.2, (height, bluer)
        assert model.pose(other, target, further=[scene]).shape == (3, height, width)


@torch.no_grad()
def test_what_lies_beyond_a_photograph_is_not_trusted(network: BodyWarp, model: Model) -> None:
    points = joints(True, 400, 300)
    narrow = model.scene(flat(points, BLUE, 400, 300).crop(0, 90, 400, 120))  # the canvas is wider than that
    assert narrow.covered.shape == (1, 256, 176)
    assert (narrow.covered[0, 128, [0, 88, 175]] == torch.tensor([0.0, 1.0, 0.0])).all()

    back = joints(back=True)
    sources = Person.stack([flat(joints(), RED), flat(back, BLUE)])
    assert sources.image is not None
    target = Person(keypoints=back, size=SIZE).batch()
    covered = torch.ones(2, 1, *SIZE)
    covered[1, :, SIZE[0] // 2 :] = 0
    views = network.gather(sources, target, sources.image, covered).extra["views"]
    (row, knee), column = (back[[1, 9], 1].int() + torch.tensor([8, 0])).tolist(), SIZE[1] // 2
    assert views[1, 0, row, column] > 0.8
    assert views[1, 0, knee, int(back[9, 0])] < 0.5


def test_models_that_take_one_photograph_say_so() -> None:
    assert gathering() == ["bodywarp", "bodywarp-s"]
    one = untrained("carry-s", "cpu")
    person = flat(joints(), RED)
    scene = one.scene(person)
    for call in (
        lambda: one.pose(scene, person, further=[scene]),
        lambda: one.whole(person, person, further=[person]),
        lambda: one.crop(person, person, further=[person]),
        lambda: transfer(person.image, person, one, sources=[person.image], source_keypoints=person),
    ):
        with pytest.raises(ValueError, match=r"takes one photograph of a person; .* bodywarp, bodywarp-s: choose"):
            call()
    with pytest.raises(ValueError, match="takes one photograph of a person, not 2"):
        one.generator.gather(person.batch(), person.batch(), torch.zeros(2, 3, *SIZE))


def test_transfer_takes_arrays_and_joints_of_each(model: Model) -> None:
    front, back = flat(joints(), RED), flat(joints(back=True), BLUE)
    images = [to_array(person) for person in (front, back)]
    known = [person.keypoints for person in (front, back)]
    words = {"sources": images[1:], "source_keypoints": known}
    whole = transfer(images[0], back.keypoints, model, **words)
    assert whole.shape == images[0].shape
    small = transfer(images[0], back.keypoints, model, whole=False, **words)
    assert small.shape == (256, 176, 3)
    with pytest.raises(ValueError, match="source_keypoints has 3 entries for 2 photographs"):
        transfer(images[0], back.keypoints, model, sources=images[1:], source_keypoints=[*known, None])


def test_a_further_photograph_of_nobody_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests import tiny

    empty, good = np.full((200, 100, 3), 120, np.uint8), tiny.photograph()
    with pytest.warns(UserWarning, match="further photograph 1: .* without this photograph"):
        people = read_further([empty, good], tiny.Eyes())
    assert len(people) == 1


def to_array(person: Person) -> np.ndarray:
    from repose.represent.canvas import to_uint8

    assert person.image is not None
    return to_uint8(person.image)


# -- rendered people ------------------------------------------------------------------------------------------------


@torch.no_grad()
def test_rendered_people_seen_from_both_sides(network: BodyWarp) -> None:
    from repose.render.turns import render_turns

    try:
        renderer = Renderer(*SIZE)
    except SyntheticUnavailable as error:
        pytest.skip(str(error))
    with renderer:
        pictures = render_turns(renderer, 7, 3, 3, (0, 30, 180, 150), "fashion")
    people = [
        Person(image=from_uint8(picture.image), keypoints=torch.from_numpy(picture.keypoints)) for picture in pictures
    ]
    front, side, back, target = people
    mask = torch.from_numpy(pictures[3].mask) > 127
    sources = Person.stack([front, back])
    assert sources.image is not None
    pose = target.only("keypoints").batch()
    outputs = network(front.batch(), pose), network.gather(sources, pose, sources.image)
    unseen, error = zip(
        *(
            (float(one.extra["shares"][0, 1:].sum(0)[mask].mean()), difference(one.image[0], target, mask))
            for one in outputs
        ),
        strict=True,
    )
    assert unseen[1] < unseen[0] - 0.25, unseen  # at random weights a third of what is seen is not carried
    assert error[1] < 0.9 * error[0], error

    assert front.image is not None
    assert side.image is not None
    keypoints = torch.stack([one.keypoints for one in (front, side)])  # type: ignore[misc]
    same, darker = (exposure(torch.stack([front.image, (side.image + 1) * by - 1]), keypoints)[1] for by in (1, 0.8))
    assert (same - 1).abs().max() < 0.15, same  # who turns in a light is lit in another way
    torch.testing.assert_close(darker / same, torch.full((3,), 1.25), atol=0.04, rtol=0)


def difference(image: Tensor, target: Person, mask: Tensor) -> float:
    assert target.image is not None
    return float((image - target.image).abs().mean(0)[mask].mean())
