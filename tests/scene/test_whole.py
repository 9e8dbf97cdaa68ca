"""A person cut out of a photograph and put back: where the new figure stands, what stays, what is filled."""

import math
import time
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from repose.person import Person
from repose.represent.canvas import CANVASES, Canvas, canvas
from repose.represent.retarget import anchor, person_size
from repose.scene.fill import fill, spread
from repose.scene.whole import BACKGROUNDS, Background, cut, figure_mask, find_background, known_mask, put_back, stand
from tests.represent.test_retarget import stick


def grass(height: int, width: int) -> Tensor:
    """A green wall of noise that gets brighter to the right."""
    random = torch.Generator().manual_seed(0)
    noise = torch.rand(1, height, width, generator=random) * 0.3
    light = torch.linspace(-0.2, 0.2, width)
    return torch.cat([noise - 0.7, noise + light, noise - 0.8]).clamp(-1, 1)


def photograph(
    height: int = 480, width: int = 640, scale: float = 1.6, x: float = 320, bottom: float = 440, **body: float
) -> Person:
    """A red person of a stick body on grass, with their mask."""
    points = stick(**body)
    keypoints = points.clone()
    keypoints[:, :2] = (points[:, :2] - anchor(points)) * scale + torch.tensor([x, bottom])
    mask = figure_mask(keypoints, height, width)
    red = torch.tensor([0.9, -0.9, -0.9]).view(3, 1, 1)
    return Person(image=grass(height, width) * (1 - mask) + red * mask, keypoints=keypoints, mask=mask)


def redness(image: Tensor) -> Tensor:
    return (image[0] > 0.1) & (image[1] < 0)


# -- standing -------------------------------------------------------------------------------------------------------


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
    assert torch.equal(cut(photograph(), person, canvas("market")).pose[:, 2], torch.ones(18)), "cut tells the size"


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


# -- cutting --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(CANVASES))
def test_both_figures_are_in_the_crop(name: str) -> None:
    person = photograph()
    made = cut(person, stick(arms=90), canvas(name))
    assert made.source.size == made.target.size == canvas(name).size
    assert made.source.keypoints is not None
    assert made.target.keypoints is not None
    assert (made.source.keypoints[:, 2] > 0).all()
    assert (made.target.keypoints[:, 2] > 0).all()
    _, _, height, width = made.placement.box
    _, _, window_height, window_width = canvas(name).window
    assert made.times >= 2 or height <= 1.25 * window_height
    assert tuple(made.photograph.shape[1:]) == tuple(made.times * side for side in canvas(name).size)
    assert height / width == pytest.approx(window_height / window_width, rel=0.02)
    assert made.times * window_height >= 0.75 * height, "the photograph's own pixels are not lost"
    # one geometry: the canvas is the large crop, made small
    small = torch.nn.functional.interpolate(made.photograph[None], canvas(name).size, mode="area")[0]
    assert made.source.image is not None
    assert (small - made.source.image).abs().mean() < 0.03
    moved = made.target.keypoints[:, :2] - made.source.keypoints[:, :2]
    assert person.keypoints is not None
    wanted = (made.pose - person.keypoints)[:, :2] * window_height / height
    torch.testing.assert_close(moved, wanted, atol=0.2, rtol=0.02)


def test_memory_has_a_cap_and_small_photographs_are_not_blown_up() -> None:
    fashion = canvas("fashion")
    assert cut(photograph(1400, 1000, 6, 500, 1200), stick(), fashion, most_pixels=200_000).times == 2
    assert cut(photograph(200, 200, 0.8, 100, 180), stick(), fashion).times == 1


def test_a_filled_photograph_is_taken_whole() -> None:
    person = photograph(256, 128, 1.2, 64, 240)
    made = cut(person, stick(arms=10), canvas("market"))
    assert made.placement.box == (0, 0, 256, 128)
    assert made.times == 2
    assert torch.equal(made.photograph, person.image)


def test_a_crop_stays_inside_the_photograph() -> None:
    for x in (60, 580):
        top, left, height, width = cut(photograph(x=x), stick(), canvas("market")).placement.box
        assert min(top, left) >= 0
        assert top + height <= 480
        assert left + width <= 640
    person = photograph(bottom=560)  # the legs leave the photograph
    made = cut(person.crop(0, 0, 480, 640), stick(arms=30), canvas("fashion"))
    top, _, height, _ = made.placement.box
    assert top + height <= 480


