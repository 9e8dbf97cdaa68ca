"""The fields that a model reads beside pictures and joints, estimated where nobody gave them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from repose.estimate import Estimator, complete, estimator
from repose.models.base import Needs
from repose.person import Person

Using = Mapping[str, str | Estimator] | None
"""Field -> its estimator or the name of one, as `repose.estimate.complete` takes them."""


def complete_source(person: Person, needs: Needs, using: Using = None) -> tuple[Person, dict[str, str]]:
    """The person of a photograph with every field that a model reads of its source.

    Args:
        person: unbatched, on the whole photograph. needs: of the model. using: see `repose.estimate.complete`.

    Returns:
        The person, and field -> the name of the estimator of what was missing. Without a photograph nothing can be
        estimated, and the person is left as they are: the model says what it lacks.

    Raises:
        MissingFieldError, NobodyFound, ValueError: see `repose.estimate.complete`.
    """
    if person.image is None:
        return person, {}
    return complete(person, needs.source, using)


def complete_target(person: Person, needs: Needs, using: Using = None) -> tuple[Person, dict[str, str]]:
    """The person of a target with the maps that only their photograph can tell, such as the parsing.

    IUV is not among them: a pose may get another build, and its IUV is that of the body that is built in the end
    (`complete_pose`).

    Args and errors: see `complete_source`. A target of joints alone is left as it is.
    """
    if person.image is None:
        return person, {}
    return complete(person, [name for name in needs.target if name != "iuv"], using)


def complete_pose(target: Person, needs: Needs) -> Person:
    """A pose on the model's canvas, with the IUV of the body that its joints describe, where the model reads one.

    Args:
        target: unbatched, on the canvas. One that has an IUV keeps it.

    Raises:
        ImportError, FileNotFoundError: the estimator cannot run here.
    """
    if "iuv" not in needs.target or target.iuv is not None or target.keypoints is None or target.size is None:
        return target
    body = estimator("body", field="iuv")
    blank = np.zeros((*target.size, 3), np.uint8)  # it reads no pixels
    return replace(target, iuv=body.iuv(blank, target.keypoints))
