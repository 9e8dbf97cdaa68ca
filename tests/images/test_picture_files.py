"""Which files are opened at all, and what the others are called."""

import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from repose.images import ImageError, load_image
from repose.picture_files import FORMATS, kind_of_bytes, open_picture

REFUSED = ("EPS", "FITS", "PSD", "ICO", "PCX", "WMF", "FLI", "SGI", "TGA", "XPM")


def box(brand: bytes, *compatible: bytes) -> bytes:
    body = brand + bytes(4) + b"".join(compatible)
    return (8 + len(body)).to_bytes(4, "big") + b"ftyp" + body + bytes(40)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (box(b"heic", b"mif1", b"heic"), "HEIC"),
        (box(b"mif1", b"heic"), "HEIC"),
        (box(b"mif1", b"avif", b"miaf"), "AVIF"),
        (box(b"avif"), "AVIF"),
        (box(b"isom", b"avc1"), "video"),
        (box(b"qt  "), "video"),
        (box(b"crx "), "camera raw"),
        (b"\0\0\0\x08wide" + bytes(20), "video"),
        (b"\x1a\x45\xdf\xa3" + bytes(20), "video"),
        (b"RIFF\0\0\0\0AVI LIST", "video"),
        (b"RIFF\0\0\0\0WEBPVP8 ", ""),
        ((b"\x47" + bytes(187)) * 3, "video"),
        (b"%PDF-1.7", "PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "PostScript"),
        (b"8BPS\0\1", "PSD"),
        (b'\n<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">', "SVG"),
        (b"\xff\x0a\0\0", "JPEG XL"),
        (b"hello", ""),
        (b"", ""),
    ],
)
def test_kinds(head: bytes, kind: str) -> None:
    assert kind_of_bytes(head) == kind


def test_the_list_is_closed(tmp_path: Path) -> None:
    picture = PIL.Image.fromarray(np.full((32, 32, 3), 90, np.uint8))
    assert not set(REFUSED) & set(FORMATS)
    for format in ("EPS", "ICO", "PCX", "SGI", "TGA"):
        picture.save(tmp_path / "a.jpg", format)
        with pytest.raises(ImageError, match=r"a\.jpg is"):
            load_image(tmp_path / "a.jpg")
        with pytest.raises(PIL.UnidentifiedImageError):
            open_picture(tmp_path / "a.jpg")


def test_postscript_starts_no_other_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import subprocess

    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("a program was started"))
    PIL.Image.new("RGB", (32, 32)).save(tmp_path / "a.png", "EPS")
    with pytest.raises(ImageError, match="is a file of the kind PostScript, which Repose does not read: save it as"):
        load_image(tmp_path / "a.png")


def test_heic_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "IMG_0001.HEIC"
    path.write_bytes(box(b"heic", b"mif1", b"heic"))
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ImageError) as caught:
        load_image(path)
    assert str(caught.value) == f"{path} is a HEIC picture: save it as JPEG or PNG (or pip install pillow-heif)"


def test_heic(tmp_path: Path) -> None:
    """With a colour profile, and an orientation in EXIF as iPhones write both."""
    pytest.importorskip("pillow_heif").register_heif_opener()
    from repose.images import Photograph
    from tests.images.profiles import DISPLAY_P3

    stored = np.zeros((64, 96, 3), np.uint8)
    stored[:32], stored[32:] = (210, 63, 55), (97, 196, 82)
    exif = PIL.Image.Exif()
    exif[0x010F], exif[0x0112] = "Apple", 6
    PIL.Image.fromarray(stored).save(tmp_path / "a.heic", icc_profile=DISPLAY_P3, exif=exif.tobytes(), quality=95)
    (tmp_path / "a.heic").rename(tmp_path / "a.jpg")  # as some programs name it
    photograph = Photograph.read(tmp_path / "a.jpg")
    assert photograph.pixels.shape == (96, 64, 3), "turned once"
    assert np.abs(photograph.pixels[48, 48].astype(int) - (230, 40, 40)).max() <= 6
    assert np.abs(photograph.pixels[48, 16].astype(int) - (40, 200, 60)).max() <= 6
    with PIL.Image.open(photograph.save(tmp_path / "b.jpg", photograph.pixels)) as written:
        assert written.info["icc_profile"] == DISPLAY_P3
        assert (written.getexif()[0x010F], written.getexif().get(0x0112, 1)) == ("Apple", 1)
    PIL.Image.fromarray(stored).save(tmp_path / "box.heic", color_primaries=12, transfer_characteristics=13, quality=95)
    loaded = load_image(tmp_path / "box.heic").astype(int)
    assert np.abs(loaded[16, 48] - (230, 40, 40)).max() <= 6, "Display P3 by its colour box alone"
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:200])
    with pytest.raises(ImageError, match="broken or cut off"):
        load_image(tmp_path / "a.jpg")
