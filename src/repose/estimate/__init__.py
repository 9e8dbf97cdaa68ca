"""Photograph -> Person: small adapters behind one Protocol, by name.

>>> people = estimator("movenet").people(load_image("street.jpg"))  # doctest: +SKIP
>>> choose(people).keypoints  # the largest; NobodyFound if there is nobody  # doctest: +SKIP
"""

from __future__ import annotations

import functools
from importlib import import_module
from typing import Final, cast

from repose.estimate.base import Detection, KeypointEstimator, NobodyFound, Which, choose
from repose.estimate.cache import Cached
from repose.names import nearest

ESTIMATORS: Final = {
    "movenet": "repose.estimate.movenet:MoveNet",
}
"""The keypoint estimators by name: "module:Class"."""


@functools.cache
def estimator(name: str = "movenet") -> KeypointEstimator:
    """The estimator of this name with its usual settings, made once a process.

    Raises:
        ValueError: an unknown name (the text names the nearest).
        ImportError, FileNotFoundError: its package or its weights are not here; the text says how to get them.
    """
    if name not in ESTIMATORS:
        raise ValueError(f"no estimator {name!r}; {nearest(name, ESTIMATORS)}")
    module, _, attribute = ESTIMATORS[name].partition(":")
    return cast(KeypointEstimator, getattr(import_module(module), attribute)())


__all__ = ["ESTIMATORS", "Cached", "Detection", "KeypointEstimator", "NobodyFound", "Which", "choose", "estimator"]
