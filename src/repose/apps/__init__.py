"""Applications: what pose transfer is used for. Each is one function here, and one command.

    import repose.apps

    picture = repose.apps.NAME(source, other, model="default", ...)

All have the same form:

- `source` is the photograph of the person whose picture is changed: whatever `repose.load_image` reads. A list of
  photographs gives a list of results, in its order. `reid` works on a whole `store` of photographs instead.
- The second argument is what something is taken from: a photograph of clothes, a label map, a clip.
- All further arguments are by name. One that `repose.transfer` has, too, means the same here (`model`, `pose`, `which`,
  `mask`, `background`, `source_keypoints`, `min_score`).
- A picture comes back as the kind that `source` is.
- What is given is checked before the work begins. A garment that a person does not wear is an error that says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repose.apps.clothes.texture import texture
    from repose.apps.clothes.wearing import tryon
    from repose.apps.fonts.transfer import font
    from repose.apps.motion.animate import animate
    from repose.apps.motion.video import video
    from repose.apps.reconstruction import reconstruct
    from repose.apps.reidentification.run import reid
    from repose.apps.tuning import Tuned, tune

__all__ = [
    "Tuned",
    "animate",
    "font",
    "reconstruct",
    "reid",
    "texture",
    "tryon",
    "tune",
    "video",
]

_HOMES = {
    "Tuned": "repose.apps.tuning",
    "animate": "repose.apps.motion.animate",
    "font": "repose.apps.fonts.transfer",
    "reconstruct": "repose.apps.reconstruction",
    "reid": "repose.apps.reidentification.run",
    "texture": "repose.apps.clothes.texture",
    "tryon": "repose.apps.clothes.wearing",
    "tune": "repose.apps.tuning",
    "video": "repose.apps.motion.video",
}
"""Name -> the module that holds it; imported when it is first used. No module has the name of a function."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'repose.apps' has no attribute '{name}'")
    import importlib

    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
