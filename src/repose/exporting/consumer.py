"""Run a network that `repose export` wrote: NumPy and the runtime of the file, without Repose. Apache-2.0.

    python use.py                                            # the example beside this file; writes result.png
    python use.py me.png both.json -o new.png                # a picture and joints, where the network takes them
    python use.py me.png both.json --labels me_labels.npy new_labels.npy -o new.png    # and label maps

both.json holds {"source": [[x, y, visible], ... 18], "target": [...]}: the joints of OpenPose's 18 in pixels of the
picture (the centre of the first pixel is 0, 0), visible 0 for a joint that is missing; or it is a pose file of Repose
with two people, the source first (`repose estimate me.png dancer.png -o both.json`). The picture shows the person
alone, about as large as in the example. In a program of your own:

    from use import encode, load
    description, run = load("FOLDER")
    outputs = run(encode(description, {"image": ..., "source_joints": ..., "target_joints": ...}))
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
Run = Callable[[Arrays], Arrays]

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")  # of pictures; Pillow's others are not opened
_BONES = (
    (1, 0), (2, 5), (1, 8), (1, 11), (8, 11), (2, 3), (3, 4), (5, 6), (6, 7), (8, 9), (9, 10), (11, 12), (12, 13),
)  # fmt: skip

# -- the network ----------------------------------------------------------------------------------------------------


def load(folder: str | Path = ".") -> tuple[dict[str, Any], Run]:
    """model.json, and the network as a function: inputs by name -> outputs by name, float32."""
    folder = Path(folder)
    description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    names = [entry["name"] for entry in description["inputs"]]
    outputs = [entry["name"] for entry in description["outputs"]]
    run = _RUNTIMES[description["format"]](folder / description["files"][0], names, outputs)

    def checked(inputs: Arrays) -> Arrays:
        missing = [name for name in names if name not in inputs]
        if missing:
            raise ValueError(f"the network takes {', '.join(names)}; missing: {', '.join(missing)}")
        return run({name: np.ascontiguousarray(inputs[name], np.float32) for name in names})

    return description, checked


def _onnx(file: Path, names: list[str], outputs: list[str]) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # an error comes as a Python exception
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    wanted = {node.name for node in session.get_inputs()}

    def run(inputs: Arrays) -> Arrays:
        feed = {name: value for name, value in inputs.items() if name in wanted}
        return dict(zip(outputs, session.run(outputs, feed), strict=True))

    return run


def _openvino(file: Path, names: list[str], outputs: list[str]) -> Run:
    import openvino

    # by default OpenVINO computes in bfloat16 where the processor can, and the pictures differ visibly
    program = openvino.Core().compile_model(str(file), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    wanted = {name for port in program.inputs for name in port.get_names()}

    def run(inputs: Arrays) -> Arrays:
        results = program({name: value for name, value in inputs.items() if name in wanted})
        return {name: np.array(results[name]) for name in outputs}

    return run


def _ncnn(file: Path, names: list[str], outputs: list[str]) -> Run:
    import ncnn

    net = ncnn.Net()
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    if net.load_param(str(file)) or net.load_model(str(file.with_suffix(".bin"))):
        raise RuntimeError(f"ncnn cannot load {file}")

    def picture(inputs: Arrays, row: int) -> list[NDArray[Any]]:
        extractor = net.create_extractor()
        for index, name in enumerate(names):
            extractor.input(f"in{index}", ncnn.Mat(np.ascontiguousarray(inputs[name][row])).clone())
        results = []
        for index in range(len(outputs)):
            status, out = extractor.extract(f"out{index}")
            if status:
                raise RuntimeError(f"ncnn cannot run {file} (status {status})")
            results.append(np.array(out))
        return results

    def run(inputs: Arrays) -> Arrays:
        rows = [picture(inputs, row) for row in range(len(inputs[names[0]]))]  # ncnn has no batches
        return {name: np.stack(values) for name, values in zip(outputs, zip(*rows, strict=True), strict=True)}

    return run


def _torchscript(file: Path, names: list[str], outputs: list[str]) -> Run:
    import torch

    network = torch.jit.load(str(file)).eval()  # type: ignore[no-untyped-call]

    def run(inputs: Arrays) -> Arrays:
        with torch.inference_mode():
            results = network(*(torch.from_numpy(inputs[name]) for name in names))
        return {name: value.numpy() for name, value in zip(outputs, results, strict=True)}

    return run


_RUNTIMES: dict[str, Callable[[Path, list[str], list[str]], Run]] = {
    "onnx": _onnx, "openvino": _openvino, "ncnn": _ncnn, "torchscript": _torchscript,
}  # fmt: skip

# -- a person as inputs ---------------------------------------------------------------------------------------------


def encode(description: dict[str, Any], person: Arrays) -> Arrays:
    """What the network takes, by name.

    Args:
        description: model.json. person: what description["reads"] names: image (B, 3, H, W) in -1 to 1; source_joints
            and target_joints (B, 18, 3); source_labels and target_labels (B, H, W), LIP's 20 labels, 20 is the neck.
    """
    if not description["reads"]:
        raise ValueError("the inputs of this network are not computed here; README.md says where they come from")
    inputs: Arrays = {}
    for entry in description["inputs"]:
        how = entry["computed"]
        inputs[entry["name"]] = np.ascontiguousarray(_ENCODINGS[how["by"]](how, person, inputs), np.float32)
    return inputs


def _image(how: dict[str, Any], person: Arrays, before: Arrays) -> NDArray[Any]:
    return person["image"]


def _joint_maps(how: dict[str, Any], person: Arrays, before: Arrays) -> NDArray[Any]:
    """A map for each joint of each person, and the frames of the bones where they are asked for."""
    height, width = person["image"].shape[-2:]
    cell = how["cell"]
    rows, columns = height // cell, width // cell
    sigma = how["sigma"] if how["sigma"] else how["sigma_of_rows"] * rows
    maps = []
    for who in how["of"]:
        joints = np.asarray(person[f"{who}_joints"], np.float32)
        located = joints[..., 2] > 0
        scale = np.array([columns / width, rows / height], np.float32)
        places = np.where(located[..., None], (joints[..., :2] + np.float32(0.5)) * scale - np.float32(0.5), 0)
        maps.append(_heatmaps(places, located, rows, columns, how["kind"], sigma))
        if how["frames"]:
            maps.append(_bone_frames(places, located, rows, columns))
    return np.concatenate(maps, 1)


def _heatmaps(
    places: NDArray[Any], located: NDArray[Any], rows: int, columns: int, kind: str, sigma: float
) -> NDArray[Any]:
    """(B, 18, 2) -> (B, 18, rows, columns); a missing joint leaves zeros."""
    x, y = places[..., 0, None], places[..., 1, None]
    across, down = np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32)
    if kind == "point":
        right, low = across == np.floor(x + 0.5), (down == np.floor(y + 0.5)) & located[..., None]
        return np.asarray(low[..., :, None] & right[..., None, :], np.float32)
    right, low = np.square(across - x), np.square(down - y)
    scale = -0.5 / (sigma * sigma)
    low = np.exp(low * scale) * located[..., None]
    maps: NDArray[Any] = low[..., :, None] * np.exp(right * scale)[..., None, :]
    return maps


def _bone_frames(places: NDArray[Any], located: NDArray[Any], rows: int, columns: int) -> NDArray[Any]:
    """Near, along and aside of every bone: (B, 39, rows, columns)."""
    first, second = ([bone[end] for bone in _BONES] for end in (0, 1))
    a, way = places[:, first], places[:, second] - places[:, first]
    there = (located[:, first] & located[:, second])[..., None, None]
    length = np.hypot(way[..., 0], way[..., 1])
    points = length < 1e-3
    direction = way / np.where(points, 1, length)[..., None]
    ux = direction[..., 0, None, None]
    uy = np.where(points, 1, direction[..., 1])[..., None, None]
    length = length[..., None, None]
    dx = (np.arange(columns, dtype=np.float32) - a[..., 0, None])[..., None, :]
    dy = (np.arange(rows, dtype=np.float32) - a[..., 1, None])[..., :, None]
    sigma = 0.06 * rows
    along, aside = dx * ux + dy * uy, (dx * uy - dy * ux) / (2 * sigma)
    beyond = (along - np.minimum(np.maximum(along, 0), length)) / (2 * sigma)
    near = there * np.exp(-2 * (np.square(aside) + np.square(beyond)))
    share = np.clip(along / np.maximum(length, 1), -1, 2)
    return np.concatenate([near, near * share, near * np.clip(aside, -4, 4)], 1)


def _part_maps(how: dict[str, Any], person: Arrays, before: Arrays) -> NDArray[Any]:
    """A binary map for each part of each person; `table` gives the part of each label: LIP's 20, and the neck."""
    table, parts = np.array(how["table"]), np.arange(how["parts"])[:, None, None]
    maps = [table[np.asarray(person[f"{who}_labels"])][:, None] == parts for who in how["of"]]
    return np.concatenate(maps, 1).astype(np.float32)


