// The instructions, one key away and without leaving the page. Without scripts the links lead to their own page.
import { meantForThePage, shortcutsOn, turnShortcuts } from "./shortcuts.js";

const dialog = document.getElementById("guide");
const links = [...document.querySelectorAll("a[data-guide]")];

if (dialog) {
  document.getElementById("guide-close").addEventListener("click", () => dialog.close());
  for (const link of links) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      show();
    });
  }
}

function show() {
  if (dialog.open) return;
  dialog.showModal();
  dialog.scrollTop = 0;
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "?" || !shortcutsOn() || !meantForThePage(event)) return;
  event.preventDefault();
  if (dialog) show();
});

function tellOfTheKey() {
  for (const hint of document.querySelectorAll("[data-single-key]")) hint.hidden = !shortcutsOn();
}

const choice = document.getElementById("shortcuts");
if (choice) {
  choice.checked = shortcutsOn();
  choice.addEventListener("change", () => { turnShortcuts(choice.checked); tellOfTheKey(); });
  choice.closest("[data-shortcuts]").hidden = false;
  tellOfTheKey();
}
