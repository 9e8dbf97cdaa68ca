"""How `body.safetensors` stores the body: without loss, in a form that an archive compresses to half the size.

Three things about the body help. It is symmetric: almost every vertex on the right is, and moves as, the mirror image
of one on the left. Neighbouring vertices are alike, and so are neighbouring triangles. And the upper bytes of numbers
that are alike are alike (`repose.byte_planes`).

`pack` therefore leaves out what is a mirror image, and stores of each triangle what differs from the one before.
`unpack` gives back every bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from repose.byte_planes import join, split

Tensors = dict[str, NDArray[Any]]

_MIRRORED: Final = {"basis": (np.float16, np.uint16), "mean": (np.float32, np.uint32)}
"""(..., V, 3) arrays of positions -> their type, and whole numbers of the same size."""

_COLUMNS: Final = {"attributes": np.float16}
"""(V, ...) arrays that are stored by columns -> their type."""

_TRIANGLES: Final = ("faces_body", "faces_hair", "faces_shell", "faces_skirt")
"""(F, 3) uint16 arrays."""


def pack(tensors: Mapping[str, NDArray[Any]]) -> Tensors:
    """The arrays of a body in the form that is stored.

    Args:
        tensors: as `BodyModel` takes them.

    Returns:
        The arrays under the same names. "basis", "mean" (both without the V - N vertices that are images of others),
        "attributes" and the triangles are planes of bytes, uint8. "kept", (V,) uint16, says which of the N stored
        vertices each vertex is or is the image of; "image", (V,) uint8, is 1 for an image. Others are as they are.
    """
    bits = {name: np.ascontiguousarray(tensors[name]).view(whole) for name, (_, whole) in _MIRRORED.items()}
    original = _originals(bits["mean"], bits["basis"])
    image = original != np.arange(len(original))
    place = np.cumsum(~image) - 1  # of each vertex that is stored
    out = dict(tensors)
    out["kept"], out["image"] = place[original].astype(np.uint16), image.astype(np.uint8)
    for name in _MIRRORED:
        out[name] = split(bits[name][..., ~image, :].swapaxes(-1, -2))
    for name in _COLUMNS:
        out[name] = split(tensors[name].T)
    for name in _TRIANGLES:
        out[name] = split(np.diff(tensors[name].T, axis=1, prepend=np.uint16(0)))
    return out


def unpack(stored: Mapping[str, NDArray[Any]]) -> Tensors:
    """The arrays of a body from those that `pack` gave."""
    out = dict(stored)
    kept, image = out.pop("kept"), out.pop("image").astype(bool)
    for name, (kind, whole) in _MIRRORED.items():
        bits = np.ascontiguousarray(join(stored[name], whole).swapaxes(-1, -2)).take(kept, axis=-2)
        bits[..., 0] ^= np.where(image, _sign(bits.dtype), 0).astype(bits.dtype)
        out[name] = bits.view(kind)
    for name, kind in _COLUMNS.items():
        out[name] = np.ascontiguousarray(join(stored[name], kind).T)
    for name in _TRIANGLES:
        out[name] = np.ascontiguousarray(np.cumsum(join(stored[name], np.uint16), axis=1, dtype=np.uint16).T)
    return out


def _sign(whole: np.dtype[Any]) -> int:
    """The bit of a floating-point number's sign, in a whole number of the same size."""
    return 1 << (8 * whole.itemsize - 1)


def _originals(*bits: NDArray[Any]) -> NDArray[np.intp]:
    """(V,) the row of the vertex that each vertex is the exact mirror image of (x -> -x), or its own row.

    Args:
        bits: (..., V, 3) whole numbers that hold the bits of x, y, z; all of them must be mirrored.
    """
    flat = [array.reshape(-1, array.shape[-2], 3).swapaxes(0, 1).copy() for array in bits]
    first = flat[0][:, 0, 0]
    left = (first & _sign(first.dtype)) == 0
    rows: dict[tuple[bytes, ...], int] = {}
    for row in np.nonzero(left)[0]:
        rows.setdefault(tuple(array[row].tobytes() for array in flat), int(row))
    for array in flat:
        array[..., 0] ^= _sign(array.dtype)
    out = np.arange(len(left))
    for row in np.nonzero(~left)[0]:
        out[row] = rows.get(tuple(array[row].tobytes() for array in flat), row)
    return out
