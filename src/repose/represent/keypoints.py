"""Keypoints as tensors a network can read: heatmaps, limb maps, masks, a picture, and other skeletons' orders.

Everything is batched, runs on the keypoints' own device and takes keypoints as of `repose.person`: x, y in
pixel index units and visible, (18, 3) or (B, 18, 3). A joint is located where visible > 0; a missing one leaves no
trace.
"""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.names import nearest
from repose.person import JOINTS, LIMBS, Person

MASK_LIMBS: Final = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13),
    (1, 0), (0, 14), (14, 16), (0, 15), (15, 17), (1, 16), (1, 17), (8, 11), (11, 5), (8, 2), (16, 17),
)  # fmt: skip
"""The limbs of PG2's mask, which PATN's mask-SSIM takes over: 23 of them. Unlike `LIMBS` they close the torso
(hip to hip, hip to shoulder) and join the ears to the neck and to each other."""

BONES: Final = (
    (1, 0), (2, 5), (1, 8), (1, 11), (8, 11), (2, 3), (3, 4), (5, 6), (6, 7), (8, 9), (9, 10), (11, 12), (12, 13),
)  # fmt: skip
"""Pairs of joints whose frames cover the body once: head, shoulders, trunk, hips and the four limbs."""

Kind = Literal["gaussian", "disc", "point"]


def heatmaps(
    keypoints: Tensor, height: int, width: int, kind: Kind = "gaussian", sigma: float = 6.0, radius: float = 4.0
) -> Tensor:
    """One map per joint; a missing joint gives an all-zero map. Of one outside the canvas a Gaussian may reach inside.

    Args:
        keypoints: (18, 3) or (B, 18, 3).
        height, width: of the canvas, pixels.
        kind: "gaussian" is exp(-d^2 / 2 sigma^2), 1 at the joint (PATN on Market-1501); "point" a single 1 at the
            nearest pixel (PATN on DeepFashion, whose Gaussian is cast to uint8, and Multi-scale); "disc" is 1 at a
            distance of at most `radius`.
        sigma, radius: pixels.

    Returns:
        float32 (18, H, W) or (B, 18, H, W) in [0, 1], on the device of the keypoints.
    """
    if kind not in ("gaussian", "disc", "point"):
        raise ValueError(f"heatmaps: no kind {kind!r}; {nearest(kind, ('gaussian', 'disc', 'point'))}")
    x, y, located = _columns(keypoints)  # (B, 18) each
    columns = torch.arange(width, device=x.device, dtype=torch.float32)
    rows = torch.arange(height, device=x.device, dtype=torch.float32)
    if kind == "point":  # half goes up, as pixel k covers [k - 0.5, k + 0.5)
        across = (columns == torch.floor(x + 0.5)[..., None]).float()  # (B, 18, W)
        down = ((rows == torch.floor(y + 0.5)[..., None]) & located[..., None]).float()  # (B, 18, H)
        maps = down[..., :, None] * across[..., None, :]  # (B, 18, H, W)
    else:
        across = (columns - x[..., None]).square()
        down = (rows - y[..., None]).square()
        if kind == "gaussian":  # separable: two exponentials a line instead of one a pixel
            scale = -0.5 / (sigma * sigma)
            across = torch.exp(across * scale)
            down = torch.exp(down * scale) * located[..., None]
            maps = down[..., :, None] * across[..., None, :]
        else:
            left = torch.where(located[..., None], radius * radius - down, -torch.inf)  # what a row leaves for x
            maps = (across[..., None, :] <= left[..., :, None]).float()
    return maps[0] if keypoints.ndim == 2 else maps


def pose_maps(
    source: Person, target: Person, kind: Kind = "gaussian", sigma: float = 6.0, occluded: bool = True
) -> tuple[Tensor, Tensor]:
    """The joints of two batched people as `heatmaps` on their own canvases: (B, 18, H, W) each, in [0, 1].

    Args:
        source, target: with keypoints and a size. kind, sigma: as `heatmaps` takes them.
        occluded: whether joints that are located but not seen (visible below 1) are in the maps.
    """
    maps = []
    for person in (source, target):
        assert person.keypoints is not None
        assert person.size is not None
        joints = person.keypoints
        if not occluded:
            joints = torch.where(joints[..., 2:] >= 1, joints, torch.zeros_like(joints))
        maps.append(heatmaps(joints, *person.size, kind=kind, sigma=sigma))
    return maps[0], maps[1]


