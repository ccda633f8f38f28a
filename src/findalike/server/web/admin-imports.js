import { reportOf } from "./admin-report.js";
import { announce, button, count, empty, field, lasting, loading, plural, problem, toast, when } from "./admin-parts.js";
import { h, icon } from "./dom.js";

const WATCH_MS = 700;
const ENDED = new Set(["done", "failed", "cancelled", "interrupted"]);
const FORMATS = [["", "Find out"], ["table", "Table (CSV, TSV, Parquet)"], ["google", "Google Merchant feed"], ["shopify", "Shopify export"], ["magento", "Magento 2 export"]];
const BADGES = { done: "good", failed: "bad", interrupted: "bad", cancelled: "warn" };

/** Imports: send a feed, watch it, read its report, see those before. */
export function importsView({ catalogue, root, argument }) {
  const stop = new AbortController();
  const work = h("section", { "aria-label": "This import" });
  const past = h("section", { "aria-labelledby": "past-heading" });
  let last = null; // What was sent last, so that a check can be followed by the import itself.
  const form = feedForm(send);
  root.append(h("h1", {}, "Imports"), form.element, work, h("h2", { id: "past-heading" }, "Past imports"), past);

  async function send(feed, options) {
    last = { feed, options };
    const bar = h("progress", { max: 1, value: 0, "aria-label": "Sent" });
    const name = feed.file?.name || feed.url;
    work.replaceChildren(h("div", { class: "panel" }, h("h2", {}, `Sending ${name}`), bar));
    announce(`Sending ${name}`);
    form.busy(true);
    try {
      const job = await catalogue.startImport(feed, options, (share) => (bar.value = share));
      history.replaceState(null, "", `#/imports/${job.job_id}`);
      await watch(job);
    } catch (error) {
      if (!stop.signal.aborted) work.replaceChildren(problem(error, feed.file || feed.url ? () => send(feed, options) : null));
    } finally {
      form.busy(false);
    }
    if (!stop.signal.aborted) list();
  }

  async function watch(job) {
    const panel = jobPanel(job, { catalogue, again: () => last && send(last.feed, { ...last.options, dry_run: false }), mine: () => Boolean(last) });
    work.replaceChildren(panel.element);
    work.scrollIntoView({ block: "nearest" });
    while (!ENDED.has(job.state)) {
      await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
      if (stop.signal.aborted || !panel.element.isConnected) return;
      try {
        job = await catalogue.importState(job.job_id, stop.signal);
        panel.update(job);
      } catch (error) {
        if (stop.signal.aborted || error.status === 401 || error.status === 404) throw error;
        panel.lost(error); // The import goes on without this page; look again.
      }
    }
    await panel.end(job);
  }

  async function list() {
    try {
      const { imports } = await catalogue.imports();
      if (!stop.signal.aborted) past.replaceChildren(imports.length ? table(imports, open) : empty("Nothing was imported yet", "Send a feed above. Check it first: that changes nothing."));
    } catch (error) {
      if (!stop.signal.aborted) past.replaceChildren(problem(error, list));
    }
  }

  async function open(id) {
    last = null;
    history.replaceState(null, "", `#/imports/${encodeURIComponent(id)}`);
    work.replaceChildren(loading("the import"));
    try {
      await watch(await catalogue.importState(encodeURIComponent(id), stop.signal));
    } catch (error) {
      if (!stop.signal.aborted) work.replaceChildren(problem(error, error.status === 404 ? null : () => open(id)));
    }
  }

  past.append(loading("the imports"));
  list();
  if (argument) open(argument);
  return () => stop.abort();
}

function table(imports, open) {
  const rows = imports.map((job) => h("tr", {},
    h("td", { class: "what" }, h("button", { type: "button", class: "plain", onclick: () => open(job.job_id) }, job.name)),
    h("td", {}, when(job.created_at)), h("td", {}, badge(job)), ...["added", "updated", "unchanged", "refused"].map((name) => h("td", { class: "number" }, count(job[name])))));
  const heads = ["Feed", "When", "State"].map((name) => h("th", { scope: "col" }, name));
  const counts = ["Added", "Updated", "Unchanged", "Refused"].map((name) => h("th", { scope: "col", class: "number" }, name));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Past imports" },
    h("table", {}, h("caption", { class: "sr" }, "Past imports, newest first; counts are of images"), h("thead", {}, h("tr", {}, heads, counts)), h("tbody", {}, rows)));
}

function badge(job) {
  const state = job.dry_run ? `${job.state}, check` : job.state;
  return h("span", { class: `badge ${BADGES[job.state] || ""}` }, state);
}

