"""`repose estimate --fields`: what the command writes, keeps, says and refuses."""

import errno
import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from repose.estimate import ESTIMATORS
from repose.estimate.field_files import FieldFolder
from repose.files import DiskFullError
from repose.represent.pose_files import read_keypoints
from tests.estimate import fake_fields
from tests.estimate.fake_fields import photograph
from tests.test_cli import Run, run  # noqa: F401  (fixtures)


def test_fields_of_a_folder(run: Run, tmp_path: Path) -> None:
    for k in range(3):
        photograph(tmp_path / "figures" / f"p{k}.png", 10 + 3 * k)
    (tmp_path / "figures" / "bad.png").write_text("no picture")
    words = ["estimate", "figures", *fake_fields.words(*fake_fields.FIELDS), "-o", "out"]
    done = run(*words, "--json")
    assert done.code == 3, done
    said = json.loads(done.out)
    assert [one["path"] for one in said["skipped"]] == ["figures/bad.png"]
    assert [(one["path"], one["kept"], one["people"]) for one in said["pictures"]] == [
        (f"figures/p{k}.png", False, 1) for k in range(3)
    ]
    assert {one["name"]: one["estimator"] for one in said["fields"]}["mask"] == "fake-mask-1"
    kinds = Counter(one["kind"] for one in said["outputs"])
    assert kinds == {"mask": 3, "parsing": 3, "iuv": 3, "keypoints": 1, "sheet": 1}
    assert all((tmp_path / one["path"]).is_file() for one in said["outputs"])
    assert set(read_keypoints(tmp_path / "out" / "keypoints.json")) == {"p0.png", "p1.png", "p2.png"}
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.*.png")}
    again = run(*words)
    assert again.code == 3
    assert "keypoints, mask, parsing, iuv of 3 photographs, 3 of them were there already" in again.out
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.*.png")}
    assert run(*words, "--force").code == 3
    assert all(path.stat().st_mtime_ns > then for path, then in before.items()), "--force begins anew"


def test_fields_in_two_processes(run: Run, tmp_path: Path) -> None:
    for k in range(3):
        photograph(tmp_path / "figures" / f"p{k}.png", 10 + 3 * k)
    words = ["estimate", "figures", *fake_fields.words(*fake_fields.FIELDS)]
    assert run(*words, "-o", "one").code == 0
    assert run(*words, "-o", "two", "--workers", "2").code == 0
    for path in (tmp_path / "one").glob("*.png"):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_the_words_of_fields(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ESTIMATORS, "parsing", {})
    photograph(tmp_path / "figures" / "a.png")
    for words, text in (
        (["--workers", "2"], "--estimators, --maps, --labels, --workers and --ray go with --fields"),
        (["--estimators", "mask=selfie"], "go with --fields"),
        (["--fields", "masks"], "did you mean 'mask'?"),
        (["--fields", ","], "--fields takes"),
        (["--fields", "parsing"], "Repose has no estimator of parsing"),
        (["--fields", "mask", "--estimators", "mask"], "FIELD=NAME"),
        (["--fields", "mask", "--estimators", "iuv=body"], "iuv is none of the fields"),
        (["--fields", "mask", "--estimators", "mask=selfy"], "did you mean 'selfie'?"),
        (["--fields", "mask", "--all"], "--all and --fields do not go together"),
        (["--fields", "mask", "-o", "poses.json"], "fields go into a folder, such as poses"),
        (["--fields", "mask", "-o", "figures"], "figures holds the photograph a.png"),
        (["--fields", "mask", "-o", "figures/a.png"], "is a file"),
    ):
        assert text in run("estimate", "figures", *words).error, words
    (tmp_path / "bad.png").write_text("no picture")
    words = fake_fields.words("keypoints", "mask")
    assert "bad.png" in run("estimate", "bad.png", *words, "-o", "out").error
    assert "no joints were found" in run("estimate", "bad.png", "bad.png", *words, "-o", "out").error


def test_files_of_a_parser_of_your_own(run: Run, tmp_path: Path) -> None:
    """SCHP's labels of ATR for a whole folder; one photograph has none, and one map is of another photograph."""
    names = ("p0", "p1", "p2", "p3")
    (tmp_path / "schp").mkdir()
    atr = {0: 0, 13: 11, 5: 4, 9: 6, 16: 12, 17: 13, 18: 9, 19: 10}  # LIP's label -> ATR's
    for k, name in enumerate(names):
        path = photograph(tmp_path / "figures" / f"{name}.png", 10 + 3 * k)
        labels = fake_fields.labels(path)
        numbers = np.vectorize(atr.get)(labels.numpy()).astype(np.uint8)
        PIL.Image.fromarray(numbers[:-1] if name == "p3" else numbers).save(tmp_path / "schp" / f"{name}.png")
    (tmp_path / "schp" / "p1.png").rename(tmp_path / "elsewhere.png")
    words = ["estimate", "figures", *fake_fields.words("keypoints", "mask"), "--maps", "parsing=schp", "-o", "out"]
    words[words.index("keypoints,mask")] = "mask,parsing"
    done = run(*words, "--labels", "atr", "--json")
    assert done.code == 3, done
    said = json.loads(done.out)
    reasons = {one["path"]: one["reason"] for one in said["skipped"]}
    assert set(reasons) == {"figures/p1.png", "figures/p3.png"}
    assert "p1.png, p1_gray.png" in reasons["figures/p1.png"]
    assert "schp/p3.png is 159x100, the photograph 160x100" in reasons["figures/p3.png"]
    folder = FieldFolder(tmp_path / "out")
    for name in ("p0", "p2"):
        person = folder.person(name)
        assert person.parsing is not None
        assert torch.equal(person.parsing, fake_fields.labels(tmp_path / "figures" / f"{name}.png"))
        assert person.mask is not None
    (tmp_path / "elsewhere.png").rename(tmp_path / "schp" / "p1_gray.png")
    (tmp_path / "schp" / "p0.png").write_bytes((tmp_path / "schp" / "p2.png").read_bytes())
    said = json.loads(run(*words, "--labels", "atr", "--json").out)
    assert {one["path"]: one["kept"] for one in said["pictures"]} == {
        "figures/p0.png": False, "figures/p1.png": False, "figures/p2.png": True,
    }, "another file is read again"  # fmt: skip
    assert torch.equal(folder.person("p0").parsing, fake_fields.labels(tmp_path / "figures" / "p2.png"))  # type: ignore[arg-type]
    assert "schp2 is no folder" in run(*[word.replace("=schp", "=schp2") for word in words]).error
    assert "mask is not read from files" in run(*[word.replace("parsing=schp", "mask=schp") for word in words]).error


def test_a_full_disk_ends_the_command(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for k in range(2):
        photograph(tmp_path / "figures" / f"p{k}.png", 10 + 3 * k)

    def full(path: Path) -> None:
        raise DiskFullError(path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))

    monkeypatch.setattr("repose.estimate.field_files.replacing", full)
    done = run("estimate", "figures", *fake_fields.words("keypoints", "mask"), "-o", "out")
    assert done.code == 2
    assert "skipped" not in done.err
    assert "could not be written: the disk is full" in done.err.splitlines()[-1]
