"""The one door: every kind of picture in and out, every kind of target, and where people land on the canvas."""

import functools
import inspect
import pkgutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from torch import Tensor

import repose
from repose.estimate import ESTIMATORS, KeypointEstimator, NobodyFound
from repose.images import ImageError, ImageLike
from repose.models.base import Generator, Needs, Output
from repose.person import Person
from repose.pipeline import DEVICES, Model, load, read_person, read_pose, transfer, untrained
from repose.pipeline.model import _device
from repose.represent.canvas import canvas, from_uint8, to_uint8
from repose.represent.pose_files import write_keypoints
from repose.scene import Background, Scene
from tests import surface, tiny
from tests.estimate import fakes
from tests.represent.test_retarget import stick

EYES = tiny.Eyes()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return load(tiny.save(tmp_path_factory.mktemp("weights") / "tiny"))


@functools.cache
def pose(x: float = 40, y: float = 20, tall: float = 300) -> Tensor:
    """The 18 joints of a person of dots, as the estimator finds them."""
    (found,) = EYES.people(tiny.photograph(width=260, height=400, x=x, y=y, tall=tall))
    return found.keypoints


def pixels(result: object) -> np.ndarray:
    """Any result as uint8 (H, W, 3)."""
    if isinstance(result, Tensor):
        return result.movedim(0, -1).numpy() if result.dtype == torch.uint8 else to_uint8(result)
    return np.asarray(result)


# -- kinds ----------------------------------------------------------------------------------------------------------


def test_the_same_kind_comes_back(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "me.png"
    image = tiny.photograph(path, 100, 200, 15, 20, 160)
    tensor = from_uint8(image)
    kinds: dict[type, list[tuple[ImageLike, torch.dtype | None]]] = {
        PIL.Image.Image: [(path, None), (str(path), None), (PIL.Image.fromarray(image), None)],
        np.ndarray: [(image, None)],
        Tensor: [(tensor, torch.float32), (torch.from_numpy(image).movedim(-1, 0), torch.uint8)],
    }  # fmt: skip
    wanted = None
    for kind, sources in kinds.items():
        for source, dtype in sources:
            result = repose.transfer(source, pose(), model, EYES)
            assert isinstance(result, kind)
            assert dtype is None or result.dtype == dtype
            assert pixels(result).shape == image.shape
            wanted = pixels(result) if wanted is None else wanted
            assert np.array_equal(pixels(result), wanted)
    assert wanted is not None
    assert wanted.std() > 5


def test_targets_of_every_kind_agree(model: Model, tmp_path: Path) -> None:
    source = tiny.photograph()
    target = tiny.photograph(tmp_path / "dancer.png", width=260, x=40, y=20, tall=300)
    write_keypoints(tmp_path / "pose.json", {"dancer": pose()})
    write_keypoints(tmp_path / "pose.csv", {"dancer": pose()})  # whole pixels
    transfer = functools.partial(repose.transfer, whole=False)  # whole: the photograph is most of the picture
    by_tensor = pixels(transfer(source, pose(), model, EYES)).astype(int)
    bare = Person(keypoints=pose(), size=(400, 260))
    for same in (bare, target, tmp_path / "dancer.png", tmp_path / "pose.json"):
        assert np.array_equal(pixels(transfer(source, same, model, EYES)), by_tensor), same
    assert np.abs(pixels(transfer(source, str(tmp_path / "pose.csv"), model, EYES)) - by_tensor).mean() < 6
    other = pixels(transfer(source, pose(tall=200) * torch.tensor([1, 0.5, 1]), model, EYES))
    assert np.abs(other - by_tensor).mean() > 1, "another pose is another picture"


def test_names_of_poses(tmp_path: Path) -> None:
    write_keypoints(tmp_path / "two.csv", {"a": pose(), "b": pose(60)})
    assert list(read_pose(tmp_path / "two.csv", EYES)) == ["a", "b"]
    tiny.photograph(tmp_path / "dancer.png")
    assert list(read_pose(tmp_path / "dancer.png", EYES)) == ["dancer"]
    assert list(read_pose(pose())) == ["target"]


def test_which_person() -> None:
    picture = fakes.draw(400, 400, [fakes.joints(20, 100, 200), fakes.joints(200, 20, 340)])
    right = [read_person(picture, EYES, which).keypoints[0, 0] > 200 for which in ("largest", 0, 1)]
    assert right == [True, True, False]
    with pytest.raises(NobodyFound, match="0 to 1"):
        read_person(picture, EYES, 2)


class Elsewhere(Generator):
    """Its weights are on a device without numbers; notes where the people are that it is given."""

    needs = Needs(("image",), ("keypoints",))

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1, device="meta"))
        self.seen: list[str] = []

    def encode(self, source: Person, target: Person) -> tuple[Tensor, ...]:
        assert source.image is not None
        assert target.keypoints is not None
        self.seen += [source.image.device.type, target.keypoints.device.type]
        return ()

    def synthesise(self, *inputs: Tensor) -> Output:
        return Output(torch.zeros(1, 3, 128, 64))


