"""Result lines: whole with several writers, readable by any JSON reader, and honest about the commit."""

import errno
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from repose import record

WRITER = """
import sys
from pathlib import Path
import record
for index in range(150):
    record.append(Path(sys.argv[1]), {"who": sys.argv[2], "index": index, "text": "ä" * 3000})
"""


def alone(folder: Path) -> Path:
    """record.py on its own in a folder, for processes that need not import torch."""
    folder.mkdir(parents=True)
    shutil.copy(record.__file__, folder / "record.py")
    (folder / "torch.py").write_text("")
    return folder


def test_lines_of_two_processes_stay_whole(tmp_path: Path) -> None:
    path, package = tmp_path / "new" / "results.jsonl", alone(tmp_path / "src")
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), who], cwd=package) for who in "ab"]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert all(line["text"] == "ä" * 3000 for line in lines)
    for who in "ab":
        assert [line["index"] for line in lines if line["who"] == who] == list(range(150))


def test_what_json_does_not_know_becomes_null(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    record.append(path, {"a": math.nan, "b": [1.5, math.inf, (-math.inf,)], "c": {"d": math.nan, "e": "NaN"}, "f": 0})

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    assert json.loads(path.read_text(), parse_constant=refuse) == {
        "a": None, "b": [1.5, None, [None]], "c": {"d": None, "e": "NaN"}, "f": 0,
    }  # fmt: skip


def test_what_cannot_be_written_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    record.append(path, {"a": 1})
    with pytest.raises(TypeError):
        record.append(path, {"a": object()})
    assert path.read_text() == '{"a": 1}\n'


def commit_of(package: Path) -> str:
    """What `commit` says in a process that runs from another folder."""
    words = [sys.executable, "-c", "import record; print(record.commit())"]
    return subprocess.run(words, cwd=package, capture_output=True, text=True, check=True).stdout.strip()


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_commit_in_and_outside_of_a_checkout(tmp_path: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    package = alone(tmp_path / "project" / "src")
    assert commit_of(package) == "unknown"
    git(tmp_path / "project", "init", "-q")
    (tmp_path / "project" / "other.txt").write_text("theirs")
    git(tmp_path / "project", "add", "other.txt")
    git(tmp_path / "project", "commit", "-qm", "theirs")
    assert commit_of(package) == "unknown", "installed below somebody else's checkout"
    git(tmp_path / "project", "add", "src/record.py")
    git(tmp_path / "project", "commit", "-qm", "ours")
    head = git(tmp_path / "project", "rev-parse", "--short=12", "HEAD")
    assert commit_of(package) == head
    (tmp_path / "project" / "other.txt").write_text("changed")
    assert commit_of(package) == head, "only src/ counts"
    with (package / "record.py").open("a") as file:
        file.write("# changed\n")
    assert commit_of(package) == f"{head}-dirty"


def test_a_result_line_has_its_stamp_its_data_and_its_seed(tmp_path: Path) -> None:
    class Data:
        dataset, checksum = "people", "c0ffee"

    path = tmp_path / "results.jsonl"
    line = record.append_result(path, {"bench": "x", "seed": 3}, data=Data(), protocol="patn-market@1")
    assert json.loads(path.read_text()) == line
    assert set(line) == {"bench", "seed", "data", "checksum", "protocol", *record.stamp()}
    assert (line["data"], line["checksum"], line["protocol"], line["seed"]) == ("people", "c0ffee", "patn-market@1", 3)
    assert record.append_result(None, {"bench": "x"}, seed=None)["seed"] is None, "nothing was random"
    with pytest.raises(ValueError, match="needs its seed"):
        record.append_result(path, {"bench": "x"})
    assert len(path.read_text().splitlines()) == 1


def test_lines_of_a_folder_are_read_by_date(tmp_path: Path) -> None:
    record.append(tmp_path / "a.jsonl", {"n": 2, "date": "2026-02"})
    record.append(tmp_path / "b.jsonl", {"n": 1, "date": "2026-01"})
    with (tmp_path / "b.jsonl").open("a") as file:
        file.write("\n")
    assert [line["n"] for line in record.read_results(tmp_path)] == [1, 2]


def test_a_line_that_lacks_a_key_is_named() -> None:
    line = {"bench": "forward", "date": "2026-01-01"}
    with (
        pytest.raises(ValueError, match="result line 'forward' of 2026-01-01 has no key 'rows'"),
        record.reading_line(line),
    ):
        assert line["rows"]


def test_stamp_says_what_is_needed_to_repeat() -> None:
    import torch

    import repose

    stamp = record.stamp()
    assert (stamp["repose"], stamp["torch"]) == (repose.__version__, torch.__version__)
    assert stamp["threads"] == torch.get_num_threads()
    assert "cores" in stamp["hardware"]
    assert stamp["date"].endswith("+00:00")


def full(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """A disk with room for so many bytes: a write takes what fits, and the next one fails."""
    write, left = record._write_all, [room]

    class Full:
        def __init__(self, file: Any) -> None:
            self.file = file

        def write(self, text: bytes) -> int:
            if not left[0]:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            taken = text[: left[0]]
            left[0] -= len(taken)
            return int(self.file.write(taken))

    monkeypatch.setattr(record, "_write_all", lambda file, text: write(Full(file), text))


@pytest.mark.parametrize("room", [0, 1, 7])
def test_a_line_on_a_full_disk_is_absent_and_the_next_one_whole(
    room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.jsonl"
    record.append(path, {"a": 1})
    with monkeypatch.context() as patch:
        full(patch, room)
        with pytest.raises(OSError, match=r"results\.jsonl could not be written: the disk is full .*; .* MB are free"):
            record.append(path, {"b": 2})
    assert path.read_text() == '{"a": 1}\n'
    record.append(path, {"c": 3})
    assert path.read_text() == '{"a": 1}\n{"c": 3}\n'


def test_a_short_write_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may write a part of a line without an error."""
    write = record._write_all

    class Slow:
        def __init__(self, file: Any) -> None:
            self.file = file

        def write(self, text: bytes) -> int:
            return int(self.file.write(text[:3]))

    monkeypatch.setattr(record, "_write_all", lambda file, text: write(Slow(file), text))
    record.append(tmp_path / "results.jsonl", {"a": "whole"})
    assert (tmp_path / "results.jsonl").read_text() == '{"a": "whole"}\n'


def test_a_line_never_glues_another(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text('{"a": 1}\n{"b": 2}')  # whole, by another program
    record.append(path, {"c": 3})
    assert path.read_text() == '{"a": 1}\n{"b": 2}\n{"c": 3}\n'
    path.write_text('{"a": 1}\n{"b": "' + "x" * 70_000)  # a writer was killed
    with pytest.warns(UserWarning, match=r"results\.jsonl ended in half a line"):
        record.append(path, {"c": 3})
    assert path.read_text() == '{"a": 1}\n{"c": 3}\n'


def test_without_a_lock_nothing_of_another_writer_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one may be in the middle of its line."""
    path = tmp_path / "results.jsonl"
    path.write_text('{"a": ')
    monkeypatch.setattr(record, "_locked", lambda *_: False)
    monkeypatch.setattr(record, "FileLock", lambda _: pytest.fail("of Windows alone"))
    record.append(path, {"c": 3})
    assert path.read_text() == '{"a": {"c": 3}\n'
    with monkeypatch.context() as patch:
        full(patch, 3)
        with pytest.raises(OSError, match="the disk is full"):
            record.append(path, {"d": 4})
    assert path.read_text() == '{"a": {"c": 3}\n{"d'


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="there is no /dev/stdout")
def test_a_line_goes_into_a_pipe(tmp_path: Path) -> None:
    code = "import record; from pathlib import Path; record.append(Path('/dev/stdout'), {'a': 1})"
    done = subprocess.run([sys.executable, "-c", code], cwd=alone(tmp_path / "src"), capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ('{"a": 1}\n', "")
