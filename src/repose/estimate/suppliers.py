"""Who supplies a field of `Person` that is missing, in words, for errors."""

from __future__ import annotations

from typing import Final

from repose.estimate.table import ESTIMATORS

_RENDERED: Final = (
    "stores of rendered people have it (`repose prepare synthetic`, then `repose inspect`, `repose eval`)"
)

_GIVEN: Final = {
    "image": "repose.read_person(PHOTO) supplies it with the joints",
    "keypoints": "repose.represent.pose_files.read_poses(FILE) reads it from a keypoint file",
    "parsing": f"{_RENDERED}; repose.represent.maps.with_maps(person, parsing=FILE) adds what a human parser gave for "
    "the photograph",
    "iuv": f"{_RENDERED}; repose.represent.maps.with_maps(person, iuv=FILE) adds what DensePose gave for the "
    "photograph",
    "mask": f"{_RENDERED}; or set Person.mask yourself, 1 on the person",
    "extra_keypoints": "repose.represent.pose_files.read_poses(FILE) reads it from a file of Repose, COCO-WholeBody or "
    "OpenPose with hands or feet",
    "depth": f"{_RENDERED}; or set Person.depth yourself, in metres",
}
"""Field -> what supplies it beside the estimators."""


def supplier(field: str) -> str:
    """Who supplies a field of `Person`: estimators if it has some, data sets, files. Without a full stop."""
    if field == "image":
        return _GIVEN[field]
    if field == "keypoints":
        return "repose.read_person(PHOTO) supplies it, `repose estimate PHOTO -o poses.csv` writes it into a file"
    if ESTIMATORS.get(field):
        return f"repose.estimate.complete(person, '{field}') estimates it from the photograph; {_GIVEN[field]}"
    return f"{_GIVEN[field]}; Repose has no estimator of it"


def without_estimator(field: str) -> str:
    """Who supplies a field of `Person` where its estimators cannot run. Without a full stop."""
    return _GIVEN[field]
