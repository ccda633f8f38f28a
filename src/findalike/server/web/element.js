import { SearchError, Service } from "./api.js";
import { BoxEditor } from "./box-editor.js";
import { Camera } from "./camera.js";
import { Filters } from "./filters.js";
import { KeyForm, keepKey, keptKey } from "./key-form.js";
import { Notice, wordsOf } from "./notice.js";
import { listenForPictures, photoAt, preparePhoto } from "./photo.js";
import { Quest } from "./quest.js";
import { Results } from "./results.js";
import { Search } from "./search.js";
import { Start } from "./start.js";
import { styles } from "./styles.js";
import { View } from "./view.js";
import { addressOfWords, Words } from "./words.js";

const WORDS_MS = 1000;

/**
 * `<findalike-search>`: search a shop with a photo. See docs/widget.md for its attributes, events,
 * slots, parts and properties.
 */
export class FindalikeSearch extends HTMLElement {
  static observedAttributes = ["endpoint", "key", "lang", "words", "facets", "where", "page-size", "ask-consent", "ask-key"];

  constructor() {
    super();
    this.attachShadow({ mode: "open", delegatesFocus: false });
    this.shadowRoot.adoptedStyleSheets = [styles()];
  }

  #own = {};
  #arrival = 0; // The number of the newest photo that is on its way.
  #key = "";
  #refusedKey;
  #fetched = new Map(); // Words by the address they came from.
  #life;
  #quest = new Quest();
  #search = new Search(this.#quest, (name, detail) => this.#told(name, detail));
  #camera;
  #earlier;
  #editor;
  #filters;
  #notice;
  #results;
  #voice;
  #service;
  #start;
  #view;

  /** Words of another language, over those of the attribute `words` and English. */
  get words() {
    return this.#own;
  }

  set words(words) {
    this.#own = words ?? {};
    if (this.isConnected) this.#rebuild();
  }

  /** The key of the service, over that of the attribute `key`; it stands nowhere in the page. */
  get key() {
    return this.#key || this.getAttribute("key") || "";
  }

  set key(key) {
    this.#key = key ?? "";
    if (this.isConnected) this.#rebuild();
  }

