"""The last result is kept for the same pixels and joints, and for nothing else."""

import numpy as np
import torch

from repose.estimate.last_call import LastCall


def test_the_same_call_is_computed_once() -> None:
    calls: list[int] = []

    def compute() -> int:
        calls.append(1)
        return len(calls)

    last: LastCall[int] = LastCall()
    image, joints = np.zeros((8, 4, 3), np.uint8), torch.zeros(18, 3)
    assert [last.get(image, joints, compute), last.get(image.copy(), joints.clone(), compute)] == [1, 1]
    other = image.copy()
    other[3, 2, 1] = 1
    assert last.get(other, joints, compute) == 2
    assert last.get(other, joints + 1, compute) == 3
    assert last.get(image.reshape(4, 8, 3), joints, compute) == 4
    assert last.get(image, joints, compute) == 5, "only the last is kept"
    wide = np.zeros((8, 8, 3), np.uint8)
    assert last.get(wide[:, ::2], joints, compute) == 5, "a view of the same pixels is the same picture"
