"""`jit`: numba's compiler for the loops over pixels and vertices, with its results kept on disk."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from types import MethodType
from typing import Any, TypeVar, cast

try:
    from numba import njit
except ImportError as error:
    raise ImportError(
        f"this part of Repose needs numba, which is not installed, or does not load ({error}); numba is "
        "a dependency of Repose: install Repose, or numba, anew",
        name=error.name,
    ) from error
try:
    from numba.core import runtime
except ImportError:  # another version of numba, with other insides: kernels are loaded as it does it
    _RUNTIME: Any = None
else:
    _RUNTIME = getattr(runtime, "rtsys", None)

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def jit(function: Kernel) -> Kernel:
    """Compile a kernel when it is first called. A kernel is compiled again only when its own file changes.

    Other threads of Python run while a kernel does.
    """
    kernel = njit(cache=True, nogil=True)(function)
    cache: Any = getattr(kernel, "_cache", None)
    if (
        _RUNTIME is not None
        and hasattr(cache, "_load_overload")
        and hasattr(cache, "_guard_against_spurious_io_errors")
    ):
        cache.load_overload = MethodType(_load_compiled, cache)
    return cast(Kernel, kernel)


def _load_compiled(cache: Any, signature: Any, context: Any) -> Any:
    """A kernel from the disk, or None: `numba.core.caching.Cache.load_overload`, without the import of everything that
    the compiler knows (a third of a second, SciPy among it). A kernel that has to be compiled imports it then."""
    _RUNTIME.initialize(context)
    with cache._guard_against_spurious_io_errors():
        kernel = cache._load_overload(signature, context)
    if kernel is None:
        _note_compiling()
    return kernel


@functools.cache
def _note_compiling() -> None:
    """A note, once in a process."""
    text = "compiling loops for this machine, which happens once and takes up to a minute"
    logging.getLogger(__name__).info(text)
