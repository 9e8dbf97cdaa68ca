"""A quick start and a quick end of the verbs that are waited for (docs/latency.md)."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import os
import sys
from typing import Final, NoReturn

from repose.cli.common import leave_stdout
from repose.cli.pipes import CLOSED

_PAUSED: Final = [False]


def pause_collector() -> None:
    """Stop the collector of cycles until `resume_collector`, or until the command ends (`repose.cli` sees to it).

    Loading makes a million objects that all stay, and the collector looks at every one of them again and again: a tenth
    of the time of `repose transfer`. Nothing happens in a process that has loaded PyTorch before.
    """
    if "torch" not in sys.modules:
        gc.disable()
        _PAUSED[0] = True


def let_threads_sleep() -> None:
    """Let PyTorch's threads sleep between their tasks, unless OMP_WAIT_POLICY is set: before PyTorch is imported.

    A thread of OpenMP that has nothing to do turns in a circle for some milliseconds, in case there is more soon. A
    short command does little by little in many places, and paid a third of its processor time for that.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def give_memory_back() -> None:
    """Give memory that is free, but held for later, back to the system, where glibc can: between steps of large arrays.

    It keeps freed blocks of up to 32 MB. Of a large photograph, what one step freed lay beside what the next one took.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def resume_collector() -> None:
    """Start the collector again, if it was stopped; what has been loaded is never looked at again."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def end(status: int) -> NoReturn:
    """End the process with an exit status; at once, if the verb asked for a quick start.

    Python would take all of those objects apart first, which takes a fifth of a second. What is registered to happen at
    the end of the process happens.
    """
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:  # whoever read it has gone
            leave_stdout()
            status = status or CLOSED
    if not _PAUSED[0]:
        sys.exit(status)
    atexit._run_exitfuncs()
    os._exit(status)
