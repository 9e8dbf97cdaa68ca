"""The ways of try-on that `repose research tryon` compares, as functions of two people on one canvas."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from repose.apps.clothes.cut import Cut
from repose.apps.clothes.flow import First, FlowTryOn
from repose.apps.clothes.texture import Texture
from repose.apps.clothes.wearing import FLOW_WEIGHTS, WAYS, Settings, load_flow
from repose.apps.garments import Garment
from repose.person import Person
from repose.pipeline import Model
from repose.research.tryon import Way, copied_garment, copied_source, mean_colour


def known_ways(model: Model, flow: str | Path = FLOW_WEIGHTS) -> dict[str, Way]:
    """Every way by the name that its result line has; what any other should beat comes first.

    Args:
        model: of pose transfer. flow: weights of the appearance flow network.
    """
    return {
        "source copied": copied_source,
        "mean colour": mean_colour,
        "garment copied": copied_garment,
        "flow alone": flow_way(model, flow, "none"),
        "frontal pose, then flow": flow_way(model, flow, "frontal"),
        "source's pose, then flow": flow_way(model, flow, "source"),
        "texture": texture_way(model, "own"),
        "flow, own cut": flow_way(model, flow, "source", "garment", keep=True),
        "texture, own cut": texture_way(model, "garment"),
        "bitwise": bitwise_way(),
    }


def texture_way(model: Model, cut: Cut) -> Way:
    """The model alone: as `repose.apps.texture` does it, or with the garment's own cut as `repose.apps.tryon`."""

    def way(source: Person, garment: Person, labels: tuple[str, ...]) -> Tensor:
        return Texture(model, garment, [Garment("garment", labels)], cut=cut)(source)

    return way


def flow_way(model: Model, flow: str | Path, first: First, cut: Cut = "own", keep: bool = False) -> Way:
    """The appearance flow network behind a model; see `repose.apps.clothes.flow.FlowTryOn`."""
    put_on = FlowTryOn(load_flow(flow), model, first, cut=cut, keep=keep)

    def way(source: Person, garment: Person, labels: tuple[str, ...]) -> Tensor:
        return put_on(source, garment, [Garment("garment", labels)])

    return way


def bitwise_way() -> Way:
    """The reconstruction of the label map, and the garment cut out of it; see `repose.apps.clothes.bitwise`."""
    put_on = WAYS["bitwise"](Settings())

    def way(source: Person, garment: Person, labels: tuple[str, ...]) -> Tensor:
        return put_on(source, garment, [Garment("garment", labels)])

    return way


def painted_way(model: Model) -> Way:
    """A model's whole picture of the garment's person in the source's pose, where the source's garment is.

    For comparison with networks that paint: the colours are those of the network's own picture, at its canvas.
    """

    def way(source: Person, garment: Person, labels: tuple[str, ...]) -> Tensor:
        place = Garment("garment", labels).mask(_parsing(source))
        assert source.image is not None
        return torch.where(place, model(garment, source), source.image)

    return way


def _parsing(person: Person) -> Tensor:
    assert person.parsing is not None
    return person.parsing


__all__ = ["bitwise_way", "flow_way", "known_ways", "painted_way", "texture_way"]
