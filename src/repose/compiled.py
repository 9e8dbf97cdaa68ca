"""`jit`: numba's compiler for the loops over pixels and vertices, with its results kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

try:
    from numba import njit
except ImportError as error:
    raise ImportError(
        f"this part of Repose needs numba, which is not installed, or does not load ({error}); numba is "
        "a dependency of Repose: install Repose, or numba, anew",
        name=error.name,
    ) from error

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def jit(function: Kernel) -> Kernel:
    """Compile a kernel when it is first called. A kernel is compiled again only when its own file changes.

    Other threads of Python run while a kernel does.
    """
    return cast(Kernel, njit(cache=True, nogil=True)(function))
