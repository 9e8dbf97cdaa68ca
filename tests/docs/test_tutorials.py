"""The tutorials run: every marked block of docs/tutorials, in order, in this process and without the network.

Marks are those of `tests/test_documents.py`. A block after `<!-- file: NAME -->` is written to a file. A marked shell
block may hold commands of `repose` alone: they run here, so that PyTorch is loaded once for all tutorials.
"""

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest
from typer.testing import CliRunner

from repose import models
from repose.cli import app
from tests.test_documents import Block, blocks, require_renderer

TUTORIALS = Path(__file__).parents[2] / "docs" / "tutorials"
WRITTEN = re.compile(r"^<!-- file: (\S+) -->\n```\w+\n(.*?)^```$", re.M | re.S)
NAMES = [path.name for path in sorted(TUTORIALS.glob("*.md")) if path.name != "index.md"]


def run(document: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the marked blocks of a document in the present folder; those that need what is not here are left out."""
    for name, text in WRITTEN.findall(document.read_text()):
        Path(name).write_text(text)
    ran = 0
    for block in blocks(document):
        if block.runs is None or not at_hand(block, request, monkeypatch):
            continue
        ran += 1
        if block.language == "python":
            exec(compile(block.text, str(block), "exec"), {"__name__": "tutorial"})
            continue
        for line in block.text.replace("\\\n", " ").splitlines():
            words = shlex.split(line)
            assert words[0] == "repose", f"{block}: {words[0]}: only commands of repose run here"
            done = CliRunner().invoke(app, words[1:])
            assert done.exit_code == 0, f"{block}: {line}\n{done.output}\n{done.exception!r}"
    if not ran:
        pytest.skip(f"{document.name}: no block can run here")


def at_hand(block: Block, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether what a block needs is here; networks are looked for only by a block that is marked with them."""
    monkeypatch.setenv("REPOSE_FILES", "")
    for need in (block.runs or "").split():
        assert need in ("movenet", "render"), f"{block}: <!-- runs: {need} -->"
        try:
            if need == "render":
                require_renderer()
            else:
                pytest.importorskip("ai_edge_litert")
                monkeypatch.setenv("REPOSE_FILES", str(request.getfixturevalue("shared") / "models"))
        except pytest.skip.Exception:
            return False
    return True


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """The folder that the page of all tutorials has its reader make."""
    place = tmp_path_factory.mktemp("tutorials")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        run(TUTORIALS / "index.md", request, patch)
    assert len(list((place / "example" / "people").glob("*/*.jpg"))) == 12
    return place


@pytest.fixture
def here(examples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of its own with the examples; what a tutorial imports or registers is forgotten afterwards."""
    copytree(examples, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("REPOSE_OFFLINE", "1")
    known = set(sys.modules), set(models.MODELS), set(models.RECIPES)
    yield tmp_path
    for name in set(models.MODELS) - known[1]:
        models.MODELS.pop(name)
    for name in set(models.RECIPES) - known[2]:
        models.RECIPES.pop(name)
    for name in set(sys.modules) - known[0]:
        if (
            not name.startswith("repose")
            and getattr(sys.modules[name], "__file__", "")
            and Path(str(sys.modules[name].__file__)).is_relative_to(tmp_path)
        ):
            del sys.modules[name]


@pytest.mark.parametrize("name", NAMES)
def test_tutorial(name: str, here: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    run(TUTORIALS / name, request, monkeypatch)


def test_a_wrong_command_fails(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    document = tmp_path / "sample.md"
    document.write_text("<!-- runs -->\n```bash\nrepose transfer nobody.jpg nobody.json\n```\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError, match=r"sample\.md, line 2: repose transfer"):
        run(document, request, monkeypatch)
