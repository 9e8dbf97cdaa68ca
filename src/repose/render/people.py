"""Whole pictures of synthetic people: a person keeps body, face, hair, outfit and place; pose and camera change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from repose.body.model import BodyModel, Floats, Shape, girth_of, sample_shape
from repose.body.rig import rotations
from repose.body.surface import Surface, body_surface, normals, pose_body, pose_surface
from repose.render.draw.render import SMALL, Renderer
from repose.render.hair.hair import build_hair
from repose.render.hair.scalp import scalp_field
from repose.render.mesh import clip
from repose.render.picture import Picture
from repose.render.pieces import Looks, Piece, Posed
from repose.render.place.lighting import Lighting
from repose.render.place.seat import block, put_under
from repose.render.place.surroundings import Surroundings, sample_surroundings
from repose.render.place.views import Shot, sample_shot
from repose.render.pose.poses import BodyPose, sample_pose
from repose.render.sets import STYLES, drawn_style
from repose.render.takes import Take, along_body, finish, ground_of, timed
from repose.render.wear.accessories import build_accessories
from repose.render.wear.bags import hang
from repose.render.wear.cloth import ROUNDS, drape, strain
from repose.render.wear.clothes import build_clothes
from repose.render.wear.headwear import hair_hidden
from repose.render.wear.outfits import Outfit, sample_outfit


@dataclass(frozen=True)
class Dressed:
    """A dressed person, ready to be posed; the same in all pictures of the person.

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


@dataclass(frozen=True)
class Subject:
    """A dressed person in their surroundings; the same in all pictures of the person.

    Attributes:
        name: "p000012". dressed, surroundings: who and where.
        style: of the pictures; seen: of poses and cameras.
    """

    name: str
    dressed: Dressed
    surroundings: Surroundings
    style: str
    seen: str


Change = Callable[[Outfit], Outfit]
"""What a person wears instead of their own outfit; everything else about them stays."""


def render_person(
    renderer: Renderer, seed: int, person: int, pictures: int, style: str = "mixed", change: Change | None = None
) -> list[Picture]:
    """Pictures 0 .. pictures - 1 of one person.

    The result depends on the arguments and the renderer's size alone: not on what was rendered before. Picture k does
    not depend on the number of pictures after it.

    Args:
        renderer: an open renderer; its size is that of the pictures.
        seed: of the whole set. person: number of the person, 0 or more. pictures: how many, 1 or more.
        style: one of `sets.STYLES`.
        change: of the outfit; body, face, hair, place, poses and cameras stay those of the person.

    Raises:
        ValueError: no such style.
    """
    subject = sample_subject(renderer, seed, person, style, change)
    # From 1: numpy's seeds [a, b] and [a, b, 0] are the same seed.
    rngs = [np.random.default_rng([seed, person, k + 1]) for k in range(pictures)]
    poses = [sample_pose(r, subject.seen, subject.dressed.girth) for r in rngs]
    transforms, points = pose_bones(renderer.body, subject.dressed, poses)
    size = renderer.height, renderer.width
    shots = [sample_shot(r, p, *size, subject.seen) for r, p in zip(rngs, points, strict=True)]
    lights = [light_of(subject, r, s) for r, s in zip(rngs, shots, strict=True)]
    return render_takes(renderer, subject, [
        Take(poses[k], transforms[k], points[k], shots[k], along_body(lights[k], shots[k].azimuth_deg),
             ground_of(shots[k], points[k]), rngs[k])
        for k in range(pictures)
    ])  # fmt: skip


def render_people(
    people: range | Iterable[int], pictures: int, height: int, width: int, seed: int, style: str = "mixed"
) -> Iterator[Picture]:
    """All pictures of some people, person by person, in this process. Raises SyntheticUnavailable without OpenGL."""
    with Renderer(height, width) as renderer:
        for person in people:
            yield from render_person(renderer, seed, person, pictures, style)


def sample_subject(
    renderer: Renderer, seed: int, person: int, style: str = "mixed", change: Change | None = None
) -> Subject:
    """A person of a set; arguments and errors as of `render_person`."""
    if style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)}, got {style!r}")
    rng = np.random.default_rng([seed, person])
    if style == "mixed":
        style = drawn_style(rng)
    seen = "street" if style == "plain" else style  # the plain people differ in looks alone
    with timed(renderer.timings, "clothes"):
        dressed = sample_dressed(renderer.body, rng, style, renderer.height, change)
    return Subject(f"p{person:06d}", dressed, sample_surroundings(rng, style), style, seen)


