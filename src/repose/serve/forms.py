"""The forms of requests: multipart bodies -> tasks with checked fields. No file name of a client is looked at."""

from __future__ import annotations

import hashlib
import io
import json
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import PIL.Image
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request

from repose.names import nearest
from repose.picture_files import kind_of_bytes, open_picture
from repose.serve.errors import RefusedError
from repose.serve.messages import Task

MAX_TEXT: Final = 200_000
"""Characters of a field that is no file; a pose of 100 people in JSON is shorter."""

MAX_POSE_FILE: Final = 8_000_000
"""Bytes of a pose file; those of whole data sets are larger, and one pose of them is wanted."""

MAX_FIELDS: Final = 32

_WORDS: Final = ("largest", "best", "left", "right", "middle")
_BACKGROUNDS: Final = ("keep", "generated", "white", "transparent")
_NUMPY: Final = b"\x93NUMPY"


@dataclass(frozen=True)
class Field:
    """A field of a form.

    Attributes:
        about: for the documents. read: the text of the field -> its value; ValueError with a sentence. default: where
            it is not sent. kind: "text", "file", or "either". example: for the documents. required: it must be sent.
    """

    about: str
    read: Callable[[str], Any] = str
    default: Any = None
    kind: Literal["text", "file", "either"] = "text"
    example: str = ""
    required: bool = False


async def read_form(request: Request, fields: Mapping[str, Field]) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The form of a request -> the bytes of its files and the values of its other fields, by name.

    Raises:
        RefusedError: 415 another type of body; 400 a body that is no form, a field that is unknown, missing, sent twice
            or has a wrong value.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise RefusedError(
            415, f"The body is {kind[:60] or 'of no type'!s}, a form is needed.", "header Content-Type",
            "Send multipart/form-data, as curl -F does.",
        )  # fmt: skip
    try:
        form = await request.form(max_files=MAX_FIELDS, max_fields=MAX_FIELDS, max_part_size=MAX_TEXT)
    except HTTPException as error:
        raise RefusedError(400, f"The form cannot be read: {error.detail}", "body", "Correct the form.") from None
    try:
        return await _checked(form, fields)
    finally:
        await form.close()


async def _checked(form: FormData, fields: Mapping[str, Field]) -> tuple[dict[str, bytes], dict[str, Any]]:
    files: dict[str, bytes] = {}
    values = {name: field.default for name, field in fields.items()}
    seen: set[str] = set()
    for name, value in form.multi_items():
        if name not in fields:
            raise RefusedError(
                400, f"No field is called '{name[:60]}'.", "form", f"See /docs; {nearest(name[:60], fields)}"
            )
        field = fields[name]
        if name in seen:
            raise RefusedError(400, f"The field {name} is sent twice.", name, "Send it once.")
        seen.add(name)
        if isinstance(value, UploadFile):
            if field.kind == "text":
                raise RefusedError(400, f"The field {name} is a file.", name, "Send its value as text.")
            files[name] = await value.read()
            if not files[name]:
                raise RefusedError(400, f"The file {name} is empty.", name, "Send the file; with curl -F name=@FILE.")
        elif field.kind == "file":
            hint = f"Send a file; with curl -F {name}=@FILE (the server opens no paths and no addresses)."
            raise RefusedError(400, f"The field {name} is text, a file is needed.", name, hint)
        else:
            try:
                values[name] = field.read(value)
            except ValueError as error:
                raise RefusedError(400, f"{name}: {error}", name, f"Correct the field {name}; see /docs.") from None
    missing = [name for name, field in fields.items() if field.required and name not in seen]
    if missing:
        raise RefusedError(400, f"The field {missing[0]} is missing.", missing[0], f"It is {fields[missing[0]].about}")
    return files, values


# -- what files are ---------------------------------------------------------------------------------------------------


