import { h } from "./dom.js";

const SHOWN = 5;
/** Fields that a shopper can't filter by: where things lie, and what they are called. */
const INNER = new Set([
  "image_id", "product_id", "title", "variant_of", "variant_axis", "price", "currency", "url", "location", "domain",
  "sha256", "row_hash", "view", "description", "box_x", "box_y", "box_w", "box_h", "category", "tags", "gtin", "mpn", "sku",
]);
const MOST_FIELDS = 6;

/** Fields to ask facets of: those named, or what the shop's own description offers. */
export function facetFields(shop, named) {
  if (named.length) return named;
  const own = (shop?.facets ?? []).filter((name) => ["text", "boolean"].includes(shop.fields[name]) && !INNER.has(name));
  return ["category", "price", ...own.slice(0, MOST_FIELDS)];
}

const quoted = (text) => `'${String(text).replaceAll("'", "''")}'`;
const named = (field) => `\`${field}\``;

/** What the shopper chose: a category, a price range, and values of other fields. */
export class Choice {
  constructor() {
    this.clear();
  }

  clear() {
    this.category = "";
    this.low = null;
    this.high = null;
    this.values = new Map();
  }

  get size() {
    return (this.category ? 1 : 0) + (this.low !== null || this.high !== null ? 1 : 0) + [...this.values.values()].reduce((sum, set) => sum + set.size, 0);
  }

  /** The same in the service's filter language; `always` is the shop's own condition. */
  where(always = "") {
    const parts = always.trim() ? [`(${always.trim()})`] : [];
    if (this.category) parts.push(`${named("category")} under ${quoted(this.category)}`);
    if (this.low !== null) parts.push(`${named("price")} >= ${this.low}`);
    if (this.high !== null) parts.push(`${named("price")} <= ${this.high}`);
    for (const [field, values] of this.values) {
      const texts = [...values].filter((value) => typeof value === "string");
      const others = [...values].filter((value) => typeof value !== "string").map((value) => `${named(field)} = ${value}`);
      const either = [...(texts.length ? [`${named(field)} in (${texts.map(quoted).join(", ")})`] : []), ...others];
      if (either.length) parts.push(either.length > 1 ? `(${either.join(" or ")})` : either[0]);
    }
    return parts.join(" and ");
  }

  toggle(field, value, on) {
    const values = this.values.get(field) ?? new Set();
    if (on) values.add(value);
    else values.delete(value);
    if (values.size) this.values.set(field, values);
    else this.values.delete(field);
  }

  /** Write into, and read from, the part of a web address behind `#`. */
  toHash(query) {
    if (this.category) query.set("category", this.category);
    if (this.low !== null || this.high !== null) query.set("price", `${this.low ?? ""}-${this.high ?? ""}`);
    for (const [field, values] of this.values) for (const value of values) query.append(`f.${field}`, JSON.stringify(value));
  }

  fromHash(query) {
    this.clear();
    this.category = query.get("category") ?? "";
    const [low, high] = (query.get("price") ?? "-").split("-").map((text) => (text === "" || !Number.isFinite(Number(text)) ? null : Number(text)));
    this.low = low ?? null;
    this.high = high ?? null;
    for (const [key, text] of query) {
      if (!key.startsWith("f.")) continue;
      try {
        const value = JSON.parse(text);
        if (["string", "number", "boolean"].includes(typeof value)) this.toggle(key.slice(2), value, true);
      } catch {
        // An address that somebody wrote by hand: this part of it says nothing.
      }
    }
  }
}

/** Draws the facets of the answers as filters, and remembers those that a filter has hidden. */
export class Filters {
  constructor(words, choice, onChange) {
    this.words = words;
    this.choice = choice;
    this.onChange = onChange;
    this.known = {};
    this.open = new Set();
    this.element = h("div", { class: "filters", part: "filters" });
  }

  /** Another photo, box or product: what was known of the facets is no longer true. */
  forget() {
    this.known = {};
  }

  /** Take in an answer's facets. A field that is filtered keeps the values that it had before. */
  learn(facets = {}) {
    for (const [field, facet] of Object.entries(facets)) {
      if (Array.isArray(facet)) {
        const chosen = field === "category" ? this.choice.category : this.choice.values.has(field);
        const before = new Map((chosen ? this.known[field] : null)?.map((one) => [one.value, one]) ?? []);
        for (const one of facet) if (one.value !== null && one.value !== "") before.set(one.value, one);
        this.known[field] = [...before.values()];
      } else if (facet && (!this.known[field] || (this.choice.low === null && this.choice.high === null))) this.known[field] = facet;
    }
    this.draw();
  }

  draw() {
    const active = this.element.getRootNode().activeElement?.dataset?.key;
    const groups = [this.#category(), this.#priceGroup()];
    for (const [field, values] of Object.entries(this.known)) {
      if (field !== "category" && Array.isArray(values)) groups.push(this.#values(field, values));
    }
    const clear = this.choice.size ? h("button", { type: "button", class: "plain clear", "data-key": "clear", onclick: () => this.clear() }, this.words.say("clear")) : null;
    this.#place([clear, ...groups].filter(Boolean));
    if (active && this.element.getRootNode().activeElement?.dataset?.key !== active) this.element.querySelector(`[data-key="${CSS.escape(active)}"]`)?.focus({ preventScroll: true });
  }

  /** Put the groups in, without taking those out that stay: somebody may be typing in one. */
  #place(wanted) {
    for (const child of [...this.element.children]) if (!wanted.includes(child)) child.remove();
    wanted.forEach((group, place) => {
      const there = this.element.children[place] ?? null;
      if (there !== group) this.element.insertBefore(group, there);
    });
  }

  get isEmpty() {
    return this.element.childElementCount === 0;
  }

  /** Take every filter away. */
  clear() {
    this.choice.clear();
    this.#changed();
  }

  #changed() {
    this.draw();
    this.onChange();
  }

