"""The HTTP routes that the page calls: a photograph in, pictures of its person out, while a joint is dragged.

| request | gives |
|---|---|
| `GET live/start` | models, named poses, motions, joints and limits |
| `POST live/photograph?name=` (the file) | a new session: its key, the size shown, the people's joints |
| `GET live/example` | a rendered person to try the page with |
| `GET live/KEY/photograph` | the photograph as it is shown, JPEG |
| `POST live/KEY/person {number \\| joints}` | who of the photograph is posed |
| `POST live/KEY/pose {joints, model, background, small}` | the picture; 204 where a newer pose came meanwhile |
| `POST live/KEY/arrange {joints, build, turn, size}` | the joints with another build, turned, scaled |
| `POST live/KEY/named {name}`, `.../taken {name}` | the joints of a named pose, or of one of the last file |
| `POST live/KEY/take?name=` (the file) | the names and the first joints of a photograph or a pose file |
| `POST live/KEY/room {joints, model}` | the photograph is enlarged, so that the figure lies in it |
| `POST live/KEY/backdrop?name=` (the file) | the picture is kept as background |
| `POST live/KEY/save {joints, what, model, background}` | a file: picture, pose or skeleton |
| `POST live/KEY/animation {joints, motion, format, ...}` | a clip; `GET live/KEY/progress` says how far it is |
| `DELETE live/KEY` | the session is forgotten |

Requests that change something carry the header `Repose-Page`: pages of other sites cannot send it. An error is JSON,
`{"error": a sentence}`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar
from urllib.parse import quote

import torch
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from torch import Tensor

from repose.estimate import MissingFieldError
from repose.images import stem_of
from repose.person import JOINTS, LIMBS, MIRROR
from repose.serve.advice import advised
from repose.web import arranging, clips, posing
from repose.web.posing import Models
from repose.web.sessions import Limits, Session, Sessions

P = ParamSpec("P")
R = TypeVar("R")

_BODY: Final = 64_000  # bytes of a request that is no file
_EVERY: Final = 60.0  # seconds between two looks for sessions that are too old
_EXAMPLE: Final = Path(__file__).parent / "files" / "example.webp"
_FILES: Final = {
    "picture": ("reposed.png", "image/png"), "pose": ("pose.json", "application/json"),
    "skeleton": ("skeleton.png", "image/png"),
}  # fmt: skip
_PRIVATE: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

log = logging.getLogger("repose.web")


class PageError(Exception):
    """A request of the page is not answered: the HTTP status, and a sentence that says why."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class Live:
    """Sessions, models, and the one thread that computes for all of them.

    Args:
        models: that the page offers. limits: what visitors may send, and how much is kept.

    Attributes:
        sessions: of the visitors. uploads: files that are being received.
    """

    def __init__(self, models: Models, limits: Limits | None = None) -> None:
        self.models, self.limits = models, limits or Limits()
        self.sessions = Sessions(self.limits)
        self.uploads = 0
        self._pool = ThreadPoolExecutor(1, "repose-live")  # one: each computation uses all cores by itself
        self._waiting = 0
        self._closed = threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="repose-live-sessions", daemon=True)
        self._keeper.start()

    async def compute(self, function: Callable[P, R], *given: P.args, **named: P.kwargs) -> R:
        """Call a function in the thread that computes, after what was asked for before.

        Raises:
            PageError: too many wait already.
        """
        if self._waiting >= self.limits.waiting:
            raise PageError(503, "too many people are using this page at the moment; try again in a few seconds")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, lambda: function(*given, **named))
        finally:
            self._waiting -= 1

    def submit(self, function: Callable[[], object]) -> None:
        """Have something computed before the first visitor comes; what it raises is logged."""

        def job() -> None:
            try:
                function()
            except Exception:
                log.exception("a preparation failed")

        self._pool.submit(job)

    def close(self) -> None:
        """Stop the threads; what waits is dropped."""
        self._closed.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def session(self, key: str) -> Session:
        """The session of a key. PageError: there is none (any more)."""
        session = self.sessions.get(key)
        if session is None:
            raise PageError(404, "this photograph is no longer in memory; open it again")
        return session

    def _keep(self) -> None:
        while not self._closed.wait(_EVERY):
            self.sessions.forget_old()


