"""A generator that computes `synthesise` by a backend, and which backend is worth its preparation."""

from __future__ import annotations

import copy
import importlib.util
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from repose.backends.network import IMAGE, BackendError
from repose.backends.running import NetworkFunction, find_backend, network_function
from repose.models.base import Generator, Output

_SHAPES: Final = 8
"""Sets of shapes whose functions are kept, the latest."""

_PACKAGES: Final = {
    "onnxruntime": ("onnx", "onnxscript", "onnxruntime"),
    "openvino": ("onnx", "onnxscript", "openvino"),
    "ncnn": ("ncnn", "pnnx"),
}


@dataclass(frozen=True)
class Worth:
    """A backend that is faster than PyTorch on a model, once it is prepared.

    Attributes:
        backend: key of `repose.backends.BACKENDS`.
        pictures: from so many on it saves more time than its preparation takes; measured, see docs/export.md.
    """

    backend: str
    pictures: int


WORTH: Final[Mapping[str, tuple[Worth, ...]]] = {
    "patn": (Worth("ncnn", 200), Worth("openvino", 1_200)),
    "multiscale": (Worth("ncnn", 400),),
}
"""Name of a model -> what `auto` takes, the first that is installed. Of other models PyTorch is as fast, or nearly."""


def choose(model: str, pictures: int) -> str:
    """The backend that `auto` takes.

    Args:
        model: its name, `Recipe.model`.
        pictures: how many will be computed, about; a single picture is always left to PyTorch.
    """
    for worth in WORTH.get(model, ()):
        if pictures >= worth.pictures and all(map(importlib.util.find_spec, _PACKAGES[worth.backend])):
            return worth.backend
    return "plain"


def accelerated(generator: Generator, backend: str, falls_back: bool = False) -> Generator:
    """The same network, whose `synthesise` is computed by a backend; everything else stays PyTorch's.

    The weights are shared with `generator`, which is not changed. The backend is prepared at the first picture of each
    set of shapes and number of threads, and kept. Training, another device than the CPU and inputs that want gradients
    are left to PyTorch.

    Args:
        generator: in eval mode.
        backend: key of `repose.backends.BACKENDS`.
        falls_back: where the backend cannot run the network, PyTorch does; `backend_of` tells why.

    Raises:
        KeyError: no such backend; names the nearest.
        BackendError: by `synthesise`, without `falls_back`.
    """
    find_backend(backend)
    twin = copy.copy(generator)
    if backend != "plain":
        twin.__dict__["synthesise"] = _Synthesis(generator, backend, falls_back)
    else:
        twin.__dict__.pop("synthesise", None)
    return twin


def backend_of(generator: Generator) -> tuple[str, str]:
    """The backend that computes `synthesise`, and why it is another than was asked for ("" if it is not)."""
    by = generator.__dict__.get("synthesise")
    if not isinstance(by, _Synthesis):
        return "plain", ""
    return ("plain", by.reason) if by.reason else (by.backend, "")


# -- inside ---------------------------------------------------------------------------------------------------------


class _Synthesis:
    """`Generator.synthesise` by a backend."""

    def __init__(self, generator: Generator, backend: str, falls_back: bool) -> None:
        self.generator = copy.copy(generator)
        self.generator.__dict__.pop("synthesise", None)
        self.backend, self.falls_back, self.reason = backend, falls_back, ""
        self._functions: OrderedDict[object, _Function] = OrderedDict()
        self._lock = threading.Lock()

    def __deepcopy__(self, memo: dict[int, object]) -> _Synthesis:
        """Of the same weights; functions are prepared anew."""
        return _Synthesis(copy.deepcopy(self.generator, memo), self.backend, self.falls_back)

    def __call__(self, *inputs: Tensor) -> Output:
        if self.reason or self.generator.training or not all(map(_plain_tensor, inputs)):
            return self.generator.synthesise(*inputs)
        try:
            return self._function(inputs)(*inputs)
        except BackendError as error:
            if not self.falls_back:
                raise
            self.reason = str(error)
            return self.generator.synthesise(*inputs)

    def _function(self, inputs: Sequence[Tensor]) -> _Function:
        key = (*(tuple(value.shape) for value in inputs), torch.get_num_threads())
        with self._lock:  # a second thread waits, rather than prepare the same
            if key not in self._functions:
                self._functions[key] = _Function(self.generator, self.backend, inputs)
                while len(self._functions) > _SHAPES:
                    self._functions.popitem(last=False)
            self._functions.move_to_end(key)
            return self._functions[key]


class _Function:
    """A network by a backend, for inputs of one set of shapes, with everything that `Output` has."""

    def __init__(self, generator: Generator, backend: str, inputs: Sequence[Tensor]) -> None:
        with torch.no_grad():
            output = generator.synthesise(*inputs)
        names: dict[int, str] = {id(output.image): IMAGE}
        # a tensor that stands under two names is computed once
        self.names = {name: names.setdefault(id(value), name) for name, value in output.extra.items()}
        self.outputs = tuple(names.values())
        self.run: NetworkFunction = network_function(backend, generator, inputs, self.outputs)

    def __call__(self, *inputs: Tensor) -> Output:
        with torch.no_grad():
            results = dict(zip(self.outputs, self.run(*(value.contiguous() for value in inputs)), strict=True))
        return Output(results[IMAGE], {name: results[own] for name, own in self.names.items()})


def _plain_tensor(value: Tensor) -> bool:
    """Whether it is a float32 tensor of the CPU that wants no gradient."""
    wanted = value.requires_grad and torch.is_grad_enabled()
    return value.device.type == "cpu" and value.dtype == torch.float32 and not wanted
