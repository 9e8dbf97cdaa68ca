"""What a request passes: names of the server, pages of other sites, limits of sessions, headers of every answer."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from repose.serve.settings import ServeSettings
from repose.study import RefusedError, Study, StudyProtocol, StudyServer, StudySettings
from repose.study.guard import Guard
from repose.study.http import LARGEST, LONGEST_HEAD, SECURITY, Request
from tests.study import pictures
from tests.study.test_server import Browser, port, stop

SMALL = StudyProtocol("small", 1, "realism", (0.3,), pool=3, shown=2, practice=1)


@contextmanager
def serving(place: Path, **settings: object) -> Iterator[StudyServer]:
    if not (place / "study.db").exists():
        pictures.study(place, SMALL, pictures.Clock()).close()
    server = StudyServer(Study(place / "study.db"), settings=StudySettings(**settings))  # type: ignore[arg-type]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        stop(server)


def request(method: str = "POST", peer: str = "192.0.2.7", **headers: str) -> Request:
    given = {"host": "127.0.0.1:8010", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Request(method, "/api/begin", given, b"", True, peer)


def raw(server: StudyServer, sent: bytes) -> tuple[int, dict[str, str], bytes]:
    """Bytes as they are, and the whole answer until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port(server)), timeout=10) as link:
        link.sendall(sent)
        link.shutdown(socket.SHUT_WR)
        got = b"".join(iter(lambda: link.recv(65_536), b""))
    head, _, body = got.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    return int(first.split()[1]), dict(line.split(": ", 1) for line in lines), body


def test_every_answer_has_the_headers(tmp_path: Path) -> None:
    host = "Host: 127.0.0.1\r\n"
    with serving(tmp_path) as server:
        answers = {
            200: f"GET / HTTP/1.1\r\n{host}\r\n", 415: f"POST /api/begin HTTP/1.1\r\n{host}Content-Length: 0\r\n\r\n",
            404: f"GET /nothing HTTP/1.1\r\n{host}\r\n", 405: f"DELETE / HTTP/1.1\r\n{host}\r\n",
            421: "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 400: "nonsense\r\n\r\n",
            431: f"GET / HTTP/1.1\r\n{host}X: {'x' * LONGEST_HEAD}\r\n\r\n",
            413: f"POST /api/begin HTTP/1.1\r\n{host}Content-Length: {LARGEST + 1}\r\n\r\n",
            411: f"POST /api/begin HTTP/1.1\r\n{host}Transfer-Encoding: chunked\r\n\r\n",
            403: f"POST /api/begin HTTP/1.1\r\n{host}Origin: https://evil.example\r\nContent-Length: 0\r\n\r\n",
        }  # fmt: skip
        for status, sent in answers.items():
            got, headers, body = raw(server, sent.encode())
            assert got == status, sent[:60]
            assert SECURITY.items() <= headers.items()
            assert headers["X-Frame-Options"] == "DENY"
            assert status == 200 or json.loads(body)["error"]


def test_requests_that_can_be_read_in_two_ways(tmp_path: Path) -> None:
    heads = (
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b",
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\nContent-Length: 2",
        "GET / HTTP/1.1\r\nHost : 127.0.0.1",
        "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n folded: x",
        "GET / HTTP/2.0\r\nHost: 127.0.0.1",
        "get / HTTP/1.1\r\nHost: 127.0.0.1",
    )
    with serving(tmp_path) as server:
        for head in heads:  # what follows must not be taken for a request
            sent = f"{head}\r\n\r\nGET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
            status, headers, body = raw(server, sent.encode())
            assert (status, headers["Connection"]) == (400, "close")
            assert b"HTTP/1.1" not in body.partition(b"}")[2]


