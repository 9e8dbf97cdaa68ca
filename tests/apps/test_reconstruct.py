"""Reconstruction by a label map: what counts as a map, where it lies, what comes back, and what is refused."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch
from torch import Tensor
from typer.testing import CliRunner

import repose.apps
from repose import cli, models
from repose.apps import reconstruction
from repose.apps.clothes.bitwise import bitwise_steps, dressed_map
from repose.apps.clothes.wearing import WAYS, Settings, _parsing_model
from repose.apps.garments import read_garments
from repose.apps.layouts import is_label_map, place_layout, read_layout
from repose.apps.reconstruction import reconstruct_person, require_model
from repose.data import Store
from repose.estimate.field_files import write_map
from repose.images import save_image
from repose.models.weights import save_weights
from repose.person import LIP_LABELS, Person
from repose.pipeline import Model, load
from repose.recipes import override
from repose.represent.canvas import canvas, to_uint8
from tests.contract import checks

STORE = Path(__file__).parents[1] / "compatibility" / "files" / "store"
"""Six rendered people of 128x64 with exact labels."""

CANVAS = canvas("fashion-half")


@pytest.fixture(scope="module")
def model() -> Model:
    """A tiny network by label maps, untrained."""
    words = [*models.MODELS["multiscale"].tiny, "canvas=fashion-half"]
    recipe = override(models.recipe("multiscale-parsing-s"), words)
    torch.manual_seed(0)
    generator = checks.settle(models.build_generator(recipe))
    with torch.no_grad():
        generator.to_image.weight.mul_(20)  # type: ignore[union-attr, operator]
    return Model("tiny", generator, recipe)


@pytest.fixture(scope="module")
def people() -> list[Person]:
    store = Store.open(STORE)
    return [store.person([index])[0] for index in range(3)]


@pytest.fixture
def files(people: list[Person], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Photographs 0.png, 1.png and label maps 0.map.png, 1.map.png; joints and labels of a photograph are known."""
    for number, person in enumerate(people[:2]):
        assert person.image is not None
        assert person.parsing is not None
        save_image(tmp_path / f"{number}.png", to_uint8(person.image))
        write_map(tmp_path / f"{number}.map.png", "parsing", person.parsing)

    def known(picture: object, parsing: object = None, **options: object) -> Person:
        return people[int(Path(str(picture)).stem) if isinstance(picture, str | Path) else 0]

    for module in ("repose.apps.reconstruction", "repose.apps.layouts", "repose.apps.people"):
        monkeypatch.setattr(f"{module}.parsed_person", known)
    return tmp_path


# -- layouts --------------------------------------------------------------------------------------------------------


def test_a_map_is_told_from_a_photograph(files: Path) -> None:
    assert is_label_map(files / "0.map.png")
    assert not is_label_map(files / "0.png")
    grey = np.asarray(PIL.Image.open(files / "0.png").convert("L"))
    PIL.Image.fromarray(grey).save(files / "grey.png")
    PIL.Image.open(files / "0.map.png").convert("RGB").save(files / "coloured.png")
    PIL.Image.open(files / "0.map.png").convert("RGB").save(files / "coloured.jpg")
    np.save(files / "array.npy", np.zeros((4, 4), np.uint8))
    assert not is_label_map(files / "grey.png")
    assert is_label_map(files / "coloured.png")
    assert not is_label_map(files / "coloured.jpg")
    assert is_label_map(files / "array.npy")


@pytest.mark.parametrize("kind", ["palette", "colours", "npy", "array", "tensor", "PIL"])
def test_every_kind_of_map_gives_the_same_labels(kind: str, files: Path, people: list[Person]) -> None:
    wanted = people[0].parsing
    assert wanted is not None
    place = files / "0.map.png"
    given = {
        "palette": place, "colours": files / "colours.png", "npy": files / "map.npy", "array": wanted.byte().numpy(),
        "tensor": wanted, "PIL": PIL.Image.open(place),
    }[kind]  # fmt: skip
    PIL.Image.open(place).convert("RGB").save(files / "colours.png")
    np.save(files / "map.npy", wanted.numpy())
    labels = "lip" if isinstance(given, Path) else None
    assert torch.equal(read_layout(given, labels).parsing, wanted)  # type: ignore[arg-type]


