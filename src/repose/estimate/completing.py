"""`complete(person, fields)`: the fields that a person lacks, estimated from their photograph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields as fields_of
from dataclasses import replace
from typing import Any, Final, cast

from torch import Tensor

from repose.estimate.base import Estimator, Image, KeypointEstimator, choose
from repose.estimate.suppliers import supplier, without_estimator
from repose.estimate.table import CONTRACTS, ESTIMATORS, estimator
from repose.names import nearest
from repose.person import Person
from repose.represent.canvas import to_uint8
from repose.represent.choosing import Which

FIELDS: Final = tuple(field.name for field in fields_of(Person) if field.name != "size")
"""The fields of `Person` that hold something."""


class MissingFieldError(ValueError):
    """A field of a person is missing and nothing here can estimate it; the text says who can supply it."""


def complete(
    person: Person,
    fields: str | Iterable[str],
    using: Mapping[str, str | Estimator] | None = None,
    which: Which = "largest",
) -> tuple[Person, dict[str, str]]:
    """The same person with those of `fields` that were missing, estimated from the photograph.

    What the person has is left as it is. Joints come first: the other estimators need them to know which person is
    meant, so missing joints are estimated even if they are not among `fields`.

    Args:
        person: unbatched, on the whole photograph.
        fields: names of fields of `Person`, one or several.
        using: field -> the name of its estimator (`repose.estimate.ESTIMATORS`), or an estimator; the first of the
            table for a field that is not in it.
        which: whose joints, if several people are on the photograph: "largest", "best" or an index, 0 the largest.

    Returns:
        The person, and field -> `name` of the estimator for every field that was filled.

    Raises:
        MissingFieldError: a field has no estimator, its package or its weight file is not here, or the person has no
            photograph.
        NobodyFound: the joints are missing and nobody is on the photograph.
        ValueError: a batch, an unknown field or estimator, or a person whose joints are all missing.

    Example:
        >>> person, origin = complete(repose.read_person("me.jpg"), ["mask"])  # doctest: +SKIP
        >>> origin  # doctest: +SKIP
        {'mask': 'selfie-segmentation-1-flip'}
    """
    wanted, using = [fields] if isinstance(fields, str) else list(fields), using or {}
    for name in (*wanted, *using):
        if name not in FIELDS:
            raise ValueError(f"Person has no field {name!r}; {nearest(name, FIELDS)}")
    lacking = [name for name in FIELDS if name in wanted and getattr(person, name) is None]
    if not lacking:
        return person, {}
    if person.batched:
        raise ValueError("complete: one unbatched person on the whole photograph is needed; index the batch")
    if person.image is None:
        raise MissingFieldError(f"the person has no photograph to estimate {lacking[0]} from; {supplier('image')}")
    if person.keypoints is None and "keypoints" not in lacking:
        lacking.append("keypoints")
    networks = {name: _network(name, using.get(name)) for name in _ordered(lacking)}
    pixels = to_uint8(person.image.cpu())
    for name, network in networks.items():
        value = _estimated(name, network, pixels, person.keypoints, which)
        filled: dict[str, Any] = {name: value.to(person.image.device)}
        person = replace(person, **filled)
    return person, {name: network.name for name, network in networks.items()}


def _ordered(fields: Iterable[str]) -> list[str]:
    """In the order in which they are filled: joints first; what has no estimator comes last."""
    order = list(ESTIMATORS)
    return sorted(fields, key=lambda name: order.index(name) if name in order else len(order))


def _network(field: str, chosen: str | Estimator | None) -> Estimator:
    """The estimator of a field, by name, as given, or the default."""
    if not ESTIMATORS.get(field) and (chosen is None or isinstance(chosen, str)):
        raise MissingFieldError(f"the person lacks {field}, which nothing here estimates; {supplier(field)}")
    if chosen is None or isinstance(chosen, str):
        try:
            return estimator(chosen, field=field)
        except (ImportError, FileNotFoundError) as error:
            raise MissingFieldError(
                f"the person lacks {field}, and its estimator cannot run here: {error}\n"
                f"otherwise: {without_estimator(field)}"
            ) from error
    if field not in CONTRACTS or not isinstance(chosen, CONTRACTS[field]):
        raise ValueError(f"{type(chosen).__name__} is no estimator of {field}; see repose.estimate.base")
    return cast(Estimator, chosen)


def _estimated(field: str, network: Estimator, pixels: Image, keypoints: Tensor | None, which: Which) -> Tensor:
    if isinstance(network, KeypointEstimator) and field == "keypoints":
        return choose(network.people(pixels), which).keypoints
    assert keypoints is not None
    if not bool((keypoints[:, 2] > 0).any()):
        raise ValueError(f"no joint of the person is located, so nothing says whose {field} is wanted")
    return cast(Tensor, getattr(network, field)(pixels, keypoints.cpu()))
