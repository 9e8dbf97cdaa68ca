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
    Meanwhile PyTorch computes with one thread there, too: more would wait for each other.
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
    own = torch.get_num_threads()
    with ThreadPoolExecutor(threads, "repose", lambda: torch.set_num_threads(1)) as pool:
        try:
            while more or begun:
                while more and len(begun) < threads + AHEAD:
                    try:
                        with _one_thread():
                            item = next(iterator)
                        begun.append(pool.submit(work, item))
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
            torch.set_num_threads(own)  # for threads that begin later: those of the pool have changed it


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """PyTorch computes with one thread in this thread; those that begin afterwards have as many as this one had."""
    own = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(own)


__all__ = ["AHEAD", "in_order"]
