"""The tables of README and docs, written from the lines in `results/`: no number is typed by hand.

A table stands between `<!-- table: NAME -->` and `<!-- /table -->`; `repose bench tables` writes each anew.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from repose.bench.cost import MEASURED, OTHERS, SIZES
from repose.bench.realism import ASKED_SHARE, SAID
from repose.bench.rendering import ASKED, ASKED_MEMORY, ASKED_MINUTES
from repose.bench.turns import KINDS, cells, heads
from repose.files import replacing
from repose.metrics.accumulators import Score
from repose.metrics.columns import columns_from
from repose.metrics.protocols import overview
from repose.metrics.result import REFERENCES
from repose.metrics.tables import TableRow, markdown
from repose.models import MODELS, PAPERS, RECIPES, PublishedCost, main_recipes, published_costs
from repose.names import nearest

Line = dict[str, Any]

_OF_MODEL: Final = "measured-"
"""`measured-NAME` is the table of one model's card."""

_OF_BUDGET: Final = "budget-"
"""`budget-DATA` or `budget-DATA@MINUTES` compares recipes after equal minutes of training; `budget-DATA@MINUTES@NAME`
shows of them those whose name is NAME or begins with `NAME-`."""

_RUNG: Final = re.compile(r"rung \d+ ")
"""Such models are rungs of the ladder in docs/experiments.md; the number is their place."""

_SIZE: Final = (256, 176, 1)
"""Height, width and batch of the table of forward times."""

_TERMS: Final = ("protocol", "checksum", "split", "pairs", "minutes", "threads", "side_by_side", "features")
"""Keys of a line of `repose bench budget` that are equal for all that stand in one table."""

_BEGIN: Final = re.compile(r"^<!-- table: \S+ -->$", re.MULTILINE)
_BLOCK: Final = re.compile(
    r"^(<!-- table: (\S+) -->\n)(?:(?!<!-- table: ).)*?^(<!-- /table -->)$", re.DOTALL | re.MULTILINE
)


def write_tables(results: Path, documents: list[Path]) -> dict[Path, list[str]]:
    """Fill the tables of these Markdown files from the .jsonl files of a folder.

    Returns:
        The names of the tables that each file has.

    Raises:
        KeyError: a document names a table that is not known.
        ValueError: there is no line in the results for a table, a line is no JSON, or a table has no end.

    After an error no document has changed.
    """
    lines = _read(results)
    done: dict[Path, list[str]] = {}
    written: dict[Path, str] = {}
    for document in documents:
        text = document.read_text(encoding="utf-8")
        names = [found[2] for found in _BLOCK.finditer(text)]
        if len(_BEGIN.findall(text)) != len(names):
            raise ValueError(f"{document}: a table has no end; write <!-- /table --> below each <!-- table: NAME -->")
        new = _BLOCK.sub(lambda found: f"{found[1]}{table(found[2], lines)}{found[3]}", text)
        if new != text:
            written[document] = new
        done[document] = names
    for document, text in written.items():
        with replacing(document) as partial:
            partial.write_text(text, encoding="utf-8")
    return done


def table(name: str, lines: list[Line]) -> str:
    """One table as Markdown, from result lines with the newest last. KeyError names the nearest table."""
    if name.startswith(_OF_MODEL):
        return measured(lines, name.removeprefix(_OF_MODEL))
    if name.startswith(_OF_BUDGET):
        return budget(lines, *name.removeprefix(_OF_BUDGET).split("@"))
    if name not in TABLES:
        others = (f"{_OF_MODEL}MODEL", f"{_OF_BUDGET}DATA")
        raise KeyError(f"no table is called '{name}'; {nearest(name, (*TABLES, *others))}")
    return TABLES[name](lines)


