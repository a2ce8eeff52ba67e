/*
 * The one WebGL2 context of the page. Browsers keep sixteen and take the oldest away when a seventeenth comes,
 * so all viewers share it: each has a plain 2D canvas onto which finished pictures are copied.
 */
import { PreviewError } from "./errors.js"
import { VERTEX } from "./march_shader.js"

const FENCE_POLL = 1 // ms
const OPTIONS = { alpha: false, antialias: false, depth: false, powerPreference: "default" }

/** @typedef {{program: WebGLProgram, uniforms: Record<string, WebGLUniformLocation>}} Program */
/** @typedef {{frame: WebGLFramebuffer, textures: WebGLTexture[], size: number}} Target */

export class Context {
  constructor() {
    this.canvas = document.createElement("canvas")
    /** What to tell when the card takes the context away, or gives it back. */
    this.users = new Set()
    this.gl = this.canvas.getContext("webgl2", OPTIONS)
    if (!this.gl) return
    this.canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault() // else it would never come back
      if (shared !== this) return // its users have moved already
      this.forget()
      for (const user of this.users) user.onLost()
    })
    this.canvas.addEventListener("webglcontextrestored", () => {
      if (shared !== this) return
      this.start()
      for (const user of this.users) user.onRestored()
    })
    this.start()
  }

  get isLost() {
    return !this.gl || this.gl.isContextLost()
  }

  start() {
    const { gl } = this
    this.forget()
    // Addresses need targets of half precision; without them the volume's own colours are shown.
    this.hasFloatTargets =
      Boolean(gl.getExtension("EXT_color_buffer_float")) ||
      Boolean(gl.getExtension("EXT_color_buffer_half_float"))
    gl.bindVertexArray(gl.createVertexArray())
    gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1)
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false)
    gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE)
    gl.disable(gl.DITHER)
  }

  forget() {
    /** @type {Map<string, Program>} by source, which viewers of like files share */
    this.programs = new Map()
    /** @type {Map<string, Target>} */
    this.targets = new Map()
  }

  /**
   * The program of a fragment shader.
   * @param {string} source
   * @returns {Program}
   */
  program(source) {
    const known = this.programs.get(source)
    if (known) return known
    const { gl } = this
    const program = gl.createProgram()
    const shaders = [
      [gl.VERTEX_SHADER, VERTEX],
      [gl.FRAGMENT_SHADER, source],
    ].map(([kind, text]) => {
      const shader = gl.createShader(kind)
      gl.shaderSource(shader, text)
      gl.compileShader(shader)
      gl.attachShader(program, shader)
      return shader
    })
    gl.linkProgram(program)
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) {
      if (this.isLost) throw new PreviewError("lost")
      throw new PreviewError("shader", [program, ...shaders].map((one) => logOf(gl, one)).join(" "))
    }
    for (const shader of shaders) gl.deleteShader(shader)
    const count = gl.getProgramParameter(program, gl.ACTIVE_UNIFORMS)
    const names = Array.from({ length: count }, (_, i) => gl.getActiveUniform(program, i).name)
    const uniforms = Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(program, name)]))
    const made = { program, uniforms }
    this.programs.set(source, made)
    return made
  }

  /**
   * A square target of some textures, shared by all viewers: use it up before anybody else draws.
   * @param {number} size
   * @param {number} count
   * @param {"RGBA8" | "RGBA16F" | "RGBA32F"} format
   * @returns {Target}
   */
  target(size, count, format) {
    const key = `${size} ${count} ${format}`
    const known = this.targets.get(key)
    if (known) return known
    const { gl } = this
    const frame = gl.createFramebuffer()
    gl.bindFramebuffer(gl.FRAMEBUFFER, frame)
    const filter = format === "RGBA32F" ? gl.NEAREST : gl.LINEAR
    const textures = Array.from({ length: count }, (_, i) => {
      const texture = this.texture(gl.TEXTURE_2D, 7, filter, gl.CLAMP_TO_EDGE)
      gl.texStorage2D(gl.TEXTURE_2D, 1, gl[format], size, size)
      gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0 + i, gl.TEXTURE_2D, texture, 0)
      return texture
    })
    gl.drawBuffers(textures.map((_, i) => gl.COLOR_ATTACHMENT0 + i))
    if (gl.checkFramebufferStatus(gl.FRAMEBUFFER) !== gl.FRAMEBUFFER_COMPLETE) {
      throw new PreviewError(this.isLost ? "lost" : "card", `target ${key}`)
    }
    const made = { frame, textures, size }
    this.targets.set(key, made)
    return made
  }

  /**
   * A new texture, bound to a unit.
   * @param {GLenum} kind
   * @param {number} unit
   * @param {GLenum} filter
   * @param {GLenum} wrap
   */
  texture(kind, unit, filter, wrap) {
    const { gl } = this
    const texture = gl.createTexture()
    gl.activeTexture(gl.TEXTURE0 + unit)
    gl.bindTexture(kind, texture)
    for (const name of ["TEXTURE_MIN_FILTER", "TEXTURE_MAG_FILTER"]) gl.texParameteri(kind, gl[name], filter)
    for (const name of ["TEXTURE_WRAP_S", "TEXTURE_WRAP_T"]) gl.texParameteri(kind, gl[name], wrap)
    if (kind === gl.TEXTURE_3D) gl.texParameteri(kind, gl.TEXTURE_WRAP_R, wrap)
    return texture
  }

  /**
   * Starts drawing with a program: its samplers get the units 0, 1, ... in order.
   * @param {Program} program
   * @param {[string, GLenum, WebGLTexture][]} samplers name, kind and texture
   */
  use({ program, uniforms }, samplers) {
    const { gl } = this
    gl.useProgram(program)
    samplers.forEach(([name, kind, texture], unit) => {
      gl.activeTexture(gl.TEXTURE0 + unit)
      gl.bindTexture(kind, texture)
      gl.uniform1i(uniforms[name], unit)
    })
  }

  /**
   * Draws the triangle over a target.
   * @param {Target} target
   * @param {[number, number]} [rows] only these, counted from the bottom
   */
  draw({ frame, size }, rows) {
    const { gl } = this
    gl.bindFramebuffer(gl.FRAMEBUFFER, frame)
    gl.viewport(0, 0, size, size)
    const [first, last] = rows ?? [0, size]
    gl.enable(gl.SCISSOR_TEST)
    gl.scissor(0, first, size, last - first)
    gl.drawArrays(gl.TRIANGLES, 0, 3)
    gl.disable(gl.SCISSOR_TEST)
  }

  /** Copies a target onto the lower left corner of the canvas, which is to be read before anything else runs. */
  copy({ frame, size }) {
    const { gl } = this
    gl.bindFramebuffer(gl.READ_FRAMEBUFFER, frame)
    gl.bindFramebuffer(gl.DRAW_FRAMEBUFFER, null)
    gl.blitFramebuffer(0, 0, size, size, 0, 0, size, size, gl.COLOR_BUFFER_BIT, gl.NEAREST)
  }

  /** Waits until the card has drawn what it was told; without it, frames would queue up. */
  async finished() {
    const { gl } = this
    const fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0)
    gl.flush()
    const isDone = () => this.isLost || gl.getSyncParameter(fence, gl.SYNC_STATUS) === gl.SIGNALED
    while (!isDone()) await new Promise((resume) => setTimeout(resume, FENCE_POLL))
    gl.deleteSync(fence)
  }

  /**
   * Runs some drawing while nobody else draws.
   * @template T
   * @param {() => Promise<T>} drawing
   * @returns {Promise<T>}
   */
  alone(drawing) {
    const turn = (this.queue ?? Promise.resolve()).then(drawing)
    this.queue = turn.catch(() => {})
    return turn
  }
}

function logOf(gl, one) {
  const log = one instanceof WebGLProgram ? gl.getProgramInfoLog(one) : gl.getShaderInfoLog(one)
  return (log ?? "").trim().slice(0, 300)
}

/** @type {Context | undefined} */
let shared

/**
 * The page's context. One that was evicted for being the oldest is never restored; a new one takes its place
 * and its users.
 * @param {boolean} [renew] whether a lost one is to be replaced
 */
export function sharedContext(renew = false) {
  if (!shared || (renew && shared.gl && shared.isLost)) {
    const fresh = new Context()
    const usable = !shared || !fresh.isLost
    if (usable) {
      for (const user of shared?.users ?? []) {
        user.onLost()
        fresh.users.add(user)
      }
      shared = fresh
    }
  }
  return shared
}

/** Whether this browser can draw the volume. */
export function isSupported() {
  return Boolean(sharedContext().gl)
}
