"""Files of DensePose: part, u and v of a photograph, as its own tools and detectron2 write them."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import PIL.Image
import torch
from torch import Tensor

from repose.files import first_line, parse_json, shortened
from repose.represent.iuv import PARTS
from repose.represent.map_files import PICKLES, read_arrays, read_map_file

_ORDERS: Final = ((0, 1, 2), (2, 1, 0))  # where part, u and v lie: as said, and as OpenCV writes it
_FEWEST = 400  # pixels of a person whose smoothness says something
_STEP = 0.1  # mean step of u and v between neighbours of one part, from which they are noise
_BROKEN = 0.3  # share of the neighbours whose parts differ, from which the parts are noise
_BEYOND = 1.1  # u and v that a network gives a little beyond 1 are 1, as in detectron2's own files
_MOST = 1_000_000_000  # bytes of a JSON that are read

SNIPPET: Final = """    import numpy, PIL.Image, torch
    one = torch.load("results.pkl", weights_only=False)[0]  # only a file of your own, where DensePose is installed
    number, size = 0, PIL.Image.open(one["file_name"]).size  # person 0
    found, box = one["pred_densepose"][number], one["pred_boxes_XYXY"][number]
    labels, uv = found.labels.cpu().numpy(), found.uv.cpu().numpy()
    numpy.savez("iuv.npz", labels=labels, uv=uv, box=box.cpu().numpy(), size=size)"""
"""How a dump of detectron2 becomes a file that is read: its pickle can run any code, so it is not opened here."""


def read_iuv(path: str | Path, size: tuple[int, int] | None = None, keypoints: Tensor | None = None) -> Tensor:
    """DensePose's part, u and v -> float32 (3, H, W), as `Person.iuv`: part 0 to 24, u and v in [0, 1].

    Args:
        path: one of
            a picture of three channels as large as its photograph, part, 255 u and 255 v, in this order or, as
            DensePose's own tools save it, in the reverse one; or such a .npy array, (H, W, 3) or (3, H, W), of 0 to
            255 or, with fractions, of 0 to 1;
            a .npz or .pt with `labels` (h, w) and `uv` (2, h, w) of detectron2, and, where they cover only the
            person's box, `box` (left, top, ...) and `size` (width, height) of the photograph;
            a .json of detectron2's results for COCO, whose entries have `bbox` and `densepose`.
        size: (H, W) of the photograph, which a result of detectron2 does not hold.
        keypoints: (18, 3), which choose the person of a .json that holds several.

    Raises:
        ValueError: other channels, no channel holds the parts, u or v out of range or without order, annotated points
            or embeddings in place of a map, a pickle of detectron2, or a person outside the photograph.
        FileNotFoundError: no such file.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist")
    if path.suffix.lower() == ".json":
        return _checked(path, _from_results(path, size, keypoints))
    if path.suffix.lower() in PICKLES:
        try:
            arrays = read_arrays(path)
        except ValueError as error:
            raise ValueError(
                f"{path} is no file of plain tensors. A dump of detectron2's apply_net.py is a pickle, which can run "
                f"any code and is not opened; write it anew as an archive:\n{SNIPPET}"
            ) from error
        return _checked(path, _from_arrays(path, arrays, size))
    if path.suffix.lower() == ".npz":
        return _checked(path, _from_arrays(path, read_arrays(path), size))
    return _checked(path, _from_channels(path, read_map_file(path).values))


# -- three channels -------------------------------------------------------------------------------------------------


