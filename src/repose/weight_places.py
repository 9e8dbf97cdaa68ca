"""Where the weights of this installation lie: a folder for each set, by its name.

They come with the package, lie in a checkout, come with another distribution that has an entry point of the group
`repose.weights`, lie in a folder of `REPOSE_FILES`, or were brought by `repose fetch`.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

from repose.files import cache_folder, given_folders

ENTRY_POINTS: Final = "repose.weights"
"""The group of entry points: each names a package whose folder holds a folder for each set of weights."""

IN_THE_WHEEL: Final = ("bodywarp-s-synthetic", "body-lifter", "person-parser")
"""The sets that the wheel of `pose-transfer` holds."""

PUBLISHED: Final = (
    *IN_THE_WHEEL,
    "apatn-s-synthetic",
    "carry-s-synthetic",
    "densepose-s-synthetic",
    "font-s",
    "garment-s-synthetic",
    "multiscale-parsing-s-synthetic",
    "multiscale-s-synthetic",
    "patn-s-synthetic",
)
"""All sets that are free for any use; the others are in the distribution `pose-transfer-weights`."""

FILES: Final = ("weights.safetensors", "recipe.json", "card.json", "CARD.md")
"""The files of a set. body-lifter, person-parser and font-s have no recipe.json and no card.json."""


def weight_folder(name: str) -> Path | None:
    """The folder of a set of weights by its name; None if it is not here."""
    if not name or name in (".", "..") or Path(name).name != name:
        return None
    return next((place / name for place in places() if _is_set(place / name)), None)


def installed_weights() -> dict[str, Path]:
    """Name -> folder of all sets that are here, in the order of the places; the first of one name counts."""
    found: dict[str, Path] = {}
    for place in places():
        for folder in sorted(place.iterdir()) if place.is_dir() else ():
            if _is_set(folder):
                found.setdefault(folder.name, folder)
    return found


def fetched_folder() -> Path:
    """The folder that `repose fetch` brings weights into; it need not exist."""
    return cache_folder() / "weights"


def places() -> Iterator[Path]:
    """The folders to search, in their order. Entry points come last: to read them takes a while."""
    yield Path(__file__).parent / "weights"  # an installed package
    yield Path(__file__).parents[2] / "weights"  # a checkout
    yield from given_folders()
    yield fetched_folder()
    for point in entry_points(group=ENTRY_POINTS):
        try:
            yield Path(str(resources.files(point.module)))
        except (ImportError, TypeError):  # a distribution that is damaged does not hinder the others
            continue


def _is_set(folder: Path) -> bool:
    return any(folder.glob("weights*.safetensors"))
