"""`AugmentConfig`: how strongly training pairs are changed (`augment.py`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

_LATER: Final[dict[str, Any]] = {"leave_out_default": True}
"""Of fields that are younger than runs and recipes on disk: these read and look as before (`recipes.to_dict`)."""


@dataclass(frozen=True)
class AugmentConfig:
    """How strongly pairs are changed; with the defaults they are not (`off`).

    Joints, of both people; pictures and labels stay.

    Attributes:
        jitter: standard deviation of a joint's error in x and y, a share of the person's height.
        outlier: probability of a joint to be off by `OUTLIER` more.
        swap: probability of a person to have left and right exchanged: wrists, or elbows and wrists, or whole arms;
            likewise legs.
        drop: probability of a joint to be missing; twice that for wrists, ankles and the face, half for shoulders, hips
            and neck, three times as much where occluded.
        drop_limb: probability of a person to lose a forearm with its elbow, or a lower leg with its knee.
        drop_face: probability of a person to lose nose and eyes, in half of the cases the ears, too.
        ghost: probability of a joint that is missing below the picture to be seen at its lower border, under the joint
            before it; twice that for hips.

    Geometry: pictures, joints and labels move together. A side where the person leaves the picture stays one,
    unless the picture is turned.

        scale: 0.2 draws a factor from 1 / 1.2 to 1.2.
        shift: share of the height, and of the width, to either side.
        rotate: degrees to either side.
        moved: share of the pairs that are moved at all; the others stay as sharp as they are.
        moved_apart: share of the movement that each picture draws for itself: 0 moves both alike, 1 each alone.

    Occluders, in the source's picture alone; the target shows what they hide (`occluders.py`):

        occlude: probability of a source to get one to three things: balls, boxes, poles and bags before the person,
            passers-by before, beside or behind. In `mask`, `iuv`, `parsing` and `depth` the person ends where a thing
            before it begins; a visible joint under it becomes an occluded one (0.5), which `drop` takes more often.
        occlude_most: share of the box around the person that the things before it cover at most, all together.

    Light: 0.2 draws a factor from 1 / 1.2 to 1.2.

        brightness, contrast, gamma, saturation: on values in [0, 1]; contrast is about 0.5.
        hue: degrees by which the colours of half of the pairs are turned at most, to either side, alike in both
            pictures: clothes of colours that the data has not. Skin is turned, too.
        temperature: factor on red, and its inverse on blue.
        light_apart: share that each picture draws for itself. A network cannot know the light of the target.

    Faults of the camera, of the source's picture alone, in this order; with the probabilities:

        lowres: scaled down and up again, by a factor from `lowres_least` to 1.
        blur: Gaussian, sigma up to `blur_most`, a share of the picture's height.
        noise: Gaussian, sigma up to `noise_most`, white being 1.
        jpeg: compressed, at a quality of `jpeg_quality`, least and most.

    Raises:
        ValueError: a value is outside its range; the text names both.
    """

    jitter: float = 0.0
    outlier: float = 0.0
    swap: float = 0.0
    drop: float = 0.0
    drop_limb: float = 0.0
    drop_face: float = 0.0
    ghost: float = 0.0
    scale: float = 0.0
    shift: float = 0.0
    rotate: float = 0.0
    moved: float = 1.0
    moved_apart: float = 0.0
    occlude: float = field(default=0.0, metadata=_LATER)
    occlude_most: float = field(default=0.25, metadata=_LATER)
    brightness: float = 0.0
    contrast: float = 0.0
    gamma: float = 0.0
    saturation: float = 0.0
    hue: float = field(default=0.0, metadata=_LATER)
    temperature: float = 0.0
    light_apart: float = 0.0
    lowres: float = 0.0
    lowres_least: float = 0.4
    blur: float = 0.0
    blur_most: float = 0.01
    noise: float = 0.0
    noise_most: float = 0.05
    jpeg: float = 0.0
    jpeg_quality: tuple[int, int] = (30, 95)

    def __post_init__(self) -> None:
        for name in _SHARES:
            self._require(name, 0 <= getattr(self, name) <= 1, "0 to 1")
        for name in ("scale", *LIGHT):
            self._require(name, 0 <= getattr(self, name) <= 2, "0 to 2")
        for name, most in _MOST.items():
            self._require(name, 0 <= getattr(self, name) <= most, f"0 to {most:g}")
        self._require("lowres_least", 0.05 <= self.lowres_least <= 1, "0.05 to 1")
        self._require("occlude_most", 0.01 <= self.occlude_most <= 1, "0.01 to 1")
        low, high = self.jpeg_quality
        self._require("jpeg_quality", 1 <= low <= high <= 100, "least and most, from 1 to 100,")

    @property
    def off(self) -> bool:
        """Whether nothing is changed."""
        return not (self.joints or self.geometry or self.occlude or self.light or self.faults)

    @property
    def joints(self) -> bool:
        """Whether joints are changed."""
        return any((self.jitter, self.outlier, self.swap, self.drop, self.drop_limb, self.drop_face, self.ghost))

    @property
    def geometry(self) -> bool:
        """Whether pictures are moved."""
        return bool(self.moved and (self.scale or self.shift or self.rotate))

    @property
    def light(self) -> bool:
        """Whether the light is changed."""
        return any(getattr(self, name) for name in (*LIGHT, "hue"))

    @property
    def faults(self) -> bool:
        """Whether the source has faults."""
        return any((self.lowres, self.blur, self.noise, self.jpeg))

    def _require(self, name: str, inside: bool, wanted: str) -> None:
        if not inside:
            raise ValueError(f"{name}: {wanted} is wanted, got {getattr(self, name)!r}")


_MOST: Final = {"jitter": 0.2, "shift": 0.5, "rotate": 180.0, "hue": 180.0, "blur_most": 0.1, "noise_most": 1.0}
LIGHT: Final = ("brightness", "contrast", "gamma", "saturation", "temperature")
"""The strengths of `AugmentConfig` that change the light, in the order of their random numbers."""

_SHARES: Final = (
    "outlier", "swap", "drop", "drop_limb", "drop_face", "ghost", "moved", "moved_apart", "light_apart",
    "occlude", "lowres", "blur", "noise", "jpeg",
)  # fmt: skip
