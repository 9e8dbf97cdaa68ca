"""Weights and networks that are here, with their checksums; PyTorch is not imported for it."""

from __future__ import annotations

from pathlib import Path

from repose.doctor.findings import Finding
from repose.extras import install
from repose.files import sha256
from repose.hub.fetch import local_folders
from repose.hub.files import FILES, File
from repose.hub.groups import GROUPS, INSTEAD
from repose.hub.weight_sets import SETS, WeightSet
from repose.weight_places import IN_THE_WHEEL, installed_weights, weight_folder

NEEDED = ("bodywarp-s-synthetic", "body-lifter")
"""What the default model is."""

FEW = 3
"""So many missing files are named in the table."""


def look() -> list[Finding]:
    """Each set of weights that is published, other sets by their names, and the networks by groups."""
    findings = [_weights(one) for one in SETS.values()]
    if others := sorted(installed_weights().keys() - SETS.keys()):
        findings.append(Finding("weights", "others", "ok", ", ".join(others)))
    return findings + [_networks(group) for group in GROUPS if group != "weights"]


def _weights(one: WeightSet) -> Finding:
    needed = one.name in NEEDED
    wheel = one.name in IN_THE_WHEEL
    todo = install(again=True) if wheel else install(weights=True)
    folder = weight_folder(one.name)
    if folder is None:
        return Finding("weights", one.name, "missing", "", one.purpose, todo, needed)
    for file in one.files:
        path = folder.parent / file.name
        if not path.is_file():
            return Finding("weights", one.name, "broken", f"{path} is missing", one.purpose, todo, needed)
        if file.name.endswith(".safetensors") and sha256(path) != file.sha256:
            detail = f"{path} is not the published file, or damaged"
            return Finding("weights", one.name, "broken", detail, one.purpose, todo, needed)
    return Finding("weights", one.name, "ok", str(folder), one.purpose, "", needed)


def _networks(group: str) -> Finding:
    """One group of `repose fetch`: how many of its files are here."""
    purpose, names = GROUPS[group]
    found, missing, wrong = list[Path](), list[str](), list[str]()
    for name in names:
        path, right = _copy(FILES[name])
        if path is None:
            missing.append(name)
        elif right:
            found.append(path)
        else:
            wrong.append(str(path))
    folders = ", ".join(dict.fromkeys(str(path.parent) for path in found))
    count = f"{len(found)} of {len(names)}"
    if wrong:
        return Finding("networks", group, "broken", f"not the published files: {', '.join(wrong)}", purpose)
    if missing:
        named = f"missing: {', '.join(missing)}" if len(missing) <= FEW else f"`repose fetch {group} --list` names them"
        said = f"{count} here; {named}"
        return Finding("networks", group, "missing", said, purpose, f"repose fetch {group}")
    return Finding("networks", group, "ok", f"{count} in {folders}", purpose)


def _copy(file: File) -> tuple[Path | None, bool]:
    """The first local copy of a file, and whether it is right.

    A copy under another name may be another container of the same tensors, which `repose.hub.fetch.locate` compares
    when it is used; here it counts as right.
    """
    doubtful: Path | None = None
    for folder in local_folders():
        for name in (file.name, *file.aliases):
            path = folder / name
            if not path.is_file():
                continue
            if sha256(path).startswith(file.sha256) or (file.tensors and name in {*file.aliases, *INSTEAD}):
                return path, True
            doubtful = doubtful or path
    return doubtful, False
