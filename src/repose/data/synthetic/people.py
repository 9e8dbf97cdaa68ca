"""Whole pictures of synthetic people: body, face, hair, outfit and place are the person's; pose and camera change."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from .draw.render import BACKGROUND, SMALL, Drawn, Posed, Renderer
from .figure.body import JOINT_COUNT, Body, Floats, Shape
from .figure.surface import Piece, Surface, body_surface, clip, normals, pose_body, skin
from .hair.hair import build_hair
from .hair.scalp import scalp_field
from .picture import Picture
from .place.backdrop import Ground, background
from .place.camera import develop
from .place.lighting import Lighting
from .place.scenes import Scene, sample_scene
from .place.seat import SCENERY, block, put_under
from .place.views import Shot, sample_shot
from .pose.poses import Pose, rotations, sample_pose
from .sets import STYLES
from .wear.accessories import build_accessories
from .wear.bags import hang
from .wear.cloth import ROUNDS, drape, strain
from .wear.clothes import build_clothes
from .wear.headwear import hair_hidden
from .wear.outfits import Looks, sample_outfit

# How far below the surface a joint may lie and still count as seen, metres, in the order of the joints.
# Limbs and trunk are about this thick over their joints, clothes included.
_DEPTH_OF_JOINT: Final = np.array(
    [0.04, 0.13, *(0.13, 0.08, 0.055) * 2, *(0.2, 0.12, 0.11) * 2, 0.04, 0.04, 0.06, 0.06], np.float32
)


@dataclass(frozen=True)
class Dressed:
    """A person, ready to be posed: what all pictures of them share.

    Attributes:
        shape: the body at rest. pieces: skin first, then clothes, hair and things from the inside out.
        looks: colours of skin and face. grain: (64, 64, 4) uint8, the noise of this person.
        girth: how much thicker than the mean body. gender: 0 male to 1 female.
        age: 0.33 child of about 1.45 m, 0.67 young, 1 old.
    """

    shape: Shape
    pieces: tuple[Piece, ...]
    looks: Looks
    grain: NDArray[np.uint8] = field(repr=False)
    girth: float
    gender: float
    age: float


def render_person(renderer: Renderer, seed: int, person: int, pictures: int, style: str = "mixed") -> list[Picture]:
    """Pictures 0 .. pictures - 1 of one person.

    The result depends on the arguments and the renderer's size alone: not on what was rendered before, and picture k
    not on how many follow it.

    Args:
        renderer: an open renderer; its size is that of the pictures.
        seed: of the whole set. person: number of the person, 0 or more. pictures: how many, 1 or more.
        style: one of `sets.STYLES`.

    Raises:
        ValueError: no such style.
    """
    if style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)}, got {style!r}")
    rng = np.random.default_rng([seed, person])
    if style == "mixed":
        style = "street" if rng.random() < 0.5 else "fashion"
    seen = "street" if style == "plain" else style  # the plain people differ in looks alone
    spent = renderer.timings
    with _timed(spent, "clothes"):
        dressed = dress(renderer.body, rng, style, detail=renderer.height)
    scene = sample_scene(rng, style)
    # From 1: numpy's seeds [a, b] and [a, b, 0] are the same seed.
    rngs = [np.random.default_rng([seed, person, k + 1]) for k in range(pictures)]
    poses = [sample_pose(r, seen, dressed.girth) for r in rngs]
    transforms = renderer.body.transforms(
        dressed.shape.heads, rotations(renderer.body, np.stack([p.angles for p in poses]))
    )
    points = renderer.body.points(dressed.shape, transforms)
    size = renderer.height, renderer.width
    shots = [sample_shot(r, p, *size, seen) for r, p in zip(rngs, points, strict=True)]
    lights = [_turned(scene.lighting(r, -s.azimuth_deg), s.azimuth_deg) for r, s in zip(rngs, shots, strict=True)]
    lights = [replace(light, exposure=light.exposure * _metered(dressed.looks)) for light in lights]
    with _timed(spent, "pose"):
        posed = [
            put_under(renderer.body, dressed.shape, t, take_pose(renderer.body, dressed, t, renderer.height), p.seat)
            for t, p in zip(transforms, poses, strict=True)
        ]
    with _timed(spent, "draw"):
        drawn = renderer.draw((*dressed.pieces, block()), dressed.looks, posed, shots, lights, dressed.grain)
    return [
        _picture(f"p{person:06d}", k, drawn, shots[k], lights[k], poses[k], points[k], scene, style, rngs[k], spent)
        for k in range(pictures)
    ]


@contextmanager
def _timed(spent: dict[str, float], stage: str) -> Iterator[None]:
    """Add the processor time of the block to a stage's."""
    start = time.process_time()
    yield
    spent[stage] = spent.get(stage, 0.0) + time.process_time() - start


