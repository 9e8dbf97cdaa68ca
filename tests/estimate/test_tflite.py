"""Networks in TFLite files: errors, and silence."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from repose.estimate.bodypix import BodyPix
from repose.estimate.kernels import Computed, kernels_of, tflite_kernels
from repose.estimate.person_mask import PersonMask
from repose.estimate.selfie import Selfie
from repose.estimate.tflite import load_network, without_chatter
from tests.estimate import fakes

CHATTER = b"INFO: Created TensorFlow Lite XNNPACK delegate for CPU.\n"


def test_not_a_tflite_file(tmp_path: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    (tmp_path / "a.tflite").write_bytes(b"no network at all" * 9)
    with pytest.raises(ValueError, match=r"a\.tflite is not a TFLite file"):
        load_network(tmp_path / "a.tflite", (1,), (1,), "a network")


def test_another_network(shared: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    with pytest.raises(ValueError, match=r"is not MobileNet: input \(1, 9\) .* it has \(1, 256, 256, 3\)"):
        load_network(shared / "models" / "selfie_segmentation.tflite", (1, 9), (1, 2), "MobileNet")


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(ImportError, match=r"MobileNet .* installed: pip install 'pose-transfer\[estimate\]'"):
        load_network("a.tflite", (1,), (1,), "MobileNet")


def test_a_network_is_a_function(shared: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    path = shared / "models" / "selfie_segmentation.tflite"
    network = load_network(path, (1, 256, 256, 3), (1, 256, 256, 1), "the network")
    first, second = (np.full((1, 256, 256, 3), value, np.float32) for value in (0.2, 0.8))
    one = network(first)
    kept = one.copy()
    assert one.shape == (1, 256, 256, 1)
    network(second)
    assert np.array_equal(one, kept), "a result is a copy, which the next call does not change"


def test_kernels_are_told(shared: Path) -> None:
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    path = shared / "models" / "movenet_lightning.tflite"
    kernels = load_network(path, (1, 192, 192, 3), (1, 1, 17, 3), "the network").kernels
    assert re.fullmatch(r"ai-edge-litert-[\d.]+-xnnpack-\w+", kernels)
    plain = interpreter.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    other = interpreter.Interpreter(str(path), experimental_op_resolver_type=plain)
    other.allocate_tensors()
    assert tflite_kernels(other) == kernels.replace("xnnpack", "builtin")
    selfie, bodypix = Selfie(shared / "models" / "selfie_segmentation.tflite"), BodyPix(network=fakes.body_network)
    masks = PersonMask(selfie, bodypix)
    assert masks.kernels == kernels
    assert Selfie(network=lambda square: square).kernels == ""


def test_kernels_of_several_parts() -> None:
    one, two = (Computed(abs, kernels) for kernels in ("b-1", "a-2,b-1"))
    assert kernels_of(one, two, None) == "a-2,b-1"


# -- silence --------------------------------------------------------------------------------------------------------


def test_only_chatter_is_left_out(capfd: pytest.CaptureFixture[str]) -> None:
    with without_chatter():
        os.write(2, CHATTER + b"ERROR: the file is broken\nINFO: something of the program\n")
        os.write(2, b"the last line, without its end")
    os.write(2, CHATTER)
    assert capfd.readouterr().err == (
        "ERROR: the file is broken\nINFO: something of the program\nthe last line, without its end" + CHATTER.decode()
    )


def test_standard_error_is_back_after_an_exception(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with without_chatter():
            os.write(2, CHATTER + b"WARNING: nearly\n")
            raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            fail()
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "WARNING: nearly\nWARNING: nearly\nafterwards\n"


def test_no_descriptor_is_left_open(capfd: pytest.CaptureFixture[str]) -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("nothing here tells the open files")
    before = count()
    for _ in range(5):
        with without_chatter():
            pass
    assert count() == before


CLOSED = """
import os
from repose.estimate.bodypix import BodyPix
from repose.estimate.kernels import Computed, kernels_of, tflite_kernels
from repose.estimate.person_mask import PersonMask
from repose.estimate.selfie import Selfie
from repose.estimate.tflite import without_chatter
os.close(2)
with without_chatter():
    print("done")
"""


def test_a_process_without_standard_error() -> None:
    done = subprocess.run([sys.executable, "-c", CLOSED], capture_output=True, text=True, check=True)
    assert done.stdout == "done\n"


ESTIMATING = """
import numpy as np
from repose import Person
from repose.estimate import complete, estimator
from repose.represent.canvas import from_uint8
import torch
estimator("movenet").people(np.zeros((64, 64, 3), np.uint8))
person = Person(image=torch.zeros(3, 64, 48), keypoints=torch.ones(18, 3) * 20)
print(complete(person, "mask")[1])
"""


def test_an_estimate_says_nothing_on_standard_error(shared: Path) -> None:
    pytest.importorskip("ai_edge_litert")
    environment = {**os.environ, "REPOSE_FILES": str(shared / "models")}
    done = subprocess.run(
        [sys.executable, "-c", ESTIMATING], capture_output=True, text=True, env=environment, check=True
    )
    assert done.stdout == "{'mask': 'person-mask-1(selfie-segmentation-1-flip,bodypix-mobilenet-075-stride16-1)'}\n"
    assert done.stderr == ""
