"""BodyPix: where in a photograph one person is, and which of 24 parts of the body every pixel shows.

The network sees a rectangle around the person's joints and says of every cell of 16 pixels how likely it shows a
person, and which part.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import PIL.Image
import torch
import torch.nn.functional as F
from torch import Tensor

from repose.estimate.base import Image
from repose.estimate.kernels import Computed, kernels_of, tflite_kernels
from repose.estimate.memo import Memo
from repose.estimate.tflite import without_chatter
from repose.extras import how_to_install
from repose.hub.fetch import locate
from repose.hub.files import FILES, File
from repose.represent.canvas import Box
from repose.represent.figure import figure_mask, reach

BODYPIX: Final = "bodypix_mobilenet_v1_075_512_512_16_quant_decoder.tflite"

Map = npt.NDArray[np.float32]

Network = Callable[[Image], tuple[Map, Map]]
"""uint8 (H, W, 3) -> logits of the person (h, w), and of the 24 parts (h, w, 24).

There is a cell at every 16th pixel, at both borders too: h = H / 16 + 1."""

PARTS: Final = (
    "left face", "right face", "left upper arm, front", "left upper arm, back", "right upper arm, front",
    "right upper arm, back", "left lower arm, front", "left lower arm, back", "right lower arm, front",
    "right lower arm, back", "left hand", "right hand", "torso, front", "torso, back", "left upper leg, front",
    "left upper leg, back", "right upper leg, front", "right upper leg, back", "left lower leg, front",
    "left lower leg, back", "right lower leg, front", "right lower leg, back", "left foot", "right foot",
)  # fmt: skip
"""The parts by number; left and right are the person's own."""

_OUTPUTS: Final = ("float_segments", "float_part_heatmaps")
MIRRORED: Final = [
    PARTS.index(name.replace("left", "*").replace("right", "left").replace("*", "right")) for name in PARTS
]

CELL: Final = 16
"""Pixels of the network's picture that a cell is wide and high."""

_GREY: Final = 128  # beyond the border of the photograph
_LONGEST: Final = 512  # rows or columns of the network's picture, at most
_TIMES: Final = 2.0
"""The network's picture has at most so many times the pixels of the photograph to either side: BodyPix sees people of
Market-1501 (64x128) best at 128x256, and people of 256x176 at 512x352; at 768x528 the mask is full of holes."""

_ROOM: Final = 1.3  # of `repose.represent.figure.reach`

_LOOKS: Final[Memo[tuple[Map, Map]]] = Memo(4)
"""What the published network saw last: the estimators of the mask, of the parsing and of the IUV of one photograph all
look at the same rectangle of it."""


@dataclass(frozen=True)
class BodyParts:
    """What BodyPix sees in a rectangle of a photograph.

    Attributes:
        person: (h, w) logits of the person, a cell each. parts: (h, w, 24) scores of `PARTS`, the highest is likeliest.
        box: (top, left, height, width) of the rectangle in the photograph; it may reach beyond.
    """

    person: Map
    parts: Map
    box: Box

    def on(self, size: tuple[int, int]) -> Tensor:
        """The logits of the person in a photograph of this size (H, W): (1, H, W), -10 beside the rectangle."""
        return _pasted(torch.from_numpy(self.person)[None], self.box, size, -10.0)

    def scores(self, size: tuple[int, int]) -> Tensor:
        """The scores of `PARTS` in a photograph of this size (H, W): float32 (24, H, W), 0 beside the rectangle."""
        return _pasted(torch.from_numpy(self.parts).movedim(-1, 0), self.box, size, 0.0)

    def likeliest(self, size: tuple[int, int]) -> Tensor:
        """The likeliest part of every pixel, int64 (H, W), 0 to 23 as in `PARTS`; -1 where no person is."""
        return torch.where(self.on(size)[0] > 0, self.scores(size).argmax(0), -1)


