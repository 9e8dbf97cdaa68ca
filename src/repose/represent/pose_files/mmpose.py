"""mmpose 1.x: predictions of a picture (a list of people) or of a video (a list of frames with `instances`).

The demo writes {"meta_info", "instance_info"} (`--save-predictions`), the inferencer a file for each picture
(`pred_out_dir`), and its return value is {"predictions": [[...]]}. `keypoints` are points [x, y], `keypoint_scores`
stand beside. RTMPose's scores are logits that may pass 1; mmpose draws a joint from 0.3 on (`kpt_thr`), as for all its
models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from repose.represent.pose_files.entries import entry_figure, joint_name, named
from repose.represent.pose_files.errors import FormatError
from repose.represent.pose_files.figures import COUNTS, Figure, Picture, Record, triples
from repose.represent.pose_files.openpose import stem


def is_instances(data: object) -> bool:
    """Whether parsed JSON is what mmpose 1.x writes."""
    if isinstance(data, dict):
        return "instance_info" in data or "predictions" in data or "instances" in data or "keypoint_scores" in data
    if not isinstance(data, list) or not data:
        return False
    first = data[0]
    if isinstance(first, list):
        return bool(first) and isinstance(first[0], dict) and "keypoints" in first[0]
    return isinstance(first, dict) and ("instances" in first or {"keypoints", "keypoint_scores"} <= set(first))


def instances(file: Path, data: Any, name: str | None = None) -> Iterator[Record]:
    """The pictures of a file: one of the name of the file, or frame_N of each frame."""
    meta: Mapping[str, Any] = {}
    while isinstance(data, dict) and "keypoints" not in data:
        meta = data.get("meta_info") or meta
        key = next((key for key in ("instance_info", "predictions", "instances") if key in data), None)
        if key is None:
            yield FormatError(file, None, f"an object without instances: {', '.join(map(str, list(data)[:5]))}")
            return
        data = data[key]
    if isinstance(data, dict):
        data = [data]
    if not isinstance(data, list):
        yield FormatError(file, None, f"the instances are {str(data)[:60]}, a list is needed")
        return
    names = _names(meta)
    if data and all(isinstance(entry, list) for entry in data):  # a list for each picture
        data = [{"frame_id": number, "instances": entry} for number, entry in enumerate(data)]
    if data and all(isinstance(entry, dict) and "instances" in entry for entry in data):
        for number, entry in enumerate(data):
            frame = entry.get("frame_id", number)
            label = name or (stem(file) if len(data) == 1 else f"frame_{frame}")
            yield from _picture(file, label, entry["instances"], names)
        return
    yield from _picture(file, name or stem(file), data, names)


def _picture(file: Path, name: str, people: Any, names: Sequence[str | None]) -> Iterator[Record]:
    if not isinstance(people, list):
        yield FormatError(file, None, f"instances is {str(people)[:60]}, a list is needed", name)
        return
    figures = []
    for number, entry in enumerate(people):
        where = f"{name}[{number}]"
        if not isinstance(entry, dict) or "keypoints" not in entry:
            yield FormatError(file, None, f"{where} has no keypoints: {str(entry)[:60]}", name)
            continue
        try:
            figures.append(_figure(entry, where, names))
        except ValueError as error:
            yield FormatError(file, None, str(error), name)
    yield Picture(name, figures)


def _figure(entry: Mapping[str, Any], where: str, names: Sequence[str | None]) -> Figure:
    points = entry["keypoints"]
    if isinstance(points, list) and len(points) == len(names) and len(points) not in COUNTS and any(names):
        rows, scored = triples(points, where)
        scores = entry.get("keypoint_scores")
        if isinstance(scores, list) and len(scores) == len(rows):
            rows[:, 2], scored = triples([[0, 0, score] for score in scores], where)[0][:, 2], True
        return named(rows, names, where, scored, None)
    return entry_figure(entry, where)


def _names(meta: object) -> list[str | None]:
    """The joints' names of `meta_info.keypoint_id2name`, in order; empty where there are none."""
    table = meta.get("keypoint_id2name") if isinstance(meta, dict) else None
    if isinstance(table, dict):
        return [joint_name(str(name)) for name in table.values()]
    return []
