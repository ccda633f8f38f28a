const DEADLINE_MS = 30_000;

/** Why a request gave no answer: `kind` is offline, unreachable, timeout, unreadable or the status. */
export class SearchError extends Error {
  constructor(kind, { status = 0, problem = {}, retryAfter = null } = {}) {
    super(problem.detail || problem.title || String(kind));
    this.name = "SearchError";
    this.kind = String(kind);
    this.status = status;
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

/** Seconds of a Retry-After header, in either of its two forms. */
export function secondsToWait(header, now = Date.now()) {
  if (!header) return null;
  const seconds = /^\d+$/.test(header.trim()) ? Number(header) : (Date.parse(header) - now) / 1000;
  return Number.isFinite(seconds) ? Math.min(120, Math.max(1, Math.ceil(seconds))) : null;
}

/** The HTTP service of one shop. Every call may be given up by its `signal`. */
export class Service {
  constructor(endpoint, key) {
    this.endpoint = endpoint.replace(/\/+$/, "");
    this.key = key || "";
  }

  /** An address that the service gave, which may be a path of its own host. */
  address(path) {
    return /^https?:/i.test(path) ? path : this.endpoint + path;
  }

  headers(more = {}) {
    return this.key ? { ...more, Authorization: `Bearer ${this.key}` } : more;
  }

  async fetch(path, options = {}) {
    const late = AbortSignal.timeout(DEADLINE_MS);
    const signal = options.signal ? AbortSignal.any([options.signal, late]) : late;
    let response;
    try {
      response = await fetch(this.address(path), { ...options, signal, headers: this.headers(options.headers) });
      if (response.ok) return options.blob ? await response.blob() : await response.json();
    } catch (cause) {
      if (options.signal?.aborted) throw cause;
      if (late.aborted) throw new SearchError("timeout");
      throw new SearchError(navigator.onLine === false ? "offline" : "unreachable");
    }
    const problem = await response.json().catch(() => ({}));
    throw new SearchError(response.status, {
      status: response.status,
      problem,
      retryAfter: secondsToWait(response.headers.get("Retry-After")),
    });
  }

  shop(signal) {
    return this.fetch("/v1/shop", { signal });
  }

  /** Products that look like what is in the box of the photo; `box` is [x, y, w, h] or "auto". */
  search(photo, box, asked, signal) {
    return this.#send(photo, { ...asked, box }, signal);
  }

  similar(productId, asked, signal) {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(asked)) {
      if (value !== "" && value !== undefined && value.length !== 0) query.set(name, String(value));
    }
    return this.fetch(`/v1/products/${encodeURIComponent(productId)}/similar?${query}`, { signal });
  }

  /**
   * Tell the shop what the shopper did; nothing waits for it, and nothing breaks without it. The
   * photo goes along only where the shopper agreed that it is kept.
   */
  feedback(said, photo, box) {
    if (!said.query_id) return;
    const options = { method: "POST", keepalive: true, headers: { "Content-Type": "application/json" }, body: JSON.stringify(said) };
    if (photo) {
      options.body = this.#form("photo", photo, { ...said, consent: true, box });
      options.headers = {};
      options.keepalive = false; // Browsers keep no more than 64 KB alive.
    }
    this.fetch("/v1/feedback", options).catch(() => null);
  }

  #send(photo, fields, signal) {
    const given = Object.entries(fields).filter(([, value]) => value !== "" && value !== undefined && value !== null);
    if (photo.address) {
      const body = JSON.stringify({ ...Object.fromEntries(given), image_url: photo.address });
      return this.fetch("/v1/search", { method: "POST", signal, body, headers: { "Content-Type": "application/json" } });
    }
    return this.fetch("/v1/search", { method: "POST", signal, body: this.#form("image", photo.blob, Object.fromEntries(given)) });
  }

  #form(name, photo, fields) {
    const form = new FormData();
    form.set(name, photo, "photo.jpg");
    for (const [key, value] of Object.entries(fields)) {
      if (value !== undefined && value !== null) form.set(key, String(value));
    }
    return form;
  }
}
