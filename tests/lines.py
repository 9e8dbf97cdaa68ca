"""Result lines for tests, and Markdown tables read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def evaluation(model: str = "a", ssim: float = 0.5, day: int = 1, **facts: Any) -> dict[str, Any]:
    """A result line of `repose eval`, complete and of the test split unless `facts` say otherwise."""

    def row(value: float | None, psnr: float | None) -> dict[str, list[float | None]]:
        return {"ssim": [value, value, value], "psnr": [psnr, psnr, psnr]}

    return {
        "kind": "evaluation", "protocol": "patn-market@1", "model": model, "weights": f"{model}-sha",
        "data": "market1501", "checksum": "c0ffee", "split": "test", "pairs": 10, "pairs_in_split": 10,
        "date": f"2026-01-{day:02}T00:00:00+00:00", "commit": "abc", "hardware": "a box",
        "rows": {"target": row(1.0, None), "source": row(0.1, 12.0), "generated": row(ssim, 15.0)}, **facts,
    }  # fmt: skip


def forward_line(recipe: str, day: int = 1, best: float | None = 0.25, **facts: Any) -> dict[str, Any]:
    """A result line of `repose bench forward`."""
    rows = [{"backend": "plain", "best": best, "median": best, "share": 0.5, "difference": 0.0}]
    return {
        "bench": "forward", "recipe": recipe, "height": 256, "width": 176, "batch": 1, "parameters": 41_358_019,
        "gmac": 71.9, "peak_gflops": 80.0, "threads": 2, "hardware": "a box", "torch": "2.6", "commit": "abc",
        "rows": rows, "date": f"2026-01-{day:02}T00:00:00+00:00", **facts,
    }  # fmt: skip


def rows_of(text: str) -> dict[str, list[str]]:
    """First cell -> the other cells, headings under ""."""
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return {row[0]: row[1:] for row in cells if not row[0].startswith("---")}


def write_results(folder: Path, *lines: dict[str, Any], name: str = "r.jsonl") -> Path:
    """The lines as a .jsonl file of a folder; gives the folder."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder
