"""Fetch the free fonts that characters are rendered from: Debian packages, unpacked into a folder.

    python scripts/fetch_fonts.py data/fonts

Needs apt-get and dpkg-deb, and package lists of a Debian that has these versions (12, "bookworm"). Nothing is
installed. Every package is compared with its checksum.

    python scripts/fetch_fonts.py data/fonts --record NAME NAME ...

takes these packages instead, in the versions that apt offers, looks at every font in them, and writes both lists.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

from repose.apps.fonts.catalogue import Package, describe_fonts, licence_of, packages, write_lists


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--record", nargs="+", metavar="NAME", help="packages for a new list")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    if args.record:
        record(args.folder, sorted(set(args.record)))
        return
    for package in packages():
        if not (args.folder / package.name).is_dir():
            fetch(args.folder, package.name, package.version, package.sha256)
    print(f"{args.folder}: {len(packages())} packages")


def fetch(folder: Path, name: str, version: str = "", sha256: str = "") -> Package:
    """Download a package and unpack it into a folder of its name."""
    with tempfile.TemporaryDirectory() as place:
        wanted = f"{name}={version}" if version else name
        subprocess.run(["apt-get", "-q", "download", wanted], cwd=place, check=True, capture_output=True)
        (file,) = Path(place).glob("*.deb")
        found = hashlib.sha256(file.read_bytes()).hexdigest()
        if sha256 and found != sha256:
            raise SystemExit(f"{wanted} has the sha256 {found}, not {sha256}: nothing of it was unpacked")
        shown = subprocess.run(["dpkg-deb", "-f", file, "Version"], check=True, capture_output=True, text=True)
        subprocess.run(["dpkg-deb", "-x", file, folder / name], check=True)
    copyright_file = folder / name / "usr/share/doc" / name / "copyright"
    text = copyright_file.read_text(encoding="utf-8", errors="replace") if copyright_file.is_file() else ""
    return Package(name, shown.stdout.strip(), found, licence_of(text))


def record(folder: Path, names: list[str]) -> None:
    """Fetch packages of any version, look at their fonts, and write both lists."""
    listed = [fetch(folder, name) for name in names]
    found = describe_fonts(folder, listed)
    used = {font.package for font in found if not font.why}
    write_lists([package for package in listed if package.name in used], found)
    print(Counter(font.use for font in found))


if __name__ == "__main__":
    main()
