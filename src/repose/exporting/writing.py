"""A network as files of one format and precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from repose.backends import BackendError, export_ncnn, export_onnx, export_torchscript
from repose.backends.network import guarded, package
from repose.exporting.precision import half_weights, quantised
from repose.exporting.settings import ExportSettings
from repose.files import first_line
from repose.models.base import Generator

Encode = Callable[[int, tuple[int, int], int], tuple[Tensor, ...]]
"""A number of pictures, (height, width) and a seed -> the input tensors of a network for drawn people."""

CALIBRATION: Final = 16
"""Drawn pictures whose values set the steps of int8."""


@dataclass(frozen=True)
class Network:
    """What is written: a generator with the names of its inputs and outputs, and examples of its inputs."""

    generator: Generator
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    encode: Encode
    size: tuple[int, int]


def write_network(network: Network, settings: ExportSettings, folder: Path) -> list[Path]:
    """Write the file or files of a network into a folder; the first is the one that is opened.

    Raises:
        BackendError: a package is missing, or the format's own library refuses this network or a free size of it; the
            text says which other way there is.
    """
    advice = "write another --format: onnx and torchscript hold every network of this package"
    with guarded(f"this network cannot be written for {settings.format}", advice):
        examples = network.encode(settings.pictures, network.size, 0)
        if settings.format == "torchscript":
            path = folder / "model.pt"
            export_torchscript(network.generator, examples, path, network.outputs)
            return [path]
        if settings.format == "ncnn":
            half = settings.precision == "float16"
            written = export_ncnn(network.generator, examples, folder, network.outputs, half)
            kept = [folder / "model.param", folder / "model.bin"]
            for old, new in zip(written, kept, strict=True):
                old.replace(new)
            for left in folder.glob("model*"):
                if left not in kept:
                    left.unlink()
            return kept
        path = folder / "model.onnx"
        _write_onnx(network, settings, examples, path)
        if settings.format == "openvino":
            return _as_openvino(network, settings, path)
        if settings.precision == "float16":
            half_weights(path)
        return [path]


def free_sizes(network: Network) -> list[dict[int, Any]]:
    """For each input its free sides, as `torch.export.Dim`: rows and columns grow with the picture's.

    Raises:
        BackendError: an input does not grow with the picture by a whole share.
    """
    unit = network.generator.needs.multiple
    height, width = network.size
    larger = (height + 4 * unit, width + 4 * unit)
    before, after = network.encode(1, network.size, 0), network.encode(1, larger, 0)
    sides = {
        name: torch.export.Dim(name, min=max(2, side // unit // 2), max=8 * side // unit)
        for name, side in (("rows", height), ("columns", width))
    }
    free: list[dict[int, Any]] = []
    for name, one, other in zip(network.inputs, before, after, strict=True):
        own: dict[int, Any] = {}
        for place, (key, side, grown) in {2: ("rows", height, larger[0]), 3: ("columns", width, larger[1])}.items():
            if one.ndim != 4 or one.shape[place] == other.shape[place]:
                continue
            share = side // one.shape[place]
            if share * one.shape[place] != side or share * other.shape[place] != grown or unit % share:
                raise BackendError(
                    f"this network cannot be written with a free size: its input '{name}' does not grow with the "
                    "picture evenly; give --size HxW, one folder for each size"
                )
            own[place] = sides[key] if unit == share else (unit // share) * sides[key]
        free.append(own)
    return free


# -- inside ---------------------------------------------------------------------------------------------------------


def _write_onnx(network: Network, settings: ExportSettings, examples: Sequence[Tensor], path: Path) -> None:
    """The network as ONNX in float32 or int8."""
    free = free_sizes(network) if settings.size == "dynamic" else None
    try:
        export_onnx(network.generator, examples, path, network.outputs, network.inputs, settings.free_batch, free)
    except BackendError:
        raise
    except Exception as error:
        if free is None:
            raise
        raise BackendError(
            f"this network cannot be written with a free size, because its arithmetic depends on the size "
            f"({first_line(error)}); give --size HxW, one folder for each size"
        ) from error
    if settings.precision == "int8":
        quantised(path, _feeds(network, settings))


def _feeds(network: Network, settings: ExportSettings) -> list[Mapping[str, Any]]:
    """Inputs by name for calibration, a batch each."""
    count = settings.pictures
    return [
        dict(
            zip(network.inputs, (value.numpy() for value in network.encode(count, network.size, 100 + k)), strict=True)
        )
        for k in range(max(1, CALIBRATION // count))
    ]


def _as_openvino(network: Network, settings: ExportSettings, path: Path) -> list[Path]:
    ov = package("openvino", "openvino")
    model = ov.Core().read_model(str(path))
    for port, name in zip(model.outputs, network.outputs, strict=True):
        port.get_tensor().set_names({name})
    target = path.with_suffix(".xml")
    ov.save_model(model, str(target), compress_to_fp16=settings.precision == "float16")
    del model
    path.unlink()
    return [target, target.with_suffix(".bin")]
