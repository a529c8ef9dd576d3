// Begin is pressed once, and by the name under which this tab then writes.
import { ownLease } from "./lease.js";

const form = document.getElementById("begin");
const PRESS_AGAIN_MS = 10_000; // it was stopped on its way: to begin twice is to begin once
let pressed = false;

form?.addEventListener("submit", (event) => {
  if (pressed) event.preventDefault();
  else setTimeout(() => { pressed = false; }, PRESS_AGAIN_MS);
  pressed = true;
});
addEventListener("pageshow", (event) => { if (event.persisted) pressed = false; });
if (form) form.lease.value = await ownLease();
