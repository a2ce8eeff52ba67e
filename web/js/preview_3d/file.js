/*
 * Reads the file that real3d_core/preview_3d/file.py writes, and does not believe a word of it before it is
 * checked: it may be cut short, or of another version.
 */
import { PreviewError } from "./errors.js"

const VERSION = 1
const GROUP = 4 // channels of a texel
const MOST_HIDDEN = 256
const MOST_LAYERS = 256 // what every WebGL2 holds
const PHOTO_PICTURES = ["skin", "side", "inner", "masks"]

/** @typedef {[number, number]} Span offset into the data, and bytes */

/**
 * @typedef {object} PreviewFile
 * @property {object} header as written, see `header_of` in file.py
 * @property {(span: Span) => Uint8Array} bytes
 * @property {(span: Span) => Float32Array} floats
 * @property {(span: Span) => Uint16Array} halves bits of half precision numbers
 */

/**
 * @param {ArrayBuffer} buffer the file, compressed or not
 * @returns {Promise<PreviewFile>}
 * @throws {PreviewError} "damaged" or "newer"
 */
export async function readFile(buffer) {
  const raw = await unpacked(buffer)
  if (raw.byteLength < 8) throw new PreviewError("damaged", "too short")
  const start = new DataView(raw)
  const length = start.getUint32(4, true)
  const magic = String.fromCharCode(...new Uint8Array(raw, 0, 4))
  if (magic !== "R3DV" || 8 + length > raw.byteLength) throw new PreviewError("damaged", "no header")
  let header
  try {
    header = JSON.parse(new TextDecoder().decode(new Uint8Array(raw, 8, length)))
  } catch (error) {
    throw new PreviewError("damaged", String(error))
  }
  if (header?.version !== VERSION) throw new PreviewError("newer", `version ${header?.version}`)
  const base = 8 + length
  const inside = ([offset, size]) => {
    const fits = Number.isInteger(offset) && Number.isInteger(size) && offset >= 0 && size >= 0
    if (!fits || offset % 4 || base + offset + size > raw.byteLength) throw new PreviewError("damaged", "span")
    return [base + offset, size]
  }
  const view = (Kind) => (span) => {
    const [offset, size] = inside(span)
    return new Kind(raw, offset, size / Kind.BYTES_PER_ELEMENT)
  }
  const file = { header, bytes: view(Uint8Array), floats: view(Float32Array), halves: view(Uint16Array) }
  try {
    check(file)
  } catch (error) {
    throw error instanceof PreviewError ? error : new PreviewError("damaged", String(error))
  }
  return file
}

/** @param {ArrayBuffer} buffer */
async function unpacked(buffer) {
  const [first, second] = new Uint8Array(buffer, 0, Math.min(2, buffer.byteLength))
  if (first !== 0x1f || second !== 0x8b) return buffer
  try {
    const stream = new Blob([buffer]).stream().pipeThrough(new DecompressionStream("gzip"))
    return await new Response(stream).arrayBuffer()
  } catch (error) {
    throw new PreviewError("damaged", String(error))
  }
}

function need(condition, what) {
  if (!condition) throw new PreviewError("damaged", what)
}

function isCount(value, most) {
  return Number.isInteger(value) && value > 0 && value <= most
}

function areNumbers(values, count) {
  return Array.isArray(values) && values.length === count && values.every(Number.isFinite)
}

/** @param {PreviewFile} file */
function check(file) {
  const { header } = file
  const { resolution, occupancy, camera, decoder, planes } = header
  need(isCount(resolution, 2048) && isCount(occupancy.cells, 256), "sizes")
  need(file.bytes(occupancy.span).length === occupancy.cells ** 3, "occupancy")
  need(areNumbers(camera.c2w, 16) && areNumbers(camera.intrinsics, 9) && areNumbers(camera.pivot, 3), "camera")
  need(areNumbers(header.ground, 3), "ground")
  checkDecoder(file, decoder)
  checkValues(file, planes, decoder.layers.length, resolution ** 2)
  for (const { name, amount, box, parts } of header.expressions) {
    need(typeof name === "string" && amount > 0 && areNumbers(box, 4), "expression")
    const [x, y, width, height] = box
    need(x >= 0 && y >= 0 && isCount(width, resolution - x) && isCount(height, resolution - y), "box")
    for (const part of parts) {
      need(part.layers.every((layer) => Number.isInteger(layer) && decoder.layers[layer]), "layers")
      checkValues(file, part, part.layers.length, width * height)
    }
  }
  const { pictures, turntable, mode, photo } = header
  for (const span of Object.values(pictures)) need(file.bytes(span).length > 0, "picture")
  need(mode === "volume" || (mode === "photo" && photo), "mode")
  if (mode === "photo") {
    need(PHOTO_PICTURES.every((name) => pictures[name]) && decoder.outputs === 12, "pictures")
    need(areNumbers(photo.lip, 3) && areNumbers(photo.iris_u, 2), "photo")
  }
  need(file.bytes(turntable.span).length && isCount(turntable.tile, 1024), "turntable")
  need(turntable.yaws.every(Number.isFinite) && turntable.pitches.every(Number.isFinite), "turntable")
}

function checkDecoder(file, { groups, layers, hidden, outputs, density, colours, ...spans }) {
  need(isCount(groups, 8) && isCount(hidden, MOST_HIDDEN) && isCount(outputs, 12), "decoder")
  need(hidden % 4 === 0 && outputs % 4 === 0, "decoder")
  need(isCount(layers.length, MOST_LAYERS), "layers")
  need(layers.every(([plane, group]) => [0, 1, 2].includes(plane) && group >= 0 && group < groups), "layers")
  for (const { groups: read, units } of [density, colours]) {
    need(read.every((group) => Number.isInteger(group) && group >= 0 && group < groups), "groups")
    need(areNumbers(units, 2) && units[0] >= 0 && units[1] <= hidden / 4, "units")
  }
  const sizes = {
    w1: hidden * groups * GROUP,
    b1: hidden,
    w2: outputs * hidden,
    b2: outputs,
    linear: outputs * groups * GROUP,
  }
  for (const [name, size] of Object.entries(sizes)) need(file.floats(spans[name]).length === size, name)
}

function checkValues(file, { format, span, scale, offset }, layers, texels) {
  const count = layers * texels * GROUP
  if (format === "f16") return need(file.halves(span).length === count, "values")
  need(format === "u8" && file.bytes(span).length === count, "values")
  for (const one of [scale, offset]) need(file.floats(one).length === layers * GROUP, "scale")
}
