"""The parametric body: its shapes, bones, surface and chart, and how it is lifted from joints. It needs no OpenGL.

The model, which the renderer of synthetic people uses too:

```
model.py        the asset: shapes of people, bones to joints (`BodyModel`, `Shape`, `load_body`)
angles.py       the angles of a pose: names, limits, mirror image
rig.py          angles to bone rotations; the skeleton as arrays
kinematics.py   compiled kernels: forward kinematics, arms and legs that reach a place, limbs that collide
limbs.py        limbs that run into the body: how deep, and the pose repaired
surface.py      triangles bound to all bones, for the renderer: linear blend skinning and normals
atlas.py        points of the body to DensePose's parts, u and v
compiled.py     numba's compiler
```

The body of a person in a picture (docs/body.md):

```
lift.py         joints to bodies: `lift`, `lift_batch`, `fit`, `fit_together`, `body_iuv`
lifter.py       the network that proposes turns, shape and camera
fit.py          refinement of a proposal: Gauss-Newton steps onto the joints
posed_body.py   the result: `PosedBody`, a body in a pose before a camera
pose_space.py   its parameters: 23 turns, 28 moving bones, 53 degrees of freedom, 40 coefficients
skin_mesh.py    the mesh that it is drawn with: the skin in fewer triangles
raster.py       a z-buffer: `PosedBody` to maps of IUV, depth, normals (`raster`, `BodyMaps`)
flow.py         where every pixel of one picture's body lies in another picture (`flow_between`)
samples.py      random bodies with their joints, to train the network on
joint_noise.py  how wrong a detector's joints are: measured, and replayed in training
train_lifter.py training of the network
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
