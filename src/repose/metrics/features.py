"""Distances of pictures in the features of a frozen MobileNetV2 (ImageNet), under names of their own.

They take the place of LPIPS and FID, whose networks' weights may not be passed on freely, and are neither:

- `feature_distance`: the distance of two pictures, as LPIPS without its learnt weights;
- `appearance`: how similar two people look, whatever the background is;
- `identity`: the appearance of the generated picture against the source; `clothing`: that of their clothes alone;
- `fd`: Frechet distance of the generated pictures' features to those of the targets; `kd`: KID's distance of the same.

Everything that decides the numbers (taps, scales, norms, the mask) is fixed under a version in `VERSIONS`; a change is
a new version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from repose.metrics.functional.pckh import HEAD
from repose.metrics.functional.perceptual import consistency
from repose.metrics.functional.regions import CLOTHES
from repose.names import nearest
from repose.nn.lpips import unit
from repose.nn.mobilenet import WEIGHTS, MobileNetV2, mobilenet_v2
from repose.person import JOINTS, Person
from repose.represent.keypoints import skeleton_mask

VERSIONS: Final = {"mobilenet_v2@1": WEIGHTS}
"""Version -> the weight file that it needs."""

NEWEST: Final = "mobilenet_v2@1"

COMPARED: Final = ("blocks.0", "blocks.2", "blocks.5", "blocks.12")
"""Taps of `feature_distance`: at 1/2, 1/4, 1/8, 1/16 of the picture's size."""

POOLED: Final = "blocks.16"
"""Tap of `appearance` and `fd`, averaged over the picture: 320 numbers."""

_BATCH: Final = 4
"""Pictures in the network at a time: on one thread 8 and more do not fit into the cache and take up to 1.8 times as
long."""


@dataclass(frozen=True)
class FeatureOutputs:
    """The network's outputs for B pictures.

    Attributes:
        taps: tap of `COMPARED` -> unit vectors along the channels, float32 (B, C, H', W').
        whole: pooled features of the pictures, float64 (B, 320).
        person: of the same pictures with middle grey outside of the person.
        has_person: bool (B,), whether there is a person at all.
        clothes: as `person`, with middle grey outside of the clothes; None if the pictures have no parsing.
        has_clothes: bool (B,), whether there are clothes at all; None likewise.
    """

    taps: dict[str, Tensor]
    whole: Tensor
    person: Tensor
    has_person: Tensor
    clothes: Tensor | None = None
    has_clothes: Tensor | None = None


class Features:
    """The frozen network with the fixed scales of its channels.

    Args:
        version: key of `VERSIONS`.
        network: instead of the one from the weight file.
        device: where it computes.

    Raises:
        KeyError: no such version; names the nearest.
        FileNotFoundError: the weight file is not here; the text says where it was searched.
    """

    def __init__(
        self, version: str = NEWEST, network: MobileNetV2 | None = None, device: torch.device | str = "cpu"
    ) -> None:
        checked_version(version)
        self.version = version
        with torch.random.fork_rng(devices=[]):  # a new network draws its weights, but not the caller's random numbers
            built = network or mobilenet_v2((*COMPARED, POOLED), scaled=True)
        self.network = built.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # absent from the stubs
        self.device = torch.device(device)

    @torch.no_grad()
    def run(self, pictures: Tensor, mask: Tensor, clothes: Tensor | None = None) -> FeatureOutputs:
        """Run the network on the pictures, on the people alone, and on their clothes alone.

        Args:
            pictures: uint8 (B, 3, H, W).
            mask: (B, 1, H, W), 0 or 1, where the person is (`person_mask`).
            clothes: (B, 1, H, W), 0 or 1, where the clothes are (`clothes_mask`), or None.
        """
        taps: dict[str, list[Tensor]] = {tap: [] for tap in COMPARED}
        whole = []
        inside: list[list[Tensor]] = [[] for _ in range(1 if clothes is None else 2)]
        shapes = [mask] if clothes is None else [mask, clothes]
        step = _BATCH if self.device.type == "cpu" else 64
        for start in range(0, len(pictures), step):
            part = pictures[start : start + step]
            images = part.to(self.device).float().div_(127.5).sub_(1).contiguous(memory_format=torch.channels_last)
            features: dict[str, Tensor] = self.network(images)
            for tap in COMPARED:
                taps[tap].append(unit(features[tap]))
            whole.append(features[POOLED].double().mean((2, 3)))
            for shape, pooled in zip(shapes, inside, strict=True):
                only: dict[str, Tensor] = self.network(images * shape[start : start + step].to(self.device))
                pooled.append(only[POOLED].double().mean((2, 3)))
        masked = [torch.cat(pooled) for pooled in inside]
        shown = [shape.flatten(1).amax(1) > 0 for shape in shapes]
        return FeatureOutputs(
            {tap: torch.cat(parts) for tap, parts in taps.items()},
            torch.cat(whole),
            masked[0],
            shown[0],
            None if clothes is None else masked[1],
            None if clothes is None else shown[1],
        )


