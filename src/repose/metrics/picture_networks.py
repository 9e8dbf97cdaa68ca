"""The trained networks that columns need, built from their weight files.

They are Inception v3, LPIPS, SSD300, FastestDet, and those of people (`repose.metrics.person_networks`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, Protocol, TypeVar

import torch
from torch import Tensor, nn

from repose.extras import how_to_install
from repose.hub.fetch import locate
from repose.hub.files import FILES
from repose.metrics.functional import detection_score, lpips
from repose.metrics.person_networks import (
    ATTRIBUTE_FILES,
    REIDENTIFICATION,
    PersonNetwork,
    person_network,
)
from repose.nn import alexnet, inception, squeezenet, ssd, vgg
from repose.nn.lpips import ALEXNET_WEIGHTS, LPIPS_TAPS, VGG_WEIGHTS, lpips_weights

N = TypeVar("N", bound=nn.Module)

Preparation = Literal["tf", "clean", "unit", "imagenet"]
"""How `repose.nn.inception.prepared` resizes and scales pictures."""


class NetworkMissingError(Exception):
    """A network cannot be built here.

    Attributes:
        what: the file or the package that is not here. The text says where it was searched and what to do.
    """

    def __init__(self, what: str, text: str) -> None:
        self.what = what
        super().__init__(text)


class PictureNetwork(Protocol):
    """A network that looks at single pictures."""

    batch: int
    """Pictures that are fastest together."""

    def outputs(self, pictures: Tensor) -> Tensor:
        """Map uint8 (B, 3, H, W), B up to `batch`, to float32 (B, D) on the CPU."""
        ...


class InceptionNetwork:
    """Inception v3: features and logits side by side, (B, 2048 + classes); TensorFlow's logits without bias.

    Args:
        network: of TensorFlow's or torchvision's dialect.
        preparation: how pictures are resized and scaled.
        device: where it computes.
    """

    def __init__(self, network: inception.InceptionV3, preparation: Preparation, device: torch.device) -> None:
        self.network = _channels_last(network, device)
        self.preparation = preparation
        self.device, self.batch = device, _batch(device, 8)

    def outputs(self, pictures: Tensor) -> Tensor:
        """As `PictureNetwork.outputs`."""
        x = inception.prepared(pictures.to(self.device), self.preparation)
        features: Tensor = self.network(x.contiguous(memory_format=torch.channels_last))
        logits = self.network.logits(features, bias=self.network.dialect == "torchvision")
        return torch.cat([features, logits], 1).float().cpu()


class SsdNetwork:
    """SSD300: the detection score of each picture, (B, 1)."""

    def __init__(self, network: ssd.SSD300, device: torch.device) -> None:
        self.network = _channels_last(network, device)
        self.device, self.batch = device, _batch(device, 4)

    def outputs(self, pictures: Tensor) -> Tensor:
        """As `PictureNetwork.outputs`."""
        scores, _ = self.network(pictures.to(self.device).float() / 255)
        return detection_score(scores[:, :, ssd.PERSON], ssd.FLOOR)[:, None].float().cpu()


class FastestDetNetwork:
    """FastestDet through onnxruntime: the detection score of each picture, (B, 1).

    The score is objectness times the probability of a person, the best of 22x22 places. Pictures are padded to a square
    with grey 127 and resized to 352x352 (bilinear), BGR, 0 to 1. Its own example stretches them instead, and then an
    upright 128x64 is hard to recognise. Of 30 real photographs of Market-1501, padded and stretched: as they are 0.71
    and 0.46, blurred 0.04 and 0.00, noise 0.44 and 0.03, patches of 16x16 in random order 0.48 and 0.40. So the score
    says that something like a person is there, and little about its quality.
    """

    batch = 1

    def __init__(self, file: str) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        self.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name

    def outputs(self, pictures: Tensor) -> Tensor:
        """As `PictureNetwork.outputs`."""
        height, width = pictures.shape[2:]
        left, top = max(0, height - width), max(0, width - height)
        x = nn.functional.pad(pictures.cpu(), (left // 2, left - left // 2, top // 2, top - top // 2), value=127)
        x = x.float().flip(1) / 255
        x = nn.functional.interpolate(x, size=(352, 352), mode="bilinear", align_corners=False)
        (output,) = self.session.run(None, {self.input: x.numpy()})  # (1, 85, 22, 22): object, box, 80 classes
        places = torch.from_numpy(output).flatten(2)  # (1, 85, 484)
        return detection_score(places[:, 0] * places[:, 5])[:, None].float()


class LpipsNetwork:
    """LPIPS version 0.1 with one of its three networks; it compares pictures with a target.

    Args:
        network: takes pictures in [0, 1], returns tap -> features.
        weights: tap -> learnt weights (C,).
        device: where it computes.
    """

    def __init__(self, network: nn.Module, weights: Mapping[str, Tensor], device: torch.device) -> None:
        self.network = _channels_last(network, device)
        self.weights = {tap: weight.to(device) for tap, weight in weights.items()}
        self.device, self.batch = device, _batch(device, 4)

    def distances(self, pictures: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The distance of each kind of picture to the kind "target".

        Args:
            pictures: kind -> uint8 (B, 3, H, W).

        Returns:
            kind -> float64 (B,), 0 for equal pictures.
        """
        parts: dict[str, list[Tensor]] = {kind: [] for kind in pictures}
        for start in range(0, len(pictures["target"]), self.batch):
            batch = slice(start, start + self.batch)
            target = self._taps(pictures["target"][batch])
            for kind, of_kind in pictures.items():
                taps = target if kind == "target" else self._taps(of_kind[batch])
                parts[kind].append(lpips(taps, target, self.weights).cpu())
        return {kind: torch.cat(part) for kind, part in parts.items()}

    def _taps(self, pictures: Tensor) -> dict[str, Tensor]:
        x = (pictures.to(self.device).float() / 255).contiguous(memory_format=torch.channels_last)
        taps: dict[str, Tensor] = self.network(x)
        return taps


