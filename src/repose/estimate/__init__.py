"""Photograph -> fields of `Person`: small adapters of other people's networks, by field and name, behind one Protocol
for each field.

>>> people = estimator("movenet").people(load_image("street.jpg"))  # doctest: +SKIP
>>> choose(people).keypoints  # the largest; NobodyFound if there is nobody  # doctest: +SKIP
>>> person, origin = complete(repose.read_person("me.jpg"), ["mask"])  # doctest: +SKIP
"""

from __future__ import annotations

from repose.estimate.base import (
    Detection,
    Estimator,
    ExtraKeypointEstimator,
    IUVEstimator,
    KeypointEstimator,
    MaskEstimator,
    NobodyFound,
    ParsingEstimator,
    choose,
)
from repose.estimate.cache import Cached, CachedExtraKeypoints, CachedIUV, CachedMask, CachedParsing
from repose.estimate.completing import MissingFieldError, complete
from repose.estimate.suppliers import supplier
from repose.estimate.table import ESTIMATORS, estimator
from repose.represent.choosing import Which

__all__ = [
    "ESTIMATORS",
    "Cached",
    "CachedExtraKeypoints",
    "CachedIUV",
    "CachedMask",
    "CachedParsing",
    "Detection",
    "Estimator",
    "ExtraKeypointEstimator",
    "IUVEstimator",
    "KeypointEstimator",
    "MaskEstimator",
    "MissingFieldError",
    "NobodyFound",
    "ParsingEstimator",
    "Which",
    "choose",
    "complete",
    "estimator",
    "supplier",
]