def _first_picture(how: dict[str, Any], person: Arrays, before: Arrays) -> NDArray[Any]:
    """Each part of the target in its mean colour in the source; the source itself where both show the same part."""
    image, (source, target) = person["image"], np.split(before[how["maps"]], 2, 1)
    colours = np.einsum("bchw,bphw->bpc", image, source) / np.maximum(source.sum((2, 3)), 1)[..., None]
    painted = np.einsum("bpc,bphw->bchw", colours, target)
    same = (source * target).sum(1, keepdims=True)
    result: NDArray[Any] = painted + same * (image - painted)
    return result


def _label_mask(how: dict[str, Any], person: Arrays, before: Arrays) -> NDArray[Any]:
    """Where one of some labels is, (B, 1, H, W)."""
    mask = np.isin(np.asarray(person[f"{how['of'][0]}_labels"]), how["labels"])[:, None]
    return mask.astype(np.float32)


def _on_white(how: dict[str, Any], person: Arrays, before: Arrays) -> NDArray[Any]:
    """The picture where a mask of labels is, white elsewhere."""
    mask = _label_mask(how, person, before)
    result: NDArray[Any] = person["image"] * mask + (1 - mask)
    return result


_ENCODINGS: dict[str, Callable[[dict[str, Any], Arrays, Arrays], NDArray[Any]]] = {
    "image": _image, "joint_maps": _joint_maps, "part_maps": _part_maps, "first_picture": _first_picture,
    "label_mask": _label_mask, "on_white": _on_white,
}  # fmt: skip

