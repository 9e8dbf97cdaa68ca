"""Synthetic people: rendered persons with exact joints, parsing, DensePose, masks and depth. See CARD.md.

```python
with Renderer(height=256, width=176) as renderer:
    pictures = render_person(renderer, seed=0, person=12, pictures=8, style="fashion")
```
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from repose.extras import how_to_install
from repose.render.picture import Picture
from repose.render.unavailable import SyntheticUnavailable

if TYPE_CHECKING:
    from repose.render.dataset import Synthetic, expected, prepare_synthetic
    from repose.render.draw.render import Renderer, create_context
    from repose.render.people import render_people, render_person
    from repose.render.prepare import prepare_set
    from repose.render.stream import Stream, open_stream
    from repose.render.turns import render_turns

__all__ = [
    "Picture", "Renderer", "Stream", "Synthetic", "SyntheticUnavailable", "create_context", "expected", "open_stream",
    "prepare_set", "prepare_synthetic", "render_people", "render_person", "render_turns",
]  # fmt: skip

_WHERE: Final = {
    "Renderer": "draw.render", "create_context": "draw.render",
    "Stream": "stream", "open_stream": "stream",
    "Synthetic": "dataset", "expected": "dataset", "prepare_synthetic": "dataset", "prepare_set": "prepare",
    "render_people": "people", "render_person": "people", "render_turns": "turns",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import the renderer when one of its names is first used: it needs packages of the extra `synthetic`."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f".{_WHERE[name]}", __name__), name)
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "repose":
            raise  # an error in Repose, not a missing package
        raise SyntheticUnavailable(
            f"the synthetic people need {error.name or 'a package'}, which is not installed or does not load "
            f"({error.__cause__ or error}): {how_to_install('synthetic')}"
        ) from error
