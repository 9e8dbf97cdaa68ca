"""The benchmark of exports: what it writes is what its table shows."""

import math
from pathlib import Path

import pytest

from repose.bench.exporting import BackendRow, ExportRow, ModelExports, backend_table, export_table, time_exports
from repose.record import append, read_results
from tests import tiny

BACKENDS = (
    BackendRow("ncnn", "", 1.5, 10.0, 40.0),
    BackendRow("folded", "", 0.1, 41.0, 40.0),
    BackendRow("openvino", "openvino cannot run this network"),
)


def exports(*rows: ExportRow) -> ModelExports:
    versions = {"repose": "0.1.0", "torch": "2.13.0", "onnxruntime": "1.32.0"}
    return ModelExports("toy", "toy-s", 128, 64, 9.25, 2, 0.0061, versions, rows, BACKENDS)


ROWS = (
    ExportRow("onnx", "float32", False, "", 5e-7, 4e-7, math.nan, 0.0, 14.65, 12.0, 3.25),
    ExportRow(
        "onnx", "int8", False, "a picture is 0.0900 (LPIPS) from PyTorch's", 0.5, 0.4, 0.09, 3.1, 3.89, 13.0, 2.5
    ),
    ExportRow("ncnn", "float32", False, "ncnn has no layer for Tensor.index"),
    ExportRow("ncnn", "int8", False, "int8 is written for onnx and openvino alone, ncnn needs tools"),
)


def test_lines_are_read_and_written_alike(tmp_path: Path) -> None:
    append(tmp_path / "a.jsonl", exports(*ROWS).line())
    (line,) = read_results(tmp_path)
    again = ModelExports.read(line)
    assert str(again) == str(exports(*ROWS)), "NaN is not equal to itself"
    with pytest.raises(ValueError, match="jpeg"):
        ModelExports.read({key: value for key, value in line.items() if key != "jpeg"})


def test_the_table() -> None:
    stamp = {"torch": "2.13.0", "threads": 2, "hardware": "two cores", "commit": "abc"}
    table = export_table([{**exports().line(), **stamp}, {**exports(*ROWS).line(), **stamp}])
    assert "| `toy` 128x64 | PyTorch | float32 | fixed |  |  |  |  | 9.2 |  |" in table
    assert "| onnx | float32 | fixed | 5e-07 | 4e-07 |  | 14.65 | 3.2 | 12 |" in table
    assert "| onnx | int8 (refused) | fixed | 5e-01 | 4e-01 | 0.0900 | 3.89 | 2.5 | 13 |" in table
    assert "- `toy`, ncnn float32: ncnn has no layer for Tensor.index" in table
    assert "needs tools" not in table, "what no model has is said once, in the text"
    assert "JPEG of quality 95: 0.0061 to 0.0061" in table
    assert "onnxruntime 1.32.0" in table
    with pytest.raises(ValueError, match="no line of `repose bench export`"):
        export_table([])


def test_the_table_of_backends() -> None:
    stamp = {"torch": "2.13.0", "threads": 2, "hardware": "two cores", "commit": "abc"}
    line = {**exports().line(), **stamp}
    table = backend_table([line])
    assert "| `toy` 128x64 | `ncnn` | 1.5 | 10.0 | 40.0 | 50 |" in table
    assert "|  | `folded` | 0.1 | 41.0 | 40.0 | never |" in table
    assert "|  | `openvino` | does not run |  |  |  |" in table
    with pytest.raises(ValueError, match="with backends"):
        backend_table([{**line, "backends": []}])


def test_a_run_on_tiny_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tiny.save(tmp_path / "weights", "patn-s", "network.blocks=1")
    monkeypatch.setattr("repose.bench.exporting.IN_PLACE", ("folded",))
    found = time_exports(str(weights), ["torchscript"], rounds=1)
    (folded,) = found.backends
    assert min(folded.prepare, folded.milliseconds, folded.plain) > 0
    whole, half, eight, free = found.rows
    assert (whole.note, free.note, free.free) == ("", "", True)
    assert "TorchScript is written in float32" in half.note
    assert "int8 is written for" in eight.note
    assert whole.largest == 0.0
    assert whole.milliseconds > 0
    assert found.milliseconds > 0
    assert whole.megabytes > 0.01
    assert found.line()["bench"] == "export"
