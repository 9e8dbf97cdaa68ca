"""Pictures are opened with a closed list of formats everywhere, and a file is read as it was checked."""

import ast
import io
import os
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

import repose
from repose import picture_files
from repose.images import ImageError, load_image, reading

OTHER_READERS = ("imread", "imdecode", "VideoCapture", "mimread", "decode_image", "read_image", "preinit")
"""Functions of OpenCV, imageio, skimage, matplotlib and torchvision that open pictures of any format."""


def calls() -> list[tuple[str, ast.Call]]:
    """Every call in the files of the package that name such a function, with its place."""
    found = []
    package = Path(repose.__file__).parent
    for path in sorted(package.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        if not any(word in text for word in ("Image.open", "Image import open", "ImageFile.Parser", *OTHER_READERS)):
            continue  # parsing every file takes ten seconds
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call):
                found.append((f"{path.relative_to(package)}:{node.lineno}", node))
    return found


def test_every_picture_is_opened_with_a_closed_list_of_formats() -> None:
    """Pillow knows EPS, which starts Ghostscript, and others that no test has seen; `open_picture` has a list."""
    opened, wrong = 0, []
    for place, call in calls():
        name = ast.unparse(call.func)
        if name in ("Image.open", "PIL.Image.open", "PILImage.open", "ImageFile.Parser", "PIL.ImageFile.Parser"):
            opened += 1
            if name.endswith("Parser") or not any(word.arg == "formats" for word in call.keywords):
                wrong.append(f"{place}: {name} without formats")
        elif name.rpartition(".")[2] in OTHER_READERS:
            wrong.append(f"{place}: {name}")
    assert opened >= 5, "the calls are found"
    assert wrong == []


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "gif", "webp"])
def test_a_file_is_read_as_it_was_checked(suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at its first bytes and the reading of its pixels another file takes its place."""
    path, other = tmp_path / f"me.{suffix}", tmp_path / "other.eps"
    PIL.Image.fromarray(np.full((32, 32, 3), 40, np.uint8)).save(path)
    looked = []
    kind_of_bytes = picture_files.kind_of_bytes

    def kind_and_exchange(head: bytes) -> str:
        if not looked:
            other.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n")
            other.replace(path)
        looked.append(head)
        return kind_of_bytes(head)

    monkeypatch.setattr(reading, "kind_of_bytes", kind_and_exchange)
    assert np.abs(load_image(path).astype(int) - 40).max() <= 1
    assert looked
    assert path.read_bytes().startswith(b"%!PS")
    with pytest.raises(ImageError, match="PostScript"):
        load_image(path)


def test_a_file_is_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "me.png"
    PIL.Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(path)
    opened: list[str] = []
    before = io.open

    def counting(file: object, *words: object, **more: object) -> object:
        opened.append(os.fspath(file) if isinstance(file, str | Path) else "")
        return before(file, *words, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(io, "open", counting)
    monkeypatch.setattr("builtins.open", counting)
    load_image(path)
    assert opened.count(str(path)) == 1
