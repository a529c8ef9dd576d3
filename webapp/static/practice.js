// Practice: the form and the clock of a case, and nobody to send anything to. Serves the case and its review alike.
import { choosing, confidenceFits } from "./choosing.js";
import { Countdown } from "./countdown.js";

const page = document.getElementById("practice");
const banner = document.getElementById("banner");
const shown = { at: Date.now(), nowMs: Number(page.dataset.nowMs), deadlineMs: Number(page.dataset.deadlineMs) };

const countdown = new Countdown(page.dataset, { onEnd: () => location.replace(page.dataset.end), ask: askTheDevice });

// Nothing hangs on this clock: after a sleep the device's own word is good enough, and the server is not asked.
function askTheDevice() {
  const now = performance.now();
  const told = { now_ms: shown.nowMs + Date.now() - shown.at, deadline_ms: shown.deadlineMs, session_ends_ms: null };
  countdown.correctTo(told, { sentAt: now, receivedAt: now });
}

function tell(text) {
  banner.textContent = text;
  banner.hidden = false;
}

if (page.matches("form")) {
  choosing(page, { tell, onChange: () => { banner.hidden = true; } });
  page.addEventListener("submit", (event) => {
    const confidence = page.elements.confidence;
    if (confidenceFits(confidence)) return;
    event.preventDefault();
    tell("Confidence is a whole number from 0 to 100, or empty.");
    confidence.focus();
  });
}
// A page out of the history would show a clock that stood still meanwhile.
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
