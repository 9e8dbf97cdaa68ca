"""What `repose export` writes of each model: every format and precision, whether it runs, how equal, large and fast.

Each file is written, compared with PyTorch on drawn people, and timed as a consumer runs it (`use.py`), beside PyTorch
in the same process. Pictures that differ are written nevertheless, so that the table can say by how much.
"""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
import PIL.Image
import torch
from rich.console import Console
from rich.table import Table

from repose.backends import BackendError, accelerated
from repose.exporting import DYNAMIC, FORMATS, ExportSettings, consumer, export
from repose.exporting.checks import largest_lpips
from repose.exporting.examples import drawn_people
from repose.exporting.settings import PRECISIONS
from repose.markdown import each_value, grid_table
from repose.models.weights import shipped
from repose.pipeline import Model, load
from repose.record import ResultLine, or_nan, reading_line
from repose.represent.canvas import from_uint8, to_uint8

IN_PLACE: Final = ("channels_last", "folded", "onnxruntime", "openvino", "ncnn")
"""Backends that are compared with PyTorch inside Repose; `compiled` takes a minute to prepare."""

QUALITY: Final = 95
"""Of the JPEG that shows what a distance means: it is said to look like its original."""

SEED: Final = 1
"""Of the drawn people of the example."""


@dataclass(frozen=True)
class ExportRow:
    """One file of a model.

    Attributes:
        format, precision: see `ExportSettings`. free: whether any size of picture was asked for.
        note: why it was not written, or what differs too much; "" if all is well.
        largest: difference of any value of any output; picture: of the picture, of a range of 2.
        lpips: largest of a picture. grey: mean difference in grey levels of 255.
        megabytes: of the files. seconds: to write and open it. milliseconds: a picture, best of the rounds.
    """

    format: str
    precision: str
    free: bool
    note: str = ""
    largest: float = math.nan
    picture: float = math.nan
    lpips: float = math.nan
    grey: float = math.nan
    megabytes: float = math.nan
    seconds: float = math.nan
    milliseconds: float = math.nan


@dataclass(frozen=True)
class BackendRow:
    """A backend inside Repose, as `repose transfer --backend` uses it, with every output of the network.

    Attributes:
        backend: key of `repose.backends.BACKENDS`. note: why it does not run; "" if it does.
        prepare: seconds until its first picture. milliseconds: a picture, best of the rounds.
        plain: the same by PyTorch, in turns with it.
    """

    backend: str
    note: str = ""
    prepare: float = math.nan
    milliseconds: float = math.nan
    plain: float = math.nan

    @property
    def pays(self) -> float:
        """From how many pictures on it saves what its preparation took; infinite where it is not faster."""
        saved = (self.plain - self.milliseconds) / 1000
        return self.prepare / saved if saved > 0 else math.inf


@dataclass(frozen=True)
class ModelExports:
    """All files of one model.

    Attributes:
        model: name of the weights. recipe: their recipe. height, width: of the pictures.
        milliseconds: a picture by PyTorch, best of the rounds. threads: of PyTorch.
        jpeg: LPIPS of the example as a JPEG of quality `QUALITY`; NaN without its weights.
        versions: of the packages. rows: one a file. backends: one a backend.
    """

    model: str
    recipe: str
    height: int
    width: int
    milliseconds: float
    threads: int
    jpeg: float
    versions: dict[str, str]
    rows: tuple[ExportRow, ...]
    backends: tuple[BackendRow, ...] = ()

    def line(self) -> ResultLine:
        """The result line, without its stamp."""
        return {"bench": "export", "seed": SEED, **asdict(self)}

    @classmethod
    def read(cls, line: ResultLine) -> ModelExports:
        """Of a result line. ValueError if it lacks a key."""
        numbers = ("largest", "picture", "lpips", "grey", "megabytes", "seconds", "milliseconds")
        with reading_line(line):
            rows = tuple(
                ExportRow(
                    row["format"], row["precision"], row["free"], row["note"], *(or_nan(row[name]) for name in numbers)
                )
                for row in line["rows"]
            )
            backends = tuple(
                BackendRow(
                    row["backend"], row["note"], *(or_nan(row[key]) for key in ("prepare", "milliseconds", "plain"))
                )
                for row in line.get("backends", ())
            )
            return cls(
                line["model"], line["recipe"], line["height"], line["width"], line["milliseconds"], line["threads"],
                or_nan(line["jpeg"]), line["versions"], rows, backends,
            )  # fmt: skip


