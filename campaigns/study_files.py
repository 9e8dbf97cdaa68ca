"""Damage the file of a study in many ways, and use it: every time there is a result, or one clear line.

The file holds pictures, the protocol, and sessions with answers. Each mutant is changed once: bytes (cut off, flipped,
zeroed, exchanged, inserted), a value of a table (of another type, out of all bounds, no JSON, no UTF-8), the JSON of
the protocol and of the other facts (types, keys, nesting), rows and tables. Then it is opened, its table and exports
are written, every session goes on by an answer, and a new one begins.
"""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from campaigns import common
from repose.study import RefusedError, Study, StudyProtocol, export, prepare_study, results
from repose.study.results import results_markdown

SLOW: Final = 10.0  # seconds that no mutant may take

PROTOCOLS: Final = (
    StudyProtocol("small", 1, "realism", (1.0, None), pool=5, shown=2, practice=1),
    StudyProtocol(
        "released", 1, "realism", (1.0, None), pool=5, shown=2, practice=2, timed_practice=False, examples=1,
        unanswered="real", draws="independent",
    ),
    StudyProtocol("first", 1, "anatomy", (1.0,), pool=4, shown=4, practice=2, practice_from="first"),
)  # fmt: skip

JUNK: Final[tuple[Any, ...]] = (
    0, -1, 1, 2, 10**9, 2**63 - 1, -(2**63), 0.5, -0.5, 1e308, float("inf"), "", " ", "real", "fake", "again",
    "no such",
    "x" * 5000, "\0", "[", "{}", "[]", "null", "NaN", "1e999", '{"a": ' * 500 + "1" + "}" * 500, "[" * 3000, "[1, 2]",
    "[[1]]", '["1"]', "[1.5]", "[true]", "[99999]", f"[{10**30}]", "[-1]", b"", b"\xff\xfe",
    b"\x89PNG\r\n\x1a\n", "é\ud83d",
)  # fmt: skip
"""Values of any type, each of which may land in any place."""


def main(words: list[str]) -> int:
    options = common.parser(__doc__, inputs=2000).parse_args(words)
    campaign = common.Campaign(
        "study_files",
        "damaged files of studies are shown as tables, exported, and used by sessions: a result, or one line that "
        "names the file",
        options.seed,
    )
    with common.folder() as place:
        originals = [original(place / str(number), protocol) for number, protocol in enumerate(PROTOCOLS)]
        for number in range(options.inputs):
            one(campaign, place / "mutant.db", originals, random.Random(f"{options.seed}/{number}"), number)
    return 1 if campaign.finish(common.places(options)) else 0


def one(campaign: common.Campaign, mutant: Path, originals: list[Path], generator: random.Random, number: int) -> None:
    """Change a copy of one of the originals, use it, and judge how that ended."""
    for old in mutant.parent.glob("mutant.*"):
        old.unlink()
    shutil.copy(generator.choice(originals), mutant)
    kind, change = generator.choice(MUTATIONS)
    try:
        change(mutant, generator)
    except sqlite3.Error:  # a value that SQLite itself refuses
        campaign.judged(None, outcome="not changed")
        return
    begun = time.monotonic()
    try:
        ending = use(mutant)
    except Exception:
        campaign.judged("traceback", f"{number}, {kind}: {traceback.format_exc(limit=-2).strip()}")
        return
    spent = time.monotonic() - begun
    campaign.judged("slow" if spent > SLOW else None, f"{number}, {kind}: {spent:.1f} s", outcome=ending)


def original(place: Path, protocol: StudyProtocol) -> Path:
    """A study of tiny pictures with two whole sessions and one that was left."""
    folders = {}
    for number, kind in enumerate(("real", "ours", "theirs")):
        folders[kind] = place / kind
        folders[kind].mkdir(parents=True)
        for picture in range(protocol.pool):
            pixels = np.random.default_rng(100 * number + picture).integers(0, 256, (32, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folders[kind] / f"{picture}.png")
    path = place / "study.db"
    prepare_study(path, protocol, {name: folders[name] for name in ("ours", "theirs")}, real=folders["real"])
    now = [1e6]
    study = Study(path, lambda: now[0])
    for session in range(3):
        token = study.begin(f"session {session:03}")
        while not (state := study.state(token))["finished"] and not (session == 2 and state["done"] == 3):
            answer(study, state["trial"], now)
    study.close()
    return path


def answer(study: Study, trial: dict[str, Any], now: list[float]) -> None:
    """One answer, as a good page gives it."""
    study.picture(trial["key"], 0)
    study.start(trial["key"], "showing 1")
    now[0] += 1.0
    study.answer(trial["key"], study.protocol.asked.choices[0][0], 1.0, 1.0, False)


def use(path: Path) -> str:
    """What a user of the file sees: "whole", "refused" (in a session), or "error" with one line that names the file.

    Raises:
        Exception: another error than the expected ones, or an error that is no clear line.
    """
    now, study = [2e6], None
    try:
        study = Study(path, lambda: now[0])
        results_markdown(results(study, flagged=True, unfinished=True))
        export(study, path.with_suffix(".csv"))
        export(study, path.with_suffix(".json"))
        for token in [*tokens(path), study.begin("one more session")]:
            if not (state := study.state(token))["finished"]:
                answer(study, state["trial"], now)
        results_markdown(results(study))
    except RefusedError:
        return "refused"
    except (ValueError, OSError) as error:
        if type(error) is ValueError or "\n" in str(error) or path.name not in str(error) or len(str(error)) > 600:
            raise
        return "error"
    finally:
        if study is not None:
            study.close()
    return "whole"


def tokens(path: Path) -> list[str]:
    """Those of the sessions in a file that was opened as a study, so that it can be read."""
    file = sqlite3.connect(path)
    try:
        return [token for (token,) in file.execute("SELECT token FROM sessions")]
    finally:
        file.close()


# -- mutations --------------------------------------------------------------------------------------------------------


def cut(path: Path, generator: random.Random) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: generator.randrange(len(data))])


