"""Flicker and jitter of clips, frame by frame and steadied, side by side: `repose bench steadiness`.

The photographs show rendered people, the motions are those of `repose animate`. Their joints are known; a detector is
played that misses some, throws some far away, shakes all and sometimes names the legs the wrong way round. Of a real
clip the joints are not known: its motion is what the smoothed joints say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from repose.apps.motion.following import Motion, follow_frames
from repose.apps.motion.frames import frames
from repose.apps.motion.loops import loop
from repose.apps.motion.placing import Placed, place_motion
from repose.apps.motion.scene import clip_scene
from repose.apps.motion.smoothing import steadied, trunk_length
from repose.apps.motion.steadiness import flicker, jitter
from repose.apps.motion.video import placed_motion
from repose.estimate import KeypointEstimator
from repose.markdown import each_value, grid_table
from repose.person import Person
from repose.pipeline import Model, with_mask
from repose.record import ResultLine, reading_line

Floats = npt.NDArray[np.float64]

WAYS: Final = ("frame by frame", "steadied", "true joints")

SHAKEN: Final = 0.05
"""Standard deviation of the played detector's joints, each coordinate, a share of the trunk: 1.3 % of the height."""

MISSED: Final = 0.04
"""The share of its joints that it misses."""

THROWN: Final = 0.01
"""The share of its joints that it throws half a trunk away."""

SWAPPED: Final = 0.02
"""The share of frames whose legs it exchanges."""


@dataclass(frozen=True)
class Steadiness:
    """One photograph in one motion.

    Attributes:
        person, motion: names. frames: how many. height, width: of the photograph.
        jitter: way -> mean second difference of the joints, shares of the trunk.
        flicker: way -> mean difference of successive pictures along the motion, grey levels.
        error: way -> mean distance of the joints from the true ones, shares of the trunk; empty of a real clip.
    """

    person: str
    motion: str
    frames: int
    height: int
    width: int
    jitter: dict[str, float]
    flicker: dict[str, float]
    error: dict[str, float]

    def line(self) -> ResultLine:
        """For results/."""
        return {"bench": "steadiness", **asdict(self)}


def played_detector(motion: Motion, rng: np.random.Generator) -> Motion:
    """The joints of a motion as a detector would have them; see the module."""
    trunk = trunk_length(motion.joints)
    joints = motion.joints + rng.normal(0, SHAKEN * trunk, motion.joints.shape)
    thrown = rng.random(joints.shape[:2]) < THROWN
    angle = rng.uniform(0, 2 * np.pi, joints.shape[:2])
    joints += np.where(thrown, 0.5 * trunk, 0.0)[..., None] * np.stack([np.cos(angle), np.sin(angle)], -1)
    swapped = rng.random(len(joints)) < SWAPPED
    legs, other = [8, 9, 10, 11, 12, 13], [11, 12, 13, 8, 9, 10]
    joints[:, legs] = np.where(swapped[:, None, None], joints[:, other], joints[:, legs])
    joints[rng.random(joints.shape[:2]) < MISSED] = np.nan
    return replace(motion, joints=joints)