def time_exports(
    name: str,
    formats: Sequence[str] = FORMATS,
    rounds: int = 15,
    say: Callable[[str], None] = lambda _: None,
) -> ModelExports:
    """Write a model in every format and precision that exists, and in a free size, and time each file.

    Args:
        name: of weights. formats: of `FORMATS`. rounds: pictures of each file, of which the best counts.
        say: called with a line of text at each step.

    Raises:
        ValueError: no such weights.
    """
    model = load(name, "cpu")
    rows: list[ExportRow] = []
    versions: dict[str, str] = {}
    plain, jpeg = math.inf, math.nan
    for form in formats:
        for precision, free in (*((precision, False) for precision in PRECISIONS), ("float32", True)):
            say(f"{name}: {form}, {precision}{', any size' if free else ''}")
            with tempfile.TemporaryDirectory() as folder:
                place = Path(folder) / "export"
                start = time.perf_counter()
                try:
                    settings = ExportSettings(
                        form, DYNAMIC if free else None, None, precision, force=precision != "float32"
                    )
                    exported = export(name, place, settings)
                except (ValueError, BackendError) as error:
                    rows.append(ExportRow(form, precision, free, str(error)))
                    continue
                seconds = time.perf_counter() - start
                megabytes = exported.megabytes
                versions |= exported.description["versions"]
                _, run = consumer.load(place)
                stored = dict(np.load(place / "example.npz"))
                inputs = {
                    key.removeprefix("input."): value for key, value in stored.items() if key.startswith("input.")
                }
                tensors = [torch.from_numpy(inputs[entry["name"]]) for entry in exported.description["inputs"]]
                if math.isnan(jpeg):
                    jpeg = _jpeg(torch.from_numpy(stored["expected.image"][0]))

                ways: list[Callable[[], object]] = [partial(run, inputs), partial(_by_torch, model, tensors)]
                best, own = _best(ways, rounds)
                plain = min(plain, own)
            checks = exported.checks
            assert checks is not None
            lpips = checks.lpips if checks.lpips is not None else math.nan
            rows.append(
                ExportRow(
                    form, precision, free, checks.verdict(precision), checks.largest, checks.picture, lpips,
                    checks.grey[0], megabytes, seconds, 1000 * best,
                )
            )  # fmt: skip
    height, width = model.canvas.size
    threads = torch.get_num_threads()
    backends = time_backends(model, rounds, say)
    return ModelExports(
        name, model.recipe.name, height, width, 1000 * plain, threads, jpeg, versions, tuple(rows), backends
    )


@torch.inference_mode()
def time_backends(
    model: Model, rounds: int, say: Callable[[str], None] = lambda _: None, names: Sequence[str] | None = None
) -> tuple[BackendRow, ...]:
    """A model's network by each backend, after `Generator.prepare` where there is one, as for a photograph.

    Args:
        model: on the CPU. rounds, say: see `time_exports`. names: of backends, `IN_PLACE` without.
    """
    generator = model.generator
    source, target = drawn_people(1, *model.canvas.size, SEED, generator.needs.fields)
    source = source.only(*generator.needs.source)
    inputs = (*generator.encode(source, target), *generator.prepare(source))
    rows = []
    for name in IN_PLACE if names is None else names:
        say(f"{model.name}: {name}")
        fast = accelerated(generator, name)
        start = time.perf_counter()
        try:
            fast.synthesise(*inputs)
        except BackendError as error:
            rows.append(BackendRow(name, str(error)))
            continue
        prepare = time.perf_counter() - start
        own, plain = _best([partial(one.synthesise, *inputs) for one in (fast, generator)], rounds)
        rows.append(BackendRow(name, "", prepare, 1000 * own, 1000 * plain))
    return tuple(rows)


def print_exports(exports: ModelExports, screen: Console) -> None:
    """Print a row for each file."""
    title = f"{exports.model}, {exports.height}x{exports.width}; PyTorch {exports.milliseconds:.1f} ms a picture"
    table = Table(*_HEAD[1:], title=title)
    for row in exports.rows:
        table.add_row(*_cells(row))
    screen.print(table)
    inside = Table(*_BACKEND_HEAD[1:])
    for backend in exports.backends:
        inside.add_row(*_backend_cells(backend))
    screen.print(inside)
    notes = [*(row.note for row in exports.rows), *(row.note for row in exports.backends)]
    for note in dict.fromkeys(filter(None, notes)):
        screen.print(f"note: {note}", soft_wrap=True)


def export_table(lines: list[ResultLine]) -> str:
    """The newest run of each model.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line.
    """
    newest = {line["model"]: line for line in lines if line.get("bench") == "export"}
    if not newest:
        raise ValueError("results hold no line of `repose bench export`")
    order = list(shipped())
    models = sorted(map(ModelExports.read, newest.values()), key=lambda one: _place(one.model, order))
    grid, notes = [list(_HEAD)], []
    for one in models:
        title = f"`{one.model}` {one.height}x{one.width}"
        grid.append([title, "PyTorch", "float32", "fixed", "", "", "", "", f"{one.milliseconds:.1f}", ""])
        grid += [["", *_cells(row)] for row in one.rows if not _refused(row)]
        reasons: dict[str, list[str]] = {}
        for row in one.rows:
            if row.note:
                reasons.setdefault(row.note.splitlines()[0], []).append(
                    f"{row.format} {row.precision}{' any size' if row.free else ''}"
                )
        notes += [f"- `{one.model}`, {', '.join(which)}: {note}" for note, which in reasons.items() if _own(note)]
    stamps = list(newest.values())
    versions = {name: text for one in models for name, text in one.versions.items() if name not in ("repose", "torch")}
    jpegs = [one.jpeg for one in models if not math.isnan(one.jpeg)]
    jpeg = (
        f"LPIPS of the same pictures as JPEG of quality {QUALITY}: {min(jpegs):.4f} to {max(jpegs):.4f}. "
        if jpegs
        else ""
    )
    tried = ", ".join(f"{name} {text}" for name, text in sorted(versions.items()))
    return (
        f"{grid_table(grid)}\nWhat is not written, and why:\n\n" + "\n".join(notes) + f"\n\n{jpeg}Versions: {tried}; "
        f"torch {each_value(stamps, 'torch')}; threads of PyTorch: {each_value(stamps, 'threads')}; "
        f"{each_value(stamps, 'hardware')}; commit {each_value(stamps, 'commit', '`{}`')}.\n"
    )


