"""Colours come in as they look, whatever numbers stand for them, and go out in the numbers of the photograph."""

import io
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from PIL import ImageCms

from repose.images import Photograph, load_image
from repose.images.colour_profiles import D65, SRGB, ProfileError, is_srgb, matrix_profile, mode_of, to_srgb
from tests.images.profiles import ADOBE_RGB, DISPLAY_P3, PROPHOTO, WIDE, cmyk, description, grey, littlecms_srgb

PATCHES = ((230, 40, 40), (40, 200, 60), (50, 60, 210), (225, 180, 150), (128, 128, 128), (8, 8, 8))
"""Colours in sRGB that all the profiles of these tests can show."""


def patches() -> np.ndarray:
    """Six fields of 40x40 in a row, uint8 (40, 240, 3)."""
    return np.repeat(np.repeat(np.array([PATCHES], np.uint8), 40, 0), 40, 1)


def linear(values: np.ndarray) -> np.ndarray:
    """The curve of sRGB (IEC 61966-2-1)."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def encoded(light: np.ndarray) -> np.ndarray:
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055)


P3_OF_SRGB = np.array([[0.8224621, 0.1775380, 0.0], [0.0331942, 0.9668058, 0.0], [0.0170827, 0.0723974, 0.9105199]])
"""sRGB's light to that of Display P3, as CSS Color 4 (section 10) has it."""


def in_p3(pixels: np.ndarray) -> np.ndarray:
    """uint8 sRGB -> uint8 Display P3 by the formulas, without any profile."""
    return np.round(encoded(linear(pixels / 255) @ P3_OF_SRGB.T) * 255).astype(np.uint8)


def test_display_p3_by_the_formulas(tmp_path: Path) -> None:
    PIL.Image.fromarray(in_p3(patches())).save(tmp_path / "p3.png", icc_profile=DISPLAY_P3)
    wrong = np.abs(in_p3(patches()).astype(int) - patches())
    assert wrong.max() > 15, "the numbers differ, so that it matters"
    assert np.abs(load_image(tmp_path / "p3.png").astype(int) - patches()).max() <= 1


@pytest.mark.parametrize("name", WIDE)
@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_wide_profiles_in_every_format(name: str, suffix: str, tmp_path: Path) -> None:
    there = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.ImageCmsProfile(io.BytesIO(WIDE[name])), "RGB", "RGB", 1
    )
    own = there.apply(PIL.Image.fromarray(patches()))
    options = {"quality": 100} if suffix in ("jpg", "webp") else {}
    own.save(tmp_path / f"a.{suffix}", icc_profile=WIDE[name], **options)
    loaded = load_image(tmp_path / f"a.{suffix}").astype(int)
    middles = loaded[20, 20::40]
    assert np.abs(middles - PATCHES).max() <= (5 if suffix == "webp" else 3)
    as_pil = PIL.Image.open(tmp_path / f"a.{suffix}")
    assert np.array_equal(load_image(as_pil), loaded), "a PIL image carries its profile"


@pytest.mark.parametrize("mode", ["P", "RGBA", "LA", "L", "I;16", "CMYK"])
def test_every_mode_goes_through_its_profile(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    ramp = np.repeat(np.arange(0, 256, 5, dtype=np.uint8)[None], 20, 0)
    if mode in ("L", "LA", "I;16"):
        picture = PIL.Image.fromarray(ramp)
        if mode == "LA":
            picture.putalpha(255)
        if mode == "I;16":
            picture = PIL.Image.fromarray(ramp.astype(np.uint16) * 257)
        picture.save(path, icc_profile=grey(1.0))  # light itself
        wanted = np.repeat(np.round(encoded(ramp / 255) * 255)[..., None], 3, 2)
        assert np.abs(load_image(path) - wanted).max() <= 1
        return
    if mode == "CMYK":  # a profile of other colours is named, and left out
        PIL.Image.fromarray(patches()).convert("CMYK").save(path, icc_profile=DISPLAY_P3)
        with pytest.warns(UserWarning, match=r"a\.tif: the colour profile is not used, because it is for RGB"):
            assert np.abs(load_image(path).astype(int) - patches()).max() <= 3
        return
    picture = PIL.Image.fromarray(in_p3(patches()))
    if mode == "P":
        picture = picture.quantize(8)
        path = tmp_path / "a.png"
    if mode == "RGBA":
        alpha = np.full(patches().shape[:2], 255, np.uint8)
        alpha[:10] = 0
        picture.putalpha(PIL.Image.fromarray(alpha))
    picture.save(path, icc_profile=DISPLAY_P3)
    loaded = load_image(path).astype(int)
    assert np.abs(loaded[10:] - patches()[10:]).max() <= 2
    if mode == "RGBA":
        assert (loaded[:10] == 255).all(), "transparency lies on white"


def test_srgb_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = matrix_profile(SRGB, D65, None, "ours")
    assert is_srgb(own, "RGB")
    assert is_srgb(littlecms_srgb(), "RGB")
    assert not any(is_srgb(profile, "RGB") for profile in WIDE.values())
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    PIL.Image.fromarray(noise).save(tmp_path / "a.png", icc_profile=littlecms_srgb())
    photograph = Photograph.read(tmp_path / "a.png")
    assert np.array_equal(photograph.pixels, noise), "not one number is changed"
    photograph.save(tmp_path / "b.png", noise)
    with PIL.Image.open(tmp_path / "b.png") as written:
        assert written.info["icc_profile"] == littlecms_srgb()


def test_the_black_of_a_profile_becomes_black() -> None:
    """Relative colorimetric alone leaves white and grey as they are; both ends are those of sRGB."""
    ends = PIL.Image.fromarray(np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8))
    for profile in WIDE.values():
        assert np.array_equal(np.asarray(to_srgb(ends, profile)), np.asarray(ends))


