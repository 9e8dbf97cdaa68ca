"""The server over real HTTP, on a free port."""

import contextlib
import http.client
import io
import json
import os
import signal
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from repose.study import Study, StudyProtocol, StudyServer
from tests.study import pictures

SMALL = StudyProtocol("small", 1, "realism", (0.3, None), pool=6, shown=2, practice=1)


class Browser:
    """A participant's side: JSON in and out, one cookie."""

    def __init__(self, port: int) -> None:
        self.port, self.cookie = port, ""

    def ask(self, method: str, path: str, content: Any = None, **headers: str) -> tuple[int, Any, dict[str, str]]:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        sent = {"Content-Type": "application/json"} if content is not None else {}
        sent |= {"Study-Page": "1"} | ({"Cookie": self.cookie} if self.cookie else {})
        body = content if isinstance(content, bytes) else None if content is None else json.dumps(content)
        link.request(method, path, body, sent | headers)
        reply = link.getresponse()
        raw, kind = reply.read(), reply.headers.get_content_type()
        sent_headers = dict(reply.headers.items())
        link.close()
        if "Set-Cookie" in sent_headers:
            self.cookie = sent_headers["Set-Cookie"].partition(";")[0]
        return reply.status, json.loads(raw) if kind == "application/json" else raw, sent_headers

    def begin(self, nonce: str) -> dict[str, Any]:
        status, state, _ = self.ask("POST", "/api/begin", {"nonce": nonce})
        assert status == 200
        return dict(state)

    def answer(self, state: dict[str, Any], choice: str) -> dict[str, Any]:
        trial = state["trial"]
        for path in trial["pictures"]:
            assert self.ask("GET", path)[0] == 200
        shown = {"key": trial["key"], "showing": "showing 1"}
        assert self.ask("POST", "/api/start", shown)[0] == 200
        time.sleep(0.12)
        assert self.ask("POST", "/api/end", shown)[0] == 200
        given = {"key": trial["key"], "choice": choice, "exposure": 0.12, "reaction": 0.12, "hidden": False, "delay": 0}
        status, reply, _ = self.ask("POST", "/api/answer", given)
        assert status == 200, reply
        return dict(reply["state"])


def serve(path: Path, port: int = 0) -> StudyServer:
    server = StudyServer(Study(path), port=port)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


def stop(server: StudyServer) -> None:
    server.shutdown()
    server.server_close()
    server.study.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[StudyServer]:
    pictures.study(tmp_path, SMALL, pictures.Clock()).close()
    server = serve(tmp_path / "study.db")
    yield server
    stop(server)


def port(server: StudyServer) -> int:
    return int(server.server_address[1])


def test_the_page_and_nothing_from_elsewhere(served: StudyServer) -> None:
    for path, kind in (
        ("", "text/html"),
        ("s/any", "text/html"),
        ("study.js", "text/javascript"),
        ("study.css", "text/css"),
    ):
        with urllib.request.urlopen(served.url + path) as reply:
            text = reply.read().decode()
            assert reply.headers.get_content_type() == kind
            assert "default-src 'self'" in reply.headers["Content-Security-Policy"]
            assert reply.headers["Cache-Control"] == "no-store"
        assert "http://" not in text
        assert "https://" not in text


def test_a_whole_session(served: StudyServer) -> None:
    browser = Browser(port(served))
    assert browser.ask("GET", "/api/state")[1] == {"new": True}
    about = browser.ask("GET", "/api/study")[1]
    assert (about["trials"], about["practice"], about["seconds"], about["size"]) == (10, 2, [0.3, None], [32, 24])
    state = browser.begin("12345678")
    while not state["finished"]:
        state = browser.answer(state, "fake")
    assert (state["judged"], state["right"]) == (8, 4)
    assert browser.ask("GET", "/api/state")[1] == state
    assert served.study.sessions() == (1, 1)


def test_pictures_say_nothing(served: StudyServer) -> None:
    """The same headers and the same number of bytes for every picture; only pixels inside."""
    browser = Browser(port(served))
    state, heads = browser.begin("12345678"), set()
    for _ in range(6):
        _, raw, headers = browser.ask("GET", state["trial"]["pictures"][0])
        with Image.open(io.BytesIO(raw)) as image:
            assert (image.format, image.size, image.mode, image.info) == ("PNG", (24, 32), "RGB", {})
        heads.add(tuple(sorted((name, value) for name, value in headers.items() if name != "Date")))
        state = browser.answer(state, "real")
    assert len(heads) == 1


def test_a_picture_in_a_tab_of_its_own_is_refused(served: StudyServer) -> None:
    state = Browser(port(served)).begin("12345678")
    for trial in (state["trial"], state["next"]):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(served.url.rstrip("/") + trial["pictures"][0])


