"""Several photographs of one person in one picture: every pixel from the view that shows it best.

    each photograph -> the light of the first (`exposure`) -> the network, alone -> its figure
    trust of a view = share that is carried x how surely and how squarely the photograph shows the point (`trust`)
    figure  = the figure of the most trusted view, pixel by pixel, with narrow soft borders (`leading`)
    picture = the figure before the surroundings of the first photograph

Where no view shows a point, the first view paints it, or carries it from the other side of the body.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.models.base import Generator, Output
from repose.models.bodywarp.composition import composed, resized
from repose.models.bodywarp.geometry import pair_geometry
from repose.person import Person
from repose.represent.flow import warp

_SHARPNESS: Final = 24.0  # of the softmax over trust: from one view to the next within about 3 pixels
_FIRST: Final = 0.08  # trust that the first view has more than the others: equal views do not take turns
_MIRRORED: Final = 0.25  # trust in the mirror image of a point, a share of that in the point itself
_NEAR: Final = 0.02  # share of the height over which trust is averaged, so that single pixels do not differ
_AROUND: Final = 0.08  # share of the height over which clothes and hair take the facing of the skin
_MATTE: Final = (0.3, 0.9)  # chance that a place shows the person, for no trust and for all of it
_GAIN: Final = (0.6, 1 / 0.6)  # of a channel of a further photograph: what differs more is not light
_OVERLAP: Final = (0.04, 0.1)  # share of the first body that another photograph shows, for no gain and for all of it
_SQUARE: Final = 0.35  # facing, at least, of skin whose colours are compared
_ALIKE: Final = 0.7  # cosine, at least, between its normals: who turns in a light is lit in another way
_USABLE: Final = (0.04, 0.96)  # values of channels that are compared: neither black nor saturated


def gather(
    generator: Generator, sources: Person, target: Person, photographs: Tensor, detail: Tensor | None = None
) -> Output:
    """`Generator.gather` of a body warp.

    Args:
        generator: a `BodyWarp`. sources, target, photographs, detail: see `Generator.gather`.

    Returns:
        image (1, 3, k H, k W). extra at the working size (h, w): person (1, 1, H, W); outline (1, 1, h, w); shares
        (1, 3, h, w) of carried, mirrored and painted; figure and core (1, 3, h, w); views (N, 1, h, w): the weight of
        each photograph, which sum to 1; gains (N, 3) by which its channels were multiplied.
    """
    count = len(photographs)
    inputs = generator.encode(sources, Person.stack([target[0]] * count) if count > 1 else target)
    height, width = inputs[1].shape[-2:]
    assert sources.keypoints is not None
    assert sources.size is not None
    joints = Person(keypoints=sources.keypoints, size=sources.size).resize(height, width).keypoints
    assert joints is not None
    gains = exposure(resized(inputs[0], height, width), joints)
    views = generator.synthesise(_brighter(inputs[0], gains), *inputs[1:])
    photographs = _brighter(photographs, gains)

    # where the first photograph stays, all of it stays, at the end
    still = (views.extra["still"] - views.extra["still"][:1]).clamp_min(0)
    extra = _standing(views.extra, resized(_brighter(inputs[0], gains), height, width), still)
    sure = trust(extra, inputs[3])
    if detail is not None:
        sure = sure * warp(_to(detail.float(), (height, width)), extra["flow"]).clamp(0, 1).sqrt()
    weights = leading(sure)
    first = {name: value[:1] for name, value in extra.items()}
    # at the border of the figure no view is sure, so the views that show what is near it say where it ends
    near = leading(_mean(sure, _AROUND), _SHARPNESS / 4)
    outline, shares = (near * extra["outline"]).sum(0, True), (weights * extra["shares"]).sum(0, True)
    figure = (weights * extra["figure"]).sum(0, True)

    size = tuple(photographs.shape[-2:])
    if size[0] % height or size[1] * height != size[0] * width:  # no multiple of the size that the network works on
        photographs = resized(photographs, height, width)
    ones, rest = torch.ones_like(extra["outline"]), torch.zeros_like(first["still"])
    # `enlarge` of nothing but the figure, and of nothing but the surroundings
    figures = generator.enlarge(_of(views.extra, extra["figure"], ones, still), photographs)
    around = generator.enlarge(_of(first, first["surroundings"], rest, rest), photographs[:1])
    large = photographs.shape[-2:]
    image = composed(
        (_to(weights, large) * figures).sum(0, True), around, photographs[:1], _to(outline, large),
        _to(first["still"], large),
    )  # fmt: skip
    image = resized(image, *size)
    core = composed(figure, first["surroundings"], resized(inputs[0][:1], height, width), outline, first["still"])
    chance = torch.sigmoid(first["matte"].float())
    shown = _to(first["still"] * chance + (1 - first["still"]) * outline, inputs[0].shape[-2:])
    return Output(
        image.clamp(-1, 1),
        {
            "person": shown, "outline": outline, "shares": shares, "figure": figure, "core": core,
            "surroundings": first["surroundings"], "still": first["still"], "views": weights, "gains": gains,
        },
    )  # fmt: skip


def trust(views: Mapping[str, Tensor], traits: Tensor) -> Tensor:
    """How surely each view shows what the target picture is to show, (N, 1, h, w) in [0, 1].

    Args:
        views: shares, matte, outline and flow of `BodyWarp.synthesise`, a batch of N views of one target.
        traits: (N, 7, h, w), see `PairGeometry`.
    """
    seen, facing, stretch, agreement, other_seen, other_facing = (traits[:, k : k + 1] for k in range(6))
    on_body = (facing != 0).float()
    square = facing.clamp_min(0) * seen
    skin, wide = (_mean(square, reach) / _mean(on_body, reach).clamp_min(1e-3) for reach in (_NEAR, _AROUND))
    square = torch.where(on_body > 0, torch.minimum(square.sqrt(), skin.sqrt()), wide.sqrt())
    stretch = torch.where(on_body > 0, stretch, torch.ones_like(stretch))
    shows = warp(torch.sigmoid(views["matte"].float()), views["flow"])  # the person, not what is behind
    shows = ((shows - _MATTE[0]) / (_MATTE[1] - _MATTE[0])).clamp(0, 1) * views["outline"]
    shares = views["shares"]
    direct = shares[:, :1] * torch.maximum(seen, agreement) * square * stretch.sqrt() * shows
    mirrored = shares[:, 1:2] * other_seen * other_facing.clamp_min(0).sqrt()
    return _mean(direct + _MIRRORED * (1 - direct) * mirrored, _NEAR)


def leading(sure: Tensor, sharpness: float = _SHARPNESS) -> Tensor:
    """Trust (N, 1, h, w) -> the weights of the views, which sum to 1: near 1 for the most trusted one.

    The first view leads where all are about equal.
    """
    ahead = torch.zeros(len(sure), 1, 1, 1, device=sure.device)
    ahead[0] = _FIRST
    return torch.softmax(sharpness * (sure + ahead), 0)


def exposure(images: Tensor, keypoints: Tensor) -> Tensor:
    """By how much the channels of each photograph are multiplied, so that the person is as light as in the first.

    The median ratio of what two photographs both show of the naked body, squarely and turned alike. Exposure and
    white balance multiply the channels of light, and so, by a power, those of a picture; they add nothing. The gains
    do not depend on a pose, so they are the same in all pictures of a clip.

    Args:
        images: (N, 3, h, w) in [-1, 1]. keypoints: (N, 18, 3) on them.

    Returns:
        (N, 3), within 0.6 and 1.67; 1 for the first, and for a photograph that hardly shows anything in the way of
        the first.
    """
    gains = torch.ones(len(images), 3, device=images.device)
    if len(images) < 2:
        return gains
    height, width = images.shape[-2:]
    geometry = pair_geometry(keypoints[1:], keypoints[:1].expand(len(images) - 1, -1, -1), height, width)
    # misplaced by a pixel or two, an average is still that of the same cloth
    bodies, square = geometry.target[:, 7:8], geometry.target[:, 5:6].abs()
    turned = (warp(geometry.source[:, 3:6], geometry.flow) * geometry.target[:, 3:6]).sum(1, True)  # cosine
    first, others = _mean(images[:1] / 2 + 0.5, _NEAR), _mean(warp(images[1:] / 2 + 0.5, geometry.flow), _NEAR)
    both = (geometry.traits[:, :1] > 0) & (torch.minimum(geometry.traits[:, 1:2], square) > _SQUARE)
    both = both & (turned > _ALIKE)
    low, high = (both & (end > _USABLE[0]) & (end < _USABLE[1]) for end in (first, others))  # (N - 1, 3, h, w)
    usable = (low & high).all(1)
    for row, (mask, body) in enumerate(zip(usable, bodies, strict=True)):
        share = float(mask.sum()) / max(1.0, float(body.sum()))
        belief = min(max((share - _OVERLAP[0]) / (_OVERLAP[1] - _OVERLAP[0]), 0.0), 1.0)
        if belief > 0:
            ratio = (first[0][:, mask] / others[row][:, mask]).median(1).values
            gains[row + 1] = ratio.clamp(*_GAIN) ** belief
    return gains


# -- inside ---------------------------------------------------------------------------------------------------------


def _standing(extra: Mapping[str, Tensor], images: Tensor, still: Tensor) -> dict[str, Tensor]:
    """What the views show, where nothing moves: their own pixels, all carried, within their own matte."""
    carried = torch.zeros_like(extra["shares"])
    carried[:, :1] = 1
    own = {"figure": images, "shares": carried, "outline": torch.sigmoid(extra["matte"].float())}
    return {**extra, **{name: still * value + (1 - still) * extra[name] for name, value in own.items()}}


def _of(extra: Mapping[str, Tensor], core: Tensor, outline: Tensor, still: Tensor) -> Output:
    """An output whose `enlarge` gives one part alone: the figure (outline 1) or the surroundings (outline 0)."""
    return Output(core, {**extra, "core": core, "outline": outline, "still": still})


def _brighter(images: Tensor, gains: Tensor) -> Tensor:
    """Pictures (N, 3, H, W) in [-1, 1] with their channels, from black, times gains (N, 3)."""
    return ((images + 1) * gains[:, :, None, None] - 1).clamp(-1, 1)


def _mean(x: Tensor, share: float) -> Tensor:
    """The mean over a square that reaches `share` of the height to either side; at the border of what is there."""
    reach = max(1, round(share * x.shape[-2]))
    x = F.avg_pool2d(x, (2 * reach + 1, 1), 1, (reach, 0), count_include_pad=False)
    return F.avg_pool2d(x, (1, 2 * reach + 1), 1, (0, reach), count_include_pad=False)


def _to(x: Tensor, size: tuple[int, ...] | torch.Size) -> Tensor:
    return x if tuple(x.shape[-2:]) == tuple(size) else F.interpolate(x, tuple(size), mode="bilinear")


__all__ = ["exposure", "gather", "leading", "trust"]
