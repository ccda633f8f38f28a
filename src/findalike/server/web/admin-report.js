import { button, count, plural, problem, toast } from "./admin-parts.js";
import { h } from "./dom.js";

const SHOWN = 50;
const COLUMNS = [["row", "Row"], ["product_id", "Product"], ["column", "Column"], ["value", "Value"], ["reason", "What is wrong"], ["allowed", "What would do"]];

/** The report of an import that has ended: what was refused and why, and all of it as a file. */
export async function reportOf(job, catalogue) {
  const root = h("div", { class: "report" });
  let refusals = [];
  try {
    ({ refusals } = await catalogue.refusals(job.job_id));
  } catch (error) {
    if (error.status !== 404) root.append(problem(error));
    return root; // An import that failed before it read a row has no report.
  }
  root.append(h("div", { class: "report-head" }, h("h3", {}, refusals.length ? "Refused" : "Nothing was refused"), button("Download the report (CSV)", () => download(job, catalogue))));
  if (!refusals.length) return root;
  const columns = COLUMNS.filter(([name]) => refusals.some((one) => one[name]));
  const body = h("tbody", {});
  const rest = h("div", { class: "actions" });
  const more = () => {
    const from = body.childElementCount;
    body.append(...refusals.slice(from, from + SHOWN).map((one) => row(one, columns)));
    const left = refusals.length - body.childElementCount;
    rest.replaceChildren(left > 0 ? button(`Show ${count(Math.min(SHOWN, left))} more of ${count(left)}`, more) : "");
    if (from) body.children[from]?.querySelector("td").focus();
  };
  root.append(h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Refusals" },
    h("table", {}, h("caption", { class: "sr" }, "Rows and images that were refused"), h("thead", {}, h("tr", {}, columns.map(([name, title]) => h("th", { scope: "col", class: name === "row" ? "number" : null }, title)))), body)), rest);
  more();
  if (job.refused > refusals.length) root.append(h("p", { class: "muted" }, `These are the first ${count(refusals.length)} of ${plural(job.refused, "refusal")}; the file has all.`));
  return root;
}

const LONG = new Set(["reason", "allowed"]);

function row(refusal, columns) {
  return h("tr", {}, columns.map(([name], place) => h("td", { class: name === "row" ? "number" : LONG.has(name) ? "what long" : "what", tabindex: place ? null : "-1" }, name === "value" ? h("code", {}, refusal.value) : refusal[name] || "–")));
}

async function download(job, catalogue) {
  try {
    const address = URL.createObjectURL(await catalogue.reportFile(job.job_id));
    const link = h("a", { href: address, download: `import-${job.job_id}.csv` });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  } catch (error) {
    toast(problem(error).textContent);
  }
}
