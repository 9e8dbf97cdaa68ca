"""The mask of a person for the whole photograph: `with_mask`."""

from __future__ import annotations

import functools
import warnings

from repose.callers import callers_level
from repose.estimate import (
    ESTIMATORS,
    MaskEstimator,
    complete,
    estimator,
)
from repose.files import first_line
from repose.names import nearest
from repose.person import Person


def with_mask(person: Person, mask: MaskEstimator | str | None = "auto") -> Person:
    """Add the mask that says where the person is on the photograph; unchanged where there is one.

    Args:
        person: unbatched, with image and keypoints.
        mask: an estimator, or its name; "auto" is the default one where it can run; None finds no mask, and the person
            is told from what is around by joints and colours.

    Warns:
        UserWarning: "auto" cannot run; the text says what is missing.

    Raises:
        MissingFieldError: the estimator that is named cannot run.
        ValueError: no such estimator.
    """
    if mask is None or mask == "none" or person.mask is not None:
        return person
    if mask == "auto":
        problem = no_automatic_mask()
        if problem is not None:
            if problem:
                warnings.warn(
                    f"the person is cut out by joints and colours alone, less well than by networks: {problem}",
                    stacklevel=callers_level(),
                )
            return person
    return complete(person, "mask", {} if mask == "auto" else {"mask": mask})[0]


@functools.cache
def no_automatic_mask() -> str | None:
    """Why the default estimator of masks cannot run here; None if it can. It is tried once a process."""
    try:
        estimator(field="mask")
    except (ImportError, FileNotFoundError) as error:
        return first_line(error, None)
    return None


def require_mask(name: str) -> None:
    """Check that `with_mask` knows this name. ValueError names the nearest one."""
    names = ("auto", "none", *ESTIMATORS["mask"])
    if name not in names:
        raise ValueError(f"no way to cut a person out is called '{name}'; {nearest(name, names)}")