def test_a_closed_tab_goes_on_by_cookie_and_by_address(served: StudyServer) -> None:
    browser = Browser(port(served))
    state = browser.answer(browser.begin("12345678"), "real")
    assert browser.ask("GET", "/api/state")[1] == state
    stranger = Browser(port(served))
    assert stranger.ask("GET", f"/api/state?session={state['session']}")[1] == state
    assert stranger.ask("GET", "/api/state")[1] == {"new": True}
    stranger.cookie = "study=of-another-study"
    assert stranger.ask("GET", "/api/state")[1] == {"new": True}
    assert stranger.ask("GET", "/api/state?session=unknown")[0] == 404


def test_twice_is_once(served: StudyServer) -> None:
    browser = Browser(port(served))
    state = browser.begin("12345678")
    assert browser.begin("12345678") == state
    after = browser.answer(state, "real")
    given = {
        "key": state["trial"]["key"], "choice": "fake", "exposure": 0.2, "reaction": 0.2, "hidden": False, "delay": 0,
    }  # fmt: skip
    status, reply, _ = browser.ask("POST", "/api/answer", given)
    assert (status, reply["state"]) == (200, after)
    assert [row["choice"] for row in served.study.answers()] == ["real"]


def test_a_restart_in_the_middle(served: StudyServer, tmp_path: Path) -> None:
    browser = Browser(port(served))
    state = browser.answer(browser.begin("12345678"), "real")
    trial = state["trial"]
    browser.ask("GET", trial["pictures"][0])
    shown = {"key": trial["key"], "showing": "showing 1"}
    browser.ask("POST", "/api/start", shown)
    time.sleep(0.3)
    browser.ask("POST", "/api/end", shown)
    stop(served)
    again = serve(tmp_path / "study.db", port(served))
    try:
        given = {"key": trial["key"], "choice": "real", "exposure": 0.3, "reaction": 0.4, "hidden": False, "delay": 0}
        status, reply, _ = browser.ask("POST", "/api/answer", given)
        assert (status, reply["state"]["done"]) == (200, 2)
        assert [row["flags"] for row in again.study.answers()] == [[], []]
    finally:
        stop(again)


def test_two_people_at_once(served: StudyServer) -> None:
    ends: list[dict[str, Any]] = []

    def take_part(nonce: str, choice: str) -> None:
        browser = Browser(port(served))
        state = browser.begin(nonce)
        while not state["finished"]:
            state = browser.answer(state, choice)
        ends.append(state)

    people = [threading.Thread(target=take_part, args=given) for given in (("first 11", "real"), ("second 2", "fake"))]
    for one in people:
        one.start()
    for one in people:
        one.join()
    assert [(state["judged"], state["right"]) for state in ends] == [(8, 4)] * 2
    by = {session: {r["choice"] for r in served.study.answers() if r["session"] == session} for session in (1, 2)}
    assert sorted(by.values(), key=str) == [{"fake"}, {"real"}]
    assert {row["judges"] for row in served.study.answers()} == {"ours", "theirs"}


def test_bad_requests(served: StudyServer) -> None:
    browser = Browser(port(served))
    key = browser.begin("12345678")["trial"]["key"]
    good = {"key": key, "choice": "real", "exposure": 0.2, "reaction": 0.2, "hidden": False, "delay": 0}
    for status, method, path, content in (
        (404, "GET", "/nothing", None),
        (404, "GET", "/../study.db", None),
        (404, "GET", "/picture/x/0", None),
        (404, "GET", f"/picture/{key}/7", None),
        (404, "POST", "/nothing", {}),
        (400, "POST", "/api/begin", {}),
        (400, "POST", "/api/begin", [1]),
        (400, "POST", "/api/begin", b"{"),
        (413, "POST", "/api/begin", b" " * 5000),
        (400, "POST", "/api/answer", good | {"exposure": "0.2"}),
        (400, "POST", "/api/answer", good | {"reaction": float("nan")}),
        (400, "POST", "/api/answer", good | {"reaction": -1}),
        (400, "POST", "/api/answer", good | {"exposure": 10**400}),
        (400, "POST", "/api/answer", good | {"delay": float("inf")}),
        (400, "POST", "/api/answer", good | {"key": "\ud800"}),
        (400, "POST", "/api/start", {"key": key, "showing": "\udfff" * 9}),
        (400, "POST", "/api/begin", {"nonce": "\ud800" * 9}),
        (400, "POST", "/api/begin", b"[" * 4000),
        (400, "GET", "ftp://[", None),
        (400, "POST", "/api/answer", good | {"hidden": 0}),
        (409, "POST", "/api/answer", good),
    ):
        given_status, reply, _ = browser.ask(method, path, content)
        assert (given_status, bool(reply["error"])) == (status, True), (method, path, content)
    # what a form on a page of somebody else could send
    assert browser.ask("POST", "/api/answer", b"{}", **{"Content-Type": "text/plain"})[0] == 415
    assert browser.ask("POST", "/api/answer", b"{}", **{"Content-Length": "9" * 5000})[0] == 413
    assert not served.study.answers()


