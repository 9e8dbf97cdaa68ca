"""Checkpoint trees and weight files: exact, atomic, and clear about what is wrong."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from repose.models import MODELS, build_generator
from repose.models.weights import lineage, load_generator, save_weights
from repose.tensor_files import SUFFIX, CheckpointError, write_text
from repose.train.checkpoint import checkpoints, load_checkpoint, read_checkpoint, save_checkpoint
from tests.train import toy


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    recipe = toy.recipe()
    torch.manual_seed(0)
    save_weights(tmp_path, build_generator(recipe), recipe, {"licence": "CC0-1.0"})
    return tmp_path


def test_a_tree_comes_back_as_it_was(tmp_path: Path) -> None:
    tree: dict[str, Any] = {
        "weights": {"a": torch.randn(3, 2).t(), "b": torch.arange(5)},
        "state": {
            0: {"step": torch.tensor(3.0)},
            1: {"empty": torch.empty(0)},
        },  # optimisers have whole numbers as keys
        "list": [1, 2.5, None, True, "text", torch.tensor([1], dtype=torch.uint8)],
        "half": torch.randn(4).bfloat16(),
        "precise": 0.1 + 0.2,
    }
    back = read_checkpoint(save_checkpoint(tmp_path, tree, 7))
    assert back["state"].keys() == {0, 1}
    assert back["list"][:5] == tree["list"][:5]
    assert back["precise"] == tree["precise"]
    for one, other in (
        (back["weights"]["a"], tree["weights"]["a"]),
        (back["weights"]["b"], tree["weights"]["b"]),
        (back["state"][0]["step"], tree["state"][0]["step"]),
        (back["state"][1]["empty"], tree["state"][1]["empty"]),
        (back["list"][5], tree["list"][5]),
        (back["half"], tree["half"]),
    ):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)


def test_only_plain_values(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="/a/0 is a set"):
        save_checkpoint(tmp_path, {"a": [{1}]}, 1)
    assert not list(tmp_path.iterdir())


def test_keeps_two(tmp_path: Path) -> None:
    for images in (10, 200, 3000):
        save_checkpoint(tmp_path, {"x": torch.zeros(1)}, images)
    assert [path.name for path in checkpoints(tmp_path)] == ["000003000.safetensors", "000000200.safetensors"]
    assert load_checkpoint(tmp_path / "nowhere") is None


@pytest.mark.parametrize("share", [0.0, 0.0001, 0.5, 0.999])
def test_all_damaged_is_an_error(tmp_path: Path, share: float) -> None:
    path = save_checkpoint(tmp_path, {"x": torch.zeros(10_000)}, 1)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    with pytest.raises(CheckpointError, match=r"000000001.*cut off or damaged.*no other"):
        load_checkpoint(tmp_path)


def test_killed_while_it_writes(tmp_path: Path) -> None:
    """A process that does nothing but write checkpoints is killed: what is there is whole."""
    code = (
        "import sys, torch, itertools; from pathlib import Path; from repose.train.checkpoint import save_checkpoint\n"
        "for i in itertools.count(1):\n"
        "    save_checkpoint(Path(sys.argv[1]), {'i': i, 'x': torch.full((2_000_000,), float(i))}, i)\n"
        "    print(i, flush=True)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "src")}
    process = subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True, env=env)
    assert process.stdout
    for _ in range(int(toy.luck().integers(2, 6))):
        done = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.wait()
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found[1]["i"] >= done
    assert bool((found[1]["x"] == found[1]["i"]).all())
    (tmp_path / f".000000007{SUFFIX}.12345.partial").write_bytes(b"half")  # the kill may have left one, or not
    save_checkpoint(tmp_path, {"x": torch.zeros(1)}, 10**6)
    assert not list(tmp_path.glob("*.partial")), "what a killed writer left is cleaned at the next save"


def test_weights_come_back(weights: Path) -> None:
    torch.manual_seed(0)
    wanted = build_generator(toy.recipe()).state_dict()
    for place in (weights, weights / "weights.safetensors", str(weights)):
        generator, recipe = load_generator(place)
        assert recipe == toy.recipe()
        assert not generator.training
        assert all(torch.equal(value, wanted[name]) for name, value in generator.state_dict().items())


def test_weights_in_half_precision_and_shards(weights: Path) -> None:
    generator, recipe = load_generator(weights)
    paths = save_weights(weights, generator, recipe, {}, dtype=torch.bfloat16, shard=4000)
    assert len(paths) > 1
    assert not (weights / "weights.safetensors").exists()
    back = load_generator(weights)[0].state_dict()
    for name, value in generator.state_dict().items():
        assert back[name].dtype == value.dtype
        torch.testing.assert_close(back[name], value, rtol=2**-8, atol=0)
    paths[-1].unlink()
    with pytest.raises(CheckpointError, match="missing"):
        load_generator(weights)


def test_truncated_weights(weights: Path) -> None:
    path = weights / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"weights.safetensors \([\d,]+ bytes\) is cut off or damaged"):
        load_generator(weights)


def test_weights_of_another_model(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODELS, "other", MODELS["toy"])
    recipe = json.loads((weights / "recipe.json").read_text())
    (weights / "recipe.json").write_text(json.dumps({**recipe, "model": "other"}))
    with pytest.raises(CheckpointError, match="weights of the model 'toy', but 'other' is wanted"):
        load_generator(weights)


def test_weights_of_another_size(weights: Path) -> None:
    recipe = json.loads((weights / "recipe.json").read_text())
    recipe["network"]["width"] = 9
    (weights / "recipe.json").write_text(json.dumps(recipe))
    with pytest.raises(CheckpointError, match=r"net.0.weight has the shape \(8, 21, 3, 3\).*wants \(9, 21, 3, 3\)"):
        load_generator(weights)


def test_missing_and_unknown_entries(weights: Path) -> None:
    state = dict(build_generator(toy.recipe()).state_dict())
    state["nett.0.bias"] = state.pop("net.0.bias")
    save_file(state, weights / "weights.safetensors")
    message = r"1 missing \(net.0.bias\) 1 unknown \(nett.0.bias\)"
    with pytest.raises(CheckpointError, match=message):
        load_generator(weights)


def test_what_is_not_there(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no recipe.json"):
        load_generator(tmp_path / "nowhere")
    (weights / "weights.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"no weights.safetensors"):
        load_generator(weights)
    for damaged in ('{"model": "to', "[]", "3", "null"):
        (weights / "recipe.json").write_text(damaged)
        with pytest.raises(CheckpointError, match=r"recipe.json"):
            load_generator(weights)


def test_a_killed_writer_of_weights_leaves_nothing_for_long(weights: Path) -> None:
    generator, recipe = load_generator(weights)
    left = [weights / f".{name}.12345.partial" for name in (f"weights{SUFFIX}", "card.json", "recipe.json")]
    for path in left:
        path.write_bytes(b"half")
    (weights / ".notes.txt.12345.partial").write_bytes(b"not ours")
    save_weights(weights, generator, recipe, {})
    assert [path.name for path in weights.glob("*.partial")] == [".notes.txt.12345.partial"]


def test_a_full_disk_says_what_to_do(weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also on a system that cannot sync a folder (Windows)."""
    before = (weights / "card.json").read_text()

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"card.json could not be written.*No space left.*MB are free.*free some space"):
        write_text(weights / "card.json", "{}")
    assert (weights / "card.json").read_text() == before
    assert not list(weights.glob("*.partial"))


