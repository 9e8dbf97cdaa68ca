"""The renderer: dressed, posed people to colour, labels, IUV and depth, by OpenGL through EGL (llvmpipe is enough)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from repose.body.model import BodyModel, Floats, load_body
from repose.body.surface import Surface
from repose.extras import how_to_install
from repose.render.draw.buffers import bounds, packed
from repose.render.draw.chart import GLSL
from repose.render.draw.face import SKIN, uniforms
from repose.render.draw.shaders import (
    FRAME,
    FULLSCREEN,
    GROUND_FRAGMENT,
    GROUND_VERTEX,
    REDUCE,
    SHADOW_FRAGMENT,
    SHADOW_VERTEX,
    SURFACE,
    VERTEX,
)
from repose.render.mesh import coarse, compact
from repose.render.pieces import Looks, Piece, Posed
from repose.render.place.lighting import Lighting
from repose.render.place.views import Shot
from repose.render.unavailable import SyntheticUnavailable

SMALL: Final = 160
"""Pictures of this height or less show so little that meshes are thinned out and cloth is settled in fewer rounds."""
BACKGROUND: Final = -100.0
"""Nearness where there is no person."""
_TILES: Final = 8  # pictures drawn before one read-back
_LAMPS: Final = 3
_FRAME_FLOATS: Final = 4 * (3 + 1 + 1 + 1 + 1 + _LAMPS + _LAMPS + 3)
_CASTER: Final = 0.03  # metres: shadows are drawn by surfaces whose vertices are merged in cells of this width
_FABRIC: Final = 256  # side of a fabric's tile
_WRAPS: Final = {"limbs": 0, "body": 1, "planar": 2}
_PROGRAM: Final = {"skin": "skin", "cloth": "cloth", "leather": "cloth", "hair": "hair", "glass": "glass",
                   "sole": "rest", "scenery": "rest"}  # fmt: skip
_STATIC: Final = "3f4 2f4 4f4 4f4"
_MOVING: Final = "3f4 3f4 1f4"


@dataclass(frozen=True)
class Drawn:
    """What the renderer returns for P pictures.

    Attributes:
        color: (P, H, W, 3) float32 sRGB in [0, 1], multiplied by coverage. coverage: (P, H, W) float32 in [0, 1].
        label: (P, H, W) uint8, LIP. covered: (P, H, W) bool, at least half a pixel is person.
        iuv: (P, H, W, 3) uint8, part and u, v times 255. nearness: (P, H, W) float32, metres towards the camera from
            the person's middle, `BACKGROUND` where there is no person.
        shadow: (P, H, W, 2) float32 in [0, 1], cast on the ground by the first lamp, and by closeness to it.
    """

    color: Floats
    coverage: Floats
    label: NDArray[np.uint8]
    covered: NDArray[np.bool_]
    iuv: NDArray[np.uint8]
    nearness: Floats
    shadow: Floats


def create_context() -> Any:
    """An off-screen OpenGL 3.3 context. Raises SyntheticUnavailable, saying what to install, if there is none."""
    try:
        import moderngl
    except ImportError as error:
        raise SyntheticUnavailable(
            f"the synthetic people need moderngl, which is not installed: {how_to_install('synthetic')}"
        ) from error
    # The default names fail where find_library does (no ldconfig); libEGL finds every function of OpenGL by itself.
    tries: list[dict[str, Any]] = [{}, {"libegl": "libEGL.so.1", "libgl": "libGL.so.1"},
                                   {"libegl": "libEGL.so.1", "libgl": "libEGL.so.1"}]  # fmt: skip
    problems = []
    for names in tries:
        try:
            return moderngl.create_context(require=330, standalone=True, **{"backend": "egl", **names})
        except Exception as error:
            problems.append(f"{names or 'default names'}: {error}")
    raise SyntheticUnavailable(
        "this machine has no off-screen OpenGL. The synthetic people need EGL and an OpenGL 3.3 driver; a GPU is not "
        "needed, Mesa's software driver is enough. On Debian or Ubuntu: apt-get install libegl1 libgl1 libegl-mesa0 "
        "libgl1-mesa-dri. Tried " + "; ".join(problems)
    )


class Renderer:
    """Draws people of one picture size; owns the OpenGL context, so use it as a context manager.

    Args:
        height, width: size of the pictures in pixels.
        samples: samples a pixel, a square number (1, 4, 9, 16).

    Attributes:
        driver: the OpenGL driver: "llvmpipe (LLVM ...)" or the name of a GPU.
        timings: stage ("clothes", "pose", "draw", "background", "develop") -> processor seconds spent in it so far.

    Raises:
        SyntheticUnavailable: there is no OpenGL.
        ValueError: `samples` is not a square number.
    """

    def __init__(self, height: int = 256, width: int = 176, samples: int = 4) -> None:
        self.height, self.width, self.factor = height, width, math.isqrt(samples)
        if self.factor**2 != samples or samples < 1:
            raise ValueError(f"samples must be a square number (1, 4, 9, 16), got {samples}")
        self.tiles = _TILES if height * width <= 256 * 256 else 2
        self._shadow_side = 128 if height <= SMALL else 256 if height <= 384 else 512
        # Details much smaller than a pixel only cost time; a person of 1.8 m is about as tall as the picture.
        self._cell = 1.8 * 1.8 / height if height <= SMALL else 0.0
        self._caster_cell = _CASTER if height > SMALL else 1.5 * _CASTER
        self.timings: dict[str, float] = {}
        self.body: BodyModel = load_body()
        self.context = context = create_context()
        self.driver = str(context.info["GL_RENDERER"])
        context.front_face = "cw"  # the target's lowest row is the picture's first: a mirror image
        head = "#version 330\n"
        surface = SURFACE.replace("TILES", str(self.tiles)).replace("float(TILE)", "tile_number")
        surface = surface.replace("SHADOW_SIDE", f"{self._shadow_side:.1f}")
        surface = "uniform float tile_number;\n" + GLSL + SKIN + surface
        fine = "FINE" if height > 384 else ""
        self._programs = {
            name: context.program(
                head + FRAME + VERTEX,
                head + "".join(f"#define {word}\n" for word in (f"KIND {kind}", *extra.split())) + FRAME + surface,
            )
            for name, (kind, extra) in {
                "skin": (0, ""), "cloth": (1, fine), "printed": (1, f"PRINTED {fine}"), "hair": (2, ""),
                "frayed": (2, "FRAYED"), "glass": (3, ""), "rest": (4, ""),
            }.items()
        }  # fmt: skip
        self._caster = context.program(head + FRAME + SHADOW_VERTEX, head + SHADOW_FRAGMENT)
        self._flattener = context.program(head + FRAME + GROUND_VERTEX, head + GROUND_FRAGMENT)
        for program in (*self._programs.values(), self._caster, self._flattener):
            program["Frame"].binding = 0
        self._stride = -(-_FRAME_FLOATS * 4 // 256) * 256
        self._frames = context.buffer(reserve=self._stride * self.tiles)
        self._grain = context.texture((64, 64), 4)
        self._grain.repeat_x = self._grain.repeat_y = True
        self._make_targets(samples)
        self._capacity = self._index_capacity = 0
        self._person: Any = None

    def __enter__(self) -> Renderer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the OpenGL context; the renderer cannot draw afterwards."""
        self.context.release()

    def draw(
        self, pieces: Sequence[Piece], looks: Looks, posed: Sequence[Posed], shots: list[Shot], lights: list[Lighting],
        grain: NDArray[np.uint8],
    ) -> Drawn:  # fmt: skip
        """Draw one person P times.

        Args:
            pieces: skin, clothes, hair and things, the outermost last. looks: colours of skin and face.
            posed: P poses of them. shots: P cameras. lights: P lightings.
            grain: (64, 64, 4), the person's noise: red and green smooth, blue coarse.
        """
        parts = []
        with self.context:  # the context of another renderer may be current
            self._load(pieces, looks, grain)
            for k in range(0, len(shots), self.tiles):
                some = slice(k, k + self.tiles)
                parts.append(self._draw_tiles(pieces, posed[some], shots[some], lights[some]))
        if len(parts) == 1:
            return parts[0]
        return Drawn(*(np.concatenate([getattr(p, n) for p in parts]) for n in Drawn.__dataclass_fields__))

    # -- set up -------------------------------------------------------------------------------------------------

    def _make_targets(self, samples: int) -> None:
        context, tall = self.context, self.height * self.factor * self.tiles
        size = (self.width * self.factor, tall)
        # Larger, not multisampled: llvmpipe takes nearly twice as long for the latter.
        self._samples = [context.texture(size, 4), context.texture(size, 4), context.texture(size, 1, dtype="f4")]
        for texture in self._samples:
            texture.filter = (context.NEAREST, context.NEAREST)
        self._target = context.framebuffer(self._samples, context.depth_renderbuffer(size))
        small = (self.width, self.height * self.tiles)
        self._pixels = context.framebuffer(
            [context.texture(small, 4), context.texture(small, 4), context.texture(small, 1, dtype="f4")]
        )
        self._ground = context.framebuffer([context.texture(small, 4)])
        self._shadow = context.depth_texture((self._shadow_side, self._shadow_side * self.tiles))
        self._shadow.compare_func = "<="
        self._shadow.repeat_x = self._shadow.repeat_y = False
        self._shadow_target = context.framebuffer(depth_attachment=self._shadow)
        reduce = REDUCE.replace("SAMPLES", str(samples)).replace("FACTOR", str(self.factor))
        self._reduce_program = context.program(FULLSCREEN.strip(), reduce.strip())
        for unit, name in enumerate(("color", "data", "near"), start=1):
            self._reduce_program[name].value = unit
        self._reduce_program["tile"].value = (size[0], self.height * self.factor)
        corners = context.buffer(np.array([-1, -1, 3, -1, -1, 3], "f4").tobytes())
        self._reducer = context.vertex_array(self._reduce_program, [(corners, "2f", "in_corner")])
        for unit, name in ((0, "grain"), (0, "skin_grain"), (4, "tiles"), (5, "decals"), (6, "shadow")):
            self._set(name, unit)

    def _reserve(self, vertices: int, indices: int) -> None:
        """Buffers for so many vertices and indices; they only ever grow."""
        if vertices <= self._capacity and indices <= self._index_capacity:
            return
        self._capacity, self._index_capacity = int(vertices * 1.3), int(indices * 1.3)
        context = self.context
        self._static = context.buffer(reserve=self._capacity * 13 * 4)
        self._moving = [context.buffer(reserve=self._capacity * 7 * 4) for _ in range(self.tiles)]
        self._indices = context.buffer(reserve=self._index_capacity * 4)
        static = (self._static, _STATIC, "in_canon", "in_along", "in_region", "in_special")
        self._meshes: dict[str, list[Any]] = {name: [] for name in self._programs}
        self._casters: list[Any] = []
        self._flats: list[Any] = []
        for moving in self._moving:
            for name, program in self._programs.items():
                self._meshes[name].append(context.vertex_array(
                    program, [static, (moving, _MOVING, "in_place", "in_normal", "in_strain")],
                    self._indices, index_element_size=4, skip_errors=True))  # fmt: skip
            for list_, program in ((self._casters, self._caster), (self._flats, self._flattener)):
                list_.append(context.vertex_array(
                    program, [(moving, "3f4 16x", "in_place")], self._indices, index_element_size=4))  # fmt: skip

    def _load(self, pieces: Sequence[Piece], looks: Looks, grain: NDArray[np.uint8]) -> None:
        """All that stays the same over the pictures of a person."""
        surfaces = [piece.surface for piece in pieces]
        begin = np.cumsum([0, *(len(s) for s in surfaces)])
        if self._cell:
            drawn_of = [self._simple(piece) for piece in pieces]
            self._used = np.concatenate([v + k for (v, _), k in zip(drawn_of, begin, strict=False)]).astype(np.int32)
            surfaces = [s for _, s in drawn_of]
        else:
            self._used = np.arange(begin[-1], dtype=np.int32)
        start = np.cumsum([0, *(len(s) for s in surfaces)])
        drawn = [s.faces for s in surfaces]
        casters = [coarse(s, self._caster_cell) for s, p in zip(surfaces, pieces, strict=True) if p.kind != "glass"]
        firsts = [f for f, p in zip(start, pieces, strict=False) if p.kind != "glass"]
        ends = 3 * np.cumsum([0, *(len(f) for f in drawn)])
        self._ranges = [(int(first), len(f) * 3) for first, f in zip(ends, drawn, strict=False)]
        self._casting = int(ends[-1]), 3 * sum(len(f) for f in casters)
        self._reserve(int(start[-1]), sum(self._casting))
        rows = np.zeros((int(start[-1]), 13), np.float32)
        for s, first in zip(surfaces, start, strict=False):
            own = rows[first : first + len(s)]
            own[:, 0:3], own[:, 3:5], own[:, 5:9], own[:, 12] = s.canon, s.along, s.region, s.shade
            if s.special is not None:
                own[:, 9:12] = s.special
        self._static.write(rows)
        faces = np.concatenate([f + first for f, first in zip([*drawn, *casters], [*start[:-1], *firsts], strict=True)])
        self._indices.write(np.ascontiguousarray(faces, np.uint32))
        self._grain.write(np.ascontiguousarray(grain).tobytes())
        self._load_fabrics(pieces)
        for name, value in uniforms(looks).items():
            self._set(name, value)
        self._hair_color = tuple(float(c) for c in looks.hair_color)

    def _simple(self, piece: Piece) -> tuple[NDArray[np.int32], Surface]:
        """The vertices that are left of a piece where pixels are large, and the piece made of them."""
        whole = piece.surface
        faces = whole.faces if piece.kind == "skin" else coarse(whole, self._cell, True)
        left = compact(replace(whole, faces=faces))
        used = np.zeros(len(whole), np.bool_)
        used[faces] = True
        return np.flatnonzero(used).astype(np.int32), left

    def _load_fabrics(self, pieces: Sequence[Piece]) -> None:
        fabrics = {id(p.fabric): p.fabric for p in pieces if p.fabric is not None}
        self._layers = {key: number for number, key in enumerate(fabrics)}
        tiles = [fabric.tile for fabric in fabrics.values()] or [np.zeros((_FABRIC, _FABRIC, 4), np.uint8)]
        self._decal_layers: dict[int, int] = {}
        decals: list[NDArray[np.uint8]] = []
        for fabric in fabrics.values():
            for decal in (fabric.front, fabric.back):
                if decal is not None:
                    self._decal_layers[id(decal)] = len(decals)
                    decals.append(decal.image)
        if self._person is not None:
            for texture in self._person:
                texture.release()
        self._person = [self._array(tiles, True), self._array(decals or [np.zeros((8, 8, 4), np.uint8)], False)]

    def _array(self, layers: list[NDArray[np.uint8]], repeat: bool) -> Any:
        height, width = layers[0].shape[:2]
        texture = self.context.texture_array((width, height, len(layers)), 4, np.stack(layers).tobytes())
        texture.repeat_x = texture.repeat_y = repeat
        texture.build_mipmaps()
        texture.filter = (self.context.LINEAR_MIPMAP_LINEAR, self.context.LINEAR)
        return texture

    def _set(self, name: str, value: Any) -> None:
        """A uniform of the surface program; the compiler may have dropped it."""
        plain = value if isinstance(value, int | float) else tuple(float(v) for v in value)
        for program in self._programs.values():
            member = program.get(name, None)
            if member is not None:
                member.value = plain

    # -- drawing ------------------------------------------------------------------------------------------------

    def _draw_tiles(
        self, pieces: Sequence[Piece], posed: Sequence[Posed], shots: Sequence[Shot], lights: Sequence[Lighting]
    ) -> Drawn:
        count, context = len(shots), self.context
        frames = np.zeros((count, self._stride // 4), np.float32)
        for frame, pose, shot, light in zip(frames, posed, shots, lights, strict=True):
            frame[:_FRAME_FLOATS] = self._frame(pose, shot, light)
        self._frames.write(frames.tobytes())
        for buffer, pose in zip(self._moving, posed, strict=False):
            buffer.write(packed(pose.place, pose.normal, pose.strain, self._used))
        context.enable(context.DEPTH_TEST)
        self._shadow_target.use()
        self._shadow_target.viewport = (0, 0, self._shadow_side, self._shadow_side * self.tiles)
        self._shadow_target.clear(depth=1.0)
        for k in range(count):
            self._bind(k)
            self._shadow_target.viewport = (0, k * self._shadow_side, self._shadow_side, self._shadow_side)
            self._casters[k].render(vertices=self._casting[1], first=self._casting[0])
        self._draw_surfaces(pieces, count)
        context.disable(context.DEPTH_TEST)
        self._ground.use()
        self._ground.viewport = (0, 0, self.width, self.height * self.tiles)
        self._ground.clear(0, 0, 0, 0)
        context.enable(context.BLEND)
        context.blend_equation = context.MAX
        for k in range(count):
            self._bind(k)
            self._ground.viewport = (0, k * self.height, self.width, self.height)
            self._flats[k].render(vertices=self._casting[1], first=self._casting[0])
        context.disable(context.BLEND)
        return self._read(count, shots)

    def _draw_surfaces(self, pieces: Sequence[Piece], count: int) -> None:
        tall, wide = self.height * self.factor, self.width * self.factor
        self._target.use()
        self._target.viewport = (0, 0, wide, tall * self.tiles)
        self._target.clear(0, 0, 0, 0)
        self._grain.use(0)
        for unit, texture in enumerate((*self._person, self._shadow), start=4):
            texture.use(unit)
        # Outer things first: what they hide fails the depth test before it is shaded.
        for piece, (first, many) in sorted(zip(pieces, self._ranges, strict=True), key=lambda p: -p[1][0]):
            name = self._prepare(piece)
            (self.context.disable if piece.double else self.context.enable)(self.context.CULL_FACE)
            for k in range(count):
                self._bind(k)
                self._programs[name]["tile_number"].value = float(k)
                self._target.viewport = (0, k * tall, wide, tall)
                self._meshes[name][k].render(vertices=many, first=first)
        self.context.disable(self.context.CULL_FACE)

    def _prepare(self, piece: Piece) -> str:
        """Set the uniforms of one piece; returns the name of its program."""
        fabric = piece.fabric
        kind = _PROGRAM[piece.kind] if piece.name != "sole" else "rest"
        name = "frayed" if kind == "hair" and piece.fuzz > 0 else kind
        if kind == "cloth" and fabric is None:
            name = "rest"
        if kind == "cloth" and fabric is not None and (fabric.front is not None or fabric.back is not None):
            name = "printed"
        program = self._programs[name]
        values: dict[str, Any] = {
            "label": piece.label, "wrap": _WRAPS[piece.wrap], "hairy": (piece.fuzz, 0.0),
            "body_iuv": 0.0 if piece.name in ("bag", "seat") else 1.0,
        }  # fmt: skip
        if fabric is None:
            colors = {"hair": self._hair_color, "glass": (0.03, 0.03, 0.035), "scenery": (0.42, 0.38, 0.34)}
            values["base_color"] = colors.get(piece.kind, (0.1, 0.1, 0.1))
        else:
            values["base_color"] = tuple(float(v) for v in fabric.trim)
            values["fabric"] = (self._layers[id(fabric)], fabric.repeat, fabric.gloss, fabric.fold)
            both = (fabric.front, fabric.back)
            values["decal_layer"] = tuple(-1.0 if d is None else self._decal_layers[id(d)] for d in both)
            for word, decal in zip(("front_place", "back_place"), both, strict=True):
                values[word] = (0, 0, 1, 1) if decal is None else (*decal.centre, *decal.size)
        for word, value in values.items():
            member = program.get(word, None)
            if member is not None:
                member.value = value
        return name

    def _bind(self, k: int) -> None:
        self._frames.bind_to_uniform_block(0, offset=k * self._stride, size=_FRAME_FLOATS * 4)

    def _read(self, count: int, shots: Sequence[Shot]) -> Drawn:
        """Samples to pixels, and the pixels of the first `count` tiles back from the GL."""
        self._pixels.use()
        self._pixels.viewport = area = (0, 0, self.width, self.height * count)
        for unit, texture in enumerate(self._samples, start=1):
            texture.use(unit)
        span = float(np.median([shot.scale for shot in shots]))
        self._reduce_program["reach"].value = max(2.0, 0.07 * span * self.factor)
        self._reducer.render()
        shape = (count, self.height, self.width)
        color = np.frombuffer(self._pixels.read(area, 4, attachment=0), np.uint8).reshape(*shape, 4)
        data = np.frombuffer(self._pixels.read(area, 4, attachment=1), np.uint8).reshape(*shape, 4)
        near = np.frombuffer(self._pixels.read(area, 1, attachment=2, dtype="f4"), np.float32).reshape(shape)
        ground = np.frombuffer(self._ground.read(area, 2), np.uint8).reshape(*shape, 2)
        bright: Floats = color.astype(np.float32) * np.float32(1 / 255)
        cast: Floats = ground.astype(np.float32) * np.float32(1 / 255)
        covered = near > BACKGROUND + 1
        return Drawn(bright[..., :3], bright[..., 3], data[..., 0].copy(), covered, data[..., 1:].copy(), near,
                     cast)  # fmt: skip

    def _frame(self, pose: Posed, shot: Shot, light: Lighting) -> Floats:
        """The Frame block of the shaders. The picture's first row is the target's lowest."""
        near, far = 1 - 1.8 / shot.distance, 1 + 1.8 / shot.distance
        near = max(near, 0.05)
        scale, offset = (far + near) / (far - near), -2 * far * near / (far - near)
        x, y = shot.centre
        out = np.zeros((_FRAME_FLOATS // 4, 4), np.float32)
        out[:3] = shot.view
        out[3] = (2 * shot.scale / self.width, -2 * shot.scale / self.height,
                  2 * (x + 0.5) / self.width - 1, 2 * (y + 0.5) / self.height - 1)  # fmt: skip
        out[4] = (1 / shot.distance, scale, offset, shot.scale * self.factor)
        out[5, :3], out[5, 3] = light.sky, light.exposure
        out[6, :3], out[6, 3] = light.bounce, bounds(pose.place)[0, 2]
        for k, (direction, color) in enumerate(light.lamps[:_LAMPS]):
            out[7 + k, :3], out[10 + k, :3] = direction, color
        if not light.lamps:
            out[7, 2] = 1
        out[7, 3] = light.softness
        out[13:16] = _sun(pose.place, out[7, :3])
        return out.reshape(-1)


def _sun(place: Floats, direction: Floats) -> Floats:
    """(3, 4) rows from posed metres to the shadow map of a lamp in `direction`; nearness in [0, 1]."""
    side = np.cross(direction, [0.0, 0.0, 1.0])
    side = side / np.linalg.norm(side) if np.linalg.norm(side) > 1e-3 else np.array([1.0, 0.0, 0.0])
    axes = np.stack([side, np.cross(side, direction), direction])
    seen = place @ axes.T.astype(np.float32)
    low, high = bounds(seen)
    low, high = low - 0.02, high + 0.02
    scale = np.array([2, 2, 1]) / (high - low)
    shift = np.array([-1, -1, 0]) - low * scale
    return np.concatenate([axes * scale[:, None], shift[:, None]], 1).astype(np.float32)
