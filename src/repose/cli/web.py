"""The verb web: the page on which a skeleton is dragged."""

from __future__ import annotations

from typing import Annotated

import typer

from repose.cli.common import Device, Estimator, stderr, stdout

_NEEDED = ("gradio", "fastapi", "uvicorn", "python_multipart")


def web(
    model: Annotated[
        list[str] | None,
        typer.Option(
            "-m", "--model", help="A model of the page; may be given several times. Without: all that are free to use."
        ),
    ] = None,
    host: Annotated[
        str, typer.Option(help="127.0.0.1 is this machine alone; 0.0.0.0 everybody who reaches it.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 7860,
    opened: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in this machine's browser.")] = True,
    pose: Estimator = "movenet",
    mask: Annotated[str, typer.Option(help="How the person is cut out, as of `repose transfer`.")] = "auto",
    max_pixels: Annotated[
        float, typer.Option(min=0.1, max=64, help="Largest photograph that is taken, in millions of pixels.")
    ] = 24.0,
    sessions: Annotated[int, typer.Option(min=1, max=1000, help="Photographs that are kept in memory at once.")] = 8,
    minutes: Annotated[float, typer.Option(min=1, help="An unused photograph is forgotten after so long.")] = 60.0,
    hosts: Annotated[
        list[str] | None,
        typer.Option(help="A further name by which visitors call the page, such as a proxy's. Repeat it for more."),
    ] = None,
    api: Annotated[
        bool, typer.Option("--api/--no-api", help="Also offer the HTTP API of `repose serve`, at /v1 and /docs.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Open a page: drop a photograph, drag a joint, and the picture follows.

    The page works offline, with mouse, fingers and keyboard; nothing leaves this machine. Ctrl-C ends it.

    [bold]repose web[/bold]
    [bold]repose web --model carry-s-synthetic --port 8080 --no-open[/bold]
    [bold]repose web --host 0.0.0.0 --no-open[/bold]
    """
    from importlib.util import find_spec

    from repose.extras import how_to_install

    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ImportError(f"the page needs {' and '.join(missing)}: {how_to_install('web')}")
    stderr.print("starting the page: some seconds")
    from repose.estimate import estimator
    from repose.pipeline import require_mask
    from repose.web.posing import Models, offered
    from repose.web.run import require_port, run
    from repose.web.sessions import Limits

    require_mask(mask)
    require_port(host, port).close()
    estimator(pose)
    models = Models(tuple(model) if model else offered(), pose, mask, device)
    limits = Limits(pixels=round(max_pixels * 1e6), sessions=sessions, seconds=60 * minutes)
    names = tuple(hosts or ())
    # a line of a log: not broken, and written at once
    status = run(models, host, port, limits, opened, lambda text: print(text, file=stdout.file, flush=True), names, api)
    if status:
        raise typer.Exit(status)
