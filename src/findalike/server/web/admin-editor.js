import { button, dialog, field, picture, problem } from "./admin-parts.js";
import { h, icon } from "./dom.js";

const VALUES = [["title", "Title"], ["category", "Category"], ["price", "Price"], ["currency", "Currency"], ["url", "Page in the shop"], ["variant_of", "Variant of"]];
const HINTS = { category: "From broad to narrow: Men/Tops/Hoodies", variant_of: "The id of the product that this is a colour or size of" };
const FIXED = new Set(["product_id", "image_id", "title", "category", "variant_of", "price", "currency", "url", "domain", "location", "sha256", "row_hash", "added_at", "box_x", "box_y", "box_w", "box_h"]);

/** Change a product in a dialog. */
export function editProduct({ catalogue, fields, product, done, remove }) {
  const form = productForm(product, fields);
  const box = open(product.title || product.product_id, form);
  const wrong = h("div", {});
  const save = h("button", { type: "submit", class: "button primary" }, "Save");
  const away = button("Delete…", async () => (await remove(product)) && (form.settle(), box.close()), "danger");
  box.body.append(form.element);
  form.element.append(wrong, h("div", { class: "actions sticky" }, away, save));
  submitted(form, save, wrong, async () => {
    const { values, attributes } = form.read();
    if (form.picturesChanged()) {
      const images = form.images();
      await catalogue.put(product.product_id, { ...values, attributes: all(attributes), images: images.said }, images.files, product.etag);
    } else {
      const change = differing(values, product);
      const other = differing(attributes, product.attributes);
      for (const name of Object.keys(product.attributes)) if (!(name in attributes)) other[name] = null;
      if (Object.keys(other).length) change.attributes = other;
      if (Object.keys(change).length) await catalogue.patch(product.product_id, change, product.etag);
    }
    form.settle();
    box.close();
    await done(`Saved “${values.title || product.product_id}”. Searches find it so from now on.`);
  });
}

/** Add a product in a dialog. */
export function newProduct({ catalogue, fields, done }) {
  const id = h("input", { type: "text", required: true, autocomplete: "off", maxlength: 512 });
  const form = productForm({ images: [], attributes: {} }, fields);
  const box = open("Add a product", form);
  const wrong = h("div", {});
  const save = h("button", { type: "submit", class: "button primary" }, "Add the product");
  form.element.prepend(field("Id", id, "As the shop's own systems call it; it cannot be changed later."));
  form.element.append(wrong, h("div", { class: "actions sticky" }, save));
  box.body.append(form.element);
  submitted(form, save, wrong, async () => {
    const name = id.value.trim();
    const { values, attributes } = form.read();
    const images = form.images();
    if (!name) throw new Error("Give the product an id.");
    if (!images.said.length) throw new Error("Add at least one photo: a product is found by its photos.");
    if (await catalogue.productOrNull(name)) throw new Error(`The shop has a product ${name} already. Find it in the list and change it there, or give another id.`);
    await catalogue.put(name, { ...values, attributes: all(attributes), images: images.said }, images.files);
    form.settle();
    box.close();
    await done(`Added “${values.title || name}”. Searches find it from now on.`);
  });
  id.focus();
}

function open(title, form) {
  return dialog(title, { wide: true, guard: () => !form.changed() || window.confirm("Close without saving what you changed?") });
}

function submitted(form, save, wrong, work) {
  form.element.addEventListener("submit", async (event) => {
    event.preventDefault();
    save.disabled = true;
    wrong.replaceChildren();
    try {
      await work();
    } catch (error) {
      const said = error.problem ? problem(error) : h("p", { class: "wrong", role: "alert" }, error.message);
      wrong.replaceChildren(said);
      said.scrollIntoView({ block: "nearest" });
    } finally {
      save.disabled = false;
    }
  });
}

const all = (attributes) => Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== null));

function differing(now, before) {
  return Object.fromEntries(Object.entries(now).filter(([name, value]) => JSON.stringify(value ?? null) !== JSON.stringify(before[name] ?? null)));
}

/** The fields of a product, with its attributes and photos. */
function productForm(product, fields) {
  const inputs = new Map(VALUES.map(([name]) => [name, h("input", { type: name === "price" ? "number" : "text", step: name === "price" ? "any" : null, min: name === "price" ? 0 : null, value: product[name] ?? "", autocomplete: "off" })]));
  const attributes = new Map();
  const rows = h("div", { class: "fields" });
  const photos = photoList(product.images);
  const add = (name, kind, value) => {
    const one = attributeInput(kind, value);
    attributes.set(name, one);
    rows.append(field(name, one.control, one.hint));
    return one;
  };
  for (const [name, value] of Object.entries(product.attributes)) add(name, fields[name] || kindOf(value), value);
  for (const [name, kind] of Object.entries(fields)) if (!FIXED.has(name) && !attributes.has(name)) add(name, kind, null);
  const element = h("form", { class: "product", novalidate: true }, photos.element, h("div", { class: "fields" }, VALUES.map(([name, label]) => field(label, inputs.get(name), HINTS[name]))),
    h("h3", {}, "Attributes"), rows, moreAttributes(attributes, add));
  const read = () => ({
    values: Object.fromEntries([...inputs].map(([name, input]) => [name, valueOf(name, input)])),
    attributes: Object.fromEntries([...attributes].map(([name, one]) => [name, one.read()])),
  });
  let first = JSON.stringify(read());
  return {
    element,
    read,
    images: photos.read,
    picturesChanged: photos.changed,
    changed: () => photos.changed() || JSON.stringify(read()) !== first,
    settle: () => { first = JSON.stringify(read()); photos.settle(); },
  };
}

