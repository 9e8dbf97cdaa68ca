"""Texture transfer: the new cloth is inside the outline, and outside the photograph is as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import repose.apps
from repose.apps.clothes.cut import garment_cut
from repose.apps.clothes.laying import Cloth, exchanged, filled, fitting, posed, shaded
from repose.apps.clothes.texture import Texture
from repose.apps.garments import Garment, read_garments
from repose.models import build_generator
from repose.person import Person
from repose.pipeline import Model, load
from repose.represent.canvas import to_uint8
from tests import tiny
from tests.apps.dressed import BLUE, GREEN, RED, dressed, inner, label, outer

SHIRT = Garment("shirt", ("upper clothes",))


@pytest.fixture(scope="module")
def model() -> Model:
    return load("default")


def known(*people: Person) -> dict[str, Any]:
    """Joints and label maps as the function takes them; nothing is left to be estimated."""
    joints = [Person(keypoints=person.keypoints, size=person.size) for person in people[:-1]]
    parsings = [person.parsing for person in people[:-1]]
    return {
        "source_keypoints": joints if len(joints) > 1 else joints[0],
        "source_parsing": parsings if len(parsings) > 1 else parsings[0],
        "condition_keypoints": Person(keypoints=people[-1].keypoints, size=people[-1].size),
        "condition_parsing": people[-1].parsing,
        "mask": None,
    }


def pixels(person: Person) -> np.ndarray:
    assert person.image is not None
    return to_uint8(person.image)


def test_a_red_shirt_becomes_blue_and_the_rest_stays(model: Model) -> None:
    source, other = dressed(0, RED), dressed(3, BLUE)
    result = repose.apps.texture(pixels(source), pixels(other), model=model, shading=0, **known(source, other))
    assert isinstance(result, np.ndarray)
    shirt = label(source, "upper clothes")
    inside = torch.from_numpy(result)[inner(shirt)].float()
    wanted = (torch.tensor(BLUE) + 1) * 127.5
    assert inner(shirt).sum() > 100
    assert (inside - wanted).abs().mean() < 12
    assert (torch.from_numpy(pixels(source))[inner(shirt)].float() - wanted).abs().mean() > 60
    away = outer(shirt).numpy()
    np.testing.assert_array_equal(result[away], pixels(source)[away])


def test_several_sources_give_a_list_in_their_order(model: Model) -> None:
    sources, other = [dressed(0, RED), dressed(2, GREEN)], dressed(3, BLUE)
    results = repose.apps.texture(
        [pixels(source) for source in sources], pixels(other), model=model, labels=["shirt", "trousers"],
        **known(*sources, other),
    )  # fmt: skip
    assert len(results) == 2
    for source, result in zip(sources, results, strict=True):
        single = repose.apps.texture(
            pixels(source), pixels(other), model=model, labels="shirt,trousers", **known(source, other)
        )
        np.testing.assert_array_equal(result, single)
    assert not np.array_equal(results[0], results[1])


def test_what_cannot_be_done_is_said_before_the_work(model: Model) -> None:
    source, other = dressed(0), dressed(3, BLUE, trousers=None)
    with pytest.raises(ValueError, match="the condition wears no trousers"):
        repose.apps.texture(pixels(source), pixels(other), model=model, labels="trousers", **known(source, other))
    with pytest.raises(ValueError, match="the source wears no trousers"):
        repose.apps.texture(pixels(other), pixels(source), model=model, labels="trousers", **known(other, source))
    with pytest.raises(ValueError, match="did you mean 'shirt'"):
        repose.apps.texture("none.jpg", "none.jpg", model="no-such-model", labels="shrit")
    with pytest.raises(ValueError, match="shading is 0 to 1"):
        repose.apps.texture("none.jpg", "none.jpg", shading=2)
    with pytest.raises(ValueError, match="2 label maps for 1 photographs"):
        repose.apps.texture("none.jpg", "none.jpg", source_parsing=[None, None])


def test_stripes_are_carried_by_the_pose_and_stay_sharp(model: Model) -> None:
    """A person in their own pose and their own striped shirt keeps the stripes."""
    source = dressed(0, RED)
    assert source.image is not None
    striped = source.image.clone()
    shirt = label(source, "upper clothes")
    rows = torch.arange(128)[:, None].expand(128, 64)
    stripes = shirt & (rows % 8 < 4)
    striped[:, stripes] = torch.tensor(BLUE)[:, None]
    owner = replace(source, image=striped)
    result = Texture(model, owner, [SHIRT], shading=0)(source)
    deep = inner(shirt, 2)
    assert (result - striped).abs()[:, deep].mean() < 0.2
    assert (source.image - striped).abs()[:, deep].mean() > 0.4


def test_by_equation_11_in_evaluation_mode() -> None:
    chosen = tiny.recipe("pinet-s")
    torch.manual_seed(0)
    model = Model("tiny", build_generator(chosen).train(), chosen)
    source, other = dressed(0, RED), dressed(3, BLUE)
    assert source.image is not None
    put_on = Texture(model, other, [SHIRT])
    result = put_on(source)
    assert not model.generator.training
    torch.testing.assert_close(result, put_on(source))
    shirt = label(source, "upper clothes")
    away = outer(shirt, 1)
    assert torch.equal(result[:, away], source.image[:, away])
    assert not torch.equal(result[:, inner(shirt)], source.image[:, inner(shirt)])


# -- the steps ------------------------------------------------------------------------------------------------------


def test_cloth_that_is_missing_is_continued() -> None:
    mask = torch.zeros(1, 40, 40)
    mask[:, :, :26] = 1
    colours = torch.where(torch.arange(40) % 8 < 4, 0.8, -0.8).view(1, 40, 1).expand(3, 40, 40).clone()
    colours[:, :, 26:] = 0.0
    region = torch.zeros(40, 40, dtype=torch.bool)
    region[4:36, 4:36] = True
    full = filled(Cloth(colours, mask), region, 40.0)
    new = full[:, 6:34, 28:34]
    stripes = colours[:, 6:34, :1].expand_as(new)
    assert (new - stripes).abs().mean() < 0.4, "the stripes go on, where nothing was known"
    torch.testing.assert_close(full[:, 6:34, 6:20], colours[:, 6:34, 6:20])


def test_shade_is_the_old_garments_and_colour_the_new_ones() -> None:
    region = torch.ones(60, 60, dtype=torch.bool)
    ramp = torch.linspace(-0.6, 0.6, 60).view(1, 1, 60).expand(3, 60, 60)
    plain = torch.tensor(RED).view(3, 1, 1).expand(3, 60, 60)
    dark = shaded(plain, ramp, region, 60.0, 1.0)
    assert dark[0, 30, 5] < plain[0, 30, 5] - 0.1 < dark[0, 30, 54]
    assert torch.equal(shaded(plain, ramp, region, 60.0, 0.0), plain)


def test_the_border_follows_the_pictures_edge() -> None:
    """The label map is two pixels too narrow; the pixels beyond it are the garment's by their colour."""
    image = torch.full((3, 80, 80), 0.9)
    true = torch.zeros(80, 80, dtype=torch.bool)
    true[20:60, 20:60] = True
    image[:, true] = torch.tensor(RED)[:, None]
    region = inner(true, 2)
    cloth = torch.tensor(BLUE).view(3, 1, 1).expand(3, 80, 80)
    result, share = exchanged(image, cloth, region, 260.0)
    assert (result - cloth).abs()[:, region].mean() < 0.03
    assert (result - cloth).abs()[:, region].max() < 0.3
    rim = inner(true, 1) & ~region
    assert (result - cloth).abs()[:, rim].mean() < 0.25
    assert torch.equal(result[:, outer(true, 3)], image[:, outer(true, 3)])
    assert share[0, outer(true, 3)].max() == 0


def test_sleeves_by_the_garments_own_cut(model: Model) -> None:
    """A long sleeve covers the arm, a short one leaves it bare; the other way keeps the outline."""
    bare, long = dressed(0, RED), dressed(0, BLUE, sleeves=True)
    into = fitting(model, bare)
    region = into.region(label(bare, "upper clothes"))
    arms = into.region(label(bare, "left arm") | label(bare, "right arm"))
    worn = posed(into, long, label(long, "upper clothes"))
    outline = garment_cut(into, long, SHIRT, worn, region)
    assert (outline.cloth & arms).sum() > 0.5 * arms.sum()
    assert (own := Texture(model, long, [SHIRT]).laid(into, SHIRT)) is not None
    assert torch.equal(own.region, region)
    back = fitting(model, long)
    whole = back.region(label(long, "upper clothes"))
    short = garment_cut(back, bare, SHIRT, posed(back, bare, label(bare, "upper clothes")), whole)
    assert short.bare.sum() > 0.3 * arms.sum()
    assert not bool((short.bare & ~whole).any())
    assert read_garments("shirt")[0] == SHIRT
