"""The distributions: what wheel and sdist hold, how large they are, and that what is installed from them works.

With REPOSE_CLEAN_INSTALL=1 the wheel is also installed, with all that it needs, into an environment of its own, which
takes minutes and the network.
"""

from __future__ import annotations

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import textwrap
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from repose.version import __version__
from repose.weight_places import IN_THE_WHEEL, PUBLISHED

pytest.importorskip("hatchling", reason="the build backend is not installed: make setup")

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LARGEST_WHEEL = 12_000_000
LARGEST_SDIST = 15_000_000
PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".mp4")


def build(project: Path, target: str, to: Path) -> Path:
    """Build a distribution and return its file."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(to)],
        cwd=project, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (file,) = to.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return file


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "sdist", tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def weights_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT / "packages" / "weights", "wheel", tmp_path_factory.mktemp("weights"))


def contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def metadata_of(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.message_from_bytes(archive.read(name))


def sets_in(names: set[str], place: str) -> set[str]:
    return {name.removeprefix(place).split("/")[0] for name in names if re.fullmatch(rf"{place}[^/]+/.+", name)}


def test_the_wheel_is_small_and_holds_what_it_should(wheel: Path) -> None:
    assert wheel.name == f"pose_transfer-{__version__}-py3-none-any.whl"
    assert wheel.stat().st_size < LARGEST_WHEEL, f"{wheel.stat().st_size:,} bytes"
    names = contents(wheel)
    code = {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src" / "repose").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    weights = {
        f"repose/{path.relative_to(ROOT).as_posix()}"
        for name in IN_THE_WHEEL
        for path in (ROOT / "weights" / name).iterdir()
    }
    info = {name for name in names if name.split("/")[0].endswith(".dist-info")}
    assert names - info == code | weights
    assert sets_in(names, "repose/weights/") == set(IN_THE_WHEEL)
    pictures = {name for name in names if name.endswith(PICTURES)}
    places = ("repose/render/spare/", "repose/web/files/example.webp")
    assert all(name.startswith(places) for name in pictures), "rendered people, for the demo and the page"


def test_the_metadata_of_the_wheel(wheel: Path, weights_wheel: Path) -> None:
    facts = metadata_of(wheel)
    assert (facts["Name"], facts["Version"]) == ("pose-transfer", __version__)
    assert facts["License-Expression"] == "Apache-2.0"
    assert facts["Requires-Python"] == ">=3.11"
    assert facts["Description-Content-Type"] == "text/markdown"
    text = zipfile.ZipFile(wheel).read(f"pose_transfer-{__version__}.dist-info/entry_points.txt").decode()
    assert f"repose = {PROJECT['scripts']['repose']}" in text
    others = metadata_of(weights_wheel)
    assert (others["Name"], others["License-Expression"]) == ("pose-transfer-weights", "CC0-1.0")
    assert others["Requires-Dist"] is None


def test_the_sdist_builds_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    assert sdist.stat().st_size < LARGEST_SDIST, f"{sdist.stat().st_size:,} bytes"
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
        archive.extractall(tmp_path, filter="data")
    assert {"LICENSE", "README.md", "CHANGELOG.md", "CITATION.cff", "pyproject.toml", "tests/test_package.py"} <= names
    assert sets_in(names, "weights/") == set(IN_THE_WHEEL)
    assert not any(name.startswith("docs/") and name.endswith(PICTURES) for name in names)
    (unpacked,) = tmp_path.iterdir()
    again = build(unpacked, "wheel", tmp_path / "out")
    assert contents(again) == contents(wheel)


def test_the_other_weights_are_all_in_their_distribution(weights_wheel: Path) -> None:
    names = contents(weights_wheel)
    assert sets_in(names, "repose_weights/") == set(PUBLISHED) - set(IN_THE_WHEEL)
    for name in set(PUBLISHED) - set(IN_THE_WHEEL):
        here = {f"repose_weights/{name}/{path.name}" for path in (ROOT / "weights" / name).iterdir()}
        assert here <= names


USE = """
import sys
import numpy as np
import repose
from pathlib import Path

