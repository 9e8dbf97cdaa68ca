"""Names of clothes -> LIP's labels, and whether a person wears them."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from repose.callers import callers_level
from repose.names import nearest
from repose.person import LIP_LABELS, Person
from repose.represent.parsing import fold_neck

GARMENTS: Final[Mapping[str, tuple[str, ...]]] = {
    "shirt": ("upper clothes",),
    "coat": ("coat",),
    "jacket": ("coat",),
    "top": ("upper clothes", "coat"),
    "trousers": ("pants",),
    "skirt": ("skirt",),
    "bottom": ("pants", "skirt"),
    "dress": ("dress",),
    "jumpsuit": ("jumpsuits",),
    "outfit": ("upper clothes", "dress", "coat", "pants", "jumpsuits", "skirt"),
    "hat": ("hat",),
    "shoes": ("left shoe", "right shoe"),
    "socks": ("socks",),
    "gloves": ("glove",),
    "scarf": ("scarf",),
    "glasses": ("sunglasses",),
    "hair": ("hair",),
    "face": ("face",),
    "arms": ("left arm", "right arm"),
    "legs": ("left leg", "right leg"),
    **{label: (label,) for label in LIP_LABELS[1:]},
}
"""Name -> the labels of `LIP_LABELS` that make it. "top" is whatever covers the trunk beside a dress, "bottom" what
covers the legs, "outfit" all clothes but shoes and small things. The names of LIP's labels are names, too."""

LEAST_PIXELS: Final = 16
"""A garment of fewer pixels is not worn: a parser writes single wrong pixels."""

LEAST_SHARE: Final = 0.003
"""Nor is one of a smaller share of the person's pixels."""


PARTS: Final = (
    frozenset({"upper clothes", "coat", "dress", "jumpsuits", "scarf"}),
    frozenset({"pants", "skirt", "jumpsuits", "dress", "socks"}),
)
"""Labels of the trunk and of the legs, which parsers take for each other."""

_FAR_MORE: Final = 1.5


@dataclass(frozen=True)
class Garment:
    """What is exchanged, as one piece.

    Attributes:
        name: as it was asked for. labels: of `LIP_LABELS`.
    """

    name: str
    labels: tuple[str, ...]

    def mask(self, parsing: Tensor) -> Tensor:
        """Where it is: int64 (..., H, W) labels of one person -> bool (..., H, W).

        Nobody wears a dress or a jumpsuit above at least as much of trousers or a skirt: on such a person a parser took
        part of the shirt for one.
        """
        own = label_mask(parsing, self.labels)
        if "upper clothes" not in self.labels or not bool(own.any()):
            return own
        gown, lower = (label_mask(parsing, labels) for labels in (("dress", "jumpsuits"), ("pants", "skirt")))
        return own | gown if int(lower.sum()) >= int(gown.sum()) else own


def read_garments(names: str | Iterable[str]) -> tuple[Garment, ...]:
    """Names of clothes -> the pieces that are exchanged, each name one piece, in the order that was asked for.

    >>> read_garments("shirt, trousers")
    (Garment(name='shirt', labels=('upper clothes',)), Garment(name='trousers', labels=('pants',)))

    Args:
        names: of `GARMENTS`, a text with commas, or several.

    Raises:
        ValueError: no name, one that is not known (the text gives the nearest), or a label twice.
    """
    words = [word.strip() for word in (names.split(",") if isinstance(names, str) else names)]
    if not words or not all(words):
        raise ValueError(f"labels: name at least one garment; there are: {', '.join(GARMENTS)}")
    garments: list[Garment] = []
    for word in words:
        if word.lower() not in GARMENTS:
            raise ValueError(f"labels: no garment is called '{word}'; {nearest(word.lower(), GARMENTS)}")
        garments.append(Garment(word.lower(), GARMENTS[word.lower()]))
    every = [label for garment in garments for label in garment.labels]
    twice = next((label for label in every if every.count(label) > 1), None)
    if twice is not None:
        raise ValueError(f"labels: '{twice}' is named twice by {', '.join(words)}; leave one of them away")
    return tuple(garments)


def garment_labels(names: str | Iterable[str]) -> tuple[str, ...]:
    """Names of clothes -> all of their labels of `LIP_LABELS`, in its order. Errors as of `read_garments`."""
    wanted = {label for garment in read_garments(names) for label in garment.labels}
    return tuple(label for label in LIP_LABELS if label in wanted)


def label_mask(parsing: Tensor, labels: Iterable[str]) -> Tensor:
    """Where one of LIP's labels is: int64 (..., H, W) -> bool (..., H, W). The neck counts as face."""
    numbers = torch.tensor([LIP_LABELS.index(label) for label in labels], device=parsing.device)
    return torch.isin(fold_neck(parsing), numbers)


def worn(parsing: Tensor) -> dict[str, int]:
    """What a person wears: LIP label -> pixels, the largest first, without the background and what is too small.

    Args:
        parsing: int64 (H, W).
    """
    counts = torch.bincount(fold_neck(parsing).flatten(), minlength=len(LIP_LABELS)).tolist()
    least = _least(sum(counts[1:]))
    there = {label: count for label, count in zip(LIP_LABELS[1:], counts[1:], strict=True) if count >= least}
    return dict(sorted(there.items(), key=lambda one: -one[1]))


def require_worn(person: Person, garments: Iterable[Garment], what: str) -> None:
    """Check that a person wears every one of these.

    Args:
        person: unbatched, with parsing. what: names them in the error, such as "the source" or a file.

    Warns:
        UserWarning: what lies over the same part of the body is by far more of another label, such as a coat where a
            shirt is asked for.

    Raises:
        ValueError: they do not wear one, or too few of its pixels are seen; the text says what they wear.
    """
    if person.parsing is None or person.batched:
        raise ValueError(f"{what}: one unbatched person with parsing is needed, the 20 labels of LIP")
    least = _least(int((person.parsing > 0).sum()))
    for garment in garments:
        count = int(garment.mask(person.parsing).sum())
        if count >= least:
            _note_other(person.parsing, garment, what)
            continue
        there = ", ".join(f"{label} ({pixels} pixels)" for label, pixels in worn(person.parsing).items())
        seen = f"only {count} pixels of it are seen" if count else "no pixel of it is seen"
        raise ValueError(
            f"{what} wears no {garment.name} ({', '.join(garment.labels)}): {seen}, {least} are needed; "
            f"there are: {there or 'no labels at all'}"
        )


def _note_other(parsing: Tensor, garment: Garment, what: str) -> None:
    """Warn where another label has by far more of the part of the body that the garment covers."""
    place = garment.mask(parsing)
    count, pixels = int(place.sum()), worn(torch.where(place, 0, parsing))
    for part in PARTS:
        if not part & set(garment.labels):
            continue
        more = {label: area for label, area in pixels.items() if label in part and area > _FAR_MORE * count}
        for label, area in more.items():
            warnings.warn(
                f"{what}: {count} pixels are {garment.name}, and {area} are {label}, which stay; ask for {label} too, "
                "or give a label map, if that is wrong",
                stacklevel=callers_level(),
            )


def _least(person: int) -> int:
    """Pixels that a garment has at least, of a person of so many."""
    return max(LEAST_PIXELS, round(LEAST_SHARE * person))


__all__ = [
    "GARMENTS",
    "LEAST_PIXELS",
    "LEAST_SHARE",
    "PARTS",
    "Garment",
    "garment_labels",
    "label_mask",
    "read_garments",
    "require_worn",
    "worn",
]
