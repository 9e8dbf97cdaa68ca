"""Bare skin and faces as a shader: colour and gloss of any point of the body from where it lies in canon space.

`SKIN` is GLSL 330 and expects the block `Frame` of the renderer (`lens.w`: samples a metre spans) before it. Details
finer than a sample are blurred, so that a face of 25 pixels does not flicker and one of 200 has lashes.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from repose.render.pieces import Looks

SKIN: Final = """
uniform sampler2D skin_grain;   // the renderer's noise: texture unit 0
uniform vec3 skin_color;
uniform vec3 skin_lips;
uniform vec3 skin_iris;
uniform vec3 skin_hair;
uniform vec4 skin_traits;       // brows, age from 0 to 1, freckles, make-up
uniform vec2 skin_beard;        // stubble; 1 for a man
// Of this face alone, -1 to 1: arch and thickness of the brows, size of the eyes, phase
uniform vec4 skin_own;

// 1 inside (where d < 0), 0 outside, as soft as the picture needs.
float inside_of(float d, float soft) { float w = max(soft, 0.6 / max(lens.w, 1.0)); return smoothstep(w, -w, d); }
// A line of half width h round d = 0; one thinner than a sample is fainter instead.
float stroke(float d, float h) {
    float w = 0.6 / max(lens.w, 1.0);
    return smoothstep(h + w, max(h - w, 0.0), abs(d)) * min(1.0, h / (0.7 * w) + 0.12);
}
float bell(float v) { return exp(-v * v); }
float spot(vec2 d, float r) { float s = dot(d, d) / (r * r); return s > 4.0 ? 0.0 : exp(-s * 1.6); }

// Brightness and tilt, both about 0, of strands at (across, along) of a lock, as `hair.py` leaves them in `along`.
vec2 hair_strands(vec2 run) {
    vec2 fine = texture(skin_grain, vec2(run.x * 9.0, run.y * 0.35)).br - 0.5;
    vec2 wide = texture(skin_grain, vec2(run.x * 5.0, run.y * 0.2 + 0.4)).rg - 0.5;
    return wide + fine * clamp(lens.w / 1800.0, 0.0, 1.0);
}

vec3 body_skin(vec3 base, vec3 canon, vec2 along, vec4 region, inout float gloss) {
    float x = abs(canon.x);
    vec3 red = vec3(1.03, 0.88, 0.86);
    if (region.x > 0.5) {
        float elbow = bell((along.x - 1.0) * 9.0);
        float knuckle = bell((along.x - 2.55) * 9.0) + 0.8 * bell((along.x - 2.8) * 14.0);
        base *= mix(vec3(1.0), red, clamp(0.5 * elbow + 0.7 * knuckle, 0.0, 1.0));
        if (along.x > 2.1) base *= mix(vec3(1.0), vec3(1.01, 0.93, 0.90), smoothstep(2.2, 3.0, along.x));
        if (along.x > 2.97) base = mix(base, base * 0.6 + vec3(0.36, 0.28, 0.27), 0.35);
        // The inner side of the arm is paler.
        base *= 1.0 + 0.03 * smoothstep(0.0, -0.05, canon.y + 0.03);
        return base;
    }
    if (region.y > 0.5 || region.w > 0.5) {
        float knee = bell((along.y - 1.0) * 9.0) * smoothstep(0.02, -0.04, canon.y);
        base *= mix(vec3(1.0), red * 0.97, 0.6 * knee);
        if (region.w > 0.5) base *= mix(vec3(1.0), red, 0.35 * smoothstep(-0.77, -0.81, canon.z));
        return base;
    }
    if (canon.y < 0.0) {
        base *= 1.0 - 0.55 * spot(vec2(canon.x, (canon.z - 0.205) * 0.8), 0.0075);                  // navel
        float collar = canon.z - 0.618 - 0.10 * x;
        base *= 1.0 - 0.09 * bell(collar / 0.012) * smoothstep(0.015, 0.03, x) * smoothstep(0.17, 0.12, x);
        // Between the collar bones
        base *= 1.0 - 0.12 * spot(vec2(canon.x, canon.z - 0.617), 0.016);
        base *= 1.0 - 0.07 * bell(canon.x / 0.010) * smoothstep(0.2, 0.3, canon.z)
                    * smoothstep(0.6, 0.5, canon.z);
    } else {
        // The spine
        base *= 1.0 - 0.08 * bell(canon.x / 0.012) * smoothstep(0.62, 0.5, canon.z);
    }
    return base;
}

