"""Shoes, hats, bags and the like: sound meshes that sit where they belong on small and large people."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.spatial import cKDTree

from repose.body.model import BodyModel, Floats, Shape, load_body
from repose.body.surface import pose_surface
from repose.render.pieces import Piece
from repose.render.wear.accessories import build_accessories
from repose.render.wear.bags import HangingPiece, hang
from repose.render.wear.headwear import hair_hidden, hat_line

SHOES = ("sneaker", "boot", "sandal", "pump", "loafer")
HATS = ("cap", "beanie", "brim", "headscarf")
BAGS = ("backpack", "shoulder", "handbag", "tote")
Wear = tuple[str, dict[str, float | str]]


def each(kind: str, styles: tuple[str, ...], **cut: float | str) -> list[Wear]:
    return [(kind, {"style": style, **cut}) for style in styles]


EVERYTHING: list[Wear] = [
    *each("shoes", SHOES, top=1.7, sole=0.02), *each("shoes", ("sneaker",), top=1.85, sole=0.03),
    *each("shoes", ("boot",), top=1.3, sole=0.03), *each("hat", HATS), *each("bag", BAGS, side="R"),
    *each("glasses", ("round", "square", "wayfarer"), sun=1.0),
    ("socks", {"top": 1.6}), ("socks", {"top": 1.94}), ("scarf", {"long": 1.0}), ("scarf", {"long": 0.0}),
    ("gloves", {}), ("belt", {"z": 0.2}),
]  # fmt: skip


def outfit(*garments: Wear) -> Any:
    return SimpleNamespace(garments=tuple(SimpleNamespace(kind=k, fabric=None, cut=c) for k, c in garments))


def build(body: BodyModel, shape: Shape, *garments: Wear) -> tuple[list[Piece], Floats]:
    return build_accessories(body, shape, outfit(*garments))


@pytest.fixture(scope="module")
def body() -> BodyModel:
    return load_body()


@pytest.fixture(scope="module")
def shapes(body: BodyModel) -> list[Shape]:
    """A man, a woman and a child."""
    wanted = ((0.0, 0.67), (1.0, 0.8), (0.5, 0.36))
    return [body.shape(body.coefficients[np.abs(body.traits - w).sum(1).argmin()]) for w in wanted]


@pytest.mark.parametrize(("kind", "cut"), EVERYTHING, ids=lambda v: str(v))
def test_meshes_are_sound(body: BodyModel, shapes: list[Shape], kind: str, cut: dict[str, float | str]) -> None:
    for shape in shapes:
        pieces, hidden = build(body, shape, ("top", {"ease": 0.02}), (kind, cut))
        assert pieces
        assert hidden.shape == (body.count,)
        assert sum(len(p.surface) for p in pieces) < 3600
        for piece in pieces:
            s = piece.surface
            assert np.isfinite(s.rest).all()
            assert np.isfinite(s.canon).all()
            assert s.faces.min() == 0
            assert s.faces.max() == len(s) - 1
            assert np.allclose(s.bone_weight.sum(1), 1, atol=1e-3)
            corner = s.rest[s.faces].astype(np.float64)
            a, b, c = (corner[:, k] - s.rest.mean(0) for k in range(3))
            if not piece.double:
                assert np.einsum("ij,ij->", a, np.cross(b, c)) > 0  # faces look outwards


def test_same_arguments_same_output(body: BodyModel, shapes: list[Shape]) -> None:
    first, second = (build(body, shapes[1], *EVERYTHING)[0] for _ in range(2))
    assert all((p.surface.rest == q.surface.rest).all() for p, q in zip(first, second, strict=True))


@pytest.mark.parametrize("style", ["sneaker", "boot", "loafer", "pump"])
def test_shoes_enclose_the_feet(body: BodyModel, shapes: list[Shape], style: str) -> None:
    """What is hidden lies inside the shoe, and soles are the lowest of all."""
    for shape in shapes:
        pieces, hidden = build(body, shape, ("shoes", {"style": style, "top": 1.75, "sole": 0.02}))
        upper, sole = (p.surface.rest for p in pieces)
        covered = np.flatnonzero(hidden > 0)
        covered = covered[np.isin(covered, body.faces["body"])]
        feet = shape.vertices[covered]
        assert len(feet) > 800
        assert body.canon[covered, 2].max() < -0.55
        assert sole[:, 2].min() < feet[:, 2].min() - 0.01
        both = np.concatenate([upper, sole])
        assert (both[:, :2].min(0) < feet[:, :2].min(0)).all()
        assert (both[:, :2].max(0) > feet[:, :2].max(0)).all()
        length = np.ptp(feet[:, 1])
        assert length < np.ptp(both[:, 1]) < 1.25 * length  # and are no boats


def test_sandals_and_nothing_hide_no_skin(body: BodyModel, shapes: list[Shape]) -> None:
    for garments in ([("shoes", {"style": "sandal"})], [("hat", {"style": "cap"})], []):
        assert (build(body, shapes[0], *garments)[1] < 0).all()  # type: ignore[arg-type]


@pytest.mark.parametrize("style", ["cap", "beanie", "brim"])
def test_hats_leave_room_for_hair(body: BodyModel, shapes: list[Shape], style: str) -> None:
    for shape in shapes:
        hat = build(body, shape, ("hat", {"style": style}))[0][0].surface
        scalp = (hat_line(style, body.canon) > 0.01) & (np.abs(body.canon[:, 0]) < 0.08)
        scalp[np.setdiff1d(np.arange(body.count), np.unique(body.faces["body"]))] = False
        middle = shape.vertices[scalp].mean(0)
        reach = np.linalg.norm(hat.rest - middle, axis=1)
        tree = cKDTree((hat.rest - middle) / reach[:, None])
        own = np.linalg.norm(shape.vertices[scalp] - middle, axis=1)
        near = tree.query((shape.vertices[scalp] - middle) / own[:, None])[1]
        assert ((reach[near] - own) > 0.001).mean() > 0.97


def test_hair_below_the_hat_stays(body: BodyModel) -> None:
    points = np.array([[0, -0.1, 0.94], [0, 0.04, 0.75]], np.float32)
    for style, covered in (("cap", False), ("beanie", False), ("brim", False), ("headscarf", True)):
        field = hair_hidden(outfit(("hat", {"style": style})), points)
        assert field[0] > 0
        assert (field[1] > 0) == covered
    assert (hair_hidden(outfit(), points) < 0).all()


def test_glasses_sit_before_the_eyes(body: BodyModel, shapes: list[Shape]) -> None:
    for shape in shapes:
        frame, lens = build(body, shape, ("glasses", {"style": "round", "sun": 1.0}))[0]
        eyes = shape.vertices[body.attributes[:, 7] > 0.5]
        centre = lens.surface.rest.mean(0)
        assert abs(centre[2] - eyes[:, 2].mean()) < 0.008
        assert -0.025 < centre[1] - eyes[:, 1].min() < 0.0
        assert frame.label == (4, 4)
    clear = build(body, shapes[0], ("glasses", {"style": "round", "sun": 0.0}))[0]
    assert [p.label for p in clear] == [(13, 13)]


@pytest.mark.parametrize("side", ["L", "R"])
def test_bags_hang_straight_down_from_the_hand(body: BodyModel, shapes: list[Shape], side: str) -> None:
    shape = shapes[1]
    piece = build(body, shape, ("bag", {"style": "handbag", "side": side}))[0][0]
    assert isinstance(piece, HangingPiece)
    assert piece.pivot is not None
    for angle in (-1.0, 0.5, 1.4):
        c, s = np.cos(angle), np.sin(angle)
        turn = np.array([[[1, 0, 0], [0, c, -s], [0, s, c]]], np.float32)
        transforms = body.transforms(shape.pivots, {f"upperarm01.{side}": turn})[0]
        placed = hang(piece, pose_surface(piece.surface, transforms), transforms)
        held = transforms[piece.bone, :, :3] @ piece.pivot + transforms[piece.bone, :, 3]
        assert placed[:, 2].max() < held[2] + 0.02
        below = placed[placed[:, 2] < held[2] - 0.15]
        assert np.linalg.norm(below[:, :2].mean(0) - held[:2]) < 0.15
        assert np.isclose(np.ptp(placed[:, 2]), np.ptp(piece.surface.rest[:, 2]), atol=1e-4)


def test_only_hanging_pieces_are_moved(body: BodyModel, shapes: list[Shape]) -> None:
    piece = build(body, shapes[0], ("hat", {"style": "cap"}))[0][0]
    positions = piece.surface.rest
    transforms = body.transforms(shapes[0].heads, {"root": np.eye(3, dtype="f4")[None]})[0]
    assert hang(piece, positions, transforms) is positions


def test_sides_and_labels(body: BodyModel, shapes: list[Shape]) -> None:
    left, right = (build(body, shapes[0], ("bag", {"style": "shoulder", "side": s}))[0][0] for s in "LR")
    assert left.surface.rest[:, 0].min() > 0.1
    assert right.surface.rest[:, 0].max() < -0.1
    expected = {"socks": 8, "shoes": 18, "hat": 1, "scarf": 11, "gloves": 3, "bag": 0}
    for kind, label in expected.items():
        assert build(body, shapes[0], (kind, {}))[0][0].label[0] == label
    assert build(body, shapes[0], ("belt", {"z": 0.2}), ("skirt", {}))[0][0].label == (12, 12)


@pytest.mark.parametrize(("kind", "style"), [("shoes", "clog"), ("hat", "crown"), ("bag", "net")])
def test_unknown_styles_are_refused(body: BodyModel, shapes: list[Shape], kind: str, style: str) -> None:
    with pytest.raises(KeyError):
        build(body, shapes[0], (kind, {"style": style}))