def flip(path: Path, generator: random.Random) -> None:
    data = bytearray(path.read_bytes())
    first = generator.random() < 0.5  # half of them in the first pages, where the schema lies
    for _ in range(generator.choice((1, 3, 30))):
        data[generator.randrange(min(len(data), 8192) if first else len(data))] ^= 1 << generator.randrange(8)
    path.write_bytes(data)


def blank(path: Path, generator: random.Random) -> None:
    data = bytearray(path.read_bytes())
    page = generator.randrange(len(data) // 4096)
    data[4096 * page : 4096 * page + 4096] = bytes([generator.choice((0, 255))]) * 4096
    path.write_bytes(data)


def exchange(path: Path, generator: random.Random) -> None:
    data = path.read_bytes()
    pages = [data[at : at + 4096] for at in range(0, len(data), 4096)]
    one, two = generator.sample(range(len(pages)), 2)
    pages[one], pages[two] = pages[two], pages[one]
    path.write_bytes(b"".join(pages))


def insert(path: Path, generator: random.Random) -> None:
    data = path.read_bytes()
    at = generator.randrange(len(data))
    path.write_bytes(data[:at] + generator.randbytes(generator.choice((1, 100, 4096))) + data[at:])


def in_sql(change: Callable[[sqlite3.Connection, random.Random], None]) -> Callable[[Path, random.Random], None]:
    """A mutation by statements, without any check of SQLite's."""

    def mutation(path: Path, generator: random.Random) -> None:
        file = sqlite3.connect(path)
        try:
            file.execute("PRAGMA foreign_keys = OFF")
            change(file, generator)
            file.commit()
        finally:
            file.close()

    return mutation


def tables(file: sqlite3.Connection) -> list[str]:
    return [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]


def value(file: sqlite3.Connection, generator: random.Random) -> None:
    table = generator.choice(tables(file))
    column = generator.choice([row[1] for row in file.execute(f"PRAGMA table_info({table})")])
    rows = [row for (row,) in file.execute(f"SELECT rowid FROM {table}")]
    junk = generator.choice(JUNK)
    where = "" if generator.random() < 0.2 else f" WHERE rowid = {generator.choice(rows)}"
    if isinstance(junk, bytes) and generator.random() < 0.5:  # text that is no UTF-8
        file.execute(f"UPDATE {table} SET {column} = CAST(x'{junk.hex()}' AS TEXT){where}")
    elif isinstance(junk, str) and "\ud83d" in junk:
        file.execute(f"UPDATE {table} SET {column} = CAST(x'eda080' AS TEXT){where}")
    else:
        file.execute(f"UPDATE {table} SET {column} = ?{where}", (junk,))


def fact(file: sqlite3.Connection, generator: random.Random) -> None:
    name, text = generator.choice(list(file.execute("SELECT name, value FROM facts")))
    whole = {"value": json.loads(text)}
    places: list[tuple[Any, Any]] = []

    def look(node: Any) -> None:
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                look(node[key])

    look(whole)
    node, key = generator.choice(places)
    match generator.randrange(5):
        case 0 if node is not whole:
            del node[key]
        case 1:
            node[key] = [node[key]]
        case 2:
            node[key] = {"value": node[key]}
        case 3 if isinstance(node[key], dict):
            node[key][generator.choice(("more", "", "pool"))] = generator.choice((1, None, "x"))
        case _:
            huge: tuple[Any, ...] = (
                10**30,
                -(10**30),
                1e400,
                float("nan"),
                True,
                None,
                [],
                {},
                "",
                "fixed",
                [None] * 50,
            )
            node[key] = generator.choice((*(one for one in JUNK if not isinstance(one, bytes)), *huge))
    file.execute("UPDATE facts SET value = ? WHERE name = ?", (json.dumps(whole["value"]), name))


def rows(file: sqlite3.Connection, generator: random.Random) -> None:
    table = generator.choice(tables(file))
    file.execute(f"DELETE FROM {table} WHERE rowid % {generator.choice((1, 2, 3))} = 0")


def schema(file: sqlite3.Connection, generator: random.Random) -> None:
    table = generator.choice(tables(file))
    column = generator.choice([row[1] for row in file.execute(f"PRAGMA table_info({table})")])
    match generator.randrange(4):
        case 0:
            file.execute(f"DROP TABLE {table}")
        case 1:
            file.execute(f"ALTER TABLE {table} RENAME COLUMN {column} TO another")
        case 2:
            file.execute(f"ALTER TABLE {table} RENAME TO another")
        case _:
            file.execute(f"PRAGMA user_version = {generator.choice((0, 1, 3, 2**31 - 1))}")


MUTATIONS: Final = (
    ("cut", cut), ("flip", flip), ("flip", flip), ("blank", blank), ("exchange", exchange), ("insert", insert),
    ("value", in_sql(value)), ("value", in_sql(value)), ("value", in_sql(value)), ("fact", in_sql(fact)),
    ("fact", in_sql(fact)), ("rows", in_sql(rows)), ("schema", in_sql(schema)),
)  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
