"""What is sewn onto a garment: collars, cuffs, waistbands, plackets, pockets, hoods."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from repose.body.model import Floats
from repose.body.surface import Surface, normals
from repose.render.mesh import clip, merge
from repose.render.wear.cuts import ARM_METRE, Cut, armness, cut_out, hem_of, neck_field, number, opening, smoothstep

_SEAM: Final = 0.004  # metres, the dark line along the rim of what is sewn on


def trimmings(kind: str, cut: Cut, surface: Surface) -> list[Surface]:
    """Second layers sewn onto a garment: bands, collars, plackets, pockets."""
    canon, along = surface.canon, surface.along
    arm, z, x = armness(canon), canon[:, 2], canon[:, 0]
    front = canon[:, 1] < -0.03
    fields: list[tuple[NDArray[Any], Any, float]] = []  # where, metres it lies off, shade
    neck = neck_field(canon, cut) if kind not in ("skirt", "trousers") else None
    style = str(cut.get("neck", "")) if kind != "coat" else str(cut.get("collar", "none"))
    if kind in ("skirt", "trousers") and number(cut, "ease", 0.01) > 0.0035:
        fields.append((z - number(cut, "waist", 0.25) + 0.035 - 2 * arm, 0.003, 0.92))
    if kind == "trousers" and 0.004 < number(cut, "ease", 0.01) < 0.03:
        pocket = np.minimum(0.058 - np.abs(np.abs(x) - 0.092), 0.065 - np.abs(z - number(cut, "waist", 0.25) + 0.125))
        fields.append((np.where(front, -1, pocket), 0.003, 0.95))
    if number(cut, "cuff", 0) > 0.5 and number(cut, "sleeve", 0) > 1.0:
        fields.append(((along[:, 0] - number(cut, "sleeve", 0) + 0.24) * ARM_METRE - (1 - arm), 0.003, 0.94))
    if neck is not None and style == "collar":
        tips = 0.040 + 0.02 * np.clip(1 - np.abs(np.abs(x) - 0.055) / 0.04, 0, 1) * front
        leaf = np.minimum(tips - neck, np.where(front, np.abs(x) - 0.006, 1))
        fields.append((leaf, 0.006, 0.97))
    elif neck is not None and style in ("crew", "scoop", "vee", "high") and number(cut, "ease", 0) > 0.006:
        fields.append((0.018 - neck, 0.004, 0.95))
    if number(cut, "placket", 0) > 0.5:
        strip = np.where(front, 0.016 - np.abs(x - 0.004), -1) - arm
        fields.append((strip, 0.004, 0.96))
    if neck is not None and (number(cut, "hood", 0) > 0.5 or (kind == "coat" and style == "hood")):
        deep = np.minimum(0.16 - neck - 1.3 * np.maximum(np.abs(x) - 0.045, 0), 1.5 * (canon[:, 1] + 0.03))
        fields.append((deep, 0.006 + 0.045 * np.sin(np.clip(deep / 0.16, 0, 1) * np.pi) ** 0.7, 0.97))
    if kind == "coat":
        fields += _coat_patches(cut, canon, neck, style, front)
    patches = [_patch(surface, f.astype(np.float32), lift, shade) for f, lift, shade in fields]
    stands = style in ("collar", "lapel", "stand", "hood")
    return [_raised(p, cut) if stands else p for p in patches if p is not None]


def _raised(patch: Surface, cut: Cut) -> Surface:
    """Collars stand at the neckline and fall outwards; other patches are too far from the neck to change."""
    neck = neck_field(patch.canon, cut)
    up = 0.009 * np.clip(1 - neck / 0.045, 0, 1) * smoothstep(-0.12, -0.05, patch.canon[:, 1])
    rest = patch.rest.copy()
    rest[:, 2] += up.astype(np.float32)
    return replace(patch, rest=rest)


def _coat_patches(
    cut: Cut, canon: Floats, neck: Floats | None, style: str, front: NDArray[np.bool_]
) -> list[tuple[NDArray[Any], Any, float]]:
    x, z = np.abs(canon[:, 0]), canon[:, 2]
    gap = number(cut, "gap", 0.0)
    edge = np.maximum(opening(cut, z), 0)
    out: list[tuple[NDArray[Any], Any, float]] = []
    if style == "lapel":
        width = 0.075 * np.clip((z - 0.30) / 0.20, 0, 1) + 0.02 * smoothstep(0.55, 0.56, z) * smoothstep(0.60, 0.58, z)
        out.append((np.where(front, np.minimum(width - (x - edge), 0.66 - z), -1), 0.008, 0.95))
        if neck is not None:
            out.append((np.where(canon[:, 1] > -0.05, 0.045 - neck, -1), 0.008, 0.95))
    elif style in ("stand", "hood") and neck is not None:
        out.append((0.04 - neck, 0.006, 0.93))
    if gap > 0 and style != "lapel":
        out.append((np.where(front, 0.018 - (x - edge), -1), 0.003, 0.93))
    pocket_z = max(number(cut, "hem", 0.0) + 0.12, 0.06)
    pocket = np.minimum(0.06 - np.abs(x - gap - 0.10), 0.055 - np.abs(z - pocket_z))
    if hem_of("coat", cut) < 0.1:
        out.append((np.where(front, pocket, -1), 0.004, 0.95))
    return out


def _patch(surface: Surface, field: Floats, lift: Any, shade: float) -> Surface | None:
    """A copy of the surface where `field` > 0, `lift` metres off it, its rim darker as a seam is."""
    if (field > 0).sum() < 3:
        return None
    up = normals(surface.rest, surface.faces) * np.reshape(lift, (-1, 1)).astype(np.float32)
    # The field travels in `shade` through the first cut, for the second needs it at the new vertices.
    part = cut_out(replace(surface, rest=surface.rest + up, shade=field), field)
    if not len(part.faces):
        return None
    parts = [
        replace(p, shade=np.full(len(p), tone, np.float32))
        for p, tone in ((clip(part, part.shade - _SEAM), shade), (clip(part, _SEAM - part.shade), 0.72 * shade))
        if len(p.faces)
    ]
    return merge(parts) if parts else None
