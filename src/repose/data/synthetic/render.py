"""The renderer: posed, dressed bodies to pixels, labels and depth, by OpenGL through EGL (llvmpipe will do)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .body import Body, Floats, Shape, load_body
from .garments import PLAIN, Cloth, Outfit
from .shaders import FRAGMENT, FRAME, FULLSCREEN, LAYERS, REDUCE, VERTEX

BACKGROUND_DEPTH: Final = -100.0
_TILES: Final = 8  # pictures drawn before one read-back
_HEAD: Final = 7 * 4  # floats of the Frame block before the bones
_HAIR: Final = {"bald": 0.0, "short": 1.0, "full": 2.0, "long": 3.0, "tail": 4.0}


class SyntheticUnavailable(RuntimeError):  # noqa: N818 (the name is public)
    """The synthetic people cannot be rendered on this machine; the message says what to install."""


@dataclass(frozen=True)
class Shot:
    """How one picture is taken.

    Attributes:
        view: (3, 4) float32, posed metres -> camera axes: right, up, towards the camera, 0 at the person's middle.
        distance: metres from the camera to the person's middle.
        scale: pixels per metre there. centre: pixel (x, y) of the middle, pixel centres at integers.
        light: (3,) unit vector towards the light in camera axes.
        ambient, strength: shares of ambient and directed light. light_color: (3,) around 1.
    """

    view: Floats
    distance: float
    scale: float
    centre: tuple[float, float]
    light: Floats
    ambient: float
    strength: float
    light_color: Floats

    def project(self, points: Floats) -> Floats:
        """(N, 3) posed metres -> (N, 3): x and y in pixels, nearness to the camera in metres (0 at the middle)."""
        seen = points @ self.view[:, :3].T + self.view[:, 3]
        shrink = self.scale / (1 - seen[:, 2] / self.distance)
        x, y = self.centre[0] + shrink * seen[:, 0], self.centre[1] - shrink * seen[:, 1]
        return np.stack([x, y, seen[:, 2]], 1).astype(np.float32)


@dataclass(frozen=True)
class Drawn:
    """What the renderer returns for P pictures.

    Attributes:
        color: (P, H, W, 3) float32 in [0, 1], multiplied by coverage. coverage: (P, H, W) float32 in [0, 1].
        label: (P, H, W) uint8, LIP. depth: (P, H, W) float32, nearness of the nearest surface in metres,
            `BACKGROUND_DEPTH` where there is none.
    """

    color: Floats
    coverage: Floats
    label: NDArray[np.uint8]
    depth: Floats


def create_context() -> Any:
    """An off-screen OpenGL 3.3 context. Raises SyntheticUnavailable, saying what to install, if there is none."""
    try:
        import moderngl
    except ImportError as error:
        raise SyntheticUnavailable(
            "the synthetic people need moderngl, which is not installed; from the checkout: pip install '.[synthetic]'"
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
        "no off-screen OpenGL here. The synthetic people need EGL and an OpenGL 3.3 driver; a GPU is not needed, "
        "Mesa's software driver will do. On Debian or Ubuntu: apt-get install libegl1 libgl1 libegl-mesa0 "
        "libgl1-mesa-dri. Tried " + "; ".join(problems)
    )


class Renderer:
    """Draws people of one picture size; owns the OpenGL context, so use it as a context manager.

    Args:
        height, width: size of the pictures in pixels.
        samples: samples a pixel, a square number (1, 4, 9, 16).

    Raises:
        SyntheticUnavailable: no OpenGL context can be had.
        ValueError: `samples` is not a square number.
    """

    def __init__(self, height: int = 256, width: int = 176, samples: int = 4) -> None:
        self.height, self.width, self.factor = height, width, math.isqrt(samples)
        if self.factor**2 != samples or samples < 1:
            raise ValueError(f"samples must be a square number (1, 4, 9, 16), got {samples}")
        self.body: Body = load_body()
        self.context = context = create_context()
        frame = FRAME.replace("BONES", str(len(self.body.bones)))
        self._program = context.program("#version 330\n" + frame + VERTEX, "#version 330\n" + frame + FRAGMENT)
        bytes_of_frame = (_HEAD + 12 * len(self.body.bones)) * 4
        align = 256
        self._stride = -(-bytes_of_frame // align) * align
        self._frames = context.buffer(reserve=self._stride * _TILES)
        self._frame_bytes = bytes_of_frame
        self._program["Frame"].binding = 0
        self._grain = context.texture((64, 64), 4)
        self._grain.repeat_x = self._grain.repeat_y = True
        self._make_layers()
        size = (width * self.factor, height * self.factor * _TILES)
        self._samples = [context.texture(size, 4), context.texture(size, 2, dtype="f4")]
        self._target = context.framebuffer(self._samples, context.depth_renderbuffer(size))
        small = (width, height * _TILES)
        self._pixels = context.framebuffer([context.texture(small, 4), context.texture(small, 2, dtype="f4")])
        reduce = REDUCE.replace("SAMPLES", str(samples)).replace("FACTOR", str(self.factor))
        reducer = context.program(FULLSCREEN.strip(), reduce.strip())
        reducer["color"].value, reducer["data"].value = 1, 2
        corners = context.buffer(np.array([-1, -1, 3, -1, -1, 3], "f4").tobytes())
        self._reducer = context.vertex_array(reducer, [(corners, "2f", "in_corner")])

    def __enter__(self) -> Renderer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the OpenGL context; the renderer cannot draw afterwards."""
        self.context.release()

    def draw(self, shape: Shape, outfit: Outfit, transforms: Floats, shots: list[Shot]) -> Drawn:
        """Draw one person P times.

        Args:
            shape: the body at rest. outfit: its looks. transforms: (P, J, 3, 4) from `Body.transforms`.
            shots: P shots.
        """
        self._surface.write(np.concatenate([shape.vertices, shape.normals], axis=1).tobytes())
        self._grain.write(outfit.texture.tobytes())
        self._grain.use(0)
        self._dress(outfit)
        parts = [
            self._draw_tiles(outfit, transforms[k : k + _TILES], shots[k : k + _TILES])
            for k in range(0, len(shots), _TILES)
        ]
        if len(parts) == 1:
            return parts[0]
        return Drawn(*(np.concatenate([getattr(p, n) for p in parts]) for n in ("color", "coverage", "label", "depth")))

    def _make_layers(self) -> None:
        body, context = self.body, self.context
        arm, leg, head = (body.attributes[:, k].astype(np.float32) for k in (2, 3, 4))
        height = body.canon[:, 2]

        def some(layer: str, keep: NDArray[np.bool_]) -> NDArray[np.uint16]:
            faces = fine if layer == "body" else body.faces[layer]
            return faces[keep[faces].any(1)]

        # Faces much smaller than a pixel only cost time: fingers and faces have more than half of all triangles.
        fine = _merged(body, cell=1.1 / self.height)
        everywhere = np.ones(body.count, bool)
        choice = {
            "skin": some("body", everywhere),
            "bottom": some("shell", (height < 0.3) & (arm < 0.6)),
            "top": some("shell", (leg < 0.5) | (height > -0.05)),
            "coat": some("shell", (leg < 0.5) | (height > -0.05)),
            "skirt": some("skirt", everywhere),
            "shoes": some("shell", height < -0.4),
            "scalp": some("body", (head > 0.4) & ((height > 0.85) | (body.canon[:, 1] > -0.1) & (height > 0.72))),
            "hair": some("hair", everywhere),
            "socks": some("shell", height < -0.3),
            "overcoat": some("skirt", everywhere),
        }
        self._surface = context.buffer(reserve=body.count * 24)
        fixed = np.zeros(
            body.count, dtype=[("canon", "f4", 3), ("bones", "u1", 4), ("weights", "u1", 4), ("a", "f4", 8)]
        )
        fixed["canon"], fixed["bones"], fixed["weights"] = body.canon, body.bone_index, body.bone_weight
        fixed["a"] = body.attributes
        vertices = [
            (self._surface, "3f 3f", "in_rest", "in_normal"),
            (
                context.buffer(fixed.tobytes()),
                "3f 4u1 4f1 4f 4f",
                "in_canon",
                "in_bones",
                "in_weights",
                "in_along",
                "in_kind",
            ),
        ]
        self._layers = {
            name: context.vertex_array(self._program, vertices, context.buffer(faces.tobytes()), index_element_size=2)
            for name, faces in choice.items()
        }

    def _dress(self, outfit: Outfit) -> None:
        """Set what is the same for all layers and pictures of a person."""
        waist = 0.235
        hem = waist - 0.015 if outfit.tucked and (outfit.bottom or outfit.skirt) else outfit.hem
        skirted = outfit.skirt is not None
        values: dict[str, Any] = {
            "skin": outfit.skin, "lip_color": outfit.lips, "eye_color": outfit.eyes, "hair_color": outfit.hair_color,
            "hair": (_HAIR[outfit.hair], outfit.hairline, outfit.fringe, outfit.beard),
            "top_cut": (outfit.sleeve, hem, outfit.neck_front, outfit.neck_slope),
            "coat_cut": (outfit.coat_sleeve, outfit.coat_hem, outfit.coat_open, outfit.coat is not None),
            "bottom_cut": (waist, outfit.bottom_end, outfit.bottom is not None, outfit.tucked or skirted),
            "foot_cut": (outfit.shoe_end, outfit.sock_end, outfit.socks is not None, outfit.hat is not None),
            "skirt_cut": (outfit.skirt_end, skirted, outfit.long_coat),
            "sole": outfit.sole,
        }  # fmt: skip
        for name, value in values.items():
            self._program[name].value = tuple(float(v) for v in value)

    def _plan(self, outfit: Outfit) -> list[tuple[str, Cloth, int, tuple[float, float, float]]]:
        """The layers to draw: name, material, LIP label, thickness (everywhere, at the hem, width of a skirt)."""
        hair = Cloth(outfit.hair_color, outfit.hair_color)
        skin = Cloth(outfit.skin, outfit.skin)
        plan: list[tuple[str, Cloth, int, tuple[float, float, float]]] = [("skin", skin, 13, (0.0, 0.0, 0.0))]
        if outfit.bottom is not None:
            plan.append(
                (
                    "bottom",
                    outfit.bottom,
                    9,
                    (0.001 + outfit.bottom_loose * 0.5, outfit.bottom_loose + outfit.flare, 0.0),
                )
            )
        plan.append(("top", outfit.top, 6 if outfit.dress else 5, (0.003, outfit.top_loose, 0.0)))
        if outfit.skirt is not None:
            plan.append(("skirt", outfit.skirt, 6 if outfit.dress else 12, (0.004, 0.0, outfit.skirt_wide)))
        if outfit.coat is not None:
            plan.append(("coat", outfit.coat, 7, (0.012, outfit.top_loose + 0.008, 0.0)))
            if outfit.long_coat:
                plan.append(("overcoat", outfit.coat, 7, (0.012, 0.0, outfit.skirt_wide)))
        if outfit.socks is not None:
            plan.append(("socks", outfit.socks, 8, (0.002, 0.0, 0.0)))
        plan.append(("shoes", outfit.shoes, 18, (0.008, 0.0, 0.0)))
        if outfit.hair != "bald" or outfit.hat is not None:
            plan.append(("scalp", outfit.hat or hair, 2, (outfit.hair_thickness, outfit.hair_thickness, 0.0)))
        if outfit.hair in ("long", "tail"):
            plan.append(("hair", hair, 2, (0.006, 0.0, 0.0)))
        return plan[::-1]  # outer layers first: what they hide fails the depth test before it is shaded

    def _draw_tiles(self, outfit: Outfit, transforms: Floats, shots: list[Shot]) -> Drawn:
        count, tile_h, tile_w = len(shots), self.height * self.factor, self.width * self.factor
        frames = np.zeros((count, self._stride // 4), np.float32)
        for frame, shot in zip(frames, shots, strict=True):
            frame[:_HEAD] = self._frame(shot)
        bones = transforms.reshape(count, -1)
        frames[:, _HEAD : _HEAD + bones.shape[1]] = bones
        self._frames.write(frames.tobytes())
        self._target.use()
        self._target.viewport = (0, 0, tile_w, tile_h * _TILES)
        self._target.clear(0, 0, 0, 0)
        self.context.enable(self.context.DEPTH_TEST)
        program = self._program
        for name, cloth, label, thick in self._plan(outfit):
            program["layer"].value = LAYERS.index(name)
            program["label"].value = float(label)
            program["color"].value = tuple(float(v) for v in cloth.color)
            program["second"].value = tuple(float(v) for v in cloth.second)
            program["pattern"].value = (float(cloth.pattern or PLAIN), 1 / cloth.scale, cloth.phase)
            program["thick"].value = thick
            layer = self._layers[name]
            for k in range(count):
                self._frames.bind_to_uniform_block(0, offset=k * self._stride, size=self._frame_bytes)
                self._target.viewport = (0, k * tile_h, tile_w, tile_h)
                layer.render()
        return self._read(count)

    def _read(self, count: int) -> Drawn:
        """Samples to pixels, and the pixels of the first `count` tiles back from the GL."""
        self._pixels.use()
        self._pixels.viewport = area = (0, 0, self.width, self.height * count)
        self.context.disable(self.context.DEPTH_TEST)
        for unit, texture in enumerate(self._samples, start=1):
            texture.use(unit)
        self._reducer.render()
        shape = (count, self.height, self.width)
        color: Floats = np.frombuffer(self._pixels.read(area, 4, attachment=0), np.uint8).astype(np.float32)
        color /= 255
        data = np.frombuffer(self._pixels.read(area, 2, attachment=1, dtype="f4"), np.float32).reshape(*shape, 2)
        color = color.reshape(*shape, 4)
        return Drawn(color[..., :3], color[..., 3], (data[..., 0] + 0.5).astype(np.uint8), data[..., 1])

    def _frame(self, shot: Shot) -> Floats:
        """The Frame block of the shaders without its bones. The picture's first row is the target's lowest."""
        near, far = 1 - 1.6 / shot.distance, 1 + 1.6 / shot.distance
        scale, offset = (far + near) / (far - near), -2 * far * near / (far - near)
        x, y = shot.centre
        out = np.zeros((7, 4), np.float32)
        out[:3] = shot.view
        out[3] = (2 * shot.scale / self.width, -2 * shot.scale / self.height,
                  2 * (x + 0.5) / self.width - 1, 2 * (y + 0.5) / self.height - 1)  # fmt: skip
        out[4, :3] = (1 / shot.distance, scale, offset)
        out[5, :3], out[5, 3] = shot.light, shot.ambient
        out[6, :3], out[6, 3] = shot.light_color, shot.strength
        return out.reshape(-1)


def _merged(body: Body, cell: float) -> NDArray[np.uint16]:
    """The body's faces with all vertices of one cell (metres) merged into one of them: (F', 3)."""
    grid = np.floor(body.canon / cell).astype(np.int64)
    key = (grid[:, 0] * 4096 + grid[:, 1]) * 4096 + grid[:, 2]
    eye = body.attributes[:, 7] > 0.5
    key[eye] = 2**50 + np.arange(eye.sum())  # the eyes keep every vertex
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    faces = first[group.ravel()][body.faces["body"]]
    whole = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 0] != faces[:, 2])
    faces = faces[whole]
    _, kept = np.unique(np.sort(faces, axis=1), axis=0, return_index=True)
    merged: NDArray[np.uint16] = faces[np.sort(kept)].astype(np.uint16)
    return merged