code, others = Path(sys.argv[1]), sys.argv[2]
assert code in Path(repose.__file__).parents, repose.__file__

from repose.doctor import examine
from repose.estimate.parsing_network import load_parser
from repose.images import load_image
from repose.models.weights import find_weights, shipped
from repose.represent.pose_files import read_keypoints

assert set(shipped()) == {"bodywarp-s-synthetic"}, shipped()
load_parser()
try:
    find_weights("carry-s-synthetic")
except ValueError as error:
    print(error)

spare = code / "repose" / "render" / "spare"
joints = read_keypoints(spare / "keypoints.json")
picture = repose.transfer(load_image(spare / "p000000_00.png"), np.asarray(joints["p000000_01"]),
                          source_keypoints=joints["p000000_00"], mask=None, whole=False)
assert picture.ndim == 3 and picture.std() > 10
sys.path.append(others)
assert len(shipped()) == 8 and find_weights("carry-s-synthetic").is_relative_to(others)
assert examine().works
print("transferred")
"""


def take_compiled_loops(installed: Path) -> None:
    """Give an installation the machine code of the checkout's loops, which is that of the same sources: numba goes by
    their size and time. Else each run of the tests would compile them for half a minute."""
    source = ROOT / "src" / "repose"
    for path in source.rglob("*.nb[ic]"):
        place = installed / path.relative_to(source)
        place.parent.mkdir(exist_ok=True)
        shutil.copy2(path, place)
    for path in source.rglob("*.py"):
        os.utime(installed / path.relative_to(source), ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))


def test_what_is_installed_works(wheel: Path, weights_wheel: Path, tmp_path: Path) -> None:
    for file, place in ((wheel, "code"), (weights_wheel, "others")):
        subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index",
             "--no-deps", "--no-compile", "--target", str(tmp_path / place), str(file)],
            check=True, capture_output=True,
        )  # fmt: skip
    take_compiled_loops(tmp_path / "code" / "repose")
    environment = {
        **os.environ,
        "PYTHONPATH": str(tmp_path / "code"),
        "REPOSE_OFFLINE": "1",
        "REPOSE_FILES": "",
        "REPOSE_CACHE": str(tmp_path / "cache"),
    }
    done = subprocess.run(
        [sys.executable, "-c", USE, str(tmp_path / "code"), str(tmp_path / "others")],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "pip install pose-transfer-weights" in done.stdout
    assert done.stdout.splitlines()[-1] == "transferred"


@pytest.mark.skipif(not os.environ.get("REPOSE_CLEAN_INSTALL"), reason="REPOSE_CLEAN_INSTALL=1: takes minutes")
@pytest.mark.timeout(1800)
def test_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "clean", with_pip=True)
    programs = tmp_path / "clean" / "bin"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*words: str) -> str:
        done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{words}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done.stdout

    torch = re.findall(r"^TORCH +\?= (\S+)$", (ROOT / "Makefile").read_text(), re.M)[0]
    run(str(programs / "pip"), "install", "--quiet", torch)
    run(str(programs / "pip"), "install", "--quiet", f"{wheel}[estimate]")
    assert f"repose {__version__}" in run(str(programs / "repose"), "--version")
    people = tmp_path / "people"
    run(
        str(programs / "python"), "-c",
        textwrap.dedent("""
            import shutil, sys
            from pathlib import Path
            import repose
            shutil.copytree(Path(repose.__file__).parent / "render" / "spare", sys.argv[1])
        """),
        str(people),
    )  # fmt: skip
    run(
        str(programs / "repose"), "transfer", str(people / "p000000_00.png"), f"{people}/keypoints.json#p000000_01",
        "--source-keypoints", str(people / "keypoints.json"), "--mask", "none", "-o", "out.png",
    )  # fmt: skip
    assert (tmp_path / "out.png").stat().st_size > 5000
    run(str(programs / "repose"), "doctor", "--try")
    run(str(programs / "repose"), "fetch", "--list")
