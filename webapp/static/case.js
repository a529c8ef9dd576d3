// One case: what is chosen is kept as it is chosen, the clock is the server's, and one page at a time may write.
import { download } from "./answer_file.js";
import { choosing } from "./choosing.js";
import { Countdown } from "./countdown.js";
import { Keeping } from "./keeping.js";
import { inherit, ownLease } from "./lease.js";
import { hush, said, tell, tellNothing } from "./notices.js";
import { Plan } from "./plan.js";
import { watch } from "./presence.js";
import { Queue } from "./queue.js";
import { Wire } from "./wire.js";

const form = document.getElementById("case");
const urls = form.dataset;
const opening = Queue.from(form).catch(() => null);
const plan = new Plan(form);
const list = choosing(form, { tell, onChange: changed });
const countdown = new Countdown(form.dataset, { onEnd: timeIsUp, onMore: moreTime, ask: resync });
const wire = new Wire({ csrf: form.csrf_token, onTime: (found, exchange) => countdown.correctTo(found, exchange) });
const LOOK_AGAIN_MS = 1000, DOWNLOAD = "Download my answers";
let lease = null, queue = null, keeping = null; // until the page has its name, and has read what an earlier one left
let unreached = false; // for so long that the reader was told
let wantsReview = false; // pressed already, and waiting for what is not kept yet

async function start() {
  lease = await ownLease();
  form.lease.value = lease;
  queue = await opening;
  keeping = new Keeping({
    wire, plan, queue, lease, clock: countdown.clock, url: urls.save, revision: Number(urls.revision),
    on: { waiting, saved, conflict, goingOn, over, refused, signedOut, gone },
  });
  await takeUp();
  await ask();
  watch({
    url: urls.beat, lease: () => lease, csrf: () => form.csrf_token.value, onOver: closed,
    onClock: (found, exchange) => { countdown.correctTo(found, exchange); meanwhile(found); },
    onMoved: (found) => { if (!keeping.halted) keeping.conflict({ moved: true, ...found }); },
  });
  if (keeping.unsent) await keeping.now();
  if (wantsReview) toReview();
}

/* Changes */

function changed(name) {
  hush();
  wantsReview = false;
  if (keeping?.tries === 0) said("Saving …");
  keeping?.changed(name);
}

// What an earlier page left on this device; else what was put down on this one before the script ran.
async function takeUp() {
  const [left] = (await queue?.left(lease).catch(() => [])) ?? [];
  if (left) {
    if (left.lease !== lease) await takeName(left.lease);
    await keeping.restore(left).catch(() => {});
    list.count();
    said("Sending what was kept on this device …", "waiting");
  } else {
    for (const { name } of plan.touched()) keeping.changed(name);
  }
}

// A tab that was closed or killed a moment ago may have the case still. Whoever takes up what it left is no other page.
async function takeName(left) {
  const answer = await wire.post(urls.lease, { lease: left, take: false }).catch(() => null);
  if (!answer?.ok) return;
  await inherit(left);
  keeping.lease = form.lease.value = lease = left;
}

form.addEventListener("input", (event) => {
  if (event.target === plan.rationale || event.target === plan.confidence) changed(event.target.name);
});

/* What the server said to a save */

function saved({ revision, savedAt }) {
  form.base_revision.value = urls.revision = revision;
  if (keeping.unsent) return;
  if (unreached) tellNothing();
  unreached = false;
  const at = new Date(savedAt).toLocaleTimeString([], { hour12: false });
  if (plan.readable) said(`Saved ${at}`);
  else said("Saved, but confidence must be 0 to 100", "waiting");
  if (countdown.ended) leave();
  else if (wantsReview) toReview();
}

function waiting(reason) {
  said(`Not saved yet: ${reason}. Trying again …`, "waiting");
  if (reason === "signed out") return;
  if (keeping.stuck) stuck();
  else if (wantsReview) tell("The review opens as soon as everything is saved.");
}

function stuck() {
  unreached = true;
  if (queue === null) return tell("The site has not been reached for a minute. Everything you chose is on this page: keep it open, and it is sent as soon as there is a connection.");
  tell("The site has not been reached for a minute. Everything you chose is kept on this device, encrypted, and is sent as soon as there is a connection. You may also take it with you as a file, which the receipt of this case takes in.", {
    [DOWNLOAD]: () => download(queue, lease, `answers-${urls.reading.slice(0, 8)}.json`),
  });
}

function refused(sentence) {
  said("Not saved", "lost");
  tell(`${sentence} Change it, and everything is saved.`);
}

function gone() {
  plan.freeze();
  said("Not saved", "lost");
  tell("This case is not open to you any more.", { "Go to my page": () => location.assign("/") });
}

// True: another session is signed in, and its token is ours now.
async function signedOut() {
  const answer = await wire.ask(urls.clock).catch(() => null);
  if (answer?.ok) {
    tellNothing();
    return true;
  }
  if (answer) tell("You are signed out. Sign in again in another tab; what you chose waits on this page and is sent then.", { "Sign in (new tab)": () => open(urls.signIn, "_blank", "noopener") });
  return false;
}