def _from_channels(path: Path, values: npt.NDArray[Any]) -> Tensor:
    """An array or picture of three channels -> float32 (3, H, W), part first, u and v from 0 to 1."""
    if values.dtype.kind not in "buif":
        raise ValueError(f"{path} holds {values.dtype}, not numbers")
    if values.ndim == 4 and values.shape[0] == 1:
        values = values[0]
    if values.ndim == 3 and values.shape[0] == 3 and values.shape[2] != 3:
        values = np.moveaxis(values, 0, -1)
    if values.ndim == 3 and values.shape[2] == 4 and (values[..., 3] == values[..., 3].max(initial=0)).all():
        values = values[..., :3]  # a picture that is opaque everywhere
    if values.ndim == 3 and 16 in (values.shape[0], values.shape[2]):
        raise ValueError(
            f"{path} is {values.shape}: embeddings of 16 numbers (DensePose CSE), which have no part, u and v; run a "
            "chart model (densepose_rcnn_R_50_FPN_s1x)"
        )
    if values.ndim != 3 or values.shape[2] != 3 or 0 in values.shape:
        raise ValueError(f"{path} is {values.shape}, DensePose's part, u and v are three channels (H, W, 3)")
    _require_range(path, values)
    orders = [order for order in _ORDERS if _holds_parts(values[..., list(order)])]
    if not orders:
        raise ValueError(
            f"{path}: neither the first nor the last channel holds DensePose's parts, 0 to {PARTS} and 0 beside the "
            "person; a picture drawn in colours or a JPEG cannot be used"
        )
    order = min(orders, key=lambda one: _broken(values[..., one[0]]))
    ordered = values[..., list(order)]
    iuv = torch.from_numpy(np.ascontiguousarray(np.moveaxis(ordered, -1, 0)).astype(np.float32))  # (3, H, W)
    if values.dtype.kind != "f" or iuv[1:].max() > 1:
        if iuv[1:].max() <= 1 and int((iuv[0] > 0).sum()) >= _FEWEST:
            raise ValueError(
                f"{path}: u and v are 0 or 1 everywhere, so they were cut to whole numbers; multiply them by 255 "
                "first, or save fractions as .npy"
            )
        shares = values.dtype.kind == "f" and _are_shares(path, iuv, order)
        if shares:
            iuv[1:].clamp_(max=1)
        else:
            iuv[1:] /= 255
    return iuv


