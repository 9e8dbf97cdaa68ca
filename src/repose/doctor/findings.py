"""One finding about a machine, and the report of all."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

Status = Literal["ok", "missing", "broken"]

WIDTH: Final = 80


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for or tried.

    Attributes:
        group: "machine", "packages", "extras", "weights", "networks" or "tried".
        name: of the thing.
        status: "ok"; "missing": it is not here; "broken": it is here, and does not work.
        detail: what was found: a version, a path, a time; or what is wrong.
        gives: what it is for.
        todo: the command that brings or repairs it; "" if there is none.
        needed: whether transfers need it.
    """

    group: str
    name: str
    status: Status
    detail: str = ""
    gives: str = ""
    todo: str = ""
    needed: bool = False


@dataclass(frozen=True)
class Report:
    """All findings.

    Attributes:
        findings: in the order of the groups.
    """

    findings: Sequence[Finding] = field(default_factory=tuple)

    @property
    def works(self) -> bool:
        """Whether transfers work: nothing that they need is missing or broken."""
        return not any(one.needed and one.status != "ok" for one in self.findings)

    @property
    def finds_joints(self) -> bool:
        """Whether joints are found in photographs, so that a transfer needs no keypoint file."""
        needed = {"estimate", "photographs"}
        return not any(one.name in needed and one.status != "ok" for one in self.findings)

    def verdict(self) -> str:
        """What can be done here, in a sentence."""
        if not self.works:
            wrong = ", ".join(one.name for one in self.findings if one.needed and one.status != "ok")
            return f"Transfers do not work here: {wrong}."
        if not self.finds_joints:
            return "Transfers work from keypoint files; photographs need what is missing above."
        return "Transfers work here, from photographs and from keypoint files."

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values, for JSON."""
        return {
            "transfers": self.works,
            "finds_joints": self.finds_joints,
            "verdict": self.verdict(),
            "findings": [asdict(one) for one in self.findings],
        }

    def lines(self) -> Iterator[str]:
        """The report as text, at most 80 columns wide, except for paths and commands, which are never broken."""
        for group in dict.fromkeys(one.group for one in self.findings):
            yield group
            for one in self.findings:
                if one.group == group:
                    yield from _lines(one)
            yield ""
        yield self.verdict()


_STATUS: Final = 9
_NAME: Final = 19


def _lines(one: Finding) -> Iterator[str]:
    text = one.detail if one.status == "ok" else "; ".join(part for part in (one.detail, one.gives) if part)
    indent = " " * (2 + _STATUS + _NAME)
    wrapped = textwrap.wrap(text, WIDTH - len(indent), break_long_words=False, break_on_hyphens=False) or [""]
    head = f"  {one.status:{_STATUS}}{one.name:{_NAME}}"
    if len(one.name) >= _NAME:
        yield head.rstrip()
        head = indent
    yield f"{head}{wrapped[0]}".rstrip()
    yield from (f"{indent}{line}" for line in wrapped[1:])
    if one.todo and one.status != "ok":
        yield f"{indent}{one.todo}"
