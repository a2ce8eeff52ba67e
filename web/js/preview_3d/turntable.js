/*
 * The head as ready-made pictures from all sides, for browsers without WebGL2 and for cards that are too slow to
 * follow a hand.
 */
import { decode } from "./volume.js"

export class Turntable {
  /** @param {import("./file.js").PreviewFile} file */
  static async of(file) {
    const table = new Turntable()
    const { turntable } = file.header
    table.layout = turntable
    table.picture = await decode(file.bytes(turntable.span))
    return table
  }

  /**
   * Draws the view that is nearest to an orbit.
   * @param {CanvasRenderingContext2D} to
   * @param {import("./camera.js").Orbit} orbit
   */
  draw(to, { yaw, pitch, dolly }) {
    const { tile, yaws, pitches } = this.layout
    const [column, row] = [nearest(yaws, yaw), nearest(pitches, pitch)]
    const { width, height } = to.canvas
    const size = Math.min(width, height) / dolly
    const place = [(width - size) / 2, (height - size) / 2, size, size]
    to.fillStyle = "#212126"
    to.fillRect(0, 0, width, height)
    to.imageSmoothingQuality = "high"
    to.drawImage(this.picture, column * tile, row * tile, tile, tile, ...place)
  }

  dispose() {
    this.picture.close()
  }
}

function nearest(values, wanted) {
  return values.reduce((best, one, i) => (Math.abs(one - wanted) < Math.abs(values[best] - wanted) ? i : best), 0)
}
