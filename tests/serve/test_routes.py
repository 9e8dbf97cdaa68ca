"""Every route of the server, with a tiny model in this process."""

from __future__ import annotations

import base64
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
from fastapi.testclient import TestClient

from repose.images.results import is_result
from repose.pipeline import load, transfer
from repose.represent.pose_files import read_keypoints
from repose.serve import forms
from tests import tiny
from tests.serve.conftest import encoded


def picture(content: bytes) -> np.ndarray:
    return np.asarray(PIL.Image.open(io.BytesIO(content)))


def facts(reply: Any) -> dict[str, Any]:
    return dict(json.loads(reply.headers["Repose-Facts"]))


def test_a_transfer_is_what_the_library_gives(
    client: TestClient, me: bytes, dancer: bytes, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.seeing(monkeypatch)
    reply = client.post("/v1/transfer", files={"source": me, "target": dancer})
    assert (reply.status_code, reply.headers["content-type"]) == (200, "image/png")
    told = facts(reply)
    assert (told["model"], told["width"], told["height"], told["batch"]) == ("tiny", 100, 200, 1)
    wanted = transfer(picture(me), picture(dancer), load(weights))
    apart = np.abs(picture(reply.content).astype(int) - wanted)
    assert apart.max() <= 1, "the library makes levels at once, the server rounds floats"
    assert not np.array_equal(wanted, picture(me))


def test_formats_and_options(client: TestClient, me: bytes, known: dict[str, str]) -> None:
    def post(**data: str) -> Any:
        return client.post("/v1/transfer", files={"source": me}, data={**known, **data})

    reply = post(format="jpeg", size="100", quality="80")
    assert reply.headers["content-type"] == "image/jpeg"
    assert PIL.Image.open(io.BytesIO(reply.content)).size == (50, 100)
    assert post(format="jpeg", size="100", quality="80").content == reply.content, "nothing is random"
    reply = post(background="transparent", format="webp")
    assert (reply.headers["content-type"], PIL.Image.open(io.BytesIO(reply.content)).mode) == ("image/webp", "RGBA")
    beach = encoded(np.full((50, 50, 3), (10, 200, 30), np.uint8))
    reply = client.post("/v1/transfer", files={"source": me, "background": beach}, data=known)
    assert picture(reply.content)[5, 5].tolist() == [10, 200, 30]
    accept = {"Accept": "application/json"}
    reply = client.post("/v1/transfer", files={"source": me}, data={**known, "background": "white"}, headers=accept)
    told = reply.json()
    assert (told["media_type"], told["facts"]["height"]) == ("image/png", 200)
    assert picture(base64.b64decode(told["picture"])).shape == (200, 100, 3)


def test_metadata_of_the_photograph_is_left_out(client: TestClient, me: bytes, known: dict[str, str]) -> None:
    buffer, exif = io.BytesIO(), PIL.Image.Exif()
    exif[0x010E] = "where I live"
    PIL.Image.open(io.BytesIO(me)).save(buffer, "JPEG", exif=exif, quality=100, subsampling=0)
    data = {**known, "format": "jpeg", "background": "white"}
    reply = client.post("/v1/transfer", files={"source": buffer.getvalue()}, data=data)
    assert reply.status_code == 200
    assert b"where I live" in buffer.getvalue()
    assert b"where I live" not in reply.content


def test_a_result_has_the_mark_of_results(client: TestClient, me: bytes, known: dict[str, str], tmp_path: Path) -> None:
    for kind in ("png", "jpeg", "webp"):
        reply = client.post("/v1/transfer", files={"source": me}, data={**known, "format": kind, "background": "white"})
        (tmp_path / f"a.{kind}").write_bytes(reply.content)
        assert is_result(tmp_path / f"a.{kind}")


def test_an_estimate_is_a_pose_file_that_repose_reads(
    client: TestClient, me: bytes, dancer: bytes, known: dict[str, str], tmp_path: Path
) -> None:
    reply = client.post("/v1/estimate", files={"picture": dancer})
    assert reply.status_code == 200
    file = tmp_path / "pose.json"
    file.write_bytes(reply.content)
    joints = read_keypoints(file)["person-0"]
    assert joints.shape == (18, 3)
    told = reply.json()
    assert (told["size"], list(told["scores"]), list(told["boxes"])) == ([200, 100], ["person-0"], ["person-0"])
    # as a target it is the same as a file, and as text
    data = {"source_keypoints": known["source_keypoints"], "background": "white"}
    one = client.post("/v1/transfer", files={"source": me, "target": reply.content}, data=data)
    other = client.post("/v1/transfer", files={"source": me}, data={**data, "target": reply.text})
    assert one.status_code == 200
    assert one.content == other.content
    nobody = client.post("/v1/estimate", files={"picture": encoded(np.zeros((64, 64, 3), np.uint8))})
    assert (nobody.status_code, nobody.json()["people"]) == (200, {})


def test_room_is_bounded(client: TestClient, me: bytes, known: dict[str, str]) -> None:
    wide = np.asarray(json.loads(known["target"]))
    wide[9] = [3000, 0]  # a wrist far beyond the picture
    data = {**known, "target": json.dumps(wide.tolist()), "background": "white", "retarget": "no", "room": "yes"}
    refused = client.post("/v1/transfer", files={"source": encoded(tiny.photograph())}, data=data)
    assert (refused.status_code, refused.json()["where"]) == (413, "room")
    fits = client.post("/v1/transfer", files={"source": me}, data=data)  # a small photograph grows as far as it may
    assert picture(fits.content).shape[1] > 150


def test_a_pose_file_is_bounded(client: TestClient, me: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forms, "MAX_POSE_FILE", 100)
    refused = client.post("/v1/transfer", files={"source": me, "target": b"{" + bytes(100)})
    assert refused.status_code == 415  # no text
    refused = client.post("/v1/transfer", files={"source": me, "target": b"{" + b" " * 100})
    assert (refused.status_code, refused.json()["where"]) == (413, "target")


def test_maps_of_an_estimate(client: TestClient, me: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    from repose.estimate import ESTIMATORS

    monkeypatch.setitem(ESTIMATORS, "mask", {"left": "tests.serve.test_routes:LeftHalf"})
    reply = client.post("/v1/estimate", files={"picture": me}, data={"fields": "mask", "person": "largest"})
    mask = picture(base64.b64decode(reply.json()["mask"]["person-0"]))
    assert (mask[:, :50] == 255).all()
    assert (mask[:, 50:] == 0).all()


class LeftHalf:
    """The person is in the left half."""

    name = "left"

    def mask(self, image: np.ndarray, keypoints: Any) -> Any:
        import torch

        found = torch.zeros(1, *image.shape[:2])
        found[..., : image.shape[1] // 2] = 1
        return found


def test_a_pose_file_with_several_poses(client: TestClient, me: bytes, known: dict[str, str]) -> None:
    pose = np.asarray([*json.loads(known["target"]), [50, 50]])
    rows = np.column_stack([pose, np.ones(18)]).tolist()
    file = {"format": "repose-keypoints", "version": 1, "size": None, "people": {"person-0": rows, "other": rows}}
    files = {"source": me, "target": json.dumps(file).encode()}
    data = {"source_keypoints": known["source_keypoints"], "background": "white"}
    refused = client.post("/v1/transfer", files=files, data=data)
    assert (refused.status_code, refused.json()["where"]) == (422, "target")
    assert "holds 2 poses (person-0, other" in refused.json()["error"]
    assert client.post("/v1/transfer", files=files, data={**data, "target_name": "other"}).status_code == 200
    assert (
        "Did you mean 'other'?" in client.post("/v1/transfer", files=files, data={**data, "target_name": "othr"}).text
    )


def test_models_health_and_numbers(client: TestClient, me: bytes) -> None:
    (model,) = client.get("/v1/models").json()["models"]
    assert (model["weights"], model["recipe"], model["reads"]["target"]) == ("tiny", "patn-s", ["keypoints"])
    assert model["canvas"] == {"name": "market", "height": 128, "width": 64}
    health = client.get("/healthz")
    assert (health.status_code, health.json()["ready"]) == (200, True)
    client.get("/v1/jobs/nothing")
    text = client.get("/metrics").text
    values = {}
    for line in text.splitlines():
        if line.startswith("#"):
            assert re.fullmatch(r"# (HELP \w+ .+|TYPE \w+ (counter|gauge|histogram))", line), line
        else:
            match = re.fullmatch(r'(\w+(?:\{\w+="[^"]*"(?:,\w+="[^"]*")*\})?) (-?[\d.e+]+)', line)
            assert match, line
            values[match[1]] = float(match[2])
    assert values['repose_requests_total{route="/v1/models",method="GET",status="200"}'] == 1
    assert values['repose_requests_total{route="/v1/jobs/{id}",method="GET",status="404"}'] == 1
    assert values['repose_request_seconds_count{route="/v1/models"}'] == 1
    assert values["repose_workers_alive"] == 1
    assert values["repose_queue_length"] == 0
    assert values["repose_resident_bytes"] > 10_000_000


def test_the_document_is_openapi_and_the_page_loads_nothing(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.")
    assert set(document["paths"]) == {
        "/v1/transfer", "/v1/estimate", "/v1/video", "/v1/jobs/{id}", "/v1/jobs/{id}/result", "/v1/models", "/healthz",
        "/metrics",
    }  # fmt: skip
    for path, methods in document["paths"].items():
        for operation in methods.values():
            assert operation["description"], path
            assert all(answer["description"] for answer in operation["responses"].values()), path
    form = document["paths"]["/v1/transfer"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    assert form["required"] == ["source", "target"]
    assert form["properties"]["source"]["format"] == "binary"
    assert {"$ref"} & set(re.findall(r"\$ref", json.dumps(document))) <= {"$ref"}
    reply = client.get("/docs")
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    names: list[tuple[str, str | None]] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag not in ("script", "img", "link", "iframe", "object")
            names.extend(attrs)

    Parser().feed(reply.text)
    assert [value for name, value in names if name in ("src", "href")] == ["/openapi.json"]
    assert "@import" not in reply.text
    assert "url(" not in reply.text
    assert "/v1/transfer" in reply.text
    assert "target_person" in reply.text


@pytest.mark.parametrize(
    ("files", "data", "status", "where", "words"),
    [
        ({}, {}, 415, "header Content-Type", "a form is needed"),
        ({"source": b"x"}, {}, 400, "target", "The field target is missing."),
        ({"source": b"", "target": b"x"}, {}, 400, "source", "The file source is empty."),
        ({"target": b"x"}, {"source": "/etc/hostname"}, 400, "source", "is text, a file is needed"),
        ({"source": "ME"}, {"target": "https://example.org/a.jpg"}, 400, "target", "is text that is no JSON"),
        ({"source": "ME", "target": "ME"}, {"bakground": "white"}, 400, "form", "No field is called 'bakground'."),
        ({"source": "ME", "target": "ME"}, {"background": "/etc/hostname"}, 400, "background", "one of keep"),
        ({"source": "ME", "target": "ME"}, {"model": "../x"}, 400, "model", "this server has no model '../x'"),
        ({"source": "ME", "target": "ME"}, {"quality": "101"}, 400, "quality", "from 1 to 100"),
        ({"source": "ME", "target": "ME"}, {"mask": "nothing"}, 400, "mask", "No way to cut a person out"),
        ({"source": "ME", "target": "ME"}, {"person": "tall"}, 400, "person", "a number from 0"),
        ({"source": "ME", "target": "ME"}, {"person": "3"}, 422, "source", "Person 3 was asked for"),
        ({"source": "ME", "target": "ME", "model": b"x"}, {}, 400, "model", "The field model is a file."),
        ({"source": "ME", "target": "ME"}, {"background": "transparent", "format": "jpeg"}, 400, "format", "JPEG"),
        ({"source": b"hello there", "target": "ME"}, {}, 415, "source", "begins with the text 'hello there'"),
        ({"source": b"%PDF-1.4", "target": "ME"}, {}, 415, "source", "of the kind PDF"),
        ({"source": "ME", "target": b"{}"}, {}, 422, "target", "The pose file"),
        ({"source": "ME", "target": b"[[1, 2]]"}, {}, 422, "target", "has the shape (1, 2)"),
        ({"source": "ME", "target": b"[" * 5000}, {}, 422, "target", "JSON"),
        ({"source": "GREY", "target": "ME"}, {}, 422, "source", "No person was found"),
        ({"source": "CUT", "target": "ME"}, {}, 422, "source", "The picture is a broken or cut off picture"),
        ({"source": "LARGE", "target": "ME"}, {}, 413, "source", "3000x3000 pixels, the limit is 0.2 million"),
        ({"source": "HUGE", "target": "ME"}, {}, 413, "source", "more than 0.2 million pixels"),
    ],
)
def test_every_error_is_a_sentence_with_a_place(
    client: TestClient, me: bytes, files: dict[str, Any], data: dict[str, str], status: int, where: str, words: str
) -> None:
    special = {"ME": me, "GREY": encoded(np.full((90, 60, 3), 90, np.uint8)), "CUT": me[: len(me) // 2]}
    special |= {"LARGE": head_of_png(3000, 3000), "HUGE": head_of_png(30000, 30000)}
    sent = {name: special[content] if isinstance(content, str) else content for name, content in files.items()}
    reply = client.post("/v1/transfer", files=sent, data=data)
    told = reply.json()
    assert (reply.status_code, told["where"]) == (status, where), told
    assert words in told["error"]
    assert set(told) == {"error", "where", "what_to_do"}
    assert "/tmp" not in reply.text
    assert "Traceback" not in reply.text


def head_of_png(width: int, height: int) -> bytes:
    """The head of a PNG of that size, and a little of its pixels."""
    import struct
    import zlib

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + checksum

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000)))


def test_forms_are_bounded(client: TestClient, me: bytes) -> None:
    many = [("source", ("a", me))] * 40
    reply = client.post("/v1/transfer", files=many)
    assert reply.status_code == 400
    assert "Too many files" in reply.json()["error"]
    twice = client.post("/v1/transfer", files=[("source", ("a", me)), ("source", ("b", me))])
    assert twice.json()["error"] == "The field source is sent twice."
    long = client.post("/v1/transfer", files={"source": me}, data={"target": "[" + "1," * 150_000})
    assert long.status_code == 400
    assert "maximum size" in long.json()["error"]
    broken = client.post("/v1/transfer", content=b"x", headers={"Content-Type": "multipart/form-data"})
    assert (broken.status_code, broken.json()["where"]) == (400, "body")
    assert client.get("/nothing").json()["error"] == "There is nothing at /nothing."
    assert client.put("/v1/transfer").json()["error"] == "/v1/transfer does not take PUT."


def test_an_animation_in_place_of_a_still(client: TestClient, known: dict[str, str]) -> None:
    """No frame of it is taken silently; the advice is that of the server."""
    frames = [PIL.Image.fromarray(np.full((200, 100, 3), shade, np.uint8)) for shade in (10, 240)]
    content = io.BytesIO()
    frames[0].save(content, "GIF", save_all=True, append_images=frames[1:])
    reply = client.post("/v1/transfer", files={"source": content.getvalue()}, data=known)
    assert (reply.status_code, reply.json()["where"]) == (422, "source")
    told = f"{reply.json()['error']} {reply.json()['what_to_do']}"
    assert told.startswith("The picture is a GIF of 2 frames, and a still is wanted")
    assert "/v1/video" in told
    assert "#" not in told
