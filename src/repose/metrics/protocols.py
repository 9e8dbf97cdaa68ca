"""Protocols: everything that decides a number, as data under a name and a version.

A number without its protocol means nothing: padding, window and data range move SSIM by more than the papers differ.
A protocol is never edited once a result cites it; a change is a new version beside the old one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from repose.metrics.functional import PATN, SKIMAGE, SSIMVariant
from repose.words import nearest


@dataclass(frozen=True)
class MaskVariant:
    """The mask of mask-SSIM, drawn from the target's joints (`repose.represent.keypoints.skeleton_mask`), in pixels."""

    radius: float = 4.0
    half_width: float = 4.0
    close: int = 5


@dataclass(frozen=True)
class Protocol:
    """How generated pictures are measured against real ones.

    Every picture is rounded to uint8 first, as if saved as PNG (nearest grey level), on the protocol's canvas.

    Attributes:
        name, version: cited together, "patn-market@1".
        canvas: name in `repose.represent.canvas.CANVASES`; people reach the generator on it and results return on it.
        split: of the store.
        directions: "given" measures each listed pair, "both" also its reverse, and means over all.
        padding: left, top, right, bottom pixels put around each picture before SSIM, PSNR and L1.
        fill: grey level of the padding, 0 to 255.
        ssim: the variant of SSIM.
        mask: of mask-SSIM, or None: not measured. Both pictures are multiplied by it and SSIM is taken of the whole,
            black included, with the same variant; so its data range is that of the masked generated picture.
        pckh_alpha: share of the head box, per axis, that still counts as right.
        notes: where it comes from.
    """

    name: str
    version: int
    canvas: str
    split: str = "test"
    directions: Literal["given", "both"] = "given"
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    fill: int = 255
    ssim: SSIMVariant = PATN
    mask: MaskVariant | None = None
    pckh_alpha: float = 0.5
    notes: str = ""

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


PROTOCOLS: Final = {
    str(protocol): protocol
    for protocol in (
        Protocol(
            name="patn-market",
            version=1,
            canvas="market",
            mask=MaskVariant(),
            notes="PATN's official measurement of Market-1501 (SSIM, mask-SSIM and L1 as PG2 and Deformable GAN)",
        ),
        Protocol(
            name="patn-fashion",
            version=1,
            canvas="fashion",
            padding=(40, 0, 40, 0),
            notes="PATN's official measurement of DeepFashion: 256x176 padded with white to 256x256",
        ),
        Protocol(
            name="roy-fashion",
            version=1,
            canvas="fashion-square",
            directions="both",
            ssim=SKIMAGE,
            notes="Multi-scale Attention Guided Pose Transfer: scikit-image's defaults on 256x256, both directions",
        ),
        Protocol(
            name="people-half",
            version=1,
            canvas="fashion-half",
            mask=MaskVariant(),
            notes="ours: rendered people of half of 256x176, on 128x96, of which 8 columns are white",
        ),
        Protocol(
            name="people-fashion",
            version=1,
            canvas="fashion",
            mask=MaskVariant(radius=8.0, half_width=8.0, close=9),
            notes="ours: rendered people of 256x176 without padding; the mask of people-half at twice the size, closed "
            "with 9x9 (4 pixels to either side where 5x5 are 2)",
        ),
    )
}


def protocol(name: str) -> Protocol:
    """The protocol "name@version", or the newest version of "name". KeyError names the nearest one."""
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    versions = [p for p in PROTOCOLS.values() if p.name == name]
    if versions:
        return max(versions, key=lambda p: p.version)
    known = sorted({p.name for p in PROTOCOLS.values()})
    base, _, version = name.partition("@")
    if base in known:
        there = ", ".join(str(p) for p in PROTOCOLS.values() if p.name == base)
        raise KeyError(f"protocol '{base}' has no version '{version}'; there is {there}")
    raise KeyError(f"no protocol is called '{name}'; {nearest(base, known)}")