# -- files ----------------------------------------------------------------------------------------------------------


def write_png(path: str | Path, image: NDArray[Any]) -> None:
    """(3, H, W) in -1 to 1 -> an 8-bit PNG file, without any package for pictures."""
    pixels = np.clip((np.moveaxis(image, 0, -1) + 1) * 127.5 + 0.5, 0, 255).astype(np.uint8)
    height, width = pixels.shape[:2]
    lines = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], 1).tobytes()

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(lines)), chunk(b"IEND", b""))
    Path(path).write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def read_joints(file: str) -> Arrays:
    """The joints of source and target, (1, 18, 3) each, x and y in pixels of the picture, and 1 where it is known.

    The file is {"source": 18 x [x, y, visible], "target": likewise}, or a pose file of Repose with two people, of whom
    the first is the source: `repose estimate me.png dancer.png -o both.json` writes one.
    """
    wanted = (
        'it must be {"source": [[x, y, visible], ... 18 of them], "target": likewise}, in pixels of the picture, or a '
        "pose file of Repose with two people, the source first (repose estimate me.png dancer.png -o both.json)"
    )
    try:
        told = json.loads(Path(file).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{file} does not exist") from None
    except ValueError as problem:
        raise ValueError(f"{file} is no JSON ({problem}); {wanted}") from None
    people = told.get("people") if isinstance(told, dict) else None
    if isinstance(people, dict) and len(people) == 2:
        told = dict(zip(("source", "target"), people.values(), strict=True))
    try:
        return {who: np.array(told[who], np.float32).reshape(1, 18, 3) for who in ("source", "target")}
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"{file} does not hold the joints of two people; {wanted}") from None


