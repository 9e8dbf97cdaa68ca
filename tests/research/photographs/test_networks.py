"""The networks that judge: the error where they are missing, and known values where they are here."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter

from repose.estimate.bodypix import without_last_operator
from repose.nn.alexnet import TAPS, AlexNet
from repose.research.photographs.networks import (
    BODY_PARTS,
    IDENTITY,
    IDENTITY_WEIGHTS,
    LPIPS,
    BodyParts,
    Identity,
    Lpips,
    NetworksMissingError,
    find_networks,
)


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (256, 176, 3), dtype=np.uint8)


@pytest.fixture
def networks(shared: Path) -> Path:
    folder = shared / "models"
    if not (folder / BODY_PARTS).is_file():
        pytest.skip("the development networks (../shared/models) are not here")
    return folder


def test_missing_files_are_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / LPIPS).touch()
    with pytest.raises(NetworksMissingError) as caught:
        find_networks(tmp_path)
    text = str(caught.value)
    assert all(f"missing   {name}" in text for name in (BODY_PARTS, IDENTITY, IDENTITY_WEIGHTS))
    assert f"missing   {LPIPS}" not in text
    assert "3 are missing" in text
    assert "--networks FOLDER" in text
    assert str(tmp_path) in text


def test_without_a_folder_the_environment_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REPOSE_FILES", raising=False)
    with pytest.raises(NetworksMissingError, match="REPOSE_FILES is empty"):
        find_networks(None)
    for name in (BODY_PARTS, IDENTITY, IDENTITY_WEIGHTS, LPIPS):
        (tmp_path / name).touch()
    monkeypatch.setenv("REPOSE_FILES", str(tmp_path))
    assert find_networks(None)[LPIPS] == tmp_path / LPIPS


def test_a_file_that_is_not_tflite(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    (tmp_path / BODY_PARTS).write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match="is not a TFLite file"):
        without_last_operator(tmp_path / BODY_PARTS)


def test_a_tflite_file_of_another_network(networks: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    with pytest.raises(ValueError, match="does not end in a custom operator"):
        without_last_operator(networks / "movenet_lightning.tflite")


def test_lpips_of_equal_and_of_worse_pictures(networks: Path) -> None:
    lpips = Lpips(networks / LPIPS)
    target = np.asarray(Image.fromarray(noise()).filter(ImageFilter.GaussianBlur(2)))
    little, more = (np.asarray(Image.fromarray(target).filter(ImageFilter.GaussianBlur(k))) for k in (1, 5))
    same, near, far = lpips([target, little, more], target)
    assert same == 0
    assert 0 < near < far


def test_lpips_is_the_published_formula(networks: Path) -> None:
    """Against the text of the paper: shift and scale of pictures in [-1, 1], unit vectors, weights, mean, sum."""
    from safetensors.torch import load_file

    state = load_file(networks / LPIPS)
    network = AlexNet(TAPS)
    network.load(state)
    shift = torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)
    scale = torch.tensor([0.458, 0.448, 0.450]).view(1, 3, 1, 1)
    pictures = [torch.from_numpy(noise(k)).movedim(-1, 0)[None].float() / 127.5 - 1 for k in range(2)]
    # undo AlexNet's own normalisation, so that it sees (x - shift) / scale
    prepared = [(x - shift) / scale * network.get_buffer("std") + network.get_buffer("mean") for x in pictures]
    with torch.no_grad():
        one, other = (network(x) for x in prepared)
        expected = sum(
            ((one[tap] / one[tap].norm(dim=1, keepdim=True) - other[tap] / other[tap].norm(dim=1, keepdim=True)) ** 2
             * state[f"lpips.lin{k}.weight"]).sum(1).mean()
            for k, tap in enumerate(TAPS)
        )  # fmt: skip
    (measured,) = Lpips(networks / LPIPS)([noise(0)], noise(1))
    assert measured == pytest.approx(float(expected), rel=1e-4)


def test_body_parts_of_nobody(networks: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    mask, parts = BodyParts(networks / BODY_PARTS)(np.full((256, 176, 3), 127, np.uint8))
    assert mask.shape == parts.shape == (256, 176)
    assert not mask.any()
    assert parts.min() >= 0
    assert parts.max() <= 23


def test_body_parts_of_people_on_the_street(networks: Path, market: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    from repose.images import load_image
    from repose.research.photographs.crops import on_canvas

    find = BodyParts(networks / BODY_PARTS)
    for file in sorted((market / "bounding_box_test").glob("*.jpg"))[:200:50]:
        mask, parts = find(on_canvas(load_image(file)))
        assert 0.1 < mask.mean() < 0.7, file.name
        rows, columns = np.nonzero(mask)
        assert 40 < columns.mean() < 136, file.name  # the crop is around the person
        legs = np.isin(parts, range(14, 24)) & mask
        assert np.nonzero(legs)[0].mean() > rows.mean(), file.name


def test_identity_is_a_unit_vector_and_knows_people(networks: Path, market: Path) -> None:
    from repose.images import load_image

    identity = Identity(networks / IDENTITY)
    by_person: dict[str, list[np.ndarray]] = {}
    for file in sorted((market / "bounding_box_test").glob("*.jpg"))[:60]:
        by_person.setdefault(file.name[:4], []).append(identity(load_image(file)))
    people = [vectors for vectors in by_person.values() if len(vectors) > 1]
    assert len(people) > 2
    assert all(np.linalg.norm(vector) == pytest.approx(1, abs=1e-5) for vectors in people for vector in vectors)
    same = np.mean([vectors[0] @ vectors[1] for vectors in people])
    others = np.mean([people[k][0] @ people[k - 1][0] for k in range(len(people))])
    assert same > others + 0.2
