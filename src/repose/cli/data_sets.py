"""The subcommands of `repose prepare`: one for each data set, with the options that it declares."""

from __future__ import annotations

import dataclasses
import inspect
from collections import UserDict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args

import typer
from rich.table import Table
from typer.core import TyperCommand, TyperGroup

from repose.cli import common, reporting
from repose.cli.common import print_line, stderr, stdout
from repose.cli.every_verb import with_common_options
from repose.names import nearest, resolve

if TYPE_CHECKING:
    from repose.data import DataSet, Report, Setting

DATA_SETS: Final = {
    "market1501": (
        "Market-1501: photographs of pedestrians, 128x64, with the joints and the test pairs of PATN.",
        "repose.data.market1501:MARKET1501",
    ),
    "deepfashion": (
        "DeepFashion's In-shop benchmark, 256x176 or 512x352, with joints, pairs, parsing and DensePose.",
        "repose.data.deepfashion:DEEPFASHION",
    ),
    "synthetic": (
        "Rendered people with exact labels, in any number and size.",
        "repose.render.dataset:SYNTHETIC",
    ),
    "mvc": (
        "MVC: four views of pieces of clothing, 256x256, as Dense Pose Transfer uses it.",
        "repose.data.mvc:MVC_DATA_SET",
    ),
    "human36m": (
        "Human3.6M: videos at 3 frames a second without background, 1024x1024, as HPN uses it.",
        "repose.data.human36m:HUMAN36M",
    ),
    "folder": (
        "Your own photographs: a subfolder for each person, or a CSV.",
        "repose.data.folder:FOLDER",
    ),
    "frames": (
        "Videos, or folders of their frames: people are found and followed.",
        "repose.data.frames:FRAMES",
    ),
}
"""Name -> a line for the list of data sets, and "module:name" of its `DataSet`. A new data set is a line here."""

_SETTINGS: Final[dict[str, Any]] = {"rich_markup_mode": "rich", "pretty_exceptions_enable": False}
_HELP: Final = {"help_option_names": ["-h", "--help"]}


class _Commands(UserDict[str, Any]):
    """Name of a data set -> its command, which is built, and the module imported, when it is looked up."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(DATA_SETS))

    def __getitem__(self, name: str) -> Any:
        if self.data[name] is None:
            self.data[name] = command(name, resolve(DATA_SETS[name][1]))
        return self.data[name]


class DataSets(TyperGroup):
    """The subcommands; their list needs no data set's module."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Commands()

    def list_commands(self, ctx: Any) -> list[str]:
        return list(DATA_SETS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """What the list shows: the name and its line."""
        if cmd_name not in DATA_SETS:
            return None
        return TyperCommand(cmd_name, help=DATA_SETS[cmd_name][0], rich_markup_mode="rich")

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command to run. Raises ValueError, with the nearest name, where there is no such data set."""
        name = args[0]
        if name.startswith("-"):
            return super().resolve_command(ctx, args)
        if name not in DATA_SETS:
            raise ValueError(f"no data set is called '{name}'; {nearest(name, DATA_SETS)}")
        return name, self.commands[name], args[1:]


app = typer.Typer(
    cls=DataSets,
    help="Pack a data set into a store: one folder of memory-mapped arrays that training and evaluation read.\n\n"
    "Records that cannot be used are skipped, and listed with the reason in meta.json. A sheet of samples is written, "
    "too. An interrupted command, given again, goes on where it was.\n\n"
    "Options of a data set: repose prepare NAME --help.",
    no_args_is_help=True,
    context_settings=_HELP,
    **_SETTINGS,
)


def command(name: str, data_set: DataSet[Any]) -> Any:
    """The command that prepares a data set, with an option for each of its settings, -o and --fresh."""

    def prepare(out: Path | None, fresh: bool, **given: Any) -> None:
        for field, kind, _ in data_set.fields():
            if _is_size(kind) and given[field.name] is not None:
                given[field.name] = common.parse_size(given[field.name])
            elif _is_several(kind):
                given[field.name] = tuple(given[field.name])
        _prepare(data_set, data_set.settings(**given), out, fresh)

    own = [_parameter(field, kind, setting) for field, kind, setting in data_set.fields()]
    place = typer.Option("-o", "--out", help="The folder of the store; by default below data/.", show_default=False)
    anew = typer.Option("--fresh", help="Delete what an interrupted run left, and begin anew.")
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        *own,
        inspect.Parameter("out", keyword, default=None, annotation=Annotated[Path | None, place]),
        inspect.Parameter("fresh", keyword, default=False, annotation=Annotated[bool, anew]),
    ]
    # typer reads the options from the signature
    prepare.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    prepare.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    examples = "\n\n".join(f"[bold]repose prepare {example}[/bold]" for example in data_set.examples)
    single = typer.Typer(add_completion=False, **_SETTINGS)
    single.command(name, help=f"{data_set.about}\n\n{examples}", context_settings=_HELP)(
        with_common_options(f"prepare {name}", prepare)
    )
    return typer.main.get_command(single)


# -- inside -----------------------------------------------------------------------------------------------------------


def _is_size(kind: Any) -> bool:
    return tuple[int, int] in (kind, *get_args(kind))


def _is_several(kind: Any) -> bool:
    return bool(kind == tuple[Path, ...])


def _parameter(field: dataclasses.Field[Any], kind: Any, setting: Setting) -> inspect.Parameter:
    """A setting as typer takes it: an argument where it has no default, else an option. Sizes are texts."""
    required, size = field.default is dataclasses.MISSING, _is_size(kind)
    default = "{}x{}".format(*field.default) if size and isinstance(field.default, tuple) else field.default
    info: Any
    if required:
        info = typer.Argument(help=setting.help, show_default=False)
    else:
        info = typer.Option(
            setting.flag or f"--{field.name.replace('_', '-')}",
            help=setting.help,
            min=setting.least,
            max=setting.most,
            metavar="HEIGHTxWIDTH" if size else None,
            show_default=default is not None,
        )
    return inspect.Parameter(
        field.name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if required else default,
        annotation=Annotated[str | None if size else list[Path] if _is_several(kind) else kind, info],
    )


def _prepare(data_set: DataSet[Any], settings: Any, out: Path | None, fresh: bool) -> None:
    """Pack a data set; say what entered the store and what did not."""
    from repose.data import Store
    from repose.data.samples import save_samples

    title = data_set.title(settings)
    place = out or Path("data") / title
    if data_set.announce is not None:
        stderr.print(data_set.announce(settings))
    with common.progress_bar(speed=True) as bar:
        report = data_set.prepare(settings, place, common.progress_callback(bar, f"prepare {title}"), fresh)
    _show(report)
    reporting.wrote(place, "store")
    reporting.number(photographs=report.photographs, people=report.people, pairs=report.pairs, left_out=report.reasons)
    print_line(f"{place}; samples in {save_samples(Store.open(place))}")


def _show(report: Report) -> None:
    table = Table("split", "photographs", "people", "pairs", title=f"{report.dataset} {report.checksum}")
    for split, count in report.photographs.items():
        table.add_row(split, f"{count:,}", f"{report.people[split]:,}", f"{report.pairs[split]:,}")
    stdout.print(table)
    for why, count in report.reasons.items():
        names = [item.name for item in report.left_out if item.why == why]
        print_line(f"left out: {count:,} x {why} ({', '.join(names[:3])}{' ...' if count > 3 else ''})")
