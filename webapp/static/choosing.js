// The list of options, the same on a case and in practice: what excludes what, how many are chosen, how one is found.
import { meantForThePage, shortcutsOn } from "./shortcuts.js";

// A number field shows nothing of what it cannot read: then its value is empty and the field itself says so. It reads
// “50.0” and “1e2” too, which the form behind it does not take.
export function confidenceFits(field) {
  return !field.validity.badInput && (field.value === "" || (/^\d{1,3}$/.test(field.value) && Number(field.value) <= 100));
}

// `tell` says a sentence to the reader; `onChange` is given the option or field that was changed on purpose.
export function choosing(form, { tell, onChange = () => {} }) {
  const options = [...form.querySelectorAll("input[name=selected]")];
  const nothing = document.getElementById("nothing");
  const filter = document.getElementById("filter");
  const showAll = document.getElementById("clear-filter");
  const rows = options.map((box) => ({ box, row: box.closest(".option"), words: box.closest(".option").textContent.toLowerCase() }));

  form.addEventListener("change", (event) => {
    const { target } = event;
    if (target === filter) return;
    if (target === nothing && nothing.checked && options.some((box) => box.checked)) {
      nothing.checked = false;
      tell("You have chosen options. Take those back first if nothing is to be recommended.");
      return;
    }
    if (target.name === "selected" && target.checked) nothing.checked = false;
    if (target.name === "resources" && target.checked) onlyOneKind(target);
    count();
    onChange(target.name === "selected" ? target.value : target.name);
  });

  // Nothing but one's own knowledge, or something else: both cannot be true.
  function onlyOneKind(ticked) {
    for (const box of form.querySelectorAll("input[name=resources]:checked")) {
      if ((box.value === "none") !== (ticked.value === "none")) box.checked = false;
    }
  }

  // Told aloud where somebody looks for an option; that what they tick is saved is told for itself.
  function count({ aloud = false } = {}) {
    const all = options.filter((box) => box.checked).length;
    const shown = rows.filter(({ row }) => !row.hidden).length;
    const filtered = filter.value.trim() !== "";
    const counter = document.getElementById("count");
    counter.setAttribute("aria-live", aloud ? "polite" : "off");
    counter.textContent = filtered ? `${shown} of ${options.length} shown · ${all} chosen` : `${all} of ${options.length} chosen`;
    showAll.hidden = !filtered;
    for (const kind of form.querySelectorAll("fieldset.kind")) {
      const place = kind.querySelector(".chosen-here");
      const here = kind.querySelectorAll("input[name=selected]:checked").length;
      if (place) place.textContent = here ? `${here} chosen` : "";
    }
  }

  function find() {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const { row, words: text } of rows) {
      row.hidden = !words.every((word) => text.includes(word));
      found += row.hidden ? 0 : 1;
    }
    for (const kind of form.querySelectorAll("fieldset.kind")) {
      const own = [...kind.querySelectorAll(".option input[name=selected]")];
      if (own.length) kind.hidden = own.every((box) => box.closest(".option").hidden);
    }
    document.getElementById("no-match").hidden = found > 0;
    count({ aloud: true });
  }

  function clear() {
    filter.value = "";
    find();
  }

  filter.addEventListener("input", find);
  filter.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault();
  });
  showAll.addEventListener("click", () => { clear(); filter.focus(); });
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("dialog")) return;
    if (event.key === "Escape" && filter.value !== "" && !event.target.matches("textarea, input[type=number]")) return clear();
    const typing = event.target.matches("input[type=search], input[type=number], textarea");
    if (event.key === "/" && shortcutsOn() && meantForThePage(event)) {
      event.preventDefault();
      filter.focus();
      return;
    }
    if (typing && event.target !== filter) return;
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const visible = options.filter((box) => !box.closest(".option").hidden);
    const at = visible.indexOf(document.activeElement);
    const next = visible[event.key === "ArrowDown" ? at + 1 : at - 1];
    if (at === -1 && document.activeElement !== filter && document.activeElement !== document.body) return;
    if (!next) return;
    event.preventDefault();
    next.focus();
  });

  document.querySelector(".no-script")?.remove();
  form.querySelector(".errors")?.scrollIntoView({ block: "center" }); // a form that was refused opens at what was wrong
  document.getElementById("finder").hidden = false;
  count();
  return { options, count };
}
