"""Hair: every style fits every head, is cut where it should be, and follows the head."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.spatial import cKDTree

from repose.body.model import Shape, load_body
from repose.body.surface import Surface, normals
from repose.render.hair.beard import beard_field
from repose.render.hair.hair import STYLES, build_hair
from repose.render.hair.scalp import scalp_field
from repose.render.pieces import Looks


def make_looks(**changes: Any) -> Looks:
    values = {
        "skin": (0.8, 0.6, 0.5), "lips": (0.7, 0.4, 0.4), "eyes": (0.3, 0.2, 0.1), "hair_color": (0.2, 0.15, 0.1),
        "hair": "short", "length": 0.35, "volume": 0.015, "fringe": 0.4, "part": 0.5, "seed": 5, "beard": 0.0,
        "beard_style": "none", "brows": 0.5, "age": 0.67, "gender": 1.0, "freckles": 0.0, "makeup": 0.0,
    }  # fmt: skip
    return Looks(**{**values, **changes})


def some_shape(age: float) -> Shape:
    body = load_body()
    return body.shape(body.coefficients[np.abs(body.traits[:, 1] - age).argmin()])


def only(style: str, **changes: Any) -> Surface:
    (piece,) = build_hair(load_body(), some_shape(0.67), make_looks(hair=style, **changes))
    return piece.surface


@pytest.mark.parametrize("style", [s for s in STYLES if s != "bald"])
@pytest.mark.parametrize("age", [0.35, 0.95])
def test_every_style_is_a_sound_surface_on_every_head(style: str, age: float) -> None:
    for seed in (1, 2):
        pieces = build_hair(load_body(), some_shape(age), make_looks(hair=style, seed=seed, fringe=0.9))
        assert [(p.name, p.label, p.kind, p.double) for p in pieces] == [("hair", (2, 2), "hair", True)]
        surface = pieces[0].surface
        assert 300 < len(surface) <= 5000
        for name in ("rest", "canon", "along", "region", "shade", "bone_weight"):
            value = getattr(surface, name)
            assert value.dtype == np.float32, name
            assert np.isfinite(value).all(), name
        np.testing.assert_allclose(surface.bone_weight.sum(1), 1, atol=1e-5)
        assert surface.faces.max() < len(surface)
        assert (surface.shade > 0).all()


def test_same_seed_same_hair_other_seed_other_hair() -> None:
    first, again, other = only("short"), only("short"), only("short", seed=6)
    assert first.rest.tobytes() == again.rest.tobytes()
    assert len(first) != len(other) or not np.array_equal(first.rest, other.rest)


def test_bald_people_have_none_and_unknown_styles_are_refused() -> None:
    assert build_hair(load_body(), some_shape(0.67), make_looks(hair="bald")) == []
    with pytest.raises(ValueError, match="short"):
        build_hair(load_body(), some_shape(0.67), make_looks(hair="mop"))


def test_short_hair_leaves_the_face_free_and_looks_outwards() -> None:
    surface = only("buzz")
    front = surface.canon[:, 1] < -0.11
    assert surface.canon[front, 2].min() > 0.88
    outwards = surface.rest - surface.rest.mean(0)
    facing = (normals(surface.rest, surface.faces) * outwards).sum(1)
    assert (facing > 0).mean() > 0.9


def test_lengths_differ() -> None:
    low = {style: only(style).canon[:, 2].min() for style in ("short", "bob", "long")}
    bob = only("bob", length=0.2).canon[:, 2].min()
    assert low["short"] > bob > low["long"]
    assert only("afro").canon[:, 2].max() > only("buzz").canon[:, 2].max() + 0.015


def test_balding_people_have_no_hair_on_top() -> None:
    assert only("balding", gender=0.0).canon[:, 2].max() < 0.92


def test_hair_is_cut_under_a_hat() -> None:
    shape, looks = some_shape(0.67), make_looks(hair="long", length=0.4)
    (piece,) = build_hair(load_body(), shape, looks, lambda canon: canon[:, 2] - 0.88)
    assert piece.surface.canon[:, 2].max() < 0.8801
    assert piece.surface.canon[:, 2].min() < 0.65
    assert build_hair(load_body(), shape, looks, lambda canon: np.ones(len(canon), np.float32)) == []


def test_long_hair_keeps_off_the_back_and_turns_with_the_head_only_above() -> None:
    body, shape = load_body(), some_shape(0.67)
    (piece,) = build_hair(body, shape, make_looks(hair="long", length=0.45), clear=0.02)
    surface = piece.surface
    head = (surface.bone_weight * (surface.bone_index == body.index["head"])).sum(1)
    assert (head[surface.canon[:, 2] > 0.85] > 0.95).all()
    assert (head[surface.rest[:, 2] < shape.pivots[body.index["neck01"], 2] - 0.06] < 0.05).all()
    back = (body.canon[:, 2] > 0.4) & (body.canon[:, 2] < 0.6) & (body.canon[:, 1] > 0) & (body.attributes[:, 0] < 0.1)
    back &= np.isin(np.arange(body.count), body.faces["body"])
    low = surface.rest[(surface.canon[:, 2] < 0.58) & (surface.rest[:, 1] > 0)]
    distance, closest = cKDTree(shape.vertices[back]).query(low)
    gap = ((low - shape.vertices[back][closest]) * shape.normals[back][closest]).sum(1)
    assert (gap[distance < 0.05] > 0).mean() > 0.97


def test_scalp_is_covered_and_the_face_is_not() -> None:
    body = load_body()
    field = scalp_field(body, make_looks(hair="long"))
    top, face = body.canon[:, 2] > 0.935, (body.canon[:, 1] < -0.12) & (body.canon[:, 2] < 0.89)
    assert field.shape == (body.count,)
    assert field.dtype == np.float32
    assert (field[top] > 0.9).all()
    assert (field[face] == 0).all()
    assert scalp_field(body, make_looks(hair="balding"))[top].max() < 0.3
    assert field[body.canon[:, 2] < 0.7].max() == 0


@pytest.mark.parametrize("style", ["short", "full", "moustache"])
def test_beards_lie_before_the_skin_and_off_the_lips(style: str) -> None:
    body, shape = load_body(), some_shape(0.67)
    pieces = build_hair(body, shape, make_looks(hair="bald", beard=0.8, beard_style=style, gender=0.0))
    assert [(p.name, p.label) for p in pieces] == [("beard", (13, 13))]
    surface = pieces[0].surface
    assert len(surface) > 50
    assert surface.canon[:, 2].max() < 0.86
    assert surface.canon[:, 2].min() > 0.68
    if style == "moustache":
        assert surface.canon[:, 2].min() > 0.755


def test_no_beard_from_stubble_and_none_grows_on_the_forehead() -> None:
    looks = make_looks(hair="bald", beard=0.8, beard_style="stubble")
    assert build_hair(load_body(), some_shape(0.67), looks) == []
    field, _ = beard_field(np.array([[0, -0.15, 0.9], [0, -0.15, 0.73]], np.float32), "full")
    assert field[0] < 0 < field[1]
