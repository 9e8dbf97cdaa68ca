"""Reading and writing pictures: a path, PIL image, array or tensor -> uint8 (H, W, 3), and back to that kind.

>>> photograph = Photograph.read("me.jpg")  # doctest: +SKIP
>>> photograph.save("copy.jpg", photograph.pixels)  # doctest: +SKIP
"""

from __future__ import annotations

from repose.images.errors import ImageError
from repose.images.frames import file_of, is_frame, sampled_frames, seconds_of, split_frame, stem_of
from repose.images.photograph import Photograph
from repose.images.reading import MAX_PIXELS, MIN_SIDE, PICTURES, ImageLike, load_image
from repose.images.writing import FORMATS, QUALITY, format_of, on_white, same_kind, save_image, write_picture

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "MIN_SIDE",
    "PICTURES",
    "QUALITY",
    "ImageError",
    "ImageLike",
    "Photograph",
    "file_of",
    "format_of",
    "is_frame",
    "load_image",
    "on_white",
    "same_kind",
    "sampled_frames",
    "save_image",
    "seconds_of",
    "split_frame",
    "stem_of",
    "write_picture",
]