def test_a_photograph_is_parsed(files: Path, people: list[Person]) -> None:
    layout = read_layout(files / "1.png")
    assert layout.image is not None
    assert torch.equal(layout.parsing, people[1].parsing)  # type: ignore[arg-type]


def test_a_map_without_a_person(files: Path) -> None:
    PIL.Image.fromarray(np.zeros((128, 64), np.uint8)).save(files / "empty.png")
    with pytest.raises(ValueError, match=r"empty.png shows nobody: all of its pixels are background"):
        read_layout(files / "empty.png", "lip")
    few = torch.zeros(128, 64, dtype=torch.int64)
    few[3, 4] = 5
    with pytest.raises(ValueError, match="the label map shows nobody: only 1 of its pixels"):
        read_layout(few)


def test_unknown_labels(files: Path) -> None:
    wrong = torch.ones(128, 64, dtype=torch.int64)
    wrong[7, 9] = 21
    with pytest.raises(ValueError, match=r"the label 21 at x=9, y=7, and Repose's are 0 to 20"):
        read_layout(wrong)
    np.save(files / "wrong.npy", wrong.numpy())
    with pytest.raises(ValueError, match=r"wrong.npy holds the label 21 at x=9, y=7"):
        read_layout(files / "wrong.npy", "lip")
    strange = np.zeros((128, 64, 3), np.uint8)
    strange[20:90, 20:40] = (1, 2, 3)
    PIL.Image.fromarray(strange).save(files / "strange.png")
    with pytest.raises(ValueError, match=r"the colour \(1, 2, 3\)"):
        read_layout(files / "strange.png")
    with pytest.raises(ValueError, match="leave labels away"):
        read_layout(torch.ones(128, 64, dtype=torch.int64), "atr")


def box_of(parsing: Tensor) -> list[int]:
    rows, columns = (parsing > 0).nonzero(as_tuple=True)
    return [int(end) for end in (rows.min(), rows.max(), columns.min(), columns.max())]


def test_a_map_of_the_window_s_shape_is_taken_whole() -> None:
    parsing = torch.zeros(256, 176, dtype=torch.int64)
    parsing[20:240, 60:120] = 5
    placed = place_layout(Person(parsing=parsing), CANVAS)
    assert placed.size == CANVAS.size
    assert box_of(placed.parsing) == [10, 119, 34, 63]  # type: ignore[arg-type]  # halved, behind 4 white columns


def test_of_another_map_the_part_around_the_person_is_cut() -> None:
    parsing = torch.zeros(300, 600, dtype=torch.int64)
    parsing[50:250, 400:480] = 5
    placed = place_layout(Person(parsing=parsing), CANVAS).parsing
    assert placed is not None
    top, bottom, left, right = box_of(placed)
    assert bottom - top > 0.85 * CANVAS.height
    assert abs((left + right) / 2 - (CANVAS.width - 1) / 2) <= 1
    assert (bottom - top) / (right - left) == pytest.approx(200 / 80, rel=0.05)
    assert set(placed.unique().tolist()) == {0, 5}  # the nearest pixel, nothing between two labels


# -- the picture ----------------------------------------------------------------------------------------------------


def test_the_picture_is_the_network_s(model: Model, people: list[Person]) -> None:
    source, layout = people[0], Person(parsing=people[1].parsing)
    result = reconstruct_person(model, source, layout)
    assert result.image.shape == (3, 128, 88)
    wanted = model(model.place(source), place_layout(layout, CANVAS))
    assert torch.equal(result.image, wanted[:, :, 4:92])
    other = reconstruct_person(model, source, Person(parsing=people[2].parsing))
    assert not torch.equal(result.image, other.image)
    assert not torch.equal(result.image, reconstruct_person(model, people[2], layout).image)


