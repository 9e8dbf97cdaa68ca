"""A running study: draw sessions, hand out pictures, check times and store answers, all in one file.

Everything that a session is going to show is drawn when it begins and lies in the file, so a closed tab or a restart of
the server loses nothing. Participants see random keys only: the name, the kind and the method of a picture stay here.
"""

from __future__ import annotations

import json
import random
import secrets
import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from repose.study.content import content
from repose.study.errors import RefusedError
from repose.study.planning import examples, plan
from repose.study.storage import Storage
from repose.study.times import SOONEST, flags

Value = TypeVar("Value")

ABANDONED: Final = 3600.0
"""Seconds after which a session without an end no longer holds its method's place."""


class Study:
    """The file of a study, open for sessions. Safe for threads, and for several processes.

    Args:
        path: the file that `prepare_study` wrote.
        clock: seconds since 1970, for tests.

    Raises:
        FileNotFoundError: there is no such file.
        DamagedStudyError: it is no study, of another version, or its content cannot be right; a ValueError.
        UnwritableStudyError: it cannot be opened at the moment, because the disk is full, say; an OSError.
    """

    def __init__(self, path: Path | str, clock: Callable[[], float] = time.time) -> None:
        self.path, self.clock = Path(path), clock
        if not self.path.is_file():
            raise FileNotFoundError(f"{self.path}: there is no such study; `repose study prepare` makes one")
        self._storage = Storage(self.path)
        try:
            with self._storage.snapshot() as file:
                whole = content(self.path, file)
        except BaseException:
            self._storage.close()
            raise
        self.facts, self.protocol, self.pictures = whole.facts, whole.protocol, whole.pictures
        self.methods, self.size = whole.methods, whole.size

    def close(self) -> None:
        self._storage.close()

    def together(self, calls: Sequence[Callable[[], Value]]) -> list[Value | Exception]:
        """Carry out calls of this study's methods in one transaction, which takes one flush to the disk.

        Returns:
            Of every call its value or its exception, after everything is on the disk. If the disk cannot be written,
            nothing is changed, and the exception of all is an UnwritableStudyError.
        """
        return self._storage.together(calls)

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
            "examples": self.protocol.examples,
            "unanswered": self.protocol.unanswered,
            "truth": asked.truth,
        }

    def begin(self, nonce: str, at_once: int = 0) -> str:
        """A new session's token; asked twice with the same nonce (a double click) it is the same session.

        Args:
            nonce: 8 to 100 characters.
            at_once: sessions of the last hour that may be unfinished; 0 is without limit.

        Raises:
            RefusedError: no such nonce (400), or too many sessions are going on (503).
        """
        if not 8 <= len(nonce) <= 100:
            raise RefusedError(400, "a session begins with a nonce of 8 to 100 characters")
        with self._storage.writing() as file:
            there = file.execute("SELECT token FROM sessions WHERE nonce = ?", (nonce,)).fetchone()
            if there:
                return str(there["token"])
            if at_once:
                going_on = "SELECT count(*) FROM sessions WHERE finished IS NULL AND begun > ?"
                (busy,) = file.execute(going_on, (self.clock() - ABANDONED,)).fetchone()
                if busy >= at_once:
                    raise RefusedError(
                        503,
                        f"as many people take part as this study takes at once ({at_once}); try again later",
                        300,
                    )
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
        with self._storage.reading() as file:
            return self._state(file, self._session(file, token))

    def example(self, token: str, number: int) -> bytes:
        """The PNG of a labelled example of a session: real ones first, then generated ones, from 0.

        Raises:
            RefusedError: no such session or example, or the session has gone on to judge pictures.
        """
        with self._storage.reading() as file:
            session = self._session(file, token)
            shown = examples(self.protocol, self.pictures, session["method"])
            if not 0 <= number < len(shown):
                raise RefusedError(404, "there is no such example")
            return self._png(file, shown[number].id)

    def picture(self, key: str, slot: int) -> bytes:
        """The PNG in a place of a trial. Only of the session's next two trials: one is shown, one is loaded ahead."""
        with self._storage.writing() as file:
            trial = self._trial(file, key)
            turn = self._turn(file, trial["session"])
            if trial["position"] < turn:
                raise RefusedError(410, "this picture has been judged already")
            if trial["position"] > turn + 1:
                raise RefusedError(403, "this picture's turn has not come")
            ids = json.loads(trial["pictures"])
            if not 0 <= slot < len(ids):
                raise RefusedError(404, "there is no such picture")
            data = self._png(file, ids[slot])
            file.execute("UPDATE trials SET fetches = fetches + 1 WHERE id = ?", (trial["id"],))
        return data

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
            choice: one of the question's; "" where a picture stays for its whole time and no answer came meanwhile.
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
        with self._storage.writing() as file:
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
                    "right": _right(trial["kind"], choice or self.protocol.unanswered),
                    "truth": "real" if trial["kind"] == "real" else "fake",
                }
        if known is None and reply["state"]["finished"]:  # so that the one file holds every finished session
            self._storage.copy_into_file()
        return reply

    def tidy(self) -> bool:
        """Write finished sessions back into the one file, as `together` leaves that to a quieter moment.

        Returns:
            Whether there was something to write.
        """
        return self._storage.copy_what_waits()

    # -- of the results ---------------------------------------------------------------------------------------------

    def answers(self) -> list[dict[str, Any]]:
        """Every answer as a record without personal data; sessions are numbered from 1.

        Where no answer came in time and the protocol counts one, "choice" is that one, "answered" is False and
        "reaction" None.
        """
        query = (
            "SELECT s.id AS session, s.method AS judges, s.finished IS NOT NULL AS finished, t.position, t.track, "
            "t.practice, t.seconds, t.kind, t.method, t.other, t.pictures, "
            "a.choice, a.exposure, a.reaction, a.elapsed, a.flags "
            "FROM answers a JOIN trials t ON t.id = a.trial JOIN sessions s ON s.id = t.session ORDER BY s.id, position"
        )
        with self._storage.reading() as file:
            answers = [dict(row) for row in file.execute(query)]
            names = dict(tuple(row) for row in file.execute("SELECT id, name FROM pictures"))
        for row in answers:
            row["finished"], row["practice"] = bool(row["finished"]), bool(row["practice"])
            row["pictures"] = [names[id_] for id_ in json.loads(row["pictures"])]
            row["flags"] = row["flags"].split()
            row["answered"] = row["choice"] != ""
            if not row["answered"]:
                row["choice"], row["reaction"] = self.protocol.unanswered, None
            row["right"] = _right(row["kind"], row["choice"]) if self.protocol.asked.truth else None
        return answers

    def sessions(self) -> tuple[int, int]:
        """The number of sessions begun, and of those finished."""
        with self._storage.reading() as file:
            begun, finished = file.execute("SELECT count(*), count(finished) FROM sessions").fetchone()
        return begun, finished

    # -- inside -----------------------------------------------------------------------------------------------------

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

    def _png(self, file: sqlite3.Connection, picture: int) -> bytes:
        (data,) = file.execute("SELECT png FROM pictures WHERE id = ?", (picture,)).fetchone()
        return bytes(data)

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
        with self._storage.writing() as file:
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
        whole = self.protocol.whole(trial["seconds"])
        if choice not in known and not (whole and choice == ""):
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
            seen=seen, delay=delay, fetches=fetches, whole=whole,
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
            right = (
                sum(_right(row["kind"], row["choice"] or self.protocol.unanswered) for row in judged)
                if self.protocol.asked.truth
                else None
            )
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
