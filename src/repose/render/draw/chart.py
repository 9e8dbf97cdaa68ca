"""The chart of the body's surface as a shader function: `repose.body.atlas.iuv_of` in GLSL, from the same constants."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from repose.body.atlas import CROWN, HEAD_Y, NAPE, SEGMENTS, TRUNK_BOTTOM, TRUNK_TOP, TRUNK_Y


def _glsl(values: NDArray[np.float64] | tuple[float, ...]) -> str:
    return "vec3(" + ", ".join(f"{v:.6f}" for v in values) + ")"


GLSL: Final = (
    "const float PI = 3.14159265;\n"
    + "".join(
        f"const vec3 {n}_AT = {_glsl(at)};\nconst vec3 {n}_FRONT = {_glsl(rows[1])};\n"
        f"const vec3 {n}_IN = {_glsl(rows[2])};\n"
        for n, (at, rows) in SEGMENTS.items()
    )
    + f"""
// Angle round a left limb, -PI to PI: 0 at its front, positive towards its inner side.
float turn_of(vec3 p, vec3 at, vec3 front, vec3 inner) {{ return atan(dot(p - at, inner), dot(p - at, front)); }}
float arm_turn(vec3 p, float a) {{
    return a < 1.0 ? turn_of(p, UPPER_ARM_AT, UPPER_ARM_FRONT, UPPER_ARM_IN)
         : a < 2.0 ? turn_of(p, LOWER_ARM_AT, LOWER_ARM_FRONT, LOWER_ARM_IN) : turn_of(p, HAND_AT, HAND_FRONT, HAND_IN);
}}
float leg_turn(vec3 p, float a) {{
    return a < 1.0 ? turn_of(p, UPPER_LEG_AT, UPPER_LEG_FRONT, UPPER_LEG_IN)
                   : turn_of(p, LOWER_LEG_AT, LOWER_LEG_FRONT, LOWER_LEG_IN);
}}
float trunk_turn(vec3 p) {{ return atan(p.x, {TRUNK_Y:.3f} - p.y); }}
// canon, (along the arm, along the leg), (arm, leg, head, foot) -> part, u, v
vec3 iuv_of(vec3 canon, vec2 along, vec4 region) {{
    bool left = canon.x > 0.0;
    vec3 p = vec3(abs(canon.x), canon.yz);
    float part, u, v;
    if (region.x > 0.5) {{
        float turn = arm_turn(p, along.x);
        if (along.x >= 2.0) {{
            part = left ? 4.0 : 3.0;
            u = turn / (2.0 * PI) + 0.5;
            v = (along.x - 2.0) / 1.2;
        }} else {{
            bool front = abs(turn) < PI / 2.0;
            part = (along.x < 1.0 ? 15.0 : 19.0) + (front ? 0.0 : 2.0) + (left ? 0.0 : 1.0);
            u = front ? turn / PI + 0.5 : (turn > 0.0 ? turn / PI - 0.5 : turn / PI + 1.5);
            v = along.x < 1.0 ? (along.x + 0.3) / 1.3 : along.x - 1.0;
        }}
        if (!left) u = 1.0 - u;
    }} else if (region.w > 0.5) {{
        part = left ? 5.0 : 6.0;
        u = atan(p.x - 0.19, p.z + 0.79) / (2.0 * PI) + 0.5;
        v = (0.08 - p.y) / 0.32;
        if (!left) u = 1.0 - u;
    }} else if (region.y > 0.5) {{
        float turn = leg_turn(p, along.y);
        bool front = abs(turn) < PI / 2.0;
        part = (along.y < 1.0 ? 7.0 : 11.0) + (front ? 2.0 : 0.0) + (left ? 1.0 : 0.0);
        u = front ? turn / PI + 0.5 : (turn > 0.0 ? turn / PI - 0.5 : turn / PI + 1.5);
        v = along.y < 1.0 ? (along.y + 0.3) / 1.3 : along.y - 1.0;
        if (!left) u = 1.0 - u;
    }} else if (region.z > 0.5) {{
        part = left ? 24.0 : 23.0;
        u = atan(p.x, {HEAD_Y:.3f} - p.y) / PI;
        if (left) u = 1.0 - u;
        v = ({CROWN:.3f} - p.z) / {CROWN - NAPE:.3f};
    }} else {{
        float turn = trunk_turn(canon);
        bool front = abs(turn) < PI / 2.0;
        part = front ? 2.0 : 1.0;
        u = front ? turn / PI + 0.5 : atan(canon.x, canon.y - {TRUNK_Y:.3f}) / PI + 0.5;
        v = ({TRUNK_TOP:.3f} - canon.z) / {TRUNK_TOP - TRUNK_BOTTOM:.3f};
    }}
    return vec3(part, clamp(u, 0.0, 1.0), clamp(v, 0.0, 1.0));
}}
"""
)
"""The chart function of the shaders: `vec3 iuv_of(vec3 canon, vec2 along, vec4 region)`."""
