"""Small files under mutation: every reader gives what it read, or one clear line; never a traceback.

    python -m campaigns.mutations --inputs 3000                  # of each kind of file
    python -m campaigns.mutations --kinds poses,stores --seed 7 --keep out/failures

Each input is a valid file that Repose wrote, or that a tool writes, with changes drawn by Hypothesis from a seed. It is
given to the command, or to the reader under the command's rule (`repose.cli.main`): `ERRORS` are told in one line, and
anything else is a traceback, a failure. A failure is also: a line that does not name the file, a result beyond reason,
and an input that takes more than `SECONDS`.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from campaigns.kinds import KINDS, Kind
from repose.cli.reporting import ERRORS
from repose.record import append_result

SECONDS = 20
"""An input that takes longer is a failure."""

LONGEST = 700
"""Characters of the first line of an error."""


class TooLongError(BaseException):
    """An input took more than `SECONDS`."""


@dataclass
class Tally:
    """What became of the inputs of a kind."""

    inputs: int = 0
    read: int = 0
    refused: int = 0
    failures: Counter[str] = field(default_factory=Counter)


@contextlib.contextmanager
def limited(seconds: int) -> Iterator[None]:
    """TooLongError after so many seconds."""

    def ring(number: int, frame: object) -> None:
        raise TooLongError

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def outcome(kind: Kind, place: Path, file: Path) -> tuple[str, str]:
    """What becomes of a file: ("read", ""), ("refused", its line), or ("failure", a word for it and the traceback)."""
    begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        with limited(SECONDS), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            kind.use(place, file)
    except ERRORS as error:
        line = (str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)).split("\n")[0]
        if isinstance(error, (NotImplementedError, RecursionError)) or type(error) is KeyError:
            return "failure", f"{type(error).__name__} {_where(error)}\n{traceback.format_exc()}"
        if not any(word in line for word in (str(place), file.name, *kind.places)):
            return "failure", f"unnamed file: {_where(error)}\n{line}\n{traceback.format_exc()}"
        if len(line) > LONGEST:
            return "failure", f"long line: {_where(error)}\n{line}"
        return "refused", line
    except TooLongError:
        return "failure", f"longer than {SECONDS} s {_where(sys.exception())}\n{traceback.format_exc()}"
    except AssertionError as error:
        if "/campaigns/" in _where(error):
            return "failure", f"beyond reason: {error}\n{traceback.format_exc()}"
        return "failure", f"AssertionError {_where(error)}\n{traceback.format_exc()}"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return "failure", f"{type(error).__name__} {_where(error)}\n{traceback.format_exc()}"
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - begun) / 2**10
    if grown > 1500:
        return "failure", f"memory grew by {grown:.0f} MB"
    return "read", ""


def _where(error: BaseException | None) -> str:
    """The innermost line of our own that an error passed."""
    frames = traceback.extract_tb(error.__traceback__ if error else None)
    ours = [one for one in frames if "/repose/" in one.filename] or list(frames)
    return f"{Path(ours[-1].filename).parent.name}/{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else "?"


def run_kind(kind: Kind, inputs: int, seed: int, folder: Path, keep: Path | None) -> Tally:
    """So many inputs of a kind of file."""
    tally = Tally()
    originals = kind.originals(folder / "originals")
    for one in originals:
        place, file = one.lay(folder / "valid")
        state, text = outcome(kind, place, file)
        if state != "read":
            raise SystemExit(f"{kind.name}: the valid file {one.name} is not read: {text}")
        shutil.rmtree(folder / "valid", ignore_errors=True)

    @hypothesis.seed(seed)
    @settings(
        max_examples=inputs, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @hypothesis.given(st.data())
    def one(data: Any) -> None:
        draw: Callable[[Any], Any] = data.draw
        original = originals[draw(st.integers(0, len(originals) - 1))]
        content = original.change(draw)
        if content is None:
            return
        place, file = original.lay(folder / "changed", content)
        tally.inputs += 1
        state, text = outcome(kind, place, file)
        if state == "failure":
            word = text.split("\n")[0]
            tally.failures[word] += 1
            if keep is not None and tally.failures[word] <= 3:
                kept = keep / f"{kind.name}-{len(tally.failures):02d}-{tally.failures[word]}"
                shutil.rmtree(kept, ignore_errors=True)
                shutil.copytree(folder / "changed", kept)
                told = f"{original.name}: {file}\n{text}"
                (kept / "failure.txt").write_text(told, encoding="utf-8", errors="replace")
        else:
            setattr(tally, state, getattr(tally, state) + 1)
        shutil.rmtree(folder / "changed", ignore_errors=True)

    one()
    return tally


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1000, help="inputs of each kind of file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default=",".join(KINDS), help=f"of {', '.join(KINDS)}")
    parser.add_argument("--keep", type=Path, help="a folder for the files that fail, three of each failure")
    parser.add_argument("--results", type=Path, help="append the result lines to this .jsonl")
    given = parser.parse_args(words)
    failed = 0
    for name in given.kinds.split(","):
        if name not in KINDS:
            parser.error(f"no kind of file is called '{name}'; {', '.join(KINDS)} are")
        begun, keep = time.process_time(), given.keep.absolute() if given.keep else None
        with (
            tempfile.TemporaryDirectory() as folder,
            contextlib.chdir(folder),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            tally = run_kind(KINDS[name], given.inputs, given.seed, Path(folder), keep)
        failures = sum(tally.failures.values())
        failed += failures
        line = {
            "campaign": "mutations", "files": name, "inputs": tally.inputs, "read": tally.read,
            "refused": tally.refused, "failures": failures, "kinds_of_failures": dict(tally.failures.most_common()),
            "seed": given.seed, "processor_seconds": round(time.process_time() - begun, 1),
        }  # fmt: skip
        append_result(given.results, line)
        print(f"{name}: {tally.inputs:,} inputs, {tally.read:,} read, {tally.refused:,} refused in one line, "
              f"{failures:,} failures, {line['processor_seconds']} s of the processor", flush=True)  # fmt: skip
        for word, count in tally.failures.most_common():
            print(f"  {count:5}  {word}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
