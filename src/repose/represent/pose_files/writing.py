"""Writing pose files in the formats of other tools."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from repose.files import replacing
from repose.names import nearest
from repose.person import FOOT_POINTS, HAND_POINTS, JOINTS, Person
from repose.represent.keypoints import SKELETONS, Skeleton, to_skeleton
from repose.represent.pose_files import dresscode
from repose.represent.pose_files.coco import coco_text, whole_body_text
from repose.represent.pose_files.csv_files import patn_text, roy_text
from repose.represent.pose_files.figures import PictureSize
from repose.represent.pose_files.openpose import HAND_KEYS
from repose.represent.pose_files.own import own_text
from repose.represent.pose_files.text import dumps, flat, short

Format = Literal[
    "repose", "openpose", "openpose-body25", "openpose-body25b", "controlnet", "editor", "coco", "coco-wholebody",
    "coco-results", "mmpose", "alphapose", "alphapose-cmu", "alphapose-open", "halpe26", "mediapipe", "tfjs",
    "dresscode", "patn", "roy", "numpy",
]  # fmt: skip
FORMATS: Final[tuple[Format, ...]] = get_args(Format)

People = Mapping[str, Tensor]
Sizes = Mapping[str, PictureSize]


@dataclass(frozen=True)
class Writer:
    """How a format is written.

    Attributes:
        content: the joints and the sizes of the pictures, by name -> the file.
        several: whether a file holds more than one picture.
        sized: whether it needs the size of the pictures.
        suffix: the ending of its files.
        about: a few words for the help.
        whole: the joints, the sizes, and the points of feet and hands (48, 3) by name -> the file, where the format
            holds those; they are lost otherwise.
    """

    content: Callable[[People, Sizes], str | bytes]
    several: bool
    sized: bool
    suffix: str
    about: str
    whole: Callable[[People, Sizes, People], str] | None = None


def write_keypoints(
    path: str | os.PathLike[str],
    people: Mapping[str, Tensor] | Mapping[str, Person],
    format: Format | None = None,
    size: tuple[int, int] | None = None,
) -> None:
    """Joints into a file; written to a temporary name first, so that no reader sees half a file.

    Args:
        path: the file to write or replace; its folder is created.
        people: name of the picture -> (18, 3), or a Person with such joints and perhaps the size of the picture. The
            points of feet and hands are written where the format holds them (`WRITERS[format].whole`). The
            formats of one picture (`WRITERS[format].several`) take one.
        format: one of `FORMATS`; None: patn for a name ending in .csv, numpy for .npy, repose otherwise.
        size: (height, width) of the pictures whose Person has none; some formats need it, patn drops it.

    Raises:
        ValueError: unknown format, wrong shape, no size where it is needed, several names for a format of one, a name
            that the format cannot hold, or a located joint that is not finite.
    """
    file = Path(path)
    format = format or default_format(file)
    if format not in FORMATS:
        raise ValueError(f"write_keypoints: no format is called {format!r}; {nearest(format, FORMATS)}")
    writer = WRITERS[format]
    clean: dict[str, Tensor] = {}
    extras: dict[str, Tensor] = {}
    sizes: dict[str, PictureSize] = {}
    for name, one in people.items():
        keypoints = one.keypoints if isinstance(one, Person) else one
        sizes[name] = (one.size if isinstance(one, Person) else None) or size
        if keypoints is None or tuple(keypoints.shape) != (len(JOINTS), 3):
            shape = None if keypoints is None else tuple(keypoints.shape)
            raise ValueError(f"write_keypoints: {name!r} has shape {shape}, (18, 3) is needed")
        clean[name] = _clean(keypoints, name)
        if isinstance(one, Person) and one.extra_keypoints is not None:
            extras[name] = _clean(one.extra_keypoints, name)
    if not writer.several and len(clean) != 1:
        kind = "OpenPose" if format.startswith("openpose") else format
        raise ValueError(f"write_keypoints: an {kind} file holds one picture, got {len(clean)}; write one each")
    if writer.sized and None in sizes.values():
        raise ValueError(
            f"write_keypoints: {format}'s format holds the size of the pictures; give size=(height, width)"
        )
    if extras and writer.whole is not None:
        content: str | bytes = writer.whole(clean, sizes, extras)
    else:
        content = writer.content(clean, sizes)
    with replacing(file) as partial:
        if isinstance(content, bytes):
            partial.write_bytes(content)
        else:
            partial.write_text(content, encoding="utf-8", newline="")


def _clean(points: Tensor, name: str) -> Tensor:
    """Points (N, 3) whose missing ones are 0. ValueError where a located one is not finite."""
    points = points.detach().float().cpu()
    points = torch.where(points[:, 2:] > 0, points, torch.zeros_like(points))
    if not torch.isfinite(points).all():
        raise ValueError(f"write_keypoints: {name!r} has a located joint that is not finite")
    return points


def default_format(file: Path) -> Format:
    """The format that the ending of a file stands for."""
    return {".csv": "patn", ".npy": "numpy"}.get(file.suffix.lower(), "repose")  # type: ignore[return-value]


# -- formats --------------------------------------------------------------------------------------------------------


def _single(people: People, sizes: Sizes) -> tuple[Tensor, PictureSize]:
    ((name, keypoints),) = people.items()
    return keypoints, sizes[name]


def _frame(keypoints: Tensor, size: PictureSize, skeleton: Skeleton = "openpose18") -> dict[str, object]:
    canvas = {} if size is None else {"canvas_height": size[0], "canvas_width": size[1]}
    person = {"person_id": [-1], "pose_keypoints_2d": flat(to_skeleton(keypoints, skeleton))}
    model = {"body25": {"model_pose": "BODY_25"}, "body25b": {"model_pose": "BODY_25B"}}.get(skeleton, {})
    return {"version": 1.3, **model, **canvas, "people": [person]}


def _openpose(skeleton: Skeleton) -> Callable[[People, Sizes], str]:
    return lambda people, sizes: dumps(_frame(*_single(people, sizes), skeleton))


def _openpose_whole(skeleton: Skeleton) -> Callable[[People, Sizes, People], str]:
    """OpenPose's file with hands, and with the feet that the skeleton has."""

    def content(people: People, sizes: Sizes, extras: People) -> str:
        keypoints, size = _single(people, sizes)
        ((_, extra),) = extras.items()
        frame = _frame(keypoints, size, skeleton)
        points = to_skeleton(keypoints, skeleton)
        for number, name in enumerate(SKELETONS[skeleton]):
            if name in FOOT_POINTS:
                points[number] = extra[FOOT_POINTS.index(name)]
        body = {"person_id": [-1], "pose_keypoints_2d": flat(points), "face_keypoints_2d": []}
        return dumps({**frame, "people": [{**body, **_hands(extra)}]})

    return content


