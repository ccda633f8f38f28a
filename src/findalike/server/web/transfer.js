/** Call `use({file})` or `use({address})` with each picture that is pasted, or dropped on the element. */
export function listenForPictures(element, { use, over, signal }) {
  document.addEventListener("paste", (event) => paste(event, use), { signal });
  for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
    element.addEventListener(type, (event) => drag(event, use, over), { signal });
  }
}

function paste(event, use) {
  const into = event.composedPath()[0];
  if (into instanceof HTMLInputElement || into instanceof HTMLTextAreaElement || into?.isContentEditable) return;
  const found = pictureIn(event.clipboardData);
  if (!found) return;
  event.preventDefault();
  use(found);
}

function drag(event, use, over) {
  if (![...(event.dataTransfer?.types ?? [])].some((type) => ["Files", "text/uri-list"].includes(type))) return;
  event.preventDefault();
  if (event.type === "dragleave" && event.relatedTarget) return;
  over(event.type !== "dragleave" && event.type !== "drop");
  const found = event.type === "drop" && pictureIn(event.dataTransfer);
  if (found) use(found);
}

/** The first picture or web address among what was pasted or dropped. */
function pictureIn(transfer) {
  const file = [...(transfer?.files ?? [])].find((one) => one.type.startsWith("image/")) ?? transfer?.files?.[0];
  if (file) return { file };
  const text = (transfer?.getData("text/uri-list") || transfer?.getData("text/plain") || "").trim().split("\n")[0];
  return isAddress(text) ? { address: text } : null;
}

export function isAddress(text) {
  try {
    return ["http:", "https:"].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}
