"""Repose: a photograph of a person and a target pose in, a photograph of that person in that pose out.

The public face. `transfer` is the one call; `load` gives a model to call many times, and its `scene` makes a `Scene` of
a photograph, to be posed many times. `recipe` gives a run that `repose.train.loop.train` takes. `look_inside` draws
what a model does inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from repose.version import __version__ as __version__

if TYPE_CHECKING:
    from repose.images import load_image
    from repose.inspection import look_inside
    from repose.models import recipe
    from repose.person import Pair, Person
    from repose.pipeline import Model, load, read_person, transfer
    from repose.scene import Scene

__all__ = [
    "Model",
    "Pair",
    "Person",
    "Scene",
    "load",
    "load_image",
    "look_inside",
    "read_person",
    "recipe",
    "transfer",
]

_HOMES = {
    "Model": "repose.pipeline",
    "Pair": "repose.person",
    "Person": "repose.person",
    "Scene": "repose.scene",
    "load": "repose.pipeline",
    "load_image": "repose.images",
    "look_inside": "repose.inspection",
    "read_person": "repose.pipeline",
    "recipe": "repose.models",
    "transfer": "repose.pipeline",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import repose` loads no PyTorch, and parts stay optional."""
    if name not in _HOMES:
        raise AttributeError(f"module 'repose' has no attribute '{name}'")
    import importlib

    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
