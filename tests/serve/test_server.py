"""The whole server: its port, its signals, and the command as a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from repose.serve import workers
from repose.serve.server import serve
from repose.serve.settings import ServeSettings
from tests.serve import fakes


def test_a_port_in_use_is_told_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"cannot serve on 127.0.0.1:{port}: .+; choose another --port"):
            serve(ServeSettings(port=port))


def test_a_model_that_is_not_there_ends_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "worker_main", fakes.failing)
    with pytest.raises(RuntimeError, match="no weights are called 'x'"):
        serve(ServeSettings(port=0, workers=1, models=("x",)))


@pytest.mark.parametrize(("which", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_lets_what_is_in_work_finish(
    which: signal.Signals, status: int, monkeypatch: pytest.MonkeyPatch, me: bytes
) -> None:
    """The worker sleeps a while for each request; three are accepted, then the signal comes."""
    monkeypatch.setattr(workers, "worker_main", fakes.slow)
    said: list[str] = []
    replies: list[httpx.Response] = []
    late: list[httpx.Response] = []

    def visit(address: str, replies: list[httpx.Response]) -> None:
        replies.append(httpx.post(f"{address}v1/estimate", files={"picture": me}, timeout=30))

    def visitors() -> None:
        address = re.search(r"http://127.0.0.1:\d+/", said[0])[0]  # type: ignore[index]
        threads = [threading.Thread(target=visit, args=(address, replies)) for _ in range(3)]
        for thread in threads:
            thread.start()
        while httpx.get(f"{address}healthz").json()["waiting"] < 2:
            time.sleep(0.01)
        os.kill(os.getpid(), which)
        while not httpx.get(f"{address}healthz").json()["stopping"]:
            time.sleep(0.01)
        visit(address, late)
        for thread in threads:
            thread.join()

    thread = threading.Thread(target=visitors)

    def say(text: str) -> None:
        said.append(text)
        if len(said) == 1:
            thread.start()

    assert serve(ServeSettings(port=0, workers=1), say) == status
    thread.join(30)
    assert [reply.status_code for reply in replies] == [200, 200, 200]
    assert [reply.status_code for reply in late] == [503]
    assert said[1] == "repose serve: stopped after 3 requests and 1 error"


def test_a_client_that_sends_too_much_sees_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "worker_main", fakes.stuck)
    said: list[str] = []
    replies: list[httpx.Response] = []

    def visitor() -> None:
        address = re.search(r"http://127.0.0.1:\d+/", said[0])[0]  # type: ignore[index]
        try:
            replies.append(httpx.post(f"{address}v1/transfer", files={"source": bytes(6_000_000)}, timeout=30))
        finally:
            os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=visitor)

    def say(text: str) -> None:
        said.append(text)
        if len(said) == 1:
            thread.start()

    serve(ServeSettings(port=0, workers=1, max_bytes=1_000_000), say)
    thread.join(30)
    assert (replies[0].status_code, replies[0].json()["error"]) == (413, "The request has more than 1 MB.")


def test_what_takes_longer_than_the_grace_is_refused(monkeypatch: pytest.MonkeyPatch, me: bytes) -> None:
    monkeypatch.setattr(workers, "worker_main", fakes.stuck)
    said: list[str] = []
    replies: list[httpx.Response] = []

    def visitor() -> None:
        address = re.search(r"http://127.0.0.1:\d+/", said[0])[0]  # type: ignore[index]

        def stop() -> None:
            while not httpx.get(f"{address}healthz").json()["in_work"]:
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=stop).start()
        replies.append(httpx.post(f"{address}v1/estimate", files={"picture": me}, timeout=30))

    thread = threading.Thread(target=visitor)

    def say(text: str) -> None:
        said.append(text)
        if len(said) == 1:
            thread.start()

    assert serve(ServeSettings(port=0, workers=1, grace=0.2), say) == 0
    thread.join(30)
    assert replies[0].status_code == 503
    assert "1 were not finished in time" in said[1]


def test_the_command(weights: Path, me: bytes, known: dict[str, str], tmp_path: Path) -> None:
    """`repose serve` from the shell: a picture, a network that is not here, SIGTERM."""
    command = [
        sys.executable,
        "-m",
        "repose",
        "serve",
        str(weights),
        "--port",
        "0",
        "--workers",
        "1",
        "--device",
        "cpu",
    ]
    environment = {**os.environ, "REPOSE_OFFLINE": "1", "REPOSE_CACHE": str(tmp_path), "TMPDIR": str(tmp_path)}
    environment.pop("REPOSE_FILES", None)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        first = server.stdout.readline()
        assert first.startswith("repose serve: tiny on http://127.0.0.1:")
        address = re.search(r"http://127.0.0.1:\d+/", first)[0]  # type: ignore[index]
        data: dict[str, Any] = {**known, "mask": "none", "format": "jpeg"}
        reply = httpx.post(f"{address}v1/transfer", files={"source": me}, data=data, timeout=60)
        assert (reply.status_code, reply.headers["content-type"]) == (200, "image/jpeg"), reply.text
        assert json.loads(reply.headers["Repose-Facts"])["notes"] == []
        assert "server" not in reply.headers
        missing = httpx.post(f"{address}v1/estimate", files={"picture": me}, timeout=60)
        assert (missing.status_code, "lacks a network" in missing.json()["error"]) == (501, True)
        server.send_signal(signal.SIGTERM)
        assert server.stdout.read() == "repose serve: stopped after 1 request and 1 error\n"
        assert server.wait(20) == 0
        assert "Traceback" not in server.stderr.read()
    assert not list(tmp_path.glob("repose-*"))
