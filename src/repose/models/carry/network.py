"""Carry, our own generator: it finds where each point of the target is in the source, and carries pixels from there.

    source picture, source pose -> features of the source at H/2, H/4, H/8
    target pose -> features of the target; at H/8 they read the source's by attention
    at H/4 every cell of the target looks for its own place among the source's: correspondence, first flow
    flow, refined at H/2 -> source features and the source picture itself, carried to the target
    picture = m * carried + (1 - m) * synthesised

A picture twice as high as the network works on (`CarryConfig.height`), or more, is averaged first; the flow that it
finds then carries what the average has lost (`Carry.enlarge`).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from repose.models.base import Generator, Needs, Output
from repose.nn.blocks import Residual, Stage
from repose.person import JOINTS, Person
from repose.represent.flow import at_rest, warp
from repose.represent.iuv import PARTS
from repose.represent.keypoints import BONES, bone_frames, heatmaps

POSE_MAPS = len(JOINTS) + 3 * len(BONES)


@dataclass(frozen=True)
class CarryConfig:
    """Sizes of the generator, and which of its parts it has; the defaults are the small one.

    Attributes:
        width: features at H/2; twice as many at H/4, four times at H/8.
        depth: residual blocks of every stage.
        match: channels of the queries and keys that find the correspondence.
        heads: of the attention at H/8.
        height: it works on pictures of that many rows, up to twice as many; one k times as high is averaged over k x k
            pixels first.
        frames: the pose as bone frames beside the joints' heatmaps, or as heatmaps alone.
        attend: whether features of the source are read by attention; without it both poses and the picture are
            joined as channels, as in a plain encoder-decoder.
        carry: whether pixels are carried; without it every pixel is synthesised.
        refine: whether the flow is refined at H/2.
    """

    width: int = 32
    depth: int = 2
    match: int = 32
    heads: int = 4
    height: int = 128
    frames: bool = True
    attend: bool = True
    carry: bool = True
    refine: bool = True


class Attention(nn.Module):
    """The target's cells read the source's: multi-head cross-attention, added to the target's features."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key = nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 1)
        self.value, self.out = nn.Conv2d(width, width, 1), nn.Conv2d(width, width, 1)

    def forward(self, target: Tensor, source: Tensor) -> Tensor:
        """(B, C, h, w) and (B, C, h, w) -> (B, C, h, w)."""
        q, k, v = (
            layer(x).reshape(x.shape[0], self.heads, -1, x[0, 0].numel()).transpose(2, 3)  # (B, heads, h w, C / heads)
            for layer, x in ((self.query, target), (self.key, source), (self.value, source))
        )
        read = F.scaled_dot_product_attention(q, k, v)
        read = read.transpose(2, 3).reshape(target.shape)  # (B, C, h, w)
        added: Tensor = target + self.out(read)
        return added