vec3 front_face(vec3 base, vec3 canon, vec3 special, vec4 fine, inout float gloss) {
    float x = abs(canon.x), z = canon.z, age = skin_traits.y, makeup = skin_traits.w, male = skin_beard.y;
    vec3 c = base;
    // Blood: cheeks, nose. Then what lies in hollows.
    float cheek = spot(vec2(x - 0.046, (z - 0.797) * 1.2), 0.024);
    c *= mix(vec3(1.0), vec3(1.04, 0.84, 0.84), cheek * (0.42 + 0.45 * makeup));
    float nose = spot(vec2(x * 0.9, z - 0.797), 0.017) * smoothstep(-0.15, -0.165, canon.y);
    c *= mix(vec3(1.0), vec3(1.03, 0.86, 0.83), nose * 0.55);
    // Light on its ridge
    c *= 1.0 + 0.045 * spot(vec2(x * 1.6, z - 0.81), 0.03) * smoothstep(-0.155, -0.17, canon.y);
    vec2 e = vec2(x - 0.0318, z - 0.8345);
    // The socket
    c *= 1.0 - 0.22 * spot(e * vec2(0.85, 1.1) - vec2(-0.002, 0.004), 0.018);
    // Beside the root of the nose
    c *= 1.0 - 0.20 * spot(vec2(x - 0.013, z - 0.840), 0.009);
    // Beside its wing
    c *= 1.0 - 0.16 * spot(vec2(x - 0.019, z - 0.7915), 0.008);
    // Below the lip
    c *= 1.0 - 0.13 * spot(vec2(x * 0.6, z - 0.746), 0.008);
    c *= 1.0 - 0.06 * spot(vec2(x * 1.5, z - 0.7795), 0.006);
    vec3 bag = vec3(0.90, 0.83, 0.84);
    c *= mix(vec3(1.0), bag, (0.25 + 0.75 * age) * spot(vec2(e.x * 0.8, (e.y + 0.0105) * 1.9), 0.013));
    // Nostrils.
    float hole = spot(vec2((x - 0.0072) * 0.75, (z - 0.7865) * 1.5), 0.0042) * smoothstep(-0.148, -0.158, canon.y);
    c *= 1.0 - 0.72 * hole;

    // Lines of age.
    float lines = smoothstep(0.45, 0.95, age);
    float fold = x - 0.0225 - 0.55 * (0.793 - z);
    float near_fold = smoothstep(0.757, 0.768, z) * smoothstep(0.798, 0.788, z);
    c *= 1.0 - (0.08 + 0.26 * lines) * bell(fold / 0.0028) * near_fold;
    if (lines > 0.02) {
        if (z > 0.868) {
            float wave = z + 0.004 * (fine.r - 0.5) + 0.9 * canon.x * canon.x;
            float ridge = abs(fract(wave * 90.0) - 0.5) * 2.0;
            c *= 1.0 - 0.13 * lines * (0.5 + fine.g) * smoothstep(0.45, 0.0, ridge) * smoothstep(0.05, 0.03, x)
                     * smoothstep(0.868, 0.876, z) * smoothstep(0.905, 0.893, z) * clamp(lens.w / 900.0, 0.25, 1.0);
        }
        float foot = atan(e.y, e.x - 0.010);
        c *= 1.0 - 0.25 * lines * smoothstep(0.5, 0.0, abs(fract(foot * 2.2 + 0.5) - 0.5) * 2.0)
                 * smoothstep(0.014, 0.018, e.x) * smoothstep(0.03, 0.021, e.x) * smoothstep(0.015, 0.008, abs(e.y));
        c *= 1.0 - 0.12 * lines * bell((e.y + 0.0135 - 8.0 * e.x * e.x) / 0.0015)
                 * smoothstep(0.016, 0.008, abs(e.x));
    }
    if (skin_traits.z > 0.02) {
        float dots = texture(skin_grain, vec2(canon.x + 0.3 * canon.y, z) * 41.0 + skin_own.w).r;
        float where = smoothstep(0.05, 0.02, length(vec2(x - 0.028, (z - 0.805) * 1.3)));
        c = mix(c, c * vec3(0.80, 0.66, 0.55), skin_traits.z * where * smoothstep(0.55, 0.75, dots) * 0.7);
    }

    // The beard's shadow: stubble is speckled near by, a grey tint from afar.
    if (skin_beard.x > 0.01) {
        float jaw = smoothstep(0.762, 0.748, z - 0.55 * max(0.0, x - 0.028));
        float lip = smoothstep(0.012, 0.007, abs(z - 0.7795 + 0.2 * x)) * smoothstep(0.034, 0.026, x);
        float where = max(jaw, max(lip, smoothstep(0.012, 0.004, abs(x - 0.031)) * smoothstep(0.786, 0.77, z)));
        where *= smoothstep(0.690, 0.722, z - 0.3 * max(0.0, canon.y + 0.11))
               * smoothstep(-0.035, -0.065, canon.y) * (1.0 - smoothstep(0.2, 0.6, special.x));
        float hairs = mix(0.55, texture(skin_grain, canon.xz * 61.0).b, clamp(lens.w / 2500.0, 0.0, 0.8));
        c = mix(c, skin_hair * 0.75 + c * 0.12, skin_beard.x * where * (0.25 + 0.9 * hairs));
    }

    // Brows: a band that thins outwards, made of slanted strokes.
    float own = skin_own.x;
    float t = (x - 0.0125) / 0.043;
    if (t > -0.15 && t < 1.15) {
        float peak = 0.62 + 0.08 * own;
        float arch = (0.0045 + 0.0022 * own) * (1.0 - pow(abs(t - peak) / peak, 1.7));
        float middle = 0.8520 - 0.0012 * male + arch + 0.0004 * own;
        float thick = (0.0030 + 0.0014 * skin_traits.x + 0.0008 * male + 0.0006 * skin_own.y)
                    * (t < 0.55 ? 1.0 : mix(1.0, 0.28, (t - 0.55) / 0.45));
        thick *= smoothstep(-0.10, 0.16, t);
        float d = abs(z - middle) - thick;
        float band = inside_of(d, 0.0011) * smoothstep(-0.07, 0.12, t) * smoothstep(1.07, 0.93, t);
        if (band > 0.0) {
            float hairs = texture(skin_grain, vec2(x * 19.0 - (z - middle) * 14.0, (z - middle) * 6.0 + 0.3)).r;
            band *= mix(0.82, 0.45 + 0.8 * hairs, clamp(lens.w / 1500.0 - 0.2, 0.0, 1.0));
            vec3 brow = mix(skin_hair * 0.72, vec3(0.10, 0.075, 0.06), 0.25);
            c = mix(c, brow, clamp(band * (0.45 + 0.5 * skin_traits.x), 0.0, 0.95));
        }
    }

    // Lips: colour, the line between them, light on the lower one.
    float lip = smoothstep(0.25, 0.7, special.x);
    float line_z = 0.7645 - 0.0018 * bell(canon.x / 0.006) + 1.2 * canon.x * canon.x;
    if (x < 0.033 && abs(z - 0.764) < 0.02) {
        vec3 lips = mix(skin_lips, base * skin_lips / max(skin_color, vec3(0.05)), 0.5);
        lips *= z > line_z ? 0.86 : 1.04;
        lips *= 0.94 + 0.12 * fine.r;
        c = mix(c, lips, lip * (0.78 + 0.22 * makeup));
        c *= 1.0 + 0.10 * lip * spot(vec2(x * 0.7, z - 0.7575), 0.0045);
        c = mix(c, skin_lips * 0.26, stroke(z - line_z, 0.0011) * smoothstep(0.0275, 0.0235, x) * 0.88);
        // Corners
        c *= 1.0 - 0.22 * spot(vec2(x - 0.0262, z - line_z), 0.004);
        gloss = mix(gloss, 0.22 + 0.3 * makeup, lip);
    }

    // Eyes: an almond on ball and lids, iris with a darker rim, lashes, the fold of the lid.
    if (abs(e.x) < 0.026 && abs(e.y) < 0.02) {
        float size = 1.0 + 0.10 * skin_own.z;
        vec2 q = e / size;
        float s = clamp(q.x / 0.0140, -1.0, 1.0);
        float open = 1.0 - s * s;
        float top = 0.0054 * open * (1.0 - 0.18 * s) + 0.0006 * s;
        float bottom = -0.0046 * open * (1.0 + 0.15 * s) + 0.0006 * s;
        float cut = abs(q.x) > 0.0140 ? abs(q.x) - 0.0140 : -1.0;
        float d = max(max(q.y - top, bottom - q.y), cut);
        float ball = inside_of(d, 0.0004);
        float shadow = 0.10 + 0.22 * makeup;
        vec3 shade = mix(vec3(0.62, 0.50, 0.48), skin_iris * 0.6 + 0.25, 0.2);
        c = mix(c, c * shade, shadow * spot(vec2(q.x * 0.8, q.y - 0.0075), 0.0085));
        // The crease above the lid.
        c *= 1.0 - 0.38 * stroke(q.y - top - 0.0042 - 0.001 * s, 0.0010) * smoothstep(1.05, 0.8, abs(q.x) / 0.0150);
        if (ball > 0.0) {
            vec3 white = mix(vec3(0.86, 0.83, 0.80), c, 0.22) * (1.0 - 0.25 * s * s);
            white = mix(white, white * vec3(1.0, 0.78, 0.75), smoothstep(-0.65, -1.0, s) * 0.6);
            float r = length(q - vec2(-0.0004, 0.0004));
            float iris = inside_of(r - 0.0061, 0.0003);
            vec3 ring = skin_iris * (0.8 + 0.8 * smoothstep(0.0012, 0.005, r))
                      * mix(1.0, 0.45, smoothstep(0.0046, 0.0060, r));
            ring = mix(ring, vec3(0.02), inside_of(r - 0.0025, 0.0003));
            vec3 look = mix(white, ring, iris);
            // The lid's shadow
            look *= mix(0.42, 1.0, smoothstep(0.0, 0.0042, top - q.y));
            look += vec3(0.75) * inside_of(length(q - vec2(0.0014 * sign(canon.x), 0.0024)) - 0.0008, 0.0003);
            c = mix(c, look, ball);
            gloss = mix(gloss, 0.35, ball);
        }
        // Lashes: dark along the upper lid and beyond the outer corner, faint along the lower one.
        float lash = stroke(q.y - top - 0.0003, (0.0009 + 0.0007 * makeup + 0.0003 * (1.0 - male)) * (0.65 + 0.45 * s));
        lash *= smoothstep(1.22, 1.0, abs(q.x) / 0.0140);
        float low = stroke(q.y - bottom + 0.0002, 0.0005 + 0.0004 * makeup) * smoothstep(1.02, 0.85, abs(q.x) / 0.0140);
        vec3 dark = mix(vec3(0.05, 0.035, 0.03), skin_hair * 0.35, 0.3);
        c = mix(c, dark, clamp(lash * 0.92 + low * (0.30 + 0.4 * makeup), 0.0, 0.95));
    }
    return c;
}

