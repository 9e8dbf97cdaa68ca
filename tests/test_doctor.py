"""`repose doctor`: what is here, what is missing, what that would give, and whether it works."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from repose.cli import app
from repose.doctor import Finding, Report, examine, features, files, machine, trying
from repose.hub.groups import GROUPS
from repose.hub.weight_sets import SETS

ROOT = Path(__file__).parents[1]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
FOR_DEVELOPERS = {"dev", "docs", "bake", "browser", "parity", "campaigns"}
OF_OTHERS = {"all", "backends", "demo"}


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("REPOSE_FILES", raising=False)
    monkeypatch.setenv("REPOSE_OFFLINE", "1")


def named(findings: list[Finding], name: str) -> Finding:
    (found,) = [one for one in findings if one.name == name]
    return found


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["doctor", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout


def test_every_extra_is_known_with_its_packages() -> None:
    of_users = EXTRAS.keys() - FOR_DEVELOPERS - OF_OTHERS
    assert {feature.extra for feature in features.FEATURES} == of_users
    core = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert [re.split("[><=]", one)[0] for one in core] == list(features.CORE)
    for feature in features.FEATURES:
        wanted = {re.split(r"[\[><=]", one)[0] for one in EXTRAS[feature.extra]}
        if feature.extra == "web":  # it takes serve and estimate in
            wanted = wanted - {"pose-transfer"} | {re.split("[><=]", one)[0] for one in EXTRAS["serve"]}
        assert set(feature.packages) == wanted, feature.extra


def test_what_it_says_here() -> None:
    code, text = run()
    assert code == 0
    assert text.splitlines()[0] == "machine"
    for name in (*SETS, *features.CORE, "estimate", *(group for group in GROUPS if group != "weights")):
        assert re.search(rf"^  (ok|missing|broken) +{re.escape(name)}( |$)", text, re.M), name
    assert "repose fetch photographs" in text
    for line in text.splitlines():
        assert len(line) <= 80 or len(line.split()) == 1 or "/" in line, line  # a name, a path
    document = json.loads(run("--json")[1])
    assert document["transfers"] is True
    assert {one["name"] for one in document["findings"]} >= SETS.keys()


def test_it_is_fast_and_imports_nothing_heavy() -> None:
    program = (
        "import sys; sys.argv = ['repose', 'doctor']\nfrom repose import cli\n"
        "try: cli.main()\nexcept SystemExit as end: print('code', end.code or 0)\n"
        "print([name for name in ('torch', 'numpy', 'PIL', 'numba', 'av', 'gradio') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-2:] == ["code 0", "[]"]


def test_an_extra_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = features._version
    monkeypatch.setattr(features, "_version", lambda package, module: None if module == "av" else real(package, module))
    found = named(features.look(), "video")
    assert (found.status, found.todo) == ("missing", "pip install 'pose-transfer[video]'")
    assert "`repose video`" in found.gives
    assert features._version("no-such-distribution", "no_such_module") is None
    assert features._version("no-such-distribution", "json") is None


def test_without_torch_nothing_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "_version", lambda package, module: None if module == "torch" else "1.0")
    code, text = run()
    assert code == 2
    assert "Transfers do not work here: torch." in text
    assert "pip install torch" in text


def test_weights_that_are_missing_or_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("repose.weight_places.places", lambda: [tmp_path])
    shutil.copytree(ROOT / "weights" / "bodywarp-s-synthetic", tmp_path / "bodywarp-s-synthetic")
    shutil.copytree(ROOT / "weights" / "garment-s-synthetic", tmp_path / "garment-s-synthetic")
    with (tmp_path / "bodywarp-s-synthetic" / "weights.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\0\0")
    found = files.look()
    default, lifter = named(found, "bodywarp-s-synthetic"), named(found, "body-lifter")
    assert default.status == "broken"
    assert "not the published file, or damaged" in default.detail
    assert (lifter.status, lifter.needed) == ("missing", True)
    assert lifter.todo == "pip install --force-reinstall --no-deps pose-transfer"
    assert named(found, "garment-s-synthetic").status == "ok"
    font = named(found, "font-s")
    assert (font.status, font.todo, font.needed) == ("missing", "pip install pose-transfer-weights", False)
    assert run()[0] == 2


def test_networks_that_are_not_the_published_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOSE_FILES", str(tmp_path))
    found = named(files.look(), "photographs")
    assert found.status == "missing"
    assert found.todo == "repose fetch photographs"
    assert "movenet_lightning.tflite" in found.detail
    (tmp_path / "movenet_lightning.tflite").write_bytes(b"<html>")
    found = named(files.look(), "photographs")
    assert found.status == "broken"
    assert str(tmp_path / "movenet_lightning.tflite") in found.detail


def test_networks_that_are_here(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    assert named(files.look(), "photographs").status == "ok"
    report = examine()
    assert report.verdict() == "Transfers work here, from photographs and from keypoint files."


def test_folders_and_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOSE_FILES", str(tmp_path / "nowhere"))
    monkeypatch.setenv("https_proxy", "http://name:secret@proxy")
    (tmp_path / "cache").write_text("a file where the folder should be")
    found = machine.look()
    assert any(one.name == "REPOSE_FILES" and one.status == "broken" for one in found)
    assert named(found, "cache").status == "broken"
    assert "secret" not in str(found)


def test_a_graphics_card_and_a_torch_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'Card 1, 8192 MiB'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(machine.metadata, "version", lambda name: "2.13.0+cpu")
    assert "a build without CUDA" in machine._gpu().detail
    monkeypatch.setattr(machine.metadata, "version", lambda name: "2.13.0")
    assert (machine._gpu().status, machine._gpu().detail) == ("ok", "Card 1, 8192 MiB")
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert machine._gpu().status == "broken"


# -- trying ---------------------------------------------------------------------------------------------------------


def test_it_really_transfers() -> None:
    tried = {one.name: one for one in trying.attempts(set())}
    assert {name: one.status for name, one in tried.items()} == {"torch": "ok", "model": "ok", "transfer": "ok"}, tried
    assert re.search(r"bodywarp-s-synthetic: one picture of \d+x\d+ in \d+ ms", tried["model"].detail)


def test_what_fails_is_said_and_hinders_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trying, "SPARE", tmp_path)
    monkeypatch.setitem(sys.modules, "av", None)  # its import fails
    tried = {one.name: one for one in trying.attempts({"video"})}
    assert tried["torch"].status == "ok"
    assert tried["transfer"].status == "broken"
    assert str(tmp_path) in tried["transfer"].detail
    assert tried["video"].status == "broken"
    report = Report(list(tried.values()))
    assert not report.works
    assert "Transfers do not work here: model, transfer." in list(report.lines())


def test_joints_of_a_rendered_person(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ai_edge_litert")
    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    assert "18 of 18 joints" in trying._joints()