# -- whole photographs ----------------------------------------------------------------------------------------------


def stick_person(height: int = 400, width: int = 500) -> Person:
    keypoints = pose() * torch.tensor([0.8, 0.8, 1]) + torch.tensor([150, 50, 0]) * (pose()[:, 2:] > 0)
    return Person(image=torch.rand(3, height, width, generator=torch.manual_seed(0)) * 2 - 1, keypoints=keypoints)


def built(points: Tensor, height: int, width: int) -> Person:
    """A person of this stick body in the middle of noise, on which they are 260 pixels tall."""
    keypoints = points.clone()
    low, high = points[:, :2].amin(0), points[:, :2].amax(0)
    keypoints[:, :2] = (points[:, :2] - (low + high) / 2) * 260 / (high - low)[1] + torch.tensor([width, height]) / 2
    return Person(
        image=torch.rand(3, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1, keypoints=keypoints
    )


def test_the_whole_photograph_comes_back(model: Model) -> None:
    person = stick_person()
    assert person.image is not None
    far = slice(0, 60)
    for background in ("keep", "generated"):
        made = model.whole(person, Person(keypoints=pose()), background)  # type: ignore[arg-type]
        assert made.shape == person.image.shape
        assert torch.equal(made[:, :, far], person.image[:, :, far])
        assert (made != person.image).any(0).float().mean() > 0.02
    white = model.whole(person, Person(keypoints=pose()), "white")
    assert (white[:, :, far] == 1).all()
    assert (white != 1).any()
    image = tiny.photograph(width=400, x=100)
    kept = pixels(transfer(image, pose(), model, EYES))
    assert kept.shape == image.shape
    assert np.array_equal(kept, pixels(transfer(image, pose(), model, EYES))), "the same every time"
    assert (pixels(transfer(image, pose(), model, EYES, background="white")) == 255).mean() > 0.3


def test_the_builds_of_people(model: Model) -> None:
    person = built(stick(), 400, 500)
    target = Person(keypoints=built(stick(shin=52.0, arms=60), 400, 500).keypoints, size=(400, 500))
    for way in (model.whole, model.crop):
        assert not torch.equal(way(person, target, retarget=True), way(person, target, retarget=False))
    posing = Posing()
    there = Model("posing", posing, model.recipe)

    def shins(keypoints: Tensor) -> float:
        """Their length over that of the thighs."""
        bones = [(keypoints[a, :2] - keypoints[b, :2]).norm() for a, b in ((9, 10), (12, 13), (8, 9), (11, 12))]
        return float((bones[0] + bones[1]) / (bones[2] + bones[3]))

    assert person.keypoints is not None
    assert target.keypoints is not None
    for way in (there.whole, there.crop):
        way(person, target, retarget=True)
        way(person, target, retarget=False)
        given, own = (shins(keypoints[0]) for keypoints in posing.poses[-2:])
        assert own == pytest.approx(shins(target.keypoints), rel=0.02), "the limbs of the target as they are"
        wanted = shins(person.keypoints)
        assert abs(given - wanted) < 0.8 * abs(own - wanted), "nearer to the source's"
    placed, source = model.place(target), model.place(person)
    assert torch.equal(model.crop(person, target, retarget=False), model(source, placed))


class Posing(Elsewhere):
    """Notes the poses that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.poses: list[Tensor] = []

    def encode(self, source: Person, target: Person) -> tuple[Tensor, ...]:
        assert target.keypoints is not None
        self.poses.append(target.keypoints)
        return ()


def test_another_build_does_not_leave_the_canvas(model: Model) -> None:
    posing = Posing()
    there = Model("posing", posing, model.recipe)
    target = stick(arms=150)
    low, high = target[:, :2].amin(0), target[:, :2].amax(0)
    target[:, :2] = (target[:, :2] - low) / (high - low) * torch.tensor([62.0, 126.0]) + 0.5  # the canvas is filled
    source = built(stick(upper=45.0, fore=40.0, head=1.3), 400, 500)
    there.crop(source, Person(keypoints=target, size=(128, 64)))
    (seen,) = posing.poses[-1]
    located = seen[seen[:, 2] > 0]
    assert 0 < len(located) < int((target[:, 2] > 0).sum()), "one of the arms or the head is outside"
    assert located[:, :2].amin() >= -0.5
    assert (located[:, :2].amax(0) <= torch.tensor([63.5, 127.5])).all()
    assert (seen[seen[:, 2] == 0] == 0).all()


class Masked(Elsewhere):
    """Knows where the person is; notes at which size it was asked for the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.sizes: list[tuple[int, ...]] = []
        self.calls = 0

    def synthesise(self, *inputs: Tensor) -> Output:
        self.calls += 1
        person = torch.zeros(1, 1, 128, 64)
        person[..., 20:120, 22:42] = 1
        return Output(torch.zeros(1, 3, 128, 64), {"person": person})

    def enlarge(self, output: Output, photograph: Tensor, coarser: float = 1.0) -> Tensor:
        self.sizes.append(tuple(photograph.shape[-2:]))
        return torch.full_like(photograph, -0.5)


def test_a_model_that_knows_its_figure(model: Model) -> None:
    masked = Masked()
    there, person = Model("masked", masked, model.recipe), stick_person(800, 1000)
    large = Person(
        image=person.image,
        keypoints=person.keypoints * torch.tensor([2, 2, 1]) if person.keypoints is not None else None,
    )
    made = there.whole(large, Person(keypoints=pose()))
    assert masked.calls == 2, "once for the old figure's place"
    (size,) = masked.sizes
    assert size[0] > 400, "the photograph's own pixels are carried"
    assert size[0] % 128 == size[1] % 64 == 0
    assert large.image is not None
    assert ((made == -0.5).all(0)).sum() > 3000
    there.whole(large, Person(keypoints=pose()), "white")
    assert masked.calls == 3


def test_a_scene_is_posed_many_times(model: Model) -> None:
    masked = Masked()
    there, person = Model("masked", masked, model.recipe), stick_person()
    targets = [Person(keypoints=stick(arms=arms)) for arms in (10, 60, 110, 170)]
    scene = there.scene(person)
    assert masked.calls == 0
    pictures = [there.pose(scene, target) for target in targets]
    assert masked.calls == len(targets) + 1, "the old figure's place is asked for once"
    for target, picture in zip(targets, pictures, strict=True):
        assert torch.equal(there.whole(person, target), picture)
        assert torch.equal(there.pose(scene, target), picture)
    assert not any(torch.equal(pictures[0], other) for other in pictures[1:])
    pictures[0].requires_grad_()  # no tensor of inference mode
    large = on_canvas("fashion", there)
    with pytest.raises(ValueError, match="made for the canvas 'market', this model works on 'fashion'"):
        large.pose(scene, targets[0])


def on_canvas(name: str, model: Model) -> Model:
    """The same generator on another canvas."""
    return Model(model.name, model.generator, replace(model.recipe, canvas=name))


def test_the_source_is_the_same_whatever_the_arms_do(model: Model) -> None:
    seeing = Seeing()
    there, person = Model("seeing", seeing, model.recipe), built(stick(), 400, 500)
    scene = there.scene(person)
    for arms in (10, 50, 90, 130, 170):
        there.pose(scene, Person(keypoints=stick(arms=arms)))
        there.whole(person, Person(keypoints=stick(arms=arms)))
    assert len(seeing.sources) == 10
    first = seeing.sources[0]
    assert first.image is not None
    assert first.keypoints is not None
    for source in seeing.sources:
        assert torch.equal(source.image, first.image)  # type: ignore[arg-type]
        assert torch.equal(source.keypoints, first.keypoints)  # type: ignore[arg-type]


def rendered_person(seed: int, height: int = 300, width: int = 400) -> Person:
    """Somebody in a wide photograph, with joints, IUV and labels."""
    random = np.random.default_rng(seed)
    keypoints = surface.joints(random, 240, 120) + np.array([(width - 120) / 2, 30, 0], np.float32)
    drawn = surface.iuv(keypoints, height, width)
    iuv = torch.from_numpy(drawn).movedim(-1, 0) / torch.tensor([1.0, 255.0, 255.0]).view(3, 1, 1)
    image = from_uint8(surface.dressed(drawn, seed))
    return Person(image, torch.from_numpy(keypoints), parsing=(iuv[0] > 0).long() * 5, iuv=iuv)


@pytest.mark.parametrize("name", ["pinet-s", "densepose-s", "garment", "patn-s"])
@pytest.mark.parametrize("background", ["keep", "generated"])
def test_whole_photographs_by_models_that_need_maps(
    name: str, background: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, source, target = untrained(name, "cpu"), rendered_person(1), rendered_person(2, 350, 300)
    made = there.whole(source, target, background)
    assert source.image is not None
    assert made.shape == source.image.shape
    assert torch.isfinite(made).all()
    assert torch.equal(made[:, :, :40], source.image[:, :, :40])
    assert (made != source.image).any(0).float().mean() > 0.05
    for fields, role in ((there.generator.needs.source, "source"), (there.generator.needs.target, "target")):
        for field in set(fields) - {"image", "keypoints"}:
            less = replace(source if role == "source" else target, **{field: None})
            pair = (less, target) if role == "source" else (source, less)
            monkeypatch.setitem(ESTIMATORS, field, {})  # with an estimator the field would be filled
            with pytest.raises(
                ValueError, match=rf"lacks {field}, which nothing here estimates|no estimator of {field}"
            ):
                there.whole(*pair, background)


def test_a_models_maps_are_those_of_the_photograph(model: Model) -> None:
    seeing = Seeing(Needs(("image", "parsing"), ("keypoints", "iuv")))
    there, source, target = Model("seeing", seeing, model.recipe), rendered_person(1), rendered_person(2, 350, 300)
    there.whole(source, target)
    given, wanted = seeing.sources[-1], seeing.targets[-1]
    assert given.keypoints is None
    assert given.parsing is not None
    assert given.image is not None
    plain = (given.image - (230 / 127.5 - 1)).abs().amax(1) < 0.02  # beside a drawn body
    plain |= (given.image > 0.99).all(1)  # beside the photograph
    assert 0.2 < plain.float().mean() < 0.8
    assert ((given.parsing == 0) == plain).float().mean() > 0.95
    assert wanted.iuv is not None
    assert wanted.keypoints is not None
    drawn = torch.from_numpy(surface.iuv(wanted.keypoints[0].numpy(), 128, 64)[..., 0] > 0)
    there_is = wanted.iuv[0, 0] > 0
    assert float((drawn & there_is).sum() / (drawn | there_is).sum()) > 0.8
    there.crop(source, target)
    assert torch.equal(seeing.targets[-1].keypoints[0], there.place(target).keypoints)  # type: ignore[arg-type,index]


class Seeing(Elsewhere):
    """Notes the people that it is given."""

    def __init__(self, needs: Needs | None = None) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.needs = needs or Needs(("image", "keypoints"), ("keypoints",))
        self.sources: list[Person] = []
        self.targets: list[Person] = []

    def encode(self, source: Person, target: Person) -> tuple[Tensor, ...]:
        self.sources.append(source)
        self.targets.append(target)
        return ()


def test_a_mask_that_shows_nothing_is_as_none(model: Model) -> None:
    person, results = stick_person(), []
    height, width = 400, 500
    for mask in (None, torch.zeros(1, height, width)):
        masked = Masked()
        given = Person(image=person.image, keypoints=person.keypoints, mask=mask)
        results.append(Model("masked", masked, model.recipe).whole(given, Person(keypoints=pose())))
        assert masked.calls == 2, "the model is asked for the old figure's place"
    assert torch.equal(*results)
    masked = Masked()
    good = Person(image=person.image, keypoints=person.keypoints, mask=torch.ones(1, height, width))
    Model("masked", masked, model.recipe).whole(good, Person(keypoints=pose()))
    assert masked.calls == 1


def test_people_on_another_device_are_fetched_first(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[tuple[int, str]] = []
    move = Person.to

    def to(self: Person, device: torch.device | str, non_blocking: bool = False) -> Person:
        fetched.append((id(self), str(device)))
        return move(self, device, non_blocking)

    monkeypatch.setattr(Person, "to", to)
    source, target = stick_person(), Person(keypoints=pose())
    model.whole(source, target)
    assert fetched[:2] == [(id(source), "cpu"), (id(target), "cpu")]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
@pytest.mark.parametrize("masked", [True, False])
def test_a_whole_photograph_on_cuda(model: Model, masked: bool) -> None:
    person, target = stick_person(), Person(keypoints=pose(), size=(400, 260))
    if masked:
        person = Person(image=person.image, keypoints=person.keypoints, mask=torch.ones(1, 400, 500))
    for background in ("keep", "generated", "white"):
        wanted = model.whole(person, target, background)  # type: ignore[arg-type]
        found = model.whole(person.to("cuda"), target.to("cuda"), background)  # type: ignore[arg-type]
        assert torch.equal(found, wanted)
    assert torch.equal(model.crop(person.to("cuda"), target.to("cuda")), model.crop(person, target))


# -- what is refused ------------------------------------------------------------------------------------------------


def test_errors_say_what_and_where(model: Model, tmp_path: Path) -> None:
    write_keypoints(tmp_path / "two.csv", {"a": pose(), "b": pose(60)})
    with pytest.raises(ValueError, match=r"two\.csv holds 2 poses \(a, b"):
        transfer(tiny.photograph(), tmp_path / "two.csv", model, EYES)
    PIL.Image.new("RGB", (200, 300)).save(tmp_path / "empty.png")
    with pytest.raises(NobodyFound, match=r"empty\.png: no person was found"):
        transfer(tmp_path / "empty.png", pose(), model, EYES)
    with pytest.raises(NobodyFound, match="no person was found"):
        transfer(np.zeros((300, 200, 3), np.uint8), pose(), model, EYES)
    with pytest.raises(ImageError, match=r"none\.jpg: there is no such file"):
        transfer(tmp_path / "none.jpg", pose(), model, EYES)
    with pytest.raises(ValueError, match="did you mean 'movenet'"):
        transfer(tiny.photograph(), pose(), model, "movnet")
    single = torch.zeros(18, 3)
    single[3] = torch.tensor([5.0, 5.0, 1.0])
    with pytest.raises(ValueError, match="fewer than two located joints"):
        transfer(tiny.photograph(), single, model, EYES)
    with pytest.raises(ValueError, match="fewer than two located joints"):
        transfer(tiny.photograph(), Person(image=torch.zeros(3, 64, 64)), model, EYES)
    with pytest.raises(ValueError, match="one person at a time"):
        transfer(tiny.photograph(), Person(keypoints=pose()[None], size=(400, 260)), model, EYES)
    write_keypoints(tmp_path / "single.json", {"lonely": single})
    with pytest.raises(ValueError, match=r"single\.json, lonely has fewer than two"):
        read_pose(tmp_path / "single.json")


# -- framing --------------------------------------------------------------------------------------------------------


def person(height: int, width: int, keypoints: Tensor, image: bool = True) -> Person:
    return Person(image=torch.zeros(3, height, width) if image else None, keypoints=keypoints, size=(height, width))


@pytest.mark.parametrize(
    ("height", "width", "tall", "image", "framed"),
    [
        (128, 64, 110, True, True),  # a photograph of Market-1501
        (512, 256, 440, True, True),  # the same, larger
        (128, 66, 110, True, True),  # nearly
        (128, 64, 50, True, False),  # far away
        (128, 96, 110, True, False),  # too wide
        (128, 50, 110, True, False),  # too narrow
        (128, 64, 110, False, True),  # joints of such a photograph
        (128, 64, 50, False, False),
        (128, 96, 110, False, False),
        (112, 56, 110, False, False),  # the size is a wrong one: joints lie outside
    ],
)
def test_what_counts_as_framed(model: Model, height: int, width: int, tall: float, image: bool, framed: bool) -> None:
    there = Model("elsewhere", Elsewhere(), model.recipe)
    keypoints = pose() * torch.tensor([0, 0, 1.0])
    keypoints[:, 1] = torch.linspace(5, 5 + tall, 18)
    assert canvas("market").fits((height, width), keypoints[:, :2]) is framed
    given = person(height, width, keypoints, image)
    placed = there.place(given).keypoints
    assert placed is not None
    scale = torch.tensor([64 / width, 128 / height])
    as_it_is = (keypoints[:, :2] + 0.5) * scale - 0.5
    assert bool(torch.isclose(placed[:, :2], as_it_is, atol=0.01).all()) is framed, "one rule for the canvas alone"
    if image and min(keypoints[:, 1].amax(), height - 1) == keypoints[:, 1].amax():
        box = Scene(given, canvas("market")).placement.box
        assert (box == (0, 0, height, width)) is framed, "and for the whole photograph"


def test_a_framed_picture_is_taken_whole(model: Model) -> None:
    image = tiny.photograph(width=64, height=128, x=2, y=8, tall=112)
    placed = model.place(Person(image=from_uint8(image), keypoints=EYES.people(image)[0].keypoints))
    assert placed.image is not None
    assert np.array_equal(to_uint8(placed.image), image)


def test_joints_of_a_framed_photograph_land_where_its_own_would(model: Model, tmp_path: Path) -> None:
    image = tiny.photograph(tmp_path / "dancer.png", width=200, height=400, x=10, y=10, tall=330)
    (seen,) = read_pose(tmp_path / "dancer.png", EYES).values()
    wanted = model.place(seen).keypoints
    assert seen.keypoints is not None
    assert wanted is not None
    for format in ("repose", "openpose", "roy"):
        path = tmp_path / ("dancer.csv" if format == "roy" else "dancer.json")
        write_keypoints(path, {"dancer": seen.keypoints}, format, size=image.shape[:2])
        (told,) = read_pose(path).values()
        assert told.size == (400, 200)
        placed = model.place(told)
        assert placed.size == (128, 64)
        torch.testing.assert_close(placed.keypoints, wanted, rtol=0, atol=0.01)
    write_keypoints(tmp_path / "dancer.json", {"dancer": seen.keypoints})
    (bare,) = read_pose(tmp_path / "dancer.json").values()
    assert bare.size is None
    cut = model.place(bare).keypoints
    assert cut is not None
    assert (cut - wanted).abs().max() > 3, "without a size the surroundings of the joints are cut"
    everybody_else = model.place(Person(keypoints=seen.keypoints, size=(400, 300))).keypoints
    torch.testing.assert_close(everybody_else, cut)


@pytest.mark.parametrize("image", [True, False])
def test_a_small_person_on_a_huge_photograph_fills_the_canvas(model: Model, image: bool) -> None:
    points = fakes.joints(2400, 1300, 190)
    keypoints = torch.ones(18, 3)
    keypoints[:17, :2] = torch.from_numpy(points)
    keypoints[17, :2] = keypoints[0, :2]
    keypoints[4] = 0
    placed = model.place(person(2000, 3000, keypoints, image))
    assert placed.size == (128, 64)
    assert placed.keypoints is not None
    located = placed.keypoints[placed.keypoints[:, 2] > 0]
    assert len(located) == 17, "the missing joint stays missing, no other gets lost"
    assert (placed.keypoints[4] == 0).all()
    (left, top), (right, bottom) = located[:, :2].amin(0).tolist(), located[:, :2].amax(0).tolist()
    assert min(left, top) >= 0
    assert (right, bottom) <= (63, 127)
    assert 0.75 * 128 < bottom - top < 0.9 * 128, "as in the photographs of Market-1501"
    assert abs((left + right) / 2 - 31.5) < 1.5
    assert abs((top + bottom) / 2 - 63.5) < 2
    # one scale for both axes
    spread = keypoints[keypoints[:, 2] > 0, :2].amax(0) - keypoints[keypoints[:, 2] > 0, :2].amin(0)
    assert (right - left) / (bottom - top) == pytest.approx(float(spread[0] / spread[1]), rel=0.03)


def test_arms_stretched_wide_stay_on_the_canvas(model: Model) -> None:
    keypoints = pose().clone()
    keypoints[4, 0], keypoints[7, 0] = 5, 900
    placed = model.place(person(400, 1000, keypoints))
    assert placed.keypoints is not None
    assert (placed.keypoints[:, 2] > 0).sum() == (keypoints[:, 2] > 0).sum()
    assert 0 <= float(placed.keypoints[4, 0]) < 10
    assert 53 < float(placed.keypoints[7, 0]) <= 63


# -- the model and the package ---------------------------------------------------------------------------------------


def test_a_model_takes_people_and_batches(model: Model) -> None:
    batch = tiny.people(3, 128, 64, 5)
    images = model(batch, tiny.people(3, 128, 64, 6))
    one = model(batch[1], tiny.people(3, 128, 64, 6)[1])
    assert (images.shape, one.shape) == ((3, 3, 128, 64), (3, 128, 64))
    torch.testing.assert_close(one, images[1], rtol=0, atol=1e-5)
    assert not any(weight.requires_grad for weight in model.generator.parameters())
    assert not model.generator.training


def test_people_are_moved_to_the_model(model: Model) -> None:
    there = Model("elsewhere", Elsewhere(), model.recipe)
    assert there.device.type == "meta"
    person = tiny.people(1, 128, 64, 5)[0]
    assert there(person, person).device.type == "cpu"
    assert isinstance(there.generator, Elsewhere)
    assert there.generator.seen == ["meta", "meta"]


def test_of_several_people_each_photograph_has_its_own_choice(model: Model) -> None:
    joints = [fakes.joints(20, 100, 200), fakes.joints(200, 20, 340)]
    both, alone = fakes.draw(400, 400, joints), tiny.photograph()
    one, other = (read_person(both, EYES, which) for which in ("largest", 1))
    make = functools.partial(transfer, model=model, pose=EYES)
    assert np.array_equal(make(alone, both, target_which=1), make(alone, other))
    assert np.array_equal(make(alone, both), make(alone, one))
    assert not np.array_equal(make(alone, other), make(alone, one))
    assert np.array_equal(make(both, both, which=1), make(both, one, which=1)), "`which` is of the source alone"
    assert inspect.signature(transfer).parameters["target_which"].default == "largest"


def test_devices(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tiny.save(tmp_path / "tiny")
    assert load(folder, "cpu").device.type == "cpu"
    with pytest.raises(ValueError, match="no device is called 'cuad'; did you mean 'cuda'"):
        load(folder, "cuad")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert load(folder).device.type == "cpu"
    with pytest.raises(ValueError, match="no CUDA device here"):
        load(folder, "cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [_device(name).type for name in DEVICES] == ["cuda", "cpu", "cuda"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_cuda_makes_the_same_picture(model: Model, tmp_path: Path) -> None:
    folder = tiny.save(tmp_path / "tiny")
    source, target = tiny.people(2, 128, 64, 5), tiny.people(2, 128, 64, 6)
    found = load(folder)(source, target)
    assert found.device.type == "cpu"
    torch.testing.assert_close(found, load(folder, "cpu")(source, target), rtol=0, atol=0.02)


@pytest.mark.automatic_mask
def test_two_real_photographs(
    shared: Path, market: Path, model: Model, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pytest.importorskip("ai_edge_litert")
    from repose.estimate import estimator

    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    photographs = sorted((market / "bounding_box_test").glob("*.jpg"))[::5]
    seen: KeypointEstimator = estimator()
    first, second = [path for path in photographs if seen.people(np.asarray(PIL.Image.open(path)))][:2]
    picture = repose.transfer(first, second, model)
    cropped = repose.transfer(first, second, model, whole=False)
    assert isinstance(picture, PIL.Image.Image)
    assert picture.size == PIL.Image.open(first).size
    assert cropped.size == (64, 128)


def test_public_names_stay_what_they_are_whatever_is_imported_first() -> None:
    modules = {module.name for module in pkgutil.iter_modules(repose.__path__)}
    assert not modules & set(repose.__all__), "importing such a module would replace the public name"
    assert set(repose._HOMES) == set(repose.__all__)
    program = (
        "import sys, repose\n"
        "assert not {'torch', 'numpy', 'PIL'} & sys.modules.keys()\n"
        "assert repose.Person.__module__ == repose.Pair.__module__ == 'repose.person'\n"
        "import repose.cli, repose.models, repose.recipes, repose.models.weights, repose.pipeline, repose\n"
        "assert all(callable(getattr(repose, name)) for name in repose.__all__)\n"
        "assert repose.transfer.__module__ == 'repose.pipeline'\n"
        "assert repose.recipe('patn-s').model == 'patn'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with pytest.raises(AttributeError, match="no attribute 'transfr'"):
        _ = repose.transfr