def evaluations(lines: list[Line], data: str, protocol: str) -> str:
    """The newest complete evaluation of each model on a data set: reference rows first, then the models by SSIM.

    Of a data set that was packed anew, only the newest store counts, of a protocol only the newest version: other
    numbers cannot stand beside them.

    Args:
        protocol: its name without the version.
    """
    found = [line for line in _complete(lines) if line["data"] == data and line["protocol"].split("@")[0] == protocol]
    if not found:
        raise ValueError(f"results hold no evaluation of {data} under {protocol}")
    protocol = max((line["protocol"] for line in found), key=lambda made: int(made.split("@")[1]))
    found = [line for line in found if line["protocol"] == protocol]
    found = [line for line in found if line["checksum"] == found[-1]["checksum"]]
    rows = sorted(
        {line["model"]: line for line in found}.values(), key=lambda line: -line["rows"]["generated"]["ssim"][0]
    )
    references = found[-1]["rows"]
    shown = [
        TableRow(label, _scores(references[kind]), protocol) for kind, label in REFERENCES.items() if kind in references
    ]
    version, features = found[-1].get("features"), columns_from("features")
    for line in rows:
        scored = _scores(line["rows"]["generated"])
        if line.get("features") != version:  # of another network: they must not stand in one column
            scored = {metric: score for metric, score in scored.items() if metric not in features}
        shown.append(TableRow(f"`{line['model']}`", scored, protocol))
    one = rows[0]
    seen = f" Features: {found[-1]['features']}." if found[-1].get("features") else ""
    caption = (
        f"{protocol}, {data} `{one['checksum']}`, {one['pairs']:,} test pairs; in brackets 95 % bootstrap intervals; "
        f"commit {_each(rows, 'commit', '`{}`')}, {_each(rows, 'hardware')}.{seen}"
    )
    return markdown(shown, caption=caption)


def measured(lines: list[Line], model: str) -> str:
    """The complete evaluations of a model's newest weights, the newest of each data set: a table for each protocol."""
    found = [line for line in _complete(lines) if line["model"] == model]
    if not found:
        raise ValueError(
            f"results hold no evaluation of {model} on all test pairs; run `repose eval {model} --results ...` first"
        )
    weights = found[-1]["weights"]
    newest = {(line["data"], line["protocol"]): line for line in found if line["weights"] == weights}
    rows: dict[str, list[TableRow]] = {}
    for (data, protocol), line in newest.items():
        rows.setdefault(protocol, []).append(TableRow(data, _scores(line["rows"]["generated"]), protocol))
    said = f"Weights sha256 `{weights}`.\n" if weights else "Measured from a folder of pictures.\n"
    return "\n".join([*(markdown(table, caption=f"{protocol}.") for protocol, table in rows.items()), said])


def ladder(lines: list[Line]) -> str:
    """The rungs of our own model: the newest line of each model called "rung N WHAT", on validation people."""
    found = [
        line for line in lines
        if line.get("kind") == "evaluation" and line["split"] == "val" and _RUNG.match(str(line["model"]))
    ]  # fmt: skip
    if not found:
        raise ValueError("results hold no evaluation of a rung on split val")
    newest, same = found[-1], ("checksum", "protocol", "pairs", "features")
    found = [line for line in found if all(line.get(key) == newest.get(key) for key in same)]
    rungs = sorted({line["model"]: line for line in found}.values(), key=lambda line: int(line["model"].split()[1]))
    one = rungs[-1]
    made = one["protocol"]
    shown = [
        TableRow(label, _scores(one["rows"][kind]), made) for kind, label in REFERENCES.items() if kind in one["rows"]
    ]
    shown += [TableRow(line["model"].removeprefix("rung "), _scores(line["rows"]["generated"]), made) for line in rungs]
    seen = f" Features: {one['features']}." if one.get("features") else ""
    caption = (
        f"{one['protocol']}, {one['data']} `{one['checksum']}`, {one['pairs']:,} pairs of split {one['split']}; in "
        f"brackets 95 % bootstrap intervals.{seen} Commit {_each(rungs, 'commit', '`{}`')}."
    )
    return markdown(shown, caption=caption)


