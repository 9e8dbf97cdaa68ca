"""Draw the sheets of rendered people in `docs/`: what they look like, and the labels of the same pictures.

    python scripts/draw_people.py docs

Writes people.jpg (8 people in 8 pictures, 256x176), people-labels.jpg (their parsing, DensePose, depth and joints) and
people-1024.jpg. The people are those of a seed that no shipped weights were trained on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from repose.data.deepfashion_layout import LABEL_COLORS
from repose.images import write_picture
from repose.render import Picture, Renderer, render_person
from repose.represent.keypoints import draw_skeleton

SEED = 4004
STYLES = ("fashion", "street")

Pixels = npt.NDArray[np.uint8]


def people(height: int, width: int, count: int, pictures: int, first: int = 0) -> list[list[Picture]]:
    """`count` people, by turns before a studio's wall and in the street."""
    with Renderer(height, width) as renderer:
        return [render_person(renderer, SEED, first + k, pictures, STYLES[k % len(STYLES)]) for k in range(count)]


def grid(rows: list[list[Pixels]]) -> Pixels:
    """All cells side by side, without gaps."""
    return np.concatenate([np.concatenate(row, axis=1) for row in rows], axis=0)


def parsing(picture: Picture) -> Pixels:
    return np.array(LABEL_COLORS, np.uint8)[picture.parsing]


def iuv(picture: Picture) -> Pixels:
    part = picture.iuv[..., :1].astype(np.float32) * 10
    return np.concatenate([part, picture.iuv[..., 1:]], axis=2).astype(np.uint8)


def depth_and_joints(picture: Picture) -> Pixels:
    """Near is bright; the skeleton lies over it."""
    on, depth = picture.mask > 0, picture.depth.astype(np.float32)
    seen = on & (depth > 0)
    near, far = (depth[seen].min(), depth[seen].max()) if seen.any() else (0.0, 1.0)
    grey = np.where(seen, 210 - 150 * (depth - near) / (far - near + 1e-6), 0)
    bones = draw_skeleton(torch.from_numpy(picture.keypoints), *picture.mask.shape)
    return np.where(bones > 0, bones, np.repeat(grey[..., None], 3, 2).astype(np.uint8)).astype(np.uint8)


def half(cells: Pixels) -> Image.Image:
    return Image.fromarray(cells).resize((cells.shape[1] // 2, cells.shape[0] // 2), Image.Resampling.NEAREST)


def main(folder: Path, first: int) -> None:
    small = people(256, 176, 8, 8, first)
    write_picture(folder / "people.jpg", Image.fromarray(grid([[p.image for p in row] for row in small])), quality=82)
    sheets = [half(grid([[draw(p) for p in row] for row in small])) for draw in (parsing, iuv, depth_and_joints)]
    page = Image.new("RGB", (sum(s.width for s in sheets) + 16 * (len(sheets) - 1), sheets[0].height), (255, 255, 255))
    x = 0
    for one in sheets:
        page.paste(one, (x, 0))
        x += one.width + 16
    write_picture(folder / "people-labels.jpg", page, quality=80)
    large = people(1024, 704, 2, 2, first + 20)
    page = Image.fromarray(grid([[p.image for p in row] for row in large]))
    write_picture(folder / "people-1024.jpg", page, quality=78)
    print(f"people.jpg, people-labels.jpg and people-1024.jpg in {folder}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--first", type=int, default=0, help="number of the first person")
    words = parser.parse_args()
    main(words.folder, words.first)
