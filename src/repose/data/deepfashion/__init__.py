"""The In-shop Clothes Retrieval Benchmark of DeepFashion (Liu et al. 2016), in the layouts of the field -> a store.

```
FOLDER/
  train/  test/                                 pictures with flattened names: PATN's 256x176, GFLA's large ones
  img/  or  img_highres/                        the original trees, in place of these folders; each also as a zip file
  train.lst  test.lst                           which picture is in which split
  fasion-resize-annotation-train.csv  ...-test.csv    joints of 256x176 pictures; fasion-annotation-*: of 256x256
  fasion-resize-pairs-train.csv  ...-test.csv         from,to; or NTED's train_pairs.txt, test_pairs.txt
  parsing/  or  trainSPL8/ testSPL8/            parsing maps, NAME.png                                   (optional)
  iuv/  or  densepose/                          DensePose's files, NAME_IUV.png                          (optional)
  mask/                                         NAME.png, 255 on the person                              (optional)
```

`names.py` has the names, `files.py` finds the parts, `fitting.py` brings them onto the canvas, `prepare.py` packs them.
`repose.data.deepfashion_layout` writes any store in this layout.
"""

from __future__ import annotations

from typing import Final

from repose.data.datasets import DataSet
from repose.data.deepfashion.fitting import FLAT
from repose.data.deepfashion.prepare import DeepFashion, prepare_deepfashion

__all__ = ["DEEPFASHION", "DeepFashion", "prepare_deepfashion"]

DEEPFASHION: Final = DataSet(
    DeepFashion,
    prepare_deepfashion,
    about="The In-shop Clothes Retrieval Benchmark of DeepFashion, in the layout of PATN, GFLA or NTED, or as it is "
    "fetched. Parsing maps and DensePose's files are packed where they are there.",
    title=lambda settings: "deepfashion" if settings.size == FLAT else "deepfashion-{}x{}".format(*settings.size),
    examples=(
        "deepfashion fashion_data",
        "deepfashion DeepFashion/In-shop --pictures img_highres --size 512x352",
        "deepfashion fashion_data --parsing SPL8 --labels pinet --iuv densepose",
    ),
)
