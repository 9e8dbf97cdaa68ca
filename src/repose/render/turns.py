"""One person in one pose who turns on the spot; everything else stays the same."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Final

import numpy as np
from scipy.ndimage import gaussian_filter

from repose.body.limbs import repair
from repose.names import nearest
from repose.render.draw.render import Renderer
from repose.render.people import Dressed, light_of, pose_bones, render_takes, sample_subject
from repose.render.picture import Picture
from repose.render.pieces import Fabric
from repose.render.place.views import sample_front, standing
from repose.render.pose.poses import base_pose
from repose.render.takes import Take, along_body, ground_of

POSES: Final = (
    "relaxed", "contrapposto", "feet together", "one knee bent", "weight on one leg", "hand on hip", "hand in pocket",
    "akimbo",
)  # fmt: skip
"""Poses of the library that stand and face straight on."""

_TRUNK: Final = ("top", "dress", "coat", "jumpsuit")  # what covers the chest, from the inside out
_PIXEL: Final = 0.012  # metres: finer patterns are not visible
_LOUD: Final = 0.06  # standard deviation of a pattern's colours, of 1
_LARGE: Final = 0.15  # metres: width of a print that can be followed


def render_turns(
    renderer: Renderer,
    seed: int,
    person: int,
    pose: str | int = 0,
    turns_deg: Sequence[float] = (0, 30, 90, 180),
    style: str = "fashion",
) -> list[Picture]:
    """A whole standing person who turns on the spot before a fixed camera.

    Clothes, light, background and even the camera's noise are those of one moment; only the person turns. The
    person is that of `render_person` with the same seed and number.

    Args:
        renderer: an open renderer; its size is that of the pictures.
        seed, person: who, as of `render_person`.
        pose: one of `POSES`, or its number, counted round.
        turns_deg: degrees to the person's left; 0 faces the camera, 90 looks out at the right side of the picture.
        style: one of `sets.STYLES`.

    Returns:
        a picture for each turn, in their order.

    Raises:
        ValueError: no such style or pose.
    """
    name = POSES[pose % len(POSES)] if isinstance(pose, int) else pose
    if name not in POSES:
        raise ValueError(f"no pose to turn in is called {name!r}; {nearest(name, POSES)}")
    subject = sample_subject(renderer, seed, person, style)
    body, girth = renderer.body, subject.dressed.girth
    plain = base_pose(body, name)
    stance = replace(plain, angles=repair(body, plain.angles, girth=girth))
    transforms, points = pose_bones(body, subject.dressed, [stance])
    rng = np.random.default_rng([seed, person, 1])
    front = sample_front(rng, points[0], renderer.height, renderer.width, subject.seen)
    light, ground = light_of(subject, rng, front), ground_of(front, points[0])
    takes = []
    for degrees in turns_deg:
        shot = front.turned(degrees, standing(points[0]))
        lamps = along_body(light, shot.azimuth_deg)
        takes.append(Take(stance, transforms[0], points[0], shot, lamps, ground, deepcopy(rng)))
    return render_takes(renderer, subject, takes)


def patterned(renderer: Renderer, seed: int, person: int, style: str = "fashion") -> bool:
    """Whether the garment on the chest has stripes, checks, flowers or a large print, judged by its cloth alone."""
    return _patterned(sample_subject(renderer, seed, person, style).dressed)


def _patterned(dressed: Dressed) -> bool:
    worn = [piece.fabric for piece in dressed.pieces if piece.name in _TRUNK and piece.fabric is not None]
    return bool(worn) and (_loudness(worn[-1]) > _LOUD or _printed(worn[-1]))


def _loudness(fabric: Fabric) -> float:
    """How far the colours of a cloth differ, at the distance at which a person fills a picture."""
    sigma = _PIXEL / fabric.repeat * fabric.tile.shape[0]
    tile = gaussian_filter(fabric.tile[..., :3].astype(np.float32) / 255, (sigma, sigma, 0), mode="wrap")
    return float(np.sqrt(tile.var((0, 1)).mean()))


def _printed(fabric: Fabric) -> bool:
    return fabric.front is not None and fabric.front.size[0] >= _LARGE
