"""The shaders: surfaces to colour, label, IUV and depth; shadows on them and on the ground; samples to pixels."""

from __future__ import annotations

from typing import Final

FRAME: Final = """
const int LAMPS = 3;
layout(std140) uniform Frame {
    vec4 view[3];        // rows: posed metres -> camera axes (right, up, towards the camera)
    vec4 place;          // scale x, scale y, offset x, offset y: to the picture
    vec4 lens;           // 1 / distance, depth scale, depth offset, samples a metre spans
    vec4 sky;            // linear light from above, exposure
    vec4 bounce;         // linear light from below, height of the ground (metres)
    vec4 lamp[LAMPS];    // direction towards the lamp in posed axes, softness of its shadow
    vec4 lamp_color[LAMPS];
    vec4 sun[3];         // rows: posed metres -> shadow map (x and y in [-1, 1], nearness to the lamp in [0, 1])
};
"""

VERTEX: Final = """
in vec3 in_place;
in vec3 in_normal;
in float in_strain;
in vec3 in_canon;
in vec2 in_along;
in vec4 in_region;
in vec4 in_special;   // lips, eye, scalp, shade
out vec3 canon;
out vec3 normal;
out vec3 posed;
out vec2 along;
out vec4 region;
out vec4 special;
out float strain;
out float nearness;

void main() {
    canon = in_canon; along = in_along; region = in_region; special = in_special; strain = in_strain;
    normal = in_normal; posed = in_place;
    vec4 point = vec4(in_place, 1.0);
    vec3 seen = vec3(dot(view[0], point), dot(view[1], point), dot(view[2], point));
    nearness = seen.z;
    float w = 1.0 - seen.z * lens.x;
    gl_Position = vec4(place.xy * seen.xy + place.zw * w, lens.y * w + lens.z, w);
}
"""

SHADOW_VERTEX: Final = """
in vec3 in_place;
void main() {
    vec4 point = vec4(in_place, 1.0);
    gl_Position = vec4(dot(sun[0], point), dot(sun[1], point), 1.0 - 2.0 * dot(sun[2], point), 1.0);
}
"""

SHADOW_FRAGMENT: Final = """
void main() {}
"""

GROUND_VERTEX: Final = """
in vec3 in_place;
out float lift;
void main() {
    lift = in_place.z - bounce.w;
    vec3 to = normalize(lamp[0].xyz + vec3(0.0, 0.0, 0.35));  // three times as long as high at most
    vec4 point = vec4(in_place - to * (lift / to.z), 1.0);
    vec3 seen = vec3(dot(view[0], point), dot(view[1], point), dot(view[2], point));
    float w = 1.0 - seen.z * lens.x;
    gl_Position = vec4(place.xy * seen.xy + place.zw * w, 0.0, w);
}
"""

GROUND_FRAGMENT: Final = """
in float lift;
layout(location = 0) out vec4 out_color;
void main() { out_color = vec4(1.0, exp(-max(lift, 0.0) / 0.10), 0.0, 1.0); }
"""

