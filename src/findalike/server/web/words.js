/**
 * Every word the widget says. Give another language by `element.words = {…}` or the attribute
 * `words="/words-de.json"`; what is left out stays English. `{name}` is filled in; a value of
 * several forms is chosen by the plural rules of the element's language.
 */
export const ENGLISH = {
  intro: "Show us what you are looking for",
  introMore: "A photo is enough: we find the products that look like it.",
  drop: "or drop or paste a photo anywhere here",
  dropNow: "Let go to search with this photo",
  camera: "Take a photo",
  file: "Choose a photo",
  link: "Paste a link",
  linkLabel: "Web address of a picture",
  linkGo: "Search",
  examples: "Or try one of these",
  example: "Search with example photo {n}",
  privacy: "Your photo is made smaller here, and place and time are removed from it, before it is sent.",

  both: "{title}. {more}",

  keyMore: "The shop gives it to those who may search.",
  keyLabel: "Key",
  keyGo: "Open the search",
  keyKept: "The key is kept in this tab until you close it.",
  keyMissing: "Enter a key first.",
  keyShape: "A key has no spaces and no special characters. Copy it again.",
  keyWrong: "This key is not valid: it is mistyped, was revoked, or has expired.",
  keyElsewhere: "This key is not for this page.",
  keyLater: "Too many tries. Wait a moment, then try again.",

  shutter: "Take the photo",
  otherCamera: "Other camera",
  close: "Close",
  cameraTitle: "Camera",
  cameraDenied: "The camera may not be used here. Allow it in the browser's settings, or choose a photo instead.",
  cameraMissing: "No camera was found. Choose a photo instead.",

  yourPhoto: "Your photo",
  newPhoto: "New photo",
  wholePhoto: "Whole photo",
  bigger: "Bigger box",
  smaller: "Smaller box",
  boxLabel: "Box around what you mean",
  boxHelp: "Arrow keys move the box, Shift with arrow keys resizes it, plus and minus scale it.",
  boxHint: "Drag the box around the thing you mean.",
  boxSays: "Box {x} % from the left, {y} % from the top, {w} % wide, {h} % high.",
  otherThing: "Search for thing {n} in the photo",
  consent: "I let the shop keep this photo to improve its search.",
  noPreview: "This picture can't be shown here, but it is searched with.",
  preparing: "Preparing your photo…",

  searching: "Looking for products…",
  slow: "Still looking. The connection seems to be slow…",
  found: { one: "{n} product", other: "{n} products" },
  foundOf: "{n} of {all} products",
  results: "Products",
  similarTo: "More like “{title}”",
  back: "Back to your photo",
  backStart: "Back to the start",
  more: "Show more",
  moreLike: "More like this",
  moreLikeOf: "More like this: {title}",
  wrong: "Not this",
  wrongOf: "Not what I meant: {title}",
  thanks: "Thank you. That helps the shop.",
  variants: { one: "{n} more variant", other: "{n} more variants" },
  score: "likeness {score} of 1",
  scoreAlone: "Likeness {score}",
  same: "Looks the same",
  "very similar": "Very similar",
  similar: "Similar",
  unlike: "Not much alike",
  less: "Less alike from here on",
  untitled: "Product without a title",
  details: "Product",

  filters: "Filters",
  filtersOn: "Filters ({n})",
  clear: "Clear all",
  show: "Show products",
  category: "Category",
  all: "All",
  price: "Price",
  from: "From",
  to: "To",
  yes: "Yes",
  no: "No",
  moreValues: "{n} more",
  sort: "Sort by",
  sortScore: "Likeness",
  sortPrice: "Price, low first",
  "sort-price": "Price, high first",
  fields: {},

  nothing: "Nothing like it here",
  nothingMore: "This shop does not seem to sell it. These come nearest; or draw the box closer around the thing.",
  empty: "No product fits these filters",
  emptyMore: "Take a filter away to see more.",
  emptyShop: "There is nothing to find yet",
  emptyShopMore: "This shop has no products with pictures.",

  retry: "Try again",
  retryIn: { one: "Trying again in {n} second", other: "Trying again in {n} seconds" },
  offline: "You are offline",
  offlineMore: "We search again as soon as you are back.",
  unreachable: "The search can't be reached",
  unreachableMore: "Check the connection and try again in a moment.",
  timeout: "This takes too long",
  timeoutMore: "The connection may be slow. Try again.",
  unreadable: "This file can't be read as a photo",
  unreadableMore: "Choose a JPEG, PNG, WebP, AVIF or GIF picture.",
  notAddress: "Give an address that begins with https://",
  error400: "The search was not understood",
  error400More: "Try another photo.",
  error401: "This search needs a key",
  error401More: "The shop has to set the key of its search.",
  error404: "This product is no longer here",
  error404More: "Go back and choose another.",
  error413: "This photo is too large",
  error413More: "Choose a smaller one.",
  error415: "This kind of file can't be searched with",
  error415More: "Choose a JPEG, PNG, WebP, AVIF or GIF picture.",
  error422: "The search can't be done like this",
  error422More: "Choose another photo or clear the filters.",
  error429: "Many people are searching",
  error429More: "Your search goes on by itself.",
  error500: "Something went wrong here",
  error500More: "It is not your photo. Try again in a moment.",
  error503: "The search is resting for a moment",
  error503More: "Your search goes on by itself.",
};

/** Languages whose words come with the widget, in `words-….json`. */
const LANGUAGES = ["ar", "de", "es", "fr", "it", "ja", "nl", "pl", "pt", "zh"];

/** Where the words of a language lie beside this file; null for English, and for one that is not among them. */
export function addressOfWords(language) {
  const base = (language || "").split("-")[0].toLowerCase();
  return LANGUAGES.includes(base) ? new URL(`words-${base}.json`, import.meta.url).href : null;
}

/** The words of one language, with its way to write numbers and prices. */
export class Words {
  constructor(language, words = {}) {
    this.words = { ...ENGLISH, ...words };
    try {
      this.language = Intl.getCanonicalLocales(language || "en")[0] ?? "en";
    } catch {
      this.language = "en";
    }
    this.plurals = new Intl.PluralRules(this.language);
    this.numbers = new Intl.NumberFormat(this.language);
    this.scores = new Intl.NumberFormat(this.language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  }

  /** The text called `name`, with `values` filled in; a `n` among them chooses the form. */
  say(name, values = {}) {
    let text = this.words[name] ?? name;
    if (typeof text === "object") text = text[this.plurals.select(values.n)] ?? text.other;
    return text.replace(/\{(\w+)\}/g, (whole, key) => {
      const value = values[key];
      return value === undefined ? whole : typeof value === "number" ? this.numbers.format(value) : value;
    });
  }

  /** What is called `name`, and what follows on it, as one text. */
  both(name, more) {
    return this.say("both", { title: this.say(name), more });
  }

  score(value) {
    return this.scores.format(value);
  }

  /** A price, with as many decimals as its currency has; a plain number without a known currency. */
  price(value, currency) {
    try {
      return new Intl.NumberFormat(this.language, { style: "currency", currency }).format(value);
    } catch {
      return this.scores.format(value) + (currency ? ` ${currency}` : "");
    }
  }

  /** How a field of the shop is called: `in_stock` becomes "In stock" where no word is given. */
  field(name) {
    if (this.words.fields[name]) return this.words.fields[name];
    const plain = name.replace(/[_-]+/g, " ").trim();
    return plain.charAt(0).toLocaleUpperCase(this.language) + plain.slice(1);
  }
}
