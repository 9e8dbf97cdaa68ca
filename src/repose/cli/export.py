"""The verb export: a model's network for another runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from repose.cli import common
from repose.cli.common import Estimator, print_line, stderr


def export(
    model: Annotated[str, typer.Argument(help="Weights by name (see `repose models`), or the folder of a run.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="The folder that is written.")],
    format: Annotated[str, typer.Option(help="onnx, openvino, ncnn or torchscript.")] = "onnx",
    size: Annotated[
        str | None,
        typer.Option(help="HEIGHTxWIDTH of the pictures, or dynamic for any; the model's canvas if not given."),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(help="Pictures at once: a number, or dynamic for any (the default; 1 of ncnn)."),
    ] = None,
    precision: Annotated[
        str,
        typer.Option(
            help="Of the weights: float32, float16 (half the file) or int8 (a quarter; computes in 8 bits). "
            "The last two are written only where the pictures stay equal to the eye."
        ),
    ] = "float32",
    check: Annotated[bool, typer.Option(help="Compare the file with PyTorch, and write check.json.")] = True,
    source: Annotated[
        Path | None, typer.Option(help="A photograph of your own for the check and the example.", show_default=False)
    ] = None,
    target: Annotated[
        Path | None, typer.Option(help="The pose for it: a photograph or a pose file.", show_default=False)
    ] = None,
    pose: Estimator = "movenet",
    force: Annotated[bool, typer.Option("--force", help="Write it even where pictures differ, and say so.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print model.json and check.json as one document.")] = False,
) -> None:
    """Write a model's network for ONNX Runtime, OpenVINO, ncnn or libtorch.

    The folder gets the network's file, model.json (inputs and outputs), README.md, check.json (the comparison with
    PyTorch), and use.py, which runs the network without Repose: docs/export.md.

    [bold]repose export patn-s-synthetic -o patn[/bold]
    [bold]repose export patn-s-synthetic -o patn --format ncnn --precision float16[/bold]
    [bold]repose export default -o warp --format openvino --source me.jpg --target dancer.jpg[/bold]
    [bold]repose export multiscale-s-synthetic -o multi --size dynamic[/bold]
    """
    import json

    from repose.exporting import DYNAMIC, ExportSettings
    from repose.exporting import export as run

    if (source is None) != (target is None):
        raise ValueError("--source and --target belong together: give both, or neither")
    if batch is not None and batch != DYNAMIC and not batch.isdecimal():
        raise ValueError(f"--batch is a number of pictures or dynamic, not '{batch}'")
    settings = ExportSettings(
        format,
        None if size is None else DYNAMIC if size == DYNAMIC else common.parse_size(size),
        None if batch is None else DYNAMIC if batch == DYNAMIC else int(batch),
        precision,
        check,
        force,
    )
    people = None
    if source is not None and target is not None:
        from repose.pipeline import read_person, read_pose

        people = (read_person(source, pose), next(iter(read_pose(target, pose).values())))
    if stderr.is_terminal:
        with stderr.status(f"export {model}") as status:
            exported = run(model, out, settings, people, status.update)
    else:  # a log file gets a line for each step
        exported = run(model, out, settings, people, lambda text: stderr.print(text, markup=False, soft_wrap=True))
    if as_json:
        checked = json.loads((out / "check.json").read_text(encoding="utf-8"))
        document = {"folder": str(out), "model": exported.description, "check": checked}
        print_line(json.dumps(document, indent=2, ensure_ascii=False))
        return
    said = "not compared with PyTorch"
    if exported.checks is not None:
        said = f"differs from PyTorch by at most {exported.checks.picture:.1e} of a range of 2"
        verdict = exported.checks.verdict(precision)
        if verdict:
            stderr.print(f"note: {verdict}", markup=False, soft_wrap=True)
    names = ", ".join(path.name for path in exported.files)
    print_line(f"{out}  ({names}, {exported.megabytes:.1f} MB; {said}; try: python {out / 'use.py'})")