# Compiled once for each KIND (0 skin, 1 cloth, 2 hair, 3 glass, 4 the rest): llvmpipe walks through every branch of
# a shader, taken or not. PRINTED: prints on chest or back. FINE: threads and stitches. FRAYED: a ragged outline.
SURFACE: Final = """
in vec3 canon;
in vec3 normal;
in vec3 posed;
in vec2 along;
in vec4 region;
in vec4 special;
in float strain;
in float nearness;
uniform sampler2D grain;
uniform sampler2DArray tiles;      // fabrics: sRGB and height
uniform sampler2DArray decals;
uniform sampler2DShadow shadow;
uniform vec2 label;                // on the person's left and right
uniform int wrap;                  // 0 limbs, 1 body (arms as limbs), 2 planar
uniform vec4 fabric;               // tile, repeat (m), gloss, fold
uniform vec3 base_color;           // hair, sole, glass
uniform vec4 front_place;          // decal on the chest: centre x, z, size
uniform vec4 back_place;
uniform vec2 decal_layer;          // front, back; -1 for none
uniform vec2 hairy;                // fuzz, curl
uniform float body_iuv;            // 0: the thing is no part of the body (bags)
layout(location = 0) out vec4 out_color;
layout(location = 1) out vec4 out_data;
layout(location = 2) out float out_near;

vec2 cloth_at() {
    if (wrap == 2) return canon.xz;
    vec3 p = vec3(abs(canon.x), canon.yz);
    if (region.x > 0.5) return vec2(arm_turn(p, along.x) * 0.055, 0.6 - along.x * 0.27);
    if (wrap == 0 && region.y > 0.5 && canon.z < 0.1) return vec2(leg_turn(p, along.y) * 0.085, canon.z);
    return vec2(trunk_turn(canon) * 0.16, canon.z);
}

#ifdef PRINTED
vec4 decal(vec4 place_of, float layer_of, float mirror) {
    vec2 q = (canon.xz - place_of.xy) / place_of.zw * vec2(mirror, -1.0) + 0.5;
    if (any(lessThan(q, vec2(0.0))) || any(greaterThan(q, vec2(1.0)))) return vec4(0.0);
    float lod = max(0.0, log2(256.0 / max(place_of.z * lens.w, 1.0)));
    return textureLod(decals, vec3(q, layer_of), lod);
}
#endif

float lit_share(vec3 n) {
    vec4 point = vec4(posed + n * 0.012, 1.0);
    vec3 at = vec3(dot(sun[0], point), dot(sun[1], point), dot(sun[2], point));
    vec3 s = vec3(at.xy * 0.5 + 0.5, 1.0 - at.z - 0.006);
    s.y = (s.y + float(TILE)) / float(TILES);
    vec2 d = vec2(1.2 / SHADOW_SIDE, 1.2 / SHADOW_SIDE / float(TILES)) * (1.0 + 2.0 * lamp[0].w);
    return 0.25 * (texture(shadow, s + vec3(d.x, d.y * 0.4, 0)) + texture(shadow, s + vec3(-d.x, -d.y * 0.4, 0))
                 + texture(shadow, s + vec3(-d.x * 0.4, d.y, 0)) + texture(shadow, s + vec3(d.x * 0.4, -d.y, 0)));
}

void main() {
    vec3 eye = normalize(view[2].xyz);
    vec3 n = normalize(normal);
    if (!gl_FrontFacing) n = -n;
    vec3 base = base_color;
    float gloss = 0.0, fold = 0.0, soft = 0.25;
#if KIND == 0
    gloss = 0.1;
    base = skin_albedo(canon, along, region, special.xyz, gloss);
    soft = 0.35;
#elif KIND == 1
    vec2 at = cloth_at();
    float lod = max(0.0, log2(256.0 / max(fabric.y * lens.w, 0.01)));
    vec2 uv = at / fabric.y;
    vec4 cloth = textureLod(tiles, vec3(uv.x, -uv.y, fabric.x), lod);
    base = cloth.rgb;
#ifdef PRINTED
    bool front = canon.y < -0.02;
    float which = front ? decal_layer.x : decal_layer.y;
    if (which >= 0.0 && region.x < 0.5) {
        vec4 print = decal(front ? front_place : back_place, which, front ? 1.0 : -1.0);
        base = mix(base, print.rgb, print.a);
    }
#endif
    base *= special.w;
    gloss = fabric.z; fold = fabric.w;
#ifdef FINE
    float e = 1.5 / 256.0;
    float hx = textureLod(tiles, vec3(uv.x + e, -uv.y, fabric.x), lod).a - cloth.a;
    float hy = textureLod(tiles, vec3(uv.x, -uv.y - e, fabric.x), lod).a - cloth.a;
    n = normalize(n - 0.9 * clamp((2.5 - lod) / 2.5, 0.0, 1.0) * vec3(hx, 0.0, hy));
#endif
    {
        // Creases: noise stretched along the cloth, stronger where it is pushed together.
        vec4 a = texture(grain, at * vec2(2.3, 1.1) + base_color.xy * 3.0);
        vec4 b = texture(grain, at * vec2(4.1, 2.3) + base_color.yz * 5.0 + 0.37);
        float much = fold * (0.22 + 1.3 * clamp(strain, 0.0, 0.5));
        vec3 right = normalize(cross(vec3(0.0, 0.0, 1.0), n) + 1e-4);
        vec2 tilt = (a.rg - 0.5) * 1.6 + (b.rg - 0.5) * (0.8 + 2.0 * clamp(strain, 0.0, 0.5));
        n = normalize(n + much * (tilt.x * right + tilt.y * vec3(0.0, 0.0, 1.0)));
        base *= 1.0 - 0.25 * much * smoothstep(0.55, 0.8, a.b);
    }
#elif KIND == 2
#ifdef FRAYED
    float rim = abs(dot(n, eye));
    if (rim < hairy.x * 30.0 * (texture(grain, canon.xz * 23.0 + canon.y * 7.0).r - 0.25)) discard;
#endif
    vec2 strands = hair_strands(along);
    base *= (0.97 + 0.55 * strands.x) * special.w;
    n = normalize(n + 0.9 * strands.y * normalize(vec3(n.y, -n.x, 0.05)));
    gloss = 0.16;
#elif KIND == 3
    gloss = 0.9;
#else
    base *= special.w;
    gloss = 0.1;
#endif
    // Squares and roots for the sRGB curve: pow is dear here.
    vec3 albedo = clamp(base, 0.0, 1.0);
    albedo *= albedo;
    float share = lit_share(normalize(normal) * (gl_FrontFacing ? 1.0 : -1.0));
    float up = n.z * 0.5 + 0.5;
    vec3 light = mix(bounce.rgb, sky.rgb, up);
    // The legs see less of the sky than the head does, and the trunk less than the arms in front of it.
    light *= 0.72 + 0.28 * clamp((posed.z - bounce.w) / 1.2, 0.0, 1.0);
    vec3 shine = vec3(0.0);
    for (int k = 0; k < LAMPS; k++) {
        vec3 to = lamp[k].xyz;
        float c = max(0.0, (dot(n, to) + soft) / (1.0 + soft));
        float got = k == 0 ? share : 1.0;
        light += lamp_color[k].rgb * c * got;
        if (k == 0) {
            float power = KIND == 3 ? 60.0 : KIND == 2 ? 14.0 : 8.0 + 40.0 * gloss;
            shine = lamp_color[k].rgb * pow(max(dot(n, normalize(to + eye)), 0.0), power) * got;
        }
    }
    float grazing = 1.0 - max(dot(n, eye), 0.0);
    vec3 lit = albedo * light + shine * gloss * 0.35 + light * 0.04 * gloss * grazing;
#if KIND == 0
    lit += albedo * light * vec3(0.10, 0.02, 0.0) * grazing;
#elif KIND == 1
    lit += albedo * light * 0.25 * grazing * grazing * (1.0 - gloss);
#endif
    if (!gl_FrontFacing) lit *= KIND == 2 ? 0.55 : 0.35;
    lit *= sky.w;
    vec3 over = max(lit - 0.6, 0.0);
    lit = min(lit, 0.6) + over / (1.0 + 1.3 * over);  // a soft shoulder, as film and sensors have
    out_color = vec4(sqrt(clamp(lit, 0.0, 1.0)), 1.0);
    bool left = canon.x > 0.0;
    float shown = left ? label.x : label.y;
#if KIND == 0
        shown = region.x > 0.5 ? (left ? 14.0 : 15.0) : region.y > 0.5 || region.w > 0.5 ? (left ? 16.0 : 17.0) : 13.0;
        if (special.z > 0.6) shown = 2.0;
#endif
    vec3 iuv = iuv_of(canon, along, region) * body_iuv;
    out_data = vec4(shown / 255.0, iuv.x / 255.0, iuv.yz);
    out_near = nearness;
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
uniform sampler2D near;
uniform vec2 tile;      // samples: width, height of one tile
uniform float reach;    // samples
layout(location = 0) out vec4 out_color;
layout(location = 1) out vec4 out_data;
layout(location = 2) out float out_near;
const int N = SAMPLES;
const float NOTHING = -100.0;
const vec2 RING[8] = vec2[](vec2(1, 0), vec2(0.7, 0.7), vec2(0, 1), vec2(-0.7, 0.7), vec2(-1, 0), vec2(-0.7, -0.7),
                            vec2(0, -1), vec2(0.7, -0.7));

float closed_in(ivec2 corner, float here) {
    // How much nearer surfaces round a point hide the light from it (0 to 1).
    float total = 0.0;
    float bottom = floor(float(corner.y) / tile.y) * tile.y;
    for (int k = 0; k < 8; k++) {
        vec2 p = vec2(corner) + RING[k] * reach * (k % 2 == 0 ? 1.0 : 0.5);
        p = clamp(p, vec2(0.0, bottom), vec2(tile.x - 1.0, bottom + tile.y - 1.0));
        float gap = texelFetch(near, ivec2(p), 0).r - here;
        total += smoothstep(0.01, 0.05, gap) * smoothstep(0.35, 0.12, gap);
    }
    return total / 8.0;
}

// Samples to a pixel: colours are averaged, labels vote where at least half of them are a person, IUV is that of the
// nearest sample with the winning label, the nearest surface gives the depth.
void main() {
    ivec2 corner = ivec2(gl_FragCoord.xy) * FACTOR;
    float label[N];
    vec4 total = vec4(0.0);
    float front = NOTHING;
    for (int k = 0; k < N; k++) {
        ivec2 at = corner + ivec2(k % FACTOR, k / FACTOR);
        vec4 c = texelFetch(color, at, 0);
        total += c;
        label[k] = c.a > 0.5 ? texelFetch(data, at, 0).r * 255.0 + 1.0 : 0.0;
        if (c.a > 0.5) front = max(front, texelFetch(near, at, 0).r);
    }
    float best = 0.0, most = 0.0;
    for (int k = 0; k < N; k++) {
        if (label[k] < 0.5) continue;
        float votes = 0.0;
        for (int j = 0; j < N; j++) votes += abs(label[j] - label[k]) < 0.5 ? 1.0 : 0.0;
        if (votes > most) { most = votes; best = label[k]; }
    }
    if (total.a * 2.0 < float(N)) best = 0.0;
    vec4 iuv = vec4(0.0);
    float closest = NOTHING;
    for (int k = 0; k < N && best > 0.5; k++) {
        if (abs(label[k] - best) > 0.5) continue;
        ivec2 at = corner + ivec2(k % FACTOR, k / FACTOR);
        float z = texelFetch(near, at, 0).r;
        if (z > closest) { closest = z; iuv = texelFetch(data, at, 0); }
    }
    total /= float(N);
    if (front > NOTHING) total.rgb *= 1.0 - 0.55 * closed_in(corner, front);
    out_color = total;
    out_data = vec4(max(best - 1.0, 0.0) / 255.0, iuv.gba);
    out_near = best > 0.5 ? front : NOTHING;
}
"""