def portrait() -> Person:
    """The red person's face and shoulders, with the legs and the hips below the border."""
    person = photograph(scale=8, bottom=1430)
    assert person.keypoints is not None
    shown = person.crop(0, 0, 480, 640)
    assert shown.keypoints is not None
    assert (shown.keypoints[[0, 1, 2, 5], 2] > 0).all()
    assert (shown.keypoints[8:14, 2] == 0).all()
    return shown


@pytest.mark.parametrize("joints", [[0, 14, 15, 16, 17], [0, 1, 14, 15, 16, 17], list(range(18))])
def test_the_whole_head_is_in_the_crop(joints: list[int]) -> None:
    person = photograph()
    assert person.keypoints is not None
    head = torch.zeros(18, 3)
    head[joints] = person.keypoints[joints]
    given, size = replace(person, keypoints=head), float(person_size(person.keypoints))
    if len(joints) < 18:
        with pytest.warns(UserWarning, match=f"only {len(joints)} joints .* less than a trunk"):
            made = cut(given, given, canvas("fashion"))
    else:
        made = cut(given, given, canvas("fashion"))
    top, left, height, width = made.placement.box
    x, y = person.keypoints[[0, 14, 15, 16, 17], :2].mean(0).tolist()
    assert y - top > 0.15 * size, "the crown"
    assert top + height - y > 0.15 * size, "the chin"
    assert min(x - left, left + width - x) > 0.1 * size


def test_a_trunk_is_enough(recwarn: pytest.WarningsRecorder) -> None:
    person = photograph()
    assert person.keypoints is not None
    person.keypoints[[9, 10, 12, 13, 11]] = 0
    cut(person, stick(), canvas("fashion"))
    assert not recwarn.list


def test_what_cut_refuses() -> None:
    person = photograph()
    for wrong in (person.batch(), person.only("image"), person.only("keypoints")):
        with pytest.raises(ValueError, match="one unbatched person"):
            cut(wrong, stick(), canvas("market"))
    with pytest.raises(ValueError, match="the target needs keypoints"):
        cut(person, stick()[None], canvas("market"))


# -- putting back ---------------------------------------------------------------------------------------------------


def painted(made_of: Person, target: Tensor, onto: Canvas, colour: tuple[float, ...] = (0.9, -0.9, -0.9)):  # type: ignore[no-untyped-def]
    """A cut, a perfect model's picture for it on grey, and the mask of its figure on the canvas."""
    made = cut(made_of, target, onto)
    assert made.target.keypoints is not None
    shown = figure_mask(made.target.keypoints, *onto.size)
    grey = torch.zeros_like(made.photograph)
    large = torch.nn.functional.interpolate(shown[None], made.photograph.shape[1:], mode="bilinear")[0]
    return made, grey * (1 - large) + torch.tensor(colour).view(3, 1, 1) * large, shown


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("masked", [True, False])
def test_the_photograph_stays_and_the_old_figure_goes(told: bool, masked: bool) -> None:
    person = photograph(arms=75)
    if not masked:
        person = person.only("image", "keypoints")
    made, picture, shown = painted(person, stick(arms=15), canvas("fashion"))
    whole = put_back(made, picture, shown if told else None)
    assert person.image is not None
    assert person.keypoints is not None
    assert whole.shape == person.image.shape
    old, new = figure_mask(person.keypoints, 480, 640), figure_mask(made.pose, 480, 640)
    beside = (figure_mask(person.keypoints, 480, 640, 2.6) == 0) & (figure_mask(made.pose, 480, 640, 2.6) == 0)
    assert torch.equal(whole[beside.expand(3, -1, -1)], person.image[beside.expand(3, -1, -1)]), "not a box in sight"
    gone = ((old == 1) & (figure_mask(made.pose, 480, 640, 1.6) == 0))[0]
    assert gone.sum() > 1000
    assert redness(whole)[gone].float().mean() < 0.02
    left = whole[:, gone]
    assert float(left[1].mean()) == pytest.approx(float(grass(480, 640)[1][gone].mean()), abs=0.08)
    assert float(left[1].std()) > 0.05, "grass, not a smear"
    assert redness(whole)[new[0] == 1].float().mean() > 0.95
    rim = ((figure_mask(made.pose, 480, 640, 1.5) > 0) & (new == 0) & ~gone)[0]
    assert (whole[:, rim].abs().amax(0) < 0.1).float().mean() < 0.35, "little of the model's grey comes along"