def _hands(extra: Tensor) -> dict[str, list[float]]:
    """OpenPose's keys of the hands of (48, 3); a list is empty where no point of that hand is located."""
    hands = torch.split(extra[len(FOOT_POINTS) :], len(HAND_POINTS))
    return {key: flat(hand) if bool((hand[:, 2] > 0).any()) else [] for key, hand in zip(HAND_KEYS, hands, strict=True)}


def _controlnet(people: People, sizes: Sizes, extras: People | None = None) -> str:
    """A list of frames, as ComfyUI saves it: in pixels of the canvas, without a face."""
    frames = []
    for name, keypoints in people.items():
        frame = _frame(keypoints, sizes[name])
        bare: dict[str, list[float] | None] = dict.fromkeys(("face_keypoints_2d", *HAND_KEYS))
        if extras and name in extras:
            bare |= {key: hand or None for key, hand in _hands(extras[name]).items()}
        frames.append({**frame, "people": [{"pose_keypoints_2d": flat(keypoints), **bare}]})
    return dumps(frames)


def _editor(people: People, sizes: Sizes) -> str:
    keypoints, size = _single(people, sizes)
    assert size is not None
    points = [[short(x), short(y)] for x, y, _ in keypoints.tolist()]
    return dumps({"width": size[1], "height": size[0], "keypoints": [points]})


def _results(skeleton: Skeleton) -> Callable[[People, Sizes], str]:
    def content(people: People, sizes: Sizes) -> str:
        return dumps(
            [
                {"image_id": name, "category_id": 1, "keypoints": flat(to_skeleton(keypoints, skeleton)), "score": 1.0}
                for name, keypoints in people.items()
            ]
        )

    return content


def _mmpose(people: People, sizes: Sizes) -> str:
    keypoints, _ = _single(people, sizes)
    rows = to_skeleton(keypoints, "coco17").tolist()
    located = [row[:2] for row in rows if row[2] > 0] or [[0.0, 0.0]]
    box = [*map(min, zip(*located, strict=True)), *map(max, zip(*located, strict=True))]
    person = {
        "keypoints": [[short(x), short(y)] for x, y, _ in rows], "keypoint_scores": [score for _, _, score in rows],
        "bbox": [[short(side) for side in box]], "bbox_score": 1.0,
    }  # fmt: skip
    return dumps([person])


