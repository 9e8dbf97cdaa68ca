"""Conditional semantic reconstruction (Roy et al. 2022, 4.5.1): one person's looks in the layout of a label map.

picture = repose.apps.reconstruct("me.jpg", "layout.png")
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from torch import Tensor

from repose.apps.layouts import LayoutLike, note_sizes, place_layout, read_layout
from repose.apps.people import Parsing, is_several, listed, listed_maps, parsed_person
from repose.estimate import KeypointEstimator
from repose.images import ImageLike, same_kind
from repose.models.multiscale.network import MultiScale
from repose.person import Person
from repose.pipeline import Joints, Model, load, to_pixels
from repose.represent.choosing import Which
from repose.represent.label_tables import LabelsLike
from repose.represent.pose_files import MIN_SCORE

DEFAULT: Final = "multiscale-parsing-s-synthetic"
"""The weights that reconstruct where nobody names others."""


@dataclass(frozen=True)
class Reconstruction:
    """A picture by a label map, with what it was computed from; all on the window of the model's canvas.

    Attributes:
        image: (3, H, W) in [-1, 1], the looks of the source in the layout.
        source: the source's picture, joints and labels.
        layout: the labels, and the picture if they were estimated from a photograph.
    """

    image: Tensor
    source: Person
    layout: Person


def reconstruct(
    source: ImageLike | Sequence[ImageLike],
    parsing: LayoutLike,
    *,
    model: Model | str | Path = DEFAULT,
    labels: LabelsLike = None,
    pose: KeypointEstimator | str = "movenet",
    which: Which = "largest",
    target_which: Which = "largest",
    source_keypoints: Joints = None,
    source_parsing: Parsing | Sequence[Parsing] = None,
    min_score: float = MIN_SCORE,
) -> Any:
    """Paint the person of `source` in the layout of a label map (Roy et al., section 4.5.1).

    Args:
        source: a photograph, or a list of them: path, PIL image, uint8 array (H, W, 3), or tensor (3, H, W).
        parsing: the layout: a label map (a file, a palette picture, whole numbers (H, W)), or a photograph, which is
            parsed. See `repose.apps.layouts.read_layout`.
        model: weights of a recipe that reads label maps, such as multiscale-parsing-s, or a loaded model.
        labels: the table of a map's file (lip, cihp, atr ...), or the names of its labels from number 0; None guesses.
        pose, which, source_keypoints, min_score: of the source, see `repose.transfer`.
        target_which: the same as `which`, for a photograph as the layout.
        source_parsing: the label map of the source where it is known, in the same table; of a list one each.

    Returns:
        A picture of the window of the model's canvas, of the kind that `source` is; of a list a list. It shows the
        person and what the network paints around them.

    Warns:
        UserWarning: the map is of another size than the photograph, or its table was guessed and is not LIP's.

    Raises:
        ImageError, NobodyFound, ValueError: what is wrong, where, and what to do.

    Example:
        >>> picture = repose.apps.reconstruct("me.jpg", "layout.png", labels="atr")  # doctest: +SKIP
        >>> picture.save("me_as_layout.png")  # doctest: +SKIP
    """
    pictures = listed(source)
    maps = listed_maps(source_parsing, len(pictures), "source_parsing")
    chosen = require_model(model)
    layout = read_layout(parsing, labels, pose=pose, which=target_which)
    results = []
    for picture, known in zip(pictures, maps, strict=True):
        person = parsed_person(
            picture, known, table=labels, pose=pose, which=which, keypoints=source_keypoints, min_score=min_score
        )
        results.append(same_kind(to_pixels(reconstruct_person(chosen, person, layout).image), like=picture))
    return results if is_several(source) else results[0]


def reconstruct_person(model: Model, source: Person, layout: Person) -> Reconstruction:
    """The same of people that are read already.

    Args:
        model: of `require_model`.
        source: unbatched, on the whole photograph, with image, joints and parsing.
        layout: of `repose.apps.layouts.read_layout`.

    Warns:
        UserWarning: the map is of another size than the photograph.
    """
    note_sizes(layout, source)
    placed, wanted = model.place(source), place_layout(layout, model.canvas)
    image = model(placed, wanted)
    take = model.canvas.take
    taken = take(Person(image=image)).image
    assert taken is not None
    return Reconstruction(taken, take(placed), take(wanted))


def require_model(model: Model | str | Path = DEFAULT) -> Model:
    """A model that reads label maps of source and target, loaded where it is a name.

    Raises:
        ValueError: no such weights, or a model that reads other things; the text names the recipes that do.
    """
    chosen = model if isinstance(model, Model) else load(model)
    generator = chosen.generator
    if not (isinstance(generator, MultiScale) and generator.config.pose == "parsing"):
        raise ValueError(
            f"'{chosen.name}' poses people by {' and '.join(generator.needs.target)}, not by a label map alone; "
            f"choose '{DEFAULT}' or a run of the recipes multiscale-parsing-s and multiscale-parsing-fashion"
        )
    return chosen


__all__ = ["DEFAULT", "Reconstruction", "reconstruct", "reconstruct_person", "require_model"]