def backend_table(lines: list[ResultLine]) -> str:
    """The newest run of each model: its network by every backend inside Repose.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line.
    """
    newest = {line["model"]: line for line in lines if line.get("bench") == "export" and line.get("backends")}
    if not newest:
        raise ValueError("results hold no line of `repose bench export` with backends")
    order = list(shipped())
    grid = [list(_BACKEND_HEAD)]
    for one in sorted(map(ModelExports.read, newest.values()), key=lambda one: _place(one.model, order)):
        grid += [
            [f"`{one.model}` {one.height}x{one.width}" if not place else "", *_backend_cells(row)]
            for place, row in enumerate(one.backends)
        ]
    stamps = list(newest.values())
    return (
        f"{grid_table(grid)}\nThreads: {each_value(stamps, 'threads')}; {each_value(stamps, 'hardware')}; "
        f"torch {each_value(stamps, 'torch')}; commit {each_value(stamps, 'commit', '`{}`')}.\n"
    )


# -- inside ---------------------------------------------------------------------------------------------------------

_BACKEND_HEAD: Final = ("model", "backend", "s to prepare", "ms a picture", "PyTorch ms", "pays from so many pictures")


_HEAD: Final = (
    "model", "format", "precision", "size", "difference", "of the picture", "LPIPS", "MB", "ms a picture", "s to write",
)  # fmt: skip


def _cells(row: ExportRow) -> list[str]:
    if math.isnan(row.megabytes):
        return [row.format, row.precision, "any" if row.free else "fixed", "not written", "", "", "", "", ""]
    lpips = "" if math.isnan(row.lpips) else f"{row.lpips:.4f}"
    return [
        row.format, row.precision + (" (refused)" if row.note else ""), "any" if row.free else "fixed",
        f"{row.largest:.0e}", f"{row.picture:.0e}", lpips, f"{row.megabytes:.2f}", f"{row.milliseconds:.1f}",
        f"{row.seconds:.0f}",
    ]  # fmt: skip


def _backend_cells(row: BackendRow) -> list[str]:
    if row.note:
        return [f"`{row.backend}`", "does not run", "", "", ""]
    pays = f"{row.pays:,.0f}" if math.isfinite(row.pays) else "never"
    return [f"`{row.backend}`", f"{row.prepare:.1f}", f"{row.milliseconds:.1f}", f"{row.plain:.1f}", pays]


def _refused(row: ExportRow) -> bool:
    """Whether no file of these settings is written of any model, which the text says once."""
    return not _own(row.note) and bool(row.note)


def _own(note: str) -> bool:
    """Whether a reason is of the model; the others are of the format."""
    return not any(
        text in note for text in ("int8 is written for", "TorchScript is written in", "for ncnn is converted")
    )


def _place(name: str, order: list[str]) -> tuple[int, str]:
    return (order.index(name) if name in order else len(order), name)


def _by_torch(model: Model, tensors: Sequence[torch.Tensor]) -> None:
    with torch.inference_mode():
        model.generator.synthesise(*tensors)


def _best(ways: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """The least seconds of each way; they take turns."""
    best = [math.inf] * len(ways)
    for turn in range(rounds + 1):
        for place, way in enumerate(ways):
            start = time.perf_counter()
            way()
            if turn:  # the first does not count
                best[place] = min(best[place], time.perf_counter() - start)
    return best


def _jpeg(image: torch.Tensor) -> float:
    """LPIPS of a picture (3, H, W) as a JPEG file; NaN without its weights."""
    file = BytesIO()
    pixels = to_uint8(image)
    PIL.Image.fromarray(pixels).save(file, "JPEG", quality=QUALITY)
    stored = np.array(PIL.Image.open(file, formats=("JPEG",)))
    found = largest_lpips([(from_uint8(stored), from_uint8(np.array(pixels)))])
    return math.nan if found is None else found


__all__ = [
    "QUALITY", "BackendRow", "ExportRow", "ModelExports", "backend_table", "export_table", "print_exports",
    "time_backends", "time_exports",
]  # fmt: skip
