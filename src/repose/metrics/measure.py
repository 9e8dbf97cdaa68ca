"""The columns of single pairs from pixels, joints and features, for one batch."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor

from repose.estimate import KeypointEstimator
from repose.metrics.accumulators import PairScores
from repose.metrics.features import FeatureOutputs, appearance, clothing, feature_distance
from repose.metrics.functional import l1, ms_ssim, padded, pckh, psnr, similarity, ssim
from repose.metrics.protocols import Protocol
from repose.person import Person
from repose.represent import descriptors
from repose.represent.keypoints import skeleton_mask

Columns = dict[str, PairScores]


def mask_of(protocol: Protocol, target: Person) -> Tensor | None:
    """The mask of mask-SSIM, uint8 (B, 1, H, W), 0 or 1; None if the protocol has none."""
    if protocol.mask is None or target.keypoints is None or target.size is None:
        return None
    mask = protocol.mask
    drawn = skeleton_mask(target.keypoints, *target.size, mask.radius, mask.half_width, mask.close)
    return drawn.to(torch.uint8)


def pixel_columns(
    protocol: Protocol, picture: Tensor, target: Tensor, mask: Tensor | None, keypoints: Tensor | None
) -> Columns:
    """Every column of a protocol that needs no network, of uint8 pictures (B, 3, H, W) on its canvas.

    Args:
        protocol: decides the variants of SSIM, padding and windows.
        picture, target: both on one device.
        mask: of mask-SSIM, (B, 1, H, W), 0 or 1, or None.
        keypoints: of the target, (B, 18, 3), for local-SSIM.

    Returns:
        column -> numbers of the B pairs, on the CPU.
    """
    x, y = (padded(image, protocol.padding, protocol.fill) for image in (picture, target))
    corner = present = None
    side = 0
    if protocol.local_ssim is not None and keypoints is not None:
        height, width = target.shape[-2:]
        centres, present = descriptors.descriptors(keypoints, height, width, protocol.regions)
        side = descriptors.window(height, width)
        corner = descriptors.corners(centres, height, width, side) + torch.tensor(protocol.padding[:2])
    together = corner is not None and protocol.local_ssim == protocol.ssim  # one pass for both
    first = similarity(x, y, protocol.ssim, *((corner, present, side) if together else ()))
    columns = {"ssim": PairScores.mean_of(first.ssim)}
    columns |= {name: PairScores.mean_of(ssim(x, y, variant)) for name, variant in protocol.windows}
    if mask is not None:
        shape = mask.to(x.device)
        x_masked, y_masked = (padded(image * shape, protocol.padding, 0) for image in (picture, target))
        columns["mask_ssim"] = PairScores.mean_of(ssim(x_masked, y_masked, protocol.ssim))
    if protocol.ms_ssim is not None:
        finest = first if protocol.ms_ssim == protocol.ssim else None
        columns["ms_ssim"] = PairScores.mean_of(ms_ssim(x, y, protocol.ms_ssim, finest))
    if corner is not None and protocol.local_ssim is not None:
        local = first if together else similarity(x, y, protocol.local_ssim, corner, present, side)
        assert local.regions is not None
        assert local.counted is not None
        columns["local_ssim"] = PairScores(local.regions, local.counted)
    columns |= {"psnr": PairScores.mean_of(psnr(x, y)), "l1": PairScores.mean_of(l1(x, y))}
    return {name: PairScores(column.values.cpu(), column.weights.cpu()) for name, column in columns.items()}


class PixelThreads:
    """Computes `pixel_columns` in parts, one on each of a CPU's threads.

    The tensors of a picture are small: with two threads in every operation they waited for each other longer than they
    computed (fashion-256@1, two cores: 11 ms a pair, 8 in parts). A GPU takes the batch whole.
    """

    def __init__(self, device: torch.device) -> None:
        self._count = torch.get_num_threads() if device.type == "cpu" else 1
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> PixelThreads:
        if self._count > 1:
            self._pool = ThreadPoolExecutor(self._count, initializer=torch.set_num_threads, initargs=(1,))
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()
            torch.set_num_threads(self._count)  # threads that begin later take the number that was set last

    def columns(
        self, protocol: Protocol, picture: Tensor, target: Tensor, mask: Tensor | None, keypoints: Tensor | None
    ) -> Columns:
        """As `pixel_columns`."""
        if self._pool is None:
            return pixel_columns(protocol, picture, target, mask, keypoints)
        whole = (picture, target, mask, keypoints)
        split = [[None] * self._count if one is None else one.tensor_split(self._count) for one in whole]
        jobs = [self._pool.submit(pixel_columns, protocol, *part) for part in zip(*split, strict=True) if len(part[0])]
        parts = [job.result() for job in jobs]
        return {name: _joined([part[name] for part in parts]) for name in parts[0]}


def joints_of(estimator: KeypointEstimator, pictures: Tensor) -> Tensor:
    """The joints (B, 18, 3) that an estimator finds on uint8 pictures (B, 3, H, W)."""
    return estimator.crops([picture.contiguous().numpy() for picture in pictures.movedim(1, -1)])


def joint_columns(protocol: Protocol, predicted: Tensor, on_target: Tensor, annotated: Tensor | None) -> Columns:
    """PCKh of joints (B, 18, 3) on a picture: against those on the real target, and against the annotated ones."""
    columns = {"pckh": PairScores(*pckh(predicted, on_target, protocol.pckh_alpha, protocol.pckh_counting))}
    if annotated is not None:
        columns["pckh_csv"] = PairScores(*pckh(predicted, annotated, protocol.pckh_alpha, protocol.pckh_counting))
    return columns


def feature_columns(picture: FeatureOutputs, target: FeatureOutputs, source: FeatureOutputs) -> Columns:
    """The columns of pairs from features: distance and appearance to the target, identity and clothing to the source.

    `clothing` is left out where one of the two has no parsing.
    """
    clothes = clothing(picture, source)
    return {
        "feature_distance": PairScores.mean_of(feature_distance(picture, target)),
        "appearance": PairScores(*appearance(picture, target)),
        "identity": PairScores(*appearance(picture, source)),
        **({} if clothes is None else {"clothing": PairScores(*clothes)}),
    }


def _joined(parts: list[PairScores]) -> PairScores:
    return PairScores(torch.cat([part.values for part in parts]), torch.cat([part.weights for part in parts]))
