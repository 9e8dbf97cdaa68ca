"""What a picture file says beside its pixels: EXIF, XMP, resolution; kept for a result that is written in its place."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import PIL.Image

_MARK: Final = b"Exif\0\0"
_ORIENTATION, _EXIF_IFD, _INTEROPERABILITY = 0x0112, 0x8769, 0xA005
_WIDTHS, _HEIGHTS = (0x0100, 0xA002), (0x0101, 0xA003)
_THUMBNAIL, _THUMBNAIL_LENGTH = 0x0201, 0x0202

_OF_A_TIFF: Final = (0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x8298, 0x0112, 0x8769, 0x8825)
"""The tags of a TIFF that tell of the photograph rather than of the file: description, camera, program, date, artist,
computer, copyright, orientation, EXIF, GPS."""

_OF_OTHER_PICTURES: Final = (b"Container:", b"hdrgm:", b"GDepth:", b"GImage:", b"MotionPhoto", b"MicroVideo", b"GPano:")
"""What the XMP of a file says of further pictures in it (a gain map, a depth map, a clip), which a result has not."""

LONGEST_EXIF: Final = 65_527
"""Bytes of EXIF that a JPEG can hold."""


@dataclass(frozen=True)
class Metadata:
    """What is kept of a file.

    Attributes:
        exif: the bytes, without the mark "Exif"; empty if there are none.
        xmp: the packet, empty if there is none.
        dpi: pixels an inch, across and down.
    """

    exif: bytes = b""
    xmp: bytes = b""
    dpi: tuple[float, float] | None = None

    @classmethod
    def of(cls, image: PIL.Image.Image) -> Metadata:
        """What Pillow's picture of a file knows, before it is turned upright."""
        if image.format == "TIFF":
            exif = _of_the_photograph(image.getexif)
        else:
            exif = image.info.get("exif") or b""
            exif = exif.removeprefix(_MARK) if isinstance(exif, bytes) else b""
        xmp = image.info.get("xmp") or b""
        xmp = xmp.encode() if isinstance(xmp, str) else xmp
        dpi = image.info.get("dpi")
        sane = isinstance(dpi, tuple) and len(dpi) == 2 and all(0 < float(number) < 1e5 for number in dpi)
        return cls(exif, xmp, (float(dpi[0]), float(dpi[1])) if sane and dpi is not None else None)

    def upright(self, width: int, height: int) -> Metadata:
        """The same of a result of this size, which is upright: the orientation is 1, the thumbnail is gone.

        EXIF keeps every other byte at its place, so that a camera's own notes stay readable. Damaged EXIF is left out.
        """
        return Metadata(_upright_exif(self.exif, width, height), _upright_xmp(self.xmp), self.dpi)

    @property
    def marked(self) -> bytes:
        """EXIF with its mark, as Pillow writes it; empty if there is none."""
        return _MARK + self.exif if self.exif else b""

    @property
    def for_tiff(self) -> bytes:
        """EXIF with its mark, of those tags alone that tell of the photograph: the others are a TIFF's own.

        Empty if there is none, or it is damaged: a TIFF's reader would trip over it.
        """

        def load() -> PIL.Image.Exif:
            exif = PIL.Image.Exif()
            exif.load(self.marked)
            return exif

        exif = _of_the_photograph(load) if self.exif else b""
        return _MARK + exif if exif else b""


def is_adobe_rgb(image: PIL.Image.Image) -> bool:
    """Whether EXIF says, as cameras do (DCF 2.0, interoperability index R03), that the numbers are Adobe RGB."""
    try:
        index = image.getexif().get_ifd(_INTEROPERABILITY).get(1)
    except Exception:  # Pillow's reader of damaged EXIF raises nearly every type
        return False
    text = index.decode("latin-1") if isinstance(index, bytes) else str(index)
    return text.strip("\0 ") == "R03"


# -- inside ---------------------------------------------------------------------------------------------------------


def _of_the_photograph(load: Callable[[], Any]) -> bytes:
    """The tags of Pillow's EXIF that tell of the photograph, as a block of its own; empty if they are damaged."""
    try:
        known, kept = load(), PIL.Image.Exif()
        for tag in _OF_A_TIFF:
            if tag in known:
                kept[tag] = known.get_ifd(tag) if tag in (0x8769, 0x8825) else known[tag]
        return kept.tobytes().removeprefix(_MARK) if len(kept) else b""
    except Exception:  # as above
        return b""


def _upright_exif(exif: bytes, width: int, height: int) -> bytes:
    if not exif:
        return b""
    data = bytearray(exif)
    try:
        order = {b"II": "<", b"MM": ">"}[exif[:2]]
        (first,) = struct.unpack_from(f"{order}I", data, 4)
        following = first + 2 + 12 * _count(data, order, first)
        (thumbnail,) = struct.unpack_from(f"{order}I", data, following)
        if thumbnail:
            struct.pack_into(f"{order}I", data, following, 0)
            _erase_thumbnail(data, order, thumbnail)
        _set(data, order, first, (_ORIENTATION,), 1)
        for place in (first, *_places(data, order, first, _EXIF_IFD)):
            _set(data, order, place, _WIDTHS, width)
            _set(data, order, place, _HEIGHTS, height)
    except (struct.error, KeyError, ValueError):
        return b""
    return bytes(data)


def _count(data: bytearray, order: str, place: int) -> int:
    count: int = struct.unpack_from(f"{order}H", data, place)[0]
    return count


def _entries(data: bytearray, order: str, place: int) -> list[tuple[int, int, int]]:
    """(tag, type, where its value stands) of a directory."""
    rows = []
    for k in range(_count(data, order, place)):
        at = place + 2 + 12 * k
        tag, kind = struct.unpack_from(f"{order}HH", data, at)
        struct.unpack_from(f"{order}I", data, at + 8)  # the whole entry lies in the data
        rows.append((tag, kind, at + 8))
    return rows


def _places(data: bytearray, order: str, place: int, tag: int) -> list[int]:
    return [struct.unpack_from(f"{order}I", data, at)[0] for name, _, at in _entries(data, order, place) if name == tag]


def _set(data: bytearray, order: str, place: int, tags: tuple[int, ...], value: int) -> None:
    """Replace the value of numbers (SHORT, LONG) that a directory has."""
    for tag, kind, at in _entries(data, order, place):
        if tag in tags and kind in (3, 4):
            struct.pack_into(f"{order}I", data, at, 0)
            struct.pack_into(f"{order}{'H' if kind == 3 else 'I'}", data, at, value)


def _erase_thumbnail(data: bytearray, order: str, place: int) -> None:
    """Zeros in place of a thumbnail's picture and of the directory that describes it; an end of them is cut off."""
    starts, lengths = (_places(data, order, place, tag) for tag in (_THUMBNAIL, _THUMBNAIL_LENGTH))
    pieces = [(place, 2 + 12 * _count(data, order, place) + 4), *zip(starts, lengths, strict=False)]
    for start, length in pieces:
        end = min(len(data), start + length)
        data[start:end] = bytes(max(0, end - start))
    for start, length in pieces[1:]:
        if start + length >= len(data) > start:
            del data[start:]


def _upright_xmp(xmp: bytes) -> bytes:
    if any(word in xmp for word in _OF_OTHER_PICTURES):
        return b""
    return re.sub(rb'(tiff:Orientation(?:="|>))\d(?="|<)', rb"\g<1>1", xmp)
