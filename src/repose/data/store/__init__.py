"""The packed store: every data set becomes one folder of raw, memory-mapped arrays.

```
folder/
  meta.json         version, data set, canvas, names, people, splits, sha256 of every file and of samples of it, and
                    what was left out and why
  image.u8          (N, 3, H, W)  0 to 255
  keypoints.f32     (N, 18, 3)    x, y, visible as in person.py
  parsing.u8        (N, H, W)     numbers of `repose.person.LABELS`    (where the data set has them)
  mask.u8           (N, H, W)     0 to 255, 255 on the person          (likewise)
  iuv.u8            (N, 3, H, W)  part 0 to 24, u and v times 255      (likewise)
  depth.f16         (N, H, W)     metres from the camera, 0 beside the person   (likewise)
  pairs-<split>.i64 (P, 2)        source and target index; without it a split means all ordered pairs of one person
```

A store is written beside its place, in `<folder>.partial`, and renamed when it is complete: a folder with a
`meta.json` is a whole store. The journal in the partial folder has a line for every complete record, for `resume`, and
a first one with the settings, so that a store of other settings is not continued.
"""

from repose.data.store.format import FIELDS, VERSION, Array, Indices, LeftOut, Report, layout, partial_folder
from repose.data.store.reading import Store
from repose.data.store.writing import StoreWriter, remove_partial

__all__ = [
    "FIELDS", "VERSION", "Array", "Indices", "LeftOut", "Report", "Store", "StoreWriter", "layout", "partial_folder",
    "remove_partial",
]  # fmt: skip
