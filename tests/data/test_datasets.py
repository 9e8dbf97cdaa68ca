"""A data set is one module and one line: the example of docs/extending.md, packed by the command."""

import dataclasses
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
import torch
from PIL import Image

from repose import cli
from repose.cli.data_sets import DATA_SETS
from repose.data import DataSet, Setting, Store
from repose.represent.pose_files import write_keypoints

GUIDE = Path(__file__).parents[2] / "docs" / "extending.md"
SIZE = 32, 16

Run = Callable[..., int]


def photograph(person: str, number: int, height: int = SIZE[0], width: int = SIZE[1]) -> np.ndarray:
    random = np.random.default_rng([number, *person.encode()])
    return random.integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three people in two photographs, one of another size, and one without joints."""
    place = tmp_path / "photographs"
    place.mkdir()
    joints = {}
    for person in ("ann", "bob", "cyd"):
        for number in range(2):
            name = f"{person}_{number}.jpg"
            Image.fromarray(photograph(person, number)).save(place / name, quality=95)
            joints[name] = torch.tensor([[3.0 + number, 5.0, 1.0]]).repeat(18, 1)
    Image.fromarray(photograph("ann", 2, 40)).save(place / "ann_2.jpg")
    Image.fromarray(photograph("ann", 3)).save(place / "ann_3.jpg")
    joints["ann_2.jpg"] = joints["ann_0.jpg"]
    write_keypoints(place / "joints.json", joints)
    return place


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in this process, with the data set of the guide in its table."""
    text = textwrap.dedent(GUIDE.read_text())
    code = next(block for block in text.split("   ```python\n")[1:] if "SNAPSHOTS = DataSet(" in block)
    (tmp_path / "snapshots_of_the_guide.py").write_text(textwrap.dedent(code.partition("   ```\n")[0]))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "snapshots_of_the_guide", raising=False)
    monkeypatch.setitem(DATA_SETS, "snapshots", ("Your own photographs.", "snapshots_of_the_guide:SNAPSHOTS"))
    monkeypatch.chdir(tmp_path)

    def run(*words: object) -> int:
        monkeypatch.setattr(sys, "argv", ["repose", "prepare", *map(str, words)])
        try:
            cli.main()
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    return run


def test_the_example_of_the_guide(
    run: Run, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli.stdout, "width", 200)
    assert run("--help") == 0
    assert "Your own photographs." in capsys.readouterr().out
    assert run("snapshots", "--help") == 0
    shown = capsys.readouterr().out
    assert "--size" in shown
    assert "256x176" in shown, "the default"
    assert run("snapshots", folder, "--size", "32x16", "-o", "store") == 0
    shown = capsys.readouterr().out
    assert "left out: 1 x wrong size (ann_2.jpg)" in shown
    assert "left out: 1 x photograph without joints (ann_3.jpg)" in shown
    store = Store.open(tmp_path / "store", verify=True)
    assert store.names == [f"{person}_{number}.jpg" for person in ("ann", "bob", "cyd") for number in range(2)]
    assert store.splits == ["train"] * 4 + ["test"] * 2
    assert len(store.pairs("train")) == 4
    assert (store.folder / "samples.png").is_file()
    person = store.person([3])[0]
    assert person.keypoints is not None
    assert person.keypoints[7].tolist() == [4, 5, 1]


def test_options_have_limits_and_belong_to_their_data_set(run: Run, folder: Path, tmp_path: Path) -> None:
    assert run("snapshots", folder, "--test", "-1") == 2
    assert run("snapshots", folder, "--validation", "3") == 2
    assert run("market1501", folder, "--test", "1") == 2
    assert not (tmp_path / "data").exists()


def test_a_store_that_is_there_stays(
    run: Run, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "snapshots", folder, "--size", "32x16"
    assert run(*words) == 0
    before = (tmp_path / "data" / "snapshots" / "meta.json").read_bytes()
    capsys.readouterr()
    assert run(*words, "--test", "2") == 2
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "data" / "snapshots" / "meta.json").read_bytes() == before


def test_a_setting_must_be_declared() -> None:
    @dataclasses.dataclass(frozen=True)
    class Careless:
        folder: Annotated[Path, Setting("The folder.")]
        seed: int = 0

    with pytest.raises(TypeError, match=r"Careless\.seed"):
        DataSet(Careless, lambda *words: None, about="", title=lambda settings: "careless").fields()  # type: ignore[arg-type,return-value]
