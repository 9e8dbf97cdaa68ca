"""What the file of a study holds, checked before anything relies on it: any program can change a file.

An SQLite column takes a value of any type, and a damaged page may still be read. So every value is looked at once, and
the error says where it lies.
"""

from __future__ import annotations

import io
import json
import math
import sqlite3
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from PIL import Image

from repose.study.errors import DamagedStudyError
from repose.study.material import VERSION
from repose.study.planning import Listed
from repose.study.protocols import StudyProtocol
from repose.study.times import FLAGS

_KINDS: Final = ("real", "generated", "target", "source", "pose")
_LARGEST: Final = 100_000  # pixels of a side, pictures, or answers of a session
_TABLES: Final = {
    "facts": {"name", "value"},
    "pictures": {"id", "kind", "method", "pair", "name", "practice", "png"},
    "sessions": {"id", "token", "nonce", "method", "begun", "finished"},
    "trials": {
        "id", "session", "position", "key", "track", "practice", "seconds", "kind", "method", "other", "pictures",
        "fetches",
    },
    "showings": {"trial", "nonce", "started", "ended"},
    "answers": {"trial", "choice", "exposure", "reaction", "elapsed", "flags"},
}  # fmt: skip


@dataclass(frozen=True)
class Content:
    """What a study is made of; `size` is (height, width)."""

    facts: dict[str, Any]
    protocol: StudyProtocol
    methods: tuple[str, ...]
    size: tuple[int, int]
    pictures: tuple[Listed, ...]


def content(path: Path, file: sqlite3.Connection) -> Content:
    """Read facts and pictures, and check these and every session.

    Args:
        path: for errors. file: open, in a transaction, as others may write between two queries.

    Raises:
        DamagedStudyError: it is no study, of another version, or holds what cannot be right.
        sqlite3.Error: of reading.
    """
    (version,) = file.execute("PRAGMA user_version").fetchone()
    if version != VERSION:
        raise DamagedStudyError(f"{path} is no study of version {VERSION}; `repose study prepare` makes one")
    for table, wanted in _TABLES.items():
        there = {str(row[1]) for row in file.execute(f"PRAGMA table_info({table})")}
        _require(path, wanted <= there, f"table {table} lacks {', '.join(sorted(wanted - there))}")
    # not quick_check, which does not compare an index with its table, so that a session could not be found
    (whole,) = file.execute("PRAGMA integrity_check(1)").fetchone()
    _require(path, whole == "ok", f"the database is damaged: {' '.join(str(whole).split())[:200]}")
    stray = file.execute("PRAGMA foreign_key_check").fetchone()
    _require(path, stray is None, f"rows of table {stray[0] if stray else ''} belong to nothing")
    facts = _facts(path, file)
    protocol = _protocol(path, facts["protocol"])
    methods, size = facts["methods"], facts["size"]
    _require(path, _texts(methods) and methods and len(set(methods)) == len(methods), "methods are no list of names")
    _require(path, len(methods) > 1 or protocol.question != "preference", "preference has a single method")
    _require(path, isinstance(size, list) and len(size) == 2 and all(_count(n, 1) for n in size), "size is no size")
    _require(path, isinstance(facts["title"], str), "title is no text")
    _require(path, isinstance(facts["data"], str), "data is no text")
    _require(path, type(facts["seed"]) is int, "seed is no whole number")
    pictures = _pictures(path, file, protocol, methods, (size[0], size[1]))
    _check_sessions(path, file, protocol, methods)
    _check_trials(path, file, protocol, methods, {picture.id for picture in pictures})
    return Content(facts, protocol, tuple(methods), (size[0], size[1]), pictures)


# -- inside -----------------------------------------------------------------------------------------------------------


def _facts(path: Path, file: sqlite3.Connection) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for name, value in file.execute("SELECT name, value FROM facts"):
        _require(path, isinstance(name, str), "a fact has no name")
        facts[name] = _json(value)
        _require(path, facts[name] is not None, f"fact '{name[:40]}' is no JSON")
    lost = {"protocol", "methods", "seed", "title", "size", "data"} - facts.keys()
    _require(path, not lost, f"facts are missing: {', '.join(sorted(lost))}")
    return facts


