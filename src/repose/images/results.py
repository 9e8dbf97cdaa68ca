"""The mark of pictures that Repose has written of photographs: in a folder of photographs they are left out.

A PNG has it as the text "Software", a JPEG as its comment, a TIFF in its tag Software, a WebP in its XMP. It says which
program wrote the file, and nothing else.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import PIL.Image
from PIL.PngImagePlugin import PngInfo

from repose.picture_files import open_picture
from repose.version import __version__

MARK: Final = f"Repose {__version__}"

_MARKED: Final = re.compile(r"\bRepose \d")
_SOFTWARE: Final = 0x0131
_XMP: Final = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="{mark}"/></rdf:RDF></x:xmpmeta>'
)
_XMP_ENDS: Final = (b"</x:xmpmeta>", b"</rdf:RDF>")
"""Of a packet; the outer element may be absent."""


def is_result(path: Path) -> bool:
    """Whether a picture file has the mark; also False of a file that cannot be read as a picture."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with open_picture(path) as image:
                return any(_MARKED.search(text) for text in _texts(image))
    except Exception:  # Pillow's readers of broken files raise nearly every type; who uses it says what is wrong
        return False


def without_results(paths: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """The photographs among the pictures of a folder, and those that Repose wrote.

    Where it wrote all of them, they count as photographs.
    """
    results = [path for path in paths if is_result(path)]
    if len(results) == len(paths):
        return [*paths], []
    left = {*results}
    return [path for path in paths if path not in left], results


def left_out(results: Sequence[Path]) -> str:
    """What is said of results that are left out."""
    names = ", ".join(path.name for path in results[:3]) + (", ..." if len(results) > 3 else "")
    pictures, are, them = ("picture", "is", "it") if len(results) == 1 else ("pictures", "are", "them")
    return (
        f"{len(results)} {pictures} in {results[0].parent} that Repose wrote {are} left out ({names}); to use {them}, "
        f"name {them}, or give a folder that holds nothing else"
    )


def marking(format: str, exif: bytes = b"", xmp: bytes = b"") -> dict[str, Any]:
    """What Pillow's `save` is to be told, so that a file of this format ("PNG", "JPEG", "TIFF", "WEBP") has the mark.

    Args:
        exif: that a TIFF gets, with its mark. xmp: that the file gets.
    """
    if format == "PNG":
        said = PngInfo()
        if xmp:
            said.add_itxt("XML:com.adobe.xmp", xmp.decode(errors="replace"))
        said.add_text("Software", MARK)
        return {"pnginfo": said}
    if format == "JPEG":
        return {"comment": MARK}
    return {"software": software(exif)} if format == "TIFF" else {"xmp": marked_xmp(xmp)}


def software(exif: bytes) -> str:
    """What a TIFF's tag Software says of a result: what its EXIF, with its mark, says, and Repose."""
    known = PIL.Image.Exif()
    if exif:
        known.load(exif)
    before = _MARKED.sub("", str(known.get(_SOFTWARE, ""))).strip("\0 ;")
    return f"{before}; {MARK}" if before and "Repose" not in before else MARK


def marked_xmp(xmp: bytes) -> bytes:
    """A packet of XMP with the mark."""
    if not xmp:
        return _XMP.format(mark=MARK).encode()
    end = next((one for one in _XMP_ENDS if one in xmp), b"")
    if not end or _MARKED.search(xmp.decode("latin-1")):
        return xmp
    head, end, tail = xmp.rpartition(end)
    return head + f"<!-- {MARK} -->".encode() + end + tail


def _texts(image: PIL.Image.Image) -> list[str]:
    """Where a mark may stand in a file that Pillow has opened."""
    found = [image.info.get("Software")]
    if image.format in ("JPEG", "MPO"):
        found.append(image.info.get("comment"))
    if image.format == "TIFF":
        found.append(image.tag_v2.get(_SOFTWARE))  # type: ignore[attr-defined]
    if image.format == "WEBP":
        found.append(image.info.get("xmp"))
    return [one.decode("latin-1") if isinstance(one, bytes) else str(one) for one in found if one]


__all__ = ["MARK", "is_result", "left_out", "marking", "without_results"]
