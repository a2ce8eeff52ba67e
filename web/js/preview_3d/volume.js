/*
 * One head on the graphics card: its layers, pictures and expression, and how a view of it is drawn.
 */
import { angleBetween, orbited } from "./camera.js"
import { PreviewError } from "./errors.js"
import { HALVES, toHalf } from "./half.js"
import { decoderBlock, marchShader } from "./march_shader.js"
import { PRESENT_PHOTO, PRESENT_RAW, SURVEY } from "./present_shaders.js"

const CHANNELS = 4
const MATTE_FADE = [6, 14] // degrees over which the photo's matte gives way to the volume's edge (head_layer.py)
const PICTURES = ["skin", "side", "inner", "masks", "torso", "torso_masks", "ground"]

/** @typedef {import("./camera.js").Orbit} Orbit */
/** @typedef {Record<string, number>} Amounts 0..1 by the names of the file's expressions */

/**
 * How to march.
 * @typedef {object} March
 * @property {number} size rays a side
 * @property {number} samples along a ray
 * @property {boolean} [skip] empty space, as the occupancy tells; true if not given
 * @property {boolean} [raw] the volume's own colours though there are pictures
 * @property {[number, number]} [rows] only these, counted from the bottom
 * @property {"RGBA8" | "RGBA16F" | "RGBA32F"} [format]
 */

export class Volume {
  /**
   * @param {import("./file.js").PreviewFile} file
   * @returns {Promise<Volume>} with its pictures decoded; nothing is on the card yet
   */
  static async of(file) {
    const volume = new Volume()
    volume.file = file
    volume.amounts = {}
    const { pictures } = file.header
    const decoded = Object.entries(pictures).map(async ([name, span]) => [name, await decode(file.bytes(span))])
    volume.bitmaps = Object.fromEntries(await Promise.all(decoded))
    return volume
  }

  /** Whether addresses are looked up in the photo; else the volume's own colours are shown. */
  isPhoto(context) {
    return this.file.header.mode === "photo" && context.hasFloatTargets
  }

  /** Forgets what was on the card, which is gone. */
  forget() {
    this.card = null
  }

  /** Frees the card. @param {import("./context.js").Context} context */
  free(context) {
    const { card } = this
    if (!card) return
    const { gl } = context
    for (const one of [card.planes, card.occupancy, ...Object.values(card.pictures)]) gl.deleteTexture(one)
    gl.deleteBuffer(card.decoder)
    this.card = null
  }

  /** Frees everything. */
  dispose(context) {
    this.free(context)
    for (const bitmap of Object.values(this.bitmaps)) bitmap.close()
    this.bitmaps = {}
  }

