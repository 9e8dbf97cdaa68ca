"""The neck is a label of its own where a table has it; what knows LIP's 20 labels alone sees face there."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

from repose.apps.clothes.bitwise import dressed_map
from repose.apps.garments import GARMENTS, label_mask, read_garments, worn
from repose.data import Store, StoreWriter
from repose.draw.panels import label_map
from repose.estimate.field_files import read_map, write_map
from repose.exporting.consumer import _label_mask, _part_maps
from repose.exporting.inputs import input_tensors
from repose.metrics.features import clothes_mask
from repose.models.garment.network import GarmentConfig, GarmentFlow
from repose.models.multiscale.network import MultiScale
from repose.models.pinet.network import PINet, PINetConfig, labels
from repose.person import LABELS, LIP_LABELS, Person
from repose.represent.label_tables import TABLES
from repose.represent.maps import read_parsing
from repose.represent.parsing import INSHOP_LABELS, PINET_LABELS, fold_neck, one_hot, part_maps
from repose.research.parsing import regions
from tests.models.multiscale.test_parsing import TINY
from tests.represent.labelled_person import KEYPOINTS, SIZE, labelled

NECK, FACE = LABELS.index("neck"), LABELS.index("face")


def with_neck() -> torch.Tensor:
    """int64 (64, 32), every label in squares of 4x4 pixels, and necks beside faces."""
    cells = torch.arange(16 * 8).reshape(16, 8) % len(LABELS)
    return cells.repeat_interleave(4, 0).repeat_interleave(4, 1)


def consumers() -> dict[str, Callable[[torch.Tensor], Any]]:
    """What reads LIP's labels: a parsing (H, W) -> what it makes of it."""
    faces = GarmentFlow(GarmentConfig(labels=("face", "coat")))

    def one(parsing: torch.Tensor) -> Person:
        return Person(parsing=parsing).batch()

    return {
        "the parts of multi-scale": part_maps,
        "the parser's regions": regions,
        "the mask of a garment": lambda parsing: label_mask(parsing, ("face", "coat")),
        "all garments": lambda parsing: [garment.mask(parsing) for name in GARMENTS for garment in read_garments(name)],
        "what is worn": worn,
        "the garment flow": lambda parsing: faces.mask(one(parsing)),
        "clothes of a metric": lambda parsing: clothes_mask(one(parsing)),
        "bitwise try-on": lambda parsing: dressed_map(parsing, parsing.flip(0), ("face", "coat")),
    }


@pytest.mark.parametrize("name", consumers())
def test_what_knows_lips_labels_sees_face(name: str) -> None:
    parsing = with_neck()
    seen, folded = (consumers()[name](one) for one in (parsing, torch.where(parsing == NECK, FACE, parsing)))
    assert type(seen) is type(folded)
    for mine, theirs in zip(*(one if isinstance(one, list) else [one] for one in (seen, folded)), strict=True):
        assert torch.equal(mine, theirs) if isinstance(mine, torch.Tensor) else mine == theirs


def test_a_map_without_a_neck_stays_as_it_is() -> None:
    parsing = torch.arange(20).reshape(4, 5)
    assert torch.equal(fold_neck(parsing), parsing)
    assert fold_neck(torch.tensor([[NECK, FACE]])).tolist() == [[FACE, FACE]]
    assert fold_neck(parsing).dtype == torch.int64


def as_pinet(folder: Path) -> tuple[Path, np.ndarray]:
    """A file of PINet's 12 labels, all of them somewhere, and its numbers."""
    numbers = labelled(TABLES["pinet"])
    for place, name in enumerate(("dress", "skirt", "hat", "neck")):
        numbers[4 + 9 * place : 12 + 9 * place, 4:20] = PINET_LABELS.index(name)
    assert set(np.unique(numbers)) == set(range(12))
    PIL.Image.fromarray(numbers).save(folder / "pinet.png")
    return folder / "pinet.png", numbers


@pytest.mark.filterwarnings("ignore:.*the order of the labels")
@pytest.mark.parametrize("joints", [KEYPOINTS, None])
def test_pinets_twelve_labels_go_through_a_store(joints: torch.Tensor | None, tmp_path: Path) -> None:
    path, numbers = as_pinet(tmp_path)
    parsing = read_parsing(path, "pinet", joints).numpy().astype(np.uint8)
    with StoreWriter(tmp_path / "store", *SIZE, "labels", licence="none") as writer:
        writer.add("a", "a", np.zeros((*SIZE, 3), np.uint8), KEYPOINTS, parsing=parsing)
    person = Store.open(tmp_path / "store").person([0])
    assert torch.equal(labels(person)[0], one_hot(torch.from_numpy(numbers).long(), 12))
    *_, read = PINet(PINetConfig(width=4)).eval().encode(person, person)  # what the network itself is given
    assert torch.equal(read, labels(person))


