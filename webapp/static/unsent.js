// Answers for another case that this device still holds: where it says so, and how they are sent.
import { waiting } from "./queue.js";

const LOOK_AGAIN_MS = 2000;
const place = document.getElementById("unsent");

// Looked for again: a tab that was just closed may hold its name for a moment yet, and then counts as living.
async function look() {
  const [reading] = await waiting(place.dataset.respondent).catch(() => []);
  if (!reading) return void setTimeout(look, LOOK_AGAIN_MS);
  place.querySelector("a").href = place.dataset.reading.replace("READING", reading);
  place.hidden = false;
}

look();