def live_router(live: Live) -> APIRouter:
    """The routes of this module, for any FastAPI application."""
    router = APIRouter(prefix="/live", route_class=_Route, include_in_schema=False)
    limits, models = live.limits, live.models

    @router.get("/start")
    async def start() -> Response:
        facts = {
            "models": models.names, "poses": arranging.pose_names(), "motions": clips.motion_names(),
            "joints": JOINTS, "limbs": LIMBS, "mirror": MIRROR, "bytes": limits.bytes, "minutes": limits.seconds / 60,
            "example": _EXAMPLE.is_file(),
        }  # fmt: skip
        return _json(facts)

    @router.get("/example")
    async def example() -> Response:
        if not _EXAMPLE.is_file():
            raise PageError(404, "this installation has no example picture")
        return Response(_EXAMPLE.read_bytes(), media_type="image/webp")

    @router.post("/photograph")
    async def photograph(request: Request, name: str = "photograph") -> Response:
        content = await _upload(request, live)

        def understand() -> tuple[Session, str]:
            full, pixels = posing.read_photograph(content, name, limits)
            people = posing.find_people(models, pixels)
            session = live.sessions.add(stem_of(name)[:60] or "photograph", full, pixels, people)
            if people:
                posing.choose_person(session, people[0])
                return session, ""
            posing.choose_person(session, posing.guess(session.size))
            return session, "nobody was found on this photograph: drag the skeleton onto the person"

        session, note = await live.compute(understand)
        assert session.person is not None
        live.submit(lambda: posing.prepare(session, models))
        height, width = session.size
        facts = {"session": session.key, "name": session.name, "height": height, "width": width, "note": note}
        people = [_list(one) for one in session.people]
        return _json(facts | {"people": people, "joints": _list(session.person.keypoints), "found": bool(people)})

    @router.get("/{key}/photograph")
    async def shown(key: str) -> Response:
        content, kind = posing.encoded(live.session(key).pixels)
        return Response(content, media_type=kind, headers=_PRIVATE)

    @router.post("/{key}/person")
    async def person(request: Request, key: str) -> Response:
        session, given = live.session(key), await _object(request)
        if "joints" in given:
            joints = posing.joints_from(given["joints"])
        else:
            number = given.get("number")
            if not isinstance(number, int) or not 0 <= number < len(session.people):
                raise PageError(422, f"there are {len(session.people)} people on this photograph")
            joints = session.people[number]
        if int((joints[:, 2] > 0).sum()) < 2:
            raise PageError(422, "at least two joints of the person are needed; place more of them")
        await live.compute(posing.choose_person, session, joints)
        live.submit(lambda: posing.prepare(session, models))
        return _json({"joints": _list(joints)})

    @router.post("/{key}/pose")
    async def pose(request: Request, key: str) -> Response:
        session, given = live.session(key), await _object(request)
        joints, model, background = _posed(given)
        small = given.get("small") is True
        lane = f"{model} {small}"
        number, begun = session.ask(lane), time.perf_counter()

        def job() -> tuple[bytes, str] | None:
            if not session.is_newest(lane, number):
                return None
            if small:
                return posing.encoded(posing.canvas_picture(session, models, model, joints))
            return posing.encoded(posing.picture(session, models, model, joints, background))

        done = await live.compute(job)
        if done is None:
            return Response(status_code=204, headers=_PRIVATE)
        spent = 1000 * (time.perf_counter() - begun)
        headers = _PRIVATE | {"Repose-Milliseconds": f"{spent:.0f}", "Repose-Note": posing.beyond(session, joints)}
        return Response(done[0], media_type=done[1], headers=headers)

    @router.post("/{key}/arrange")
    async def arrange(request: Request, key: str) -> Response:
        session, given = live.session(key), await _object(request)
        joints, build = posing.joints_from(given.get("joints")), _number(given, "build", 0.0)
        turn, size = _number(given, "turn", 0.0), _number(given, "size", 1.0)
        arranged = await live.compute(arranging.arrange, joints, _own(session), build, turn, size)
        return _json({"joints": _list(arranged)})

    @router.post("/{key}/named")
    async def named(request: Request, key: str) -> Response:
        session, name = live.session(key), _text(await _object(request), "name")
        joints = await live.compute(arranging.named_pose, name)
        return _json({"joints": _list(arranging.placed(joints, _own(session)))})

    @router.post("/{key}/take")
    async def take(request: Request, key: str, name: str = "pose") -> Response:
        session, content = live.session(key), await _upload(request, live)
        session.poses, notes = await live.compute(posing.read_poses, content, name, models, limits)
        first = next(iter(session.poses))
        return _json({"names": list(session.poses), "joints": _taken(session, first), "note": "; ".join(notes)})

    @router.post("/{key}/taken")
    async def taken(request: Request, key: str) -> Response:
        session, name = live.session(key), _text(await _object(request), "name")
        if name not in session.poses:
            raise PageError(422, "the file holds no pose of this name; open it again")
        return _json({"joints": _taken(session, name)})

    @router.post("/{key}/room")
    async def room(request: Request, key: str) -> Response:
        session, given = live.session(key), await _object(request)
        joints, model, _ = _posed(given)
        scale, right, down = await live.compute(posing.make_room, session, models, model, joints, limits)
        height, width = session.size
        people = [_list(one) for one in session.people]
        moved = {"scale": scale, "right": right, "down": down, "people": people}
        return _json({"height": height, "width": width, **moved})

    @router.post("/{key}/backdrop")
    async def backdrop(request: Request, key: str, name: str = "background") -> Response:
        session, content = live.session(key), await _upload(request, live)
        await live.compute(posing.set_backdrop, session, content, name, limits)
        return _json({})

    @router.post("/{key}/save")
    async def save(request: Request, key: str) -> Response:
        session, given = live.session(key), await _object(request)
        what, (joints, model, background) = _text(given, "what"), _posed(given)
        if what not in _FILES:
            raise PageError(422, f"{', '.join(_FILES)} can be saved, not '{what[:20]}'")

        def content() -> bytes:
            if what == "pose":
                return posing.pose_file(session, joints)
            if what == "skeleton":
                return posing.skeleton_picture(session, joints)
            whole = posing.full_picture(session, models, model, joints, background)
            return posing.encoded(whole, lossless=True, result=True)[0]

        name, kind = _FILES[what]
        return _download(await live.compute(content), f"{session.name}_{name}", kind)

    @router.post("/{key}/animation")
    async def animation(request: Request, key: str) -> Response:
        session, given = live.session(key), await _object(request)
        joints, model, background = _posed(given)
        motion, format = str(given.get("motion", "")), str(given.get("format", "gif"))
        if format not in clips.FORMATS:
            raise PageError(422, f"an animation is written as {', '.join(clips.FORMATS)}, not '{format[:20]}'")
        if motion:
            poses = await live.compute(clips.motion_joints, motion, _own(session), session.size)
            order = list(range(len(poses)))
        else:
            poses = clips.between(_own(session), joints)
            order = clips.there_and_back(len(poses))
        scene = await live.compute(posing.scene_of, session, models.get(model), models.mask)
        clip = await live.compute(clips.clip_of, scene, poses)
        pictures = []
        for number, one in enumerate(poses):  # a job each, so that other visitors come between
            session.progress = number, len(poses)
            moment = await live.compute(posing.moment, session, models, model, clip.pose(number, one), background)
            pictures.append(moment)
        session.progress = len(poses), len(poses)
        content = await live.compute(clips.encode, [pictures[number] for number in order], format)
        name = f"{session.name}_{motion or 'reposed'}.{format}"
        return _download(content, name, clips.FORMATS[format])

    @router.get("/{key}/progress")
    async def progress(key: str) -> Response:
        done, of = live.session(key).progress
        return _json({"done": done, "of": of})

    @router.delete("/{key}")
    async def forget(request: Request, key: str) -> Response:
        _require_page(request)
        live.sessions.remove(key)
        return _json({})

    def _taken(session: Session, name: str) -> list[list[float]]:
        person = session.poses[name]
        assert person.keypoints is not None
        return _list(arranging.placed(person.keypoints, _own(session), person.size))

    return router


