"""What README and docs say can be done: every command and option exists, every recipe is known, and blocks run.

A fenced block right after the line `<!-- runs -->` is executed; `<!-- runs: movenet -->` likewise where MoveNet's file
is at hand, `<!-- runs: render -->` where people can be rendered. The blocks of one document run in order in one folder,
with `repose` on the PATH and no network. The folder holds me.jpg, dancer.jpg, people/ and photos/: rendered people.
"""

import ast
import functools
import importlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer.main
from PIL import Image

from repose import models
from repose.cli import app
from repose.demo import spare
from repose.metrics.protocols import protocol
from repose.recipes import override
from repose.render import Renderer, SyntheticUnavailable

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
"""Their blocks are run by tests/docs/test_tutorials.py."""
FENCE = re.compile(
    r"(?:<!-- runs(?P<runs>(?:: [\w ]+)?) -->\n+)?^```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^```", re.M | re.S
)
LONGEST = 120  # seconds for the blocks of one document


@dataclass(frozen=True)
class Block:
    """One fenced block; `runs` is None, or what it needs besides the package."""

    document: Path
    line: int
    language: str
    text: str
    runs: str | None

    def __str__(self) -> str:
        return f"{self.document.name}, line {self.line}"


def blocks(document: Path) -> list[Block]:
    text = document.read_text() if document.exists() else ""
    return [
        Block(document, text[: found.start("text")].count("\n"), found["language"], found["text"],
              None if found["runs"] is None else found["runs"].removeprefix(": "))
        for found in FENCE.finditer(text)
    ]  # fmt: skip


def commands(block: Block) -> Iterator[list[str]]:
    """The words after `repose` of every such command in a shell block."""
    for line in block.text.replace("\\\n", " ").splitlines():
        try:
            words = shlex.split(line.removeprefix("$ "), comments=True)
        except ValueError:
            continue  # half of something that goes on in the next line
        for at, word in enumerate(words):
            before = words[at - 1] if at else ""
            if Path(word).name == "repose" and (
                at == 0 or before in ("-m", "&&", ";", "|", "time", "nice") or "=" in before
            ):
                rest = words[at + 1 :]
                ends = [rest.index(mark) for mark in ("&&", "|", ";", ">", "2>", "&") if mark in rest]
                yield rest[: min(ends, default=None)]


@functools.cache
def whole_command() -> Any:
    """`repose` with all its verbs, built once."""
    return typer.main.get_command(app)


