"""Work on the items of a sequence in several threads: in order, a few at a time."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD: Final = 1
"""How many items more than there are threads are begun before the first of them is wanted."""


def in_order(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """What `work` gives of each item, in the order of the items.

    Items are taken in the thread of the caller, at most `threads + AHEAD` before their turn; so many results are held.
    An error, of an item or of its work, is raised at its turn, and ends the sequence.

    Args:
        work: is called in other threads, in which PyTorch computes with one thread each; with `threads` 1 in the
            caller's.
        threads: how many items are worked on at once, 1 or more.

    Raises:
        ValueError: no thread.
    """
    if threads < 1:
        raise ValueError(f"a sequence needs 1 thread or more, got {threads}")
    return map(work, items) if threads == 1 else _in_threads(work, items, threads)


# -- inside ---------------------------------------------------------------------------------------------------------


def _in_threads(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    begun: deque[Future[Result]] = deque()
    iterator, more, failed = iter(items), True, None
    with _one_thread_each(), ThreadPoolExecutor(threads, "repose", lambda: torch.set_num_threads(1)) as pool:
        try:
            while more or begun:
                while more and len(begun) < threads + AHEAD:
                    try:
                        begun.append(pool.submit(work, next(iterator)))
                    except StopIteration:
                        more = False
                    except Exception as error:  # at its turn: the results before it come first
                        more, failed = False, error
                if begun:
                    yield begun.popleft().result()
            if failed is not None:
                raise failed
        finally:
            for future in begun:
                future.cancel()


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Threads of PyTorch in this thread, and in threads that begin afterwards, are as many as they were before."""
    own = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(own)


__all__ = ["AHEAD", "in_order"]
