"""The body model: a linear space of rest shapes, its skeleton, and the exact joints of a posed body.

Rest frame, metres: x runs to the person's left, y to the back, z up. The person looks along -y, arms at 45 degrees.
All rotations are given in these axes, so the asset holds a pivot for each bone and no orientation. Canon space is the
mean body in this frame.
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

from repose.body.asset import unpack

Floats = NDArray[np.float32]
JOINT_COUNT = 18
# The asset has the joints in the order of `repose.person.JOINTS` but without the neck (row 1), which is computed here.
_ROW_OF_ASSET = [0, *range(2, JOINT_COUNT)]


@dataclass(frozen=True)
class Shape:
    """One person's body at rest.

    Attributes:
        vertices: (V, 3) float32, metres.
        normals: (V, 3) float32, unit length, outwards.
        pivots: (J, 3) float32, the point that each bone turns about, metres.
        regressor: (N, J, 4) float32, what `BodyModel.points` multiplies with the posed bones: 18 joints, then the
            anchors.
        scale: (V,) float32, how many times as long as on the mean body lengths near each vertex are.
    """

    vertices: Floats
    normals: Floats
    pivots: Floats
    regressor: Floats
    scale: Floats


class BodyModel:
    """The asset `body.safetensors`; get it with `load_body`.

    Attributes:
        bones: names of the J bones; a parent always comes before its children. index: name -> row in `bones`.
        parents: row of each bone's parent, -1 for the root.
        faces: the surface layers "body", "shell" (a suit over it), "skirt" and "hair", each (F, 3) uint16.
        count: V, the number of vertices of all layers.
        canon: (V, 3) float32, the mean body at rest, metres; garments and patterns are defined on it.
        pivots: (J, 3) float32, the points that the bones of the mean body turn about, metres.
        attributes: (V, 8) float16 per vertex: position along the arm (0 shoulder, 1 elbow, 2 wrist, 3 fingertip) and
            along the leg (0 hip, 1 knee, 2 ankle), how much it is arm, leg, head or neck, foot, lips, eye.
        bone_index: (V, 4) uint8. bone_weight: (V, 4) float32, how much each of these bones moves the vertex; they sum
            to 1.
        coefficients: (K, C) float32, the K bodies that the space was fitted to.
        traits: (K, 2) float32, gender (0 male, 1 female) and age (0.33 child, 0.67 young, 1 old) of these bodies.
        mean, basis: (3 (V + J),) and (C, 3 (V + J)) float32: vertices, then pivots, of a person with coefficients c are
            `mean + c @ basis`, metres.
        point_count: N, the number of joints and anchors.
        term_points, term_vertices, term_weights: (T,) the joints and anchors as sums over vertices: point
            `term_points[t]` gets `term_weights[t]` times vertex `term_vertices[t]`.
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
        self.bone_index: NDArray[np.uint8] = tensors["bone_index"]
        self.bone_weight: Floats = tensors["bone_weight"].astype(np.float32)
        self.bone_weight /= self.bone_weight.sum(1, keepdims=True)
        self.traits: Floats = tensors["traits"].astype(np.float32)
        self.coefficients: Floats = tensors["coefficients"].astype(np.float32)
        self.mean: Floats = tensors["mean"].reshape(-1)
        self.basis: Floats = tensors["basis"].astype(np.float32).reshape(len(tensors["basis"]), -1)
        self._all_faces = np.concatenate(list(self.faces.values())).astype(np.int64)

        rows, vertices, weights = tensors["joint_row"], tensors["joint_vertex"], tensors["joint_weight"]
        neck = (rows == 1) | (rows == 4)  # the neck is the midpoint of the shoulders
        anchors = tensors["anchors"]
        self.term_points = np.concatenate([np.array(_ROW_OF_ASSET)[rows], np.ones(neck.sum(), int),
                                     JOINT_COUNT + np.arange(len(anchors))])  # fmt: skip
        self.term_vertices = np.concatenate([vertices, vertices[neck], anchors]).astype(np.int64)
        self.term_weights = np.concatenate([weights, weights[neck] / 2, np.ones(len(anchors))]).astype(np.float32)
        self.point_count = JOINT_COUNT + len(anchors)
        self._faces = self.faces["body"].astype(np.int64)
        self._bone_of_face = self.bone_index[self._faces[:, 0], self.bone_weight[self._faces[:, 0]].argmax(1)]
        self._mean_areas = self._areas(self.canon)

    def shape(self, coefficients: Floats) -> Shape:
        """The body at rest with `coefficients`, (C,) float32 in standard deviations of the bodies that were fitted."""
        both = (self.mean + coefficients @ self.basis).reshape(-1, 3)
        vertices, pivots = np.ascontiguousarray(both[: self.count]), both[self.count :]
        regressor = np.zeros((self.point_count, len(self.bones), 4), np.float32)
        rest = np.concatenate([vertices[self.term_vertices], np.ones((len(self.term_vertices), 1), np.float32)], 1)
        for k in range(self.bone_index.shape[1]):
            share = self.term_weights * self.bone_weight[self.term_vertices, k]
            np.add.at(regressor, (self.term_points, self.bone_index[self.term_vertices, k]), rest * share[:, None])
        return Shape(vertices, self._normals(vertices), pivots, regressor, self._scale(vertices))

    def transforms(self, pivots: Floats, rotations: dict[str, Floats]) -> Floats:
        """Pose a skeleton.

        Args:
            pivots: (J, 3) at rest, metres, of the mean body (`pivots`) or of a person (`Shape.pivots`).
            rotations: bone name -> (P, 3, 3), its turn relative to its parent in rest axes; bones not named do not
                turn. At least one must be named.

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
                place[k] = pivots[k]
                continue
            turn[k] = turn[parent] if own is None else turn[parent] @ own
            place[k] = turn[parent] @ (pivots[k] - pivots[parent]) + place[parent]
        out = np.empty((poses, len(self.bones), 3, 4), np.float32)
        out[..., :3] = turn.swapaxes(0, 1)
        out[..., 3] = (place - (turn @ pivots[:, None, :, None])[..., 0]).swapaxes(0, 1)
        return out

    def points(self, shape: Shape, transforms: Floats) -> Floats:
        """(P, N, 3) posed joints (the first 18) and anchors (points on the outline of the body), metres."""
        flat = np.ascontiguousarray(transforms.transpose(0, 2, 1, 3)).reshape(len(transforms), 3, -1)
        weights = shape.regressor.reshape(self.point_count, -1)
        # One product a pose: the rounding of a larger one would depend on the number of poses.
        return np.stack([weights @ pose.T for pose in flat])

    def _areas(self, vertices: Floats) -> NDArray[np.float64]:
        """(J,) the surface of the skin of each bone."""
        corner = vertices[self._faces]
        area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1)
        return np.bincount(self._bone_of_face, area, minlength=len(self.bones)).astype(np.float64) + 1e-9

    def _scale(self, vertices: Floats) -> Floats:
        ratio = np.sqrt(self._areas(vertices) / self._mean_areas).astype(np.float32)
        out: Floats = (ratio[self.bone_index] * self.bone_weight).sum(1)
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


def sample_shape(body: BodyModel, rng: np.random.Generator) -> tuple[Floats, float, float]:
    """A random body between two of the fitted ones of about the same gender and age.

    Returns:
        coefficients (C,) float32 for `BodyModel.shape`, gender (0 male to 1 female) and age (as of `traits`).
    """
    first = int(rng.integers(len(body.traits)))
    gap = np.abs(body.traits - body.traits[first])
    (alike,) = np.nonzero((gap[:, 0] < 0.3) & (gap[:, 1] < 0.15))
    second, share = int(rng.choice(alike)), float(rng.uniform(0, 0.5))
    mixed = body.coefficients[first] * (1 - share) + body.coefficients[second] * share
    gender, age = body.traits[first] * (1 - share) + body.traits[second] * share
    return mixed.astype(np.float32), float(gender), float(age)


@cache
def mean_shape(body: BodyModel) -> Shape:
    """The mean body, whose vertices are canon space."""
    return body.shape(np.zeros(body.coefficients.shape[1], np.float32))


def girth_of(body: BodyModel, shape: Shape) -> float:
    """How many times as thick as the mean body a person is, for their height."""
    return float(np.sqrt(_thickness(shape) / _mean_thickness(body)))


def _thickness(shape: Shape) -> float:
    """Mean squared distance of the body's vertices from its axis over squared height."""
    tall = np.ptp(shape.vertices[:, 2])
    return float(np.mean(shape.vertices[:, :2] ** 2) / tall**2)


@cache
def _mean_thickness(body: BodyModel) -> float:
    return _thickness(mean_shape(body))


@cache
def load_body() -> BodyModel:
    """The body model shipped with the package, from scripts/bake_body.py. FileNotFoundError if the file is missing."""
    path = resources.files(__package__) / "body.safetensors"
    with resources.as_file(path) as file, safe_open(file, "numpy") as asset:
        tensors = {name: asset.get_tensor(name) for name in asset.keys()}  # noqa: SIM118 (it is no dict)
        return BodyModel(unpack(tensors), json.loads(asset.metadata()["bones"]))
