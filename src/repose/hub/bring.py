"""Bringing networks and weights beforehand: from their published addresses, a mirror, or a folder (`repose fetch`).

A mirror and a folder have the same layout: files of networks by their names, and a folder for each set of weights.
`repose fetch all --to FOLDER` makes such a folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import quote

from repose.files import replacing, sha256
from repose.hub.download import DownloadError, Opener, download, open_address, open_https
from repose.hub.fetch import files_folder, local_copy, offline
from repose.hub.files import File
from repose.hub.groups import Item
from repose.weight_places import fetched_folder, weight_folder


@dataclass(frozen=True)
class Brought:
    """What became of one item.

    Attributes:
        item: which one.
        status: "here" (nothing was to be done), "copied", "fetched" or "failed".
        path: the file, or the folder of the set; None if it failed.
        reason: why it failed; a remark otherwise, or "".
    """

    item: Item
    status: str
    path: Path | None
    reason: str = ""


@dataclass(frozen=True)
class Reports:
    """What is called while something is brought.

    Attributes:
        arrived: with the name of the file, the bytes that are here, and their total or None.
        note: with a sentence before each further attempt.
    """

    arrived: Callable[[str, int, int | None], object] = lambda name, done, total: None
    note: Callable[[str], object] = lambda text: None


def where(item: Item) -> Path | None:
    """Where a right copy of an item lies among the places that Repose searches; None if there is none."""
    if item.kind == "network":
        return local_copy(item.files[0])[0]
    folder = weight_folder(item.name)
    if folder is None:
        return None
    right = all(sha256_of(folder.parent / file.name) == file.sha256 for file in item.files)
    return folder if right else None


def sha256_of(path: Path) -> str | None:
    """The checksum of a file; None if there is no such file."""
    return sha256(path) if path.is_file() else None


def bring(
    item: Item,
    to: Path | None = None,
    source: str | Path | None = None,
    reports: Reports = Reports(),
    attempts: int = 4,
    wait: float = 1.0,
) -> Brought:
    """Bring one item to where Repose finds it, unless a right copy is there.

    Args:
        item: which one.
        to: another folder than the cache.
        source: a folder, or the http or https address of a mirror; None takes the published addresses.
        reports: what is called meanwhile.
        attempts, wait: how often a broken connection is tried, and seconds before the second attempt, which double.

    Returns:
        What became of it. What goes wrong with the network, with files or with the disk is told, not raised.
    """
    if to is None and (path := where(item)) is not None:
        return Brought(item, "here", path)
    folder = to or (files_folder() if item.kind == "network" else fetched_folder())
    statuses, paths = set(), list[Path]()
    try:
        for file in item.files:
            status, path = _bring_file(file, folder, source, reports, attempts, wait)
            statuses.add(status)
            paths.append(path)
    except OSError as error:
        return Brought(item, "failed", None, str(error))
    status = next(one for one in ("fetched", "copied", "here") if one in statuses)
    return Brought(item, status, paths[0] if item.kind == "network" else folder / item.name)


def _bring_file(
    file: File, folder: Path, source: str | Path | None, reports: Reports, attempts: int, wait: float
) -> tuple[str, Path]:
    """Bring one file; (what was done, its path). OSError with a sentence if it fails."""
    present, _ = local_copy(file, [folder])
    if present is not None:
        return "here", present
    target = folder / file.name
    mirror = str(source) if source is not None else ""
    if source is not None and not mirror.startswith(("http://", "https://")):
        return "copied", _copy(file, Path(source).expanduser(), folder)
    if source is None and file.url is None:
        elsewhere, _ = local_copy(file)
        if elsewhere is not None:
            return "copied", _copy(file, elsewhere.parent, folder)
        raise DownloadError(f"it has no published address; {file.advice}")
    if offline():
        raise DownloadError("REPOSE_OFFLINE is set, so nothing is fetched; --from FOLDER copies from a folder")
    url, opener = _address(file, mirror)
    download(
        url, target, file.sha256, opener, attempts, wait, partial(reports.arrived, file.name), reports.note
    )  # fmt: skip
    return "fetched", target


def _address(file: File, mirror: str) -> tuple[str, Opener]:
    """The address of a file, and what opens it. A mirror may be http: the whole checksum guards what it sends."""
    if not mirror:
        assert file.url is not None
        return file.url, open_https
    url = f"{mirror.rstrip('/')}/{quote(file.name)}"
    return url, open_address if len(file.sha256) == 64 else open_https


def _copy(file: File, source: Path, folder: Path) -> Path:
    """Copy one file out of a folder; the copy keeps its name, as that tells what container it is."""
    if not source.is_dir():
        raise DownloadError(f"there is no folder {source}")
    found, wrong = local_copy(file, [source, source / "files", source / "weights"])
    if found is None:
        told = "; ".join(wrong) or f"{source} has no {file.name}"
        raise DownloadError(f"{told} (expected sha256 {file.sha256})" if wrong else told)
    target = folder / Path(file.name).parent / found.name
    with replacing(target, sync=True) as part:
        shutil.copyfile(found, part)
    return target