def test_idle_connections_beyond_the_limit_are_closed(served: StudyServer) -> None:
    """They send nothing; the newest are refused, and held for a second at most."""
    served._connections = 5
    with contextlib.ExitStack() as stack:
        links = [stack.enter_context(socket.create_connection(("127.0.0.1", port(served)), 5)) for _ in range(60)]
        for link in links[5:]:
            got = b"".join(iter(lambda link=link: link.recv(65_536), b""))  # type: ignore[misc]
            assert got.startswith(b"HTTP/1.1 503 ")
            assert b"too many connections" in got
        assert len(served._open) == 5
        links[0].sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert links[0].recv(65_536).startswith(b"HTTP/1.1 200 ")
        links[1].close()
        for _ in range(100):  # the server comes to see it
            if len(served._open) < 5:
                break
            time.sleep(0.01)
        assert Browser(port(served)).ask("GET", "/")[0] == 200


def test_an_unforeseen_error_of_the_file_hangs_nobody(
    served: StudyServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fails(_: object) -> list[Any]:
        raise ArithmeticError("unforeseen")

    browser = Browser(port(served))
    state = browser.begin("12345678")
    with monkeypatch.context() as patch:
        patch.setattr(served.study, "together", fails)
        for _ in range(2):
            status, reply, _ = browser.ask("GET", "/api/state")
            assert (status, reply["error"]) == (500, "the server failed at this request")
    assert "unforeseen" in capfd.readouterr().err
    assert browser.ask("GET", "/api/state")[1] == state


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM of other processes")
def test_sigterm_within_a_request(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The request is answered, the loop ends, and only then the signal has its effect; nothing is logged."""

    def stopped(number: int, frame: object) -> None:
        raise SystemExit(143)

    pictures.study(tmp_path, SMALL, pictures.Clock()).close()
    server = StudyServer(Study(tmp_path / "study.db"))
    about, statuses = server.study.about, []

    def ask() -> None:
        statuses.append(Browser(port(server)).ask("GET", "/api/study")[0])

    def signalled() -> dict[str, Any]:
        signal.raise_signal(signal.SIGTERM)
        return about()

    server.study.about = signalled  # type: ignore[method-assign]
    former, asking = signal.signal(signal.SIGTERM, stopped), threading.Thread(target=ask)
    try:
        asking.start()
        with pytest.raises(SystemExit, match="143"):
            server.serve_forever()
        assert signal.getsignal(signal.SIGTERM) is stopped
    finally:
        signal.signal(signal.SIGTERM, former)
        asking.join()
        server.server_close()
        server.study.close()
    assert statuses == [200]
    assert not caplog.records


def test_nothing_about_a_person_is_kept(served: StudyServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    browser = Browser(port(served))
    agent = "a browser that says its name"
    _, state, _ = browser.ask("POST", "/api/begin", {"nonce": "12345678"}, **{"User-Agent": agent})
    browser.answer(state, "real")
    stop(served)
    stored = b"".join(file.read_bytes() for file in tmp_path.glob("study.db*"))
    assert agent.encode() not in stored
    assert b"127.0.0.1" not in stored
    assert capfd.readouterr() == ("", "")
    again = serve(tmp_path / "study.db", port(served))
    served.study = again.study
    stop(again)


def test_a_taken_port_is_one_clear_line(served: StudyServer, tmp_path: Path) -> None:
    pictures.study(tmp_path / "other", SMALL, pictures.Clock()).close()
    with contextlib.closing(Study(tmp_path / "other" / "study.db")) as other:
        for _ in range(2):  # the file is free again after the first
            with pytest.raises(OSError, match="another --port"):
                StudyServer(other, port=port(served))
        with pytest.raises(OSError, match=r"--host is an address of this machine; a name .* --hosts"):
            StudyServer(other, "203.0.113.9")


def test_a_study_has_one_server(served: StudyServer, tmp_path: Path) -> None:
    """From another process too, and under another name of the file; nothing is changed by the one that is refused."""
    before = (tmp_path / "study.db").read_bytes()
    (tmp_path / "link.db").symlink_to(tmp_path / "study.db")
    with (
        contextlib.closing(Study(tmp_path / "link.db")) as again,
        pytest.raises(ValueError, match=r"study.db: another process is serving this study; .* Nothing was changed"),
    ):
        StudyServer(again)
    assert (tmp_path / "study.db").read_bytes() == before
    assert Browser(port(served)).begin("12345678")["done"] == 0
    stop(served)
    stop(serve(tmp_path / "study.db"))
    assert not list(tmp_path.glob(".*.lock"))