def check_picture(content: bytes, where: str, max_pixels: int) -> None:
    """Check, by its head alone, that these bytes are a picture of no more pixels than allowed.

    Raises:
        RefusedError: 415 it is no picture; 413 it has too many pixels.
    """
    kind = kind_of_bytes(content[:400])
    advice = "Send a JPEG, PNG or WebP."
    if kind in ("video", "PDF", "PostScript", "PSD", "SVG", "camera raw", "zip", "JPEG XL"):
        raise RefusedError(415, f"The file is of the kind {kind}, which is not read as a picture.", where, advice)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with open_picture(io.BytesIO(content)) as image:
                width, height = image.size
    except PIL.Image.DecompressionBombError:
        raise RefusedError(
            413, f"The picture has more than {max_pixels / 1e6:g} million pixels.", where, "Reduce it first."
        ) from None
    except Exception:  # Pillow's readers of broken files raise nearly every type
        raise RefusedError(415, f"The file is not a picture: {_glance(content)}.", where, advice) from None
    if width * height > max_pixels:
        raise RefusedError(
            413, f"The picture has {width}x{height} pixels, the limit is {max_pixels / 1e6:g} million.", where,
            "Reduce it first.",
        )  # fmt: skip


def kind_of_target(content: bytes) -> str:
    """What a target is: "joints" (a JSON list of numbers), the suffix of a pose file (json, csv, npy), or "picture"."""
    if content.startswith(_NUMPY):
        return "npy"
    head = content[:2048]
    try:
        text = head.decode("utf-8-sig", errors="strict" if len(head) < 2048 else "ignore").lstrip()
    except UnicodeDecodeError:
        return "picture"
    if "\0" in text:
        return "picture"
    if text.startswith("["):
        inner = text.lstrip("[ \t\r\n")
        return "joints" if inner[:1].isdigit() or inner[:1] in ("-", "n") else "json"
    if text.startswith("{"):
        return "json"
    lines = text.splitlines()
    return "csv" if len(lines) > 1 and (":" in lines[0] or "," in lines[0]) else "picture"


def _glance(content: bytes) -> str:
    head = content[:24]
    try:
        return f"it begins with the text {head.decode()!r}"
    except UnicodeDecodeError:
        return f"it begins with the bytes {head[:8].hex(' ')}"


# -- values of fields -------------------------------------------------------------------------------------------------


def flag(text: str) -> bool:
    """True or false."""
    known = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
    if text.strip().lower() not in known:
        raise ValueError(f"true or false is needed, not '{text[:40]}'")
    return known[text.strip().lower()]


def one_of(*words: str) -> Callable[[str], str]:
    """A reader of one of these words."""

    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"one of {', '.join(words)} is needed, not '{text[:40]}'")
        return text

    return read


def whole(low: int, high: int) -> Callable[[str], int]:
    """A reader of a whole number."""

    def read(text: str) -> int:
        if not text.strip().isdecimal() or len(text) > 12 or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high} is needed, not '{text[:40]}'")
        return int(text)

    return read


def number(low: float, high: float) -> Callable[[str], float]:
    """A reader of a number."""

    def read(text: str) -> float:
        try:
            value = float(text[:40])
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise ValueError(f"a number from {low:g} to {high:g} is needed, not '{text[:40]}'")
        return value

    return read


def person(text: str) -> str | int:
    """Which of several people."""
    if text in _WORDS:
        return text
    if text.isdecimal() and len(text) < 4:
        return int(text)
    raise ValueError(f"{', '.join(_WORDS)} or a number from 0 is needed, not '{text[:40]}'")


def person_or_all(text: str) -> str | int:
    """Which of several people, or all of them."""
    return text if text == "all" else person(text)


def size(text: str) -> tuple[int, int]:
    """HEIGHTxWIDTH."""
    height, mark, width = text.lower().partition("x")
    if not (mark and height.isdecimal() and width.isdecimal()) or not 0 < int(height[:6]) * int(width[:6]) < 10**10:
        raise ValueError(f"HEIGHTxWIDTH is needed, such as 256x176, not '{text[:40]}'")
    return int(height), int(width)


