"""The process of `repose web`: port, hosts, the page and the routes in one application, and how it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("gradio", reason="no Gradio: pip install -e '.[web]'")

from fastapi.testclient import TestClient

from repose import load
from repose.serve.settings import ServeSettings
from repose.web.live import Live
from repose.web.posing import Models
from repose.web.run import PortTakenError, create_app, own_hosts, require_port
from tests import tiny


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save(tmp_path_factory.mktemp("run") / "tiny")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[TestClient]:
    live = Live(Models.of({"tiny": load(folder)}))
    settings = ServeSettings(workers=1, hosts=(*own_hosts("127.0.0.1"), "proxy.example"))
    yield TestClient(create_app(live, settings), base_url="http://127.0.0.1", raise_server_exceptions=False)
    live.close()


def test_a_taken_port_proposes_the_next_free_one() -> None:
    with require_port("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(
            PortTakenError, match=rf"port {port} of 127.0.0.1 cannot be used .*; (\d+) is free"
        ) as error:
            require_port("127.0.0.1", port)
        free = re.search(r"--port (\d+)", str(error.value))
        assert free is not None
        require_port("127.0.0.1", int(free[1])).close()


def test_a_host_of_somebody_else() -> None:
    with pytest.raises(OSError, match="try another --host or --port"):
        require_port("192.0.2.77", 0)


def test_the_page_and_the_routes_are_one_application(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "data-part" in page.text, "the editor is part of the page"
    assert client.get("/live/start").json()["models"] == ["tiny"]
    assert client.get("/live/example").headers["Content-Type"] == "image/webp"
    assert client.get("/docs").status_code == 404


def test_names_of_hosts(client: TestClient) -> None:
    for host, status in (("localhost:80", 200), ("proxy.example", 200), ("stranger.example", 400)):
        assert client.get("/live/start", headers={"Host": host}).status_code == status
    assert client.get("/", headers={"Host": "stranger.example"}).status_code == 400
    posted = client.post("/live/photograph", headers={"Origin": "http://stranger.example", "Repose-Page": "1"})
    assert posted.status_code == 403
    assert own_hosts("127.0.0.1") == ("localhost", "127.0.0.1", "[::1]", "127.0.0.1")
    assert "stranger.example" not in own_hosts("0.0.0.0")


def test_the_page_asks_no_other_host(client: TestClient) -> None:
    """What a browser fetches of a page: sources and style sheets; addresses in texts are no requests."""
    fetched = re.findall(r"""(?:src|href)=["'](https?://[^"']+)""", client.get("/").text)
    assert not [one for one in fetched if not one.startswith("http://127.0.0.1")]


@pytest.mark.skipif(os.name != "posix", reason="signals are sent as on Unix")
def test_the_command_says_where_it_is_and_ends_quietly(folder: Path) -> None:
    words = [sys.executable, "-m", "repose", "web", "-m", str(folder), "--port", "0", "--no-open", "--mask", "none"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(words, env=environment, **pipes) as process:  # type: ignore[call-overload]
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+/", line)
        if not found:
            said = process.communicate()[1]
            if "movenet" in said.lower():
                pytest.skip(f"no estimator of joints here: {said.strip()[:100]}")
            raise AssertionError(said)
        assert urllib.request.urlopen(found[0] + "live/start").status == 200
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert rest == "repose web: ended; its photographs are forgotten\n"
    assert "Traceback" not in errors
