"""The verb serve: transfers over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

from repose.cli.common import Device, Estimator, stderr, stdout


def serve(
    models: Annotated[
        list[str] | None,
        typer.Argument(help="Weights by name (see `repose models`) or folder; the first is used by default."),
    ] = None,
    host: Annotated[
        str, typer.Option(help="127.0.0.1 is this machine alone; 0.0.0.0 everybody who reaches it (give --hosts, too).")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8000,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that compute; 0: one for every core, up to 4.", show_default=False)
    ] = 0,
    queue: Annotated[int, typer.Option(min=1, help="Requests that may wait; one more is answered 503.")] = 128,
    batch: Annotated[
        int, typer.Option(min=0, help="Requests that go through the network together, at most; 0: 8 on a GPU, else 1.")
    ] = 0,
    token: Annotated[
        str, typer.Option(envvar="REPOSE_TOKEN", help="Clients must send it: Authorization: Bearer TOKEN.")
    ] = "",
    cors: Annotated[
        list[str] | None,
        typer.Option(help="Pages of this origin may use the server, such as https://example.org. Repeat it for more."),
    ] = None,
    hosts: Annotated[
        list[str] | None,
        typer.Option(help="A name by which clients call the server; by default this machine's. Repeat it for more."),
    ] = None,
    max_pixels: Annotated[int, typer.Option(help="Of a picture; more is answered 413.")] = 25_000_000,
    max_bytes: Annotated[int, typer.Option(help="Of a request; more is answered 413.")] = 32_000_000,
    seconds: Annotated[
        float,
        typer.Option(help="For each step of computing a request; then its worker is replaced (504)."),
    ] = 60.0,
    wait: Annotated[float, typer.Option(help="Seconds that a request may wait in the queue; then it is 503.")] = 90.0,
    grace: Annotated[float, typer.Option(help="Seconds that accepted requests have after a signal to stop.")] = 20.0,
    clip_seconds: Annotated[float, typer.Option(help="So much of a clip is computed, at most.")] = 30.0,
    job_seconds: Annotated[float, typer.Option(help="A video may take so long to compute.")] = 1800.0,
    jobs: Annotated[int, typer.Option(min=1, help="Videos that wait or are kept, at most.")] = 16,
    keep: Annotated[float, typer.Option(help="Seconds that a finished video is kept.")] = 3600.0,
    cache: Annotated[
        int, typer.Option(min=0, help="Photographs that each worker keeps for further requests, at most; 0: none.")
    ] = 16,
    cache_bytes: Annotated[int, typer.Option(min=0, help="Memory for them, of each worker, at most.")] = 256_000_000,
    cache_seconds: Annotated[
        float, typer.Option(min=0, help="A photograph that nobody sends again is forgotten after so many seconds.")
    ] = 600.0,
    pose: Estimator = "movenet",
    device: Device = "auto",
) -> None:
    """Offer transfers, estimates and videos over HTTP, until Ctrl-C or SIGTERM.

    http://127.0.0.1:8000/docs shows what can be asked for; docs/server.md explains all of it. No name of a file or
    address that a client sends is opened. A photograph stays in memory for ten minutes, so that a further request of it
    takes less time (--cache 0: it does not). Nothing is encrypted here: for the internet put a server with HTTPS in
    front.

    Exit status: 0 after SIGTERM, 130 after Ctrl-C, 2 an error.

    [bold]repose serve[/bold]
    [bold]repose serve default patn-s-synthetic --workers 2 --port 8080[/bold]
    [bold]REPOSE_TOKEN=... repose serve --host 0.0.0.0 --hosts pose.example.org[/bold]

    Then, elsewhere:

    [bold]curl -F source=@me.jpg -F target=@dancer.jpg http://127.0.0.1:8000/v1/transfer -o me_dancing.png[/bold]
    [bold]curl -F source=@me.jpg -F target=@pose.json -F background=white -F format=jpeg
      http://127.0.0.1:8000/v1/transfer -o me.jpg[/bold]
    [bold]curl -F picture=@dancer.jpg http://127.0.0.1:8000/v1/estimate -o pose.json[/bold]
    [bold]curl -F source=@me.jpg -F motion=walk -F format=gif http://127.0.0.1:8000/v1/video[/bold]
    [bold]curl http://127.0.0.1:8000/healthz[/bold]
    """
    from repose.extras import how_to_install

    try:
        import fastapi  # noqa: F401
        import python_multipart  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise ImportError(f"a server needs {error.name}: {how_to_install('serve')}") from error

    from repose.serve.server import serve as run
    from repose.serve.settings import ServeSettings, usual_workers

    settings = ServeSettings(
        models=tuple(models or ["default"]), host=host, port=port, workers=workers or usual_workers(), queue=queue,
        batch=batch, token=token, cors=tuple(cors or ()), hosts=tuple(hosts or ()), max_pixels=max_pixels,
        max_bytes=max_bytes, seconds=seconds, wait=wait, grace=grace, pose=pose, device=device, jobs=jobs, keep=keep,
        clip_seconds=clip_seconds, job_seconds=job_seconds, cache=cache, cache_bytes=cache_bytes,
        cache_seconds=cache_seconds,
    )  # fmt: skip
    if host not in ("127.0.0.1", "localhost", "::1"):
        if not hosts:
            names = ", ".join(settings.accepted_hosts)
            stderr.print(f"note: it answers to the names {names} alone; give --hosts NAME for others", soft_wrap=True)
        if not token:
            stderr.print("note: everybody who reaches it can use it; --token gives it a token", soft_wrap=True)
    stderr.print(f"starting {settings.workers} worker(s): some seconds", highlight=False)
    # a line of a log: not broken, and written at once
    status = run(settings, lambda text: print(text, file=stdout.file, flush=True))
    if status:
        raise typer.Exit(status)
