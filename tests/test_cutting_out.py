"""How a person is cut out in `transfer`, and what is put behind the new figure."""

from __future__ import annotations

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from torch import Tensor

import repose
from repose.estimate import MissingFieldError
from repose.estimate.base import Image
from repose.images import ImageError
from repose.models.base import Cutout, Generator, Needs, Output
from repose.person import Person
from repose.pipeline import Model, read_background, to_pixels, untrained, with_mask
from repose.represent.canvas import from_uint8, to_uint8
from repose.scene import BACKGROUNDS
from tests import tiny
from tests.represent.test_retarget import stick
from tests.scene.people import photograph

PERSON = photograph(240, 320, 0.8, 160, 210)
BARE = PERSON.only("image", "keypoints")
TARGET = Person(keypoints=stick(arms=60))
EYES = tiny.Eyes()


class Masks:
    """An estimator of masks that notes what it was given."""

    name = "masks-of-tests"

    def __init__(self) -> None:
        self.given: list[tuple[Image, Tensor]] = []

    def mask(self, image: Image, keypoints: Tensor) -> Tensor:
        self.given.append((image, keypoints))
        mask = torch.zeros(1, *image.shape[:2])
        x0, y0 = keypoints[keypoints[:, 2] > 0, :2].amin(0).long().tolist()
        x1, y1 = keypoints[keypoints[:, 2] > 0, :2].amax(0).long().tolist()
        mask[:, y0:y1, x0:x1] = 1
        return mask


@pytest.fixture(scope="module")
def model() -> Model:
    return untrained("carry-s", "cpu")


# -- masks ----------------------------------------------------------------------------------------------------------


def test_an_estimator_finds_the_mask() -> None:
    masks = Masks()
    person = with_mask(BARE, masks)
    assert len(masks.given) == 1
    image, keypoints = masks.given[0]
    assert np.array_equal(image, to_uint8(BARE.image))  # type: ignore[arg-type]
    assert torch.equal(keypoints, BARE.keypoints)  # type: ignore[arg-type]
    assert torch.equal(person.mask, masks.mask(image, keypoints))  # type: ignore[arg-type]
    assert person.image is BARE.image
    assert BARE.mask is None


def test_the_mask_of_a_large_photograph_is_as_it_was_found() -> None:
    """Where a person begins is a threshold, 0.95: in half precision this value came to lie beyond it."""

    class Border:
        name = "border-of-tests"

        def mask(self, image: Image, keypoints: Tensor) -> Tensor:
            return torch.full((1, *image.shape[:2]), 0.94999)

    large = Person(image=torch.zeros(3, 1500, 1400, dtype=torch.uint8), keypoints=BARE.keypoints)
    mask = with_mask(large, Border()).mask
    assert mask is not None
    assert float(mask.amax()) <= 0.95


def test_a_mask_that_is_given_stays() -> None:
    masks = Masks()
    assert with_mask(PERSON, masks) is PERSON
    assert with_mask(PERSON, "auto") is PERSON
    assert not masks.given


