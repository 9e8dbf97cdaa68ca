"""`jit` of `repose.compiled`, under the name that the kernels of the body import."""

from __future__ import annotations

from repose.compiled import Kernel, jit

__all__ = ["Kernel", "jit"]
