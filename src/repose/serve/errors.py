"""Errors as clients see them: a status, a sentence, where it is, and what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class RefusedError(Exception):
    """A request is answered with an error.

    Attributes:
        status: of HTTP. error: what is wrong, a sentence. where: a field of the form, a header or a path.
        what_to_do: a sentence; it may be empty where `error` says it. headers: further ones of the answer.
    """

    status: int
    error: str
    where: str
    what_to_do: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The JSON of the answer."""
        return {"error": self.error, "where": self.where, "what_to_do": self.what_to_do}


def busy(error: str, where: str, seconds: float) -> RefusedError:
    """503 with Retry-After: the same request may succeed after so many seconds."""
    wait = max(1, min(120, round(seconds)))
    return RefusedError(503, error, where, f"Send the request again after {wait} s.", {"Retry-After": str(wait)})


def split_advice(text: str) -> tuple[str, str]:
    """An error text of the library -> what is wrong, and what to do; the second is empty where it is not apart."""
    for mark in (". ", "; ", ": give ", ": use "):
        first, found, rest = text.partition(mark)
        if found and len(first) > 15 and rest:
            if mark.startswith(":"):
                rest = mark[2:] + rest
            return _sentence(first), _sentence(rest)
    return _sentence(text), ""


def _sentence(text: str) -> str:
    end = "" if text.endswith("?") else "."
    return f"{text[:1].upper()}{text[1:].rstrip('.')}{end}"
