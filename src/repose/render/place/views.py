"""Cameras: where a picture of a posed person is taken from, and how much of them is in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from repose.body.model import Floats

FULL, KNEES, HIPS, PORTRAIT = "full", "three-quarter", "half", "portrait"
_SOLE: Final = 0.015  # how far below the lowest anchor of the feet soles reach, metres
# rows of `BodyModel.points`
_HIPS, _KNEES, _ANKLES, _EARS, _EYES = [8, 11], [9, 12], [10, 13], [16, 17], [14, 15]


@dataclass(frozen=True)
class Shot:
    """How one picture is taken.

    Attributes:
        view: (3, 4) float32, posed metres -> camera axes: right, up, towards the camera, 0 at the person's middle.
        distance: metres from the camera to the person's middle.
        scale: pixels per metre there. centre: pixel (x, y) of the middle, pixel centres at integers.
        height, width: of the picture in pixels.
        crop: "full", "three-quarter" (to the knees or thighs), "half" (hips up), "portrait".
        feet: pixel (x, y) of the ground between the feet. metre: pixels a metre spans there.
    """

    view: Floats
    distance: float
    scale: float
    centre: tuple[float, float]
    height: int
    width: int
    crop: str = FULL
    feet: tuple[float, float] = (0.0, 0.0)
    metre: float = 1.0

    def project(self, points: Floats) -> Floats:
        """(N, 3) posed metres -> (N, 3): x and y in pixels, nearness to the camera in metres (0 at the middle)."""
        seen = points @ self.view[:, :3].T + self.view[:, 3]
        shrink = self.scale / (1 - seen[:, 2] / self.distance)
        x, y = self.centre[0] + shrink * seen[:, 0], self.centre[1] - shrink * seen[:, 1]
        return np.stack([x, y, seen[:, 2]], 1).astype(np.float32)

    @property
    def focal(self) -> float:
        """Focal length in pixels."""
        return self.scale * self.distance

    @property
    def millimetres(self) -> float:
        """Focal length of a full-frame camera (36 mm along the longer side) that sees as much as this picture."""
        return 36 * self.focal / max(self.height, self.width)

    @property
    def azimuth_deg(self) -> float:
        """Direction of the camera round the person, degrees in [0, 360): 0 in front, 90 at the person's left."""
        towards = self.view[2, :3]
        return float(np.degrees(np.arctan2(towards[0], -towards[1])) % 360)

    @property
    def pitch_deg(self) -> float:
        """How far the camera looks down, degrees; negative if it looks up."""
        return float(np.degrees(np.arcsin(np.clip(self.view[2, 2], -1, 1))))

    @property
    def roll_deg(self) -> float:
        """How far the camera is turned about its axis, degrees; the picture turns the other way."""
        return float(np.degrees(np.arctan2(-self.view[0, 2], self.view[1, 2])))

    @property
    def horizon(self) -> float:
        """Pixel row of the horizon in the middle column of the picture; may lie outside."""
        right, up, towards = self.view[:, 2].astype(np.float64)  # the vertical in camera axes
        # Directions d with d . vertical = 0; d = (x / focal, y / focal, -1).
        x = ((self.width - 1) / 2 - self.centre[0]) / self.focal
        return float(self.centre[1] - self.focal * (towards - x * right) / max(up, 1e-3))

    def turned(self, degrees: float, axis: Floats) -> Shot:
        """The same camera before a person who turned to their left, all else left where it is.

        Args:
            degrees: of the turn. axis: (2,) x and y of the vertical that they turn about, posed metres; about the
                place where they stand the ground below them stays where it is, too.
        """
        angle = np.deg2rad(degrees)
        turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        still = np.array([axis[0], axis[1], 0.0])
        axes = self.view[:, :3].astype(np.float64)
        view = np.concatenate([axes @ turn, (axes @ (still - turn @ still) + self.view[:, 3])[:, None]], 1)
        return replace(self, view=view.astype(np.float32))

    @property
    def camera(self) -> Floats:
        """(3,) place of the camera, posed metres."""
        out: Floats = self.view[:, :3].T @ (np.array([0, 0, self.distance], np.float32) - self.view[:, 3])
        return out


def sample_shot(rng: np.random.Generator, points: Floats, height: int, width: int, style: str = "mixed") -> Shot:
    """A camera that has the person in its frame.

    Args:
        rng: everything random comes from it.
        points: (N, 3) posed joints (the first 18) and anchors, as from `BodyModel.points`, metres.
        height, width: of the picture in pixels.
        style: "street" (a surveillance camera above the heads, the whole person in a tight, careless box), "fashion"
            (a catalogue: hip or chest height, mostly from the front, whole or cut at knees or hips), any other a
            mixture with low and high views and rolled cameras.
    """
    if style == "street":
        return _street(rng, points, height, width)
    crop = _crop(rng, points, height, width, (0.45, 0.25, 0.25, 0.05) if style == "fashion" else (0.6, 0.2, 0.15, 0.05))
    if style == "fashion":
        around, roll = _catalogue(rng), float(rng.normal(0, 0.5))
        pitch = float(np.clip(rng.normal(2, 2.5), -5, 9))
    else:
        around, roll = _catalogue(rng) if rng.random() < 0.4 else float(rng.uniform(0, 360)), float(rng.normal(0, 2))
        pitch = float(np.clip(rng.normal(6, 6), -6, 22))
        if rng.random() < 0.12:
            pitch = float(rng.uniform(-22, -5) if rng.random() < 0.5 else rng.uniform(18, 42))
    return _aimed(rng, points, height, width, crop, (around, pitch, roll), style == "fashion")


