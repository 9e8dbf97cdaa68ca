"""Metrics as pure functions: a batch in, one number for each pair out."""

from repose.metrics.functional.pckh import head_box, pckh
from repose.metrics.functional.pictures import pad_uint8, to_uint8
from repose.metrics.functional.pixels import l1, psnr
from repose.metrics.functional.ssim import PATN, SKIMAGE, SSIMVariant, ssim

__all__ = ["PATN", "SKIMAGE", "SSIMVariant", "head_box", "l1", "pad_uint8", "pckh", "psnr", "ssim", "to_uint8"]
