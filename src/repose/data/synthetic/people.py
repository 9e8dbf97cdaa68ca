"""Whole pictures of synthetic people: a body, an outfit and a street belong to the person, pose and camera do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .body import JOINT_COUNT, Body, Floats
from .garments import sample_outfit
from .poses import rotations, sample_pose
from .render import Drawn, Renderer, Shot
from .scenes import Scene, background, develop, sample_scene

# How far below the surface a joint may lie and still count as seen, metres, in the order of the joints.
# Limbs and trunk are about this thick over their joints, clothes included.
_DEPTH_OF_JOINT: Final = np.array(
    [0.04, 0.13, *(0.13, 0.08, 0.055) * 2, *(0.2, 0.12, 0.11) * 2, 0.04, 0.04, 0.06, 0.06], np.float32
)


@dataclass(frozen=True)
class Picture:
    """One rendered picture and its exact labels.

    Attributes:
        name: "p000012_03" for picture 3 of person 12. person: "p000012".
        image: (H, W, 3) uint8 RGB.
        keypoints: (18, 3) float32 in the order of `repose.person.JOINTS`: x, y in pixel index units, and 1 seen,
            0.5 inside the frame but hidden by the body, 0 outside the frame (then x = y = 0).
        parsing: (H, W) uint8, the 20 labels of LIP. Bare skin of trunk and neck is 13 (face), as LIP does.
        mask: (H, W) uint8, 255 where the person covers at least half a pixel, else 0.
    """

    name: str
    person: str
    image: NDArray[np.uint8]
    keypoints: NDArray[np.float32]
    parsing: NDArray[np.uint8]
    mask: NDArray[np.uint8]


def render_person(renderer: Renderer, seed: int, person: int, pictures: int) -> list[Picture]:
    """Pictures 0 .. pictures - 1 of one person.

    The result depends on the arguments and the renderer's size alone: not on what was rendered before, and picture k
    not on how many follow it.

    Args:
        renderer: an open renderer; its size is that of the pictures.
        seed: of the whole set. person: number of the person, 0 or more. pictures: how many, 1 or more.
    """
    body = renderer.body
    rng = np.random.default_rng([seed, person])
    coefficients, gender, age = _sample_body(body, rng)
    shape = body.shape(coefficients)
    outfit = sample_outfit(rng, gender, age)
    scene = sample_scene(rng)

    # From 1: numpy's seeds [a, b] and [a, b, 0] are the same seed.
    rngs = [np.random.default_rng([seed, person, k + 1]) for k in range(pictures)]
    transforms = body.transforms(shape.heads, rotations(body, np.stack([sample_pose(r) for r in rngs])))
    points = body.points(shape, transforms)
    shots = [_sample_shot(r, p, scene, renderer.height, renderer.width) for r, p in zip(rngs, points, strict=True)]
    drawn = renderer.draw(shape, outfit, transforms, shots)
    return [_picture(f"p{person:06d}", k, drawn, shots[k], points[k], scene, rngs[k]) for k in range(pictures)]


def render_people(
    people: range | Iterable[int], pictures: int, height: int, width: int, seed: int
) -> Iterator[Picture]:
    """All pictures of some people, person by person, in this process. Raises SyntheticUnavailable without OpenGL."""
    with Renderer(height, width) as renderer:
        for person in people:
            yield from render_person(renderer, seed, person, pictures)


def _sample_body(body: Body, rng: np.random.Generator) -> tuple[Floats, float, float]:
    """A body between two of the fitted ones of about the same gender: coefficients, gender, age."""
    first = int(rng.integers(len(body.traits)))
    (alike,) = np.nonzero(np.abs(body.traits[:, 0] - body.traits[first, 0]) < 0.3)
    second, share = int(rng.choice(alike)), float(rng.uniform(0, 0.5))
    mixed = body.coefficients[first] * (1 - share) + body.coefficients[second] * share
    gender, age = body.traits[first] * (1 - share) + body.traits[second] * share
    return mixed.astype(np.float32), float(gender), float(age)


def _sample_shot(rng: np.random.Generator, points: Floats, scene: Scene, height: int, width: int) -> Shot:
    """A camera that has the person in its frame. points: (N, 3) posed joints and anchors."""
    around = rng.uniform(0, 360) if rng.random() < 0.6 else rng.normal(0, 28) + (180 if rng.random() < 0.25 else 0)
    angle, tilt = np.deg2rad(around), np.deg2rad(np.clip(rng.normal(6, 6), -6, 28))
    to_camera = np.array([np.sin(angle) * np.cos(tilt), -np.cos(angle) * np.cos(tilt), np.sin(tilt)])
    right = np.array([np.cos(angle), np.sin(angle), 0.0])
    axes = np.stack([right, np.cross(to_camera, right), to_camera])
    roll = np.deg2rad(rng.normal(0, 1.5))
    axes[:2] = [[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]] @ axes[:2]
    middle = (points.max(0) + points.min(0)) / 2
    view = np.concatenate([axes, -(axes @ middle)[:, None]], 1).astype(np.float32)

    direction = np.array([rng.normal(0, 0.8), rng.uniform(0.3, 1.2), rng.uniform(0.2, 1.2)])
    ambient = scene.ambient * rng.uniform(0.85, 1.15)
    plain = Shot(
        view=view,
        distance=float(rng.uniform(2.6, 7.0)),
        scale=1.0,
        centre=(0.0, 0.0),
        light=(direction / np.linalg.norm(direction)).astype(np.float32),
        ambient=float(ambient),
        strength=float(scene.strength * rng.uniform(0.8, 1.15)),
        light_color=(1 + rng.normal(0, 0.03, 3)).astype(np.float32),
    )
    flat = plain.project(points)
    low, high = flat[:, :2].min(0), flat[:, :2].max(0)
    skull = flat[[16, 17], :2].mean(0)  # between the ears; whatever way it tilts, the head is inside the frame
    low, high = np.minimum(low, skull - [0.13, 0.17]), np.maximum(high, skull + np.float32(0.13))
    high[1] += 0.015  # soles
    if height / width < 1.7 and rng.random() < 0.45:  # a fashion picture down to the knees or thighs
        hip, knee = flat[[8, 11], 1].mean(), flat[[9, 12], 1].mean()
        high[1] = max(hip + rng.uniform(0.45, 1.15) * max(knee - hip, 0.0), low[1] + 0.8)
    size = high - low
    tall, wide = height * rng.uniform(0.84, 0.97) / size[1], width * rng.uniform(0.86, 1.06) / size[0]
    scale = float(min(tall, max(wide, 0.8 * tall)))  # arms stretched out may leave the frame
    loose = np.array([width, height]) - scale * size
    # The head stays in the frame, also where arms are cut off.
    start = np.array([loose[0] * rng.uniform(0.25, 0.75), loose[1] * rng.uniform(0.3, 0.7)])
    centre = start - scale * low - 0.5
    return replace(plain, scale=scale, centre=(float(centre[0]), float(centre[1])))


def _picture(
    person: str, number: int, drawn: Drawn, shot: Shot, points: Floats, scene: Scene, rng: np.random.Generator
) -> Picture:
    coverage, label = drawn.coverage[number], drawn.label[number]
    height, width = coverage.shape
    flat = shot.project(points)
    ankles = flat[[10, 13]]
    feet = (float(ankles[:, 0].mean()), float(max(flat[JOINT_COUNT + 1 :, 1].max(), ankles[:, 1].max())))
    behind = background(scene, rng, height, width, feet)
    image = develop(drawn.color[number] + behind * (1 - coverage[..., None]), scene, rng)
    mask = np.where(label > 0, np.uint8(255), np.uint8(0))
    keypoints = _keypoints(flat[:JOINT_COUNT], drawn.depth[number])
    return Picture(f"{person}_{number:02d}", person, image, keypoints, label, mask)


def _keypoints(flat: Floats, depth: Floats) -> NDArray[np.float32]:
    """Joints (18, 3) as x, y, nearness to x, y, visible, by the depth of the nearest surface at their pixel."""
    height, width = depth.shape
    out = np.zeros((JOINT_COUNT, 3), np.float32)
    column, row = np.rint(flat[:, 0]).astype(int), np.rint(flat[:, 1]).astype(int)
    inside = (column >= 0) & (row >= 0) & (column < width) & (row < height)
    surface = depth[row.clip(0, height - 1), column.clip(0, width - 1)]
    seen = surface <= flat[:, 2] + _DEPTH_OF_JOINT
    out[inside, :2] = flat[inside, :2]
    out[inside, 2] = np.where(seen[inside], 1.0, 0.5)
    return out
