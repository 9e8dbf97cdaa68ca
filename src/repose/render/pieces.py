"""What a dressed person consists of when it is drawn: plain data that `wear` and `hair` make and `draw` reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repose.body.model import Floats
from repose.body.surface import Ints, Surface


@dataclass(frozen=True)
class Decal:
    """A print.

    Attributes:
        image: (256, 256, 4) uint8, sRGB and straight alpha; the first row is the upper edge.
        centre: canon x and z in metres. size: width and height in metres.
    """

    image: NDArray[np.uint8]
    centre: tuple[float, float]
    size: tuple[float, float]


@dataclass(frozen=True)
class Fabric:
    """The cloth of one garment.

    Attributes:
        tile: (256, 256, 4) uint8, sRGB and height (128 is flat); repeats seamlessly.
        repeat: metres that one tile covers.
        front, back: what is printed on the chest and on the back.
        gloss: 0 dull to 1 mirror. fold: 0 to 1, how strongly folds and creases show.
        trim: (3,) float32 sRGB of collar, cuffs and seams.
    """

    tile: NDArray[np.uint8]
    repeat: float
    front: Decal | None
    back: Decal | None
    gloss: float
    fold: float
    trim: Floats


@dataclass(frozen=True)
class Cloth:
    """What `drape` knows of one garment of V vertices.

    Attributes:
        edges: (E, 2) int32. length: (E,) float32, metres at rest.
        order: (V,) int32, vertices from the top down. parent: (V,) int32, the neighbour above that a vertex hangs
            from, -1 for none. down: (V, 3) float32, from there to the vertex at rest, metres.
        fall: (V,) float32 in [0, 1], 0 goes where the skeleton goes, 1 hangs as at rest whatever the limbs do.
        hold: (V,) float32 in [0, 1], how strongly a vertex keeps its place while edges pull at it.
        sag: (V,) float32, metres it sinks before the body stops it.
        limit: (V,) float32, metres it may leave its skinned place.
        near: (V,) int32, the vertex of the body below it, -1 for none. gap: (V,) float32, metres it keeps from it.
        bones: (C,) int32, limbs as capsules. ends: (C, 2, 3) float32 at rest. radii: (C, 2) float32, metres.
        free: (V,) bool, capsules stop it.
        follow: (V, 3) int32, the vertices whose correction a vertex shares (collars, cuffs, pockets), -1 for none.
        portion: (V, 3) float32, how much of each; sums to 1.
        root: the bone that tells which way the person faces.
    """

    edges: Ints
    length: Floats
    order: Ints
    parent: Ints
    down: Floats
    fall: Floats
    hold: Floats
    sag: Floats
    limit: Floats
    near: Ints
    gap: Floats
    bones: Ints
    ends: Floats
    radii: Floats
    free: NDArray[np.bool_]
    follow: Ints
    portion: Floats
    root: int = 0


@dataclass(frozen=True)
class Piece:
    """One thing to draw: a surface and what it is made of.

    Attributes:
        name: "top", "hair", ... surface: at rest. fabric: what it is made of; None for skin.
        label: LIP labels on the person's left and right.
        wrap: how the texture runs: "limbs" (angle round the arm or leg, length along it; round the trunk elsewhere),
            "body" (legs too as one trunk), "planar" (canon x and z).
        double: both sides are drawn (open jackets, skirts, hats).
        cloth: how it hangs; None if it only follows the skeleton.
        fuzz: metres by which noise frays the outline (hair).
        kind: how the shader treats it: "cloth", "hair", "glass", "leather".
    """

    name: str
    surface: Surface
    fabric: Fabric | None
    label: tuple[int, int]
    wrap: str = "limbs"
    double: bool = False
    cloth: Cloth | None = None
    fuzz: float = 0.0
    kind: str = "cloth"


@dataclass(frozen=True)
class Looks:
    """Head and skin. Colours (3,) float32 sRGB.

    Attributes:
        hair: style; length and volume in metres; fringe 0 to 1 how far it falls over the forehead; part -1 right to 1
            left.
        seed: of the strands. beard, brows, freckles, makeup: 0 to 1.
    """

    skin: Floats
    lips: Floats
    eyes: Floats
    hair_color: Floats
    hair: str
    length: float
    volume: float
    fringe: float
    part: float
    seed: int
    beard: float
    beard_style: str
    brows: float
    age: float
    gender: float
    freckles: float
    makeup: float


@dataclass(frozen=True)
class Posed:
    """All pieces of a person in one pose.

    Attributes:
        place, normal: (V, 3) float32, the vertices of all pieces one after the other, metres. strain: (V,) float32.
    """

    place: Floats
    normal: Floats
    strain: Floats
