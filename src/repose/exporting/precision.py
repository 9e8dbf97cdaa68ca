"""Smaller files: weights in half precision, convolutions in 8 bits."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from repose.backends.network import package

_SMALL: Final = 64
"""Tensors with fewer values stay float32: scales, sizes, and what little they would save."""


def half_weights(path: Path) -> None:
    """Store the weights of an ONNX file as float16, in place; every operator still takes and gives float32.

    A runtime turns the weights back when it loads them, and a GPU may compute in half precision by its own setting.
    Places in pictures (GridSample) are never rounded to half precision, which would move pixels.
    """
    onnx = package("onnx", "onnx")
    model = onnx.load(str(path))
    graph, casts = model.graph, []
    for tensor in list(graph.initializer):
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < _SMALL or np.abs(values).max() > np.finfo(np.float16).max:
            continue
        name, half = tensor.name, f"{tensor.name}.float16"
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), half))
        casts.append(onnx.helper.make_node("Cast", [half], [name], name=f"{name}.cast", to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.save(model, str(path))


def quantised(path: Path, feeds: Sequence[Mapping[str, Any]]) -> None:
    """Let the convolutions and matrix products of an ONNX file compute in 8 bits, in place.

    Steps of the weights are set for each channel, those of the values between by what they are for the examples.

    Args:
        feeds: inputs by name, a batch each.
    """
    package("onnxruntime", "onnx")
    from onnxruntime import quantization

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]  # the package has no types
        def __init__(self) -> None:
            self.rest = iter(feeds)

        def get_next(self) -> Any:
            return next(self.rest, None)

    target = path.with_suffix(".int8.onnx")
    silent = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            quantization.quantize_static(
                str(path),
                str(target),
                Reader(),
                quant_format=quantization.QuantFormat.QDQ,
                op_types_to_quantize=["Conv", "ConvTranspose", "MatMul", "Gemm"],
                per_channel=True,
                extra_options={"CalibTensorRangeSymmetric": False},
            )
    finally:
        logging.getLogger().setLevel(silent)
    target.replace(path)