/* Another page of the same case */

async function ask({ take = false, keepMine = false } = {}) {
  const answer = await wire.post(urls.lease, { lease, take }).catch(() => null);
  if (answer?.ok) {
    const other = answer.body.revision !== keeping.revision;
    if (keeping.halted || (other && !keeping.unsent)) keeping.goOn(answer.body, { keepMine });
  } else if (answer?.status === 423) keeping.conflict({ moved: true, ...answer.body });
  else if (answer?.status === 410) closed();
  else if (answer?.status === 401 || answer?.status === 400) await signedOut();
  else if (take) said("No connection just now. Press it again in a moment.", "waiting");
}

function conflict({ moved, unsent }) {
  plan.freeze();
  wantsReview = false;
  said(unsent ? "Not saved" : "Read only here", unsent ? "lost" : "waiting");
  if (!unsent) return tell("This case is open in another window or on another device. What you see here may be older.", { "Continue here": () => ask({ take: true }) });
  const where = moved ? "This case goes on in another window or on another device" : "This case was changed in another window or on another device";
  tell(`${where}, and your last change here was not saved. Choose what is to stand; then you go on here.`, {
    "Keep what this page shows": () => ask({ take: true, keepMine: true }),
    "Show what stands now": () => ask({ take: true }),
  });
}

function goingOn({ revision }) {
  form.base_revision.value = urls.revision = revision;
  if (!countdown.ended) plan.thaw();
  list.count();
  tellNothing();
  if (!keeping.unsent) said(revision ? "Saved" : "Nothing chosen yet");
}

// What stands is newer than what this page has, and nothing of this page waits: it is shown, or the page gives way.
function meanwhile({ state, revision }) {
  if (state !== "open") closed();
  else if (revision > keeping.revision && !keeping.unsent && !keeping.sending && !keeping.halted) ask();
}

/* Time */

function timeIsUp() {
  plan.freeze();
  wantsReview = false;
  said(keeping?.unsent ? "Time is up. Sending your answers …" : "Time is up.", "waiting");
  keeping?.now();
  setTimeout(leave, countdown.graceMs + LOOK_AGAIN_MS / 2);
}

function moreTime() {
  if (!keeping.halted) plan.thaw();
  said(keeping.unsent ? "Not saved yet" : "Saved");
  tell("You were given more time. Please go on.");
}

// To the receipt, once the server has everything and has closed the case.
async function leave() {
  if (!countdown.ended || !keeping) return;
  if (keeping.unsent && !keeping.refusal) {
    keeping.halted = false; // the choice is over with the time: what this page holds is sent, to be kept apart
    if (keeping.tries === 0) keeping.now();
  } else await resync();
  setTimeout(leave, LOOK_AGAIN_MS * (1 + Math.random()));
}

function closed() {
  if (!keeping.unsent || keeping.refusal) return location.replace(urls.here);
  keeping.halted = false;
  keeping.now();
}

function over({ keptApart }) {
  plan.freeze();
  if (!keptApart) return location.replace(urls.here);
  said("Time is up", "lost");
  tell("This arrived after the time was over. It is kept apart for the study team; your last answer in time stands.", { "Go on": () => location.replace(urls.here) });
}

async function resync() {
  const answer = await wire.ask(urls.clock).catch(() => null);
  if (answer?.ok && keeping) meanwhile(answer.body);
  return answer?.ok ?? false;
}

addEventListener("online", () => { resync(); keeping?.now(); });
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  if (keeping?.unsent) ask();
  else location.reload();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") return void keeping?.keep({ keepalive: true });
  resync();
  if (keeping?.unsent) keeping.now();
});
addEventListener("beforeunload", (event) => { if (keeping?.unsent && !plan.frozen) event.preventDefault(); });

/* Going on: to the review, or out, once everything is kept */

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (plan.frozen) return;
  if (!plan.readable) {
    tell("Confidence is a whole number from 0 to 100, or empty.");
    plan.confidence.focus();
    return;
  }
  wantsReview = true;
  if (keeping) toReview();
});

// A form that is sent without a connection would leave the page for the browser's own, which knows of nothing.
async function toReview() {
  if (plan.frozen) return;
  if (keeping.unsent) {
    if (keeping.tries > 0) tell("The review opens as soon as everything is saved.");
    return void keeping.now();
  }
  if (await resync()) {
    if (wantsReview && !keeping.unsent && !plan.frozen) HTMLFormElement.prototype.submit.call(form);
  } else if (wantsReview) {
    tell("The review opens as soon as the site can be reached.");
    setTimeout(toReview, 2 * LOOK_AGAIN_MS);
  }
}

document.querySelector(".site-nav form").addEventListener("submit", async (event) => {
  if (!keeping?.unsent) return;
  event.preventDefault();
  const leaving = event.target;
  await keeping.now();
  if (!keeping.unsent) leaving.submit();
  else if (!keeping.halted) tell("Not everything is saved yet. Sign out once it says Saved.");
});

start();
