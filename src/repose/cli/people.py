"""Whom an estimator saw, for --json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from repose.estimate.base import Detection, Image, KeypointEstimator
    from repose.person import Person


class Watched:
    """A keypoint estimator by its name, loaded when it is first asked, that keeps whom it saw on the last picture.

    Attributes:
        asked: whether it was asked at all: joints from files need no estimator.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._estimator: KeypointEstimator | None = None
        self._seen: list[Detection] | None = None
        self.asked = False

    @property
    def name(self) -> str:
        """Of the network and its settings."""
        return self._loaded().name

    def people(self, image: Image) -> list[Detection]:
        """See `repose.estimate.KeypointEstimator`."""
        self.asked = True
        self._seen = self._loaded().people(image)
        return self._seen

    def crops(self, images: Sequence[Image]) -> Tensor:
        """See `repose.estimate.KeypointEstimator`."""
        return self._loaded().crops(images)

    def forget(self) -> None:
        """Before the next picture."""
        self._seen = None

    def entry(self, path: Path, person: Person) -> dict[str, Any]:
        """What --json says of a photograph or a pose: the size, the joints, and which of how many people it is."""
        assert person.keypoints is not None
        located = int((person.keypoints[:, 2] > 0).sum())
        entry: dict[str, Any] = {"path": str(path)}
        if person.size is not None:
            entry |= {"height": int(person.size[0]), "width": int(person.size[1])}
        entry |= {"located": located, "keypoints": numbers(person.keypoints)}
        if self._seen is None:
            return {**entry, "joints_from": "file"}
        chosen = [k for k, one in enumerate(self._seen) if one.keypoints.equal(person.keypoints)]
        return {**entry, "joints_from": "estimator", "people": len(self._seen), "person": chosen[0] if chosen else None}

    def choice(self, which: int | str, option: str) -> str:
        """A sentence where several people were seen and none was asked for in words; "" otherwise.

        Args:
            which: as it was asked for. option: by which another is chosen.
        """
        if self._seen is None or len(self._seen) < 2 or which != "largest":
            return ""
        return f"{len(self._seen)} people were found, and the largest is taken; {option} takes another"

    def _loaded(self) -> KeypointEstimator:
        if self._estimator is None:
            from repose.estimate import estimator

            self._estimator = estimator(self._name)
        return self._estimator


def numbers(keypoints: Tensor) -> list[list[float]]:
    """Joints (18, 3) as lists of x, y, visible, in hundredths of a pixel."""
    return [[round(float(number), 2) for number in joint] for joint in keypoints.tolist()]
