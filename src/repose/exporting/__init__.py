"""A model's network as a file of another runtime, with everything that its use takes: `export`.

from repose.exporting import ExportSettings, export

export("patn-s-synthetic", "patn", ExportSettings(format="onnx"))
"""

from __future__ import annotations

from repose.exporting.folder import Exported, export
from repose.exporting.settings import DYNAMIC, FORMATS, PRECISIONS, ExportSettings

__all__ = ["DYNAMIC", "FORMATS", "PRECISIONS", "ExportSettings", "Exported", "export"]
