/*
 * The viewer's camera: yaw and pitch in degrees and dolly, relative to the photo's own camera, as on the
 * CAMERA wire (real3d_core/wires.py). yaw > 0 takes the camera to the picture's right, pitch > 0 takes it up,
 * dolly > 1 is farther away.
 */

/** @typedef {{yaw: number, pitch: number, dolly: number}} Orbit */

/** As far as the viewer turns: beyond, the made-up sides of the head look poor. */
export const MOST = { yaw: 45, pitch: 25 }
/** As far as pictures are good (real3d_core/render_triplane/safe_range.py). */
export const SAFE = { yaw: 25, pitch: 15 }
export const NEAREST = 0.5
export const FARTHEST = 1.6

/** @returns {Orbit} the photo's own view */
export const front = () => ({ yaw: 0, pitch: 0, dolly: 1 })

const clamp = (value, low, high) => Math.min(Math.max(value, low), high)

/**
 * @param {Orbit} orbit
 * @returns {Orbit} the nearest that the viewer shows
 */
export function limited({ yaw, pitch, dolly }) {
  return {
    yaw: clamp(yaw, -MOST.yaw, MOST.yaw),
    pitch: clamp(pitch, -MOST.pitch, MOST.pitch),
    dolly: clamp(dolly, NEAREST, FARTHEST),
  }
}

/** @param {Orbit} orbit */
export function isSafe({ yaw, pitch }) {
  return Math.abs(yaw) <= SAFE.yaw && Math.abs(pitch) <= SAFE.pitch
}

/**
 * The text of the node's input `camera`; empty for the photo's own view.
 * @param {Orbit} orbit
 */
export function toText({ yaw, pitch, dolly }) {
  const round = (value, places) => Number(value.toFixed(places)) + 0 // no -0
  const made = { yaw: round(yaw, 2), pitch: round(pitch, 2), dolly: round(dolly, 4) }
  return made.yaw || made.pitch || made.dolly !== 1 ? JSON.stringify(made) : ""
}

/**
 * What the node's input `camera` holds; the photo's own view where it cannot be understood, which the node tells.
 * @param {unknown} text
 * @returns {Orbit}
 */
export function fromText(text) {
  try {
    const made = { ...front(), ...JSON.parse(String(text).trim() || "{}") }
    const { yaw, pitch, dolly } = made
    return [yaw, pitch, dolly].every(Number.isFinite) ? limited({ yaw, pitch, dolly }) : front()
  } catch {
    return front()
  }
}

/**
 * The camera in the frame of the head, as `orbit` in real3d_core/render_triplane/cameras.py.
 * @param {number[]} c2w 4 x 4 by rows, of the photo
 * @param {number[]} pivot
 * @param {Orbit} orbit
 * @returns {Float64Array} 4 x 4 by rows
 */
export function orbited(c2w, pivot, { yaw, pitch, dolly }) {
  const a = (yaw * Math.PI) / 180
  const b = (-pitch * Math.PI) / 180
  const [ca, sa, cb, sb] = [Math.cos(a), Math.sin(a), Math.cos(b), Math.sin(b)]
  const turn = [ca, sa * sb, sa * cb, 0, cb, -sb, -sa, ca * sb, ca * cb] // Ry(a) Rx(b)
  const out = new Float64Array(16)
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column < 4; column++) {
      for (let k = 0; k < 3; k++) {
        const from = c2w[k * 4 + column] - (column === 3 ? pivot[k] : 0)
        out[row * 4 + column] += turn[row * 3 + k] * from
      }
    }
    out[row * 4 + 3] = pivot[row] + dolly * out[row * 4 + 3]
  }
  out[15] = 1
  return out
}

/**
 * Degrees between the axes of two cameras.
 * @param {ArrayLike<number>} one
 * @param {ArrayLike<number>} other both 4 x 4 by rows
 */
export function angleBetween(one, other) {
  const dot = [2, 6, 10].reduce((sum, i) => sum + one[i] * other[i], 0)
  return (Math.acos(clamp(dot, -1, 1)) * 180) / Math.PI
}
