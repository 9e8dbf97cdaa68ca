"""Metrics as pure functions: a batch in, one number for each pair out."""

from repose.metrics.functional.pckh import head_box, pckh
from repose.metrics.functional.pictures import padded
from repose.metrics.functional.pixels import l1, psnr
from repose.metrics.functional.ssim import PATN, SKIMAGE, SSIMVariant, ssim

__all__ = ["PATN", "SKIMAGE", "SSIMVariant", "head_box", "l1", "padded", "pckh", "psnr", "ssim"]
