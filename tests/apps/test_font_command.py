"""The command `repose font`."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from repose.apps.fonts.glyphs import LETTERS, coloured, font_glyphs, plain_font
from repose.apps.fonts.network import CharacterConfig, CharacterNetwork
from repose.apps.fonts.train import ship
from repose.cli import app

pytest.importorskip("skimage", reason="scikit-image makes the skeletons: the extra `font`")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with weights, two pictures of letters, and one that shows nothing."""
    folder = tmp_path_factory.mktemp("font")
    torch.manual_seed(0)
    ship(CharacterNetwork(CharacterConfig(width=4, levels=3, tail=1, cap=16)), folder / "weights.safetensors")
    glyphs = font_glyphs(plain_font())
    (folder / "letters").mkdir()
    for name in "RS":
        picture = coloured(glyphs[LETTERS.index(name)], (160, 30, 30))
        Image.fromarray(picture).save(folder / "letters" / f"{name}.png")
    Image.fromarray(np.full((64, 64, 3), 255, np.uint8)).save(folder / "letters" / "empty.png")
    return folder


def test_a_picture_gives_a_picture_and_a_sheet(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.png"
    words = ["font", str(place / "letters/R.png"), "Hi", "--letter", "R", "-o", str(out), "--json"]
    result = CliRunner().invoke(app, [*words, "-m", str(place / "weights.safetensors")])
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert [output["kind"] for output in document["outputs"]] == ["picture", "sheet"]
    assert document["text"] == "HI"
    assert any("capitals" in note["text"] for note in document["notes"])
    assert Image.open(out).height == 64
    assert Image.open(tmp_path / "a.sheet.png").width > 64


def test_a_folder_names_and_skips_what_shows_nothing(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "drawn"
    words = ["font", str(place / "letters"), "AB", "--letter", "R", "-o", str(out)]
    result = CliRunner().invoke(app, [*words, "-m", str(place / "weights.safetensors")])
    assert result.exit_code == 3, result.output
    assert "empty.png" in result.stderr
    assert sorted(path.name for path in out.iterdir()) == ["R.png", "R.sheet.png", "S.png", "S.sheet.png"]


@pytest.mark.parametrize(
    ("more", "error"),
    [
        (["AB"], "which capital"),
        (["A1", "--letter", "R"], "'1'"),
        (["AB", "--letter", "R", "--colour", "no colour"], "--colour takes"),
        (["AB", "--letter", "R", "-o", "{place}/letters/R.png"], "is an input"),
        (["AB", "--letter", "R", "-o", "{place}/a.txt"], "pictures are written as"),
    ],
)
def test_errors_come_before_the_work(place: Path, tmp_path: Path, more: list[str], error: str) -> None:
    words = ["font", str(place / "letters/R.png"), "-m", str(place / "weights.safetensors")]
    more = [word.format(place=place) for word in more]
    if "-o" not in more:
        more += ["-o", str(tmp_path / "a.png")]
    result = CliRunner().invoke(app, [*words, *more])
    assert error in str(result.exception)
    assert not (tmp_path / "a.png").exists()


def test_of_a_folder_two_sources_of_one_name_do_not_overwrite_each_other(place: Path, tmp_path: Path) -> None:
    """R.png and R.bmp would both go to R.png; -o with the suffix of a picture is a folder named like it."""
    (tmp_path / "letters").mkdir()
    for suffix in (".bmp", ".png"):
        Image.open(place / "letters/R.png").save(tmp_path / f"letters/R{suffix}")
    words = ["font", str(tmp_path / "letters"), "A", "--letter", "R", "-o", str(tmp_path / "drawn.png")]
    result = CliRunner().invoke(app, [*words, "-m", str(place / "weights.safetensors")])
    assert result.exit_code == 3, result.output
    assert "another one is called 'R'" in result.stderr
    assert sorted(path.name for path in (tmp_path / "drawn").iterdir()) == ["R.png", "R.sheet.png"]


def test_pictures_of_an_earlier_run_are_not_taken_for_this_ones(place: Path, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters/empty.png").write_bytes((place / "letters/empty.png").read_bytes())
    (tmp_path / "drawn").mkdir()
    (tmp_path / "drawn/empty.png").write_bytes(b"of yesterday")
    words = ["font", str(tmp_path / "letters"), "A", "--letter", "R", "-o", str(tmp_path / "drawn")]
    result = CliRunner().invoke(app, [*words, "-m", str(place / "weights.safetensors")])
    assert "nothing could be drawn" in str(result.exception)


def test_a_picture_of_more_than_a_letter_is_noted(place: Path, tmp_path: Path) -> None:
    letter = np.asarray(Image.open(place / "letters/R.png"))
    Image.fromarray(np.concatenate([letter] * 5, 1)).save(tmp_path / "word.png")
    for picture, noted in [(tmp_path / "word.png", True), (place / "letters/R.png", False)]:
        words = ["font", str(picture), "A", "--letter", "R", "-o", str(tmp_path / "a.png"), "--json"]
        result = CliRunner().invoke(app, [*words, "-m", str(place / "weights.safetensors")])
        assert result.exit_code == 0, result.output
        assert any("is in 5 pieces" in note["text"] for note in json.loads(result.stdout)["notes"]) is noted
