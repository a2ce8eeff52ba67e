/*
 * The program that marches rays through the volume, written for one file: which layers there are, and what
 * density and colours read of them, is text in it. It samples and sums as the plain sampler does in its first
 * pass (docs/model.md, "Ray marching"), so with as many samples it gives the same picture.
 */

/** A triangle over the whole target. */
export const VERTEX = `#version 300 es
void main() {
  vec2 corner = vec2((gl_VertexID << 1) & 2, gl_VertexID & 2);
  gl_Position = vec4(corner * 2. - 1., 0., 1.);
}`

const COORDINATES = ["at.xy", "at.xz", "at.zx"]
const range = (count, first = 0) => Array.from({ length: count }, (_, i) => first + i)
const joined = (items, write) => items.map(write).join("\n")

/** Adds up the features of some groups over the planes: F0, F1, ... */
function gather({ layers }, groups, resolution) {
  const size = resolution.toFixed(1)
  const planes = [0, 1, 2].map((plane) => {
    const own = layers
      .map(([on, group], layer) => ({ on, group, layer }))
      .filter(({ on, group }) => on === plane && groups.includes(group))
    if (!own.length) return ""
    return `
  uv = ${COORDINATES[plane]}; q = uv * ${size} - .5;
  edge = clamp(q + 1., 0., 1.) * clamp(${size} - q, 0., 1.); w = edge.x * edge.y;
${joined(own, ({ group, layer }) => `  F${group} += w * textureLod(planes, vec3(uv, ${layer}.), 0.);`)}`
  })
  return `
  vec2 uv, q, edge; float w;
${joined(groups, (group) => `  vec4 F${group} = vec4(0.);`)}
${planes.join("")}`
}

/** Adds the hidden units of a part to O, for the outputs (in fours) that are asked for. */
function hidden({ groups }, { units, groups: read }, all, outputs) {
  if (units[1] <= units[0]) return ""
  return `
  for (int k = ${units[0]}; k < ${units[1]}; k++) {
    vec4 h = soft(B1[k]${read.map((group) => ` + W1[k * ${groups} + ${group}] * F${group}`).join("")});
${joined(outputs, (o) => `    O[${o}] += W2[k * ${all} + ${o}] * h;`)}
  }`
}

function linear({ groups, is_linear }, { groups: read }, outputs) {
  if (!is_linear) return ""
  return joined(outputs, (o) =>
    joined(read, (group) => `  O[${o}] += LINEAR[${o} * ${groups} + ${group}] * F${group};`),
  )
}

/** Whether the density reads so much less than the colours that these are better fetched where seen. */
export function isSplit({ density, colours }) {
  return density.groups.every((group) => !colours.groups.includes(group))
}

/**
 * @param {object} header of the file
 * @param {number} fours outputs that are wanted, in fours: 1 for density and colour, 3 for addresses too
 */
