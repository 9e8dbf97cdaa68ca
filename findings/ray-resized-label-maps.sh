#!/usr/bin/env bash
# Ray Data 2.60.0: read_images(size=...) gives a parser's label map labels that nobody drew, if the PNG is grey.
#
# The same map with a palette keeps its labels. Grey is interpolated: a map of the labels 0, 5 and 13 comes back with
# 1, 4, 6, 11 and 12 along the borders of its parts, so a row of other garments lies around each garment. Which of the
# two a parser writes differs from tool to tool. Read without size and take nearest pixels. Seen on 2026-11-30.
#
# Fails if the grey map keeps its labels, or if the map with a palette does not.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check "ray[data]==2.60.0" pillow==12.3.0 numpy==2.4.6
cat > "$work/labels.py" <<'PYTHON'
import sys
from pathlib import Path

import numpy as np
import ray
from PIL import Image

folder = Path(sys.argv[1])
labels = np.zeros((512, 352), np.uint8)
labels[100:400, 100:250], labels[200:300, 150:200] = 5, 13
grey = Image.fromarray(labels)
palette = grey.copy()
palette.putpalette([value for label in range(256) for value in (label, 255 - label, 80)])
grey.save(folder / "grey.png")
palette.save(folder / "palette.png")
ray.init(num_cpus=1, logging_level="ERROR", log_to_driver=False)
ray.data.DataContext.get_current().enable_progress_bars = False
seen = {}
for name in ("grey", "palette"):
    for size in (None, (256, 176)):
        (row,) = ray.data.read_images(str(folder / f"{name}.png"), size=size).take(1)
        seen[name, size] = np.unique(row["image"]).tolist()
        print(f"Ray {ray.__version__}, {name}, size {size}: labels {seen[name, size]}")
drawn = [0, 5, 13]
others = [seen[name, size] for name, size in seen if (name, size) != ("grey", (256, 176))]
sys.exit(not (all(found == drawn for found in others) and len(seen["grey", (256, 176)]) > len(drawn)))
PYTHON
"$work/venv/bin/python" "$work/labels.py" "$work" 2> "$work/log" || { tail -5 "$work/log"; exit 1; }
echo "As described."
