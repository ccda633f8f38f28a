import { quoted } from "./admin-api.js";
import { editProduct, newProduct } from "./admin-editor.js";
import { announce, button, confirmed, empty, field, loading, picture, plural, problem, toast } from "./admin-parts.js";
import { h, icon, settled } from "./dom.js";

const PAGE = 24;
const TYPING_MS = 300;
const money = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** Products: looked for, gone through page by page, added, changed and removed. */
export function productsView({ catalogue, root, argument }) {
  const text = h("input", { type: "search", autocomplete: "off", placeholder: "Words of the title, or an id" });
  const category = h("input", { type: "text", autocomplete: "off", list: "categories", placeholder: "All" });
  const expression = h("input", { type: "text", autocomplete: "off", spellcheck: "false", placeholder: "price < 20 and in_stock" });
  const known = h("datalist", { id: "categories" });
  const list = h("div", { class: "list", "aria-busy": "true" });
  const pages = h("nav", { class: "pages", "aria-label": "Pages" });
  const names = new Set();
  let before = []; // The cursors of the pages before this one.
  let cursor = null;
  let next = null;
  let running = new AbortController();
  let fields = {};

  const change = settled(TYPING_MS, () => { before = []; cursor = null; load(); });
  for (const input of [text, category, expression]) input.addEventListener("input", change);
  root.append(h("div", { class: "title" }, h("h1", {}, "Products"), button("Add a product", () => newProduct({ catalogue, fields, done: changed }), "small primary", "plus")),
    h("form", { class: "find", role: "search", onsubmit: (event) => { event.preventDefault(); change.cancel(); before = []; cursor = null; load(); } },
      field("Find", text), field("In the category", category), known,
      h("details", {}, h("summary", {}, "Filter by an expression"), field("Expression", expression, "As in a search: price < 20, brand in ('A', 'B'), tags has 'new', in_stock; joined by and, or, not."))),
    list, pages);

  function where() {
    const parts = [];
    const words = text.value.trim();
    const path = category.value.trim().replace(/\s*>\s*/g, "/").replace(/\/+$/, "");
    if (words) parts.push(`(title contains ${quoted(words)} or product_id contains ${quoted(words)})`);
    if (path) parts.push(`category under ${quoted(path)}`);
    if (expression.value.trim()) parts.push(`(${expression.value.trim()})`);
    return parts.join(" and ");
  }

  async function load({ focus = false } = {}) {
    running.abort();
    const mine = (running = new AbortController());
    list.setAttribute("aria-busy", "true");
    if (!list.childElementCount) list.append(loading("the products"));
    try {
      const page = await catalogue.products({ where: where(), cursor, limit: PAGE, signal: mine.signal });
      if (mine.signal.aborted) return;
      next = page.next_cursor;
      for (const product of page.products) remember(product.category);
      list.replaceChildren(page.products.length ? h("ul", { class: "rows" }, page.products.map(row)) : nothing());
      announce(page.products.length ? `${plural(page.products.length, "product")} on page ${before.length + 1}` : "No products");
    } catch (error) {
      if (mine.signal.aborted) return;
      next = null;
      list.replaceChildren(problem(error, load));
    }
    list.setAttribute("aria-busy", "false");
    turn();
    if (focus) list.querySelector(".open")?.focus();
  }

  function nothing() {
    const asked = where();
    if (asked) return empty("No product matches", "Try fewer words, or another category.", button("Show all", () => { text.value = category.value = expression.value = ""; before = []; cursor = null; load(); }));
    return empty("The shop is empty", "Import a feed, or add the first product by hand.", h("a", { class: "button small primary", href: "#/imports" }, "Import a feed"));
  }

  function turn() {
    const back = button("Previous", () => { cursor = before.pop(); load({ focus: true }); }, "small", "back");
    const on = button("Next", () => { before.push(cursor); cursor = next; load({ focus: true }); });
    back.disabled = before.length === 0;
    on.disabled = !next;
    pages.replaceChildren(...(before.length || next ? [back, h("span", { class: "muted" }, `Page ${before.length + 1}`), on] : []));
  }

  function remember(path) {
    const steps = (path || "").split("/").filter(Boolean);
    for (let depth = 1; depth <= steps.length; depth += 1) {
      const name = steps.slice(0, depth).join("/");
      if (names.has(name)) continue;
      names.add(name);
      known.append(h("option", { value: name }));
    }
  }

  function row(product) {
    const title = product.title || product.product_id;
    return h("li", {}, picture(product.images[0]?.url, 160),
      h("div", { class: "about" }, h("button", { type: "button", class: "open", onclick: () => open(product.product_id) }, title),
        h("p", { class: "muted" }, h("code", {}, product.product_id), product.category ? ` · ${product.category}` : "")),
      h("p", { class: "price" }, product.price === null ? "–" : `${money.format(product.price)} ${product.currency || ""}`),
      h("p", { class: "muted images" }, plural(product.images.length, "image")),
      h("button", { type: "button", class: "round", "aria-label": `Delete ${title}`, title: "Delete", onclick: () => remove(product) }, icon("close")));
  }

  async function open(id) {
    try {
      editProduct({ catalogue, fields, product: await catalogue.product(id), done: changed, remove });
    } catch (error) {
      toast(problem(error).textContent);
    }
  }

  /** Take a product away; true if that was done. */
  async function remove(product) {
    const title = product.title || product.product_id;
    const what = `“${title}” and its ${plural(product.images.length, "image")} will not be found any more. You can undo this right after, or go back to an earlier version under Shop.`;
    if (!(await confirmed("Delete this product?", what, "Delete"))) return false;
    try {
      await catalogue.remove(product.product_id);
    } catch (error) {
      toast(problem(error).textContent);
      return false;
    }
    toast(`Deleted “${title}”.`, { label: "Undo", run: () => restore(product) });
    await load();
    return true;
  }

  async function restore(product) {
    const { product_id: id, images, etag, ...values } = product; // The state is no value of it.
    try {
      await catalogue.put(id, { ...values, images: images.map(({ location, image_id, box }) => ({ location, image_id, box })) });
      toast(`“${product.title || id}” is back.`);
    } catch (error) {
      toast(`It could not be brought back so: ${problem(error).textContent} An earlier version, under Shop, still has it.`);
    }
    await load();
  }

  async function changed(text_) {
    toast(text_);
    await load();
  }

  catalogue.shop().then((shop) => (fields = shop.fields), () => null);
  load();
  if (argument) open(argument);
  return () => { running.abort(); change.cancel(); };
}
