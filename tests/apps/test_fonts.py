"""Characters in the style of a font: rendering, skeletons, pairs, network, training, measuring, the function.

All glyphs here are of Pillow's own font; no font file is needed.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFont

import repose.apps
from repose.apps.fonts import catalogue
from repose.apps.fonts.glyphs import (
    CAP_HEIGHT,
    LETTERS,
    SIDE,
    FontError,
    coloured,
    font_glyphs,
    open_font,
    plain_font,
    why_unusable,
)
from repose.apps.fonts.measure import COPY, REAL, font_table, measure_characters
from repose.apps.fonts.network import CharacterConfig, CharacterNetwork, ink_of
from repose.apps.fonts.pairs import Pairs, as_input, as_pictures
from repose.apps.fonts.sheet import character_sheet, pair_sheet
from repose.apps.fonts.skeletons import plain_skeletons, skeleton
from repose.apps.fonts.train import STATE, CharacterPlan, ship, train_characters
from repose.apps.fonts.transfer import checked_text, draw, draw_letters, load, read_source, scaled

pytest.importorskip("skimage", reason="scikit-image makes the skeletons: the extra `font`")

TINY = CharacterConfig(width=4, levels=3, tail=1, cap=16)


@pytest.fixture(scope="module")
def glyphs() -> np.ndarray:
    return font_glyphs(plain_font())


@pytest.fixture(scope="module")
def bold(glyphs: np.ndarray) -> np.ndarray:
    """A second font: the first one, thickened by two pixels to the right."""
    return np.maximum(glyphs, np.maximum(np.roll(glyphs, 1, 2), np.roll(glyphs, 2, 2)))


@pytest.fixture(scope="module")
def pairs(glyphs: np.ndarray, bold: np.ndarray) -> Pairs:
    return Pairs(np.stack([glyphs, bold]), seed=3, per_font=20)


# -- glyphs ---------------------------------------------------------------------------------------------------------


def test_capitals_stand_on_one_line_at_one_scale(glyphs: np.ndarray) -> None:
    assert glyphs.shape == (26, SIDE, SIDE)
    flat = [LETTERS.index(letter) for letter in "EFHITXZ"]
    rows = [np.nonzero((glyphs[k] > 127).any(1))[0] for k in flat]
    assert {int(one.min()) for one in rows} == {int(rows[0].min())}
    assert {int(one.max()) for one in rows} == {int(rows[0].max())}
    assert CAP_HEIGHT - 5 <= len(rows[2]) <= CAP_HEIGHT, "a little less, for the W to fit"
    columns = [np.nonzero((one > 127).any(0))[0] for one in glyphs]
    assert all(abs((one.min() + one.max()) / 2 - SIDE / 2) <= 3 for one in columns), "each is about in the middle"


def test_a_font_that_cannot_tell_capitals_apart_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    font = plain_font()
    assert why_unusable(font) == ""
    draw_mask = ImageFont.FreeTypeFont.getmask
    monkeypatch.setattr(
        ImageFont.FreeTypeFont,
        "getmask",
        lambda self, text, *rest, **more: draw_mask(self, "\uffff" if text in ("K", "Q") else text, *rest, **more),
    )
    assert why_unusable(font) == "it draws the box of missing characters for K Q"


def test_two_equal_capitals_are_named(monkeypatch: pytest.MonkeyPatch, glyphs: np.ndarray) -> None:
    alike = glyphs.copy()
    alike[LETTERS.index("Q")] = alike[LETTERS.index("O")]
    monkeypatch.setattr("repose.apps.fonts.glyphs.font_glyphs", lambda font: alike)
    assert why_unusable(plain_font()) == "it draws O and Q alike"
    alike[LETTERS.index("I")] = 0
    assert "I too thin" in why_unusable(plain_font())


def test_what_is_no_font_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "broken.ttf"
    file.write_bytes(b"no font")
    with pytest.raises(FontError, match=r"broken\.ttf is no font"):
        open_font(file)
    with pytest.raises(FileNotFoundError, match=r"absent\.ttf"):
        open_font(tmp_path / "absent.ttf")


def test_ink_on_white() -> None:
    picture = coloured(np.array([[0, 255], [128, 255]], np.uint8), (200, 0, 100))
    assert picture[0, 0].tolist() == [255, 255, 255]
    assert picture[0, 1].tolist() == [200, 0, 100]
    assert 127 <= picture[1, 0, 1] <= 128


# -- skeletons ------------------------------------------------------------------------------------------------------


def test_the_skeleton_of_a_bar_is_its_middle_line() -> None:
    bar = np.zeros((SIDE, SIDE), np.uint8)
    bar[10:50, 20:29] = 255
    thin = skeleton(bar)
    assert set(np.unique(thin)) == {0, 1}
    assert thin[20:40].sum(1).tolist() == [1] * 20, "one pixel wide"
    assert np.nonzero(thin[30])[0].tolist() == [24]


def test_the_blur_closes_a_pinhole() -> None:
    block = np.zeros((SIDE, SIDE), np.uint8)
    block[20:41, 20:41] = 255
    whole = skeleton(block).sum()
    block[30, 30] = 0
    assert skeleton(block).sum() == whole, "without the blur a ring would run around the hole"


def test_skeletons_lie_inside_their_letters_and_keep_holes(glyphs: np.ndarray) -> None:
    from skimage.measure import euler_number

    for letter, own, thin in zip(LETTERS, glyphs, plain_skeletons(), strict=True):
        assert (own[thin > 0] > 100).all(), letter
        assert 0 < thin.sum() < (own > 127).sum() / 2, letter
        holes = {"A": 1, "B": 2, "D": 1, "O": 1, "P": 1, "Q": 1, "R": 1}.get(letter, 0)
        assert euler_number(thin, connectivity=2) == 1 - holes, letter


# -- pairs ----------------------------------------------------------------------------------------------------------


def test_pairs_are_of_one_font_and_two_letters(pairs: Pairs) -> None:
    assert len(pairs) == 40
    fonts, sources, targets = pairs.rows.T
    assert np.bincount(fonts).tolist() == [20, 20]
    assert (sources != targets).all()
    assert len({tuple(row) for row in pairs.rows}) == 40, "each pair once"
    again = Pairs(pairs.glyphs, seed=3, per_font=20)
    assert np.array_equal(again.rows, pairs.rows)
    assert np.array_equal(again.colours, pairs.colours)
    assert not np.array_equal(Pairs(pairs.glyphs, seed=4, per_font=20).colours, pairs.colours)


def test_a_batch_holds_what_its_rows_say(pairs: Pairs) -> None:
    numbers = np.array([0, 25])
    batch = pairs.batch(numbers)
    for k, (font, source, target) in enumerate(pairs.rows[numbers]):
        own = coloured(pairs.glyphs[font, source], pairs.colours[font])
        assert np.array_equal(as_pictures(batch.source)[k].permute(1, 2, 0).numpy(), own)
        assert np.array_equal(batch.skeletons[k, 0].numpy(), skeleton(pairs.glyphs[font, source]))
        assert np.array_equal(batch.skeletons[k, 1].numpy(), plain_skeletons()[target]), "of the fixed font"
        assert batch.letters[k].tolist() == [source, target]


# -- network --------------------------------------------------------------------------------------------------------


def test_the_blocks_are_those_of_the_multi_scale_network() -> None:
    from repose.models.multiscale.network import MultiScale

    network = CharacterNetwork(TINY)
    assert isinstance(network.network, MultiScale)
    assert network.network.pose_encoder is not None
    assert network.network.pose_encoder.stem.conv.in_channels == 2
    letters = CharacterNetwork(replace(TINY, guide="letters"))
    assert letters.network.pose_encoder is not None
    assert letters.network.pose_encoder.stem.conv.in_channels == 52


@pytest.mark.parametrize("guide", ["skeleton", "letters"])
@pytest.mark.parametrize("colour", ["apart", "learned"])
def test_shapes_and_what_the_network_reads(pairs: Pairs, guide: str, colour: str) -> None:
    torch.manual_seed(0)
    network = CharacterNetwork(replace(TINY, guide=guide, colour=colour)).eval()  # type: ignore[arg-type]
    batch = pairs.batch(np.arange(4))
    with torch.no_grad():
        drawn = network(batch.source, batch.skeletons, batch.letters)
        other_skeletons = network(batch.source, batch.skeletons.flip(0), batch.letters)
        other_letters = network(batch.source, batch.skeletons, batch.letters.flip(0))
    assert drawn.shape == (4, 3, SIDE, SIDE)
    assert drawn.abs().max() <= 1
    assert torch.equal(drawn, other_letters) == (guide == "skeleton")
    assert torch.equal(drawn, other_skeletons) == (guide == "letters")


def test_the_ink_keeps_its_colour_around_the_network(pairs: Pairs) -> None:
    batch = pairs.batch(np.arange(3))
    colours = torch.from_numpy(pairs.colours[pairs.rows[:3, 0]]).float() / 127.5 - 1
    assert torch.allclose(ink_of(batch.source)[..., 0, 0], colours.clamp(max=0.9), atol=1e-5)
    network = CharacterNetwork(TINY).eval()
    with torch.no_grad():
        drawn = network(batch.source, batch.skeletons, batch.letters)
        dark = network(as_input(np.stack([coloured(pairs.glyphs[f, s], (0, 0, 0)) for f, s, _ in pairs.rows[:3]])),
                       batch.skeletons, batch.letters)  # fmt: skip
    # the same shapes in black: all that was taken away from white is in the proportion of the colours
    assert torch.allclose((1 - drawn), (1 - dark) * (1 - ink_of(batch.source)) / 2, atol=2e-2)


# -- training -------------------------------------------------------------------------------------------------------


def test_it_learns_a_pair_and_goes_on_where_it_stopped(tmp_path: Path, pairs: Pairs) -> None:
    plan = CharacterPlan(steps=60, batch=4, perceptual=0.0, half_life=20, save=1e9, log=10)
    few = Pairs(pairs.glyphs, seed=0, per_font=2)
    whole = train_characters(tmp_path / "whole", plan, few, TINY, say=lambda text: None)
    lines = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["l1"] < 0.85 * lines[0]["l1"]

    class StopError(Exception):
        pass

    def stop(text: str) -> None:
        if json.loads(text)["step"] == 30:
            raise StopError

    with pytest.raises(StopError):
        train_characters(tmp_path / "parts", replace(plan, save=0.0), few, TINY, say=stop)
    parts = train_characters(tmp_path / "parts", replace(plan, save=0.0), few, TINY, say=lambda text: None)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, parts.state_dict()[name]), name
    with pytest.raises(ValueError, match="another plan"):
        train_characters(tmp_path / "parts", replace(plan, steps=70), few, TINY)
    assert (tmp_path / "whole" / STATE).is_file()


def test_shipped_weights_draw_the_same(tmp_path: Path, pairs: Pairs) -> None:
    network = CharacterNetwork(TINY).eval()
    file = tmp_path / "weights.safetensors"
    assert ship(network, file) == file.stat().st_size
    again = load(file)
    batch = pairs.batch(np.arange(2))
    with torch.no_grad():
        one, other = (n(batch.source, batch.skeletons, batch.letters) for n in (network, again))
    assert torch.allclose(one, other, atol=2e-2)
    with pytest.raises(FileNotFoundError, match="characters"):
        load(tmp_path / "absent.safetensors")


# -- measuring ------------------------------------------------------------------------------------------------------


def test_measured_on_the_same_pairs(pairs: Pairs, monkeypatch: pytest.MonkeyPatch) -> None:
    from repose.metrics.picture_networks import NetworkMissingError

    def missing(name: str, device: torch.device) -> None:
        raise NetworkMissingError(name, "not here")

    monkeypatch.setattr("repose.apps.fonts.measure.build_network", missing)
    measured = measure_characters({"untrained": CharacterNetwork(TINY)}, pairs, 3)
    by_name = {one.method: one for one in measured}
    assert list(by_name) == [COPY, "untrained", REAL]
    assert {one.pairs for one in measured} == {6}
    assert by_name[REAL].values["ssim"] == 1
    # one of the two fonts is the fixed font: its copies are exact
    exact = [ssim for number, ssim in by_name[COPY].ssims.items() if number < 20]
    assert np.allclose(exact, 1)
    copy, untrained = by_name[COPY].values["ssim"], by_name["untrained"].values["ssim"]
    assert copy is not None
    assert untrained is not None
    assert copy > untrained
    assert by_name[COPY].values["lpips_vgg"] is None

    lines = [one.line() | {"commit": "0123"} for one in measured]
    table = font_table(lines)
    assert "| real data | 1.000 | ∞ |" in table
    assert "no file" in table
    assert "*STEFANN, published* | *0.450* | *13.347* | *0.397* | *0.273*" in table
    with pytest.raises(ValueError, match="measure_font"):
        font_table([])


def test_sheets(pairs: Pairs) -> None:
    network = CharacterNetwork(TINY).eval()
    page = pair_sheet(pairs, [0, 21], {"ours": network}, ["plain", "bold"])
    assert page.height > 2 * SIDE
    picture = coloured(pairs.glyphs[1, 0], (30, 60, 90))
    read = read_source(picture, "A")
    assert character_sheet(picture, read, "AB C", network).width > 4 * SIDE


# -- the list of fonts ----------------------------------------------------------------------------------------------


def test_the_lists_are_whole_and_no_family_is_in_both_parts() -> None:
    listed, fonts = catalogue.packages(), catalogue.fonts()
    assert {font.package for font in fonts if not font.why} == {package.name for package in listed}
    assert all(len(package.sha256) == 64 and package.licence and package.version for package in listed)
    used = {use: [font for font in fonts if font.use == use] for use in ("train", "test")}
    assert (len(used["train"]), len(used["test"])) == (1289, 381)
    families = {use: {font.family for font in of_use} for use, of_use in used.items()}
    assert not families["train"] & families["test"]
    checksums = {use: {font.checksum for font in of_use} for use, of_use in used.items()}
    assert not checksums["train"] & checksums["test"]
    assert all(font.why for font in fonts if font.use == "left out")


def test_a_missing_font_says_how_to_fetch_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"fetch_fonts\.py"):
        catalogue.read_fonts(tmp_path, "test")


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("Format: x\n\nFiles: *\nLicense: OFL-1.1\n words\n\nFiles: debian/*\nLicense: GPL-2+\n", "OFL-1.1"),
        ("It is licensed under the SIL Open Font License, Version 1.1", "OFL-1.1, in its own words"),
        ("Files: *\nLicense: MIT\n\nFiles: a.ttf\nLicense: CC0-1.0\n", "MIT, CC0-1.0"),
    ],
)
def test_licences(text: str, licence: str) -> None:
    assert catalogue.licence_of(text) == licence


# -- the function ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    torch.manual_seed(0)
    ship(CharacterNetwork(TINY), file)
    return file


def test_the_result_is_of_the_kind_of_the_source(glyphs: np.ndarray, weights: Path, tmp_path: Path) -> None:
    picture = coloured(glyphs[LETTERS.index("R")], (180, 20, 20))
    out = repose.apps.font(picture, "AB", letter="R", model=weights)
    assert isinstance(out, np.ndarray)
    assert out.dtype == np.uint8
    assert out.shape[0] == SIDE
    assert isinstance(repose.apps.font(Image.fromarray(picture), "AB", letter="R", model=weights), Image.Image)
    file = tmp_path / "r.png"
    Image.fromarray(picture).save(file)
    assert repose.apps.font(file, "A\nB", letter="r", model=weights, height=32).height == 64


def test_a_picture_is_read_whatever_its_size_place_and_background(glyphs: np.ndarray) -> None:
    own = glyphs[LETTERS.index("G")]
    page = np.full((300, 420, 3), (20, 40, 70), np.uint8)
    large = np.asarray(Image.fromarray(own).resize((192, 192), Image.Resampling.BICUBIC))
    share = large[..., None] / 255
    page[60:252, 150:342] = np.rint(page[60:252, 150:342] * (1 - share) + np.array([250, 220, 60]) * share)
    read = read_source(page, "G")
    assert read.paper == (20, 40, 70)
    assert np.abs(np.subtract(read.ink, (250, 220, 60))).max() <= 3
    covered, same = read.coverage > 127, own > 127
    assert (covered & same).sum() / (covered | same).sum() > 0.9


def test_on_a_dark_background_the_result_has_its_colours(glyphs: np.ndarray, weights: Path) -> None:
    share = glyphs[0][..., None] / 255
    picture = np.rint(np.array([10, 10, 60]) * (1 - share) + np.array([240, 240, 240]) * share).astype(np.uint8)
    read = read_source(picture, "A")
    drawn = draw(read, "BC", load(weights))
    assert drawn[:, 0].tolist() == [[10, 10, 60]] * SIDE


def test_a_colour_replaces_the_pictures_own(glyphs: np.ndarray, weights: Path) -> None:
    read = read_source(coloured(glyphs[0], (0, 0, 0)), "A", (200, 30, 30))
    pictures = draw_letters(read, "B", load(weights))
    missing = 255 - pictures["B"].reshape(-1, 3).astype(int)
    strongest = missing[missing.sum(1).argmax()]
    assert strongest[1] > 3 * strongest[0], "what is taken away from white is green and blue, not red"


@pytest.mark.parametrize(("text", "error"), [("a1", "'1'"), ("", "no letter"), ("  ", "no letter"), ("Ä", "'Ä'")])
def test_text_that_cannot_be_drawn(text: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        checked_text(text)


def test_small_letters_are_capitals() -> None:
    assert checked_text("Hi you\nThere") == "HI YOU\nTHERE"


def test_what_a_source_must_have(tmp_path: Path) -> None:
    white = np.full((80, 80, 3), 255, np.uint8)
    with pytest.raises(ValueError, match="which capital"):
        read_source(white)
    with pytest.raises(ValueError, match="no character"):
        read_source(white, "A")
    with pytest.raises(ValueError, match="one of A to Z"):
        read_source(white, "AB")
    with pytest.raises(ValueError, match="red, green, blue"):
        read_source(white, "A", (300, 0, 0))
    file = tmp_path / "broken.otf"
    file.write_bytes(b"no font")
    with pytest.raises(FontError, match=r"broken\.otf"):
        read_source(file)


def test_scaled() -> None:
    picture = np.zeros((SIDE, 100, 3), np.uint8)
    assert scaled(picture, SIDE) is picture
    assert scaled(picture, 128).shape == (128, 200, 3)


def test_the_network_that_ships(glyphs: np.ndarray) -> None:
    """It draws the target's letter, nearer to the truth than the source is, in the weight of the source."""
    network = load()
    bold = np.maximum.reduce([np.roll(glyphs, k, 2) for k in range(-2, 3)])
    inks = {}
    for name, of_font in (("plain", glyphs), ("bold", bold)):
        read = read_source(coloured(of_font[LETTERS.index("E")], (0, 0, 0)), "E")
        drawn = draw_letters(read, "HLT", network)
        for letter in "HLT":
            apart = np.abs(drawn[letter].astype(int) - coloured(of_font[LETTERS.index(letter)], (0, 0, 0)))
            source = np.abs(
                coloured(of_font[LETTERS.index("E")], (0, 0, 0)).astype(int)
                - coloured(of_font[LETTERS.index(letter)], (0, 0, 0))
            )
            assert apart.mean() < source.mean(), (name, letter)
        inks[name] = np.mean([255 - picture.mean() for picture in drawn.values()])
    assert inks["bold"] > 1.2 * inks["plain"]
