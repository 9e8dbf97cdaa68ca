#!/usr/bin/env bash
# Pillow 12.0.0: a label map that is saved as GIF comes back with other labels; the colours stay the same.
#
# Human parsers write one label a pixel into a picture with a palette. Saved as GIF with the default options, the palette
# is cut down to the colours that occur, and their numbers change: labels 0, 5, 9, 13 (LIP: background, upper clothes,
# pants, face) are read as 0, 1, 2, 3 (background, hat, hair, glove). PNG, TIFF and BMP keep them, and so does GIF with
# optimize=False. Seen on 2026-11-30, with 12.0.0 and with 13.0.0.
#
# Fails if GIF keeps the labels, if its colours change, or if another format loses the labels.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pillow==12.0.0 numpy==2.3.5
"$work/venv/bin/python" - <<'PYTHON'
import io
import sys

import numpy as np
import PIL
from PIL import Image

labels = np.zeros((64, 48), np.uint8)
labels[8:20, 16:32], labels[20:40, 12:36], labels[40:60, 14:34] = 13, 5, 9
palette = []
for number in range(256):  # the colour map of PASCAL VOC, which parsers use
    bits = [[number >> (3 * place + channel) & 1 for place in range(3)] for channel in range(3)]
    palette += [sum(bit << (7 - place) for place, bit in enumerate(channel)) for channel in bits]
picture = Image.fromarray(labels)
picture.putpalette(palette)
colours = np.asarray(picture.convert("RGB"))


def again(format, **options):
    stream = io.BytesIO()
    picture.save(stream, format, **options)
    with Image.open(stream) as read:
        return np.array(read), np.asarray(read.convert("RGB"))


expected = True
for format, options in (("PNG", {}), ("TIFF", {}), ("BMP", {}), ("GIF", {"optimize": False}), ("GIF", {})):
    numbers, shown = again(format, **options)
    kept, same = np.array_equal(numbers, labels), np.array_equal(shown, colours)
    print(f"Pillow {PIL.__version__}, {format} {options or ''}: labels {np.unique(numbers).tolist()}, colours kept: {same}")
    expected &= same and kept == ((format, options) != ("GIF", {}))
sys.exit(not expected)
PYTHON
echo "As described."