def feature_distance(one: FeatureOutputs, other: FeatureOutputs) -> Tensor:
    """The distance of each two pictures, float64 (B,): 0 for equal ones, at most 4, the same in both directions.

    For each tap the squared difference of the unit vectors, added up over the channels, averaged over the picture;
    the mean over the taps. As LPIPS with all its weights 1, but for the network and the scales of the channels.

    Source: Zhang et al. 2018, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", eq. 1.
    """
    apart = [(one.taps[tap] - other.taps[tap]).double().square().sum(1).mean((1, 2)) for tap in COMPARED]
    return torch.stack(apart).mean(0).cpu()


def appearance(one: FeatureOutputs, other: FeatureOutputs) -> tuple[Tensor, Tensor]:
    """Cosine of the pooled features of the two people, and which pairs count.

    Returns:
        the cosine, -1 to 1, 1 for equal pictures; and 1 where both pictures show a person, else 0; float64 (B,) each.

    Of 200 test pairs of people-fashion-half, two pictures of one
    person in other poses have 0.51 on average, pictures of two people 0.39.
    """
    counts = (one.has_person & other.has_person).double().cpu()
    return consistency(one.person, other.person).cpu() * counts, counts


def clothing(one: FeatureOutputs, other: FeatureOutputs) -> tuple[Tensor, Tensor] | None:
    """`appearance` of the clothes alone, without skin, hair and face; None if one of the two has no parsing."""
    if one.clothes is None or other.clothes is None or one.has_clothes is None or other.has_clothes is None:
        return None
    counts = (one.has_clothes & other.has_clothes).double().cpu()
    return consistency(one.clothes, other.clothes).cpu() * counts, counts


def person_mask(person: Person, thick: float = 2.0) -> Tensor:
    """The skeleton as mask-SSIM draws it on 128 rows, at any size; `appearance` looks there alone.

    Args:
        person: batched, with joints and a size.
        thick: 2 as `appearance` has it: limbs and discs reach H / 16 to either side, 8 pixels at 128 rows, 16 at 256;
            1 as mask-SSIM has it, half as far. It is closed with a 5x5 square at 128 rows, 9x9 at 256.

    Returns:
        uint8 (B, 1, H, W), 0 or 1; without visible joints it is 0.

    Raises:
        ValueError: the person has no keypoints or no size.
    """
    if person.keypoints is None or person.size is None:
        raise ValueError("person_mask: keypoints and a size are needed")
    height, width = person.size
    reach = thick * height / 32
    drawn = skeleton_mask(person.keypoints, height, width, reach, reach, 2 * (height // 64) + 1)
    return drawn.to(torch.uint8)


def clothes_mask(person: Person) -> Tensor:
    """Where the parsing has clothes, uint8 (B, 1, H, W), 0 or 1; of a generated picture that of the target is taken.

    Raises:
        ValueError: the person has no parsing.
    """
    if person.parsing is None:
        raise ValueError("clothes_mask: a parsing is needed")
    return torch.isin(person.parsing, torch.tensor(CLOTHES, device=person.parsing.device))[:, None].to(torch.uint8)


def clothes_region(person: Person) -> Tensor:
    """Where the clothes are, for `clothing_reid`: their labels, or else the skeleton below the neck (`person_mask`).

    The skeleton's trunk and limbs are clothes for the most part; the head never is.

    Returns:
        uint8 (B, 1, H, W), 0 or 1; 0 everywhere without labels of clothes or visible joints.

    Raises:
        ValueError: the person has neither parsing nor keypoints.
    """
    if person.parsing is not None:
        return clothes_mask(person)
    if person.keypoints is None:
        raise ValueError("clothes_region: a parsing or keypoints are needed")
    keypoints = person.keypoints.clone()
    keypoints[:, [joint for joint in HEAD if JOINTS[joint] != "neck"]] = 0
    return person_mask(replace(person, keypoints=keypoints))


def checked_version(version: str) -> str:
    """The version itself. KeyError, with the nearest one, if there is none of that name."""
    if version not in VERSIONS:
        raise KeyError(f"no features are called '{version}'; {nearest(version, VERSIONS)}")
    return version


def load_features(
    features: bool | str, device: torch.device | str = "cpu"
) -> tuple[Features | None, Mapping[str, str | None]]:
    """The network of `EvaluationSettings.features`, and the facts of the result line.

    Args:
        features: False for none; True for the newest version where its file is here; a version needs its file.
        device: where it computes.

    Returns:
        The network or None; "features": the version or None, and "weights_missing": the file, if it is not here.

    Raises:
        KeyError: no such version. FileNotFoundError: a version was named and its file is not here.
    """
    if features is False:
        return None, {"features": None}
    version = NEWEST if features is True else checked_version(features)
    try:
        return Features(version, device=device), {"features": version}
    except FileNotFoundError:
        if features is not True:
            raise
        return None, {"features": None, "weights_missing": VERSIONS[version]}
