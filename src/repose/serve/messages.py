"""What the process of the application and the processes that compute tell each other; all of it can be pickled."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from repose.serve.errors import RefusedError


@dataclass(frozen=True)
class Task:
    """A request that is computed.

    Attributes:
        kind: what is asked for. files: field -> the bytes of its file. options: field -> its checked value.
        digests: field -> a hash of the bytes of its photograph, by which it is known again; not of every file.
    """

    kind: Literal["transfer", "estimate"]
    files: Mapping[str, bytes] = field(repr=False)
    options: Mapping[str, Any]
    digests: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    @property
    def key(self) -> Hashable:
        """Requests of one key may go through the network together; None: this one alone."""
        return ("transfer", self.options["model"]) if self.kind == "transfer" else None

    @property
    def size(self) -> int:
        """Bytes of the files."""
        return sum(len(content) for content in self.files.values())


@dataclass(frozen=True)
class Answer:
    """What became of a request.

    Attributes:
        body: a picture in `media`, or nothing. media: its type. facts: what is told beside it.
        refused: the error in its place.
    """

    body: bytes = field(default=b"", repr=False)
    media: str = "application/json"
    facts: Mapping[str, Any] = field(default_factory=dict)
    refused: RefusedError | None = None


@dataclass(frozen=True)
class CacheNumbers:
    """What a worker's cache of photographs did since its process began, and what it holds.

    Attributes:
        source_hits, source_misses: requests whose source was there, and those whose was not. target_hits,
            target_misses: the same of photographs as targets. photographs, bytes: that are kept now.
    """

    source_hits: int = 0
    source_misses: int = 0
    target_hits: int = 0
    target_misses: int = 0
    photographs: int = 0
    bytes: int = 0
