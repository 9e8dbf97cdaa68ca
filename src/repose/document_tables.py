"""The tables of README, docs and cards, written from the lines in `results/`; no number is typed by hand.

A table stands between `<!-- table: NAME -->` and `<!-- /table -->`; `repose bench tables` writes each anew. The module
that measures owns its table. This module finds the tables in the documents and asks their owners: `TABLES` maps names
to the functions of the owners, `FAMILIES` does so for patterns of names.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from repose.apps.fonts.measure import font_table
from repose.apps.reidentification.table import reid_table
from repose.bench.attention import attention_table
from repose.bench.budget.table import budget_table
from repose.bench.campaigns import campaign_table
from repose.bench.cost.table import cost_table, short_cost_table
from repose.bench.estimating import estimating_table
from repose.bench.evaluations import evaluation_table, ladder_table, model_table
from repose.bench.exporting import backend_table, export_table
from repose.bench.forward import forward_table
from repose.bench.large import large_table
from repose.bench.latency import latency_table
from repose.bench.live import live_table
from repose.bench.loading import loading_table
from repose.bench.metrics import metrics_table
from repose.bench.rendering import rendering_table
from repose.bench.runtimes import runtime_table
from repose.bench.scene import scene_table
from repose.bench.seeds import seeds_table
from repose.bench.serving.table import serving_table
from repose.bench.steadiness import steadiness_table
from repose.bench.video import video_table
from repose.files import replacing, shortened
from repose.metrics.protocols import overview
from repose.models.paper_table import paper_table
from repose.names import nearest
from repose.record import DamagedLineError, LackingLineError, ResultLine, read_results
from repose.research.iuv import iuv_table
from repose.research.joints import joints_table
from repose.research.looks import looks_table
from repose.research.parsing import parsing_table
from repose.research.photographs.document import photographs_table
from repose.research.realism import realism_table
from repose.research.reidentification import reidentification_table
from repose.research.reproduction.document import reproduction_page
from repose.research.tryon import tryon_table
from repose.research.tuning import tuning_table
from repose.research.turns import turns_table


def _reconstructs(line: ResultLine) -> bool:
    """Whether a line is of semantic reconstruction, which reads the target's labels: not to be compared with others."""
    return line.get("recipe") == "multiscale-parsing-s" or line.get("model") == "first-picture"


TABLES: Final[dict[str, Callable[[list[ResultLine]], str]]] = {
    "market": lambda lines: evaluation_table(lines, "market1501", "patn-market"),
    "market-short": lambda lines: evaluation_table(
        lines,
        "market1501",
        "patn-market",
        ("ssim", "mask_ssim", "pckh", "lpips_alex", "identity", "identity_reid", "attributes"),
    ),
    "synthetic": lambda lines: evaluation_table(lines, "synthetic", "patn-market"),
    "people": lambda lines: evaluation_table(lines, "people-fashion-half", "people-half"),
    "reconstruct": lambda lines: evaluation_table(
        [line for line in lines if _reconstructs(line)],
        "synthetic-half",
        "people-half",
        ("ssim", "mask_ssim", "psnr", "l1", "lpips_alex"),
    ),
    "half-weights": lambda lines: evaluation_table(
        [line for line in lines if not _reconstructs(line)], "synthetic-half", "people-half"
    ),
    "ladder": ladder_table,
    "protocols": lambda lines: overview(),
    "papers": lambda lines: paper_table(),
    "reproduce": lambda lines: reproduction_page(),
    "forward": forward_table,
    "export": export_table,
    "export-backends": backend_table,
    "attention": attention_table,
    "campaigns": campaign_table,
    "cost": cost_table,
    "cost-short": short_cost_table,
    "estimate": estimating_table,
    "large": large_table,
    "latency": latency_table,
    "live": live_table,
    "loading": loading_table,
    "metrics": metrics_table,
    "rendering": rendering_table,
    "runtimes": runtime_table,
    "scene": scene_table,
    "serving": serving_table,
    "steadiness": steadiness_table,
    "video-speed": video_table,
    "realism": realism_table,
    "joints": joints_table,
    "looks": looks_table,
    "iuv": iuv_table,
    "parsing": parsing_table,
    "font": font_table,
    "turns": turns_table,
    "tryon": tryon_table,
    "reidentification": reidentification_table,
    "reid": reid_table,
    "photographs": photographs_table,
    "tuning": tuning_table,
}
"""Name of a table -> the function of its owner that makes it from result lines, the newest last."""


