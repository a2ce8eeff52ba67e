/*
 * Hands on the canvas: drag turns, wheel zooms, double click and Home reset, arrow keys turn, + and - zoom.
 */
import { front, MOST } from "./camera.js"

const KEY_STEP = 2 // degrees
const ZOOM_STEP = 1.05
const WHEEL = 0.001 // of the logarithm of the distance, for a pixel of the wheel
const SETTLED = 250 // ms after the last turn of the wheel

/**
 * @param {HTMLCanvasElement} canvas
 * @param {object} hand
 * @param {() => import("./camera.js").Orbit} hand.orbit
 * @param {(orbit: import("./camera.js").Orbit) => void} hand.turn while it moves
 * @param {() => void} hand.settle once it has moved
 */
export function listen(canvas, hand) {
  canvas.tabIndex = 0
  canvas.style.touchAction = "none"
  canvas.style.cursor = "grab"
  const own = (event) => {
    event.stopPropagation()
    event.preventDefault()
  }
  let at = null
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return
    own(event)
    canvas.focus({ preventScroll: true })
    canvas.setPointerCapture(event.pointerId)
    at = [event.clientX, event.clientY]
    canvas.style.cursor = "grabbing"
  })
  canvas.addEventListener("pointermove", (event) => {
    if (!at) return
    own(event)
    // Across the whole canvas is from one end to the other, however the graph is zoomed.
    const degrees = (2 * MOST.yaw) / canvas.getBoundingClientRect().width
    const orbit = hand.orbit()
    // A head that turns to the right is a camera that goes to the left.
    const yaw = orbit.yaw - (event.clientX - at[0]) * degrees
    const pitch = orbit.pitch + (event.clientY - at[1]) * degrees
    at = [event.clientX, event.clientY]
    hand.turn({ ...orbit, yaw, pitch })
  })
  const release = (event) => {
    if (!at) return
    own(event)
    at = null
    canvas.style.cursor = "grab"
    hand.settle()
  }
  for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) canvas.addEventListener(kind, release)

  let settling
  const soon = () => {
    clearTimeout(settling)
    settling = setTimeout(hand.settle, SETTLED)
  }
  const zoom = (factor) => hand.turn({ ...hand.orbit(), dolly: hand.orbit().dolly * factor })
  canvas.addEventListener(
    "wheel",
    (event) => {
      if (document.activeElement !== canvas) return // it is for the graph
      own(event)
      zoom(Math.exp(event.deltaY * WHEEL))
      soon()
    },
    { passive: false },
  )
  canvas.addEventListener("dblclick", (event) => {
    own(event)
    hand.turn(front())
    hand.settle()
  })
  canvas.addEventListener("keydown", (event) => {
    const orbit = hand.orbit()
    const keys = {
      ArrowLeft: () => hand.turn({ ...orbit, yaw: orbit.yaw + KEY_STEP }),
      ArrowRight: () => hand.turn({ ...orbit, yaw: orbit.yaw - KEY_STEP }),
      ArrowUp: () => hand.turn({ ...orbit, pitch: orbit.pitch - KEY_STEP }),
      ArrowDown: () => hand.turn({ ...orbit, pitch: orbit.pitch + KEY_STEP }),
      "+": () => zoom(1 / ZOOM_STEP),
      "-": () => zoom(ZOOM_STEP),
      Home: () => hand.turn(front()),
    }
    if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return
    own(event)
    keys[event.key]()
    soon()
  })
}
