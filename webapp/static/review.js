// The review shows the same clock, and submits once: not before the site can be reached, and no second time.
import { Countdown } from "./countdown.js";
import { ownLease } from "./lease.js";
import { said, tell, tellNothing } from "./notices.js";
import { watch } from "./presence.js";
import { Queue } from "./queue.js";
import { pause, Wire } from "./wire.js";

const page = document.getElementById("review");
const urls = page.dataset;
const form = page.querySelector("form");
const opening = Queue.from(page).catch(() => null);
document.querySelector(".no-script")?.remove();
const countdown = new Countdown(urls, { onEnd: timeIsUp, onGiven: given, ask: resync });
const wire = new Wire({ csrf: form.csrf_token, onTime: (found, exchange) => countdown.correctTo(found, exchange) });
const PRESS_AGAIN_MS = 10_000; // a submit that was stopped on its way; the site takes the same one only once
const SIGNED_OUT = [0, 401]; // the site leads to its sign-in, and back again
let submitting = false, tries = 0;

async function start() {
  const lease = await ownLease(urls.reading);
  form.lease.value = lease;
  const queue = await opening;
  const left = (await queue?.left(lease).catch(() => [])) ?? [];
  if (left.length) tell("This device holds something for this case that was never sent.", { "Back to the case": () => location.assign(urls.here) });
  watch({
    url: urls.beat, lease: () => lease, csrf: () => form.csrf_token.value, onOver: leave,
    onClock: (found, exchange) => countdown.correctTo(found, exchange),
    onMoved: () => tell("This case is open in another window or on another device, and goes on there.", { "Back to the case": () => location.assign(urls.here) }),
  });
}

async function resync() {
  const answer = await wire.ask(urls.clock).catch(() => null);
  if (answer?.ok && answer.body.state !== "open") leave();
  return answer !== null && (answer.ok || SIGNED_OUT.includes(answer.status));
}

function timeIsUp() {
  said("Time is up. What is shown here is kept.");
  setTimeout(leaveWhenOver, countdown.graceMs + 500);
}

function given(words) {
  said("");
  tell(words);
}

async function leaveWhenOver() {
  if (!countdown.ended) return;
  await resync(); // it leaves as soon as the server says that the case is over
  setTimeout(leaveWhenOver, pause(2, 500));
}

function leave() { location.replace(urls.here); }

// A form that is sent without a connection would leave the page for the browser's own, which knows of nothing.
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (submitting) return;
  submitting = true;
  submit(event.submitter);
});

async function submit(button) {
  if (await resync()) {
    tellNothing();
    if (button?.name) form.append(Object.assign(document.createElement("input"), { type: "hidden", name: button.name, value: button.value }));
    setTimeout(() => { submitting = false; }, PRESS_AGAIN_MS);
    return HTMLFormElement.prototype.submit.call(form);
  }
  said("Not submitted yet: no connection. Trying again …", "waiting");
  setTimeout(submit, pause(tries++), button);
}

addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") resync(); });

start();