@dataclass(frozen=True)
class Family:
    """Tables with a part of the name to fill in, such as a model.

    Attributes:
        form: how these names are written, for error messages.
        pattern: of the whole name; its groups are the further arguments of `make`, None for a group that did not match.
        make: the function of the owner: result lines, the newest last, and the groups -> Markdown.
    """

    form: str
    pattern: re.Pattern[str]
    make: Callable[..., str]


FAMILIES: Final = (
    Family("measured-MODEL", re.compile(r"measured-(.+)"), model_table),
    Family(
        "budget-DATA", re.compile(r"budget-([^@]+)(?:@([^@]+)(?:@([^@]+))?)?"), budget_table
    ),  # also budget-DATA@MINUTES and budget-DATA@MINUTES@NAME
    Family("seeds-DATA@BASE", re.compile(r"seeds-([^@]+)@([^@]+)"), seeds_table),
)

_BEGIN: Final = re.compile(r"^<!-- table: \S+ -->$", re.MULTILINE)
_BLOCK: Final = re.compile(
    r"^(<!-- table: (\S+) -->\n)(?:(?!<!-- table: ).)*?^(<!-- /table -->)$", re.DOTALL | re.MULTILINE
)


def write_tables(results: Path, documents: Sequence[Path]) -> dict[Path, list[str]]:
    """Fill the tables of these Markdown files from the .jsonl files of a folder.

    Returns:
        The names of the tables that each file has.

    Raises:
        KeyError: a document names a table that is not known.
        ValueError: there is no line in the results for a table, a line is not JSON, or a table has no end.

    If it raises, no document has changed.
    """
    lines = read_results(results)
    names: dict[Path, list[str]] = {}
    changed: dict[Path, str] = {}
    for document in documents:
        text = document.read_text(encoding="utf-8")
        names[document] = [block[2] for block in _BLOCK.finditer(text)]
        if len(_BEGIN.findall(text)) != len(names[document]):
            raise ValueError(f"{document}: a table has no end; write <!-- /table --> below each <!-- table: NAME -->")
        new = _BLOCK.sub(lambda block: f"{block[1]}{document_table(block[2], lines)}{block[3]}", text)
        if new != text:
            changed[document] = new
    for document, text in changed.items():
        with replacing(document) as partial:
            partial.write_text(text, encoding="utf-8")
    return names


def document_table(name: str, lines: list[ResultLine]) -> str:
    """One table as Markdown.

    Args:
        name: a key of `TABLES`, or a name of one of `FAMILIES`.
        lines: result lines, the newest last.

    Raises:
        KeyError: no table has this name; names the nearest one.
        ValueError: the results hold no line for this table, or a damaged one; names its file and its number.
    """
    if name in TABLES:
        return _made(name, TABLES[name], lines)
    for family in FAMILIES:
        if match := family.pattern.fullmatch(name):
            return _made(name, functools.partial(_of_family, family, match.groups()), lines)
    raise KeyError(f"no table is called '{name}'; {nearest(name, (*TABLES, *(family.form for family in FAMILIES)))}")


def _of_family(family: Family, groups: Sequence[str | None], lines: list[ResultLine]) -> str:
    return family.make(lines, *groups)


def _made(name: str, make: Callable[[list[ResultLine]], str], lines: list[ResultLine]) -> str:
    """A table. ValueError, with its place, where a line makes it fail: without this line the outcome is another."""
    table, error = _tried(make, lines)
    if error is None:
        return table
    if isinstance(error, DamagedLineError | LackingLineError):
        raise error
    for number, line in enumerate(lines):
        _, other = _tried(make, lines[:number] + lines[number + 1 :])
        if repr(other) != repr(error):
            told = error if isinstance(error, ValueError) else f"{type(error).__name__} {shortened(str(error))}"
            raise DamagedLineError(line, f"the table '{name}' cannot be made of it: {str(told)[:300]}") from error
    raise error


def _tried(make: Callable[[list[ResultLine]], str], lines: list[ResultLine]) -> tuple[str, Exception | None]:
    try:
        return make(lines), None
    except Exception as error:  # a table stumbles over a damaged line in any way
        return "", error
