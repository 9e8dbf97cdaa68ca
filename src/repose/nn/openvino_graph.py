"""A network of OpenVINO's intermediate representation (an .xml with its .bin) as a torch module.

The .xml names layers and the edges between them, the .bin holds the constants. Half-precision constants become float32.
`OPERATIONS` has the kinds of layers that are read; another kind is an error that names it. A convolution takes the
addition of a constant for each channel as its bias.

Source: OpenVINO, "Intermediate Representation", versions 10 and 11, and the operation sets 1 to 8.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch._subclasses.fake_tensor import unset_fake_temporarily

Attributes = Mapping[str, str]
Operation = Callable[..., Tensor]

VERSIONS: Final = ("10", "11")
"""Of the intermediate representation."""

_TYPES: Final = {"f32": "<f4", "f16": "<f2", "i64": "<i8", "i32": "<i4", "u8": "u1", "i8": "i1", "boolean": "?"}


@dataclass(frozen=True)
class Layer:
    """One layer of the graph.

    Attributes:
        number: its id.
        name, kind: as the file has them, such as "reid_embedding" and "Convolution".
        attributes: of the kind, such as "strides".
        inputs: the ids of the layers that it reads, in the order of its ports.
    """

    number: str
    name: str
    kind: str
    attributes: Attributes
    inputs: tuple[str, ...]


class OpenVinoGraph(nn.Module):
    """The network of one input, frozen, in float32.

    Args:
        xml: the file of layers; the constants lie beside it, in the file of the same name that ends in .bin.
        weights: that other file, if it lies elsewhere.

    Attributes:
        input_shape: of the input as the file has it, such as (1, 3, 256, 128); another batch size is allowed.
        outputs: the names of the results, in the order of the file.

    Raises:
        FileNotFoundError: one of the two files is not there.
        ValueError: no such graph, another version, several inputs, a kind of layer or an attribute that is not read, or
            constants beyond the end of the .bin. The text names the file and the layer.
    """

    def __init__(self, xml: Path | str, weights: Path | str | None = None) -> None:
        super().__init__()
        self.origin = str(xml)
        layers = _read_layers(Path(xml))
        blob = Path(weights) if weights is not None else Path(xml).with_suffix(".bin")
        constants = _constants(layers, blob.read_bytes(), blob)
        starts = [layer for layer in layers.values() if layer.kind == "Parameter"]
        if len(starts) != 1:
            raise ValueError(f"{xml}: a graph of one input is wanted, it has {len(starts)}")
        self._start = starts[0].number
        self.input_shape = tuple(int(side) for side in starts[0].attributes["shape"].split(","))
        results = [layer for layer in layers.values() if layer.kind == "Result"]
        self._results = {layers[result.inputs[0]].name: result.inputs[0] for result in results}
        self.outputs = tuple(self._results)
        self._steps: list[tuple[str, Operation, tuple[str, ...]]] = []
        biased = _biases(layers, constants)
        for layer in _ordered(layers):
            if layer.number in constants or layer.kind in ("Parameter", "Result") or layer.number in biased.values():
                continue
            self._steps.append(_step(self.origin, layer, biased.get(layer.number), layers, constants))
        self._steps = _in_place(self._steps, layers)
        used = {source for _, _, inputs in self._steps for source in inputs}
        for number, value in constants.items():
            if number in used:
                self.register_buffer(f"constant_{number}", value, persistent=False)
        self._constants = tuple(number for number in constants if number in used)
        last: dict[str, int] = {source: at for at, (_, _, inputs) in enumerate(self._steps) for source in inputs}
        kept = {*self._results.values(), *self._constants}
        self._freed = [
            tuple({source for source in inputs if last[source] == at and source not in kept})
            for at, (_, _, inputs) in enumerate(self._steps)
        ]
        self.requires_grad_(False).eval()

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """float32 (B, ...), of `input_shape` but for B -> result: its tensor.

        Raises:
            ValueError: a picture of another shape.
        """
        if tuple(pictures.shape[1:]) != self.input_shape[1:]:
            wanted = ("B", *self.input_shape[1:])
            raise ValueError(f"{self.origin} takes {wanted}, got {tuple(pictures.shape)}")
        values = {number: self.get_buffer(f"constant_{number}") for number in self._constants}
        values[self._start] = pictures
        for (number, operation, inputs), freed in zip(self._steps, self._freed, strict=True):
            values[number] = operation(*(values[source] for source in inputs))
            for source in freed:
                del values[source]
        return {name: values[number] for name, number in self._results.items()}


# -- reading --------------------------------------------------------------------------------------------------------


def _read_layers(xml: Path) -> dict[str, Layer]:
    """The layers of a file by their ids."""
    try:
        root = ElementTree.parse(xml).getroot()
    except ElementTree.ParseError as error:
        raise ValueError(f"{xml} is no file of OpenVINO: {error}") from error
    listed, edges = root.find("layers"), root.find("edges")
    if root.tag != "net" or listed is None or edges is None:
        raise ValueError(f"{xml} is no file of OpenVINO: a <net> with <layers> and <edges> is wanted")
    if root.get("version") not in VERSIONS:
        known = " and ".join(VERSIONS)
        raise ValueError(f"{xml} is of version {root.get('version')} of OpenVINO's files; versions {known} are read")
    kinds = {str(one.get("id")): str(one.get("type")) for one in listed}
    first = {str(one.get("id")): _first_output(one) for one in listed}
    inputs: dict[str, dict[int, str]] = {}
    for edge in edges:
        begin, port = str(edge.get("from-layer")), str(edge.get("from-port"))
        if port != first.get(begin):
            kind = kinds.get(begin, "unknown")
            raise ValueError(f"{xml}: layer {begin} ({kind}) is read at output {port}; only the first output is")
        inputs.setdefault(str(edge.get("to-layer")), {})[int(edge.get("to-port", 0))] = begin
    layers = {}
    for one in listed:
        number, data = str(one.get("id")), one.find("data")
        attributes = {} if data is None else dict(data.attrib)
        sources = tuple(source for _, source in sorted(inputs.get(number, {}).items()))
        layers[number] = Layer(number, str(one.get("name")), kinds[number], attributes, sources)
    return layers


def _first_output(layer: ElementTree.Element) -> str | None:
    """The id of a layer's first output port; None where it has none."""
    port = layer.find("output/port")
    return None if port is None else port.get("id")


