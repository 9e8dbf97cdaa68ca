"""`locate(file)`: a weight file from a local folder, the cache, or its published address; the checksum is verified.

A local copy may be another container of the same tensors, where `File.tensors` has their hash.

Three environment variables control it:

- `REPOSE_FILES`: folders with local copies, separated as in PATH; searched first, never written to;
- `REPOSE_CACHE`: the cache; by default `~/.cache/repose` (`XDG_CACHE_HOME` is respected);
- `REPOSE_OFFLINE=1`: nothing is fetched.
"""

from __future__ import annotations

import http.client
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from repose.files import cache_folder, given_folders, sha256
from repose.hub.download import WrongFileError, download, open_https
from repose.hub.files import File

if TYPE_CHECKING:
    from rich.progress import Progress

_open: Final = open_https


class FileMissingError(FileNotFoundError):
    """A weight file is missing and cannot be fetched; the text says where it was searched and what to do."""


def local_folders() -> list[Path]:
    """The folders that files are searched in: those of `REPOSE_FILES`, then the cache."""
    return [*given_folders(), files_folder()]


def files_folder() -> Path:
    """The folder of the cache that fetched files lie in; it need not exist."""
    return cache_folder() / "files"


def offline() -> bool:
    """Whether REPOSE_OFFLINE is set, so that nothing may be fetched."""
    return os.environ.get("REPOSE_OFFLINE", "0") not in ("", "0")


def local_copy(file: File, folders: Sequence[Path] | None = None) -> tuple[Path | None, list[str]]:
    """The first copy of a file with the right checksum or the right tensors; nothing is fetched.

    Args:
        file: which one.
        folders: where to look; by default those of `REPOSE_FILES`, then the cache.

    Returns:
        Its path, None if there is none; and a sentence on each copy that is not the right one.
    """
    wrong: list[str] = []
    for path in _copies(file, local_folders() if folders is None else folders):
        digest = sha256(path)
        if digest.startswith(file.sha256):
            return path, wrong
        if not file.tensors:
            wrong.append(f"{path} has sha256 {digest}")
            continue
        from repose.hub.tensors import tensors_hash  # its import takes a second: torch

        try:
            tensors = tensors_hash(path, file.tensor_names)
        except ValueError as error:
            wrong.append(f"{path} has sha256 {digest}, and its tensors cannot be compared: {error}")
            continue
        if tensors == file.tensors:
            return path, wrong
        wrong.append(f"{path} has sha256 {digest}, and its tensors have {tensors}")
    return None, wrong


def locate(file: File) -> Path:
    """The path of a file with the right checksum or the right tensors, fetched into the cache if there is no such copy.

    Raises:
        FileMissingError: it is missing and cannot be fetched: no address, offline, no network, a full disk, or the
            fetched file has another checksum. The text names file, address, checksums and folder.
    """
    cache = files_folder()
    path, wrong = local_copy(file)
    if path is not None:
        return path
    if file.url is None:
        raise _missing(file, cache, wrong, f"it has no published address; {file.advice}")
    if offline():
        raise _missing(file, cache, wrong, "REPOSE_OFFLINE is set, so nothing is fetched")
    try:
        with _progress() as progress:
            task = progress.add_task(file.name, total=file.size)
            download(
                file.url,
                cache / file.name,
                file.sha256,
                _open,
                arrived=lambda done, total: progress.update(task, completed=done, total=total or file.size),
            )
    except WrongFileError as error:
        raise _missing(file, cache, wrong, str(error)) from error
    except (OSError, http.client.HTTPException) as error:  # no network, a refused address, a full disk
        raise _missing(file, cache, wrong, f"fetching it failed: {error}") from error
    return cache / file.name


def _copies(file: File, folders: Sequence[Path]) -> Iterator[Path]:
    """Local candidates in the order of preference."""
    for folder in folders:
        for name in (file.name, *file.aliases):
            if (folder / name).is_file():
                yield folder / name


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )


def _missing(file: File, cache: Path, wrong: list[str], reason: str) -> FileMissingError:
    digits = "sha256" if len(file.sha256) == 64 else "sha256 begins with"
    lines = [
        f"the file {file.name} is needed: {reason}",
        f"  address   {file.url or 'none'}",
        f"  expected  {digits} {file.sha256}",
        *([f"  or        tensors {file.tensors} of the names {file.tensor_names}"] if file.tensors else []),
        *(f"  found     {line}" for line in wrong),
        f"  origin    {file.origin} ({file.licence})",
        f"  to do     put a copy into {cache}, or name the folder that has one in REPOSE_FILES",
        *([f"  or        {file.without}"] if file.without else []),
    ]
    return FileMissingError("\n".join(lines))
