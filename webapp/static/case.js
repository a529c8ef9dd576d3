// One case: what is chosen is kept as it is chosen, the clock is the server's, and one page at a time may write.
import { download } from "./answer_file.js";
import { choosing } from "./choosing.js";
import { Countdown } from "./countdown.js";
import { GoingOn } from "./going_on.js";
import { Keeping } from "./keeping.js";
import { inherit, ownLease, remember } from "./lease.js";
import { attend, hush, said, tell, tellNothing, untell } from "./notices.js";
import { Plan } from "./plan.js";
import { watch } from "./presence.js";
import { Queue } from "./queue.js";
import { meant, Wire } from "./wire.js";

const form = document.getElementById("case");
const urls = form.dataset;
const opening = Queue.from(form).catch(() => null);
const plan = new Plan(form);
const list = choosing(form, { tell, onChange: changed });
const countdown = new Countdown(form.dataset, { onEnd: timeIsUp, onMore: moreTime, onGiven: given, ask: resync });
const wire = new Wire({ csrf: form.csrf_token, onTime: (found, exchange) => countdown.correctTo(found, exchange) });
const SIGNED_OUT = [0, 401]; // the site leads to its sign-in
const LOOK_AGAIN_MS = 1000, DOWNLOAD = "Download my answers";
let lease = null, queue = null, keeping = null; // until the page has its name, and has read what an earlier one left
let left = null; // where the reader was in the form when it was closed to them
let unreached = null; // what the reader was told of a site that cannot be reached
let lead = "No connection.";
let leaving = null;
const goingOn = new GoingOn({ form, plan, keeping: () => keeping, reached: mayLeave });

async function start() {
  lease = await ownLease(urls.reading);
  form.lease.value = lease;
  queue = await opening;
  keeping = new Keeping({
    wire, plan, queue, lease, clock: countdown.clock, url: urls.save, revision: Number(urls.revision),
    on: { waiting, saved, conflict, resumed, over, refused, signedOut, gone },
  });
  if (urls.unsaved === undefined) await takeUp();
  else decide();
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
  if (unreached === null) hush();
  goingOn.forget();
  if (keeping?.tries === 0) said("Saving …", "", { aloud: false });
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

// What this form shows was sent, and refused because something else stands: it is saved nowhere, and its reader decides.
function decide() {
  document.getElementById("refused").remove(); // the banner asks the same
  keeping.differs({ moved: urls.unsaved === "moved" });
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

// `adjusted`: what could not be kept as it stands here.
function saved({ revision, savedAt, adjusted }) {
  form.base_revision.value = urls.revision = revision;
  if (keeping.unsent) return;
  reached();
  const at = new Date(savedAt).toLocaleTimeString([], { hourCycle: "h23" });
  if (!plan.readable) said("Saved, but confidence must be 0 to 100", "waiting");
  else if (adjusted.length) said("Saved, but a part of your text cannot be kept", "waiting");
  else said(`Saved ${at}`);
  if (countdown.ended) leave();
  else goingOn.go();
}

function waiting(reason) {
  said(countdown.ended ? `Time is up. Not sent yet: ${reason}.` : `Not saved yet: ${reason}. Trying again …`, "waiting");
  if (reason === "signed out") return;
  lead = reason === "no connection" ? "No connection." : "The site does not answer just now.";
  sayUnreached();
}

function reached() {
  if (unreached !== null) untell(unreached);
  unreached = null;
}

// From the first save that failed: where the choices are, and until when they count.
function sayUnreached() {
  const place = keeping.onDevice ? "on this device" : "on this page: keep it open";
  const sentences = countdown.late
    ? ["Time is up. What had reached us is your answer; what is", keeping.onDevice ? "on this device" : "on this page", "is sent as soon as there is a connection, kept apart, and the study team is told."]
    : [countdown.ended ? `Time is up. ${lead}` : lead, `Your choices are kept ${place},`, countdown.countsUntil ? `and count if they arrive by ${countdown.countsUntil}.` : "and are sent when the connection is back."];
  if (goingOn.wanted && !countdown.ended) sentences.push("The review opens as soon as everything is saved.");
  const offered = keeping.stuck && queue !== null;
  if (offered) sentences.push("Should this device fail, take a file along: the receipt of this case takes it in.");
  unreached = sentences.join(" ");
  tell(unreached, offered ? { [DOWNLOAD]: () => download(queue, keeping.entry(), `answers-${urls.reading.slice(0, 8)}.json`) } : {});
}

function refused(sentence) {
  unreached = null;
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

async function ask({ take = false, keepMine = false, again = false } = {}) {
  const answer = await wire.post(urls.lease, { lease, take }).catch(() => null);
  if (answer?.ok && meant(answer)) {
    remember(urls.reading, lease);
    if (!take && answer.body.revision < keeping.revision) return; // it was on its way while this page went on
    const other = answer.body.revision !== keeping.revision;
    if (take || (!keeping.unsent && (keeping.halted || other))) keeping.goOn(answer.body, { keepMine });
  } else if (answer?.told && answer.status === 423) keeping.conflict({ moved: true, ...answer.body });
  else if (answer?.told && answer.status === 410) closed();
  else if (answer?.status === 401 || answer?.status === 400) {
    if ((await signedOut()) && !again) await ask({ take, keepMine, again: true });
  } else if (take) said("No connection just now. Press it again in a moment.", "waiting");
}

function conflict({ moved, unsent }) {
  unreached = null;
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
}

// A decision that is asked for stays; the time is told without it too.
function given(words) {
  if (keeping && !keeping.halted) tell(words);
}

// To the receipt, once the server has everything and has closed the case.
async function leave() {
  if (!countdown.ended || !keeping) return;
  if (keeping.unsent && !keeping.refusal) {
    keeping.halted = false; // the choice is over with the time: what this page holds is sent, to be kept apart
    if (keeping.tries === 0) keeping.now();
  } else await resync();
  if (unreached !== null && keeping.unsent) sayUnreached(); // the grace may be over since
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
  unreached = null;
  if (!keptApart) return location.replace(urls.here);
  said("Time is up", "lost");
  const stands = keeping.revision ? "Your last answer that reached us in time stands." : "Nothing had reached us before, so this case counts as answered with nothing chosen.";
  tell(`This arrived after the time was over and is not counted: it is kept apart for the study team. ${stands} If a fault of ours cost you time, report it.`, { "Go on": () => location.replace(urls.here) });
}

async function resync() {
  const answer = await wire.ask(urls.clock).catch(() => null);
  if (answer?.ok && keeping) meanwhile(answer.body);
  return answer;
}

// Who is signed out with everything saved goes on to the sign-in: there is nothing to wait for here.
async function mayLeave() {
  const answer = await resync();
  return answer !== null && (answer.ok || SIGNED_OUT.includes(answer.status));
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
