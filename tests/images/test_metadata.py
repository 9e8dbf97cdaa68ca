"""EXIF of the photograph stays in the result: every byte of it but what would be wrong of the result."""

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

from repose.images import Photograph, load_image
from repose.images.metadata import Metadata
from repose.images.results import MARK
from repose.images.writing import write

WRITTEN = ("jpg", "png", "webp", "tif")
HEIGHT, WIDTH = 40, 64
NOTES = b"Nikon\0\2\x10\0\0MM\0*" + bytes(range(256))
"""A maker's own notes, which nobody but the maker can read."""


def scene() -> np.ndarray:
    """Red above, blue below, a green left edge, as the file stores it."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[: HEIGHT // 2], image[HEIGHT // 2 :], image[:, :16] = (220, 30, 30), (30, 30, 220), (30, 220, 30)
    return image


def thumbnail() -> bytes:
    file = io.BytesIO()
    PIL.Image.fromarray(scene()).resize((16, 10)).save(file, "JPEG")
    return file.getvalue()


def camera_exif(order: str = ">", orientation: int = 6, with_thumbnail: bool = True) -> bytes:
    """The EXIF of a camera, byte by byte: camera, orientation, time, exposure, its notes, the size, a thumbnail."""
    mark = b"MM\0*" if order == ">" else b"II*\0"
    picture = thumbnail()

    def directory(at: int, entries: list[tuple[int, int, int, Any]], following: int) -> bytes:
        rows, behind = b"", b""
        place = at + 2 + 12 * len(entries) + 4
        for tag, kind, count, value in entries:
            if isinstance(value, bytes):
                if len(value) <= 4:
                    packed = value.ljust(4, b"\0")
                else:
                    packed = struct.pack(f"{order}I", place + len(behind))
                    behind += value + b"\0" * (len(value) % 2)
            else:
                packed = struct.pack(f"{order}{'H' if kind == 3 else 'I'}", value).ljust(4, b"\0")
            rows += struct.pack(f"{order}HHI", tag, kind, count) + packed
        return struct.pack(f"{order}H", len(entries)) + rows + struct.pack(f"{order}I", following) + behind

    first: list[tuple[int, int, int, Any]] = [
        (0x010F, 2, 6, b"Maker\0"), (0x0112, 3, 1, orientation), (0x0131, 2, 8, b"Firm 1.0"), (0x8769, 4, 1, 0)
    ]  # fmt: skip
    inner: list[tuple[int, int, int, Any]] = [
        (0x829A, 5, 1, struct.pack(f"{order}II", 1, 125)),
        (0x9003, 2, 20, b"2026:05:01 12:00:00\0"),
        (0x927C, 7, len(NOTES), NOTES),
        (0xA002, 4, 1, WIDTH),
        (0xA003, 3, 1, HEIGHT),
    ]
    length = len(directory(8, first, 0))
    first[-1] = (0x8769, 4, 1, 8 + length)
    second = directory(8 + length, inner, 0)
    third_at = 8 + length + len(second)
    data = mark + struct.pack(f"{order}I", 8) + directory(8, first, third_at if with_thumbnail else 0) + second
    if with_thumbnail:
        entries: list[tuple[int, int, int, Any]] = [
            (0x0103, 3, 1, 6), (0x0201, 4, 1, third_at + 2 + 36 + 4), (0x0202, 4, 1, len(picture))
        ]  # fmt: skip
        data += directory(third_at, entries, 0) + picture
    return data


def photographed(path: Path, exif: bytes, **more: Any) -> Path:
    options: dict[str, Any] = {"quality": 100} if path.suffix in (".jpg", ".webp") else {}
    PIL.Image.fromarray(scene()).save(path, exif=b"Exif\0\0" + exif, **options, **more)
    return path


def test_the_exif_of_these_tests_is_sound() -> None:
    exif = PIL.Image.Exif()
    exif.load(b"Exif\0\0" + camera_exif("<"))
    assert (exif[0x010F], exif[0x0112], exif.get_ifd(0x8769)[0xA002]) == ("Maker", 6, WIDTH)
    assert exif.get_ifd(-1)[0x0202] == len(thumbnail())


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("suffix", WRITTEN)
def test_exif_stays_and_the_picture_is_turned_once(suffix: str, order: str, tmp_path: Path) -> None:
    source = photographed(tmp_path / f"a.{'jpg' if suffix == 'tif' else suffix}", camera_exif(order), dpi=(300, 300))
    photograph = Photograph.read(source)
    assert photograph.pixels.shape == (WIDTH, HEIGHT, 3)
    out = photograph.save(tmp_path / f"b.{suffix}", photograph.pixels)
    with PIL.Image.open(out) as written:
        exif = written.getexif()
        assert written.size == (HEIGHT, WIDTH)
        program = f"Firm 1.0; {MARK}" if suffix == "tif" else "Firm 1.0"  # a TIFF has no other place for the mark
        assert (exif[0x010F].strip("\0"), exif[0x0112], exif[0x0131]) == ("Maker", 1, program)
        inner = exif.get_ifd(0x8769)
        assert inner[0x9003].strip("\0") == "2026:05:01 12:00:00"
        assert float(inner[0x829A]) == 1 / 125
        assert (inner[0xA002], inner[0xA003]) == (HEIGHT, WIDTH)
        assert bytes(inner[0x927C]) == NOTES
        assert not exif.get_ifd(-1), "the thumbnail shows the photograph, not the result"
        if suffix not in ("webp",):  # which holds no resolution
            assert written.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert thumbnail()[20:200] not in out.read_bytes(), "nor is it left somewhere in the file"
    assert np.abs(load_image(out).astype(int) - photograph.pixels).mean() < 3, "not turned twice"


def test_only_what_would_be_wrong_is_changed() -> None:
    before = camera_exif(with_thumbnail=False)
    after = Metadata(exif=before).upright(HEIGHT, WIDTH).exif
    assert len(after) == len(before)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 3, "the orientation, the width, the height"
    assert Metadata(exif=after).upright(HEIGHT, WIDTH).exif == after
    cut = Metadata(exif=camera_exif()).upright(HEIGHT, WIDTH).exif
    assert len(cut) == len(camera_exif()) - len(thumbnail())


def test_a_photograph_without_exif_gets_none(tmp_path: Path) -> None:
    """The mark of the program that wrote the file is all that its text says."""
    PIL.Image.fromarray(scene()).save(tmp_path / "a.png")
    photograph = Photograph.read(tmp_path / "a.png")
    for suffix in WRITTEN:
        with PIL.Image.open(photograph.save(tmp_path / f"b.{suffix}", photograph.pixels)) as written:
            kept = {"jfif", "jfif_version", "jfif_unit", "jfif_density", "compression", "loop", "background"}
            marks = {"Software", "comment", "xmp"}
            assert set(written.info) - kept - marks <= {"duration", "timestamp", "dpi", "resolution"}, written.info
            said = [written.info[name] for name in marks & set(written.info)]
            assert len(said) == (suffix != "tif"), written.info
            assert all(MARK in (one.decode() if isinstance(one, bytes) else one) for one in said)
            if suffix != "tif":
                assert not written.getexif()


@pytest.mark.parametrize("length", [3, 8, 20, 60, 100, 200])
def test_damaged_exif_is_left_out(length: int, tmp_path: Path) -> None:
    path = photographed(tmp_path / "a.png", camera_exif(orientation=1)[:length])
    photograph = Photograph.read(path)
    assert np.array_equal(photograph.pixels, scene())
    for suffix in WRITTEN:
        out = photograph.save(tmp_path / f"b.{suffix}", photograph.pixels)
        assert load_image(out).shape == scene().shape


@pytest.mark.filterwarnings("ignore::UserWarning")  # of Pillow, on EXIF that it cannot read
def test_random_exif_never_stops_a_result(tmp_path: Path) -> None:
    picture = PIL.Image.fromarray(scene())
    random = np.random.default_rng(0)
    whole = camera_exif()
    for _ in range(200):
        data = bytearray(whole)
        for place in random.integers(0, len(data), 6):
            data[place] = random.integers(0, 256)
        kept = Metadata(exif=bytes(data)).upright(HEIGHT, WIDTH)
        assert len(kept.exif) <= len(data)
        for suffix in WRITTEN:
            with PIL.Image.open(write(tmp_path / f"a.{suffix}", picture, metadata=kept)) as written:
                written.load()


def test_a_tiff_gives_what_it_says_of_the_photograph(tmp_path: Path) -> None:
    """The tags of a TIFF describe its file, too; of those none goes into the result."""
    exif = PIL.Image.Exif()
    exif[0x010F], exif[0x0112] = "Maker", 6
    exif.get_ifd(0x8769)[0x9003] = "2026:05:01 12:00:00"
    PIL.Image.fromarray(scene()).save(tmp_path / "a.tif", exif=exif.tobytes(), dpi=(150, 150))
    photograph = Photograph.read(tmp_path / "a.tif")
    assert photograph.pixels.shape == (WIDTH, HEIGHT, 3)
    for suffix in WRITTEN:
        with PIL.Image.open(photograph.save(tmp_path / f"b.{suffix}", photograph.pixels)) as written:
            found = written.getexif()
            assert found[0x010F] == "Maker"
            assert found.get_ifd(0x8769)[0x9003] == "2026:05:01 12:00:00"
            assert found.get(0x0112, 1) == 1
            if suffix != "tif":
                assert 0x0111 not in found, "where the file's rows stand"
        assert np.abs(load_image(tmp_path / f"b.{suffix}").astype(int) - photograph.pixels).mean() < 6, "turned once"


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description tiff:Orientation="6" dc:rights="Me" %s/></rdf:RDF></x:xmpmeta>'
)


def test_xmp_stays_upright(tmp_path: Path) -> None:
    path = photographed(tmp_path / "a.jpg", camera_exif(), xmp=XMP % b"")
    photograph = Photograph.read(path)
    for suffix in ("jpg", "png", "webp"):
        with PIL.Image.open(photograph.save(tmp_path / f"b.{suffix}", photograph.pixels)) as written:
            packet = written.info["xmp"]
            assert b'dc:rights="Me"' in packet
            assert b'tiff:Orientation="1"' in packet


def test_xmp_of_pictures_that_the_result_has_not(tmp_path: Path) -> None:
    """A phone's XMP names a gain map further back in its file; whoever believes it looks for one in the result."""
    path = photographed(tmp_path / "a.jpg", camera_exif(), xmp=XMP % b'hdrgm:Version="1.0"')
    photograph = Photograph.read(path)
    with PIL.Image.open(photograph.save(tmp_path / "b.jpg", photograph.pixels)) as written:
        assert "xmp" not in written.info


def test_the_size_of_a_smaller_result(tmp_path: Path) -> None:
    photograph = Photograph.read(photographed(tmp_path / "a.jpg", camera_exif()))
    with PIL.Image.open(photograph.save(tmp_path / "b.jpg", photograph.pixels, size=(32, 20))) as written:
        inner = written.getexif().get_ifd(0x8769)
        assert (written.size, inner[0xA002], inner[0xA003]) == ((20, 32), 20, 32)


def test_more_exif_than_a_jpeg_holds(tmp_path: Path) -> None:
    exif = PIL.Image.Exif()
    exif[0x010E] = "x" * 70_000
    PIL.Image.fromarray(scene()).save(tmp_path / "a.png", exif=exif)
    photograph = Photograph.read(tmp_path / "a.png")
    photograph.save(tmp_path / "b.jpg", photograph.pixels)
    with PIL.Image.open(photograph.save(tmp_path / "b.png", photograph.pixels)) as written:
        assert len(written.getexif()[0x010E]) == 70_000