def fields_of_people(text: str) -> list[str]:
    """Names of maps, with commas between."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in ("mask", "parsing"):
            raise ValueError(f"mask and parsing can be asked for, not '{name[:40]}'")
    return list(dict.fromkeys(names))


def joints(text: str) -> Any:
    """Joints as JSON: lists of x, y or x, y, visible."""
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("the joints are no JSON") from None
    if not isinstance(rows, list):
        raise ValueError("the joints are lists of x, y or x, y, visible")
    return rows


def model_of(models: Mapping[str, Any]) -> Callable[[str], str]:
    """A reader of the name of a model that the server has."""

    def read(text: str) -> str:
        if text not in models:
            raise ValueError(f"this server has no model '{text[:60]}'; {nearest(text[:60], models)}")
        return text

    return read


# -- forms ------------------------------------------------------------------------------------------------------------


def transfer_fields(models: tuple[str, ...]) -> dict[str, Field]:
    """The form of `POST /v1/transfer`."""
    return {
        "source": Field("the photograph of the person.", kind="file", required=True),
        "target": Field(
            "the pose: a photograph, a drawing of a skeleton or a pose file of any tool, or joints as JSON text.",
            kind="either", required=True,
        ),
        "target_name": Field("which pose of a pose file with several.", default="", example="dancer"),
        "target_size": Field("HEIGHTxWIDTH of the picture that the joints are of, where they are shares of it.", size,
                             example="720x1280"),
        "source_keypoints": Field("the joints of the source as JSON; no network looks for them then.", joints),
        "model": Field("see /v1/models.", model_of(dict.fromkeys(models)), models[0], example=models[0]),
        "background": Field(
            "what is behind the figure: keep, generated, white, transparent, or a picture (a file).",
            one_of(*_BACKGROUNDS), "keep", "either", "white",
        ),
        "person": Field("of several on the source: largest, best, left, right, middle or a number.", person, "largest"),
        "target_person": Field("the same of the target.", person, "largest"),
        "retarget": Field("give the pose the build of the source's person.", flag, True, example="true"),
        "room": Field("enlarge the picture where the figure would leave it.", flag, False, example="false"),
        "mask": Field("how the person is cut out: auto, none, or an estimator of masks.", default="auto"),
        "min_score": Field("a joint of the target with a lower score is missing.", number(0, 1000), 0.3),
        "size": Field("of the result: its longer side, at most, pixels.", whole(16, 16000), example="1024"),
        "format": Field("of the result: png, jpeg or webp.", one_of("png", "jpeg", "webp"), "png", example="jpeg"),
        "quality": Field("of a jpeg or webp, 1 to 100.", whole(1, 100), 92, example="92"),
    }  # fmt: skip


ESTIMATE_FIELDS: Final = {
    "picture": Field("the photograph.", kind="file", required=True),
    "person": Field("all, largest, best, left, right, middle or a number.", person_or_all, "all", example="all"),
    "fields": Field("maps of each person beside the joints: mask, parsing, with a comma between.", fields_of_people,
                    [], example="mask"),
}  # fmt: skip


def transfer_task(files: dict[str, bytes], values: dict[str, Any], max_pixels: int) -> Task:
    """The task of a form of `transfer_fields`, its files checked.

    Raises:
        RefusedError: see `check_picture`; 400 a JPEG cannot be transparent.
    """
    if "target" not in files:
        files["target"] = values["target"].encode("utf-8", "replace")
        if not files["target"].lstrip().startswith((b"[", b"{")):
            raise RefusedError(
                400, "The field target is text that is no JSON.", "target",
                "Send a file (with curl -F target=@FILE; the server opens no paths and no addresses), or joints as "
                "JSON.",
            )  # fmt: skip
    if "background" in files:
        check_picture(files["background"], "background", max_pixels)
    elif values["background"] == "transparent" and values["format"] == "jpeg":
        raise RefusedError(400, "A JPEG cannot be transparent.", "format", "Ask for png or webp.")
    kind = kind_of_target(files["target"])
    check_picture(files["source"], "source", max_pixels)
    if kind == "picture":
        check_picture(files["target"], "target", max_pixels)
    elif len(files["target"]) > MAX_POSE_FILE:
        raise RefusedError(
            413,
            f"The pose file has more than {MAX_POSE_FILE / 1e6:g} MB.",
            "target",
            "Send the pose that is meant alone.",
        )
    options = {name: value for name, value in values.items() if name not in ("source", "target")}
    digests = {"source": digest(files["source"])}
    if kind == "picture":
        digests["target"] = digest(files["target"])
    return Task("transfer", files, {**options, "target_kind": kind}, digests)


def digest(content: bytes) -> bytes:
    """32 bytes by which a photograph is known again; nobody can make another file that has the same."""
    return hashlib.blake2b(content, digest_size=32).digest()


def video_fields(models: tuple[str, ...], clip_seconds: float) -> dict[str, Field]:
    """The form of `POST /v1/video`."""
    return {
        "source": Field("the photograph of the person.", kind="file", required=True),
        "clip": Field("a video, an animated GIF or WebP, or a keypoint file with a pose a frame.", kind="file"),
        "motion": Field("in place of a clip: walk, turn, wave or dance.", one_of("walk", "turn", "wave", "dance"),
                        example="walk"),
        "model": Field("see /v1/models.", model_of(dict.fromkeys(models)), models[0], example=models[0]),
        "background": Field(
            "what is behind the figure: keep, generated, white, transparent (webp alone), or a picture (a file).",
            one_of(*_BACKGROUNDS), "keep", "either", "white",
        ),
        "person": Field("of several on the source: largest, best, left, right, middle or a number.", person, "largest"),
        "target_person": Field("the same of the clip.", person, "largest"),
        "follow": Field("the figure crosses the photograph as the person crosses the clip.", flag, False),
        "smooth": Field("joints are smoothed in time.", flag, True),
        "sound": Field("keep the sound of the clip.", flag, True),
        "room": Field("enlarge the picture where the figure would leave it.", flag, False, example="false"),
        "mask": Field("how the person is cut out: auto, none, or an estimator of masks.", default="auto"),
        "rate": Field("frames a second of a motion or of keypoints.", number(1, 60), 25.0, example="25"),
        "seconds": Field(f"of the clip, from its beginning; at most {clip_seconds:g}.", number(0.01, 3600)),
        "size": Field("of the result: its longer side, at most, pixels.", whole(32, 1920), 1280, example="640"),
        "format": Field("of the result: mp4, webm, gif or webp.", one_of("mp4", "webm", "gif", "webp"), "mp4",
                        example="mp4"),
    }  # fmt: skip


def video_job(
    files: dict[str, bytes], values: dict[str, Any], max_pixels: int
) -> tuple[dict[str, tuple[str, bytes]], dict[str, Any]]:
    """Files (with the suffix that they are stored with) and options of a form of `video_fields`, checked.

    Raises:
        RefusedError: see `check_picture`; 400 neither or both of clip and motion; 415 the clip is none.
    """
    if ("clip" in files) == (values["motion"] is not None):
        raise RefusedError(400, "Either a clip or a motion is needed.", "clip", "Send a file as clip, or motion=walk.")
    if values["background"] == "transparent" and "background" not in files and values["format"] != "webp":
        raise RefusedError(400, f"A {values['format']} cannot be transparent.", "format", "Ask for webp.")
    check_picture(files["source"], "source", max_pixels)
    stored = {"source": (".picture", files["source"])}
    if "background" in files:
        check_picture(files["background"], "background", max_pixels)
        stored["background"] = (".picture", files["background"])
    if "clip" in files:
        kind = kind_of_bytes(files["clip"][:400])
        if kind == "video":
            stored["clip"] = (".clip", files["clip"])
        else:
            pose = kind_of_target(files["clip"])
            pose = "json" if pose == "joints" else pose
            if pose == "picture":
                check_picture(files["clip"], "clip", max_pixels)
            stored["clip"] = (f".{pose}", files["clip"])
    return stored, {name: value for name, value in values.items() if name not in ("source", "clip")}
