/*
 * The programs that bring marched rays to the canvas. That of a photo does in one go what HTB-SR does
 * (real3d_core/htb_sr): it looks the rays' addresses up in the photo, cuts lips and lids by their distances, and
 * puts the head over torso and background. Numbers without a word are those of head_layer.py and openings.py.
 */

const HEAD = `#version 300 es
precision highp float; precision highp sampler2D;
uniform vec2 size; uniform vec3 ground; layout(location = 0) out vec4 colour;`

/** Rays: evens out their steps, together with a B-spline as much as a Gaussian of 1.3 does in HTB-SR. */
const BLUR = "1.165"

/** The volume's own colours. */
export const PRESENT_RAW = `${HEAD}
uniform sampler2D rays;
void main() {
  vec4 seen = texture(rays, gl_FragCoord.xy / size);
  colour = vec4(clamp(seen.rgb + ground * (1. - clamp(seen.a, 0., 1.)), 0., 1.), 1.);
}`

/**
 * What is to be known of each ray beside its neighbours, at the size of the rays. `colour`: whether the address
 * jumps there or beside it, the head's weight, the alpha blurred, and the alpha two rays farther in. `known`: the
 * address relative to the screen, and like the weight continued beyond the rim, so that enlarging sees no garbage.
 */
export const SURVEY = `${HEAD}
uniform sampler2D rays, addresses, masks;
layout(location = 1) out vec4 known;
ivec2 last;
float alphaAt(ivec2 at) { return texelFetch(rays, clamp(at, ivec2(0), last), 0).a; }
vec2 addressAt(ivec2 at) {
  at = clamp(at, ivec2(0), last);
  return texelFetch(addresses, at, 0).xy / max(texelFetch(rays, at, 0).a, 1e-3);
}
vec2 beside(ivec2 at, vec2 middle) { return alphaAt(at) > .5 ? addressAt(at) : middle; }
// Of a straight line there is no second difference, relative to the screen or not.
vec2 bend(ivec2 at, ivec2 to, vec2 middle) {
  return abs(beside(at + to, middle) - 2. * middle + beside(at - to, middle)) * size;
}
float kinkAt(ivec2 at) {
  if (alphaAt(at) <= .9) return 0.;
  vec2 middle = addressAt(at), most = max(bend(at, ivec2(1, 0), middle), bend(at, ivec2(0, 1), middle));
  return clamp((max(most.x, most.y) - 1.2) / 1.5, 0., 1.);
}
void main() {
  ivec2 at = ivec2(gl_FragCoord.xy);
  last = textureSize(rays, 0) - 1;
  vec2 middle = addressAt(at);
  float kink = 0.;
  for (int y = -1; y <= 1; y++) for (int x = -1; x <= 1; x++) kink = max(kink, kinkAt(at + ivec2(x, y)));
  float blurred = 0., total = 0., core = 1., count = 0.;
  vec2 near = vec2(0.);
  for (int y = -4; y <= 4; y++) for (int x = -4; x <= 4; x++) {
    float there = clamp(alphaAt(at + ivec2(x, y)), 0., 1.), far = float(x * x + y * y);
    float share = exp(-far / (2. * ${BLUR} * ${BLUR}));
    blurred += share * there; total += share;
    if (max(abs(x), abs(y)) <= 2) core = min(core, there > .5 ? 1. : 0.);
    if (there > .5 && max(abs(x), abs(y)) <= 3) {
      float close = exp(-3. * far);
      near += close * addressAt(at + ivec2(x, y)); count += close;
    }
  }
  if (alphaAt(at) <= .5) middle = count > 0. ? near / count : vec2(0.);
  vec2 screen = gl_FragCoord.xy / size; screen.y = 1. - screen.y;
  float weight = count > 0. ? texture(masks, (middle + screen + .001) / 1.002).g : 0.;
  colour = vec4(kink, weight, blurred / total, core);
  known = vec4(middle, 0., 1.);
}`