def budget(lines: list[Line], data: str, minutes: str | None = None, name: str | None = None) -> str:
    """The newest comparison of recipes after equal minutes on a data set: the lines on the terms of the newest one.

    Args:
        minutes: of these alone. name: of the models of this name, or that begin with it and a hyphen, alone.

    Raises:
        ValueError: there is no such line.
    """
    found = [line for line in lines if line.get("kind") == "budget" and line["data"] == data]
    if minutes is not None:
        found = [line for line in found if f"{line['minutes']:g}" == minutes]
    if name is not None:
        found = [line for line in found if f"{line['model']}-".startswith(f"{name}-")]
    if not found:
        asked = ("" if minutes is None else f" of {minutes} minutes") + ("" if name is None else f" of {name}")
        raise ValueError(f"results hold no line of `repose bench budget`{asked} on {data}")
    found = [line for line in found if all(line.get(key) == found[-1].get(key) for key in _TERMS)]
    newest = list({line["model"]: line for line in found}.values())
    return markdown(budget_rows(newest), caption=budget_caption(newest))


def budget_rows(lines: list[Line]) -> list[TableRow]:
    """The rows of a comparison on equal terms: the references, then the models by SSIM.

    Raises:
        ValueError: some lines have the columns of features and others do not, or those of another version.
    """
    versions = {str(line.get("features")) for line in lines}
    if len(versions) > 1:
        raise ValueError(f"lines of different features cannot stand in one table: {', '.join(sorted(versions))}")
    references = lines[-1]["rows"]
    made = lines[-1]["protocol"]
    rows = [
        TableRow(label, _scores(references[kind]), made) for kind, label in REFERENCES.items() if kind in references
    ]
    for line in sorted(lines, key=lambda line: -line["rows"]["generated"]["ssim"][0]):
        facts = {
            "parameters": f"{line['parameters'] / 1e6:.2f} M",
            "GMAC": f"{line['gmac']:.2f}",
            "images": f"{line['images']:,}",
            "minutes": f"{line['minutes_used']:.1f}",
        }
        if any("needs" in other for other in lines):
            facts["reads beside photograph and joints"] = _reads(line)
        rows.append(TableRow(f"`{line['model']}`", _scores(line["rows"]["generated"]), line["protocol"], facts))
    return rows


def _reads(line: Line) -> str:
    """What a model is given beside the source's picture and joints and the target's joints."""
    needs = line.get("needs")
    if needs is None:
        return "?"
    sides = {
        side: [name for name in needs[side] if name not in ("image", "keypoints")] for side in ("source", "target")
    }
    words = {"iuv": "IUV", "parsing": "parsing", "mask": "mask", "depth": "depth"}
    given = [f"{side}'s {words[name]}" for side, names in sides.items() for name in names]
    return ", ".join(given) or "nothing"


def budget_caption(lines: list[Line]) -> str:
    """What is equal for the lines of a comparison."""
    one = lines[-1]
    count = f"{one['pairs']:,}"
    if one["pairs"] < one["pairs_in_split"]:
        count += f" of {one['pairs_in_split']:,}"
    seen = f" Features: {one['features']}." if one.get("features") else ""
    if "weights_missing" in one:
        seen = f" Weights missing: {one['weights_missing']}."
    beside = f", {one['side_by_side']} runs side by side" if one["side_by_side"] > 1 else ""
    return (
        f"{one['protocol']}, {one['data']} `{one['checksum']}`, {count} {one['split']} pairs; in brackets 95 % "
        f"bootstrap intervals. Each trained for {one['minutes']:g} minutes on {one['threads']} thread"
        f"{'s' if one['threads'] > 1 else ''}{beside}, both directions, last averaged weights.{seen} "
        f"Commit {_each(lines, 'commit', '`{}`')}, {_each(lines, 'hardware')}."
    )


