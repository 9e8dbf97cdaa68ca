"""The skin shader: it compiles, and colours are where they belong."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from repose.render.draw.face import SKIN, uniforms

from .test_hair import make_looks

_VERTEX = "#version 330\nin vec2 in_corner; void main() { gl_Position = vec4(in_corner, 0.0, 1.0); }"
_FRAGMENT = """
uniform vec4 area;      // canon x and z at the lower left and the upper right
uniform vec4 place;     // canon y, lips, eye, scalp
out vec4 color;
void main() {
    vec2 at = mix(area.xy, area.zw, gl_FragCoord.xy / 64.0);
    float gloss = 0.1;
    color = vec4(skin_albedo(vec3(at.x, place.x, at.y), vec2(0), vec4(0, 0, 1, 0), place.yzw, gloss), gloss);
}
"""


@pytest.fixture(scope="module")
def context() -> Any:
    moderngl = pytest.importorskip("moderngl")
    try:
        opened = moderngl.create_context(require=330, standalone=True, backend="egl")
    except Exception as error:
        pytest.skip(f"no OpenGL here: {error}")
    yield opened
    opened.release()


def shade(context: Any, looks: Any, area: tuple[float, ...], place: tuple[float, ...], span: float) -> NDArray[Any]:
    """(64, 64, 4) the skin over an area of canon x and z, the lowest row first; `span`: samples a metre has."""
    frame = "#version 330\nlayout(std140) uniform Frame { vec4 lens; };\n"
    program = context.program(_VERTEX, frame + SKIN + _FRAGMENT)
    block = context.buffer(np.array([0, 0, 0, span], "f4").tobytes())
    block.bind_to_uniform_block(program["Frame"].binding)
    noise = np.random.default_rng(0).integers(100, 156, (64, 64, 4)).astype(np.uint8)
    texture = context.texture((64, 64), 4, noise.tobytes())
    texture.use(0)
    values = {**uniforms(looks), "area": area, "place": place}
    for name, value in values.items():
        if name in program:
            program[name].value = value
    target = context.framebuffer([context.texture((64, 64), 4, dtype="f4")])
    target.use()
    corners = context.buffer(np.array([-1, -1, 3, -1, -1, 3], "f4").tobytes())
    context.disable(context.CULL_FACE | context.DEPTH_TEST)
    context.vertex_array(program, [(corners, "2f", "in_corner")]).render()
    return np.frombuffer(target.read(components=4, dtype="f4"), np.float32).reshape(64, 64, 4)


_FACE = (-0.08, 0.70, 0.08, 0.90)


def at(picture: NDArray[Any], x: float, z: float, area: tuple[float, ...] = _FACE) -> NDArray[Any]:
    column, row = (x - area[0]) / (area[2] - area[0]) * 64, (z - area[1]) / (area[3] - area[1]) * 64
    colour: NDArray[Any] = picture[int(row), int(column), :3]
    return colour


def test_every_uniform_has_a_value() -> None:
    declared = set(re.findall(r"uniform \w+ (\w+);", SKIN)) - {"skin_grain"}
    given = uniforms(make_looks())
    assert declared == set(given)
    sizes = {name: int(size) for size, name in re.findall(r"uniform vec(\d) (\w+);", SKIN)}
    assert {name: len(value) for name, value in given.items()} == sizes


def test_a_face_has_dark_eyes_and_brows(context: Any) -> None:
    picture = shade(context, make_looks(brows=0.9), _FACE, (-0.15, 0, 0, 0), 400)
    assert np.isfinite(picture).all()
    cheek = at(picture, 0.035, 0.80).mean()
    assert at(picture, 0.0318, 0.835).mean() < 0.6 * cheek
    assert at(picture, 0.033, 0.8565).mean() < 0.8 * cheek
    assert at(picture, 0.0, 0.88).mean() == pytest.approx(np.mean(make_looks().skin), abs=0.08)


def test_small_faces_are_softer_than_large_ones(context: Any) -> None:
    soft, sharp = (shade(context, make_looks(), _FACE, (-0.15, 0, 0, 0), span) for span in (100, 3000))
    assert np.abs(np.diff(soft[..., :3], axis=0)).max() < np.abs(np.diff(sharp[..., :3], axis=0)).max()


def test_hair_shows_through_on_the_scalp(context: Any) -> None:
    looks = make_looks(hair_color=(0.1, 0.1, 0.1))
    bare, covered = (shade(context, looks, _FACE, (0.0, 0, 0, share), 400)[..., :3].mean() for share in (0.0, 1.0))
    assert covered < 0.2 < bare


def test_stubble_darkens_the_jaw_alone(context: Any) -> None:
    clean, rough = (
        shade(context, make_looks(beard=0.8, beard_style=style, gender=0.0), _FACE, (-0.13, 0, 0, 0), 400)
        for style in ("none", "stubble")
    )
    assert at(rough, 0.02, 0.735).mean() < 0.85 * at(clean, 0.02, 0.735).mean()
    np.testing.assert_allclose(at(rough, 0.0, 0.88), at(clean, 0.0, 0.88), atol=1e-5)
