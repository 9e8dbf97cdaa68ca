"""Errors and warnings of the work: which field they are of, and what clients are told."""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from repose.estimate import MissingFieldError
from repose.serve.advice import advised
from repose.serve.errors import RefusedError, split_advice
from repose.serve.messages import Answer


class AtError(Exception):
    """An error of a field of the form; its cause is the error itself."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = where


@contextmanager
def at(where: str) -> Iterator[None]:
    """Errors of the block are of this field of the form."""
    try:
        yield
    except (RefusedError, AtError):
        raise
    except Exception as error:
        raise AtError(where) from error


@contextmanager
def answering(number: int, give: Callable[[int, Answer], None]) -> Iterator[None]:
    """An error of the block is the answer of this request."""
    try:
        yield
    except Exception as error:
        give(number, Answer(refused=refused(error)))


@contextmanager
def noting(notes: list[str]) -> Iterator[None]:
    """Warnings of the block become notes, in the words of clients."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        yield
    for warning in caught:
        note = advised(str(warning.message), "client")
        if note not in notes:
            notes.append(note)


def refused(error: BaseException) -> RefusedError:
    """Any error of the work as an answer: 422 where the picture or pose cannot be used, 500 where it is our fault."""
    where = "form"
    if isinstance(error, AtError):
        where, cause = error.where, error.__cause__
        error = cause if cause is not None else error
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, MissingFieldError | ImportError | FileNotFoundError):
        print(f"{where}: {error}", file=sys.stderr)  # the operator's matter: it may name files of this machine
        what = "This server lacks a network or a package that this request needs."
        return RefusedError(501, what, where, "Ask its operator, or use another model.")
    if isinstance(error, MemoryError) or "not enough memory" in str(error):
        return RefusedError(507, "There is not enough memory for this picture.", where, "Send a smaller picture.")
    if isinstance(error, ValueError | KeyError):
        text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
        wrong, advice = split_advice(advised(text, "client"))
        return RefusedError(422, wrong, where, advice)
    traceback.print_exception(error, file=sys.stderr)
    kind = type(error).__name__
    return RefusedError(
        500, f"The server failed at this request ({kind}).", where, "Report it with the request, please."
    )
