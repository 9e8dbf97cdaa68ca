"""Files by the hash of their tensors: the same in any container, and accepted by `locate`."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from repose.hub.fetch import FileMissingError, locate
from repose.hub.files import FILES, File
from repose.hub.tensors import tensors_hash
from repose.nn.alexnet import alexnet
from repose.nn.lpips import LPIPS_TAPS, lpips_weights
from repose.nn.vgg import vgg16

Save = Callable[[dict[str, Tensor], Path], None]


def state() -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        "features.0.weight": torch.randn(4, 3, 3, 3, generator=generator),
        "features.0.bias": torch.randn(4, generator=generator).half(),
        "classifier.weight": torch.randn(2, 4, generator=generator),
    }


@pytest.fixture(autouse=True)
def _offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPOSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("REPOSE_FILES", str(tmp_path))
    monkeypatch.setenv("REPOSE_OFFLINE", "1")


def test_the_same_in_every_container(tmp_path: Path) -> None:
    turned = dict(reversed(state().items()))
    save_file(state(), tmp_path / "a.safetensors")
    save_file(turned, tmp_path / "b.bin", metadata={"origin": "elsewhere"})
    torch.save(turned, tmp_path / "c.pth")
    torch.save(state(), tmp_path / "d.pth", _use_new_zipfile_serialization=False)
    files = [tmp_path / name for name in ("a.safetensors", "b.bin", "c.pth", "d.pth")]
    (whole,) = {tensors_hash(path) for path in files}
    (part,) = {tensors_hash(path, r"features\..*") for path in files}
    assert whole != part
    smaller = {name: value for name, value in state().items() if name.startswith("features.")}
    save_file(smaller, tmp_path / "e.safetensors")
    assert tensors_hash(tmp_path / "e.safetensors") == part


@pytest.mark.parametrize("change", ["value", "type", "shape", "name"])
def test_everything_about_a_tensor_counts(change: str, tmp_path: Path) -> None:
    save_file(state(), tmp_path / "a.safetensors")
    other = state()
    if change == "value":
        other["features.0.bias"][3] += 1e-3
    elif change == "type":
        other["features.0.bias"] = other["features.0.bias"].float()
    elif change == "shape":
        other["features.0.bias"] = other["features.0.bias"].view(2, 2)
    else:
        other["features.1.bias"] = other.pop("features.0.bias")
    save_file(other, tmp_path / "b.safetensors")
    assert tensors_hash(tmp_path / "a.safetensors") != tensors_hash(tmp_path / "b.safetensors")


def test_what_holds_no_tensors(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(b"something else")
    with pytest.raises(ValueError, match="neither a file of safetensors nor a state dict"):
        tensors_hash(tmp_path / "a.pth")
    torch.save([1, 2], tmp_path / "b.pth")
    with pytest.raises(ValueError, match="no state dict, but a list"):
        tensors_hash(tmp_path / "b.pth")
    torch.save({"epoch": 3}, tmp_path / "c.pth")
    with pytest.raises(ValueError, match="epoch is no tensor, but a int"):
        tensors_hash(tmp_path / "c.pth")
    save_file(state(), tmp_path / "d.safetensors")
    with pytest.raises(ValueError, match="no tensor whose name fits"):
        tensors_hash(tmp_path / "d.safetensors", r"lpips\..*")


def test_located_by_tensors(tmp_path: Path) -> None:
    save_file(state(), tmp_path / "own.safetensors")
    wanted = tensors_hash(tmp_path / "own.safetensors", r"features\..*")
    file = File(
        "net.pth", None, "0" * 64, None, "CC0", "here", aliases=("own.safetensors",), tensors=wanted,
        tensor_names=r"features\..*",
    )  # fmt: skip
    assert locate(file) == tmp_path / "own.safetensors"
    other = state()
    other["features.0.bias"] += 1
    torch.save(other, tmp_path / "net.pth")
    assert locate(file) == tmp_path / "own.safetensors", "other tensors are passed over"
    (tmp_path / "own.safetensors").write_bytes(b"cut off")
    with pytest.raises(FileMissingError) as error:
        locate(file)
    for told in ("and its tensors have", "its tensors cannot be compared", f"or        tensors {wanted}"):
        assert told in str(error.value)


def test_lpips_has_two_spellings(tmp_path: Path) -> None:
    weights = torch.rand(1, 64, 1, 1)
    torch.save({"lin0.model.1.weight": weights}, tmp_path / "a.pth")
    save_file({"lpips.lin0.weight": weights, "features.0.bias": torch.zeros(2)}, tmp_path / "b.safetensors")
    assert tensors_hash(tmp_path / "a.pth") == tensors_hash(tmp_path / "b.safetensors", r"lpips\..*")


@pytest.mark.parametrize(
    ("name", "network", "lpips"),
    [("alexnet", "alexnet-owt-7be5be79.pth", "alex"), ("vgg16", "vgg16-397923af.pth", "vgg")],
)
def test_one_file_serves_networks_and_lpips(
    name: str, network: str, lpips: str, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    both = shared / "models" / f"{name}_features_lpips.safetensors"
    assert locate(FILES[network]) == locate(FILES[f"lpips_v0.1_{lpips}.pth"]) == both
    taps = LPIPS_TAPS[lpips]
    built = alexnet(taps) if lpips == "alex" else vgg16(taps)
    assert set(lpips_weights(both, taps)) == set(built(torch.rand(1, 3, 64, 64)))


def test_the_loss_of_hpn_takes_vgg16_from_it(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipes of the paper's size ask for VGG-16, as its text says, and no longer lack the file."""
    from repose.models.hpn import recipe
    from repose.models.hpn.objective import HPNObjective, HPNObjectiveConfig

    config = recipe.paper().objective
    assert isinstance(config, HPNObjectiveConfig)
    assert config.perceptual == "vgg16"
    term = HPNObjective(config).perceptual
    assert term is not None
    torch.manual_seed(0)
    pictures = torch.rand(2, 3, 32, 32) * 2 - 1
    with pytest.raises(FileMissingError, match="vgg16-397923af"):
        term(pictures, pictures)
    monkeypatch.setenv("REPOSE_FILES", str(shared / "models"))
    assert float(term(pictures, pictures)) == 0
    assert float(term(pictures, pictures.flip(-1))) > 0.1
