"""`-` in the place of a file: SOURCE read from stdin, OUT written to stdout.

Both are files in a temporary folder while a verb runs, so that no verb knows of pipes.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Final, Self

from repose.names import nearest

STREAM: Final = "-"
"""What stands for stdin or stdout."""

CLOSED: Final = 141
"""The exit status if the reader of stdout has gone, as of a program that SIGPIPE ends."""

_PICTURES: Final = ("png", "jpg", "jpeg", "webp", "tif", "tiff")
_CLIPS: Final = ("gif", "webp", "mp4", "mov", "webm")

FORMATS: Final[dict[str, tuple[str, ...]]] = {
    "transfer": _PICTURES,
    "texture": _PICTURES,
    "tryon": _PICTURES,
    "reconstruct": _PICTURES,
    "font": _PICTURES,
    "demo": _PICTURES,
    "video": _CLIPS,
    "animate": _CLIPS,
    "estimate": ("json", "csv"),
}
"""Verbs whose `-o -` writes one file to stdout -> its formats, the default first; `convert-pose` has its own."""

_BEGINNINGS: Final = (
    (b"\x89PNG", ".png"), (b"\xff\xd8\xff", ".jpg"), (b"GIF8", ".gif"), (b"II*\0", ".tif"), (b"MM\0*", ".tif"),
    (b"BM", ".bmp"), (b"\x93NUMPY", ".npy"), (b"\0\1\0\0", ".ttf"), (b"OTTO", ".otf"), (b"\x1aE\xdf\xa3", ".webm"),
)  # fmt: skip


class Pipes:
    """The streams of one run of a verb. A context manager: its temporary folder goes at the end."""

    def __init__(self) -> None:
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._given: Path | None = None
        self._result: Path | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._temporary is not None:
            self._temporary.cleanup()

    @property
    def writing(self) -> bool:
        """Whether stdout takes the result, so that nothing else may be written there."""
        return self._result is not None

    def given(self) -> Path:
        """Stdin as a file, whose suffix its first bytes tell.

        Raises:
            ValueError: it is asked for twice, or it is a terminal, or it holds nothing.
        """
        if self._given is not None:
            raise ValueError(f"'{STREAM}' stands for stdin, which can be read once: name a file for the other input")
        stream: Any = getattr(sys.stdin, "buffer", None)
        if stream is None or sys.stdin.isatty():
            raise ValueError(f"'{STREAM}' reads stdin, which is a terminal: pipe a file into it (< FILE), or name one")
        path = self._folder() / "stdin"
        with path.open("wb") as file:
            shutil.copyfileobj(stream, file)
        if not path.stat().st_size:
            raise ValueError(f"'{STREAM}' reads stdin, which holds nothing: pipe a file into it (< FILE), or name one")
        with path.open("rb") as file:
            self._given = path.rename(path.with_suffix(suffix_of(file.read(512))))
        return self._given

    def result(self, suffix: str) -> Path:
        """The file that `send` writes to stdout.

        Raises:
            ValueError: stdout is a terminal.
        """
        if sys.stdout.isatty():
            raise ValueError(
                "-o - writes a file to stdout, which is a terminal: send it into a file (> FILE) or another program, "
                "or name a file with -o"
            )
        self._result = self._folder() / f"stdout{suffix}"
        return self._result

    def send(self) -> None:
        """Write the result to stdout.

        Raises:
            BrokenPipeError: the reader has gone.
        """
        if self._result is None or not self._result.is_file():
            return
        stream: Any = getattr(sys.stdout, "buffer", sys.stdout)
        with self._result.open("rb") as file:
            shutil.copyfileobj(file, stream)
        stream.flush()

    def named(self, text: str) -> str:
        """A text in which files of the streams are called stdin and stdout."""
        for path, name in ((self._given, "stdin"), (self._result, "stdout")):
            text = text if path is None else text.replace(str(path), name)
        return text

    def _folder(self) -> Path:
        if self._temporary is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="repose-")
        return Path(self._temporary.name)


def suffix_of(begin: bytes) -> str:
    """The suffix of a file that begins with these bytes, as far as this library reads it; .bin of any other."""
    for mark, suffix in _BEGINNINGS:
        if begin.startswith(mark):
            return suffix
    if begin[:4] == b"RIFF" and begin[8:12] == b"WEBP":
        return ".webp"
    if begin[4:8] == b"ftyp":
        brand = begin[8:12]
        return ".avif" if brand in (b"avif", b"avis") else ".heic" if brand in (b"heic", b"heix", b"mif1") else ".mp4"
    if b"\0" in begin:
        return ".bin"
    return ".json" if begin.lstrip()[:1] in (b"{", b"[") else ".csv"


def suffix_for(command: str, format: str | None) -> str:
    """The suffix of what a verb writes to stdout. ValueError if it has no such format; names the nearest."""
    if command == "convert-pose":
        return _pose_suffix(format)
    known = FORMATS[command]
    if format is not None and format.lower() not in known:
        raise ValueError(f"--format: {command} writes no '{format}' to stdout; {nearest(format.lower(), known)}")
    return f".{(format or known[0]).lower()}"


def _pose_suffix(format: str | None) -> str:
    """The suffix of a format of poses; an unknown one is told by the verb."""
    if format == "drawing":
        return ".png"
    from repose.represent.pose_files.writing import WRITERS

    writer = WRITERS.get(format) if format is not None else None  # type: ignore[call-overload]
    return ".json" if writer is None else str(writer.suffix)
