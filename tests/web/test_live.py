"""The routes that the page calls, with a tiny model and an estimator that sees people of dots."""

from __future__ import annotations

import difflib
import io
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest

pytest.importorskip("fastapi", reason="no FastAPI: pip install -e '.[serve]'")
pytest.importorskip("httpx", reason="no httpx, which FastAPI's test client needs")

from fastapi import FastAPI
from fastapi.testclient import TestClient

from repose import load
from repose.images.results import is_result
from repose.web import arranging, posing
from repose.web.live import Live, live_router
from repose.web.posing import Models
from repose.web.sessions import Limits, Sessions
from tests import tiny
from tests.estimate import fakes

LIMITS = Limits(bytes=300_000, pixels=400_000, live_pixels=60_000, sessions=3, waiting=4, poses=3)
PAGE = {"Repose-Page": "1"}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    folder = tmp_path_factory.mktemp("web")
    names = {name: load(tiny.save(folder / name)) for name in ("one", "two")}
    return Models.of(names)


@pytest.fixture
def live(models: Models, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    tiny.seeing(monkeypatch)
    one = Live(models, LIMITS)
    yield one
    one.close()


@pytest.fixture
def client(live: Live) -> TestClient:
    app = FastAPI()
    app.include_router(live_router(live))
    return TestClient(app, headers=PAGE, raise_server_exceptions=False)


def png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    PIL.Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


@pytest.fixture(scope="module")
def person() -> bytes:
    return png(tiny.photograph(None, 150, 200, 40, 20, 160))


def opened(client: TestClient, content: bytes, name: str = "me.png") -> dict[str, Any]:
    reply = client.post(f"/live/photograph?name={name}", content=content)
    assert reply.status_code == 200, reply.text
    facts: dict[str, Any] = reply.json()
    return facts


def sentence(reply: Any, status: int = 422) -> str:
    """The error of a reply: JSON with one sentence, no traceback."""
    assert reply.status_code == status, reply.text
    text = reply.json()["error"]
    assert "Traceback" not in text
    assert len(text) > 10
    return str(text)


def pixels(reply: Any) -> np.ndarray:
    assert reply.status_code == 200, reply.text
    return np.asarray(PIL.Image.open(io.BytesIO(reply.content)))


def moved(joints: list[list[float]], joint: int, x: float, y: float) -> list[list[float]]:
    out = [list(row) for row in joints]
    out[joint] = [out[joint][0] + x, out[joint][1] + y, 1.0]
    return out


def animated(kind: str = "GIF") -> bytes:
    frames = [PIL.Image.fromarray(np.full((90, 60, 3), shade, np.uint8)) for shade in (10, 120, 240)]
    content = io.BytesIO()
    frames[0].save(content, kind, save_all=True, append_images=frames[1:])
    return content.getvalue()


# -- a photograph and its poses ---------------------------------------------------------------------------------------


def test_a_dragged_joint_changes_the_picture_where_the_figure_is(client: TestClient, person: bytes) -> None:
    facts = opened(client, person)
    assert (facts["height"], facts["width"], facts["name"], facts["found"]) == (200, 150, "me", True)
    assert len(facts["joints"]) == 18
    shown = pixels(client.get(f"/live/{facts['session']}/photograph"))
    place = f"/live/{facts['session']}/pose"
    before = pixels(client.post(place, json={"joints": moved(facts["joints"], 4, 1, 0)}))
    after = client.post(place, json={"joints": moved(facts["joints"], 4, 25, -40)})
    assert before.shape == pixels(after).shape == shown.shape == (200, 150, 3)
    assert np.abs(pixels(after).astype(int) - before).max() > 20
    assert int(after.headers["Repose-Milliseconds"]) >= 0
    assert after.headers["Repose-Note"] == ""


def test_a_small_picture_is_the_models_own(client: TestClient, models: Models, person: bytes) -> None:
    facts = opened(client, person)
    reply = client.post(f"/live/{facts['session']}/pose", json={"joints": facts["joints"], "small": True})
    assert pixels(reply).shape == (*models.get("").canvas.size, 3)


def test_backgrounds(client: TestClient, person: bytes) -> None:
    facts = opened(client, person)
    place, joints = f"/live/{facts['session']}", moved(facts["joints"], 4, 10, -10)

    def corner(background: str) -> list[int]:
        reply = client.post(f"{place}/pose", json={"joints": joints, "background": background})
        return [int(value) for value in pixels(reply)[1, 1]]

    assert corner("white") == [255, 255, 255]
    assert corner("transparent") == [255, 255, 255, 0]
    asked = {"joints": joints, "background": "picture"}
    assert "choose a picture" in sentence(client.post(f"{place}/pose", json=asked))
    assert client.post(f"{place}/backdrop", content=png(np.full((50, 60, 3), (0, 200, 0), np.uint8))).status_code == 200
    assert np.abs(np.array(corner("picture")) - [0, 200, 0]).max() < 6
    assert "keep" in sentence(client.post(f"{place}/pose", json=asked | {"background": "mauve"}))


def test_a_large_photograph_is_shown_smaller_and_saved_whole(client: TestClient, tmp_path: Path) -> None:
    facts = opened(client, png(tiny.photograph(None, 300, 400, 60, 40, 320)))
    assert facts["height"] * facts["width"] <= LIMITS.live_pixels * 1.02
    asked = {"joints": moved(facts["joints"], 4, 10, -20), "what": "picture"}
    reply = client.post(f"/live/{facts['session']}/save", json=asked)
    assert pixels(reply).shape == (400, 300, 3)
    assert reply.headers["Content-Disposition"].endswith("me_reposed.png")
    (tmp_path / "me_reposed.png").write_bytes(reply.content)
    assert is_result(tmp_path / "me_reposed.png"), "a folder of photographs leaves it out"


@pytest.mark.parametrize("times", [1, 2])
def test_room_for_a_figure_that_leaves_the_photograph(client: TestClient, times: int) -> None:
    facts = opened(client, png(tiny.photograph(None, 150 * times, 200 * times, 40 * times, 20 * times, 160 * times)))
    step = facts["height"] / 200
    place, joints = f"/live/{facts['session']}", moved(facts["joints"], 4, -70 * step, -90 * step)
    reply = client.post(f"{place}/pose", json={"joints": joints})
    assert "lies beyond the photograph" in reply.headers["Repose-Note"]
    before = pixels(client.get(f"{place}/photograph"))
    given = client.post(f"{place}/room", json={"joints": joints}).json()
    after = pixels(client.get(f"{place}/photograph"))
    assert after.shape == (given["height"], given["width"], 3)
    assert after.size > before.size or times > 1
    new = [[given["scale"] * x + given["right"], given["scale"] * y + given["down"], v] for x, y, v in joints]
    assert min(new[4][:2]) > 0
    reply = client.post(f"{place}/pose", json={"joints": new})
    assert reply.headers["Repose-Note"] == ""
    assert pixels(reply).shape == after.shape
    # the person lies where their joints are: the pixel under the nose is the same
    (x, y), (old_x, old_y) = given["people"][0][0][:2], facts["people"][0][0][:2]
    apart = after[round(y), round(x)].astype(int) - before[round(old_y), round(old_x)]
    assert np.abs(apart).max() < 60
    saved = pixels(client.post(f"{place}/save", json={"joints": new, "what": "picture"}))
    assert saved.shape[0] > 200 * times


def test_a_saved_pose_is_read_again(client: TestClient, person: bytes) -> None:
    facts = opened(client, person)
    joints = moved(facts["joints"], 4, 11, -13)
    reply = client.post(f"/live/{facts['session']}/save", json={"joints": joints, "what": "pose"})
    assert json.loads(reply.content)["format"] == "repose-keypoints"
    taken = client.post(f"/live/{facts['session']}/take?name=pose.json", content=reply.content).json()
    assert taken["names"] == ["me"]
    assert np.abs(np.array(taken["joints"]) - joints).max() < 2.5  # where the person stands, as large
    skeleton = client.post(f"/live/{facts['session']}/save", json={"joints": joints, "what": "skeleton"})
    assert pixels(skeleton).max() > 200
    assert "picture" in sentence(client.post(f"/live/{facts['session']}/save", json={"joints": joints, "what": "all"}))


def test_a_pose_of_a_photograph_and_of_a_file_of_several(client: TestClient, person: bytes, tmp_path: Path) -> None:
    from repose.represent.pose_files import read_keypoints, write_keypoints

    facts = opened(client, person)
    place = f"/live/{facts['session']}"
    other = png(tiny.photograph(None, 130, 200, 20, 10, 150))
    assert len(client.post(f"{place}/take?name=dancer.png", content=other).json()["joints"]) == 18
    file = tmp_path / "pose.json"
    file.write_bytes(client.post(f"{place}/save", json={"joints": facts["joints"], "what": "pose"}).content)
    (keypoints,) = read_keypoints(file).values()
    write_keypoints(file, {f"pose {number}": keypoints for number in range(5)})
    taken = client.post(f"{place}/take?name=poses.json", content=file.read_bytes()).json()
    assert taken["names"] == ["pose 0", "pose 1", "pose 2"]
    assert "5 poses" in taken["note"]
    assert client.post(f"{place}/taken", json={"name": "pose 2"}).status_code == 200
    assert "no pose of this name" in sentence(client.post(f"{place}/taken", json={"name": "pose 4"}))


def test_named_poses_and_sliders(client: TestClient, person: bytes) -> None:
    start = client.get("/live/start").json()
    assert "akimbo" in start["poses"]
    assert start["models"] == ["one", "two"]
    facts = opened(client, person)
    place = f"/live/{facts['session']}"
    joints = np.array(client.post(f"{place}/named", json={"name": "akimbo"}).json()["joints"])
    own = np.array(facts["joints"])
    assert joints[[10, 13], 1].max() == pytest.approx(own[[10, 13], 1].max(), abs=1)  # on the same ground
    assert "no pose is called" in sentence(client.post(f"{place}/named", json={"name": "flying"}))

    def arranged(**more: float) -> np.ndarray:
        return np.array(client.post(f"{place}/arrange", json={"joints": joints.tolist(), **more}).json()["joints"])

    assert np.allclose(arranged(), joints, atol=0.02)
    half = arranged(size=0.5)
    assert np.ptp(half[:, 1]) == pytest.approx(np.ptp(joints[:, 1]) / 2, abs=1)
    side = arranged(turn=90)
    assert abs(side[2, 0] - side[5, 0]) < 0.5 * abs(joints[2, 0] - joints[5, 0])  # shoulders behind each other
    back = arranged(turn=180)
    assert (back[2, 0] - back[5, 0]) * (joints[2, 0] - joints[5, 0]) < 0
    assert back[0, 2] == 0, "the nose is not seen from behind"
    assert "size 0.5 to 1.5" in sentence(client.post(f"{place}/arrange", json={"joints": joints.tolist(), "size": 9}))
    few = [[10, 10, 1], [20, 20, 1], *[[0, 0, 0]] * 16]
    assert "cannot be turned" in sentence(client.post(f"{place}/arrange", json={"joints": few, "turn": 30}))


def test_several_people_and_joints_placed_by_hand(client: TestClient, live: Live) -> None:
    drawn = fakes.draw(300, 200, [fakes.joints(30, 20, 160), fakes.joints(190, 40, 130)])
    facts = opened(client, png(drawn))
    assert len(facts["people"]) == 2
    place = f"/live/{facts['session']}"
    assert client.post(f"{place}/person", json={"number": 1}).json()["joints"] == facts["people"][1]
    assert "there are 2 people" in sentence(client.post(f"{place}/person", json={"number": 2}))
    by_hand = moved(facts["people"][0], 4, 5, 5)
    assert client.post(f"{place}/person", json={"joints": by_hand}).json()["joints"] == by_hand
    nobody = [[0, 0, 0]] * 18
    assert "at least two joints" in sentence(client.post(f"{place}/person", json={"joints": nobody}))
    assert client.post(f"{place}/pose", json={"joints": moved(by_hand, 4, 3, 3)}).status_code == 200


def test_nobody_is_found(client: TestClient) -> None:
    facts = opened(client, png(np.full((200, 150, 3), 128, np.uint8)))
    assert not facts["found"]
    assert "nobody was found" in facts["note"]
    places = np.array(facts["joints"])
    assert (places[:, 2] > 0).sum() >= 14
    assert (places[:, 0] < 150).all()
    assert (places[:, 1] < 200).all()


def test_animations(client: TestClient, person: bytes) -> None:
    facts = opened(client, person)
    place, joints = f"/live/{facts['session']}", moved(facts["joints"], 4, 20, -30)
    reply = client.post(f"{place}/animation", json={"joints": joints, "format": "gif"})
    assert reply.headers["Content-Type"] == "image/gif"
    clip = PIL.Image.open(io.BytesIO(reply.content))
    assert clip.n_frames > 10
    assert clip.size == (150, 200)
    assert client.get(f"{place}/progress").json()["done"] > 5
    asked = {"joints": joints, "motion": "walk", "format": "webp", "background": "transparent"}
    assert client.post(f"{place}/animation", json=asked).content[8:12] == b"WEBP"
    assert "written as gif" in sentence(client.post(f"{place}/animation", json=asked | {"format": "avi"}))
    assert "no motion is called" in sentence(client.post(f"{place}/animation", json=asked | {"motion": "swim"}))


# -- errors and limits ------------------------------------------------------------------------------------------------


def test_unreadable_files_give_a_sentence(client: TestClient, person: bytes) -> None:
    text = sentence(client.post("/live/photograph?name=../../holiday.jpg", content=b"these are words"))
    assert text.startswith("holiday.jpg is not a picture")
    assert "/tmp" not in text
    assert "empty" in sentence(client.post("/live/photograph", content=b""))
    sentence(client.post("/live/photograph?name=cut.png", content=person[: len(person) // 2]))
    place = f"/live/{opened(client, person)['session']}"
    sentence(client.post(f"{place}/take?name=pose.json", content=b'{"people": 3}'))
    sentence(client.post(f"{place}/take?name=pose.csv", content=b"name:x:y\nme:[1]:[2]\n"))
    sentence(client.post(f"{place}/backdrop?name=a.png", content=b"no picture"))


def test_limits(client: TestClient) -> None:
    assert "too large" in sentence(client.post("/live/photograph", content=b"x" * (LIMITS.bytes + 1)), 413)
    large = png(np.zeros((700, 600, 3), np.uint8))
    assert "pixels" in sentence(client.post("/live/photograph", content=large))
    parts = (b"x" * 50_000 for _ in range(8))  # without a length
    assert "too large" in sentence(client.post("/live/photograph", content=parts), 413)


@pytest.mark.parametrize(
    "joints",
    [None, 3, [[1, 2]] * 18, [[1, 2, 3]] * 17, [["a", 2, 1]] * 18, [[1e9, 0, 1]] * 18, [[0, 0, 0]] * 18, {"a": 1}],
)
def test_wrong_joints(client: TestClient, person: bytes, joints: object) -> None:
    place = f"/live/{opened(client, person)['session']}/pose"
    assert "joints" in sentence(client.post(place, json={"joints": joints}))


def test_no_number_and_no_object(client: TestClient, person: bytes) -> None:
    place = f"/live/{opened(client, person)['session']}/pose"
    for content in (b"[]", b"{", b"nothing", b'"' * 20, b"[" * 50_000):
        sentence(client.post(place, content=content), 400)
    joints = json.dumps({"joints": [[1, 2, 1]] * 18}).replace("1,", "NaN,", 1).encode()
    sentence(client.post(place, content=joints))
    assert "no model is called" in sentence(client.post(place, json={"joints": [[1, 2, 1]] * 18, "model": "three"}))


def test_only_the_page_may_ask(client: TestClient, live: Live, person: bytes) -> None:
    facts = opened(client, person)
    del client.headers["Repose-Page"]
    for place in ("photograph", f"{facts['session']}/pose", f"{facts['session']}/save"):
        assert "Repose-Page" in sentence(client.post(f"/live/{place}", content=b"{}"), 403)
    sentence(client.delete(f"/live/{facts['session']}"), 403)
    assert len(live.sessions) == 1


def test_a_mistake_of_ours_is_a_sentence_too(
    client: TestClient, person: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise AssertionError("secret")

    monkeypatch.setattr(posing, "read_photograph", broken)
    text = sentence(client.post("/live/photograph", content=person), 500)
    assert "secret" not in text
    assert "secret" in caplog.text


# -- sessions ---------------------------------------------------------------------------------------------------------


def test_sessions_are_forgotten(client: TestClient, live: Live, person: bytes) -> None:
    keys = [opened(client, person)["session"] for _ in range(4)]
    assert len(set(keys)) == 4
    assert min(map(len, keys)) >= 32
    assert len(live.sessions) == 3
    assert "no longer in memory" in sentence(client.get(f"/live/{keys[0]}/photograph"), 404)
    assert client.delete(f"/live/{keys[1]}").status_code == 200
    sentence(client.get(f"/live/{keys[1]}/photograph"), 404)
    assert client.get(f"/live/{keys[3]}/photograph").status_code == 200


def test_age_and_use() -> None:
    now = [0.0]
    sessions = Sessions(Limits(sessions=2, seconds=100), lambda: now[0])
    blank = np.zeros((8, 8, 3), np.uint8)
    first, second = (sessions.add("a", blank, blank, []) for _ in range(2))
    now[0] = 60
    assert sessions.get(first.key) is first
    now[0] = 110
    sessions.forget_old()
    assert sessions.get(second.key) is None
    third = sessions.add("c", blank, blank, [])
    assert sessions.get(first.key) is first  # so that the third is the one not used for longest
    fourth = sessions.add("d", blank, blank, [])
    assert [sessions.get(one.key) for one in (first, third, fourth)] == [first, None, fourth]


def test_the_newest_pose_wins(client: TestClient, live: Live, person: bytes) -> None:
    """While a picture is computed three more poses are asked for: only the last of them is computed."""
    facts = opened(client, person)
    place = f"/live/{facts['session']}/pose"
    session = live.sessions.get(facts["session"])
    assert session is not None
    hold, begun = threading.Event(), threading.Event()

    def block() -> None:
        begun.set()
        hold.wait(30)

    live.submit(block)
    begun.wait(30)
    with ThreadPoolExecutor(3) as pool:
        replies = []
        for step in range(3):
            replies.append(pool.submit(client.post, place, json={"joints": moved(facts["joints"], 4, step, 0)}))
            while session._newest.get(" False", 0) <= step:
                threading.Event().wait(0.005)
        hold.set()
        assert [reply.result().status_code for reply in replies] == [204, 204, 200]


def test_too_many_wait(client: TestClient, live: Live, person: bytes) -> None:
    facts = opened(client, person)
    live._waiting = LIMITS.waiting
    reply = client.post(f"/live/{facts['session']}/pose", json={"joints": facts["joints"]})
    assert "try again" in sentence(reply, 503)
    live._waiting, live.uploads = 0, LIMITS.uploads
    assert "too many files" in sentence(client.post("/live/photograph", content=person), 503)
    assert live.uploads == LIMITS.uploads
    live.uploads = 0
    opened(client, person)
    assert live.uploads == 0
    assert reply.headers["Retry-After"] == "3"


# -- advice -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_an_animation_in_place_of_a_still_gets_advice_for_the_page(
    client: TestClient, person: bytes, kind: str
) -> None:
    wanted = f"dance.{kind.lower()} is a {kind} of 3 frames, and a still is wanted: save one of them as a picture (a "
    wanted += "screenshot will do) and open that"
    file = animated(kind)
    assert sentence(client.post(f"/live/photograph?name=dance.{kind.lower()}", content=file)) == wanted
    place = f"/live/{opened(client, person)['session']}"
    for what in ("take", "backdrop"):
        assert sentence(client.post(f"{place}/{what}?name=dance.{kind.lower()}", content=file)) == wanted


def test_a_video_in_place_of_a_still_gets_advice_for_the_page(client: TestClient) -> None:
    video = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + bytes(400)
    text = sentence(client.post("/live/photograph?name=dance.mp4", content=video))
    assert text == "dance.mp4 is a video: save one frame of it as a picture (a screenshot will do) and open that"


def test_a_pose_that_is_unknown_by_name(client: TestClient, person: bytes) -> None:
    place = f"/live/{opened(client, person)['session']}/named"
    text = sentence(client.post(place, json={"name": "kick"}))
    assert text == "no pose is called 'kick'; did you mean 'kick back swing' or 'kicking'?"
    text = sentence(client.post(place, json={"name": "Arms upp"}))
    assert text == "no pose is called 'Arms upp'; did you mean 'arms up'?"
    assert sentence(client.post(place, json={"name": "xyzzy"})) == "no pose is called 'xyzzy'; choose one of the list"
    assert "'sitting'" in sentence(client.post(place, json={"name": "siting"}))
    asked = [client.post(place, json={"name": name}).json() for name in ("arms up", " Arms  UP ")]
    assert asked[0] == asked[1]
    assert len(asked[0]["joints"]) == 18


def test_a_name_of_thousands_of_words_takes_no_time_of_other_visitors(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = list[str]()
    near = difflib.get_close_matches

    def counted(word: str, *rest: Any) -> list[str]:
        looked.append(word)
        return near(word, *rest)

    monkeypatch.setattr(difflib, "get_close_matches", counted)
    with pytest.raises(ValueError, match="no pose is called"):
        arranging.named_pose("kik " * 1000)
    assert 0 < len(looked) < 20


def test_what_the_machine_lacks_is_told_to_its_operator_alone(
    client: TestClient, person: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(*_: object) -> None:
        raise FileNotFoundError("movenet is not at /home/somebody/files; `repose fetch movenet` brings it")

    facts = opened(client, person)
    for function, route in (("find_people", "/live/photograph"), ("read_pose", f"/live/{facts['session']}/take")):
        monkeypatch.setattr(posing, function, missing)
        text = sentence(client.post(f"{route}?name=me.png", content=person), 501)
        assert "/home" not in text
        assert "repose fetch" not in text
        assert "/home/somebody/files" in caplog.text
        caplog.clear()
