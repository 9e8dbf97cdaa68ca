"""Where a warning points: at who called Repose."""

from __future__ import annotations

import sys


def callers_level() -> int:
    """The `stacklevel` of a warning of the calling function, so that it points at who called Repose."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] in ("repose", "torch"):
        frame, level = frame.f_back, level + 1
    return level
