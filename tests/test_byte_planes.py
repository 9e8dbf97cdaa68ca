"""Planes of bytes give back every bit."""

import zlib

import numpy as np
import pytest

from repose.byte_planes import join, split


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.uint16, np.int64, np.uint8])
@pytest.mark.parametrize("shape", [(), (0,), (5,), (2, 3, 4)])
def test_split_and_join(dtype: type, shape: tuple[int, ...]) -> None:
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    array = np.frombuffer(np.random.default_rng(0).bytes(size), dtype).reshape(shape)  # also NaN, infinity and -0
    planes = split(array)
    assert planes.shape == (array.itemsize, *shape)
    assert planes.dtype == np.uint8
    back = join(planes, dtype)
    assert (back.dtype, back.shape, back.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_the_lowest_byte_is_first_and_other_layouts_are_read() -> None:
    array = np.array([[0x0102, 0x0304], [0x0506, 0x0708]], np.uint16)
    assert split(array)[0].tolist() == [[2, 4], [6, 8]]
    assert split(array.T)[1].tolist() == [[1, 5], [3, 7]]


def test_numbers_of_a_network_compress_better() -> None:
    numbers = np.random.default_rng(0).normal(0, 0.03, 20_000).astype(np.float16)
    assert len(zlib.compress(split(numbers).tobytes())) < 0.97 * len(zlib.compress(numbers.tobytes()))


def test_planes_of_another_type() -> None:
    with pytest.raises(ValueError, match="2 planes of bytes are no numbers of 4 bytes"):
        join(np.zeros((2, 3), np.uint8), np.float32)
