import { announce, confirmed, count, loading, problem, toast, when } from "./admin-parts.js";
import { h } from "./dom.js";

const FRESH_MS = 10_000;

/** How the shop is: counts, encoder, readiness, the last import, and its versions. */
export function shopView({ catalogue, root }) {
  const facts = h("div", { class: "facts" });
  const table = h("div", { class: "versions" });
  let gone = false;
  let before = "";
  root.append(h("h1", {}, "Shop"), facts, h("h2", {}, "Versions"),
    h("p", { class: "muted" }, "Every import and change makes a version. Going back to one makes a new version with what it held, so nothing is lost. It needs a key of the role admin."), table);

  async function load() {
    try {
      const [shop, ready, { imports }, { versions }] = await Promise.all([catalogue.shop(), catalogue.ready(), catalogue.imports(), catalogue.versions(50)]);
      if (gone) return;
      const now = JSON.stringify([shop.version, ready, imports[0]?.state, versions.length]);
      facts.replaceChildren(...tiles(shop, ready, imports[0]));
      // Anew only when something changed: the focus may be on a button in it.
      if (now !== before) table.replaceChildren(list(versions));
      before = now;
    } catch (error) {
      if (!gone) facts.replaceChildren(problem(error, load));
      before = "";
    }
  }

  function list(versions) {
    const rows = versions.map((version, place) => h("tr", {}, h("td", { class: "number" }, String(version.version)),
      h("td", {}, when(version.created_at)), h("td", { class: "number" }, count(version.images)), h("td", { class: "what" }, version.what),
      h("td", {}, place === 0 ? h("span", { class: "badge good" }, "now") : h("button", { type: "button", class: "button small", onclick: () => back(version), "aria-label": `Go back to version ${version.version}` }, "Go back"))));
    return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Versions" }, h("table", {}, h("caption", { class: "sr" }, "Versions of the shop, newest first"),
      h("thead", {}, h("tr", {}, ...["Version", "When", "Images", "What"].map((name) => h("th", { scope: "col", class: name === "Version" || name === "Images" ? "number" : null }, name)), h("th", { scope: "col" }, h("span", { class: "sr" }, "Go back")))), h("tbody", {}, rows)));
  }

  async function back(version) {
    const text = `The shop will hold what it held in version ${version.version}: ${count(version.images)} images (${version.what}). What came after it stays in this list and can be brought back.`;
    if (!(await confirmed(`Go back to version ${version.version}?`, text, "Go back"))) return;
    try {
      const { version: made } = await catalogue.rollback(version.version);
      toast(`The shop is as it was in version ${version.version}; this is version ${made}.`);
      await load();
    } catch (error) {
      root.querySelector(".notice.rollback")?.remove();
      const said = problem(error);
      said.classList.add("rollback");
      table.before(said);
      announce(said.textContent);
    }
  }

  facts.append(loading("the shop"));
  load();
  const clock = setInterval(() => document.visibilityState === "visible" && load(), FRESH_MS);
  return () => {
    gone = true;
    clearInterval(clock);
  };
}

function tiles(shop, ready, last) {
  const tile = (name, value, more = null) => h("div", { class: "tile" }, h("span", { class: "muted" }, name), h("strong", {}, value), more ? h("span", { class: "muted more" }, more) : null);
  const state = ready ? h("span", { class: "badge good" }, "ready") : h("span", { class: "badge bad" }, "not ready");
  const imported = last ? h("a", { href: `#/imports/${last.job_id}` }, last.name) : "none yet";
  return [
    tile("Searches", state, ready ? "The index is open and the encoder is warm." : "The service is starting or stopping."),
    tile("Products", count(shop.products), `${count(shop.images)} images`),
    tile("Last change", when(shop.updated_at), `version ${count(shop.version)}`),
    tile("Last import", imported, last ? h("span", {}, `${last.state}${last.dry_run ? ", only checked" : ""}, `, when(last.created_at)) : null),
    tile("Encoder", shop.encoder.name, h("span", {}, `${count(shop.encoder.embedding_size)} numbers an image, `, h("code", { title: shop.encoder.fingerprint }, shop.encoder.fingerprint.slice(0, 12)))),
    tile("Made", when(shop.created_at), `${Object.keys(shop.fields).length} fields`),
  ];
}
