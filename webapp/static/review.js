// The review shows the same clock. When it ends, the server closes the case and shows the receipt.
import { Countdown, clockOf } from "./countdown.js";

const page = document.getElementById("review");
const { remainingMs, totalMs, graceMs } = clockOf(page.dataset);
const countdown = new Countdown({
  remainingMs,
  totalMs,
  onEnd() {
    document.getElementById("kept").textContent = "Time is up. What is shown here is kept.";
    setTimeout(() => location.replace(page.dataset.here), graceMs + 500);
  },
});
page.querySelector("input[name=lease]").value = sessionStorage.getItem("lease") ?? "";
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
document.addEventListener("visibilitychange", async () => {
  if (document.visibilityState !== "visible" || !countdown.limited) return;
  const answer = await fetch(page.dataset.clock).catch(() => null);
  if (answer && answer.ok) countdown.correctTo(await answer.json());
});