def measure_motion(
    model: Model, name: str, person: Person, motion: str, seed: int, most: int, say: Callable[[str], None]
) -> Steadiness:
    """A rendered person in a motion of `repose animate`, seen by the played detector.

    Args:
        person: with image and keypoints. most: frames.
    """
    rounds = loop(motion)
    times = -(-most // len(rounds))
    joints = np.tile(rounds.joints, (times, 1, 1))[:most]
    true = Motion(joints, np.arange(len(joints)) / 25, np.full(len(joints), 1 / 25))
    seen = played_detector(true, np.random.default_rng(seed))
    assert person.keypoints is not None
    assert person.size is not None
    placed = {
        "frame by frame": placed_motion(seen, person.keypoints, person.size, follow=False, smooth=False),
        "steadied": placed_motion(seen, person.keypoints, person.size, follow=False, smooth=True),
        "true joints": place_motion(true, person.keypoints, person.size),
    }
    found = _measured(model, name, person, motion, placed, placed["true joints"], say)
    exact = true.joints
    ways = {"frame by frame": seen.joints, "steadied": steadied(seen.joints, seen.times)}
    trunk = trunk_length(exact)
    error = {way: float(np.nanmean(np.linalg.norm(given - exact, axis=2))) / trunk for way, given in ways.items()}
    return replace(found, error=error)


def measure_clip(
    model: Model, name: str, person: Person, clip: Path, estimator: KeypointEstimator, seconds: float,
    say: Callable[[str], None],
) -> Steadiness:  # fmt: skip
    """A rendered person in the motion of a clip, whose joints an estimator finds."""
    motion = follow_frames(clip, estimator, most=seconds)
    assert person.keypoints is not None
    assert person.size is not None
    placed = {
        "frame by frame": placed_motion(motion, person.keypoints, person.size, follow=False, smooth=False),
        "steadied": placed_motion(motion, person.keypoints, person.size, follow=False, smooth=True),
    }
    return _measured(model, name, person, clip.name, placed, placed["steadied"], say)


def rendered_people(
    people: Sequence[int], seed: int, height: int = 512, width: int = 768
) -> Iterator[tuple[str, Person]]:
    """Photographs of rendered people, with their true joints.

    Raises:
        SyntheticUnavailable: this machine cannot render.
    """
    from repose.render import Renderer, render_person
    from repose.represent.canvas import from_uint8

    with Renderer(height, width) as renderer:
        for person in people:
            (picture,) = render_person(renderer, seed, person, 1, "fashion" if person % 2 else "street")
            joints = torch.from_numpy(picture.keypoints).float()
            yield f"p{person}", Person(image=from_uint8(picture.image), keypoints=joints)


def steadiness_table(lines: list[ResultLine]) -> str:
    """Markdown: jitter and flicker of every clip, the newest line of each.

    Raises:
        ValueError: there is no line of this kind.
    """
    newest: dict[tuple[str, str], ResultLine] = {}
    for line in lines:
        if line.get("bench") == "steadiness":
            with reading_line(line):
                newest[(line["motion"], line["person"])] = line
    if not newest:
        raise ValueError("the results have no line of `repose bench steadiness`; measure with it")
    rows = []
    for (motion, person), line in newest.items():
        with reading_line(line):
            cells = [motion, person, str(line["frames"])]
            for what, digits in (("jitter", 3), ("flicker", 2)):
                values = line[what]
                cells += [f"{values[way]:.{digits}f}" if way in values else "" for way in WAYS]
                cells.append(f"{values['steadied'] / values['frame by frame']:.2f}")
            error = line["error"]
            cells.append(f"{error['frame by frame']:.3f} -> {error['steadied']:.3f}" if error else "")
        rows.append(cells)
    head = ["motion", "person", "frames"]
    for what in ("jitter", "flicker"):
        head += [f"{what}: {WAYS[0]}", *WAYS[1:], "ratio"]
    used = list(newest.values())
    with reading_line(used[-1]):
        origin = (
            f"Model {each_value(used, 'model', '`{}`')}; seed {each_value(used, 'seed')}; commit "
            f"{each_value(used, 'commit', '`{}`')}; {each_value(used, 'hardware')}."
        )
    return f"{grid_table([[*head, 'error of joints'], *rows])}\n{origin}\n"


# -- inside ---------------------------------------------------------------------------------------------------------


def _measured(
    model: Model, name: str, person: Person, motion: str, placed: dict[str, Placed], wanted: Placed,
    say: Callable[[str], None],
) -> Steadiness:  # fmt: skip
    whole = with_mask(person, "auto")
    jitters, flickers = dict[str, float](), dict[str, float]()
    for way, one in placed.items():
        say(f"{name}, {motion}: {way}")
        located = one.joints[..., 2:].numpy() > 0
        jitters[way] = jitter(np.where(located, one.joints[..., :2].numpy(), np.nan).astype(np.float64))
        scene = clip_scene(model, whole, one.joints, steady=way != "frame by frame")
        flickers[way] = flicker(frames(model, scene, enumerate(one.joints)), wanted.joints)
    assert person.size is not None
    return Steadiness(name, motion, len(wanted.joints), *person.size, jitters, flickers, {})


def describe(found: Steadiness) -> str:
    """One line of text."""

    def told(values: dict[str, Any], digits: int) -> str:
        return ", ".join(f"{way} {values[way]:.{digits}f}" for way in WAYS if way in values)

    return (
        f"{found.person} in {found.motion}, {found.frames} frames: jitter {told(found.jitter, 3)}; "
        f"flicker {told(found.flicker, 2)}"
    )
