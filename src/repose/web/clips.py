"""Animations of the page: from the photograph's own pose to the dragged one and back, or a named motion."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import PIL.Image
import torch
from torch import Tensor

from repose.apps.motion.encoding import container_of, join, write_segment
from repose.apps.motion.loops import MOTIONS, loop
from repose.apps.motion.placing import place_motion
from repose.apps.motion.scene import ClipScene, crops
from repose.scene import Scene
from repose.web.sessions import Pixels

RATE: Final = 12.0
"""Frames a second."""

FORMATS: Final = {"gif": "image/gif", "webp": "image/webp", "mp4": "video/mp4"}
"""Ending of a file -> its media type."""

_MOVING, _RESTING = 14, 5  # frames from one pose to the other, and of rest at each


def motion_names() -> list[str]:
    """The named motions."""
    return list(MOTIONS)


def between(first: Tensor, last: Tensor) -> Tensor:
    """The poses (N, 18, 3) on the way from one pose to another, both (18, 3), slowly at both ends.

    A joint that only one of the two has takes no part.
    """
    shares = 0.5 - 0.5 * torch.cos(torch.pi * torch.arange(_MOVING) / (_MOVING - 1))
    poses = first[None] + shares[:, None, None] * (last - first)[None]
    poses[..., 2] = torch.minimum(first[:, 2], last[:, 2])
    return poses * (poses[..., 2:] > 0)


def there_and_back(count: int) -> list[int]:
    """The numbers of the pictures of a clip that goes from the first of `count` poses to the last, and back."""
    last = count - 1
    return [0] * _RESTING + [*range(1, last)] + [last] * _RESTING + [*range(last - 1, 0, -1)]


def motion_joints(name: str, source: Tensor, size: tuple[int, int]) -> Tensor:
    """One round of a named motion by the photograph's person: (N, 18, 3).

    Raises:
        ValueError: no such motion.
    """
    return place_motion(loop(name, RATE), source, size, contacts=False).joints


def clip_of(scene: Scene, joints: Tensor) -> ClipScene:
    """Crops of one size for all poses (N, 18, 3), so that detail does not change from frame to frame."""
    return ClipScene(scene, crops(scene, joints))


def encode(pictures: Sequence[Pixels], format: str) -> bytes:
    """Pictures as a clip that goes round for ever.

    Args:
        pictures: uint8 (H, W, 3), or (H, W, 4), which only webp keeps transparent; the others get white.
        format: of `FORMATS`.

    Raises:
        ValueError: another format. ImportError: mp4 without PyAV; the text says how to install it.
    """
    if format not in FORMATS:
        raise ValueError(f"an animation is written as {', '.join(FORMATS)}, not '{format[:20]}'")
    images = [PIL.Image.fromarray(one) for one in pictures]
    if format != "webp":
        images = [_on_white(image) for image in images]
    options = {"save_all": True, "append_images": images[1:], "duration": round(1000 / RATE), "loop": 0}
    content = io.BytesIO()
    if format == "gif":
        palette = _palette(images)
        quantized = [image.quantize(palette=palette, dither=PIL.Image.Dither.FLOYDSTEINBERG) for image in images]
        quantized[0].save(content, "GIF", **(options | {"append_images": quantized[1:]}))
    elif format == "webp":
        images[0].save(content, "WEBP", quality=85, method=2, **options)
    else:
        return _mp4([np.asarray(image) for image in images])
    return content.getvalue()


# -- inside -----------------------------------------------------------------------------------------------------------


def _on_white(image: PIL.Image.Image) -> PIL.Image.Image:
    if image.mode != "RGBA":
        return image
    return PIL.Image.alpha_composite(PIL.Image.new("RGBA", image.size, "white"), image).convert("RGB")


def _palette(images: Sequence[PIL.Image.Image]) -> PIL.Image.Image:
    """256 colours for all pictures, told from some of them."""
    some = [image.resize((160, 160)) for image in images[:: max(1, len(images) // 8)]]
    strip = PIL.Image.new("RGB", (160 * len(some), 160))
    for number, image in enumerate(some):
        strip.paste(image, (160 * number, 0))
    return strip.quantize(256)


def _mp4(pictures: Sequence[Pixels]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="repose-") as folder:
        out, part = Path(folder) / "clip.mp4", Path(folder) / "part.nut"
        container = container_of(out)
        lasts = [1 / RATE] * len(pictures)
        write_segment(part, iter(pictures), [number / RATE for number in range(len(pictures))], lasts, container)
        join(out, [part], container, lasts)
        return out.read_bytes()