def forward(lines: list[Line]) -> str:
    """The newest timing of each network under every backend, one picture of 256x176."""
    newest = {
        line["recipe"]: line
        for line in lines
        if line.get("bench") == "forward" and (line["height"], line["width"], line["batch"]) == _SIZE
    }
    if not newest:
        raise ValueError("results hold no line of `repose bench forward` at 256x176")
    runs = list(newest.values())
    timings = [{row["backend"]: row for row in run["rows"]} for run in runs]
    head = ["backend"]
    for run in runs:
        head += [f"`{run['recipe']}` s", "of peak", "difference"]
    grid = [head]
    for name in dict.fromkeys(name for timing in timings for name in timing):
        cells = [f"`{name}`"]
        for timing in timings:
            row = timing.get(name)
            if row is None or row["best"] is None:
                cells += ["not tried" if row is None else "did not run", "", ""]
            else:
                difference = "NaN" if row["difference"] is None else f"{row['difference']:.0e}"
                cells += [f"{row['best']:.3f}", f"{row['share']:.0%}", difference]
        grid.append(cells)
    about = "; ".join(
        f"`{run['recipe']}` {run['gmac']:.1f} GMAC at {run['height']}x{run['width']}, peak measured beside it "
        f"{run['peak_gflops']:.0f} GFLOP/s"
        for run in runs
    )
    for run in runs:
        ran = [row for row in run["rows"] if row["best"] is not None]
        if "around" in run and ran:
            fastest = min(ran, key=lambda row: row["best"])
            rate = run["batch"] / (fastest["best"] + run["around"])
            about += (
                f"; `{run['recipe']}` end to end, joints given, {rate:.1f} pictures a second by `{fastest['backend']}`"
            )
    return (
        f"{_markdown(grid)}\nBest of the rounds. {about}. Threads: {_each(runs, 'threads')}; "
        f"{_each(runs, 'hardware')}; torch {_each(runs, 'torch')}; commit {_each(runs, 'commit', '`{}`')}.\n"
    )


def metrics(lines: list[Line]) -> str:
    """The newest line of `repose bench metrics`."""
    runs = [line for line in lines if line.get("bench") == "metrics"]
    if not runs:
        raise ValueError("results hold no line of `repose bench metrics`")
    run = runs[-1]
    grid = [["ms a pair", "ours", "scikit-image", "largest difference"]]
    for one in run["timings"]:
        theirs = ["", ""] if one["theirs"] is None else [f"{one['theirs']:.2f}", f"{one['apart']:.0e}"]
        grid.append([one["name"], f"{one['ours']:.2f}", *theirs])
    seconds = ", ".join(f"`{name}` {value:.0f}" for name, value in run.get("clocked", {}).items())
    whole = ""
    if seconds:
        whole = (
            f"Seconds by the clock for {run['whole']:,} pairs on {run['cores']} cores, pictures read from the store "
        )
        whole += f"and all measured that needs no network: {seconds}. "
    return (
        f"{_markdown(grid)}\n{run['pairs']} copied sources of {run['data']}, {run['height']}x{run['width']}, best of "
        f"{run['rounds']} rounds, threads: {run['threads']}; SSIM's filter runs at {run['share']:.0%} of the "
        f"machine's float32 peak. {whole}{run['hardware']}; torch {run['torch']}; "
        f"commit `{run['commit']}`.\n"
    )


