"""What tuning a model to one person gains on pictures of that person that it did not see."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from repose.apps.tuning import Tuned, tune
from repose.comparison import ComparisonFiles, compare
from repose.data.folder import Folder, prepare_folder
from repose.data.store import Store
from repose.images import save_image
from repose.markdown import each_value, grid_table
from repose.metrics.result import Evaluation
from repose.metrics.settings import EvaluationSettings
from repose.record import ResultLine, reading_line

PROTOCOL: Final = "people-fashion"

COLUMNS: Final = {
    "ssim": "SSIM ↑",
    "mask_ssim": "mask-SSIM ↑",
    "l1": "L1 ↓",
    "lpips_alex": "LPIPS ↓",
    "feature_distance": "feature distance ↓",
    "appearance": "appearance ↑",
    "identity": "identity ↑",
}
"""Of the table, where the lines have them."""


def photograph_rendered(folder: Path, seed: int, person: int, count: int, style: str, size: tuple[int, int]) -> None:
    """Write pictures of one rendered person as photographs: FOLDER/00.png and on.

    Args:
        seed, person, style: of `repose.render.people.render_person`. size: height and width.
    """
    from repose.render.draw.render import Renderer  # needs the extra `synthetic`, and the table does not
    from repose.render.people import render_person

    with Renderer(*size) as renderer:
        for number, picture in enumerate(render_person(renderer, seed, person, count, style)):
            save_image(folder / f"{number:02d}.png", picture.image)


def held_out_store(photographs: Sequence[Path], folder: Path, size: tuple[int, int], pairs: int) -> Store:
    """The photographs that no tuning saw, as a store with one split, "test"."""
    listed = folder.with_suffix(".csv")
    listed.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{path.resolve()},person,test" for path in photographs]
    listed.write_text("\n".join(["picture,person,split", *rows]) + "\n", encoding="utf-8")
    prepare_folder(Folder(listed.parent, listed, size=size, fields="mask", pairs=pairs), folder)
    return Store.open(folder)


def measure_tuning(
    source: Path,
    out: Path,
    name: str,
    model: str,
    images: int,
    store: Store | None,
    pairs: int,
    screen: Console,
) -> tuple[ResultLine, Tuned]:
    """Tune a model to a person, and measure it before and after.

    Args:
        source, out, model, images: of `repose.apps.tune`.
        name: of the person, in the table.
        store: pictures that are measured on; None: a fifth of `source` is held out for it.
        pairs: that are measured, at most.

    Returns:
        The result line without its stamp, "kind" is "tuning", and what `tune` left.
    """
    done = tune(
        source, out, model=model, images=images, hold_out=0.0 if store is not None else 0.2, keep=True, screen=screen
    )
    tested = store if store is not None else Store.open(out / "tuning" / "store")
    files = ComparisonFiles(out / "before-after.png")
    evaluations = compare([model, str(out)], tested.folder, PROTOCOL, EvaluationSettings(limit=pairs), files, screen)
    before, after = evaluations
    line = {
        "kind": "tuning", "who": name, "model": before.facts["model"], "images": done.images, "seed": 0,
        "minutes": round(done.seconds / 60, 1), "pictures": dict(done.pictures), "pairs": len(before.pairs),
        "protocol": f"{before.protocol.name}@{before.protocol.version}", "data": tested.dataset,
        "checksum": tested.checksum,
        "copied": _scores(before, "source"), "before": _scores(before), "after": _scores(after),
    }  # fmt: skip
    return line, done


def tuning_table(lines: list[ResultLine]) -> str:
    """The newest line of every person: copied source, before and after.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line, or one lacks a key.
    """
    newest = {line["who"]: line for line in lines if line.get("kind") == "tuning"}
    if not newest:
        raise ValueError("results hold no line of scripts/measure_tuning.py")
    stamps = list(newest.values())
    shown = [name for name in COLUMNS if any(name in line["after"] for line in stamps)]
    grid = [["person", "pictures", "", *(COLUMNS[name] for name in shown)]]
    for who, line in newest.items():
        with reading_line(line):
            for number, (key, title) in enumerate(
                {"copied": "copied source", "before": f"`{line['model']}`", "after": "tuned"}.items()
            ):
                cells = [_cell(line[key].get(name)) for name in shown]
                grid.append(
                    [who if not number else "", str(line["pictures"]["train"]) if not number else "", title, *cells]
                )
    counts = ", ".join(f"{line['pairs']}" for line in stamps)
    shown_images = each_value(stamps, "images", "{:,}")
    commits, machines = each_value(stamps, "commit", "`{}`"), each_value(stamps, "hardware", "{}")
    return (
        f"{grid_table(grid)}\n{PROTOCOL}, {counts} pairs of held-out pictures, 95 % intervals of the bootstrap over "
        f"pairs; {shown_images} images; commit {commits}, {machines}.\n"
    )


# -- inside ---------------------------------------------------------------------------------------------------------


def _scores(evaluation: Evaluation, kind: str = "generated") -> dict[str, list[float]]:
    scores = evaluation[kind].scores
    return {
        name: [round(value, 5) for value in (score.value, score.low, score.high)]
        for name, score in scores.items()
        if name in COLUMNS
    }


def _cell(score: Any) -> str:
    if score is None:
        return ""
    value, low, high = score
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"