@pytest.mark.parametrize(
    ("profile", "why"),
    [
        (b"no profile", "it is damaged"),
        (DISPLAY_P3[:200], "it is damaged"),
        (grey(2.2), "it is for L pictures, and this one is RGB"),
        (ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes(), "it is for Lab pictures"),
    ],
)
def test_a_profile_that_cannot_be_used_is_named(profile: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    PIL.Image.fromarray(patches()).save(path, icc_profile=profile)
    with pytest.warns(UserWarning, match=f"{path}: the colour profile is not used, because {why}") as caught:
        loaded = load_image(path)
    assert len(caught) == 1
    assert np.array_equal(loaded, patches())


def test_grey_with_a_profile_of_colours(tmp_path: Path) -> None:
    """Many programs leave sRGB's profile in a grey JPEG: grey is grey. Another curve is applied."""
    ramp = PIL.Image.fromarray(np.repeat(np.arange(256, dtype=np.uint8)[None], 20, 0))
    for profile, most in ((littlecms_srgb(), 0), (DISPLAY_P3, 1), (ADOBE_RGB, 12), (PROPHOTO, 24)):
        ramp.save(tmp_path / "a.png", icc_profile=profile)
        loaded = load_image(tmp_path / "a.png").astype(int)
        apart = np.abs(loaded[..., 0] - np.asarray(ramp)).max()
        assert most / 2 - 1 < apart <= most
        assert np.abs(loaded - loaded[..., :1]).max() <= 1


# -- PNG without a profile, and Adobe RGB by EXIF -------------------------------------------------------------------


def png(pixels: np.ndarray, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of RGB with further chunks after its head."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    height, width = pixels.shape[:2]
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunk(*one) for one in chunks) + chunk(
        b"IDAT", zlib.compress(rows)
    ) + chunk(b"IEND", b"")  # fmt: skip


def chrm(*points: float) -> tuple[bytes, bytes]:
    return b"cHRM", struct.pack(">8I", *(round(point * 100_000) for point in points))


def gama(gamma: float) -> tuple[bytes, bytes]:
    return b"gAMA", struct.pack(">I", round(gamma * 100_000))


P3_POINTS = chrm(0.3127, 0.3290, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
SRGB_POINTS = chrm(0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)


def test_the_chunks_of_a_png(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(in_p3(patches()), gama(1 / 2.2), P3_POINTS))
    assert np.abs(load_image(path).astype(int) - patches()).max() <= 1
    light = np.round(linear(patches() / 255) * 255).astype(np.uint8)
    path.write_bytes(png(light, gama(1.0)))
    near = np.abs(load_image(path).astype(int) - patches())
    assert near[:, :200].max() <= 6, "8 bits of light are few in the shadows"
    for chunks in (
        (gama(0.45455), SRGB_POINTS),
        (SRGB_POINTS,),
        (P3_POINTS,),  # nothing says which curve
        (gama(1.0), (b"sRGB", b"\0")),  # goes before gAMA
    ):
        path.write_bytes(png(patches(), *chunks))
        assert np.array_equal(load_image(path), patches())
    path.write_bytes(png(patches(), gama(0.3), chrm(0.3, 0.3, 0, 0, 0, 0, 0, 0)))
    with pytest.warns(UserWarning, match="its primaries and its white are no colours"):
        assert np.array_equal(load_image(path), patches())


def test_what_the_chunks_say_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(in_p3(patches()), gama(1 / 2.2), P3_POINTS))
    photograph = Photograph.read(path)
    photograph.save(tmp_path / "b.png", photograph.pixels)
    with PIL.Image.open(tmp_path / "b.png") as written:
        assert np.array_equal(np.asarray(written), in_p3(patches()))
        assert description(written.info["icc_profile"]) == "Of the chunks gAMA and cHRM"
    assert np.array_equal(load_image(tmp_path / "b.png"), photograph.pixels)


def test_a_camera_s_adobe_rgb(tmp_path: Path) -> None:
    """Cameras name Adobe RGB by EXIF alone: interoperability index R03."""
    there = ImageCms.buildTransform(
        ImageCms.createProfile("sRGB"), ImageCms.ImageCmsProfile(io.BytesIO(ADOBE_RGB)), "RGB", "RGB", 1
    )
    exif = PIL.Image.Exif()
    exif[0x010F] = "Maker"
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
    path = tmp_path / "a.jpg"
    there.apply(PIL.Image.fromarray(patches())).save(path, exif=exif, quality=100, subsampling=0)
    with PIL.Image.open(path) as image:
        assert image.getexif().get_ifd(0xA005)[1] == "R03"
    assert np.abs(load_image(path)[20, 20::40].astype(int) - PATCHES).max() <= 3


# -- and back -------------------------------------------------------------------------------------------------------


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (96, 80, 3), dtype=np.uint8)


