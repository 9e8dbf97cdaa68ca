"""Videos: a job from its beginning to its end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from repose.serve import jobs
from repose.serve.app import create_app
from repose.serve.errors import RefusedError
from repose.serve.forms import video_fields, video_job
from repose.serve.settings import ServeSettings
from repose.serve.video import compute_video
from tests import tiny
from tests.serve import fakes
from tests.serve.conftest import joints


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(jobs, "video_main", fakes.video)
    made = TestClient(create_app(ServeSettings(jobs=2)), base_url="http://localhost")  # no worker is started
    yield made
    made.app.state.service.jobs.close()  # type: ignore[attr-defined]


def wait_for(client: TestClient, address: str, when: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        told = dict(client.get(address).json())
        if when(told):
            return told
        time.sleep(0.01)
    raise AssertionError(f"nothing came of {address}: {told}")


def ended(told: dict[str, Any]) -> bool:
    return told["state"] not in ("waiting", "running")


def test_a_job_is_done_fetched_and_removed(client: TestClient, me: bytes) -> None:
    reply = client.post("/v1/video", files={"source": me}, data={"motion": "walk", "format": "gif"})
    assert reply.status_code == 202
    address = reply.headers["location"]
    assert address == reply.json()["status"]
    told = wait_for(client, address, ended)
    assert (told["state"], told["facts"], told["progress"]["total"]) == ("done", {"frames": 2}, 2)
    result = client.get(told["result"])
    assert (result.content, result.headers["content-type"]) == (b"GIF89a", "image/gif")
    folder = client.app.state.service.jobs.get(told["id"]).folder  # type: ignore[attr-defined]
    assert folder.is_dir()
    assert client.delete(address).status_code == 204
    assert not folder.exists()
    assert client.get(address).status_code == 404
    assert client.delete(address).status_code == 404


def test_a_job_that_fails_says_why(client: TestClient, me: bytes) -> None:
    address = client.post("/v1/video", files={"source": me}, data={"motion": "wave"}).headers["location"]
    told = wait_for(client, address, ended)
    assert (told["state"], told["error"], told["where"]) == ("failed", "No person was found.", "source")
    result = client.get(f"{address}/result")
    assert (result.status_code, "No person was found." in result.json()["error"]) == (409, True)
    address = client.post("/v1/video", files={"source": me}, data={"motion": "dance"}).headers["location"]
    assert "The process that computed this video ended" in wait_for(client, address, ended)["error"]


def test_jobs_wait_are_bounded_stop_and_are_told(client: TestClient, me: bytes) -> None:
    service = client.app.state.service  # type: ignore[attr-defined]
    first, second = (
        client.post("/v1/video", files={"source": me}, data={"motion": "turn"}).headers["location"] for _ in range(2)
    )
    told = wait_for(client, first, lambda told: bool(told["progress"]["done"]))
    assert (told["state"], client.get(second).json()["state"]) == ("running", "waiting")
    full = client.post("/v1/video", files={"source": me}, data={"motion": "walk"})
    assert (full.status_code, full.headers["retry-after"]) == (503, "60")
    process = service.jobs._process
    assert client.delete(first).status_code == 204
    end = time.monotonic() + 30
    while client.get(second).json()["state"] != "running" and time.monotonic() < end:
        time.sleep(0.01)
    with pytest.raises(ValueError, match="closed"):
        process.is_alive()
    service.stop()
    told = client.get(second).json()
    assert (told["state"], told["error"]) == ("stopped", "The server was stopped before the video was done.")
    folder = service.jobs.get(told["id"]).folder
    service.jobs.close()
    assert not folder.parent.exists()


def test_old_results_are_forgotten_and_make_room(
    client: TestClient, me: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    addresses = []
    for _ in range(3):
        reply = client.post("/v1/video", files={"source": me}, data={"motion": "walk"})
        addresses.append(reply.headers["location"])
        wait_for(client, addresses[-1], ended)
    assert [client.get(address).status_code for address in addresses] == [404, 200, 200]
    now = time.monotonic()
    monkeypatch.setattr(jobs.time, "monotonic", lambda: now + 3700)
    client.app.state.service.jobs.tidy()  # type: ignore[attr-defined]
    assert [client.get(address).status_code for address in addresses[1:]] == [404, 404]


@pytest.mark.parametrize(
    ("files", "data", "status", "where"),
    [
        ({}, {}, 400, "clip"),
        ({"clip": b"x"}, {"motion": "walk"}, 400, "clip"),
        ({}, {"motion": "jump"}, 400, "motion"),
        ({"clip": b"hello"}, {}, 415, "clip"),
        ({}, {"motion": "walk", "background": "transparent"}, 400, "format"),
        ({}, {"motion": "walk", "size": "9000"}, 400, "size"),
        ({}, {"clip": "http://example.org/a.mp4"}, 400, "clip"),
    ],
)
def test_wrong_videos_are_refused_at_once(
    client: TestClient, me: bytes, files: dict[str, bytes], data: dict[str, str], status: int, where: str
) -> None:
    reply = client.post("/v1/video", files={"source": me, **files}, data=data)
    assert (reply.status_code, reply.json()["where"]) == (status, where)


def test_a_video_is_computed(weights: Path, me: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("av", reason="PyAV, the extra video, is not installed")
    tiny.seeing(monkeypatch)
    settings = ServeSettings(models=(str(weights),), device="cpu")
    rows = [[[*point, 1] for point in [*json.loads(joints(15 + k, 20, 160)), [50, 60]]] for k in range(3)]
    people = {f"{number:03d}": one for number, one in enumerate(rows)}
    clip = json.dumps({"format": "repose-keypoints", "version": 1, "size": [200, 100], "people": people})
    values = {name: field.default for name, field in video_fields(("tiny",), 30).items()}
    values |= {"format": "webp", "background": "white", "rate": 5.0}
    said: list[tuple[str, int, int | None]] = []
    for name, content, expected in (("good", clip, ""), ("bad", "[{}]", "the clip")):
        folder = tmp_path / name
        folder.mkdir()
        stored, options = video_job({"source": me, "clip": content.encode()}, values, 1_000_000)
        for file, (suffix, data) in stored.items():
            (folder / f"{file}{suffix}").write_bytes(data)
        told = compute_video(settings, folder, options, lambda *progress: said.append(progress))
        if expected:
            assert isinstance(told, RefusedError)
            assert told.status == 422
            assert str(tmp_path) not in told.error
        else:
            assert isinstance(told, dict)
            assert (told["frames"], told["height"], told["width"]) == (3, 200, 100)
            assert (folder / "result.webp").read_bytes()[8:12] == b"WEBP"
    assert ("posing", 3, 3) in said