def attention(lines: list[Line]) -> str:
    """The newest timing of the plain and of the fused product, of one block alone and of recipes, for each size."""
    newest = {(line["what"], line["height"], line["width"]): line for line in lines if line.get("bench") == "attention"}
    if not newest:
        raise ValueError("results hold no line of `repose bench attention`")
    grid = [["what", "size", "product", "forward s", "forward MiB", "with backward s", "with backward MiB"]]
    for (what, height, width), run in newest.items():
        name = "one block's attention" if what == "attention" else f"`{what}`"
        for row in run["rows"]:
            seconds = [f"{row[way]:.3f}" for way in ("forward", "both")]
            memory = [f"{row[f'{way}_mib']:.0f}" for way in ("forward", "both")]
            cells = [seconds[0], memory[0], seconds[1], memory[1]]
            grid.append([name, f"{height}x{width}, {run['places']:,} places", row["way"], *cells])
    runs = list(newest.values())
    alone = [run for run in runs if run["what"] == "attention"]
    apart = max((run["difference"] for run in alone), default=math.nan)
    return (
        f"{_markdown(grid)}\nBest of the rounds; memory above what lies there before. One block's attention differs by "
        f"{apart:.0e} at most. Threads: {_each(runs, 'threads')}; {_each(runs, 'hardware')}; torch "
        f"{_each(runs, 'torch')}; commit {_each(runs, 'commit', '`{}`')}.\n"
    )


def rendering(lines: list[Line]) -> str:
    """The newest speed of the renderer for each size and number of processes, beside what is asked."""
    newest = {
        (line["height"], line["width"], line["processes"]): line for line in lines if line.get("bench") == "rendering"
    }
    if not newest:
        raise ValueError("results hold no line of `repose bench rendering`")
    runs = [newest[key] for key in sorted(newest)]
    most = max(run["processes"] for run in runs)
    grid = [["size", "processes", "pictures a second", "asked", "memory of a process", "10,000 pictures"]]
    for run in runs:
        asked = ASKED.get((run["height"], run["width"])) if run["processes"] == most else None
        grid.append(
            [
                f"{run['height']}x{run['width']}", str(run["processes"]), f"{run['rate']:.1f}",
                "" if asked is None else f"{asked:g}", f"{run['memory_gb']:.2f} GB", f"{run['minutes']:.1f} min",
            ]
        )  # fmt: skip
    return (
        f"{_markdown(grid)}\nWith all labels, without the writing; asked: under {ASKED_MEMORY:g} GB a process, 10,000 "
        f"pictures in {ASKED_MINUTES:g} minutes. {_each(runs, 'renderer')}; {_each(runs, 'hardware')}; "
        f"commit {_each(runs, 'commit', '`{}`')}.\n"
    )


def realism(lines: list[Line]) -> str:
    """The newest distances of rendered people to photographs, and how well classifiers tell the two apart."""
    found = [line for line in lines if line.get("bench") == "realism"]
    if not found:
        raise ValueError("results hold no line of `repose bench realism` with photographs")
    line = next((line for line in reversed(found) if "plain" in line), found[-1])
    sides = [name for name in ("rich", "plain") if name in line]
    floor = line["floor"]
    grid = [["", *sides, "other photographs"]]
    grid.append(["FD-MobileNetV2", *(f"{line[side]['frechet']:.1f}" for side in sides), f"{floor['frechet']:.1f}"])
    kernels = [line[side]["kernel"] for side in sides] + [floor["kernel"]]
    grid.append(["kernel distance x 1000", *(f"{value:.1f}" for value in kernels)])
    for key in line[sides[0]]["told"]:
        view, _, how = key.rpartition(" ")
        said = f"told by {SAID.get(view, 'the plain statistics')}, {how}"
        grid.append([said, *(f"{line[side]['told'][key][0]:.1%}" for side in sides), ""])
    height, width = line["size"]
    ratio = "" if line["ratio"] is None else f" Rich by plain: {line['ratio']:.2f}."
    stores = ", ".join(f"{side} {line[side]['data']} `{line[side]['checksum']}`" for side in sides)
    return (
        f"{_markdown(grid)}\nAgainst {line['real']} `{line['real_checksum']}`, {line['pictures']:,} pictures of each; "
        f"{stores}. MobileNetV2 (ImageNet), {line['layer']}, pictures at {height}x{width}: not the FID of the papers."
        f"{ratio} Told: accuracy on people held out, chance is 50 %. Commit `{line['commit']}`.\n"
    )


