"""Metrics as pure functions: a batch in, one number for each pair out."""

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
from repose.metrics.functional.ssim import (
    GFLA,
    PATN,
    PIDM,
    SKIMAGE,
    WANG,
    Similarity,
    SSIMVariant,
    ms_ssim,
    similarity,
    ssim,
)

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