def places_of(keypoints: Tensor | npt.NDArray[np.float32]) -> int:
    """In how many different places the located joints of one person (18, 3) lie; below two, nothing can be posed."""
    return len({(x, y) for x, y, visible in keypoints.tolist() if visible > 0})


def limb_maps(
    keypoints: Tensor, height: int, width: int, half_width: float = 4.0, limbs: tuple[tuple[int, int], ...] = LIMBS
) -> Tensor:
    """One map per limb: 1 inside the quadrilateral from joint to joint that reaches `half_width` to either side.

    Args:
        keypoints: (18, 3) or (B, 18, 3).
        height, width, half_width: pixels. Of the border, the left and upper side belong to the quadrilateral and the
            right and lower do not: the rule of scan conversion, which the field's mask-SSIM was measured with.
        limbs: pairs of joints, `repose.person.LIMBS` or `MASK_LIMBS`.

    Returns:
        float32 (L, H, W) or (B, L, H, W), 0 or 1. A limb with a missing joint, or of no length, is empty.
    """
    x, y, located = _columns(keypoints)
    exact = torch.float32 if x.device.type == "mps" else torch.float64  # a border that meets pixels must not waver
    x, y = x.to(exact), y.to(exact)
    first, second = ([limb[end] for limb in limbs] for end in (0, 1))
    ax, ay, bx, by = x[:, first], y[:, first], x[:, second], y[:, second]  # (B, L)
    length = torch.hypot(bx - ax, by - ay)
    there = located[:, first] & located[:, second] & (length > 0)
    safe = torch.where(there, length, torch.ones_like(length))
    ux, uy = ((bx - ax) / safe)[..., None, None], ((by - ay) / safe)[..., None, None]
    # a pixel on the border is decided as if it lay a hair to the right and, by less still, below
    right, down = (1e-6, 1e-10) if exact == torch.float64 else (1e-3, 1e-5)
    dx = (torch.arange(width, device=x.device, dtype=exact) - ax[..., None] + right)[..., None, :]  # (B, L, 1, W)
    dy = (torch.arange(height, device=x.device, dtype=exact) - ay[..., None] + down)[..., :, None]  # (B, L, H, 1)
    # along = dx ux + dy uy in [0, length], aside = dx uy - dy ux in [-half_width, half_width]; compared line against
    # line, so that no float of (B, L, H, W) is ever written
    along, along_row = dx * ux, -dy * uy
    aside, aside_row = dx * uy, dy * ux
    inside = (along >= along_row) & (along <= along_row + length[..., None, None])
    inside &= (aside >= aside_row - half_width) & (aside <= aside_row + half_width)
    maps = (inside & there[..., None, None]).float()
    return maps[0] if keypoints.ndim == 2 else maps


def bone_frames(
    keypoints: Tensor, height: int, width: int, reach: float = 0.06, bones: tuple[tuple[int, int], ...] = BONES
) -> Tensor:
    """Where every pixel lies in the frame of every bone: how near, how far along, how far aside.

    A point of the body keeps about the same place along and aside of its bone when the pose changes, so two such maps
    say which pixels of two pictures belong together.

    Args:
        keypoints: (18, 3) or (B, 18, 3).
        height, width: of the canvas, pixels.
        reach: sigma of the Gaussian around a bone, a share of the height.
        bones: pairs of joints.

    Returns:
        float32 (3 N, H, W) or (B, 3 N, H, W): near in [0, 1], then near times the share along the bone (0 at the first
        joint, 1 at the second; of a bone shorter than a pixel, pixels), then near times the signed distance aside in
        units of 2 `reach` (positive where a person facing the camera with the bone downwards has their left). A bone
        with a missing joint gives zeros.
    """
    x, y, located = _columns(keypoints)  # (B, 18) each
    first, second = ([bone[end] for bone in bones] for end in (0, 1))
    ax, ay, bx, by = x[:, first], y[:, first], x[:, second], y[:, second]  # (B, N)
    there = (located[:, first] & located[:, second]).float()[..., None, None]
    length = torch.hypot(bx - ax, by - ay)
    points = length < 1e-3  # a bone that points at the camera: any direction will do
    safe = length.masked_fill(points, 1.0)
    ux, uy = ((bx - ax) / safe)[..., None, None], ((by - ay) / safe).masked_fill(points, 1.0)[..., None, None]
    length = length[..., None, None]
    dx = (torch.arange(width, device=x.device, dtype=torch.float32) - ax[..., None])[..., None, :]  # (B, N, 1, W)
    dy = (torch.arange(height, device=x.device, dtype=torch.float32) - ay[..., None])[..., :, None]  # (B, N, H, 1)
    sigma = reach * height
    along = dx * ux + dy * uy  # (B, N, H, W), pixels
    aside = (dx * uy - dy * ux) / (2 * sigma)
    beyond = (along - torch.minimum(along.clamp_min(0), length)) / (2 * sigma)
    near = there * torch.exp(-2 * (aside.square() + beyond.square()))
    along = along / length.clamp_min(1.0)
    maps = torch.cat([near, near * along.clamp(-1, 2), near * aside.clamp(-4, 4)], 1)
    return maps[0] if keypoints.ndim == 2 else maps


