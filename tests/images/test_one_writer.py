"""Pictures become files in one place, `repose.images.write_picture`, so that a full disk leaves none half."""

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from repose.images import ImageError, load_image, write_picture

ROOT = Path(__file__).parents[2]

OTHER = {"np", "onnx", "photograph", "plan", "program", "run_files", "traced", "example", "caches[kind]"}
"""What has a `save` of its own: arrays, networks, and our own classes, which write through `replacing`."""


def saves(path: Path) -> Iterator[str]:
    """Each call `something.save(...)` of a module that is not into memory, as FILE:LINE and its text."""
    text = path.read_text(encoding="utf-8")
    for function in ast.walk(ast.parse(text)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            continue
        memory = {
            target.id
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and ast.unparse(node.value).endswith("BytesIO()")
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "save":
                into = ast.unparse(node.args[0]) if node.args else ""
                if ast.unparse(node.func.value) not in OTHER and into not in memory:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}: {ast.unparse(node)}"


def test_only_the_one_writer_lets_pillow_write_files() -> None:
    files = sorted(file for folder in ("src", "scripts") for file in (ROOT / folder).rglob("*.py"))
    assert len(files) > 400
    found = {one for file in files if ".save(" in file.read_text(encoding="utf-8") for one in saves(file)}
    strangers = sorted(one for one in found if not one.startswith("src/repose/images/writing.py:"))
    assert not strangers, "these write pictures by themselves; repose.images.write_picture does it whole or not at all"
    assert found, "the writer itself is seen"


def test_the_test_sees_a_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.images.test_one_writer.ROOT", tmp_path)
    module = tmp_path / "new.py"
    module.write_text("def f(page, out):\n    file = io.BytesIO()\n    page.save(file)\n    page.save(out)\n")
    assert set(saves(module)) == {"new.py:4: page.save(out)"}


@pytest.mark.parametrize("mode", ["P", "L", "I;16", "RGB"])
def test_any_picture_of_pillow_comes_back(mode: str, tmp_path: Path) -> None:
    pixels = np.arange(12, dtype=np.uint16 if mode == "I;16" else np.uint8).reshape(3, 4)
    picture = PIL.Image.fromarray(np.stack([pixels] * 3, -1) if mode == "RGB" else pixels)
    if mode == "P":
        picture.putpalette([value for k in range(12) for value in (k, 0, 255 - k)])
    write_picture(tmp_path / "new" / "a.png", picture)
    with PIL.Image.open(tmp_path / "new" / "a.png") as read:
        assert read.mode == mode
        assert np.array_equal(np.asarray(read), np.asarray(picture))
        assert read.getpalette() == picture.getpalette()
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["a.png"]


def test_a_writer_that_fails_keeps_the_file(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.jpg", PIL.Image.new("RGB", (16, 16)), quality=80)
    with pytest.raises(OSError, match="mode I;16 as JPEG"):
        write_picture(path, PIL.Image.new("I;16", (8, 8)))
    assert load_image(path).shape == (16, 16, 3)
    with pytest.raises(ImageError, match=r"not '\.gif'"):
        write_picture(tmp_path / "a.gif", PIL.Image.new("RGB", (8, 8)))
    assert [file.name for file in tmp_path.iterdir()] == ["a.jpg"]
