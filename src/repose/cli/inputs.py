"""The files that the verbs on photographs are given."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def pictures_in(place: Path) -> list[Path]:
    if not place.exists():
        raise FileNotFoundError(f"{place} does not exist")
    if place.is_file():
        return [place]
    from repose.images import PICTURES

    found = sorted(path for path in place.iterdir() if path.suffix.lower() in PICTURES)
    if not found:
        raise ValueError(f"{place} holds no pictures ({', '.join(PICTURES)})")
    return found


def require_new(name: str, known: Iterable[str]) -> None:
    if name in known:
        raise ValueError(f"another one is called '{name}', too; rename one of the two")
