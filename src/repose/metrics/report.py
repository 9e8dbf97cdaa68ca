"""Evaluations as LaTeX, CSV, and one HTML page that needs no other file."""

from __future__ import annotations

import base64
import csv
import io
import math
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from repose.files import replacing
from repose.markdown import grid_table
from repose.metrics import tables
from repose.metrics.columns import COLUMNS
from repose.metrics.protocols import Protocol
from repose.metrics.published import heading_of, headings, published, published_cells, published_note
from repose.metrics.result import Evaluation, table_rows

Pictures = npt.NDArray[np.uint8]

Show = Callable[[Tensor], list[tuple[str, Sequence[Pictures]]]]
"""Pairs (N, 2) -> columns of pictures: a heading, for models their name, and N pictures uint8 (H, W, 3)."""

WORST_AND_BEST: Final = 5
"""Pairs of each, for each model."""

FORMS: Final = (".md", ".tex", ".csv", ".html")


def latex(evaluations: Sequence[Evaluation]) -> str:
    """The table for a paper: booktabs, intervals in brackets behind the numbers, the protocol in the caption.

    The published rows of the protocol, if there are any, follow in a table of their own.
    """
    table, title, caption = table_rows(evaluations, name_files=False)
    text = _latex_table(tables.table_cells(table), f"{title}. {caption}.")
    first = evaluations[0].protocol
    if rows := published(first):
        text += "\n" + _latex_table(published_cells(rows), f"{published_note(first)}.", names=2)
    return text


def markdown(evaluations: Sequence[Evaluation]) -> str:
    """The table as Markdown, and below it the published rows of the protocol, if any, in a table of their own."""
    text = tables.markdown(*table_rows(evaluations))
    return text + published_markdown(evaluations[0].protocol)


def published_markdown(measured: Protocol) -> str:
    """The published rows that may stand beside numbers of a protocol, as Markdown; empty if there are none."""
    rows = published(measured)
    if not rows:
        return ""
    return f"\n## Published, not measured here\n\n{grid_table(published_cells(rows))}\n{published_note(measured)}.\n"


def as_csv(evaluations: Sequence[Evaluation]) -> str:
    """A line for each number: protocol, data, split, pairs, row, metric, value, low and high of the 95 % interval.

    A number that was not measured has a line without value; the last column tells why.
    """
    table, _, _ = table_rows(evaluations)
    first = evaluations[0]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["protocol", "data", "checksum", "split", "pairs", "row", "metric", "value", "low", "high", "why"])
    facts = [str(first.facts[key]) for key in ("data", "checksum", "split", "pairs")]
    for row in table:
        for column, score in row.scores.items():
            numbers = ("" if math.isnan(number) else f"{number:.6f}" for number in (score.value, score.low, score.high))
            writer.writerow([row.protocol, *facts, row.name, column, *numbers, ""])
        for column, reason in row.missing.items():
            writer.writerow([row.protocol, *facts, row.name, column, "", "", "", tables.why(reason)])
    return text.getvalue()


def html(evaluations: Sequence[Evaluation], show: Show, sheet: Pictures | None = None) -> str:
    """One page: the table with rows that sort, the papers' rows apart, histograms, the worst and the best pairs.

    Args:
        evaluations: of one measurement, as for `comparison_table`.
        show: gives the pictures of pairs.
        sheet: a picture of some pairs, at the end of the page; None: none.
    """
    rows, title, caption = table_rows(evaluations)
    first = evaluations[0]
    parts = [f"<h1>{escape(title)}</h1>", f"<p>{escape(caption)}.</p>", _table(rows), _published(first)]
    models = [(str(one.facts["model"]), one) for one in evaluations if any(row.kind == "generated" for row in one.rows)]
    if models:
        parts += ["<h2>Distribution over the pairs</h2>", _histograms(models)]
    for name, one in models:
        parts += [f"<h2>{escape(name)}: worst and best pairs by SSIM</h2>", _worst_and_best(name, one, show)]
    if sheet is not None:
        parts += ["<h2>Some pairs</h2>", f'<img class="sheet" alt="some pairs" src="{_picture(sheet)}">']
    facts = {key: first.facts.get(key) for key in ("date", "commit", "hardware", "repose", "torch", "estimator")}
    about = "; ".join(f"{key} {value}" for key, value in facts.items() if value)
    parts.append(f"<footer>{escape(about)}. {escape(first.protocol.notes)}.</footer>")
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(str(first.protocol))}</title><style>{_STYLE}</style></head><body>\n"
        + "\n".join(parts)
        + f"\n<script>{_SCRIPT}</script></body></html>\n"
    )


