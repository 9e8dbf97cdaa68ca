"""DensePose's part, u and v from every file that holds them; what does not is one sentence."""

import base64
import io
import json
import pickle
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from repose.person import JOINTS, Person
from repose.represent.iuv_files import SNIPPET
from repose.represent.maps import read_iuv, with_maps

HEIGHT, WIDTH = 120, 80


def surface() -> np.ndarray:
    """float64 (120, 80, 3): four parts whose u and v change slowly; 0 beside the person."""
    iuv = np.zeros((HEIGHT, WIDTH, 3))
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    for part, (top, bottom, left, right) in {
        23: (8, 30, 30, 40), 24: (8, 30, 40, 50), 2: (30, 70, 24, 56), 12: (70, 110, 26, 38), 11: (70, 110, 42, 54),
    }.items():  # fmt: skip
        box = np.s_[top:bottom, left:right]
        iuv[box] = np.stack(
            [np.full_like(rows[box], part), (columns[box] - left + 1) / 60, (rows[box] - top + 1) / 60], -1
        )
    return iuv


EXACT = surface()
PIXELS = np.round(EXACT * (1, 255, 255)).astype(np.uint8)
WANTED = np.moveaxis(EXACT, -1, 0)


def close(iuv: torch.Tensor, wanted: np.ndarray = WANTED, step: float = 0.002) -> bool:
    return iuv.dtype == torch.float32 and np.abs(iuv.numpy() - wanted).max() <= step


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)], ids=["I first", "I last"])
def test_pictures_and_arrays_in_either_order_and_scale(order: tuple[int, ...], tmp_path: Path) -> None:
    PIL.Image.fromarray(PIXELS[..., list(order)]).save(tmp_path / "iuv.png")
    np.save(tmp_path / "pixels.npy", PIXELS[..., list(order)])
    np.save(tmp_path / "exact.npy", EXACT[..., list(order)])
    np.save(tmp_path / "float255.npy", PIXELS[..., list(order)].astype(np.float32))
    np.save(tmp_path / "planes.npy", np.moveaxis(EXACT[..., list(order)], -1, 0))
    np.savez(tmp_path / "one.npz", iuv=PIXELS[..., list(order)])
    torch.save(torch.from_numpy(EXACT[..., list(order)].copy()), tmp_path / "one.pt")
    for name in ("iuv.png", "pixels.npy", "exact.npy", "float255.npy", "planes.npy", "one.npz", "one.pt"):
        assert close(read_iuv(tmp_path / name)), name


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)], ids=["I first", "I last"])
def test_the_order_where_u_and_v_are_as_small_as_parts(order: tuple[int, ...], tmp_path: Path) -> None:
    """u and v of at most 24 of 255 could be parts by their numbers, but parts do not change at every pixel."""
    small = PIXELS.copy()
    small[..., 1:] = np.minimum(small[..., 1:] // 4 + (small[..., :1] > 0), 24)
    np.save(tmp_path / "small.npy", small[..., list(order)])
    assert np.array_equal(read_iuv(tmp_path / "small.npy")[0].numpy(), small[..., 0])


def test_results_of_detectron2(tmp_path: Path) -> None:
    box = np.s_[6:112, 20:60]
    labels, uv = PIXELS[..., 0][box].astype(np.int64), np.moveaxis(EXACT[..., 1:], -1, 0)[:, box[0], box[1]]
    place = np.array([20.2, 5.9, 60.0, 112.0])
    np.savez(tmp_path / "iuv.npz", labels=labels, uv=uv, box=place, size=(WIDTH, HEIGHT))
    assert close(read_iuv(tmp_path / "iuv.npz"))
    torch.save({"labels": torch.from_numpy(labels), "uv": torch.from_numpy(uv)}, tmp_path / "whole.pt")
    assert close(read_iuv(tmp_path / "whole.pt"), WANTED[:, box[0], box[1]])
    np.savez(tmp_path / "box.npz", labels=labels, uv=uv, box=place)
    with pytest.raises(ValueError, match=r"covers the person's box alone; give the \(height, width\)"):
        read_iuv(tmp_path / "box.npz")
    person = with_maps(Person(image=torch.zeros(3, HEIGHT, WIDTH)), iuv=tmp_path / "box.npz")
    assert person.iuv is not None
    assert close(person.iuv)
    with pytest.raises(ValueError, match="does not lie in the photograph of 50x50"):
        read_iuv(tmp_path / "box.npz", (50, 50))
    np.savez(tmp_path / "parts.npz", labels=labels, uv=uv[:1])
    with pytest.raises(ValueError, match=r"labels \(h, w\) and uv \(2, h, w\) of detectron2 are wanted"):
        read_iuv(tmp_path / "parts.npz")


def entry(x: int, y: int, w: int, h: int) -> dict[str, object]:
    """An entry of detectron2's results: the person's box and its IUV as a PNG in base64."""
    stream = io.BytesIO()
    PIL.Image.fromarray(PIXELS[y : y + h, x : x + w]).save(stream, "PNG")
    text = base64.encodebytes(stream.getvalue()).decode()
    return {"image_id": 1, "bbox": [x, y, w, h], "score": 0.9, "densepose": [[3, h, w], text]}


def test_results_as_json(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps([entry(20, 6, 40, 106)]))
    assert close(read_iuv(path, (HEIGHT, WIDTH)))
    path.write_text(json.dumps([entry(0, 0, 10, 10), entry(20, 6, 40, 106)]))
    with pytest.raises(ValueError, match="holds 2 people, and no joints say which"):
        read_iuv(path, (HEIGHT, WIDTH))
    joints = torch.zeros(len(JOINTS), 3)
    joints[0] = torch.tensor([40.0, 20.0, 1.0])
    assert close(read_iuv(path, (HEIGHT, WIDTH), joints))
    path.write_text(json.dumps({"annotations": [{"dp_I": [1.0], "dp_U": [0.1], "dp_V": [0.2], "bbox": [0, 0, 9, 9]}]}))
    with pytest.raises(ValueError, match="about a hundred single points"):
        read_iuv(path)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "harm",))

    (tmp_path / "results.pkl").write_bytes(pickle.dumps([{"pred_densepose": Harm()}]))
    with pytest.raises(ValueError, match="can run any code and is not opened; write it anew"):
        read_iuv(tmp_path / "results.pkl")
    assert not (tmp_path / "harm").exists()
    compile(SNIPPET.replace("    ", ""), "snippet", "exec")
    assert len(SNIPPET.splitlines()) == 6