def read_person(description: dict[str, Any], picture: str, pose: str, labels: list[str] | None) -> Arrays:
    """A picture (by Pillow), joints, and label maps as .npy, scaled to the size that the network takes."""
    from PIL import Image

    Image.init()
    opened = Image.open(picture, formats=[name for name in _FORMATS if name in Image.OPEN]).convert("RGB")
    old = opened.size
    height, width = description["size"] if description["size"] != "dynamic" else description["canvas"]
    scaled = opened.resize((width, height), Image.Resampling.BICUBIC) if old != (width, height) else opened
    person: Arrays = {"image": np.moveaxis(np.asarray(scaled, np.float32) / 127.5 - 1, -1, 0)[None]}
    both = read_joints(pose)
    for who in ("source", "target"):
        joints = both[who].copy()
        scale = np.array([width / old[0], height / old[1]], np.float32)
        joints[..., :2] = (joints[..., :2] + 0.5) * scale - 0.5
        person[f"{who}_joints"] = joints
    for who, file in zip(("source", "target"), labels or (), strict=False):
        found = np.load(file)
        rows, columns = (np.arange(new) * part // new for new, part in zip((height, width), found.shape, strict=True))
        person[f"{who}_labels"] = found[rows][:, columns][None]
    missing = [name for name in description["reads"] if name not in person]
    if missing:
        raise ValueError(f"this network reads {', '.join(missing)}, too: give --labels SOURCE.npy TARGET.npy")
    return person


def main(words: list[str] | None = None) -> int:
    """The command; 1 where the example's picture is another than PyTorch's."""
    parser = argparse.ArgumentParser(description="Run a network that `repose export` wrote.")
    parser.add_argument("picture", nargs="?", help="the person; the example beside this file without")
    parser.add_argument("pose", nargs="?", help="JSON with the joints of source and target")
    parser.add_argument("--labels", nargs=2, help="label maps of both, .npy: LIP's 20 labels, 20 is the neck")
    parser.add_argument("-o", "--out", default="result.png")
    given = parser.parse_args(words)
    folder = Path(__file__).resolve().parent
    description, run = load(folder)
    if given.picture is not None:
        if not description["reads"]:
            parser.error("Repose computes what this network reads: run use.py alone, which takes example.npz beside it")
        if given.pose is None:
            parser.error("a picture needs a pose: use.py PICTURE POSE.json")
        outputs = run(encode(description, read_person(description, given.picture, given.pose, given.labels)))
        write_png(given.out, outputs["image"][0])
        print(given.out)
        return 0
    stored = dict(np.load(folder / "example.npz"))
    inputs = {entry["name"]: stored[f"input.{entry['name']}"] for entry in description["inputs"]}
    if description["reads"]:
        computed = encode(description, {name: stored[f"person.{name}"] for name in description["reads"]})
        apart = max(float(np.abs(computed[name] - value).max()) for name, value in inputs.items())
        print(f"the inputs, computed here, differ from Repose's by at most {apart:.1e}")
        inputs = computed
    outputs = run(inputs)
    apart = float(np.abs(outputs["image"] - stored["expected.image"]).max())
    limit = description["limit"]
    write_png(given.out, outputs["image"][0])
    print(f"{given.out}: differs from PyTorch's picture by at most {apart:.1e} of a range of 2; expected: {limit:.1e}")
    return int(apart > limit)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (ValueError, KeyError, OSError, ImportError, RuntimeError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        sys.exit(2)
