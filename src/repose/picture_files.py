"""Opening picture files: the formats that Repose reads, and what the first bytes of a file say that it is."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final, Literal

import PIL.Image

FORMATS: Final = (
    "JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "DIB", "PPM", "JPEG2000", "AVIF", "HEIF"
)  # fmt: skip
"""Pillow's names of the formats that Repose reads.

The list is closed: Pillow knows three dozen formats more, and some of them (EPS) start other programs. HEIF is read by
the package pillow-heif, AVIF by Pillow 11.3 and later.
"""

Kind = Literal[
    "", "HEIC", "AVIF", "JPEG", "PNG", "JPEG XL", "video", "PDF", "PostScript", "PSD", "SVG", "camera raw", "zip"
]
"""What a file is by its first bytes; "" where they are none of these."""

HEAD: Final = 400
"""Bytes at the beginning of a file that say what it is."""

_STARTS: Final[tuple[tuple[bytes, Kind], ...]] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG", "PNG"),
    (b"\x1a\x45\xdf\xa3", "video"),  # Matroska, WebM
    (b"\x00\x00\x01\xba", "video"),  # MPEG program stream
    (b"\x00\x00\x01\xb3", "video"),  # MPEG video
    (b"FLV\x01", "video"),
    (b"OggS", "video"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video"),  # WMV
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (b"%PDF", "PDF"),
    (b"%!PS", "PostScript"),
    (b"\xc5\xd0\xd3\xc6", "PostScript"),  # with a preview
    (b"8BPS", "PSD"),
    (b"<svg", "SVG"),
    (b"FUJIFILMCCD-RAW", "camera raw"),
    (b"PK\x03\x04", "zip"),
)

_HEIC: Final = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
_QUICKTIME: Final = (b"moov", b"mdat", b"wide", b"pnot", b"free", b"skip")
"""Boxes with which a QuickTime file without `ftyp` begins."""


def open_picture(file: str | Path | BinaryIO) -> PIL.Image.Image:
    """Open a picture of one of `FORMATS` with Pillow, which reads its pixels later.

    Who looks at a file of somebody else before it is read opens it once and gives the stream: behind the path another
    file may lie by then.

    Raises:
        PIL.UnidentifiedImageError: it is of no such format, or HEIC without pillow-heif.
        PIL.Image.DecompressionBombError: it has more pixels than Pillow opens (179 million).
        OSError: it cannot be read.
    """
    if isinstance(file, str | Path):
        kind = kind_of(Path(file))
    else:
        file.seek(0)  # as Pillow does
        kind = kind_of_bytes(file.read(HEAD))
    if kind == "HEIC":
        register_heif()
    PIL.Image.init()
    return PIL.Image.open(file, formats=[name for name in FORMATS if name in PIL.Image.OPEN])


def register_heif() -> bool:
    """Let Pillow open HEIC; False where the package pillow-heif is not installed."""
    try:
        from pillow_heif import register_heif_opener
    except ImportError:
        return False
    register_heif_opener()
    return True


def kind_of(path: Path) -> Kind:
    """What a file is by its first bytes, whatever its suffix says.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        return kind_of_bytes(stream.read(HEAD))


def kind_of_bytes(head: bytes) -> Kind:
    """What a file is that begins with these bytes, `HEAD` of them where it has so many."""
    if head[4:8] == b"ftyp":
        return _kind_of_brands(head)
    if head[4:8] in _QUICKTIME:
        return "video"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "video"
    if head[:1] == b"\x47" and head[188:189] == b"\x47" and head[376:377] == b"\x47":  # MPEG transport stream
        return "video"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<?xml") and b"<svg" in text:
        return "SVG"
    return next((kind for start, kind in _STARTS if text.startswith(start) or head.startswith(start)), "")


def _kind_of_brands(head: bytes) -> Kind:
    """What a file of ISO 14496-12 is by its brands: the major one, then those that it is compatible with."""
    length = int.from_bytes(head[:4], "big")
    box = head[8 : max(16, min(length, len(head)))]
    major, compatible = box[:4], [box[at : at + 4] for at in range(8, len(box) - 3, 4)]
    if major in (b"avif", b"avis") or (major in (b"mif1", b"msf1") and b"avif" in compatible):
        return "AVIF"
    if major in _HEIC:
        return "HEIC"
    return "camera raw" if major == b"crx " else "video"