def test_a_map_of_another_size_is_noted(model: Model, people: list[Person]) -> None:
    parsing = people[1].parsing
    assert parsing is not None
    large = parsing.repeat_interleave(2, 0).repeat_interleave(2, 1)
    with pytest.warns(UserWarning, match=r"the label map is 256x128, the photograph 128x64 .* nearest pixel"):
        result = reconstruct_person(model, people[0], Person(parsing=large))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        same = reconstruct_person(model, people[0], Person(parsing=parsing))
    assert (result.layout.parsing != same.layout.parsing).float().mean() < 0.02  # type: ignore[union-attr]


@pytest.mark.parametrize("kind", ["path", "PIL", "array", "tensor"])
def test_the_kind_of_the_source_comes_back(kind: str, files: Path, model: Model, people: list[Person]) -> None:
    pixels = np.asarray(PIL.Image.open(files / "0.png"))
    source = {
        "path": files / "0.png", "PIL": PIL.Image.fromarray(pixels), "array": pixels,
        "tensor": people[0].image,
    }[kind]  # fmt: skip
    result = repose.apps.reconstruct(source, files / "1.map.png", model=model, labels="lip")
    wanted = {"path": PIL.Image.Image, "PIL": PIL.Image.Image, "array": np.ndarray, "tensor": Tensor}[kind]
    assert isinstance(result, wanted)
    (alone,) = repose.apps.reconstruct([source], files / "1.map.png", model=model, labels="lip")
    assert type(alone) is type(result)


def test_the_name_is_the_function_whatever_was_imported_before() -> None:
    assert callable(repose.apps.reconstruct)
    assert repose.apps.reconstruct is reconstruction.reconstruct


def test_a_model_that_reads_joints_is_refused() -> None:
    recipe = override(models.recipe("multiscale-s"), [*models.MODELS["multiscale"].tiny])
    with pytest.raises(ValueError, match=r"'joints' poses people by keypoints, not by a label map alone; choose"):
        require_model(Model("joints", models.build_generator(recipe), recipe))


def test_the_shipped_weights_take_the_layout_from_the_map(people: list[Person]) -> None:
    """Nearer to the true picture on the person than the source is, of two pictures of one person."""
    shipped = require_model()
    source, target = people[:2]
    result = reconstruct_person(shipped, source, Person(parsing=target.parsing))
    true = shipped.canvas.take(place_layout(target, shipped.canvas))
    assert true.image is not None
    assert true.parsing is not None
    assert result.source.image is not None
    there = true.parsing > 0
    error, copied = ((picture - true.image).abs()[:, there].mean() for picture in (result.image, result.source.image))
    assert error < 0.8 * copied


def test_bitwise_has_weights_of_its_own() -> None:
    assert _parsing_model(Settings()).name == reconstruction.DEFAULT
    assert _parsing_model(Settings(model=load("default"))).name == reconstruction.DEFAULT


# -- bitwise try-on -------------------------------------------------------------------------------------------------


def test_the_equation_of_section_4_5_2(model: Model, people: list[Person]) -> None:
    source, garment = (model.place(person) for person in people[:2])
    labels = [LIP_LABELS[k] for k in source.parsing.unique().tolist() if k in garment.parsing.unique().tolist()][1:3]  # type: ignore[union-attr]
    steps = bitwise_steps(source, garment, labels, model)
    numbers = torch.tensor([LIP_LABELS.index(label) for label in labels])
    mask = torch.isin(source.parsing, numbers)  # type: ignore[arg-type]
    assert torch.equal(steps.mask, mask)
    crude = model(garment, Person(parsing=steps.parsing))
    assert torch.equal(steps.crude, crude)
    assert torch.equal(steps.image, mask * crude + ~mask * source.image)  # type: ignore[operator]
    assert mask.any()
    assert not mask.all()


