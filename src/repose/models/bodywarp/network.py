"""Body warp, the second generation of Carry: geometry says where a pixel comes from, a network what of it is used.

    both skeletons -> both bodies -> where each pixel of the target lies in the source, and its mirror image
                      (`geometry`; no weights)
    source picture, its body  -> what shows the person (the matte), where the body misses it by a few pixels (the
                      misfit), features at H/4, H/8, H/16
    target body, what is carried along the geometry, the source's features along it
                      -> a residual of the flow (a few pixels), the outline, how far each candidate is believed, paint
    person  = w1 * carried + w2 * carried from the other side + w3 * painted
    picture = a * person + (1 - a) * the source's own surroundings, filled where the person stood
    where nothing moves, the picture is the source

The network works on `BodyWarpConfig.height` rows. A picture of a multiple of that is averaged for it, a smaller one is
enlarged; carried pixels are always taken from the picture itself (`BodyWarp.enlarge`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.body.joint_noise import FEWEST
from repose.models.base import Cutout, Generator, Needs, Output
from repose.models.bodywarp.composition import composed, hidden_by, resized
from repose.models.bodywarp.cutting import BORDER, JUMP, STEEP, SURELY, cut
from repose.models.bodywarp.geometry import BODY_MAPS, TRAITS, PairGeometry, pair_geometry
from repose.models.bodywarp.several import gather
from repose.nn.blocks import Residual, Stage, resized_rows, widest
from repose.person import Person
from repose.represent.flow import at_rest, warp

_PAINT, _OUTLINE, _WEIGHTS = 3, 1, 3
_NEVER = 1e4
_STRIP = 256  # rows of a cutout that are computed at a time, for memory
_SURE = 6.0  # a logit of the matte beside a known mask, at most
_OWN = 0.6  # of its own logits, beside those of the mask
_DOUBT = 6.0  # subtracted from the logit of a candidate that the source does not show


@dataclass(frozen=True)
class BodyWarpConfig:
    """Sizes of the generator; the defaults are the small one.

    Attributes:
        width: features at H/4; half as many at H/2, twice as many at H/8, three times as many at H/16.
        depth: residual blocks of a stage.
        heads: of the attention of H/8 to H/16.
        height: rows of the pictures that the network works on.
        reach: the largest residual of the flow, a share of the height.
        mirrored: whether the mirror image of the body is a second candidate.
        residual: whether the flow of the geometry is corrected.
    """

    width: int = 32
    depth: int = 2
    heads: int = 4
    height: int = 256
    reach: float = 0.035
    mirrored: bool = True
    residual: bool = True


class Attention(nn.Module):
    """The target's cells read the source's: multi-head cross-attention, added to the target's features."""

    def __init__(self, width: int, source: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.out = nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 1)
        self.key, self.value = nn.Conv2d(source, width, 1), nn.Conv2d(source, width, 1)

    def forward(self, target: Tensor, source: Tensor) -> Tensor:
        """(B, C, h, w) and (B, S, k, l) -> (B, C, h, w)."""
        q, k, v = (
            layer(x).reshape(x.shape[0], self.heads, -1, x[0, 0].numel())  # (B, heads, C / heads, cells)
            for layer, x in ((self.query, target), (self.key, source), (self.value, source))
        )
        # written out: at this size it is several times faster on a CPU than PyTorch's fused product
        chance = torch.softmax((q.transpose(2, 3) @ k).float() * q.shape[2] ** -0.5, -1).to(v.dtype)  # (B, heads, N, M)
        read = (v @ chance.transpose(2, 3)).reshape(target.shape)  # (B, C, h, w)
        added: Tensor = target + self.out(read)
        return added


