"""The two shaders of the renderer. Every garment is cut out of a surface layer in the fragment shader, so that hems and
necklines are sharp whatever the mesh, and the label of a pixel always agrees with its colour."""

from __future__ import annotations

from typing import Final

LAYERS: Final = ("skin", "bottom", "top", "coat", "skirt", "shoes", "scalp", "hair", "socks", "overcoat")

FRAME: Final = """
layout(std140) uniform Frame {
    vec4 view[3];     // rows: rest metres -> camera axes (right, up, towards the camera)
    vec4 place;       // scale x, scale y, offset x, offset y: to the picture
    vec4 lens;        // 1 / distance, depth scale, depth offset, unused
    vec4 light;       // direction towards the light in camera axes, ambient share
    vec4 light_color; // colour, strength
    vec4 bones[3 * BONES];
};
"""

VERTEX: Final = """
in vec3 in_rest;
in vec3 in_normal;
in vec3 in_canon;
in uvec4 in_bones;
in vec4 in_weights;
in vec4 in_along;   // along the arm, along the leg, arm, leg
in vec4 in_kind;    // head, foot, lips, eye
uniform int layer;
uniform vec3 thick; // offset everywhere, at the hem, extra width of a skirt
out vec3 canon;
out vec3 normal;
out vec4 along;
out vec4 kind;
out float nearness;

void main() {
    canon = in_canon; along = in_along; kind = in_kind;
    float low = layer == 1 ? smoothstep(0.0, 2.0, in_along.y) : smoothstep(0.62, 0.15, in_canon.z);
    if (in_along.z > 0.5) low = smoothstep(0.0, 1.0, in_along.x) * 0.6;
    float offset = thick.x + thick.y * low;
    vec3 rest = in_rest + in_normal * offset;
    if (layer == 4 || layer == 9) {
        float below = max(0.0, 0.2 - in_canon.z);
        rest.xy += normalize(in_canon.xy + vec2(0.0, 0.02)) * below * thick.z;
    }
    if (layer == 6) rest.z += thick.y * smoothstep(0.88, 0.96, in_canon.z);

    vec4 point = vec4(rest, 1.0);
    vec3 posed = vec3(0.0), turned = vec3(0.0);
    vec4 weights = in_weights / dot(in_weights, vec4(1.0));
    for (int k = 0; k < 4; k++) {
        int bone = 3 * int(in_bones[k]);
        for (int row = 0; row < 3; row++) {
            posed[row] += weights[k] * dot(bones[bone + row], point);
            turned[row] += weights[k] * dot(bones[bone + row].xyz, in_normal);
        }
    }
    vec3 seen = vec3(dot(view[0], vec4(posed, 1.0)), dot(view[1], vec4(posed, 1.0)), dot(view[2], vec4(posed, 1.0)));
    normal = vec3(dot(view[0].xyz, turned), dot(view[1].xyz, turned), dot(view[2].xyz, turned));
    nearness = seen.z;
    float w = 1.0 - seen.z * lens.x;
    gl_Position = vec4(place.xy * seen.xy + place.zw * w, lens.y * w + lens.z, w);
}
"""

