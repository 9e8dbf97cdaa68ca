"""Metrics as pure functions: a batch in, one number for each pair out."""

from repose.metrics.functional.distributions import frechet, kernel_distance
from repose.metrics.functional.pckh import head_box, pckh
from repose.metrics.functional.pictures import padded
from repose.metrics.functional.pixels import l1, psnr
from repose.metrics.functional.ssim import PATN, SKIMAGE, SSIMVariant, ssim

__all__ = [
    "PATN",
    "SKIMAGE",
    "SSIMVariant",
    "frechet",
    "head_box",
    "kernel_distance",
    "l1",
    "padded",
    "pckh",
    "psnr",
    "ssim",
]
