"""What PATN's blocks change and where: the masks of Figure 10, and the picture after each block."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from repose.draw.panels import Panel, Pixels, enlargement, grid, heat, over, picture
from repose.models.patn.network import PATNGenerator
from repose.person import Person
from repose.represent.keypoints import draw_skeleton


def panels(generator: PATNGenerator, source: Person, target: Person) -> list[Panel]:
    """The masks of the blocks, and the picture after each. The ResNet generator has no masks.

    Args:
        source, target: batches of one, on the model's canvas.
    """
    masks = [] if generator.config.block == "resnet" else [_masks(generator, source, target)]
    return [*masks, steps(pictures(generator, source, target))]


def pictures(generator: PATNGenerator, source: Person, target: Person) -> list[Tensor]:
    """The decoder's picture of the image code before the first block and after each, (3, H, W) in [-1, 1]."""
    image, pose = generator.encode(source, target)
    decoded = []

    def decode(code: Tensor) -> None:
        decoded.append(generator.decoder(code)[0].tanh())

    if generator.config.block == "resnet":
        code = generator.encoder(image, pose)
        decode(code)
        for block in generator.blocks:
            code = block(code)
            decode(code)
        return decoded
    code, pose_code = generator.image_encoder(image, None), generator.pose_encoder(None, pose)
    decode(code)
    for block in generator.blocks:
        code, pose_code, _ = block(code, pose_code)
        decode(code)
    return decoded


def steps(pictures: Sequence[Tensor]) -> Panel:
    """The pictures before the first block and after each, (3, H, W), in one row."""
    names = ["before", *(f"block {i}" for i in range(1, len(pictures)))]
    return Panel(
        "steps",
        "The decoder's picture of the image code before the first block and after each block. The decoder was trained "
        "on the last code alone, so colours of the earlier ones are its guess; the shape is what moves.",
        grid([[picture(one) for one in pictures]], names, scale=max(1, enlargement(pictures[0].shape[-2]) // 2)),
    )


def _masks(generator: PATNGenerator, source: Person, target: Person) -> Panel:
    assert source.image is not None
    assert target.keypoints is not None
    image, masks = source.image[0], generator.masks(source, target)[0]  # (blocks, H/4, W/4)
    generated = generator(source, target).image[0]
    size = height, width = int(image.shape[-2]), int(image.shape[-1])
    ends = [(float(mask.min()), float(mask.max())) for mask in masks]
    rows: list[list[Pixels | None]] = [
        [
            picture(image),
            draw_skeleton(target.keypoints[0], height, width),
            *(heat(mask, size, *at) for mask, at in zip(masks, ends, strict=True)),
        ],
        [None, picture(generated), *(over(generated, mask, *at) for mask, at in zip(masks, ends, strict=True))],
    ]
    names = [f"block {i + 1}" for i in range(len(masks))]
    return Panel(
        "masks",
        "Attention masks of the blocks (Figure 10), mean over channels: yellow where a block adds most to the image "
        "code, blue where least; each mask has its own scale, from "
        + ", ".join(f"{low:.2f} to {high:.2f}" for low, high in ends)
        + ". Below over the generated picture.",
        grid(rows, ["source", "pose", *names], ["", "generated"], scale=max(1, enlargement(height) // 2)),
    )
