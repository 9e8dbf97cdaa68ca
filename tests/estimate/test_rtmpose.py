"""RTMPose through rtmlib: around objects that give what `rtmlib.Body` and `rtmlib.Wholebody` give."""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch

from repose.estimate import ESTIMATORS, KeypointEstimator, NobodyFound, choose, estimator
from repose.estimate.rtmpose import WHOLE_BODY, RTMPose
from repose.person import JOINTS
from tests.estimate import fakes

SIZE = (400, 600)
"""Height and width of the photographs."""


@dataclass
class Body:
    """What rtmlib's solutions are: a detector and a network of joints, on pictures whose first channel is blue.

    It says nothing of pictures: it sees the people that it is given, or, like rtmlib, the whole picture without a box.
    """

    people: list[np.ndarray]
    count: int = 17
    scores: dict[int, float] = field(default_factory=dict)
    seen: list[np.ndarray] = field(default_factory=list)

    def boxes(self) -> np.ndarray:
        return np.array([[*points.min(0), *points.max(0)] for points in self.people], np.float32)

    def det_model(self, image: np.ndarray) -> np.ndarray:
        self.seen.append(image)
        return self.boxes() if self.people else np.array([])

    def pose_model(self, image: np.ndarray, bboxes: Any = ()) -> tuple[np.ndarray, np.ndarray]:
        self.seen.append(image)
        boxes = np.asarray(bboxes).reshape(-1, 4)
        if not len(boxes):
            boxes = np.array([[0, 0, image.shape[1], image.shape[0]]])
        keypoints = np.full((len(boxes), self.count, 2), 7.0, np.float32)
        scores = np.full((len(boxes), self.count), 1.4, np.float32)  # heights of maxima pass 1
        for row, box in enumerate(boxes):
            nearest = min(self.people, key=lambda one: float(np.abs(one.min(0) - box[:2]).sum()))
            keypoints[row, :17] = nearest
            for joint, score in self.scores.items():
                scores[row, joint] = score
        return keypoints, scores


PEOPLE = [fakes.joints(30, 40, 180), fakes.joints(300, 20, 340)]


def photograph() -> np.ndarray:
    image = np.zeros((*SIZE, 3), np.uint8)
    image[..., 0] = 200  # red
    return image


@pytest.mark.parametrize("count", [17, WHOLE_BODY])
def test_everybody_the_largest_first(count: int) -> None:
    network = RTMPose(network=Body(PEOPLE, count))
    people = network.people(photograph())
    assert isinstance(network, KeypointEstimator)
    assert [person.score for person in people] == [1.0, 1.0]
    for person, points in zip(people, reversed(PEOPLE), strict=True):
        assert person.keypoints.shape == (18, 3)
        named = dict(zip(JOINTS, person.keypoints, strict=True))
        coco = dict(
            zip(("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder"), points, strict=False)
        )
        for name, place in coco.items():
            assert torch.allclose(named[name][:2], torch.from_numpy(place).float()), name
        neck = torch.from_numpy((points[5] + points[6]) / 2).float()
        assert torch.allclose(named["neck"][:2], neck), "the middle of the shoulders"
        assert person.box == pytest.approx((*points.min(0), *points.max(0)))
    assert choose(people).keypoints is people[0].keypoints


def test_the_network_sees_blue_first() -> None:
    body = Body(PEOPLE)
    RTMPose(network=body).people(photograph())
    RTMPose(network=body).crops([photograph()])
    assert len(body.seen) == 3
    assert all(image[0, 0].tolist() == [0, 0, 200] and image.flags["C_CONTIGUOUS"] for image in body.seen)


def test_unsure_joints_and_those_beyond_the_picture_are_missing() -> None:
    far = PEOPLE[0].copy()
    far[15] = (-9, 100)
    body = Body([far], scores={0: 0.29, 5: 0.1, 9: 0.3})
    (person,) = RTMPose(network=body).people(photograph())
    located = {name for name, joint in zip(JOINTS, person.keypoints, strict=True) if joint[2] > 0}
    assert set(JOINTS) - located == {"nose", "left_shoulder", "neck", "left_ankle"}
    assert not person.keypoints[[JOINTS.index("nose"), JOINTS.index("left_ankle")]].any()