def test_the_same_pose_gives_the_same_photograph() -> None:
    person = photograph()
    assert person.image is not None
    assert person.mask is not None
    made = cut(person, person, canvas("fashion"))
    mask, _ = canvas("fashion").put(person.only("mask"), "crop", made.placement.box)
    whole = put_back(made, made.photograph, mask.mask)
    assert (whole - person.image).abs().mean() < 0.01
    assert redness(whole)[person.mask[0] == 1].float().mean() > 0.97


def test_backgrounds() -> None:
    person = photograph()
    made, picture, shown = painted(person, stick(arms=40), canvas("fashion"))
    white = put_back(made, picture, shown, "white")
    outside = figure_mask(made.pose, 480, 640, 1.6)[0] == 0
    assert (white[:, outside] == 1).all()
    generated = put_back(made, picture, shown, "generated")
    assert person.image is not None
    top, left, height, width = made.placement.box
    inside = generated[:, top + height // 2, left + width // 4 : left + 3 * width // 4]
    assert (inside.abs() < 0.05).all(0).float().mean() > 0.15, "the model's grey"
    assert torch.equal(generated[:, :, : left - 1], person.image[:, :, : left - 1])
    step = (generated - person.image)[:, :, left].abs().amax(0)
    assert step[outside[:, left]].max() < 0.2, "blended at the border"
    with pytest.raises(ValueError, match="did you mean 'white'"):
        put_back(made, picture, shown, "whit")  # type: ignore[arg-type]
    names: list[Background] = ["keep", "generated", "white"]
    assert [find_background(name) for name in names] == names


def test_somebody_else_in_the_crop_stays() -> None:
    person = photograph()
    made, picture, shown = painted(person, stick(arms=100), canvas("fashion-square"))
    everywhere = put_back(made, picture, torch.ones_like(shown))
    far = figure_mask(made.pose, 480, 640, 2.6)[0] == 0
    far &= figure_mask(person.keypoints, 480, 640, 2.6)[0] == 0  # type: ignore[arg-type]
    assert person.image is not None
    assert torch.equal(everywhere[:, far], person.image[:, far])


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("background", BACKGROUNDS)
def test_the_range_of_a_photograph_is_kept(background: Background, masked: bool) -> None:
    person = photograph()
    if not masked:
        person = person.only("image", "keypoints")
    made, _, shown = painted(person, stick(arms=80), canvas("fashion-small"))
    hard = (shown > 0.5).float()
    bright = torch.where(torch.rand(made.photograph.shape, generator=torch.Generator().manual_seed(1)) > 0.5, 1.0, -1.0)
    whole = put_back(made, bright, hard, background, before=hard)
    assert whole.abs().max() <= 1
    black = put_back(made, -torch.ones_like(bright), hard, background)
    assert black.abs().max() <= 1
    assert person.image is not None
    if background == "keep":
        beside = (figure_mask(person.keypoints, 480, 640, 2.6) == 0) & (figure_mask(made.pose, 480, 640, 2.6) == 0)  # type: ignore[arg-type]
        assert torch.equal(black[beside.expand(3, -1, -1)], person.image[beside.expand(3, -1, -1)])


@pytest.mark.parametrize("kind", ["empty", "another's", "without arms"])
def test_a_mask_that_misses_the_person_leaves_no_second_one(kind: str) -> None:
    person = photograph(arms=75)
    assert person.mask is not None
    assert person.keypoints is not None
    mask = torch.zeros_like(person.mask)
    if kind == "another's":
        mask[:, 100:300, 20:60] = 1
    if kind == "without arms":
        left, right = (int(person.keypoints[joint, 0]) for joint in (2, 5))
        mask[:, :, left:right] = person.mask[:, :, left:right]
    given = replace(person, mask=mask)
    assert (known_mask(given) is None) == (kind != "without arms")
    assert torch.equal(known_mask(person), person.mask)  # type: ignore[arg-type]
    made, picture, shown = painted(given, stick(arms=15) * torch.tensor([1, 0.8, 1]), canvas("fashion"))
    whole = put_back(made, picture, shown)
    bones = figure_mask(person.keypoints, 480, 640, 0.75) == 1
    gone = (bones & (figure_mask(made.pose, 480, 640, 1.6) == 0))[0]
    assert gone.sum() > 500
    assert redness(whole)[gone].float().mean() < 0.02


def test_a_portrait_is_put_back() -> None:
    person = portrait().only("image", "keypoints")
    with pytest.warns(UserWarning, match="less than a trunk"):
        made, picture, shown = painted(person, stick(arms=40), canvas("fashion"))
    for background in BACKGROUNDS:
        whole = put_back(made, picture, shown, background)
        assert whole.shape == (3, 480, 640)
        assert torch.isfinite(whole).all()
        assert whole.abs().max() <= 1
        assert redness(whole)[figure_mask(made.pose, 480, 640, 0.8)[0] == 1].float().mean() > 0.9


@pytest.mark.parametrize("size", [(16, 16), (128, 64)])
def test_somebody_who_fills_everything(size: tuple[int, int]) -> None:
    height, width = size
    points = stick()
    low, high = points[:, :2].amin(0), points[:, :2].amax(0)
    keypoints = points.clone()
    keypoints[:, :2] = (points[:, :2] - low) / (high - low) * torch.tensor([width - 1.0, height - 1.0])
    person = Person(image=grass(height, width), keypoints=keypoints)
    for full in (person, replace(person, mask=torch.ones(1, height, width))):
        made, picture, shown = painted(full, stick(arms=90), canvas("market"))
        for background in BACKGROUNDS:
            for told in (shown, None):
                whole = put_back(made, picture, told, background, before=told)
                assert whole.shape == (3, height, width)
                assert torch.isfinite(whole).all()
                assert whole.abs().max() <= 1


def test_what_is_done_grows_with_the_person_not_with_the_photograph() -> None:
    small, large = (photograph(height, width, 0.3, 320, 440) for height, width in ((480, 640), (1400, 2000)))
    seconds = []
    for person in (small, large):
        made, picture, shown = painted(person.only("image", "keypoints"), stick(arms=60), canvas("market"))
        taken = []
        for _ in range(3):
            started = time.process_time()
            figure_mask(made.pose, *made.placement.size, loose=2.5)
            put_back(made, picture, shown, "generated")
            put_back(made, picture, shown, "white")
            taken.append(time.process_time() - started)
        seconds.append(min(taken))
    assert seconds[1] < 6 * seconds[0] + 0.3, "nine times the pixels"


def test_a_part_of_the_photograph_is_worked_on_as_the_whole_would_be() -> None:
    """Far from the borders, a wider photograph changes nothing near the figures."""
    person = photograph(1000, 1200, 1.0, 600, 600)
    inner = person.crop(100, 120, 800, 960)
    results = []
    for given in (person, inner):
        made, picture, shown = painted(given, stick(arms=60), canvas("fashion"))
        results.append([put_back(made, picture, shown, background) for background in BACKGROUNDS])
    for whole, part in zip(*results, strict=True):
        assert (whole[:, 100:900, 120:1080] - part).abs().mean() < 2e-3


def test_what_the_model_sees_of_the_old_figure_goes_too() -> None:
    person = photograph().only("image", "keypoints")
    made, picture, shown = painted(person, stick(arms=100), canvas("fashion"))
    bag = torch.zeros_like(shown)
    bag[:, 120:140, 10:30] = 1
    with_bag, without = put_back(made, picture, shown, before=bag), put_back(made, picture, shown)
    changed = (with_bag != without).any(0)
    assert changed.sum() > 200


def test_a_figure_mask_is_a_person() -> None:
    keypoints = photograph().keypoints
    assert keypoints is not None
    mask, loose = figure_mask(keypoints, 480, 640), figure_mask(keypoints, 480, 640, 1.5)
    assert mask.shape == (1, 480, 640)
    assert (mask <= loose).all()
    assert (mask[0, keypoints[:, 1].long(), keypoints[:, 0].long()] == 1).all()
    size = float(person_size(keypoints))
    assert 0.25 * size**2 < float(mask.sum()) < 0.8 * size**2
    assert float(mask[0, 0].max()) == 0
    assert ((mask > 0) & (mask < 1)).any(), "soft borders"
    assert figure_mask(torch.zeros(18, 3), 20, 30).sum() == 0
    assert torch.isfinite(figure_mask(keypoints - torch.tensor([900.0, 0, 0]), 48, 64)).all()
    one = torch.zeros(18, 3)
    one[0] = torch.tensor([10.0, 10.0, 1.0])
    assert torch.isfinite(figure_mask(one, 20, 30)).all()


# -- filling --------------------------------------------------------------------------------------------------------


def disc(height: int, width: int, x: float, y: float, radius: float) -> Tensor:
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return ((columns - x) ** 2 + (rows - y) ** 2 <= radius**2)[None].float()


def test_stripes_go_on_through_a_hole() -> None:
    width, period = 400, 40
    stripes = (torch.arange(width) % period < period // 2).float() * 1.6 - 0.8
    image = stripes.expand(3, 300, width).clone()
    hole = disc(300, width, 205, 150, 50)
    filled = fill(image * (1 - hole), hole)
    assert torch.equal(filled[:, hole[0] == 0], image[:, hole[0] == 0])
    assert (filled - image).abs()[:, hole[0] == 1].mean() < 0.25, "a smear would be 0.8 off"


def test_a_smooth_wall_stays_smooth() -> None:
    light = torch.linspace(-0.6, 0.6, 300).expand(3, 200, 300).clone()
    hole = disc(200, 300, 150, 100, 40)
    filled = fill(torch.where(hole > 0, torch.ones_like(light), light), hole)
    error = (filled - light).abs()[:, hole[0] == 1]
    assert error.mean() < 0.06
    assert error.flatten().quantile(0.98) < 0.15, "shifted copies alone are 0.37 off"
    assert torch.equal(fill(light, torch.zeros_like(hole)), light)


def test_a_filled_hole_is_the_same_every_time_and_never_looked_at() -> None:
    image, hole = grass(200, 260), disc(200, 260, 30, 170, 40)
    filled = fill(image, hole)
    assert torch.equal(filled, fill(torch.where(hole > 0, -image.flip(2), image), hole))
    assert filled.abs().max() <= 1


@pytest.mark.parametrize("size", [(16, 16), (17, 300), (40, 23), (64, 128)])
def test_holes_of_every_kind(size: tuple[int, int]) -> None:
    image = grass(*size)
    for hole in (disc(*size, size[1] / 2, size[0] / 2, 6), disc(*size, 0, 0, 9), torch.ones(1, *size)):
        filled = fill(image, hole)
        assert torch.isfinite(filled).all()
        assert filled.shape == image.shape
    soft = disc(*size, 8, 8, 5) * 0.5
    assert math.isfinite(float(fill(image, soft).sum()))
    with pytest.raises(ValueError, match=r"fill: image \(3, H, W\)"):
        fill(image, image)


def test_ragged_holes_are_chosen_for_on_few_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = []

    def counted(small: Tensor, free: Tensor, nodes: Tensor, shifts: Tensor) -> Tensor:
        cells.append(len(nodes))
        return torch.zeros(len(nodes), dtype=torch.long)

    monkeypatch.setattr("repose.scene.fill._labels", counted)
    hole = torch.zeros(1, 600, 600)
    hole[:, 200:400:8, 150:450:8] = 1  # speckles: 950 pixels that touch as many cells
    hole[:, 100:500:4, 100:500:9] = 1
    filled = fill(grass(600, 600), hole)
    assert torch.isfinite(filled).all()
    assert cells
    assert max(cells) <= 1500


def test_spread() -> None:
    values, known = torch.zeros(1, 33, 20), torch.zeros(1, 33, 20)
    values[:, :, 0], values[:, :, -1] = -1, 1
    known[:, :, [0, -1]] = 1
    out = spread(values, known)
    assert torch.equal(out[:, :, [0, -1]], values[:, :, [0, -1]])
    assert (out.diff(dim=2) > -0.1).all()
    assert abs(float(out[0, 16, 9:11].mean())) < 0.3
    assert (spread(values, torch.zeros_like(known)) == 0).all()
