// Begin is pressed once, and by the name under which this tab then writes.
import { ownLease } from "./lease.js";

const form = document.getElementById("begin");
let pressed = false;

form?.addEventListener("submit", (event) => {
  if (pressed) event.preventDefault();
  pressed = true;
});
addEventListener("pageshow", (event) => { if (event.persisted) pressed = false; });
if (form) form.lease.value = await ownLease();
