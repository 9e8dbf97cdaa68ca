"""Which fonts the characters are rendered from: a list of free packages, and what became of every file in them.

`packages.tsv` names Debian packages with version, checksum and licence, `fonts.tsv` every font file in them: what it is
used for, or why it is left out. No font file comes with Repose; scripts/fetch_fonts.py fetches the packages.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Final

import numpy as np

from repose.apps.fonts.glyphs import (
    LETTERS,
    SIDE,
    SUFFIXES,
    Coverage,
    FontError,
    font_glyphs,
    open_font,
    why_unusable,
)
from repose.tensor_files import write_text

PACKAGES: Final = Path(__file__).parent / "packages.tsv"
FONTS: Final = Path(__file__).parent / "fonts.tsv"
TEST_SHARE: Final = 300 / 1315
"""The share of the fonts that are for the test, as in the paper."""

RELATED: Final = {
    "the standard fonts of printers": (
        "fonts-urw-base35", "fonts-texgyre", "fonts-freefont-otf", "fonts-liberation2", "fonts-croscore",
        "fonts-johnsmith-induni", "fonts-stix", "fonts-sil-doulos",
    ),
    "computer modern": ("fonts-cmu", "fonts-lmodern", "fonts-lyx"),
    "bitstream vera": ("fonts-dejavu-core", "fonts-dejavu-extra", "fonts-hack", "fonts-wine"),
    "karla": ("fonts-karla", "fonts-karmilla"),
    "lato": ("fonts-lato", "fonts-crosextra-carlito"),
    "gentium": ("fonts-sil-gentium-basic", "fonts-sil-gentiumplus"),
    "ecolier": ("fonts-ecolier-court", "fonts-ecolier-lignes-court"),
    "cabin": ("fonts-cabin", "fonts-cabinsketch"),
    "yrsa": ("fonts-yrsa-rasa",),
    "lobster": ("fonts-lobster", "fonts-lobstertwo"),
    "gfs": (
        "fonts-gfs-artemisia", "fonts-gfs-bodoni-classic", "fonts-gfs-complutum", "fonts-gfs-didot",
        "fonts-gfs-neohellenic",
    ),
}  # fmt: skip
"""Packages with the same designs, or with one that grew out of the other: all of their fonts are one family."""


@dataclass(frozen=True)
class Package:
    """A Debian package of fonts.

    Attributes:
        name, version, sha256: of the package file.
        licence: of the fonts in it, as the package's copyright file calls it.
    """

    name: str
    version: str
    sha256: str
    licence: str


@dataclass(frozen=True)
class FontRecord:
    """A font file of a package.

    Attributes:
        package: its name. file: the path inside it.
        checksum: the first 16 digits of the file's sha256.
        name: family and style, as the file says.
        family: what is never divided between training and test: the first word of the name, or a key of `RELATED`.
        use: "train", "test" or "left out". why: it is left out.
    """

    package: str
    file: str
    checksum: str
    name: str
    family: str
    use: str
    why: str = ""

    def path(self, folder: Path) -> Path:
        """The file, where scripts/fetch_fonts.py unpacked the packages into `folder`."""
        return folder / self.package / self.file


def packages() -> list[Package]:
    """The list of packages."""
    return [Package(*row) for row in _rows(PACKAGES)]


def fonts() -> list[FontRecord]:
    """The list of font files."""
    return [FontRecord(*row) for row in _rows(FONTS)]


def read_fonts(folder: Path, use: str) -> tuple[list[FontRecord], Coverage]:
    """The capitals of all fonts of one use, "train" or "test".

    Args:
        folder: of scripts/fetch_fonts.py.

    Returns:
        The fonts, and uint8 (fonts, 26, 64, 64).

    Raises:
        FileNotFoundError: a font is not there. ValueError: a file is not the listed one.
    """
    wanted = [font for font in fonts() if font.use == use]
    glyphs = np.empty((len(wanted), len(LETTERS), SIDE, SIDE), np.uint8)
    for row, font in zip(glyphs, wanted, strict=True):
        path = font.path(folder)
        if not path.is_file():
            raise FileNotFoundError(f"{path} is not there: python scripts/fetch_fonts.py {folder} fetches the fonts")
        if _checksum(path) != font.checksum:
            raise ValueError(f"{path} is not the file of {font.package} that fonts.tsv lists: fetch the packages anew")
        row[:] = font_glyphs(open_font(path))
    return wanted, glyphs


def describe_fonts(folder: Path, listed: Sequence[Package]) -> list[FontRecord]:
    """Look at every font file of unpacked packages, and say what it is used for.

    Left out are fonts without the 26 capitals, with boxes in their place, with two capitals alike, and second files of
    the same capitals (another format of one font, another name). A family is either for training or for the test.
    """
    found = []
    seen: dict[bytes, str] = {}
    for package in listed:
        for path in sorted((folder / package.name).rglob("*")):
            if path.suffix.lower() in SUFFIXES and path.is_file() and not path.is_symlink():
                found.append(_described(folder, package.name, path, seen))
    return _divided(found)


def write_lists(listed: Sequence[Package], found: Sequence[FontRecord]) -> None:
    """Write `packages.tsv` and `fonts.tsv`."""
    for file, kind, rows in ((PACKAGES, Package, listed), (FONTS, FontRecord, found)):
        lines = ["\t".join(field.name for field in fields(kind)), *("\t".join(astuple(row)) for row in rows)]
        write_text(file, "\n".join(lines) + "\n")


def licence_of(text: str) -> str:
    """The licence of the fonts, out of a Debian copyright file: the names in it, without those of debian/ alone."""
    own = []
    for paragraph in re.split(r"\n\s*\n", text):
        files = re.search(r"^Files:(.*(?:\n[ \t].*)*)", paragraph, re.MULTILINE)
        licence = re.search(r"^License:[ \t]*(\S.*)?", paragraph, re.MULTILINE)
        if files and licence and licence[1] and not re.fullmatch(r"[\s\S]*debian/[\s\S]*", files[1].strip()):
            own.append(licence[1].strip())
    if own:
        return ", ".join(dict.fromkeys(own))
    named = [name for name, words in _IN_WORDS.items() if re.search(words, text, re.IGNORECASE)]
    return (", ".join(named) or "free") + ", in its own words"


_IN_WORDS: Final = {
    "OFL-1.1": r"SIL\s+Open\s+Font\s+Licen[sc]e",
    "GUST-Font-License": r"GUST\s+Font\s+License",
    "GPL": r"(?<!packaging is )licen[sc]ed under the GPL|GNU\s+General\s+Public",
    "public-domain": r"public\s+domain",
}
"""Licences, as copyright files of the old form speak of them."""


# -- inside ---------------------------------------------------------------------------------------------------------


def _rows(file: Path) -> list[list[str]]:
    return [line.split("\t") for line in file.read_text(encoding="utf-8").splitlines()[1:]]


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _described(folder: Path, package: str, path: Path, seen: dict[bytes, str]) -> FontRecord:
    name, why = path.stem, ""
    try:
        font = open_font(path)
        name = " ".join(word for word in font.getname() if word).replace("\t", " ") or path.stem
        why = why_unusable(font)
        if not why:
            capitals = hashlib.sha256(font_glyphs(font).tobytes()).digest()
            if capitals in seen:
                why = f"it has the capitals of {seen[capitals]}"
            seen.setdefault(capitals, name)
    except FontError:
        why = "FreeType cannot read it"
    related = next((key for key, names in RELATED.items() if package in names), "")
    first = re.match(r"[A-Za-z]+", name.split()[0])
    family = related or (first[0] if first else name.split()[0]).lower()
    return FontRecord(
        package, path.relative_to(folder / package).as_posix(), _checksum(path), name, family, "left out", why
    )


def _divided(found: Sequence[FontRecord]) -> list[FontRecord]:
    """Families in the order of their checksums are for the test, until it has its share of the fonts."""
    families = defaultdict(list)
    for font in found:
        if not font.why:
            families[font.family].append(font)
    total, taken, test = sum(map(len, families.values())), 0, set[str]()
    for family in sorted(families, key=lambda family: hashlib.sha256(family.encode()).digest()):
        if taken + len(families[family]) <= round(TEST_SHARE * total):
            taken += len(families[family])
            test.add(family)
    return [font if font.why else replace(font, use="test" if font.family in test else "train") for font in found]
