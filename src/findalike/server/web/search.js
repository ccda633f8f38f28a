import { SearchError } from "./api.js";
import { overlap } from "./box-editor.js";
import { settled } from "./dom.js";
import { facetFields } from "./filters.js";

const SETTLE_MS = { pointer: 120, dot: 0, key: 450, button: 300, filter: 250 };
const MEETING_MS = 1500;
const PROPOSALS = 5;

/**
 * Searches for what a quest holds, and has the answers shown.
 *
 * One question at a time: a newer one gives the older up, whose answer never overwrites the newer's.
 */
export class Search {
  answer = null;
  failed = null;
  products = [];
  shop = null;
  #meeting;
  #met;
  #running = new AbortController();
  #turn = 0; // The number of the newest question.
  #waiting;

  /** @param {(name: string, detail: object) => void} tell - called with `search` and `error` */
  constructor(quest, tell) {
    this.quest = quest;
    this.tell = tell;
  }

  /**
   * The element was drawn anew: ask this service, and show what comes in these parts.
   *
   * @param {{pageSize: number, where: string, facets: string[]}} scope - what the page wants of answers
   */
  connect(service, { view, editor, filters, notice }, scope) {
    Object.assign(this, { service, view, editor, filters, notice, scope });
  }

  /** Ask the shop what it has: fields to filter by, and photos to try. Each service is asked once. */
  async meet(signal) {
    const { service } = this;
    if (this.#met !== service) {
      this.#met = service;
      this.shop = null;
      this.#meeting = service.shop(signal);
    }
    try {
      const shop = await this.#meeting;
      if (service === this.service) this.shop = shop;
      return shop;
    } catch (cause) {
      if (service === this.#met) this.#met = null;
      throw cause;
    }
  }

  /** The element is gone from the page: nothing goes on behind it. */
  leave() {
    this.stop();
    this.#says.cancel();
    this.#met = null;
  }

  /** What was asked is of no interest any more; returns the number of whatever comes now. */
  stop() {
    this.#running.abort();
    this.#running = new AbortController();
    clearTimeout(this.#waiting);
    this.failed = null;
    return (this.#turn += 1);
  }

  /** Show again what an earlier search has found. */
  restore({ answer, products }) {
    this.stop();
    this.view.idle();
    this.#show(answer, products);
  }

  /** Search for what is chosen now; the answer is shown only if nothing newer was asked meanwhile. */
  async run({ fresh = false } = {}) {
    const turn = this.stop();
    const { signal } = this.#running;
    this.view.busy({ fresh, cards: Math.min(12, this.scope.pageSize) });
    try {
      if (!this.shop) await this.#introduced();
      const answer = await this.#ask(signal);
      if (turn !== this.#turn) return;
      this.#answered(answer);
    } catch (cause) {
      if (turn !== this.#turn || signal.aborted) return;
      this.failed = cause instanceof SearchError ? cause : new SearchError("unreachable");
      this.view.showFailure(this.failed, () => this.run({ fresh: true }));
      this.tell("error", this.failed);
    } finally {
      if (turn === this.#turn) this.view.idle();
    }
  }

  /** The box is another one, by `how`; it is searched with as soon as it has settled. */
  boxed(how) {
    const { photo } = this.quest;
    photo.touched = true;
    photo.box = [...this.editor.box];
    if (how === "drag") {
      clearTimeout(this.#waiting);
      return;
    }
    // While the box is being moved, the running search answers a question nobody asks any more.
    this.stop();
    this.#later(how, () => this.filters.forget());
    if (how === "key" || how === "button") this.#says();
  }

  /** Filters or order are others; what is chosen in quick succession is asked once. */
  filtered() {
    this.#later("filter");
    this.view.showChoice(this.quest.choice.size);
  }

  /** The next products of the same answer. */
  async more() {
    const { answer, view } = this;
    const turn = this.#turn;
    const { signal } = this.#running;
    if (view.more.getAttribute("aria-disabled") === "true") return;
    view.more.setAttribute("aria-disabled", "true");
    this.notice.clearError();
    try {
      const next = await this.#ask(signal, answer);
      if (turn !== this.#turn) return;
      const known = new Set(this.products.map((one) => one.product_id));
      const added = next.products.filter((one) => !known.has(one.product_id));
      this.products = [...this.products, ...added];
      this.answer = { ...answer, next_offset: next.next_offset };
      view.append(added, this.answer, this.products);
    } catch (cause) {
      if (turn !== this.#turn || signal.aborted) return;
      view.announce(this.notice.error(cause, () => this.more()));
      this.tell("error", cause);
    } finally {
      view.more.removeAttribute("aria-disabled");
    }
  }

  #says = settled(600, () => this.quest.photo && this.view.announce(this.editor.says()));

  #later(how, first = () => null) {
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => {
      first();
      this.run();
    }, SETTLE_MS[how]);
  }

  /** Wait for what the shop says of its fields, but not for long, unless a filter needs their types. */
  #introduced() {
    const enough = new Promise((done) => setTimeout(done, MEETING_MS));
    return Promise.race([this.#meeting, ...(this.quest.choice.values.size ? [] : [enough])]).catch(() => null);
  }

  /** Ask for products, or for those that follow on an answer. */
  #ask(signal, answer = null) {
    const { choice, photo, similarTo, sort } = this.quest;
    const { pageSize, where, facets } = this.scope;
    const asked = {
      k: pageSize,
      offset: answer ? answer.next_offset : 0,
      where: choice.where(where, this.shop?.fields),
      facets: answer ? [] : facetFields(this.shop, facets),
      sort,
    };
    if (similarTo) return this.service.similar(similarTo.product_id, asked, signal);
    const drawn = photo.touched && photo.width ? this.editor.rounded() : null;
    const box = (answer ? answer.box : drawn) ?? "auto";
    if (photo.width && !photo.proposals) asked.proposals = PROPOSALS;
    return this.service.search(photo, photo.address ? box : String(box), asked, signal);
  }

  #answered(answer) {
    const { photo, similarTo } = this.quest;
    if (!similarTo && !photo.touched && answer.box && photo.width) {
      photo.box = answer.box;
      this.editor.setBox(answer.box);
    }
    this.#show(answer, answer.products);
    this.tell("search", answer);
    if (!similarTo) this.#propose(photo, answer);
  }

  #show(answer, products) {
    this.answer = answer;
    this.products = products;
    this.filters.learn(answer.facets);
    this.view.showAnswer(answer, products, this.quest.choice.size);
  }

  /** Other things in the photo, as dots; the first of them is the box where the search had none. */
  #propose(photo, { box_source: source, proposals }) {
    if (!proposals) return;
    photo.proposals = distinct(proposals.map((one) => one.box));
    this.editor.setProposals(photo.proposals);
    if (photo.touched || source !== "whole" || !photo.proposals.length) return;
    this.editor.setBox(photo.proposals[0]);
    this.boxed("dot");
  }
}

/** Boxes without those that show nearly the same as a better one. */
function distinct(boxes) {
  const kept = [];
  for (const box of boxes) if (kept.every((other) => overlap(box, other) < 0.6)) kept.push(box);
  return kept;
}
