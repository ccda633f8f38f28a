import { Choice } from "./filters.js";

const ORDERS = ["price", "-price"];
const OURS = /^(category|sort|like)$|^[fn]\./;

/** What the shopper looks for: a photo or a product, filters, an order. It outlives what is drawn. */
export class Quest {
  choice = new Choice();
  photo = null;
  similarTo = null;
  sort = "score";

  get isGiven() {
    return Boolean(this.photo || this.similarTo);
  }

  takePhoto(photo, box = null) {
    this.dropPhoto();
    this.photo = { ...photo, box, touched: Boolean(box) };
    this.similarTo = null;
  }

  dropPhoto() {
    if (this.photo?.url.startsWith("blob:")) URL.revokeObjectURL(this.photo.url);
    this.photo = null;
  }

  clear() {
    this.dropPhoto();
    this.similarTo = null;
    this.choice.clear();
  }

  /** What of it may stand in a web address behind `#`: all but the photo. */
  toHash() {
    const query = new URLSearchParams();
    this.choice.toHash(query);
    if (this.sort !== "score") query.set("sort", this.sort);
    if (this.similarTo) {
      query.set("like", this.similarTo.product_id);
      query.set("title", this.similarTo.title);
    }
    return String(query);
  }

  /** Whether what stands behind `#` is of ours, or the place in the page that a link leads to. */
  static owns(text) {
    return text === "" || [...new URLSearchParams(text).keys()].some((name) => OURS.test(name));
  }

  /**
   * Take over the filters and the order of an address.
   *
   * @returns {{changed: boolean, similarTo: ?object}} whether they are others now, and the product that
   *   the address names
   */
  fromHash(text) {
    const query = new URLSearchParams(text);
    const before = `${this.choice.where()} ${this.sort}`;
    this.choice.fromHash(query);
    this.sort = ORDERS.includes(query.get("sort")) ? query.get("sort") : "score";
    const like = query.get("like");
    return {
      changed: before !== `${this.choice.where()} ${this.sort}`,
      similarTo: like ? { product_id: like, title: query.get("title") || like } : null,
    };
  }
}
