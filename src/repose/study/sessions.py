"""A running study: draw sessions, hand out pictures, check times and store answers, all in one file.

Everything that a session is going to show is drawn when it begins and lies in the file, so a closed tab or a restart of
the server loses nothing. Participants see random keys only: the name, the kind and the method of a picture stay here.
"""

from __future__ import annotations

import contextlib
import json
import random
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Final

from repose.study.material import VERSION
from repose.study.protocols import StudyProtocol

SOONEST: Final = 0.1
"""Seconds by the page. An earlier answer is refused, because no person looks and presses a key so fast."""

SLACK: Final = 0.1
"""Seconds that an exposure may be off: six frames of a 60 Hz screen."""

LAG: Final = 0.5
"""Seconds by which page and server may disagree about how long something took: two messages with different delays."""

LATE: Final = 10.0
"""Seconds by which a timed answer may reach the server later than the page says it was given, and the longest delay of
the message that a picture is on show that excuses a difference."""

LOADS: Final = 3
"""Fetches of a picture that an honest page may need: ahead of its turn, loaded again, and after a lost reply."""

ABANDONED: Final = 3600.0
"""Seconds after which a session without an end no longer holds its method's place."""

FLAGS: Final = {
    "hidden": "the page was hidden while it showed the picture",
    "again": "the picture was shown more than once: the page was loaded again",
    "fetched": "the picture was fetched more often than a page needs",
    "long": "the picture was seen longer than the protocol says",
    "short": "the picture was taken away before its time and before the answer",
    "clock": "the times of the page and of the server do not agree",
}