def _constants(layers: Mapping[str, Layer], blob: bytes, file: Path) -> dict[str, Tensor]:
    """The values of all constants, also those that pass through a conversion of type; floats are float32."""
    constants: dict[str, Tensor] = {}
    for layer in layers.values():
        if layer.kind != "Const":
            continue
        kind = layer.attributes["element_type"]
        if kind not in _TYPES:
            raise ValueError(f"{file}: constant {layer.name} is of type {kind}; {', '.join(_TYPES)} are read")
        begin, size = int(layer.attributes["offset"]), int(layer.attributes["size"])
        if begin + size > len(blob):
            raise ValueError(f"{file} has {len(blob):,} bytes, and constant {layer.name} ends at {begin + size:,}")
        shape = [int(side) for side in layer.attributes.get("shape", "").split(",") if side.strip()]
        value = torch.from_numpy(np.frombuffer(blob[begin : begin + size], _TYPES[kind]).copy())
        constants[layer.number] = (value.float() if value.is_floating_point() else value).reshape(shape)
    for layer in _ordered(layers):
        if layer.kind == "Convert" and layer.inputs[0] in constants:
            constants[layer.number] = _convert(layer.attributes)(constants[layer.inputs[0]])
    return constants


def _ordered(layers: Mapping[str, Layer]) -> list[Layer]:
    """The layers, each after those that it reads."""
    ordered: dict[str, Layer] = {}
    waiting = list(reversed(list(layers.values())))
    while waiting:
        layer = waiting[-1]
        before = [layers[source] for source in layer.inputs if source not in ordered]
        if before:
            waiting += before
            continue
        waiting.pop()
        ordered.setdefault(layer.number, layer)
    return list(ordered.values())


def _biases(layers: Mapping[str, Layer], constants: Mapping[str, Tensor]) -> dict[str, str]:
    """Addition -> the convolution that it becomes the bias of: nothing else reads that convolution."""
    readers: dict[str, int] = {}
    for layer in layers.values():
        for source in layer.inputs:
            readers[source] = readers.get(source, 0) + 1
    biased = {}
    for layer in layers.values():
        if layer.kind != "Add" or len(layer.inputs) != 2:
            continue
        convolution, bias = layer.inputs
        if layers[convolution].kind not in ("Convolution", "GroupConvolution") or readers[convolution] != 1:
            continue
        value = constants.get(bias)
        if value is not None and value.ndim == 4 and value.shape[1] == value.numel():  # one for each channel
            biased[layer.number] = convolution
    return biased


def _step(
    origin: str, layer: Layer, convolution: str | None, layers: Mapping[str, Layer], constants: dict[str, Tensor]
) -> tuple[str, Operation, tuple[str, ...]]:
    """A layer as the id of its value, its function, and the ids of the values that it takes."""
    if convolution is None:
        return layer.number, *_function(origin, layer, constants)
    operation, inputs = _function(origin, layers[convolution], constants)  # an addition that becomes a bias
    bias = f"{layer.inputs[1]}_bias"
    constants[bias] = constants[layer.inputs[1]].flatten()
    return layer.number, operation, (*inputs, bias)


