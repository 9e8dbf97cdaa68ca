"""Virtual try-on by reconstruction and bitwise refinement (Roy et al. 2022, section 4.5.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from repose.apps.garments import label_mask
from repose.person import LIP_LABELS, Person
from repose.pipeline import Model
from repose.represent.parsing import fold_neck


@dataclass(frozen=True)
class BitwiseSteps:
    """What the two steps of the try-on give, all on the model's canvas.

    Attributes:
        parsing: int64 (H, W), the label map of the source in the other's clothes.
        crude: (3, H, W) in [-1, 1], that map in the looks of the other person.
        mask: bool (H, W), the parts that are exchanged.
        image: (3, H, W) in [-1, 1], the parts from `crude`, all else from the source.
    """

    parsing: Tensor
    crude: Tensor
    mask: Tensor
    image: Tensor


def bitwise(source: Person, garment: Person, labels: Sequence[str], model: Model) -> Tensor:
    """The person of `source` in the clothes of `garment`: (3, H, W) in [-1, 1] on the canvas; see `bitwise_steps`."""
    return bitwise_steps(source, garment, labels, model).image


def bitwise_steps(source: Person, garment: Person, labels: Sequence[str], model: Model) -> BitwiseSteps:
    """I_fine = M_parts * I_crude + (1 - M_parts) * I_target, the equation of section 4.5.2, with its parts.

    The text calls our source the target person, and the one who wears the garment the reference. I_crude is the
    source's label map, reconstructed in the looks of the reference. M_parts is the mask of the selected parts in that
    map. Outside of it every pixel is the source's own. The garment takes the outline that the source's clothes have: a
    long sleeve does not become a short one.

    Args:
        source, garment: unbatched, on the model's canvas, with image and parsing.
        labels: of `repose.person.LIP_LABELS`, what is exchanged.
        model: of `repose.apps.reconstruction.require_model`.

    Raises:
        ValueError: one of the two wears none of these, or an image or a parsing is missing.
    """
    if source.image is None or source.parsing is None or garment.image is None or garment.parsing is None:
        raise ValueError("bitwise try-on needs image and parsing of both people; repose.apps.people.parsed_person")
    parsing = dressed_map(source.parsing, garment.parsing, labels)
    mask = label_mask(source.parsing, labels)
    crude = model(garment, replace(source, parsing=parsing))
    return BitwiseSteps(parsing, crude, mask, torch.where(mask, crude, source.image.cpu()))


def dressed_map(source: Tensor, garment: Tensor, labels: Sequence[str]) -> Tensor:
    """The label map of a person in the clothes of another one, who may wear a coat where they wear a shirt.

    A part among `labels` that the other does not wear gets the label of the one that they wear most.

    Args:
        source, garment: int64 (H, W), the neck counts as face. labels: what is exchanged.

    Raises:
        ValueError: one of the two wears none of these.
    """
    source, garment = fold_neck(source), fold_neck(garment)
    worn = {
        label: int((garment == LIP_LABELS.index(label)).sum())
        for label in labels
        if bool((garment == LIP_LABELS.index(label)).any())
    }
    mask = label_mask(source, labels)
    for there, who in ((bool(worn), "the person with the garment"), (bool(mask.any()), "the source")):
        if not there:
            raise ValueError(f"{who} wears nothing of {', '.join(labels)}; choose other labels, or another photograph")
    most = LIP_LABELS.index(max(worn, key=lambda label: worn[label]))
    return torch.where(
        mask & ~torch.isin(source, torch.tensor([LIP_LABELS.index(label) for label in worn])), most, source
    )


__all__ = ["BitwiseSteps", "bitwise", "bitwise_steps", "dressed_map"]
