"""Finding things by name: versions of a name, and for an unknown name the nearest known one."""

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
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.55)
    return f"did you mean '{near[0]}'?" if near else f"there are: {', '.join(names) or 'none'}"


def versioned(name: str, known: Mapping[str, V], kind: str) -> V:
    """The entry "name@version", or the newest version of "name".

    Args:
        known: the entries, by "name@version".
        kind: what an entry is, for the error, such as "protocol".

    Raises:
        KeyError: there is no such entry; the text lists the known versions, or names the nearest entry.
    """
    if name in known:
        return known[name]
    versions = [entry for entry in known.values() if entry.name == name]
    if versions:
        return max(versions, key=lambda entry: entry.version)
    base, _, version = name.partition("@")
    there = ", ".join(cited for cited, entry in known.items() if entry.name == base)
    if there:
        raise KeyError(f"{kind} '{base}' has no version '{version}'; there is {there}")
    names = sorted({entry.name for entry in known.values()})
    raise KeyError(f"no {kind} is called '{name}'; {nearest(base, names)}")


def resolve(path: str) -> Any:
    """ "module:attribute" -> the attribute."""
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)