class RefusedError(ValueError):
    """A request is refused; `status` is the HTTP status."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(text)


@dataclass(frozen=True)
class Listed:
    """One picture of the study, without its pixels."""

    id: int
    kind: str
    method: str
    pair: int
    practice: bool


@dataclass(frozen=True)
class Trial:
    """What a session is going to show at a time; `pictures` are ids, in their order on the page."""

    track: int
    practice: bool
    seconds: float | None
    kind: str
    method: str
    other: str
    pictures: tuple[int, ...]


def plan(protocol: StudyProtocol, pictures: Sequence[Listed], method: str, generator: random.Random) -> list[Trial]:
    """What one session shows, in order.

    Args:
        protocol: says how many of what.
        pictures: all of the study.
        method: whose pictures are judged; of no meaning for preference, which sees all methods equally often.
        generator: of all draws.
    """
    methods = sorted({picture.method for picture in pictures if picture.kind == "generated"})
    place = {(picture.kind, picture.method, picture.pair): picture for picture in pictures}
    first = {"real": "", "generated": method if protocol.question != "preference" else methods[0]}
    duos = {practice: _endless(list(combinations(methods, 2)), generator) for practice in (True, False)}

    def trial(picked: Listed, track: int, practice: bool) -> Trial:
        kind, one, other, pair = picked.kind, picked.method, "", picked.pair
        shown = [picked]
        if protocol.question == "pose":
            shown = [place["target", "", pair], picked]
            generator.shuffle(shown)
        elif protocol.question == "preference":
            one, other = generator.sample(next(duos[practice]), 2)
            shown = [place["source", "", pair], place["pose", "", pair]]
            shown += [place["generated", name, pair] for name in (one, other)]
        seconds = protocol.seconds[track]
        return Trial(track, practice, seconds, kind, one, other, tuple(picture.id for picture in shown))

    piles: dict[str, list[Listed]] = {}
    trials: list[Trial] = []
    for kind in protocol.asked.judged:
        pile = [picture for picture in pictures if (picture.kind, picture.method) == (kind, first[kind])]
        generator.shuffle(pile)
        piles[kind] = [picture for picture in pile if not picture.practice]
        trials += [trial(picture, 0, True) for picture in pile if picture.practice]
    generator.shuffle(trials)
    for track in range(len(protocol.seconds)):
        drawn = [piles[kind].pop() for kind in protocol.asked.judged for _ in range(protocol.shown)]
        generator.shuffle(drawn)
        aside = protocol.practice if protocol.practice_from == "first" and track == 0 else 0
        trials += [trial(picture, track, index < aside) for index, picture in enumerate(drawn)]
    return trials


def flags(
    seconds: float | None,
    starts: int,
    exposure: float,
    reaction: float,
    elapsed: float,
    hidden: bool,
    *,
    seen: float,
    delay: float,
    fetches: int,
) -> list[str]:
    """What is wrong with the times of an answer, as keys of `FLAGS`.

    Args:
        seconds: for which the picture was to be shown; None without limit.
        starts: how often the page began to show it.
        exposure: seconds that the page showed the picture.
        reaction: seconds from its appearance to the answer, by the page.
        elapsed: the same by the server, from the message that it is shown to the answer's arrival.
        hidden: the page was hidden meanwhile; ignored without a limit.
        seen: exposure by the server, from the message that it is shown to that it is gone, or to the answer.
        delay: seconds that the message that it is shown took, there and back, by the page.
        fetches: of each picture, rounded up.
    """
    flags = []
    if seconds is not None:
        if hidden:  # and so short
            flags.append("hidden")
        if starts > 1:
            flags.append("again")
        if fetches > LOADS + starts - 1:
            flags.append("fetched")
        if exposure > seconds + SLACK:
            flags.append("long")
        if not hidden and exposure < min(seconds, reaction) - SLACK:
            flags.append("short")
    # the server's time is shorter by the delay of the first message
    ahead = LAG + min(delay, LATE)
    apart = reaction - elapsed > ahead or exposure > reaction + SLACK
    if seconds is not None:
        apart |= elapsed - reaction > LATE or seen - exposure > LAG or exposure - seen > ahead
    if apart:
        flags.append("clock")
    return flags


class Study:
    """The file of a study, open for sessions. Safe for threads, and for several processes.

    Args:
        path: the file that `prepare_study` wrote.
        clock: seconds since 1970, for tests.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no study, or of another version.
    """

    def __init__(self, path: Path | str, clock: Callable[[], float] = time.time) -> None:
        self.path, self.clock = Path(path), clock
        if not self.path.is_file():
            raise FileNotFoundError(f"{self.path}: there is no such study; `repose study prepare` makes one")
        try:
            # held open, so that the log of SQLite is not written back after every request
            self._held = sqlite3.connect(self.path, check_same_thread=False)
            (version,) = self._held.execute("PRAGMA user_version").fetchone()
            if version != VERSION:
                raise ValueError(f"{self.path} is no study of version {VERSION}; `repose study prepare` makes one")
            facts = {name: json.loads(value) for name, value in self._held.execute("SELECT * FROM facts")}
            listed = self._held.execute("SELECT id, kind, method, pair, practice FROM pictures ORDER BY id")
            self.pictures = tuple(Listed(*row) for row in listed)
        except sqlite3.DatabaseError as error:
            raise ValueError(f"{self.path} is no study ({error}); `repose study prepare` makes one") from error
        self.facts: dict[str, Any] = facts
        self.protocol = StudyProtocol(**{**facts["protocol"], "seconds": tuple(facts["protocol"]["seconds"])})
        self.methods: tuple[str, ...] = tuple(facts["methods"])
        self.size: tuple[int, int] = (facts["size"][0], facts["size"][1])

    def close(self) -> None:
        self._held.close()

    # -- of the page ------------------------------------------------------------------------------------------------

    def about(self) -> dict[str, Any]:
        """What the first page says: nothing that differs between sessions."""
        asked = self.protocol.asked
        return {
            "title": self.facts["title"],
            "protocol": str(self.protocol),
            "question": asked.text,
            "advice": asked.advice,
            "choices": [dict(zip(("value", "label", "key"), choice, strict=True)) for choice in asked.choices],
            "shows": len(asked.shows),
            "kind": asked.name,
            "size": self.size,
            "seconds": list(self.protocol.seconds),
            "trials": self.protocol.trials,
            "practice": self.protocol.trials - self.protocol.counted,
            "truth": asked.truth,
        }

    def begin(self, nonce: str) -> str:
        """A new session's token; asked twice with the same nonce (a double click) it is the same session."""
        if not 8 <= len(nonce) <= 100:
            raise RefusedError(400, "a session begins with a nonce of 8 to 100 characters")
        with self._writing() as file:
            there = file.execute("SELECT token FROM sessions WHERE nonce = ?", (nonce,)).fetchone()
            if there:
                return str(there["token"])
            (before,) = file.execute("SELECT count(*) FROM sessions").fetchone()
            generator = random.Random(f"{self.facts['seed']}/session {before}")
            method = "" if self.protocol.question == "preference" else self._method(file, generator)
            token = secrets.token_urlsafe(16)
            number = file.execute(
                "INSERT INTO sessions (token, nonce, method, begun) VALUES (?, ?, ?, ?)",
                (token, nonce, method, self.clock()),
            ).lastrowid
            file.executemany(
                "INSERT INTO trials (session, position, key, track, practice, seconds, kind, method, other, pictures) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (number, position, secrets.token_urlsafe(16), t.track, t.practice, t.seconds, t.kind, t.method,
                     t.other, json.dumps(t.pictures))
                    for position, t in enumerate(plan(self.protocol, self.pictures, method, generator))
                ],
            )  # fmt: skip
            return token

    def state(self, token: str) -> dict[str, Any]:
        """Where a session stands: the trial whose turn it is and the one after it, or how it went."""
        with self._reading() as file:
            return self._state(file, self._session(file, token))

    def picture(self, key: str, slot: int) -> bytes:
        """The PNG in a place of a trial. Only of the session's next two trials: one is shown, one is loaded ahead."""
        with self._reading() as file:
            trial = self._trial(file, key)
            turn = self._turn(file, trial["session"])
            if trial["position"] < turn:
                raise RefusedError(410, "this picture has been judged already")
            if trial["position"] > turn + 1:
                raise RefusedError(403, "this picture's turn has not come")
            ids = json.loads(trial["pictures"])
            if not 0 <= slot < len(ids):
                raise RefusedError(404, "there is no such picture")
            (data,) = file.execute("SELECT png FROM pictures WHERE id = ?", (ids[slot],)).fetchone()
        with self._writing() as file:
            file.execute("UPDATE trials SET fetches = fetches + 1 WHERE id = ?", (trial["id"],))
        return bytes(data)

    def start(self, key: str, showing: str) -> None:
        """The page shows the picture now; the server's own clock runs from here.

        Args:
            showing: the page's nonce of this showing; the same one again (a reply was lost) changes nothing.
        """
        self._mark("started", key, showing)

    def end(self, key: str, showing: str) -> None:
        """The page has taken the picture away; the same showing again, or of a judged trial, changes nothing."""
        self._mark("ended", key, showing)

    def answer(
        self, key: str, choice: str, exposure: float, reaction: float, hidden: bool, delay: float = 0.0
    ) -> dict[str, Any]:
        """Keep an answer. The first one stays: a second click, or a second tab, changes nothing.

        Args:
            exposure: seconds that the page showed the picture.
            reaction: seconds from its appearance to the answer.
            hidden: the page was out of sight while it showed the picture.
            delay: seconds from the picture's appearance to the reply that the server knows of it.

        Returns:
            "state" as `state` gives it, and "right" and "truth" in practice, where an answer can be right.

        Raises:
            RefusedError: no such trial, not its turn, never shown, earlier than anybody could, or no such answer.
        """
        now = self.clock()
        with self._writing() as file:
            trial = self._trial(file, key)
            session = file.execute("SELECT * FROM sessions WHERE id = ?", (trial["session"],)).fetchone()
            known = file.execute("SELECT choice FROM answers WHERE trial = ?", (trial["id"],)).fetchone()
            if known is None:
                self._keep(file, trial, now, choice, exposure, reaction, hidden, delay)
            else:
                choice = known["choice"]
            reply: dict[str, Any] = {"state": self._state(file, session)}
            if trial["practice"] and self.protocol.asked.truth:
                reply |= {
                    "right": _right(trial["kind"], choice),
                    "truth": "real" if trial["kind"] == "real" else "fake",
                }
        if known is None and reply["state"]["finished"]:  # so that the one file holds every finished session
            with self._reading() as file:
                file.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        return reply

    # -- of the results ---------------------------------------------------------------------------------------------

    def answers(self) -> list[dict[str, Any]]:
        """Every answer as a record without personal data; sessions are numbered from 1."""
        query = (
            "SELECT s.id AS session, s.method AS judges, s.finished IS NOT NULL AS finished, t.position, t.track, "
            "t.practice, t.seconds, t.kind, t.method, t.other, t.pictures, "
            "a.choice, a.exposure, a.reaction, a.elapsed, a.flags "
            "FROM answers a JOIN trials t ON t.id = a.trial JOIN sessions s ON s.id = t.session ORDER BY s.id, position"
        )
        with self._reading() as file:
            answers = [dict(row) for row in file.execute(query)]
            names = dict(tuple(row) for row in file.execute("SELECT id, name FROM pictures"))
        for row in answers:
            row["finished"], row["practice"] = bool(row["finished"]), bool(row["practice"])
            row["pictures"] = [names[id_] for id_ in json.loads(row["pictures"])]
            row["flags"] = row["flags"].split()
            row["right"] = _right(row["kind"], row["choice"]) if self.protocol.asked.truth else None
        return answers

    def sessions(self) -> tuple[int, int]:
        """The number of sessions begun, and of those finished."""
        with self._reading() as file:
            begun, finished = file.execute("SELECT count(*), count(finished) FROM sessions").fetchone()
        return begun, finished

    # -- inside -----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        file = sqlite3.connect(self.path, timeout=30, isolation_level=None)
        file.row_factory = sqlite3.Row
        try:
            file.execute("PRAGMA foreign_keys = ON")
            yield file
        finally:
            file.close()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction; a second writer waits, so that everything inside reads current data."""
        with self._reading() as file:
            file.execute("BEGIN IMMEDIATE")
            try:
                yield file
            except BaseException:
                file.execute("ROLLBACK")
                raise
            file.execute("COMMIT")

    def _method(self, file: sqlite3.Connection, generator: random.Random) -> str:
        """The method that the fewest sessions have: finished ones, and those that may still be going on."""
        held = "SELECT method, count(*) FROM sessions WHERE finished IS NOT NULL OR begun > ? GROUP BY method"
        counts = dict(tuple(row) for row in file.execute(held, (self.clock() - ABANDONED,)))
        least = min(counts.get(method, 0) for method in self.methods)
        return generator.choice([method for method in self.methods if counts.get(method, 0) == least])

    def _session(self, file: sqlite3.Connection, token: str) -> sqlite3.Row:
        session_row: sqlite3.Row | None = file.execute("SELECT * FROM sessions WHERE token = ?", (token,)).fetchone()
        if session_row is None:
            raise RefusedError(404, "there is no such session")
        return session_row

    def _trial(self, file: sqlite3.Connection, key: str) -> sqlite3.Row:
        trial: sqlite3.Row | None = file.execute("SELECT * FROM trials WHERE key = ?", (key,)).fetchone()
        if trial is None:
            raise RefusedError(404, "there is no such picture")
        return trial

    def _turn(self, file: sqlite3.Connection, session: int) -> int:
        """Position of the first trial without an answer: answers come in order, so it is their number."""
        count = "SELECT count(*) FROM answers JOIN trials ON trials.id = trial WHERE session = ?"
        (turn,) = file.execute(count, (session,)).fetchone()
        return int(turn)

    def _mark(self, column: str, key: str, showing: str) -> None:
        """Note once when a showing started or ended. An end may overtake its start."""
        if not 8 <= len(showing) <= 100:
            raise RefusedError(400, "a showing has a nonce of 8 to 100 characters")
        now = self.clock()
        with self._writing() as file:
            trial = self._trial(file, key)
            turn = self._turn(file, trial["session"])
            query = f"SELECT {column} FROM showings WHERE trial = ? AND nonce = ?"
            known = file.execute(query, (trial["id"], showing)).fetchone()
            if (known and known[0] is not None) or (column == "ended" and trial["position"] < turn):
                return
            if trial["position"] != turn:
                raise RefusedError(409, "it is not this picture's turn")
            if not trial["fetches"]:
                raise RefusedError(409, "this picture was never fetched, so it cannot be on show")
            file.execute(
                f"INSERT INTO showings (trial, nonce, {column}) VALUES (?, ?, ?) "
                f"ON CONFLICT (trial, nonce) DO UPDATE SET {column} = excluded.{column}",
                (trial["id"], showing, now),
            )

    def _keep(
        self,
        file: sqlite3.Connection,
        trial: sqlite3.Row,
        now: float,
        choice: str,
        exposure: float,
        reaction: float,
        hidden: bool,
        delay: float,
    ) -> None:
        session = trial["session"]
        known = [value for value, _, _ in self.protocol.asked.choices]
        if choice not in known:
            raise RefusedError(400, f"no such answer; there are {' and '.join(known)}")
        turn = self._turn(file, session)
        if trial["position"] != turn:
            raise RefusedError(409, "it is not this picture's turn")
        query = "SELECT started, ended FROM showings WHERE trial = ? AND started IS NOT NULL ORDER BY started"
        showings = file.execute(query, (trial["id"],)).fetchall()
        if not showings:
            raise RefusedError(409, "this picture was not shown yet")
        if reaction < SOONEST:
            raise RefusedError(425, "that was quicker than anybody can look")
        started, ended = showings[-1]
        elapsed, seen = now - started, (now if ended is None else min(ended, now)) - started
        fetches = -(-trial["fetches"] // len(json.loads(trial["pictures"])))
        wrong = flags(
            trial["seconds"], len(showings), exposure, reaction, elapsed, hidden,
            seen=seen, delay=delay, fetches=fetches,
        )  # fmt: skip
        file.execute(
            "INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?)",
            (trial["id"], choice, round(exposure, 4), round(reaction, 4), round(elapsed, 4), " ".join(wrong)),
        )
        if turn + 1 == self.protocol.trials:
            file.execute("UPDATE sessions SET finished = ? WHERE id = ?", (now, session))

    def _state(self, file: sqlite3.Connection, session: sqlite3.Row) -> dict[str, Any]:
        turn = self._turn(file, session["id"])
        stages = file.execute(
            "SELECT position, practice, track, key, seconds FROM trials WHERE session = ? ORDER BY position",
            (session["id"],),
        ).fetchall()
        state: dict[str, Any] = {"session": session["token"], "done": turn, "of": len(stages), "finished": False}
        if turn == len(stages):
            judged = file.execute(
                "SELECT kind, choice FROM answers JOIN trials ON trials.id = trial WHERE session = ? AND NOT practice",
                (session["id"],),
            ).fetchall()
            right = sum(_right(row["kind"], row["choice"]) for row in judged) if self.protocol.asked.truth else None
            return state | {"finished": True, "judged": len(judged), "right": right}
        shown = [_public(row, stages, len(self.protocol.asked.shows)) for row in stages[turn : turn + 2]]
        return state | {"trial": shown[0], "next": shown[1] if len(shown) > 1 else None}


def _public(trial: sqlite3.Row, stages: Sequence[Mapping[str, Any]], slots: int) -> dict[str, Any]:
    """What the page may know of a trial."""
    same = [row["position"] for row in stages if (row["practice"], row["track"]) == (trial["practice"], trial["track"])]
    return {
        "key": trial["key"],
        "pictures": [f"/picture/{trial['key']}/{slot}" for slot in range(slots)],
        "seconds": trial["seconds"],
        "practice": bool(trial["practice"]),
        "stage": f"{'practice' if trial['practice'] else 'track'} {trial['track']}",
        "at": trial["position"] - same[0] + 1,
        "of": len(same),
    }


def _right(kind: str, choice: str) -> bool:
    """Whether a picture was recognised as what it is."""
    return choice == ("real" if kind == "real" else "fake")


def _endless(items: list[Any], generator: random.Random) -> Iterator[Any]:
    """The items over and over, each round in an order of its own; nothing of nothing."""
    while items:
        yield from generator.sample(items, len(items))