def _protocol(path: Path, given: object) -> StudyProtocol:
    types: dict[str, Any] = {
        "name": str, "version": int, "question": str, "seconds": list, "pool": int, "shown": int, "practice": int,
        "practice_from": str, "participants": int, "notes": str, "timed_practice": bool, "examples": int,
        "unanswered": str, "draws": str,
    }  # fmt: skip
    assert types.keys() == {field.name for field in fields(StudyProtocol)}
    if not isinstance(given, dict):
        raise _damaged(path, "the protocol is no object")
    unknown = given.keys() - types.keys()
    _require(path, not unknown, f"the protocol has {', '.join(sorted(unknown))[:80]}, which a newer version may know")
    for name, value in given.items():
        _require(path, type(value) is types[name], f"'{name}' of the protocol is {value!r:.40}")
        _require(path, types[name] is not int or 0 <= value <= _LARGEST, f"'{name}' of the protocol is {value!r:.40}")
    seconds = given.get("seconds", [])
    _require(path, all(one is None or _time(one) for one in seconds), "'seconds' of the protocol are no times")
    _require(
        path, given.get("practice_from", "fixed") in ("fixed", "first"), "'practice_from' of the protocol is unknown"
    )
    _require(path, given.get("draws", "apart") in ("apart", "independent"), "'draws' of the protocol is unknown")
    try:
        return StudyProtocol(**{**given, "seconds": tuple(seconds)})
    except (TypeError, ValueError) as error:
        raise _damaged(path, f"its protocol cannot be: {error}") from None


def _pictures(
    path: Path, file: sqlite3.Connection, protocol: StudyProtocol, methods: list[str], size: tuple[int, int]
) -> tuple[Listed, ...]:
    """All pictures: as many of each kind as the protocol needs, each a whole PNG of the size."""
    pictures: list[Listed] = []
    aside = protocol.practice if protocol.practice_from == "fixed" else 0
    for row in file.execute("SELECT id, kind, method, pair, practice, name, png FROM pictures ORDER BY id"):
        id_, kind, method, pair, practice, name, png = row
        _require(path, _count(id_, 1, 2**62) and isinstance(name, str), f"picture {id_!r:.40} has no number or name")
        where = f"picture {id_} ({name[:60]})"
        _require(path, kind in _KINDS, f"{where} is of no known kind")
        _require(path, method in (methods if kind == "generated" else [""]), f"{where} is of no method of the study")
        _require(path, _count(pair, 0) and pair < protocol.pool, f"{where} has no number of a pair")
        _require(path, practice in (0, 1) and practice == (pair < aside), f"{where} is practice, or is not, wrongly")
        _require(path, isinstance(png, bytes) and _png_size(png) == size, f"{where} is damaged, or of another size")
        pictures.append(Listed(id_, kind, method, pair, bool(practice)))
    counts = Counter((picture.kind, picture.method) for picture in pictures)
    needed = [("generated", method) for method in methods]
    needed += [("real", "")] if "real" in protocol.asked.judged else []
    needed += [(kind, "") for kind in ("target", "source", "pose") if kind in protocol.asked.shows]
    for kind, method in needed:
        there = counts[kind, method]
        what = f"{kind} pictures{f' of {method}' if method else ''}"
        _require(path, there == protocol.pool, f"there are {there} {what}, and the protocol needs {protocol.pool}")
    return tuple(pictures)


def _check_sessions(path: Path, file: sqlite3.Connection, protocol: StudyProtocol, methods: Collection[str]) -> None:
    judges = ("",) if protocol.question == "preference" else methods
    for row in file.execute("SELECT id, token, nonce, method, begun, finished FROM sessions"):
        where = f"session {row['id']!r:.20}"
        _require(path, _count(row["id"], 1, 2**62), f"{where} has no number")
        _require(path, isinstance(row["token"], str) and isinstance(row["nonce"], str), f"{where} has no token")
        _require(path, row["method"] in judges, f"{where} is of no method of the study")
        ended = row["finished"] is None or _number(row["finished"])
        _require(path, _number(row["begun"]) and ended, f"{where} has no time")
    for row in file.execute("SELECT trial, nonce, started, ended FROM showings"):
        times = all(row[name] is None or _number(row[name]) for name in ("started", "ended"))
        _require(path, isinstance(row["nonce"], str) and times, f"a showing of trial {row['trial']!r:.20} has no time")