def skeleton_mask(
    keypoints: Tensor, height: int, width: int, radius: float = 4.0, half_width: float = 4.0, close: int = 5
) -> Tensor:
    """The mask of mask-SSIM (PG2, PATN): limbs as quadrilaterals, discs on the joints, closed by a square.

    Args:
        keypoints: (18, 3) or (B, 18, 3).
        height, width: of the canvas, pixels.
        radius: of the discs; a pixel at exactly this distance is out, as in the official code.
        half_width: of the limbs (`MASK_LIMBS`).
        close: side of the square of the closing, odd; 1 for none. Pixels outside the canvas take no part in it.

    Returns:
        float32 (1, H, W) or (B, 1, H, W), 0 or 1.
    """
    if close < 1 or close % 2 == 0:
        raise ValueError(f"skeleton_mask: close is the side of a square and must be odd, got {close}")
    batch = keypoints if keypoints.ndim == 3 else keypoints[None]
    drawn = [_drawn_mask(one, height, width, radius, half_width) for one in batch.detach().float().cpu().numpy()]
    closed = [~_dilated(~_dilated(mask, close), close) for mask in drawn]
    out = torch.from_numpy(np.stack(closed)) if closed else torch.zeros(0, height, width)
    mask = out[:, None].to(keypoints.device, torch.float32)  # (B, 1, H, W)
    return mask[0] if keypoints.ndim == 2 else mask


def _drawn_mask(
    joints: npt.NDArray[np.float32], height: int, width: int, radius: float, half_width: float
) -> npt.NDArray[np.bool_]:
    """The union of the maps of `limb_maps` and of `heatmaps`' open discs, (H, W): each drawn in its box alone."""
    mask = np.zeros((height, width), bool)
    points, there = joints[:, :2].astype(np.float64), joints[:, 2] > 0

    def box(*places: npt.NDArray[np.float64], reach: float) -> tuple[slice, slice]:
        low, high = np.min(places, 0) - reach, np.max(places, 0) + reach
        (left, top), (right, bottom) = np.floor(low).astype(int), np.ceil(high).astype(int) + 1
        return slice(max(top, 0), max(min(bottom, height), 0)), slice(max(left, 0), max(min(right, width), 0))

    columns, rows = np.arange(width, dtype=np.float64), np.arange(height, dtype=np.float64)[:, None]
    for first, second in MASK_LIMBS:
        a, b = points[first], points[second]
        length = np.hypot(*(b - a))
        if not (there[first] and there[second] and length > 0):
            continue
        place = box(a, b, reach=half_width + 1)
        ux, uy = (b - a) / length
        dx, dy = columns[place[1]] - a[0] + 1e-6, rows[place[0]] - a[1] + 1e-10  # the hair of `limb_maps`
        along, along_row = dx * ux, -dy * uy
        aside, aside_row = dx * uy, dy * ux
        inside = (along >= along_row) & (along <= along_row + length)
        mask[place] |= inside & (aside >= aside_row - half_width) & (aside <= aside_row + half_width)
    below = np.float32((radius - 1e-3) ** 2)  # the open disc: no pixel centre of a whole-pixel joint lies between
    for x, y in joints[there, :2]:
        place = box(np.array([x, y], np.float64), reach=radius + 1)
        across = np.square(columns[place[1]].astype(np.float32) - x)
        down = np.square(rows[place[0]].astype(np.float32) - y)
        mask[place] |= across <= below - down
    return mask


