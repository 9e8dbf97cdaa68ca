"""Files that are written whole or not at all: full disks, killed writers."""

import errno
import os
import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import PIL.Image
import pytest
import torch

from repose import files
from repose.files import DiskFullError, first_line, replacing
from repose.images import save_image
from repose.tensor_files import read_tensors, write_tensors, write_text

KILLED = """
import os, signal, sys
from pathlib import Path
from repose.files import replacing
with replacing(Path(sys.argv[1])) as partial:
    partial.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def fill(path: Path, code: int) -> None:
    """Write a part of a file, and fail."""
    path.write_text("half")
    raise OSError(code, os.strerror(code))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_full_disk_names_the_file_and_keeps_what_was_there(code: int, tmp_path: Path) -> None:
    path = tmp_path / "result.txt"
    path.write_text("before")
    for write in (replacing, lambda path: replacing(path, sync=True)):
        with (
            pytest.raises(DiskFullError, match=r"result\.txt could not be written: .*kept; free some space") as told,
            write(path) as partial,
        ):
            fill(partial, code)
        assert told.value.errno == code
        assert str(pickle.loads(pickle.dumps(told.value))).startswith(str(told.value)[:40])
        assert ("the disk is full" in str(told.value)) == (code != errno.EFBIG)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_other_errors_stay_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as told, replacing(tmp_path / "result.txt"):
        (tmp_path / "input.txt").read_text()
    assert str(told.value.filename).endswith("input.txt")
    assert list(tmp_path.iterdir()) == []


def test_the_encoders_of_pictures_do_not_say_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("encoder error -2 when writing image file")  # Pillow's words on a full disk

    monkeypatch.setattr(PIL.Image.Image, "save", full)
    with monkeypatch.context() as patch:  # with room enough, nobody knows why
        patch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**9))
        with pytest.raises(OSError, match=r"^encoder error -2"):
            save_image(tmp_path / "a.jpg", np.zeros((8, 8, 3), np.uint8))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    with pytest.raises(DiskFullError, match=r"a\.jpg could not be written: the disk is full"):
        save_image(tmp_path / "a.jpg", np.zeros((8, 8, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []


def test_a_text_that_does_not_fit_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(DiskFullError) as told:
        write_text(tmp_path / "card.json", "{}")
    assert str(told.value).count("could not be written") == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such locks")
def test_what_a_killed_writer_left_goes_and_what_another_writes_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "result.txt"
    assert subprocess.run([sys.executable, "-c", KILLED, str(path)]).returncode < 0
    (left,) = tmp_path.iterdir()
    assert left.read_text() == "half"
    (tmp_path / ".notes.txt.12345.partial").write_text("not of this form")
    with replacing(tmp_path / "other.txt") as writing:  # of the same folder, a whole run long
        assert not left.exists()
        monkeypatch.setattr(files, "_SWEPT", set())  # another process comes
        with replacing(path) as partial:
            partial.write_text("whole")
        writing.write_text("too")
    assert sorted(one.name for one in tmp_path.iterdir()) == [".notes.txt.12345.partial", "other.txt", "result.txt"]
    assert (path.read_text(), (tmp_path / "other.txt").read_text()) == ("whole", "too")


def test_a_block_that_writes_nothing_is_an_error_and_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "result.txt"
    path.write_text("before")
    for options in ({}, {"sync": True}, {"in_folder": True}):
        with pytest.raises(FileNotFoundError), replacing(path, **options):
            pass
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


SWEEP = """
import sys
from pathlib import Path
from repose.files import replacing
with replacing(Path(sys.argv[1])) as partial:
    partial.write_text("of another process")
