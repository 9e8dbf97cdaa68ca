"""Small files of every kind that break their readers in ways that a campaign found: one clear line each."""

import io
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from repose import models
from repose.document_tables import write_tables
from repose.files import parse_json, read_object_lines, shortened
from repose.models import read_recipe
from repose.models.weights import load_generator, read_card
from repose.person import Person
from repose.recipes import RecipeError, to_dict
from repose.represent.maps import with_maps
from repose.represent.pose_files import FormatError, read_pairs, read_poses
from repose.tensor_files import CheckpointError, write_tensors
from repose.train.checkpoint import load_checkpoint, save_checkpoint
from tests import tiny
from tests.represent.test_iuv_files import EXACT, HEIGHT, PIXELS, WIDTH


def line(error: BaseException) -> str:
    """The text of an error, which must be one line of reasonable length."""
    text = str(error)
    assert "\n" not in text
    assert len(text) < 600
    return text


# -- JSON -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"[" * 100_000, "nested too deep"),
        (b"\xff{}", "cannot be decoded as UTF-8: invalid start byte at byte 0"),
        (b'{"a": 1,\n }', "in line 2, column 2"),
        (b"1" * 5000, "4300 digits"),
    ],
)
def test_what_is_no_json_is_said_in_a_few_words(text: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said) as caught:
        parse_json(text)
    line(caught.value)


def test_a_line_that_is_no_object_is_named_and_odd_line_ends_are_none(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": "\u2028\x85"}\n\n[1]\n', encoding="utf-8")
    with pytest.raises(ValueError, match="line 3 is not JSON: an object"):
        read_object_lines(path)
    path.write_text('{"a": "\u2028\x85"}\n\n', encoding="utf-8")
    assert read_object_lines(path) == [{"a": "\u2028\x85"}]


def test_values_in_errors_are_short() -> None:
    nested: list[object] = []
    for _ in range(10_000):
        nested = [nested]
    assert shortened("x" * 1000) == "'" + "x" * 59 + "..."
    assert shortened(10**5000) == "a int"
    assert len(shortened(nested)) < 70


# -- recipes and weights --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("images", 10**400, "images: a number below 2.63 is wanted"),
        ("clip", 10**400, "clip: a finite number"),
        ("x" * 5000, 1, "recipe.xxx"),
        ("network", {"width": 10**9}, r"recipe.network.width: 1000000000 is beyond reason, at most 65,536"),
        ("name", [["x" * 9000]], "recipe.name: a word is wanted"),
    ],
    ids=["int", "float", "key", "network", "name"],
)
def test_numbers_of_recipes_beyond_reason(tmp_path: Path, key: str, value: object, said: str) -> None:
    path = tmp_path / "own.json"
    data = to_dict(tiny.recipe())
    path.write_text(json.dumps(data | {key: {**data[key], **value} if isinstance(value, dict) else value}))
    with pytest.raises(RecipeError, match=f"own.json is not a recipe: .*{said}") as caught:
        read_recipe(path)
    line(caught.value)


def test_settings_that_are_no_network(tmp_path: Path) -> None:
    data = to_dict(tiny.recipe("pinet-s"))
    (tmp_path / "recipe.json").write_text(json.dumps(data | {"network": data["network"] | {"downs": -1}}))
    write_tensors(tmp_path / "weights.safetensors", {"a": torch.zeros(1)}, {})
    with pytest.raises(CheckpointError, match=r"recipe.network is no network of 'pinet': .*tuple of ints") as caught:
        load_generator(tmp_path)
    assert str(tmp_path / "recipe.json") in line(caught.value)


def test_a_network_too_large_to_build_is_counted_first(monkeypatch: pytest.MonkeyPatch) -> None:
    class Huge(torch.nn.Module):
        def __init__(self, config: object) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.empty(40_000, 40_000))  # 6.4 GB

    recipe = tiny.recipe("patn-s")
    monkeypatch.setattr(type(models.MODELS["patn"]), "load", lambda self, path: Huge)
    monkeypatch.setattr(models, "USUAL_NUMBER", 1)
    with pytest.raises(RecipeError, match="1,600,000,000 parameters are beyond reason, at most 1,000,000,000"):
        models.build_generator(recipe)


def test_the_largest_number_is_the_models_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """65,536 holds for the papers of Repose; a package of its own has none, or declares its own."""
    recipe = tiny.recipe("patn-s")
    large = replace(recipe, network=replace(recipe.network, sigma=1e6))
    with pytest.raises(RecipeError, match=r"network\.sigma: 1000000\.0 is beyond reason, at most 65,536"):
        models.build_generator(large)
    monkeypatch.setattr(models, "PAPERS", ())  # as if another package had declared it
    models.build_generator(large)
    monkeypatch.setitem(models.MODELS, "patn", replace(models.MODELS["patn"], largest_number=1_000))
    with pytest.raises(RecipeError, match=r"network\.sigma: 1000000\.0 is beyond reason, at most 1,000"):
        models.build_generator(large)