def _in_place(
    steps: list[tuple[str, Operation, tuple[str, ...]]], layers: Mapping[str, Layer]
) -> list[tuple[str, Operation, tuple[str, ...]]]:
    """The steps, with ReLUs that overwrite a sum or a product which nothing else reads."""
    readers: dict[str, int] = {}
    for layer in layers.values():
        for source in layer.inputs:
            readers[source] = readers.get(source, 0) + 1
    return [
        (number, torch.relu_, inputs)
        if layers[number].kind == "ReLU"
        and readers[inputs[0]] == 1
        and layers[inputs[0]].kind in ("Add", "Convolution", "GroupConvolution", "Multiply")
        else (number, operation, inputs)
        for number, operation, inputs in steps
    ]


def _function(origin: str, layer: Layer, constants: dict[str, Tensor]) -> tuple[Operation, tuple[str, ...]]:
    """The function of a layer, and the ids of the values that it takes; kernels of groups become what torch wants."""
    if layer.kind not in OPERATIONS:
        raise ValueError(
            f"{origin}: layer {layer.number} ({layer.name}) is a {layer.kind}, which is not read; these are: "
            f"{', '.join(sorted(OPERATIONS))}"
        )
    attributes, inputs = layer.attributes, layer.inputs
    try:
        if layer.kind == "GroupConvolution":  # kernels (G, O / G, I / G, h, w)
            if inputs[1] not in constants:
                raise ValueError("its kernels are no constant, which is not read")
            kernels = constants[inputs[1]]
            attributes, inputs = {**attributes, "groups": str(len(kernels))}, (inputs[0], f"{inputs[1]}_grouped")
            constants[inputs[1]] = kernels.flatten(0, 1)
        return OPERATIONS[layer.kind](attributes), inputs
    except (KeyError, ValueError) as error:
        raise ValueError(f"{origin}: layer {layer.number} ({layer.name}), a {layer.kind}: {error}") from error


# -- the kinds of layers: attributes -> a function of the inputs -----------------------------------------------------


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


def _axes(constant: Tensor) -> list[int]:
    """Axes of a constant; `tolist` reads them also while memory is counted on tensors without numbers."""
    axes = constant.tolist()
    return [int(axis) for axis in axes] if isinstance(axes, list) else [int(axes)]


def _pads(attributes: Attributes) -> list[int]:
    """The same padding before and after, for each side."""
    if attributes.get("auto_pad", "explicit") not in ("explicit", "valid"):
        raise ValueError(f"auto_pad {attributes['auto_pad']} is not read, only explicit padding")
    begin, end = _numbers(attributes["pads_begin"]), _numbers(attributes["pads_end"])
    if begin != end:
        raise ValueError(f"padding {begin} before and {end} after is not read, only equal ones")
    return begin


def _convolution(attributes: Attributes) -> Operation:
    strides, dilations, pads = _numbers(attributes["strides"]), _numbers(attributes["dilations"]), _pads(attributes)
    groups = int(attributes.get("groups", 1))

    plain = groups == 1 and set(strides) == {1} and set(pads) == {0}

    def convolve(x: Tensor, kernels: Tensor, bias: Tensor | None = None) -> Tensor:
        if plain and kernels.shape[2:].numel() == 1 and x.shape[2:].numel() > 1:  # a matrix product, if C comes last
            return F.linear(x.movedim(1, -1), kernels.flatten(1), bias).movedim(-1, 1)
        return F.conv2d(x, kernels, bias, strides, pads, dilations, groups)

    return convolve


def _pool(attributes: Attributes) -> tuple[list[int], list[int], list[int], bool]:
    kernel, strides, pads = _numbers(attributes["kernel"]), _numbers(attributes["strides"]), _pads(attributes)
    return kernel, strides, pads, attributes.get("rounding_type", "floor") != "floor"


def _max_pool(attributes: Attributes) -> Operation:
    kernel, strides, pads, ceil = _pool(attributes)
    dilations = _numbers(attributes.get("dilations", "1,1"))
    return lambda x: F.max_pool2d(x, kernel, strides, pads, dilations, ceil)


def _average_pool(attributes: Attributes) -> Operation:
    kernel, strides, pads, ceil = _pool(attributes)
    with_padding = attributes["exclude-pad"] != "true"
    return lambda x: F.avg_pool2d(x, kernel, strides, pads, ceil, with_padding)


