import { SearchError, Service } from "./api.js";
import { BoxEditor, overlap } from "./box-editor.js";
import { Camera } from "./camera.js";
import { h, settled } from "./dom.js";
import { Choice, Filters, facetFields } from "./filters.js";
import { Notice } from "./notice.js";
import { photoAt, pictureIn, preparePhoto } from "./photo.js";
import { Results } from "./results.js";
import { Start } from "./start.js";
import { styles } from "./styles.js";
import { View } from "./view.js";
import { Words } from "./words.js";

const SETTLE_MS = { pointer: 120, dot: 0, key: 450, button: 300, filter: 250 };
const SLOW_MS = 4000;
const MOST_DOTS = 6;

/**
 * `<findalike-search>`: search a shop with a photo. See docs/widget.md for its attributes, events,
 * slots, parts and properties.
 */
export class FindalikeSearch extends HTMLElement {
  static observedAttributes = ["endpoint", "key", "lang", "words", "facets", "where", "page-size", "ask-consent"];

  constructor() {
    super();
    this.attachShadow({ mode: "open", delegatesFocus: false });
    this.shadowRoot.adoptedStyleSheets = [styles()];
  }

  #own = {};
  #running = new AbortController();
  #fetchedWords = {};
  #life;
  #choice = new Choice();
  #sort = "score";
  #photo = null;
  #similarTo = null;
  #turn = 0; // The number of the newest search: the answer of an older one is thrown away.
  #answer;
  #camera;
  #earlier;
  #editor;
  #failed;
  #filters;
  #meeting;
  #notice;
  #pageSize;
  #products;
  #results;
  #voice;
  #service;
  #shop;
  #slow;
  #start;
  #view;
  #waiting;

  /** Words of another language, over those of the attribute `words` and English. */
  get words() {
    return this.#own;
  }

  set words(words) {
    this.#own = words ?? {};
    if (this.isConnected) this.#rebuild();
  }

