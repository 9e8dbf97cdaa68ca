"""The parametric body: its shapes, bones, surface and chart. It needs no OpenGL.

```
model.py        the asset: shapes of people, bones to joints (`BodyModel`, `Shape`, `load_body`)
angles.py       the angles of a pose: names, limits, mirror image
rig.py          angles to bone rotations; the skeleton as arrays (numba)
kinematics.py   compiled kernels: forward kinematics, arms and legs that reach a place, limbs that collide
limbs.py        limbs that run into the body: how deep, and the pose repaired
surface.py      triangles bound to the bones: linear blend skinning and normals (numba)
atlas.py        points of the body to DensePose's parts, u and v
```

```python
body = load_body()
shape = body.shape(body.coefficients[0])                                   # a person at rest
transforms = body.transforms(shape.pivots, rotations(body, angles))        # angles (P, A) -> bones (P, J, 3, 4)
joints = body.points(shape, transforms)[:, :18]                            # (P, 18, 3) metres
vertices, normals = pose_body(body, shape, transforms[0])                  # (V, 3) each
```
"""

from repose.body.model import BodyModel, Shape, load_body

__all__ = ["BodyModel", "Shape", "load_body"]