def _alphapose(key: str, points: str) -> Callable[[People, Sizes], str]:
    return lambda people, sizes: dumps(
        {name: {"version": "AlphaPose v0.3", key: [{points: flat(joints)}]} for name, joints in people.items()}
    )


def _objects(keypoints: Tensor, skeleton: Skeleton) -> list[tuple[str, float, float, float]]:
    rows = to_skeleton(keypoints, skeleton).tolist()
    return [(name, x, y, third) for name, (x, y, third) in zip(SKELETONS[skeleton], rows, strict=True)]


def _mediapipe(people: People, sizes: Sizes) -> str:
    keypoints, size = _single(people, sizes)
    assert size is not None
    height, width = size
    points = [
        {"x": (x + 0.5) / width * (seen > 0), "y": (y + 0.5) / height * (seen > 0), "z": 0.0, "visibility": seen}
        for _, x, y, seen in _objects(keypoints, "blazepose33")
    ]
    return dumps({"width": width, "height": height, "pose_landmarks": [points]})


def _tfjs(people: People, sizes: Sizes) -> str:
    keypoints, _ = _single(people, sizes)
    points = [
        {"x": short(x), "y": short(y), "score": seen, "name": name}
        for name, x, y, seen in _objects(keypoints, "coco17")
    ]
    return dumps([{"score": 1.0, "keypoints": points}])


def _dresscode(people: People, sizes: Sizes) -> str:
    keypoints, size = _single(people, sizes)
    height, width = size or dresscode.SIZE
    down, across = dresscode.SIZE[0] / height, dresscode.SIZE[1] / width
    rows = [
        [short((x + 0.5) * across - 0.5), short((y + 0.5) * down - 0.5), seen, number] if seen > 0 else [-1, -1, 0, -1]
        for number, (x, y, seen) in enumerate(keypoints.tolist())
    ]
    return dumps({"keypoints": rows})


def _numpy(people: People, sizes: Sizes) -> bytes:
    keypoints, _ = _single(people, sizes)
    stream = io.BytesIO()
    np.save(stream, keypoints.numpy())
    return stream.getvalue()


WRITERS: Final[dict[Format, Writer]] = {
    "repose": Writer(own_text, True, False, ".json", "Repose's own; loses no joint", own_text),
    "openpose": Writer(
        _openpose("openpose18"), False, False, ".json", "OpenPose COCO-18, ControlNet", _openpose_whole("openpose18")
    ),
    "openpose-body25": Writer(
        _openpose("body25"), False, False, ".json", "OpenPose BODY-25", _openpose_whole("body25")
    ),
    "openpose-body25b": Writer(
        _openpose("body25b"), False, False, ".json", "OpenPose BODY-25B", _openpose_whole("body25b")
    ),
    "controlnet": Writer(_controlnet, True, False, ".json", "ComfyUI's list of frames; names are lost", _controlnet),
    "editor": Writer(_editor, False, True, ".json", "openpose-editor: width, height, keypoints"),
    "coco": Writer(coco_text, True, False, ".json", "COCO annotations"),
    "coco-wholebody": Writer(
        whole_body_text, True, False, ".json", "COCO-WholeBody annotations: feet and hands", whole_body_text
    ),
    "coco-results": Writer(_results("coco17"), True, False, ".json", "COCO results"),
    "mmpose": Writer(_mmpose, False, False, ".json", "mmpose 1.x, predictions of a picture"),
    "alphapose": Writer(_results("coco17"), True, False, ".json", "AlphaPose's default"),
    "alphapose-cmu": Writer(_alphapose("bodies", "joints"), True, False, ".json", "AlphaPose --format cmu"),
    "alphapose-open": Writer(
        _alphapose("people", "pose_keypoints_2d"), True, False, ".json", "AlphaPose --format open"
    ),
    "halpe26": Writer(_results("halpe26"), True, False, ".json", "AlphaPose with Halpe's 26 points"),
    "mediapipe": Writer(_mediapipe, False, True, ".json", "MediaPipe's 33 landmarks"),
    "tfjs": Writer(_tfjs, False, False, ".json", "TensorFlow.js, MoveNet"),
    "dresscode": Writer(_dresscode, False, False, ".json", "Dress Code, in its 384x512 pixels"),
    "patn": Writer(patn_text, True, False, ".csv", "PATN's CSV"),
    "roy": Writer(roy_text, True, True, ".csv", "Roy's CSV"),
    "numpy": Writer(_numpy, False, False, ".npy", "an array (18, 3)"),
}
"""The formats that `write_keypoints` writes."""
