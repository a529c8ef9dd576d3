// What a page says: one word on whether all is kept, and a banner for what the reader must know or decide.
const kept = document.getElementById("kept");
const banner = document.getElementById("banner");

// Not `aloud`: for the eyes only, where something more will be said at once.
export function said(text, state = "", { aloud = true } = {}) {
  kept.setAttribute("aria-live", aloud ? "polite" : "off");
  if (kept.textContent !== text) kept.textContent = text;
  kept.className = `kept ${state}`;
}

// `choices`: label → what pressing it does. The same words again change nothing, so that they are not read out again.
export function tell(text, choices = {}) {
  const told = JSON.stringify([text, Object.keys(choices)]);
  if (!banner.hidden && banner.dataset.told === told) return;
  banner.dataset.told = told;
  const sentence = document.createElement("span");
  sentence.textContent = text;
  banner.replaceChildren(sentence, ...Object.entries(choices).map(button));
  banner.hidden = false;
}

// Where the form is closed to somebody who was in it, the banner is where they go on. Not its first button: whoever was
// typing would press it.
export function attend() {
  banner.tabIndex = -1;
  banner.focus({ preventScroll: true });
}

// A hint goes with the next change. What asks for a decision stays: a press on its button is also what ends a field's edit.
export function hush() {
  if (!banner.querySelector("button")) tellNothing();
}

// What was told is settled; what was told since stays.
export function untell(text) {
  if (banner.firstElementChild?.textContent === text) tellNothing();
}

export function tellNothing() {
  banner.hidden = true;
  banner.replaceChildren();
}

function button([label, act], at) {
  const press = document.createElement("button");
  press.type = "button";
  press.className = `btn btn-sm ${at ? "btn-outline-secondary" : "btn-primary"}`;
  press.textContent = label;
  press.addEventListener("click", act);
  return press;
}