def test_no_folder_is_synced_on_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    monkeypatch.setattr("repose.files.os", SimpleNamespace(name="nt", getpid=os.getpid, fsync=os.fsync))
    monkeypatch.setattr(os, "open", lambda *args: opened.append(args))
    save_checkpoint(tmp_path, {"x": torch.zeros(1)}, 1)
    assert [path.name for path in tmp_path.iterdir()] == [f"000000001{SUFFIX}"]
    assert not opened


def test_lineage_is_what_the_card_tells(weights: Path) -> None:
    told = lineage(weights)
    digest = hashlib.sha256((weights / f"weights{SUFFIX}").read_bytes()).hexdigest()
    assert told == {"name": weights.name, "data": "unknown", "licence": "CC0-1.0", "sha256": digest}
    (weights / "card.json").write_text('{"name": "old", "data": "discs", "licence": "for research", "images": 3}')
    assert lineage(weights / f"weights{SUFFIX}") == {**told, "name": "old", "data": "discs", "licence": "for research"}
    (weights / "card.json").unlink()
    assert lineage(weights)["licence"] == "unknown"
    (weights / "card.json").write_text("[")
    with pytest.raises(CheckpointError, match=r"card.json is damaged"):
        lineage(weights)


def test_a_checkpoint_is_no_weight_file(weights: Path) -> None:
    path = save_checkpoint(weights, {"x": torch.zeros(1)}, 5)
    with pytest.raises(CheckpointError, match="to resume a run, not weights"):
        load_generator(path)
    with pytest.raises(CheckpointError, match="is not a checkpoint of this version"):
        read_checkpoint(weights / "weights.safetensors")
