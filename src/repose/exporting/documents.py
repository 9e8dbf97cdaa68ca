"""model.json and README.md of an exported network."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from numpy.typing import NDArray

from repose.backends import OPSET
from repose.exporting.checks import Checks
from repose.exporting.inputs import InputTensor, why_not
from repose.exporting.settings import DYNAMIC, ExportSettings
from repose.exporting.writing import Network
from repose.extras import how_to_install_package
from repose.files import sha256
from repose.pipeline import Model
from repose.version import __version__

_PACKAGES: Final = {
    "onnx": ("onnx", "onnxscript", "onnxruntime"),
    "openvino": ("onnx", "onnxscript", "openvino"),
    "ncnn": ("ncnn", "pnnx"),
    "torchscript": (),
}

_INSTALL: Final = {
    "onnx": "numpy onnxruntime", "openvino": "numpy openvino", "ncnn": "numpy ncnn", "torchscript": "numpy torch",
}  # fmt: skip

_OUTPUTS: Final = {
    "image": "the person in the target pose: red, green, blue, -1 to 1",
    "person": "how surely a pixel shows the person, 0 to 1: with it the picture is put into a photograph",
    "still": "1 where nothing moves and the picture is the source's own",
}


def described(
    model: Model,
    network: Network,
    tensors: Sequence[InputTensor],
    settings: ExportSettings,
    files: Sequence[Path],
    inputs: Mapping[str, NDArray[Any]],
    origin: Mapping[str, str] | None,
) -> dict[str, Any]:
    """What model.json says.

    Args:
        inputs: those of the example, a batch of one. origin: of the weights, see `repose.models.weights.lineage`.
    """
    computable = all(tensor.computed is not None for tensor in tensors)
    reads = dict.fromkeys(name for tensor in tensors for name in tensor.reads) if computable else {}
    batch: int | str = DYNAMIC if settings.free_batch else settings.pictures
    free = settings.size == DYNAMIC
    origin = origin or {"name": model.name, "data": "unknown", "licence": "unknown", "sha256": "unknown"}
    return {
        "name": model.name,
        "model": model.recipe.model,
        "recipe": model.recipe.name,
        "format": settings.format,
        "precision": settings.precision,
        "files": [path.name for path in files],
        "sha256": {path.name: sha256(path) for path in files},
        "canvas": list(model.canvas.size),
        "size": DYNAMIC if free else list(network.size),
        "multiple": network.generator.needs.multiple,
        "batch": batch,
        "inputs": [
            {
                "name": tensor.name,
                "shape": [batch, *_sides(inputs[tensor.name].shape, network.size, free)],
                "dtype": "float32",
                "range": [tensor.low, tensor.high] if abs(tensor.low) != float("inf") else None,
                "meaning": tensor.meaning,
                "computed": tensor.computed if computable else None,
            }
            for tensor in tensors
        ],
        "outputs": [{"name": name, "dtype": "float32", "meaning": _OUTPUTS[name]} for name in network.outputs],
        "reads": list(reads),
        "without": "" if computable else why_not(model.recipe.model),
        "limit": 1e-4 if settings.precision == "float32" else 0.1,
        "opset": OPSET if settings.format == "onnx" else None,
        "weights": {**origin},
        "licence": {"weights": origin["licence"], "code": "Apache-2.0"},
        "versions": {
            "repose": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in _PACKAGES[settings.format]},
        },
    }


def readme(description: Mapping[str, Any], checks: Checks | None) -> str:
    """README.md of the folder."""
    size = description["size"]
    canvas = "x".join(map(str, description["canvas"]))
    shown = f"any multiple of {description['multiple']}" if size == DYNAMIC else "x".join(map(str, size))
    batch = "any number of" if description["batch"] == DYNAMIC else str(description["batch"])
    lines = [
        f"# {description['name']} for {description['format']}",
        "",
        f"The network of the recipe `{description['recipe']}` of Repose: a picture of a person and a pose in, the "
        f"person in that pose out. Format {description['format']}, weights in {description['precision']}, "
        f"{batch} pictures at once, size (height x width) {shown}; it was trained at {canvas}.",
        "",
        "## Use",
        "",
        "```bash",
        how_to_install_package(_INSTALL[description["format"]]),
        "python use.py     # the example beside it: writes result.png and compares it with PyTorch's picture",
    ]
    labels = any(name.endswith("labels") for name in description["reads"])
    if description["reads"]:
        more = " --labels me_labels.npy new_labels.npy" if labels else ""
        how = "needs Pillow; both.json: repose estimate me.png dancer.png -o both.json"
        lines.append(f"python use.py me.png both.json{more} -o new.png     # {how}")
    lines += ["```", ""]
    if description["reads"]:
        lines.append(
            f"It reads {', '.join(description['reads'])}. `use.py` computes the network's inputs of them with NumPy: "
            "copy `encode` and `load` into your program. Joints are OpenPose's 18, in pixels of the picture. The "
            "network sees the person alone, about as large as in the example: cut them out of a larger picture first."
        )
    else:
        lines.append(
            f"**What you need beside this folder.** {description['without']} `use.py` runs the network on the inputs "
            "of example.npz."
        )
    lines += ["", "## Inputs", "", "| name | shape | range | what it is |", "|---|---|---|---|"]
    for entry in description["inputs"]:
        span = "" if entry["range"] is None else "{:g} to {:g}".format(*entry["range"])
        lines.append(f"| `{entry['name']}` | {' x '.join(map(str, entry['shape']))} | {span} | {entry['meaning']} |")
    lines += ["", "Outputs:", ""]
    lines += [f"- `{entry['name']}`: {entry['meaning']}" for entry in description["outputs"]]
    lines += ["", "## Checks", "", _checked(description, checks), ""]
    weights = description["weights"]
    lines += [
        "## Licence",
        "",
        f"Weights: {description['licence']['weights']} (trained on: {weights['data']}). Code of `use.py`: Apache-2.0.",
        "",
    ]
    return "\n".join(lines)


# -- inside ---------------------------------------------------------------------------------------------------------


def _sides(shape: Sequence[int], size: tuple[int, int], free: bool) -> list[int | str]:
    """The shape without the batch; a side that grows with the picture as a share of rows or columns."""
    sides: list[int | str] = list(shape[1:])
    if not free or len(shape) != 4:
        return sides
    for place, (whole, name) in enumerate(zip(size, ("height", "width"), strict=True), 1):
        share = whole // shape[place + 1]
        sides[place] = name if share == 1 else f"{name}/{share}"
    return sides


def _checked(description: Mapping[str, Any], checks: Checks | None) -> str:
    if checks is None:
        return "**Nothing was checked** (`--no-check`)."
    runs = ", ".join(f"{run.pictures} of {run.size[0]}x{run.size[1]} ({run.what})" for run in checks.runs)
    text = (
        f"Beside PyTorch, every output of {runs}: the largest difference of any value is {checks.largest:.1e}, of the "
        f"picture {checks.picture:.1e} of a range of 2. check.json has all numbers."
    )
    verdict = checks.verdict(description["precision"])
    if description["precision"] != "float32":
        seen = f"LPIPS at most {checks.lpips:.4f}" if checks.lpips is not None else "LPIPS was not measured"
        text += (
            f" To the eye: {seen}; {checks.grey[0]:.2f} grey levels of 255 on average, {checks.grey[1]:.1f} at the "
            "99.9th percentile."
        )
    if verdict:
        text += f"\n\n**The pictures are not equal to PyTorch's: {verdict}. The folder was written with `--force`.**"
    return text
