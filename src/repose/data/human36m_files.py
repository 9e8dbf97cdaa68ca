"""The files that Human3.6M has beside its videos: joints in CDF, person masks as videos or in MATLAB's format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from repose.data.packing import Refused
from repose.extras import how_to_install_package
from repose.images import ImageError, sampled_frames
from repose.person import JOINTS

_BODY: Final = {
    "right_hip": 1, "right_knee": 2, "right_ankle": 3, "left_hip": 6, "left_knee": 7, "left_ankle": 8, "nose": 14,
    "left_shoulder": 17, "left_elbow": 18, "left_wrist": 19, "right_shoulder": 25, "right_elbow": 26, "right_wrist": 27,
}  # fmt: skip
"""Where our joints are among the 32 of Human3.6M, which has no eyes and no ears."""


def read_joints(path: Path) -> Tensor:
    """The joints of every frame of a D2_Positions file, float32 (F, 18, 3), in pixels; eyes and ears are missing.

    Raises:
        ImportError: the package cdflib is not installed.
        ValueError: the file cannot be read, or has not 32 joints of two coordinates.
    """
    try:
        import cdflib
    except ImportError as error:
        raise ImportError(f"{path}: CDF files need cdflib: {how_to_install_package('cdflib')}") from error
    try:
        table = np.asarray(cdflib.CDF(str(path)).varget("Pose"), dtype=np.float32)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{path} cannot be read as the CDF of a pose ({error}); get the file again") from error
    if table.size % 64:
        raise ValueError(f"{path} has not 32 joints of two coordinates a frame, but {table.shape}")
    return from_human36m(torch.from_numpy(table.reshape(-1, 32, 2)))


def from_human36m(points: Tensor) -> Tensor:
    """Human3.6M's 32 joints (F, 32, 2) -> Repose's (F, 18, 3); the neck is the middle of the shoulders."""
    joints = torch.zeros(len(points), len(JOINTS), 3)
    for name, place in _BODY.items():
        joints[:, JOINTS.index(name), :2] = points[:, place]
        joints[:, JOINTS.index(name), 2] = 1
    shoulders = [JOINTS.index("right_shoulder"), JOINTS.index("left_shoulder")]
    joints[:, JOINTS.index("neck")] = joints[:, shoulders].mean(1)
    return joints


class Masks:
    """The person masks of a video, asked for in the order of its frames.

    Args:
        folder: MySegmentsMat/ground_truth_bs of the subject. name: of the video, without its ending.

    Raises:
        Refused: there is no file of this name.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._path = next((p for p in (folder / f"{name}.mp4", folder / f"{name}.mat") if p.is_file()), None)
        if self._path is None:
            raise Refused("no masks of the data set", f"{folder.name} has no {name}.mp4 and no {name}.mat")
        self._table = _matlab_masks(self._path) if self._path.suffix == ".mat" else None
        self._frames: Iterator[tuple[int, Any]] = ((n, f) for n, _, f in sampled_frames(self._path, 0))
        self._at: tuple[int, Any] = (-1, None)

    def of(self, number: int) -> Tensor:
        """The mask of a frame, float32 (1, H, W), 0 or 1 (between, from a video). Raises Refused if there is none."""
        assert self._path is not None
        if self._table is not None:
            mask = self._table(number)
        else:
            try:
                while self._at[0] < number:
                    self._at = next(self._frames)
            except (StopIteration, ImageError):
                mask = None
            else:
                mask = self._at[1].astype(np.float32).mean(-1) / 255
        if mask is None:
            raise Refused("no masks of the data set", f"{self._path.name} has no frame {number}")
        return torch.from_numpy(np.ascontiguousarray(mask, dtype=np.float32))[None]


# -- inside ---------------------------------------------------------------------------------------------------------


def _matlab_masks(path: Path) -> Any:
    """A function: number of a frame -> its mask (H, W), 0 or 1, or None, from the cell array Masks."""
    with path.open("rb") as file:
        new = file.read(16).startswith(b"MATLAB 7.3")
    if new:  # HDF5
        try:
            import h5py
        except ImportError as error:
            raise ImportError(f"{path} is HDF5: {how_to_install_package('h5py')}, or use --masks estimated") from error
        opened = h5py.File(path, "r")
        cells = opened["Masks"]

        def of_hdf5(number: int) -> npt.NDArray[np.float32] | None:
            if number >= cells.size:
                return None
            reference = cells[number, 0] if cells.shape[0] > 1 else cells[0, number]
            return np.asarray(opened[reference], dtype=np.float32).T  # MATLAB stores columns first

        return of_hdf5
    try:
        from scipy.io import loadmat
    except ImportError as error:
        raise ImportError(f"{path}: {how_to_install_package('scipy')}, or use --masks estimated") from error
    try:
        table = loadmat(str(path))["Masks"].reshape(-1)
    except (OSError, ValueError, KeyError) as error:
        raise ValueError(f"{path} has no masks that can be read ({error}); get the file again") from error
    return lambda number: np.asarray(table[number], dtype=np.float32) if number < len(table) else None
