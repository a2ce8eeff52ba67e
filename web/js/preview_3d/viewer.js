/*
 * A head that can be turned, on a canvas of its own. It knows nothing of ComfyUI.
 *
 * While something changes it draws as many rays as the card manages in FRAME_TIME; once it is left alone, all of
 * them, in stripes, so that the page stays quick.
 */
import { front, limited } from "./camera.js"
import { isSupported, sharedContext } from "./context.js"
import { PreviewError } from "./errors.js"
import { readFile } from "./file.js"
import { Turntable } from "./turntable.js"
import { Volume } from "./volume.js"

const FRAME_TIME = 40 // ms of a frame while the head is turned
const STRIPE_TIME = 40 // ms
const TOO_SLOW = 150 // ms at the fewest rays, from which on the turntable stands in
const REST = 80 // ms without a change until the fine picture is drawn
const LADDER = [48, 64, 96, 128] // rays a side while it is turned; samples along them are as many, up to `live`
const QUALITY = {
  // A photo's sharpness comes from the look-up, not from rays; a volume of the networks' is fog and needs less
  // samples, as measured (docs/model.md, "3D Preview").
  photo: { live: 96, samples: 192, sizes: [64, 128] },
  volume: { live: 48, samples: 96, sizes: [128, 256] },
}
export const CANVAS = 512 // pixels a side

/** @typedef {import("./camera.js").Orbit} Orbit */
/** @typedef {import("./volume.js").Amounts} Amounts */

