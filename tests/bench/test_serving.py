"""The benchmark of a server: what visitors count, the line, and the table."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from rich.console import Console

from repose.bench.serving.measure import PARTS, ServingCost
from repose.bench.serving.run import measure_serving
from repose.bench.serving.table import print_serving, read_serving, serving_table
from repose.bench.serving.visitors import form, visit
from repose.record import stamp

SUMMARY: dict[str, Any] = {
    "served": 118, "refused": 7, "errors": 0, "first_errors": [], "seconds": 61.0, "rate": 1.93, "p50": 50.5,
    "p99": 58.2, "mean_batch": 2.5, "processor": 0.98,
}  # fmt: skip
NUMBERS: dict[str, dict[str, Any]] = {
    "load": {"visitors": 100, "asked_seconds": 60, **SUMMARY},
    "batching": {"rounds": 3, "requests": 24, "ways": {"1": SUMMARY, "4": {**SUMMARY, "rate": 2.11}}},
    "memory": {"requests": 10000, "errors": 0, "rate": 41.0, "resident": [8e8 + k * 1e6 for k in range(11)]},
    "kill": {"visitors": 8, "kills": 3, "held": 9, "again": 9, "lost": 0, "served": 60, "errors": [], "restarts": 3,
             "back": 4.5},
}  # fmt: skip


def cost(part: str) -> ServingCost:
    return ServingCost(part, "default", "8 rendered people", 2, 2, NUMBERS[part])


def test_lines_and_the_table() -> None:
    lines = [json.loads(json.dumps(stamp() | cost(part).line())) for part in PARTS]
    assert [read_serving(line) for line in lines] == [cost(part) for part in PARTS]
    table = serving_table(lines)
    assert "| 100 | 61 | 118 | 50.5 | 58.2 | 1.93 | 0.98 | 2.5 | 7 | 0 |" in table
    assert "| 4 | 2.11 | 0.980 |" in table
    assert "| 10,000 | 800 | 801 | 805 | 810 | 41 | 0 |" in table
    assert "| 8 | 3 | 9 | 9 | 0 | 60 | 4.5 |" in table
    screen = io.StringIO()
    for part in PARTS:
        print_serving(cost(part), Console(file=screen, width=200))
    assert "58.2" in screen.getvalue()
    with pytest.raises(ValueError, match="no line of `repose bench serving`"):
        serving_table([])
    del lines[0]["numbers"]
    with pytest.raises(ValueError, match="numbers"):
        serving_table(lines[:1])


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="did you mean 'load'"):
        list(measure_serving(["loud"]))


class _Server(BaseHTTPRequestHandler):
    """Refuses every third request, fails at one that says so, and serves the others."""

    protocol_version = "HTTP/1.1"
    count = 0
    lock = threading.Lock()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.lock:
            _Server.count += 1
            number = _Server.count
        if b"fail" in body:
            self._send(422, b"{}", {})
        elif number % 3 == 0:
            self._send(503, b"{}", {"Retry-After": "0"})
        else:
            self._send(200, b"picture", {"Repose-Facts": json.dumps({"batch": 2, "attempts": 2})})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield ("127.0.0.1", server.server_address[1])
        server.shutdown()


def test_a_503_is_sent_again_and_counted(address: tuple[str, int]) -> None:
    _Server.count = 0
    found = visit(address, [form({"source": b"me"}, {"model": "x"})], visitors=3, requests=10)
    assert len(found.seconds) == 10
    assert (found.refused, found.errors, found.unserved) == (_Server.count - 10, [], 0)
    assert 4 <= found.refused <= 5  # every third of 14 or 15
    assert found.batches == [2] * 10
    assert found.again == 10
    failed = visit(address, [form({}, {"target": "fail"})], visitors=1, requests=2)
    assert failed.errors == ["422: {}"] * 2
    assert visit(address, [form({}, {})], visitors=2, seconds=0.0).seconds == []