"""


def test_another_process_leaves_tensors_that_are_being_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Safetensors renames a file of its own over the one that it is given, before we rename that."""
    import repose.tensor_files

    write = repose.tensor_files.save_file

    def then_another(*given: object) -> None:
        write(*given)  # type: ignore[arg-type]
        subprocess.run([sys.executable, "-c", SWEEP, str(tmp_path / "other.txt")], check=True)

    monkeypatch.setattr(repose.tensor_files, "save_file", then_another)
    write_tensors(tmp_path / "a.safetensors", {"x": torch.ones(3)}, {})
    assert read_tensors(tmp_path / "a.safetensors")[0]["x"].tolist() == [1, 1, 1]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.safetensors", "other.txt"]


@pytest.mark.skipif(os.name == "nt", reason="Windows: nothing is swept")
def test_what_lies_beside_tensors_of_a_killed_writer_goes(tmp_path: Path) -> None:
    killed = KILLED.replace("1])) as", "1]), in_folder=True) as").replace(
        "partial.write", "(partial.parent / '.tmpAb12').write"
    )
    assert subprocess.run([sys.executable, "-c", killed, str(tmp_path / "a.safetensors")]).returncode < 0
    (left,) = tmp_path.iterdir()
    assert [one.name for one in left.iterdir()] == [".tmpAb12"]
    with replacing(tmp_path / "other.txt") as partial:
        assert not left.exists()
        partial.write_text("whole")


@pytest.mark.skipif(os.name == "nt", reason="Windows: nothing is swept")
def test_only_files_of_ended_processes_of_this_place_are_swept(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    here = files._place_of_processes()
    names = {f".a.{place}-{number}-{'0' * 12}.partial" for place in (here, "01234567") for number in (ended.pid, 1)}
    names.add(f".a.{here}-{os.getpid()}-{'0' * 12}.partial")
    for name in names:
        (tmp_path / name).write_text("half")
    with replacing(tmp_path / "a") as partial:
        partial.write_text("whole")
    assert {one.name for one in tmp_path.iterdir()} == {"a"} | names - {f".a.{here}-{ended.pid}-{'0' * 12}.partial"}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
@pytest.mark.parametrize("suffix", [".jpg", ".tif", ".png", ".webp"])
@pytest.mark.parametrize("missing", [0.99, 0.01, 0.0001])
def test_a_picture_that_lacks_its_end_is_an_error(suffix: str, missing: float, tmp_path: Path) -> None:
    """A limit of file sizes cuts the last write short; it is not told as a full disk."""
    import resource

    picture = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    whole = save_image(tmp_path / f"a{suffix}", picture).read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(len(whole) * (1 - missing)), limits[1]))
    try:
        with pytest.raises(DiskFullError, match="could not be written: File too large"):
            save_image(tmp_path / f"a{suffix}", picture)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [one.read_bytes() for one in tmp_path.iterdir()] == [whole], "the earlier picture is kept"


@pytest.mark.parametrize(
    ("error", "length", "kind", "said"),
    [
        (RuntimeError("\n\n  one \ntwo"), 160, False, "one"),
        (RuntimeError("one"), 160, True, "RuntimeError: one"),
        (ValueError("one"), 160, True, "one"),
        (RuntimeError(""), 160, True, "RuntimeError"),
        (RuntimeError("x" * 999), 160, False, "x" * 160),
        (RuntimeError("x" * 999), None, False, "x" * 999),
    ],
)
def test_the_first_line_of_an_error(error: Exception, length: int | None, kind: bool, said: str) -> None:
    assert first_line(error, length, kind) == said


def test_nobody_else_cuts_the_first_line_of_an_error() -> None:
    cut = re.compile(r"""(str\(error\)|\{error\}).*(splitlines\(\)(\[0\]|\))|partition\("\\n"\)|split\("\\n")""")
    assert cut.search('reason = str(error).partition("\\n")[0]')
    source = Path(files.__file__).parent
    every = {path.relative_to(source).as_posix(): path.read_text(encoding="utf-8") for path in source.rglob("*.py")}
    assert [name for name, text in every.items() if cut.search(text)] == ["files.py"], "repose.files.first_line does it"
