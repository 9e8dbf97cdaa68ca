"""Names of clothes, who wears them, and where they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from repose.apps.clothes.outline import garment_outline
from repose.apps.garments import (
    GARMENTS,
    LEAST_PIXELS,
    Garment,
    garment_labels,
    label_mask,
    read_garments,
    require_worn,
    worn,
)
from repose.apps.people import is_several, listed, listed_maps, parsed_people, parsed_person
from repose.person import LIP_LABELS, Person
from repose.represent.canvas import to_uint8
from tests.apps.dressed import RED, dressed, label


def test_names_and_labels() -> None:
    shirt, trousers = read_garments("shirt, Trousers")
    assert (shirt.labels, trousers.labels) == (("upper clothes",), ("pants",))
    assert read_garments(["left shoe"])[0].labels == ("left shoe",)
    assert garment_labels("shoes,hat") == ("hat", "left shoe", "right shoe")
    assert {label for labels in GARMENTS.values() for label in labels} == set(LIP_LABELS[1:])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("shrit", "no garment is called 'shrit'; did you mean 'shirt'?"),
        ("", "name at least one garment"),
        ("shirt,,hat", "name at least one garment"),
        ("shirt,top", "'upper clothes' is named twice"),
        ("background", "no garment is called 'background'"),
    ],
)
def test_wrong_names(words: str, said: str) -> None:
    with pytest.raises(ValueError, match=said.replace("?", r"\?")):
        read_garments(words)


def test_a_garment_that_nobody_wears_is_an_error_that_says_what_they_wear() -> None:
    person = dressed(0)
    require_worn(person, read_garments("shirt,trousers"), "me.jpg")
    with pytest.raises(ValueError, match=r"me\.jpg wears no dress .*no pixel.*upper clothes \(\d+ pixels\).*pants"):
        require_worn(person, read_garments("dress"), "me.jpg")
    assert person.parsing is not None
    few = person.parsing.clone()
    few[0, : LEAST_PIXELS - 1] = LIP_LABELS.index("hat")
    with pytest.raises(ValueError, match=f"wears no hat .*only {LEAST_PIXELS - 1} pixels"):
        require_worn(replace(person, parsing=few), read_garments("hat"), "me.jpg")
    assert "hat" not in worn(few)
    few[0, : 2 * LEAST_PIXELS] = LIP_LABELS.index("hat")
    require_worn(replace(person, parsing=few), read_garments("hat"), "me.jpg")


def test_a_patch_of_another_label_is_part_of_the_garment_if_it_has_its_colours() -> None:
    person = dressed(0)
    shirt = label(person, "upper clothes")
    rows, columns = torch.nonzero(shirt).median(0).values.tolist()
    patch = torch.zeros_like(shirt)
    patch[rows - 2 : rows + 3, columns - 2 : columns + 3] = True
    assert person.parsing is not None
    assert person.image is not None
    mistaken = replace(person, parsing=torch.where(patch & shirt, LIP_LABELS.index("coat"), person.parsing))
    piece = Garment("shirt", ("upper clothes",))
    assert torch.equal(garment_outline(mistaken, piece), shirt)
    white = replace(mistaken, image=torch.where(patch, torch.ones(3, 1, 1), person.image))
    assert torch.equal(garment_outline(white, piece), shirt & ~patch)
    # a hole of any label, but not one of another colour, such as a bag's strap
    hole = replace(person, parsing=torch.where(patch & shirt, 0, person.parsing))
    assert torch.equal(garment_outline(hole, piece), shirt)
    assert torch.equal(garment_outline(person, Garment("hat", ("hat",))), torch.zeros_like(shirt))


def test_a_jumpsuit_above_trousers_is_the_shirt_and_a_large_coat_is_noted() -> None:
    person = dressed(0)
    shirt = label(person, "upper clothes")
    low = shirt & (torch.arange(128)[:, None] > int(torch.nonzero(shirt)[:, 0].median()))
    assert person.parsing is not None
    piece = read_garments("shirt")[0]
    mistaken = torch.where(low, LIP_LABELS.index("jumpsuits"), person.parsing)
    assert torch.equal(piece.mask(mistaken), shirt)
    alone = torch.where(mistaken == LIP_LABELS.index("pants"), 0, mistaken)
    assert torch.equal(piece.mask(alone), shirt & ~low), "without trousers it is a jumpsuit"
    high = shirt & (torch.arange(128)[:, None] > int(torch.nonzero(shirt)[:, 0].min()) + 4)
    coat = replace(person, parsing=torch.where(high, LIP_LABELS.index("coat"), person.parsing))
    with pytest.warns(UserWarning, match=r"me\.jpg: \d+ pixels are shirt, and \d+ are coat, which stay"):
        require_worn(coat, [piece], "me.jpg")


def test_label_files_are_taken_instead_of_the_parser(tmp_path: Path) -> None:
    person = dressed(0, RED)
    assert person.image is not None
    assert person.parsing is not None
    Image.fromarray(to_uint8(person.image)).save(tmp_path / "me.png")
    Image.fromarray(person.parsing.numpy().astype(np.uint8)).save(tmp_path / "labels.png")
    read = parsed_person(
        tmp_path / "me.png",
        tmp_path / "labels.png",
        table="lip",
        keypoints=Person(keypoints=person.keypoints, size=(128, 64)),
    )
    assert read.parsing is not None
    assert torch.equal(read.parsing, person.parsing)
    assert torch.equal(label_mask(read.parsing, ["pants"]), label(person, "pants"))
    assert parsed_person(person).parsing is person.parsing
    with pytest.raises(ValueError, match="2 label maps for 1 photographs"):
        parsed_people([person], [person.parsing, person.parsing])


def test_one_photograph_or_several() -> None:
    picture = np.zeros((4, 4, 3), np.uint8)
    assert [is_several(one) for one in ("me.jpg", Path("me.jpg"), picture, [picture], ("a", "b"))] == [
        False, False, False, True, True,
    ]  # fmt: skip
    assert listed("me.jpg") == ["me.jpg"]
    with pytest.raises(ValueError, match="an empty list"):
        listed([])
    assert listed_maps(None, 2, "source_parsing") == [None, None]
    with pytest.raises(ValueError, match="source_parsing: 1 label maps for 2 photographs"):
        listed_maps("a.png", 2, "source_parsing")
