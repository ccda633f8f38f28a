import { h } from "./dom.js";

// Kept for this tab and until it is closed: never in a cookie, a link or an attribute.
const KEPT = "findalike-search-key";

const known = new Map();

/** The key that was given for a service in this tab, or "". */
export function keptKey(endpoint) {
  try {
    return sessionStorage.getItem(`${KEPT} ${endpoint}`) ?? "";
  } catch {
    return known.get(endpoint) ?? ""; // A browser that was told to keep nothing.
  }
}

export function keepKey(endpoint, key) {
  known.set(endpoint, key);
  try {
    sessionStorage.setItem(`${KEPT} ${endpoint}`, key);
  } catch {
    // As above.
  }
}

/** Asks for the key of a service whose search is not open to everybody. */
export class KeyForm {
  /** @param {(key: string) => Promise<void>} use - fails with what the service says of a key */
  constructor(words, use) {
    this.words = words;
    this.use = use;
    this.wrong = h("p", { class: "hint", role: "alert" });
    this.input = h("input", { type: "password", name: "key", autocomplete: "off", spellcheck: "false", required: true });
    this.go = h("button", { type: "submit", class: "button primary", part: "button primary" }, words.say("keyGo"));
    this.element = h("section", { class: "start", part: "start" },
      h("form", { class: "drop ask", part: "drop", novalidate: true, onsubmit: (event) => this.#submit(event) },
        h("div", { class: "intro" }, h("h2", {}, words.say("error401")), h("p", { class: "muted" }, words.say("keyMore"))),
        h("div", { class: "linked" }, h("label", {}, h("span", { class: "sr" }, words.say("keyLabel")), this.input), this.go),
        this.wrong,
        h("p", { class: "small-print" }, words.say("keyKept"))));
  }

  /** Say why the key that was `given` is no good; where none was, there is nothing to say yet. */
  say(error, given) {
    const { kind } = error;
    const name = { 401: "keyWrong", 403: "keyElsewhere", 429: "keyLater" }[kind] ?? (["offline", "timeout"].includes(kind) ? kind : "unreachable");
    this.wrong.textContent = given ? this.words.say(name) : "";
  }

  async #submit(event) {
    event.preventDefault();
    const key = this.input.value.trim();
    // Header values are Latin-1: anything else is no key, and fetch would throw.
    if (!/^[!-~]+$/.test(key)) {
      this.wrong.textContent = this.words.say(key ? "keyShape" : "keyMissing");
      this.input.focus();
      return;
    }
    this.go.disabled = true;
    this.wrong.textContent = "";
    try {
      await this.use(key);
    } catch (error) {
      this.say(error, true);
      this.input.focus();
      this.input.select();
    } finally {
      this.go.disabled = false;
    }
  }
}
