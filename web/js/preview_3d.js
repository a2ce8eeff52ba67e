/*
 * 3D Preview in the graph: puts the viewer (preview_3d/) into the node, and keeps what is done there in the
 * node's own widgets, so that it is in the prompt and in the workflow.
 */
import { api } from "../../../scripts/api.js"
import { app } from "../../../scripts/app.js"
import { fromText, toText } from "./preview_3d/camera.js"
import { PreviewError } from "./preview_3d/errors.js"
import { Panel } from "./preview_3d/panel.js"
import { shapeAmounts, SLIDERS } from "./preview_3d/sliders.js"

const NODE = "R3DP_Preview3D"
const SHOWN = "r3dp_preview" // in the node's output, and the property that survives a reload
const SUBFOLDER = "real3d_preview"
const FILE = /^[0-9a-f]{16}\.r3dv$/
const LEAST_HEIGHT = 320 // px of the panel, which old front ends give it in Nodes 2.0
const MARGINS = 20 // px that the classic canvas leaves around it
const SIZE = [380, 640] // px of a new node
const MIDDLE = 1
const MIDDLE_HELD = 4

const isClassic = () => !globalThis.LiteGraph?.vueNodesMode

/** @param {string} name of a file in the server's temp folder */
async function fetched(name) {
  const query = new URLSearchParams({ filename: name, subfolder: SUBFOLDER, type: "temp" })
  const answer = await api.fetchApi(`/view?${query}`).catch((error) => {
    throw new PreviewError("server", String(error))
  })
  if (answer.status === 404) throw new PreviewError("run") // the folder is emptied when the server starts
  if (!answer.ok) throw new PreviewError("server", `HTTP ${answer.status}`)
  return answer.arrayBuffer()
}

/** Lets the graph have what is not for the head: in the classic canvas it lies below, and sees nothing. */
function passOn(element) {
  element.addEventListener("wheel", (event) => {
    if (!isClassic()) return
    event.preventDefault()
    app.canvas.processMouseWheel(event)
  })
  const moves = { pointerdown: "processMouseDown", pointermove: "processMouseMove", pointerup: "processMouseUp" }
  for (const [kind, process] of Object.entries(moves)) {
    element.addEventListener(kind, (event) => {
      const isMiddle = event.button === MIDDLE || (kind === "pointermove" && event.buttons & MIDDLE_HELD)
      if (isMiddle && isClassic()) app.canvas[process](event)
    })
  }
  element.addEventListener("mousedown", (event) => event.stopPropagation())
  element.addEventListener("contextmenu", (event) => {
    event.stopPropagation()
    event.preventDefault()
  })
}

/** Nodes 2.0 zooms the graph by the wheel unless told not to; the head is zoomed once it was clicked. */
function keepWheel(canvas, element) {
  canvas.addEventListener("focus", () => (element.dataset.captureWheel = "true"))
  canvas.addEventListener("blur", () => delete element.dataset.captureWheel)
}

class Preview {
  /** @param {object} node of the graph */
  constructor(node) {
    this.node = node
    const language = app.extensionManager?.setting?.get("Comfy.Locale") ?? "en"
    this.panel = new Panel({ language, onTurned: (orbit) => this.keep(orbit) })
    const { element } = this.panel
    element.style.minHeight = `${LEAST_HEIGHT - MARGINS}px`
    passOn(element)
    keepWheel(this.panel.canvas, element)
    // The panel beside the graph would show nothing of it, and make it as narrow as itself.
    const options = { serialize: false, hideInPanel: true, hideOnZoom: false, getMinHeight: () => LEAST_HEIGHT }
    const widget = node.addDOMWidget("preview", "R3DP_PREVIEW", element, options)
    widget.serialize = false // of the workflow; the option is of the prompt alone
    for (const name of ["camera", ...SLIDERS]) this.follow(name)
    node.setSize([Math.max(node.size[0], SIZE[0]), Math.max(node.size[1], SIZE[1])])
  }

  widget(name) {
    return this.node.widgets?.find((one) => one.name === name)
  }

  /** Shows what is typed into a widget, or dragged. */
  follow(name) {
    const widget = this.widget(name)
    if (!widget) return
    const { callback } = widget
    widget.callback = (...given) => {
      const answer = callback?.apply(widget, given)
      this.sync()
      return answer
    }
  }

  /** Shows what the widgets hold. */
  sync() {
    const { viewer } = this.panel
    const text = this.widget("camera")?.value ?? ""
    if (text !== toText(viewer.orbit)) this.panel.turn(fromText(text))
    const values = Object.fromEntries(SLIDERS.map((name) => [name, this.widget(name)?.value]))
    const amounts = shapeAmounts(values)
    if (JSON.stringify(amounts) !== JSON.stringify(viewer.amounts)) viewer.express(amounts)
  }

  /** Writes where the camera is left into the widget, as a step that can be undone. */
  keep(orbit) {
    const widget = this.widget("camera")
    const text = toText(orbit)
    if (!widget || widget.value === text) return
    widget.value = text
    widget.callback?.(text)
    this.node.graph?.setDirtyCanvas(true, false)
    const tracker = app.extensionManager?.workflow?.activeWorkflow?.changeTracker
    if (tracker?.captureCanvasState) tracker.captureCanvasState()
    else tracker?.checkState?.() // older front ends
  }

  /** Loads a head, if it is another. @param {unknown} name of its file */
  async load(name) {
    if (!FILE.test(name) || name === this.name) return
    this.name = name
    if (!(await this.panel.load(() => fetched(name))) && this.name === name) this.name = null
  }

  /** After a run. @param {Record<string, {filename: string}[]>} output */
  onExecuted(output) {
    const name = output?.[SHOWN]?.[0]?.filename
    if (!name) return
    this.node.properties[SHOWN] = name
    this.load(name)
  }

  /** After a workflow was loaded. */
  onConfigure() {
    this.sync()
    this.load(this.node.properties?.[SHOWN])
  }
}

/** Calls `then` after a method of a node, which may not exist. */
function after(node, method, then) {
  const before = node[method]
  node[method] = function (...given) {
    const answer = before?.apply(this, given)
    then(...given)
    return answer
  }
}

app.registerExtension({
  name: "real3d-portrait.preview3d",
  nodeCreated(node) {
    if (node.comfyClass !== NODE) return
    const preview = new Preview(node)
    after(node, "onExecuted", (output) => preview.onExecuted(output))
    after(node, "onConfigure", () => preview.onConfigure())
    after(node, "onRemoved", () => preview.panel.dispose())
  },
})
