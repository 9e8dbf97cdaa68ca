"""What replaces the pictures that are left out, on one sheet."""

from __future__ import annotations

from collections.abc import Mapping

from PIL import Image
from torch import Tensor

from repose.data.store import Store
from repose.draw.sheet import sheet
from repose.represent.canvas import to_uint8


def replacement_sheet(
    store: Store, pairs: Tensor, pictures: Mapping[str, Tensor], scale: int = 2, poses: Store | None = None
) -> Image.Image:
    """A column for each pair: the kept picture, the picture whose pose is taken, and what each model generates.

    Args:
        store: of the kept pictures.
        pairs: source and pose, int64 (M, 2).
        pictures: model -> uint8 (M, 3, H, W).
        scale: whole number by which the pictures grow.
        poses: the store of the poses; None: `store`.

    Raises:
        ValueError: there is no pair.
    """
    rows = []
    for column, place in enumerate((store, poses or store)):
        image = place.person(pairs[:, column], ("image",)).image
        assert image is not None
        rows.append(list(to_uint8(image)))
    rows += [list(generated.movedim(1, -1).contiguous().numpy()) for generated in pictures.values()]
    return sheet(rows, scale=scale, labels=["kept", "pose of", *pictures])
