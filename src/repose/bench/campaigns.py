"""The table of docs/reliability.md: what the campaigns of faults (folder campaigns/) tried, and what failed."""

from __future__ import annotations

from repose.markdown import each_value, grid_table
from repose.record import ResultLine, reading_line


def campaign_table(lines: list[ResultLine]) -> str:
    """The newest run of each row, by name.

    Args:
        lines: result lines, the newest last; those of kind "campaign" count.

    Raises:
        ValueError: there is no such line, or one lacks a key.
    """
    newest = {line.get("name", ""): line for line in lines if line.get("kind") == "campaign"}
    if not newest:
        raise ValueError("results hold no line of a campaign; run `make campaign`")
    rows = [["campaign", "inputs", "failures", "what was checked", "date", "commit"]]
    for name in sorted(newest):
        line = newest[name]
        with reading_line(line):
            kinds = ", ".join(f"{kind} {count:,}" for kind, count in line["failures"].items())
            total = sum(line["failures"].values())
            failures = f"{total:,} ({kinds})" if total else "0"
            about = line["checks"] + _ends(line)
            rows.append([name, f"{line['inputs']:,}", failures, about, line["date"][:10], f"`{line['commit']}`"])
    stamps = list(newest.values())
    inputs, failed = (sum(line["inputs"] for line in stamps), sum(sum(line["failures"].values()) for line in stamps))
    facts = f"{each_value(stamps, 'hardware')}; torch {each_value(stamps, 'torch')}"
    return f"{grid_table(rows)}\nAll rows together: {inputs:,} inputs, {failed:,} failures. {facts}.\n"


def _ends(line: ResultLine) -> str:
    """How the inputs ended that did not fail, where the campaign counts it."""
    ends = ", ".join(f"{kind} {count:,}" for kind, count in line.get("outcomes", {}).items())
    return f" ({ends})" if ends else ""
