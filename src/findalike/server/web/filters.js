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
  const own = (shop?.facets ?? []).filter((name) => ["text", "boolean", "list"].includes(shop.fields[name]) && !INNER.has(name));
  return ["category", "price", ...own.slice(0, MOST_FIELDS)];
}

const quoted = (text) => `'${String(text).replaceAll("'", "''")}'`;
const named = (field) => `\`${field}\``;

/** The number that a text is, or null. */
const number = (text) => (text.trim() && Number.isFinite(Number(text)) ? Number(text) : null);

/** What the shopper chose: a category, ranges of numbers such as the price, and values of other fields. */
export class Choice {
  constructor() {
    this.clear();
  }

  clear() {
    this.category = "";
    this.ranges = new Map();
    this.values = new Map();
  }

  get size() {
    return (this.category ? 1 : 0) + this.ranges.size + [...this.values.values()].reduce((sum, set) => sum + set.size, 0);
  }

  /**
   * The same in the service's filter language.
   *
   * @param {string} always - the shop's own condition
   * @param {Object<string, string>} types - of the shop's fields: a list is asked otherwise than a text
   */
  where(always = "", types = {}) {
    const parts = always.trim() ? [`(${always.trim()})`] : [];
    if (this.category) parts.push(`${named("category")} under ${quoted(this.category)}`);
    for (const [field, { low, high }] of this.ranges) {
      if (low !== null) parts.push(`${named(field)} >= ${low}`);
      if (high !== null) parts.push(`${named(field)} <= ${high}`);
    }
    for (const [field, values] of this.values) {
      const texts = [...values].filter((value) => typeof value === "string").map(quoted);
      const others = [...values].filter((value) => typeof value !== "string").map((value) => `${named(field)} = ${value}`);
      const one = types[field] === "list" ? texts.map((text) => `${named(field)} has ${text}`) : texts.length ? [`${named(field)} in (${texts.join(", ")})`] : [];
      const either = [...one, ...others];
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

  /** Set the end `low` or `high` of a field's range; null opens it. */
  limit(field, end, value) {
    const range = { low: null, high: null, ...this.ranges.get(field), [end]: value };
    if (range.low === null && range.high === null) this.ranges.delete(field);
    else this.ranges.set(field, range);
  }

  /** Write into, and read from, the part of a web address behind `#`. */
  toHash(query) {
    if (this.category) query.set("category", this.category);
    for (const [field, { low, high }] of this.ranges) query.set(`n.${field}`, `${low ?? ""}..${high ?? ""}`);
    for (const [field, values] of this.values) for (const value of values) query.append(`f.${field}`, JSON.stringify(value));
  }

  fromHash(query) {
    this.clear();
    this.category = query.get("category") ?? "";
    for (const [key, text] of query) {
      if (key.startsWith("n.")) {
        const [low, high] = text.split("..").map(number);
        this.limit(key.slice(2), "low", low);
        this.limit(key.slice(2), "high", high ?? null);
      }
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
    this.drawn = new Map();
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
      } else if (facet && (!this.known[field] || !this.choice.ranges.has(field))) this.known[field] = facet;
    }
    this.draw();
  }

  draw() {
    const active = this.element.getRootNode().activeElement?.dataset?.key;
    const groups = [this.#category()];
    for (const field of new Set(["price", ...Object.keys(this.known), ...this.choice.ranges.keys()])) {
      const facet = this.known[field] ?? {};
      if (field !== "category") groups.push(Array.isArray(facet) ? this.#values(field, facet) : this.#range(field, facet));
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

  /** The group of a number is made once, and then kept up to date. */
  #range(field, { min, max, counts }) {
    const chosen = this.choice.ranges.get(field);
    if (!(max > min) && !chosen) return null;
    if (!this.drawn.has(field)) this.drawn.set(field, this.#makeRange(field));
    const { group, bars, low, high } = this.drawn.get(field);
    const active = this.element.getRootNode().activeElement;
    for (const [input, value, hint] of [[low, chosen?.low ?? null, Math.floor(min)], [high, chosen?.high ?? null, Math.ceil(max)]]) {
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

  #makeRange(field) {
    const isPrice = field === "price";
    const input = (end) =>
      h("input", { type: "number", inputmode: isPrice ? "decimal" : null, min: isPrice ? "0" : null, step: "any", "data-key": `${field} ${end}`, onchange: (event) => {
        const given = number(event.target.value);
        this.choice.limit(field, end, isPrice && given < 0 ? 0 : given);
        this.#changed();
      } });
    const labelled = (name, child) => h("label", {}, h("span", {}, this.words.say(name)), child);
    const [low, high] = [input("low"), input("high")];
    const bars = h("div", { class: "bars", "aria-hidden": "true" });
    const range = h("div", { class: "range" }, labelled("from", low), labelled("to", high));
    return { group: this.#group(isPrice ? this.words.say("price") : this.words.field(field), [bars, range]), bars, low, high };
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