def render_people(
    people: range | Iterable[int], pictures: int, height: int, width: int, seed: int, style: str = "mixed"
) -> Iterator[Picture]:
    """All pictures of some people, person by person, in this process. Raises SyntheticUnavailable without OpenGL."""
    with Renderer(height, width) as renderer:
        for person in people:
            yield from render_person(renderer, seed, person, pictures, style)


def dress(body: Body, rng: np.random.Generator, style: str, detail: int = 256) -> Dressed:
    """A random person with everything on.

    Args:
        body: the baked body. rng: the person's. style: of the clothes. detail: height of the pictures, pixels: faces of
            the body much smaller than a pixel are merged.
    """
    coefficients, gender, age = _sample_body(body, rng)
    shape = body.shape(coefficients)
    outfit = sample_outfit(rng, gender, age, style)
    clothes, covered = build_clothes(body, shape, outfit)
    things, inside = build_accessories(body, shape, outfit)
    hair = build_hair(body, shape, outfit.looks, lambda points: hair_hidden(outfit, points))
    bare = _bare_skin(body, shape, np.maximum(covered, inside), scalp_field(body, outfit.looks), detail)
    pieces = (Piece("skin", bare, None, (13, 13), kind="skin"), *clothes, *hair, *things)
    girth = float(np.sqrt(_girth(shape) / _mean_girth(body)))
    return Dressed(shape, pieces, outfit.looks, _grain(rng), girth, gender, age)


def take_pose(body: Body, dressed: Dressed, transforms: Floats, detail: int = 256) -> Posed:
    """All vertices of a person in one pose.

    Args:
        body, dressed: who. transforms: (J, 3, 4) from `Body.transforms`.
        detail: height of the pictures, pixels: cloth need not be settled for small ones.
    """
    rounds = ROUNDS if detail > SMALL else 6
    place, normal = pose_body(body, dressed.shape, transforms)
    places, all_normals, strains = [], [], []
    for piece in dressed.pieces:
        own = skin(piece.surface, transforms)
        push = np.zeros(len(own), np.float32)
        if piece.cloth is not None:
            own = drape(piece, own, place, normal, transforms, rounds)
            push = strain(piece, own)
        own = hang(piece, own, transforms)
        places.append(own)
        all_normals.append(normals(own, piece.surface.faces))
        strains.append(push)
    return Posed(np.concatenate(places), np.concatenate(all_normals), np.concatenate(strains))


def _turned(light: Lighting, azimuth_deg: float) -> Lighting:
    """Lamps from the upright frame of a camera (x right, y away, z up) to the axes of the posed body."""
    angle = np.deg2rad(azimuth_deg)
    right, away = np.array([np.cos(angle), np.sin(angle), 0]), np.array([-np.sin(angle), np.cos(angle), 0])
    axes = np.stack([right, away, [0, 0, 1]]).astype(np.float32)
    return replace(light, lamps=tuple((direction @ axes, color) for direction, color in light.lamps))


def _metered(looks: Looks) -> float:
    """What a photographer opens or closes the lens for a face: a part of what its tone would ask for."""
    bright = float(np.mean(np.square(looks.skin)))
    return float(np.clip((0.32 / bright) ** 0.25, 0.88, 1.6))


def _sample_body(body: Body, rng: np.random.Generator) -> tuple[Floats, float, float]:
    """A body between two of the fitted ones of about the same gender and age: coefficients, gender, age."""
    first = int(rng.integers(len(body.traits)))
    gap = np.abs(body.traits - body.traits[first])
    (alike,) = np.nonzero((gap[:, 0] < 0.3) & (gap[:, 1] < 0.15))
    second, share = int(rng.choice(alike)), float(rng.uniform(0, 0.5))
    mixed = body.coefficients[first] * (1 - share) + body.coefficients[second] * share
    gender, age = body.traits[first] * (1 - share) + body.traits[second] * share
    return mixed.astype(np.float32), float(gender), float(age)


def _girth(shape: Shape) -> float:
    """Mean squared distance of the trunk's surface from its axis over squared height."""
    tall = np.ptp(shape.vertices[:, 2])
    return float(np.mean(shape.vertices[:, :2] ** 2) / tall**2)


@cache
def _mean_girth(body: Body) -> float:
    return _girth(body.shape(np.zeros(body.coefficients.shape[1], np.float32)))


def _bare_skin(body: Body, shape: Shape, hidden: Floats, scalp: Floats, detail: int) -> Surface:
    """The skin that is not surely covered."""
    whole = body_surface(body, shape, "body")
    used = np.unique(body.faces["body"])
    assert whole.special is not None
    whole.special[:, 2] = scalp[used]
    if detail <= 384:
        whole = replace(whole, faces=_merged(body, 0.008 if detail > 160 else 0.016))
    return clip(whole, -hidden[used])


