"""Files of labels and of IUV with changed bytes: a map, or one clear line; never another kind of error."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from repose.represent.label_colours import COLOURS
from repose.represent.maps import read_iuv, read_parsing
from tests.represent.labelled_person import SIZE
from tests.represent.test_iuv_files import EXACT, HEIGHT, PIXELS, WIDTH, entry
from tests.represent.test_parsing_files import LIP

MUTATIONS = 60  # of each file


def palette(path: Path) -> None:
    image = PIL.Image.fromarray(LIP, "P")
    image.putpalette([value for colour in COLOURS["VOC"] for value in colour])
    image.save(path)


WRITERS: dict[str, tuple[Callable[[Path], object], Callable[[Path], torch.Tensor]]] = {
    "labels.png": (lambda path: PIL.Image.fromarray(LIP).save(path), read_parsing),
    "palette.png": (palette, read_parsing),
    "colours.png": (lambda path: PIL.Image.fromarray(np.array(COLOURS["LIP"], np.uint8)[LIP]).save(path), read_parsing),
    "labels.tif": (lambda path: PIL.Image.fromarray(LIP).save(path), read_parsing),
    "labels.bmp": (lambda path: PIL.Image.fromarray(LIP).save(path), read_parsing),
    "labels.webp": (lambda path: PIL.Image.fromarray(LIP).convert("RGB").save(path, lossless=True), read_parsing),
    "labels.npy": (lambda path: np.save(path, LIP), read_parsing),
    "floats.npy": (lambda path: np.save(path, LIP.astype(np.float32)), read_parsing),
    "labels.npz": (lambda path: np.savez_compressed(path, LIP), read_parsing),
    "iuv.png": (lambda path: PIL.Image.fromarray(PIXELS).save(path), read_iuv),
    "iuv.npy": (lambda path: np.save(path, EXACT), read_iuv),
    "iuv.npz": (
        lambda path: np.savez(
            path, labels=PIXELS[..., 0], uv=np.moveaxis(PIXELS[..., 1:], -1, 0), box=(0, 0), size=(WIDTH, HEIGHT)
        ),
        read_iuv,
    ),
    "iuv.pt": (lambda path: torch.save(torch.from_numpy(EXACT), path), read_iuv),
    "iuv.json": (
        lambda path: path.write_text(json.dumps([entry(20, 6, 40, 106)])),
        lambda path: read_iuv(path, (HEIGHT, WIDTH)),
    ),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", WRITERS)
def test_changed_bytes_are_one_clear_line(name: str, tmp_path: Path) -> None:
    write, read = WRITERS[name]
    path = tmp_path / name
    write(path)
    whole = path.read_bytes()
    assert read(path).shape[-2:] in (SIZE, (HEIGHT, WIDTH)), "the file itself is read"
    random = np.random.default_rng(len(name))
    lines = []
    for _ in range(MUTATIONS):
        content = bytearray(whole)
        start = 400 if random.random() < 0.5 else len(content)  # the head of a file breaks it in more ways
        for place in random.integers(0, min(start, len(content)), random.integers(1, 6)):
            content[place] = int(random.integers(0, 256))
        if random.random() < 0.2:
            content = content[: random.integers(0, len(content))]
        path.write_bytes(content)
        try:
            values = read(path)
        except ValueError as error:
            lines.append(str(error).splitlines()[0])
            continue
        assert torch.isfinite(values.float()).all()
        assert values.min() >= 0
        assert values.max() <= (19 if read is read_parsing else 24)
    assert lines
    assert all(str(path) in line and len(line) < 700 for line in lines)