def test_only_its_own_names(tmp_path: Path) -> None:
    guard = Guard(StudySettings(hosts=("Study.example.org",)), "127.0.0.1")
    for host in ("127.0.0.1:8010", "localhost", "[::1]:9", "study.example.org", "STUDY.example.org:443"):
        guard.check(request("GET", host=host))
    for host in ("", "evil.example", "evil.example:8010", "127.0.0.1.evil.example", "study.example.org.evil.example"):
        with pytest.raises(RefusedError, match=r"not called .*--hosts") as caught:
            guard.check(request("GET", host=host))
        assert caught.value.status == 421
    Guard(StudySettings(hosts=("*",)), "127.0.0.1").check(request("GET", host="any.thing"))
    everywhere = Guard(StudySettings(), "0.0.0.0")
    everywhere.check(request("GET", host=socket.gethostname()))  # of this machine, for phones in its network
    with pytest.raises(RefusedError, match="not called"):
        everywhere.check(request("GET", host="evil.example"))
    with serving(tmp_path) as server:
        assert Browser(port(server)).ask("GET", "/", Host="evil.example")[0] == 421


def test_pages_of_other_sites_may_not_post() -> None:
    guard = Guard(StudySettings(hosts=("study.example.org", "*")), "127.0.0.1")
    for origin in ("https://evil.example", "null", "http://127.0.0.1:8011", "http://[", "x"):
        with pytest.raises(RefusedError, match="may not use this study") as caught:
            guard.check(request(origin=origin))
        assert caught.value.status == 403
        guard.check(request("GET", origin=origin))  # which changes nothing
    guard.check(request())  # no browser
    guard.check(request(origin="http://127.0.0.1:8010"))
    # a proxy calls the server by another name than the browser called the proxy
    guard.check(request(origin="https://study.example.org"))


def test_sessions_of_an_address() -> None:
    now = [0.0]
    guard = Guard(StudySettings(per_address=2), "127.0.0.1", lambda: now[0])
    for nonce in ("one", "two", "two", "one"):  # a request that is repeated is one session
        guard.reserve(request(), nonce)
    with pytest.raises(RefusedError, match=r"as it may in an hour \(2\); try again in 60 minutes") as caught:
        guard.reserve(request(), "three")
    assert (caught.value.status, caught.value.retry) == (429, 3600)
    guard.reserve(request(peer="192.0.2.8"), "four")
    now[0] = 3600.0
    undo = guard.reserve(request(), "five")
    guard.reserve(request(), "six")
    undo()  # it was not begun
    guard.reserve(request(), "seven")
    # one network of IPv6 is one visitor
    for nonce in ("eight", "nine"):
        guard.reserve(request(peer=f"2001:db8:1:2::{len(nonce)}"), nonce)
    with pytest.raises(RefusedError):
        guard.reserve(request(peer="2001:db8:1:2:3::4"), "ten")
    guard.reserve(request(peer="2001:db8:1:3::4"), "ten")
    assert b"192.0.2" not in repr(guard._begun).encode()


def test_what_a_proxy_says_is_believed_only_where_there_is_one() -> None:
    said = request(x_forwarded_for="203.0.113.1, 203.0.113.9", x_forwarded_proto="https")
    alone, behind = (Guard(StudySettings(proxy=proxy), "127.0.0.1") for proxy in (False, True))
    assert (alone.visitor(said), alone.secure(said)) == ("192.0.2.7", False)
    assert (behind.visitor(said), behind.secure(said)) == ("203.0.113.9", True)
    assert not behind.secure(request())
    assert not behind.secure(request(x_forwarded_proto="https, http"))


