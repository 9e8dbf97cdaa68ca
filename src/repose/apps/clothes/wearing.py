"""Virtual try-on: the person of one photograph in a garment of another, by one of several ways."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from repose.apps import reconstruction
from repose.apps.clothes.bitwise import bitwise
from repose.apps.clothes.cut import CUTS, Cut
from repose.apps.clothes.flow import FIRST, First, FlowTryOn
from repose.apps.clothes.laying import SHADING
from repose.apps.clothes.texture import Texture
from repose.apps.garments import Garment, read_garments, require_worn
from repose.apps.people import Parsing, is_several, listed, listed_maps, parsed_person
from repose.estimate import Estimator, KeypointEstimator
from repose.images import ImageLike, same_kind
from repose.models.garment.network import GarmentFlow
from repose.models.weights import DEFAULT, find_weights, load_generator
from repose.names import nearest
from repose.person import Person
from repose.pipeline import Model, load, require_mask, to_pixels
from repose.pipeline.people import Joints
from repose.represent.choosing import Which
from repose.represent.framing import place_source
from repose.represent.label_tables import LabelsLike
from repose.represent.pose_files import MIN_SCORE

FLOW_WEIGHTS: Final = "garment-s-synthetic"
"""The flow network that came with this installation."""


@dataclass(frozen=True)
class Settings:
    """What a way may read beside the two people.

    Attributes:
        model: of pose transfer, or None for that way's own.
        flow: weights of the flow network, by name or folder. first: of `FIRST`.
        shading: 0 to 1. mask: how the garment's person is cut out.
        cut: of `CUTS`.
    """

    model: Model | str | Path = "default"
    flow: str | Path = FLOW_WEIGHTS
    first: First = "source"
    shading: float = SHADING
    mask: str | None = "auto"
    cut: Cut = "own"

    def loaded(self) -> Model:
        """The model of pose transfer."""
        return self.model if isinstance(self.model, Model) else load(self.model)


TryOn = Callable[[Person, Person, Sequence[Garment]], Tensor]
"""(source, garment's person, garments), both on their whole photographs with image, joints and parsing -> the source's
photograph, (3, H, W) in [-1, 1]."""


def flow_way(settings: Settings) -> TryOn:
    """Section 4.4 of HPN: the model, then the appearance flow network.

    Raises:
        ValueError: the weights are of another model.
    """
    return FlowTryOn(
        load_flow(settings.flow), settings.loaded(), settings.first, settings.shading, settings.mask, settings.cut
    )


def texture_way(settings: Settings) -> TryOn:
    """The model alone: `repose.apps.texture`."""
    model = settings.loaded()

    def put_on(source: Person, garment: Person, garments: Sequence[Garment]) -> Tensor:
        return Texture(model, garment, garments, settings.shading, settings.mask, settings.cut)(source)

    return put_on


def on_canvas(
    way: Callable[[Person, Person, tuple[str, ...], Model], Tensor], load_model: Callable[[Settings], Model]
) -> Callable[[Settings], TryOn]:
    """A way of a function that works on a model's canvas: (source, garment, labels, model) -> (3, H, W).

    Its picture comes back into the photograph where it differs from what the canvas showed before.
    """

    def make(settings: Settings) -> TryOn:
        model = load_model(settings)

        def put_on(source: Person, garment: Person, garments: Sequence[Garment]) -> Tensor:
            seen, placement = place_source(source, model.canvas)
            worn, _ = place_source(garment, model.canvas)
            labels = tuple(label for piece in garments for label in piece.labels)
            picture = way(seen, worn, labels, model)
            assert seen.image is not None
            assert source.image is not None
            changed = (picture != seen.image).any(0, keepdim=True).float().expand(3, -1, -1)
            share = placement.back(changed, onto=torch.zeros_like(source.image))
            back = placement.back(picture, onto=source.image)
            return torch.where(share > 0.5, back, source.image)

        return put_on

    return make


def _parsing_model(settings: Settings) -> Model:
    """The model by label maps of "bitwise"; its own weights stand for the default of pose transfer."""
    model = settings.model
    if isinstance(model, Model) and model.name == find_weights(DEFAULT).name:
        return load(reconstruction.DEFAULT, model.device.type)
    return reconstruction.require_model(reconstruction.DEFAULT if model == "default" else model)


WAYS: Final[dict[str, Callable[[Settings], TryOn]]] = {
    "flow": flow_way,
    "texture": texture_way,
    "bitwise": on_canvas(bitwise, _parsing_model),
}
"""Name of a way -> what makes it. `on_canvas` makes one of a function that knows a model's canvas alone."""


def load_flow(name: str | Path = FLOW_WEIGHTS) -> GarmentFlow:
    """A trained flow network by name or from its folder, in eval mode.

    Raises:
        ValueError: there are no such weights, or they are of another model.
    """
    generator, trained = load_generator(find_weights(name))
    if not isinstance(generator, GarmentFlow):
        raise ValueError(f"'{name}' is a {trained.model}, not an appearance flow network (recipe garment)")
    return generator.eval().requires_grad_(False)


def tryon(
    source: ImageLike | Sequence[ImageLike],
    garment: ImageLike,
    *,
    model: Model | str | Path = "default",
    way: str = "flow",
    labels: str | Sequence[str] = "shirt",
    cut: Cut = "own",
    first: First = "source",
    flow: str | Path = FLOW_WEIGHTS,
    shading: float = SHADING,
    pose: KeypointEstimator | str = "movenet",
    which: Which = "largest",
    garment_which: Which = "largest",
    source_keypoints: Joints = None,
    garment_keypoints: Joints = None,
    source_parsing: Parsing | Sequence[Parsing] = None,
    garment_parsing: Parsing = None,
    table: LabelsLike = None,
    parser: str | Estimator | None = None,
    mask: str | None = "auto",
    min_score: float = MIN_SCORE,
) -> Any:
    """Put a garment of the person on `garment` on the person of the photograph `source`.

    Args:
        source: a photograph, or a list of them, which gives a list.
        garment: the photograph of somebody who wears it, in any pose.
        model: of pose transfer.
        way: of `WAYS`. "flow": the model brings the garment's person into the pose `first`, and the appearance flow
            network lays the garment into the outline of the old one (HPN, section 4.4). "texture": the model alone.
            "bitwise": the label map is reconstructed in the looks of the garment's person, and the garment cut out of
            that (Roy et al., section 4.5.2); its model is one of a recipe multiscale-parsing-*.
        labels: what is tried on, see `repose.apps.texture`.
        cut: "own": the garment takes the outline of the old one; "garment": sleeves and legs become as long as those
            of the new one. That needs a photograph of it from the same side, with arms and legs free of the trunk.
        first: of "flow": the pose of the first step, "source" (the source's own), "frontal", or "none".
        flow: of "flow": weights of the flow network.
        shading: 0 to 1, how far the garment takes the light and shade of the old one.
        pose, which, source_keypoints, min_score: as in `repose.transfer`; keypoints of one source only.
        garment_which, garment_keypoints: the same for the garment's photograph.
        source_parsing, garment_parsing, table, parser, mask: see `repose.apps.texture`.

    Returns:
        A picture of the photograph's size, of the kind that `source` is; a list for a list.

    Raises:
        ValueError: an unknown way, pose or garment, a garment that a person does not wear (the text says what they
            wear), or shading beyond 0 to 1.
        ImageError, NobodyFound, MissingFieldError: as of `repose.transfer`.

    Source: "High-Resolution Pose Transfer via Progressive Training" (HPN), section 4.4.

    Example:
        >>> repose.apps.tryon("me.jpg", "friend.jpg", labels="shirt").save("me.png")  # doctest: +SKIP
    """
    garments = read_garments(labels)
    if way not in WAYS:
        raise ValueError(f"no way to try a garment on is called '{way}'; {nearest(way, WAYS)}")
    if first not in FIRST:
        raise ValueError(f"no pose of the first step is called '{first}'; {nearest(first, FIRST)}")
    if cut not in CUTS:
        raise ValueError(f"no cut is called '{cut}'; {nearest(cut, CUTS)}")
    if not 0 <= shading <= 1:
        raise ValueError(f"shading is 0 to 1, got {shading}")
    if mask is not None:
        require_mask(mask)
    pictures = listed(source)
    maps = listed_maps(source_parsing, len(pictures), "source_parsing")
    if source_keypoints is not None and len(pictures) > 1:
        raise ValueError("source_keypoints are of one photograph: call once for each source")
    common: dict[str, Any] = {"table": table, "pose": pose, "min_score": min_score, "parser": parser}
    owner = parsed_person(garment, garment_parsing, which=garment_which, keypoints=garment_keypoints, **common)
    require_worn(owner, garments, called(garment, "the garment's person"))
    put_on = WAYS[way](Settings(model, flow, first, shading, mask, cut))
    results = []
    for picture, parsing in zip(pictures, maps, strict=True):
        person = parsed_person(picture, parsing, which=which, keypoints=source_keypoints, **common)
        require_worn(person, garments, called(picture, "the source"))
        results.append(same_kind(to_pixels(put_on(person, owner, garments)), like=picture))
    return results if is_several(source) else results[0]


def called(picture: Any, what: str) -> str:
    """How a photograph is named in an error: by its file where it has one."""
    return str(picture) if isinstance(picture, str | Path) else what


__all__ = ["FLOW_WEIGHTS", "WAYS", "Settings", "TryOn", "flow_way", "load_flow", "on_canvas", "texture_way", "tryon"]