FRAGMENT: Final = """
in vec3 canon;
in vec3 normal;
in vec4 along;
in vec4 kind;
in float nearness;
uniform int layer;
uniform float label;
uniform sampler2D grain;
uniform vec3 color;
uniform vec3 second;
uniform vec3 pattern;       // kind, repeats per metre, phase
uniform vec3 skin;
uniform vec3 lip_color;
uniform vec3 eye_color;
uniform vec3 hair_color;
uniform vec4 hair;          // style (0 bald 1 short 2 full 3 long 4 tail), hairline, fringe, beard
uniform vec4 top_cut;       // sleeve, hem, neckline in front, its slope
uniform vec4 coat_cut;      // sleeve, hem, opening, worn
uniform vec4 bottom_cut;    // waist, end along the leg, worn, tucked
uniform vec4 foot_cut;      // shoe end, sock end, socks worn, hat worn
uniform vec3 skirt_cut;     // lowest height, skirt worn, long coat worn
uniform vec3 sole;
layout(location = 0) out vec4 out_color;
layout(location = 1) out vec2 out_data;

bool in_top(float margin) {
    if (along.z > 0.5) return along.x < top_cut.x - margin * 4.0;
    float neck = mix(top_cut.z + top_cut.w * abs(canon.x), 0.672, smoothstep(-0.07, 0.0, canon.y));
    return canon.z > top_cut.y + margin && canon.z < max(neck, top_cut.z) - margin;
}
bool in_coat(float margin) {
    if (coat_cut.w < 0.5) return false;
    if (along.z > 0.5) return along.x < coat_cut.x - margin * 4.0;
    float gap = coat_cut.z + smoothstep(0.45, 0.7, canon.z) * 0.05;
    bool open = canon.y < 0.0 && abs(canon.x) < gap + margin;
    return canon.z > coat_cut.y + margin && canon.z < 0.69 - margin && !open;
}
bool in_bottom(float margin) {
    return bottom_cut.z > 0.5 && along.z < 0.5 && canon.z < bottom_cut.x - margin
        && along.y < bottom_cut.y - margin * 2.5;
}
bool under_overcoat() {
    bool open = canon.y < 0.0 && abs(canon.x) < max(0.006, coat_cut.z) + 0.015;
    return skirt_cut.z > 0.5 && along.z < 0.5 && canon.z < 0.21 && canon.z > skirt_cut.x + 0.04 && !open;
}
bool in_shoe(float margin) { return along.w > 0.5 && along.y > foot_cut.x + margin; }
bool in_sock(float margin) {
    return foot_cut.z > 0.5 && along.w > 0.5 && along.y > foot_cut.y + margin && along.y < foot_cut.x + 0.06;
}
bool in_hair() {
    if (kind.x < 0.5) return false;
    float y = canon.y;
    float front = hair.y - hair.z * smoothstep(0.07, 0.03, abs(canon.x));
    float side = hair.x > 1.5 ? 0.80 : 0.84;
    float back = hair.x > 1.5 ? 0.735 : 0.765;
    float line = mix(front, side, smoothstep(-0.13, -0.085, y));
    line = mix(line, back, smoothstep(-0.05, -0.02, y));
    line += (texture(grain, canon.xz * 9.0).r - 0.5) * 0.016;
    bool ear = hair.x < 1.5 && abs(canon.x) > 0.0725 && canon.z < 0.848 && y > -0.085 && y < -0.02;
    return canon.z > line && !ear;
}

vec3 cloth(vec2 at) {
    vec2 p = at * pattern.y + pattern.z;
    int k = int(pattern.x + 0.5);
    bool other = false;
    if (k == 1) other = fract(p.y) < 0.5;
    else if (k == 2) other = fract(p.x * 1.6) < 0.35;
    else if (k == 3) { float n = step(0.5, fract(p.x)) + step(0.5, fract(p.y)); return mix(color, second, n * 0.5); }
    else if (k == 4) other = length(fract(p) - 0.5) < 0.27;
    else if (k == 5) other = texture(grain, at * (1.2 + pattern.y * 0.12)).b > 0.53;
    else if (k == 6) {
        vec2 q = (at - vec2(0.0, 0.46)) / (0.07 + 1.1 / pattern.y) + 0.5;
        if (canon.y < 0.0 && along.z < 0.5 && all(greaterThan(q, vec2(0.0))) && all(lessThan(q, vec2(1.0))))
            other = texture(grain, q).a > 0.5;
    }
    else if (k == 7) other = canon.z > 0.42 + 0.1 * fract(pattern.z) || (along.z > 0.5 && along.x > 0.8);
    return other ? second : color;
}

vec3 face(vec3 base) {
    vec3 c = base;
    float eye_z = 0.838;
    vec2 e = vec2(abs(canon.x) - 0.031, canon.z - eye_z);
    bool front = canon.y < -0.10;
    if (front) {
        float cheek = length(vec2(abs(canon.x) - 0.045, canon.z - 0.795));
        c = mix(c, base * vec3(1.04, 0.86, 0.84), smoothstep(0.03, 0.0, cheek) * 0.6);
        c *= 1.0 - 0.35 * smoothstep(0.026, 0.010, length(e * vec2(1.0, 1.5)));
        float arch = canon.z - eye_z - 0.0235 + 4.0 * e.x * e.x;
        float brow = smoothstep(0.0075, 0.004, abs(arch))
                   * smoothstep(0.012, 0.016, abs(canon.x)) * smoothstep(0.058, 0.05, abs(canon.x));
        c = mix(c, hair_color * 0.7, brow * 0.85);
        float jaw = smoothstep(0.80, 0.775, canon.z);
        c = mix(c, hair_color * 0.8, hair.w * jaw * 0.8);
        c = mix(c, lip_color, smoothstep(0.3, 0.7, kind.z));
    }
    if (kind.w > 0.5) {
        float iris = length(e);
        c = iris < 0.0055 ? vec3(0.04) : iris < 0.0115 ? eye_color : vec3(0.82, 0.8, 0.78);
        if (canon.z > eye_z + 0.006) c *= 0.45;  // the shadow of the lid and the lashes
    }
    return c;
}

void main() {
    bool arm = along.z > 0.5, leg = along.w > 0.5;
    float left = canon.x > 0.0 ? 0.0 : 1.0;
    vec4 noise = texture(grain, vec2(canon.x + 0.6 * canon.y, canon.z) * 3.1);
    // Round the trunk the pattern is wrapped like a label, on limbs it is laid on from the front.
    vec2 trunk = vec2(atan(canon.x, -canon.y) * 0.15, canon.z);
    vec2 shin = vec2(abs(canon.x) + 0.6 * canon.y, canon.z);
    vec2 at = arm ? vec2(canon.y * 1.3, -along.x * 0.27) : leg && layer == 1 ? shin : trunk;
    vec3 base = color;
    float shown = label, rough = 0.34, shine = 0.0;

    if (layer < 4 && under_overcoat()) discard;
    if (layer == 0) {
        if (in_top(0.02) || in_coat(0.02) || in_bottom(0.02) || in_shoe(0.015) || in_sock(0.03)) discard;
        if (skirt_cut.y > 0.5 && !arm && canon.z < 0.2 && canon.z > skirt_cut.x + 0.05) discard;
        shown = arm ? 14.0 + left : leg ? 16.0 + left : 13.0;
        base = kind.x > 0.5 ? face(skin) : skin;
        if (hair.x > 0.5 && in_hair()) { base = hair_color; shown = 2.0; }
        base *= 0.97 + 0.06 * noise.r;
        rough = 0.04; shine = 0.12;
    } else if (layer == 1) {
        if (!in_bottom(0.0) || in_shoe(-0.02) && foot_cut.x < 1.9) discard;
        if (bottom_cut.w < 0.5 && in_top(0.012)) discard;
        if (skirt_cut.y > 0.5 && canon.z > skirt_cut.x + 0.05) discard;
        base = cloth(at);
        if (canon.z > bottom_cut.x - 0.028) base *= 0.7;
        if (abs(canon.x) < 0.004 && canon.z > 0.1) base *= 0.75;
    } else if (layer == 2) {
        if (!in_top(0.0) || in_coat(0.015)) discard;
        base = cloth(at);
    } else if (layer == 3) {
        if (!in_coat(0.0)) discard;
        base = cloth(at);
        if (abs(canon.x) < 0.005 && canon.y < 0.0) base *= 0.5;
    } else if (layer == 4) {
        if (canon.z < skirt_cut.x || canon.z > 0.245) discard;
        base = cloth(at);
    } else if (layer == 5) {
        if (!in_shoe(0.0)) discard;
        shown = 18.0 + left;
        base = canon.z < -0.79 ? sole : color;
        bool laces = canon.z > -0.76 && canon.y < -0.06 && canon.y > -0.14;
        if (laces && fract(canon.y * 60.0) < 0.4) base = mix(base, second, 0.5);
        rough = 0.08; shine = 0.15;
    } else if (layer == 6) {
        bool hat = foot_cut.w > 0.5 && canon.z > 0.885 + 0.15 * max(0.0, -0.02 - canon.y) * 0.4;
        if (!hat && !in_hair()) discard;
        shown = hat ? 1.0 : 2.0;
        base = hat ? cloth(at) : hair_color;
        shine = hat ? 0.0 : 0.25;
    } else if (layer == 7) {
        bool tail = hair.x > 3.5;
        if (tail && (canon.y < 0.01 || abs(canon.x) > 0.035 || canon.z < 0.55)) discard;
        if (foot_cut.w > 0.5 && canon.z > 0.87) discard;  // under the hat
        if (canon.z < hair.y - 0.42 || canon.y < -0.12 && abs(canon.x) < 0.062) discard;
        base = hair_color;
        shine = 0.25;
    } else if (layer == 8) {
        if (!in_sock(0.0)) discard;
        base = cloth(at);
    } else {
        if (canon.z < skirt_cut.x || canon.z > 0.245 || canon.y < 0.0 && abs(canon.x) < max(0.006, coat_cut.z)) discard;
        base = cloth(at);
    }
    if (shown == 2.0) base *= 0.72 + 0.56 * texture(grain, vec2(atan(canon.x, -canon.y) * 1.9, canon.z * 0.9)).r;

    vec3 n = normalize(normal);
    bool inside = n.z < -0.05 && layer != 0;
    if (n.z < 0.0) n.z = -n.z;
    vec4 fold = texture(grain, at * vec2(2.6, 1.7) + pattern.z);
    n = normalize(n + rough * vec3(fold.rg * 2.0 - 1.0, 0.0));
    float lambert = dot(n, light.xyz);
    float diffuse = max(0.0, lambert * 0.75 + 0.25);
    float sky = 0.75 + 0.25 * n.y;
    float edge = 0.82 + 0.18 * n.z;
    vec3 linear = pow(base, vec3(2.2));
    vec3 lit = linear * (light.w * sky * edge + light_color.rgb * light_color.w * diffuse);
    vec3 halfway = normalize(light.xyz + vec3(0.0, 0.0, 1.0));
    lit += shine * light_color.rgb * pow(max(dot(n, halfway), 0.0), 18.0) * 0.35;
    if (inside) lit *= 0.45;
    if (layer == 0 && !arm && canon.z < 0.745 && canon.z > 0.6 && canon.y < 0.0) lit *= 0.72;  // below the chin
    out_color = vec4(pow(clamp(lit, 0.0, 1.0), vec3(1.0 / 2.2)), 1.0);
    out_data = vec2(shown, nearness);
}
"""

