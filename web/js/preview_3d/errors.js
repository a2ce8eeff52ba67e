/*
 * What can go wrong, as a sentence for the user. The panel shows it in the language of the front end.
 */

const SENTENCES = {
  en: {
    run: "Run the workflow once to see the head.",
    loading: "Loading the head…",
    damaged: "The preview file is damaged; run the workflow again.",
    newer: "The preview file is of another version of the pack; reload the page and run the workflow again.",
    server: "The preview file cannot be fetched from the server; see whether it still runs.",
    shader: "The graphics card refuses the preview's program; update its driver, or use another browser.",
    card: "The graphics card has no room for the preview; close other 3D views and run the workflow again.",
    lost: "The graphics card took the picture away; click here to draw it again.",
    pictures: "The browser cannot read the preview's pictures; use a newer browser.",
    unknown: "The preview failed; reload the page and run the workflow again.",
    help: "3D preview: drag to turn, wheel to zoom (click first), double click to reset, arrow keys to turn",
    reset: "Back to the photo's view",
    raw: "raw volume: the sliders go out as MOTION only",
    turntable: "turntable pictures, no WebGL2: the sliders go out as MOTION only",
    beyond: "beyond the good range",
    unportrayed: "connect portrait for torso and background",
  },
  zh: {
    run: "运行一次工作流即可看到头部。",
    loading: "正在加载头部…",
    damaged: "预览文件已损坏；请重新运行工作流。",
    newer: "预览文件来自本节点包的另一版本；请刷新页面并重新运行工作流。",
    server: "无法从服务器取得预览文件；请检查服务器是否仍在运行。",
    shader: "显卡拒绝了预览程序；请更新显卡驱动，或换一个浏览器。",
    card: "显存不足，无法显示预览；请关闭其他 3D 视图后重新运行工作流。",
    lost: "显卡收回了画面；点击此处重新绘制。",
    pictures: "浏览器无法读取预览图片；请使用较新的浏览器。",
    unknown: "预览失败；请刷新页面并重新运行工作流。",
    help: "3D 预览：拖动旋转，滚轮缩放（先点击），双击复位，方向键旋转",
    reset: "回到照片的视角",
    raw: "原始体积：滑块只作为动作输出",
    turntable: "转盘图片（无 WebGL2）：滑块只作为动作输出",
    beyond: "超出良好范围",
    unportrayed: "连接人像即可显示躯干和背景",
  },
}

/** An error that the user is told of by one of the sentences. */
export class PreviewError extends Error {
  /**
   * @param {keyof typeof SENTENCES.en} kind
   * @param {string} [detail] for the console
   */
  constructor(kind, detail = "") {
    super(detail ? `${SENTENCES.en[kind]} (${detail})` : SENTENCES.en[kind])
    this.kind = kind
  }
}

/**
 * A sentence in a language; English where it is not known.
 * @param {string} kind
 * @param {string} [language] such as "zh" or "zh-TW"
 */
export function sentence(kind, language = "en") {
  const known = SENTENCES[language.slice(0, 2)] ?? SENTENCES.en
  return known[kind] ?? SENTENCES.en.unknown
}
