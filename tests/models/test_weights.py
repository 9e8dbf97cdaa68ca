"""Weights by name, by folder and by file; what is said when there are none."""

from pathlib import Path
from typing import Any

import pytest
import torch

from repose import weight_places
from repose.models import weights
from repose.models.weights import load_generator
from repose.pipeline import load
from repose.tensor_files import CheckpointError, read_shipped, read_tensors, write_tensors
from tests import tiny


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place of shipped weights with the default and one more."""
    place = tmp_path / "weights"
    for name in (weights.DEFAULT, "multiscale-s-synthetic"):
        tiny.save(place / name)
    (place / "notes").mkdir()
    monkeypatch.setattr(weight_places, "places", lambda: [tmp_path / "none", place])
    return place


def test_shipped_and_default(place: Path) -> None:
    assert weights.shipped() == {name: place / name for name in ("multiscale-s-synthetic", weights.DEFAULT)}
    assert weights.find_weights("default") == place / weights.DEFAULT
    assert load("multiscale-s-synthetic").name == "multiscale-s-synthetic"


def test_unknown_names(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="did you mean 'multiscale-s-synthetic'"):
        weights.find_weights("multiscale-synthetic")
    with pytest.raises(ValueError, match=f"'qqq'.*there are: {weights.DEFAULT}, multiscale-s-synthetic"):
        weights.find_weights("qqq")
    monkeypatch.setattr(weight_places, "places", lambda: [])
    with pytest.raises(ValueError, match="there are: none"):
        weights.find_weights("qqq")


def test_weights_that_are_not_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weight_places, "places", lambda: [])
    for name, whole in (("default", weights.DEFAULT), ("carry-s-synthetic", "carry-s-synthetic")):
        with pytest.raises(
            ValueError, match=f"weights {whole} are not in this installation: pip install pose-transfer-w"
        ):
            weights.find_weights(name)
    with pytest.raises(FileNotFoundError, match=r"weights of the characters are missing.*`repose fetch font-s --from"):
        read_shipped("font-s", "characters")


def test_weights_of_another_distribution_and_of_fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "site"
    tiny.save(other / "more_weights" / "theirs")
    (other / "more_weights" / "__init__.py").write_text("")
    (other / "more-1.0.dist-info").mkdir()
    (other / "more-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: more\nVersion: 1.0\n")
    (other / "more-1.0.dist-info" / "entry_points.txt").write_text(
        "[repose.weights]\nmore = more_weights\nbroken = no_such_package_here\n"
    )
    monkeypatch.syspath_prepend(other)
    monkeypatch.setenv("REPOSE_CACHE", str(tmp_path / "cache"))
    tiny.save(tmp_path / "cache" / "weights" / "fetched")
    assert weights.find_weights("theirs") == other / "more_weights" / "theirs"
    assert weights.find_weights("fetched") == weight_places.fetched_folder() / "fetched"
    assert {"theirs", "fetched"} <= weights.shipped().keys()
    assert weights.DEFAULT in weights.shipped()
    for name in ("..", ".", "", "../weights/theirs"):
        assert weight_places.weight_folder(name) is None


def test_folders_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = tiny.save(tmp_path / "run")
    assert weights.find_weights(run) == run
    assert load(str(run)).name == "run"
    monkeypatch.chdir(run)
    assert load(".").name == "run"
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"empty has no recipe\.json"):
        weights.find_weights(tmp_path / "empty")
    (run / "net.pth").write_bytes(b"")
    with pytest.raises(ValueError, match=r"net\.pth is no \.safetensors file.*repose convert"):
        weights.find_weights(run / "net.pth")
    (run / "weights.safetensors").rename(tmp_path / "weights.safetensors")
    with pytest.raises(ValueError, match=r"has no recipe\.json"):
        weights.find_weights(tmp_path / "weights.safetensors")
    with pytest.raises(FileNotFoundError, match="its run has not come that far"):
        load(run)


def test_a_file_means_that_file(tmp_path: Path) -> None:
    first, second = tiny.save(tmp_path / "first"), tiny.save(tmp_path / "second", "patn-s", "seed=1")
    made = tiny.generator(tiny.recipe())
    with torch.no_grad():
        made.decoder.last.bias.add_(1)
    tiny.save_weights(second, made, tiny.recipe(), {})
    other = first / "later.safetensors"
    (second / "weights.safetensors").rename(other)
    model = load(other, "cpu")
    assert model.name == "first"
    assert torch.equal(model.generator.decoder.last.bias, made.decoder.last.bias)
    assert not torch.equal(load(first, "cpu").generator.decoder.last.bias, made.decoder.last.bias)


def test_the_card_tells_the_tensors(tmp_path: Path) -> None:
    """A file whose header is right and whose numbers are not is refused, as is the file of another run."""
    one, other = tiny.save(tmp_path / "one"), tiny.save(tmp_path / "other", "patn-s", "seed=1")
    load_generator(one)
    file = one / "weights.safetensors"
    whole = file.read_bytes()
    damaged = bytearray(whole)
    damaged[-9] ^= 0x10
    file.write_bytes(damaged)
    with pytest.raises(CheckpointError, match=r"weights\.safetensors is damaged, or is not the file .* another hash"):
        load_generator(one)
    tensors, facts = read_tensors(other / "weights.safetensors")
    write_tensors(
        file, {name: value + 1 if value.is_floating_point() else value for name, value in tensors.items()}, facts
    )
    with pytest.raises(CheckpointError, match="another hash"):
        load_generator(one)
    (one / "card.json").unlink()  # without a card there is nothing to compare
    load_generator(one)


def test_weights_killed_while_they_are_written_still_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The card is written before the new weights, for both, and after them."""
    folder = tiny.save(tmp_path / "run")
    made = tiny.recipe()
    other = tiny.generator(made)
    with torch.no_grad():
        next(other.parameters()).add_(1)
    for writer in ("write_tensors", "write_text"):
        calls = 0
        original = getattr(weights, writer)
        before = original is weights.write_tensors

        def killed(*given: Any, original: Any = original, before: bool = before) -> None:
            nonlocal calls
            calls += 1
            if calls == 2 or before:
                raise KeyboardInterrupt
            original(*given)

        with monkeypatch.context() as patch:
            patch.setattr(weights, writer, killed)
            with pytest.raises(KeyboardInterrupt):
                weights.save_weights(folder, other, made, {"licence": "none", "data": "noise"})
        load_generator(folder)


def test_nan_is_called_that(tmp_path: Path) -> None:
    made = tiny.recipe()
    network = tiny.generator(made)
    with torch.no_grad():
        name, weight = next(iter(network.named_parameters()))
        weight.view(-1)[:3] = torch.nan
    weights.save_weights(tmp_path / "run", network, made, {"licence": "none", "data": "noise"})
    with pytest.raises(
        CheckpointError, match=rf"3 of the [\d,]+ numbers of {name} are NaN or infinite: the run .* diverged"
    ):
        load_generator(tmp_path / "run")
