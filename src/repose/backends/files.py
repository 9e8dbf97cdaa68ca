"""Networks as files of other runtimes: ONNX, TorchScript, ncnn."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from repose.backends.network import IMAGE, BackendError, Core, evaluation, folded_copy, package, tracing
from repose.models.base import Generator

OPSET: Final = 18
"""Of the ONNX files. From opset 20 on, GridSample's mode is written `linear`, which OpenVINO before 2026.4 refuses and
OpenCV 5 takes for cubic."""


def export_onnx(
    generator: Generator,
    inputs: Sequence[Tensor],
    path: Path,
    outputs: Sequence[str] = (IMAGE,),
    names: Sequence[str] | None = None,
    free_batch: bool = True,
    free_sizes: Sequence[Mapping[int, Any]] | None = None,
) -> None:
    """Write `synthesise` as ONNX, its batch norms folded.

    Args:
        generator: is not changed.
        inputs: example tensors, as `Generator.encode` gives.
        outputs: "image", and names of `Output.extra`.
        names: of the inputs; input_0, input_1 and so on if not given.
        free_batch: any number of pictures at once; otherwise the number of the examples.
        free_sizes: for each input its free dimensions, as `torch.export.Dim`; None: the sizes of the examples.

    Raises:
        BackendError: onnx or onnxscript is not installed.
        Exception: what `torch.onnx.export` raises of a network that it cannot write.
    """
    for needed in ("onnx", "onnxscript"):
        package(needed, "onnx")
    core = Core(folded_copy(generator), outputs).eval()
    given = list(names) if names is not None else [f"input_{index}" for index in range(len(inputs))]
    shapes: list[dict[int, Any]] = [dict(sizes) for sizes in free_sizes or [{}] * len(inputs)]
    examples = tuple(value.clone() for value in inputs)
    if free_batch:
        batch = torch.export.Dim("batch", min=1, max=1024)
        for shape in shapes:
            shape[0] = batch
        # a batch of one would become a constant of the graph
        examples = tuple(torch.cat([value, value])[:2] for value in inputs)
    with tracing():
        program = torch.onnx.export(
            core,
            examples,
            input_names=given,
            output_names=list(outputs),
            dynamic_shapes=(tuple(shapes),) if any(shapes) else None,
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.save(str(path))


def export_torchscript(
    generator: Generator, inputs: Sequence[Tensor], path: Path, outputs: Sequence[str] = (IMAGE,)
) -> None:
    """Write `synthesise` as TorchScript: a trace at the sizes of the examples, which libtorch runs without Python.

    Args: see `export_onnx`; the outputs are a tuple in the order of their names.
    """
    core = Core(evaluation(generator), outputs).eval()
    with tracing():
        traced = torch.jit.trace(core, tuple(inputs), check_trace=False)  # type: ignore[no-untyped-call]
        traced.save(str(path))


def export_ncnn(
    generator: Generator,
    inputs: Sequence[Tensor],
    folder: Path,
    outputs: Sequence[str] = (IMAGE,),
    half: bool = False,
) -> tuple[Path, Path]:
    """Write `synthesise` for ncnn, by pnnx: one picture at a time, at the sizes of the examples.

    Args:
        folder: gets `model.ncnn.param` and `model.ncnn.bin`. Inputs are called in0, in1 ..., outputs out0, out1 ...
        half: weights in half precision. Other arguments: see `export_onnx`.

    Returns:
        The two files.

    Raises:
        BackendError: pnnx is not installed, cannot convert the network, or leaves operators that ncnn does not have.
    """
    converter = package("pnnx", "ncnn")
    core = Core(folded_copy(generator), outputs).eval()
    single = tuple(value[:1].clone() for value in inputs)
    path = folder / "model.pt"
    with tracing():
        traced = torch.jit.trace(core, single, check_trace=False)  # type: ignore[no-untyped-call]
        traced.save(str(path))
    _run_pnnx(converter, path, "[" + "],[".join(",".join(map(str, value.shape)) for value in single) + "]", half)
    parameters, weights = path.with_suffix(".ncnn.param"), path.with_suffix(".ncnn.bin")
    unknown = sorted({line.split()[0] for line in parameters.read_text().splitlines()[2:] if _foreign(line)})
    if unknown:
        raise BackendError(
            f"ncnn has no layer for {', '.join(unknown[:4])} of this network, as pnnx left it; take onnxruntime, which "
            "runs every network of this package"
        )
    return parameters, weights


def _foreign(line: str) -> bool:
    """Whether a layer is still one of PyTorch, which ncnn does not have."""
    kind = line.split()[0] if line.split() else ""
    return kind.startswith(("pnnx.", "torch.", "F.", "nn.", "aten::", "prim::", "Tensor."))


def _run_pnnx(converter: Any, path: Path, shapes: str, half: bool) -> None:
    command = [converter.EXEC_PATH, str(path), f"inputshape={shapes}", f"fp16={int(half)}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=path.parent, check=False)
    if not path.with_suffix(".ncnn.param").exists():
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.strip() and "/" not in line]
        last = f" ({lines[-1][:200]})" if lines else ""
        raise BackendError(f"pnnx could not convert the network to ncnn{last}; take onnxruntime or plain")
