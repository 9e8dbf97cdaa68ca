"""The application of FastAPI: `create_app`."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from repose.serve import forms
from repose.serve.documents import errors, form_body, page
from repose.serve.errors import RefusedError
from repose.serve.guard import Guard
from repose.serve.jobs import MEDIA as CLIPS
from repose.serve.messages import Answer, Task
from repose.serve.metrics import MEDIA as METRICS
from repose.serve.service import Service, running
from repose.serve.settings import ServeSettings
from repose.version import __version__

_ABOUT: Final = (
    "A photograph of a person and a target pose in, a photograph of that person in that pose out.\n\n"
    "Forms are multipart/form-data. Every error is JSON: error (a sentence), where, what_to_do. Results have no "
    "metadata of the photograph. The same request gives the same picture: nothing is random.\n\n"
    "503 with Retry-After means that the queue is full: send the request again after so many seconds."
)

_PICTURES: Final[dict[str, Any]] = {
    kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("image/png", "image/jpeg", "image/webp")
}


def create_app(settings: ServeSettings | None = None) -> FastAPI:
    """The application; its workers start and end with it (its lifespan).

    `app.state.service` is the `Service`. Other pages may be mounted on it: they are behind the same `Guard`, without
    the token and without the headers that forbid scripts.

    Args:
        settings: the defaults if not given.
    """
    settings = ServeSettings() if settings is None else settings
    service = Service(settings)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(service):
            yield

    app = FastAPI(
        title="Repose", version=__version__, description=_ABOUT, docs_url=None, redoc_url=None, lifespan=lifespan
    )
    app.state.service = service
    app.add_middleware(Guard, settings=settings, metrics=service.metrics, stopping=lambda: service.stopping)
    app.add_exception_handler(RefusedError, _answer_refused)
    app.add_exception_handler(HTTPException, _answer_http)
    _add_pictures(app, service)
    _add_videos(app, service)
    _add_facts(app, service)
    return app


# -- routes -----------------------------------------------------------------------------------------------------------


def _add_pictures(app: FastAPI, service: Service) -> None:
    settings = service.settings
    fields = forms.transfer_fields(tuple(settings.names))

    @app.post(
        "/v1/transfer",
        response_class=Response,
        openapi_extra=form_body(fields),
        responses={
            200: {
                "description": "the picture; or JSON, if asked for",
                "content": {**_PICTURES, "application/json": {}},
            },
            **errors(400, 401, 403, 408, 413, 415, 422, 501, 503, 504),
        },
    )
    async def transfer(request: Request) -> Response:
        """The photograph `source`, its person in the pose of `target`.

        The answer is the picture; facts of it (model, size, notes) are JSON in the header Repose-Facts. With the header
        Accept: application/json it is JSON, and the picture stands in it in base64.
        """
        files, values = await forms.read_form(request, fields)
        task = await run_in_threadpool(forms.transfer_task, files, values, settings.max_pixels)
        answer = await _computed(service, task, request)
        if "application/json" in request.headers.get("accept", ""):
            text = base64.b64encode(answer.body).decode()
            return JSONResponse({"media_type": answer.media, "picture": text, "facts": dict(answer.facts)})
        return Response(answer.body, media_type=answer.media, headers=_facts(answer))

    @app.post(
        "/v1/estimate",
        openapi_extra=form_body(forms.ESTIMATE_FIELDS),
        responses={
            200: {"description": "a pose file", "content": {"application/json": {}}},
            **errors(400, 401, 403, 408, 413, 415, 422, 501, 503, 504),
        },
    )
    async def estimate(request: Request) -> Response:
        """The 18 joints of the people on a picture, the largest first.

        The answer is a pose file of Repose (`repose-keypoints`), which `repose transfer` and /v1/transfer take as a
        target, with boxes, scores and notes beside; with `fields` maps of each person as PNG in base64.
        """
        files, values = await forms.read_form(request, forms.ESTIMATE_FIELDS)
        await run_in_threadpool(forms.check_picture, files["picture"], "picture", settings.max_pixels)
        answer = await _computed(service, Task("estimate", files, values), request)
        return Response(answer.body, media_type=answer.media, headers=_facts(answer))


def _add_videos(app: FastAPI, service: Service) -> None:
    settings = service.settings
    fields = forms.video_fields(tuple(settings.names), settings.clip_seconds)

    @app.post(
        "/v1/video",
        status_code=202,
        openapi_extra=form_body(fields),
        responses={202: {"description": "the job"}, **errors(400, 401, 403, 408, 413, 415, 503)},
    )
    async def video(request: Request) -> Response:
        """The person of the photograph `source` in the motion of `clip`, or in a `motion` by name.

        The answer is a job; /v1/jobs/ID tells how far it is. Results are kept for an hour unless the operator says
        otherwise.
        """
        files, values = await forms.read_form(request, fields)
        stored, options = await run_in_threadpool(forms.video_job, files, values, settings.max_pixels)
        job = await run_in_threadpool(service.jobs.add, stored, options)
        return JSONResponse(job.document(), 202, {"Location": f"/v1/jobs/{job.key}"})

    @app.get("/v1/jobs/{id}", responses={200: {"description": "state and progress"}, **errors(401, 404)})
    async def job_state(id: str) -> Response:
        """How far a video is: waiting, running, done, failed or stopped."""
        return JSONResponse(service.jobs.get(id).document())

    @app.get(
        "/v1/jobs/{id}/result",
        response_class=FileResponse,
        responses={200: {"description": "the clip"}, **errors(401, 404, 409)},
    )
    async def job_result(id: str) -> Response:
        """The clip of a job that is done."""
        job = service.jobs.get(id)
        if job.state != "done":
            why = job.refused.error if job.refused is not None else f"It is {job.state}."
            raise RefusedError(409, f"There is no result. {why}", "id", f"See /v1/jobs/{job.key}.")
        return FileResponse(job.result, media_type=CLIPS[job.options["format"]])

    @app.delete("/v1/jobs/{id}", status_code=204, responses={204: {"description": "it is gone"}, **errors(401, 404)})
    async def remove_job(id: str) -> Response:
        """Stop a job, and remove its files."""
        await run_in_threadpool(service.jobs.remove, id)
        return Response(status_code=204)


def _add_facts(app: FastAPI, service: Service) -> None:
    @app.get("/v1/models", responses={200: {"description": "the models"}, **errors(401, 503)})
    async def models() -> Response:
        """The models of this server; the first is used where a request names none."""
        if not service.pool.models:
            raise RefusedError(503, "The models are being loaded.", "server", "Ask again soon.", {"Retry-After": "2"})
        return JSONResponse({"models": service.pool.models})

    @app.get("/healthz", responses={200: {"description": "ready"}, 503: {"description": "not ready"}})
    async def health() -> Response:
        """Whether the server is live and ready: 200, or 503 where no worker is ready or the server stops."""
        found = service.health()
        return JSONResponse(found, 200 if found["ready"] else 503)

    @app.get("/metrics", response_class=PlainTextResponse, responses={200: {"description": "numbers"}, **errors(401)})
    async def metrics() -> Response:
        """Numbers in the text format of Prometheus."""
        return Response(service.numbers(), media_type=METRICS)

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return HTMLResponse(page(app.openapi()))


# -- inside -----------------------------------------------------------------------------------------------------------


async def _computed(service: Service, task: Task, request: Request) -> Answer:
    async def gone() -> None:
        while True:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                return

    return await service.compute(task, gone)


def _facts(answer: Answer) -> dict[str, str]:
    """The facts as headers, in ASCII; long notes are left out, as a proxy may refuse long headers."""
    facts = dict(answer.facts)
    text = json.dumps(facts)
    if len(text) > 3000:
        text = json.dumps({**facts, "notes": ["left out: ask for application/json"]})
    return {"Repose-Facts": text}


async def _answer_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    return JSONResponse(error.document(), error.status, error.headers)


async def _answer_http(request: Request, error: Exception) -> Response:
    """What Starlette says by itself: no such path, no such method."""
    assert isinstance(error, HTTPException)
    path = request.url.path[:100]
    if error.status_code == 404:
        refused = RefusedError(404, f"There is nothing at {path}.", "path", "See /docs.")
    elif error.status_code == 405:
        refused = RefusedError(405, f"{path} does not take {request.method[:20]}.", "method", "See /docs.")
    else:
        refused = RefusedError(error.status_code, str(error.detail), "request", "See /docs.")
    return JSONResponse(refused.document(), refused.status, {**(error.headers or {})})
