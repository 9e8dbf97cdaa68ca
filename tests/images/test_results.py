"""Results of Repose in a folder of photographs are told from the photographs."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from repose.apps import tuning
from repose.cli import inputs
from repose.data.folder import _within as people_of
from repose.images import FORMATS, Photograph, load_image, save_image
from repose.images.results import MARK, is_result, left_out, marked_xmp, software, without_results

PIXELS = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)
XMP = b'<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta><?xpacket end="w"?>'


def photograph(path: Path, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(PIXELS).save(path, **options)
    return path


def camera() -> PIL.Image.Exif:
    exif = PIL.Image.Exif()
    exif[0x0131], exif[0x010F] = "Camera 1.2", "Maker"
    return exif


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("told", [{}, {"exif": camera(), "xmp": XMP}])
def test_a_result_of_every_format_has_the_mark(tmp_path: Path, suffix: str, told: dict[str, object]) -> None:
    """Also of a photograph that has EXIF and XMP of its own, which stay; and of a result of a result."""
    source = photograph(tmp_path / "me.jpg", **told)
    assert not is_result(source)
    result = Photograph.read(source).save(tmp_path / f"out{suffix}", PIXELS)
    assert is_result(result)
    again = Photograph.read(result).save(tmp_path / f"again{suffix}", PIXELS)
    assert is_result(again)
    with PIL.Image.open(again) as image:
        said = image.getexif()
        assert said.get(0x010F) == ("Maker" if told else None)
        assert str(said.get(0x0131, "")).count("Repose") == (FORMATS[suffix] == "TIFF")
        assert str(said.get(0x0131, "")).startswith("Camera 1.2") == bool(told)
    assert load_image(again).shape == PIXELS.shape
    plain = save_image(tmp_path / f"plain{suffix}", PIXELS)
    assert not is_result(plain), "what is no result, such as a drawing of a skeleton, has no mark"
    assert is_result(save_image(tmp_path / f"sheet{suffix}", PIXELS, result=True))


def test_marks_are_added_once() -> None:
    marked = marked_xmp(XMP)
    assert marked.count(MARK.encode()) == 1
    assert marked.startswith(XMP[:40])
    assert marked_xmp(marked) == marked
    assert marked_xmp(b"no packet") == b"no packet"
    bare = b"<rdf:RDF></rdf:RDF>"  # the outer element may be absent
    assert marked_xmp(bare) == f"<rdf:RDF><!-- {MARK} --></rdf:RDF>".encode()
    assert MARK.encode() in marked_xmp(b"")
    assert software(b"") == MARK


def test_what_cannot_be_read_is_no_result(tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG broken")
    assert not is_result(broken)
    assert not is_result(tmp_path / "absent.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "photographs"
    for name in ("a.jpg", "b.jpg"):
        photograph(place / name)
    Photograph.read(place / "a.jpg").save(place / "out.png", PIXELS)
    save_image(place / "out.sheet.png", PIXELS, result=True)
    return place


def test_results_in_a_folder_of_photographs_are_left_out_and_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = [folder / "a.jpg", folder / "b.jpg"]
    assert inputs.pictures_in(folder) == inputs.targets_in(folder) == inputs.files_of([folder]) == wanted
    said = " ".join(capsys.readouterr().err.split())
    assert "note: 2 pictures in" in said
    assert "that Repose wrote are left out (out.png, out.sheet.png)" in said
    assert inputs.pictures_in(folder / "out.png") == [folder / "out.png"], "one that is named is taken"


def test_a_folder_of_results_alone_is_taken(folder: Path) -> None:
    for name in ("a.jpg", "b.jpg"):
        (folder / name).unlink()
    assert inputs.pictures_in(folder) == [folder / "out.png", folder / "out.sheet.png"]
    assert without_results([]) == ([], [])


def test_tuning_and_data_sets_leave_them_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "FEWEST", 2)
    with pytest.warns(UserWarning, match="that Repose wrote are left out"):
        assert [path.name for path in tuning._photographs([folder])] == ["a.jpg", "b.jpg"]
    people = folder.parent / "people"
    shutil.copytree(folder, people / "anna")
    source = people_of(people)
    assert [entry.path.name for entry in source.entries] == ["a.jpg", "b.jpg"]
    assert [problem[:2] for problem in source.problems] == [
        ("anna/out.png", "result of Repose"), ("anna/out.sheet.png", "result of Repose"),
    ]  # fmt: skip


def test_how_they_are_named() -> None:
    assert "1 picture in me that Repose wrote is left out (a.png); to use it, name it" in left_out([Path("me/a.png")])
    assert "(0.png, 1.png, 2.png, ...)" in left_out([Path(f"me/{k}.png") for k in range(4)])
