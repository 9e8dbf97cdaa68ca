"""The main function of a worker: it reads batches from its pipe, computes them, and writes answers into it."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from repose.serve.messages import Answer, CacheNumbers, Task
from repose.serve.settings import ServeSettings


def worker_main(pipe: Connection[Any, Any], settings: ServeSettings) -> None:
    """Work until the pipe ends.

    The worker sends ("ready", models) or ("failed", sentence); then for each batch ("step", number or None) before each
    step, ("answer", number, Answer), and ("done",). When its cache has changed it sends ("cache", CacheNumbers) before
    that, and at any time where it forgets photographs that nobody asked for again.
    """
    # a stop is the parent's matter: what is in work is finished, and the pipe ends when it is time
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        work = start_work(settings)
    except (ValueError, OSError, ImportError, RuntimeError) as error:
        pipe.send(("failed", str(error)))
        return
    pipe.send(("ready", work.describe()))

    def give(number: int, answer: Answer) -> None:
        pipe.send(("answer", number, answer))

    def step(number: int | None) -> None:
        pipe.send(("step", number))

    told = CacheNumbers()

    def tell() -> None:
        nonlocal told
        if work.cache_numbers != told:
            told = work.cache_numbers
            pipe.send(("cache", told))

    try:
        while True:
            while not pipe.poll(work.forget_old()):  # forever, where nothing is kept
                tell()
            tasks: Sequence[Task] = pipe.recv()
            work.run(tasks, give, step)
            tell()
            pipe.send(("done",))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except Exception:
        traceback.print_exc(file=sys.stderr)
        raise


def start_work(settings: ServeSettings) -> Any:
    """The models and estimators, loaded, and warm."""
    import torch

    from repose.serve.work import Work

    torch.set_num_threads(settings.threads)
    cache = settings.cache, settings.cache_bytes, settings.cache_seconds
    work = Work(settings.names, settings.pose, settings.device, settings.max_pixels, cache)
    work.warm()
    return work