def test_the_snippet_writes_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With objects as detectron2's results have them."""
    monkeypatch.chdir(tmp_path)
    PIL.Image.new("RGB", (WIDTH, HEIGHT)).save("me.png")
    result = type("Result", (), {})()
    result.labels, result.uv = torch.from_numpy(PIXELS[..., 0].astype(np.int64)), torch.from_numpy(WANTED[1:].copy())
    dump = [{"file_name": "me.png", "pred_boxes_XYXY": torch.tensor([[0.0, 0, 80, 120]]), "pred_densepose": [result]}]
    monkeypatch.setattr(torch, "load", lambda *args, **kwargs: dump)
    exec(SNIPPET.replace("    ", ""))
    monkeypatch.undo()
    assert close(read_iuv(tmp_path / "iuv.npz"))


# -- what is none ---------------------------------------------------------------------------------------------------


def noise(high: int) -> np.ndarray:
    return np.random.default_rng(0).integers(1, high, (HEIGHT, WIDTH)).astype(float)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a * (1, 1, 300), r"one of u and v goes up to 0.[0-9]+, the other up to 200; both are"),
        (lambda a: a * (1, 1, 3000), r"holds .* at x=.*, y=.*, channel 2: parts are 0 to 24, u and v 0 to 1 or"),
        (lambda a: a - (0, 0.001, 0), r"holds -0.001 at x=0, y=0, channel 1"),
        (lambda a: np.where(a == 23, np.nan, a), "holds nan at x=30, y=8, channel 0"),
        (lambda a: a + (0.5, 0, 0) * (a[..., :1] > 0), "neither the first nor the last channel"),
        (lambda a: a * (2, 1, 1), "neither the first nor the last channel"),
        (lambda a: a.round().astype(np.uint8), "u and v are 0 or 1 everywhere, so they were cut"),
        (lambda a: np.stack([noise(25) * (a[..., 0] > 0), a[..., 1], a[..., 2]], -1), "its parts change at"),
        (lambda a: np.stack([a[..., 0], noise(256) / 256 * (a[..., 0] > 0), a[..., 2]], -1), "u and v jump by"),
        (lambda a: np.zeros((16, 30, 30)), r"embeddings of 16 numbers \(DensePose CSE\)"),
        (lambda a: a[..., 0], r"is \(120, 80\), DensePose's part, u and v are three channels"),
        (lambda a: a.astype("U4"), "not numbers"),
    ],
)
def test_arrays_that_are_no_iuv(change, message: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    np.save(tmp_path / "iuv.npy", change(EXACT))
    with pytest.raises(ValueError, match=message):
        read_iuv(tmp_path / "iuv.npy")
    np.savez(tmp_path / "cse.npz", embedding=np.zeros((1, 16, 9, 9)), coarse_segm=np.zeros((1, 2, 9, 9)))
    with pytest.raises(ValueError, match=r"raw output of DensePose or its embeddings"):
        read_iuv(tmp_path / "cse.npz")


def test_a_jpeg_is_refused(tmp_path: Path) -> None:
    PIL.Image.fromarray(PIXELS).save(tmp_path / "iuv.jpg")
    with pytest.raises(ValueError, match="is a JPEG"):
        read_iuv(tmp_path / "iuv.jpg")
