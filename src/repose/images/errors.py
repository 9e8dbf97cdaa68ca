"""The error of everything that is given as a picture."""

from __future__ import annotations


class ImageError(ValueError):
    """Something given as a picture cannot be used; the text says what it is, what is wrong and what to do."""
