"""`repose.apps.animate`: the person of a photograph in a motion that goes round."""

from __future__ import annotations

from pathlib import Path

from repose.apps.motion.encoding import container_of, join, write_segment
from repose.apps.motion.frames import frames
from repose.apps.motion.loops import loop
from repose.apps.motion.parts import Parts
from repose.apps.motion.placing import place_motion
from repose.apps.motion.scene import clip_scene, with_room_for
from repose.apps.motion.video import LONGEST, Clip, Progress, note_beyond, photograph_of, read_behind
from repose.estimate import KeypointEstimator, MaskEstimator
from repose.images import ImageLike, save_image
from repose.pipeline import Joints, Model, covering, load, with_mask
from repose.represent.choosing import Which
from repose.represent.pose_files import MIN_SCORE

MOST_LOOPS = 100
"""Rounds of a clip, at most."""


def animate(
    source: ImageLike,
    motion: str,
    *,
    out: str | Path,
    model: Model | str | Path = "default",
    pose: KeypointEstimator | str = "movenet",
    which: Which = "largest",
    mask: MaskEstimator | str | None = "auto",
    background: str | Path | ImageLike = "keep",
    room: bool = False,
    source_keypoints: Joints = None,
    min_score: float = MIN_SCORE,
    rate: float = 25.0,
    loops: int = 1,
    size: int = LONGEST,
    progress: Progress | None = None,
) -> Clip:
    """Put the person of a photograph into a motion of `repose.apps.motion.loops`, and write a clip that goes round.

    Args:
        source, out, model, pose, which, mask, background, room, source_keypoints, min_score, size, progress: see
            `repose.apps.video`. A .gif and a .webp go round for ever.
        motion: "walk", "turn", "wave" or "dance".
        rate: frames a second.
        loops: rounds in the file; 1 is enough for players that repeat.

    Raises:
        ValueError: no such motion (names the nearest), and what `repose.apps.video` raises.
    """
    out = Path(out)
    container = container_of(out)
    if not 1 <= rate <= 120 or not 1 <= loops <= MOST_LOOPS or size < 32:
        raise ValueError(f"rate is 1 to 120, loops 1 to {MOST_LOOPS}, and size 32 pixels or more")
    behind = read_behind(background, mask, out, container)
    moving = loop(motion, rate)
    loaded = model if isinstance(model, Model) else load(model)
    person = photograph_of(source, pose, which, source_keypoints, min_score, size)
    assert person.keypoints is not None
    assert person.size is not None
    placed = place_motion(moving, person.keypoints, person.size, contacts=False)
    joints = placed.joints
    if room:
        person, joints = with_room_for(loaded.scene(with_mask(person, mask)), joints)
    note_beyond(person, joints)
    scene = clip_scene(loaded, with_mask(person, mask), joints)
    back = behind if isinstance(behind, str) else covering(behind, scene.scene.placement.size)
    count = len(moving)
    pictures = []
    for number, picture in enumerate(frames(loaded, scene, enumerate(joints), back), 1):
        pictures.append(picture)
        if progress is not None:
            progress("posing", number, count)
    lasts = [1 / rate] * (count * loops)
    if not container.suffix:
        for number, picture in enumerate(pictures * loops):
            save_image(out / f"{number:06d}.png", picture)
    else:
        parts = Parts(out, {"motion": motion})
        shown = (pictures[number % count] for number in range(count * loops))
        write_segment(parts.segment(0), shown, [number / rate for number in range(count * loops)], lasts, container)
        join(out, [parts.segment(0)], container, lasts, progress=progress)
        parts.remove()
    height, width = scene.scene.placement.size
    return Clip(out, len(lasts), sum(lasts), height, width, joints, placed.contacts)