export const PRESENT_PHOTO = `${HEAD}
uniform sampler2D rays, addresses, distances, survey, known;
uniform sampler2D skinPicture, sidePicture, innerPicture, masks, torsoPicture, torsoMasks, groundPicture;
uniform bool portrayed; uniform float nearPhoto, torsoDepth; uniform vec2 closing, irises; uniform vec3 lip;
uniform mat4 view, rest; uniform vec4 lens, restLens;

float logit(float p) { p = clamp(p, 1e-4, 1. - 1e-4); return log(p / (1. - p)); }
vec4 unit(vec4 feature) { return (feature + .001) / 1.002; }

// A cubic B-spline, which shows no rays; the blur that it adds is taken off that of the survey.
vec4 smoothly(sampler2D from, vec2 at) {
  vec2 rays = vec2(textureSize(from, 0)), place = at * rays - .5, f = fract(place), g = 1. - f;
  vec2 a = g * g * g / 6., d = f * f * f / 6.;
  vec2 b = (4. - 6. * f * f + 3. * f * f * f) / 6., c = 1. - a - b - d;
  vec2 low = (place - f - .5 + b / (a + b)) / rays, high = (place - f + 1.5 + d / (c + d)) / rays;
  vec2 near = a + b, far = c + d;
  return near.y * (near.x * texture(from, low) + far.x * texture(from, vec2(high.x, low.y)))
    + far.y * (near.x * texture(from, vec2(low.x, high.y)) + far.x * texture(from, high));
}

// Where on the screen a point of the torso, at an address of the photo, is seen now: relative to the address.
// What lies beyond the photo moves as its edge.
vec2 moved(vec2 at) {
  at = clamp(at, 0., 1.);
  float z = texture(torsoMasks, at).g * torsoDepth, depth = rest[3].z - z;
  vec3 point = vec3(depth * (at.x - restLens.z) / restLens.x, depth * (restLens.w - at.y) / restLens.y, z);
  vec3 local = transpose(mat3(view)) * (point - view[3].xyz);
  return local.xy / max(local.z, 1e-3) * lens.xy + lens.zw - at;
}

vec4 torsoAt(vec2 screen) {
  vec2 back = -moved(screen);
  for (int i = 0; i < 5; i++) back = -moved(screen + back);
  vec2 at = screen + back;
  return vec4(texture(torsoPicture, at).rgb, texture(torsoMasks, at).r);
}

// The skin's picture for this view.
vec3 skinAt(vec2 at) { return mix(texture(sidePicture, at).rgb, texture(skinPicture, at).rgb, nearPhoto); }

vec3 opening(vec3 skin, vec2 inner, vec2 lower, float below, float above, float share) {
  float side = clamp((below - above) / .0016 * .5 + .5, 0., 1.);
  if (max(below, above) <= -.09) side = 0.;
  skin = mix(skin, skinAt(lower), side);
  float madeUp = share;
  vec3 inside = texture(innerPicture, inner).rgb;
  inside = mix(inside, lip * .62, clamp(madeUp * exp(-max(above, 0.) / .0035), 0., 1.) * .75);
  float shade = clamp(.68 + .32 * min(below, above + .004) / .012, .68, 1.);
  inside *= 1. - madeUp * (1. - pow(vec3(shade), vec3(.8, 1.2, 1.3)));
  vec3 mixed = mix(skin, inside, smoothstep(-.001, .001, min(below, above)));
  float amount = abs(inner.x - irises.x) < abs(inner.x - irises.y) ? closing.x : closing.y;
  float edge = (max(below, -above) - .0006) / .0019;
  float lashes = .42 * amount * (1. - madeUp) * smoothstep(-.01, -.003, min(below, above)) * exp(-edge * edge);
  return mixed * (1. - lashes);
}

void main() {
  vec2 at = gl_FragCoord.xy / size, screen = vec2(at.x, 1. - at.y);
  vec3 behind = ground;
  if (portrayed) {
    vec4 torso = torsoAt(screen);
    behind = mix(texture(groundPicture, screen).rgb, torso.rgb, torso.a);
  }
  vec4 around = smoothly(survey, at);
  if (around.b < .1) { colour = vec4(behind, 1.); return; }
  float alpha = max(texture(rays, at).a, 1e-3);
  vec4 address = unit(vec4(texture(known, at).xy, texture(addresses, at).zw / alpha) + screen.xyxy);
  vec4 slit = unit(texture(distances, at) / alpha + vec4(0., 0., screen));
  float below = logit(slit.x) * .02, above = logit(slit.y) * .02;
  float ends = 1. / (1. + exp(4.5));
  // The silhouette is cut where the blurred alpha is a half; the matte belongs to its rim alone.
  float cover = clamp((1. / (1. + exp(-(around.b - .5) * 9.)) - ends) / (1. - 2. * ends), 0., 1.);
  float core = clamp((around.a - .2) / .6, 0., 1.);
  if (portrayed) cover *= (1. - (1. - max(texture(masks, address.xy).r, core)) * nearPhoto) * around.g;
  vec3 head = skinAt(address.xy);
  if (min(below, above) > -.068)
    head = opening(head, address.zw, slit.zw, below, above, texture(masks, address.zw).b);
  // The edges of lips and lids are jumps on purpose; a ray that passes the head by has no colour to show.
  float kink = texture(survey, at).r;
  if (kink > 0. && min(below, above) < -.006) {
    vec4 soft = smoothly(rays, at);
    head = mix(head, unit(soft / max(soft.a, 1e-3)).rgb, kink * smoothstep(.02, .1, soft.a));
  }
  colour = vec4(mix(behind, head, cover), 1.);
}`
