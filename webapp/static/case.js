// One case: what is chosen is kept as it is chosen, the clock is the server's, and one page at a time may write.
import { download } from "./answer_file.js";
import { choosing } from "./choosing.js";
import { Countdown } from "./countdown.js";
import { GoingOn } from "./going_on.js";
import { Keeping } from "./keeping.js";
import { inherit, ownLease } from "./lease.js";
import { attend, hush, said, tell, tellNothing } from "./notices.js";
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
let left = null; // where the reader was in the form when it was closed to them
let unreached = false; // for so long that the reader was told
let leaving = null;
const goingOn = new GoingOn({ form, plan, keeping: () => keeping, reached: resync });

async function start() {
  lease = await ownLease();
  form.lease.value = lease;
  queue = await opening;
  keeping = new Keeping({
    wire, plan, queue, lease, clock: countdown.clock, url: urls.save, revision: Number(urls.revision),
    on: { waiting, saved, conflict, resumed, over, refused, signedOut, gone },
  });
  await takeUp();
  await ask();
  watch({
    url: urls.beat, lease: () => lease, csrf: () => form.csrf_token.value, onOver: closed,
    onClock: (found, exchange) => { countdown.correctTo(found, exchange); meanwhile(found); },
    onMoved: () => { if (!keeping.halted) ask(); }, // the beat may be older than the lease that this page has just taken
  });
  if (keeping.unsent) await keeping.now();
  goingOn.go();
}

/* Changes */

function changed(name) {
  hush();
  goingOn.forget();
  if (keeping?.tries === 0) said("Saving …");
  keeping?.changed(name);
}

// What an earlier page left on this device; else what was put down on this one before the script ran.
async function takeUp() {
  const [found] = (await queue?.left(lease).catch(() => [])) ?? [];
  if (found) {
    if (found.lease !== lease) await takeName(found.lease);
    await keeping.restore(found).catch(() => {});
    list.count();
    said("Sending what was kept on this device …", "waiting");
  } else {
    for (const { name } of plan.touched()) keeping.changed(name);
  }
}

// A tab that was closed or killed a moment ago may have the case still. Whoever takes up what it left is no other page.
async function takeName(name) {
  const answer = await wire.post(urls.lease, { lease: name, take: false }).catch(() => null);
  if (!answer?.ok) return;
  await inherit(name);
  keeping.lease = form.lease.value = lease = name;
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
  else goingOn.go();
}

function waiting(reason) {
  said(`Not saved yet: ${reason}. Trying again …`, "waiting");
  if (reason === "signed out") return;
  if (keeping.stuck) stuck();
  else goingOn.explain();
}

function stuck() {
  unreached = true;
  if (queue === null) return tell("No connection for over a minute. What you chose is on this page: keep it open, and it is sent when the connection is back.");
  tell("No connection for over a minute. What you chose is kept on this device, encrypted, and is sent when the connection is back. Should this device fail, take a file along: the receipt of this case takes it in.", {
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
    if (take || (!keeping.unsent && (keeping.halted || other))) keeping.goOn(answer.body, { keepMine });
  } else if (answer?.status === 423) keeping.conflict({ moved: true, ...answer.body });
  else if (answer?.status === 410) closed();
  else if (answer?.status === 401 || answer?.status === 400) await signedOut();
  else if (take) said("No connection just now. Press it again in a moment.", "waiting");
}

function conflict({ moved, unsent }) {
  if (form.contains(document.activeElement)) left = document.activeElement;
  plan.freeze();
  goingOn.forget();
  said(unsent ? "Not saved" : "Read only here", unsent ? "lost" : "waiting");
  if (!unsent) tell("This case is open in another window or on another device. What you see here may be older.", { "Continue here": () => ask({ take: true }) });
  else {
    const where = moved ? "This case goes on in another window or on another device" : "This case was changed in another window or on another device";
    tell(`${where}, and your last change here was not saved. Choose what is to stand; then you go on here.`, {
      "Keep what this page shows": () => ask({ take: true, keepMine: true }),
      "Show what stands now": () => ask({ take: true }),
    });
  }
  if (left) attend();
}

function resumed({ revision }) {
  form.base_revision.value = urls.revision = revision;
  if (!countdown.ended) plan.thaw();
  list.count();
  tellNothing();
  left?.focus({ preventScroll: true });
  left = null;
  if (!keeping.unsent) said(revision ? "Saved" : "Nothing chosen yet");
}

// What stands is newer than what this page has, and nothing of this page waits: it is shown, or the page gives way.
function meanwhile({ state, revision }) {
  if (state !== "open") closed();
  else if (revision > keeping.revision && !keeping.unsent && keeping.flight === null && !keeping.halted) ask();
}

/* Time */

function timeIsUp() {
  plan.freeze();
  goingOn.forget();
  said(keeping?.unsent ? "Time is up. Sending your answers …" : "Time is up.", "waiting");
  keeping?.now();
  leaving = setTimeout(leave, countdown.graceMs + LOOK_AGAIN_MS / 2);
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
  clearTimeout(leaving);
  leaving = setTimeout(leave, LOOK_AGAIN_MS * (1 + Math.random()));
}

function closed() {
  if (keeping.keptApart && !keeping.unsent) return; // told so, and its reader goes on when they have read it
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

// A browser that lets a page keep nothing has the form itself, as one without scripts has.
start().catch(() => {
  goingOn.plainly();
  tell("This browser does not let the page save by itself: only “Keep and review” does.");
});