  /** @param {import("./context.js").Context} context */
  upload(context) {
    const { gl } = context
    const { header, bytes } = this.file
    const { resolution, decoder, occupancy } = header
    const count = decoder.layers.length
    const planes = context.texture(gl.TEXTURE_2D_ARRAY, 0, gl.LINEAR, gl.CLAMP_TO_EDGE)
    gl.texStorage3D(gl.TEXTURE_2D_ARRAY, 1, gl.RGBA16F, resolution, resolution, count)
    this.rest ??= asHalves(this.file, header.planes, count)
    const whole = [0, 0, 0, 0, resolution, resolution, count, gl.RGBA, gl.HALF_FLOAT, this.rest]
    gl.texSubImage3D(gl.TEXTURE_2D_ARRAY, ...whole)
    const cells = occupancy.cells
    const grid = context.texture(gl.TEXTURE_3D, 1, gl.NEAREST, gl.CLAMP_TO_EDGE)
    gl.texStorage3D(gl.TEXTURE_3D, 1, gl.R8, cells, cells, cells)
    const all = [0, 0, 0, 0, cells, cells, cells, gl.RED, gl.UNSIGNED_BYTE, bytes(occupancy.span)]
    gl.texSubImage3D(gl.TEXTURE_3D, ...all)
    const block = gl.createBuffer()
    gl.bindBuffer(gl.UNIFORM_BUFFER, block)
    gl.bufferData(gl.UNIFORM_BUFFER, decoderBlock(this.file), gl.STATIC_DRAW)
    const pictures = {}
    for (const [name, bitmap] of Object.entries(this.bitmaps)) {
      // Beyond the photo's edge the torso goes on as its mirror image.
      const wrap = name.startsWith("torso") ? gl.MIRRORED_REPEAT : gl.CLAMP_TO_EDGE
      pictures[name] = context.texture(gl.TEXTURE_2D, 2, gl.LINEAR, wrap)
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, gl.RGBA, gl.UNSIGNED_BYTE, bitmap)
    }
    this.card = { planes, occupancy: grid, decoder: block, pictures }
    this.changed = null
    const error = gl.getError()
    if (error !== gl.NO_ERROR) throw new PreviewError(context.isLost ? "lost" : "card", `GL error ${error}`)
    this.apply(context)
  }

  /** Shows other expressions from the next drawing on. @param {Amounts} amounts */
  express(amounts) {
    this.amounts = amounts
    this.isStale = true
  }

  /** Planes = those at rest + what the expressions change, in the box that changes. */
  apply(context) {
    this.isStale = false
    const { header } = this.file
    const shares = header.expressions.map((one) => [one, shareOf(one, header.expressions, this.amounts)])
    const active = shares.filter(([, share]) => share !== 0)
    const now = active.map(([{ box }]) => box)
    const box = around(this.changed ? [...now, this.changed] : now)
    this.changed = around(now)
    if (!box) return
    const { gl } = context
    const [x, y, width, height] = box
    const moving = new Set(header.expressions.flatMap(({ parts }) => parts.flatMap(({ layers }) => layers)))
    gl.activeTexture(gl.TEXTURE0)
    gl.bindTexture(gl.TEXTURE_2D_ARRAY, this.card.planes)
    const sum = new Float32Array(width * height * CHANNELS)
    const out = new Uint16Array(sum.length)
    for (const layer of moving) {
      this.restInto(sum, layer, box)
      for (const [{ box: own, parts }, share] of active) {
        for (const part of parts) {
          const index = part.layers.indexOf(layer)
          if (index >= 0) add(sum, box, this.decoded(part), index, own, share)
        }
      }
      for (let i = 0; i < out.length; i++) out[i] = toHalf(sum[i])
      const region = [0, x, y, layer, width, height, 1, gl.RGBA, gl.HALF_FLOAT, out]
      gl.texSubImage3D(gl.TEXTURE_2D_ARRAY, ...region)
    }
  }

  /** A layer at rest, in a box. */
  restInto(sum, layer, [x, y, width, height]) {
    const side = this.file.header.resolution
    for (let row = 0; row < height; row++) {
      const from = ((layer * side + y + row) * side + x) * CHANNELS
      const to = row * width * CHANNELS
      for (let i = 0; i < width * CHANNELS; i++) sum[to + i] = HALVES[this.rest[from + i]]
    }
  }

  /** The values of a part of an expression as they were before they were packed. */
  decoded(part) {
    this.unpacked ??= new Map()
    if (!this.unpacked.has(part)) this.unpacked.set(part, asFloats(this.file, part))
    return this.unpacked.get(part)
  }

  /**
   * Marches rays into a target. @param {import("./context.js").Context} context
   * @param {Orbit} orbit @param {March} march
   */
  march(context, orbit, march) {
    const { gl } = context
    if (!this.card) this.upload(context)
    if (this.isStale) this.apply(context)
    const { header } = this.file
    const fours = this.isPhoto(context) && !march.raw ? 3 : 1
    const target = context.target(march.size, fours, march.format ?? (fours > 1 ? "RGBA16F" : "RGBA8"))
    const program = context.program(marchShader(header, fours))
    const { uniforms } = program
    context.use(program, [
      ["planes", gl.TEXTURE_2D_ARRAY, this.card.planes],
      ["occupancy", gl.TEXTURE_3D, this.card.occupancy],
    ])
    const { c2w, pivot } = header.camera
    gl.uniformMatrix4fv(uniforms.c2w, true, Float32Array.from(orbited(c2w, pivot, orbit)))
    gl.uniform4fv(uniforms.lens, lensOf(header.camera))
    gl.uniform2f(uniforms.size, march.size, march.size)
    gl.uniform1i(uniforms.samples, march.samples)
    gl.uniform1i(uniforms.skip, march.skip === false ? 0 : 1)
    gl.uniformBlockBinding(program.program, gl.getUniformBlockIndex(program.program, "Decoder"), 0)
    gl.bindBufferBase(gl.UNIFORM_BUFFER, 0, this.card.decoder)
    context.draw(target, march.rows)
    return target
  }

  /**
   * Looks at rays and their neighbours, for `present`. @param {import("./context.js").Context} context
   * @param {import("./context.js").Target} target of `march`
   */
  survey(context, target) {
    if (target.textures.length === 1) return
    const { gl } = context
    const [rays, addresses] = target.textures
    const around = context.target(target.size, 2, "RGBA16F")
    const survey = context.program(SURVEY)
    context.use(survey, [
      ["rays", gl.TEXTURE_2D, rays],
      ["addresses", gl.TEXTURE_2D, addresses],
      ["masks", gl.TEXTURE_2D, this.card.pictures.masks],
    ])
    gl.uniform2f(survey.uniforms.size, target.size, target.size)
    context.draw(around)
  }

  /**
   * Makes a picture of marched rays. @param {import("./context.js").Context} context
   * @param {Orbit} orbit @param {import("./context.js").Target} target of `march`, after `survey`
   * @param {number} size @param {[number, number]} [rows] only these, counted from the bottom
   * @returns {import("./context.js").Target}
   */
  present(context, orbit, target, size, rows) {
    const picture = context.target(size, 1, "RGBA8")
    if (target.textures.length === 1) this.useRaw(context, target, size)
    else this.usePhoto(context, orbit, target, size)
    context.draw(picture, rows)
    return picture
  }

  useRaw(context, target, size) {
    const { gl } = context
    const program = context.program(PRESENT_RAW)
    context.use(program, [["rays", gl.TEXTURE_2D, target.textures[0]]])
    this.frame(gl, program, size)
  }

  usePhoto(context, orbit, target, size) {
    const { gl } = context
    const { header } = this.file
    const [rays, addresses, distances] = target.textures
    const around = context.target(target.size, 2, "RGBA16F")
    const program = context.program(PRESENT_PHOTO)
    const { uniforms } = program
    const empty = this.card.pictures.masks // nothing reads it without a portrait
    context.use(program, [
      ["rays", gl.TEXTURE_2D, rays],
      ["addresses", gl.TEXTURE_2D, addresses],
      ["distances", gl.TEXTURE_2D, distances],
      ["survey", gl.TEXTURE_2D, around.textures[0]],
      ["known", gl.TEXTURE_2D, around.textures[1]],
      ...PICTURES.map((name) => [samplerOf(name), gl.TEXTURE_2D, this.card.pictures[name] ?? empty]),
    ])
    const { c2w, pivot } = header.camera
    const view = orbited(c2w, pivot, orbit)
    const away = (angleBetween(view, c2w) - MATTE_FADE[0]) / (MATTE_FADE[1] - MATTE_FADE[0])
    const near = Math.min(Math.max(1 - away, 0), 1)
    gl.uniform1i(uniforms.portrayed, this.isPortrayed ? 1 : 0)
    gl.uniform1f(uniforms.nearPhoto, near * near * (3 - 2 * near))
    gl.uniform1f(uniforms.torsoDepth, header.photo.torso_depth)
    gl.uniform2f(uniforms.closing, this.amounts.blink ?? 0, this.amounts.blink ?? 0)
    gl.uniform2fv(uniforms.irises, header.photo.iris_u)
    gl.uniform3fv(uniforms.lip, header.photo.lip)
    gl.uniformMatrix4fv(uniforms.view, true, Float32Array.from(view))
    gl.uniformMatrix4fv(uniforms.rest, true, Float32Array.from(c2w))
    gl.uniform4fv(uniforms.lens, lensOf(header.camera))
    gl.uniform4fv(uniforms.restLens, lensOf(header.camera))
    this.frame(gl, program, size)
  }

  /** Whether torso and background are there. */
  get isPortrayed() {
    return Boolean(this.file.header.pictures.torso)
  }

  frame(gl, { uniforms }, size) {
    gl.uniform2f(uniforms.size, size, size)
    gl.uniform3fv(uniforms.ground, this.file.header.ground)
  }
}