# -- inside -----------------------------------------------------------------------------------------------------------


class _Route(APIRoute):
    """A route whose errors are sentences."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def answered(request: Request) -> Response:
            try:
                return await handler(request)
            except PageError as refused:
                headers = {"Retry-After": "3"} if refused.status == 503 else {}
                return JSONResponse({"error": str(refused)}, refused.status, _PRIVATE | headers)
            except (MissingFieldError, ImportError, FileNotFoundError) as error:
                log.error("%s", error)  # the matter of whoever runs the page: it may name files of this machine
                text = "a network or a package that this needs is missing here; who runs this page finds it in its log"
                return JSONResponse({"error": text}, 501, _PRIVATE)
            except (ValueError, KeyError, OSError) as error:
                text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
                return JSONResponse({"error": advised(text, "visitor") or type(error).__name__}, 422, _PRIVATE)
            except (MemoryError, torch.OutOfMemoryError):
                return JSONResponse({"error": "there is not enough memory for this picture; use a smaller one"}, 507)
            except Exception:
                log.exception("a request failed")
                text = "something went wrong here; the server's log says what. Open the photograph again"
                return JSONResponse({"error": text}, 500, _PRIVATE)

        return answered


def _require_page(request: Request) -> None:
    """PageError where a request does not come from the page: other sites cannot send its header."""
    if "repose-page" not in request.headers:
        raise PageError(403, "this is asked by Repose's own page alone: send the header Repose-Page")


async def _body(request: Request, most: int, sentence: str) -> bytes:
    _require_page(request)
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > most:
        raise PageError(413, sentence)
    parts, count = [], 0
    async for part in request.stream():
        count += len(part)
        if count > most:
            raise PageError(413, sentence)
        parts.append(part)
    return b"".join(parts)


async def _upload(request: Request, live: Live) -> bytes:
    most = live.limits.bytes
    if live.uploads >= live.limits.uploads:
        raise PageError(503, "too many files are being sent to this page at the moment; try again in a few seconds")
    live.uploads += 1
    try:
        content = await _body(request, most, f"this file is too large: at most {most / 1e6:.0f} megabytes are taken")
    finally:
        live.uploads -= 1
    if not content:
        raise PageError(422, "this file is empty")
    return content


async def _object(request: Request) -> dict[str, Any]:
    content = await _body(request, _BODY, "this request is too long")
    try:
        given = json.loads(content)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise PageError(400, "a JSON object is wanted")
    return given


def _posed(given: dict[str, Any]) -> tuple[Tensor, str, str]:
    """Joints, model and background of a request."""
    joints = posing.joints_from(given.get("joints"))
    if int((joints[:, 2] > 0).sum()) < 2:
        raise PageError(422, "at least two joints are needed; place more of them")
    return joints, str(given.get("model", "")), str(given.get("background", "keep"))


def _own(session: Session) -> Tensor:
    assert session.person is not None
    assert session.person.keypoints is not None
    return session.person.keypoints


def _number(given: dict[str, Any], name: str, otherwise: float) -> float:
    value = given.get(name, otherwise)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PageError(422, f"{name} is a number")
    return float(value)


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise PageError(422, f"{name} is a text")
    return value


def _list(joints: Tensor | None) -> list[list[float]]:
    assert joints is not None
    rows: list[list[float]] = [[round(value, 2) for value in row] for row in joints.tolist()]
    return rows


def _json(facts: dict[str, Any]) -> Response:
    return JSONResponse(facts, headers=_PRIVATE)


def _download(content: bytes, name: str, kind: str) -> Response:
    disposition = f"attachment; filename*=UTF-8''{quote(name)}"
    return Response(content, media_type=kind, headers=_PRIVATE | {"Content-Disposition": disposition})


__all__ = ["Live", "PageError", "live_router"]
