"""Rendered people whom no model was trained on: the picture of `make demo`, and photographs to try things on."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from repose import render
from repose.draw.sheet import sheet
from repose.estimate.field_files import write_map
from repose.images import load_image, save_image
from repose.models.weights import shipped
from repose.person import Person
from repose.pipeline import Model, load
from repose.render import Picture, SyntheticUnavailable
from repose.represent.canvas import from_uint8, to_uint8
from repose.represent.keypoints import draw_skeleton
from repose.represent.pose_files import read_keypoints, write_keypoints

PEOPLE: Final = 6
EARLIER: Final = "carry-s-synthetic"
"""The default weights of the generation before, for comparison; left out where they are not installed."""

NAMES: Final = ("alex", "kim", "lou", "sam", "jo", "robin")
"""The people of `write_photographs`; four of them are rendered, six come from files."""

SPARE: Final = Path(__file__).parent / "render" / "spare"
"""The same people as files, for machines that cannot render."""


def make_demo(out: Path, seed: int) -> str:
    """Write the picture and say what it shows.

    Args:
        out: a PNG: a row a person, with source, pose, generated and target, and before it what the weights of the
            generation before made of it.
        seed: which people; training used seed 0.
    """
    model = load("default")
    earlier = load(EARLIER) if EARLIER in shipped() and model.name != EARLIER else None
    note = ""
    try:
        pictures = list(render.render_people(range(PEOPLE), 2, *model.canvas.window[2:], seed=seed))
    except SyntheticUnavailable as error:
        pictures = spare()
        note = f" (this machine cannot render, so the people come from files: {error})"
    source, target = (_people(pictures[k::2], model) for k in (0, 1))
    generated = to_uint8(model(source, target))
    before = None if earlier is None else to_uint8(earlier(source, target))
    rows: list[list[npt.NDArray[np.uint8] | None]] = []
    assert source.image is not None
    assert target.image is not None
    assert target.keypoints is not None
    shown = to_uint8(source.image), to_uint8(target.image)
    for index in range(len(generated)):
        pose = draw_skeleton(target.keypoints[index], *model.canvas.size)
        old = [] if before is None else [before[index]]
        rows.append([shown[0][index], pose, *old, generated[index], shown[1][index]])
    scale = 2 if model.canvas.height < 200 else 1
    columns = ["source", "pose", *(["generated"] if before is None else [EARLIER, model.name])]
    save_image(out, np.asarray(sheet(rows, [*columns, "target"], scale=scale)))
    return f"{out}: {len(rows)} rendered people in new poses, by {model.name}{note}"


def write_photographs(out: Path, seed: int) -> str:
    """Write pictures of rendered people with their joints and labels, to try Repose on, and say what they are.

    Args:
        out: the folder. It gets people/alex/alex-1.jpg and so on, people/keypoints.json with the joints of all of them,
            and labels/alex-1.png and so on, label maps with LIP's 20 labels. On a machine that cannot render, the
            pictures are small ones from files, without label maps.
        seed: which people; training used seed 0.
    """
    note = ""
    try:
        pictures = list(render.render_people(range(4), 3, 384, 264, seed=seed))
    except SyntheticUnavailable as error:
        pictures = spare()
        note = f" (this machine cannot render, so they are small ones from files, without label maps: {error})"
    names = dict(zip(dict.fromkeys(picture.person for picture in pictures), NAMES, strict=False))
    each = len(pictures) // len(names)
    people: dict[str, Person] = {}
    for number, picture in enumerate(pictures):
        name = names[picture.person]
        one = f"{name}-{number % each + 1}"
        save_image(out / "people" / name / f"{one}.jpg", picture.image)
        people[f"{one}.jpg"] = Person(image=from_uint8(picture.image), keypoints=torch.from_numpy(picture.keypoints))
        if picture.parsing.any():
            (out / "labels").mkdir(exist_ok=True)
            write_map(out / "labels" / f"{one}.png", "parsing", torch.from_numpy(picture.parsing).long())
    write_keypoints(out / "people" / "keypoints.json", people)
    return f"{out}: {len(pictures)} pictures of {len(names)} rendered people, with their joints{note}"


def write_spare(seed: int) -> None:
    """Render the people of `SPARE` and write their files, replacing those that are there."""
    pictures = list(render.render_people(range(PEOPLE), 2, 128, 64, seed=seed))
    SPARE.mkdir(exist_ok=True)
    for picture in pictures:
        save_image(SPARE / f"{picture.name}.png", picture.image)
    write_keypoints(SPARE / "keypoints.json", {p.name: torch.from_numpy(p.keypoints) for p in pictures})


def _people(pictures: list[Picture], model: Model) -> Person:
    """A batch on the model's canvas; pictures of another size are scaled, with white beside them."""
    images = from_uint8(np.stack([picture.image for picture in pictures]))
    keypoints = torch.from_numpy(np.stack([picture.keypoints for picture in pictures])).float()
    return model.canvas.put(Person(image=images, keypoints=keypoints))[0]


def spare() -> list[Picture]:
    """The pictures of `SPARE`, 128x64, two of each person one after the other; without labels."""
    pictures = []
    for name, keypoints in read_keypoints(SPARE / "keypoints.json").items():
        image = load_image(SPARE / f"{name}.png")
        blank = np.zeros(image.shape[:2], np.uint8)
        nothing = np.zeros_like(image), np.zeros(image.shape[:2], np.float16)
        pictures.append(Picture(name, name.split("_")[0], image, keypoints.numpy(), blank, blank, *nothing))
    return pictures
