import { h, icon } from "./dom.js";

const SLOW_MS = 4000;
const ORDERS = [["score", "sortScore"], ["price", "sortPrice"], ["-price", "sort-price"]];

/** The element's own frame: its parts by name, and what they show. What happens is `act`'s to say. */
export class View {
  /**
   * @param {object} parts - `start`, `camera`, `editor`, `results`, `filters` and `notice`
   * @param {object} act - `reset()`, `boxed()`, `back()`, `sort(order)`, `more()`
   */
  constructor(words, parts, act, { asksConsent = false } = {}) {
    this.words = words;
    this.parts = parts;
    this.act = act;
    this.status = h("div", { class: "sr", role: "status", "aria-live": "polite" });
    this.toast = h("div", { class: "toast", hidden: true, "aria-hidden": "true" });
    this.over = h("div", { class: "over", hidden: true }, words.say("dropNow"));
    this.consent = asksConsent ? h("input", { type: "checkbox" }) : null;
    this.#makeSide();
    this.#makeFound();
    this.#makeSheet();
    this.work = h("div", { class: "work" }, h("div", { class: "side" }, this.yours, this.place), this.found);
    this.element = h("div", { class: "root", part: "root" },
      parts.start.element, this.work, this.sheet, parts.camera.element, this.over, this.toast, this.status);
  }

  /** Which of the two halves is there: the start, or the work with a photo or product. */
  show({ photo, similarTo, sort }) {
    const working = Boolean(photo || similarTo);
    this.parts.start.element.hidden = working || Boolean(this.asking);
    this.work.hidden = !working || Boolean(this.asking);
    this.yours.hidden = !photo;
    this.backing.hidden = !similarTo;
    this.backing.setAttribute("aria-label", this.words.say(photo ? "back" : "backStart"));
    this.bar.classList.toggle("alike", Boolean(similarTo));
    this.heading.textContent = similarTo ? this.words.say("similarTo", similarTo) : this.words.say("results");
    this.sorter.value = sort;
  }

  /** Nothing can be done before the form is filled in: it stands where all else would be. */
  ask(form) {
    this.asking = form;
    this.parts.start.element.hidden = this.work.hidden = true;
    this.parts.notice.clear();
    this.element.prepend(form.element);
    this.announce(this.words.both("error401", this.words.say("keyMore")));
  }

  showPhoto(photo) {
    const { editor } = this.parts;
    const known = photo.width > 0;
    this.tools.querySelectorAll(".round").forEach((one) => (one.hidden = !known));
    if (known) {
      editor.setPhoto(photo);
      if (photo.box) editor.setBox(photo.box);
      editor.setProposals(photo.proposals ?? []);
    }
    this.mat.replaceChildren(known ? editor.element : h("p", { class: "no-preview" }, icon("photo"), this.words.say("noPreview")));
    this.remark([]);
  }

  /** What the service says of the photo and its box stands where the hint was, and moves nothing. */
  remark(warnings) {
    const known = this.mat.contains(this.parts.editor.element);
    this.hint.textContent = warnings.length ? warnings.join(" ") : this.words.say("boxHint");
    this.hint.hidden = !known && !warnings.length;
    this.hint.classList.toggle("remark", warnings.length > 0);
    if (warnings.length) this.hint.lang = "en"; // The service's own words.
    else this.hint.removeAttribute("lang");
  }

  /** Ask whether the photo may be kept, where the page wants that asked, and the shop keeps any. */
  offerConsent(keepsPhotos) {
    if (this.consent) this.asks.hidden = !keepsPhotos;
  }

  /** How many filters are chosen; without any to choose from there is no button. */
  showChoice(n) {
    this.opener.lastChild.textContent = n ? this.words.say("filtersOn", { n }) : this.words.say("filters");
    this.opener.hidden = this.parts.filters.isEmpty && !n;
  }

  /** A search is under way; `fresh` ones clear away what was there. */
  busy({ fresh, cards }) {
    const { notice, results } = this.parts;
    this.#running(true);
    this.more.hidden = true;
    notice.clear();
    this.announce(this.words.say("searching"));
    if (fresh || !results.element.childElementCount) {
      results.skeleton(cards);
      this.count.textContent = this.words.say("searching");
    }
    clearTimeout(this.slow);
    this.slow = setTimeout(() => {
      this.count.textContent = this.words.say("slow");
      this.announce(this.words.say("slow"));
    }, SLOW_MS);
  }

  idle() {
    clearTimeout(this.slow);
    this.#running(false);
  }

