"""A garment of one photograph, laid into the outline that a garment has in another.

    worn = posed(model, condition, source, mask)       the model carries it into the pose of the source
    cloth = filled(worn, region)                       what is not covered comes from the garment's own pixels
    cloth = shaded(cloth, old, region, amount)         the light and shade of the old garment
    picture = exchanged(photograph, cloth, region)     in the photograph, along its edges

All of it at the photograph's own resolution, in the crop that the model sees (`repose.represent.framing`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.models.base import Output
from repose.person import Person
from repose.pipeline import Model
from repose.pipeline.fields import complete_pose
from repose.represent.canvas import Placement
from repose.represent.flow import at_rest, warp
from repose.represent.framing import enlarged, place, place_source, times_of
from repose.represent.parsing import fold_neck
from repose.represent.retarget import person_size
from repose.scene.fill import fill, spread

SHADING: Final = 0.8
"""How far a new garment takes the light and shade of the old one, if nothing else is said."""

MOST_PIXELS: Final = 1_500_000
"""A garment is carried in a crop of at most so many pixels, for time."""

_RIM: Final = 0.004
"""The border of a label map may be wrong by so much, a share of the person's size: such pixels lend no colour."""

_SEAM: Final = 0.012
"""Where two pieces of cloth meet they are mixed over so much, a share of the person's size."""

_SHADE: Final = 0.05
"""Light and shade are what is left of brightness under a Gaussian of this sigma, a share of the person's size."""

_COVERED: Final = 0.35
"""Of a garment's outline: with less of it covered by the model, the cloth is laid by outline alone."""


@dataclass(frozen=True)
class Cloth:
    """A garment's pixels somewhere on a picture.

    Attributes:
        colours: (3, H, W) in [-1, 1]; beside the garment its colours go on.
        mask: (1, H, W) in [0, 1]: where the garment truly is.
    """

    colours: Tensor
    mask: Tensor


def cut_out(image: Tensor, mask: Tensor, rim: int) -> Cloth:
    """A garment of a picture, its colours carried beyond its border.

    Args:
        image: (3, H, W) in [-1, 1]. mask: bool (H, W). rim: pixels at the border that are left out.

    Returns:
        The cloth; nothing is left out of a garment that is narrower than two rims.
    """
    whole = mask[None].float()
    inner = -F.max_pool2d(-whole[None], 2 * rim + 1, 1, rim)[0] if rim else whole
    inner = inner if float(inner.sum()) > 0.3 * float(whole.sum()) else whole
    return Cloth(torch.where(inner > 0, image, nearest_colours(image, inner[0] > 0)), inner)


def nearest_colours(image: Tensor, known: Tensor) -> Tensor:
    """Each pixel in the colour of the nearest known one, softened with the distance: (3, H, W), bool (H, W)."""
    from scipy.ndimage import distance_transform_edt

    indices = distance_transform_edt(~known.numpy(), return_distances=False, return_indices=True)
    rows, columns = torch.from_numpy(indices.astype(np.int64))
    return 0.5 * (image[:, rows, columns] + spread(image, known[None].float()))


# -- into the pose --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Fitting:
    """A source, ready to be given clothes in its own pose.

    Attributes:
        person: on the whole photograph. model: that poses the people whose clothes are taken.
        placement: how the canvas lies in the photograph. target: the person on the canvas, as a pose.
        times: how many times larger than the canvas the crop is worked on.
        image: (3, k H, k W), the crop.
    """

    person: Person
    model: Model
    placement: Placement
    target: Person
    times: int
    image: Tensor

    def region(self, mask: Tensor) -> Tensor:
        """A mask of the photograph, bool (H, W), on the crop: bool (k H, k W)."""
        large, _ = place(Person(mask=mask[None].float()), self.placement.box, enlarged(self.model.canvas, self.times))
        assert large.mask is not None
        return large.mask[0] > 0.5

    @property
    def size(self) -> float:
        """How large the person is in the crop, pixels of it (`person_size`)."""
        assert self.target.keypoints is not None
        return float(person_size(self.target.keypoints)) * self.times


