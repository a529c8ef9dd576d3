// Practice: the form and the clock of a case, and nobody to send anything to. Serves the case and its review alike.
import { choosing, confidenceFits } from "./choosing.js";
import { Countdown } from "./countdown.js";
import { tell, tellNothing } from "./notices.js";

const page = document.getElementById("practice");

new Countdown(page.dataset, { onEnd: () => location.replace(page.dataset.end) });

if (page.matches("form")) {
  choosing(page, { tell, onChange: tellNothing });
  page.addEventListener("submit", (event) => {
    const confidence = page.elements.confidence;
    if (confidenceFits(confidence)) return;
    event.preventDefault();
    tell("Confidence is a whole number from 0 to 100, or empty.");
    confidence.focus();
  });
}
