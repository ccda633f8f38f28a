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