@pytest.mark.parametrize(
    ("address", "visitor"),
    [
        ("203.0.113.9:5678", "203.0.113.9"),
        ("[2001:db8:1:2::3]:5678", "2001:db8:1:2::/64"),
        ("[2001:db8:1:2::3]", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::3", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("unknown", "unknown"),
    ],
)
def test_visitors_have_no_ports(address: str, visitor: str) -> None:
    behind = Guard(StudySettings(proxy=True), "127.0.0.1")
    assert behind.visitor(request(x_forwarded_for=f"198.51.100.1, {address}")) == visitor
    if ":" not in address or not address.endswith(("5678", "]")):  # the peer of a connection is an address alone
        assert Guard(StudySettings(), "::").visitor(request(peer=address)) == visitor


def test_the_last_of_repeated_lines_is_the_proxys(tmp_path: Path) -> None:
    """HAProxy appends a line of its own and leaves those of the client."""
    with serving(tmp_path, per_address=1, proxy=True) as server:
        for number, status in enumerate((200, 429)):
            body = json.dumps({"nonce": f"nonce {number:02}"})
            code, headers, _ = raw(
                server,
                f"POST /api/begin HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                f"X-Forwarded-For: 198.51.100.{number}\r\nX-Forwarded-Proto: https\r\n"
                f"X-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: http\r\n"
                f"Content-Length: {len(body)}\r\n\r\n{body}".encode(),
            )
            assert code == status
            assert "Secure" not in headers.get("Set-Cookie", "")
            if status == 200:
                name = headers["Set-Cookie"].partition(";")[0]
        code, _, reply = raw(
            server, f"GET /api/state HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: a=b\r\nCookie: {name}\r\n\r\n".encode()
        )
        assert (code, json.loads(reply)["done"]) == (200, 0)


def test_addresses_of_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    def known(name: str, port: None, family: int) -> list[tuple[object, ...]]:
        given = ("2001:db8::7", "fe80::1%eth0") if family == socket.AF_INET6 else ("192.0.2.7",)
        return [(family, 0, 0, "", (one, 0)) for one in given]

    monkeypatch.setattr(socket, "getaddrinfo", known)
    for host in ("[2001:db8::7]:8010", "192.0.2.7:8010", "[::1]:8010"):
        Guard(StudySettings(), "::").check(request("GET", host=host))
    for host, asked in (("0.0.0.0", "[2001:db8::7]:8010"), ("::", "[fe80::1]:8010"), ("::", "[2001:db8::8]:8010")):
        with pytest.raises(RefusedError, match="not called"):
            Guard(StudySettings(), host).check(request("GET", host=asked))


def test_limits_and_cookies_over_http(tmp_path: Path) -> None:
    with serving(tmp_path, sessions=2, per_address=3, proxy=True) as server:
        ask = Browser(port(server)).ask
        https = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
        status, _, headers = ask("POST", "/api/begin", {"nonce": "nonce 01"}, **https)
        assert (status, headers["Set-Cookie"].endswith("; HttpOnly; SameSite=Strict; Secure")) == (200, True)
        status, _, headers = ask("POST", "/api/begin", {"nonce": "nonce 02"})
        assert (status, "Secure" in headers["Set-Cookie"]) == (200, False)
        for _ in range(3):  # refused ones do not count as begun
            status, reply, headers = ask("POST", "/api/begin", {"nonce": "nonce 03"}, **https)
            assert (status, headers["Retry-After"]) == (503, "300")
            assert "as many people take part as this study takes at once (2)" in reply["error"]
        assert ask("POST", "/api/begin", {"nonce": "nonce 01"}, **https)[0] == 200  # the same one again
    with serving(tmp_path, per_address=1) as server:
        ask = Browser(port(server)).ask
        assert ask("POST", "/api/begin", {"nonce": "nonce 04"})[0] == 200
        status, reply, headers = ask("POST", "/api/begin", {"nonce": "nonce 05"})
        assert (status, 0 < int(headers["Retry-After"]) <= 3600) == (429, True)
        assert "as it may in an hour (1); try again in 60 minutes" in reply["error"]
        assert server.study.sessions() == (3, 0)


@pytest.mark.parametrize("settings", [StudySettings, ServeSettings])
@pytest.mark.parametrize(
    ("host", "said"),
    [
        ("https://example.org", r"a name of a host, such as \w+\.example\.org, not 'https://example.org'"),
        (" ", "a name of a host"),
        ("example.org:8080", "a name without a port, which may be any: 'example.org', not 'example.org:8080'"),
        ("[2001:db8::1]:80", r"without a port, which may be any: '\[2001:db8::1\]'"),
        ("2001:db8::1", r"an address of IPv6 in brackets: '\[2001:db8::1\]', not '2001:db8::1'"),
    ],
)
def test_a_name_that_no_request_could_have(settings: Callable[..., object], host: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        settings(hosts=(host,))
    for good in ("Example.org", "example", "192.0.2.1", "[2001:db8::1]", "*"):
        settings(hosts=(good,))


def test_settings_that_cannot_be() -> None:
    for wrong in ({"hosts": ("http://a/b",)}, {"sessions": -1}, {"connections": 0}):
        with pytest.raises(ValueError, match=r"--hosts|--sessions"):
            StudySettings(**wrong)  # type: ignore[arg-type]
