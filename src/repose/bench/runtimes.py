"""Which versions of other runtimes run the exported networks: each in a process of its own, compared with PyTorch."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from repose.backends import BackendError
from repose.bench import runtime_worker
from repose.exporting import ExportSettings, export
from repose.markdown import each_value, grid_table
from repose.models.weights import shipped
from repose.names import nearest
from repose.record import ResultLine, or_nan, reading_line

PACKAGES: Final = {
    "onnxruntime": ("onnxruntime", "ONNX Runtime"),
    "openvino": ("openvino", "OpenVINO"),
    "opencv": ("opencv-python-headless", "OpenCV's dnn"),
    "ncnn": ("ncnn", "ncnn"),
}
"""Runtime -> its package, and how the table calls it. ncnn reads what pnnx has converted, the others the ONNX file."""

ALLOWED: Final = 1e-4
"""A larger difference of any value of any output counts as wrong, as of `repose export`."""

_LONGEST: Final = 110  # letters of an error in the table
_SECONDS: Final = 600
_TELLING: Final = re.compile(
    r"(?i)unsupported|not supported|not implemented|cannot|has no|failed to|does not|can.t create|no such operator"
)


@dataclass(frozen=True)
class RuntimeRow:
    """One network by one runtime.

    Attributes:
        model: name of the weights. largest: difference of any value of any output from PyTorch's; NaN if it failed.
        error: why it did not run; "" if it did.
    """

    model: str
    largest: float = math.nan
    error: str = ""


@dataclass(frozen=True)
class RuntimeTried:
    """One version of a runtime.

    Attributes:
        runtime: key of `PACKAGES`. version: of its package. numpy: the NumPy beside it. opset: of the ONNX files, 0 for
            ncnn's. rows: one a network. seed: None, nothing is random.
    """

    runtime: str
    version: str
    numpy: str
    opset: int
    rows: tuple[RuntimeRow, ...]
    seed: int | None = None

    def line(self) -> ResultLine:
        """The result line without the stamp: "bench" is "runtime", and the attributes by their names."""
        rows = [{**asdict(row), "largest": None if math.isnan(row.largest) else row.largest} for row in self.rows]
        return {"bench": "runtime", **asdict(self), "rows": rows}

    @classmethod
    def read(cls, line: ResultLine) -> RuntimeTried:
        """Of a result line. ValueError if it lacks a key."""
        with reading_line(line):
            rows = tuple(RuntimeRow(row["model"], or_nan(row["largest"]), row["error"]) for row in line["rows"])
            return cls(line["runtime"], line["version"], line["numpy"], line["opset"], rows, line["seed"])


def named_folder(text: str) -> tuple[str, Path]:
    """RUNTIME=FOLDER -> both. ValueError: no such runtime, or not of this form."""
    runtime, mark, folder = text.partition("=")
    if not mark or not folder:
        raise ValueError(f"'{text}' is not RUNTIME=FOLDER, such as openvino=runtimes/openvino-2025.4.1")
    if runtime not in PACKAGES:
        raise ValueError(f"no runtime is called '{runtime}'; {nearest(runtime, PACKAGES)}")
    return runtime, Path(folder)


def try_exports(
    runtime: str, packages: Path, models: Sequence[str], exports: Path, say: Callable[[str], None] = lambda _: None
) -> RuntimeTried:
    """Export networks, where that was not done before, and run them by the runtime that lies in a folder.

    Args:
        runtime: key of `PACKAGES`. packages: a folder that pip filled (--target). models: names of weights.
        exports: folder of the exported networks, which are taken from there the next time.
        say: called with what is done now.

    Raises:
        RuntimeError: the runtime cannot be imported from the folder; with its own error.
    """
    form = "ncnn" if runtime == "ncnn" else "onnx"
    written: dict[str, Path] = {}
    rows: dict[str, RuntimeRow] = {}
    for name in models:
        place = exports / form / name
        if not (place / "example.npz").is_file():
            say(f"exporting {name}")
            try:
                export(name, place, ExportSettings(format=form))
            except (ValueError, BackendError) as error:
                rows[name] = RuntimeRow(name, error=phrase(str(error)))
                continue
        written[name] = place
    opset = max((_opset(place / "model.onnx") for place in written.values()), default=0) if form == "onnx" else 0
    say(f"{runtime} in {packages}")
    tried = try_runtime(runtime, packages, written, opset)
    rows |= {row.model: row for row in tried.rows}
    return replace(tried, rows=tuple(rows[name] for name in models))


def try_runtime(runtime: str, packages: Path, exports: Mapping[str, Path], opset: int) -> RuntimeTried:
    """Run exported networks by the runtime that lies in a folder.

    Args:
        runtime: key of `PACKAGES`. packages: a folder that pip filled (--target).
        exports: folders of `repose export` by the name of the model. opset: of the ONNX files.

    Raises:
        RuntimeError: the runtime cannot be imported from the folder; with its own error.
    """
    rows: dict[str, RuntimeRow] = {}
    names = {str(folder): name for name, folder in exports.items()}
    facts = {"version": "", "numpy": ""}
    while len(rows) < len(names):  # a network that ends the process is left out the next time
        left = [folder for folder, name in names.items() if name not in rows]
        command = [sys.executable, "-P", "-W", "ignore", runtime_worker.__file__, runtime, *left]
        environment = {**os.environ, "PYTHONPATH": str(packages.resolve()), "OPENCV_LOG_LEVEL": "SILENT"}
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, env=environment, timeout=_SECONDS, check=False
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{runtime} in {packages} did not end within {_SECONDS} seconds") from None
        entries = [json.loads(text) for text in done.stdout.splitlines() if text.startswith("{")]
        if not entries:
            raise RuntimeError(f"{runtime} in {packages} cannot be imported: {done.stderr.strip()[-400:]}")
        facts = {key: entries[0][key] for key in facts}
        for entry in entries[1:]:
            rows[names[entry["folder"]]] = RuntimeRow(
                names[entry["folder"]], or_nan(entry["largest"]), phrase(entry["error"])
            )
        if len(entries) - 1 < len(left):
            name = names[left[len(entries) - 1]]
            rows[name] = RuntimeRow(name, error=f"the process ends with {_ended(done.returncode)}")
    return RuntimeTried(runtime, facts["version"], facts["numpy"], opset, tuple(rows[name] for name in exports))


def phrase(error: str) -> str:
    """An error of a runtime in one phrase: without places in its sources, its stack and paths of this machine."""
    lines = [" ".join(text.split()) for text in error.splitlines() if text.strip()]
    telling = [text for text in lines if _TELLING.search(text)] or lines[:1] or [""]
    text = re.sub(r"(/[\w.+-]+){2,}/?", lambda match: match[0].rstrip("/").rsplit("/", 1)[-1], telling[-1])
    text = re.sub(r"0x[0-9a-f]+", "0x...", text).strip(" :;,")
    if len(text) > _LONGEST and (word := _TELLING.search(text)):
        text = text[word.start() :]
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3].rstrip() + "..."


def runtime_table(lines: list[ResultLine]) -> str:
    """The newest line of each version of each runtime.

    Args:
        lines: result lines, the newest last.

    Raises:
        ValueError: there is no such line.
    """
    newest = {(line["runtime"], line["version"]): line for line in lines if line.get("bench") == "runtime"}
    if not newest:
        raise ValueError("results hold no line of `repose bench runtimes`")
    tried = sorted(map(RuntimeTried.read, newest.values()), key=lambda one: (_rank(one.runtime), _number(one.version)))
    order = [name for name in shipped() if any(row.model == name for one in tried for row in one.rows)]
    grid = [["runtime", *(f"`{name}`" for name in order)]]
    reasons: dict[tuple[str, str], list[str]] = {}  # the models and the error -> the versions
    for one in tried:
        title = f"{PACKAGES[one.runtime][1]} {one.version}"
        by_name = {row.model: row for row in one.rows}
        grid.append([title, *(_cell(by_name.get(name)) for name in order)])
        for error in dict.fromkeys(row.error for row in one.rows if row.error):
            models = ", ".join(f"`{row.model}`" for row in one.rows if row.error == error)
            reasons.setdefault((models, error), []).append(title)
    notes = "\n".join(f"- {', '.join(which)}, {models}: {error}" for (models, error), which in reasons.items())
    stamps = list(newest.values())
    opsets = ", ".join(sorted({str(one.opset) for one in tried if one.opset}))
    why = f"\nWhy not:\n\n{notes}\n" if notes else ""
    read = f'"wrong": above {ALLOWED:.0e}. ONNX files of opset {opsets}; ncnn reads what pnnx converted.'
    return (
        f"{grid_table(grid)}\nLargest difference of any value from PyTorch's, float32. {read}\n{why}\n"
        f"{each_value(stamps, 'hardware')}; torch {each_value(stamps, 'torch')}; commit "
        f"{each_value(stamps, 'commit', '`{}`')}.\n"
    )


# -- inside ---------------------------------------------------------------------------------------------------------


def _opset(file: Path) -> int:
    """The opset of ONNX's own operators in a file."""
    import onnx

    model = onnx.load(file, load_external_data=False)
    return max(int(one.version) for one in model.opset_import if not one.domain)


def _cell(row: RuntimeRow | None) -> str:
    if row is None:
        return ""
    if row.error:
        return "does not run"
    return f"{row.largest:.0e}" + (" (wrong)" if row.largest > ALLOWED else "")


def _ended(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"status {status}"


def _rank(runtime: str) -> int:
    return list(PACKAGES).index(runtime)


def _number(version: str) -> Sequence[int]:
    return [int(part) for part in re.findall(r"\d+", version)]


__all__ = ["ALLOWED", "PACKAGES", "RuntimeRow", "RuntimeTried", "phrase", "runtime_table", "try_runtime"]