  #group(name, content) {
    return h("fieldset", { class: "facet", part: "facet" }, h("legend", {}, name), content);
  }

  #category() {
    const tree = treeOf(this.known.category ?? []);
    if (!tree.children.size) return null;
    const chosen = this.choice.category;
    const branch = (node, depth) =>
      [...node.children.values()].flatMap((child) => {
        const within = chosen === child.path || chosen.startsWith(`${child.path}/`);
        return [this.#category1(child, depth), ...(within || tree.children.size === 1 && depth === 0 ? branch(child, depth + 1) : [])];
      });
    const all = { name: this.words.say("all"), path: "", count: null };
    return this.#group(this.words.say("category"), h("ul", { class: "tree" }, this.#category1(all, 0), branch(tree, 0)));
  }

  #category1({ name, path, count }, depth) {
    const choose = () => {
      this.choice.category = path;
      this.#changed();
    };
    const button = h("button", { type: "button", class: "branch", "data-key": `category ${path}`, "aria-pressed": String(this.choice.category === path), onclick: choose },
      h("span", {}, name), count === null ? null : h("span", { class: "count" }, this.words.numbers.format(count)));
    const item = h("li", {}, button);
    item.style.setProperty("--depth", String(depth));
    return item;
  }

  /** The group of the price is made once, and then kept up to date. */
  #priceGroup() {
    const { min, max, counts } = this.known.price ?? {};
    if (!(max > min) && this.choice.low === null && this.choice.high === null) return null;
    this.price ??= this.#makePrice();
    const { group, bars, low, high } = this.price;
    const active = this.element.getRootNode().activeElement;
    for (const [input, value, hint] of [[low, this.choice.low, Math.floor(min)], [high, this.choice.high, Math.ceil(max)]]) {
      if (input !== active || value === null) input.value = value ?? "";
      if (Number.isFinite(hint)) input.placeholder = String(hint);
    }
    const most = Math.max(1, ...(counts ?? []).map((one) => one.count));
    bars.hidden = !(counts?.length > 1);
    bars.replaceChildren(...(counts ?? []).map(({ count }) => {
      const bar = h("i");
      bar.style.setProperty("height", `${Math.max(4, (100 * count) / most)}%`);
      return bar;
    }));
    return group;
  }

  #makePrice() {
    const field = (name, set) =>
      h("input", { type: "number", inputmode: "decimal", min: "0", step: "any", "data-key": `price ${name}`, onchange: (event) => {
        const given = event.target.value === "" ? null : Math.max(0, Number(event.target.value));
        set(Number.isFinite(given) ? given : null);
        this.#changed();
      } });
    const labelled = (name, input) => h("label", {}, h("span", {}, this.words.say(name)), input);
    const low = field("from", (value) => (this.choice.low = value));
    const high = field("to", (value) => (this.choice.high = value));
    const bars = h("div", { class: "bars", "aria-hidden": "true" });
    const range = h("div", { class: "range" }, labelled("from", low), labelled("to", high));
    return { group: this.#group(this.words.say("price"), [bars, range]), bars, low, high };
  }

  #values(field, values) {
    const chosen = this.choice.values.get(field) ?? new Set();
    if (values.length < 2 && !chosen.size) return null;
    const known = new Set(values.map((one) => one.value));
    const rows = [...values, ...[...chosen].filter((value) => !known.has(value)).map((value) => ({ value, count: null }))];
    const shown = this.open.has(field) ? rows : rows.filter((one, place) => place < SHOWN || chosen.has(one.value));
    const content = [h("ul", { class: "values" }, shown.map((one) => this.#value(field, one, chosen.has(one.value))))];
    if (shown.length < rows.length) {
      const more = () => {
        this.open.add(field);
        this.draw();
        this.element.querySelector(`[data-key="${CSS.escape(`${field} ${rows[SHOWN].value}`)}"]`)?.focus();
      };
      content.push(h("button", { type: "button", class: "plain", onclick: more }, this.words.say("moreValues", { n: rows.length - shown.length })));
    }
    return this.#group(this.words.field(field), content);
  }

  #value(field, { value, count }, checked) {
    const input = h("input", { type: "checkbox", "data-key": `${field} ${value}`, onchange: (event) => {
      this.choice.toggle(field, value, event.target.checked);
      this.#changed();
    } });
    input.checked = checked;
    const name = typeof value === "boolean" ? this.words.say(value ? "yes" : "no") : String(value);
    return h("li", {}, h("label", {}, input, h("span", {}, name), count === null ? null : h("span", { class: "count" }, this.words.numbers.format(count))));
  }
}

/** `Men/Tops` and `Men/Shoes` as a tree; every branch counts what is below it. */
function treeOf(values) {
  const root = { name: "", path: "", count: 0, children: new Map() };
  for (const { value, count } of values) {
    let node = root;
    for (const name of String(value).split("/").filter(Boolean)) {
      if (!node.children.has(name)) {
        node.children.set(name, { name, path: node.path ? `${node.path}/${name}` : name, count: 0, children: new Map() });
      }
      node = node.children.get(name);
      node.count += count;
    }
  }
  return root;
}
