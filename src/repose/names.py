"""Names as people write them; where there is no such name, what was probably meant, or what there is."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeVar


class Versioned(Protocol):
    """What is cited as "name@version"."""

    @property
    def name(self) -> str:
        """Without the version."""

    @property
    def version(self) -> int:
        """A higher one is newer."""


V = TypeVar("V", bound=Versioned)


def nearest(name: object, known: Iterable[object]) -> str:
    """ "did you mean 'patn-s'?" where a known name is near, else "there are patn-s, patn-market, ..."."""
    names = [str(one) for one in known]
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.4)
    return f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(names) or 'none'}"


def versioned(name: str, known: Mapping[str, V], kind: str) -> V:
    """What is known as "name@version", or the newest version of "name".

    Args:
        known: by "name@version". kind: what they are, for the error, such as "protocol".

    Raises:
        KeyError: there is none; the text tells the versions that there are, or the nearest name.
    """
    if name in known:
        return known[name]
    versions = [made for made in known.values() if made.name == name]
    if versions:
        return max(versions, key=lambda made: made.version)
    base, _, version = name.partition("@")
    there = ", ".join(cited for cited, made in known.items() if made.name == base)
    if there:
        raise KeyError(f"{kind} '{base}' has no version '{version}'; there is {there}")
    names = sorted({made.name for made in known.values()})
    raise KeyError(f"no {kind} is called '{name}'; {nearest(base, names)}")


def resolve(path: str) -> Any:
    """ "module:attribute" -> the attribute."""
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)
