"""Synthetic people: rendered persons with exact joints, parsing and masks. See CARD.md.

```python
with Renderer(height=128, width=64) as renderer:
    pictures = render_person(renderer, seed=0, person=12, pictures=8)
```
"""

from .people import Picture, render_people, render_person
from .prepare import prepare_synthetic
from .render import Renderer, SyntheticUnavailable

__all__ = ["Picture", "Renderer", "SyntheticUnavailable", "prepare_synthetic", "render_people", "render_person"]
