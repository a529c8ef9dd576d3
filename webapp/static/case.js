// One case: every change is sent to be kept, the clock is the server's, and nothing ticked is let go of
// before the server has said that it has it.
import { choosing, confidenceFits } from "./choosing.js";
import { Countdown, clockOf } from "./countdown.js";

const form = document.getElementById("case");
const kept = document.getElementById("kept");
const banner = document.getElementById("banner");
const { remainingMs, totalMs, graceMs } = clockOf(form.dataset);
const shownAt = performance.now();
const DEBOUNCE_MS = 500, LONGEST_WAIT_MS = 15_000;

const lease = sessionStorage.getItem("lease") ?? newKey();
sessionStorage.setItem("lease", lease);
form.lease.value = lease;
let revision = Number(form.dataset.revision);
let pending = null; // what was sent under a key and is not acknowledged yet: it is sent again unchanged
let dirty = false; // something on the page is newer than what was sent
let frozen = false;
let tries = 0;
let timer = null;
let wantsReview = false; // pressed already, and waiting for what is not kept yet
const offsets = {};

/* What is on the page */

const { options } = choosing(form, {
  tell,
  onChange(name) {
    banner.hidden = true;
    wantsReview = false;
    changed(name);
  },
});
const nothing = document.getElementById("nothing");
const confidence = document.getElementById("confidence");
const rationale = document.getElementById("rationale");

function draft() {
  return {
    selected: options.filter((box) => box.checked).map((box) => box.value),
    confidence: confidence.value !== "" && confidenceFits(confidence) ? Number(confidence.value) : null,
    rationale: rationale.value,
    resources: [...form.querySelectorAll("input[name=resources]:checked")].map((box) => box.value),
    nothing_to_recommend: nothing.checked,
  };
}

function said(text, state = "") {
  if (kept.textContent !== text) kept.textContent = text;
  kept.className = `kept ${state}`;
}

function showKept(at) {
  if (confidenceFits(confidence)) said(`Saved ${new Date(at).toLocaleTimeString([], { hour12: false })}`);
  else said("Saved, but confidence must be 0 to 100", "waiting");
}

function tell(text, { button, act } = {}) {
  banner.textContent = text;
  if (button) {
    const press = document.createElement("button");
    press.type = "button";
    press.className = "btn btn-sm btn-primary";
    press.textContent = button;
    press.addEventListener("click", act);
    banner.append(press);
  }
  banner.hidden = false;
}

function freeze() {
  frozen = true;
  form.classList.add("frozen");
  for (const control of form.querySelectorAll("input, textarea, button[type=submit]")) {
    if (control.type !== "hidden") control.disabled = true;
  }
}

/* Keeping */

function changed(name) {
  if (frozen) return;
  offsets[name] = Math.round(performance.now() - shownAt);
  dirty = true;
  if (!pending) said("Saving …");
  schedule(DEBOUNCE_MS);
}

function schedule(ms) {
  clearTimeout(timer);
  timer = setTimeout(keep, ms);
}

function newKey() {
  return crypto.randomUUID ? crypto.randomUUID() : Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

function prepare() {
  if (!pending && dirty) {
    pending = { key: newKey(), base_revision: revision, lease, draft: draft(), offsets_ms: { ...offsets } };
    for (const name of Object.keys(offsets)) delete offsets[name];
    dirty = false;
  }
  return pending;
}

function send(body, keepalive = false) {
  return fetch(form.dataset.save, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": form.csrf_token.value },
    body: JSON.stringify(body),
    redirect: "error",
    keepalive,
  });
}

let sending = false;
async function keep() {
  if (sending || !prepare()) return;
  sending = true;
  try {
    await settle(await send(pending));
  } catch {
    waitAndTryAgain("Not saved yet: no connection. Trying again …");
  } finally {
    sending = false;
  }
  if (dirty && !pending && !frozen) schedule(0);
}

async function settle(answer) {
  if (answer.ok) {
    const found = await answer.json();
    pending = null;
    tries = 0;
    revision = found.revision;
    form.base_revision.value = revision;
    form.dataset.revision = revision;
    countdown.correctTo(found);
    if (!dirty) showKept(found.saved_at);
    if (wantsReview) goOn();
    return;
  }
  if (answer.status === 409) return void stale();
  if (answer.status === 410) return void over((await answer.json()).kept_apart);
  if (answer.status === 422) return void refused((await answer.json()).error);
  if (answer.status === 400 || answer.status === 401) return void (await signedOut());
  if (answer.status === 404) return void gone();
  const wait = Number(answer.headers.get("Retry-After"));
  waitAndTryAgain("Not saved yet: the site is busy. Trying again …", wait ? wait * 1000 : undefined);
}