def check(words: list[str], where: str) -> None:
    """Fail where a verb, an option, a recipe, a setting or a protocol does not exist."""
    command, given = whole_command(), list(words)
    path = "repose"
    while given and hasattr(command, "commands") and not given[0].startswith("-"):
        name = given.pop(0)
        assert name in command.commands, f"{where}: there is no `{path} {name}`"
        command, path = command.commands[name], f"{path} {name}"
    options = {"-h", "--help"} | {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    for word in given:
        if word.startswith("-") and not re.fullmatch(r"-[\d.]*", word):
            assert word.partition("=")[0] in options, f"{where}: `{path}` has no {word}"
    if path == "repose train" and given and re.fullmatch(r"[a-z][a-z0-9-]*", given[0]):
        override(models.recipe(given[0]), [w for w in given[1:] if re.fullmatch(r"[a-z_.]+=[^=<]+", w)])
    for flag, check_value in (
        ("-p", protocol),
        ("--protocol", protocol),
        ("-r", models.recipe),
        ("--recipe", models.recipe),
    ):
        if path in ("repose eval", "repose convert") and flag in given:
            check_value(given[given.index(flag) + 1])


@pytest.mark.parametrize("document", [*DOCUMENTS, *TUTORIALS], ids=lambda path: path.name)
def test_commands_exist(document: Path) -> None:
    for block in blocks(document):
        if block.language in ("bash", "sh", "shell", "console"):
            for words in commands(block):
                check(words, str(block))
    text = FENCE.sub("", document.read_text() if document.exists() else "")
    for found in re.finditer(r"`(?:\w+=\S+ )*repose ([^`]+)`", text):
        check(shlex.split(found[1].replace("...", " ")), f"{document.name}, `repose {found[1]}`")


@pytest.mark.parametrize("document", [*DOCUMENTS, *TUTORIALS], ids=lambda path: path.name)
def test_python_names_exist(document: Path) -> None:
    for block in blocks(document):
        if block.language != "python":
            continue
        for node in ast.walk(ast.parse(block.text, str(block))):
            if isinstance(node, ast.Import):
                for name in node.names:
                    importlib.import_module(name.name)
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "repose":
                for name in node.names:
                    assert hasattr(importlib.import_module(node.module), name.name), f"{block}: {ast.unparse(node)}"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "repose":
                assert hasattr(importlib.import_module("repose"), node.attr), f"{block}: repose.{node.attr}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_marked_blocks_run(document: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if all(block.runs is None for block in blocks(document)):
        pytest.skip(f"{document.name} marks no block with <!-- runs -->")
    run_marked(document, tmp_path, request)


def run_marked(document: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Run the marked blocks of a document in order; fail with the place and the output of the first that fails."""
    scripts = tmp_path / "bin"
    scripts.mkdir()
    for name, words in (("repose", "-m repose "), ("python", "")):
        (scripts / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words}"$@"\n')
        (scripts / name).chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "REPOSE_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    place = tmp_path / "here"
    photographs(place)
    for block in blocks(document):
        if block.runs is None:
            continue
        for need in block.runs.split():
            assert need in ("movenet", "render"), f"{block}: <!-- runs: {need} --> is not known; movenet and render are"
            if need == "movenet":
                pytest.importorskip("ai_edge_litert")
                environment["REPOSE_FILES"] = str(request.getfixturevalue("shared") / "models")
            else:
                require_renderer()
        assert block.language in ("bash", "python"), (
            f"{block}: only bash and python blocks can run, not {block.language!r}"
        )
        text = re.sub(r"^\$ ", "", block.text, flags=re.M) if block.language == "bash" else block.text
        words = ["bash", "-e", "-c", text] if block.language == "bash" else [sys.executable, "-c", text]
        done = subprocess.run(
            words, cwd=place, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False
        )
        assert done.returncode == 0, (
            f"{block} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )


def photographs(place: Path) -> None:
    """Large JPEGs of rendered people, in the places that the documents' examples name."""
    pictures = [Image.fromarray(picture.image).resize((384, 768), Image.Resampling.BICUBIC) for picture in spare()]
    for name, picture in zip(
        ("me.jpg", "dancer.jpg", "people/ann.jpg", "people/bob.jpg", "photos/one.jpg", "photos/two.jpg"),
        pictures[::2],
        strict=True,
    ):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        picture.save(place / name, quality=92)


def require_renderer() -> None:
    """Skip where no OpenGL context can be had."""
    try:
        with Renderer(8, 8):
            pass
    except SyntheticUnavailable as error:
        pytest.skip(f"no people can be rendered here: {error}")


# -- the rule itself ------------------------------------------------------------------------------------------------

SAMPLE = """
<!-- runs -->
```bash
repose transfer a.jpg \\
  b.jpg -o out.png   # a comment with 'one quote
```

```bash
$ OMP_NUM_THREADS=2 repose train patn-s data.batch=8 -d data && repose models
```

<!-- runs: movenet -->
```python
import repose
```
"""


def test_the_rule(tmp_path: Path) -> None:
    (tmp_path / "sample.md").write_text(SAMPLE)
    found = blocks(tmp_path / "sample.md")
    assert [(block.language, block.runs) for block in found] == [("bash", ""), ("bash", None), ("python", "movenet")]
    assert [block.line for block in found] == [3, 8, 13]
    assert list(commands(found[0])) == [["transfer", "a.jpg", "b.jpg", "-o", "out.png"]]
    assert list(commands(found[1])) == [["train", "patn-s", "data.batch=8", "-d", "data"], ["models"]]
    check(["transfer", "a.jpg", "b.jpg", "--model=x"], "here")
    check(["bench", "forward", "--help"], "here")
    for wrong in (["transfr", "a"], ["bench", "forwrd"], ["transfer", "a", "--modl", "x"]):
        with pytest.raises(AssertionError, match="here"):
            check(wrong, "here")
    with pytest.raises(KeyError, match="did you mean 'patn-s'"):
        check(["train", "patn-ss"], "here")
    with pytest.raises(ValueError, match="did you mean 'batch'"):
        check(["train", "patn-s", "data.bach=8"], "here")
    with pytest.raises(KeyError, match="did you mean"):
        check(["eval", "a", "-p", "patn-markt"], "here")


def test_marked_blocks_are_run_in_order(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    document = tmp_path / "sample.md"
    marked = "<!-- runs -->\n```bash\n$ repose bench --help > help.txt\n$ test -s help.txt\n```\n\n"
    marked += "<!-- runs -->\n```python\nassert 'forward' in open('help.txt').read()\n```\n\n```bash\nexit 3\n```\n"
    document.write_text(marked)
    (tmp_path / "good").mkdir()
    run_marked(document, tmp_path / "good", request)
    document.write_text(marked + "\n<!-- runs -->\n```bash\nfalse\ntrue\n```\n")
    (tmp_path / "bad").mkdir()
    with pytest.raises(AssertionError, match=r"sample\.md, line 17 ended with 1"):
        run_marked(document, tmp_path / "bad", request)