def write_report(path: Path, evaluations: Sequence[Evaluation], show: Show, sheet: Pictures | None = None) -> None:
    """Write the evaluations in the form that the file's ending names.

    Args:
        path: of the file; its ending is one of `FORMS`.
        evaluations, show, sheet: as `html`.

    Raises:
        ValueError: another ending, or the evaluations are not of one measurement.
    """
    require_form(path)
    form = path.suffix.lower()
    if form == ".html":
        text = html(evaluations, show, sheet)
    elif form == ".md":
        text = markdown(evaluations)
    else:
        text = latex(evaluations) if form == ".tex" else as_csv(evaluations)
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def require_form(path: Path) -> None:
    """Raise ValueError unless the file's ending is one of `FORMS`."""
    if path.suffix.lower() not in FORMS:
        raise ValueError(f"{path}: a report ends in {', '.join(FORMS)}")


# -- inside ---------------------------------------------------------------------------------------------------------


def _latex_table(cells: Sequence[Sequence[str]], caption: str, names: int = 1) -> str:
    """A floating table with booktabs; the first columns, `names` of them, are text."""
    rows = [" & ".join(_tex(cell) for cell in row) + r" \\" for row in cells]
    columns = "l" * names + "r" * (len(cells[0]) - names)
    return "\n".join([
        r"\begin{table}", rf"\caption{{{_tex(caption)}}}", rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule", rows[0], r"\midrule", *rows[1:], r"\bottomrule", r"\end{tabular}", r"\end{table}", "",
    ])  # fmt: skip


def _table(table: Sequence[tables.TableRow]) -> str:
    columns = tables.shown_columns(table)
    head = "".join(
        f'<th title="{COLUMNS[column].better} is better">{escape(COLUMNS[column].heading)}</th>' for column in columns
    )
    rows = []
    for row in table:
        cells = []
        for column in columns:
            score = row.scores.get(column)
            if column in row.missing:
                reason = row.missing[column]
                cells.append(
                    f'<td class="missing" title="{escape(tables.why(reason))}">{escape(tables.without(reason))}</td>'
                )
                continue
            value = "" if score is None or math.isnan(score.value) else f' data-value="{score.value}"'
            text, _, span = tables.shown(score, COLUMNS[column].digits).partition(" ")
            cells.append(f"<td{value}>{text}<small>{span}</small></td>")
        rows.append(f"<tr><th>{escape(row.name)}</th>{''.join(cells)}</tr>")
    return (
        f'<div class="wide"><table class="sorts"><thead><tr><th></th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div><p>A click on a heading sorts.</p>"
    )