/** The form for a feed: a file that is dropped or chosen, or an address, and how to read it. */
function feedForm(send) {
  const file = h("input", { type: "file", id: "feed-file", class: "sr", accept: ".csv,.tsv,.txt,.xml,.rss,.atom,.parquet,.gz" });
  const chosen = h("p", { class: "chosen", "aria-live": "polite" }, "CSV, TSV, Parquet, a Google feed, or a Shopify or Magento export; gzipped or not.");
  const url = h("input", { type: "url", placeholder: "https://shop.example/feed.xml", autocomplete: "off" });
  const format = h("select", {}, FORMATS.map(([value, label]) => h("option", { value }, label)));
  const strict = h("input", { type: "checkbox", id: "feed-strict" });
  const columns = h("textarea", { rows: 3, spellcheck: "false", placeholder: "title = Name" });
  const types = h("textarea", { rows: 3, spellcheck: "false", placeholder: "size = text" });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const check = h("button", { type: "submit", class: "button primary", value: "check" }, "Check first");
  const go = h("button", { type: "submit", class: "button", value: "go" }, "Import");
  const drop = h("div", { class: "drop" }, icon("photo"), h("label", { class: "button", for: "feed-file" }, "Choose a feed"), file, chosen);
  let given = null;

  function take(one) {
    given = one || null;
    if (given) url.value = "";
    chosen.textContent = given ? `${given.name}, ${sized(given.size)}` : "No file is chosen.";
    chosen.classList.toggle("strong", Boolean(given));
    wrong.textContent = "";
  }
  file.addEventListener("change", () => take(file.files[0]));
  url.addEventListener("input", () => url.value && given && ((file.value = ""), take(null)));
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragenter" || kind === "dragover");
      if (kind === "drop") take(event.dataTransfer.files[0]);
    });
  }
  const element = h("form", { class: "panel feed", novalidate: true }, drop, field("Or the address of a feed", url),
    h("details", {}, h("summary", {}, "How to read it"), h("div", { class: "fields" },
      field("Format", format), field("Columns", columns, "One a line: field = Column. Nothing after the sign: no column is meant."),
      field("Types of attributes", types, "One a line: attribute = text, number, boolean or list.")),
      h("label", { class: "tick", for: "feed-strict" }, strict, "Import nothing if any row is refused")), wrong, h("div", { class: "actions" }, check, go));
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    const feed = given ? { file: given } : { url: url.value.trim() };
    try {
      if (!feed.file && !/^https?:\/\/./i.test(feed.url)) throw new Error(feed.url ? "An address begins with https:// or http://." : "Choose a feed, or give its address.");
      const options = { dry_run: event.submitter?.value !== "go", strict: strict.checked, columns: pairs(columns.value, "Columns"), types: pairs(types.value, "Types") };
      if (format.value) options.format = format.value;
      wrong.textContent = "";
      send(feed, options);
    } catch (error) {
      wrong.textContent = error.message;
    }
  });
  return { element, busy: (on) => { check.disabled = go.disabled = on; } };
}

function sized(bytes) {
  if (bytes < 1e6) return `${count(Math.ceil(bytes / 1e3))} kB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function pairs(text, what) {
  const found = {};
  for (const line of text.split("\n").filter((one) => one.trim())) {
    const at = line.indexOf("=");
    if (at < 1) throw new Error(`${what}: "${line.trim()}" has no sign =. Write one pair a line, such as title = Name.`);
    found[line.slice(0, at).trim()] = line.slice(at + 1).trim();
  }
  return found;
}

/** One import: how far it is while it runs, and its report when it has ended. */
function jobPanel(first, { catalogue, again, mine }) {
  const bar = h("progress", { "aria-label": "Progress of the import" });
  const told = h("p", { class: "told" });
  const cancel = button("Cancel the import", async () => {
    cancel.disabled = true;
    try {
      await catalogue.cancelImport(first.job_id);
      toast("The import stops soon. What it has written stays.");
    } catch (error) {
      cancel.disabled = false;
      toast(problem(error).textContent);
    }
  });
  const state = h("span", {});
  const numbers = h("dl", { class: "counts" });
  const rest = h("div", { class: "rest" });
  const element = h("div", { class: "panel job" }, h("div", { class: "job-head" }, h("h2", {}, first.dry_run ? `Checking ${first.name}` : `Importing ${first.name}`), state), bar, told, numbers, h("div", { class: "actions" }, cancel), rest);
  let said = -1;

  function update(job) {
    state.replaceChildren(badge(job));
    if (job.rows) bar.value = Math.min(1, job.rows_done / job.rows);
    told.textContent = progress(job);
    numbers.replaceChildren(...["added", "updated", "unchanged", "refused"].map((name) => h("div", { class: name === "refused" && job.refused ? "some" : "" }, h("dt", {}, job.dry_run && name !== "refused" && name !== "unchanged" ? `would be ${name}` : name), h("dd", {}, count(job[name])))));
    const quarter = job.rows ? Math.floor((4 * job.rows_done) / job.rows) : 0;
    if (quarter !== said && !ENDED.has(job.state)) announce(told.textContent);
    said = quarter;
  }

  async function end(job) {
    update(job);
    bar.remove();
    cancel.remove();
    const title = { done: job.dry_run ? "Checked" : "Imported", failed: "Failed", cancelled: "Cancelled", interrupted: "Interrupted" }[job.state];
    element.querySelector("h2").textContent = `${title}: ${job.name}`;
    told.textContent = [job.detail, job.next_step].filter(Boolean).join(" Next: ");
    announce(`${title}. ${plural(job.added, "image")} added, ${count(job.updated)} updated, ${count(job.unchanged)} unchanged, ${count(job.refused)} refused. ${told.textContent}`);
    const actions = element.querySelector(".actions");
    if (job.dry_run && job.state === "done" && mine()) actions.append(button("Import it now", again, "small primary"));
    if (!job.dry_run && job.state === "done") actions.append(h("a", { class: "button small", href: "#/products" }, "See the products"));
    if (job.notes.length) rest.append(h("details", {}, h("summary", {}, "How the feed was read"), h("ul", { class: "notes" }, job.notes.map((note) => h("li", {}, note)))));
    rest.append(await reportOf(job, catalogue));
  }

  update(first);
  return { element, update, end, lost: (error) => { told.textContent = problem(error).textContent; } };
}

function progress(job) {
  if (job.state === "queued") return "Waiting for its turn: one import runs at a time.";
  if (!job.rows) return "Reading the feed.";
  const seconds = job.started_at ? (Date.now() - new Date(job.started_at)) / 1000 : 0;
  const rate = seconds > 1 ? job.rows_done / seconds : 0;
  const text = `${count(job.rows_done)} of ${plural(job.rows, "row")}`;
  if (!rate) return `${text}.`;
  return `${text}, ${count(Math.round(rate))} a second, about ${lasting((job.rows - job.rows_done) / rate)} left.`;
}