def joints(lines: list[Line]) -> str:
    """The newest share of visible joints that the estimator finds, for each data set."""
    newest = {line["data"]: line for line in lines if line.get("bench") == "joints"}
    if not newest:
        raise ValueError("results hold no line of `repose bench realism` with joints")
    runs = list(newest.values())
    grid = [["joint", *(f"{run['data']}" for run in runs)]]
    grid.append(["all", *(f"{run['share']:.1%}" for run in runs)])
    for name in runs[0]["joints"]:
        counts = [run["joints"][name] for run in runs]
        grid.append([name, *(f"{right / visible:.1%}" if visible else "" for right, visible in counts)])
    about = ", ".join(f"{run['data']} `{run['checksum']}`, {run['pictures']:,} pictures" for run in runs)
    return (
        f"{_markdown(grid)}\nVisible joints that {_each(runs, 'estimator', '`{}`')} finds within half the head box: "
        f"{about}; asked: {ASKED_SHARE:.0%}. Commit {_each(runs, 'commit', '`{}`')}.\n"
    )


def turns(lines: list[Line]) -> str:
    """The newest turns of each model: what is left of patterns, colours and heads, beside the references."""
    found = [line for line in lines if line.get("kind") == "turns"]
    if not found:
        raise ValueError("results hold no line of `repose bench turns`")
    found = [line for line in found if line.get("version") == found[-1].get("version")]
    runs = list({line["model"]: line for line in found}.values())
    grid = [["turn", "picture size", "", *heads()]]
    for degrees in dict.fromkeys(degrees for run in runs for degrees in run["turns"]):
        seen = set()
        for run in runs:
            size = f"{run['height']}x{run['width']}"
            for kind, row in run["turns"].get(degrees, {}).items():
                asked = (kind, size, tuple(run["people"]), run["style"])
                if kind != "generated" and asked in seen:
                    continue  # a reference that stands there already
                seen.add(asked)
                name = f"`{run['model']}`" if kind == "generated" else KINDS[kind]
                grid.append([f"{degrees}°", size, name, *cells(_scores(row))])
    about = "; ".join(
        f"`{run['model']}` {len(run['people'])} people of seed {run['seed']}, {run['style']}, commit `{run['commit']}`"
        for run in runs
    )
    return (
        f"{_markdown(grid)}\nUnseen rendered people with patterned clothes, transferred from 0 degrees; in brackets "
        f"95 % bootstrap intervals over the people. {about}; {_each(runs, 'hardware')}.\n"
    )


def cost(lines: list[Line], short: bool = False) -> str:
    """The newest cost of each recipe of the registry, in its order; published figures beside. `short`: the main ones.

    Of lines on the same settings one that is measured comes before those that are counted only.
    """
    found: dict[str, Line] = {}
    for line in lines:
        if line.get("kind") == "cost":
            before = found.get(line["recipe"], line)
            hides = before["measured"] and not line["measured"] and before.get("digest") == line.get("digest")
            if not hides:
                found[line["recipe"]] = line
    wanted, known = main_recipes() if short else list(RECIPES), published_costs()
    runs = [found[name] for name in wanted if name in found and name in RECIPES]
    if not runs:
        raise ValueError("results hold no line of `repose bench cost`")
    gpu = any((run["measured"] or {}).get("cuda") for run in runs)
    sizes = [f"{height}x{width}" for height, width in (SIZES[1:2] if short else SIZES)]
    rows = [_cost_row(run, sizes) for run in runs]
    left_out = {"M of discriminators", "with one pair", "quartiles", "of peak"} if short else set()
    left_out |= set() if gpu else {"pictures a second on the GPU", "GB on the GPU"}
    head = [name for name in rows[0] if name not in left_out]
    grid = [[*head, "published: M weights", "published: pictures a second"]]
    grid += [[row[name] for name in head] + _published(known.get(row["recipe"].strip("`"))) for row in rows]
    for name, other in OTHERS.items():
        grid.append([f"{name}, not here", *[""] * (len(head) - 1), *_published(other)])
    return f"{_markdown(grid)}\n{_cost_notes(runs, gpu, short)}\n"