def fitting(model: Model, person: Person) -> Fitting:
    """A source, ready to be given clothes.

    Args:
        person: unbatched, on the whole photograph, with image, joints and parsing.
    """
    needs = model.generator.needs
    target, placement = place_source(person, model.canvas)
    target = complete_pose(target, needs)
    times = times_of(placement.box, model.canvas, MOST_PIXELS)
    large, _ = place(person.only("image"), placement.box, enlarged(model.canvas, times))
    assert large.image is not None
    return Fitting(person, model, placement, target, times, large.image)


@torch.no_grad()
def posed(into: Fitting, condition: Person, mask: Tensor, target: Person | None = None) -> Cloth:
    """A garment of another photograph in the pose of the source, as the model carries its person there.

    Args:
        condition: unbatched, on their whole photograph, with image, joints and parsing.
        mask: bool (H, W) of that photograph: the garment.
        target: another pose than the source's, unbatched, on the model's canvas.

    Returns:
        The cloth on the source's crop. The colours of a model that tells where its pixels come from (`extra["flow"]`)
        are the photograph's own; those of another are what it paints, and the mask is parsed anew.
    """
    model, needs = into.model, into.model.generator.needs
    condition, _ = model.completed(condition)
    seen, placement = place_source(condition, model.canvas)
    bare = Person(image=condition.image, mask=mask[None].float(), keypoints=condition.keypoints, size=condition.size)
    large, _ = place(bare, placement.box, enlarged(model.canvas, into.times))
    assert large.image is not None
    assert large.mask is not None
    assert large.keypoints is not None
    rim = max(1, round(_RIM * float(person_size(large.keypoints))))
    cloth = cut_out(large.image, large.mask[0] > 0.5, rim)
    given = seen.only(*needs.source, *needs.helps).batch().to(model.device)
    target = complete_pose(into.target if target is None else target, needs)
    wanted = target.only(*needs.target).batch().to(model.device)
    output = model.generator(given, wanted)
    if "flow" in output.extra:
        return _carried(output, cloth)
    return _parsed_anew(output, into, target, condition, mask)


def _carried(output: Output, cloth: Cloth) -> Cloth:
    """The garment along the flow of the model, and where that shows nothing along its second flow, if it has one."""
    flow = _at_size(output.extra["flow"].float().cpu(), cloth.colours)
    given = torch.cat([cloth.colours, cloth.mask])[None]
    first = warp(given, flow)[0]
    if "mirrored" not in output.extra or "shares" not in output.extra:
        return Cloth(first[:3], first[3:])
    second = warp(given, _at_size(output.extra["mirrored"].float().cpu(), cloth.colours))[0]
    shares = F.interpolate(
        output.extra["shares"].float().cpu(), cloth.colours.shape[-2:], mode="bilinear", align_corners=False
    )[0]
    one, other = shares[:1] * first[3:], shares[1:2] * second[3:]
    total = one + other
    colours = (one * first[:3] + other * second[:3]) / total.clamp_min(1e-4)
    colours = torch.where(total > 1e-3, colours, first[:3])
    # what the model would rather paint shows the garment's place, too, unless both flows miss it
    return Cloth(colours, torch.maximum(first[3:], second[3:] * (shares[1:2] > shares[:1])))


def _at_size(flow: Tensor, like: Tensor) -> Tensor:
    """A flow (1, 2, h, w) at the size of a picture; its ways are resized, so that one at rest stays at rest."""
    ways = F.interpolate(flow - at_rest(flow), like.shape[-2:], mode="bilinear", align_corners=False)
    return ways + at_rest(like)


