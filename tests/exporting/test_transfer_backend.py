"""`repose transfer --backend`: what computed is said, and an unknown backend is named."""

import json
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
from typer.testing import CliRunner

from repose import cli
from tests import tiny


@pytest.fixture
def words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    tiny.seeing(monkeypatch)
    weights = tiny.save(tmp_path / "weights", "patn-s", "network.blocks=1")
    tiny.photograph(tmp_path / "me.png")
    tiny.photograph(tmp_path / "you.png", x=60, tall=280)
    names = [str(tmp_path / name) for name in ("me.png", "you.png")]
    return ["transfer", *names, "--weights", str(weights), "--crop", "--mask", "none", "--json"]


def test_the_backend_that_computed_is_said(words: list[str], tmp_path: Path) -> None:
    pictures = {}
    for asked, used in (("auto", "plain"), ("plain", "plain"), ("folded", "folded")):
        out = tmp_path / f"{asked}.png"
        done = CliRunner().invoke(cli.app, [*words, "-o", str(out), "--backend", asked])
        assert done.exit_code == 0, done.output
        document = json.loads(done.stdout)
        assert (document["backend"], document["backend_note"]) == (used, "")
        pictures[asked] = np.asarray(PIL.Image.open(out)).astype(int)
    assert np.array_equal(pictures["auto"], pictures["plain"])
    assert np.abs(pictures["folded"] - pictures["plain"]).max() <= 1


def test_an_unknown_backend(words: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(cli.app, [*words, "-o", str(tmp_path / "out.png"), "--backend", "onnx-runtime"])
    assert done.exit_code
    assert "did you mean 'onnxruntime'" in done.output + str(done.exception)
    assert not (tmp_path / "out.png").exists()
