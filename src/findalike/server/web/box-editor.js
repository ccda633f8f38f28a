import { h } from "./dom.js";

const HANDLES = ["nw", "n", "ne", "e", "se", "s", "sw", "w"];
const SMALLEST = 24; // CSS pixels: a box can't be made smaller than a finger can grasp again
const HOLD_MS = 180;
const STEP = 0.02;

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/**
 * A photo with a box that can be moved, resized, redrawn and chosen anew.
 *
 * By pointer: drag the box or one of its eight handles; drag outside it to draw another; tap outside
 * to bring it there; tap a dot to take another proposed box. By keyboard: arrows move, Shift with
 * arrows resizes, + and - scale. Boxes are [x, y, w, h] in pixels of the photo.
 *
 * A finger that starts outside the box and goes up or down scrolls the page, as everywhere else; one
 * that goes sideways, or rests for a moment first, draws.
 */
export class BoxEditor {
  /** @param {(box: number[], how: "drag"|"pointer"|"key"|"dot") => void} onChange */
  constructor(words, onChange) {
    this.words = words;
    this.onChange = onChange;
    this.box = null;
    this.proposals = [];
    this.image = h("img", { class: "photo-image", alt: "", draggable: "false" });
    this.hole = h("div", { class: "hole" });
    this.frame = h(
      "div",
      { class: "box", part: "box", tabindex: "0", role: "application" },
      HANDLES.map((side) => h("span", { class: `handle handle-${side}`, part: "handle", "data-side": side })),
    );
    this.dots = h("div", { class: "dots" });
    this.element = h("div", { class: "stage", part: "photo" }, this.image, h("div", { class: "shade" }, this.hole), this.dots, this.frame);
    this.setWords(words);
    this.#listen();
  }

  setWords(words) {
    this.words = words;
    this.frame.setAttribute("aria-label", words.say("boxLabel"));
    this.frame.setAttribute("aria-description", words.say("boxHelp"));
    this.image.alt = words.say("yourPhoto");
    this.#drawDots();
  }

  setPhoto({ url, width, height }) {
    this.width = width;
    this.height = height;
    this.image.src = url;
    this.image.width = width;
    this.image.height = height;
    this.element.style.setProperty("--ratio", String(width / height));
    this.setProposals([]);
    // What people photograph is in the middle: a fair guess until a better one comes.
    this.setBox([0.1 * width, 0.1 * height, 0.8 * width, 0.8 * height]);
  }

  setBox(box) {
    const [x, y, w, h2] = box;
    const left = clamp(x, 0, this.width - 1);
    const top = clamp(y, 0, this.height - 1);
    this.box = [left, top, clamp(w, 1, this.width - left), clamp(h2, 1, this.height - top)];
    this.#draw();
  }

  /** The box in whole pixels, as the service wants it. */
  rounded() {
    const [x, y, w, h2] = this.box;
    const left = Math.floor(x);
    const top = Math.floor(y);
    return [left, top, Math.max(1, Math.min(this.width - left, Math.round(w))), Math.max(1, Math.min(this.height - top, Math.round(h2)))];
  }

  setProposals(boxes) {
    this.proposals = boxes;
    this.#drawDots();
  }

  scale(factor) {
    const [x, y, w, h2] = this.box;
    const least = this.#least();
    const width = clamp(w * factor, least, this.width);
    const height = clamp(h2 * factor, least, this.height);
    const left = clamp(x + (w - width) / 2, 0, this.width - width);
    const top = clamp(y + (h2 - height) / 2, 0, this.height - height);
    this.setBox([left, top, width, height]);
  }

  whole() {
    this.setBox([0, 0, this.width, this.height]);
  }

  /** Where the box is, in words. */
  says() {
    const share = (value, all) => Math.round((100 * value) / all);
    const [x, y, w, h2] = this.box;
    return this.words.say("boxSays", { x: share(x, this.width), y: share(y, this.height), w: share(w, this.width), h: share(h2, this.height) });
  }

