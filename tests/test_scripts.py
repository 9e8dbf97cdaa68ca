"""The scripts that write data and licences."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from repose.data.store import Store, StoreWriter
from repose.models.weights import shipped
from tests import tiny

SCRIPTS = Path(__file__).parents[1] / "scripts"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_halves_agree(tmp_path: Path) -> None:
    """A square of the person with a joint in its middle: picture, mask, labels and joint stay together."""
    image, mask = np.zeros((32, 16, 3), np.uint8), np.zeros((32, 16), np.uint8)
    image[8:16, 4:12], mask[8:16, 4:12] = 200, 255
    iuv = np.where(mask[..., None] > 0, np.array([3, 100, 250], np.uint8), np.uint8(0))
    joints = np.zeros((18, 3), np.float32)
    joints[2] = [7.5, 11.5, 1]
    with StoreWriter(tmp_path / "whole", 32, 16, "square") as writer:
        for name in ("a", "b"):
            writer.add(name, "p", image, joints, split="train", mask=mask, iuv=iuv, parsing=(mask > 0).astype(np.uint8))
        writer.finish({"train": [("a", "b")]})
    script("halve_store").halve(tmp_path / "whole", tmp_path / "half", iuv=True)
    store = Store.open(tmp_path / "half")
    assert store.size == (16, 8)
    assert store.pairs("train").tolist() == [[0, 1]]
    person = store.person([0], store.fields)
    inside = np.zeros((16, 8), bool)
    inside[4:8, 2:6] = True
    assert person.image is not None
    assert person.mask is not None
    assert person.iuv is not None
    assert person.parsing is not None
    assert person.keypoints is not None
    assert np.array_equal(person.mask[0, 0].numpy() > 0.5, inside)
    assert np.array_equal(person.image[0, 0].numpy() > 0.5, inside)
    assert np.array_equal(person.parsing[0].numpy() == 1, inside)
    assert np.array_equal(person.iuv[0, 0].numpy() == 3, inside)
    assert person.iuv[0, 1:, 5, 3].numpy() * 255 == pytest.approx([100, 250])
    assert person.keypoints[0, 2].tolist() == [3.5, 5.5, 1]


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"data": "somebody's photographs"}, "of which this script knows nothing"),
        ({"begun_from": {"name": "x", "data": "market1501", "licence": "-", "sha256": "-"}}, "not free for any use"),
        (
            {
                "begun_from": {
                    "name": "x",
                    "data": "synthetic-half",
                    "licence": "CC0; and: research only",
                    "sha256": "-",
                }
            },
            "not free for any use",
        ),
    ],
)
def test_no_licence_is_made_up(
    facts: dict[str, Any], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(SCRIPTS.parent)
    tiny.save(tmp_path / "run")
    card = {"data": "synthetic-half", "begun_from": None, **facts}
    (tmp_path / "run" / "card.json").write_text(json.dumps(card))
    before = set(shipped())
    with pytest.raises(SystemExit, match=why):
        script("ship_weights").main(tmp_path / "run", "nothing")
    assert set(shipped()) == before
