"""Networks in TFLite files, run by `ai-edge-litert` (the extra `estimate`)."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from repose.estimate.kernels import Computed, tflite_kernels
from repose.extras import how_to_install
from repose.hub.fetch import locate
from repose.hub.files import File

Array = npt.NDArray[Any]

_CHATTER: Final = re.compile(rb"(INFO|VERBOSE): .*(TensorFlow Lite|TfLite|LiteRT|[Dd]elegate)")
"""Lines that TFLite writes to standard error although nothing is wrong."""

_REDIRECTED = threading.Lock()  # file descriptor 2 belongs to the whole process


def load_network(
    file: str | Path | File,
    takes: tuple[int, ...],
    gives: tuple[int, ...],
    what: str,
    threads: int = 1,
    instead: str = "",
) -> Computed[[Array], npt.NDArray[np.float32]]:
    """The network of a TFLite file as a function: its first input -> its first output.

    Args:
        file: its path, or a published file that is fetched where it is not here, but only if the package is.
        takes, gives: the shapes that input and output must have.
        what: the network that is wanted, for errors.
        threads: of the interpreter.
        instead: how to do without the network, for the error where the package is missing.

    Returns:
        An array of shape `takes` -> float32 of shape `gives`. Several threads may call it; they wait for each other.

    Raises:
        ImportError: `ai-edge-litert` is not installed.
        ValueError: the file cannot be read, or it holds another network.
    """
    run = load_outputs(file, takes, [gives], what, threads, instead)
    return Computed(lambda values: run(values)[0], run.kernels)


def load_outputs(
    file: str | Path | File,
    takes: tuple[int, ...],
    gives: Sequence[tuple[int, ...]],
    what: str,
    threads: int = 1,
    instead: str = "",
) -> Computed[[Array], list[npt.NDArray[np.float32]]]:
    """The network of a TFLite file as a function: its first input -> its first outputs.

    Args:
        gives: the shapes that the first outputs must have. The other arguments, results and errors as of
            `load_network`.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        hint = f"; or {instead}" if instead else ""
        raise ImportError(
            f"{what} runs on ai-edge-litert, which is not installed: {how_to_install('estimate')}{hint}"
        ) from error
    path = locate(file) if isinstance(file, File) else file
    try:
        with without_chatter():
            interpreter: Any = Interpreter(str(path), num_threads=threads)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"{path} is not a TFLite file that can be read: {error}") from error
    given, taken = interpreter.get_input_details()[0], interpreter.get_output_details()[: len(gives)]
    shapes = [tuple(map(int, details["shape"])) for details in (given, *taken)]
    if shapes != [takes, *gives]:
        wanted, found = (
            ", ".join(map(str, outputs)) if len(outputs) != 1 else str(outputs[0]) for outputs in (gives, shapes[1:])
        )
        raise ValueError(
            f"{path} is not {what}: input {takes} and output {wanted} are wanted, it has {shapes[0]} and {found}"
        )
    lock = threading.Lock()  # an interpreter serves one caller at a time

    def network(values: Array) -> list[npt.NDArray[np.float32]]:
        with lock:
            interpreter.set_tensor(given["index"], values.astype(given["dtype"], copy=False))
            interpreter.invoke()
            return [interpreter.get_tensor(details["index"]) for details in taken]

    return Computed(network, tflite_kernels(interpreter))


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Leave out what TFLite says on standard error when an interpreter is built; let everything else through.

    `ai-edge-litert` has no switch for it: no option and no environment variable, and its C++ function that sets the
    least severity is not exported (2.3.0). So file descriptor 2 leads to a temporary file for this moment. Whatever
    arrives there and is no chatter (an error, a line of another thread) is written to standard error at the end,
    also after an exception.
    """
    with _REDIRECTED:
        try:
            real = os.dup(2)
        except OSError:  # the process has no standard error
            real = -1
        if real < 0:
            yield
            return
        try:
            with tempfile.TemporaryFile() as caught:
                _flush()
                os.dup2(caught.fileno(), 2)
                try:
                    yield
                finally:
                    _flush()
                    os.dup2(real, 2)
                    caught.seek(0)
                    for line in caught:
                        if not _CHATTER.match(line):
                            os.write(real, line)
        finally:
            os.close(real)


def _flush() -> None:
    if sys.stderr is not None:  # a program without a console has none
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
