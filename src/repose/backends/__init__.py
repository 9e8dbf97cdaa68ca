"""Backends: ways to run a network, with the same outputs and different speeds.

A backend takes a `Generator` and example inputs of `Generator.synthesise`, and returns a function from such tensors to
the picture and other outputs. `plain` is the module unchanged; `repose bench forward` compares every other one with
it. `accelerated` puts a backend into a generator.
"""

from __future__ import annotations

from repose.backends.acceleration import accelerated, backend_of, choose
from repose.backends.files import OPSET, export_ncnn, export_onnx, export_torchscript
from repose.backends.network import IMAGE, BackendError, Core, fold_batch_norm
from repose.backends.running import (
    BACKENDS,
    Backend,
    ImageFunction,
    NetworkFunction,
    find_backend,
    image_function,
    network_function,
)

__all__ = [
    "BACKENDS",
    "IMAGE",
    "OPSET",
    "Backend",
    "BackendError",
    "Core",
    "ImageFunction",
    "NetworkFunction",
    "accelerated",
    "backend_of",
    "choose",
    "export_ncnn",
    "export_onnx",
    "export_torchscript",
    "find_backend",
    "fold_batch_norm",
    "image_function",
    "network_function",
]
