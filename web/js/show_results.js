/*
 * Video Combine shows pictures while it works and a video when it is done; the front end would go on showing
 * the last picture beside the video, or in its place, and no pictures in the next run. Here one takes the
 * place of the other. What a later front end may lack is asked for with `?.`: then the last picture stays.
 */
import { app } from "../../../scripts/app.js"

const PICTURES = ["$$canvas-image-preview", "$$comfy_animation_preview"] // widgets of the classic canvas
const VIDEO = ["video-preview"]

/** The key of a node in app.nodeOutputs and app.nodePreviewImages. */
function keyOf({ graph, id }) {
  return !graph || graph.isRootGraph ? String(id) : `${graph.id}:${id}`
}

function drop(node, names) {
  for (const widget of node.widgets?.filter(({ name }) => names.includes(name)) ?? []) {
    widget.onRemove?.()
    node.widgets.splice(node.widgets.indexOf(widget), 1)
  }
}

/** The front end's own picture of a run, in the places that the two canvases read. */
function forgetProgress(key) {
  const stores = document.querySelector("#vue-app")?.__vue_app__?.config.globalProperties.$pinia?._s
  const shown = stores?.get("nodeOutput")
  shown?.revokePreviewsByLocatorId?.(key) // not in the oldest front end
  delete shown?.nodePreviewImages?.[key]
  delete app.nodePreviewImages?.[key]
}

function showPictures(node) {
  drop(node, VIDEO)
  node.videoContainer = undefined
  node.previewMediaType = "image"
}

function showVideo(node) {
  node.previewMediaType = "video"
  node.imgs = undefined // at each drawing: a picture of the progress may arrive after the video
  drop(node, PICTURES)
}

function isVideo(output) {
  return Boolean(output?.animated?.some(Boolean))
}

app.registerExtension({
  name: "real3d-portrait.showResults",
  beforeRegisterNodeDef(nodeType, { name }) {
    if (name !== "R3DP_VideoCombine") return
    const { onExecuted, onDrawBackground } = nodeType.prototype

    nodeType.prototype.onExecuted = function (output) {
      forgetProgress(keyOf(this))
      if (isVideo(output)) showVideo(this)
      else showPictures(this)
      return onExecuted?.apply(this, arguments)
    }

    nodeType.prototype.onDrawBackground = function () {
      const key = keyOf(this)
      if (app.nodePreviewImages?.[key]?.length) {
        if (isVideo(app.nodeOutputs?.[key])) {
          delete app.nodeOutputs[key] // the video of the run before
          showPictures(this)
        }
      } else if (isVideo(app.nodeOutputs?.[key])) showVideo(this)
      return onDrawBackground?.apply(this, arguments)
    }
  },
})
