"""Try versions of other runtimes on the exported networks, each in a folder of its own.

    pip install --target runtimes/onnxruntime-1.23.2 onnxruntime==1.23.2
    python scripts/measure_runtimes.py onnxruntime=runtimes/onnxruntime-1.23.2 openvino=... --exports out/exports \
        --results results/export.jsonl

Runtimes: onnxruntime, openvino, opencv, ncnn. The networks are exported once, into `--exports`, and are taken from
there the next time. A folder that cannot be imported is named and gives no line.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import onnx

from repose.backends import BackendError
from repose.bench.runtimes import PACKAGES, RuntimeRow, phrase, try_runtime
from repose.exporting import ExportSettings, export
from repose.models.weights import shipped
from repose.record import append_result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runtimes", nargs="+", metavar="RUNTIME=FOLDER")
    parser.add_argument("--models", nargs="*", default=list(shipped()))
    parser.add_argument("--exports", type=Path, required=True, help="folder of the exported networks")
    parser.add_argument("--results", type=Path)
    args = parser.parse_args()
    named = [text.partition("=")[::2] for text in args.runtimes]
    unknown = [runtime for runtime, _ in named if runtime not in PACKAGES]
    if unknown:
        parser.error(f"no such runtime: {', '.join(unknown)}; there are {', '.join(PACKAGES)}")
    failed = 0
    for runtime, folder in named:
        form = "ncnn" if runtime == "ncnn" else "onnx"
        written, refused = exported(args.models, args.exports / form, form)
        opset = max((opset_of(place / "model.onnx") for place in written.values()), default=0) if form == "onnx" else 0
        try:
            tried = try_runtime(runtime, Path(folder), written, opset)
        except RuntimeError as error:
            print(error, file=sys.stderr)
            failed += 1
            continue
        rows = {row.model: row for row in (*tried.rows, *refused)}
        whole = type(tried)(
            tried.runtime, tried.version, tried.numpy, tried.opset, tuple(rows[name] for name in args.models)
        )
        append_result(args.results, whole.line())
        for row in whole.rows:
            print(f"{runtime} {tried.version} {row.model}: {row.error or format(row.largest, '.1e')}", flush=True)
    return int(failed > 0)


def exported(models: list[str], folder: Path, form: str) -> tuple[dict[str, Path], list[RuntimeRow]]:
    """The networks' folders by name, written where they are missing; and the rows of those that cannot be written."""
    written, refused = {}, []
    for name in models:
        place = folder / name
        if not (place / "example.npz").is_file():
            try:
                export(name, place, ExportSettings(format=form))
            except (ValueError, BackendError) as error:
                refused.append(RuntimeRow(name, error=phrase(str(error))))
                continue
        written[name] = place
    return written, refused


def opset_of(file: Path) -> int:
    """The opset of ONNX's own operators in a file."""
    model = onnx.load(file, load_external_data=False)
    return max(one.version for one in model.opset_import if not one.domain)


if __name__ == "__main__":
    sys.exit(main())
