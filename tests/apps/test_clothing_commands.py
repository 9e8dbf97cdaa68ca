"""The commands texture and tryon: which photograph is wrong, and examples that can be run."""

from __future__ import annotations

import re
import shlex
import warnings
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from repose.cli.outputs import sheet_beside
from repose.person import Person
from tests import tiny
from tests.apps.dressed import dressed
from tests.test_cli import Run, run

assert run is not None  # a fixture

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("verb", ["texture", "tryon"])
def test_the_photograph_without_a_person_is_named(verb: str, run: Run, tmp_path: Path) -> None:
    tiny.photograph(tmp_path / "me.png", 100, 200, 15, 20, 160)
    PIL.Image.fromarray(np.full((80, 60, 3), 90, np.uint8)).save(tmp_path / "nobody.png")
    done = run(verb, "me.png", "nobody.png", "-o", "a.png")
    assert done.code == 2
    assert "nobody.png: no person was found" in done.error.replace("\n", " ")


def test_what_is_doubtful_about_the_condition_is_a_note(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object, **options: object) -> Person:
        return dressed(0)

    def doubtful(person: Person, garments: object, name: str) -> None:
        warnings.warn(f"{name}: 20 pixels are trousers, and 900 are dress", UserWarning, stacklevel=2)
        if name == "me.png":
            raise ValueError("enough")

    monkeypatch.setattr("repose.apps.people.parsed_person", read)
    monkeypatch.setattr("repose.apps.garments.require_worn", doubtful)
    for name in ("me.png", "friend.png"):
        tiny.photograph(tmp_path / name, 100, 200, 15, 20, 160)
    done = run("texture", "me.png", "friend.png", "-o", "a.png")
    assert "note: friend.png: 20 pixels are trousers" in done.err
    assert "UserWarning" not in done.err


def examples() -> list[list[str]]:
    """The words of every line that runs an application, in the help and in the pages."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "src/repose/cli").glob("*.py")]
    texts += [path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]]
    verbs = "texture|tryon|reconstruct|font|video|animate|tune|reid"
    lines = re.findall(rf"(?:^|\[bold\]|`)repose ((?:{verbs}) [^`\n\[]+)", "\n".join(texts).replace("    ", ""), re.M)
    return [shlex.split(line, comments=True) for line in lines]


def test_no_example_writes_into_the_folder_that_it_reads() -> None:
    words = examples()
    assert len(words) > 30
    for line in words:
        if "-o" in line:
            at = line.index("-o") + 1
            out = Path(line[at])
            written = {out, out.with_suffix(""), sheet_beside(out)} if out.suffix else {out}
            assert not written & {Path(word) for word in (*line[1:at], *line[at + 1 :])}, " ".join(line)
