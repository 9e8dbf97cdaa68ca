"""The command `repose`: its verbs, each a function that calls one module.

Heavy imports happen inside the verbs, so that `repose --help` answers at once.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import logging
import os
import platform
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from repose.cli import (
    animate,
    bench,
    data,
    data_sets,
    doctor,
    estimate,
    evaluate,
    export,
    fetch,
    font,
    generate,
    models,
    poses,
    reconstruct,
    reid,
    research,
    serve,
    starting,
    study,
    texture,
    transfer,
    tryon,
    tune,
    video,
    web,
)
from repose.cli.common import leave_stdout, stderr, stdout
from repose.cli.every_verb import extend_group, with_common_options
from repose.cli.pipes import CLOSED
from repose.cli.reporting import FAILED, INTERRUPTED, TERMINATED, Report, plain
from repose.version import __version__

__all__ = ["app", "main", "process", "stderr", "stdout"]


_MAIN = os.getpid()

COMPLETION = "_REPOSE_COMPLETE"
"""The variable by which a shell asks for completion."""


class _Verbs(TyperGroup):
    """The verbs; Ctrl-C in any of them prints one line and ends with 130."""

    def make_context(self, *words: Any, **more: Any) -> Any:
        try:
            return super().make_context(*words, **more)
        except KeyboardInterrupt:  # typer would end without a word
            stderr.print("interrupted")
            raise typer.Exit(INTERRUPTED) from None

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            stderr.print("interrupted")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            leave_stdout()
            raise typer.Exit(CLOSED) from None
        except Exception as error:
            if hasattr(error, "format_message") and "--json" in sys.argv[1:]:  # the words are wrong: no verb began
                begun = ctx.invoked_subcommand or ""
                Report(begun, as_json=True).fail(ValueError(error.format_message()))
            raise
        finally:
            gc.enable()  # see `repose.cli.starting`


def _command_line() -> typer.Typer:
    """The command without verbs."""
    return typer.Typer(
        cls=_Verbs,
        help="A photograph of a person and a target pose in, a photograph of that person in that pose out.",
        epilog="Exit status: 0 all was done; 2 an error; 3 some inputs were skipped; 130 Ctrl-C; 141 the reader of "
        "stdout has gone; 143 asked to end. Every verb takes --json; - is stdin or stdout: docs/shell.md.",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib import metadata

        torch = metadata.version("torch")  # without the seconds that its import takes
        stdout.print(f"repose {__version__}, torch {torch}, Python {platform.python_version()}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


# in the order of the help
VERBS: dict[str, Callable[..., None]] = {
    "transfer": transfer.transfer,
    "video": video.video,
    "animate": animate.animate,
    "web": web.web,
    "serve": serve.serve,
    "texture": texture.texture,
    "tryon": tryon.tryon,
    "reconstruct": reconstruct.reconstruct,
    "font": font.font,
    "estimate": estimate.estimate,
    "convert-pose": poses.convert_pose,
    "export-layout": data.export_layout,
    "train": models.train,
    "tune": tune.tune,
    "eval": evaluate.evaluate,
    "generate": generate.generate,
    "reid": reid.reid,
    "inspect": models.inspect,
    "convert": models.convert,
    "export": export.export,
    "models": models.list_models,
    "fetch": fetch.fetch,
    "doctor": doctor.doctor,
    "demo": models.demo,
}
GROUPS = {"prepare": data_sets.app, "bench": bench.app, "research": research.app, "study": study.app}


@functools.cache
def _whole() -> typer.Typer:
    """The command with all of its verbs."""
    whole = _command_line()
    whole.callback()(_options)
    for name, verb in VERBS.items():
        whole.command(name)(with_common_options(name, verb))
    for name, group in GROUPS.items():
        extend_group(name, group)
        whole.add_typer(group, name=name)
    return whole


def __getattr__(name: str) -> typer.Typer:
    """`app`, the whole command, which takes a while to build."""
    if name == "app":
        return _whole()
    raise AttributeError(f"module 'repose.cli' has no attribute '{name}'")


def _with_verb(words: Sequence[str]) -> typer.Typer:
    """The command for these words: with one verb where the first names it, as the options of all verbs take a while."""
    if not words or words[0] not in VERBS or COMPLETION in os.environ:
        return _whole()
    single = _command_line()
    single.callback()(_options)
    single.command(words[0])(with_common_options(words[0], VERBS[words[0]]))
    return single


def _stop(number: int, frame: object) -> NoReturn:
    """SIGTERM: end as Ctrl-C does, so that temporary files go; a process that this one started just ends."""
    if os.getpid() == _MAIN:
        with contextlib.suppress(OSError):
            os.write(2, b"stopped\n")  # not by rich, whose modules may be in the middle of their import
    sys.exit(TERMINATED)


def _deliver_again(otherwise: Callable[[sys.UnraisableHookArgs], Any], lost: sys.UnraisableHookArgs) -> None:
    """The hook for exceptions that C code swallows: a signal's is sent again, so that the command ends all the same.

    Callbacks of numba and validators of pydantic swallow what a signal raises in them.

    Args:
        otherwise: the hook of all other exceptions. lost: the exception.
    """
    stopped = isinstance(lost.exc_value, SystemExit) and lost.exc_value.code == TERMINATED
    again = signal.SIGTERM if stopped else signal.SIGINT if lost.exc_type is KeyboardInterrupt else None
    if again is None or os.getpid() != _MAIN:
        otherwise(lost)
        return
    timer = threading.Timer(0.1, os.kill, (_MAIN, again))
    timer.daemon = True
    timer.start()


class _Notes(logging.Handler):
    """What modules note while they work, as lines of the command."""

    def emit(self, record: logging.LogRecord) -> None:
        stderr.print(f"note: {record.getMessage()}", markup=False, soft_wrap=True)


def _tell_of_compiling() -> None:
    """The first run of an installation compiles for most of a minute: say so."""
    notes = logging.getLogger("repose.compiled")
    if not notes.handlers:
        notes.addHandler(_Notes())
        notes.setLevel(logging.INFO)


def main() -> None:
    """Run the command. An expected error is one line and exit code 2; REPOSE_DEBUG=1 shows where it came from."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _stop)
        sys.unraisablehook = functools.partial(_deliver_again, sys.unraisablehook)
    _tell_of_compiling()
    try:
        _with_verb(sys.argv[1:])(prog_name="repose")
    except (ValueError, KeyError, OSError, RuntimeError, ImportError) as error:
        if os.environ.get("REPOSE_DEBUG"):
            raise
        text = error.args[0] if isinstance(error, KeyError) and error.args else str(error)
        stderr.print("[red]error:[/red]", end=" ")
        stderr.print(plain(text) or type(error).__name__, markup=False, soft_wrap=True)
        sys.exit(FAILED)


def process() -> NoReturn:
    """The process `repose`: `main`, and a quick end."""
    try:
        main()
    except SystemExit as ending:
        starting.end(ending.code if isinstance(ending.code, int) else 0 if ending.code is None else 1)
    starting.end(0)
