import { h, icon } from "./dom.js";

/** Whether this is a device whose own camera app takes better photos than a page can. */
export const hasCameraApp = () => matchMedia("(pointer: coarse)").matches && matchMedia("(hover: none)").matches;

export const hasLiveCamera = () => Boolean(navigator.mediaDevices?.getUserMedia);

/** A dialog with the live picture of the camera and a shutter. */
export class Camera {
  /** @param {(photo: Blob) => void} onPhoto */
  constructor(words, onPhoto) {
    this.words = words;
    this.onPhoto = onPhoto;
    this.video = h("video", { class: "live", playsinline: true, "aria-hidden": "true" });
    this.video.muted = true;
    this.says = h("p", { class: "camera-says", role: "alert" });
    this.turn = h("button", { type: "button", class: "round", "aria-label": words.say("otherCamera"), onclick: () => this.#other() }, icon("turn"));
    this.shutter = h("button", { type: "button", class: "shutter", part: "shutter", "aria-label": words.say("shutter"), onclick: () => this.#take() });
    this.element = h(
      "dialog",
      { class: "camera", part: "dialog", "aria-label": words.say("cameraTitle"), onclose: () => this.stop() },
      this.video,
      this.says,
      h("div", { class: "camera-bar" },
        h("button", { type: "button", class: "round", "aria-label": words.say("close"), onclick: () => this.element.close() }, icon("close")),
        this.shutter, this.turn),
    );
    this.facing = "environment";
  }

  async open() {
    this.element.showModal();
    await this.#start();
  }

  close() {
    this.element.close();
    this.stop();
  }

  async #start() {
    this.stop();
    this.says.textContent = "";
    this.shutter.disabled = true;
    const attempt = (this.attempt = Symbol("attempt"));
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: false,
        video: { facingMode: this.facing, width: { ideal: 1920 }, height: { ideal: 1440 } },
      });
      // The dialog may have been closed while the shopper was being asked.
      if (!this.element.open || this.attempt !== attempt) {
        stream.getTracks().forEach((track) => track.stop());
        return;
      }
      this.stream = stream;
      this.video.srcObject = stream;
      await this.video.play();
      this.shutter.disabled = false;
      this.shutter.focus();
      const cameras = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === "videoinput");
      this.turn.hidden = cameras.length < 2;
    } catch (cause) {
      if (this.attempt !== attempt) return;
      this.says.textContent = this.words.say(cause.name === "NotFoundError" ? "cameraMissing" : "cameraDenied");
    }
  }

  #other() {
    this.facing = this.facing === "environment" ? "user" : "environment";
    this.#start();
  }

  async #take() {
    const canvas = document.createElement("canvas");
    canvas.width = this.video.videoWidth;
    canvas.height = this.video.videoHeight;
    canvas.getContext("2d").drawImage(this.video, 0, 0);
    const photo = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
    if (!this.stream) return; // It was closed meanwhile.
    this.close();
    if (photo) this.onPhoto(photo);
  }

  /** Turn the camera off. A dialog that leaves the page is not closed: it has to be told. */
  stop() {
    this.attempt = null;
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = null;
    this.video.srcObject = null;
  }
}