  connectedCallback() {
    this.#life = new AbortController();
    const { signal } = this.#life;
    if (Object.hasOwn(this, "words")) {
      // Given before the element was defined: an own property, which would hide ours for ever.
      const { words } = this;
      delete this.words;
      this.words = words;
    }
    this.#rebuild();
    this.#readWords();
    document.addEventListener("paste", (event) => this.#paste(event), { signal });
    for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
      this.addEventListener(type, (event) => this.#drag(event), { signal });
    }
    addEventListener("online", () => this.#failed && ["offline", "unreachable"].includes(this.#failed.kind) && this.#run(), { signal });
    addEventListener("popstate", () => this.#keepsHistory && this.#fromAddress(), { signal });
    if (this.#keepsHistory) this.#fromAddress();
  }

  disconnectedCallback() {
    this.#life.abort();
    this.#running.abort();
    this.#dropPhoto();
  }

  attributeChangedCallback(name, before, now) {
    if (!this.isConnected || before === now || !this.#view) return;
    if (name === "words") this.#readWords();
    else this.#rebuild();
  }

  // ---- what a page may call ------------------------------------------------------------------

  /** Search with a picture: a File or Blob; `box` is [x, y, w, h] in pixels of the upright photo. */
  async searchPhoto(file, { box = null } = {}) {
    const turn = this.#begin();
    try {
      const prepared = await preparePhoto(file);
      if (turn === this.#turn) this.#take(prepared, box && box.map((side) => side * prepared.scale));
    } catch (cause) {
      this.#refused(cause);
    }
  }

  /** Search with a picture that lies at a public web address; the service fetches it. */
  async searchAddress(address) {
    const turn = this.#begin();
    const photo = await photoAt(address);
    if (turn === this.#turn) this.#take(photo);
  }

  /** Show products that look like one of the shop's. */
  showSimilar(product) {
    const { product_id: id, title } = typeof product === "string" ? { product_id: product } : product;
    this.#earlier = { answer: this.#answer, products: this.#products, scroll: scrollY, similarTo: this.#similarTo };
    this.#similarTo = { product_id: id, title: title || id };
    this.#filters.forget();
    this.#toAddress("push");
    this.#run({ fresh: true });
    this.#view.work.scrollIntoView({ block: "nearest" });
  }

  /** Back to the start, without a photo. */
  reset() {
    this.#running.abort();
    this.#turn += 1;
    this.#failed = null;
    this.#dropPhoto();
    this.#similarTo = null;
    this.#answer = null;
    this.#idle();
    this.#choice.clear();
    this.#filters.forget();
    this.#toAddress("replace");
    this.#show();
    this.#start.element.querySelector("button")?.focus();
  }

  // ---- drawing -------------------------------------------------------------------------------

  #rebuild() {
    const language = this.lang || this.closest("[lang]")?.lang || document.documentElement.lang || navigator.language;
    const words = (this.#voice = new Words(language, { ...this.#fetchedWords, ...this.#own }));
    const endpoint = this.getAttribute("endpoint") || new URL(import.meta.url).origin;
    this.#service = new Service(endpoint, this.getAttribute("key"));
    this.#pageSize = Math.min(100, Math.max(1, Number(this.getAttribute("page-size")) || 24));
    this.#start = new Start(words, {
      file: (file) => this.searchPhoto(file),
      address: (address) => this.searchAddress(address),
      camera: () => this.#camera.open(),
      example: (example) => this.#example(example),
    });
    this.#camera = new Camera(words, (photo) => this.searchPhoto(photo));
    this.#editor = new BoxEditor(words, (box, how) => this.#boxed(how));
    this.#results = new Results(words, {
      picture: (img, path) => this.#picture(img, path),
      select: (product, event) => this.#select(product, event),
      similar: (product) => {
        this.#tell(product, "click");
        this.showSimilar(product);
      },
      wrong: (product) => {
        this.#tell(product, "wrong");
        this.#view.brief(words.say("thanks"));
      },
    });
    this.#filters = new Filters(words, this.#choice, () => this.#filtered());
    this.#notice = new Notice(words);
    const parts = { start: this.#start, camera: this.#camera, editor: this.#editor, results: this.#results, filters: this.#filters, notice: this.#notice };
    const act = {
      reset: () => this.reset(),
      boxed: () => this.#boxed("button"),
      back: () => this.#back(),
      more: () => this.#more(),
      sort: (order) => {
        this.#sort = order;
        this.#filtered();
      },
    };
    this.#view = new View(words, parts, act, { asksConsent: this.hasAttribute("ask-consent") });
    this.shadowRoot.replaceChildren(this.#view.element);
    if (this.#photo) this.#view.showPhoto(this.#photo);
    this.#show();
    if (this.#photo || this.#similarTo) this.#run({ fresh: true });
    this.#meet();
  }

  #show() {
    this.#view.show({ photo: this.#photo, similarTo: this.#similarTo, sort: this.#sort });
  }

  /** Point an <img> at a picture of the service, in the sizes that screens want. */
  #picture(img, path) {
    const address = this.#service.address(path);
    const ours = path.startsWith("/v1/");
    if (ours) img.srcset = `${address}?width=320 320w, ${address}?width=640 640w`;
    img.src = ours ? `${address}?width=320` : address;
  }

  // ---- ways in -------------------------------------------------------------------------------

  /** Another photo is on its way: whatever was before is of no interest any more. */
  #begin() {
    this.#running.abort();
    this.#turn += 1;
    this.#failed = null;
    this.#start.say("");
    this.#view.announce(this.#voice.say("preparing"));
    return this.#turn;
  }

  #take(photo, box = null) {
    this.#dropPhoto();
    this.#photo = { ...photo, box, touched: Boolean(box) };
    this.#similarTo = null;
    this.#filters.forget();
    this.#toAddress("replace");
    this.#view.showPhoto(this.#photo);
    this.#show();
    this.#view.heading.focus({ preventScroll: true });
    this.#run({ fresh: true });
  }

  #refused(error) {
    if (this.#life.signal.aborted) return;
    const known = error instanceof SearchError ? error : new SearchError("unreadable");
    if (known !== error) reportError(error);
    const name = /^\d/.test(known.kind) ? `error${known.kind}` : known.kind;
    const text = `${this.#voice.say(name)}. ${this.#voice.say(`${name}More`)}`;
    if (this.#photo || this.#similarTo) this.#notice.error(known, () => this.#run());
    else this.#start.say(text);
    this.#emitError(known);
  }

  #dropPhoto() {
    if (this.#photo?.url.startsWith("blob:")) URL.revokeObjectURL(this.#photo.url);
    this.#photo = null;
  }

  #paste(event) {
    const into = event.composedPath()[0];
    if (into instanceof HTMLInputElement || into instanceof HTMLTextAreaElement || into?.isContentEditable) return;
    const found = pictureIn(event.clipboardData);
    if (!found) return;
    event.preventDefault();
    this.#use(found);
  }

  #drag(event) {
    if (![...(event.dataTransfer?.types ?? [])].some((type) => ["Files", "text/uri-list"].includes(type))) return;
    event.preventDefault();
    if (event.type === "dragleave" && event.relatedTarget) return;
    this.#view.over.hidden = event.type === "dragleave" || event.type === "drop";
    const found = event.type === "drop" && pictureIn(event.dataTransfer);
    if (found) this.#use(found);
  }

  #use({ file, address }) {
    if (file) this.searchPhoto(file);
    else this.searchAddress(address);
  }

  async #example(example) {
    const turn = this.#begin();
    try {
      const photo = await this.#service.fetch(example.url, { blob: true, signal: this.#life.signal });
      if (turn === this.#turn) this.searchPhoto(photo);
    } catch (cause) {
      this.#refused(cause);
    }
  }

  /** Ask the shop what it has: fields to filter by, and photos to try. */
  async #meet() {
    try {
      this.#meeting = this.#service.shop(this.#life.signal);
      this.#shop = await this.#meeting;
      this.#start.showExamples(this.#shop.examples ?? [], (img, path) => this.#picture(img, path));
    } catch {
      // A search says by itself what is wrong; the start page needs no shop.
    }
  }

