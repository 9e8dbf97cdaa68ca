"""Arrays of numbers as planes of their bytes: a form without loss that zip and pip's wheels compress better.

The upper bytes of the numbers of a network are alike, the lower ones look random. Where both alternate, as they do in
memory, an archive hardly finds what is alike. A plane holds one byte of each number.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


def split(array: NDArray[Any]) -> NDArray[np.uint8]:
    """(...) numbers of N bytes -> (N, ...) uint8: the lowest byte of each number first."""
    numbers = np.asarray(array, order="C").view(np.dtype(f"u{array.dtype.itemsize}"))
    return np.stack(
        [(numbers >> np.array(8 * byte, numbers.dtype)).astype(np.uint8) for byte in range(numbers.itemsize)]
    )


def join(planes: NDArray[np.uint8], dtype: DTypeLike) -> NDArray[Any]:
    """The array that `split` took apart.

    Args:
        planes: (N, ...) uint8.
        dtype: of the numbers, N bytes each.

    Raises:
        ValueError: numbers of this type have another count of bytes.
    """
    kind = np.dtype(dtype)
    if len(planes) != kind.itemsize:
        raise ValueError(f"{len(planes)} planes of bytes are no numbers of {kind.itemsize} bytes each")
    whole = np.dtype(f"u{kind.itemsize}")
    numbers: NDArray[Any] = planes[0].astype(whole)
    for byte, plane in enumerate(planes[1:], start=1):
        numbers |= plane.astype(whole) << np.array(8 * byte, whole)
    out: NDArray[Any] = numbers.view(kind)
    return out
