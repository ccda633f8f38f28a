import { SearchError } from "./api.js";

const LONGEST_SIDE = 1280;
const QUALITY = 0.85;
const MOST_PIXELS = 120e6;

/**
 * Make a photo small and upright, off the main thread where the browser can.
 *
 * The picture is decoded and scaled by `createImageBitmap` (which follows the EXIF orientation) and
 * written anew as JPEG, so that neither the place nor the time of the photo leaves the device.
 *
 * @param {Blob} file - any picture the browser can decode
 * @returns {Promise<{blob: Blob, url: string, width: number, height: number, scale: number}>} `scale` is
 *   the new width over that of the upright original
 */
export async function preparePhoto(file) {
  const original = URL.createObjectURL(file);
  try {
    const size = await upright(original);
    const scale = Math.min(1, LONGEST_SIDE / Math.max(size.width, size.height));
    const width = Math.max(1, Math.round(size.width * scale));
    const height = Math.max(1, Math.round(size.height * scale));
    const bitmap = await createImageBitmap(file, {
      imageOrientation: "from-image",
      resizeWidth: width,
      resizeHeight: height,
      resizeQuality: "high",
    });
    const blob = await jpeg(bitmap, width, height);
    bitmap.close();
    return { blob, url: URL.createObjectURL(blob), width, height, scale: width / size.width };
  } catch (cause) {
    if (cause instanceof SearchError) throw cause;
    throw new SearchError("unreadable");
  } finally {
    URL.revokeObjectURL(original);
  }
}

/** Width and height as a viewer shows the picture, read without decoding all of it. */
async function upright(url) {
  const image = new Image();
  image.src = url;
  await new Promise((done, failed) => {
    image.onload = done;
    image.onerror = () => failed(new SearchError("unreadable"));
  });
  const width = image.naturalWidth;
  const height = image.naturalHeight;
  if (!width || !height) throw new SearchError("unreadable");
  if (width * height > MOST_PIXELS) throw new SearchError("413");
  return { width, height };
}

async function jpeg(bitmap, width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const brush = canvas.getContext("2d", { alpha: false });
  // JPEG knows no transparency; shops photograph on white.
  brush.fillStyle = "#fff";
  brush.fillRect(0, 0, width, height);
  brush.drawImage(bitmap, 0, 0, width, height);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
  if (!blob) throw new SearchError("unreadable");
  return blob;
}

/** A photo that stays at its address: the service fetches it, the page only shows it if it may. */
export async function photoAt(address) {
  const image = new Image();
  image.referrerPolicy = "no-referrer";
  image.src = address;
  const shown = await Promise.race([
    image.decode().then(() => true, () => false),
    new Promise((done) => setTimeout(done, 4000, false)),
  ]);
  return { address, url: shown ? address : "", width: shown ? image.naturalWidth : 0, height: shown ? image.naturalHeight : 0 };
}

/** Call `use({file})` or `use({address})` with each picture that is pasted for, or dropped on, the element. */
export function listenForPictures(element, { use, over, signal }) {
  document.addEventListener("paste", (event) => isMeant(element, event) && paste(event, use), { signal });
  for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
    element.addEventListener(type, (event) => drag(event, use, over), { signal });
  }
}

/**
 * Whether the element is what somebody pastes into: it has the focus; or nothing has it, the element
 * can be seen, and no other has taken what was pasted.
 */
function isMeant(element, event) {
  if (event.defaultPrevented) return false;
  if (event.composedPath().includes(element)) return true;
  const { activeElement, body, documentElement } = document;
  return [null, body, documentElement].includes(activeElement) && element.checkVisibility();
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