const samplerOf = (name) => (name.includes("masks") ? name.replace("_m", "M") : `${name}Picture`)

const lensOf = ({ intrinsics: [fx, , cx, , fy, cy] }) => [fx, fy, cx, cy]

/** @param {Uint8Array} content a picture's file */
export async function decode(content) {
  try {
    const exact = { premultiplyAlpha: "none", colorSpaceConversion: "none" }
    return await createImageBitmap(new Blob([content]), exact)
  } catch (error) {
    throw new PreviewError("pictures", String(error))
  }
}

/**
 * How much of a stored expression an amount takes: between the amounts that are stored (0 is not) a straight
 * line.
 */
function shareOf({ name, amount }, expressions, amounts) {
  const wanted = amounts[name] ?? 0
  const stored = expressions.filter((one) => one.name === name).map((one) => one.amount)
  const knots = [0, ...stored].sort((a, b) => a - b)
  const at = knots.indexOf(amount)
  const [below, above] = [knots[at - 1], knots[at + 1]]
  if (wanted <= below || wanted <= 0) return 0
  if (wanted <= amount) return (wanted - below) / (amount - below)
  if (above === undefined) return wanted / amount
  return Math.max(0, (above - wanted) / (above - amount))
}

/** The box around boxes (x, y, width, height); null of none. */
function around(boxes) {
  const given = boxes.filter(Boolean)
  if (!given.length) return null
  const x = Math.min(...given.map((box) => box[0]))
  const y = Math.min(...given.map((box) => box[1]))
  const right = Math.max(...given.map((box) => box[0] + box[2]))
  const bottom = Math.max(...given.map((box) => box[1] + box[3]))
  return [x, y, right - x, bottom - y]
}