def _require_range(path: Path, values: npt.NDArray[Any]) -> None:
    wrong = ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(values.shape, bool)
    wrong |= (values < 0) | (values > 255)
    if wrong.any():
        y, x, channel = (int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(
            f"{path} holds {values[y, x, channel]:g} at x={x}, y={y}, channel {channel}: parts are 0 to {PARTS}, u and "
            "v 0 to 1 or 0 to 255"
        )


def _are_shares(path: Path, iuv: Tensor, order: Sequence[int]) -> bool:
    """Whether u and v are shares of 1, of which a few lie a little beyond, as a network gives them; not up to 255.

    Raises:
        ValueError: most of one are shares and of the other not, or a few lie further beyond; the text names the first.
    """
    on = iuv[0] > 0
    uv = iuv[1:, on]
    if not uv.numel() or bool((uv == uv.round()).all()):
        return False
    within = (uv <= _BEYOND).float().mean(1) >= 0.5
    if not within.any():
        return False
    if not within.all() and uv.shape[1] >= _FEWEST:
        least, most = sorted(float(channel.max()) for channel in uv)
        raise ValueError(
            f"{path}: one of u and v goes up to {least:g}, the other up to {most:g}; both are 0 to 1 or 0 to 255"
        )
    beyond = (iuv[1:] > _BEYOND) & on
    if bool(beyond.any()):
        channel, y, x = (int(i) for i in beyond.nonzero()[0])
        raise ValueError(
            f"{path} holds {'uv'[channel]} {float(iuv[1 + channel, y, x]):g} at x={x}, y={y}, channel "
            f"{order[1 + channel]}, and most u and v are shares from 0 to 1; all are, or all go from 0 to 255"
        )
    return True


def _holds_parts(values: npt.NDArray[Any]) -> bool:
    """Whether the first channel can be the parts: whole numbers up to 24, and the others are 0 wherever it is."""
    part = values[..., 0]
    return bool(part.max(initial=0) <= PARTS and (part == np.round(part)).all() and not values[part == 0].any())


def _broken(part: npt.NDArray[Any]) -> float:
    """The share of neighbouring pixels of a person whose parts differ: few of parts, nearly all of u or v."""
    differ, count = 0, 0
    for first, second in ((part[:, 1:], part[:, :-1]), (part[1:], part[:-1])):
        both = (first > 0) & (second > 0)
        differ, count = differ + int((first != second)[both].sum()), count + int(both.sum())
    return differ / max(1, count)


def _checked(path: Path, iuv: Tensor) -> Tensor:
    """The same IUV if parts hang together and u and v change little between neighbours of one part."""
    part, uv = iuv[0].numpy(), iuv[1:].numpy()
    if int((part > 0).sum()) < _FEWEST:
        return iuv
    if _broken(part) > _BROKEN:
        raise ValueError(
            f"{path}: its parts change at {_broken(part):.0%} of the person's pixels, so they are no parts of a body; "
            "is it DensePose's result, and unchanged?"
        )
    steps = []
    for first, second, above, below in (
        (part[:, 1:], part[:, :-1], uv[:, :, 1:], uv[:, :, :-1]),
        (part[1:], part[:-1], uv[:, 1:], uv[:, :-1]),
    ):
        same = (first > 0) & (first == second)
        steps.append(np.abs(above - below)[:, same].ravel())
    step = float(np.concatenate(steps).mean()) if sum(len(one) for one in steps) else 0.0
    if step > _STEP:
        raise ValueError(
            f"{path}: u and v jump by {step:.2f} between neighbouring pixels of one part; DensePose's change little. "
            "Was the picture resized, or written with other channels?"
        )
    return iuv


# -- detectron2 -----------------------------------------------------------------------------------------------------


def _from_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]], size: tuple[int, int] | None) -> Tensor:
    """`labels`, `uv`, and perhaps `box` and `size`; or one array of three channels."""
    for name in arrays:
        if "embedding" in name.lower() or name.lower() == "coarse_segm":
            raise ValueError(
                f"{path} holds '{name}': the raw output of DensePose or its embeddings (CSE), not part, u and v; write "
                "the labels and uv of a chart model's result"
            )
    if len(arrays) == 1:
        return _from_channels(path, next(iter(arrays.values())))
    planes = [next((arrays[n] for n in names if n in arrays), None) for names in (("labels", "i", "I"), ("uv", "UV"))]
    labels, uv = planes
    if uv is None and {"u", "v"} <= {name.lower() for name in arrays}:
        lower = {name.lower(): value for name, value in arrays.items()}
        if lower["u"].shape == lower["v"].shape:
            uv = np.stack([lower["u"], lower["v"]])
    for name, array in arrays.items():
        if array.dtype.kind not in "buif":
            raise ValueError(f"{path}: {name} holds {array.dtype}, not numbers")
    if labels is None or uv is None or labels.ndim != 2 or uv.shape != (2, *labels.shape):
        shapes = ", ".join(f"{name} {value.shape}" for name, value in arrays.items())
        raise ValueError(f"{path} holds {shapes}; labels (h, w) and uv (2, h, w) of detectron2 are wanted")
    scale = 255 if uv.dtype.kind in "ui" else 1
    if uv.dtype.kind == "f":  # a network's numbers may lie a little below 0
        uv = np.where((uv < 0) & (uv >= 1 - _BEYOND), 0, uv)
    iuv = _from_channels(path, np.stack([labels, uv[0] / scale, uv[1] / scale], -1).astype(np.float64))
    if "box" not in arrays:
        return iuv
    if "size" in arrays:
        sides = np.asarray(arrays["size"], dtype=float).reshape(-1)
        if len(sides) != 2 or not ((sides >= 1) & (sides <= 100_000) & (sides == np.round(sides))).all():
            raise ValueError(f"{path}: size is width and height of the photograph in pixels, not {shortened(sides)}")
        size = (int(sides[1]), int(sides[0]))
    box = np.asarray(arrays["box"], dtype=float).reshape(-1)
    if len(box) not in (2, 4) or not (np.abs(box) < 1e6).all():  # NaN is refused too
        raise ValueError(f"{path}: box is left, top, right, bottom in pixels, not {shortened(box.tolist())}")
    return _pasted(path, iuv, (box[0], box[1]), size)