def sample_front(rng: np.random.Generator, points: Floats, height: int, width: int, style: str = "fashion") -> Shot:
    """A camera straight in front of the whole person: of the street from above, else as in a catalogue.

    Arguments as of `sample_shot`.
    """
    if style == "street":
        return _street(rng, points, height, width, around=0.0)
    pitch = float(np.clip(rng.normal(2, 2.5), -5, 9))
    return _aimed(rng, points, height, width, FULL, (0.0, pitch, 0.0), calm=True)


def standing(points: Floats) -> Floats:
    """(2,) x and y of the place between the feet, of posed points as from `BodyModel.points`."""
    out: Floats = points[_ANKLES, :2].mean(0)
    return out


def _aimed(
    rng: np.random.Generator, points: Floats, height: int, width: int, crop: str,
    angles: tuple[float, float, float], calm: bool,
) -> Shot:  # fmt: skip
    """A lens for a camera at these degrees round the person, down and about its axis; calm: as in a catalogue."""
    around, pitch, roll = angles
    middle = _middle(points, crop)
    tall = _tall(points, crop)
    shortest, longest = np.log((35, 135) if calm else (28, 110))
    focal = float(np.exp(rng.uniform(shortest, longest)))  # millimetres
    # A longer lens from further away: the person fills the frame in any case.
    fits = max(tall / height, 0.55 * tall / width) * max(height, width) / 36 * focal
    distance = float(np.clip(fits / 0.88, 1.7, 12.0))
    shot = Shot(_view(around, pitch, roll, middle), distance, 1.0, (0.0, 0.0), height, width, crop)
    return _framed(rng, shot, points, calm)


def _street(rng: np.random.Generator, points: Floats, height: int, width: int, around: float | None = None) -> Shot:
    """The box a detector cuts out of a surveillance camera's picture; from anywhere around the person, or degrees."""
    middle = (points.max(0) + points.min(0)) / 2
    rise = rng.uniform(2.5, 4.0) - (middle[2] - points[:, 2].min())
    away = rng.uniform(6.0, 15.0)
    pitch = float(np.clip(np.degrees(np.arctan2(rise, away)), 5, 25))
    view = _view(float(rng.uniform(0, 360)) if around is None else around, pitch, float(rng.normal(0, 1.2)), middle)
    shot = Shot(view, float(np.hypot(rise, away)), 1.0, (0.0, 0.0), height, width)
    low, high = _box(shot, points)
    size = high - low
    scale = height * float(np.clip(rng.normal(0.92, 0.045), 0.80, 1.03)) / float(size[1])
    if scale * size[0] > 1.08 * width:  # arms or legs that leave the box a little
        scale = max(1.08 * width / float(size[0]), 0.75 * scale)
    loose = np.array([width, height]) - scale * size
    start = loose / 2 + rng.normal(0, 0.035, 2) * [width, height]
    return _placed(shot, points, scale, start - scale * low - 0.5)


def _catalogue(rng: np.random.Generator) -> float:
    """Azimuth of a catalogue picture, degrees."""
    draw, side = rng.random(), 1 if rng.random() < 0.5 else -1
    if draw < 0.55:
        return float(rng.normal(0, 13))
    if draw < 0.75:
        return float(side * rng.normal(82, 13))
    if draw < 0.90:
        return float(180 + rng.normal(0, 14))
    return float(side * rng.uniform(25, 65))


def _crop(
    rng: np.random.Generator, points: Floats, height: int, width: int, odds: tuple[float, float, float, float]
) -> str:
    """How much of the person is shown; sitting and bent people are always whole, and so is everybody in tall boxes."""
    crop = (FULL, KNEES, HIPS, PORTRAIT)[int(np.searchsorted(np.cumsum(odds)[:3], rng.random(), side="right"))]
    head, hips, knees, ankles = (points[rows, 2].mean() for rows in (_EARS, _HIPS, _KNEES, _ANKLES))
    upright = head - hips > 0.45 and hips - knees > 0.2 and knees - ankles > 0.12
    return crop if upright and height / width < 1.7 else FULL


def _lowest(points: Floats, crop: str) -> float:
    """Height, metres, at which a cut picture ends on average."""
    head, hips, knees = (float(points[rows, 2].mean()) for rows in (_EARS, _HIPS, _KNEES))
    if crop == PORTRAIT:
        return head - 0.48
    if crop == HIPS:
        return hips - 0.03
    return (hips + knees) / 2 - 0.1 if crop == KNEES else float(points[:, 2].min()) - _SOLE


