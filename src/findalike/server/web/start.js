import { hasCameraApp, hasLiveCamera } from "./camera.js";
import { h, icon } from "./dom.js";
import { isAddress } from "./photo.js";

/** Every way in, before there is a photo: camera, file, web address, examples. */
export class Start {
  /** @param {object} act - `file(blob)`, `address(text)`, `camera()`, `example(example)` */
  constructor(words, act) {
    this.words = words;
    this.act = act;
    this.hint = h("p", { class: "hint", role: "alert" });
    this.examples = h("div", { class: "examples", part: "examples", hidden: true });
    this.pick = this.#picker({});
    this.shoot = this.#picker({ capture: "environment" });
    this.link = this.#link();
    this.element = h("section", { class: "start", part: "start" },
      h("div", { class: "drop", part: "drop" },
        h("slot", { name: "intro" }, h("div", { class: "intro" }, h("h2", {}, words.say("intro")), h("p", { class: "muted" }, words.say("introMore")))),
        h("div", { class: "ways" }, this.#cameraButton(),
          this.#button("file", "photo", () => this.pick.click(), !this.#hasCamera()),
          this.#button("link", "link", () => this.#openLink())),
        this.link,
        this.hint,
        hasCameraApp() ? null : h("p", { class: "muted" }, words.say("drop")),
        h("p", { class: "small-print" }, words.say("privacy"))),
      this.examples, this.pick, this.shoot);
  }

  say(text) {
    this.hint.textContent = text;
  }

  showExamples(examples, picture) {
    const shown = examples.slice(0, 8);
    this.examples.hidden = shown.length === 0;
    this.examples.replaceChildren(
      h("h3", {}, this.words.say("examples")),
      h("ul", { role: "list" }, shown.map((example, place) => {
        const img = h("img", { width: "160", height: "160", alt: "", loading: "lazy", decoding: "async" });
        picture(img, example.url);
        return h("li", {}, h("button", { type: "button", "aria-label": this.words.say("example", { n: place + 1 }), onclick: () => this.act.example(example) }, img));
      })));
  }

  #hasCamera() {
    return hasCameraApp() || hasLiveCamera();
  }

  #cameraButton() {
    if (!this.#hasCamera()) return null;
    return this.#button("camera", "camera", () => (hasCameraApp() ? this.shoot.click() : this.act.camera()), true);
  }

  #button(word, sign, onclick, primary = false) {
    return h("button", { type: "button", class: primary ? "button primary" : "button", part: primary ? "button primary" : "button", onclick }, icon(sign), this.words.say(word));
  }

  #picker(more) {
    const input = h("input", { type: "file", accept: "image/*", hidden: true, "aria-label": this.words.say("file"), ...more, onchange: () => {
      const [file] = input.files;
      input.value = "";
      if (file) this.act.file(file);
    } });
    return input;
  }

  #openLink() {
    this.link.hidden = false;
    this.link.querySelector("input").focus();
  }

  #link() {
    const input = h("input", { type: "url", name: "address", inputmode: "url", autocomplete: "off", placeholder: "https://", required: true });
    return h("form", { class: "linked", hidden: true, novalidate: true, onsubmit: (event) => {
      event.preventDefault();
      const address = input.value.trim();
      if (isAddress(address)) this.act.address(address);
      else {
        this.say(this.words.say("notAddress"));
        input.focus();
      }
    } },
      h("label", {}, h("span", { class: "sr" }, this.words.say("linkLabel")), input),
      h("button", { type: "submit", class: "button" }, this.words.say("linkGo")));
  }
}