@pytest.mark.parametrize("nothing", [None, "none"])
def test_no_mask_is_wanted(nothing: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repose.estimate.table._build", lambda _: pytest.fail("nobody asked for it"))
    assert with_mask(BARE, nothing) is BARE


@pytest.mark.automatic_mask
@pytest.mark.parametrize(
    "error", [ImportError("ai-edge-litert is not installed: pip install it"), FileNotFoundError("get the file: URL")]
)
def test_what_cannot_run(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself it goes on without; what is named must run."""

    def refuse(_: str) -> None:
        raise error

    monkeypatch.setattr("repose.estimate.table._build", refuse)
    with pytest.warns(UserWarning, match="cut out by joints and colours alone.*") as notes:
        assert with_mask(BARE) is BARE
    assert str(error) in str(notes[0].message)
    assert len(notes) == 1
    for name in ("person", "selfie", "bodypix"):
        with pytest.raises(MissingFieldError, match=str(error)[:20]):
            with_mask(BARE, name)


def test_unknown_estimators() -> None:
    with pytest.raises(ValueError, match=r"no estimator of mask is called 'selfi'.*selfie"):
        with_mask(BARE, "selfi")


@pytest.mark.automatic_mask
def test_the_networks_of_development_find_the_mask(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ai_edge_litert")
    if not (shared / "models").is_dir():
        pytest.skip("the development networks (../shared/models) are not here")
    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        person = with_mask(BARE)
    assert person.mask is not None
    assert person.mask.shape == (1, 240, 320)
    assert BARE.keypoints is not None
    x, y = BARE.keypoints[[1, 8, 11], :2].long().T
    assert (person.mask[0, y, x] > 0.5).all(), "the trunk"
    assert person.mask.mean() < 0.4


# -- masks in `Model` -----------------------------------------------------------------------------------------------


class Noting(Generator):
    """Notes whether it was given a mask, and gives a blue figure in the middle when it is to cut one out."""

    def __init__(self, helps: tuple[str, ...] = ("mask",)) -> None:
        super().__init__()
        self.needs = Needs(("image", "keypoints"), ("keypoints",), helps=helps)
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.masks: list[bool] = []
        self.cut: list[tuple[Tensor, Tensor]] = []

    def prepare(self, source: Person) -> tuple[Tensor, ...]:
        self.masks.append(source.mask is not None)
        return (torch.zeros(1),)

    def encode(self, source: Person, target: Person) -> tuple[Tensor, ...]:
        assert source.image is not None
        return (source.image,)

    def synthesise(self, *inputs: Tensor) -> Output:
        shown = torch.zeros_like(inputs[0][:, :1])
        return Output(torch.zeros_like(inputs[0]), {"person": shown, "still": shown})

    def cutout(self, output: Output, photograph: Tensor, matte: Tensor) -> Cutout:
        self.cut.append((photograph, matte))
        alpha = torch.zeros_like(matte)
        rows, columns = matte.shape[-2:]
        alpha[..., rows // 3 : -rows // 3, columns // 3 : -columns // 3] = 1
        blue = torch.tensor([-1.0, -1.0, 1.0]).view(1, 3, 1, 1)
        return Cutout(blue.expand_as(photograph), alpha)


def test_a_mask_reaches_models_that_it_helps(model: Model) -> None:
    for helps in ((), ("mask",)):
        for person in (PERSON, BARE):
            generator = Noting(helps)
            Model("noting", generator, model.recipe).whole(person, TARGET)
            assert generator.masks == [bool(helps) and person is PERSON]


def test_figures_are_cut_out_where_there_is_a_mask(model: Model) -> None:
    beach = torch.full((3, 240, 320), 0.2)
    for background in (*BACKGROUNDS, beach):
        for person in (PERSON, BARE):
            generator = Noting()
            there = Model("noting", generator, model.recipe)
            scene = there.scene(person)
            whole = there.pose(scene, TARGET, background)
            wanted = person is PERSON and not (isinstance(background, str) and background == "generated")
            assert len(generator.cut) == wanted
            blue = (whole[2] > 0.9) & (whole[0] < -0.9)
            assert (blue.sum() > 100) == wanted
            if wanted:
                alone = scene.person_alone(scene.pose(TARGET).times)
                assert alone is not None
                assert all(torch.equal(one[0], other) for one, other in zip(generator.cut[0], alone, strict=True))
                assert whole.shape == (
                    4 if isinstance(background, str) and background == "transparent" else 3,
                    240,
                    320,
                )


def test_every_background_of_a_model(model: Model) -> None:
    assert PERSON.image is not None
    for background in BACKGROUNDS:
        whole = model.whole(PERSON, TARGET, background)
        assert whole.shape == (4 if background == "transparent" else 3, 240, 320)
        assert whole.abs().max() <= 1
    beach = torch.full((3, 240, 320), 0.2)
    assert (model.whole(PERSON, TARGET, beach)[:, :, :40] == beach[:, :, :40]).all()
    with pytest.raises(ValueError, match="did you mean 'white'"):
        model.whole(PERSON, TARGET, "whit")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="the background is"):
        model.whole(PERSON, TARGET, beach[:, :-1])


# -- pictures as a background ---------------------------------------------------------------------------------------

COLOURS = np.array([[200, 0, 0], [0, 200, 0], [0, 0, 200]], np.uint8)


def stripes(height: int, width: int, upright: bool = True) -> Image:
    """Three stripes side by side, or one above the other; uint8 (height, width, 3)."""
    along = np.arange(width if upright else height) * 3 // (width if upright else height)
    lines = COLOURS[along]
    return np.ascontiguousarray(np.broadcast_to(lines[None] if upright else lines[:, None], (height, width, 3)))


def shown(background: Tensor) -> np.ndarray:
    return to_uint8(background)


@pytest.mark.parametrize(
    ("picture", "size"),
    [
        (stripes(60, 180), (60, 60)),
        (stripes(60, 180), (240, 230)),
        (stripes(300, 900), (97, 101)),
        (stripes(180, 60, upright=False), (55, 60)),
        (stripes(54, 18, upright=False), (110, 120)),
    ],
)
def test_a_picture_covers_the_photograph_by_its_middle(picture: Image, size: tuple[int, int]) -> None:
    background = read_background(picture, size)
    assert isinstance(background, Tensor)
    assert background.shape == (3, *size)
    assert background.abs().max() <= 1
    height, width = size
    inner = shown(background)[height // 8 : -height // 8, width // 8 : -width // 8]
    assert np.abs(inner.astype(int) - COLOURS[1]).max() <= 12, "the middle third alone"


@pytest.mark.parametrize(("picture", "size"), [((60, 90), (120, 180)), ((600, 900), (120, 180)), ((18, 24), (51, 68))])
def test_a_picture_of_the_same_proportions_is_seen_whole(picture: tuple[int, int], size: tuple[int, int]) -> None:
    background = read_background(stripes(*picture), size)
    assert isinstance(background, Tensor)
    assert background.shape == (3, *size)
    pixels = shown(background).astype(int)
    assert np.abs(pixels[:, 0] - COLOURS[0]).max() <= 12
    assert np.abs(pixels[:, -1] - COLOURS[2]).max() <= 12


def test_a_picture_of_the_photographs_size_is_as_it_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 40, 3), dtype=np.uint8)
    assert np.array_equal(shown(read_background(pixels, (50, 40))), pixels)  # type: ignore[arg-type]
    assert np.array_equal(shown(read_background(pixels)), pixels)  # type: ignore[arg-type]


def test_kinds_of_backgrounds(tmp_path: Path) -> None:
    pixels = stripes(50, 40)
    PIL.Image.fromarray(pixels).save(tmp_path / "beach.png")
    kinds = [tmp_path / "beach.png", str(tmp_path / "beach.png"), PIL.Image.fromarray(pixels), pixels]
    for kind in [*kinds, from_uint8(pixels), torch.from_numpy(pixels).movedim(-1, 0)]:
        background = read_background(kind, (50, 40))
        assert isinstance(background, Tensor)
        assert np.array_equal(shown(background), pixels)
    assert [read_background(name, (50, 40)) for name in BACKGROUNDS] == list(BACKGROUNDS)


def test_neither_a_name_nor_a_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"no background is called 'transparant', and no picture.*'transparent'"):
        read_background("transparant")
    with pytest.raises(ValueError, match=r"no background is called 'beach.png', and no picture"):
        read_background("beach.png", (50, 40))
    with pytest.raises(ImageError, match="there is no such file"):
        read_background(tmp_path / "beach.png")
    (tmp_path / "text.png").write_text("nothing of the kind")
    with pytest.raises(ImageError, match="is not a picture"):
        read_background("text.png")
    PIL.Image.fromarray(stripes(20, 20)).save("white", format="png")  # a name wins
    assert read_background("white") == "white"


# -- pixels and `transfer` ------------------------------------------------------------------------------------------


def test_pixels_with_and_without_opacity() -> None:
    picture = torch.tensor([[-1.0, 0.2], [1.0, -0.4]]).expand(3, 2, 2)
    opacity = torch.tensor([[[-1.0, 1.0], [0.0, 0.5]]])
    plain, clear = to_pixels(picture), to_pixels(torch.cat([picture, opacity]))
    assert plain.shape == (2, 2, 3)
    assert np.array_equal(plain, to_uint8(picture))
    assert clear.shape == (2, 2, 4)
    assert clear.dtype == plain.dtype == np.uint8
    assert np.array_equal(clear[..., :3], plain)
    assert clear[..., 3].tolist() == [[0, 255], [128, 191]]
    assert np.array_equal(to_pixels(torch.cat([picture, 1.0001 * opacity])), clear), "no overflow"


def test_transfer_cuts_people_out(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    source = to_uint8(PERSON.image)  # type: ignore[arg-type]
    monkeypatch.setattr("repose.estimate.table._build", lambda _: pytest.fail("nobody asked for it"))
    words = {"model": model, "source_keypoints": PERSON.keypoints}
    bare = repose.transfer(source, TARGET, mask=None, **words)
    assert bare.shape == (240, 320, 3)
    masks = Masks()
    masked = repose.transfer(source, TARGET, mask=masks, **words)
    assert len(masks.given) == 1
    assert not np.array_equal(masked, bare), "another hole"
    given = masks.given[0]
    assert np.array_equal(given[0], source)
    whole = model.whole(replace(BARE, image=from_uint8(source), mask=masks.mask(*given)), TARGET)
    assert np.abs(masked.astype(int) - to_uint8(whole)).max() <= 1, "levels in place of floats"


def test_transfer_onto_other_backgrounds(model: Model, tmp_path: Path) -> None:
    source = PIL.Image.fromarray(to_uint8(PERSON.image))  # type: ignore[arg-type]
    words = {"model": model, "source_keypoints": PERSON.keypoints, "mask": Masks()}
    clear = repose.transfer(source, TARGET, background="transparent", **words)
    assert (clear.mode, clear.size) == ("RGBA", (320, 240))
    opacity = np.asarray(clear)[..., 3]
    assert (opacity[:, :40] == 0).all()
    assert opacity.max() > 100, "an untrained network is not sure"
    PIL.Image.fromarray(stripes(30, 120)).save(tmp_path / "beach.png")
    onto = repose.transfer(source, TARGET, background=tmp_path / "beach.png", **words)
    assert (onto.mode, onto.size) == ("RGB", (320, 240))
    assert np.array_equal(
        np.asarray(onto)[:, :40],
        to_uint8(read_background(tmp_path / "beach.png", (240, 320)))[:, :40],  # type: ignore[arg-type]
    )
    with pytest.raises(ValueError, match="no background is called 'beach'"):
        repose.transfer(source, TARGET, background="beach", **words)


def test_transfer_onto_a_picture_with_room(model: Model) -> None:
    """The picture covers the photograph after it grew."""
    person = photograph(420, 460, x=230, bottom=380, arms=12).crop(100, 150, 320, 160)
    beach = np.full((20, 20, 3), (0, 0, 200), np.uint8)
    large = repose.transfer(
        to_uint8(person.image),  # type: ignore[arg-type]
        Person(keypoints=stick(arms=90)),
        model,
        source_keypoints=person.keypoints,
        mask=None,
        room=True,
        background=beach,
    )
    assert large.shape[1] > 220
    assert (large[-60:, :20] == (0, 0, 200)).all()
    assert (large[-60:, -20:] == (0, 0, 200)).all()
