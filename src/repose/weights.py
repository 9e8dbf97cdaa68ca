"""The weights that come with Repose: one folder each under `weights/`, with a card beside the numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from repose.train.checkpoint import SUFFIX
from repose.words import nearest

DEFAULT: Final = "carry-s-synthetic"
"""What "default" means: trained on synthetic people alone, free for any use."""

_PLACES: Final = (
    Path(__file__).parent / "weights",  # an installed package
    Path(__file__).parents[2] / "weights",  # a checkout
)


def shipped() -> dict[str, Path]:
    """Name -> folder of the weights that came with this installation."""
    return {
        card.parent.name: card.parent
        for place in _PLACES
        if place.is_dir()
        for card in sorted(place.glob("*/recipe.json"))
    }


def find_weights(name: str | Path) -> Path:
    """Shipped weights by name ("default" included), or the folder of any run or `convert` result, or a file in it.

    Returns:
        What `repose.train.checkpoint.load_generator` takes; recipe.json lies in it, or beside the file.

    Raises:
        ValueError: there is no such name, folder or file; the text names the nearest.
    """
    known = shipped()
    wanted = DEFAULT if str(name) == "default" else str(name)
    if wanted in known:
        return known[wanted]
    path = Path(name)
    if path.is_file() and path.suffix != SUFFIX:
        raise ValueError(
            f"{path} is no {SUFFIX} file; a released .pth is turned into weights by `repose convert`, and a run is "
            "given by its folder"
        )
    folder = path.parent if path.is_file() else path
    if (folder / "recipe.json").exists():
        return path
    if folder.is_dir() and path.exists():
        raise ValueError(f"{folder} has no recipe.json; give the folder of a training run or of a conversion")
    raise ValueError(f"no weights are called '{name}' and no such folder exists; {nearest(wanted, known)}")
