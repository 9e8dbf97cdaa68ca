"""Hosts, origins, the token, sizes and times: what a request passes before the application. Nothing is computed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from repose.serve.app import create_app
from repose.serve.guard import Guard
from repose.serve.metrics import Metrics
from repose.serve.settings import ServeSettings
from tests.serve.fakes import task


def client(host: str = "localhost", /, **settings: Any) -> TestClient:
    """Of a server whose workers are not started."""
    return TestClient(create_app(ServeSettings(**settings)), base_url=f"http://{host}")


def test_only_known_hosts_are_served() -> None:
    assert client("127.0.0.1:8000").get("/docs").status_code == 200
    assert client("[::1]:8000").get("/docs").status_code == 200
    refused = client("evil.example").get("/docs")
    assert (refused.status_code, refused.json()["where"]) == (400, "header Host")
    assert client("evil.example", host="0.0.0.0").get("/docs").status_code == 400
    named = client("pose.example.org", hosts=("Pose.example.org",))
    assert named.get("/docs").status_code == 200
    assert client("localhost", hosts=("pose.example.org",)).get("/docs").status_code == 400
    assert client("any.thing", hosts=("*",)).get("/docs").status_code == 200


def test_every_answer_has_the_headers() -> None:
    for reply in (client().get("/docs"), client().get("/nothing"), client("evil.example").get("/docs")):
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert "server" not in reply.headers
        assert "access-control-allow-origin" not in reply.headers
    assert client().get("/healthz").headers["cache-control"] == "no-store"


def test_pages_of_other_sites_may_not_post() -> None:
    there = client()
    refused = there.post("/v1/transfer", headers={"Origin": "https://evil.example"})
    assert (refused.status_code, refused.json()["where"]) == (403, "header Origin")
    assert there.post("/v1/transfer", headers={"Origin": "null"}).status_code == 403
    assert there.post("/v1/transfer", headers={"Origin": "http://localhost"}).status_code == 415  # its own page
    assert there.post("/v1/transfer").status_code == 415  # no browser


def test_cors_where_it_is_asked_for() -> None:
    there = client(cors=("https://example.org",))
    asked = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    reply = there.options("/v1/transfer", headers=asked)
    assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (204, "https://example.org")
    assert "POST" in reply.headers["access-control-allow-methods"]
    reply = there.get("/docs", headers={"Origin": "https://example.org"})
    assert reply.headers["access-control-allow-origin"] == "https://example.org"
    assert "Repose-Facts" in reply.headers["access-control-expose-headers"]
    assert there.post("/v1/transfer", headers={"Origin": "https://example.org"}).status_code == 415
    other = there.get("/docs", headers={"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
    assert there.options("/v1/transfer", headers={**asked, "Origin": "https://evil.example"}).status_code == 405


def test_the_token() -> None:
    there = client(token="correct horse")
    for given in ({}, {"Authorization": "Bearer wrong horse"}, {"Authorization": "correct horse"}):
        reply = there.get("/v1/models", headers=given)
        assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
        assert "horse" not in reply.text
    assert there.get("/metrics").status_code == 401
    right = {"Authorization": "Bearer correct horse"}
    assert there.get("/v1/models", headers=right).status_code == 503  # nothing is loaded
    assert there.get("/metrics", headers=right).status_code == 200
    assert there.get("/healthz").status_code == 503
    assert there.get("/docs").status_code == 200
    assert "correct horse" not in repr(ServeSettings(token="correct horse"))


def test_bodies_are_bounded_with_and_without_a_length() -> None:
    there = client(max_bytes=2000)
    files = {"source": bytes(3000)}
    told = there.post("/v1/transfer", files=files)
    assert (told.status_code, told.json()["where"]) == (413, "body")

    def parts() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="source"; filename="a"\r\n\r\n'
        for _ in range(100):
            yield bytes(100)

    chunked = there.post("/v1/transfer", content=parts(), headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert (chunked.status_code, chunked.json()["error"]) == (413, "The request has more than 0.002 MB.")
    wrong = there.post("/v1/transfer", headers={"Content-Length": "many"})
    assert (wrong.status_code, wrong.json()["where"]) == (400, "header Content-Length")


def test_a_body_must_arrive_in_time() -> None:
    sent: list[dict[str, Any]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while True:
            await receive()

    async def never() -> dict[str, Any]:
        await asyncio.sleep(60)
        return {}

    async def keep(message: Any) -> None:
        sent.append(message)

    metrics = Metrics()
    guard = Guard(app, ServeSettings(receive=0.1), metrics, lambda: False)
    scope = {"type": "http", "method": "POST", "path": "/v1/transfer", "headers": [(b"host", b"localhost")]}
    asyncio.run(guard(scope, never, keep))
    assert sent[0]["status"] == 408
    assert b"did not arrive within 0.1 s" in sent[1]["body"]
    assert metrics.answered[408] == 1
    assert 'repose_requests_total{route="/v1/*",method="POST",status="408"} 1' in metrics.text({})


def test_a_full_queue_is_503_with_retry_after(me: bytes) -> None:
    there = client(queue=1)
    there.app.state.service.queue.put(task("a"))  # type: ignore[attr-defined]
    reply = there.post("/v1/estimate", files={"picture": me})
    assert (reply.status_code, reply.json()["error"]) == (503, "The server is busy: 1 requests wait, no more can.")
    assert 1 <= int(reply.headers["retry-after"]) <= 120


def test_a_server_that_stops_takes_nothing_new(me: bytes) -> None:
    there = client()
    there.app.state.service.stop()  # type: ignore[attr-defined]
    reply = there.post("/v1/estimate", files={"picture": me})
    assert (reply.status_code, reply.json()["error"]) == (503, "The server is being stopped.")
    assert there.get("/healthz").json()["stopping"] is True


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"token": "short"}, "--token has 8"),
        ({"cors": ("example.org",)}, "--cors is an origin"),
        ({"cors": ("https://example.org/page",)}, "--cors is an origin"),
        ({"hosts": ("http://example.org",)}, "--hosts is a name"),
        ({"queue": 0}, "--queue is 1 or more"),
        ({"models": ("a/x", "b/x")}, "two models have one name"),
        ({"port": 70000}, "--port is 0 to 65535"),
    ],
)
def test_wrong_settings_are_told(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ServeSettings(**settings)