def pose_bones(body: BodyModel, dressed: Dressed, poses: Sequence[BodyPose]) -> tuple[Floats, Floats]:
    """A person's bones (P, J, 3, 4) in P poses, and their joints and anchors (P, N, 3) as of `BodyModel.points`."""
    transforms = body.transforms(dressed.shape.pivots, rotations(body, np.stack([pose.angles for pose in poses])))
    return transforms, body.points(dressed.shape, transforms)


def light_of(subject: Subject, rng: np.random.Generator, shot: Shot) -> Lighting:
    """The light of a picture in the upright frame of its camera."""
    light = subject.surroundings.lighting(rng, -shot.azimuth_deg)
    return replace(light, exposure=light.exposure * _metered(subject.dressed.looks))


def render_takes(renderer: Renderer, subject: Subject, takes: Sequence[Take]) -> list[Picture]:
    """Draw these takes and finish their pictures, numbered from 0."""
    body, dressed, spent = renderer.body, subject.dressed, renderer.timings
    with timed(spent, "pose"):
        posed = [
            put_under(body, dressed.shape, take.transforms, take_pose(body, dressed, take.transforms, renderer.height),
                      take.pose.seat)
            for take in takes
        ]  # fmt: skip
    with timed(spent, "draw"):
        shots, lights = [take.shot for take in takes], [take.light for take in takes]
        drawn = renderer.draw((*dressed.pieces, block()), dressed.looks, posed, shots, lights, dressed.grain)
    return [
        finish(subject.name, k, drawn, take, subject.surroundings, subject.style, spent) for k, take in enumerate(takes)
    ]


def sample_dressed(
    body: BodyModel, rng: np.random.Generator, style: str, detail: int = 256, change: Change | None = None
) -> Dressed:
    """A random person with body, clothes, hair and things.

    Args:
        body: the baked body. rng: the person's. style: of the clothes. detail: height of the pictures, pixels: faces of
            the body much smaller than a pixel are merged.
        change: of the outfit, see `render_person`.
    """
    coefficients, gender, age = sample_shape(body, rng)
    shape = body.shape(coefficients)
    outfit = sample_outfit(rng, gender, age, style)
    outfit = outfit if change is None else change(outfit)
    clothes, covered = build_clothes(body, shape, outfit)
    things, inside = build_accessories(body, shape, outfit)
    hair = build_hair(body, shape, outfit.looks, lambda points: hair_hidden(outfit, points))
    bare = _bare_skin(body, shape, np.maximum(covered, inside), scalp_field(body, outfit.looks), detail)
    pieces = (Piece("skin", bare, None, (13, 13), kind="skin"), *clothes, *hair, *things)
    return Dressed(shape, pieces, outfit.looks, _grain(rng), girth_of(body, shape), gender, age)


def take_pose(body: BodyModel, dressed: Dressed, transforms: Floats, detail: int = 256) -> Posed:
    """All vertices of a person in one pose.

    Args:
        body, dressed: who. transforms: (J, 3, 4) from `BodyModel.transforms`.
        detail: height of the pictures, pixels: cloth need not be settled for small ones.
    """
    rounds = ROUNDS if detail > SMALL else 6
    place, normal = pose_body(body, dressed.shape, transforms)
    places, all_normals, strains = [], [], []
    for piece in dressed.pieces:
        own = pose_surface(piece.surface, transforms)
        push = np.zeros(len(own), np.float32)
        if piece.cloth is not None:
            own = drape(piece, own, place, normal, transforms, rounds)
            push = strain(piece, own)
        own = hang(piece, own, transforms)
        places.append(own)
        all_normals.append(normals(own, piece.surface.faces))
        strains.append(push)
    return Posed(np.concatenate(places), np.concatenate(all_normals), np.concatenate(strains))


def _metered(looks: Looks) -> float:
    """The factor of exposure for a face: part of the correction that its skin tone would need."""
    bright = float(np.mean(np.square(looks.skin)))
    return float(np.clip((0.32 / bright) ** 0.25, 0.88, 1.6))


def _bare_skin(body: BodyModel, shape: Shape, hidden: Floats, scalp: Floats, detail: int) -> Surface:
    """The skin without the parts that are certainly covered."""
    whole = body_surface(body, shape, "body")
    used = np.unique(body.faces["body"])
    assert whole.special is not None
    whole.special[:, 2] = scalp[used]
    if detail <= 384:
        whole = replace(whole, faces=_merged(body, 0.008 if detail > 160 else 0.016))
    return clip(whole, -hidden[used])


@cache
def _merged(body: BodyModel, cell: float) -> NDArray[np.int32]:
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
