"""`repose study`, from folders to a table."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from repose import cli
from repose.study import Study, StudyProtocol, protocols
from tests.study import pictures


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli.stdout, "width", 200)  # read from the environment when it was made, by whichever test


def run(*words: object) -> str:
    done = CliRunner().invoke(cli.app, ["study", *map(str, words)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_from_folders_to_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = StudyProtocol("small", 1, "realism", (None,), pool=4, shown=3, practice=1)
    monkeypatch.setitem(protocols.STUDIES, "small@1", small)
    names = [f"{n}.png" for n in range(5)]
    real, ours = pictures.folder(tmp_path / "real", names), pictures.folder(tmp_path / "ours", names, 1)
    place = tmp_path / "study.db"
    assert "4 real, 4 generated A, 32x24" in run("prepare", f"A={ours}", "--real", real, "-p", "small", "-o", place)
    clock = pictures.Clock()
    study = Study(place, clock)
    token = study.begin("12345678")
    while not (state := study.state(token))["finished"]:
        key = state["trial"]["key"]
        study.picture(key, 0)
        study.start(key, "showing 1")
        clock.now += 1
        study.answer(key, "real", 1.0, 1.0, False)
    text = run("table", place, "--markdown", "--no-published")
    assert "| A | ∞ | 1 | 0.0 [-] [0.0, 56.1] | 100.0 [-] [43.9, 100.0] | 50.0 [-] [18.8, 81.2] | small@1 |" in text
    assert "published" not in text
    assert "8 answers" in run("export", place, "-o", tmp_path / "a.csv")
    with pytest.raises(ValueError, match="two methods are called 'ours'"):
        run("prepare", ours, f"ours={real}", "--real", real, "-p", "small", "-o", tmp_path / "b.db")


def test_protocols_are_listed() -> None:
    text = run("protocols")
    for name in protocols.STUDIES:
        assert name in text


def test_serve_until_ctrl_c(tmp_path: Path) -> None:
    small = StudyProtocol("small", 1, "realism", (1.0,), pool=4, shown=3, practice=1)
    pictures.study(tmp_path, small, pictures.Clock()).close()
    command = [sys.executable, "-u", "-m", "repose", "study", "serve", str(tmp_path / "study.db"), "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"}, start_new_session=True
    ) as server:
        assert server.stdout is not None
        first = server.stdout.readline()
        url = next(word for word in first.split() if word.startswith("http://")).rstrip(";,")
        with urllib.request.urlopen(url + "api/study", timeout=20) as reply:
            assert b"small@1" in reply.read()
        server.send_signal(signal.SIGINT)
        assert "0 sessions begun, 0 finished" in server.stdout.read()
        assert server.wait(20) == 0