class Carry(Generator):
    """The generator. See the module's text and CARD.md."""

    needs = Needs(source=("image", "keypoints"), target=("keypoints",), multiple=8)
    any_canvas = True

    def __init__(self, config: CarryConfig | None = None) -> None:
        super().__init__()
        config = config if config is not None else CarryConfig()
        if min(config.width, config.depth, config.match, config.height) < 1 or 4 * config.width % config.heads:
            raise ValueError(f"Carry: sizes must be 1 or more, and 4 width a multiple of heads; got {config}")
        if config.carry and not config.attend:
            raise ValueError("Carry: pixels are carried along what attention finds; carry=True needs attend=True")
        self.config = config
        width, depth = config.width, config.depth
        pose = POSE_MAPS if config.frames else len(JOINTS)
        self.source2 = Stage(12, width, 1)
        self.source4 = Stage(width, 2 * width, 0, stride=2)
        self.source_pose = nn.Conv2d(pose, 2 * width, 3, 1, 1)
        self.source4_blocks = nn.Sequential(*(Residual(2 * width) for _ in range(depth)))
        self.source8 = Stage(2 * width, 4 * width, depth, stride=2)
        self.target4 = Stage(pose if config.attend else pose + 2 * width, 2 * width, depth)
        self.target8 = Stage(2 * width, 4 * width, 1, stride=2)
        if config.attend:
            self.attention1, self.attention2 = (Attention(4 * width, config.heads) for _ in range(2))
        self.between8 = Residual(4 * width)
        self.after8 = nn.Sequential(*(Residual(4 * width) for _ in range(depth)))
        self.up4 = nn.Conv2d(4 * width, 2 * width, 1)
        if config.attend:
            self.query, self.key = nn.Conv2d(2 * width, config.match, 1), nn.Conv2d(2 * width, config.match, 1)
            self.parts = nn.Conv2d(2 * width, PARTS + 1, 1)
        self.decode4 = Stage(4 * width + 3 if config.attend else 2 * width, 2 * width, depth)
        self.up2 = nn.Conv2d(2 * width, width, 1)
        if config.carry and config.refine:
            self.flow4 = nn.Conv2d(2 * width, 2, 3, 1, 1)
            self.flow2 = nn.Conv2d(2 * width, 2, 3, 1, 1)
        self.decode2 = Stage(2 * width if config.carry else width, width, depth)
        self.to_picture = nn.Conv2d(width, 4 * (3 + 1 + (1 if config.carry else 0)), 3, 1, 1)
        self._initialise()

    def shrink(self, height: int) -> int:
        """How many pixels of a picture so high make one of what the network sees, to either side."""
        return max(1, height // self.config.height)

    def check(self, source: Person, target: Person) -> None:
        """As every generator; a picture that is averaged needs sides that are multiples of more."""
        super().check(source, target)
        assert source.size is not None
        multiple = self.needs.multiple * self.shrink(source.size[0])
        if source.size[0] % multiple or source.size[1] % multiple:
            raise ValueError(
                f"Carry takes pictures of {source.size[0]} rows with sides that are multiples of {multiple}, got "
                f"{source.size[0]}x{source.size[1]}; repose.represent.canvas pads or resizes"
            )

    def encode(self, source: Person, target: Person) -> tuple[Tensor, ...]:
        """The source picture (B, 3, H, W) and both poses' maps at a quarter of what the network works on."""
        assert source.image is not None
        assert source.keypoints is not None
        assert target.keypoints is not None
        return source.image, *(self.pose_maps(p.keypoints, *source.image.shape[-2:]) for p in (source, target))  # type: ignore[arg-type]

    def pose_maps(self, keypoints: Tensor, height: int, width: int) -> Tensor:
        """(B, 18, 3) on a canvas (height, width) -> (B, C, height / 4k, width / 4k), k = `shrink`."""
        cell = 4 * self.shrink(height)
        rows, columns = height // cell, width // cell
        small = Person(keypoints=keypoints, size=(height, width)).resize(rows, columns).keypoints
        assert small is not None
        maps = heatmaps(small, rows, columns, "gaussian", sigma=0.03 * rows)
        return torch.cat([maps, bone_frames(small, rows, columns)], 1) if self.config.frames else maps

    def synthesise(self, *inputs: Tensor) -> Output:
        """image (B, 3, H, W), source and target pose (B, C, H/4k, W/4k), k = shrink -> image (B, 3, H, W).

        extra, all at the working size h = H/k, w = W/k unless said otherwise:
            person (B, 1, H, W): probability of the person.
            flow (B, 2, h, w): x and y in the source, -1 to 1 from edge to edge. mask (B, 1, h, w): share that is
            carried. carried (B, 3, h, w): the source along the flow. core (B, 3, h, w): the picture before `enlarge`.
            match (B, h w / 16, h w / 16): log-probability of every cell of the source (last) for one of the target.
            parts (B, 25, h/4, w/4): logits of DensePose's parts.
        """
        photograph, source_pose, target_pose = inputs
        config = self.config
        shrink = self.shrink(photograph.shape[-2])
        image = F.avg_pool2d(photograph, shrink) if shrink > 1 else photograph  # (B, 3, h, w)

        s2 = self.source2(F.pixel_unshuffle(image, 2))  # (B, F, h/2, w/2)
        s4 = self.source4_blocks(self.source4(s2) + self.source_pose(source_pose))  # (B, 2F, h/4, w/4)
        s8 = self.source8(F.relu(s4))  # (B, 4F, h/8, w/8)

        t4 = self.target4(target_pose if config.attend else torch.cat([target_pose, s4], 1))  # (B, 2F, h/4, w/4)
        t8 = self.target8(F.relu(t4))  # (B, 4F, h/8, w/8)
        if config.attend:
            t8 = self.attention1(t8, s8)
        t8 = self.between8(t8 if config.attend else t8 + s8)
        if config.attend:
            t8 = self.attention2(t8, s8)
        t8 = self.after8(t8)
        t4 = t4 + _upsample(self.up4(t8))  # (B, 2F, h/4, w/4)

        extra: dict[str, Tensor] = {}
        if config.attend:
            extra["parts"] = self.parts(t4)
            extra["match"] = self._match(t4, s4)  # (B, N, N)
            chance = extra["match"].exp()
            grid = at_rest(s4)  # (1, 2, h/4, w/4)
            # a sum, not a product of matrices: half precision would round a place by half a pixel
            place = (chance[:, None] * grid.flatten(2)[:, :, None]).sum(-1)  # (B, 2, N)
            place = place.reshape(-1, *grid.shape[1:])  # (B, 2, h/4, w/4)
            sure = chance.amax(-1).reshape_as(place[:, :1])  # (B, 1, h/4, w/4)
            read = _expected(chance, s4)  # (B, 2F, h/4, w/4)
            t4 = self.decode4(torch.cat([F.relu(t4), read, place - grid, sure], 1))
        else:
            t4 = self.decode4(F.relu(t4))
        t2 = _upsample(self.up2(F.relu(t4)))  # (B, F, h/2, w/2)
        if config.carry:
            cell = torch.tensor([2 / s4.shape[-1], 2 / s4.shape[-2]], device=t4.device).view(1, 2, 1, 1)
            if config.refine:
                place = place + cell * self.flow4(F.relu(t4))
            flow = _upsample_flow(place)  # (B, 2, h/2, w/2)
            if config.refine:
                carried2 = warp(s2, flow)
                flow = flow + cell * self.flow2(torch.cat([F.relu(t2), carried2], 1))
            t2 = torch.cat([t2, warp(s2, flow)], 1)  # (B, 2F, h/2, w/2)
        t2 = self.decode2(t2)  # (B, F, h/2, w/2)
        raw = F.pixel_shuffle(self.to_picture(F.relu(t2)), 2)  # (B, 5, h, w)
        core = torch.tanh(raw[:, :3])
        extra["person"] = torch.sigmoid(raw[:, 3:4])
        if config.carry:
            extra["flow"] = _upsample_flow(flow)  # (B, 2, h, w)
            extra["mask"] = torch.sigmoid(raw[:, 4:])
            extra["carried"] = warp(image, extra["flow"])
            core = extra["mask"] * extra["carried"] + (1 - extra["mask"]) * core
        extra["core"] = core
        output = Output(core, extra)
        if shrink > 1:
            extra["person"] = _upsample(extra["person"], shrink)
            output = Output(self.enlarge(output, photograph), extra)
        return output

    def enlarge(self, output: Output, photograph: Tensor, coarser: float = 1.0) -> Tensor:
        """The result at the size of a larger photograph: what the working size has lost is carried along the flow.

        Args:
            output: of `synthesise`. photograph: (B, 3, k h, k w), k whole: the source's crop, in more pixels.
            coarser: how many times more of the photograph a pixel of the target's crop shows than one of the source's;
                above 1 the picture lacks more than the working size of the source does, and more is carried.

        Returns:
            (B, 3, k h, k w) in [-1, 1]: the picture enlarged, plus the share of the photograph's fine detail.
        """
        core = output.extra["core"]
        times = photograph.shape[-1] // core.shape[-1]
        if photograph.shape[-2:] != (times * core.shape[-2], times * core.shape[-1]):
            raise ValueError(
                f"Carry.enlarge: the photograph must be a whole number of times {tuple(core.shape[-2:])}, got "
                f"{tuple(photograph.shape[-2:])}"
            )
        if times == 1:
            return core
        large = _upsample(core, times)
        if not self.config.carry:
            return large
        detail = photograph - _smooth(photograph, times, coarser)
        flow, mask = _upsample_flow(output.extra["flow"], times), _upsample(output.extra["mask"], times)
        return (large + mask * warp(detail, flow)).clamp(-1, 1)

    def _match(self, target: Tensor, source: Tensor) -> Tensor:
        """Log-probability over the source's cells for every cell of the target, (B, N, N)."""
        q, k = self.query(F.relu(target)).flatten(2), self.key(F.relu(source)).flatten(2)  # (B, C, N)
        return torch.log_softmax(q.transpose(1, 2) @ k / self.config.match**0.5, -1)

    def _initialise(self) -> None:
        """He's initialisation; a tenth of it where a branch is added to what it started from; no flow of its own."""
        for name, module in self.named_modules():
            if isinstance(module, nn.Conv2d):
                fan = module.in_channels * module.kernel_size[0] * module.kernel_size[1]
                gain = 0.1 if name.endswith(("conv2", "out", "to_picture")) else 0.01 if "flow" in name else 1.0
                if name in ("query", "key"):
                    gain = 0.7
                nn.init.normal_(module.weight, 0, gain * (2 / fan) ** 0.5)
                assert module.bias is not None
                nn.init.zeros_(module.bias)


def _upsample(x: Tensor, times: int = 2) -> Tensor:
    """(B, C, H, W) -> (B, C, times H, times W), bilinear."""
    return F.interpolate(x, scale_factor=float(times), mode="bilinear", align_corners=False)


def _smooth(photograph: Tensor, times: int, coarser: float) -> Tensor:
    """(B, C, H, W) -> the same shape: what a picture with times * coarser times fewer rows and columns shows of it."""
    if coarser <= 1:
        return _upsample(F.avg_pool2d(photograph, times), times)
    sides = [max(1, round(side / (times * coarser))) for side in photograph.shape[-2:]]
    small = F.interpolate(photograph, sides, mode="area")
    return F.interpolate(small, photograph.shape[-2:], mode="bilinear", align_corners=False)


def _upsample_flow(flow: Tensor, times: int = 2) -> Tensor:
    """Places (B, 2, H, W) -> (B, 2, times H, times W): ways are enlarged, so a flow at rest stays at rest."""
    way = _upsample(flow - at_rest(flow), times)
    return way + at_rest(way)


def _expected(chance: Tensor, values: Tensor) -> Tensor:
    """Mean of the source's values (B, C, h, w) under the chances (B, target, source) -> (B, C, h, w)."""
    return (values.flatten(2) @ chance.transpose(1, 2)).reshape(values.shape)