  async #readWords() {
    const address = this.getAttribute("words");
    this.#fetchedWords = {};
    if (!address) return;
    try {
      const response = await fetch(address, { signal: this.#life.signal });
      if (response.ok) this.#fetchedWords = await response.json();
      this.#rebuild();
    } catch {
      // English words are better than none.
    }
  }

  // ---- searching -----------------------------------------------------------------------------

  #boxed(how) {
    this.#photo.touched = true;
    this.#photo.box = [...this.#editor.box];
    if (how === "drag") {
      this.#later.cancel();
      return;
    }
    // While the box is being moved, the running search answers a question nobody asks any more.
    this.#running.abort();
    this.#turn += 1;
    this.#later(how);
    if (how === "key" || how === "button") this.#says();
  }

  #says = settled(600, () => this.#photo && this.#view.announce(this.#editor.says()));

  #later = Object.assign(
    (how) => {
      clearTimeout(this.#waiting);
      this.#waiting = setTimeout(() => {
        this.#filters.forget();
        this.#run();
      }, SETTLE_MS[how]);
    },
    { cancel: () => clearTimeout(this.#waiting) },
  );

  #filtered() {
    this.#toAddress("replace");
    this.#later.cancel();
    clearTimeout(this.#waiting);
    this.#waiting = setTimeout(() => this.#run(), SETTLE_MS.filter);
    this.#showChoice();
  }

  #showChoice() {
    this.#view.showChoice(this.#choice.size, { empty: this.#filters.isEmpty });
  }

  #asked(offset = 0) {
    const named = (this.getAttribute("facets") ?? "").split(",").map((one) => one.trim()).filter(Boolean);
    return {
      k: this.#pageSize,
      offset,
      where: this.#choice.where(this.getAttribute("where") ?? ""),
      facets: offset ? [] : facetFields(this.#shop, named),
      sort: this.#sort,
    };
  }

  /** Search for what is chosen now; the answer is shown only if nothing newer was asked meanwhile. */
  async #run({ fresh = false } = {}) {
    this.#running.abort();
    clearTimeout(this.#waiting);
    const running = (this.#running = new AbortController());
    const turn = (this.#turn += 1);
    this.#failed = null;
    this.#busy(fresh);
    try {
      if (!this.#shop) await Promise.race([this.#meeting, new Promise((done) => setTimeout(done, 1500))]).catch(() => null);
      const answer = await this.#ask(running.signal);
      if (turn !== this.#turn) return;
      this.#answered(answer);
      this.#propose(running.signal, turn, answer);
    } catch (cause) {
      if (turn !== this.#turn || running.signal.aborted) return;
      this.#failedBy(cause);
    } finally {
      if (turn === this.#turn) this.#idle();
    }
  }

  #ask(signal) {
    if (this.#similarTo) return this.#service.similar(this.#similarTo.product_id, this.#asked(), signal);
    const box = this.#photo.touched && this.#photo.width ? this.#editor.rounded().join(",") : "auto";
    return this.#service.search(this.#photo, this.#photo.address && box !== "auto" ? this.#editor.rounded() : box, this.#asked(), signal);
  }

  #busy(fresh) {
    clearTimeout(this.#slow);
    this.#view.busy(true);
    this.#view.more.hidden = true;
    this.#notice.clear();
    this.#view.announce(this.#voice.say("searching"));
    if (fresh || !this.#results.element.childElementCount) {
      this.#results.skeleton(Math.min(12, this.#pageSize));
      this.#view.count.textContent = this.#voice.say("searching");
    }
    this.#slow = setTimeout(() => {
      this.#view.count.textContent = this.#voice.say("slow");
      this.#view.announce(this.#voice.say("slow"));
    }, SLOW_MS);
  }

  #idle() {
    clearTimeout(this.#slow);
    this.#view.busy(false);
  }

  #answered(answer) {
    this.#answer = answer;
    this.#products = answer.products;
    if (!this.#similarTo && !this.#photo.touched && answer.box && this.#photo.width) {
      this.#photo.box = answer.box;
      this.#editor.setBox(answer.box);
    }
    this.#filters.learn(answer.facets);
    this.#showAnswer();
    this.dispatchEvent(new CustomEvent("search", { bubbles: true, composed: true, detail: answer }));
  }

  #showAnswer() {
    const answer = this.#answer;
    const products = this.#products;
    this.#results.show(products);
    this.#showCount();
    this.#showChoice();
    this.#notice.clear();
    const say = (name) => this.#voice.say(name);
    let said = this.#view.count.textContent;
    if (products.length === 0) {
      const filtered = this.#choice.size > 0;
      const clear = filtered ? h("button", { type: "button", class: "button small", onclick: () => {
        this.#choice.clear();
        this.#filters.draw();
        this.#filtered();
      } }, say("clear")) : null;
      this.#notice.say(say(filtered ? "empty" : "emptyShop"), say(filtered ? "emptyMore" : "emptyShopMore"), { action: clear });
      said = `${say(filtered ? "empty" : "emptyShop")}. ${said}`;
    } else if (answer.nothing_like_it) {
      this.#notice.say(say("nothing"), say("nothingMore"), { slot: "nothing" });
      said = `${say("nothing")}. ${say("nothingMore")}`;
    }
    this.#view.announce(said);
  }

  #showCount() {
    const shown = this.#products.length;
    const all = this.#answer.matches;
    this.#view.count.textContent = all > shown ? this.#voice.say("foundOf", { n: shown, all }) : this.#voice.say("found", { n: shown });
    this.#view.more.hidden = this.#answer.next_offset === null || this.#answer.next_offset === undefined;
  }

  #failedBy(cause) {
    const error = cause instanceof SearchError ? cause : new SearchError("unreachable");
    this.#failed = error;
    this.#results.clear();
    this.#view.count.textContent = "";
    this.#view.announce(this.#notice.error(error, () => this.#run({ fresh: true })));
    this.#emitError(error);
  }

  #emitError({ kind, status, problem, retryAfter }) {
    this.dispatchEvent(new CustomEvent("error", { bubbles: true, composed: true, detail: { kind, status, problem, retryAfter } }));
  }

  /** Other things in the photo, as dots; the first of them is the box where the search had none. */
  async #propose(signal, turn, answer) {
    const photo = this.#photo;
    if (this.#similarTo || photo.proposals || !photo.width) return;
    try {
      const { boxes } = await this.#service.boxes(photo, signal);
      if (this.#photo !== photo) return;
      photo.proposals = distinct(boxes.map((one) => one.box)).slice(0, MOST_DOTS);
      this.#editor.setProposals(photo.proposals);
      if (photo.touched || answer.box_source !== "whole" || !photo.proposals.length || turn !== this.#turn) return;
      this.#editor.setBox(photo.proposals[0]);
      this.#boxed("dot");
    } catch {
      // Without proposals there is still the box that is drawn by hand.
    }
  }

  async #more() {
    const answer = this.#answer;
    const turn = this.#turn;
    const { signal } = this.#running;
    if (this.#view.more.getAttribute("aria-disabled") === "true") return;
    this.#view.more.setAttribute("aria-disabled", "true");
    this.#notice.clearError();
    try {
      const asked = this.#asked(answer.next_offset);
      const next = this.#similarTo
        ? await this.#service.similar(this.#similarTo.product_id, asked, signal)
        : await this.#service.search(this.#photo, this.#photo.address ? answer.box ?? "auto" : answer.box?.join(",") ?? "auto", asked, signal);
      if (turn !== this.#turn) return;
      const known = new Set(this.#products.map((one) => one.product_id));
      const added = next.products.filter((one) => !known.has(one.product_id));
      this.#products = [...this.#products, ...added];
      this.#answer = { ...answer, next_offset: next.next_offset };
      this.#results.append(added);
      this.#showCount();
      this.#view.announce(this.#view.count.textContent);
    } catch (cause) {
      if (turn === this.#turn && !signal.aborted) this.#view.announce(this.#notice.error(cause, () => this.#more()));
    } finally {
      this.#view.more.removeAttribute("aria-disabled");
    }
  }

  // ---- what the shopper does with products ---------------------------------------------------

  #tell(product, event) {
    const { query_id, box } = this.#answer ?? {};
    const photo = this.#view.consent?.checked && this.#photo?.blob && !this.#similarTo ? this.#photo.blob : null;
    this.#service.feedback({ query_id, product_id: product.product_id, rank: product.rank, event }, photo, box);
  }

  #select(product, event) {
    this.#tell(product, "click");
    const chosen = new CustomEvent("select", { bubbles: true, composed: true, cancelable: true, detail: { product, query_id: this.#answer?.query_id } });
    if (!this.dispatchEvent(chosen)) {
      event.preventDefault();
      return;
    }
    if (event.currentTarget.href) return;
    const dialog = this.#results.details(product);
    this.#view.element.append(dialog);
    dialog.showModal();
  }

  // ---- the address of the page ---------------------------------------------------------------

  get #keepsHistory() {
    return this.hasAttribute("history");
  }

  #back() {
    if (this.#keepsHistory && history.state?.findalike) history.back();
    else this.#leaveSimilar(null);
  }

  #leaveSimilar(similarTo) {
    this.#similarTo = similarTo;
    this.#filters.forget();
    if (!this.#photo && !similarTo) {
      this.reset();
      return;
    }
    const earlier = this.#earlier;
    this.#earlier = null;
    if (similarTo || !earlier?.answer || earlier.similarTo) {
      this.#show();
      this.#run({ fresh: true });
      return;
    }
    this.#running.abort();
    this.#turn += 1;
    this.#idle();
    this.#answer = earlier.answer;
    this.#products = earlier.products;
    this.#filters.learn(earlier.answer.facets);
    this.#show();
    this.#showAnswer();
    scrollTo({ top: earlier.scroll, behavior: "instant" });
    this.#view.heading.focus({ preventScroll: true });
  }

  #toAddress(how) {
    if (how === "push") this.#show();
    if (!this.#keepsHistory) return;
    const query = new URLSearchParams();
    this.#choice.toHash(query);
    if (this.#sort !== "score") query.set("sort", this.#sort);
    if (this.#similarTo) {
      query.set("like", this.#similarTo.product_id);
      query.set("title", this.#similarTo.title);
    }
    const address = `${location.pathname}${location.search}${query.size ? `#${query}` : ""}`;
    if (how === "push") history.pushState({ findalike: true }, "", address);
    else history.replaceState(history.state, "", address);
  }

  #fromAddress() {
    const query = new URLSearchParams(location.hash.slice(1));
    const before = `${this.#choice.where()} ${this.#sort}`;
    this.#choice.fromHash(query);
    this.#sort = ["price", "-price"].includes(query.get("sort")) ? query.get("sort") : "score";
    const like = query.get("like");
    const changed = before !== `${this.#choice.where()} ${this.#sort}`;
    if ((like ?? null) === (this.#similarTo?.product_id ?? null)) {
      if (changed && (this.#photo || this.#similarTo)) this.#run();
      return;
    }
    if (changed) this.#earlier = null;
    this.#leaveSimilar(like ? { product_id: like, title: query.get("title") || like } : null);
  }
}

/** Boxes without those that show nearly the same as a better one. */
function distinct(boxes) {
  const kept = [];
  for (const box of boxes) if (kept.every((other) => overlap(box, other) < 0.6)) kept.push(box);
  return kept;
}

customElements.get("findalike-search") ?? customElements.define("findalike-search", FindalikeSearch);