def test_bitwise_is_a_way_of_tryon(model: Model, people: list[Person]) -> None:
    """On whole photographs: a pixel that changes belongs to the garment, and the garment changes."""
    source, garment = people[:2]
    assert source.parsing is not None
    assert garment.parsing is not None
    shared = sorted(set(source.parsing.unique().tolist()) & set(garment.parsing.unique().tolist()) - {0})
    label = max(shared, key=lambda k: int((source.parsing == k).sum()))  # type: ignore[union-attr]
    put_on = WAYS["bitwise"](Settings(model=model))
    picture = put_on(source, garment, read_garments(LIP_LABELS[label]))
    assert source.image is not None
    assert picture.shape == source.image.shape
    changed = (picture != source.image).any(0)
    near = torch.nn.functional.max_pool2d((source.parsing == label).float()[None], 3, 1, 1)[0] > 0  # of the canvas
    assert changed.any()
    assert not (changed & ~near).any()


def test_a_part_that_the_other_does_not_wear_becomes_the_one_that_they_wear_most() -> None:
    source = torch.tensor([[0, 5, 5, 7, 9]])
    garment = torch.tensor([[0, 7, 7, 6, 9]])
    assert dressed_map(source, garment, ["upper clothes", "coat", "dress"]).tolist() == [[0, 7, 7, 7, 9]]
    with pytest.raises(ValueError, match="the person with the garment wears nothing of skirt"):
        dressed_map(source, garment, ["skirt"])
    with pytest.raises(ValueError, match="the source wears nothing of dress"):
        dressed_map(source, garment, ["dress"])


# -- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def weights(model: Model, tmp_path: Path) -> Path:
    save_weights(tmp_path / "weights", model.generator, model.recipe, {"licence": "none", "data": "noise"})
    return tmp_path / "weights"


def run(*words: object) -> tuple[int, str]:
    done = CliRunner().invoke(cli.app, ["reconstruct", *map(str, words)])
    said = f"{done.output} {done.exception or ''}"
    return done.exit_code, said


def test_one_picture_and_its_sheet(files: Path, weights: Path) -> None:
    out = files / "out" / "result.png"
    code, said = run(files / "0.png", files / "1.map.png", "-o", out, "-m", weights, "--true", files / "1.png")
    assert code == 0, said
    assert PIL.Image.open(out).size == (88, 128)
    with_true = PIL.Image.open(out.with_suffix(".sheet.png")).size
    code, said = run(files / "0.png", files / "1.map.png", "-o", out, "-m", weights)
    assert code == 0, said
    assert PIL.Image.open(out.with_suffix(".sheet.png")).size[0] < with_true[0]


def test_a_folder_of_maps_with_a_broken_one(files: Path, weights: Path) -> None:
    maps = files / "maps"
    maps.mkdir()
    (files / "1.map.png").rename(maps / "1.png")
    (maps / "broken.npy").write_bytes(b"no array")
    out = files / "grid.png"
    code, said = run(files / "0.png", maps, "-o", out, "-m", weights, "--labels", "lip")
    assert code == 3, said
    assert "broken.npy" in said
    assert sorted(path.name for path in (files / "grid").iterdir()) == ["0_2_1.png"]
    assert out.is_file()


def test_of_the_folder_of_an_estimate_only_the_label_maps_are_taken(files: Path, weights: Path) -> None:
    """Its sheet would be taken for a photograph of the layout, and parsed."""
    maps = files / "maps"
    maps.mkdir()
    (files / "1.map.png").rename(maps / "1.parsing.png")
    for name in ("sheet.png", "1.mask.png"):
        (maps / name).write_bytes((files / "0.png").read_bytes())
    code, said = run(files / "0.png", maps, "-o", files / "grid.png", "-m", weights)
    assert code == 0, said
    assert [path.name for path in (files / "grid").iterdir()] == ["0_2_1.parsing.png"]


def test_what_is_wrong_is_told_before_the_work(files: Path, weights: Path) -> None:
    code, said = run(files / "0.png", files / "1.map.png", "-o", files / "1.map.png", "-m", weights)
    assert code != 0
    assert "is an input" in said
    code, said = run(files / "0.png", files / "1.map.png", "-o", files / "x.txt", "-m", weights)
    assert code != 0
    assert ".txt" in said
