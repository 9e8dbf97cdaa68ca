"""Texture transfer: clothes of one photograph on the person of another, who keeps pose, build and surroundings.

PINet's section 3.5, equation 11, by a PINet; by every other model the person who wears the garment is brought into the
pose of the source first, and the garment's own pixels are laid into the outline that the source's garment has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.apps.clothes.cut import Cut, garment_cut, own_outline
from repose.apps.clothes.laying import SHADING, Fitting, exchanged, filled, fitting, into_photograph, posed, shaded
from repose.apps.clothes.outline import garment_outline
from repose.apps.garments import Garment, read_garments, require_worn
from repose.apps.people import Parsing, is_several, listed, listed_maps, parsed_person
from repose.estimate import Estimator, KeypointEstimator
from repose.images import ImageLike, same_kind
from repose.models.pinet.network import PINet
from repose.models.pinet.texture import transfer_texture
from repose.person import Person
from repose.pipeline import Model, load, require_mask, to_pixels, with_mask
from repose.pipeline.people import Joints
from repose.represent.choosing import Which
from repose.represent.framing import place_source
from repose.represent.label_tables import LabelsLike
from repose.represent.parsing import TO_PINET
from repose.represent.pose_files import MIN_SCORE


def texture(
    source: ImageLike | Sequence[ImageLike],
    condition: ImageLike,
    *,
    model: Model | str | Path = "default",
    labels: str | Sequence[str] = "shirt",
    shading: float = SHADING,
    pose: KeypointEstimator | str = "movenet",
    which: Which = "largest",
    condition_which: Which = "largest",
    source_keypoints: Joints | Sequence[Joints] = None,
    condition_keypoints: Joints = None,
    source_parsing: Parsing | Sequence[Parsing] = None,
    condition_parsing: Parsing = None,
    table: LabelsLike = None,
    parser: str | Estimator | None = None,
    mask: str | None = "auto",
    min_score: float = MIN_SCORE,
) -> Any:
    """Put the cloth of `condition` on the person of `source`: the garment's outline stays, its cloth is new.

    Args:
        source: a photograph, or a list of them, which gives a list.
        condition: the photograph of the clothes, worn by anybody in any pose; one for all sources.
        model: weights by name, a folder, or a loaded model. A PINet of two stages paints the garment by equation 11, on
            its canvas; any other model brings the condition's person into the pose of the source, and the garment's own
            pixels are taken from the photograph.
        labels: what is exchanged: names of `repose.apps.garments.GARMENTS` or labels of LIP, each from the same garment
            of the condition.
        shading: 0 to 1, how far the new garment takes the light and shade of the old one; not with a PINet.
        pose, which, source_keypoints, min_score: as in `repose.transfer`; of several sources the keypoints are a list.
        condition_which, condition_keypoints: the same for the condition.
        source_parsing, condition_parsing: label maps that a parser wrote, or Repose's labels (H, W); else estimated.
        table: of the labels in files, see `repose.represent.maps.read_parsing`.
        parser: the estimator of the parsing, or its name.
        mask: how the condition's person is cut out, see `repose.pipeline.with_mask`.

    Returns:
        A picture of the photograph's size, of the kind that `source` is; a list for a list. Pixels beyond the garment's
        border are the photograph's own.

    Raises:
        ValueError: an unknown garment, one that a person does not wear (the text says what they wear), shading beyond 0
            to 1, or a PINet of one stage.
        ImageError, NobodyFound, MissingFieldError: as of `repose.transfer`.

    Source: "Human Pose Transfer by Adaptive Hierarchical Deformation" (PINet), section 3.5, equation 11.

    Example:
        >>> repose.apps.texture("me.jpg", "friend.jpg", labels="shirt, trousers").save("me.png")  # doctest: +SKIP
    """
    garments = read_garments(labels)
    if not 0 <= shading <= 1:
        raise ValueError(f"shading is 0 to 1, got {shading}")
    if mask is not None:
        require_mask(mask)
    pictures = listed(source)
    maps = listed_maps(source_parsing, len(pictures), "source_parsing")
    known = [source_keypoints] if not isinstance(source_keypoints, list) or len(pictures) == 1 else source_keypoints
    known = known * len(pictures) if known == [None] else known
    if len(known) != len(pictures):
        raise ValueError(f"source_keypoints: {len(known)} entries for {len(pictures)} photographs")
    common: dict[str, Any] = {"table": table, "pose": pose, "min_score": min_score, "parser": parser}
    worn = parsed_person(condition, condition_parsing, which=condition_which, keypoints=condition_keypoints, **common)
    require_worn(worn, garments, _called(condition, "the condition"))
    painter = Texture(model if isinstance(model, Model) else load(model), worn, garments, shading, mask)
    results = []
    for picture, parsing, joints in zip(pictures, maps, known, strict=True):
        person = parsed_person(picture, parsing, which=which, keypoints=joints, **common)
        require_worn(person, garments, _called(picture, "the source"))
        results.append(same_kind(to_pixels(painter(person)), like=picture))
    return results if is_several(source) else results[0]


@dataclass(frozen=True)
class Laid:
    """One garment in the outline of another, in a crop of the photograph.

    Attributes:
        cloth: (3, k H, k W), to be looked at inside the region and a few pixels around.
        region: bool (k H, k W), where the picture changes.
    """

    cloth: Tensor
    region: Tensor


class Texture:
    """Clothes of one photograph, ready to be laid on many people.

    Args:
        model: a PINet of two stages, or any other.
        condition: unbatched, on the whole photograph, with image, joints and parsing.
        garments: that they wear. shading: see `texture`. mask: likewise.
        cut: of `repose.apps.clothes.cut.CUTS`: "own", the source's garment keeps its outline; "garment": sleeves and
            legs become as long as those of the new one. Not with a PINet.

    Raises:
        ValueError: a PINet of one stage.
    """

    def __init__(
        self,
        model: Model,
        condition: Person,
        garments: Sequence[Garment],
        shading: float = SHADING,
        mask: str | None = "auto",
        cut: Cut = "own",
    ) -> None:
        model.generator.eval()  # in training mode batch norm would mix the people
        self.model, self.garments, self.shading, self.cut = model, tuple(garments), shading, cut
        self.painted = isinstance(model.generator, PINet)
        self.condition = condition if self.painted or condition.mask is not None else with_mask(condition, mask)

    def __call__(self, source: Person) -> Tensor:
        """The source's photograph with the clothes, (3, H, W) in [-1, 1].

        Args:
            source: unbatched, on the whole photograph, with image, joints and parsing; they wear the garments.
        """
        if self.painted:
            return self._by_equation_11(source)
        into = fitting(self.model, source)
        picture, share = into.image, torch.zeros_like(into.image[:1])
        for garment in self.garments:
            laid = self.laid(into, garment)
            if laid is None:  # of so few pixels that the crop has none
                continue
            picture, changed = exchanged(picture, laid.cloth, laid.region, into.size)
            share = torch.maximum(share, changed)
        return into_photograph(into, picture, share)

    def laid(self, into: Fitting, garment: Garment) -> Laid | None:
        """One garment of the condition in the outline that it has on the source; None where the crop shows none."""
        region = into.region(garment_outline(into.person, garment))
        if not bool(region.any()):
            return None
        worn = posed(into, self.condition, garment_outline(self.condition, garment))
        outline = (
            garment_cut(into, self.condition, garment, worn, region) if self.cut == "garment" else own_outline(region)
        )
        cloth = filled(worn, outline.cloth, into.size)
        cloth = shaded(cloth, into.image, region & outline.cloth, into.size, self.shading)
        return Laid(outline.over(cloth), outline.region)

    def _by_equation_11(self, source: Person) -> Tensor:
        """Painted by PINet's image generator on its canvas, and brought back where the garments are."""
        assert isinstance(self.model.generator, PINet)
        canvas, device = self.model.canvas, self.model.device
        seen, placement = place_source(source, canvas)
        worn, _ = place_source(self.condition, canvas)
        names = tuple(dict.fromkeys(TO_PINET[label] for garment in self.garments for label in garment.labels))
        names += ("neck",) if "face" in names else ()  # LIP, whose names garments have, counts it as face
        given, wanted = (one.only("image", "keypoints", "parsing").batch().to(device) for one in (seen, worn))
        picture = transfer_texture(self.model.generator, given, wanted, names)[0].cpu()
        assert source.image is not None
        back = placement.back(picture, onto=source.image)
        region = torch.stack([garment_outline(source, garment) for garment in self.garments]).any(0)[None].float()
        share = F.avg_pool2d(region[None], 3, 1, 1, count_include_pad=False)[0] * region
        return torch.where(share > 0, share * back + (1 - share) * source.image, source.image)


def _called(picture: Any, what: str) -> str:
    """How a photograph is named in an error: by its file where it has one."""
    return str(picture) if isinstance(picture, str | Path) else what


__all__ = ["SHADING", "Laid", "Texture", "texture"]