  #least() {
    const shown = this.element.clientWidth || this.width;
    return Math.min(this.width, this.height, (SMALLEST * this.width) / shown);
  }

  #draw() {
    const [x, y, w, h2] = this.box;
    // The style sheet places all by transforms, which is cheap and no layout shift.
    const percent = { x: x / this.width, y: y / this.height, w: w / this.width, h: h2 / this.height };
    for (const [name, value] of Object.entries(percent)) this.element.style.setProperty(`--${name}`, String(100 * value));
    const pixels = (this.element.clientWidth || 400) / this.width;
    this.frame.classList.toggle("small", Math.min(w, h2) * pixels < 84);
    this.#hideDots();
  }

  #drawDots() {
    this.dots.replaceChildren(
      ...this.proposals.map((box, place) => {
        const dot = h("button", { type: "button", class: "dot", "aria-label": this.words.say("otherThing", { n: place + 1 }) });
        dot.style.setProperty("left", `${(100 * (box[0] + box[2] / 2)) / this.width}%`);
        dot.style.setProperty("top", `${(100 * (box[1] + box[3] / 2)) / this.height}%`);
        dot.addEventListener("click", () => {
          this.setBox(box);
          this.frame.focus({ preventScroll: true });
          this.onChange(this.box, "dot");
        });
        return dot;
      }),
    );
    if (this.box) this.#hideDots();
  }

  /** A dot is in the way where nearly its own box is chosen, and in the middle of what is chosen. */
  #hideDots() {
    // What is in the middle of nearly all of the photo is one thing of several.
    const isOneThing = this.box[2] * this.box[3] < 0.6 * this.width * this.height;
    [...this.dots.children].forEach((dot, place) => {
      const proposal = this.proposals[place];
      dot.hidden = overlap(proposal, this.box) > 0.6 || (isOneThing && isInMiddle(proposal, this.box));
    });
  }

  #listen() {
    const stage = this.element;
    stage.addEventListener("pointerdown", (event) => this.#press(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    stage.addEventListener("pointerup", (event) => this.#release(event));
    stage.addEventListener("pointercancel", (event) => this.#cancel(event));
    // Only a drag that is ours may stop the page from scrolling, and only this event can stop it.
    stage.addEventListener("touchmove", (event) => this.#claimTouch(event), { passive: false });
    this.frame.addEventListener("keydown", (event) => this.#key(event));
  }

  #at(event) {
    const area = this.element.getBoundingClientRect();
    return [
      clamp(((event.clientX - area.left) / area.width) * this.width, 0, this.width),
      clamp(((event.clientY - area.top) / area.height) * this.height, 0, this.height),
    ];
  }

  #press(event) {
    if (this.drag || event.button !== 0 || !event.isPrimary || event.target.closest(".dot")) return;
    const side = event.target.dataset?.side;
    const kind = side ? "resize" : event.target === this.frame ? "move" : "draw";
    this.drag = {
      kind, side: side ?? "", id: event.pointerId, from: this.#at(event), before: [...this.box],
      screen: [event.clientX, event.clientY], since: performance.now(), moved: false,
      claimed: event.pointerType !== "touch" || kind !== "draw",
    };
    this.element.setPointerCapture(event.pointerId);
    if (kind !== "draw") this.frame.focus({ preventScroll: true });
    if (event.pointerType === "mouse") event.preventDefault();
  }

  #claimTouch(event) {
    const drag = this.drag;
    if (!drag || event.touches.length > 1) return;
    if (!drag.claimed) {
      const [dx, dy] = [event.touches[0].clientX - drag.screen[0], event.touches[0].clientY - drag.screen[1]];
      drag.claimed = Math.abs(dx) > 0.8 * Math.abs(dy) || performance.now() - drag.since > HOLD_MS;
    }
    if (drag.claimed && event.cancelable) event.preventDefault();
  }

  #move(event) {
    const drag = this.drag;
    if (!drag || drag.id !== event.pointerId || !drag.claimed) return;
    if (!drag.moved) {
      drag.moved = Math.hypot(event.clientX - drag.screen[0], event.clientY - drag.screen[1]) > 4;
      if (!drag.moved) return;
      this.frame.classList.add("held");
    }
    this.setBox(this.#dragged(drag, this.#at(event)));
    this.onChange(this.box, "drag");
  }

  #dragged({ kind, side, from, before: [x, y, w, h2] }, to) {
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    if (kind === "move") return [clamp(x + dx, 0, this.width - w), clamp(y + dy, 0, this.height - h2), w, h2];
    const least = this.#least();
    if (kind === "draw") {
      const [w2, h3] = [Math.max(least, Math.abs(dx)), Math.max(least, Math.abs(dy))];
      const left = clamp(dx < 0 ? from[0] - w2 : from[0], 0, this.width - w2);
      return [left, clamp(dy < 0 ? from[1] - h3 : from[1], 0, this.height - h3), w2, h3];
    }
    const [left, right] = stretched(side, "w", "e", x, x + w, dx, least, this.width);
    const [top, bottom] = stretched(side, "n", "s", y, y + h2, dy, least, this.height);
    return [left, top, right - left, bottom - top];
  }

  #release(event) {
    const drag = this.drag;
    if (!drag || drag.id !== event.pointerId) return;
    this.#end();
    if (!drag.moved) {
      if (drag.kind !== "draw") return;
      this.#bringTo(drag.from);
    }
    this.onChange(this.box, "pointer");
  }

  #cancel(event) {
    if (this.drag?.id !== event.pointerId) return;
    this.setBox(this.drag.before);
    this.#end();
  }

  #end() {
    this.drag = null;
    this.frame.classList.remove("held");
  }

  /** A tap moves the box, so that nobody has to drag. */
  #bringTo([x, y]) {
    const there = this.proposals.filter(([l, t, w, h2]) => x >= l && x <= l + w && y >= t && y <= t + h2);
    if (there.length) {
      this.setBox(there.reduce((least, box) => (box[2] * box[3] < least[2] * least[3] ? box : least)));
      return;
    }
    const [, , w, h2] = this.box;
    this.setBox([clamp(x - w / 2, 0, this.width - w), clamp(y - h2 / 2, 0, this.height - h2), w, h2]);
  }

  #key(event) {
    if (event.target !== this.frame || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+" || event.key === "=") this.scale(1.1);
    else if (event.key === "-" || event.key === "_") this.scale(1 / 1.1);
    else {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
      if (!way) return;
      const step = STEP * Math.max(this.width, this.height);
      const [x, y, w, h2] = this.box;
      const [dx, dy] = [way[0] * step, way[1] * step];
      if (event.shiftKey) {
        const least = this.#least();
        this.setBox([x, y, clamp(w + dx, least, this.width - x), clamp(h2 + dy, least, this.height - y)]);
      } else this.setBox([clamp(x + dx, 0, this.width - w), clamp(y + dy, 0, this.height - h2), w, h2]);
    }
    event.preventDefault();
    this.onChange(this.box, "key");
  }
}

/** Whether the middle of the one box lies in the middle third of the other. */
function isInMiddle([x, y, w, h2], [left, top, width, height]) {
  return Math.abs(x + w / 2 - left - width / 2) < width / 6 && Math.abs(y + h2 / 2 - top - height / 2) < height / 6;
}

/** Both ends of one side of the box after a handle was dragged by `by`. */
function stretched(side, low, high, from, to, by, least, most) {
  if (side.includes(low)) return [clamp(from + by, 0, to - least), to];
  if (side.includes(high)) return [from, clamp(to + by, from + least, most)];
  return [from, to];
}

/** Intersection over union of two boxes. */
export function overlap(a, b) {
  const w = Math.min(a[0] + a[2], b[0] + b[2]) - Math.max(a[0], b[0]);
  const h2 = Math.min(a[1] + a[3], b[1] + b[3]) - Math.max(a[1], b[1]);
  if (w <= 0 || h2 <= 0) return 0;
  return (w * h2) / (a[2] * a[3] + b[2] * b[3] - w * h2);
}