def test_nobody() -> None:
    body = Body([])
    assert RTMPose(network=body).people(photograph()) == []
    with pytest.raises(NobodyFound):
        choose(RTMPose(network=body).people(photograph()))
    assert len(body.seen) == 2, "the network of joints was not asked: it would take the whole picture for a person"

    def nothing(image: np.ndarray) -> np.ndarray:
        if not image.any():
            boxes = np.zeros((1, 4))
        return boxes  # as rtmlib 0.0.13

    body.det_model = nothing  # type: ignore[method-assign]
    assert RTMPose(network=body).people(photograph()) == []
    unsure = Body(PEOPLE[:1], scores=dict.fromkeys(range(17), 0.1))
    assert RTMPose(network=unsure).people(photograph()) == []


def test_crops() -> None:
    body = Body(PEOPLE[:1])
    network = RTMPose(network=body)
    assert network.crops([]).shape == (0, 18, 3)
    joints = network.crops([photograph(), photograph()])
    assert joints.shape == (2, 18, 3)
    assert torch.equal(joints[0], network.people(photograph())[0].keypoints)


def test_what_is_no_person_of_coco_is_refused() -> None:
    with pytest.raises(ValueError, match="26 keypoints a person"):
        RTMPose(network=Body(PEOPLE, 26)).people(photograph())
    body = Body(PEOPLE)
    body.pose_model = lambda image, bboxes: (np.zeros((1, 17, 2)), np.zeros((1, 17)))  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="for 2 people"):
        RTMPose(network=body).people(photograph())


def test_names_tell_settings_apart() -> None:
    body = Body(PEOPLE)
    names = {
        RTMPose(network=body).name,
        RTMPose("lightweight", network=body).name,
        RTMPose(whole_body=True, network=body).name,
        RTMPose(threshold=0.5, network=body).name,
    }
    assert len(names) == 4
    assert "rtmpose-1-balanced-0.3" in names


def test_rtmlib_is_asked_for_its_networks(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[dict[str, Any]] = []

    def solution(**settings: Any) -> Body:
        print("load network.onnx with onnxruntime backend")
        asked.append(settings)
        return Body(PEOPLE)

    module = types.ModuleType("rtmlib")
    module.Body = module.Wholebody = solution  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "rtmlib", module)
    assert len(RTMPose().people(photograph())) == 2
    assert asked == [{"mode": "balanced", "backend": "onnxruntime", "device": "cpu"}]
    assert capsys.readouterr().out == "", "stdout belongs to --json"

    def unreachable(**settings: Any) -> Body:
        raise OSError("no network")

    module.Body = unreachable  # type: ignore[attr-defined]
    with pytest.raises(FileNotFoundError, match=r"no network.*copy the folder ~/\.cache/rtmlib"):
        RTMPose()


def test_without_rtmlib_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rtmlib", None)
    assert next(iter(ESTIMATORS["keypoints"])) == "movenet", "the default stays"
    with pytest.raises(ImportError, match=r"pose-transfer\[rtmpose\]"):
        estimator("rtmpose")


def test_the_real_rtmlib_has_what_the_adapter_uses() -> None:
    """Its classes, without their networks: the parameters, and how the joints of boxes come back."""
    pytest.importorskip("rtmlib", reason="rtmlib (the extra `rtmpose`) is not installed", exc_type=ImportError)
    import inspect

    import rtmlib

    for kind in (rtmlib.Body, rtmlib.Wholebody):
        assert {"mode", "backend", "device"} <= set(inspect.signature(kind).parameters)
        assert set(kind.MODE) == {"lightweight", "balanced", "performance"}
    pose = object.__new__(rtmlib.RTMPose)
    pose.mean, pose.std, pose.model_input_size, pose.to_openpose = None, None, (192, 256), False
    peak_x, peak_y = np.zeros((1, 17, 384), np.float32), np.zeros((1, 17, 512), np.float32)
    peak_x[..., 192] = peak_y[..., 256] = 1.5  # the middle of the network's picture
    pose.inference = lambda picture: [peak_x, peak_y]
    body = types.SimpleNamespace(det_model=lambda image: np.array([[100.0, 50, 200, 250]]), pose_model=pose)
    (person,) = RTMPose(network=body).people(photograph())
    assert person.keypoints[0].tolist() == pytest.approx([150, 150, 1], abs=1)
    assert person.score == 1