@pytest.mark.parametrize(
    "content", [b"[1]", b"[" * 99_999, b'{"tensors": {"weights.safetensors": 1}}', b'{"tensors": 3}']
)
def test_a_damaged_card(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "card.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"card.json is damaged: .*correct it, or remove it") as caught:
        read_card(tmp_path)
    line(caught.value)


def test_a_checkpoint_whose_tree_is_not_that_of_its_tensors(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, {"a": torch.zeros(1)}, 1)
    path = tmp_path / "000000001.safetensors"
    for tree in ('{"dict": [["a", {"tensor": "/b"}]]}', "[]", '{"dict": 3}', '{"list": [1]}'):
        write_tensors(path, {"/a": torch.zeros(1)}, {"format": "repose-checkpoint-1", "tree": tree})
        with pytest.raises(CheckpointError, match="is damaged: its tree") as caught:
            load_checkpoint(tmp_path)
        assert str(path) in line(caught.value)


# -- poses and maps -------------------------------------------------------------------------------------------------


def test_a_numpy_file_with_a_damaged_header(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.save(stream, np.ones((18, 3)))
    path = tmp_path / "pose.npy"
    path.write_bytes(stream.getvalue().replace(b"'shape': (", b"'shape': [["))
    with pytest.raises(FormatError, match=r"pose.npy: the array cannot be read") as caught:
        read_poses(path)
    line(caught.value)


def test_a_canvas_and_joints_beyond_reason(tmp_path: Path) -> None:
    path = tmp_path / "pose.json"
    people = [{"pose_keypoints_2d": [9.0, 9.0, 1.0] * 18}]
    path.write_text(json.dumps({"people": people, "canvas_width": 99_999, "canvas_height": 99_999}))
    with pytest.raises(FormatError, match="a picture has at most 500,000,000 pixels"):
        read_poses(path)
    for bad in (-1e9, 1e300, math.nan):
        path.write_text(
            f"name:keypoints_y:keypoints_x\na.jpg: {json.dumps([5] * 18)}: {json.dumps([bad] + [5] * 17)}\n"
        )
        with pytest.raises(FormatError, match=r"line 2: a.jpg"):
            read_poses(path)


def test_a_long_row_is_not_repeated_whole(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("from,to\n" + "x" * 10_000 + "\n")
    with pytest.raises(FormatError, match=r"line 2: .* is not one pair") as caught:
        read_pairs(path)
    line(caught.value)


LABELS, UV = PIXELS[..., 0], np.moveaxis(EXACT[..., 1:], -1, 0)
WRONG_ARRAYS: dict[str, tuple[dict[str, object], str]] = {
    "text for u and v": ({"uv": UV.astype("U4")}, "uv holds <U4, not numbers"),
    "complex labels": ({"labels": LABELS.astype(complex)}, "labels holds complex128, not numbers"),
    "no size": ({"size": []}, "size is width and height"),
    "a size in complex numbers": ({"size": np.array([1j, 2])}, "size holds complex128"),
    "a size of half a pixel": ({"size": (0.5, 9)}, "size is width and height"),
    "a box beyond reason": ({"box": (1e300, 0)}, "box is left, top, right, bottom"),
    "one u beyond 1": ({"uv": np.where(UV.max() == UV, 24, UV)}, "holds [uv] 24 at x="),
}


@pytest.mark.parametrize("case", WRONG_ARRAYS)
def test_arrays_of_densepose_that_are_no_numbers_or_beyond_reason(tmp_path: Path, case: str) -> None:
    changed, said = WRONG_ARRAYS[case]
    path = tmp_path / "iuv.npz"
    given = {"labels": LABELS, "uv": UV, "box": (0, 0), "size": (WIDTH, HEIGHT)}
    np.savez(path, **{**given, **changed})  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=said) as caught:
        with_maps(Person(image=torch.zeros(3, HEIGHT, WIDTH)), iuv=path)
    assert str(path) in line(caught.value)


def test_u_and_v_a_little_beyond_their_range_are_cut_off_as_detectron2_does(tmp_path: Path) -> None:
    path = tmp_path / "iuv.npz"
    uv = UV.copy()
    places = np.argwhere(LABELS > 0)
    (y0, x0), (y1, x1) = places[0], places[-1]
    uv[0, y0, x0], uv[1, y1, x1] = 1.03, -0.02
    np.savez(path, labels=LABELS, uv=uv)
    iuv = with_maps(Person(image=torch.zeros(3, HEIGHT, WIDTH)), iuv=path).iuv
    assert iuv is not None
    assert float(iuv[1, y0, x0]) == 1
    assert float(iuv[2, y1, x1]) == 0
    assert float(iuv[1, y1, x1]) == pytest.approx(UV[0, y1, x1], abs=1e-6), "all others are as they were"


# -- result lines ---------------------------------------------------------------------------------------------------


def test_a_damaged_result_line_is_named(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- table: large -->\n<!-- /table -->\n")
    source = Path(__file__).parent.parent / "results" / "large.jsonl"
    lines = [json.loads(text) for text in source.read_text().splitlines()]
    path = tmp_path / "large.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in lines))
    write_tables(tmp_path, [page])
    whole = page.read_text()
    lines[-1] = {"kind": "large", "bench": "large", "date": "2999"}
    path.write_text("".join(json.dumps(entry) + "\n" for entry in lines))
    with pytest.raises(ValueError, match=f"large.jsonl, line {len(lines)}: the table 'large' cannot be made") as caught:
        write_tables(tmp_path, [page])
    line(caught.value)
    assert page.read_text() == whole
