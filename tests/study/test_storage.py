"""Shared transactions, a disk that is full, and files that are damaged."""

import itertools
import json
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from repose.study import (
    DamagedStudyError,
    RefusedError,
    Study,
    StudyProtocol,
    UnwritableStudyError,
    export,
    storage,
)
from repose.study.results import results
from repose.study.storage import opened
from tests.study import pictures
from tests.study.pictures import Clock
from tests.study.test_server import Browser, port, serve, stop
from tests.study.test_sessions import finish, judge

resource = pytest.importorskip("resource", reason="limits of a process are POSIX's")

SMALL = StudyProtocol("small", 1, "realism", (1.0,), pool=4, shown=2, practice=1)


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file can grow beyond `room` bytes: the system writes a part, then fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_calls_share_one_transaction(tmp_path: Path) -> None:
    clock = Clock()
    study = pictures.study(tmp_path, SMALL, clock)
    statements: list[str] = []
    study._storage._file.set_trace_callback(statements.append)
    nonces = ("nonce 01", "nonce 02", "short", "nonce 03", "nonce 01")
    calls: list[Callable[[], str]] = [lambda nonce=nonce: study.begin(nonce) for nonce in nonces]  # type: ignore[misc]
    one, two, refused, three, again = study.together(calls)
    assert sum(statement == "COMMIT" for statement in statements) == 1
    assert isinstance(refused, RefusedError)
    assert one == again
    assert len({one, two, three}) == 3
    assert study.sessions() == (3, 0)


def test_a_study_opens_while_sessions_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check sees one state of the file: another connection begins a session before each of its queries."""
    writer, begun = pictures.study(tmp_path, SMALL, Clock()), itertools.count()

    def traced(path: Path) -> sqlite3.Connection:
        file = opened(path)
        file.set_trace_callback(
            lambda statement: writer.begin(f"nonce {next(begun):04}") if statement.startswith("SELECT") else None
        )
        return file

    monkeypatch.setattr(storage, "opened", traced)
    study = Study(tmp_path / "study.db")
    study._storage._file.set_trace_callback(None)
    assert study.sessions()[0] == next(begun) > 5
    study.close()


def test_a_call_that_cannot_write_undoes_all(tmp_path: Path) -> None:
    study = pictures.study(tmp_path, SMALL, Clock())

    def fails() -> str:
        raise UnwritableStudyError("no room")

    both = study.together([lambda: study.begin("nonce 01"), fails])
    assert [type(one) for one in both] == [UnwritableStudyError] * 2
    assert study.sessions() == (0, 0)


def test_what_a_refused_call_changed_is_undone(tmp_path: Path) -> None:
    study = pictures.study(tmp_path, SMALL, Clock())

    def fails() -> str:
        study.begin("nonce 01")
        raise ArithmeticError

    done, failed = study.together([lambda: study.begin("nonce 02"), fails])
    assert isinstance(done, str)
    assert isinstance(failed, ArithmeticError)
    assert study.sessions() == (1, 0)


def test_a_full_disk(tmp_path: Path) -> None:
    """What was acknowledged stays, the rest is refused, and it goes on where there is room again."""
    clock = Clock()
    study = pictures.study(tmp_path, SMALL, clock)
    token = study.begin("nonce 01")
    judge(study, token, clock)
    before = study.state(token)
    log = tmp_path / "study.db-wal"
    for room in (0, 1, 100, 3000):
        with full_disk(log.stat().st_size + room):
            with pytest.raises(UnwritableStudyError, match=r"study\.db: .* make room or wait") as caught:
                judge(study, token, clock)
            assert "\n" not in str(caught.value)
            both = study.together([lambda: study.begin("nonce 02"), lambda: study.begin("nonce 03")])
            assert [type(one) for one in both] == [UnwritableStudyError] * 2
            assert study.state(token) == before
    assert judge(study, token, clock)["done"] == 2
    study.close()
    assert len(Study(tmp_path / "study.db").answers()) == 2


def test_the_server_on_a_full_disk(tmp_path: Path) -> None:
    pictures.study(tmp_path, SMALL, Clock()).close()
    server = serve(tmp_path / "study.db")
    try:
        browser = Browser(port(server))
        state = browser.answer(browser.begin("nonce 01"), "real")
        with full_disk((tmp_path / "study.db-wal").stat().st_size):
            status, reply, headers = browser.ask("GET", state["trial"]["pictures"][0])
            assert (status, headers["Retry-After"]) == (503, "5")
            assert "disk may be full" in reply["error"]
            assert browser.ask("GET", "/api/state")[1] == state
            assert browser.ask("GET", "/")[0] == 200
        assert browser.answer(state, "real")["done"] == 2
    finally:
        stop(server)


def test_an_export_is_whole_or_absent(tmp_path: Path) -> None:
    clock = Clock()
    study = pictures.study(tmp_path, SMALL, clock)
    finish(study, study.begin("nonce 01"), clock)
    for name in ("a.csv", "a.json"):
        with full_disk(100), pytest.raises(OSError, match=rf"{name} could not be written"):
            export(study, tmp_path / name)
        assert not (tmp_path / name).exists()
        export(study, tmp_path / name)
        whole = (tmp_path / name).read_text()
        with full_disk(100), pytest.raises(OSError, match=rf"{name} could not be written"):
            export(study, tmp_path / name)
        assert (tmp_path / name).read_text() == whole
    assert not list(tmp_path.glob(".*"))


def test_a_new_study_is_whole_or_absent(tmp_path: Path) -> None:
    with full_disk(20_000), pytest.raises(OSError, match=r"study\.db cannot be written .*make room"):
        pictures.study(tmp_path, SMALL, Clock())
    assert sorted(file.name for file in tmp_path.iterdir()) == ["ours", "real", "theirs"]


# -- damaged files ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A study with a session that has ended and one that has not."""
    place, clock = tmp_path_factory.mktemp("whole"), Clock()
    study = pictures.study(place, SMALL, clock)
    finish(study, study.begin("nonce 01"), clock)
    judge(study, study.begin("nonce 02"), clock)
    study.close()
    return (place / "study.db").read_bytes()


