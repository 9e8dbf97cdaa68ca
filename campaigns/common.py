"""What the campaigns share: options, result lines, temporary folders, and commands that are run and judged.

A campaign is a script of this folder with a function `main(words) -> int`. It counts inputs and failures in a
`Campaign`, one for each row of the table in docs/reliability.md, and appends a line for each to
results/campaigns.jsonl.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from repose.record import append_result, commit

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "results" / "campaigns.jsonl"
SHOWN = 3
"""Failures of a kind whose details are printed and stand on the line."""

EXPECTED = (ValueError, KeyError, OSError, RuntimeError, ImportError)
"""Errors that the command tells in one line (repose.cli.reporting.ERRORS); any other is a mistake of ours."""


def parser(text: str | None, inputs: int) -> argparse.ArgumentParser:
    """The options of every campaign.

    Args:
        text: the module's docstring. inputs: how many inputs it takes if nobody says.
    """
    made = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--inputs", type=int, default=inputs, help="inputs of the whole campaign (%(default)s)")
    made.add_argument("--seed", type=int, default=0, help="of all random numbers (%(default)s)")
    made.add_argument("--only", default="", help="only rows whose name contains this")
    made.add_argument("--results", type=Path, default=RESULTS, help="the .jsonl file that lines go to")
    made.add_argument("--no-results", action="store_true", help="write no lines")
    return made


def places(options: argparse.Namespace) -> Path | None:
    """Where lines go, of the options."""
    return None if options.no_results else options.results


@dataclass
class Campaign:
    """One row: its inputs, its failures by kind, and its result line.

    Attributes:
        name: of the row: "script/part" or "script". checks: what is checked, one sentence for the table.
        seed: of its random numbers. inputs: how many were tried. failures: number by kind.
        outcomes: how the inputs ended, by name, where a campaign counts it. details: of some failures, by kind.
    """

    name: str
    checks: str
    seed: int | None
    inputs: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    details: dict[str, list[str]] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    def __post_init__(self) -> None:
        commit()  # of the code that runs, whatever is committed meanwhile

    def judged(self, failure: str | None, detail: str = "", outcome: str = "") -> None:
        """Count one input.

        Args:
            failure: its kind, such as "traceback"; None: it ended as it should.
            detail: the input and what happened, of a failure. outcome: how it ended, of a success.
        """
        self.inputs += 1
        if failure is None:
            if outcome:
                self.outcomes[outcome] += 1
            return
        self.failures[failure] += 1
        some = self.details.setdefault(failure, [])
        if len(some) < SHOWN:
            some.append(_without_places(detail)[-1500:])
            print(f"{self.name}: {failure}: {detail}", file=sys.stderr, flush=True)

    def finish(self, results: Path | None, **facts: Any) -> int:
        """Print the row and append its line; the number of failures."""
        line = {
            "kind": "campaign",
            "name": self.name,
            "checks": self.checks,
            "inputs": self.inputs,
            "failures": dict(self.failures),
            "outcomes": dict(self.outcomes),
            "details": self.details,
            "seed": self.seed,
            "seconds": round(time.perf_counter() - self.started, 1),
            **facts,
        }
        append_result(results, line)
        kinds = ", ".join(f"{kind} {count}" for kind, count in self.failures.items()) or "none"
        ends = ", ".join(f"{kind} {count}" for kind, count in self.outcomes.items())
        print(
            f"{self.name}: {self.inputs:,} inputs, failures: {kinds}{'; ' + ends if ends else ''}; "
            f"{line['seconds']:.0f} s",
            flush=True,
        )
        return sum(self.failures.values())


def _without_places(text: str) -> str:
    """A text without the folders of this machine: result lines are published."""
    for place, name in ((str(ROOT), "."), (sys.prefix, "ENV"), (sys.base_prefix, "PYTHON"), (str(Path.home()), "~")):
        text = text.replace(place, name)
    return text


# -- places ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A temporary folder, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="repose-campaign-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def empty(place: Path) -> Path:
    """The folder, new and empty."""
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    return place


def left_over(place: Path) -> list[str]:
    """Temporary files below a folder (`repose.files.replacing` calls them so), which none may leave behind."""
    return sorted(str(path.relative_to(place)) for path in place.rglob("*") if path.name.endswith(".partial"))


# -- commands -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes:
        words: the command. status: the exit status, -N after signal N; None: it ran past the limit and was killed.
        out, err: what it printed. seconds: how long it ran. peak: its largest resident memory, bytes.
    """

    words: Sequence[str]
    status: int | None
    out: str
    err: str
    seconds: float
    peak: int

    def __str__(self) -> str:
        return f"`{' '.join(map(str, self.words))}` ended with {self.status} in {self.seconds:.1f} s: {self.err[-800:]}"


