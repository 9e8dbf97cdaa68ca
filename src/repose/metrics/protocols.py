"""Protocols: everything that decides a number, as data under a name and a version.

A number without its protocol means nothing: padding, window and data range move SSIM by more than the papers differ.
A protocol is never edited once a result cites it; a change is a new version beside the old one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

from repose.metrics.columns import COLUMNS
from repose.metrics.functional import GFLA, PATN, PIDM, SKIMAGE, WANG, SSIMVariant
from repose.metrics.functional.pckh import Counting
from repose.names import versioned
from repose.represent.canvas import canvas


@dataclass(frozen=True)
class MaskVariant:
    """The mask of mask-SSIM, drawn from the target's joints (`repose.represent.keypoints.skeleton_mask`), in pixels."""

    radius: float = 4.0
    half_width: float = 4.0
    close: int = 5


@dataclass(frozen=True)
class Protocol:
    """How generated pictures are measured against real ones.

    Every picture is rounded to uint8 first (nearest grey level), on the protocol's canvas. Everything after `version`
    decides numbers; where a paper says nothing, it is chosen here and `notes` tell it.

    Attributes:
        name, version: cited together, "patn-market@1".
        canvas: name in `repose.represent.canvas.CANVASES`; people reach the generator on it and results return on it.
        split: of the store.
        directions: "given" measures each listed pair, "both" also its reverse: scores of pairs are means over all,
            scores of sets the mean of the two directions'. (A split without a list means all ordered pairs, at once.)
        resize: how photographs of another size come onto the canvas before a store is packed; "none": they fit it.
            Generated pictures are never scaled.
        file: "png" measures the rounded pixels; "jpeg" those of a JPEG file of quality 75 (Pillow), of real and
            generated pictures alike.
        padding: left, top, right, bottom pixels put around each picture before it is measured, but for PCKh and the
            features of `repose.metrics.features` and the networks of `unpadded`.
        fill: grey level of the padding, 0 to 255.
        ssim: the variant of SSIM.
        mask: of mask-SSIM, or None: not measured. Both pictures are multiplied by it and SSIM is taken of the whole,
            black included, with the same variant; so its data range is that of the masked generated picture.
        windows: further SSIMs, each a column and its variant.
        ms_ssim: the variant of MS-SSIM, or None: not measured.
        local_ssim: the variant of SSIM in windows of an eighth of the height around the joints and between them
            (`repose.represent.descriptors`), the mean over the windows of all pairs, or None: not measured.
        regions: how many windows that is; one whose joints are missing in the target is left out.
        networks: columns of networks (`repose.metrics.COLUMNS`), in which dialect, splits, reference pictures and
            version are fixed. A column whose weight file is not here is left empty, and tables tell it.
        unpadded: networks, such as "lpips_alex@0.1", that see the pictures without the padding.
        pckh_alpha: share of the head box, per axis, that still counts as right.
        pckh_counting: "ours", or "released": as the released scripts count, which call every joint of a target wrong
            whose head box has no width or no height (`repose.metrics.pckh`).
        notes: where it comes from.
    """

    name: str
    version: int
    canvas: str
    split: str = "test"
    directions: Literal["given", "both"] = "given"
    resize: Literal["none", "bicubic"] = "none"
    file: Literal["png", "jpeg"] = "png"
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    fill: int = 255
    ssim: SSIMVariant = PATN
    mask: MaskVariant | None = None
    windows: tuple[tuple[str, SSIMVariant], ...] = ()
    ms_ssim: SSIMVariant | None = None
    local_ssim: SSIMVariant | None = None
    regions: int = 44
    networks: tuple[str, ...] = ()
    unpadded: tuple[str, ...] = ()
    pckh_alpha: float = 0.5
    pckh_counting: Counting = "ours"
    notes: str = ""

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


_STRIPS: Final = (
    "Its script reads strips that were saved as JPEG (*_vis.jpg), real and generated picture alike at quality 75: not "
    "done here but in "
)
_RELEASED: Final = (
    "It leaves out only targets with fewer than two joints of the head, and calls a joint on the border of half the "
    "head box wrong: so all joints of a target are wrong whose head box has no width or no height"
)

