/*
 * The node's sliders and what they make of the face, as SLIDERS and `shape_amounts` in
 * real3d_core/preview_3d/view.py.
 */

/** Names of the node's inputs. */
export const SLIDERS = ["jaw", "blink", "smile", "brow"]

/**
 * @param {Record<string, unknown>} values by the names of SLIDERS; what is no number counts as 0
 * @returns {import("./volume.js").Amounts} 0..1 by the names of the file's expressions
 */
export function shapeAmounts(values) {
  const at = (name) => (Number.isFinite(values[name]) ? Math.min(Math.max(values[name], -1), 1) : 0)
  const amounts = Object.fromEntries(
    SLIDERS.filter((name) => name !== "brow").map((name) => [name, Math.max(at(name), 0)]),
  )
  return { ...amounts, brow_up: Math.max(at("brow"), 0), brow_down: Math.max(-at("brow"), 0) }
}
