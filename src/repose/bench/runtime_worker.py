"""Run exported networks by one runtime, in a process of its own: NumPy and that runtime alone, without Repose.

    python -P runtime_worker.py onnxruntime FOLDER_OF_EXPORT...

Prints JSON: the version of the runtime, and for each folder the largest difference from PyTorch's outputs, or the
error. A runtime that ends the process is named by the caller.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


def main(runtime: str, folders: list[str]) -> None:
    """Print a line of JSON for the version, then one for each folder as it is done."""
    version, run = _RUNTIMES[runtime]()
    print(json.dumps({"version": version, "numpy": np.__version__}), flush=True)
    for folder in map(Path, folders):
        entry: dict[str, Any] = {"folder": str(folder), "largest": None, "error": ""}
        try:
            entry["largest"] = _apart(folder, run)
        except Exception as error:  # every runtime has kinds of its own
            entry["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(entry), flush=True)


def _apart(folder: Path, run: Callable[[Path, Arrays, list[str]], Arrays]) -> float:
    description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    stored = dict(np.load(folder / "example.npz"))
    inputs = {
        entry["name"]: np.ascontiguousarray(stored[f"input.{entry['name']}"], np.float32)
        for entry in description["inputs"]
    }
    names = [entry["name"] for entry in description["outputs"]]
    outputs = run(folder / description["files"][0], inputs, names)
    largest = 0.0
    for name in names:
        value, wanted = np.asarray(outputs[name], np.float64), stored[f"expected.{name}"]
        if value.shape != wanted.shape:
            raise ValueError(f"{name} has the shape {value.shape}, PyTorch's {wanted.shape}")
        if not np.isfinite(value).all():
            raise ValueError(f"{name} holds values that are not finite")
        largest = max(largest, float(np.abs(value - wanted).max()))
    return largest


def _onnxruntime() -> tuple[str, Callable[[Path, Arrays, list[str]], Arrays]]:
    import onnxruntime

    def run(file: Path, inputs: Arrays, names: list[str]) -> Arrays:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        wanted = {node.name for node in session.get_inputs()}
        feed = {name: value for name, value in inputs.items() if name in wanted}
        return dict(zip(names, session.run(names, feed), strict=True))

    return onnxruntime.__version__, run


def _openvino() -> tuple[str, Callable[[Path, Arrays, list[str]], Arrays]]:
    import openvino

    def run(file: Path, inputs: Arrays, names: list[str]) -> Arrays:
        program = openvino.Core().compile_model(str(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        wanted = {name for port in program.inputs for name in port.get_names()}
        results = program({name: value for name, value in inputs.items() if name in wanted})
        return {name: np.array(results[name]) for name in names}

    return openvino.__version__.partition("-")[0], run


def _opencv() -> tuple[str, Callable[[Path, Arrays, list[str]], Arrays]]:
    import cv2

    def run(file: Path, inputs: Arrays, names: list[str]) -> Arrays:
        network = cv2.dnn.readNetFromONNX(str(file))
        for name, value in inputs.items():
            network.setInput(value, name)
        return dict(zip(names, network.forward(names), strict=True))

    return cv2.__version__, run


def _ncnn() -> tuple[str, Callable[[Path, Arrays, list[str]], Arrays]]:
    from importlib.metadata import version

    import ncnn

    def run(file: Path, inputs: Arrays, names: list[str]) -> Arrays:
        net = ncnn.Net()
        net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
        net.opt.use_bf16_storage = False
        if net.load_param(str(file)) or net.load_model(str(file.with_suffix(".bin"))):
            raise RuntimeError("ncnn cannot load the file")
        rows = []
        for row in range(len(next(iter(inputs.values())))):
            extractor = net.create_extractor()
            for index, value in enumerate(inputs.values()):
                extractor.input(f"in{index}", ncnn.Mat(np.ascontiguousarray(value[row])).clone())
            results = []
            for index in range(len(names)):
                status, out = extractor.extract(f"out{index}")
                if status:
                    raise RuntimeError(f"ncnn cannot run the file (status {status})")
                results.append(np.array(out))
            rows.append(results)
        return {name: np.stack(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}

    return version("ncnn"), run


_RUNTIMES: dict[str, Callable[[], tuple[str, Callable[[Path, Arrays, list[str]], Arrays]]]] = {
    "onnxruntime": _onnxruntime,
    "openvino": _openvino,
    "opencv": _opencv,
    "ncnn": _ncnn,
}


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