def _dilated(mask: npt.NDArray[np.bool_], size: int) -> npt.NDArray[np.bool_]:
    """(H, W) under an odd square of ones: what lies outside is empty."""
    for axis in (0, 1):
        before = [(0, 0), (0, 0)]
        before[axis] = (size // 2, size // 2)
        wide = np.moveaxis(np.pad(mask, before), axis, 0)
        span = 1
        while 2 * span <= size:  # wide[i] covers `span` places from i on
            wide = wide[: len(wide) - span] | wide[span:]
            span *= 2
        rest = size - span
        mask = np.moveaxis(wide[: len(wide) - rest] | wide[rest:], 0, axis)
    return mask


def draw_skeleton(keypoints: Tensor, height: int, width: int) -> npt.NDArray[np.uint8]:
    """A coloured skeleton on black for contact sheets; the person's right side is warm, the left side cold.

    Args:
        keypoints: (18, 3).
        height, width: of the picture, pixels; line width and joint size follow the smaller one.

    Returns:
        uint8 (H, W, 3), RGB. Occluded joints and their limbs are drawn at half brightness.
    """
    if keypoints.ndim != 2:
        raise ValueError(f"draw_skeleton: one person (18, 3) at a time, got {tuple(keypoints.shape)}")
    keypoints = keypoints.detach().float().cpu()
    thick = min(height, width) / 64
    limbs = limb_maps(keypoints, height, width, half_width=thick)  # (19, H, W)
    joints = heatmaps(keypoints, height, width, "disc", radius=1.6 * thick)  # (18, H, W)
    first, second = ([limb[end] for limb in LIMBS] for end in (0, 1))
    shade = keypoints[:, 2]
    limbs = limbs * torch.minimum(shade[first], shade[second])[:, None, None] * 0.7
    joints = joints * shade[:, None, None]
    strokes = torch.cat([limbs, joints])  # (37, H, W)
    colours = torch.tensor([_COLOURS[limb[1]] for limb in LIMBS] + list(_COLOURS), dtype=torch.float32)
    bright = strokes[..., None] * colours[:, None, None, :]  # (37, H, W, 3)
    picture: npt.NDArray[np.uint8] = bright.amax(0).round().to(torch.uint8).numpy()
    return picture


# -- other skeletons ------------------------------------------------------------------------------------------------

Skeleton = Literal["openpose18", "body25", "body25b", "coco17", "halpe26", "blazepose33"]

SKELETONS: Final[dict[str, tuple[str, ...]]] = {
    "openpose18": JOINTS,
    "body25": (
        "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
        "mid_hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
        "right_eye", "left_eye", "right_ear", "left_ear",
        "left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel",
    ),
    "coco17": (
        "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
        "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip",
        "left_knee", "right_knee", "left_ankle", "right_ankle",
    ),
    "body25b": (
        "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
        "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip",
        "left_knee", "right_knee", "left_ankle", "right_ankle", "upper_neck", "head_top",
        "left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel",
    ),
    "halpe26": (
        "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder",
        "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip",
        "left_knee", "right_knee", "left_ankle", "right_ankle", "head_top", "neck", "mid_hip",
        "left_big_toe", "right_big_toe", "left_small_toe", "right_small_toe", "left_heel", "right_heel",
    ),
    "blazepose33": (
        "nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye", "right_eye_outer",
        "left_ear", "right_ear", "mouth_left", "mouth_right", "left_shoulder", "right_shoulder",
        "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_pinky", "right_pinky",
        "left_index", "right_index", "left_thumb", "right_thumb", "left_hip", "right_hip",
        "left_knee", "right_knee", "left_ankle", "right_ankle", "left_heel", "right_heel",
        "left_foot_index", "right_foot_index",
    ),
}  # fmt: skip
"""The joints of the skeletons that estimators and files use, in their order. MoveNet's is "coco17"."""

_MIDDLES: Final = {"neck": ("left_shoulder", "right_shoulder"), "mid_hip": ("left_hip", "right_hip")}


def from_skeleton(
    points: Tensor,
    skeleton: Skeleton,
    order: Literal["xy", "yx"] = "xy",
    threshold: float = 0.0,
    seen: float | None = None,
    size: tuple[int, int] | None = None,
) -> Tensor:
    """Another skeleton's joints -> Repose's 18; a neck that is not in the skeleton is the shoulders' midpoint.

    Args:
        points: (..., N, 3): two coordinates and a score, N as `SKELETONS[skeleton]` says.
        skeleton: whose order the joints have.
        order: of the two coordinates; MoveNet gives "yx".
        threshold: a joint is located where its score is at least this and above 0.
        seen: a located joint with a score below this counts as occluded (visible 0.5); None: all are seen.
        size: (height, width) if the coordinates are normalised, 0 and 1 being the edges of the picture;
            None if they are pixel indices already.

    Returns:
        float32 (..., 18, 3), missing joints all 0. A coordinate that is not finite makes a joint missing.
    """
    names = _skeleton(skeleton)
    if points.ndim < 2 or points.shape[-2:] != (len(names), 3):
        raise ValueError(f"from_skeleton: {skeleton} needs points (..., {len(names)}, 3), got {tuple(points.shape)}")
    points = points.float()
    x, y = (points[..., 0], points[..., 1]) if order == "xy" else (points[..., 1], points[..., 0])
    if size is not None:
        x, y = x * size[1] - 0.5, y * size[0] - 0.5
    score = points[..., 2]
    located = (score > 0) & (score >= threshold) & torch.isfinite(x) & torch.isfinite(y)
    visible = located.float() if seen is None else located * torch.where(score >= seen, 1.0, 0.5)
    whole = torch.stack([x, y, visible], dim=-1)
    whole = torch.where(located[..., None], whole, torch.zeros_like(whole))
    return torch.stack([_joint(whole, names, name) for name in JOINTS], dim=-2)


def to_skeleton(keypoints: Tensor, skeleton: Skeleton) -> Tensor:
    """Repose's (..., 18, 3) -> another skeleton's (..., N, 3): x, y, visible; joints that Repose lacks are 0."""
    names = _skeleton(skeleton)
    return torch.stack([_joint(keypoints, JOINTS, name) for name in names], dim=-2)


def _joint(points: Tensor, names: tuple[str, ...], name: str) -> Tensor:
    """One joint (..., 3) by name: looked up, or the middle of two, or missing."""
    if name in names:
        return points[..., names.index(name), :]
    if name not in _MIDDLES:
        return torch.zeros_like(points[..., 0, :])
    left, right = (points[..., names.index(end), :] for end in _MIDDLES[name])
    visible = torch.minimum(left[..., 2], right[..., 2])
    middle = torch.cat([(left[..., :2] + right[..., :2]) / 2, visible[..., None]], dim=-1)
    return torch.where(visible[..., None] > 0, middle, torch.zeros_like(middle))


# -- inside ---------------------------------------------------------------------------------------------------------

_COLOURS: Final = (
    (255, 255, 255), (255, 255, 255),
    (255, 60, 40), (255, 130, 0), (255, 200, 0),
    (40, 110, 255), (0, 180, 255), (0, 240, 220),
    (255, 0, 120), (255, 80, 170), (255, 150, 210),
    (110, 60, 255), (90, 130, 255), (60, 230, 120),
    (255, 220, 170), (170, 220, 255), (255, 170, 110), (110, 170, 255),
)  # fmt: skip
"""RGB of each joint; a limb takes the colour of its second joint."""


def _columns(keypoints: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """x, y float32 and located, (B, 18) each."""
    if keypoints.ndim not in (2, 3) or keypoints.shape[-2:] != (len(JOINTS), 3):
        raise ValueError(
            f"keypoints must be (18, 3) or (B, 18, 3), got {tuple(keypoints.shape)}; "
            "repose.represent.keypoints.from_skeleton converts other skeletons"
        )
    batch = (keypoints if keypoints.ndim == 3 else keypoints[None]).float()
    located = batch[..., 2] > 0
    batch = torch.where(located[..., None], batch, 0.0)  # whatever a missing joint carries must not be read
    return batch[..., 0], batch[..., 1], located


def _skeleton(name: str) -> tuple[str, ...]:
    if name not in SKELETONS:
        raise ValueError(f"no skeleton {name!r}; {nearest(name, SKELETONS)}")
    return SKELETONS[name]
