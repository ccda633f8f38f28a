import { tell } from "./admin-api.js";
import { h, icon } from "./dom.js";

const numbers = new Intl.NumberFormat("en");
const moments = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short" });
const spans = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
let serial = 0;

export const count = (value) => numbers.format(value);

export function plural(value, one, many = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** How long ago a moment was, with the moment itself for those who point at it. */
export function when(iso) {
  if (!iso) return h("span", { class: "muted" }, "never");
  const date = new Date(iso);
  const seconds = (date - Date.now()) / 1000;
  const [unit, length] = [["day", 86400], ["hour", 3600], ["minute", 60]].find(([, of]) => Math.abs(seconds) >= of) || ["second", 1];
  return h("time", { datetime: iso, title: moments.format(date) }, spans.format(Math.round(seconds / length), unit));
}

/** Seconds as people say them. */
export function lasting(seconds) {
  if (seconds < 60) return plural(Math.max(1, Math.round(seconds)), "second");
  if (seconds < 5400) return plural(Math.round(seconds / 60), "minute");
  return `${(seconds / 3600).toFixed(1)} hours`;
}

/** Say something to screen readers only; what can be seen says it already. */
export function announce(text) {
  document.querySelector("#live").textContent = text;
}

/** A message at the edge that stays until it is closed or the next one comes. */
export function toast(text, action = null) {
  const close = () => box.remove();
  const button = action && h("button", { type: "button", class: "plain", onclick: () => { close(); action.run(); } }, action.label);
  const box = h("div", { class: "toast" }, h("span", {}, text), button,
    h("button", { type: "button", class: "dismiss", "aria-label": "Close the message", onclick: close }, icon("close")));
  document.querySelector("#toasts").replaceChildren(box);
  announce(action ? `${text} ${action.label} is offered in the messages.` : text);
}

/** What failed, what to do, and a button where trying again makes sense. */
export function problem(error, retry = null) {
  const { title, text } = tell(error);
  const more = (error.problem?.errors || []).slice(0, 20).map((one) => h("li", {}, h("code", {}, one.where), ` ${one.problem}`, one.allowed ? `; allowed: ${one.allowed}` : ""));
  return h("div", { class: "notice", role: "alert" }, icon("trouble"), h("h2", {}, title), h("p", {}, text),
    more.length > 1 ? h("ul", { class: "errors" }, more) : null,
    retry ? h("button", { type: "button", class: "button small", onclick: retry }, "Try again") : null);
}

export function loading(what) {
  return h("p", { class: "loading muted", role: "status" }, h("i", { class: "spin", "aria-hidden": "true" }), `Loading ${what}…`);
}

export function empty(title, text, action = null) {
  return h("div", { class: "empty" }, icon("none"), h("h2", {}, title), h("p", { class: "muted" }, text), action);
}

/** A control under its label, with a hint that is read out with it. */
export function field(label, control, hint = "") {
  const id = control.id || `field-${(serial += 1)}`;
  control.id = id;
  if (hint) control.setAttribute("aria-describedby", `${id}-hint`);
  return h("div", { class: "field" }, h("label", { for: id }, label), control, hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : null);
}

export function button(label, onclick, kind = "small", sign = "") {
  return h("button", { type: "button", class: `button ${kind}`, onclick }, sign ? icon(sign) : null, label);
}

/** A modal dialog with a heading; Escape and the cross close it, and the focus goes back. */
export function dialog(title, { wide = false, guard = null } = {}) {
  const heading = h("h2", { id: `dialog-${(serial += 1)}`, tabindex: "-1" }, title);
  const body = h("div", { class: "dialog-body" });
  const leave = () => (!guard || guard()) && element.close();
  const element = h("dialog", { class: wide ? "wide" : "", "aria-labelledby": heading.id },
    h("div", { class: "dialog-head" }, heading, h("button", { type: "button", class: "round", "aria-label": "Close", onclick: leave }, icon("close"))), body);
  const before = document.activeElement;
  element.addEventListener("cancel", (event) => {
    if (event.target !== element) return; // A file chooser that is closed sends one, too.
    event.preventDefault();
    leave();
  });
  element.addEventListener("close", () => {
    element.remove();
    if (before?.isConnected) before.focus();
  });
  document.body.append(element);
  element.showModal();
  heading.focus();
  return { element, body, heading, close: () => element.close() };
}

/** Ask before something that cannot be taken back lightly; true if it is wanted. */
export function confirmed(title, text, yes) {
  return new Promise((resolve) => {
    const box = dialog(title);
    let wanted = false;
    const no = button("Cancel", () => box.close());
    const go = button(yes, () => { wanted = true; box.close(); }, "small danger");
    box.body.append(h("p", {}, text), h("div", { class: "actions" }, no, go));
    box.element.addEventListener("close", () => resolve(wanted));
    no.focus();
  });
}

/** A picture of the shop in a square; a missing one leaves the square. */
export function picture(url, width, alt = "") {
  const source = url ? `${url}${url.includes("?") ? "&" : "?"}width=${width}` : "";
  const image = source ? h("img", { src: source, alt, loading: "lazy", decoding: "async" }) : null;
  const frame = h("span", { class: source ? "frame" : "frame missing" }, image);
  image?.addEventListener("error", () => { frame.classList.add("missing"); image.remove(); });
  return frame;
}
