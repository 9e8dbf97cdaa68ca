"""What every verb has, whatever it does: --json, and `-` for stdin and stdout (docs/shell.md)."""

from __future__ import annotations

import contextlib
import functools
import inspect
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from repose.cli import pipes, reporting
from repose.cli.common import AsJson
from repose.cli.pipes import STREAM, Pipes
from repose.cli.reporting import ERRORS, Report, Run
from repose.measured import collected_lines

RESULTS: Final = ("out", "results", "report")
"""Parameters that say where something is written; all others that name a file name an input."""

_STREAMED: Final = ("source", "target", "clip", "source_keypoints", "background")
"""Parameters of texts, not of paths, in which `-` is stdin."""

_PHOTOGRAPHS: Final = ("pictures", "source", "condition", "garment", "layout")
"""Parameters of which a folder stands for several results."""

WITHOUT_JSON: Final = ("web", "serve", "study serve")
"""Verbs that run until they are stopped: they have no --json."""

Verb = Callable[..., None]


def with_common_options(command: str, verb: Verb) -> Verb:
    """A verb as the command line has it: with --json, with `-`, and with --format where `-o -` writes one file.

    A verb that takes `as_json` fills a `Report` of its own. Of any other the document has what it prints as "text", the
    lines that it measured as "numbers", the files that it was given and those that it changed.
    """
    signature = inspect.signature(verb, eval_str=True)
    parameters = dict(signature.parameters)
    fills, formats = "as_json" in parameters, pipes.FORMATS.get(command)
    options: dict[str, Any] = {}
    if formats is not None and "format" not in parameters:
        help = f"Of OUT, if it is -, stdout: {', '.join(formats)}; {formats[0]} by default."
        options["stdout_format"] = Annotated[str | None, typer.Option("--format", help=help, show_default=False)]
    if not fills and not _has_json(signature) and command not in WITHOUT_JSON:
        options["as_json"] = AsJson

    @functools.wraps(verb)
    def told(**given: Any) -> None:
        format = given.pop("stdout_format", None)
        as_json = bool(given["as_json"] if fills else given.pop("as_json", False))
        with Pipes() as streams, reporting.begin(Run(streams)) as run:
            try:
                given = _with_streams(command, given, format, as_json, streams)
                run.inputs = _inputs(given)
                if fills or "as_json" not in options:
                    _run_filling(command, verb, given, as_json, run)
                else:
                    _run(command, verb, given, as_json, streams.writing)
                streams.send()
            except BrokenPipeError:
                raise
            except ERRORS as error:
                if as_json and not run.printed:
                    Report(command, as_json).fail(error)
                raise

    added = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=None if name == "stdout_format" else False
        )
        for name, kind in options.items()
    ]
    told.__signature__ = signature.replace(parameters=[*parameters.values(), *added])  # type: ignore[attr-defined]
    told.__annotations__ = {name: one.annotation for name, one in parameters.items()} | options
    return told


def extend_group(name: str, group: typer.Typer) -> None:
    """`with_common_options` for every verb of a group, such as `repose bench`."""
    for one in group.registered_commands:
        if one.callback is not None and not hasattr(one.callback, "__wrapped__"):
            verb = one.name or one.callback.__name__.replace("_", "-")
            one.name = verb
            one.callback = with_common_options(f"{name} {verb}", one.callback)


# -- inside ---------------------------------------------------------------------------------------------------------


def _has_json(signature: inspect.Signature) -> bool:
    """Whether a verb has an option --json of its own."""
    declared = [getattr(one.annotation, "__metadata__", ()) for one in signature.parameters.values()]
    words = [
        word
        for options in declared
        for option in options
        for word in (getattr(option, "default", ""), *(getattr(option, "param_decls", None) or ()))
    ]
    return "--json" in words


def _run(command: str, verb: Verb, given: Mapping[str, Any], as_json: bool, writing: bool) -> None:
    """Run a verb that fills no report, and tell what it did."""
    report = Report(command, as_json)
    before = {path: _stamp(path) for path in _paths(given, writing=True)}
    with report.running(), collected_lines() as lines, _kept_from_stdout(as_json or writing, as_json) as text:
        verb(**given)
        if as_json:
            report.document["text"] = text.getvalue().splitlines()
            report.measured(lines)
            for path, stamp in before.items():
                if _stamp(path) not in (None, stamp) and not report.has(path):
                    report.wrote(path, "folder" if path.is_dir() else "file")