def _middle(points: Floats, crop: str) -> Floats:
    out: Floats = (points.max(0) + points.min(0)) / 2
    if crop != FULL:
        out[:2] = points[[*_HIPS, *_EARS], :2].mean(0)
        out[2] = (points[:, 2].max() + _lowest(points, crop)) / 2
    return out


def _tall(points: Floats, crop: str) -> float:
    return float(points[:, 2].max()) - _lowest(points, crop) + 0.1


def _view(around: float, pitch: float, roll: float, middle: Floats) -> Floats:
    """(3, 4) camera axes at `middle`; degrees."""
    angle, tilt, turn = np.deg2rad([around, pitch, roll])
    towards = np.array([np.sin(angle) * np.cos(tilt), -np.cos(angle) * np.cos(tilt), np.sin(tilt)])
    right = np.array([np.cos(angle), np.sin(angle), 0.0])
    axes = np.stack([right, np.cross(towards, right), towards])
    axes[:2] = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ axes[:2]
    return np.concatenate([axes, -(axes @ middle)[:, None]], 1).astype(np.float32)


def _head(flat: Floats, unit: float) -> tuple[Floats, Floats]:
    """Box of the whole head with its hair, from projected points; unit: pixels a metre spans."""
    skull = flat[_EARS, :2].mean(0)
    reach = np.array([0.13, 0.17], np.float32) * unit
    return skull - reach, skull + np.float32(0.13 * unit)


def _box(shot: Shot, points: Floats) -> tuple[Floats, Floats]:
    """Corners of the whole person at the scale of `shot`."""
    flat = shot.project(points)
    low, high = flat[:, :2].min(0), flat[:, :2].max(0)
    top, bottom = _head(flat, shot.scale)
    low, high = np.minimum(low, top), np.maximum(high, bottom)
    high[1] += _SOLE * shot.scale
    low[0] -= 0.03 * shot.scale
    high[0] += 0.03 * shot.scale
    return low, high


def _framed(rng: np.random.Generator, shot: Shot, points: Floats, calm: bool) -> Shot:
    """The shot with scale and place chosen for its crop; the head is always inside."""
    height, width = shot.height, shot.width
    low, high = _box(shot, points)
    flat = shot.project(points)
    top, bottom = _head(flat, 1.0)
    hips, knees = float(flat[_HIPS, 1].mean()), float(flat[_KNEES, 1].mean())
    thigh = max(knees - hips, 0.1)
    if shot.crop == KNEES:
        high[1] = min(high[1], hips + thigh * rng.uniform(0.35, 1.15))
    elif shot.crop == HIPS:
        high[1] = min(high[1], hips + thigh * rng.uniform(-0.25, 0.3))
    elif shot.crop == PORTRAIT:
        high[1] = min(high[1], bottom[1] + rng.uniform(0.12, 0.40))
    high[1] = max(high[1], bottom[1] + 0.1)
    if shot.crop != FULL:  # cut pictures are as wide as the trunk; arms may leave the frame
        trunk = flat[[2, 5, 8, 11, 0, 1], 0]
        low[0], high[0] = max(low[0], trunk.min() - 0.22), min(high[0], trunk.max() + 0.22)
        low[0], high[0] = min(low[0], top[0]), max(high[0], bottom[0])
    size = high - low
    fill = rng.uniform(0.86, 0.98) if calm or rng.random() < 0.8 else rng.uniform(0.6, 0.86)
    tall, wide = height * fill / size[1], width * rng.uniform(0.88, 1.04) / size[0]
    scale = float(min(tall, max(wide, 0.75 * tall)))
    loose = np.array([width, height]) - scale * size
    place = rng.uniform(0.4, 0.6, 2) if calm else rng.uniform(0.22, 0.78, 2)
    # What does not fit leaves the frame on both sides; a cut picture ends where its crop says.
    start = np.where(loose > 0, loose * place, loose / 2)
    if shot.crop != FULL:
        start[1] = loose[1]
    # The head goes first.
    start = np.minimum(start, [width, height] - scale * (bottom - low) - 1)
    start = np.maximum(start, 1 - scale * (top - low))
    return _placed(shot, points, scale, start - scale * low - 0.5)


def _placed(shot: Shot, points: Floats, scale: float, centre: Floats) -> Shot:
    """The shot at its final scale and place, with the ground under the person."""
    shot = replace(shot, scale=float(scale), centre=(float(centre[0]), float(centre[1])))
    lowest = points[:, 2].min() - _SOLE
    stands = points[_ANKLES].mean(0)
    if points[_ANKLES, 2].min() > points[_HIPS, 2].mean() - 0.25:  # sitting on the ground
        stands = points[_HIPS].mean(0)
    ground = shot.project(np.array([[stands[0], stands[1], lowest]], np.float32))[0]
    return replace(
        shot,
        feet=(float(ground[0]), float(ground[1])),
        metre=float(shot.scale / (1 - ground[2] / shot.distance)),
    )


__all__ = ["Shot", "sample_front", "sample_shot", "standing"]
