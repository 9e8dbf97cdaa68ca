"""The verb font: text in the style of a font."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from repose.cli import common
from repose.cli.common import AsJson, Force
from repose.cli.inputs import require_new
from repose.cli.outputs import require_folder, require_no_input, require_picture, sheet_beside
from repose.cli.reporting import Report


def font(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="A font file (.ttf, .otf, .pfb), a picture of one capital (with --letter), or a folder of them.",
            show_default=False,
        ),
    ],
    text: Annotated[
        str,
        typer.Argument(help="What is drawn: letters from A to Z and spaces, as capitals; \\n breaks the line."),
    ],
    out: Annotated[
        Path,
        typer.Option("-o", "--out", help="Where the result goes; of a folder, a folder: OUT without its suffix."),
    ] = Path("out/font.png"),
    letter: Annotated[
        str, typer.Option(help="The capital that SOURCE shows; of a font, the one whose style is taken (R).")
    ] = "",
    colour: Annotated[
        str,
        typer.Option(
            help="Of the characters, as #C03020 or by name; that of the picture by default, nearly black of a font."
        ),
    ] = "",
    model: Annotated[
        str, typer.Option("-m", "--model", help="font-s, or a weight file of scripts/train_font.py.")
    ] = "font-s",
    height: Annotated[int, typer.Option(min=16, help="Of a line, in pixels; the network draws 64.")] = 64,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Draw TEXT in the style of SOURCE, of which the network sees one character.

    The network learned from free fonts (docs/font.md). It takes the skeleton of the character, and that of each letter
    of the text in a plain font, and draws the letter in the colour, weight and manner of the character. A sheet beside
    the result (OUT.sheet.png) shows both skeletons, what was drawn and, of a font, its own letters.

    A font that lacks capitals, or draws boxes for them, is an error that says so. In a folder it is named and skipped.

    Exit status: 0 all was done; 2 an error, nothing was done; 3 some sources were skipped, the others are written.

    [bold]repose font MyFont-Bold.ttf "HELLO WORLD" -o hello.png[/bold]
    [bold]repose font letter.jpg "OPEN" --letter R -o open.png[/bold]
    [bold]repose font MyFont.otf "SALE" --letter G --colour crimson --height 128 -o sale.png[/bold]
    [bold]repose font fonts/ "ABC" -o samples/[/bold]
    """
    from PIL import ImageColor, UnidentifiedImageError

    from repose.apps.fonts.glyphs import SUFFIXES
    from repose.apps.fonts.sheet import character_sheet
    from repose.apps.fonts.transfer import checked_text, draw, load, read_source, scaled
    from repose.images import PICTURES, save_image, write_picture

    report = Report("font", as_json)
    with report.running():
        words = checked_text(text.replace("\\n", "\n"))
        if words != text.replace("\\n", "\n"):
            report.note("small letters are drawn as capitals: the network learned no others")
        try:
            ink = ImageColor.getrgb(colour)[:3] if colour else None
        except ValueError as error:
            raise ValueError(f"--colour takes #RRGGBB or the name of a colour, not '{colour}'") from error
        many = source.is_dir()
        paths = [source]
        if many:
            paths = sorted(path for path in source.iterdir() if path.suffix.lower() in (*SUFFIXES, *PICTURES))
            if not paths:
                raise ValueError(f"{source} holds no font and no picture: {', '.join((*SUFFIXES, *PICTURES))}")
            if out.suffix.lower() in PICTURES:  # the default, too
                out = out.with_suffix("")
            require_folder(out)
        else:
            require_picture(out)
        places = {path: out / f"{path.stem}.png" if many else out for path in paths}
        if not force:
            require_no_input([*places.values(), *map(sheet_beside, places.values())], paths)
        network = load(model)
        report.document |= {"model": model, "text": words, "letter": letter or None}
        with common.progress_bar() as bar:
            task = bar.add_task("font", total=len(paths))
            drawn: list[str] = []
            for path, place in places.items():
                with report.skipping(path, alone=not many), report.noting(path):
                    require_new(path.stem, drawn)
                    try:
                        read = read_source(path, letter, ink)
                    except UnidentifiedImageError as error:
                        raise ValueError(f"{path} is neither a font nor a picture") from error
                    lines = draw(read, words, network)
                    drawn.append(path.stem)
                    save_image(place, scaled(lines, height))
                    report.wrote(place, "picture", source=str(path))
                    write_picture(sheet_beside(place), character_sheet(path, read, words, network))
                    report.wrote(sheet_beside(place), "sheet")
                    report.say(f"{place}: in the style of {path.name}, letter {read.letter}")
                bar.advance(task)
        if not drawn:
            raise ValueError(f"nothing could be drawn: every source in {source} was skipped")
