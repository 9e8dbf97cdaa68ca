"""What a store says of itself, `meta.json`, read and checked against its files."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from repose.files import read_object, sha256, shortened

ADVICE: Final = "prepare the data set again"

SMALL: Final = 64 * 2**20
"""A file of at most so many bytes (joints, pairs) is compared with its sha256 whenever a store is opened."""

_SAMPLES: Final = 64
_SAMPLE: Final = 4096  # bytes
_LISTS: Final = ("names", "people", "splits")
_SPLIT: Final = re.compile(r"[a-z0-9_-]+")


def read_meta(path: Path) -> dict[str, Any]:
    """The content of a `meta.json` of version 1, whose entries all fit each other.

    Raises:
        ValueError: it is damaged; the text names the file and the entry.
    """
    meta = read_object(path, ADVICE)
    _require(path, "version" in meta, "'version' is missing")
    return meta


def check_meta(path: Path, meta: Mapping[str, Any], known: Sequence[str]) -> None:
    """Check the entries of a `meta.json` of this version.

    Args:
        known: the names of the fields that a store may have.

    Raises:
        ValueError: one is missing, or does not fit the others; the text names the file and the entry.
    """
    kinds: dict[str, type] = {
        "dataset": str, "licence": str, "checksum": str, "canvas": list, "fields": list, "files": dict, "pairs": dict,
        "provenance": dict, "left_out": list, "count": int, **dict.fromkeys(_LISTS, list),
    }  # fmt: skip
    for key, kind in kinds.items():
        _require(path, key in meta, f"'{key}' is missing")
        value = meta[key]
        _require(path, isinstance(value, kind) and not isinstance(value, bool), f"'{key}' is {shortened(value)}")
    count, fields = meta["count"], meta["fields"]
    for key in _LISTS:
        texts = all(isinstance(one, str) for one in meta[key])
        _require(path, texts and len(meta[key]) == count, f"'{key}' are not {count} texts")
    _require(path, len(set(meta["names"])) == count, "two pictures have one name")
    sides = meta["canvas"]
    whole = len(sides) == 2 and all(type(side) is int and 0 < side < 2**16 for side in sides)
    _require(path, whole, f"'canvas' is {shortened(sides)}, [height, width] is needed")
    named = all(isinstance(field, str) and field in known for field in fields) and len(set(fields)) == len(fields)
    _require(path, named, f"'fields' are {shortened(fields)}; known are {', '.join(known)}")
    entries = all(isinstance(one, list) and len(one) == 3 and all(isinstance(t, str) for t in one)
                  for one in meta["left_out"])  # fmt: skip
    _require(path, entries, "'left_out' does not hold lists of three texts")
    pairs = meta["pairs"].items()
    lists = all(_SPLIT.fullmatch(split) and type(number) is int and number >= 0 for split, number in pairs)
    _require(path, lists, f"'pairs' is {shortened(meta['pairs'])}, splits with their numbers of pairs are needed")


def check_files(path: Path, meta: Mapping[str, Any], shapes: Mapping[str, Sequence[int]]) -> None:
    """Check that the "files" of a `meta.json` are those of its fields and pairs, with the shapes that follow.

    Args:
        shapes: name of a file -> its shape by the rest of `meta`.

    Raises:
        ValueError: a file is missing or unknown, or has another shape; the text names it.
    """
    files = meta["files"]
    for name in files:
        _require(path, name in shapes, f"'files' names {shortened(name)}, which is no file of this store")
    for name, shape in shapes.items():
        facts = files.get(name)
        _require(path, isinstance(facts, dict), f"'files' has no entry '{name}'")
        told, hashed = facts.get("shape"), facts.get("sha256")
        follows = f"'{name}' has the shape {shortened(told)}, {list(shape)} follows from the rest"
        _require(path, told == list(shape), follows)
        _require(path, isinstance(hashed, str), f"'{name}' has no sha256")


def identity(meta: Mapping[str, Any]) -> str:
    """12 hex digits that stand for the whole content: the pictures, names, people, splits and pairs."""
    keys = ("version", "dataset", "canvas", "count", "fields", "files", "pairs", "names", "people", "splits")
    text = json.dumps([meta.get(key) for key in keys], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def samples_hash(path: Path) -> str:
    """The sha256 of 64 pieces of 4 KiB, spread over a file from its first byte to its last, and of its length.

    It takes milliseconds whatever the length, and notices a file of another data set, not a single changed byte.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        length = file.seek(0, os.SEEK_END)
        digest.update(str(length).encode())
        for number in range(_SAMPLES):
            file.seek(max(0, length - _SAMPLE) * number // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()


def check_content(path: Path, file: Path, meta: Mapping[str, Any], whole: bool) -> None:
    """Compare a file of a store with its hashes: a small one and, with `whole`, any with its sha256; else its samples.

    Stores of before samples were written have none, and then only their small files are compared.

    Raises:
        ValueError: it is another file, or damaged; the text names it.
    """
    facts = meta["files"][file.name]
    samples = meta.get("samples")
    told = samples.get(file.name) if isinstance(samples, dict) else None
    if whole or file.stat().st_size <= SMALL:
        same = sha256(file) == facts["sha256"]
    else:
        same = told is None or samples_hash(file) == told
    if not same:
        raise ValueError(f"{file} is damaged, or of another store: its sha256 does not match {path.name}; {ADVICE}")


def _require(path: Path, fits: bool, problem: str) -> None:
    if not fits:
        raise ValueError(f"{path} is damaged: {problem}; {ADVICE}")
