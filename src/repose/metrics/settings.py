"""How an evaluation is run: everything that is neither the protocol nor the pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from repose.estimate import KeypointEstimator


@dataclass(frozen=True)
class EvaluationSettings:
    """The settings of `repose.metrics.evaluate`.

    Attributes:
        estimator: for PCKh, an estimator or its name, such as "movenet". `pckh` compares its joints on the picture with
            its joints on the real target (real data scores 1), `pckh_csv` with the annotated joints of the store.
            None: neither is measured.
        split: another one than the protocol's, such as "val" while a checkpoint is chosen; the result line tells it.
        limit: measure so many pairs, evenly spaced over the list; None or more than there are: all.
        batch: pairs at a time.
        device: where SSIM, PSNR and L1 are computed, in float64, and the networks: the CPU or a CUDA device.
        features: the columns of `repose.metrics.features`. True measures them where the weight file is here; a version
            such as "mobilenet_v2@1" needs the file; False leaves them out, and the protocol's networks, too, which the
            line (`networks_left_out`) and the caption of the table tell.
        seed: of the bootstrap, and of torch's random numbers during the evaluation, for generators that draw some.
        also: columns of networks beside the protocol's, of `repose.metrics.COLUMNS`.
        joints: folder that keeps the estimator's joints on the real pictures, by their pixels, for the next time that
            they are seen. None: they are estimated each time. If the disk refuses, nothing is kept.
        keep: folder that keeps the numbers of the pairs, under a hash of everything that they depend on (also the code,
            torch's version and the device). An evaluation that was cut off continues with the missing pairs, and
            another model finds the reference rows. Numbers of generated pictures are removed when the evaluation is
            complete. None: nothing is kept.
    """

    estimator: KeypointEstimator | str | None = None
    split: str | None = None
    limit: int | None = None
    batch: int = 32
    device: torch.device | str = "cpu"
    features: bool | str = True
    seed: int = 0
    also: tuple[str, ...] = ()
    joints: Path | str | None = None
    keep: Path | str | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit is a number of pairs, at least 1, or None for all; got {self.limit}")
        if self.batch < 1:
            raise ValueError(f"batch is a number of pairs, at least 1; got {self.batch}")