function valueOf(name, input) {
  if (name !== "price") return input.value.trim() || null;
  if (input.validity.badInput) throw new Error("The price is no number.");
  return input.value === "" ? null : Number(input.value);
}

function kindOf(value) {
  if (Array.isArray(value)) return "list";
  return { number: "number", boolean: "boolean" }[typeof value] || "text";
}

function attributeInput(kind, value) {
  if (kind === "boolean") {
    const control = h("select", {}, [["", "–"], ["true", "yes"], ["false", "no"]].map(([given, label]) => h("option", { value: given, selected: String(value ?? "") === given }, label)));
    return { control, read: () => (control.value ? control.value === "true" : null) };
  }
  if (kind === "list") {
    const control = h("textarea", { rows: 2 }, (value || []).join("\n"));
    const read = () => { const found = control.value.split("\n").map((one) => one.trim()).filter(Boolean); return found.length ? found : null; };
    return { control, read, hint: "One a line" };
  }
  const control = h("input", { type: kind === "number" ? "number" : "text", step: kind === "number" ? "any" : null, value: value ?? "", autocomplete: "off" });
  return { control, read: () => (control.value === "" ? null : kind === "number" ? Number(control.value) : control.value) };
}

function moreAttributes(attributes, add) {
  const name = h("input", { type: "text", autocomplete: "off", placeholder: "material" });
  const kind = h("select", {}, ["text", "number", "boolean", "list"].map((one) => h("option", {}, one)));
  const go = button("Add", () => {
    const text = name.value.trim();
    if (!text || attributes.has(text)) return name.focus();
    name.value = "";
    return add(text, kind.value, null).control.focus();
  });
  return h("details", {}, h("summary", {}, "Another attribute"), h("div", { class: "fields another" }, field("Name", name), field("Type", kind, "The first product with it settles the type."), go));
}

/** The photos of a product: those it has, new ones as files, new ones by address. */
function photoList(images) {
  const kept = images.map((image) => ({ image }));
  let photos = [...kept];
  const shown = h("ul", { class: "photos" });
  const file = h("input", { type: "file", id: "photo-files", class: "sr", accept: "image/*", multiple: true });
  const address = h("input", { type: "url", placeholder: "https://shop.example/photo.jpg", autocomplete: "off" });
  const drop = h("div", { class: "drop" }, h("label", { class: "button small", for: "photo-files" }, icon("photo"), "Add photos"), file, h("p", { class: "muted" }, "or drop them here"));
  const draw = () => shown.replaceChildren(...photos.map((photo, place) => h("li", {}, photo.view ??= viewOf(photo),
    h("button", { type: "button", class: "round", "aria-label": `Take photo ${place + 1} away`, onclick: () => { photos = photos.filter((one) => one !== photo); draw(); file.focus(); } }, icon("close")))));
  const take = (files) => { photos.push(...[...files].map((one) => ({ file: one }))); draw(); };
  file.addEventListener("change", () => { take(file.files); file.value = ""; });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragover");
      if (kind === "drop") take(event.dataTransfer.files);
    });
  }
  const byAddress = button("Add", () => { if (/^https?:\/\/./i.test(address.value.trim())) { photos.push({ address: address.value.trim() }); address.value = ""; draw(); } else address.focus(); });
  draw();
  const same = () => photos.length === kept.length && photos.every((one, place) => one === kept[place]);
  return {
    element: h("fieldset", { class: "photo-set" }, h("legend", {}, "Photos"), shown, drop, h("div", { class: "by-address" }, field("Or by address", address), byAddress)),
    changed: () => !same(),
    settle: () => { kept.splice(0, kept.length, ...photos); },
    read: () => {
      const files = photos.filter((one) => one.file).map((one) => one.file);
      const said = photos.map((one) => one.file ? { file: files.indexOf(one.file) } : one.address ? { location: one.address } : { location: one.image.location, image_id: one.image.image_id, box: one.image.box });
      return { said, files };
    },
  };
}

function viewOf(photo) {
  if (photo.image) return h("a", { href: `${photo.image.url}?width=1280`, target: "_blank", rel: "noopener", title: photo.image.location }, picture(photo.image.url, 320, photo.image.location));
  if (photo.address) return h("span", { class: "frame missing", title: photo.address }, h("span", { class: "file-name" }, photo.address));
  const url = URL.createObjectURL(photo.file);
  const image = h("img", { src: url, alt: photo.file.name });
  image.addEventListener("load", () => URL.revokeObjectURL(url));
  return h("span", { class: "frame" }, image);
}
