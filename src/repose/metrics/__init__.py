"""Measuring: protocols by name and version, and what they are made of."""

from repose.metrics.accumulators import Column, Score
from repose.metrics.evaluate import Evaluation, Row, evaluate, markdown, table
from repose.metrics.folder import FolderError, evaluate_folder
from repose.metrics.protocols import PROTOCOLS, MaskVariant, Protocol, protocol

__all__ = [
    "PROTOCOLS",
    "Column",
    "Evaluation",
    "FolderError",
    "MaskVariant",
    "Protocol",
    "Row",
    "Score",
    "evaluate",
    "evaluate_folder",
    "markdown",
    "protocol",
    "table",
]
