"""The verbs of `repose study`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from repose.cli.common import Out, print_line, stderr, stdout

app = typer.Typer(
    help="Let people judge pictures in a browser, under the protocols of the papers.\n\n"
    "`protocols` lists them, `prepare` makes a study of folders of pictures, `serve` puts it on the web, `table` gives "
    "the results beside the published ones, `export` the single answers.\n\n"
    "[bold]repose study prepare ours=out/ours patn=out/patn -d data/people -p patn -o out/study.db[/bold]\n\n"
    "[bold]repose study serve out/study.db[/bold]\n\n[bold]repose study table out/study.db[/bold]",
    no_args_is_help=True,
)


@app.command(name="protocols")
def study_protocols() -> None:
    """List the protocols of studies: what is asked, for how long, how many pictures, and which paper says so."""
    from repose.study import STUDIES

    table = Table("protocol", "question", "seconds", "pool", "in a session", "practice", "source")
    for name, protocol in STUDIES.items():
        seconds = ", then ".join("∞" if s is None else f"{s:g}" for s in protocol.seconds)
        aside = str(protocol.trials - protocol.counted)
        table.add_row(
            name, protocol.question, seconds, str(protocol.pool), str(protocol.counted), aside, protocol.notes
        )
    stdout.print(table)
    print_line("pool: pictures of each kind that a study needs; in a session: answers that count, without practice")


@app.command(name="prepare")
def study_prepare(
    methods: Annotated[list[str], typer.Argument(help="Folders of generated pictures, each FOLDER or NAME=FOLDER.")],
    protocol: Annotated[str, typer.Option("-p", "--protocol", help="One of `repose study protocols`.")] = "roy",
    real: Annotated[Path | None, typer.Option(help="A folder of real pictures.")] = None,
    data: Annotated[
        Path | None, typer.Option("-d", "--data", help="Or a store, which has the real pictures, sources and poses.")
    ] = None,
    split: Annotated[str, typer.Option(help="Of the store.")] = "test",
    title: Annotated[
        str, typer.Option(help="Heads the page; say nothing in it that gives pictures away.")
    ] = "Picture study",
    seed: Annotated[int, typer.Option(help="Which pictures are drawn, and the order of every session.")] = 0,
    out: Out = Path("out/study.db"),
) -> None:
    """Make the file of a study from folders of pictures.

    Every picture is checked first. If one is missing, broken or of another size, the error names it and no study is
    written.
    The drawn ones go into OUT, all re-encoded alike. Participants see neither file names nor names of methods.

    With --data the folders are as `repose eval` reads them, SOURCE_2_TARGET.png; with --real names are free, but those
    of several methods must be the same.

    [bold]repose study prepare ours=out/ours patn=out/patn -d data/people -p patn -o out/study.db[/bold]
    [bold]repose study prepare out/ours --real photographs -p roy-untimed -o out/untimed.db[/bold]
    [bold]repose study prepare ours=out/ours patn=out/patn -d data/people -p preference -o out/which.db[/bold]
    """
    from repose.data import Store
    from repose.study import prepare_study as make

    folders: dict[str, Path] = {}
    for given in methods:
        name, mark, folder = given.partition("=")
        place = Path(folder if mark else given)
        name = name if mark else place.name
        if not name or not str(folder if mark else given):
            raise ValueError(f"'{given}': a method is NAME=FOLDER, or a folder")
        if name in folders:
            raise ValueError(f"two methods are called '{name}': give NAME=FOLDER")
        folders[name] = place
    store = None if data is None else Store.open(data)
    with stderr.status("looking at the pictures"):
        done = make(out, protocol, folders, real=real, store=store, split=split, seed=seed, title=title)
    for note in done.notes:
        stderr.print(f"note: {note}", markup=False, soft_wrap=True)
    counts = ", ".join(f"{count} {what}" for what, count in done.counts.items())
    size = f"{done.size[0]}x{done.size[1]}"
    print_line(f"{out}: {done.protocol}, {counts}, {size}; `repose study serve {out}` puts it on the web")


@app.command(name="serve")
def study_serve(
    study: Annotated[Path, typer.Argument(help="The file that `repose study prepare` wrote.")] = Path("out/study.db"),
    host: Annotated[
        str,
        typer.Option(
            help="127.0.0.1 is this machine alone; 0.0.0.0 everybody who reaches it, :: also by IPv6. Give an address "
            "that the note at the start does not list by --hosts."
        ),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any that is free.")] = 8010,
    hosts: Annotated[
        list[str] | None,
        typer.Option(help="A name by which people call the server, besides this machine's own. Repeat it for more."),
    ] = None,
    proxy: Annotated[
        bool,
        typer.Option(
            "--proxy", help="A proxy with HTTPS stands in front: believe its X-Forwarded-Proto and X-Forwarded-For."
        ),
    ] = False,
    sessions: Annotated[
        int, typer.Option(min=0, help="Unfinished sessions at once, at most; 0 for any number.")
    ] = 1000,
    per_address: Annotated[
        int, typer.Option(min=0, help="Sessions that begin from one address in an hour, at most; 0 for any number.")
    ] = 100,
) -> None:
    """Put a study on the web until Ctrl-C.

    The page works without a network, on a phone as well, by keys and by touch. Every answer is in the file at once:
    a closed tab goes on where it was, and so does a server that was stopped and started again.

    Nothing is encrypted here: where people come over the internet, put a proxy with HTTPS in front, and say
    so. Requests to a name that is not this machine's, and those of other sites' pages, are refused.

    [bold]repose study serve out/study.db[/bold]
    [bold]repose study serve out/study.db --host 0.0.0.0 --port 8080[/bold]
    [bold]repose study serve out/study.db --hosts study.example.org --proxy[/bold]
    """
    from repose.listening import EVERYBODY, own_hosts
    from repose.study import Study, StudyServer, StudySettings

    settings = StudySettings(tuple(hosts or ()), sessions, per_address, proxy)
    opened = Study(study)
    if host in EVERYBODY:
        names = ", ".join(sorted({*own_hosts(host), *settings.hosts}))
        stderr.print(f"note: it answers to the names {names}; --hosts NAME adds one", markup=False, soft_wrap=True)
    with StudyServer(opened, host, port, settings) as server:
        begun, finished = opened.sessions()
        print_line(
            f"{opened.protocol} on {server.url}; sessions so far: {begun} begun, {finished} finished; Ctrl-C ends it"
        )
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
        finally:
            begun, finished = opened.sessions()
            opened.close()
            print_line(f"{begun} sessions begun, {finished} finished; `repose study table {study}` shows what they say")


@app.command(name="table")
def study_table(
    study: Annotated[Path, typer.Argument(help="The file of a study.")] = Path("out/study.db"),
    published: Annotated[bool, typer.Option(help="The papers' rows below, marked as published.")] = True,
    flagged: Annotated[
        bool, typer.Option("--flagged", help="Count answers with impossible times too (page hidden, seen twice, ...).")
    ] = False,
    unfinished: Annotated[bool, typer.Option("--unfinished", help="Count unfinished sessions too.")] = False,
    document: Annotated[bool, typer.Option("--markdown", help="As Markdown.")] = False,
) -> None:
    """What the people said, with intervals, beside the papers' numbers.

    [bold]repose study table out/study.db[/bold]
    [bold]repose study table out/study.db --markdown --no-published[/bold]
    """
    from repose.study import Study, results
    from repose.study.results import results_markdown, results_table

    outcome = results(Study(study), flagged=flagged, unfinished=unfinished)
    if document:
        sys.stdout.write(results_markdown(outcome, published))
    else:
        stdout.print(results_table(outcome, published))


@app.command(name="export")
def study_export(
    study: Annotated[Path, typer.Argument(help="The file of a study.")] = Path("out/study.db"),
    out: Out = Path("out/answers.csv"),
) -> None:
    """Write every single answer as CSV or JSON, practice and flagged ones included; nothing in it leads to a person.

    [bold]repose study export out/study.db -o answers.csv[/bold]
    [bold]repose study export out/study.db -o answers.json[/bold]
    """
    from repose.study import Study, export

    print_line(f"{out}: {export(Study(study), out)} answers")
