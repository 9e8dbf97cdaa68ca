"""The command `repose`: its verbs, each a function that calls one module.

Heavy imports happen inside the verbs, so that `repose --help` answers at once.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from importlib import metadata
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from repose.cli import (
    animate,
    bench,
    data,
    data_sets,
    estimate,
    evaluate,
    export,
    font,
    generate,
    models,
    poses,
    reconstruct,
    reid,
    research,
    study,
    texture,
    transfer,
    tryon,
    tune,
    video,
)
from repose.cli.common import stderr, stdout
from repose.version import __version__

__all__ = ["app", "main", "stderr", "stdout"]


class _Verbs(TyperGroup):
    """The verbs; Ctrl-C in any of them prints one line and ends with 130."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            stderr.print("interrupted")
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Verbs,
    help="A photograph of a person and a target pose in, a photograph of that person in that pose out.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        torch = metadata.version("torch")  # without the seconds that its import takes
        stdout.print(f"repose {__version__}, torch {torch}, Python {platform.python_version()}")
        raise typer.Exit


@app.callback()
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
    "demo": models.demo,
}
for _name, _verb in VERBS.items():
    app.command(_name)(_verb)
app.add_typer(data_sets.app, name="prepare")
app.add_typer(bench.app, name="bench")
app.add_typer(research.app, name="research")
app.add_typer(study.app, name="study")


def main() -> None:
    """Run the command. An expected error is one line and exit code 2; REPOSE_DEBUG=1 shows where it came from."""
    try:
        app()
    except (ValueError, KeyError, OSError, RuntimeError, ImportError) as error:
        if os.environ.get("REPOSE_DEBUG"):
            raise
        text = error.args[0] if isinstance(error, KeyError) and error.args else str(error)
        stderr.print("[red]error:[/red]", end=" ")
        stderr.print(text or type(error).__name__, markup=False, soft_wrap=True)
        sys.exit(2)