# -- what there is --------------------------------------------------------------------------------------------------

Network = PictureNetwork | PersonNetwork | LpipsNetwork


@dataclass(frozen=True)
class NetworkSource:
    """A network, with the version of everything about it that moves a number.

    Attributes:
        files: its weight files, of `repose.hub.files.FILES`.
        build: makes it from their paths, on a device.
    """

    files: tuple[str, ...]
    build: Callable[[Sequence[str], torch.device], Network]


_TRUNKS: Final[Mapping[str, Callable[[Sequence[str], str], nn.Module]]] = {
    "alex": alexnet.alexnet,
    "vgg": vgg.vgg16,
    "squeeze": squeezenet.squeezenet,
}


def _inception(
    dialect: inception.Dialect, preparation: Preparation, files: Sequence[str], device: torch.device
) -> InceptionNetwork:
    return InceptionNetwork(inception.inception_v3(dialect, files[0]), preparation, device)


def _lpips(trunk: str, files: Sequence[str], device: torch.device) -> LpipsNetwork:
    taps = LPIPS_TAPS[trunk]
    return LpipsNetwork(_TRUNKS[trunk](taps, files[0]), lpips_weights(files[1], taps), device)


def _ssd(files: Sequence[str], device: torch.device) -> SsdNetwork:
    return SsdNetwork(ssd.ssd300(files[0]), device)


def _fastestdet(files: Sequence[str], _: torch.device) -> FastestDetNetwork:
    try:
        return FastestDetNetwork(files[0])
    except ImportError as error:
        raise NetworkMissingError(
            "onnxruntime", f"detection_score needs onnxruntime: {how_to_install('onnx')}"
        ) from error


NETWORKS: Final[Mapping[str, NetworkSource]] = {
    "inception_tf@1": NetworkSource((inception.WEIGHTS["tf"],), partial(_inception, "tf", "tf")),
    "inception_clean@1": NetworkSource((inception.WEIGHTS["tf"],), partial(_inception, "tf", "clean")),
    "inception_unit@1": NetworkSource((inception.WEIGHTS["torchvision"],), partial(_inception, "torchvision", "unit")),
    "inception_imagenet@1": NetworkSource(
        (inception.WEIGHTS["torchvision"],), partial(_inception, "torchvision", "imagenet")
    ),
    "lpips_alex@0.1": NetworkSource((alexnet.WEIGHTS, ALEXNET_WEIGHTS), partial(_lpips, "alex")),
    "lpips_vgg@0.1": NetworkSource((vgg.WEIGHTS_16, VGG_WEIGHTS), partial(_lpips, "vgg")),
    "lpips_squeeze@0.1": NetworkSource((squeezenet.WEIGHTS, "lpips_v0.1_squeeze.pth"), partial(_lpips, "squeeze")),
    "ssd300_vgg16@1": NetworkSource((ssd.WEIGHTS,), _ssd),
    "reid_0277@1": NetworkSource(REIDENTIFICATION, person_network),
    "attributes_0230@1": NetworkSource(ATTRIBUTE_FILES, person_network),
    "fastestdet@1": NetworkSource(("fastestdet_coco.onnx",), _fastestdet),
}
"""Network, with its version -> its files, and how it is built."""


def build_network(name: str, device: torch.device) -> Network:
    """One of `NETWORKS`.

    Raises:
        NetworkMissingError: a weight file or a package is not here.
        ValueError: a weight file is of another network.
    """
    paths = []
    for file in NETWORKS[name].files:
        try:
            paths.append(str(locate(FILES[file])))
        except FileNotFoundError as error:
            raise NetworkMissingError(file, str(error)) from error
    with torch.random.fork_rng(devices=[]):  # a new network draws its weights, but not the caller's random numbers
        return NETWORKS[name].build(paths, device)


# -- inside ---------------------------------------------------------------------------------------------------------


def _channels_last(network: N, device: torch.device) -> N:
    moved: N = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # not in the stubs
    return moved


def _batch(device: torch.device, cpu: int) -> int:
    """Pictures at a time: more than these do not fit into the cache of a CPU."""
    return cpu if device.type == "cpu" else 64