class BodyWarp(Generator):
    """The generator. See the module's text and CARD.md."""

    needs = Needs(source=("image", "keypoints"), target=("keypoints",), multiple=8, joints=FEWEST, helps=("mask",))
    any_canvas = True
    gathers = True

    def __init__(self, config: BodyWarpConfig | None = None) -> None:
        super().__init__()
        config = config if config is not None else BodyWarpConfig()
        if min(config.width, config.depth, config.height) < 1 or config.width % 2 or 2 * config.width % config.heads:
            raise ValueError(
                f"BodyWarp: sizes must be 1 or more, width even, 2 width a multiple of heads; got {config}"
            )
        if not 0 < config.reach < 1:
            raise ValueError(f"BodyWarp: reach is a share of the height, got {config.reach}")
        self.config = config
        c2, c4, c8, c16, depth = config.width // 2, config.width, 2 * config.width, 3 * config.width, config.depth
        # the source
        self.source2 = nn.Conv2d(12 + BODY_MAPS, c2, 3, 1, 1)
        self.source4 = Stage(c2, c4, depth, stride=2)
        self.source8 = Stage(c4, c8, depth, stride=2)
        self.source16 = Stage(c8, c16, 1, stride=2)
        self.source_up8, self.source_after8 = nn.Conv2d(c16, c8, 1), Residual(c8)
        self.source_up4, self.source_after4 = nn.Conv2d(c8, c4, 1), Residual(c4)
        self.source_up2 = nn.Conv2d(c4, c2, 1)
        self.source_after2 = nn.Conv2d(2 * c2, c2, 3, 1, 1)
        self.to_matte = nn.Conv2d(c2, 4, 3, 1, 1)
        if config.residual:
            self.to_misfit = nn.Conv2d(c4, 2, 3, 1, 1)
        # the target
        candidates = 12 + 4 + (3 if config.mirrored else 0)
        self.target2 = nn.Conv2d(BODY_MAPS + TRAITS + candidates, c2, 3, 1, 1)
        self.target4 = Stage(c2, c4, 0, stride=2)
        self.join4 = Stage(2 * c4, c4, 1)
        self.target8 = Stage(c4, c8, 0, stride=2)
        self.join8 = Stage(2 * c8, c8, 1)
        self.attention = Attention(c8, c16, config.heads)
        self.target16 = Stage(c8, c16, 1, stride=2)
        self.up8, self.after8 = nn.Conv2d(c16, c8, 1), nn.Sequential(*(Residual(c8) for _ in range(depth)))
        self.up4 = nn.Conv2d(c8, c4, 1)
        self.after4 = nn.Sequential(*(Residual(c4) for _ in range(depth)))
        if config.residual:
            self.to_residual = nn.Conv2d(c4, 2, 3, 1, 1)
        self.up2 = nn.Conv2d(c4, c2, 1)
        self.head2 = Stage(2 * c2 + candidates + 4, c2 + 8, 1)
        self.to_picture = nn.Conv2d(c2 + 8, 4 * (_PAINT + _OUTLINE + _WEIGHTS), 3, 1, 1)
        self._initialise()

    # -- people to tensors --------------------------------------------------------------------------------------

    def working_size(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns that the network works on for a picture of this size."""
        factor = self.config.height / height
        if factor >= 1:
            times = max(1, round(factor))
            return height * times, width * times
        times = max(1, height // self.config.height)
        return height // times, width // times

    def check(self, source: Person, target: Person) -> None:
        """As every generator; a picture that is averaged needs sides that are multiples of more."""
        super().check(source, target)
        assert source.size is not None
        height, width = source.size
        multiple = 16 * max(1, height // self.config.height) if height > self.config.height else self.needs.multiple
        if height % multiple or width % multiple:
            raise ValueError(
                f"BodyWarp takes pictures of {height} rows with sides that are multiples of {multiple}, got "
                f"{height}x{width}; repose.represent.canvas pads or resizes"
            )

    def encode(self, source: Person, target: Person) -> tuple[Tensor, ...]:
        """The source picture (B, 3, H, W), and of working size (h, w): flow and mirrored flow (B, 2, h, w), traits
        (B, 7, h, w), maps of both bodies (B, 9, h, w); see `geometry.PairGeometry`."""
        assert source.image is not None
        assert source.keypoints is not None
        assert target.keypoints is not None
        assert source.size is not None
        size = self.working_size(*source.size)
        one, other = (_joints_on(size, keypoints, source.size) for keypoints in (source.keypoints, target.keypoints))
        geometry: PairGeometry = pair_geometry(one, other, *size)
        return source.image, geometry.flow, geometry.mirrored, geometry.traits, geometry.source, geometry.target

    def prepare(self, source: Person) -> tuple[Tensor, ...]:
        """Of the source: logits of the person, features at h/4, h/8 and h/16, and the surroundings without the person.

        The logits of a mask of the source, if there is one, are added to the network's own.

        Shapes as in `synthesise`; about a third of its time.
        """
        assert source.image is not None
        assert source.keypoints is not None
        assert source.size is not None
        size = self.working_size(*source.size)
        own = _joints_on(size, source.keypoints, source.size)
        mask = None if source.mask is None else resized(source.mask.float(), *size)
        return self._understand(resized(source.image, *size), pair_geometry(own, own, *size).source, mask)

    # -- tensors to the picture ---------------------------------------------------------------------------------

    def synthesise(self, *inputs: Tensor) -> Output:
        """The tensors of `encode`, and behind them those of `prepare` or none -> image (B, 3, H, W).

        extra, at the working size (h, w) unless said otherwise:
            person (B, 1, H, W): probability of the person. outline (B, 1, h, w): the same.
            core (B, 3, h, w): the picture at the working size. figure, painted, carried, surroundings (B, 3, h, w).
            flow (B, 2, h, w): where `carried` comes from, -1 to 1 from edge to edge. misfit (B, 2, h, w): how far in
            the source each point of the body is from where the geometry has it. correction (B, 2, h, w): by how much
            the flow differs besides.
            shares (B, 3, h, w): of carried, mirrored and painted. mask (B, 1, h, w): share that is carried.
            matte (B, 1, h, w): logits of the person in the source. still (B, 1, h, w): where the source stays.
        """
        photograph, flow, mirrored, traits, source_maps, target_maps = inputs[:6]
        height, width = flow.shape[-2:]
        image = resized(photograph, height, width)  # (B, 3, h, w)
        matte, misfit, s4, s8, s16, surroundings = inputs[6:] or self._understand(image, source_maps)
        extra: dict[str, Tensor] = {"matte": matte, "still": traits[:, 6:7]}
        near = (target_maps[:, 8:9] < 1).float()  # what is far from a body stays
        if self.config.residual:
            extra["misfit"] = misfit
            flow = flow + warp(misfit, flow) * near
            mirrored = mirrored + warp(misfit, mirrored) * target_maps[:, 7:8]

        chance = torch.sigmoid(matte.float())
        picture = torch.cat([image, chance * 2 - 1], 1)
        first = warp(picture, flow)  # (B, 4, h, w)
        other = warp(image, mirrored) if self.config.mirrored else None
        half = [_halved(x) for x in (target_maps, traits)]
        candidates = [F.pixel_unshuffle(first, 2)] + ([_halved(other)] if other is not None else [])
        t2 = self.target2(_inner(torch.cat([*half, *candidates], 1)))  # (B, C2, h/2, w/2)
        flow4, flow8 = (F.avg_pool2d(flow, times) for times in (4, 8))
        t4 = self.target4(F.relu(t2))
        t4 = self.join4(F.relu(torch.cat([t4, warp(s4, flow4).to(t4.dtype)], 1)))  # (B, C4, h/4, w/4)
        t8 = self.target8(F.relu(t4))
        t8 = self.join8(F.relu(torch.cat([t8, warp(s8, flow8).to(t8.dtype)], 1)))  # (B, C8, h/8, w/8)
        t8 = self.attention(t8, s16)
        t16 = self.target16(F.relu(_padded(t8)))
        t8 = self.after8(t8 + _upsampled(self.up8(t16), 2, t8))
        t4 = self.after4(t4 + _upsampled(self.up4(t8), 2))

        if self.config.residual:
            extra["correction"] = self._few_pixels(self.to_residual(F.relu(t4))) * near
            flow = flow + extra["correction"]
            first = warp(picture, flow)
        t2 = torch.cat([t2, _upsampled(self.up2(F.relu(t4)), 2)], 1)
        candidates[0] = F.pixel_unshuffle(first, 2)
        t2 = self.head2(_inner(torch.cat([F.relu(t2), *candidates, half[1][:, [0, 3, 4, 6]]], 1)))
        raw = _unpatterned(F.pixel_shuffle(self.to_picture(F.relu(t2)).contiguous(), 2).float())  # (B, 7, h, w)

        painted, outline = torch.tanh(raw[:, :3]), torch.sigmoid(raw[:, 3:4])
        shares = self._shares(raw[:, 4:], traits)
        carried = first[:, :3]
        aside = carried if other is None else other
        figure = shares[:, :1] * carried + shares[:, 1:2] * aside + shares[:, 2:] * painted
        core = composed(figure, surroundings, image, outline, extra["still"])
        extra |= {
            "outline": outline, "painted": painted, "carried": carried, "aside": aside, "shares": shares,
            "figure": figure, "surroundings": surroundings, "core": core, "flow": flow, "mirrored": mirrored,
            "mask": shares[:, :1] + shares[:, 1:2],
        }  # fmt: skip
        still = extra["still"]
        extra["person"] = still * chance + (1 - still) * outline
        output = Output(core, extra)
        if (height, width) != tuple(photograph.shape[-2:]):
            rows, columns = photograph.shape[-2:]
            extra["person"] = resized(extra["person"], rows, columns)
            output = Output(self.enlarge(output, photograph), extra)
        return output

    def surroundings(self, image: Tensor, matte: Tensor) -> Tensor:
        """The source without its person: each pixel of the person gets the colours around, the nearest the most.

        Args:
            image: (B, 3, h, w). matte: (B, 1, h, w) probability of the person.
        """
        hidden = hidden_by(matte, 2)
        return image * (1 - hidden) + _filled(image, 1 - hidden) * hidden

    def enlarge(self, output: Output, photograph: Tensor, coarser: float = 1.0) -> Tensor:
        """The result at the size of another picture of the source's crop: pixels are carried from that picture itself.

        Args:
            output: of `synthesise`. photograph: (B, 3, H, W) of the proportions of the working size (h, w).
            coarser: not used: a carried pixel is the photograph's at any scale.

        Returns:
            (B, 3, H, W) in [-1, 1].

        Raises:
            ValueError: other proportions.
        """
        core = output.extra["core"]
        (height, width), (rows, columns) = core.shape[-2:], photograph.shape[-2:]
        if (rows, columns) == (height, width):
            return core
        if rows * width != columns * height:
            raise ValueError(
                f"BodyWarp.enlarge: the photograph must have the proportions of {height}x{width}, got {rows}x{columns}"
            )
        # in strips: the fields at full size take many times the memory of the picture
        step = height if rows % height or rows < height else max(8, 500_000 // (columns * (rows // height)))
        rest = at_rest(photograph)
        parts = [
            self._enlarged_rows(output, photograph, rest, first, min(height, first + step))
            for first in range(0, height, step)
        ]
        return torch.cat(parts, 2) if len(parts) > 1 else parts[0]

    def cutout(self, output: Output, photograph: Tensor, matte: Tensor, everywhere: bool = True) -> Cutout:
        """The new figure alone, see `Generator.cutout`.

        Where its pixels are carried, its border is that of the photograph's own matte, carried too: as sharp as the
        photograph. The network's outline, at its working size, says where that border may be, within some pixels.
        """
        if photograph.device.type == "cpu" and len(photograph) == 1 and not torch.is_grad_enabled():
            return Cutout(*cut(output.extra, photograph, matte, self.config.mirrored, everywhere))
        source, rows = torch.cat([photograph, matte], 1), photograph.shape[-2]
        figure, alpha = torch.empty_like(photograph), torch.empty_like(matte)
        for top in range(0, rows, _STRIP):
            strip = slice(top, min(rows, top + _STRIP))
            figure[:, :, strip], alpha[:, :, strip] = self._cut(output.extra, source, strip)
        return Cutout(figure, alpha)

    def gather(self, sources: Person, target: Person, photographs: Tensor, detail: Tensor | None = None) -> Output:
        """Several photographs of one person in one picture, see `Generator.gather` and `several`."""
        self.check(sources[:1], target)
        return gather(self, sources, target, photographs, detail)

    # -- inside -------------------------------------------------------------------------------------------------

    def _enlarged_rows(self, output: Output, photograph: Tensor, rest: Tensor, first: int, last: int) -> Tensor:
        """Rows of `enlarge` that belong to the rows `first` to `last` (excluded) of the working size.

        The photograph is a whole number of times larger, or the rows are all of them. rest: `at_rest` of it.
        """
        extra, (height, _), (rows, columns) = output.extra, output.extra["core"].shape[-2:], photograph.shape[-2:]
        low, high = max(0, first - 4), min(height, last + 4)  # what a matte that is 2 rows wider may draw from
        part = slice(first * rows // height, last * rows // height)
        own = slice((first - low) * rows // height, (last - low) * rows // height)

        def sized(values: Tensor) -> Tensor:
            return resized(values[..., low:high, :].float(), (high - low) * rows // height, columns)

        def flow(name: str) -> Tensor:
            way = sized(extra[name] - at_rest(extra[name]))[..., own, :]
            return way + rest[..., part, :]

        straight, shares, image = flow("flow"), sized(extra["shares"])[..., own, :], photograph[..., part, :]
        figure = shares[:, :1] * warp(photograph, straight) + shares[:, 2:] * sized(extra["painted"])[..., own, :]
        mirrored = flow("mirrored") if self.config.mirrored else straight
        figure = figure + shares[:, 1:2] * warp(photograph, mirrored)
        hidden = hidden_by(torch.sigmoid(sized(extra["matte"])), max(1, 2 * rows // height))[..., own, :]
        around = image * (1 - hidden) + sized(extra["surroundings"])[..., own, :] * hidden
        outline, still = (sized(extra[name])[..., own, :] for name in ("outline", "still"))
        return composed(figure, around, image, outline, still).clamp(-1, 1)

    def _cut(self, extra: Mapping[str, Tensor], source: Tensor, strip: slice) -> tuple[Tensor, Tensor]:
        """Rows of a cutout: (B, 3, n, W) and (B, 1, n, W) of the source's picture and matte (B, 4, H, W)."""
        size = rows, _ = source.shape[-2], source.shape[-1]
        times = max(1.0, rows / extra["core"].shape[-2])
        reach = max(1, round(BORDER * times))
        # the border may move by `reach`, so the outline is looked at that much further
        above, below = min(reach, strip.start), min(reach, rows - strip.stop)
        outline = resized_rows(extra["outline"].float(), size, strip.start - above, strip.stop + below)
        # resized, its slope is `times` wider than it was
        sharp = torch.sigmoid(STEEP * times * (torch.logit(outline.clamp(1e-4, 1 - 1e-4)) - SURELY))
        least, most = -widest(-sharp, reach), widest(sharp, reach)
        end = sharp.shape[-2] - below
        sharp, least, most = (x[..., above:end, :] for x in (sharp, least, most))

        def enlarged(name: str) -> Tensor:
            return resized_rows(extra[name].float(), size, strip.start, strip.stop)

        def flow(name: str) -> Tensor:
            """Where pixels come from: ways are resized, so a flow at rest stays at rest.

            Between two limbs the flow jumps; half-way lies some third place, so only ways that are alike are mixed.
            """
            ways = extra[name] - at_rest(extra[name])
            return _enlarged_ways(ways, size, strip) + at_rest(source, strip)

        shares, still = enlarged("shares"), enlarged("still")
        own = warp(source, flow("flow"))  # (B, 4, n, W)
        border = torch.minimum(torch.maximum(own[:, 3:], least), most)
        carried = shares[:, :1]
        alpha = carried * border + (1 - carried) * sharp
        other = warp(source[:, :3], flow("mirrored")) if self.config.mirrored else own[:, :3]
        figure = carried * own[:, :3] + shares[:, 1:2] * other + shares[:, 2:] * enlarged("painted")
        here = source[..., strip, :]
        figure = (still * here[:, :3] + (1 - still) * figure).clamp(-1, 1)
        return figure, still * here[:, 3:] + (1 - still) * alpha

    def _few_pixels(self, raw: Tensor) -> Tensor:
        """(B, 2, h/4, w/4) -> ways (B, 2, h, w) of at most `reach`, where 2 is the whole picture."""
        height, width = raw.shape[-2:]
        reach = 2 * self.config.reach * torch.tensor([height / width, 1.0], device=raw.device).view(1, 2, 1, 1)
        return _upsampled(torch.tanh(raw.float()), 4) * reach

    def _understand(self, image: Tensor, maps: Tensor, mask: Tensor | None = None) -> tuple[Tensor, ...]:
        """The source: logits of the person (B, 1, h, w), the body's misfit (B, 2, h, w), features at h/4 to h/16, and
        its surroundings (B, 3, h, w). A mask (B, 1, h, w) that is known is one of two views of the person."""
        s2 = self.source2(_inner(torch.cat([F.pixel_unshuffle(image, 2), _halved(maps)], 1)))  # (B, C2, h/2, w/2)
        s4 = self.source4(F.relu(s2))
        s8 = self.source8(F.relu(s4))
        s16 = self.source16(F.relu(_padded(s8)))
        s8 = self.source_after8(s8 + _upsampled(self.source_up8(F.relu(s16)), 2, s8))
        s4 = self.source_after4(s4 + _upsampled(self.source_up4(F.relu(s8)), 2))
        m2 = torch.cat([s2, _upsampled(self.source_up2(F.relu(s4)), 2)], 1)
        m2 = self.source_after2(F.relu(_inner(m2)))
        matte = _unpatterned(F.pixel_shuffle(self.to_matte(F.relu(m2)).contiguous(), 2))
        if mask is not None:
            matte = _OWN * matte.clamp(-_SURE, _SURE) + torch.logit(mask, 0.01)
        misfit = (
            self._few_pixels(self.to_misfit(F.relu(s4))) if self.config.residual else torch.zeros_like(image[:, :2])
        )
        return matte, misfit, s4, s8, s16, self.surroundings(image, torch.sigmoid(matte.detach().float()))

    def _shares(self, logits: Tensor, traits: Tensor) -> Tensor:
        """(B, 3, h, w) that sum to 1: of carried, mirrored, painted."""
        seen, agreement, mirrored_seen = traits[:, 0:1], traits[:, 3:4], traits[:, 4:5]
        shown = torch.cat([torch.maximum(seen, agreement), mirrored_seen, torch.ones_like(seen)], 1)
        doubt = [_DOUBT, _DOUBT if self.config.mirrored else _NEVER, _DOUBT]
        if not self.config.mirrored:
            shown = shown * torch.tensor([1.0, 0.0, 1.0], device=shown.device).view(1, 3, 1, 1)
        return torch.softmax(logits - torch.tensor(doubt, device=shown.device).view(1, 3, 1, 1) * (1 - shown), 1)

    def _initialise(self) -> None:
        with torch.no_grad():
            for module in self.modules():
                if isinstance(module, nn.Conv2d):
                    nn.init.kaiming_normal_(module.weight)
                    assert module.bias is not None
                    module.bias.zero_()
            for module in self.modules():
                if isinstance(module, Residual):
                    module.conv2.weight.mul_(0.3)
                if isinstance(module, Attention):
                    module.out.weight.mul_(0.3)
            if self.config.residual:
                self.to_misfit.weight.zero_()
            for layer in (self.to_picture, self.to_matte, *([self.to_residual] if self.config.residual else [])):
                layer.weight.mul_(0.1)
            assert self.to_picture.bias is not None
            self.to_picture.bias[4 * 4 : 4 * 5] = 1.0  # of the carried pixels: at first they are believed


def _joints_on(size: tuple[int, int], keypoints: Tensor, before: tuple[int, int]) -> Tensor:
    """Keypoints of a picture of size `before` (H, W) in the pixels of one of another size."""
    if size == before:
        return keypoints
    joints = Person(keypoints=keypoints, size=before).resize(*size).keypoints
    assert joints is not None
    return joints


def _enlarged_ways(ways: Tensor, size: tuple[int, int], strip: slice) -> Tensor:
    """Rows of (B, 2, h, w) enlarged to (H, W): bilinear, but no way between two that differ by more than `JUMP`."""
    enlarged = resized_rows(ways, size, strip.start, strip.stop)
    if size == tuple(ways.shape[-2:]):
        return enlarged
    jumps = ((widest(ways, 1) + widest(-ways, 1)) > JUMP).any(1)  # (B, h, w)
    times = size[0] / ways.shape[-2], size[1] / ways.shape[-1]
    near = slice(max(0, int(strip.start / times[0]) - 1), int(strip.stop / times[0]) + 2)
    columns = torch.nonzero(jumps[:, near].any(1).any(0))[:, 0]
    if len(columns):
        first, last = int((int(columns[0]) - 1) * times[1]), int((int(columns[-1]) + 2) * times[1]) + 1
        part = slice(max(0, first), min(size[1], last))
        enlarged[..., part] = _alike(ways, size, strip, part)
    return enlarged


def _alike(x: Tensor, size: tuple[int, int], rows_of: slice, columns_of: slice) -> Tensor:
    """As `resized_rows`, but only those of the four neighbours are mixed that are alike and together weigh the most."""
    ends, shares = [], []
    for length, small, part in ((size[0], x.shape[-2], rows_of), (size[1], x.shape[-1], columns_of)):
        at = ((torch.arange(part.start, part.stop, device=x.device) + 0.5) * small / length - 0.5).clamp(0, small - 1)
        low = at.floor().long()
        ends.append((low, (low + 1).clamp_max(small - 1)))
        shares.append(at - low)
    (rows, columns), (down, right) = ends, (shares[0][:, None], shares[1])
    corners = [x[..., row, :][..., column] for row in rows for column in columns]
    weights = [v * u for v in (1 - down, down) for u in (1 - right, right)]  # (n, W) each
    best = torch.full_like(corners[0][:, :1], -1.0)
    mixed = torch.zeros_like(corners[0])
    for corner in corners:
        total, sum_of = torch.zeros_like(best), torch.zeros_like(mixed)
        for other, weight in zip(corners, weights, strict=True):
            alike = weight * ((other - corner).abs().amax(1, keepdim=True) < JUMP)
            total += alike
            sum_of += alike * other
        ahead = total > best
        best, mixed = torch.where(ahead, total, best), torch.where(ahead, sum_of / total.clamp_min(1e-9), mixed)
    return mixed


def _halved(x: Tensor) -> Tensor:
    """The mean of each 2x2 pixels; several times faster on a CPU than avg_pool2d."""
    x = x[..., 0::2, :] + x[..., 1::2, :]
    return (x[..., 0::2] + x[..., 1::2]) / 4


def _unpatterned(x: Tensor) -> Tensor:
    """Weighted by 1, 2, 1 along both sides: the four pixels of a cell must not differ by a pattern of their own, which
    pixel shuffling makes easy (Odena et al. 2016, "Deconvolution and Checkerboard Artifacts")."""
    x = F.pad(x, (1, 1, 1, 1), mode="replicate")
    x = (x[..., :-2, :] + x[..., 2:, :] + 2 * x[..., 1:-1, :]) / 4
    return (x[..., :-2] + x[..., 2:] + 2 * x[..., 1:-1]) / 4


def _inner(x: Tensor) -> Tensor:
    """With the channels innermost: there convolutions of many pixels take two thirds of the time on a CPU."""
    return x.contiguous(memory_format=torch.channels_last)


def _even(x: Tensor) -> Tensor:
    """With an even number of rows and columns: the last ones twice if need be."""
    rows, columns = x.shape[-2] % 2, x.shape[-1] % 2
    return F.pad(x, (0, columns, 0, rows), mode="replicate") if rows or columns else x


def _padded(x: Tensor) -> Tensor:
    """With an even number of rows and columns."""
    rows, columns = x.shape[-2] % 2, x.shape[-1] % 2
    return F.pad(x, (0, columns, 0, rows)) if rows or columns else x


def _upsampled(x: Tensor, times: int, like: Tensor | None = None) -> Tensor:
    """Bilinear, `times` as many pixels to either side; cut to the size of `like`."""
    out = F.interpolate(x, scale_factor=times, mode="bilinear", align_corners=False)
    return out if like is None else out[..., : like.shape[-2], : like.shape[-1]]


def _filled(image: Tensor, known: Tensor) -> Tensor:
    """A picture (B, 3, h, w) where what is not known (B, 1, h, w, 0 to 1) has the mean of what is known around it.

    A pyramid: each level is the weighted mean of 2x2, the finest level that knows something wins (Gortler et al. 1996,
    "The Lumigraph", pull-push).
    """
    levels = []
    colour, weight = image * known, known
    while True:
        levels.append((colour, weight))
        if min(weight.shape[-2:]) < 3:
            break
        colour, weight = (_halved(_even(x)) for x in (colour, weight))
        share = (4 * weight).clamp_max(1) / weight.clamp_min(1e-6)
        colour, weight = colour * share, weight * share
    colour, weight = levels.pop()
    filled = colour.sum((2, 3), keepdim=True) / weight.sum((2, 3), keepdim=True).clamp_min(1e-6)
    filled = colour + (1 - weight) * filled
    for colour, weight in reversed(levels):
        filled = _upsampled(filled, 2, weight)
        filled = colour + (1 - weight) * filled
    return filled


__all__ = ["BodyWarp", "BodyWarpConfig"]
