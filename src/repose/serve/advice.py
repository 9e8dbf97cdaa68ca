"""What errors and notes of the library advise, in the words of those who read them: visitors of the page and clients.

The library's texts advise by options of the command line and by names of Python, which neither has. What has a
counterpart here is put into their words; other advice of that kind is left out, and what is wrong remains.
"""

from __future__ import annotations

import re
from typing import Final, Literal

Reader = Literal["visitor", "client"]
"""Of the page (`repose web`), or of the HTTP API (`repose serve`)."""

_WORDS: Final[tuple[tuple[str, str, str], ...]] = (
    # what the library says, to a visitor, to a client
    (
        r": name one of them, from '.*#\d+' to '.*#\d+'",
        ": save one of them as a picture (a screenshot will do) and open that",
        ": send one of them as a picture; a motion is taken by /v1/video",
    ),
    (
        r": (?:or )?take frames from it \(ffmpeg .*?\) and give the folder; or name one frame, such as '.*?#0'"
        r"(?: \(pip install \S+\))?",
        ": save one frame of it as a picture (a screenshot will do) and open that",
        ": send one frame of it as a picture; a motion is taken by /v1/video",
    ),
    (r"; --room \(room=True in Python\) enlarges the photograph", "", "; room=true enlarges the photograph"),
    (r"; (--min-score )?\(?min_score\)? changes this", "", "; min_score changes this"),
    (r" \(--min-score\)", "", " (min_score)"),
    (r" \(--seconds\)", "", " (seconds)"),
    (
        r": give size=\(height, width\) of (?:the|its) picture.*",
        ": it is not known of which picture they are shares; open a file in pixels, or the photograph itself",
        ": send target_size, the HEIGHTxWIDTH of their picture",
    ),
    (r"; reduce it first \(in Python, .*?\)", "; reduce it first", "; reduce it first"),
    (r"; `repose transfer` takes the pose of one picture", "", "; /v1/transfer takes the pose of one picture"),
    (r": give frames, or use `repose transfer`", "", ": send a pose for each frame, or use /v1/transfer"),
    (r", less well than by networks: .*", ", less well than by networks", ", less well than by networks"),
    (r" \(or (?:pip install|install Pillow) [^)]*\)", "", ""),
    (r": unpack it and name a picture or the folder", ": unpack it and open a picture of it", ": unpack it first"),
    (r"; name one: '.*#.*'", "; open a file with one pose of it", "; send the pose that is meant alone"),
)
"""Advice of the library that has a counterpart."""

FOREIGN: Final = re.compile(
    r"(?<![\w-])--[a-z]|`repose |\brepose\.[a-z_.]+|\bFILE#|'[^']*#(?:\d+|NAME)'|\bpip install\b|\bin Python\b"
    r"|\bREPOSE_[A-Z]+|=True\b|\bffmpeg\b|\bPerson\.\w+|`[a-z_]+\("
)
"""Advice for the command line, for Python, or for whoever installs Repose."""

_BREAK: Final = re.compile(r"(; |\. (?=[A-Z])|: |, or |\n)")


def advised(text: str, reader: Reader) -> str:
    """An error or a note of the library for this reader: without advice that they cannot follow.

    Names of files are taken for advice where they look like it (a name that begins with --); the clause is then left
    out, which costs a name and does not mislead.
    """
    for pattern, visitor, client in _WORDS:
        text = re.sub(pattern, visitor if reader == "visitor" else client, text)
    if not FOREIGN.search(text):
        return text
    text = re.sub(r" ?\([^()]*\)", lambda found: "" if FOREIGN.search(found[0]) else found[0], text)
    parts = _BREAK.split(text)
    kept = [""]
    for clause, mark in zip(parts[::2], [*parts[1::2], ""], strict=True):
        if FOREIGN.search(clause):
            kept[-1] = mark  # what led to it goes with it
        else:
            kept += [clause, mark]
    said = "".join(kept).strip(" ;:,\n")
    return said or "This cannot be done here"


__all__ = ["FOREIGN", "Reader", "advised"]