def _run_filling(command: str, verb: Verb, given: Mapping[str, Any], as_json: bool, run: Run) -> None:
    """Run a verb that has --json itself. One that prints a document of its own gets the common entries added to it."""
    report, status = Report(command, as_json), 0
    with _kept_from_stdout(as_json or run.streams.writing, False) as text:
        try:
            verb(**given)
        except typer.Exit as ending:
            status = ending.exit_code
    said = text.getvalue()
    if as_json and not run.printed:
        try:
            own = json.loads(said)
        except ValueError:
            own, report.document["text"] = {}, said.splitlines()
        report.document |= own if isinstance(own, dict) else {"result": own}
        report.finish(status)
    elif as_json:
        sys.stderr.write(said)
    if status:
        raise typer.Exit(status)


class _Kept(io.StringIO):
    """Takes what is meant for stdout; with --json it is shown on stderr."""

    def __init__(self, shown: bool) -> None:
        super().__init__()
        self._shown = shown

    def write(self, text: str) -> int:
        if self._shown:
            sys.stderr.write(text)
        return super().write(text)


@contextlib.contextmanager
def _kept_from_stdout(kept: bool, shown: bool) -> Iterator[_Kept]:
    """Keep stdout free for the document of --json, or for the file of `-o -`."""
    text = _Kept(shown)
    if not kept:
        yield text
        return
    with contextlib.redirect_stdout(text):
        yield text


def _with_streams(
    command: str, given: Mapping[str, Any], format: str | None, as_json: bool, streams: Pipes
) -> dict[str, Any]:
    """The parameters with files in the place of `-`.

    Raises:
        ValueError: a stream cannot be used in this way; the text says what to do.
    """
    changed: dict[str, Any] = {}
    for name, value in given.items():
        if isinstance(value, list):
            changed[name] = [_streamed(name, one, streams) for one in value]
        elif name == "out" and value is not None and str(value) == STREAM:
            _check_result(command, given, as_json)
            own = given.get("format") if command == "convert-pose" else format
            changed[name] = streams.result(pipes.suffix_for(command, own))
        else:
            changed[name] = _streamed(name, value, streams)
    if format is not None and not streams.writing:
        raise ValueError(f"--format is of -o -, stdout: {given.get('out')} says its format by its suffix")
    return changed


def _streamed(name: str, value: Any, streams: Pipes) -> Any:
    if name not in RESULTS and isinstance(value, Path) and str(value) == STREAM:
        return streams.given()
    if name in _STREAMED and value == STREAM:
        return str(streams.given())
    return value


def _check_result(command: str, given: Mapping[str, Any], as_json: bool) -> None:
    """Check that a verb can write one file to stdout. ValueError if not."""
    if command not in (*pipes.FORMATS, "convert-pose"):
        raise ValueError(f"-o -: `repose {command}` does not write one file; name a place with -o")
    if as_json:
        raise ValueError("--json and -o - would both write to stdout: leave one of them away")
    named = {name: value for name, value in given.items() if name in _PHOTOGRAPHS}
    folders = [path for path in _paths(named, writing=False) if path.is_dir()]
    if folders and pipes.FORMATS.get(command, ("",))[0] == "png":
        raise ValueError(f"-o - writes one picture, and {folders[0]} is a folder: name a file with -o")


def _inputs(given: Mapping[str, Any]) -> list[Path]:
    return [path for path in _paths(given, writing=False) if Path(str(path).partition("#")[0]).exists()]


def _paths(given: Mapping[str, Any], writing: bool) -> list[Path]:
    """The places that parameters name: those that are written, or all others."""
    found: list[Path] = []
    for name, value in given.items():
        if (name in RESULTS) == writing:
            values = value if isinstance(value, list | tuple) else [value]
            found += [Path(one) for one in values if isinstance(one, Path) or (isinstance(one, str) and one)]
    return list(dict.fromkeys(found))


def _stamp(path: Path) -> tuple[int, int] | None:
    """When a place was written last, and its size; None if there is nothing."""
    try:
        state = path.stat()
    except OSError:
        return None
    return state.st_mtime_ns, state.st_size
