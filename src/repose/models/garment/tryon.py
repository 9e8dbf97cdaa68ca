"""Virtual try-on's second step (HPN, section 4.4): a garment of one picture is put onto the person of another."""

from __future__ import annotations

import torch
from torch import Tensor

from repose.models.garment.network import GarmentFlow
from repose.person import Person


def dress(person: Person, garment: Person, generator: GarmentFlow) -> Tensor:
    """`person` with the garment of `garment` in place of their own.

    The new garment takes the outline of the old one: the text's two masks know no other. In its first step the text
    brings the person into a frontal pose by HPN; that picture, with its parsing, is `person` here.

    Args:
        person: image and parsing; batched, or a single one.
        garment: likewise: as many people, on the same canvas, who wear the garment.
        generator: in eval mode; in training mode batch norm would mix the batch.

    Returns:
        (B, 3, H, W), or (3, H, W) for a single person, in [-1, 1].

    Raises:
        ValueError: a field is missing, the two differ in canvas or number, or one of the people has no such garment.
    """
    wearer, wanted = person.batch(), garment.batch()
    if wearer.image is None:
        raise ValueError("dress needs person.image, the picture that the garment is put onto, which is missing")
    if len(wearer) != len(wanted):
        raise ValueError(f"dress takes one garment a person, got {len(wearer)} people and {len(wanted)} garments")
    generator.check(wanted, wearer)
    for role, people in (("person", wearer), ("garment", wanted)):
        bare = (generator.mask(people).flatten(1).amax(1) == 0).nonzero().flatten().tolist()
        if bare:
            raise ValueError(
                f"dress: no {', '.join(generator.config.labels)} in {role}.parsing (number {bare[0]} of the batch); "
                "give other people, or a generator whose config.labels name what they wear"
            )
    output = generator(wanted, wearer)
    dressed = torch.where(output.extra["garment_mask"] > 0, output.image, wearer.image)
    return dressed if person.batched else dressed[0]
