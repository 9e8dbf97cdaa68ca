"""Files -> stores -> pairs: every data set is packed once and read the same way afterwards.

`store.py` writes and reads stores, `loader.py` draws training pairs from them, `augment.py` changes these
(`joint_errors.py`, `occluders.py`). A data set declares itself as a `DataSet`; `packing.py`, `photographs.py` and
`samples.py` are what several of them share.
"""

from repose.data.datasets import DataSet, ProgressFunction, Setting
from repose.data.store import Report, Store, StoreWriter

__all__ = ["DataSet", "ProgressFunction", "Report", "Setting", "Store", "StoreWriter"]