def _cost_row(run: Line, sizes: list[str]) -> dict[str, str]:
    """The cells of one recipe by the head of their column."""
    weights, training, one = run["parameters"], run["training"], run["measured"]
    more = "at least " if training["lacks"] else ""
    there = None if one is None else one.get("cuda")
    return {
        "recipe": f"`{run['recipe']}`",
        "M weights": _millions(weights["generator"]),
        "M of discriminators": _millions(weights["objective"]),
        **{f"GMAC {size}": _arithmetic(run, size) for size in sizes},
        "training GB": f"{more}{training['bytes'] / 1e9:.2f} at batch {training['batch']}",
        "with one pair": f"{more}{training['bytes_at_one'] / 1e9:.2f}",
        **_speed(run),
        "inference GB": "" if one is None else f"{one['bytes'] / 1e9:.2f}",
        "pictures a second on the GPU": f"{1 / there['median']:.1f}" if there else "",
        "GB on the GPU": f"{there['bytes'] / 1e9:.2f}" if there else "",
    }


def _cost_notes(runs: list[Line], gpu: bool, short: bool) -> str:
    """What the numbers of a cost table mean, where they come from, and why some are missing."""
    measured = [run["measured"] for run in runs if run["measured"]]
    text = (
        "GMAC: 10^9 multiply-adds of one picture by the direct sums. Training: what `repose train` forecasts for its "
        "fullest step, on a CPU; it is counted, not measured."
    )
    if measured:
        rounds = ", ".join(dict.fromkeys(str(one["rounds"]) for one in measured))
        peaks = [one["peak_gflops"] for one in measured]
        text += (
            f" Measured: one picture of {MEASURED[0]}x{MEASURED[1]}, plain eager module, median of {rounds} rounds, "
            f"weights included in the memory, the interpreter not; peak measured beside each {min(peaks):.0f} to "
            f"{max(peaks):.0f} GFLOP/s; {_each(runs, 'hardware')}; threads: {_each(runs, 'threads')}; "
            f"torch {_each(runs, 'torch')}."
        )
        if gpu:
            names = dict.fromkeys(one["cuda"]["name"] for one in measured if one.get("cuda"))
            text += f" GPU: {', '.join(names)}, float32, memory of tensors alone."
    sources = dict.fromkeys(one.source for one in (*published_costs().values(), *OTHERS.values()))
    text += f" Published: {'; '.join(sources)}. * at 256x256. Commit {_each(runs, 'commit', '`{}`')}."
    missing: dict[str, list[str]] = {}
    for run in runs:
        for size, why in run["why"].items():
            if short and size not in ("measured", f"{MEASURED[0]}x{MEASURED[1]}"):
                continue
            missing.setdefault(f"{'not measured' if size == 'measured' else size}: {why}", []).append(run["recipe"])
        if lacks := run["training"]["lacks"]:
            missing.setdefault(f"training without {lacks}", []).append(run["recipe"])
    told = "; ".join(
        f"{why} ({', '.join(f'`{name}`' for name in names) if len(names) <= 12 else f'{len(names)} recipes'})"
        for why, names in missing.items()
    )
    return f"{text} Missing: {told}." if told else text


def _millions(count: float) -> str:
    return f"{count / 1e6:.2f}" if count else ""


def _arithmetic(run: Line, size: str) -> str:
    """GMAC at a size; those at 256x256, with a star, where the network refuses 256x176."""
    if size in run["gmac"]:
        return f"{run['gmac'][size]:.1f}"
    instead = run["gmac"].get("256x256") if size == f"{MEASURED[0]}x{MEASURED[1]}" else None
    return "" if instead is None else f"{instead:.1f}*"