  connectedCallback() {
    this.#life = new AbortController();
    const { signal } = this.#life;
    for (const name of ["words", "key"]) {
      if (!Object.hasOwn(this, name)) continue;
      // Given before the element was defined: an own property, which would hide ours for ever.
      const given = this[name];
      delete this[name];
      this[name] = given;
    }
    this.#rebuild();
    listenForPictures(this, {
      use: ({ file, address }) => (file ? this.searchPhoto(file) : this.searchAddress(address)),
      over: (now) => (this.#view.over.hidden = !now),
      signal,
    });
    addEventListener("online", () => ["offline", "unreachable"].includes(this.#search.failed?.kind) && this.#search.run(), { signal });
    addEventListener("popstate", () => this.#keepsHistory && this.#fromAddress(), { signal });
    if (this.#keepsHistory) this.#fromAddress();
  }

  disconnectedCallback() {
    this.#life.abort();
    this.#arrival += 1;
    this.#search.leave();
    this.#view.leave();
    this.#quest.dropPhoto();
  }

  attributeChangedCallback(name, before, now) {
    if (this.isConnected && before !== now && this.#view) this.#rebuild();
  }

  // ---- what a page may call ------------------------------------------------------------------

  /** Search with a picture: a File or Blob; `box` is [x, y, w, h] in pixels of the upright photo. */
  async searchPhoto(file, { box = null } = {}) {
    await this.#bring(() => preparePhoto(file), box);
  }

  /** Search with a picture that lies at a public web address; the service fetches it. */
  async searchAddress(address) {
    await this.#bring(() => photoAt(address));
  }

  /** Show products that look like one of the shop's. */
  showSimilar(product) {
    const { product_id: id, title } = typeof product === "string" ? { product_id: product } : product;
    this.#arrival += 1;
    const { answer, products } = this.#search;
    this.#earlier = { answer, products, scroll: scrollY, similarTo: this.#quest.similarTo };
    this.#quest.similarTo = { product_id: id, title: title || id };
    this.#filters.forget();
    this.#toAddress("push");
    this.#search.run({ fresh: true });
    this.#view.work.scrollIntoView({ block: "nearest" });
  }

  /** Back to the start, without a photo. */
  reset() {
    this.#arrival += 1;
    this.#search.stop();
    this.#search.answer = null;
    this.#quest.clear();
    this.#view.idle();
    this.#filters.forget();
    this.#toAddress("replace");
    this.#view.show(this.#quest);
    this.#start.element.querySelector("button")?.focus();
  }

  // ---- drawing -------------------------------------------------------------------------------

  #rebuild() {
    const language = this.lang || this.closest("[lang]")?.lang || document.documentElement.lang || navigator.language;
    const addresses = [addressOfWords(language), this.getAttribute("words")].filter(Boolean);
    const fetched = addresses.map((address) => this.#fetched.get(address));
    const words = (this.#voice = new Words(language, Object.assign({}, ...fetched, this.#own)));
    const endpoint = this.getAttribute("endpoint") || new URL(import.meta.url).origin;
    const keys = [this.key, this.#asksKey ? keptKey(endpoint) : ""];
    const service = new Service(endpoint, keys.find((key) => key && key !== this.#refusedKey));
    if (this.#service?.endpoint !== service.endpoint || this.#service.key !== service.key) this.#service = service;
    this.#view?.leave();
    this.#makeParts(words);
    const parts = { start: this.#start, camera: this.#camera, editor: this.#editor, results: this.#results, filters: this.#filters, notice: this.#notice };
    const act = {
      reset: () => this.reset(),
      boxed: () => this.#search.boxed("button"),
      back: () => this.#back(),
      more: () => this.#search.more(),
      sort: (order) => {
        this.#quest.sort = order;
        this.#filtered();
      },
    };
    this.#view = new View(words, parts, act, { asksConsent: this.hasAttribute("ask-consent") });
    this.#search.connect(this.#service, { ...parts, view: this.#view }, this.#scope());
    this.shadowRoot.replaceChildren(this.#view.element);
    if (this.#quest.photo) this.#view.showPhoto(this.#quest.photo);
    this.#view.show(this.#quest);
    this.#meet();
    if (this.#quest.isGiven) this.#search.run({ fresh: true });
    this.#readWords(addresses.filter((address) => !this.#fetched.has(address)));
  }

  #makeParts(words) {
    this.#start = new Start(words, {
      file: (file) => this.searchPhoto(file),
      address: (address) => this.searchAddress(address),
      camera: () => this.#camera.open(),
      example: ({ url }) => this.#bring(async () => preparePhoto(await this.#service.fetch(url, { blob: true, signal: this.#life.signal }))),
    });
    this.#camera = new Camera(words, (photo) => this.searchPhoto(photo));
    this.#editor = new BoxEditor(words, (box, how) => this.#search.boxed(how));
    this.#results = new Results(words, {
      picture: (img, path) => this.#picture(img, path),
      select: (product, event) => this.#select(product, event),
      similar: (product) => {
        this.#feedback(product, "click");
        this.showSimilar(product);
      },
      wrong: (product) => {
        this.#feedback(product, "wrong");
        this.#view.brief(words.say("thanks"));
      },
    });
    this.#filters = new Filters(words, this.#quest.choice, () => this.#filtered());
    this.#notice = new Notice(words);
  }

  /** What the page wants of every answer. */
  #scope() {
    return {
      pageSize: Math.min(100, Math.max(1, Number(this.getAttribute("page-size")) || 24)),
      where: this.getAttribute("where") ?? "",
      facets: (this.getAttribute("facets") ?? "").split(",").map((one) => one.trim()).filter(Boolean),
    };
  }

  /** Point an <img> at a picture of the service, in the sizes that screens want. */
  #picture(img, path) {
    const address = this.#service.address(path);
    const ours = path.startsWith("/v1/");
    if (ours) img.srcset = `${address}?width=320 320w, ${address}?width=640 640w`;
    img.src = ours ? `${address}?width=320` : address;
  }

  async #meet() {
    const asked = this.#service;
    try {
      const { examples, keeps_photos: keepsPhotos } = await this.#search.meet(this.#life.signal);
      if (asked !== this.#service) return;
      this.#view.offerConsent(keepsPhotos === true);
      this.#start.showExamples(examples ?? [], (img, path) => this.#picture(img, path));
    } catch (cause) {
      // A search says by itself what is wrong; the start page needs no shop.
      if (asked === this.#service) this.#askKey(cause);
    }
  }

  // ---- the key -------------------------------------------------------------------------------

  get #asksKey() {
    return this.hasAttribute("ask-key");
  }

  /** Ask for the key that an error says is missing, if the page wants us to. */
  #askKey({ status }) {
    if (!this.#asksKey || ![401, 403].includes(status) || this.#view.asking) return;
    const { endpoint, key } = this.#service;
    this.#refusedKey = key;
    const form = new KeyForm(this.#voice, (given) => this.#useKey(endpoint, given));
    form.say({ kind: String(status) }, key);
    this.#view.ask(form);
    // Whoever writes elsewhere on the page is not called away.
    if ([this, document.body].includes(document.activeElement)) form.input.focus({ preventScroll: true });
  }

  /** Take a key that the service takes, and go on with what is looked for. */
  async #useKey(endpoint, key) {
    await new Service(endpoint, key).shop(this.#life.signal);
    keepKey(endpoint, key);
    this.#refusedKey = this.key; // Else it would go before the one that was given.
    this.#rebuild();
    const next = this.#quest.isGiven ? this.#view.heading : this.#start.element.querySelector("button");
    next.focus({ preventScroll: true });
  }

  /** Fetch words, and draw anew with them. Until then, but not for long, nothing is said in English. */
  async #readWords(addresses) {
    if (!addresses.length) return;
    const { element } = this.#view;
    element.style.visibility = "hidden";
    setTimeout(() => (element.style.visibility = ""), WORDS_MS);
    await Promise.all(addresses.map((address) => this.#fetchWords(address, this.#life.signal)));
    if (this.isConnected) this.#rebuild();
  }

  async #fetchWords(address, signal) {
    this.#fetched.set(address, {}); // Each is asked for once: English words are better than none.
    try {
      const response = await fetch(address, { signal });
      if (response.ok) this.#fetched.set(address, await response.json());
    } catch {
      if (signal.aborted) this.#fetched.delete(address);
    }
  }

  // ---- a photo comes -------------------------------------------------------------------------

  /** Another photo is on its way. Until it is ready, and if it never is, the one before stays. */
  async #bring(prepare, box = null) {
    const arrival = (this.#arrival += 1);
    this.#start.say("");
    this.#view.announce(this.#voice.say("preparing"));
    try {
      const photo = await prepare();
      if (arrival === this.#arrival) this.#take(photo, box && box.map((side) => side * photo.scale));
      else URL.revokeObjectURL(photo.url);
    } catch (cause) {
      if (arrival === this.#arrival) this.#refused(cause);
    }
  }

  #take(photo, box = null) {
    this.#quest.takePhoto(photo, box);
    this.#filters.forget();
    this.#toAddress("replace");
    this.#view.showPhoto(this.#quest.photo);
    this.#view.show(this.#quest);
    this.#view.heading.focus({ preventScroll: true });
    this.#search.run({ fresh: true });
  }

  #refused(error) {
    const known = error instanceof SearchError ? error : new SearchError("unreadable");
    if (known !== error) reportError(error);
    const name = wordsOf(known);
    const text = this.#voice.both(name, this.#voice.say(`${name}More`));
    if (this.#quest.isGiven) this.#view.brief(text);
    else this.#start.say(text);
    this.#told("error", known);
  }

  // ---- what the page is told, and the shop ---------------------------------------------------

  /** Dispatch an event; returns whether the page leaves what follows to us. */
  #told(name, detail) {
    if (name === "error") {
      const { kind, status, problem, retryAfter } = detail;
      this.#askKey(detail);
      detail = { kind, status, problem, retryAfter };
    }
    return this.dispatchEvent(new CustomEvent(name, { bubbles: true, composed: true, cancelable: name === "select", detail }));
  }

  #feedback(product, event) {
    const { query_id, box } = this.#search.answer ?? {};
    const { photo, similarTo } = this.#quest;
    const kept = this.#view.consent?.checked && photo?.blob && !similarTo ? photo.blob : null;
    this.#service.feedback({ query_id, product_id: product.product_id, rank: product.rank, event }, kept, box);
  }

  #select(product, event) {
    this.#feedback(product, "click");
    const { href } = event.currentTarget;
    // A middle button or a key beside it: the browser opens the link elsewhere, and this page stays.
    if (href && (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)) return;
    if (!this.#told("select", { product, query_id: this.#search.answer?.query_id })) {
      event.preventDefault();
      return;
    }
    if (href) return;
    const dialog = this.#results.details(product);
    this.#view.element.append(dialog);
    dialog.showModal();
  }

  // ---- filters, and the way back -------------------------------------------------------------

  #filtered() {
    this.#toAddress("replace");
    this.#search.filtered();
  }

  #back() {
    if (this.#keepsHistory && history.state?.findalike) history.back();
    else this.#leaveSimilar(null);
  }

  /** From "more like this" to the products before it, or to those like another product. */
  #leaveSimilar(similarTo) {
    this.#quest.similarTo = similarTo;
    this.#filters.forget();
    if (!this.#quest.isGiven) {
      this.reset();
      return;
    }
    const earlier = this.#earlier;
    this.#earlier = null;
    this.#view.show(this.#quest);
    if (similarTo || !earlier?.answer || earlier.similarTo) {
      this.#search.run({ fresh: true });
      return;
    }
    this.#search.restore(earlier);
    scrollTo({ top: earlier.scroll, behavior: "instant" });
    this.#view.heading.focus({ preventScroll: true });
  }

  get #keepsHistory() {
    return this.hasAttribute("history");
  }

  #toAddress(how) {
    if (how === "push") this.#view.show(this.#quest);
    if (!this.#keepsHistory) return;
    const hash = this.#quest.toHash();
    const address = `${location.pathname}${location.search}${hash && `#${hash}`}`;
    if (how === "push") history.pushState({ findalike: true }, "", address);
    else history.replaceState(history.state, "", address);
  }

  #fromAddress() {
    if (!Quest.owns(location.hash.slice(1))) return;
    const { changed, similarTo } = this.#quest.fromHash(location.hash.slice(1));
    if (similarTo?.product_id === this.#quest.similarTo?.product_id) {
      if (changed && this.#quest.isGiven) this.#search.run();
      return;
    }
    if (changed) this.#earlier = null;
    this.#leaveSimilar(similarTo);
  }
}

customElements.get("findalike-search") ?? customElements.define("findalike-search", FindalikeSearch);