/** Adds a share of layer `index` of an expression's values in its own box to `sum` in another. */
function add(sum, [x, y, width], values, index, [ownX, ownY, ownWidth, ownHeight], share) {
  for (let row = 0; row < ownHeight; row++) {
    const from = (index * ownHeight + row) * ownWidth * CHANNELS
    const to = ((ownY - y + row) * width + ownX - x) * CHANNELS
    for (let i = 0; i < ownWidth * CHANNELS; i++) sum[to + i] += share * values[from + i]
  }
}

/** @returns {Float32Array} */
function asFloats(file, { format, span, scale, offset, layers }) {
  if (format === "f16") return Float32Array.from(file.halves(span), (one) => HALVES[one])
  const [given, scales, offsets] = [file.bytes(span), file.floats(scale), file.floats(offset)]
  const each = given.length / layers.length
  return Float32Array.from(given, (value, i) => {
    const channel = Math.floor(i / each) * CHANNELS + (i % CHANNELS)
    return value * scales[channel] + offsets[channel]
  })
}

/** @returns {Uint16Array} bits of half precision numbers, by a table of 256 for each layer and channel */
function asHalves(file, { format, span, scale, offset }, layers) {
  if (format === "f16") return file.halves(span)
  const [given, scales, offsets] = [file.bytes(span), file.floats(scale), file.floats(offset)]
  const out = new Uint16Array(given.length)
  const each = given.length / layers
  for (let layer = 0; layer < layers; layer++) {
    for (let channel = 0; channel < CHANNELS; channel++) {
      const k = layer * CHANNELS + channel
      const table = Uint16Array.from({ length: 256 }, (_, value) => toHalf(value * scales[k] + offsets[k]))
      for (let i = layer * each + channel; i < (layer + 1) * each; i += CHANNELS) out[i] = table[given[i]]
    }
  }
  return out
}
