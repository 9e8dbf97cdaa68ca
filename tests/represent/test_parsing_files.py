"""Every table of labels comes back as LIP's, and a wrong table is an error."""

from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from repose.person import JOINTS, LABELS, LIP_LABELS, Person
from repose.represent.label_colours import COLOURS
from repose.represent.label_tables import MEANINGS, SIDES, TABLES, find_table
from repose.represent.maps import read_parsing, with_maps
from tests.represent.labelled_person import BOXES, KEYPOINTS, SIZE, labelled

LIP = labelled(TABLES["lip"])


def save(path: Path, labels: np.ndarray) -> Path:
    PIL.Image.fromarray(labels).save(path)
    return path


def middle(parsing: torch.Tensor, part: str) -> str:
    """The label in the middle of a part of the person."""
    _, top, bottom, left, right = next(box for box in BOXES if box[0] == part)
    return LIP_LABELS[int(parsing[(top + bottom) // 2, (left + right) // 2])]


def test_the_tables_name_known_parts() -> None:
    for name, table in TABLES.items():
        assert table.name == name
        assert table.labels[0] == "background"
        assert set(table.meanings) - {""} <= {*LABELS, *SIDES}
    assert {name: len(table.labels) for name, table in TABLES.items()} == {
        "lip": 20, "cihp": 20, "repose": 21, "atr": 18, "pascal": 7, "acgpn": 14, "pise": 8, "pinet": 12,
    }  # fmt: skip
    assert TABLES["atr"].labels[11] == "face"
    assert TABLES["acgpn"].labels[12] == "face"
    assert set(MEANINGS.values()) <= {*LABELS, *SIDES}


@pytest.mark.parametrize("name", ["atr", "acgpn"])
def test_tables_with_sides_come_back_exactly(name: str, tmp_path: Path) -> None:
    path = save(tmp_path / "map.png", labelled(TABLES[name]))
    assert np.array_equal(read_parsing(path, name).numpy(), LIP)
    with pytest.warns(UserWarning, match=f"lie as those of '{name}'"):
        guessed = read_parsing(path)
    assert np.array_equal(guessed.numpy(), LIP)


@pytest.mark.parametrize("name", ["lip", "cihp", "repose"])
def test_the_usual_tables_are_taken_without_a_word(name: str, tmp_path: Path) -> None:
    labels = labelled(TABLES[name])
    labels[42:46, 45:55] = {"lip": 11, "cihp": 10, "repose": 20}[name]  # a scarf; the skin of the neck
    path = save(tmp_path / "map.png", labels)
    parsing = read_parsing(path)
    assert LABELS[int(parsing[44, 50])] == ("scarf" if name == "lip" else "neck")
    labels[42:46, 45:55] = labels[60, 50]
    assert np.array_equal(read_parsing(save(path, labels)).numpy(), LIP)


@pytest.mark.parametrize("name", ["pascal", "pise", "pinet"])
@pytest.mark.filterwarnings("ignore:.*the order of the labels")
def test_tables_without_sides_take_them_from_the_joints(name: str, tmp_path: Path) -> None:
    path = save(tmp_path / "map.png", labelled(TABLES[name]))
    parsing = read_parsing(path, name, KEYPOINTS)
    assert middle(parsing, "left arm") == "left arm"
    assert middle(parsing, "right arm") == "right arm"
    assert middle(parsing, "face") == "face"
    turned = KEYPOINTS.clone()  # the same picture of somebody seen from behind
    for joint in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
        pair = [JOINTS.index(f"left_{joint}"), JOINTS.index(f"right_{joint}")]
        turned[pair] = KEYPOINTS[pair[::-1]]
    assert middle(read_parsing(path, name, turned), "left arm") == "right arm"


def test_without_joints_the_sides_are_a_guess_that_is_said(tmp_path: Path) -> None:
    path = save(tmp_path / "map.png", labelled(TABLES["pascal"]))
    with pytest.warns(UserWarning, match="does not tell left from right"):
        parsing = read_parsing(path, "pascal")
    assert middle(parsing, "left arm") == "left arm"


def test_an_order_that_is_not_published_is_never_guessed(tmp_path: Path) -> None:
    path = save(tmp_path / "map.png", labelled(TABLES["pinet"]))
    with pytest.raises(ValueError, match=r"could hold the labels of pinet.*labels= \(--labels\)"):
        read_parsing(path)
    with pytest.warns(UserWarning, match="order of the labels of 'pinet' is not published"):
        read_parsing(path, "pinet", KEYPOINTS)


def test_maps_that_two_tables_explain_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "map.png", labelled(TABLES["pascal"]))
    with pytest.raises(ValueError, match=r"could hold the labels of .* or .*say which it holds"):
        read_parsing(path)


def test_a_table_by_its_names(tmp_path: Path) -> None:
    own = "background,face,hair,,upper clothes,pants,arms,legs,shoes"
    path = save(tmp_path / "map.png", labelled(find_table(own)))
    parsing = read_parsing(path, own, KEYPOINTS)
    assert {middle(parsing, part) for part, *_ in BOXES} == {part for part, *_ in BOXES}
    with pytest.raises(ValueError, match="label 2 of the table is 'hare', which is unknown; did you mean 'hair'"):
        read_parsing(path, "background,face,hare")
    with pytest.raises(ValueError, match=r"no table of labels is called 'lipp'; did you mean 'lip'\?"):
        read_parsing(path, "lipp")


# -- a wrong table --------------------------------------------------------------------------------------------------


def test_joints_contradict_a_wrong_table(tmp_path: Path) -> None:
    path = save(tmp_path / "atr.png", labelled(TABLES["atr"]))
    person = Person(image=torch.zeros(3, *SIZE), keypoints=KEYPOINTS)
    with pytest.raises(ValueError, match=r"does not fit the person as labels of 'lip': nose on 'scarf'.*'atr' would"):
        with_maps(person, path, labels="lip")
    taken = with_maps(person, path, labels="atr").parsing
    assert taken is not None
    assert np.array_equal(taken.numpy(), LIP)


def test_a_map_of_another_photograph_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "lip.png", LIP)
    moved = KEYPOINTS * torch.tensor([1.0, -1.0, 1.0]) + torch.tensor([0.0, 195.0, 0.0])  # upside-down
    with pytest.raises(ValueError, match="is it a map of this photograph"):
        read_parsing(path, None, moved)


def test_numbers_outside_a_table_name_the_pixel(tmp_path: Path) -> None:
    path = save(tmp_path / "lip.png", LIP)
    with pytest.raises(ValueError, match=r"holds the label 19 at x=33, y=172, but those of 'atr' are 0 to 17; 'lip'"):
        read_parsing(path, "atr")
    labels = labelled(TABLES["acgpn"])
    labels[50, 50] = 2
    with pytest.raises(ValueError, match="label 2 at x=50, y=50, but those of 'acgpn' are 0 to 13 without 2 and 3"):
        read_parsing(save(path, labels), "acgpn")


def test_a_map_that_no_table_explains_is_refused(tmp_path: Path) -> None:
    shuffled = np.random.default_rng(0).permutation(20).astype(np.uint8)
    shuffled[shuffled == shuffled[0]], shuffled[0] = shuffled[0], 0
    with pytest.raises(ValueError, match="none of the tables of labels explains this map"):
        read_parsing(save(tmp_path / "map.png", shuffled[LIP]))


def test_the_case_of_the_atr_map(shared: Path, tmp_path: Path) -> None:
    """A map of ATR that was read as LIP, face as scarf. Its jacket is background, so no guess is sure."""
    folder = shared / "cases" / "11-atr-labels-taken-for-lip"
    lip = read_parsing(folder / "lip.png")
    with pytest.raises(ValueError, match=r"the nearest is 'atr'; say which it holds: labels= \(--labels\) atr"):
        read_parsing(folder / "atr.png")
    atr = read_parsing(folder / "atr.png", "atr")
    coat = lip == LIP_LABELS.index("coat")
    assert torch.equal(atr[~coat], lip[~coat])
    assert not atr[coat].any()
    trunk = np.asarray(PIL.Image.open(folder / "atr.png")).copy()
    trunk[coat.numpy()] = TABLES["atr"].labels.index("upper clothes")
    with pytest.warns(UserWarning, match="as those of 'atr'"):
        whole = read_parsing(save(tmp_path / "whole.png", trunk))
    assert torch.equal(whole[~coat], lip[~coat])


# -- colours --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("colours", COLOURS)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)], ids=["red first", "blue first"])
def test_coloured_maps(colours: str, order: tuple[int, ...], tmp_path: Path) -> None:
    drawn = np.array(COLOURS[colours], np.uint8)[LIP][..., list(order)]
    assert np.array_equal(read_parsing(save(tmp_path / "map.png", drawn)).numpy(), LIP)


def test_the_colour_maps_are_the_published_ones() -> None:
    assert COLOURS["VOC"][:8] == (
        (0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128), (128, 0, 128), (0, 128, 128), (128, 128, 128),
    )  # fmt: skip
    assert COLOURS["VOC"][19] == (128, 192, 0)
    assert COLOURS["LIP"][13] == (0, 0, 255)


@pytest.mark.parametrize("sorted_anew", [False, True])
def test_palettes(sorted_anew: bool, tmp_path: Path) -> None:
    """SCHP's palette; and the same picture after a program gave it a palette in another order."""
    order = np.arange(20)
    if sorted_anew:
        order = np.random.default_rng(3).permutation(20)
    image = PIL.Image.fromarray(np.argsort(order).astype(np.uint8)[LIP], "P")
    image.putpalette([value for number in order for value in COLOURS["VOC"][number]])
    image.save(tmp_path / "map.png")
    assert np.array_equal(read_parsing(tmp_path / "map.png").numpy(), LIP)


def test_grey_as_colour_and_opaque(tmp_path: Path) -> None:
    grey = PIL.Image.fromarray(LIP)
    for mode in ("RGB", "RGBA", "LA"):
        grey.convert(mode).save(tmp_path / "map.png")
        assert np.array_equal(read_parsing(tmp_path / "map.png").numpy(), LIP), mode
    clear = grey.convert("RGBA")
    clear.putalpha(PIL.Image.fromarray(np.where(LIP > 0, 255, 0).astype(np.uint8)))
    clear.save(tmp_path / "map.png")
    with pytest.raises(ValueError, match="is transparent in parts"):
        read_parsing(tmp_path / "map.png")


def test_a_strange_colour_is_named(tmp_path: Path) -> None:
    drawn = np.array(COLOURS["LIP"], np.uint8)[LIP]
    drawn[30, 50] = (1, 2, 3)
    with pytest.raises(ValueError, match=r"the colour \(1, 2, 3\) of the pixel at x=50, y=30 is in none"):
        read_parsing(save(tmp_path / "map.png", drawn))
    PIL.Image.fromarray(drawn).save(tmp_path / "map.jpg")
    with pytest.raises(ValueError, match="is a JPEG, which changes the numbers"):
        read_parsing(tmp_path / "map.jpg")


# -- arrays ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a + 0.5, r"holds 0.5 at \(0, 0\); labels are whole numbers"),
        (lambda a: np.where(a == 13, np.nan, a), r"holds nan at \(22, 42\)"),
        (lambda a: a - 1, "holds the label -1 at x=0, y=0"),
        (lambda a: a.astype("U8"), "not numbers"),
        (lambda a: np.stack([a] * 5), r"is \(5, 200, 100\), a label map is \(H, W\)"),
        (lambda a: a[:0], r"is \(0, 100\)"),
        (lambda a: a.astype(complex), "holds complex128"),
    ],
)
def test_arrays_that_are_no_maps(change, message: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    np.save(tmp_path / "map.npy", change(LIP.astype(float)))
    with pytest.raises(ValueError, match=message):
        read_parsing(tmp_path / "map.npy")


def test_a_little_of_a_person_is_not_guessed_at(tmp_path: Path) -> None:
    path = save(tmp_path / "map.png", LIP[20:32, 40:50])
    with pytest.raises(ValueError, match="shows too little of a person to tell"):
        read_parsing(path)
    assert np.array_equal(read_parsing(path, "lip").numpy(), LIP[20:32, 40:50])
    assert not read_parsing(save(path, np.zeros((9, 9), np.uint8))).any(), "nobody"