export function marchShader(header, fours) {
  const { decoder, resolution, colour } = header
  const { groups, hidden: units, outputs: all } = decoder
  const outputs = range(fours)
  const [quads, allFours] = [units / 4, all / 4]
  const split = isSplit(decoder)
  const one = split
    ? `
float densityAt(vec3 at) {
  vec4 O[1]; O[0] = B2[0];${gather(decoder, decoder.density.groups, resolution)}
${hidden(decoder, decoder.density, allFours, [0])}
  return O[0].x;
}
void coloursAt(vec3 at, out vec4 C[${fours}]) {
  vec4 O[${fours}];
${joined(outputs, (o) => `  O[${o}] = B2[${o}];`)}${gather(decoder, decoder.colours.groups, resolution)}
${linear(decoder, decoder.colours, outputs)}
${hidden(decoder, decoder.colours, allFours, outputs)}
${joined(outputs, (o) => `  C[${o}] = seen(O[${o}]);`)}
}`
    : `
float fieldAt(vec3 at, out vec4 C[${fours}]) {
  vec4 O[${fours}];
${joined(outputs, (o) => `  O[${o}] = B2[${o}];`)}${gather(decoder, range(groups), resolution)}
${linear(decoder, { groups: range(groups) }, outputs)}
${hidden(decoder, { units: [0, quads], groups: range(groups) }, allFours, outputs)}
${joined(outputs, (o) => `  C[${o}] = seen(O[${o}]);`)}
  return O[0].x;
}`
  return `#version 300 es
precision highp float; precision highp int; precision highp sampler2DArray; precision highp sampler3D;
uniform sampler2DArray planes; uniform sampler3D occupancy;
layout(std140) uniform Decoder {
  mat4 W1[${quads * groups}]; vec4 B1[${quads}]; mat4 W2[${quads * allFours}]; vec4 B2[${allFours}];
  ${decoder.is_linear ? `mat4 LINEAR[${allFours * groups}];` : ""}
};
uniform mat4 c2w; uniform vec4 lens; uniform vec2 size; uniform int samples; uniform bool skip;
${joined(outputs, (o) => `layout(location = ${o}) out vec4 out${o};`)}
vec4 soft(vec4 x) { return max(x, 0.) + log(1. + exp(-abs(x))); }
float soft(float x) { return max(x, 0.) + log(1. + exp(-abs(x))); }
vec4 seen(vec4 x) { return ${colour.scale.toFixed(6)} / (1. + exp(-x)) - ${colour.offset.toFixed(6)}; }
${one}
void main() {
  vec2 screen = gl_FragCoord.xy / size; screen.y = 1. - screen.y;
  vec3 origin = c2w[3].xyz, ray = normalize(mat3(c2w) * vec3((screen - lens.zw) / lens.xy, 1.));
  vec3 one = 1. / mix(ray, vec3(1e-9), lessThan(abs(ray), vec3(1e-9)));
  vec3 a = (-.5 - origin) * one, b = (.5 - origin) * one, low = min(a, b), high = max(a, b);
  float near = max(max(low.x, low.y), max(low.z, 0.)), far = min(high.x, min(high.y, high.z));
  vec4 sum[${fours}], now[${fours}], before[${fours}];
${joined(outputs, (o) => `  sum[${o}] = vec4(0.); before[${o}] = vec4(0.);`)}
  float faint = skip ? 3e-4 : 1e-6; // of what is seen; its colour is not worth the while
  float passed = 1., alpha = 0., last = 0.; bool known = false, coloured = false; vec3 previous = vec3(0.);
  if (far > near) {
    float stride = (far - near) / float(samples - 1);
    for (int i = 0; i < samples; i++) {
      vec3 at = origin + ray * (near + stride * (float(i) + .5)) + .5;
      if (skip && textureLod(occupancy, at, 0.).r < .5) { known = coloured = false; continue; }
      float density = ${split ? "densityAt(at)" : "fieldAt(at, now)"};
      if (known) {
        float opacity = 1. - exp(-soft((last + density) * .5 - 1.) * stride), weight = opacity * passed;
        passed *= 1. - opacity + 1e-10; alpha += weight;
        if (weight > faint) {
          ${split ? "if (!coloured) coloursAt(previous, before); coloursAt(at, now); coloured = true;" : ""}
${joined(outputs, (o) => `          sum[${o}] += weight * .5 * (before[${o}] + now[${o}]);`)}
          ${split ? joined(outputs, (o) => `before[${o}] = now[${o}];`) : ""}
        } else coloured = false;
        if (skip && passed < 1e-3) break;
      }
      ${split ? "" : joined(outputs, (o) => `before[${o}] = now[${o}];`)}
      last = density; previous = at; known = true;
    }
  }
  out0 = vec4(sum[0].yzw, alpha);
${
  fours > 1
    ? `  // Addresses relative to the screen: half precision then holds a hundredth of a pixel, and what lies
  // beyond the rim goes on as it should.
  out1 = sum[1] - alpha * screen.xyxy;
  out2 = sum[2] - alpha * vec4(0., 0., screen);`
    : ""
}
}`
}

/**
 * The contents of the block `Decoder`.
 * @param {import("./file.js").PreviewFile} file
 */
export function decoderBlock({ header, floats }) {
  const { groups, hidden: units, outputs, is_linear, ...spans } = header.decoder
  const [w1, b1, w2, b2, mixed] = ["w1", "b1", "w2", "b2", "linear"].map((name) => floats(spans[name]))
  const [quads, fours] = [units / 4, outputs / 4]
  const out = []
  /** Columns of the 4 x 4 part of a matrix by rows. */
  const put = (matrix, width, row, column) => {
    for (let j = 0; j < 4; j++) {
      for (let i = 0; i < 4; i++) out.push(matrix[(4 * row + i) * width + 4 * column + j])
    }
  }
  for (let k = 0; k < quads; k++) for (let g = 0; g < groups; g++) put(w1, 4 * groups, k, g)
  out.push(...b1)
  for (let k = 0; k < quads; k++) for (let o = 0; o < fours; o++) put(w2, units, o, k)
  out.push(...b2)
  if (is_linear) for (let o = 0; o < fours; o++) for (let g = 0; g < groups; g++) put(mixed, 4 * groups, o, g)
  return Float32Array.from(out)
}