PROTOCOLS: Final = {
    str(protocol): protocol
    for protocol in (
        Protocol(
            name="patn-market",
            version=1,
            canvas="market",
            mask=MaskVariant(),
            notes="PATN's official measurement of Market-1501 (SSIM, mask-SSIM and L1 as PG2 and Deformable GAN). "
            f"{_STRIPS}patn-market-jpeg",
        ),
        Protocol(
            name="patn-fashion",
            version=1,
            canvas="fashion",
            padding=(40, 0, 40, 0),
            notes=f"PATN's official measurement of DeepFashion: 256x176 padded with white to 256x256. {_STRIPS}"
            "patn-fashion-jpeg",
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
        Protocol(
            name="patn-market",
            version=2,
            canvas="market",
            mask=MaskVariant(),
            networks=("is_tf10", "mask_is_tf10"),
            notes="version 1 with the paper's Inception Scores. Its detection score is of an SSD trained on PASCAL "
            f"VOC, whose weights cannot be had. {_STRIPS}patn-market-jpeg",
        ),
        Protocol(
            name="patn-market",
            version=3,
            canvas="market",
            mask=MaskVariant(),
            networks=("is_tf10", "mask_is_tf10", "lpips_alex", "identity_reid", "attributes"),
            notes="version 2 with LPIPS and two columns of ours, identity by a re-identification network and kept "
            f"attributes. {_STRIPS}patn-market-jpeg",
        ),
        Protocol(
            name="patn-fashion",
            version=2,
            canvas="fashion",
            padding=(40, 0, 40, 0),
            networks=("is_tf10",),
            notes=f"version 1 with the paper's Inception Score, of the padded pictures. {_STRIPS}patn-fashion-jpeg",
        ),
        Protocol(
            name="patn-market-jpeg",
            version=1,
            canvas="market",
            file="jpeg",
            mask=MaskVariant(),
            networks=("is_tf10", "mask_is_tf10"),
            notes="patn-market@2 as its official script measures: real and generated pictures pass through JPEG. In "
            "its strips they begin at multiples of 16 pixels, so each loses what it loses alone, but for its outermost "
            "columns",
        ),
        Protocol(
            name="patn-fashion-jpeg",
            version=1,
            canvas="fashion",
            file="jpeg",
            padding=(40, 0, 40, 0),
            networks=("is_tf10",),
            notes="patn-fashion@2 as its official script measures: real and generated pictures pass through JPEG, and "
            "are padded after that",
        ),
        Protocol(
            name="roy-fashion",
            version=2,
            canvas="fashion-square",
            directions="both",
            ssim=SKIMAGE,
            networks=("is_tv1", "ds", "lpips_alex", "lpips_vgg", "lpips_squeeze"),
            notes="version 1 with the paper's Inception Score (one split, mean of the directions) and LPIPS, and with "
            "ds, a detection score of SSD300-VGG16: the paper's, of NVIDIA's SSD on ResNet-50, does not compare",
        ),
        Protocol(
            name="roy-fashion-jpeg",
            version=1,
            canvas="fashion-square",
            directions="both",
            file="jpeg",
            ssim=SKIMAGE,
            networks=("is_tv1", "ds", "lpips_alex", "lpips_vgg", "lpips_squeeze"),
            notes="roy-fashion as its official code measures: real and generated pictures pass through JPEG. That code "
            "stretches each picture to its darkest and brightest value before, which is not done here",
        ),
        Protocol(
            name="pinet-fashion",
            version=1,
            canvas="fashion",
            networks=("is_tf10", "lpips_alex", "fid_tv_train"),
            notes="Human Pose Transfer by Adaptive Hierarchical Deformation: IS, LPIPS, FID. The paper does not say "
            "in which dialect; chosen as PATN's IS and GFLA's LPIPS and FID. SSIM is no column of its table",
        ),
        Protocol(
            name="patn-market-jpeg",
            version=2,
            canvas="market",
            file="jpeg",
            mask=MaskVariant(),
            networks=("is_tf10", "mask_is_tf10"),
            pckh_counting="released",
            notes=f"version 1 with PCKh counted as in the released script. {_RELEASED}",
        ),
        Protocol(
            name="patn-fashion-jpeg",
            version=2,
            canvas="fashion",
            file="jpeg",
            padding=(40, 0, 40, 0),
            networks=("is_tf10",),
            pckh_counting="released",
            notes=f"version 1 with PCKh counted as in the released script. {_RELEASED}",
        ),
        Protocol(
            name="roy-fashion-jpeg",
            version=2,
            canvas="fashion-square",
            directions="both",
            file="jpeg",
            ssim=SKIMAGE,
            networks=("is_tv1", "ds", "lpips_alex", "lpips_vgg", "lpips_squeeze"),
            pckh_counting="released",
            notes=f"version 1 with PCKh counted as in the released code. {_RELEASED}",
        ),
        Protocol(
            name="pinet-fashion",
            version=2,
            canvas="fashion",
            padding=(40, 0, 40, 0),
            networks=("is_tf10", "lpips_alex", "fid_tv_train"),
            unpadded=("lpips_alex@0.1", "inception_imagenet@1"),
            notes="version 1 with IS (and SSIM) of pictures padded with white to 256x256, as PATN measures: the IS "
            "that the paper prints for PATN is PATN's own. LPIPS and FID are of the crop, as in version 1. The "
            "released code holds no script that measures, so these remain unknown: the size of the pictures, the "
            "network of LPIPS, the network of FID, and whether FID is to the training or to the test pictures",
        ),
        Protocol(
            name="dpt-fashion",
            version=1,
            canvas="fashion-square",
            ssim=WANG,
            ms_ssim=WANG,
            networks=("is_tf10",),
            notes="Dense Pose Transfer on DeepFashion at 256x256. No code was released: windows as first published, "
            "range 255, IS in 10 splits. Its 8,670 test pairs are not the 8,570 of PATN, and no list of them is public",
        ),
        Protocol(
            name="dpt-mvc",
            version=1,
            canvas="fashion-square",
            resize="bicubic",
            ssim=WANG,
            ms_ssim=WANG,
            networks=("is_tf10",),
            notes="Dense Pose Transfer on MVC: pictures of 1920x2240 brought to 256x256, 14,924 test pairs; the paper "
            "does not say how they are scaled",
        ),
        Protocol(
            name="hpn-h36m",
            version=1,
            canvas="fashion-square-1024",
            ssim=WANG,
            local_ssim=WANG,
            notes="High-Resolution Pose Transfer on Human3.6M at 1024x1024: SSIM and local-SSIM in 44 windows of side "
            "128. No code was released: the window of SSIM is Wang's, the 44 places are chosen (18 joints, two points "
            "on each of 13 bones)",
        ),
        Protocol(
            name="hpn-fashion",
            version=1,
            canvas="fashion-square",
            ssim=WANG,
            local_ssim=WANG,
            notes="High-Resolution Pose Transfer on DeepFashion; the paper does not say at which size: 256x256, as the "
            "work that it compares with",
        ),
        Protocol(
            name="fashion-256",
            version=1,
            canvas="fashion",
            resize="bicubic",
            windows=(("ssim_51", GFLA), ("ssim_sigma_1_2", PIDM)),
            networks=("fid_tv_train", "lpips_alex"),
            notes="the field since GFLA (DPTN, NTED, PIDM, CFLD): the 256x176 crop, scaled bicubically, LPIPS Alex, "
            "FID to the training pictures. Their scripts give two SSIMs, Gaussian (here SSIM) and uniform 51x51, and "
            "which one a paper prints it does not say; PIDM's has sigma 1.2. DPTN's pads with white to 256x256 before",
        ),
        Protocol(
            name="people-small",
            version=1,
            canvas="fashion-small",
            mask=MaskVariant(),
            networks=("lpips_alex", "fid_clean_test", "kid_clean_test", "detection_score"),
            notes="ours: rendered people of 128x88, half of 256x176, without the white columns of people-half",
        ),
    )
}


def protocol(name: str) -> Protocol:
    """The protocol "name@version", or the newest version of "name". KeyError names the nearest one."""
    return versioned(name, PROTOCOLS, "protocol")


def shared(protocols: Iterable[str]) -> str:
    """The one protocol, name@version, of numbers that are to stand in one column.

    Raises:
        ValueError: there are none, one has no version, or they differ: numbers under two protocols do not compare.
    """
    names = sorted(set(protocols))
    if not names or any("@" not in name for name in names):
        raise ValueError(
            "a number cannot be shown without the protocol and version that made it, such as patn-market@1"
        )
    if len(names) > 1:
        raise ValueError(f"numbers of different protocols cannot stand in one column: {', '.join(names)}")
    return names[0]


def overview(protocols: Iterable[Protocol] | None = None) -> str:
    """Everything that the protocols fix, as a table in Markdown, for docs/protocols.md."""
    head = ("protocol", "canvas", "file", "SSIM", "further columns", "pairs")
    rows = [head, ("---",) * len(head)]
    chosen = list(protocols or PROTOCOLS.values())
    for one in sorted(chosen, key=lambda one: (one.name, one.version)):
        place = canvas(one.canvas)
        left, top, right, bottom = one.padding
        size = f"{place.height}x{place.width}"
        if any(one.padding):
            colour = "white" if one.fill == 255 else f"grey level {one.fill}"
            size += f", padded with {colour} to {place.height + top + bottom}x{place.width + left + right}"
        size += ", from other sizes bicubic" if one.resize == "bicubic" else ""
        further = [f"{name}: {variant}" for name, variant in one.windows]
        if one.mask is not None:
            further.append(f"mask_ssim: radius {one.mask.radius:g}, half-width {one.mask.half_width:g}, "
                           f"closed with {one.mask.close}x{one.mask.close}")  # fmt: skip
        further += [f"ms_ssim: {one.ms_ssim}"] if one.ms_ssim else []
        further += [f"local_ssim: {one.regions} windows, {one.local_ssim}"] if one.local_ssim else []
        further += [
            f"{name}, without padding" if COLUMNS[name].network in one.unpadded else name for name in one.networks
        ]
        further += ["PCKh as the released scripts count it"] if one.pckh_counting == "released" else []
        pairs = "both directions" if one.directions == "both" else "given direction"
        file = "PNG" if one.file == "png" else "JPEG, quality 75"
        rows.append((f"`{one}`", size, file, str(one.ssim), "; ".join(further), f"{one.split}, {pairs}"))
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    notes = [f"- `{one}`: {one.notes}." for one in chosen]
    return "\n".join([*lines, "", *notes]) + "\n"
