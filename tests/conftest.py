"""Fixtures of the whole suite."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

_SHARED = Path(__file__).resolve().parents[2] / "shared"

_TESTS = Path(__file__).resolve().parent
_RENDERING = (
    "test_documents.py",
    "test_cli.py",
    "test_demo.py",
    "test_package.py",
    "bench/test_rendering.py",
    "body/",
    "research/",
    "render/",
)
"""Where tests render people, or need loops that these compile; the longest tests come first."""

_COMPILING = pytest.StashKey[subprocess.Popen[bytes]]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """In a parallel run of the whole suite, compile the renderer's kernels once, beside the first tests."""
    config = session.config
    whole = config.args == config.getini("testpaths") and not config.option.collectonly
    if whole and getattr(config.option, "numprocesses", None) and not hasattr(config, "workerinput"):
        words = [sys.executable, str(_TESTS / "compile_kernels.py")]
        config.stash[_COMPILING] = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def pytest_unconfigure(config: pytest.Config) -> None:
    compiling = config.stash.get(_COMPILING, None)
    if compiling is not None:
        compiling.kill()
        compiling.wait()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that render come last: by then the kernels are compiled."""

    def place(item: pytest.Item) -> int:
        name = item.path.relative_to(_TESTS).as_posix() if item.path.is_relative_to(_TESTS) else ""
        return next((at for at, start in enumerate(_RENDERING) if name.startswith(start)), -1)

    items.sort(key=place)


@pytest.fixture(autouse=True)
def _masks_of_networks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test fetches the networks that cut people out, or depends on a test that had them, unless it says so."""
    if request.node.get_closest_marker("automatic_mask") is None:
        monkeypatch.setattr("repose.pipeline.masks.no_automatic_mask", lambda: "")
    else:
        from repose.pipeline import no_automatic_mask

        no_automatic_mask.cache_clear()


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
