"""Which kernels compute a network: the same weights give other numbers with others, and caches must not mix them."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Any, Final, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_EARLIER: Final = ("xnnpack", "onnxruntime")
"""The kinds of kernels that computed every entry of a cache whose name does not tell its kernels."""


class Computed(Generic[P, R]):
    """A network as a function that also says what computes it.

    Args:
        function: the network.
        kernels: package, version, kind of kernels and processor, such as "ai-edge-litert-2.3.0-xnnpack-x86_64".
    """

    def __init__(self, function: Callable[P, R], kernels: str) -> None:
        self._function, self.kernels = function, kernels

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """What the function gives."""
        return self._function(*args, **kwargs)


def tflite_kernels(interpreter: Any) -> str:
    """The kernels of an interpreter of `ai-edge-litert` whose tensors are allocated.

    "xnnpack" where that library computes any part of the network, else "builtin". Of 100 photographs of Market-1501,
    MoveNet's joints differ by 3.0 of 192 pixels on average between the two, and by 54 at most.
    """
    kind = "builtin"
    with contextlib.suppress(AttributeError):  # the list of operators is not public in the package
        if any(one["op_name"] == "DELEGATE" for one in interpreter._get_ops_details()):
            kind = "xnnpack"
    return f"ai-edge-litert-{version('ai-edge-litert')}-{kind}-{platform.machine()}"


def onnxruntime_kernels() -> str:
    """The kernels of ONNX Runtime on the processor."""
    import onnxruntime

    return f"onnxruntime-{onnxruntime.__version__}-{platform.machine()}"


def kernels_of(*parts: object) -> str:
    """The kernels of networks, or of estimators, joined by commas; each is named once. Empty where none tells them."""
    told: Iterable[str] = (getattr(part, "kernels", "") for part in parts)
    return ",".join(sorted({one for several in told for one in several.split(",") if one}))


def as_before(kernels: str) -> bool:
    """Whether entries of a cache that do not tell their kernels were computed by kernels of these kinds.

    They were: no earlier version of Repose could choose others than the packages' own.
    """
    return all(any(kind in one for kind in _EARLIER) for one in kernels.split(",") if one)


__all__ = ["Computed", "as_before", "kernels_of", "onnxruntime_kernels", "tflite_kernels"]