def _parsed_anew(output: Output, into: Fitting, target: Person, condition: Person, mask: Tensor) -> Cloth:
    """What a model paints, and where a parser sees the garment's labels in it."""
    from repose.estimate import complete

    assert condition.parsing is not None
    numbers = torch.bincount(fold_neck(condition.parsing[mask]).flatten()).nonzero().flatten()
    picture = F.interpolate(output.image.float().cpu(), into.image.shape[-2:], mode="bicubic", align_corners=False)
    assert target.keypoints is not None
    points = target.keypoints.clone()
    points[:, :2] = ((points[:, :2] + 0.5) * into.times - 0.5) * (points[:, 2:] > 0)
    person = complete(Person(image=picture[0].clamp(-1, 1), keypoints=points), "parsing")[0]
    assert person.parsing is not None
    assert person.image is not None
    return cut_out(person.image, torch.isin(fold_neck(person.parsing), numbers), max(1, round(_RIM * into.size)))


# -- into the outline -----------------------------------------------------------------------------------------------


def filled(worn: Cloth, region: Tensor, size: float) -> Tensor:
    """Cloth over the whole of an outline: what the garment does not cover is continued from its own pixels.

    Args:
        worn: on the picture. region: bool (H, W), the outline. size: of the person, pixels.

    Returns:
        (3, H, W), to be looked at inside the region and a few pixels around.
    """
    known = (worn.mask[0] > 0.5) & region
    if int(known.sum()) < max(8, _COVERED * int(region.sum())):
        return laid(worn, region)
    top, bottom, left, right = _box(region, round(_SEAM * size) + 2)
    part, shown = worn.colours[:, top:bottom, left:right], known[top:bottom, left:right]
    wanted = region[top:bottom, left:right]
    out = worn.colours.clone()
    inside = fill(part, (~shown)[None].float()) if bool((wanted & ~shown).any()) else part
    seam = max(1, round(_SEAM * size))
    soft = F.avg_pool2d(shown[None, None].float(), 2 * seam + 1, 1, seam, count_include_pad=False)[0]
    share = ((soft - 0.5) * 2).clamp(0, 1) * shown
    out[:, top:bottom, left:right] = inside * (1 - share) + part * share
    return out


def laid(cloth: Cloth, region: Tensor) -> Tensor:
    """Cloth laid into an outline by centre and extent alone; (3, H, W).

    Args:
        cloth: anywhere on a picture of any size. region: bool (H, W) of another.
    """
    from repose.models.garment.network import aligned

    flow = aligned(cloth.mask[None] > 0.5, region[None, None])
    return warp(cloth.colours[None], flow)[0]


def shaded(cloth: Tensor, image: Tensor, region: Tensor, size: float, amount: float) -> Tensor:
    """Cloth in the light and shade of the garment that it replaces.

    Brightness is in linear light; of both garments what is left under a wide Gaussian, over the mean of the garment.

    Args:
        cloth: (3, H, W). image: (3, H, W), with the old garment. region: bool (H, W). size: of the person, pixels.
        amount: 0 leaves the cloth as it is, 1 takes all of the old garment's light and shade in place of its own.
    """
    if amount <= 0 or not bool(region.any()):
        return cloth
    sigma = max(1.0, _SHADE * size)
    old, new = (_shade(_linear(picture), region, sigma) for picture in (image, cloth))
    gain = (old / new).clamp(0.4, 2.5) ** amount
    return _levels(_linear(cloth) * gain)


def _shade(linear: Tensor, region: Tensor, sigma: float) -> Tensor:
    """The smooth brightness of a garment over its mean, (1, H, W); about 1."""
    grey = (linear * linear.new_tensor([0.2126, 0.7152, 0.0722]).view(3, 1, 1)).sum(0, keepdim=True) + 0.01
    on = region[None].float()
    smooth = _blurred(grey.log() * on, sigma) / _blurred(on, sigma).clamp_min(1e-3)
    mean = (grey.log() * on).sum() / on.sum()
    return (smooth - mean).exp()