FULLSCREEN: Final = """
#version 330
in vec2 in_corner;
void main() { gl_Position = vec4(in_corner, 0.0, 1.0); }
"""

REDUCE: Final = """
#version 330
uniform sampler2D color;
uniform sampler2D data;
layout(location = 0) out vec4 out_color;
layout(location = 1) out vec2 out_data;
const int N = SAMPLES;
// Samples to a pixel: colours are averaged, labels vote where at least half of them are a person, the nearest surface
// gives the depth.
void main() {
    ivec2 corner = ivec2(gl_FragCoord.xy) * FACTOR;
    float label[N];
    vec4 total = vec4(0.0);
    float near = -100.0;
    for (int k = 0; k < N; k++) {
        ivec2 at = corner + ivec2(k % FACTOR, k / FACTOR);
        vec4 c = texelFetch(color, at, 0);
        vec2 d = texelFetch(data, at, 0).rg;
        total += c;
        label[k] = c.a > 0.5 ? d.r : 0.0;
        if (c.a > 0.5) near = max(near, d.g);
    }
    float best = 0.0, most = 0.0;
    for (int k = 0; k < N; k++) {
        if (label[k] < 0.5) continue;
        float votes = 0.0;
        for (int j = 0; j < N; j++) votes += label[j] == label[k] ? 1.0 : 0.0;
        if (votes > most) { most = votes; best = label[k]; }
    }
    if (total.a * 2.0 < float(N)) best = 0.0;
    out_color = total / float(N);
    out_data = vec2(best, near);
}
"""