def environment(**more: str) -> dict[str, str]:
    """The environment of a command: this checkout's package, the tests' tiny networks, one thread."""
    paths = [str(ROOT / "src"), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1", "COLUMNS": "1000", **more}


def start(
    words: Sequence[str | Path], place: Path, file_size: int | None = None, module: str = "repose", **more: str
) -> subprocess.Popen[bytes]:
    """Start `python -m MODULE WORDS` in a folder; its output goes to stdout.txt and stderr.txt there.

    Args:
        file_size: bytes that a file may have (RLIMIT_FSIZE); a longer write fails with EFBIG.
        more: variables of its environment.
    """

    def limit() -> None:
        if file_size is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))

    place.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", module, *map(str, words)]
    with (place / "stdout.txt").open("wb") as out, (place / "stderr.txt").open("wb") as err:
        return subprocess.Popen(
            command, stdout=out, stderr=err, stdin=subprocess.DEVNULL, cwd=place, env=environment(**more),
            preexec_fn=limit, start_new_session=True,
        )  # fmt: skip


def wait(process: subprocess.Popen[bytes] | Child, place: Path, seconds: float) -> Ended:
    """Wait for a process of `start`; past the limit its whole group is killed, and the status is None."""
    started = time.perf_counter()
    status: int | None = None
    peak = 0
    while True:
        pid, code, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            status = process.returncode = os.waitstatus_to_exitcode(code)
            peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
            break
        if time.perf_counter() - started > seconds:
            kill(process)
            os.wait4(process.pid, 0)
            process.returncode = -signal.SIGKILL
            break
        time.sleep(0.02)
    texts = [(place / name).read_bytes().decode(errors="replace") for name in ("stdout.txt", "stderr.txt")]
    words = [str(word) for word in process.args]  # type: ignore[union-attr]
    return Ended(words, status, texts[0], texts[1], time.perf_counter() - started, peak)


def kill(process: subprocess.Popen[bytes] | Child, number: int = signal.SIGKILL) -> None:
    """A signal to a process of `start` and all that it has started."""
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:  # it has ended, or was forked just now and has no group yet
        with contextlib.suppress(ProcessLookupError):
            if process.returncode is None:
                os.kill(process.pid, number)


def run(words: Sequence[str | Path], place: Path, seconds: float = 120, **more: Any) -> Ended:
    """`start` and `wait`."""
    return wait(start(words, place, **more), place, seconds)


def verdict(ended: Ended, good: Sequence[int] = (0,), memory: int = 4 << 30) -> str | None:
    """The kind of failure of a command's end; None: it is as it should be.

    It may end with a status of `good`, or with 2 and one line "error: ...", the last of stderr. Never with a
    traceback, another status, by a signal, past its time, or with more memory than `memory` bytes.
    """
    if ended.status is None:
        return "hang"
    if "Traceback (most recent call last)" in ended.err + ended.out:
        return "traceback"
    if ended.status < 0:
        return "crash"
    if ended.peak > memory:
        return "memory"
    if ended.status in good:
        return None
    if ended.status != 2:
        return "exit status"
    errors = [line for line in ended.err.splitlines() if line.startswith("error:")]
    if len(errors) != 1 or ended.err.strip().splitlines()[-1] != errors[0] or len(errors[0]) < 15:
        usage = "Usage:" in ended.err  # wrong words of the command: typer's own form
        return None if usage else "unclear"
    return None


# -- calls in children of this process ------------------------------------------------------------------------------


