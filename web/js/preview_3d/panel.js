/*
 * What the node shows: the canvas, and below it a line that says where the camera is, or what is wrong.
 */
import { front, isSafe } from "./camera.js"
import { PreviewError, sentence } from "./errors.js"
import { listen } from "./pointer.js"
import { Viewer } from "./viewer.js"

const STYLES = {
  panel: `display:flex;flex-direction:column;width:100%;height:100%;box-sizing:border-box;
    background:#212126;border-radius:6px;overflow:hidden`,
  stage: "position:relative;flex:1 1 0;min-height:0",
  // Square, as large as there is room.
  canvas: "position:absolute;inset:0;width:100%;height:100%;object-fit:contain;outline-offset:-2px",
  bar: `flex:0 0 auto;display:flex;gap:6px;align-items:center;min-height:24px;padding:2px 8px;
    font:12px/1.3 sans-serif;color:#c8c8cc`,
  line: "flex:1 1 auto;min-width:0;overflow-wrap:anywhere",
  reset: "flex:0 0 auto;border:0;background:none;color:inherit;font:15px sans-serif;cursor:pointer;padding:0 4px",
}

export class Panel {
  /**
   * @param {object} hooks
   * @param {string} [hooks.language]
   * @param {(orbit: import("./camera.js").Orbit) => void} [hooks.onTurned] once the hand has let go
   */
  constructor({ language = "en", onTurned } = {}) {
    this.language = language
    this.onTurned = onTurned
    this.element = make("div", STYLES.panel)
    const stage = make("div", STYLES.stage)
    this.canvas = make("canvas", STYLES.canvas)
    const bar = make("div", STYLES.bar)
    this.line = make("span", STYLES.line)
    this.line.setAttribute("role", "status")
    const reset = make("button", STYLES.reset)
    reset.type = "button"
    reset.textContent = "⟲"
    reset.title = this.say("reset")
    reset.setAttribute("aria-label", reset.title)
    reset.addEventListener("click", () => {
      this.turn(front())
      this.settle()
    })
    stage.append(this.canvas)
    bar.append(this.line, reset)
    this.element.append(stage, bar)
    this.canvas.setAttribute("role", "img")
    this.canvas.setAttribute("aria-label", this.say("help"))
    this.canvas.title = this.say("help")
    this.viewer = new Viewer(this.canvas, {
      onDrawn: () => this.tell(),
      onError: (error) => this.fail(error),
    })
    listen(this.canvas, {
      orbit: () => this.viewer.orbit,
      turn: (orbit) => this.turn(orbit),
      settle: () => this.settle(),
    })
    this.note("run")
  }

  say(kind) {
    return sentence(kind, this.language)
  }

  /** @param {import("./camera.js").Orbit} orbit */
  turn(orbit) {
    this.viewer.turn(orbit)
    this.tell()
  }

  /** The hand has let go. */
  settle() {
    if (this.viewer.isLost) this.viewer.touch()
    this.onTurned?.(this.viewer.orbit)
  }

  /** Shows one of the sentences of errors.js instead of the camera. */
  note(kind) {
    this.line.textContent = this.say(kind)
    this.line.style.color = ""
  }

  /** @param {unknown} error */
  fail(error) {
    if (error instanceof PreviewError && error.kind === "run") return this.note("run")
    console.error("Real3D-Portrait 3D Preview:", error)
    this.note(error instanceof PreviewError ? error.kind : "unknown")
    this.line.style.color = "#ff9b8f"
  }

  /** Shows where the camera is, and what else is to be known. */
  tell() {
    const { viewer } = this
    if (!viewer.table) return
    const { yaw, pitch, dolly } = viewer.orbit
    const parts = [`yaw ${yaw.toFixed(0)}°  pitch ${pitch.toFixed(0)}°  ×${dolly.toFixed(2)}`]
    if (!isSafe(viewer.orbit)) parts.push(this.say("beyond"))
    if (viewer.isTurntable) parts.push(this.say("turntable"))
    else if (viewer.isRaw) parts.push(this.say("raw"))
    else if (!viewer.volume.isPortrayed) parts.push(this.say("unportrayed"))
    this.line.textContent = parts.join(" · ")
    this.line.style.color = isSafe(viewer.orbit) ? "" : "#e8b45a"
  }

  /**
   * Loads a head. Of several calls the last one counts.
   * @param {() => Promise<ArrayBuffer>} fetched
   * @returns {Promise<boolean>} whether it is shown; if not, the panel says why
   */
  async load(fetched) {
    const turn = (this.loads = (this.loads ?? 0) + 1)
    this.note("loading")
    try {
      const buffer = await fetched()
      if (turn === this.loads) await this.viewer.load(buffer)
      return turn === this.loads
    } catch (error) {
      if (turn !== this.loads) return false
      this.viewer.clear()
      this.fail(error)
      return false
    }
  }

  dispose() {
    this.viewer.dispose()
  }
}

function make(tag, style) {
  const element = document.createElement(tag)
  element.style.cssText = style
  return element
}
