"""The baked body: a linear space of rest shapes, its skeleton, and the exact joints of a posed body.

Rest frame, metres: x runs to the person's left, y to the back, z up. The person looks along -y, arms at 45 degrees.
All rotations are given in these axes, so that the asset needs pivots but no bone orientations.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

Floats = NDArray[np.float32]
JOINT_COUNT = 18
# 0 nose, 1 neck (made here), then the order of the asset, which is the order of the house without the neck.
_ROW_OF_ASSET = [0, *range(2, JOINT_COUNT)]


@dataclass(frozen=True)
class Shape:
    """One person's body at rest.

    Attributes:
        vertices: (V, 3) float32, metres.
        normals: (V, 3) float32, unit length, outwards.
        heads: (J, 3) float32, the pivot of each bone.
        points: (N, J, 4) float32, what `Body.joints` multiplies with the posed bones: 18 joints, then the anchors.
        scale: (V,) float32, how much longer than on the mean body lengths are near each vertex.
    """

    vertices: Floats
    normals: Floats
    heads: Floats
    points: Floats
    scale: Floats


class Body:
    """The asset `body.safetensors`; get it with `load_body`.

    Attributes:
        bones: names of the J bones; a parent always comes before its children.
        faces: the surface layers "body", "shell" (a suit over it), "skirt" and "hair", each (F, 3) uint16.
        canon: (V, 3) float32, the mean body at rest, where garments and patterns are drawn.
        attributes: (V, 8) float16 per vertex: position along the arm (0 shoulder, 1 elbow, 2 wrist, 3 fingertip) and
            along the leg (0 hip, 1 knee, 2 ankle), how much it is arm, leg, head or neck, foot, lips, eye.
        bone_index: (V, 4) uint8. weights: (V, 4) float32, how much each of these bones moves the vertex; they sum to 1.
        traits: (K, 2) gender (0 male, 1 female) and age of the K bodies the space was fitted to.
    """

    def __init__(self, tensors: dict[str, NDArray[Any]], bones: list[str]) -> None:
        self.bones = bones
        self.index = {name: k for k, name in enumerate(bones)}
        self.parents = [int(p) for p in tensors["parents"]]
        self.faces = {name: tensors[f"faces_{name}"] for name in ("body", "shell", "skirt", "hair")}
        self.count = len(tensors["attributes"])
        self.canon: Floats = tensors["mean"][: self.count]
        self.pivots: Floats = tensors["mean"][self.count :]
        self.attributes = tensors["attributes"]
        self.bone_index, self.bone_weight = tensors["bone_index"], tensors["bone_weight"]
        self.traits: Floats = tensors["traits"].astype(np.float32)
        self.coefficients: Floats = tensors["coefficients"].astype(np.float32)
        self._mean: Floats = tensors["mean"].reshape(-1)
        self._basis: Floats = tensors["basis"].astype(np.float32).reshape(len(tensors["basis"]), -1)
        self.weights: Floats = self.bone_weight.astype(np.float32)
        self.weights /= self.weights.sum(1, keepdims=True)
        self._all_faces = np.concatenate(list(self.faces.values())).astype(np.int64)

        rows, vertices, weights = tensors["joint_row"], tensors["joint_vertex"], tensors["joint_weight"]
        neck = (rows == 1) | (rows == 4)  # the neck is the midpoint of the shoulders
        anchors = tensors["anchors"]
        self._rows = np.concatenate([np.array(_ROW_OF_ASSET)[rows], np.ones(neck.sum(), int),
                                     JOINT_COUNT + np.arange(len(anchors))])  # fmt: skip
        self._vertices = np.concatenate([vertices, vertices[neck], anchors]).astype(np.int64)
        self._values = np.concatenate([weights, weights[neck] / 2, np.ones(len(anchors))]).astype(np.float32)
        self.point_count = JOINT_COUNT + len(anchors)
        self._faces = self.faces["body"].astype(np.int64)
        self._bone_of_face = self.bone_index[self._faces[:, 0], self.weights[self._faces[:, 0]].argmax(1)]
        self._mean_areas = self._areas(self.canon)

    def shape(self, coefficients: Floats) -> Shape:
        """The body at `coefficients`, (C,) float32 in units of one standard deviation of the fitted bodies."""
        both = (self._mean + coefficients @ self._basis).reshape(-1, 3)
        vertices, heads = np.ascontiguousarray(both[: self.count]), both[self.count :]
        points = np.zeros((self.point_count, len(self.bones), 4), np.float32)
        rest = np.concatenate([vertices[self._vertices], np.ones((len(self._vertices), 1), np.float32)], 1)
        for k in range(self.bone_index.shape[1]):
            share = self._values * self.weights[self._vertices, k]
            np.add.at(points, (self._rows, self.bone_index[self._vertices, k]), rest * share[:, None])
        return Shape(vertices, self._normals(vertices), heads, points, self._scale(vertices))

    def transforms(self, heads: Floats, rotations: dict[str, Floats]) -> Floats:
        """Pose a skeleton.

        Args:
            heads: (J, 3) pivots at rest.
            rotations: bone name -> (P, 3, 3), its turn relative to its parent in rest axes; bones not named keep still.

        Returns:
            (P, J, 3, 4) float32, rest point -> posed point of each bone, for P poses.
        """
        poses = len(next(iter(rotations.values())))
        turn = np.empty((len(self.bones), poses, 3, 3), np.float32)
        place = np.empty((len(self.bones), poses, 3), np.float32)
        for k, (name, parent) in enumerate(zip(self.bones, self.parents, strict=True)):
            own = rotations.get(name)
            if parent < 0:
                turn[k] = np.eye(3) if own is None else own
                place[k] = heads[k]
                continue
            turn[k] = turn[parent] if own is None else turn[parent] @ own
            place[k] = turn[parent] @ (heads[k] - heads[parent]) + place[parent]
        out = np.empty((poses, len(self.bones), 3, 4), np.float32)
        out[..., :3] = turn.swapaxes(0, 1)
        out[..., 3] = (place - (turn @ heads[:, None, :, None])[..., 0]).swapaxes(0, 1)
        return out

    def points(self, shape: Shape, transforms: Floats) -> Floats:
        """(P, N, 3) posed joints (the first 18) and anchors (points on the outline of the body), metres."""
        flat = np.ascontiguousarray(transforms.transpose(0, 2, 1, 3)).reshape(len(transforms), 3, -1)
        weights = shape.points.reshape(self.point_count, -1)
        # One product a pose: the rounding of a larger one would depend on the number of poses.
        return np.stack([weights @ pose.T for pose in flat])

    def _areas(self, vertices: Floats) -> NDArray[np.float64]:
        """(J,) the surface of the skin of each bone."""
        corner = vertices[self._faces]
        area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1)
        return np.bincount(self._bone_of_face, area, minlength=len(self.bones)).astype(np.float64) + 1e-9

    def _scale(self, vertices: Floats) -> Floats:
        ratio = np.sqrt(self._areas(vertices) / self._mean_areas).astype(np.float32)
        out: Floats = (ratio[self.bone_index] * self.weights).sum(1)
        return out

    def _normals(self, vertices: Floats) -> Floats:
        corner = vertices[self._all_faces]
        normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
        index = self._all_faces.ravel()
        total = np.stack(
            [np.bincount(index, np.repeat(normal[:, k], 3), minlength=self.count) for k in range(3)], axis=1
        )
        unit: Floats = (total / (np.linalg.norm(total, axis=1, keepdims=True) + 1e-12)).astype(np.float32)
        return unit


@cache
def load_body() -> Body:
    """The body shipped with the package (scripts/bake_body.py makes it). Raises FileNotFoundError if it is missing."""
    path = resources.files(__package__) / "body.safetensors"
    with resources.as_file(path) as file, safe_open(file, "numpy") as asset:
        tensors = {name: asset.get_tensor(name) for name in asset.keys()}  # noqa: SIM118 (it is no dict)
        return Body(tensors, json.loads(asset.metadata()["bones"]))
