"""Draw the sheets of clips in `docs/`: frames of `repose animate`, and what a lost ankle does.

    python scripts/draw_video.py docs

Writes video-motions.jpg (a rendered person who waves, walks, dances and turns), video-lost-ankle.jpg (five frames in a
row, of which one lacks an ankle, each transferred by itself, and steadied) and video-follow.jpg (a walk across the
photograph, by shaken joints). The people are of a seed that no shipped
weights were trained on.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from torch import Tensor

from repose.apps.motion.following import Motion
from repose.apps.motion.frames import frames
from repose.apps.motion.loops import crossing, held, loop
from repose.apps.motion.placing import place_motion
from repose.apps.motion.scene import clip_scene
from repose.apps.motion.video import placed_motion
from repose.bench.steadiness import played_detector, rendered_people
from repose.draw.sheet import reduced, sheet
from repose.images import write_picture
from repose.person import Person
from repose.pipeline import Model, load, with_mask
from repose.represent.canvas import to_uint8
from repose.represent.keypoints import draw_skeleton

SEED = 977
HEIGHT = 230
MOTIONS = (("wave", 3), ("walk", 3), ("dance", 3), ("turn", 1))

Pixels = npt.NDArray[np.uint8]


def chosen(model: Model, person: Person, joints: Tensor, numbers: list[int], steady: bool = True) -> list[Pixels]:
    """Some frames, cut around where the person stands."""
    scene = clip_scene(model, with_mask(person), joints, steady)
    return [cut(person, picture) for picture in frames(model, scene, ((k, joints[k]) for k in numbers))]


def cut(person: Person, picture: Pixels) -> Pixels:
    """The middle of a picture around the person, three quarters as wide as high."""
    assert person.keypoints is not None
    height, width = picture.shape[:2]
    side = height * 3 // 4
    middle = float(person.keypoints[person.keypoints[:, 2] > 0, 0].mean())
    first = min(max(0, round(middle - side / 2)), width - side)
    return reduced(np.ascontiguousarray(picture[:, first : first + side]), HEIGHT)


def motions(model: Model, people: dict[int, Person]) -> Image.Image:
    """A row a motion: the photograph, then five frames."""
    rows: list[list[Pixels | None]] = []
    for name, number in MOTIONS:
        person, moved = people[number], loop(name)
        assert person.image is not None
        assert person.keypoints is not None
        assert person.size is not None
        joints = place_motion(moved, person.keypoints, person.size, contacts=False).joints
        numbers = np.linspace(0, len(moved), 6)[:5].astype(int).tolist()
        rows.append([cut(person, to_uint8(person.image)), *chosen(model, person, joints, numbers)])
    return sheet(rows, ["photograph", "0", "1/5", "2/5", "3/5", "4/5"])


def lost_ankle(model: Model, person: Person) -> Image.Image:
    """A leg held up; on the third of five frames the ankle of the other one is lost."""
    still = held("stretching a leg", 40)
    standing = max((10, 13), key=lambda ankle: float(still.joints[0, ankle, 1]))
    seen = still.joints.copy()
    seen[20, standing] = np.nan
    motion: Motion = replace(still, joints=seen)
    assert person.keypoints is not None
    assert person.size is not None
    numbers = [18, 19, 20, 21, 22]
    rows: list[list[Pixels | None]] = []
    for smooth in (False, True):
        joints = placed_motion(motion, person.keypoints, person.size, follow=False, smooth=smooth).joints
        if not rows:
            rows.append([cut(person, draw_skeleton(joints[k], *person.size)) for k in numbers])
        rows.append(list(chosen(model, person, joints, numbers, smooth)))
        print("neck row:", joints[numbers, 1, 1].round().int().tolist())
    return sheet(rows, [f"frame {number}" for number in numbers])


def follow(model: Model, person: Person) -> Image.Image:
    """A walk across the whole photograph, by the joints that the played detector sees."""
    seen = played_detector(crossing(), np.random.default_rng(SEED))
    assert person.keypoints is not None
    assert person.size is not None
    joints = placed_motion(seen, person.keypoints, person.size, follow=True, smooth=True).joints
    numbers = [8, 17, 26, 35, 44, 53]
    scene = clip_scene(model, with_mask(person), joints)
    shown = [reduced(picture, 160) for picture in frames(model, scene, ((k, joints[k]) for k in numbers))]
    return sheet([[*shown[:3]], [*shown[3:]]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="the folder, such as docs")
    out = parser.parse_args().out
    model = load("default")
    people = {int(name[1:]): person for name, person in rendered_people([1, 3], SEED)}
    write_picture(out / "video-lost-ankle.jpg", lost_ankle(model, people[3]).convert("RGB"), quality=88)
    write_picture(out / "video-follow.jpg", follow(model, people[3]).convert("RGB"), quality=85)
    write_picture(out / "video-motions.jpg", motions(model, people).convert("RGB"), quality=85)


if __name__ == "__main__":
    main()