  /** Show an answer and, where it holds little, what there is to know of it. */
  showAnswer(answer, products, filters) {
    const { notice, results } = this.parts;
    results.show(products, { byLikeness: this.sorter.value === "score" });
    this.#showCount(answer, products);
    this.showChoice(filters);
    notice.clear();
    const warnings = answer.warnings ?? [];
    this.remark(warnings);
    this.announce([this.#verdict(answer, products, filters) || this.count.textContent, ...warnings].join(" "));
  }

  /** Show further products of the answer. */
  append(added, answer, products) {
    this.parts.results.append(added);
    this.#showCount(answer, products);
    this.announce(this.count.textContent);
  }

  showFailure(error, retry) {
    this.parts.results.clear();
    this.remark([]);
    this.count.textContent = "";
    this.announce(this.parts.notice.error(error, retry));
  }

  announce(text) {
    this.status.textContent = text;
  }

  /** Say something for a moment. */
  brief(text) {
    this.announce(text);
    this.toast.textContent = text;
    this.toast.hidden = false;
    clearTimeout(this.toasting);
    this.toasting = setTimeout(() => (this.toast.hidden = true), Math.max(3500, 70 * text.length));
  }

  /** This is drawn no more: no clock goes on, and none searches again. */
  leave() {
    clearTimeout(this.slow);
    clearTimeout(this.toasting);
    this.parts.notice.clear();
    this.parts.camera.close();
  }

  #running(now) {
    this.found.setAttribute("aria-busy", String(now));
    this.work.classList.toggle("searching", now);
  }

  #showCount({ matches, next_offset: next }, { length }) {
    this.count.textContent = matches > length ? this.words.say("foundOf", { n: length, all: matches }) : this.words.say("found", { n: length });
    this.more.hidden = next === null || next === undefined;
  }

  /** Says why there are no products, or none alike; returns the words for who can't see them. */
  #verdict(answer, products, filtered) {
    const { filters, notice } = this.parts;
    const say = (name) => this.words.say(name);
    if (products.length === 0) {
      const name = filtered ? "empty" : "emptyShop";
      const action = filtered ? h("button", { type: "button", class: "button small", onclick: () => filters.clear() }, say("clear")) : null;
      notice.say(say(name), say(`${name}More`), { action });
      return this.words.both(name, this.count.textContent);
    }
    if (!answer.nothing_like_it) return "";
    notice.say(say("nothing"), say("nothingMore"), { slot: "nothing" });
    return this.words.both("nothing", say("nothingMore"));
  }

  #button(word, sign, onclick, name = "button small") {
    return h("button", { type: "button", class: name, part: "button", onclick }, icon(sign), this.words.say(word));
  }

  #round(word, sign, onclick) {
    const name = this.words.say(word);
    return h("button", { type: "button", class: "round", part: "button", title: name, "aria-label": name, onclick }, icon(sign));
  }

  #makeSide() {
    const { editor, filters } = this.parts;
    const change = (how) => () => {
      how();
      this.act.boxed();
    };
    this.mat = h("div", { class: "mat", part: "mat" });
    this.hint = h("p", { class: "photo-hint" }, this.words.say("boxHint"));
    this.tools = h("div", { class: "tools" },
      this.#round("smaller", "minus", change(() => editor.scale(1 / 1.2))),
      this.#round("bigger", "plus", change(() => editor.scale(1.2))),
      this.#round("wholePhoto", "whole", change(() => editor.whole())),
      this.#button("newPhoto", "photo", () => this.act.reset()));
    // Only a shop that keeps photos asks for them; the box is empty until the shopper ticks it.
    this.asks = this.consent && h("label", { class: "consent", part: "consent", hidden: true }, this.consent, h("span", {}, this.words.say("consent")));
    this.yours = h("div", { class: "yours" }, this.mat, this.hint, this.tools, this.asks);
    this.place = h("div", { class: "place" }, filters.element);
  }

  #makeFound() {
    const { words, parts } = this;
    this.heading = h("h2", { tabindex: "-1" });
    this.count = h("span", { class: "muted" });
    this.backing = this.#round("back", "back", () => this.act.back());
    this.sorter = h("select", { onchange: () => this.act.sort(this.sorter.value) }, ORDERS.map(([value, word]) => h("option", { value }, words.say(word))));
    this.opener = this.#button("filters", "filter", () => this.#openFilters(), "button small opener");
    this.more = h("button", { type: "button", class: "button", part: "button", hidden: true, onclick: () => this.act.more() }, words.say("more"));
    this.bar = h("div", { class: "bar", part: "bar" },
      h("div", { class: "heading" }, this.backing, this.heading, this.count),
      this.opener,
      h("label", { class: "sorted" }, h("span", { class: "muted" }, words.say("sort")), this.sorter));
    this.found = h("section", { class: "found", part: "results", "aria-label": words.say("results") },
      this.bar, parts.notice.element, parts.results.element, h("div", { class: "after" }, this.more));
  }

  /** Where there is no room beside the products, the filters come up in a dialog. */
  #makeSheet() {
    this.sheetInside = h("div", { class: "sheet-inside" });
    this.sheet = h("dialog", { class: "sheet", part: "dialog", "aria-label": this.words.say("filters"),
      onclose: () => this.place.append(this.parts.filters.element),
      onclick: (event) => event.target === this.sheet && this.sheet.close() }, this.sheetInside);
  }

  #openFilters() {
    const close = () => this.sheet.close();
    this.sheetInside.replaceChildren(
      h("div", { class: "sheet-head" }, h("h2", {}, this.words.say("filters")), this.#round("close", "close", close)),
      this.parts.filters.element,
      h("button", { type: "button", class: "button primary", onclick: close }, this.words.say("show")));
    this.sheet.showModal();
  }
}