def _published(first: Evaluation) -> str:
    """The rows of the papers, in a table apart."""
    rows = published(first.protocol)
    if not rows:
        return ""
    columns = headings(rows)
    head = "".join(f"<th>{escape(heading_of(column))}</th>" for column in ("method", *columns))
    body = "".join(
        f"<tr><th>{escape(row.place)} <span>published</span></th><td>{escape(row.method)}</td>"
        + "".join(f"<td{_value(row.numbers.get(column))}>{row.printed.get(column, '-')}</td>" for column in columns)
        + "</tr>"
        for row in rows
    )
    return (
        f"<h2>Published</h2><p>{escape(published_note(first.protocol))}.</p>"
        '<div class="wide">'
        f'<table class="sorts published"><thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _value(number: float | None) -> str:
    return "" if number is None else f' data-value="{number}"'


def _histograms(models: Sequence[tuple[str, Evaluation]], bins: int = 40) -> str:
    """A histogram of each column of pairs, the models on one scale."""
    columns = [column for column in COLUMNS if all(column in one["generated"].columns for _, one in models)]
    figures = []
    for column in columns:
        each = {name: one["generated"].columns[column].each for name, one in models}
        each = {name: values[values.isfinite()] for name, values in each.items()}
        whole = torch.cat(list(each.values()))
        if not len(whole):
            continue
        low, high = float(whole.min()), float(whole.max())
        if high <= low:
            continue
        counts = {name: torch.histc(values, bins, low, high) / max(1, len(values)) for name, values in each.items()}
        top = max(float(count.max()) for count in counts.values())
        rows = []
        for place, (name, count) in enumerate(counts.items()):
            bars = "".join(
                f'<rect x="{6 * k}" y="{50 - tall:.1f}" width="5" height="{tall:.1f}"/>'
                for k, tall in enumerate((48 * count / top).tolist())
            )
            mean = 6 * bins * (float(each[name].mean()) - low) / (high - low)
            rows.append(
                f'<figure><svg viewBox="0 0 {6 * bins} 52" class="m{place % 6}">{bars}'
                f'<line x1="{mean:.1f}" x2="{mean:.1f}" y1="0" y2="52"/></svg>'
                f"<figcaption>{escape(name)}</figcaption></figure>"
            )
        digits = COLUMNS[column].digits
        figures.append(
            f'<div class="histogram"><h3>{escape(COLUMNS[column].title)}</h3>{"".join(rows)}'
            f"<p><span>{low:.{digits}f}</span><span>{high:.{digits}f}</span></p></div>"
        )
    return f'<div class="histograms">{"".join(figures)}</div>'


def _worst_and_best(name: str, one: Evaluation, show: Show) -> str:
    """The worst and the best pairs of a model by SSIM, with their pictures and numbers."""
    columns = one["generated"].columns
    order = columns["ssim"].each.nan_to_num(-1).argsort()
    count = min(WORST_AND_BEST, len(order) // 2) or 1
    text = []
    for label, which in (("worst", order[:count]), ("best", order.flip(0)[:count])):
        shown = show(one.pairs[which])
        shown = [(head, pictures) for head, pictures in shown if head in ("source", "pose", "target", name)]
        rows = ["<tr><th></th>" + "".join(f"<th>{escape(head)}</th>" for head, _ in shown) + "<th></th></tr>"]
        for place, pair in enumerate(which.tolist()):
            pictures = "".join(
                f'<td><img alt="{escape(head)}" src="{_picture(images[place])}"></td>' for head, images in shown
            )
            numbers = "<br>".join(
                f"{escape(COLUMNS[column].title)} {float(scored.each[pair]):.{COLUMNS[column].digits}f}"
                for column, scored in columns.items()
            )
            rows.append(f"<tr><th>{label} {place + 1}</th>{pictures}<td>{numbers}</td></tr>")
        text.append(f'<div class="wide"><table class="pairs">{"".join(rows)}</table></div>')
    return "".join(text)


def _picture(pixels: Pictures) -> str:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _tex(text: str) -> str:
    for sign, instead in (
        ("\\", r"\textbackslash "), ("&", r"\&"), ("%", r"\%"), ("$", r"\$"), ("#", r"\#"), ("_", r"\_"), ("{", r"\{"),
        ("}", r"\}"), ("~", r"\textasciitilde "), ("^", r"\textasciicircum "), ("↑", r"$\uparrow$"),
        ("↓", r"$\downarrow$"), ("±", r"$\pm$"), ("∞", r"$\infty$"),
    ):  # fmt: skip
        text = text.replace(sign, instead)
    return text


_STYLE: Final = """
:root{--line:#d5d8dd;--dim:#667;--back:#fff;--text:#1a1d21;--soft:#f5f6f8;--mark:#2b6cb0}
@media(prefers-color-scheme:dark){
:root{--line:#3a3f47;--dim:#9aa2ad;--back:#16181c;--text:#e8eaed;--soft:#1f2228;--mark:#7fb2e5}}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1100px;padding:0 1rem}
body{background:var(--back);color:var(--text)}
h1{font-size:1.25rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin-top:2.2rem}h3{font-size:.9rem;margin:0}
p,footer{color:var(--dim)}footer{margin:3rem 0;font-size:.85rem}.wide{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
td,th{padding:.35rem .7rem;border-bottom:1px solid var(--line);text-align:right;vertical-align:top}
tbody th,th:first-child{text-align:left;font-weight:500}
th{white-space:nowrap}thead th{background:var(--soft)}
.sorts thead th:not(:first-child){cursor:pointer}.sorts thead th[aria-sort]{color:var(--mark)}
td small{display:block;color:var(--dim);font-size:.75rem;white-space:nowrap}
.missing{color:var(--dim);font-size:.8rem;min-width:9rem;overflow-wrap:anywhere}
.published th span{border:1px solid var(--line);border-radius:3px;font-size:.7rem;padding:0 .3rem;color:var(--dim)}
.histograms{display:grid;grid-template-columns:repeat(auto-fill,minmax(250px,1fr));gap:1.2rem}
figure{margin:.3rem 0}figcaption{font-size:.75rem;color:var(--dim)}svg{width:100%;height:56px;background:var(--soft)}
svg rect{fill:var(--mark)}svg line{stroke:var(--text);stroke-width:1}
svg.m1 rect{fill:#c05621}svg.m2 rect{fill:#2f855a}svg.m3 rect{fill:#805ad5}
svg.m4 rect{fill:#b7791f}svg.m5 rect{fill:#b83280}
.histogram p{display:flex;justify-content:space-between;margin:0;font-size:.75rem}
.pairs{margin-bottom:1.2rem}.pairs td{text-align:left;font-size:.8rem}.pairs img{height:192px}
.sheet{max-width:100%}
"""

_SCRIPT: Final = """
document.querySelectorAll('table.sorts').forEach(table=>{const body=table.tBodies[0];
table.querySelectorAll('thead th').forEach((head,at)=>{if(!at)return;head.tabIndex=0;
const sort=()=>{const up=head.getAttribute('aria-sort')!=='ascending';
table.querySelectorAll('thead th').forEach(other=>other.removeAttribute('aria-sort'));
head.setAttribute('aria-sort',up?'ascending':'descending');
const value=row=>{const v=row.cells[at].dataset.value;return v===undefined?null:v==='inf'?Infinity:parseFloat(v)};
[...body.rows].sort((a,b)=>{const x=value(a),y=value(b);if(x===null||y===null)return (x===null)-(y===null);
return up?x-y:y-x}).forEach(row=>body.append(row))};
head.addEventListener('click',sort);head.addEventListener('keydown',e=>{if(e.key==='Enter')sort()})})});
"""
