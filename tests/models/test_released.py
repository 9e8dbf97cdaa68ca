"""Official checkpoints as files: converted, loaded by name of the folder, and the same picture as the network."""

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
import torch
from torch import Tensor

import repose
from repose.models.base import Generator
from repose.models.convert import WeightsError
from repose.models.multiscale.convert import generator_names as multiscale_names
from repose.models.patn.convert import generator_names as patn_names
from repose.models.released import convert_checkpoint
from repose.recipes import Recipe
from tests import tiny

NAMES = {"patn": patn_names, "multiscale": multiscale_names}
PREFIX = {"patn": "model.", "multiscale": ""}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """The presets are those of the registry, at tiny size."""
    real = repose.models.recipe

    def recipe(name: str) -> Recipe:
        return preset(name) if name in repose.models.RECIPES else real(name)

    monkeypatch.setattr("repose.models.released.models.recipe", recipe)


def preset(name: str) -> Recipe:
    """At tiny width; the layout of the released multi-scale files is known for the published depth alone."""
    return tiny.recipe(name, *(("network.levels=4", "network.tail=4") if name.startswith("multiscale-") else ()))


def official(recipe: str) -> tuple[dict[str, Tensor], Generator]:
    """A network, and its weights under the names of the released code."""
    made = preset(recipe)
    network = tiny.generator(made)
    own = network.state_dict()
    names = NAMES[made.model](made.network)
    return {PREFIX[made.model] + theirs: own[ours] for theirs, ours in names.items() if ours in own}, network


@pytest.mark.parametrize("recipe", ["patn-market", "patn-fashion", "multiscale-fashion"])
@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "DataParallel"])
def test_the_converted_network_makes_the_same_picture(recipe: str, wrapped: bool, tmp_path: Path) -> None:
    state, network = official(recipe)
    checkpoint = tmp_path / "latest_net_netG.pth"
    torch.save({f"module.{name}": value for name, value in state.items()} if wrapped else state, checkpoint)
    folder = convert_checkpoint(checkpoint, recipe, tmp_path / "out")
    model = repose.load(folder, "cpu")
    assert model.recipe.name == recipe
    source, target = tiny.people(2, 64, 32, 8), tiny.people(2, 64, 32, 9)
    with torch.no_grad():
        wanted = network(source, target).image
    assert wanted.std() > 0.05
    assert torch.equal(model(source, target), wanted)
    card = json.loads((folder / "card.json").read_text())
    digest = hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert card["converted_from"] == {"file": "latest_net_netG.pth", "sha256": digest}


def refused(checkpoint: Path, recipe: str, match: str) -> None:
    """It is a WeightsError that names the file, and nothing is left behind."""
    with pytest.raises(WeightsError, match=match) as caught:
        convert_checkpoint(checkpoint, recipe, checkpoint.parent / "out")
    assert "\n" not in str(caught.value)
    assert not (checkpoint.parent / "out").exists()


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.98])
def test_a_file_that_is_cut_off(legacy: bool, share: float, tmp_path: Path) -> None:
    state, _ = official("patn-market")
    path = tmp_path / "net.pth"
    torch.save(state, path, _use_new_zipfile_serialization=not legacy)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    refused(path, "patn-market", r"net\.pth \([\d,]+ bytes\) does not load as a PyTorch checkpoint: it is cut off")


@pytest.mark.parametrize(
    "content", [b"hello, I am a text\n", b"\x80\x02X", b"PK\x03\x04" + bytes(60), b"\xff\xd8\xff\xe0JFIF"]
)
def test_a_file_that_is_no_checkpoint(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(content)
    refused(tmp_path / "net.pth", "patn-market", r"net\.pth .* does not load as a PyTorch checkpoint")


def test_pickled_code_is_never_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (tmp_path / "sprung",)

    torch.save({"state_dict": Trap()}, tmp_path / "net.pth")
    refused(tmp_path / "net.pth", "patn-market", "or holds more than tensors")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize(
    ("recipe", "file", "match"),
    [
        ("multiscale-fashion", "patn-market", "looks like a checkpoint of the official PATN generator"),
        ("patn-market", "multiscale-fashion", "looks like a checkpoint of the official multi-scale generator"),
        pytest.param("patn-fashion", "patn-market", r"PATN generator: of \d+ entries"),
        pytest.param("patn-s", "patn-market", "PATN generator"),
    ],
)
def test_the_wrong_preset(recipe: str, file: str, match: str, tmp_path: Path) -> None:
    torch.save(official(file)[0], tmp_path / "net.pth")
    refused(tmp_path / "net.pth", recipe, match)


def test_wrong_words(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="did you mean 'patn-market'"):
        convert_checkpoint(tmp_path / "net.pth", "patn-markt", tmp_path / "out")
    with pytest.raises(FileNotFoundError, match=r"net\.pth: there is no such file"):
        convert_checkpoint(tmp_path / "net.pth", "patn-market", tmp_path / "out")
    with zipfile.ZipFile(tmp_path / "net.pth", "w") as archive:
        archive.writestr("notes.txt", "not tensors")
    refused(tmp_path / "net.pth", "patn-market", "does not load")
    torch.save([torch.zeros(1)], tmp_path / "net.pth")
    refused(tmp_path / "net.pth", "patn-market", r"a state dict .*got a list")