@pytest.mark.parametrize("name", WIDE)
def test_a_photograph_that_comes_back_whole_has_its_own_numbers(name: str, tmp_path: Path) -> None:
    """Noise holds many colours that sRGB cannot show; there and back by sRGB loses them."""
    PIL.Image.fromarray(noise()).save(tmp_path / "a.png", icc_profile=WIDE[name])
    photograph = Photograph.read(tmp_path / "a.png")
    back = np.asarray(photograph.in_own_colours(photograph.pixels[:-1])[0]).astype(int)  # of another size: converted
    assert np.abs(back - noise()[:-1]).mean() > 5, "or this test shows nothing"
    photograph.save(tmp_path / "b.png", photograph.pixels)
    with PIL.Image.open(tmp_path / "b.png") as written:
        assert np.array_equal(np.asarray(written), noise())
        assert written.info["icc_profile"] == WIDE[name]


@pytest.mark.parametrize(("name", "most"), [("Display P3", 0.6), ("Adobe RGB", 0.7), ("ProPhoto", 2.2)])
def test_what_is_new_looks_as_it_was_computed(name: str, most: float, tmp_path: Path) -> None:
    """Levels of sRGB, read again from the file, of a picture that has nothing in common with the photograph."""
    PIL.Image.fromarray(noise()).save(tmp_path / "a.png", icc_profile=WIDE[name])
    photograph, result = Photograph.read(tmp_path / "a.png"), noise(1)
    photograph.save(tmp_path / "b.png", result)
    assert np.abs(load_image(tmp_path / "b.png").astype(int) - result).mean() < most


def test_no_edge_appears_around_a_change(tmp_path: Path) -> None:
    """A red that sRGB cannot show, and a result that goes over from it to grey level by level."""
    saturated = np.zeros((40, 256, 3), np.uint8)
    saturated[...] = (250, 20, 20)
    PIL.Image.fromarray(saturated).save(tmp_path / "a.png", icc_profile=DISPLAY_P3)
    photograph = Photograph.read(tmp_path / "a.png")
    share = (np.arange(256) / 255)[None, :, None]
    result = np.round(photograph.pixels * (1 - share) + 128 * share).astype(np.uint8)
    own = np.asarray(photograph.in_own_colours(result)[0]).astype(int)
    assert np.array_equal(own[:, 0], saturated[:, 0])
    assert np.abs(np.diff(own, axis=1)).max() <= 4
    assert np.abs(own[:, -1] - 128).max() <= 1


