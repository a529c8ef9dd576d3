// Answers for another case that this device still holds: where it says so, and how they are sent.
import { waiting } from "./queue.js";

const place = document.getElementById("unsent");
const [reading] = await waiting(place.dataset.respondent).catch(() => []);
if (reading) {
  place.querySelector("a").href = place.dataset.reading.replace("READING", reading);
  place.hidden = false;
}
