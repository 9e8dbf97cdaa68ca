"""Measuring: metrics as functions, columns and protocols as data, and the evaluation of pictures under a protocol.

A metric alone, of pictures uint8 or of any type with `value_range`:

>>> import torch
>>> from repose.metrics import psnr
>>> target = torch.full((1, 3, 8, 8), 100, dtype=torch.uint8)
>>> psnr(target + 10, target)
tensor([28.1308], dtype=torch.float64)

An evaluation of a data set:

>>> evaluate("patn-market", store, GeneratorPictures(generate, name="mine")).markdown()  # doctest: +SKIP
"""

from repose.metrics.accumulators import PairScores, Score
from repose.metrics.columns import COLUMNS, Column
from repose.metrics.evaluate import evaluate, evaluate_folder
from repose.metrics.folder import FolderError, FolderPictures
from repose.metrics.functional import frechet, inception_score, kid, l1, ms_ssim, pckh, psnr, ssim
from repose.metrics.functional.ssim_variants import SSIMVariant
from repose.metrics.networks import network_metric
from repose.metrics.protocols import PROTOCOLS, MaskVariant, Protocol, protocol
from repose.metrics.result import Evaluation, EvaluationRow, comparison_markdown, comparison_table
from repose.metrics.settings import EvaluationSettings
from repose.metrics.sources import GeneratorPictures, PictureSource

__all__ = [
    "COLUMNS",
    "PROTOCOLS",
    "Column",
    "Evaluation",
    "EvaluationRow",
    "EvaluationSettings",
    "FolderError",
    "FolderPictures",
    "GeneratorPictures",
    "MaskVariant",
    "PairScores",
    "PictureSource",
    "Protocol",
    "SSIMVariant",
    "Score",
    "comparison_markdown",
    "comparison_table",
    "evaluate",
    "evaluate_folder",
    "frechet",
    "inception_score",
    "kid",
    "l1",
    "ms_ssim",
    "network_metric",
    "pckh",
    "protocol",
    "psnr",
    "ssim",
]
