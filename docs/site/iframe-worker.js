// The search of the site runs in a worker. Browsers start no worker from the disk, so pages that were opened from there
// get one that lives in a hidden frame of the same page.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super()
      const base = new URL(url, location.href).href
      const frame = document.createElement("iframe")
      frame.hidden = true
      frame.title = "search"
      document.body.appendChild(frame)
      const inside = (this.inside = frame.contentWindow)
      const page = inside.document
      inside.importScripts = (...scripts) =>
        scripts.reduce(
          (before, script) =>
            before.then(
              () =>
                new Promise((done, failed) => {
                  const element = page.createElement("script")
                  element.src = new URL(script, base).href
                  element.onload = done
                  element.onerror = failed
                  page.body.appendChild(element)
                }),
            ),
          Promise.resolve(),
        )
      // what the worker posts goes to the page, as messages of this object
      inside.postMessage = (data) => {
        const message = new MessageEvent("message", { data })
        this.dispatchEvent(message)
        if (this.onmessage) this.onmessage(message)
      }
      this.ready = inside.importScripts(base)
    }
    postMessage(data) {
      this.ready.then(() => this.inside.dispatchEvent(new MessageEvent("message", { data })))
    }
    terminate() {
      this.inside.frameElement.remove()
    }
  }
}
