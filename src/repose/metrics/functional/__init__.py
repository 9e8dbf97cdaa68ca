"""Metrics as pure functions: a batch in, one number for each pair out.

>>> import torch
>>> from repose.metrics.functional import psnr
>>> target = torch.full((1, 3, 8, 8), 100, dtype=torch.uint8)
>>> psnr(target + 10, target)
tensor([28.1308], dtype=torch.float64)
"""

from repose.metrics.functional.distributions import (
    Moments,
    frechet,
    inception_score,
    kernel_distance,
    kid,
    moments,
    moments_of_sums,
)
from repose.metrics.functional.pckh import head_box, pckh
from repose.metrics.functional.perceptual import consistency, detection_score, lpips
from repose.metrics.functional.pictures import padded
from repose.metrics.functional.pixels import l1, psnr
from repose.metrics.functional.ssim import Similarity, ms_ssim, similarity, ssim
from repose.metrics.functional.ssim_variants import GFLA, PATN, PIDM, SKIMAGE, WANG, SSIMVariant

__all__ = [
    "GFLA",
    "PATN",
    "PIDM",
    "SKIMAGE",
    "WANG",
    "Moments",
    "SSIMVariant",
    "Similarity",
    "consistency",
    "detection_score",
    "frechet",
    "head_box",
    "inception_score",
    "kernel_distance",
    "kid",
    "l1",
    "lpips",
    "moments",
    "moments_of_sums",
    "ms_ssim",
    "padded",
    "pckh",
    "psnr",
    "similarity",
    "ssim",
]
