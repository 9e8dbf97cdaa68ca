#!/usr/bin/env bash
# Pillow 13.0.0: copies of a variable font forget its weight. font_variant(), copy.deepcopy and pickle give the default.
#
# A font set to its boldest by set_variation_by_axes is thin again in a copy of another size and in every worker
# process that a data loader sends it to; nothing is said. So half of a training set can be in another style than its
# labels say. The axes must be set again on each copy. Seen on 2026-11-30, on a font that the script draws: a stem of
# 100 units at weight 100 and of 400 at weight 900.
#
# Fails if a copy has the weight of its original, or if setting it again does not help.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check pillow==13.0.0 fonttools==4.68.0
cat > "$work/font.py" <<'PYTHON'
import copy
import pickle
import sys

import PIL
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib.tables.TupleVariation import TupleVariation
from PIL import ImageFont

path = sys.argv[1]
pen = TTGlyphPen(None)
pen.moveTo((100, 0))
for corner in ((100, 700), (200, 700), (200, 0)):
    pen.lineTo(corner)
pen.closePath()
builder = FontBuilder(1000, isTTF=True)
builder.setupGlyphOrder([".notdef", "I"])
builder.setupCharacterMap({ord("I"): "I"})
builder.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "I": pen.glyph()})
builder.setupHorizontalMetrics({".notdef": (600, 0), "I": (600, 100)})
builder.setupHorizontalHeader(ascent=800, descent=-200)
builder.setupNameTable({"familyName": "Stem", "styleName": "Thin"})
builder.setupOS2()
builder.setupPost()
builder.setupFvar([("wght", 100, 100, 900, "Weight")], [])
wider = [(0, 0), (0, 0), (300, 0), (300, 0), *[(0, 0)] * 4]
builder.setupGvar({"I": [TupleVariation({"wght": (0, 1, 1)}, wider)]})
builder.save(path)


def stem(font):
    """The width of the letter's ink in pixels."""
    left, _, right, _ = font.getmask("I").getbbox()
    return right - left


font = ImageFont.truetype(path, 100)
thin = stem(font)
font.set_variation_by_axes([900])
copies = {
    "font_variant(size=100)": font.font_variant(size=100),
    "copy.deepcopy": copy.deepcopy(font),
    "pickle": pickle.loads(pickle.dumps(font)),
}
widths = {name: stem(other) for name, other in copies.items()}
print(f"Pillow {PIL.__version__}: weight 100 {thin} pixels, weight 900 {stem(font)}; copies of it: {widths}")
again = copies["pickle"]
again.set_variation_by_axes([900])
print(f"set again on a copy: {stem(again)}")
expected = set(widths.values()) == {thin} and stem(font) == stem(again) == 4 * thin
sys.exit(not expected)
PYTHON
"$work/venv/bin/python" "$work/font.py" "$work/stem.ttf"
echo "As described."
