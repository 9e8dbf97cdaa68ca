"""What `repose fetch` can bring, by name: the networks of other people, sets of weights, and groups of both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from repose.hub.files import FILES, File
from repose.hub.weight_sets import SETS
from repose.names import nearest
from repose.weight_places import IN_THE_WHEEL

GROUPS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "photographs": (
        "what `repose transfer` and most commands want for photographs: joints, and the outline of people",
        (
            "movenet_lightning.tflite",
            "selfie_segmentation.tflite",
            "bodypix_mobilenet_v1_075_512_512_16_quant_decoder.tflite",
        ),
    ),
    "hands": (
        "hands and feet: `repose estimate --fields extra_keypoints`",
        ("palm_detection_full.tflite", "hand_landmark_full.tflite", "pose_landmark_full.tflite"),
    ),
    "weights": (
        "trained models that are not in the wheel",
        tuple(name for name in SETS if name not in IN_THE_WHEEL),
    ),
    "metrics": (
        "the networks of the metrics of `repose eval`: LPIPS, FID, IS, SSD, identity and attributes of people",
        (
            "alexnet-owt-7be5be79.pth",
            "lpips_v0.1_alex.pth",
            "vgg16-397923af.pth",
            "lpips_v0.1_vgg.pth",
            "squeezenet1_1-b8a52dc0.pth",
            "lpips_v0.1_squeeze.pth",
            "inception_v3_google-0cc3c7bd.pth",
            "pt_inception-2015-12-05-6726825d.pth",
            "ssd300_vgg16_coco-b556d3b4.pth",
            "person-reidentification-retail-0277.xml",
            "person-reidentification-retail-0277.bin",
            "person-reidentification-retail-0288.xml",
            "person-reidentification-retail-0288.bin",
            "person-attributes-recognition-crossroad-0230.xml",
            "person-attributes-recognition-crossroad-0230.bin",
            "fastestdet_coco.onnx",
            "mobilenet_v2_imagenet.safetensors",
        ),
    ),
    "training": (
        "the networks of losses on image features: `repose train`",
        ("vgg19-dcbb9e9d.pth", "mobilenet_v2_imagenet.safetensors"),
    ),
}
"""Group -> what it is for, and the names in it."""

INSTEAD: Final = {"alexnet_features_lpips.safetensors": ("alexnet-owt-7be5be79.pth", "lpips_v0.1_alex.pth")}
"""File without a published address -> the published files that hold the same numbers."""


@dataclass(frozen=True)
class Item:
    """One thing to bring: a file of somebody's network, or a set of weights.

    Attributes:
        name: of the file, or of the set.
        kind: "network" or "weights".
        licence: of what the numbers are.
        purpose: who published it, or what it is for.
        files: its files.
    """

    name: str
    kind: str
    licence: str
    purpose: str
    files: tuple[File, ...]

    @property
    def size(self) -> int | None:
        """Bytes of all files; None if not known for certain."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size for size in sizes if size is not None)


ITEMS: Final = {
    **{name: Item(name, "network", file.licence, file.origin, (file,)) for name, file in FILES.items()},
    **{name: Item(name, "weights", one.licence, one.purpose, one.files) for name, one in SETS.items()},
}
"""All that can be brought, by name."""


def choose(names: Iterable[str]) -> list[Item]:
    """The items of names, of groups and of "all", each once, in the order of the names.

    The beginning of a name is enough where only one item begins so: "movenet".

    Raises:
        ValueError: a name is unknown, or the beginning of several; the text has the nearest, or these, and all groups.
    """
    chosen: dict[str, Item] = {}
    for name in names:
        if name == "all":
            within: tuple[str, ...] = tuple(one for one in ITEMS if one not in INSTEAD)
        elif name in GROUPS:
            within = GROUPS[name][1]
        elif name in ITEMS:
            within = INSTEAD.get(name, (name,))
        else:
            within = _beginning(name)
        chosen |= {one: ITEMS[one] for one in within}
    return list(chosen.values())


def _beginning(name: str) -> tuple[str, ...]:
    found = [one for one in ITEMS if one.startswith(name)] if name else []
    if len(found) == 1:
        return INSTEAD.get(found[0], (found[0],))
    told = f"it may be {', '.join(found)}" if found else nearest(name, ITEMS)
    raise ValueError(f"nothing that can be fetched is called '{name}' (groups: {', '.join(GROUPS)}, all); {told}")