def _normalise(attributes: Attributes) -> Operation:
    """MVN: less its mean, over its deviation."""
    inside = attributes["eps_mode"].upper() == "INSIDE_SQRT"
    eps, scaled = float(attributes["eps"]), attributes["normalize_variance"] == "true"

    def normalise(x: Tensor, axes: Tensor) -> Tensor:
        variance, mean = torch.var_mean(x, _axes(axes), correction=0, keepdim=True)
        if not scaled:
            return x - mean
        scale = 1 / ((variance + eps).sqrt() if inside else variance.sqrt() + eps)
        return torch.addcmul(-mean * scale, x, scale)

    return normalise


def _reduction(function: Callable[..., Tensor]) -> Callable[[Attributes], Operation]:
    def made(attributes: Attributes) -> Operation:
        keep = attributes.get("keep_dims", "false") == "true"
        return lambda x, axes: function(x, dim=_axes(axes), keepdim=keep)

    return made


def _reshape(attributes: Attributes) -> Operation:
    zero_copies = attributes["special_zero"] == "true"

    def reshape(x: Tensor, shape: Tensor) -> Tensor:
        sides = [x.shape[at] if side == 0 and zero_copies else side for at, side in enumerate(shape.tolist())]
        return x.reshape(sides)

    return reshape


def _gather(attributes: Attributes) -> Operation:
    if int(attributes.get("batch_dims", 0)) != 0:
        raise ValueError("batch_dims other than 0 are not read")

    def gather(x: Tensor, indices: Tensor, axis: Tensor) -> Tensor:
        at = _axes(axis)[0] % x.ndim
        chosen = x.index_select(at, indices.reshape(-1))
        return chosen.reshape([*x.shape[:at], *indices.shape, *x.shape[at + 1 :]])

    return gather


def _matmul(attributes: Attributes) -> Operation:
    flip_one, flip_other = (attributes.get(name, "false") == "true" for name in ("transpose_a", "transpose_b"))
    return lambda one, other: (one.mT if flip_one else one) @ (other.mT if flip_other else other)


def _prelu(_: Attributes) -> Operation:
    def prelu(x: Tensor, slope: Tensor) -> Tensor:
        wide = slope.reshape(-1, *[1] * (x.ndim - 2)) if slope.numel() > 1 else slope.reshape(())
        return torch.where(x < 0, x * wide, x)

    return prelu


def _convert(attributes: Attributes) -> Operation:
    kind = attributes["destination_type"]
    types = {"f32": torch.float32, "f16": torch.float32, "i64": torch.int64, "i32": torch.int32}
    if kind not in types:
        raise ValueError(f"the type {kind} is not read; {', '.join(types)} are")
    return lambda x: x.to(types[kind])


def _plain(function: Operation) -> Callable[[Attributes], Operation]:
    """A kind without attributes that matter, of numpy's broadcasting."""

    def made(attributes: Attributes) -> Operation:
        if attributes.get("auto_broadcast", "numpy") != "numpy":
            raise ValueError(f"auto_broadcast {attributes['auto_broadcast']} is not read, only numpy")
        return function

    return made


def _shape_of(x: Tensor) -> Tensor:
    with unset_fake_temporarily():
        return torch.tensor(tuple(x.shape), dtype=torch.int64)


def _concat(attributes: Attributes) -> Operation:
    axis = int(attributes["axis"])
    return lambda *parts: torch.cat(parts, axis)


def _also_of_shapes(made: Callable[[Attributes], Operation]) -> Callable[[Attributes], Operation]:
    """A kind that also computes shapes: whole numbers keep their values where memory is counted without numbers."""

    def both(attributes: Attributes) -> Operation:
        operation = made(attributes)

        def operate(*inputs: Tensor) -> Tensor:
            if any(x.is_floating_point() for x in inputs):
                return operation(*inputs)
            with unset_fake_temporarily():
                return operation(*inputs)

        return operate

    return both


OPERATIONS: Final[Mapping[str, Callable[[Attributes], Operation]]] = {
    "Add": _plain(torch.add),
    "AvgPool": _average_pool,
    "Concat": _also_of_shapes(_concat),
    "Convert": _convert,
    "Convolution": _convolution,
    "Gather": _also_of_shapes(_gather),
    "GroupConvolution": _convolution,
    "MVN": _normalise,
    "MatMul": _matmul,
    "MaxPool": _max_pool,
    "Multiply": _plain(torch.mul),
    "PReLU": _prelu,
    "ReLU": _plain(torch.relu),
    "ReduceMax": _reduction(torch.amax),
    "ReduceMean": _reduction(torch.mean),
    "Reshape": _reshape,
    "ShapeOf": _plain(_shape_of),
    "Sigmoid": _plain(torch.sigmoid),
    "Subtract": _plain(torch.sub),
}
"""Kind of layer -> what makes its function of its attributes. Const, Parameter and Result are read beside these."""