@pytest.mark.parametrize("gamma", [1.8, 2.2, None])
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_grey_stays_grey(gamma: float | None, suffix: str, tmp_path: Path) -> None:
    values = np.repeat(np.arange(0, 256, 4, dtype=np.uint8)[None], 40, 0)
    profile = None if gamma is None else grey(gamma)
    PIL.Image.fromarray(values).save(tmp_path / "a.png", **({} if profile is None else {"icc_profile": profile}))
    photograph = Photograph.read(tmp_path / "a.png")
    result = photograph.pixels.copy()
    result[:10] = (200, 100, 100)  # as a network may colour it
    out = photograph.save(tmp_path / f"b.{suffix}", result)
    with PIL.Image.open(out) as written:
        if suffix == "webp":  # has no grey; and no file of colours may hold a profile of grey
            assert (written.mode, written.info.get("icc_profile")) == ("RGB", None)
        else:
            assert (written.mode, written.info.get("icc_profile")) == ("L", profile)
            apart = np.abs(np.asarray(written).astype(int)[10:] - values[10:]).max()
            assert apart <= (0 if suffix != "jpg" else 4)
    if suffix in ("png", "tif"):
        assert np.array_equal(load_image(out)[10:], photograph.pixels[10:])
    coloured = photograph.save(tmp_path / "c.png", result, colours=True)
    assert np.array_equal(load_image(coloured), result)


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_a_press(suffix: str, tmp_path: Path) -> None:
    """The darkest ink (L* 20) is black, and paper is white: without black point compensation it would be 48 of 255."""
    inks = np.zeros((40, 160, 4), np.uint8)
    inks[:, 40:80, 3], inks[:, 80:120, 0], inks[:, 120:, 1:3] = 255, 255, 255
    options = {"quality": 100, "subsampling": 0} if suffix == "jpg" else {}
    PIL.Image.fromarray(inks, "CMYK").save(tmp_path / f"a.{suffix}", icc_profile=cmyk(), **options)
    photograph = Photograph.read(tmp_path / f"a.{suffix}")
    paper, black, cyan, red = photograph.pixels[20, 20::40].astype(int)
    assert paper.min() >= 253
    assert black.max() <= 3
    assert (cyan[0], cyan[2]) == (pytest.approx(0, abs=30), pytest.approx(255, abs=5))
    assert (red[0], red[2]) == (pytest.approx(255, abs=5), pytest.approx(0, abs=30))
    with PIL.Image.open(photograph.save(tmp_path / "b.jpg", photograph.pixels)) as written:
        assert (written.mode, written.info.get("icc_profile")) == ("RGB", None)


def test_cmyk_comes_back_as_srgb(tmp_path: Path) -> None:
    PIL.Image.fromarray(patches()).convert("CMYK").save(tmp_path / "a.jpg", quality=100)
    photograph = Photograph.read(tmp_path / "a.jpg")
    with PIL.Image.open(photograph.save(tmp_path / "b.png", photograph.pixels)) as written:
        assert (written.mode, written.info.get("icc_profile")) == ("RGB", None)
        assert np.array_equal(np.asarray(written), photograph.pixels)


def test_transparency_with_a_profile(tmp_path: Path) -> None:
    """A cut-out figure lies on white; its own numbers stay where it is solid."""
    rgba = np.dstack([in_p3(patches()), np.full((40, 240), 255, np.uint8)])
    rgba[:10, :, 3] = 0
    rgba[10:20, :, 3] = 128
    PIL.Image.fromarray(rgba).save(tmp_path / "a.png", icc_profile=DISPLAY_P3)
    photograph = Photograph.read(tmp_path / "a.png")
    own = np.asarray(photograph.in_own_colours(photograph.pixels)[0])
    assert (own[:10] == 255).all()
    assert np.array_equal(own[20:], rgba[20:, :, :3])
    again = load_image(photograph.save(tmp_path / "b.png", photograph.pixels)).astype(int)
    assert np.array_equal(again[20:], photograph.pixels[20:])
    assert np.abs(again - photograph.pixels).max() <= 2


def test_a_transparent_result(tmp_path: Path) -> None:
    PIL.Image.fromarray(in_p3(patches())).save(tmp_path / "a.png", icc_profile=DISPLAY_P3)
    photograph = Photograph.read(tmp_path / "a.png")
    alpha = np.arange(240, dtype=np.uint8)[None].repeat(40, 0)
    with PIL.Image.open(photograph.save(tmp_path / "b.png", np.dstack([photograph.pixels, alpha]))) as written:
        assert written.mode == "RGBA"
        assert np.array_equal(np.asarray(written)[..., :3], in_p3(patches()))
        assert np.array_equal(np.asarray(written)[..., 3], alpha)


def test_our_profiles_are_whole() -> None:
    for name, profile in WIDE.items():
        assert mode_of(profile) == "RGB"
        assert name.split()[0] in description(profile) or name == "ProPhoto"
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile
        assert opened.rendering_intent == 1, "relative colorimetric"
        assert opened.version == pytest.approx(4.3)
    opened = ImageCms.ImageCmsProfile(io.BytesIO(DISPLAY_P3)).profile
    # Display P3 at D50, as Apple's profile holds it
    for found, wanted in (
        (opened.red_colorant[0], (0.51512, 0.24120, -0.00105)),
        (opened.green_colorant[0], (0.29198, 0.69225, 0.04189)),
        (opened.blue_colorant[0], (0.15710, 0.06657, 0.78407)),
    ):
        assert found == pytest.approx(wanted, abs=5e-4)
    with pytest.raises(ProfileError, match="no colours"):
        matrix_profile(((0.3, 0.3), (0.3, 0.3), (0.3, 0.3)), D65, 2.2, "one colour")


def test_nothing_warns_of_a_good_profile(tmp_path: Path) -> None:
    PIL.Image.fromarray(patches()).save(tmp_path / "a.jpg", icc_profile=ADOBE_RGB)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Photograph.read(tmp_path / "a.jpg")
