import { h, icon } from "./dom.js";

const WORDS = ["same", "very similar", "similar", "unlike"];

/** The grid of products of one answer, and of the pages that are loaded after it. */
export class Results {
  /**
   * @param {object} act - what the shopper can do: `select(product, event)`, `similar(product)`,
   *   `wrong(product)`; and `picture(image, path)`, which fills an <img>
   */
  constructor(words, act) {
    this.words = words;
    this.act = act;
    this.element = h("ul", { class: "grid", part: "grid", role: "list" });
  }

  /** Grey cards where the products will be, so that nothing moves when they come. */
  skeleton(count) {
    this.#fill(Array.from({ length: count }, () =>
      h("li", { class: "card ghost" }, h("div", { class: "picture" }), h("div", { class: "text" }, h("i"), h("i"), h("i")))));
    this.element.ariaHidden = "true";
  }

  clear() {
    this.#fill([]);
  }

  /** Show products; those in the order of their likeness get a line where it ends. */
  show(products, { byLikeness = false } = {}) {
    this.before = null;
    this.byLikeness = byLikeness;
    this.#fill(this.#cards(products));
  }

  append(products) {
    const cards = this.#cards(products);
    this.element.append(...cards);
    cards.find((one) => one.matches(".card"))?.querySelector(".title > *").focus({ preventScroll: true });
  }

  #cards(products) {
    return products.flatMap((product) => {
      const { before } = this;
      this.before = product.likeness;
      const ends = this.byLikeness && before && before !== "unlike" && product.likeness === "unlike";
      return [ends ? h("li", { class: "less", part: "less" }, this.words.say("less")) : null, this.#card(product)].filter(Boolean);
    });
  }

  /** A list of nothing is none to those who hear it. */
  #fill(cards) {
    this.element.replaceChildren(...cards);
    this.element.hidden = cards.length === 0;
    this.element.ariaHidden = null;
  }

  #card(product) {
    const title = product.title || this.words.say("untitled");
    return h("li", { class: "card", part: "card" },
      this.#picture(product.image, "picture"),
      h("div", { class: "text" },
        h("h3", { class: "title", part: "title", title }, this.#opener(product, title)),
        this.#price(product),
        this.#score(product),
        this.#variants(product),
        h("div", { class: "acts" },
          h("button", { type: "button", class: "act", "aria-label": this.words.say("moreLikeOf", { title }), onclick: () => this.act.similar(product) },
            icon("alike"), this.words.say("moreLike")),
          this.#wrong(product, title))));
  }

  #picture(image, kind) {
    const img = h("img", { loading: "lazy", decoding: "async", width: "320", height: "320", alt: "", sizes: "(min-width: 700px) 240px, 50vw" });
    const frame = h("div", { class: kind, part: "picture" }, img);
    if (image?.url) this.act.picture(img, image.url);
    else frame.classList.add("missing");
    img.addEventListener("error", () => frame.classList.add("missing"));
    return frame;
  }

  /** What leads to a product: a link to its page; a button where it has none. */
  #opener(product, ...inside) {
    const select = (event) => this.act.select(product, event);
    if (!/^https?:\/\//i.test(product.url ?? "")) return h("button", { type: "button", onclick: select }, inside);
    // The middle button opens a link; the right one, which is `auxclick` too, only a menu.
    return h("a", { href: product.url, onclick: select, onauxclick: (event) => event.button === 1 && select(event) }, inside);
  }

  #price(product) {
    if (typeof product.price !== "number") return null;
    return h("p", { class: "price", part: "price" }, this.words.price(product.price, product.currency));
  }

  #score({ score, likeness }) {
    const word = WORDS.includes(likeness) ? likeness : null;
    const value = this.words.score(score);
    return h("p", { class: "score", part: "score" },
      word ? h("span", { class: `like like-${WORDS.indexOf(word)}` }, this.words.say(word)) : null,
      word
        ? h("span", { class: "number", "aria-label": this.words.say("score", { score: value }), role: "img" }, value)
        : h("span", { class: "number" }, this.words.say("scoreAlone", { score: value })));
  }

  #variants({ variants }) {
    if (!variants?.length) return null;
    const row = (variant) => {
      const title = variant.title || this.words.say("untitled");
      return h("li", {}, this.#opener(variant,
        this.#picture(variant.image, "thumb"), h("span", { class: "variant-title" }, title), h("span", { class: "number", "aria-hidden": "true" }, this.words.score(variant.score))));
    };
    return h("details", { class: "variants", part: "variants" }, h("summary", {}, this.words.say("variants", { n: variants.length })), h("ul", {}, variants.map(row)));
  }

  #wrong(product, title) {
    const button = h("button", { type: "button", class: "act quiet", "aria-pressed": "false", "aria-label": this.words.say("wrongOf", { title }), title: this.words.say("wrong"), onclick: () => {
      if (button.getAttribute("aria-pressed") === "true") return;
      button.setAttribute("aria-pressed", "true");
      button.closest(".card").classList.add("refused");
      this.act.wrong(product);
    } }, icon("wrong"));
    return button;
  }

  /** A product whose shop has given no page of its own: what is known of it, in a dialog. */
  details(product) {
    const dialog = h("dialog", { class: "sheet product", part: "dialog", "aria-label": this.words.say("details"), onclose: () => dialog.remove(), onclick: (event) => {
      if (event.target === dialog) dialog.close();
    } },
      h("div", { class: "sheet-inside" },
        h("button", { type: "button", class: "round close", "aria-label": this.words.say("close"), onclick: () => dialog.close() }, icon("close")),
        this.#picture(product.image, "picture"),
        h("h2", {}, product.title || this.words.say("untitled")),
        this.#price(product),
        this.#score(product),
        product.category ? h("p", { class: "muted" }, product.category.split("/").join(" › ")) : null,
        h("dl", {}, Object.entries(product.attributes ?? {}).filter(([, value]) => value !== null && value !== "").flatMap(([name, value]) => [h("dt", {}, this.words.field(name)), h("dd", {}, this.#plain(value))])),
        h("button", { type: "button", class: "button primary", onclick: () => {
          dialog.close();
          this.act.similar(product);
        } }, icon("alike"), this.words.say("moreLike"))));
    return dialog;
  }

  #plain(value) {
    if (Array.isArray(value)) return value.join(", ");
    if (typeof value === "boolean") return this.words.say(value ? "yes" : "no");
    return typeof value === "number" ? this.words.numbers.format(value) : String(value);
  }
}
