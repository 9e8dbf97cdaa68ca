"""Where the verbs write: checked before any work is done."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from repose.names import nearest


def sheet_beside(out: Path) -> Path:
    """The contact sheet that is written beside a result: OUT.sheet.png."""
    return out.with_suffix(".sheet.png")


def require_picture(out: Path) -> None:
    """Check that a picture can be written at this place: the suffix, and the folder.

    Raises:
        ValueError, OSError: why not, and what to do.
    """
    from repose.images import format_of

    if not out.is_dir():
        format_of(out)
    require_place(out)


def require_suffix(out: Path, suffixes: Sequence[str], what: str) -> None:
    """Check the suffix of a file that is no picture. ValueError names those that there are."""
    if not out.is_dir() and out.suffix.lower() not in suffixes:
        near = nearest(out.suffix.lower(), suffixes)
        hint = f"; {near}" if out.suffix and near.startswith("did") else ""
        raise ValueError(f"{out}: {what} is written as {' or '.join(suffixes)}, not '{out.suffix}'{hint}")


def require_place(out: Path) -> None:
    """Check that a file can be written at this place: its folder is there and writable, or can be made.

    Raises:
        ValueError: the place is a folder, or what should be a folder is a file. OSError: nothing can be written there.
    """
    if out.is_dir():
        raise ValueError(f"-o {out} is a folder: name a file in it, such as {out / 'result.png'}")
    require_folder(out.parent)


def require_folder(folder: Path) -> None:
    """Check that files can be written into a folder: it is there and writable, or can be made.

    Raises:
        ValueError: it, or a folder above it, is a file. OSError: nothing can be written there.
    """
    there = folder
    while not there.exists():  # ends at the root, or at "."
        there = there.parent
    if not there.is_dir():
        raise ValueError(f"{folder} cannot be a folder, because {there} is a file: choose another place with -o")
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        reason = error.strerror or error
        raise OSError(f"nothing can be written into {there} ({reason}): choose another place with -o") from error


def require_no_input(outputs: Iterable[Path], inputs: Iterable[Path], choose: str = "") -> None:
    """Check that no file to be written is one of the inputs, by any of its paths and links.

    Args:
        choose: what the user is told to choose instead; by default another place, or --force.

    Raises:
        ValueError: it is.
    """
    known = [path for path in inputs if path.exists()]
    for output in outputs:
        if not output.exists():
            continue
        for path in known:
            if output.samefile(path):
                same = "" if output == path else f", which is {path},"
                what = "folder" if path.is_dir() else "file"
                instead = choose or f"another {what} with -o, or say --force"
                raise ValueError(
                    f"{output}{same} is an input, and the result would go into its place: choose {instead}"
                )
