#!/usr/bin/env bash
# Pillow 13.0.0: a JPEG or TIFF whose last write does not fit is cut off, and save() raises nothing.
#
# The encoders of JPEG and TIFF write to the file's number in large blocks and take a short last write for a whole one.
# So a data set that is written while a disk, a quota or a limit of file sizes runs out ends in pictures without their
# last rows, and the program that wrote them does not know. PNG and WebP, which Pillow writes otherwise, raise OSError.
# Saved into a BytesIO whose bytes are then written, any format tells. Seen on 2026-11-30 with a limit of file sizes at
# 95 % of the picture, on Linux.
#
# Fails if save() raises for JPEG or TIFF, if their files are whole, or if PNG is saved without an error.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0
cat > "$work/save.py" <<'PYTHON'
import io
import os
import random
import resource
import signal
import sys

import PIL
from PIL import Image

folder = sys.argv[1]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write beyond the limit fails instead, as on a full disk
picture = Image.frombytes("RGB", (300, 400), random.Random(0).randbytes(3 * 300 * 400))
seen = {}
for kind in ("JPEG", "TIFF", "PNG"):
    whole = io.BytesIO()
    picture.save(whole, kind)
    size = len(whole.getvalue())
    path = os.path.join(folder, kind)
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size * 95 // 100,) * 2)
        try:
            picture.save(path, kind)
        except OSError:
            os._exit(1)
        os._exit(0)
    raised = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    written = os.path.getsize(path) if os.path.exists(path) else 0
    seen[kind] = (raised, written < size)
    print(f"{kind}: {size} bytes wanted, {written} are there, save() {'raised OSError' if raised else 'raised nothing'}")
print(f"Pillow {PIL.__version__}")
sys.exit(seen != {"JPEG": (False, True), "TIFF": (False, True), "PNG": (True, True)})
PYTHON
"$work/venv/bin/python" "$work/save.py" "$work"
echo "As described."