class BodyPix:
    """BodyPix (MobileNet 0.75, stride 16) through `ai-edge-litert` (the extra `estimate`).

    It tells a ball or a bag from a body, and sees people from all sides, in crowds and without a head; its cells are
    coarse (`repose.estimate.person_mask` joins it with a sharper network). Feet, hands and hair are weak.

    The published file ends in an operator for poses that `ai-edge-litert` does not know; `without_last_operator` cuts
    it off in memory, and what it was given becomes an output. The weights stay as published.

    Args:
        path: the TFLite file; None asks `repose.hub`.
        threads: of the interpreter.
        network: in place of the file, for tests.

    Raises:
        ImportError: `ai-edge-litert` is not installed.
        FileNotFoundError: the file is not here and cannot be fetched.
        ValueError: the file is not BodyPix.
    """

    def __init__(self, path: str | Path | None = None, threads: int = 1, network: Network | None = None) -> None:
        self._network = network or load_bodypix(FILES[BODYPIX] if path is None else path, threads)
        self._looks: Memo[tuple[Map, Map]] = _LOOKS if network is None and path is None else Memo(1)

    @property
    def name(self) -> str:
        """Names the network and the version of how it is used."""
        return "bodypix-mobilenet-075-stride16-1"

    @property
    def kernels(self) -> str:
        """What computes the network, see `repose.estimate.kernels`; empty for one that was given."""
        return kernels_of(self._network)

    def look(self, image: Image, keypoints: Tensor) -> BodyParts:
        """Where and what the person with these joints is: a rectangle around them, and its mirror image, the mean.

        Args:
            image: uint8 (H, W, 3). keypoints: (18, 3) in its pixels, one located at least.
        """
        height, width = image.shape[:2]
        top, left, bottom, right = reach(keypoints, height, width, _ROOM)
        top, left = min(top, height - 1), min(left, width - 1)
        rows, columns = max(1, bottom - top), max(1, right - left)
        times = min(_TIMES, _LONGEST / max(rows, columns))
        size = [max(1, round(times * side / CELL)) * CELL for side in (rows, columns)]
        box = (left, top, left + columns, top + rows)
        seen = PIL.Image.fromarray(image).resize((size[1], size[0]), PIL.Image.Resampling.BILINEAR, box, reducing_gap=2)
        pixels = np.asarray(seen)
        person, parts = self._looks.of(pixels, lambda: self._both(pixels))
        return BodyParts(person.copy(), parts.copy(), (top, left, rows, columns))

    def _both(self, pixels: Image) -> tuple[Map, Map]:
        """The mean of what the network says of a picture and of its mirror image."""
        person, parts = self._network(pixels)
        mirrored, mirrored_parts = self._network(np.ascontiguousarray(pixels[:, ::-1]))
        person = np.float32(0.5) * (person + mirrored[:, ::-1])
        parts = np.float32(0.5) * (parts + mirrored_parts[:, ::-1, MIRRORED])
        return person, parts

    def mask(self, image: Image, keypoints: Tensor) -> Tensor:
        """A photograph, uint8 (H, W, 3), and a person's joints (18, 3) -> where they are, float32 (1, H, W) in [0, 1].

        The values are multiples of 1/255. Other people beside the limbs are left out. Without a located joint all
        are 0.
        """
        height, width = image.shape[:2]
        if not bool((keypoints[:, 2] > 0).any()):
            return torch.zeros(1, height, width)
        chance = torch.sigmoid(self.look(image, keypoints).on((height, width)))
        chance = chance * figure_mask(keypoints, height, width, 2.0)
        return (chance * 255).round() / 255


def load_bodypix(file: str | Path | File, threads: int = 1) -> Computed[[Image], tuple[Map, Map]]:
    """BodyPix of a TFLite file as a function, for pictures of any size.

    Several threads may call it; they wait for each other.

    Raises:
        ImportError: `ai-edge-litert` is not installed. ValueError: the file is of another network.
    """
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise ImportError(
            f"body parts are found by ai-edge-litert, which is not installed: {how_to_install('estimate')}"
        ) from error
    path = locate(file) if isinstance(file, File) else Path(file)
    content = without_last_operator(path)
    with without_chatter():
        interpreter: Any = Interpreter(model_content=content, num_threads=threads)
        interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()
    names = {details["name"] for details in interpreter.get_output_details()}
    for name in _OUTPUTS:
        if name not in names:
            raise ValueError(f"{path} is not BodyPix: it has no output '{name}'")
    lock, current = threading.Lock(), [tuple(given["shape"][1:3])]

    def network(picture: Image) -> tuple[Map, Map]:
        with lock:
            if picture.shape[:2] != current[0]:
                interpreter.resize_tensor_input(given["index"], (1, *picture.shape))
                interpreter.allocate_tensors()
                current[0] = picture.shape[:2]
            interpreter.set_tensor(given["index"], picture[None])
            interpreter.invoke()
            outputs = {details["name"]: details for details in interpreter.get_output_details()}
            person, parts = (_dequantised(interpreter, outputs[name]) for name in _OUTPUTS)
        return person[..., 0], parts

    return Computed(network, tflite_kernels(interpreter))


def without_last_operator(file: Path) -> bytes:
    """A TFLite file without the custom operator that is its last; the operator's inputs become outputs in its place.

    Raises:
        ImportError: `ai-edge-litert`, or the package flatbuffers that comes with it, is not installed.
        ValueError: this is no TFLite file, or its last operator is not a custom one.
    """
    try:
        import flatbuffers
        from ai_edge_litert import schema_py_generated as schema
    except ImportError as error:
        raise ImportError(f"ai-edge-litert is not installed: {how_to_install('estimate')}") from error
    content = file.read_bytes()
    if content[4:8] != b"TFL3":
        raise ValueError(f"{file} is not a TFLite file; get it again")
    model: Any = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    graph = model.subgraphs[0]
    last = graph.operators[-1]
    if not model.operatorCodes[last.opcodeIndex].customCode:
        raise ValueError(f"{file} does not end in a custom operator: it is not the published file of BodyPix")
    ends = {int(tensor) for tensor in last.outputs}
    graph.operators = graph.operators[:-1]
    graph.outputs = [*map(int, last.inputs), *(int(one) for one in graph.outputs if int(one) not in ends)]
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


# -- inside ---------------------------------------------------------------------------------------------------------


def _dequantised(interpreter: Any, details: dict[str, Any]) -> Map:
    """An output without its batch axis, in float."""
    scale, zero = details["quantization"]
    values: Map = (interpreter.get_tensor(details["index"])[0].astype(np.float32) - zero) * scale
    return values


def _pasted(maps: Tensor, box: Box, size: tuple[int, int], beside: float) -> Tensor:
    """Maps (C, h, w) of a rectangle inside the photograph -> (C, H, W), bicubic, `beside` elsewhere.

    The first and the last cell lie on the rectangle's borders.
    """
    top, left, rows, columns = box
    part = F.interpolate(maps[None], (rows, columns), mode="bicubic", align_corners=True)[0]
    if (top, left, rows, columns) == (0, 0, *size):
        return part
    whole = maps.new_full((len(maps), *size), beside)
    whole[:, top : top + rows, left : left + columns] = part
    return whole


__all__ = ["BODYPIX", "PARTS", "BodyParts", "BodyPix", "load_bodypix", "without_last_operator"]
