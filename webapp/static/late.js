// A case that is over: what this device still holds for it is sent all the same, and kept apart by the study team.
import { taken } from "./answer_file.js";
import { forget, newWord, ownLease } from "./lease.js";
import { same } from "./plan.js";
import { Queue } from "./queue.js";
import { meant, pause, Wire } from "./wire.js";

const page = document.getElementById("late");
const told = page.querySelector("[role=status]");
const wire = new Wire({ csrf: page.querySelector("input[name=csrf_token]") });
const opening = Queue.from(page).catch(() => null);
const openedMs = Number(page.dataset.nowMs) - performance.now();
const SENTENCES = {
  200: "Everything that was on this device had arrived in time.",
  apart: "What was still on this device was sent now. It is kept apart for the study team, and is not counted: what had reached us in time stands.",
  410: "What was still on this device is the same as what stands, or is not taken any more.",
  404: "What was still on this device was not taken: the case is not open to you any more.",
  429: "What was still on this device was not taken: too much came for this case after its end. Tell the study team in a report what is missing.",
  422: "What was still on this device was not taken: this form could not have made it.",
};
const SETTLED = [200, "apart", 410]; // the site has it, or has said that it has no use for it: only then it is let go of

async function start() {
  const lease = await ownLease();
  forget(page.dataset.reading); // it takes nothing more
  const queue = await opening;
  if (queue === null) return;
  for (const { slot, entry } of (await queue.left(lease)).reverse()) {
    const outcomes = await sent(entry, lease);
    say(sentence(outcomes));
    if (outcomes.every((each) => SETTLED.includes(each))) await queue.remove(slot);
  }
  const offered = page.querySelector("details");
  if (offered === null) return;
  offered.hidden = false;
  offered.querySelector("input").addEventListener("change", async ({ target }) => {
    const entry = await taken(queue, target.files[0]);
    if (entry === null) say("This is no file of answers for this case.");
    else say(sentence(await sent(entry, lease)));
  });
}

function say(text) {
  told.textContent = text;
  told.hidden = false;
}

// Whatever was sent already is sent again under its own key, and what came after under one of its own.
async function sent({ pending, draft, base_revision, offsets_ms, shown_ms }, lease) {
  const newer = draft !== null && !(pending && same(draft, pending.draft));
  const all = [...(pending ? [pending] : []), ...(newer ? [{ key: newWord(), base_revision, draft, offsets_ms }] : [])];
  const outcomes = [];
  for (const each of all) {
    const elapsed_ms = Math.max(0, Math.round(openedMs + performance.now() - shown_ms));
    const { status, body } = await tried({ ...each, lease, elapsed_ms });
    outcomes.push(status === 410 && body.kept_apart ? "apart" : status);
  }
  return outcomes;
}

function sentence(outcomes) { return SENTENCES[outcomes.includes("apart") ? "apart" : outcomes.at(-1)]; }

async function tried(body) {
  for (let tries = 0; ; tries += 1) {
    const answer = await wire.post(page.dataset.save, body).catch(() => null);
    const believed = answer !== null && meant(answer);
    if (believed && answer.status in SENTENCES) return answer;
    if (believed && (answer.status === 409 || answer.status === 423)) location.reload(); // more time was given: the case is open again
    if (answer?.status === 400 || answer?.status === 401) await wire.ask(page.dataset.clock).catch(() => null);
    say("This device still holds answers for this case. They are sent as soon as the site can be reached; please keep this page open.");
    await new Promise((resolve) => { setTimeout(resolve, pause(tries, answer?.waitMs)); });
  }
}

start();