def _speed(run: Line) -> dict[str, str]:
    """Pictures a second of the plain module, their quartiles, and its share of the machine's peak; a faster backend."""
    one = run["measured"]
    ran = {} if one is None else {name: row for name, row in one["backends"].items() if "median" in row}
    if one is None or not ran:
        return {"pictures a second": "" if one is None else "did not run", "quartiles": "", "of peak": ""}
    star = "" if [one["height"], one["width"]] == list(MEASURED) else "*"
    plain = ran.get("plain") or next(iter(ran.values()))
    text = f"{1 / plain['median']:.2f}{star}"
    fastest = min(ran, key=lambda name: ran[name]["median"])
    if ran[fastest]["median"] < plain["median"]:
        text += f", `{fastest}` {1 / ran[fastest]['median']:.2f}"
    share = 2 * run["gmac"][f"{one['height']}x{one['width']}"] / plain["median"] / one["peak_gflops"]
    return {
        "pictures a second": text,
        "quartiles": f"{1 / plain['high']:.2f} to {1 / plain['low']:.2f}",
        "of peak": f"{share:.0%}",
    }


def _published(one: PublishedCost | None) -> list[str]:
    if one is None:
        return ["", ""]
    return [_millions(one.parameters), "" if one.rate is None else f"{one.rate:.2f}"]


def papers() -> str:
    """Every model: the paper and the main recipes, as the models declare themselves; paths from the checkout's root."""
    grid = [["model", "paper", "recipes"]]
    for name, model in MODELS.items():
        title = f"[{model.title}](src/repose/models/{name}/CARD.md)" if name in PAPERS else model.title
        paper = f"[{model.paper}]({model.link})" if model.link else model.paper
        more = len(model.recipes) - len(model.main)
        recipes = ", ".join(f"`{recipe}`" for recipe in model.main) + f" and {more} more" * bool(more)
        grid.append([title, paper, recipes])
    return _markdown(grid)


TABLES: Final[dict[str, Callable[[list[Line]], str]]] = {
    "market": lambda lines: evaluations(lines, "market1501", "patn-market"),
    "synthetic": lambda lines: evaluations(lines, "synthetic", "patn-market"),
    "people": lambda lines: evaluations(lines, "people-fashion-half", "people-half"),
    "forward": forward,
    "rendering": rendering,
    "realism": realism,
    "joints": joints,
    "turns": turns,
    "ladder": ladder,
    "protocols": lambda lines: overview(),
    "papers": lambda lines: papers(),
    "metrics": metrics,
    "attention": attention,
    "cost": cost,
    "cost-short": lambda lines: cost(lines, short=True),
}


def _read(results: Path) -> list[Line]:
    """Every line of every file, the newest last."""
    lines = []
    for path in sorted(results.glob("*.jsonl")):
        for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            try:
                lines += [json.loads(text)] if text.strip() else []
            except ValueError as error:
                raise ValueError(f"{path}, line {number} is no JSON: {error}") from error
    return sorted(lines, key=lambda line: str(line.get("date", "")))


def _complete(lines: list[Line]) -> list[Line]:
    """The evaluations of a model on all test pairs: no other split, no limit."""
    return [
        line for line in lines if line.get("kind") == "evaluation" and "generated" in line["rows"]
        and line["split"] == "test" and line["pairs"] == line["pairs_in_split"]
    ]  # fmt: skip


def _scores(row: dict[str, list[float | None]]) -> dict[str, Score]:
    """The scores of one row of a result line; null was an infinite PSNR, or NaN where not one pair counted."""
    known = {}
    for metric, values in row.items():
        null = math.inf if metric == "psnr" else math.nan
        value, low, high = (null if number is None else number for number in values)
        known[metric] = Score(value, low, high)
    return known


def _each(lines: list[Line], key: str, form: str = "{}") -> str:
    """What these lines say under a key, each value once."""
    return ", ".join(dict.fromkeys(form.format(line[key]) for line in lines))


def _markdown(rows: list[list[str]]) -> str:
    head, *body = rows
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in body]
    return "\n".join(lines) + "\n"