def _check_trials(
    path: Path, file: sqlite3.Connection, protocol: StudyProtocol, methods: Collection[str], ids: Collection[int]
) -> None:
    """Every session has the protocol's trials in order, and answers to the first of them."""
    query = (
        "SELECT t.*, a.trial IS NOT NULL AS answered, s.finished, a.choice, a.exposure, a.reaction, a.elapsed, a.flags "
        "FROM trials t JOIN sessions s ON s.id = t.session LEFT JOIN answers a ON a.trial = t.id "
        "ORDER BY t.session, t.position"
    )
    trials: Counter[int] = Counter()
    answers: Counter[int] = Counter()
    finished: dict[int, bool] = {}
    for row in file.execute(query):
        session = row["session"]
        where = f"trial {trials[session] + 1} of session {session}"
        _require(path, row["position"] == trials[session], f"{where} is missing")
        wrong = _wrong_trial(protocol, methods, ids, row)
        _require(path, wrong is None, f"{where}: {wrong}")
        if row["answered"]:
            wrong = _wrong_answer(protocol, row)
            _require(path, wrong is None, f"the answer to {where}: {wrong}")
            _require(path, answers[session] == trials[session], f"{where} has an answer, and one before it has none")
            answers[session] += 1
        trials[session] += 1
        finished[session] = row["finished"] is not None
    for (session,) in file.execute("SELECT id FROM sessions"):
        there = trials[session]
        _require(path, there == protocol.trials, f"session {session} has {there} trials instead of {protocol.trials}")
        _require(path, finished[session] == (answers[session] == there), f"session {session} has a wrong end")


def _wrong_trial(
    protocol: StudyProtocol, methods: Collection[str], ids: Collection[int], row: sqlite3.Row
) -> str | None:
    """What cannot be right in a trial, in words."""
    if not isinstance(row["key"], str) or not _count(row["fetches"], 0, 2**62):
        return "it has no key, or no number of fetches"
    if not _count(row["track"], 0) or row["track"] >= len(protocol.seconds) or row["practice"] not in (0, 1):
        return "it belongs to no track of the protocol"
    if row["seconds"] is not None and not _time(row["seconds"]):
        return "its seconds are no time"
    if row["kind"] not in protocol.asked.judged:
        return "it is of a kind that is not judged"
    if row["method"] not in ("", *methods) or row["other"] not in ("", *methods):
        return "it is of no method of the study"
    given = _json(row["pictures"])
    if not isinstance(given, list) or len(given) != len(protocol.asked.shows):
        return "it has another number of pictures"
    if any(type(one) is not int or one not in ids for one in given):
        return "one of its pictures is missing"
    return None


def _wrong_answer(protocol: StudyProtocol, row: sqlite3.Row) -> str | None:
    """What cannot be right in an answer, in words."""
    choices = [value for value, _, _ in protocol.asked.choices]
    if row["choice"] not in ((*choices, "") if protocol.whole(row["seconds"]) else choices):
        return f"{row['choice']!r:.40} is no answer to the question"
    if not _time(row["exposure"]) or not _time(row["reaction"]) or not _number(row["elapsed"]):
        return "one of its times is no number of seconds"
    if not isinstance(row["flags"], str) or not set(row["flags"].split()) <= FLAGS.keys():
        return "one of its flags is unknown"
    return None


def _png_size(data: bytes) -> tuple[int, int] | None:
    """(height, width) of a PNG whose checksums are right; None if it is none."""
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            size = image.height, image.width
            if max(size) > _LARGEST:
                return None
            image.verify()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
    return size


def _json(text: object) -> Any:
    """What a text of JSON holds; None if it is none."""
    if not isinstance(text, str):
        return None
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()  # half a character, or a number that is none
    except (ValueError, RecursionError):
        return None
    return value


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _count(value: object, least: int, most: int = _LARGEST) -> bool:
    return type(value) is int and least <= value <= most


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1e9


def _require(path: Path, good: object, what: str) -> None:
    if not good:
        raise _damaged(path, what)


def _damaged(path: Path, what: str) -> DamagedStudyError:
    return DamagedStudyError(f"{path}: {what}; take a copy that is whole, or let `repose study prepare` make one")
