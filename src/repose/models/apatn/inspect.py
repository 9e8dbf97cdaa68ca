"""Where APATN's blocks take the new picture from: the masks of Figure 11, single joints, the picture step by step."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from repose.draw.panels import LOOKED_UP, Panel, Pixels, enlargement, grid, heat, over, picture
from repose.models.apatn.network import APATB, APATN
from repose.models.patn.inspect import steps
from repose.person import JOINTS, Person
from repose.represent.keypoints import draw_skeleton, skeleton_mask


def panels(generator: APATN, source: Person, target: Person) -> list[Panel]:
    """Attention of the person's pixels, attention of single joints, and the picture after each block.

    Args:
        source, target: batches of one, on the model's canvas. The person's pixels are those of the target's mask or
            parsing, where it has one, else those about its joints.
    """
    pictures, alignments = walk(generator, source, target)
    shown = [_masks(source, target, alignments, pictures[-1])]
    joints = _joints(source, target, alignments)
    return [*shown, *([] if joints is None else [joints]), steps(pictures)]


def walk(generator: APATN, source: Person, target: Person) -> tuple[list[Tensor], list[Tensor]]:
    """The pictures before the first block and after each, (3, H, W), and the alignment A of each block.

    An alignment is (h, w, h, w): the share that a place of the target (the first two) takes from each place of the
    source (the last two). The network itself never holds this matrix.
    """
    code, source_pose, target_pose = generator.codes(*generator.encode(source, target))
    height, width = code.shape[-2:]
    pictures, alignments = [generator.decode(code)[0]], []
    for block in generator.blocks:
        assert isinstance(block, APATB)
        alignments.append(block.alignment(source_pose, target_pose)[0].view(height, width, height, width))
        code, source_pose, target_pose = block(code, source_pose, target_pose)
        pictures.append(generator.decode(code)[0])
    return pictures, alignments


def inside(target: Person) -> tuple[Tensor, str]:
    """The person's pixels (H, W) of a batch of one, from 0 to 1, and where they are known from."""
    if target.mask is not None:
        return target.mask[0, 0].float(), "its mask"
    if target.parsing is not None:
        return (target.parsing[0] > 0).float(), "its parsing"
    assert target.keypoints is not None
    assert target.size is not None
    height, width = target.size
    reach = height / 32
    return skeleton_mask(target.keypoints[0], height, width, reach, reach)[0], "its joints, for want of a mask"


def _masks(source: Person, target: Person, alignments: list[Tensor], generated: Tensor) -> Panel:
    assert source.image is not None
    assert target.keypoints is not None
    image = source.image[0]
    size = height, width = int(image.shape[-2]), int(image.shape[-1])
    shape, known_from = inside(target)
    small = F.interpolate(shape[None, None], alignments[0].shape[:2], mode="area")[0, 0].to(alignments[0])
    weights = small / small.sum().clamp(min=1e-6)
    seen = [torch.einsum("yx,yxvu->vu", weights, alignment) for alignment in alignments]
    rows: list[list[Pixels | None]] = [
        [picture(image), draw_skeleton(target.keypoints[0], height, width), *(heat(one, size, 0) for one in seen)],
        [picture(generated), heat(shape, size, 0, 1), *(over(image, one, 0) for one in seen)],
    ]
    names = [f"block {i + 1}" for i in range(len(seen))]
    return Panel(
        "masks",
        "Where in the source the pixels inside the person of the target look (Figure 11), mean over those pixels: "
        f"yellow is most, blue nothing, each block by its own scale; below over the source. The person is known by "
        f"{known_from}; what is generated stands below the source.",
        grid(rows, ["source", "pose", *names], scale=max(1, enlargement(height) // 2)),
    )


def _joints(source: Person, target: Person, alignments: list[Tensor]) -> Panel | None:
    """Rows for joints that both have: the place of the target, and where each block looks for it in the source."""
    assert source.image is not None
    assert source.keypoints is not None
    assert target.keypoints is not None
    image = source.image[0]
    height, width = int(image.shape[-2]), int(image.shape[-1])
    cells_y, cells_x = alignments[0].shape[:2]
    rows: list[list[Pixels | None]] = []
    labels = []
    for name in LOOKED_UP:
        index = JOINTS.index(name)
        x, y, there = target.keypoints[0, index].tolist()
        if not there or not source.keypoints[0, index, 2] or not (-0.5 <= x < width - 0.5 and -0.5 <= y < height - 0.5):
            continue
        cell = int((y + 0.5) * cells_y / height), int((x + 0.5) * cells_x / width)
        place = torch.zeros(cells_y, cells_x)
        place[cell] = 1
        seen = [over(image, alignment[cell], 0) for alignment in alignments]
        skeleton = torch.from_numpy(draw_skeleton(target.keypoints[0], height, width).copy())
        shown = over(skeleton.permute(2, 0, 1) / 127.5 - 1, place, 0, 1)
        rows.append([shown, *seen])
        labels.append(name.replace("_", " "))
    if not rows:
        return None
    names = [f"block {i + 1}" for i in range(len(alignments))]
    return Panel(
        "joints",
        "Where in the source single places of the target look: yellow is most, each picture by its own scale. Left the "
        "place, a joint of the target pose.",
        grid(rows, ["place", *names], labels, scale=max(1, enlargement(height) // 2)),
    )
