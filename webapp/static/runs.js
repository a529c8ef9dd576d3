// While an analysis runs: say how far it is, and show the page again when one has ended. Without a script, reload.
const PERIOD_MS = 2500;
const going = document.getElementById("going");
const progress = document.getElementById("progress");
for (const hint of going.querySelectorAll(".unscripted")) hint.hidden = true;

async function look() {
  try {
    const answer = await fetch(going.dataset.poll, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const found = (await answer.json()).going;
    if (found.length !== Number(going.dataset.count)) return location.reload();
    const oldest = found[found.length - 1];
    const said = oldest.state === "running" ? oldest.progress : "waiting for a worker";
    if (progress.textContent !== said) progress.textContent = said;
  } catch {
    progress.textContent = "the site does not answer just now; trying again";
  }
  setTimeout(look, PERIOD_MS);
}
setTimeout(look, PERIOD_MS);
