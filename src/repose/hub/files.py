"""Weight files as data: name, address, checksum, size, licence, origin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class File:
    """One published file.

    Attributes:
        name: what it is called here.
        url: its published https address; None if it has none.
        sha256: the whole checksum in hexadecimal, or its beginning where only that is published.
        size: bytes; None if not known for certain.
        licence: of the weights.
        origin: who made it, and from what.
        aliases: other names that a local copy may have; its checksum decides all the same.
        advice: how to obtain it, where there is no address.
        without: how to do without it, if one can.
    """

    name: str
    url: str | None
    sha256: str
    size: int | None
    licence: str
    origin: str
    aliases: tuple[str, ...] = ()
    advice: str = ""
    without: str = ""


FILES: Final = {
    file.name: file
    for file in (
        File(
            name="movenet_lightning.tflite",
            url="https://github.com/google-coral/test_data/raw/master/movenet_single_pose_lightning_ptq.tflite",
            sha256="cd7cc22fa946e5d146a7b98d496853e1923e22828d3972d579973f27f91bb105",
            size=2_894_840,
            licence="Apache-2.0",
            origin="google-coral/test_data: MoveNet single-pose lightning, quantised after training",
            aliases=("movenet_single_pose_lightning_ptq.tflite",),
        ),
        File(
            name="mobilenet_v2_imagenet.safetensors",
            url=None,
            sha256="63ba6ce8dfe50e36afaa8c4597dfca19d5318a93b6c913afaaa6cf3d5116da35",
            size=6_987_970,
            licence="Apache-2.0",
            origin="google-coral/test_data tf2_mobilenet_v2_1.0_224_ptq.tflite, int8 weights brought back to float16",
            advice="it is published nowhere in this form: take it from somebody who has it",
            without="training runs without its perceptual term: add the word objective.perceptual=none for patn-s, "
            "objective.perceptual=0 for multiscale-s",
        ),
        File(
            name="vgg19-dcbb9e9d.pth",
            url="https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
            sha256="dcbb9e9d",  # torchvision publishes the first eight digits, in the name
            size=None,
            licence="BSD-3-Clause",
            origin="torchvision: VGG19 trained on ImageNet",
        ),
        File(
            name="vgg16-397923af.pth",
            url="https://download.pytorch.org/models/vgg16-397923af.pth",
            sha256="397923af",
            size=None,
            licence="BSD-3-Clause",
            origin="torchvision: VGG16 trained on ImageNet",
        ),
    )
}
"""Every file that the house may fetch, by name."""
