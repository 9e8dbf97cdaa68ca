"""The file of the body holds the very numbers that it held before it was made smaller."""

import hashlib
from importlib import resources

import numpy as np
from safetensors.numpy import load_file

from repose.body.asset import pack, unpack

FILE = resources.files("repose.body") / "body.safetensors"


def test_every_bit_of_the_body_is_that_of_the_larger_file() -> None:
    tensors = unpack(load_file(str(FILE)))
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name}\0{tensors[name].dtype}{tensors[name].shape}".encode())
        digest.update(np.ascontiguousarray(tensors[name]).tobytes())
    # of body.safetensors as of commit 7148d96, which stored the arrays as they are
    assert digest.hexdigest() == "5657f2337b3be44faafa82fdcdf0ed73bb25d29355abf0b29224a6250beca242"


def test_pack_and_unpack() -> None:
    stored = load_file(str(FILE))
    again = pack(unpack(stored))
    assert again.keys() == stored.keys()
    for name, value in stored.items():
        assert (again[name].dtype, again[name].shape) == (value.dtype, value.shape)
        assert again[name].tobytes() == value.tobytes()


def test_a_vertex_whose_movement_is_not_mirrored_is_kept() -> None:
    tensors = unpack(load_file(str(FILE)))
    images = int(pack(tensors)["image"].sum())
    assert images > 7000
    right = int(np.nonzero(tensors["mean"][:, 0] < -0.05)[0][0])
    tensors["basis"] = tensors["basis"].copy()
    tensors["basis"][3, right, 1] += np.float16(0.01)
    changed = pack(tensors)
    assert int(changed["image"].sum()) == images - 1
    assert all(unpack(changed)[name].tobytes() == tensors[name].tobytes() for name in tensors)
