"""Fixtures of the whole suite."""

import zipfile
from pathlib import Path

import pytest

_SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of development files beside the checkout; tests that need it are skipped where it is absent."""
    if not _SHARED.is_dir():
        pytest.skip("the development files (../shared) are not here")
    return _SHARED


@pytest.fixture(scope="session")
def market(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small unpacked part of Market-1501: 400 training and 300 test photographs with all CSVs."""
    source = shared / "market1501"
    if not source.is_dir():
        pytest.skip("the Market-1501 photographs (../shared/market1501) are not here")
    folder = tmp_path_factory.mktemp("market1501")
    for name, count in (("bounding_box_train", 400), ("bounding_box_test", 300)):
        with zipfile.ZipFile(source / f"{name}.zip") as archive:
            members = sorted(n for n in archive.namelist() if n.endswith(".jpg"))[:count]
            for member in members:
                target = folder / name / Path(member).name
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(archive.read(member))
    for csv in source.glob("*.csv"):
        (folder / csv.name).write_bytes(csv.read_bytes())
    return folder
