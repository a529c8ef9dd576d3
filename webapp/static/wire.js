// What goes between a page and the site: JSON both ways. Whatever tells the time is handed on with when it was told.
const PATIENCE_MS = 20_000;

export class Wire {
  // `csrf` is the hidden field that holds the token: forms that are sent without scripts send the same one.
  constructor({ csrf, onTime = () => {} }) {
    Object.assign(this, { csrf, onTime });
  }

  post(url, body, { keepalive = false } = {}) {
    const headers = { "Content-Type": "application/json", "X-CSRFToken": this.csrf.value };
    return this.exchange(url, { method: "POST", headers, body: JSON.stringify(body), keepalive });
  }

  // What the server's clock says. It also gives a fresh token, where the session is another one than the page's:
  // every form of the page is sent with it from then on.
  async ask(url) {
    const answer = await this.exchange(url, {});
    if (answer.ok) for (const field of document.querySelectorAll("input[name=csrf_token]")) field.value = answer.body.csrf_token;
    return answer;
  }

  // Throws where there is no answer at all. `told`: it is in the site's own words, and no page of whatever lies between.
  async exchange(url, asked) {
    const sentAt = performance.now();
    const answer = await fetch(url, { ...asked, redirect: "manual", signal: AbortSignal.timeout?.(PATIENCE_MS) });
    const receivedAt = performance.now();
    const told = answer.headers.get("Content-Type")?.startsWith("application/json") ?? false;
    const body = told ? await answer.json() : {};
    if (answer.ok && body.now_ms !== undefined) this.onTime(body, { sentAt, receivedAt });
    const wait = Number(answer.headers.get("Retry-After"));
    return { ok: answer.ok && told, told, status: answer.status, body, waitMs: wait > 0 ? wait * 1000 : 0 };
  }
}

// What the site says of a save has these words. Anything else with the same number was said by somebody else.
export function meant({ told, status, body }) {
  if (!told) return false;
  if (status === 200) return Number.isInteger(body.revision);
  if (status === 409 || status === 423) return body.draft !== undefined;
  return status === 410 ? typeof body.kept_apart === "boolean" : true;
}

const FIRST_MS = 500, LONGEST_MS = 15_000;

// How long to wait before the next try: anything up to twice as much each time, so that many do not come back at once.
export function pause(tries, atLeastMs = 0) {
  return atLeastMs + Math.random() * Math.min(LONGEST_MS, FIRST_MS * 2 ** tries);
}