def test_the_torso_skin_of_cihp_is_the_neck(tmp_path: Path) -> None:
    numbers = labelled(TABLES["cihp"])
    numbers[40:46, 46:54] = 10
    PIL.Image.fromarray(numbers).save(tmp_path / "cihp.png")
    parsing = read_parsing(tmp_path / "cihp.png", "cihp")
    assert torch.equal(parsing == NECK, torch.from_numpy(numbers == 10))
    assert torch.equal(labels(Person(parsing=parsing[None]))[0, PINET_LABELS.index("neck")] > 0, parsing == NECK)
    parts = part_maps(parsing)
    assert bool((parts[INSHOP_LABELS.index("face")][parsing == NECK] == 1).all())


def test_a_map_with_a_neck_is_written_drawn_and_read_again(tmp_path: Path) -> None:
    parsing = torch.from_numpy(labelled(TABLES["lip"])).long()
    parsing[40:46, 46:54] = NECK
    write_map(tmp_path / "me.parsing.png", "parsing", parsing)
    assert torch.equal(read_map(tmp_path / "me.parsing.png", "parsing", SIZE), parsing)
    for given in (None, "repose"):
        assert torch.equal(read_parsing(tmp_path / "me.parsing.png", given, KEYPOINTS), parsing)
    PIL.Image.open(tmp_path / "me.parsing.png").convert("RGB").save(tmp_path / "coloured.png")
    assert torch.equal(read_parsing(tmp_path / "coloured.png"), parsing)
    with pytest.raises(ValueError, match=r"holds the label 20 at x=46, y=40, but those of 'lip' are 0 to 19"):
        read_parsing(tmp_path / "me.parsing.png", "lip")
    drawn = label_map(parsing, LABELS)[: SIZE[0], : SIZE[1]]
    assert len({tuple(drawn[y, x]) for y, x in ((42, 50), (30, 50), (60, 50), (0, 0))}) == 4
    mirrored = Person(parsing=parsing).flip().parsing
    assert mirrored is not None
    assert torch.equal(mirrored == NECK, (parsing == NECK).flip(-1))


def test_a_map_too_small_to_judge_keeps_its_neck(tmp_path: Path) -> None:
    """Of fewer pixels than tell a table, and of a label that LIP lacks."""
    parsing = np.zeros((40, 20), np.uint8)
    parsing[2:8, 5:12], parsing[8:10, 5:12], parsing[10:20, 4:14] = FACE, NECK, LABELS.index("upper clothes")
    PIL.Image.fromarray(parsing).save(tmp_path / "far.png")
    assert torch.equal(read_parsing(tmp_path / "far.png"), torch.from_numpy(parsing).long())


@pytest.mark.parametrize(
    ("model", "generator", "place"),
    [
        ("pinet", PINet(PINetConfig(width=4)), 3),
        ("multiscale", MultiScale(TINY), 1),
        ("garment", GarmentFlow(GarmentConfig(labels=("face", "coat"))), 1),
    ],
)
def test_an_exported_folder_makes_the_same_maps(model: str, generator: Any, place: int) -> None:
    parsing = with_neck()[None]
    whole = Person(image=torch.zeros(1, 3, 64, 32), keypoints=torch.zeros(1, 18, 3), parsing=parsing)
    tensors = generator.eval().encode(whole, whole)
    how = input_tensors(model, generator, len(tensors), 64)[place].computed
    person: Any = {f"{who}_labels": parsing.numpy() for who in ("source", "target")}
    made = {"part_maps": _part_maps, "label_mask": _label_mask}[how["by"]](how, person, {})  # type: ignore[index]
    assert torch.equal(torch.from_numpy(made), tensors[place])


def test_lips_labels_stay_the_first_twenty() -> None:
    assert LABELS[:20] == LIP_LABELS
    assert replace(TABLES["repose"], name="lip", labels=TABLES["repose"].labels[:20]).labels == TABLES["lip"].labels
