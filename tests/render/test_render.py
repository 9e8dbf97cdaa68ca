"""The renderer says what it needs."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("moderngl", reason="the synthetic people need moderngl")

from repose.render import Renderer, SyntheticUnavailable, create_context


def test_no_opengl_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import moderngl

    def refuse(**_: object) -> None:
        raise RuntimeError("libEGL.so not loaded")

    monkeypatch.setattr(moderngl, "create_context", refuse)
    with pytest.raises(SyntheticUnavailable, match="apt-get install libegl1"):
        Renderer(64, 32)


def test_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moderngl", None)
    with pytest.raises(SyntheticUnavailable, match=r"not installed: pip install 'pose-transfer\[synthetic\]' "):
        create_context()


def test_samples_are_a_square_number() -> None:
    with pytest.raises(ValueError, match="square number"):
        Renderer(64, 32, samples=3)
