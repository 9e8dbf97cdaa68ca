"""How many cores this process may use; started processes that use one of them each, and how they end."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from multiprocessing.process import BaseProcess
from typing import Final

ONE_THREAD: Final = {
    "LP_NUM_THREADS": "0",  # llvmpipe draws in the thread that calls it
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
}
"""Where there is a process for every core, none of them may start a thread for every core."""


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextlib.contextmanager
def environment(changes: Mapping[str, str]) -> Iterator[None]:
    """These environment variables inside the block; processes that are started there inherit them."""
    before = {name: os.environ.get(name) for name in changes}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def end_processes(processes: Sequence[BaseProcess]) -> None:
    """End processes of `multiprocessing`: asked first, killed after 5 seconds; they are closed afterwards."""
    for process in processes:
        process.terminate()
    for process in processes:
        process.join(5)
        if process.is_alive():
            process.kill()
            process.join()
        process.close()
