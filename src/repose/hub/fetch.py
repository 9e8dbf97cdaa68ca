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
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from repose.files import cache_folder, replacing, sha256
from repose.hub.files import File
from repose.hub.tensors import tensors_hash

if TYPE_CHECKING:
    from rich.progress import Progress

_CHUNK = 1 << 20
_TIMEOUT = 30  # seconds without a byte


class FileMissingError(FileNotFoundError):
    """A weight file is missing and cannot be fetched; the text says where it was searched and what to do."""


def locate(file: File) -> Path:
    """The path of a file with the right checksum or the right tensors, fetched into the cache if there is no such copy.

    Raises:
        FileMissingError: it is missing and cannot be fetched: no address, offline, no network, a full disk, or the
            fetched file has another checksum. The text names file, address, checksums and folder.
    """
    cache = cache_folder() / "files"
    wrong: list[str] = []
    for path in _copies(file, cache):
        digest = sha256(path)
        if digest.startswith(file.sha256):
            return path
        if not file.tensors:
            wrong.append(f"{path} has sha256 {digest}")
            continue
        try:
            tensors = tensors_hash(path, file.tensor_names)
        except ValueError as error:
            wrong.append(f"{path} has sha256 {digest}, and its tensors cannot be compared: {error}")
            continue
        if tensors == file.tensors:
            return path
        wrong.append(f"{path} has sha256 {digest}, and its tensors have {tensors}")
    if file.url is None:
        raise _missing(file, cache, wrong, f"it has no published address; {file.advice}")
    if os.environ.get("REPOSE_OFFLINE", "0") not in ("", "0"):
        raise _missing(file, cache, wrong, "REPOSE_OFFLINE is set, so nothing is fetched")
    try:
        with replacing(cache / file.name, sync=True) as part:
            _download(file, file.url, part)
            digest = sha256(part)
            if not digest.startswith(file.sha256):
                raise _missing(file, cache, wrong, f"its address gave a file with sha256 {digest}")
    except FileMissingError:
        raise
    except (OSError, http.client.HTTPException) as error:  # no network, a refused address, a full disk
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise _missing(file, cache, wrong, f"fetching it failed: {reason}") from error
    return cache / file.name


def _copies(file: File, cache: Path) -> Iterator[Path]:
    """Local candidates in the order of preference."""
    folders = [Path(folder).expanduser() for folder in os.environ.get("REPOSE_FILES", "").split(os.pathsep) if folder]
    for folder in (*folders, cache):
        for name in (file.name, *file.aliases):
            if (folder / name).is_file():
                yield folder / name


def _download(file: File, url: str, to: Path) -> None:
    """Fetch the bytes at an address, with a bar."""
    with to.open("wb") as out, _open(url) as stream, _progress() as progress:
        length = getattr(stream, "length", None)  # http.client gives it where the server says so
        task = progress.add_task(file.name, total=length or file.size)
        while chunk := stream.read(_CHUNK):
            out.write(chunk)
            progress.advance(task, len(chunk))


def _open(url: str) -> BinaryIO:
    """A stream of the bytes at an https address; redirections must stay on https."""
    if not url.startswith("https://"):
        raise OSError(f"only https addresses are fetched, not {url}")
    request = urllib.request.Request(url, headers={"User-Agent": "repose"})
    stream = urllib.request.urlopen(request, timeout=_TIMEOUT)
    if not stream.geturl().startswith("https://"):
        stream.close()
        raise OSError(f"{url} leads away from https, to {stream.geturl()}")
    return cast(BinaryIO, stream)


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