def _blurred(x: Tensor, sigma: float) -> Tensor:
    """(1, H, W) under a Gaussian, on a reduced picture where it is wide."""
    from scipy.ndimage import gaussian_filter

    times = max(1, int(sigma // 4))
    small = F.avg_pool2d(x[None], times, ceil_mode=True, count_include_pad=False)
    soft = torch.from_numpy(gaussian_filter(small[0, 0].numpy(), sigma / times))
    return F.interpolate(soft[None, None], x.shape[-2:], mode="bilinear", align_corners=False)[0]


def _linear(image: Tensor) -> Tensor:
    return ((image.clamp(-1, 1) + 1) / 2) ** 2.2


def _levels(linear: Tensor) -> Tensor:
    return linear.clamp(0, 1) ** (1 / 2.2) * 2 - 1


# -- into the photograph --------------------------------------------------------------------------------------------


def exchanged(image: Tensor, cloth: Tensor, region: Tensor, size: float) -> tuple[Tensor, Tensor]:
    """A picture with other cloth in a region, along the picture's own edges.

    A label map's border is a few pixels off. In a band around it a pixel's share of the garment is told by its colour,
    between that of the garment inside and that of what is outside; where both are alike the border is soft.

    Args:
        image: (3, H, W). cloth: (3, H, W). region: bool (H, W). size: of the person, pixels.

    Returns:
        (3, H, W), the same pixels as `image` beyond the band; and the share of the new cloth, (1, H, W).
    """
    band = max(1, round(0.012 * size))
    on = region[None].float()
    inner = -_grown(-on, band) > 0.5
    outer = _grown(on, band) < 0.5
    near = ~inner & ~outer
    inside, outside = (_near_colours(image, known, band) for known in (inner, outer))
    way = inside - outside
    length = way.square().sum(0, keepdim=True)
    told = ((image - outside) * way).sum(0, keepdim=True) / length.clamp_min(1e-3)
    told = ((told - 0.15) / 0.7).clamp(0, 1)
    soft = F.avg_pool2d(on[None], 3, 1, 1, count_include_pad=False)[0]
    sure = ((length.sqrt() - 0.15) / 0.35).clamp(0, 1)  # colours that are too alike tell nothing
    share = sure * (0.75 * told + 0.25 * soft) + (1 - sure) * soft
    share = torch.where(near, share, inner.float())
    # what a border pixel shows of the old garment is taken out of it, and the new put in
    mixed = torch.where(near, image - share * (image - outside) * sure, image)
    result = torch.where(share > 0, share * cloth + (1 - share) * mixed, image)
    return result.clamp(-1, 1), share


def _grown(x: Tensor, by: int) -> Tensor:
    return F.max_pool2d(x[None], 2 * by + 1, 1, by)[0]


def _near_colours(image: Tensor, known: Tensor, band: int) -> Tensor:
    """The mean colour of the known pixels near by, (3, H, W)."""
    weight = known.float()
    radius = 2 * band
    sums = F.avg_pool2d((image * weight)[None], 2 * radius + 1, 1, radius)[0]
    shares = F.avg_pool2d(weight[None], 2 * radius + 1, 1, radius)[0]
    return torch.where(shares > 1e-3, sums / shares.clamp_min(1e-3), spread(image, weight))


def into_photograph(into: Fitting, picture: Tensor, share: Tensor) -> Tensor:
    """The whole photograph with what was changed in the crop; other pixels stay as they are, bit by bit.

    Args:
        picture: (3, k H, k W), the crop with other clothes. share: (1, k H, k W), 0 where nothing changed.
    """
    photograph = into.person.image
    assert photograph is not None
    placement = replace(into.placement, window=tuple(side * into.times for side in into.placement.window))  # type: ignore[arg-type]
    changed = placement.back(share.expand(3, -1, -1), onto=torch.zeros_like(photograph)) > 0
    return torch.where(changed, placement.back(picture, onto=photograph), photograph)


def _box(region: Tensor, room: int) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of the box around a region (H, W) with room, inside the picture."""
    rows, columns = (torch.nonzero(region.any(axis))[:, 0] for axis in (1, 0))
    height, width = region.shape
    return (
        max(0, int(rows[0]) - room), min(height, int(rows[-1]) + 1 + room),
        max(0, int(columns[0]) - room), min(width, int(columns[-1]) + 1 + room),
    )  # fmt: skip
