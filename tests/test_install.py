"""What a clean installation can do without extras, and what it says where one is missing."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from repose.extras import DISTRIBUTION, how_to_install
from repose.represent.pose_files import write_keypoints
from tests import tiny

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=]", requirement)[0] for requirement in requirements}


def test_the_distribution_and_its_extras() -> None:
    assert PROJECT["name"] == DISTRIBUTION == "pose-transfer"
    assert PROJECT["scripts"] == {"repose": "repose.cli:process"}
    assert names(PROJECT["dependencies"]) == {
        "torch",
        "numpy",
        "numba",
        "pillow",
        "safetensors",
        "filelock",
        "rich",
        "typer",
    }
    assert names(EXTRAS["train"]) == {"lightning"}
    for requirements in EXTRAS.values():
        for requirement in requirements:
            if requirement.startswith(DISTRIBUTION):
                assert set(requirement[:-1].partition("[")[2].split(",")) <= EXTRAS.keys()
    assert how_to_install("train") == "pip install 'pose-transfer[train]' (from a checkout: pip install '.[train]')"


def test_messages_name_extras_that_there_are() -> None:
    found: list[str] = []
    for path in (ROOT / "src").rglob("*.py"):
        text = path.read_text()
        own = text.replace("pip install --target", "")  # other versions of runtimes, beside the environment
        known = ("extras.py", "advice.py")  # the second takes such advice out of texts
        assert "pip install" not in own or path.name in known, f"{path}: use repose.extras.how_to_install"
        found += re.findall(r"how_to_install\(['\"](\w+)['\"]\)", text)
    assert {"estimate", "synthetic", "train", "onnx"} <= set(found) <= EXTRAS.keys()


OTHERS = (
    "lightning", "lightning_utilities", "pytorch_lightning", "torchmetrics", "tensorboard", "ai_edge_litert",
    "moderngl", "scipy", "skimage", "onnx", "onnxscript", "onnxruntime", "ncnn", "openvino",
)  # fmt: skip
"""Packages that no core dependency brings."""

WITHOUT_EXTRAS = f"""
import importlib.abc, shlex, sys

class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {OTHERS!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Refuse())
import repose.bench.budget.compare, repose.bench.cost.measure, repose.document_tables
import repose.inspection, repose.metrics, repose.train.memory_forecast
from repose import cli
for line in sys.stdin:
    sys.argv = ["repose", *shlex.split(line)]
    try:
        cli.main()
    except SystemExit as end:
        print("code", end.code or 0, flush=True)
"""


def without_extras(folder: Path, *commands: str) -> tuple[list[str], str, list[str]]:
    """The exit codes, the output and the error lines of commands where no extra is installed."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS], input="\n".join(commands), cwd=folder, capture_output=True, text=True,
        env={**environment, "REPOSE_OFFLINE": "1", "REPOSE_FILES": ""}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done
    assert "Traceback" not in done.stderr
    codes = re.findall(r"^code (\d)$", done.stdout, re.M)
    return codes, done.stdout, [line for line in done.stderr.splitlines() if line.startswith("error:")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """me.png with its joints in me.json, a pose in pose.json, weights, and a store."""
    for name, x, size in (("me", 15, (100, 200)), ("pose", 20, (130, 200))):
        pixels = tiny.photograph(tmp_path / f"{name}.png", *size, x, 10, 160)
        (person,) = tiny.Eyes().people(pixels)
        write_keypoints(tmp_path / f"{name}.json", {f"{name}.png": person.keypoints}, size=pixels.shape[:2])
    tiny.save(tmp_path / "weights")
    tiny.store(tmp_path / "data")
    return tmp_path


def test_without_extras_keypoint_files_are_enough(folder: Path) -> None:
    transfer = "transfer me.png pose.json -m weights -o"
    codes, out, errors = without_extras(
        folder,
        f"{transfer} out.png --source-keypoints me.json",
        "eval weights -d data -p patn-market --pose none --features none",
        "inspect weights --store data --pair 1",
        "train patn-s --show",
        "models",
        "--version",
    )
    assert (codes, errors) == (["0"] * 6, [])
    assert "repose 0." in out
    assert np.asarray(PIL.Image.open(folder / "out.png")).shape == (200, 100, 3)


def test_without_extras_the_rest_says_what_to_install(folder: Path) -> None:
    codes, _, errors = without_extras(
        folder,
        "transfer me.png pose.json -m weights",
        "estimate me.png",
        "train patn-s -d data",
        "prepare synthetic",
    )
    assert codes == ["2"] * 4
    missing = ("ai-edge-litert", "ai-edge-litert", "lightning", "moderngl")
    extras = ("estimate", "estimate", "train", "synthetic")
    for line, package, extra in zip(errors, missing, extras, strict=True):
        assert package in line or extra == "synthetic"
        assert how_to_install(extra) in line
    assert "give the joints in a keypoint file" in errors[0]
