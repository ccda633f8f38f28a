import { SearchError } from "./api.js";
import { overlap } from "./box-editor.js";
import { settled } from "./dom.js";
import { facetFields } from "./filters.js";

const SETTLE_MS = { pointer: 120, dot: 0, key: 450, button: 300, filter: 250 };
const MEETING_MS = 1500;
const MOST_DOTS = 6;

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

  /** Ask the shop what it has: fields to filter by, and photos to try. */
  async meet(signal) {
    this.#meeting = this.service.shop(signal);
    this.shop = await this.#meeting;
    return this.shop;
  }

  /** What was asked is of no interest any more; returns the number of whatever comes now. */
  stop() {
    this.#running.abort();
    this.#running = new AbortController();
    clearTimeout(this.#waiting);
    this.failed = null;
    return (this.#turn += 1);
  }

  /** Whether nothing newer came after what had this number. */
  isNewest(turn) {
    return turn === this.#turn;
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
      if (!this.shop) await Promise.race([this.#meeting, new Promise((done) => setTimeout(done, MEETING_MS))]).catch(() => null);
      const answer = await this.#ask(signal);
      if (turn !== this.#turn) return;
      this.#answered(answer);
      this.#propose(signal, turn, answer);
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

  /** Ask for products, or for those that follow on an answer. */
  #ask(signal, answer = null) {
    const { choice, photo, similarTo, sort } = this.quest;
    const { pageSize, where, facets } = this.scope;
    const asked = {
      k: pageSize,
      offset: answer ? answer.next_offset : 0,
      where: choice.where(where),
      facets: answer ? [] : facetFields(this.shop, facets),
      sort,
    };
    if (similarTo) return this.service.similar(similarTo.product_id, asked, signal);
    const drawn = photo.touched && photo.width ? this.editor.rounded() : null;
    const box = (answer ? answer.box : drawn) ?? "auto";
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
  }

  #show(answer, products) {
    this.answer = answer;
    this.products = products;
    this.filters.learn(answer.facets);
    this.view.showAnswer(answer, products, this.quest.choice.size);
  }

  /** Other things in the photo, as dots; the first of them is the box where the search had none. */
  async #propose(signal, turn, answer) {
    const { photo, similarTo } = this.quest;
    if (similarTo || photo.proposals || !photo.width) return;
    try {
      const { boxes } = await this.service.boxes(photo, signal);
      if (this.quest.photo !== photo) return;
      photo.proposals = distinct(boxes.map((one) => one.box)).slice(0, MOST_DOTS);
      this.editor.setProposals(photo.proposals);
      if (photo.touched || answer.box_source !== "whole" || !photo.proposals.length || turn !== this.#turn) return;
      this.editor.setBox(photo.proposals[0]);
      this.boxed("dot");
    } catch {
      // Without proposals there is still the box that is drawn by hand.
    }
  }
}

/** Boxes without those that show nearly the same as a better one. */
function distinct(boxes) {
  const kept = [];
  for (const box of boxes) if (kept.every((other) => overlap(box, other) < 0.6)) kept.push(box);
  return kept;
}
