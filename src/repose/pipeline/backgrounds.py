"""What is behind the new figure, by name or as a picture; and a result as pixels."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from repose.images import ImageLike, load_image
from repose.names import nearest
from repose.person import Person
from repose.represent.canvas import from_uint8
from repose.scene import BACKGROUNDS, Background, find_background
from repose.scene.frames import to_pixels


def read_background(background: str | Path | ImageLike | Tensor, size: tuple[int, int] | None = None) -> Background:
    """What is behind the new figure: a name of `repose.scene.BACKGROUNDS`, or a picture.

    Args:
        background: a name, or a picture: path, PIL image, array or tensor, as `load_image` takes.
        size: (height, width) of the photograph, which the picture is scaled to cover; its middle is taken. None: the
            name or the picture is only checked.

    Returns:
        The name, or (3, height, width) in [-1, 1].

    Raises:
        ValueError: neither a name nor a picture.
    """
    if isinstance(background, str) and background in BACKGROUNDS:
        return find_background(background)
    if isinstance(background, str) and not Path(background.partition("#")[0]).is_file():
        raise ValueError(f"no background is called '{background}', and no picture; {nearest(background, BACKGROUNDS)}")
    image = from_uint8(load_image(background))
    return image if size is None else covering(image, size)


def covering(image: Tensor, size: tuple[int, int]) -> Tensor:
    """The middle of a picture (3, h, w) that is scaled, with its proportions, to cover (height, width)."""
    (height, width), (rows, columns) = size, image.shape[-2:]
    times = max(height / rows, width / columns)
    rows, columns = max(height, round(rows * times)), max(width, round(columns * times))
    scaled = Person(image=image).resize(rows, columns)
    placed = scaled.crop((rows - height) // 2, (columns - width) // 2, height, width).image
    assert placed is not None
    return placed


__all__ = ["covering", "read_background", "to_pixels"]
