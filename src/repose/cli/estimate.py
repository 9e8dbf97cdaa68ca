"""The verb estimate: the joints of the people on photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from repose.cli import common
from repose.cli.common import Estimator, Out, PersonChoice, print_line
from repose.cli.inputs import pictures_in, require_new
from repose.cli.reporting import skipping


def estimate(
    pictures: Annotated[list[Path], typer.Argument(help="Photographs, or folders of them.")],
    out: Out = Path("out/keypoints.json"),
    pose: Estimator = "movenet",
    person: PersonChoice = "largest",
    everybody: Annotated[bool, typer.Option("--all", help="Everybody on each picture, as NAME#0, NAME#1, ...")] = False,
) -> None:
    """Find the 18 joints of the people on photographs.

    Writes a keypoint file (the ending chooses: .json ours, .csv as PATN's annotations) and OUT.sheet.png with the
    skeletons drawn on the pictures.

    [bold]repose estimate photos/ -o poses.csv[/bold]
    """
    import numpy as np
    from PIL import Image
    from torch import Tensor

    from repose.draw.sheet import sheet
    from repose.estimate import choose, estimator
    from repose.images import load_image, save_image
    from repose.represent.formats import write_keypoints
    from repose.represent.keypoints import draw_skeleton

    network, which = estimator(pose), common.parse_person(person)
    paths = [path for given in pictures for path in pictures_in(given)]
    joints: dict[str, Tensor] = {}
    sizes: set[tuple[int, int]] = set()
    drawn: list[Any] = []
    with common.progress_bar() as bar:
        for path in bar.track(paths, description="estimate"):
            with skipping(path, alone=len(paths) == 1):
                require_new(path.name, (name.partition("#")[0] for name in joints))
                pixels = load_image(path)
                found = network.people(pixels)
                chosen = list(found) if everybody and found else [choose(found, which)]
                sizes.add((pixels.shape[0], pixels.shape[1]))
                over = pixels.astype(np.float32)
                for index, one in enumerate(chosen):
                    joints[f"{path.name}#{index}" if everybody else path.name] = one.keypoints
                    skeleton = draw_skeleton(one.keypoints, *pixels.shape[:2]).astype(np.float32)
                    on = skeleton.max(axis=-1, keepdims=True) > 0
                    over = np.where(on, 0.25 * over + 0.75 * skeleton, over)
                if len(drawn) < 24:
                    small = Image.fromarray(over.astype(np.uint8))
                    small.thumbnail((320, 320))
                    drawn.append(np.asarray(small))
    if not joints:
        raise ValueError("no joints were found on any picture")
    write_keypoints(out, joints, size=sizes.pop() if len(sizes) == 1 else None)
    page = out.with_suffix(".sheet.png")
    save_image(page, np.asarray(sheet([drawn[i : i + 6] for i in range(0, len(drawn), 6)])))
    print_line(f"{out}: {len(joints)} people on {len(paths)} pictures; drawn in {page}")
