"""The command `repose`: a few verbs, each a thin door to one module.

Heavy imports happen inside the verbs, so that `repose --help` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperGroup

from repose.cli import bench, data, models, photographs, research, study
from repose.cli.common import console, screen

__all__ = ["app", "console", "main", "screen"]


class _Verbs(TyperGroup):
    """The verbs; Ctrl-C in any of them ends with one line in place of nothing."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            console.print("interrupted")
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Verbs,
    help="A photograph of a person and a target pose in, a photograph of that person in that pose out.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

# in the order of the help
VERBS: dict[str, Callable[..., None]] = {
    "transfer": photographs.transfer,
    "estimate": photographs.estimate,
    "prepare": data.prepare,
    "export-layout": data.export_layout,
    "train": models.train,
    "eval": models.evaluate,
    "inspect": models.inspect,
    "convert": models.convert,
    "models": models.list_models,
    "demo": models.demo,
}
for _name, _verb in VERBS.items():
    app.command(_name)(_verb)
app.add_typer(bench.app, name="bench")
app.add_typer(research.app, name="research")
app.add_typer(study.app, name="study")


def main() -> None:
    """Run the command; an expected error is one clear line, REPOSE_DEBUG=1 shows where it came from."""
    try:
        app()
    except (ValueError, KeyError, OSError, RuntimeError, ImportError) as error:
        if os.environ.get("REPOSE_DEBUG"):
            raise
        text = error.args[0] if isinstance(error, KeyError) and error.args else str(error)
        console.print("[red]error:[/red]", end=" ")
        console.print(text or type(error).__name__, markup=False, soft_wrap=True)
        sys.exit(2)
