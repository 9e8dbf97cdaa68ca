"""Which estimators there are for each field of `Person`, and how one is had by its name."""

from __future__ import annotations

import functools
from typing import Any, Final, Literal, cast, overload

from repose.estimate.base import (
    Estimator,
    ExtraKeypointEstimator,
    IUVEstimator,
    KeypointEstimator,
    MaskEstimator,
    ParsingEstimator,
)
from repose.names import nearest, resolve

ESTIMATORS: Final[dict[str, dict[str, str]]] = {
    "keypoints": {
        "movenet": "repose.estimate.movenet:MoveNet",
        "movenet-1": "repose.estimate.movenet:MoveNet1",
        "rtmpose": "repose.estimate.rtmpose:RTMPose",
    },
    "mask": {
        "person": "repose.estimate.person_mask:PersonMask",
        "selfie": "repose.estimate.selfie:Selfie",
        "bodypix": "repose.estimate.bodypix:BodyPix",
    },
    "parsing": {"person": "repose.estimate.person_parsing:PersonParsing"},
    "iuv": {
        "person": "repose.estimate.person_iuv:PersonIUV",
        "body": "repose.estimate.body_iuv:BodyIUV",
    },
    "extra_keypoints": {"mediapipe": "repose.estimate.mediapipe_points:MediaPipePoints"},
}
"""Field -> its estimators by name, as "module:Class"; the first one is the default. The fields stand in the order in
which `repose.estimate.complete` fills them: the others need the joints."""

CONTRACTS: Final[dict[str, Any]] = {
    "keypoints": KeypointEstimator,
    "mask": MaskEstimator,
    "parsing": ParsingEstimator,
    "iuv": IUVEstimator,
    "extra_keypoints": ExtraKeypointEstimator,
}
"""Field -> the class of `repose.estimate.base` whose methods its estimators have."""


@overload
def estimator(name: str | None = None, *, field: Literal["keypoints"] = "keypoints") -> KeypointEstimator: ...
@overload
def estimator(name: str | None = None, *, field: Literal["mask"]) -> MaskEstimator: ...
@overload
def estimator(name: str | None = None, *, field: Literal["parsing"]) -> ParsingEstimator: ...
@overload
def estimator(name: str | None = None, *, field: Literal["iuv"]) -> IUVEstimator: ...
@overload
def estimator(name: str | None = None, *, field: Literal["extra_keypoints"]) -> ExtraKeypointEstimator: ...
@overload
def estimator(name: str | None = None, *, field: str) -> Estimator: ...


def estimator(name: str | None = None, *, field: str = "keypoints") -> Estimator:
    """The estimator of this name with its usual settings, made once a process.

    Args:
        name: a key of `ESTIMATORS[field]`; None is the first.
        field: of `Person`, a key of `ESTIMATORS`.

    Raises:
        ValueError: an unknown field or name (the text names the nearest), or a field that has no estimator.
        ImportError, FileNotFoundError: its package or its weights are not here; the text says how to get them.

    Example:
        >>> estimator("movenet").people(load_image("street.jpg"))  # doctest: +SKIP
        >>> estimator("selfie", field="mask").mask(image, keypoints)  # doctest: +SKIP
    """
    if field not in ESTIMATORS:
        raise ValueError(f"no field is estimated that is called {field!r}; {nearest(field, ESTIMATORS)}")
    named = ESTIMATORS[field]
    if not named:
        raise ValueError(f"Repose has no estimator of {field}")
    if name is None:
        name = next(iter(named))
    if name not in named:
        raise ValueError(f"no estimator of {field} is called {name!r}; {nearest(name, named)}")
    return _build(named[name])


def built(path: str) -> Estimator:
    """The estimator of a class, "module:Class", made once a process; of a class of the table that of `estimator`."""
    return _build(path)


@functools.cache
def _build(path: str) -> Estimator:
    return cast(Estimator, resolve(path)())