def protocol(**changes: object) -> str:
    changed = json.dumps(changes)
    return f"UPDATE facts SET value = json_patch(value, '{changed}') WHERE name = 'protocol'"


@pytest.mark.parametrize(
    ("statement", "text"),
    [
        ("PRAGMA user_version = 3", "no study of version"),
        ("DROP TABLE showings", "table showings lacks"),
        ("ALTER TABLE answers RENAME COLUMN choice TO other", "table answers lacks choice"),
        ("DELETE FROM facts WHERE name = 'size'", "facts are missing: size"),
        ("UPDATE facts SET value = '[' WHERE name = 'methods'", "fact 'methods' is no JSON"),
        ("UPDATE facts SET value = x'ff' WHERE name = 'title'", "fact 'title' is no JSON"),
        ("UPDATE facts SET value = CAST(x'ff' AS TEXT) WHERE name = 'title'", "no study, or a damaged one"),
        ("UPDATE facts SET value = '\"\\ud83d\"' WHERE name = 'title'", "fact 'title' is no JSON"),
        ("UPDATE facts SET value = '[]' WHERE name = 'protocol'", "the protocol is no object"),
        ("UPDATE facts SET value = '[24]' WHERE name = 'size'", "size is no size"),
        ("UPDATE facts SET value = '[{}]' WHERE name = 'methods'", "methods are no list of names"),
        ("UPDATE facts SET value = '1e999' WHERE name = 'seed'", "fact 'seed' is no JSON"),
        (protocol(pool="4"), "'pool' of the protocol is '4'"),
        (protocol(pool=10**9), "'pool' of the protocol is 1000000000"),
        (protocol(pool=5), "there are 4 generated pictures of ours, and the protocol needs 5"),
        (protocol(seconds=["x"]), "'seconds' of the protocol"),
        (protocol(question="beauty"), "its protocol cannot be: .*no question is called 'beauty'"),
        (protocol(more=1), "the protocol has more, which a newer version may know"),
        (protocol(draws="never"), "'draws' of the protocol is unknown"),
        ("DELETE FROM pictures WHERE id = 2", "there are 3 real pictures"),
        ("UPDATE pictures SET png = 'text' WHERE id = 2", "picture 2 .* is damaged, or of another size"),
        ("UPDATE pictures SET png = substr(png, 1, 900) WHERE id = 2", "picture 2 .* is damaged"),
        ("UPDATE pictures SET pair = 2.5 WHERE id = 2", "picture 2 .* has no number of a pair"),
        ("UPDATE sessions SET begun = 'now' WHERE id = 1", "session 1 has no time"),
        ("DELETE FROM sessions WHERE id = 1", "rows of table trials belong to nothing"),
        ("UPDATE trials SET pictures = '[99999]' WHERE id = 3", "trial 3 of session 1: one of its pictures is missing"),
        ("UPDATE trials SET position = 99 WHERE id = 3", "trial 3 of session 1 is missing"),
        ("UPDATE answers SET choice = 'maybe' WHERE trial = 3", "'maybe' is no answer to the question"),
        ("UPDATE answers SET reaction = 'x' WHERE trial = 3", "one of its times is no number of seconds"),
        ("UPDATE answers SET flags = 'odd' WHERE trial = 3", "one of its flags is unknown"),
        ("DELETE FROM answers WHERE trial = 2", "has an answer, and one before it has none"),
        ("UPDATE sessions SET finished = NULL", "session 1 has a wrong end"),
    ],
)
def test_content_that_cannot_be_right(tmp_path: Path, whole: bytes, statement: str, text: str) -> None:
    path = tmp_path / "study.db"
    path.write_bytes(whole)
    file = sqlite3.connect(path)
    file.execute(statement)
    file.commit()
    file.close()
    with pytest.raises(DamagedStudyError, match=text) as caught:
        Study(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_index_that_differs_from_its_table(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "study.db"
    path.write_bytes(whole)
    file = sqlite3.connect(path)
    token = file.execute("SELECT token FROM sessions WHERE id = 1").fetchone()[0].encode()
    file.close()
    assert whole.count(token) == 2  # in the table and in its index
    for at in (whole.index(token), whole.rindex(token)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(DamagedStudyError, match="the database is damaged"):
            Study(path)


def test_damaged_bytes(tmp_path: Path, whole: bytes) -> None:
    """Cut, flipped and lost pages: results of a whole file, or one line that names it."""
    path, generator = tmp_path / "study.db", random.Random(0)
    refused: list[str] = []
    for number in range(40):
        data = bytearray(whole)
        if number % 4 == 0:
            del data[generator.randrange(len(data)) :]
        elif number % 4 == 1:
            page = 4096 * generator.randrange(len(data) // 4096)
            data[page : page + 4096] = bytes(4096)
        else:
            for _ in range(20):
                data[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
        path.write_bytes(data)
        try:
            study = Study(path)
        except DamagedStudyError as error:
            refused.append(str(error))
        else:
            results(study)
            study.close()
    assert len(refused) > 30
    assert all(str(path) in line and "\n" not in line for line in refused)
