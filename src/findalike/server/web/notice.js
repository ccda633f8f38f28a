import { h, icon } from "./dom.js";

/** Errors after which the same request may well succeed. */
const PASSING = new Set(["offline", "unreachable", "timeout", "429", "503", "500", "502", "504"]);
const ITSELF = new Set(["429", "503"]);

/** Which words stand for an error; the service's own come where it knows more than we do. */
export function wordsOf(error) {
  const { kind, status } = error;
  if (!/^\d+$/.test(kind)) return kind;
  if (["400", "401", "404", "413", "415", "422", "429", "503"].includes(kind)) return `error${kind}`;
  if (kind === "403") return "error401";
  return status >= 500 ? "error500" : "error400";
}

/** What went wrong, or what there is to know of an answer, and what to do next. */
export class Notice {
  constructor(words) {
    this.words = words;
    this.element = h("div", { class: "notices" });
  }

  clear() {
    clearInterval(this.clock);
    this.failed = false;
    this.element.replaceChildren();
  }

  /** Say something; `slot` names where the shop's own words may stand below it. */
  say(title, text, { sign = "none", action = null, slot = "" } = {}) {
    this.clear();
    this.element.append(
      h("div", { class: "notice", part: "notice" }, icon(sign), h("h3", {}, title), h("p", {}, text), h("div", {}, slot ? h("slot", { name: slot }) : null, action)));
  }

  /** Take back that something failed; what there is to know of the answer stays. */
  clearError() {
    if (this.failed) this.clear();
  }

  /** Say what failed. Where trying again makes sense there is a button, or a clock that does it. */
  error(error, retry) {
    const name = wordsOf(error);
    const specific = ["400", "422"].includes(error.kind) && error.problem.detail;
    const text = specific ? [error.problem.detail, error.problem.next_step].filter(Boolean).join(" ") : this.words.say(`${name}More`);
    const button = PASSING.has(error.kind) ? h("button", { type: "button", class: "button small retry", onclick: retry }, this.words.say("retry")) : null;
    this.say(this.words.say(name), text, { sign: "trouble", action: button });
    this.failed = true;
    if (ITSELF.has(error.kind) && button) this.#countdown(button, error.retryAfter ?? 5, retry);
    return this.words.both(name, text);
  }

  #countdown(button, seconds, retry) {
    let left = seconds;
    const tick = () => {
      button.textContent = left > 0 ? this.words.say("retryIn", { n: left }) : this.words.say("retry");
      button.setAttribute("aria-disabled", String(left > 0));
      if (left <= 0) {
        clearInterval(this.clock);
        retry();
      }
      left -= 1;
    };
    // The button only counts; pressing it sooner would be refused again.
    button.addEventListener("click", (event) => left >= 0 && button.getAttribute("aria-disabled") === "true" && event.stopImmediatePropagation(), { capture: true });
    tick();
    this.clock = setInterval(tick, 1000);
  }
}
