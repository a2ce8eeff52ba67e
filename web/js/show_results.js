/*
 * While a node runs, the front end shows the pictures of its progress on it. It would go on showing the last
 * one in place of what the node has made, so it is dropped as soon as that is there. Should a later front end
 * keep progress pictures elsewhere, nothing is done and the last one stays.
 */
import { api } from "../../../scripts/api.js"

function forgetProgressPictures(nodeId) {
  const stores = document.querySelector("#vue-app")?.__vue_app__?.config.globalProperties.$pinia?._s
  const shown = stores?.get("nodeOutput")
  shown?.revokePreviewsByLocatorId?.(nodeId) // at once, before the result is drawn; not inside subgraphs
  shown?.revokePreviewsByExecutionId?.(nodeId) // a moment later, and everywhere
}

api.addEventListener("executed", ({ detail }) => {
  if (detail?.output?.animated) forgetProgressPictures(String(detail.display_node ?? detail.node))
})
