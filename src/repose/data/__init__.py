"""Files -> stores -> pairs: every data set is packed once and read the same way afterwards."""

from typing import Final

from repose.data.store import Report, Store, StoreWriter

PREPARERS: Final = {
    "market1501": "repose.data.market1501:prepare_market1501",
    "synthetic": "repose.render:prepare_synthetic",
}
"""Data set -> "module:function" that packs it, for `repose prepare`."""

__all__ = ["PREPARERS", "Report", "Store", "StoreWriter"]