def _pasted(path: Path, iuv: Tensor, corner: Sequence[float], size: tuple[int, int] | None) -> Tensor:
    """The IUV of a person's box on the photograph of (H, W)."""
    if size is None:
        raise ValueError(
            f"{path} covers the person's box alone; give the (height, width) of the photograph: read_iuv(path, size), "
            "or with_maps with a person who has a picture"
        )
    height, width = size
    if not 0 < height <= 100_000 or not 0 < width <= 100_000 or height * width > 100_000_000:
        raise ValueError(f"{path}: a photograph of {height}x{width} pixels is beyond reason")
    left, top = round(corner[0]), round(corner[1])
    rows, columns = iuv.shape[-2:]
    above, before = max(0, -top), max(0, -left)
    below, behind = min(rows, height - top), min(columns, width - left)
    if below <= above or behind <= before or max(rows - height, columns - width) > 2:
        raise ValueError(
            f"{path}: the person's box of {rows}x{columns} at x={left}, y={top} does not lie in the photograph of "
            f"{height}x{width}"
        )
    whole = torch.zeros(3, height, width)
    whole[:, top + above : top + below, left + before : left + behind] = iuv[:, above:below, before:behind]
    return whole


def _from_results(path: Path, size: tuple[int, int] | None, keypoints: Tensor | None) -> Tensor:
    """One entry of detectron2's results for COCO: `bbox` (x, y, w, h) and `densepose` (shape and a PNG in base64)."""
    try:
        if path.stat().st_size > _MOST:
            raise ValueError(f"larger than {_MOST:,} bytes")
        content = parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as JSON: {error}") from error
    entries = content if isinstance(content, list) else [content]
    if isinstance(content, dict) and isinstance(content.get("annotations"), list):
        entries = content["annotations"]
    entries = [entry for entry in entries if isinstance(entry, dict)]
    if any("dp_I" in entry or "dp_masks" in entry for entry in entries):
        raise ValueError(
            f"{path} holds DensePose's annotations of COCO: dp_I, dp_U, dp_V of about a hundred single points, not a "
            "map of every pixel; run DensePose on the photograph"
        )
    entries = [entry for entry in entries if "densepose" in entry]
    if not entries:
        raise ValueError(f"{path} holds no result of DensePose: entries with 'bbox' and 'densepose' are wanted")
    chosen = entries[0] if len(entries) == 1 else _chosen(path, entries, keypoints)
    return _pasted(path, _decoded(path, chosen["densepose"]), _box(path, chosen)[:2], size)


def _chosen(path: Path, entries: list[dict[str, Any]], keypoints: Tensor | None) -> dict[str, Any]:
    """The entry whose box holds most of the joints."""
    if keypoints is None or not bool((keypoints[:, 2] > 0).any()):
        raise ValueError(
            f"{path} holds {len(entries)} people, and no joints say which is meant; give the person's keypoints, or a "
            "file with one entry"
        )
    points = keypoints[keypoints[:, 2] > 0, :2].double().cpu().numpy()

    def held(entry: dict[str, Any]) -> tuple[int, float]:
        x, y, w, h = _box(path, entry)
        inside = (points[:, 0] >= x) & (points[:, 0] <= x + w) & (points[:, 1] >= y) & (points[:, 1] <= y + h)
        return int(inside.sum()), -w * h

    return max(entries, key=held)


def _box(path: Path, entry: dict[str, Any]) -> tuple[float, float, float, float]:
    box = entry.get("bbox")
    try:
        x, y, w, h = (float(number) for number in box or ())
    except (TypeError, ValueError):
        raise ValueError(f"{path}: bbox is x, y, width, height in pixels, not {str(box)[:60]}") from None
    if not all(abs(number) < 1e6 for number in (x, y, w, h)):  # NaN is refused too
        raise ValueError(f"{path}: a bbox of {box} is beyond reason")
    return x, y, w, h


def _decoded(path: Path, result: Any) -> Tensor:
    """`[shape, PNG in base64]` or a mapping with `labels_uv_str` or `data` -> float32 (3, h, w)."""
    text = result[1] if isinstance(result, list) and len(result) == 2 else None
    if isinstance(result, dict):
        text = next((result[name] for name in ("labels_uv_str", "data") if name in result), None)
    if not isinstance(text, str):
        raise ValueError(
            f"{path}: 'densepose' is [shape, PNG in base64], as detectron2 writes it, not {str(result)[:60]}"
        )
    try:
        with PIL.Image.open(io.BytesIO(base64.b64decode(text)), formats=("PNG",)) as image:
            values = np.array(image)
    except Exception as error:  # whatever its decoder stumbled over
        raise ValueError(f"{path}: the PNG in 'densepose' cannot be read: {first_line(error)}") from error
    return _from_channels(path, values)
