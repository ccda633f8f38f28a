import { Catalogue, tell } from "./admin-api.js";
import { importsView } from "./admin-imports.js";
import { button, field } from "./admin-parts.js";
import { productsView } from "./admin-products.js";
import { shopView } from "./admin-shop.js";
import { h } from "./dom.js";
import { CONTROLS, THEME, sheet } from "./theme.js";

// Kept for this tab and until it is closed: never in a cookie, a link or the browser's storage.
const KEPT = "findalike-key";
const VIEWS = { products: [productsView, "Products"], imports: [importsView, "Imports"], shop: [shopView, "Shop"] };

const main = document.querySelector("main");
const menu = document.querySelector("header nav");
const out = document.querySelector("#sign-out");
let catalogue = null;
let leave = () => null;

document.adoptedStyleSheets = [sheet(THEME, CONTROLS), ...document.adoptedStyleSheets];

function signedOut(error = null) {
  leave();
  leave = () => null;
  catalogue = null;
  sessionStorage.removeItem(KEPT);
  menu.hidden = out.hidden = true;
  for (const open of document.querySelectorAll("dialog")) open.close();
  const key = h("input", { type: "password", name: "key", autocomplete: "off", required: true, spellcheck: "false" });
  const wrong = h("p", { class: "wrong", role: "alert" }, error ? words(error) : "");
  const go = h("button", { type: "submit", class: "button primary" }, "Open the catalogue");
  const form = h("form", { class: "sign-in", novalidate: true }, h("h1", {}, "Catalogue"),
    h("p", { class: "muted" }, "Look after what this shop sells: import feeds, correct products, see how the shop is."),
    field("Key", key, "Of the role catalogue or admin; `findalike keys create --role catalogue` makes one. It is kept in this tab until you close it."), wrong, go);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const text = key.value.trim();
    // Header values are Latin-1: anything else is no key, and fetch would throw.
    if (!/^[!-~]+$/.test(text)) {
      wrong.textContent = text ? "A key has no spaces and no special characters. Copy it again." : "Enter a key first.";
      key.focus();
      return;
    }
    go.disabled = true;
    wrong.textContent = "";
    try {
      await signIn(text);
    } catch (failure) {
      wrong.textContent = words(failure);
      key.focus();
      key.select();
    } finally {
      go.disabled = false;
    }
  });
  main.replaceChildren(form);
  document.title = "Catalogue";
  key.focus();
}

function words(error) {
  if (error.status === 401) return "This key is not valid: it is mistyped, was revoked, or has expired.";
  if (error.status === 403) return `This key may not look after the catalogue. ${tell(error).text}`;
  const { title, text } = tell(error);
  return `${title}. ${text}`;
}

async function signIn(key) {
  const trying = new Catalogue(key);
  await trying.versions(1); // The least that needs the role.
  const shop = await trying.shop();
  const asked = trying.fetch.bind(trying);
  trying.fetch = async (...given) => {
    try {
      return await asked(...given);
    } catch (error) {
      if (error.status === 401 && catalogue === trying) signedOut(error);
      throw error;
    }
  };
  sessionStorage.setItem(KEPT, key);
  catalogue = trying;
  document.querySelector("#shop-name").textContent = shop.name;
  menu.hidden = out.hidden = false;
  route({ moved: false });
}

function route({ moved = true } = {}) {
  if (!catalogue) return;
  const [name, argument] = location.hash.replace(/^#\/?/, "").split("/", 2);
  if (location.hash && !location.hash.startsWith("#/")) return; // The skip link.
  const known = Object.hasOwn(VIEWS, name) ? name : "products";
  const [view, title] = VIEWS[known];
  leave();
  for (const link of menu.querySelectorAll("a")) {
    if (link.hash === `#/${known}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const root = h("div", { class: `view ${known}` });
  main.replaceChildren(root);
  document.title = `${title} · ${document.querySelector("#shop-name").textContent}`;
  leave = view({ catalogue, root, argument: decoded(argument) }) || (() => null);
  if (moved) {
    main.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
}

function decoded(text) {
  try {
    return text ? decodeURIComponent(text) : "";
  } catch {
    return "";
  }
}

async function start() {
  const kept = sessionStorage.getItem(KEPT);
  if (!kept) return signedOut();
  try {
    await signIn(kept);
  } catch (error) {
    if (error.status === 401 || error.status === 403) return signedOut(error);
    const { title, text } = tell(error);
    main.replaceChildren(h("div", { class: "notice", role: "alert" }, h("h2", {}, title), h("p", {}, text), button("Try again", start)));
  }
}

out.addEventListener("click", () => signedOut());
addEventListener("hashchange", () => route());
start();
