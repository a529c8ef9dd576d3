// Single keys that do something. Whoever speaks to their computer can turn them off: a word would press them.

const NAME = "primum.shortcuts";

export function shortcutsOn() {
  try {
    return localStorage.getItem(NAME) !== "off";
  } catch {
    return true; // a browser that keeps nothing
  }
}

export function turnShortcuts(on) {
  try {
    if (on) localStorage.removeItem(NAME);
    else localStorage.setItem(NAME, "off");
  } catch {
    // it stays as it is
  }
}

// Whether this key press is meant for the page, and not for a field that takes text.
export function meantForThePage(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  return !event.target.closest("textarea, select, dialog, input:not([type=checkbox], [type=radio])");
}
