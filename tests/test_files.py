"""Files that are written whole or not at all: full disks, killed writers."""

import errno
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from repose import files
from repose.files import DiskFullError, replacing
from repose.images import save_image
from repose.tensor_files import write_text

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