@cache
def _merged(body: Body, cell: float) -> NDArray[np.int32]:
    """The faces of `body_surface(..., "body")` with all vertices of one cell (metres) merged into one: (F', 3)."""
    used, faces = np.unique(body.faces["body"], return_inverse=True)
    canon = body.canon[used]
    grid = np.floor(canon / cell).astype(np.int64)
    key = (grid[:, 0] * 4096 + grid[:, 1]) * 4096 + grid[:, 2]
    eye = body.attributes[used, 7] > 0.5
    key[eye] = 2**50 + np.arange(eye.sum())  # the eyes keep every vertex
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    faces = first[group.ravel()][faces.reshape(-1, 3)]
    whole = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 0] != faces[:, 2])
    faces = faces[whole]
    _, kept = np.unique(np.sort(faces, axis=1), axis=0, return_index=True)
    out: NDArray[np.int32] = faces[np.sort(kept)].astype(np.int32)
    return out


def _grain(rng: np.random.Generator) -> NDArray[np.uint8]:
    """(64, 64, 4) tiling noise: red and green smooth, blue coarse blots, alpha fine."""
    out = np.empty((64, 64, 4))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64)))
    for channel, (low, high) in enumerate([(0.03, 0.12), (0.03, 0.12), (0.02, 0.06), (0.1, 0.4)]):
        band = np.exp(-((frequency / high) ** 2)) - np.exp(-((frequency / low) ** 2))
        noise = np.fft.ifft2(np.fft.fft2(rng.standard_normal((64, 64))) * band).real
        out[..., channel] = noise / noise.std() * 45 + 128
    return np.clip(out, 0, 255).astype(np.uint8)


def _picture(
    person: str, number: int, drawn: Drawn, shot: Shot, light: Lighting, pose: Pose, points: Floats, scene: Scene,
    style: str, rng: np.random.Generator, spent: dict[str, float],
) -> Picture:  # fmt: skip
    coverage, label, near = drawn.coverage[number], drawn.label[number], drawn.nearness[number]
    height, width = coverage.shape
    flat = shot.project(points)
    away = float(np.hypot(*(shot.camera[:2] - points[:, :2].mean(0))))
    ground = Ground(shot.horizon, shot.feet, shot.metre, -shot.azimuth_deg, away)
    with _timed(spent, "background"):
        behind = background(scene, rng, height, width, ground)
        behind = _shaded(behind, drawn.shadow[number], light, shot, height)
    with _timed(spent, "develop"):
        image = develop(drawn.color[number] + behind * (1 - coverage[..., None]), scene, rng, style)
    own = drawn.covered[number] & (label != SCENERY)
    keypoints = _keypoints(flat[:JOINT_COUNT], np.where(drawn.covered[number], near, BACKGROUND))
    return Picture(
        name=f"{person}_{number:02d}", person=person, image=image, keypoints=keypoints,
        parsing=np.where(own, label, 0).astype(np.uint8), mask=np.where(own, np.uint8(255), np.uint8(0)),
        iuv=np.where(own[..., None], drawn.iuv[number], np.uint8(0)),
        depth=np.where(own, shot.distance - near, 0).astype(np.float16), pose=pose.name, style=style,
    )  # fmt: skip


def _shaded(behind: Floats, shadow: Floats, light: Lighting, shot: Shot, height: int) -> Floats:
    """The background with the person's shadow on its ground."""
    if not shadow.any():
        return behind
    first = np.asarray(light.lamps[0][1]).mean() * max(light.lamps[0][0][2], 0.1) if light.lamps else 0.0
    rest = sum(float(np.mean(c)) * max(d[2], 0.0) for d, c in light.lamps[1:]) + float(np.mean(light.sky))
    blur = shot.scale * (0.01 + 0.10 * light.softness)
    cast = gaussian_filter(shadow[..., 0], blur) * (first / (first + rest + 1e-6))
    near = gaussian_filter(shadow[..., 1], shot.scale * 0.03) * 0.55
    keep = (1 - 0.85 * cast) * (1 - near)
    below = np.clip((np.arange(height) - shot.horizon) / (0.04 * height), 0, 1)[:, None]
    out: Floats = (behind * (1 - (1 - keep**0.6) * below)[..., None]).astype(np.float32)
    return out


def _keypoints(flat: Floats, depth: Floats) -> NDArray[np.float32]:
    """Joints (18, 3) as x, y, nearness to x, y, visible, by the nearness of the surface at their pixel."""
    height, width = depth.shape
    out = np.zeros((JOINT_COUNT, 3), np.float32)
    column, row = np.rint(flat[:, 0]).astype(int), np.rint(flat[:, 1]).astype(int)
    inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
    surface = depth[row.clip(0, height - 1), column.clip(0, width - 1)]
    seen = surface <= flat[:, 2] + _DEPTH_OF_JOINT
    out[inside, :2] = flat[inside, :2]
    out[inside, 2] = np.where(seen[inside], 1.0, 0.5)
    return out
