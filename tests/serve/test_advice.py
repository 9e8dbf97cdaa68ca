"""No visitor of the page and no client of the server is told an option of the command line or a name of Python."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import repose
from repose.serve.advice import FOREIGN, Reader, advised

HOUSE = Path(repose.__file__).parent
READERS: tuple[Reader, ...] = ("visitor", "client")

LIBRARY = (
    "pipeline", "scene", "estimate", "images", "represent", "person.py", "picture_files.py", "models/base.py",
    "models/bodywarp", "models/carry", "apps/motion", "hub", "extras.py", "names.py",
)  # fmt: skip
"""What the page and the server call; its texts pass `advised` on their way."""

OPERATORS = ("serve/advice.py", "serve/settings.py", "serve/server.py", "web/run.py", "web/page.py")
"""Errors of the command itself, and what is no text."""


def texts(file: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every string of a module that is a sentence or a part of one; values in it are X."""
    source = file.read_text(encoding="utf-8")
    if not FOREIGN.search(source):
        return
    tree = ast.parse(source)
    left = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    inner = {id(part) for node in left for part in ast.walk(node) if part is not node}
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    for node in ast.walk(tree):
        if id(node) in inner or id(node) in alone:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "7" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if " " in text:
            yield node.lineno, text


def modules(*places: str) -> Iterator[Path]:
    for place in places:
        path = HOUSE / place
        yield from [path] if path.is_file() else sorted(path.rglob("*.py"))


def test_every_text_of_the_library_in_the_words_of_its_reader() -> None:
    changed = 0
    for file in modules(*LIBRARY):
        for line, text in texts(file):
            if not FOREIGN.search(text):
                continue
            changed += 1
            for reader in READERS:
                said, where = advised(text, reader), f"{file}:{line}: {text}"
                assert not FOREIGN.search(said), where
                assert said, where
                assert said.count("(") == said.count(")") or text.count("(") != text.count(")"), where
                assert said.count("`") % 2 == 0, where
                assert not re.search(r"[;:,(]\s*$", said), where
                assert advised(said, reader) == said, where
    assert changed > 30, "the pattern still finds what it is there for"


def test_texts_of_the_page_and_the_server_give_no_such_advice() -> None:
    for file in modules("serve", "web"):
        if file.relative_to(HOUSE).as_posix() in OPERATORS:
            continue
        for line, text in texts(file):
            assert not FOREIGN.search(text) or "operator" in text, f"{file}:{line}: {text}"
    script = (HOUSE / "web" / "files" / "editor.js").read_text(encoding="utf-8")
    script = re.sub(r"^//.*$", "", script, flags=re.MULTILINE)
    assert not re.search(r"\brepose (web|serve|transfer)\b| --[a-z]", script)


@pytest.mark.parametrize(
    ("text", "visitor", "client"),
    [
        (
            "me.gif is a GIF of 12 frames, and a still is wanted: name one of them, from 'me.gif#0' to 'me.gif#11'",
            "me.gif is a GIF of 12 frames, and a still is wanted: save one of them as a picture (a screenshot will do) "
            "and open that",
            "me.gif is a GIF of 12 frames, and a still is wanted: send one of them as a picture; a motion is taken by "
            "/v1/video",
        ),
        (
            "me.mp4 is a video: take frames from it (ffmpeg -i 'me.mp4' frames/%05d.jpg) and give the folder; or name "
            "one frame, such as 'me.mp4#0' (pip install av)",
            "me.mp4 is a video: save one frame of it as a picture (a screenshot will do) and open that",
            "me.mp4 is a video: send one frame of it as a picture; a motion is taken by /v1/video",
        ),
        (
            "x.json: 3 joints have a score below 0.3 and count as missing; --min-score (min_score) changes this",
            "x.json: 3 joints have a score below 0.3 and count as missing",
            "x.json: 3 joints have a score below 0.3 and count as missing; min_score changes this",
        ),
        (
            "12% of the new figure lies beyond the photograph, and is cut off; --room (room=True in Python) enlarges "
            "the photograph",
            "12% of the new figure lies beyond the photograph, and is cut off",
            "12% of the new figure lies beyond the photograph, and is cut off; room=true enlarges the photograph",
        ),
        (
            "a (b): c. Look; use --way or `repose fetch`; then go on. Send it again",
            "a (b): c. Look; then go on. Send it again",
            "a (b): c. Look; then go on. Send it again",
        ),
        ("--way is wrong", "This cannot be done here", "This cannot be done here"),
        ("nobody is on me--too.jpg: 3 in it", "nobody is on me--too.jpg: 3 in it", "nobody is on me--too.jpg: 3 in it"),
    ],
)
def test_words(text: str, visitor: str, client: str) -> None:
    assert (advised(text, "visitor"), advised(text, "client")) == (visitor, client)
