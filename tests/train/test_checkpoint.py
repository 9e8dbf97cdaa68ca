"""Checkpoint trees and weight files: exact, atomic, and clear about what is wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from repose.models import MODELS, build_generator
from repose.train.checkpoint import (
    CheckpointError,
    checkpoints,
    load_checkpoint,
    load_generator,
    read_checkpoint,
    save_checkpoint,
    save_weights,
)
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
    for _ in range(int(torch.randint(2, 6, ()))):
        done = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.wait()
    found = load_checkpoint(tmp_path)
    assert found is not None
    assert found[1]["i"] >= done
    assert bool((found[1]["x"] == found[1]["i"]).all())


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
    message = r"1 missing \(net.0.bias\) 1 unknown \(nett.0.bias\); is 'nett.0.bias' meant"
    with pytest.raises(CheckpointError, match=message):
        load_generator(weights)


def test_what_is_not_there(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no recipe.json"):
        load_generator(tmp_path / "nowhere")
    (weights / "weights.safetensors").unlink()
    with pytest.raises(FileNotFoundError, match=r"no weights.safetensors"):
        load_generator(weights)
    (weights / "recipe.json").write_text('{"model": "to')
    with pytest.raises(CheckpointError, match=r"recipe.json"):
        load_generator(weights)


def test_a_checkpoint_is_no_weight_file(weights: Path) -> None:
    path = save_checkpoint(weights, {"x": torch.zeros(1)}, 5)
    with pytest.raises(CheckpointError, match="to resume a run, not weights"):
        load_generator(path)
    with pytest.raises(CheckpointError, match="no checkpoint of this program"):
        read_checkpoint(weights / "weights.safetensors")