function waitAndTryAgain(text, ms) {
  said(text, "waiting");
  if (wantsReview) tell("The review opens as soon as everything is saved.");
  const most = Math.min(LONGEST_WAIT_MS, 500 * 2 ** tries++);
  schedule(ms ?? most / 2 + Math.random() * most / 2);
}

function stale() {
  pending = null;
  freeze();
  said("Not saved", "lost");
  tell("This case was changed in another window or on another device. What stands there is newer than this page, and your last change here was not kept.", { button: "Show what stands now", act: () => location.reload() });
}

function refused(sentence) {
  pending = null;
  said("Not saved", "lost");
  tell(sentence, { button: "Reload the case", act: () => location.reload() });
}

function gone() {
  pending = null;
  freeze();
  said("Not saved", "lost");
  tell("This case is not open to you any more.", { button: "Go to my page", act: () => location.assign("/") });
}

// The session ended (or was replaced in another tab): ask for a fresh token, or for a sign-in beside this page.
async function signedOut() {
  const answer = await fetch(form.dataset.clock, { redirect: "manual" });
  if (answer.ok) {
    form.csrf_token.value = (await answer.json()).csrf_token;
    banner.hidden = true;
    schedule(0);
    return;
  }
  tell("You are signed out. Sign in again in another tab; what you chose waits on this page and is sent then.", { button: "Sign in (new tab)", act: () => open(form.dataset.signIn, "_blank", "noopener") });
  waitAndTryAgain("Not saved yet: signed out.", 3000);
}

/* Time */

const countdown = new Countdown({ remainingMs, totalMs, onEnd: timeIsUp });

async function timeIsUp() {
  said("Time is up. Keeping your answers …", "waiting");
  const sent = keep();
  freeze();
  await sent;
  setTimeout(leave, graceMs + 500);
}

function leave() {
  if (pending || dirty) return void setTimeout(leave, 1000); // still trying: the server keeps late answers apart
  location.replace(form.dataset.here);
}

function over(keptApart) {
  pending = null;
  dirty = false;
  freeze();
  tell(keptApart ? "This arrived after the time was over. It is kept apart for the study team; your last answer in time stands." : "The time for this case is over.", { button: "Go on", act: () => location.replace(form.dataset.here) });
  said("Time is up", "lost");
}

async function resync() {
  const answer = await fetch(form.dataset.clock, { redirect: "manual" }).catch(() => null);
  if (!answer || !answer.ok) return;
  const found = await answer.json();
  if (found.state !== "open") return void location.replace(form.dataset.here);
  countdown.correctTo(found);
  if (found.revision > revision && !pending && !sending) stale();
}

addEventListener("online", () => { tries = 0; schedule(0); resync(); });
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") return void resync();
  if (!sending && prepare()) {
    sending = true;
    send(pending, true).then(settle).catch(() => waitAndTryAgain("Not saved yet.")).finally(() => { sending = false; });
  }
});
addEventListener("beforeunload", (event) => { if ((pending || dirty) && !frozen) event.preventDefault(); });

/* Writing */

form.addEventListener("input", (event) => {
  if (event.target === rationale || event.target === confidence) changed(event.target.name);
});

/* Going on: to the review, or out, once everything is kept */

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (frozen) return;
  if (!confidenceFits(confidence)) {
    tell("Confidence is a whole number from 0 to 100, or empty.");
    confidence.focus();
    return;
  }
  wantsReview = true;
  goOn();
});

function goOn() {
  if (frozen) return;
  if (!dirty && !pending) return void HTMLFormElement.prototype.submit.call(form);
  if (!sending) schedule(0);
  if (tries > 0) tell("The review opens as soon as everything is saved.");
}

document.querySelector(".site-nav form").addEventListener("submit", async (event) => {
  if (frozen || (!dirty && !pending)) return;
  event.preventDefault();
  const leaving = event.target;
  await keep();
  if (dirty || pending) tell("Not everything is saved yet. Sign out once it says Saved.");
  else leaving.submit();
});
