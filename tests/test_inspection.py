"""Pictures of the inside: colours say what they claim, and every model with an inspector draws what is there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from skimage.color import deltaE_ciede2000, rgb2lab
from torch import Tensor

from repose import pipeline
from repose.data import Store
from repose.draw.panels import (
    PALETTE,
    TABLE,
    Panel,
    enlargement,
    flow_key,
    flow_map,
    grid,
    heat,
    label_map,
    map_picture,
    over,
    page,
    picture,
    write_panels,
)
from repose.inspection import find_model, find_pair, find_person, look_inside
from repose.models import MODELS, inspector
from repose.person import LABELS, LIP_LABELS, Person
from repose.pipeline import Model
from repose.represent.pose_files import write_keypoints
from tests import tiny
from tests.contract.checks import HEIGHT, WIDTH, person

GREY = (208, 208, 208)

# Machado, Oliveira, Fernandes 2009, severity 1: linear RGB as eyes without green and without red see it
WITHOUT_GREEN = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
WITHOUT_RED = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]


def lab(colours: np.ndarray, seen: object = None) -> np.ndarray:
    """sRGB (N, 3) of 0 to 255 -> L*a*b* (N, 3), as these eyes see them."""
    srgb = colours / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    linear = (linear @ np.array(np.eye(3) if seen is None else seen).T).clip(0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    found: np.ndarray = rgb2lab(srgb[None])[0]
    return found


# -- colours --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("eyes", [None, WITHOUT_GREEN, WITHOUT_RED])
def test_heat_grows_lighter_evenly_for_all_eyes(eyes: object) -> None:
    lightness = lab(TABLE[::15], eyes)[:, 0]
    steps = np.diff(lightness)
    assert lightness[0] < 20
    assert lightness[-1] > 88
    assert steps.min() > 0.6 * steps.mean()
    assert steps.max() < 1.6 * steps.mean()


@pytest.mark.parametrize("eyes", [None, WITHOUT_GREEN, WITHOUT_RED])
def test_any_two_labels_differ_for_all_eyes(eyes: object) -> None:
    colours = lab(PALETTE.astype(float), eyes)
    assert len(PALETTE) == len(LABELS)
    apart = deltaE_ciede2000(colours[:, None], colours[None])  # type: ignore[no-untyped-call]
    assert apart[~np.eye(len(colours), dtype=bool)].min() > 12


def test_heat_shows_its_scale() -> None:
    values = torch.tensor([[0.0, 0.5], [1.0, torch.nan]])
    drawn = heat(values)
    assert drawn.shape == (2, 2, 3)
    assert tuple(drawn[0, 0]) == tuple(TABLE[0])
    assert tuple(drawn[1, 0]) == tuple(TABLE[255])
    assert tuple(drawn[0, 1]) == tuple(TABLE[128])
    assert tuple(drawn[1, 1]) == GREY
    assert tuple(heat(values, low=0, high=2)[1, 0]) == tuple(TABLE[128])
    assert tuple(heat(values, low=0.6)[0, 0]) == tuple(TABLE[0]), "beyond an end it is the end"
    assert tuple(heat(torch.full((2, 2), 7.0))[0, 0]) == tuple(TABLE[128]), "nothing to tell apart"
    assert tuple(heat(torch.full((2, 2), torch.nan))[0, 0]) == GREY
    assert tuple(heat(torch.tensor([[True, False]]))[0, 0]) == tuple(TABLE[255])


def test_heat_keeps_cells_sharp_and_averages_what_shrinks() -> None:
    values = torch.tensor([[0.0, 1.0]])
    large = heat(values, (4, 6))
    assert np.array_equal(large, heat(values).repeat(4, 0).repeat(3, 1))
    assert tuple(heat(torch.tensor([[0.0, 1.0, 1.0, 1.0]]), (1, 2), 0, 1)[0, 0]) == tuple(TABLE[128])


def test_over_shows_values_in_colour_and_the_picture_in_grey() -> None:
    image = torch.cat([torch.full((1, 4, 8), 1.0), torch.full((2, 4, 8), -1.0)])  # red
    image[:, :, 4:] = 1
    drawn = over(image, torch.zeros(2, 4), 0, 1).astype(int)
    assert drawn.shape == (4, 8, 3)
    assert drawn[0, 7].sum() > drawn[0, 0].sum() + 100, "the light half stays lighter"
    plain = over(torch.zeros(3, 4, 8), torch.zeros(2, 4), 0, 1).astype(int)
    assert np.abs((drawn[0, 0] - plain[0, 0]) - (drawn[0, 0] - plain[0, 0])[0]).max() <= 1, "no colour of the picture"


def test_labels_have_their_colours_and_their_names() -> None:
    parsing = torch.tensor([[0, 5], [19, 24]])
    assert [tuple(c) for c in label_map(torch.tensor([[19, 20]]))[0]] == [tuple(c) for c in PALETTE[19:]]
    drawn = label_map(parsing)
    assert [tuple(c) for c in drawn.reshape(-1, 3)[:3]] == [tuple(PALETTE[k]) for k in (0, 5, 19)]
    assert tuple(drawn[1, 1]) not in {tuple(c) for c in PALETTE}
    assert tuple(drawn[1, 1]) > tuple(PALETTE[4]), "a lighter shade of the one it stands for"
    named = label_map(torch.zeros(40, 20, dtype=torch.long), LIP_LABELS)
    assert named.shape[0] == 40
    assert np.array_equal(named[:, :20], label_map(torch.zeros(40, 20, dtype=torch.long)))
    assert (named[:, 20:].min(-1) < 128).any(), "the name is written"
    two = label_map(torch.tensor([[0, 13]]), LIP_LABELS)
    assert (two[:, 2:] == PALETTE[13]).all(-1).sum() > 40, "a square of each colour that occurs"
    assert not (two[:, 2:] == PALETTE[11]).all(-1).any()


def test_a_flow_at_rest_is_the_key_and_a_shift_moves_it() -> None:
    height, width = 32, 24
    y = (torch.arange(height) * 2 + 1) / height - 1
    x = (torch.arange(width) * 2 + 1) / width - 1
    still = torch.stack([x.expand(height, -1), y[:, None].expand(-1, width)])
    key = flow_key(height, width)
    assert np.array_equal(flow_map(still), key)
    assert len({tuple(c) for c in key.reshape(-1, 3)}) > 0.9 * height * width, "nearly every place has its own colour"
    shifted = still + torch.tensor([2 * 6 / width, 2 * 4 / height])[:, None, None]  # from 6 right and 4 down
    assert np.array_equal(flow_map(shifted)[:-4, :-6], key[4:, 6:])
    still[:, 3, 5] = torch.nan
    assert tuple(flow_map(still)[3, 5]) == GREY
    light = lab(key.reshape(-1, 3).astype(float), WITHOUT_GREEN).reshape(height, width, 3)
    assert light[:4, :, 0].mean() > light[-4:, :, 0].mean() + 30, "top light, bottom dark"
    assert light[:, -4:, 2].mean() > light[:, :4, 2].mean() + 40, "left blue, right orange for every eye"


def test_wrong_values_are_named() -> None:
    flat = torch.zeros(4, 4)
    for call, message in (
        (lambda: heat(flat[None]), "index the batch"),
        (lambda: heat(flat, low=2, high=1), "high must not be below"),
        (lambda: picture(torch.zeros(1, 3, 4, 4)), "index the batch"),
        (lambda: label_map(flat), "whole numbers"),
        (lambda: label_map(torch.tensor([[-1]])), "labels run -1 to 0"),
        (lambda: label_map(torch.tensor([[20]]), LIP_LABELS), "names from 0 to 19"),
        (lambda: flow_map(flat), "index the batch"),
        (lambda: Panel("My mask", "It shows.", GREEN), "small letters"),
        (lambda: Panel("../mask", "It shows.", GREEN), "small letters"),
        (lambda: Panel("mask", " ", GREEN), "caption is empty"),
        (lambda: Panel("mask", "It shows.", GREEN[..., 0]), "uint8"),
        (lambda: map_picture(person(1, 0), "keypoints"), "no map"),
    ):
        with pytest.raises(ValueError, match=message):
            call()


GREEN = np.tile(np.array([10, 200, 30], np.uint8), (20, 30, 1))


def pixels(image: np.ndarray, of: np.ndarray) -> int:
    """How many pixels of the image have the colour of this plain picture."""
    return int((image == of[0, 0]).all(-1).sum())


def test_grid_places_pictures() -> None:
    made = grid([[GREEN, None], [GREEN, GREEN]], ["a", "b"], ["one", "two"], scale=2)
    assert pixels(made, GREEN) == 3 * 40 * 60
    assert [enlargement(h) for h in (64, 128, 256, 1024)] == [4, 2, 1, 1]


def test_maps_of_a_person() -> None:
    one = person(1, 3)
    parts, labels = map_picture(one, "iuv"), map_picture(one, "parsing")
    assert parts is not None
    assert labels is not None
    assert parts.shape == labels.shape == (HEIGHT, WIDTH, 3)
    assert np.array_equal(labels, label_map(one.parsing[0]))  # type: ignore[index]
    empty = (one.iuv[0, 0] == 0).numpy()  # type: ignore[index]
    assert (parts[empty] <= PALETTE[0]).all()
    assert map_picture(Person(keypoints=torch.zeros(1, 18, 3)), "mask") is None


# -- what is written ------------------------------------------------------------------------------------------------


def test_write_leaves_every_panel_the_sheet_and_the_captions(tmp_path: Path) -> None:
    wide = np.tile(np.array([200, 10, 30], np.uint8), (300, 900, 1))
    panels = [
        Panel("masks", "Yellow is much.", GREEN),
        Panel("flow-1", "Where from.", wide),
    ]
    paths = write_panels(panels, tmp_path / "new" / "folder", "a model", "Random weights")
    assert [path.name for path in paths] == ["masks.png", "flow-1.png", "sheet.png", "index.md"]
    assert np.array_equal(np.asarray(PIL.Image.open(paths[0])), GREEN)
    text = paths[-1].read_text()
    for word in ("a model", "**Random weights.**", "Yellow is much.", "](flow-1.png)"):
        assert word in text
    sheet = np.asarray(PIL.Image.open(paths[2]))
    assert sheet.shape[1] >= 900
    assert pixels(sheet, GREEN) == 20 * 30 * 12**2, "small ones are enlarged"
    assert pixels(sheet, wide) == 300 * 900
    for wrong in ([], panels[:1] * 2, [Panel("sheet", "No.", GREEN)]):
        with pytest.raises(ValueError, match="different names"):
            write_panels(wrong, tmp_path)


def test_a_page_holds_every_panel_whole() -> None:
    panels = [
        Panel(f"p{k}", "What it shows, in a sentence.", np.full((300, 200 + 90 * k, 3), k, np.uint8)) for k in range(9)
    ]
    made = page(panels, "title", width=700)
    for k, panel in enumerate(panels[1:], start=1):
        assert ((made == k).all(-1)).sum() == panel.image[..., 0].size
    assert made.shape[1] <= 200 + 90 * 8 + 32


# -- a model without an inspector -----------------------------------------------------------------------------------


def test_a_model_without_inspector(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    monkeypatch.setitem(MODELS, "patn", replace(MODELS["patn"], inspect=None))
    with pytest.raises(ValueError, match=r"inside of 'patn'.*carry"):
        inspector("patn")


# -- one pair -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return pipeline.load(tiny.save(tmp_path_factory.mktemp("inspect") / "tiny", "multiscale-s", "canvas=market"))


def test_the_result_is_that_of_the_model(model: Model) -> None:
    both = tiny.people(2, *model.canvas.size, 5)
    panels = look_inside(model, both[0], both[1])
    assert [panel.name for panel in panels] == ["result", "masks", "channels"]
    wanted = picture(model(both[0], both[1])).repeat(2, 0).repeat(2, 1)
    result = panels[0].image
    height, width = wanted.shape[:2]
    seen_panels = [
        column
        for column in range(result.shape[1] - width + 1)
        if np.array_equal(result[-height - 6 : -6, column : column + width], wanted)
    ]
    assert len(seen_panels) == 1


def test_pictures_of_any_size_are_cut_and_poses_rebuilt(model: Model) -> None:
    pixels, canvas = tiny.people(2, 300, 200, 6), model.canvas.size
    panels = look_inside(model, pixels[0], pixels[1].only("keypoints"), retarget=True)
    assert canvas == (128, 64)
    assert panels[0].caption == "The source, the target pose, and what the model makes of them."
    as_transfer = picture(model.crop(pixels[0], pixels[1].only("keypoints"))).repeat(2, 0).repeat(2, 1)
    height, width = as_transfer.shape[:2]
    assert np.array_equal(panels[0].image[-height - 6 : -6, -width - 6 : -6], as_transfer)


def test_maps_keep_their_build(model: Model) -> None:
    both = tiny.people(2, *model.canvas.size, 6)
    labelled = replace(both[1], parsing=torch.zeros(model.canvas.size, dtype=torch.long))
    as_it_is, asked = (look_inside(model, both[0], labelled, retarget=how)[0].image for how in (False, True))
    assert np.array_equal(as_it_is, asked)


def test_a_missing_field_is_named(model: Model) -> None:
    one = tiny.people(1, *model.canvas.size, 5)[0]
    with pytest.raises(ValueError, match=r"needs source.image.*read_person"):
        look_inside(model, one.only("keypoints"), one)


def test_random_weights_are_said_to_be_random_and_stay_the_same() -> None:
    state = torch.random.get_rng_state()
    one, warning = find_model("multiscale-s")
    two, _ = find_model("multiscale-s")
    assert "RANDOM" in warning
    assert one.name == "multiscale-s-random"
    assert not one.generator.training
    assert torch.equal(torch.random.get_rng_state(), state)
    for a, b in zip(one.generator.parameters(), two.generator.parameters(), strict=True):
        assert torch.equal(a, b)
    trained, silence = find_model("default")
    assert silence == ""
    assert trained.name == pipeline.load().name
    with pytest.raises(ValueError, match="did you mean 'multiscale-a1-lr'"):
        find_model("multiscale-a1-lrr")


def test_people_by_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.seeing(monkeypatch)
    monkeypatch.chdir(tmp_path)
    store: Store = tiny.store(tmp_path / "store")
    name = store.names[3]
    for word in (name, "3"):
        person_read = find_person(word, store)
        assert torch.equal(person_read.image, store.person([3])[0].image)  # type: ignore[arg-type]
    tiny.photograph(tmp_path / "me.png")
    photo = find_person("me.png", store)
    assert photo.size == (400, 200)
    joints: Tensor = photo.keypoints  # type: ignore[assignment]
    write_keypoints(tmp_path / "two.json", {"one": joints, "dan#0": joints + torch.tensor([1, 1, 0])})
    write_keypoints(tmp_path / "one.json", {"alone": joints})
    posed = find_person("two.json#dan#0", target=True).keypoints
    assert torch.allclose(posed, joints + torch.tensor([1, 1, 0]), atol=0.01)  # type: ignore[arg-type]
    assert torch.allclose(find_person("one.json", target=True).keypoints, joints, atol=0.01)  # type: ignore[arg-type]
    for word, given, target, message in (
        (name + "x", store, False, f"did you mean '{name}'"),
        (str(len(store)), store, False, f"pictures 0 to {len(store) - 1}"),
        ("nobody.png", None, False, "nobody.png does not exist"),
        ("one.json", None, False, "holds joints"),
        ("two.json", None, True, "two.json#one"),
        ("two.json#dan", None, True, "did you mean 'dan#0'"),
    ):
        with pytest.raises(ValueError, match=message):
            find_person(word, given, target)
    source, target_person = find_pair(store, 1, store.splits[0])
    first, second = store.pairs(store.splits[0])[1].tolist()
    assert torch.equal(source.image, store.person([first])[0].image)  # type: ignore[arg-type]
    assert torch.equal(target_person.image, store.person([second])[0].image)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="has pairs 0 to"):
        find_pair(store, 10**6, store.splits[0])