@dataclass
class Child:
    """A forked child, in its own process group; what `wait` and `kill` need of a process."""

    pid: int
    args: Sequence[str]
    returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit status, None while it runs."""
        if self.returncode is None:
            pid, code = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(code)
        return self.returncode


def fork(call: Callable[[], int | None], place: Path, words: Sequence[str] = (), limit: int | None = None) -> Child:
    """Call a function in a forked child of this process, which has imported what it needs, as a command is run.

    Args:
        call: its value is the exit status; SystemExit counts too, and any other exception leaves a traceback and 1.
        place: the child's folder; its output goes to stdout.txt and stderr.txt there.
        words: what it does, for messages. limit: bytes that a file of the child may have (RLIMIT_FSIZE).
    """
    place.mkdir(parents=True, exist_ok=True)
    for name in ("stdout.txt", "stderr.txt"):
        (place / name).write_bytes(b"")
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _child(call, place, limit)
    return Child(pid, words)


def forked(
    call: Callable[[], int | None], place: Path, seconds: float, words: Sequence[str] = (), limit: int | None = None
) -> Ended:
    """`fork`, and wait for its end."""
    return wait(fork(call, place, words, limit), place, seconds)


def _child(call: Callable[[], int | None], place: Path, limit: int | None) -> NoReturn:
    status = 1
    try:  # whatever comes, the child ends here: beyond, it would clean up what belongs to its parent
        try:
            os.setsid()
            if limit is not None:
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            for name, number in (("stdout.txt", 1), ("stderr.txt", 2)):
                file = os.open(place / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
                os.dup2(file, number)
            os.chdir(place)
            status = call() or 0
        except SystemExit as ending:
            status = ending.code if isinstance(ending.code, int) else 0 if ending.code is None else 1
        except BaseException:
            traceback.print_exc()
        finally:  # a signal that is sent a second time must not interrupt the end
            signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
            sys.stdout.flush()
            sys.stderr.flush()
    finally:
        os._exit(status)


def command(words: Sequence[str]) -> int:
    """The command line `repose WORDS` in this process, for `forked`; the file `begun` appears when it hears signals."""
    from repose import cli

    cli._MAIN = os.getpid()  # else it takes itself for a helper of the command
    signal.signal(signal.SIGTERM, cli._stop)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    Path("begun").touch()
    sys.argv = ["repose", *words]
    cli.main()
    return 0


# -- errors of the library ------------------------------------------------------------------------------------------


def error_verdict(error: BaseException, path: Path | None = None) -> str | None:
    """The kind of failure of an exception that a call of the library raised; None: it is one clear line.

    An error is clear if it is of `EXPECTED`, has words, is one line, and names the file if `path` is given.
    """
    if not isinstance(error, EXPECTED) or isinstance(error, RecursionError | NotImplementedError):
        return f"traceback ({type(error).__name__})"
    text = str(error.args[0]) if isinstance(error, KeyError) and error.args else str(error)
    if len(text) < 10 or (type(error) is KeyError and " " not in text):
        return "unclear"
    if len(text.strip().splitlines()) > 1:
        return "several lines"
    if path is not None and path.name not in text:
        return "names no file"
    return None


class TooSlow(BaseException):
    """Raised by `limited`; no `except Exception` catches it."""


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise `TooSlow` in the block past this time (in Python code, between bytecodes)."""

    def ring(number: int, frame: object) -> NoReturn:
        raise TooSlow(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# -- mutations ------------------------------------------------------------------------------------------------------

_NUMBER = re.compile(rb"-?\d+\.?\d*(?:[eE][+-]?\d+)?")


def mutated(content: bytes, random: random.Random) -> tuple[bytes, str]:
    """A damaged copy of a file's bytes, and what was done: cut, changed, removed, doubled, swapped, replaced, grown."""
    data = bytearray(content)
    kind = random.choice(["cut", "flip", "flips", "remove", "double", "zero", "swap", "noise", "grow", "number"])
    size = len(data)
    at = random.randrange(size) if size else 0
    length = min(size - at, random.choice([1, 2, 4, 16, 64, 512, max(1, size // 4)]))
    if kind == "cut":
        del data[at:]
    elif kind == "flip" and size:
        data[at] ^= 1 << random.randrange(8)
    elif kind == "flips" and size:
        for _ in range(random.choice([2, 8, 32])):
            data[random.randrange(size)] = random.randrange(256)
    elif kind == "remove":
        del data[at : at + length]
    elif kind == "double":
        data[at:at] = data[at : at + length]
    elif kind == "zero":
        data[at : at + length] = bytes(length)
    elif kind == "swap":
        other = random.randrange(size) if size else 0
        data[at : at + length], data[other : other + length] = data[other : other + length], data[at : at + length]
    elif kind == "noise":
        data[at : at + length] = random.randbytes(length)
    elif kind == "grow":
        data += random.randbytes(random.choice([1, 64, 4096]))
    elif kind == "number":  # the numbers of a text, or of bytes that look like one
        numbers = list(_NUMBER.finditer(content))
        if numbers:
            number = random.choice(numbers)
            new = random.choice([b"-1", b"0", b"1e308", b"NaN", b"99999999999999999999", b"0.5", b"-1e-300", b'"1"'])
            data[number.start() : number.end()] = new
    return bytes(data), f"{kind} at {at}, {length} bytes"


def lines_whole(path: Path) -> str | None:
    """What is wrong with a .jsonl file: a line that is not JSON, or no newline at the end. None: nothing."""
    import json

    if not path.exists():
        return None
    content = path.read_bytes()
    if content and not content.endswith(b"\n"):
        return f"{path.name} ends in half a line: {content[-80:]!r}"
    for number, text in enumerate(content.splitlines(), 1):
        try:
            json.loads(text)
        except ValueError:
            return f"{path.name}, line {number} is not JSON: {text[:80]!r}"
    return None


def rows(options: argparse.Namespace, table: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    """The parts of a campaign that --only names, by their names."""
    return {name: part for name, part in table.items() if options.only in name}