export class Viewer {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{onDrawn?: () => void, onError?: (error: unknown) => void}} [tell]
   */
  constructor(canvas, tell = {}) {
    canvas.width = canvas.height = CANVAS
    this.canvas = canvas
    this.brush = canvas.getContext("2d")
    this.tell = tell
    /** @type {Orbit} */
    this.orbit = front()
    /** @type {Amounts} */
    this.amounts = {}
    this.rung = 0
    this.change = 0 // counts what made the picture on the canvas old
    /** What was measured last: live and fine {size, ms}. */
    this.measured = {}
    sharedContext().users.add(this)
  }

  /** Whether the card took the context away. */
  get isLost() {
    return isSupported() && sharedContext().isLost
  }

  /** Whether pictures of a turntable are shown for lack of WebGL2. */
  get isTurntable() {
    return Boolean(this.table) && !isSupported()
  }

  /** Whether the volume's own colours are shown. */
  get isRaw() {
    return Boolean(this.volume) && !this.volume.isPhoto(sharedContext())
  }

  /**
   * Shows another head. Of several calls the last one counts.
   * @param {ArrayBuffer} buffer the file
   * @throws {PreviewError}
   */
  async load(buffer) {
    const turn = (this.loading = (this.loading ?? 0) + 1)
    const file = await readFile(buffer)
    const table = await Turntable.of(file)
    const volume = isSupported() ? await Volume.of(file) : null
    if (turn !== this.loading || this.isDisposed) {
      table.dispose()
      volume?.dispose(sharedContext())
      return
    }
    this.clear()
    this.table = table
    this.volume = volume
    volume?.express(this.amounts)
    this.rung = 0
    this.touch()
  }

  /** Frees the head, on the card too. */
  clear() {
    this.volume?.dispose(sharedContext())
    this.table?.dispose()
    this.volume = this.table = null
    this.change++
  }

  dispose() {
    this.isDisposed = true
    this.clear()
    sharedContext().users.delete(this)
  }

  /** @param {Orbit} orbit */
  turn(orbit) {
    this.orbit = limited(orbit)
    this.touch()
  }

  /** @param {Amounts} amounts 0..1 by the names of the file's expressions */
  express(amounts) {
    this.amounts = amounts
    this.volume?.express(amounts)
    this.touch()
  }

  onLost() {
    this.volume?.forget()
  }

  onRestored() {
    this.touch()
  }

  /** Draws anew, as soon as the drawing before has ended. A lost context is replaced. */
  touch() {
    this.change++
    if (!this.table || this.isDrawing) return
    this.isDrawing = true
    this.drawUntilStill()
      .catch((error) => this.tell.onError?.(error))
      .finally(() => (this.isDrawing = false))
  }

  async drawUntilStill() {
    let drawn = -1
    while (!this.isDisposed && drawn !== this.change && this.table) {
      while (drawn !== this.change && this.table) {
        drawn = this.change
        await this.drawLive()
        this.tell.onDrawn?.()
        await new Promise((resume) => setTimeout(resume))
      }
      if (!this.volume) return
      await new Promise((resume) => setTimeout(resume, REST))
      const better = this.quality.sizes.filter((size) => size > LADDER[this.rung] || size >= LADDER.at(-1))
      for (const size of better) {
        if (drawn === this.change && this.volume) await this.drawFine(size, drawn)
      }
    }
  }

  /** Whether the card cannot follow a hand, and the turntable can: it has a face at rest alone. */
  get isTooSlow() {
    const { live } = this.measured
    const moves = Object.values(this.amounts).some((amount) => amount > 0)
    return !moves && live?.size === LADDER[0] && live.ms > TOO_SLOW
  }

  get quality() {
    return this.isRaw || this.asRaw ? QUALITY.volume : QUALITY.photo
  }

  /** One frame with as many rays as there is time for. */
  async drawLive() {
    if (!this.volume) return this.table.draw(this.brush, this.orbit)
    const context = await this.usableContext()
    if (!context) return
    if (this.isTooSlow) return this.table.draw(this.brush, this.orbit)
    await context.alone(async () => {
      const { volume } = this
      if (!volume || context.isLost) return
      const size = LADDER[this.rung]
      const isFirst = !volume.card // compiling and uploading are not drawing
      const began = performance.now()
      const march = { size, samples: Math.min(size, this.quality.live), raw: this.asRaw }
      const rays = volume.march(context, this.orbit, march)
      volume.survey(context, rays)
      const picture = volume.present(context, this.orbit, rays, this.rung > 1 ? CANVAS : CANVAS / 2)
      await context.finished()
      if (volume !== this.volume || context.isLost) return
      this.show(context, picture)
      const ms = performance.now() - began
      if (isFirst) return
      this.measured.live = { size, ms }
      if (ms > FRAME_TIME * 1.3 && this.rung > 0) this.rung--
      else if (ms < FRAME_TIME * 0.4 && this.rung < LADDER.length - 1) this.rung++
    })
  }

  /** The same in full, in stripes that are given up when something changes. */
  async drawFine(size, drawn) {
    const context = await this.usableContext()
    if (!context) return
    await context.alone(async () => {
      const began = performance.now()
      const march = { size, samples: this.quality.samples, raw: this.asRaw }
      const { orbit } = this
      const isWanted = () => drawn === this.change && this.volume && !context.isLost
      const rays = await inStripes(context, size, isWanted, (rows) =>
        this.volume.march(context, orbit, { ...march, rows }),
      )
      if (!rays) return
      this.volume.survey(context, rays)
      const picture = await inStripes(context, CANVAS, isWanted, (rows) =>
        this.volume.present(context, orbit, rays, CANVAS, rows),
      )
      if (!picture) return
      this.show(context, picture)
      this.measured.fine = { size, ms: performance.now() - began }
      if (this.isTooSlow) {
        // It may have been busy: the next turn is judged by what this picture took.
        const share = (LADDER[0] / size) ** 2 * (Math.min(LADDER[0], this.quality.live) / this.quality.samples)
        this.measured.live.ms = this.measured.fine.ms * share
      }
    })
    if (drawn === this.change) this.tell.onDrawn?.()
  }

  /** Copies a picture onto the own canvas: at once, because the context's canvas is everybody's. */
  show(context, picture) {
    if (context.canvas.width !== CANVAS) context.canvas.width = context.canvas.height = CANVAS
    context.copy(picture)
    const { size } = picture
    const part = [0, CANVAS - size, size, size]
    this.brush.drawImage(context.canvas, ...part, 0, 0, this.canvas.width, this.canvas.height)
  }

  /** The context; if it is lost for long, a new one. */
  async usableContext() {
    const context = sharedContext()
    if (!context.isLost) return context
    await new Promise((resume) => setTimeout(resume, 300)) // it may come back by itself
    const fresh = sharedContext(true)
    if (!fresh.isLost) return fresh
    throw new PreviewError("lost")
  }

  /**
   * Numbers of a picture as the card computed them, for tests: rows from the top, four numbers for each pixel.
   * @param {import("./volume.js").March} march raw
   * @returns {Promise<Float32Array>}
   */
  async read(march) {
    const context = await this.usableContext()
    return context.alone(async () => {
      const { gl } = context
      const { size } = march
      const target = this.volume.march(context, this.orbit, { ...march, raw: true, format: "RGBA32F" })
      const rows = new Float32Array(size * size * 4)
      gl.bindFramebuffer(gl.FRAMEBUFFER, target.frame)
      gl.readBuffer(gl.COLOR_ATTACHMENT0)
      gl.readPixels(0, 0, size, size, gl.RGBA, gl.FLOAT, rows)
      const out = new Float32Array(rows.length)
      for (let row = 0; row < size; row++) {
        out.set(rows.subarray((size - 1 - row) * size * 4, (size - row) * size * 4), row * size * 4)
      }
      return out
    })
  }
}

/**
 * Draws rows a few at a time, so that other things on the page have their turn.
 * @template Target
 * @param {import("./context.js").Context} context
 * @param {number} size rows
 * @param {() => unknown} isWanted asked before each stripe
 * @param {(rows: [number, number]) => Target} draw
 * @returns {Promise<Target | null>} null if it was given up
 */
async function inStripes(context, size, isWanted, draw) {
  let count = Math.max(1, Math.round(size / 32))
  let target = null
  for (let row = 0; row < size; ) {
    if (!isWanted()) return null
    const start = performance.now()
    const end = Math.min(size, row + count)
    target = draw([row, end])
    await context.finished()
    const fitting = (count * STRIPE_TIME) / Math.max(performance.now() - start, 1)
    count = Math.max(1, Math.min(size, Math.round(fitting), count * 2))
    row = end
  }
  return isWanted() ? target : null
}
