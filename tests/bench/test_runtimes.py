"""Versions of other runtimes on exported networks: the harness, with a real runtime and with ones that fail."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from repose import cli
from repose.bench.runtimes import (
    RuntimeRow,
    RuntimeTried,
    named_folder,
    phrase,
    runtime_table,
    try_exports,
    try_runtime,
)


def exported(folder: Path, wanted: float) -> Path:
    """A network that doubles its input, as `repose export` writes one, and what PyTorch is said to give for 1."""
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    folder.mkdir()
    tensors = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 2]) for name in ("image", "result")]
    graph = helper.make_graph(
        [helper.make_node("Add", ["image", "image"], ["result"])], "twice", tensors[:1], tensors[1:]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, folder / "model.onnx")
    names = {"inputs": [{"name": "image"}], "outputs": [{"name": "result"}], "files": ["model.onnx"]}
    (folder / "model.json").write_text(json.dumps(names))
    values = np.ones((1, 2), np.float32)
    np.savez(folder / "example.npz", **{"input.image": values, "expected.result": wanted * values})
    return folder


def test_a_real_runtime(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    exports = {"right": exported(tmp_path / "a", 2), "wrong": exported(tmp_path / "b", 2.5)}
    exports["broken"] = exported(tmp_path / "c", 2)
    (tmp_path / "c" / "model.onnx").write_bytes(b"no network")
    tried = try_runtime("onnxruntime", Path(onnxruntime.__file__).parents[1], exports, 18)
    assert (tried.runtime, tried.version, tried.opset) == ("onnxruntime", onnxruntime.__version__, 18)
    right, wrong, broken = tried.rows
    assert (right.largest, right.error) == (0, "")
    assert wrong.largest == pytest.approx(0.5)
    assert "model.onnx" in broken.error
    assert RuntimeTried.read(json.loads(json.dumps(tried.line()))).rows[:2] == tried.rows[:2]


DYING = """
import os
from pathlib import Path
__version__ = "0.1"
class SessionOptions: pass
class InferenceSession:
    def __init__(self, file, options, providers):
        if Path(file).parent.name == "b":
            os.kill(os.getpid(), 11)
    def get_inputs(self):
        return []
    def run(self, names, feed):
        raise RuntimeError("/some/where/source.cc:3 GridSample is not supported")
"""


def test_a_runtime_that_ends_the_process(tmp_path: Path) -> None:
    """The network is named, and those after it are tried nevertheless."""
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "onnxruntime.py").write_text(DYING)
    numpy = Path(np.__file__).parents[1]
    (tmp_path / "packages" / "numpy").symlink_to(numpy / "numpy")
    exports = {name: exported(tmp_path / name, 2) for name in ("a", "b", "c")}
    tried = try_runtime("onnxruntime", tmp_path / "packages", exports, 18)
    assert [row.error for row in tried.rows] == [
        "RuntimeError: source.cc:3 GridSample is not supported",
        "the process ends with SIGSEGV",
        "RuntimeError: source.cc:3 GridSample is not supported",
    ]


def test_a_folder_without_the_runtime(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"opencv in .* cannot be imported"):
        try_runtime("opencv", tmp_path, {"a": tmp_path}, 18)


def test_the_verb_takes_what_was_exported_and_names_what_fails(tmp_path: Path) -> None:
    """Of two folders: in one lies the runtime, in the other nothing, which is told and ends with 1."""
    onnxruntime = pytest.importorskip("onnxruntime")
    exports, results = tmp_path / "exports", tmp_path / "lines.jsonl"
    (exports / "onnx").mkdir(parents=True)
    exported(exports / "onnx" / "twice", 2)
    (tmp_path / "empty").mkdir()
    folder = Path(onnxruntime.__file__).parents[1]
    words = ["bench", "runtimes", f"opencv={tmp_path / 'empty'}", f"onnxruntime={folder}", "--model", "twice"]
    done = CliRunner().invoke(cli.app, [*words, "--exports", str(exports), "--results", str(results)])
    assert done.exit_code == 1, done.output
    assert f"onnxruntime {onnxruntime.__version__} twice: 0.0e+00" in done.output
    assert "opencv in" in done.output
    assert "cannot be imported" in done.output
    (line,) = [RuntimeTried.read(json.loads(text)) for text in results.read_text().splitlines()]
    assert (line.opset, line.rows) == (18, (RuntimeRow("twice", 0.0),))


def test_a_network_that_cannot_be_exported_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "onnxruntime.py").write_text(DYING)
    (tmp_path / "packages" / "numpy").symlink_to(Path(np.__file__).parents[1] / "numpy")
    (tmp_path / "exports" / "onnx").mkdir(parents=True)
    exported(tmp_path / "exports" / "onnx" / "b", 2)
    tried = try_exports("onnxruntime", tmp_path / "packages", ["no-weights", "b"], tmp_path / "exports")
    assert [row.model for row in tried.rows] == ["no-weights", "b"]
    assert "no-weights" in tried.rows[0].error
    assert tried.rows[1].error == "the process ends with SIGSEGV"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("onnxruntime", "is not RUNTIME=FOLDER"),
        ("openvino=", "is not RUNTIME=FOLDER"),
        ("opnvino=a", "did you mean 'openvino'"),
    ],
)
def test_a_runtime_is_named_with_its_folder(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        named_folder(text)


def test_an_error_is_one_phrase() -> None:
    told = (
        'Error: first line\n  > Node: Can\'t create layer "x" of type "GridSample" in /a/b/c/dnn.cpp:12\nstack\n'
        + "y" * 300
    )
    assert phrase(told) == '> Node: Can\'t create layer "x" of type "GridSample" in dnn.cpp:12'
    assert phrase("x" * 200 + " Unsupported model IR version: 10") == "Unsupported model IR version: 10"
    assert phrase("") == ""


def test_the_table() -> None:
    def line(version: str, *rows: RuntimeRow) -> dict[str, object]:
        tried = RuntimeTried("openvino", version, "2.4.6", 18, rows)
        return {**tried.line(), "hardware": "CPU", "torch": "2.13.0", "commit": "abc"}

    one, two = "patn-s-synthetic", "multiscale-s-synthetic"
    table = runtime_table([
        line("2025.4.1", RuntimeRow(one, 3e-7), RuntimeRow(two, error="GridSample is not supported")),
        line("2024.6.0", RuntimeRow(one, 0.2), RuntimeRow(two, 2e-6)),
        line("2025.4.1", RuntimeRow(one, 4e-7), RuntimeRow(two, error="GridSample is not supported")),
    ])  # fmt: skip
    rows = [text for text in table.splitlines() if text.startswith("| OpenVINO")]
    assert rows[0].startswith("| OpenVINO 2024.6.0 |")
    assert "2e-01 (wrong)" in rows[0]
    assert "4e-07" in rows[1]
    assert "does not run" in rows[1]
    assert f"- OpenVINO 2025.4.1, `{two}`: GridSample is not supported" in table
    with pytest.raises(ValueError, match="no line"):
        runtime_table([])
