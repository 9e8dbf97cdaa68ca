"""Applications: what pose transfer is used for. Each is one function here, and one command.

    import repose.apps

    picture = repose.apps.NAME(source, other, model="default", ...)

All have the same form:

- `source` is the photograph of the person whose picture is changed: whatever `repose.load_image` reads. A list of
  photographs gives a list of results, in its order.
- The second argument is what something is taken from: a photograph of clothes, a label map, a clip.
- All further arguments are by name. One that `repose.transfer` has, too, means the same here (`model`, `pose`, `which`,
  `mask`, `background`, `source_keypoints`, `min_score`).
- `reid` takes a store in place of a photograph, and gives result lines.
- A picture comes back as the kind that `source` is.
- What is given is checked before the work begins. A garment that a person does not wear is an error that says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repose.apps.reidentification.run import reid

__all__ = ["reid"]

_HOMES: dict[str, str] = {"reid": "repose.apps.reidentification.run"}
"""Name -> the module that holds it; imported when it is first used."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'repose.apps' has no attribute '{name}'")
    import importlib

    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
