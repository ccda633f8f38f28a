import { SearchError, Service, secondsToWait } from "./api.js";

const WORDS = {
  offline: ["You are offline", "Connect to the network, then try again."],
  unreachable: ["The service cannot be reached", "It may be starting anew. Try again in a moment."],
  timeout: ["The service took too long", "Try again in a moment."],
};

/** What went wrong and what to do, in the service's own words where it gave any. */
export function tell(error) {
  if (!(error instanceof SearchError)) return { title: "Something went wrong on this page", text: String(error.message || error) };
  const known = WORDS[error.kind];
  if (known) return { title: known[0], text: known[1] };
  const { title, detail, next_step: next } = error.problem;
  const sentences = [detail, next].filter(Boolean).map((text) => text[0].toUpperCase() + text.slice(1).replace(/\.?$/, "."));
  return { title: title || `The service answered ${error.status}`, text: sentences.join(" ") || "Try again in a moment." };
}

/** Text as a value of a filter: quotes inside are doubled. */
export function quoted(text) {
  return `'${text.replaceAll("'", "''")}'`;
}

const expecting = (etag) => (etag ? { "If-Match": etag } : {});

/** The part of the service that a merchandiser needs. */
export class Catalogue extends Service {
  constructor(key) {
    super("", key);
  }

  #json(method, path, body, headers = {}) {
    return this.fetch(path, { method, body: JSON.stringify(body), headers: { "Content-Type": "application/json", ...headers } });
  }

  versions(limit = 100) {
    return this.fetch(`/v1/shop/versions?limit=${limit}`);
  }

  rollback(version) {
    return this.#json("POST", "/v1/shop:rollback", { version });
  }

  /** Whether searches can be answered; a service that is not ready is no error here. */
  async ready() {
    try {
      await this.fetch("/readyz");
      return true;
    } catch (error) {
      if (error.status === 503) return false;
      throw error;
    }
  }

  products({ where, cursor, limit, signal }) {
    const query = new URLSearchParams({ limit: String(limit) });
    if (where) query.set("where", where);
    if (cursor) query.set("cursor", cursor);
    return this.fetch(`/v1/products?${query}`, { signal });
  }

  #product(id) {
    return `/v1/products/${encodeURIComponent(id)}`;
  }

  product(id) {
    return this.fetch(this.#product(id));
  }

  /** The product, or null where the shop has none of this id. */
  async productOrNull(id) {
    try {
      return await this.product(id);
    } catch (error) {
      if (error.status === 404) return null;
      throw error;
    }
  }

  /** Change some of a product, if it is still in the state `etag`. */
  patch(id, change, etag) {
    return this.#json("PATCH", this.#product(id), change, expecting(etag));
  }

  remove(id) {
    return this.fetch(this.#product(id), { method: "DELETE" });
  }

  /** Put a whole product, if it is still in the state `etag`; `files` are the pictures that its images name by number. */
  put(id, product, files = [], etag = null) {
    if (!files.length) return this.#json("PUT", this.#product(id), product, expecting(etag));
    const form = new FormData();
    form.set("product", JSON.stringify(product));
    for (const file of files) form.append("image", file, file.name || "photo");
    return this.fetch(this.#product(id), { method: "PUT", body: form, headers: expecting(etag) });
  }

  imports() {
    return this.fetch("/v1/imports");
  }

  importState(id, signal) {
    return this.fetch(`/v1/imports/${id}`, { signal });
  }

  cancelImport(id) {
    return this.fetch(`/v1/imports/${id}`, { method: "DELETE" });
  }

  refusals(id) {
    return this.fetch(`/v1/imports/${id}/report?format=json`);
  }

  reportFile(id) {
    return this.fetch(`/v1/imports/${id}/report`, { blob: true });
  }

  /**
   * Start an import of a file or an address.
   *
   * @param {{file?: File, url?: string}} feed
   * @param {object} options - as of `POST /v1/imports`
   * @param {(share: number) => void} onSent - told how much of the file is sent; `fetch` cannot tell
   */
  startImport(feed, options, onSent) {
    if (feed.url) return this.#json("POST", "/v1/imports", { ...options, url: feed.url });
    const form = new FormData();
    for (const [name, value] of Object.entries(options)) {
      form.set(name, typeof value === "object" ? JSON.stringify(value) : String(value));
    }
    form.set("file", feed.file, feed.file.name);
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open("POST", this.address("/v1/imports"));
      for (const [name, value] of Object.entries(this.headers())) request.setRequestHeader(name, value);
      request.upload.addEventListener("progress", (event) => event.lengthComputable && onSent(event.loaded / event.total));
      request.addEventListener("error", () => reject(new SearchError(navigator.onLine === false ? "offline" : "unreachable")));
      request.addEventListener("load", () => {
        const answer = parsed(request.responseText);
        if (request.status < 300) resolve(answer);
        else reject(new SearchError(request.status, { status: request.status, problem: answer, retryAfter: secondsToWait(request.getResponseHeader("Retry-After")) }));
      });
      request.send(form);
    });
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
