"""The verb eval: trained models and folders of pictures under a named protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from repose.cli import common, completion, reporting
from repose.cli.common import Device, Features, Limit, Out, PckhEstimator, StoreFolder, stdout


def evaluate(
    names: Annotated[
        list[str],
        typer.Argument(
            help="Weights by name, folders of runs, or folders of pictures.", autocompletion=completion.models
        ),
    ],
    data: StoreFolder,
    protocol: Annotated[
        str,
        typer.Option(
            "-p",
            "--protocol",
            help="patn-market, patn-fashion, roy-fashion, people-fashion ... or name@version.",
            autocompletion=completion.of(completion.PROTOCOLS),
        ),
    ] = "patn-market",
    split: Annotated[str | None, typer.Option(help="Another split than the protocol's (val, while you tune).")] = None,
    limit: Limit = 0,
    pose: PckhEstimator = "movenet",
    features: Features = "auto",
    results: Annotated[Path | None, typer.Option(help="Append lines to this .jsonl.")] = None,
    out: Out = Path("out/eval.png"),
    report: Annotated[
        list[Path] | None,
        typer.Option(help="A file for the table, also several: .md, .tex, .csv, .html with pictures."),
    ] = None,
    choose: Annotated[
        str | None,
        typer.Option(
            help="Say which is best by a metric (ssim ...), such as of RUN/snapshots/*; on validation people only, "
            "--split val."
        ),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(help="A further column of a network, also several: fid_clean_train, lpips_vgg ..."),
    ] = None,
    strips: Annotated[
        bool,
        typer.Option(
            "--strips",
            help="Pictures of folders are strips, of five (PATN's code) or of eight (PINet's); the last one counts.",
        ),
    ] = False,
    device: Device = "auto",
) -> None:
    """Measure trained networks, or anybody's folders of pictures, under a named protocol, beside the reference rows.

    Pictures are named SOURCE_2_TARGET.png, or as the code of PATN, GFLA, DPTN, NTED, PIDM or Roy et al. does.

    [bold]repose eval patn-s-market multiscale-s-market --data data/market1501 -p patn-market[/bold]
    [bold]repose eval out/mine out/theirs -d data/fashion -p fashion-256 --report out/eval.html[/bold]
    """
    from repose.comparison import ComparisonFiles, compare
    from repose.metrics import EvaluationSettings

    settings = EvaluationSettings(
        estimator=None if pose == "none" else pose,
        split=split,
        limit=limit or None,
        features=common.parse_features(features),
        also=tuple(also or ()),
    )
    files = ComparisonFiles(out, results, tuple(report or ()))
    done = compare(names, data, protocol, settings, files, stdout, device=device, strips=strips, choose=choose)
    reporting.number(evaluations=[one.line() for one in done])