// canon, (along arm, leg), (arm, leg, head, foot), (lips, eye, how much hair shows) -> sRGB. `gloss` is changed.
vec3 skin_albedo(vec3 canon, vec2 along, vec4 region, vec3 special, inout float gloss) {
    vec2 at = vec2(canon.x + 0.55 * canon.y, canon.z - 0.4 * canon.y);
    vec4 wide = texture(skin_grain, at * 2.1 + skin_own.w);
    vec4 fine = texture(skin_grain, at * 23.0);
    vec3 base = skin_color * (0.955 + 0.09 * wide.r);
    base *= vec3(1.0) + (wide.g - 0.5) * vec3(0.03, -0.05, -0.06);
    base *= 1.0 + (fine.r - 0.5) * 0.07 * (0.6 + 0.8 * skin_traits.y);
    gloss = 0.10 + 0.05 * fine.g;
    if (region.z < 0.5) return body_skin(base, canon, along, region, gloss);
    float x = abs(canon.x);
    // Ears and the neck below the jaw.
    float ear = smoothstep(0.0765, 0.081, x) * smoothstep(0.775, 0.79, canon.z) * smoothstep(0.87, 0.86, canon.z);
    base *= mix(vec3(1.0), vec3(1.03, 0.84, 0.82), ear * 0.75);
    float hollow = ear * spot(vec2((canon.y + 0.055) * 1.1, canon.z - 0.818), 0.016);
    base *= 1.0 - 0.35 * hollow;
    if (canon.y < -0.03 && canon.z > 0.70 && canon.z < 0.91 && x < 0.079)
        base = front_face(base, canon, special, fine, gloss);
    if (canon.z < 0.735) {
        float own = smoothstep(0.5, 0.9, region.z);  // fades into the chest
        base *= 1.0 - 0.10 * own * smoothstep(0.735, 0.70, canon.z) * smoothstep(-0.02, -0.07, canon.y);
        float crease = abs(fract((canon.z + 0.15 * canon.y + 0.006 * wide.r) * 38.0) - 0.5) * 2.0;
        base *= 1.0 - own * (0.015 + 0.10 * smoothstep(0.4, 1.0, skin_traits.y))
              * smoothstep(0.5, 0.0, crease) * smoothstep(0.02, -0.04, canon.y);
    }
    if (special.z > 0.003) {
        float hairs = mix(0.5, texture(skin_grain, at * 47.0).b, clamp(lens.w / 2500.0, 0.0, 0.7));
        float much = clamp(special.z * (1.0 + 0.9 * (hairs - 0.5) * (1.0 - special.z) * 4.0), 0.0, 1.0);
        base = mix(base, skin_hair * 0.66, much);
        gloss *= 1.0 - 0.5 * much;
    }
    return base;
}
"""


def uniforms(looks: Looks) -> dict[str, Any]:
    """The values of the uniforms of `SKIN` for one person's looks: name -> tuple of floats."""
    rng = np.random.default_rng([int(looks.seed), 72])
    male = 1.0 if looks.gender < 0.5 else 0.0
    grown = float(np.clip((looks.age - 0.5) / 0.5, 0, 1))
    own = np.clip(rng.normal(0, 0.5, 3), -1, 1)
    stubble = {"none": 0.0, "stubble": 0.28 + 0.35 * looks.beard, "short": 0.6, "full": 0.75, "moustache": 0.22}
    shadow = stubble.get(looks.beard_style, 0.0) if looks.beard > 0.02 else 0.0
    return {
        "skin_color": tuple(float(v) for v in looks.skin),
        "skin_lips": tuple(float(v) for v in looks.lips),
        "skin_iris": tuple(float(v) for v in looks.eyes),
        "skin_hair": tuple(float(v) for v in looks.hair_color),
        "skin_traits": (float(looks.brows), grown, float(looks.freckles), float(looks.makeup)),
        "skin_beard": (float(shadow), male),
        "skin_own": (float(own[0]), float(own[1]), float(own[2]), float(rng.random())),
    }
