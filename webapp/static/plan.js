// What stands on the form of a case: read, shown, and closed to changes.
import { confidenceFits } from "./choosing.js";

export class Plan {
  constructor(form) {
    this.form = form;
    this.options = [...form.querySelectorAll("input[name=selected]")];
    this.resources = [...form.querySelectorAll("input[name=resources]")];
    this.nothing = document.getElementById("nothing");
    this.confidence = document.getElementById("confidence");
    this.rationale = document.getElementById("rationale");
    this.frozen = false;
  }

  draft() {
    const ticked = (boxes) => boxes.filter((box) => box.checked).map((box) => box.value).sort();
    return {
      selected: ticked(this.options),
      confidence: this.confidence.value !== "" && this.readable ? Number(this.confidence.value) : null,
      rationale: this.rationale.value,
      resources: ticked(this.resources),
      nothing_to_recommend: this.nothing.checked,
    };
  }

  get readable() { return confidenceFits(this.confidence); }

  show(draft) {
    for (const box of this.options) box.checked = draft.selected.includes(box.value);
    for (const box of this.resources) box.checked = draft.resources.includes(box.value);
    this.nothing.checked = draft.nothing_to_recommend;
    this.confidence.value = draft.confidence ?? "";
    this.rationale.value = draft.rationale;
  }

  // What was put down before the script ran: control by control, and how to put it down again.
  touched() {
    const boxes = [...this.options, ...this.resources, this.nothing].filter((box) => box.checked !== box.defaultChecked);
    const fields = [this.confidence, this.rationale].filter((field) => field.value !== field.defaultValue);
    return [
      ...boxes.map((box) => ({ name: box.name === "selected" ? box.value : box.name, again: ((checked) => () => { box.checked = checked; })(box.checked) })),
      ...fields.map((field) => ({ name: field.name, again: ((value) => () => { field.value = value; })(field.value) })),
    ];
  }

  freeze() { this.close(true); }

  thaw() { this.close(false); }

  close(frozen) {
    this.frozen = frozen;
    this.form.classList.toggle("frozen", frozen);
    for (const control of this.form.querySelectorAll("input:not([type=hidden]), textarea, button[type=submit]")) control.disabled = frozen;
  }
}

export function same(one, other) {
  return JSON.stringify(inOrder(one)) === JSON.stringify(inOrder(other));
}

function inOrder({ selected, confidence, rationale, resources, nothing_to_recommend }) {
  return [[...selected].sort(), confidence, rationale, [...resources].sort(), nothing_to_recommend];
}
