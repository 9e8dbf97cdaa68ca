"""A quick start: Python's collector of cycles rests while packages and networks are loaded."""

from __future__ import annotations

import gc


def pause_collector() -> None:
    """Stop the collector of cycles until `resume_collector`, or until the command ends (`repose.cli` sees to it).

    Loading makes a million objects that all stay, and the collector looks at every one of them again and again: a tenth
    of the time of `repose transfer` (docs/latency.md).
    """
    gc.disable()


def resume_collector() -> None:
    """Start the collector again; what has been loaded is never looked at again."""
    gc.freeze()
    gc.enable()
