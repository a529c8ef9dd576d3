// From the case to its review, or out of the site: once everything is kept, and not into a page that cannot be reached.
import { tell } from "./notices.js";

const AGAIN_MS = 2000;

// `keeping` gives what keeps this page's answers, once there is one; `reached` asks the site whether it answers.
export class GoingOn {
  constructor({ form, plan, keeping, reached }) {
    Object.assign(this, { form, plan, keeping, reached });
    this.plain = false;
    this.wanted = false; // pressed already, and waiting for what is not kept yet
    form.addEventListener("submit", (event) => this.pressed(event));
    document.querySelector(".site-nav form").addEventListener("submit", (event) => this.signingOut(event));
    addEventListener("beforeunload", (event) => { if (keeping()?.unsent && !plan.frozen) event.preventDefault(); });
  }

  forget() { this.wanted = false; }

  plainly() { this.plain = true; }

  pressed(event) {
    if (this.plain) return;
    event.preventDefault();
    if (this.plan.frozen) return;
    if (!this.plan.readable) {
      tell("Confidence is a whole number from 0 to 100, or empty.");
      this.plan.confidence.focus();
      return;
    }
    this.wanted = true;
    this.go();
  }

  // Asked again after every save, until nothing is left to be kept.
  async go() {
    const keeping = this.keeping();
    if (!this.wanted || this.plan.frozen || keeping === null) return;
    if (keeping.unsent) return void keeping.now(); // where that fails, the page says what is waited for
    if (await this.reached()) {
      if (this.wanted && !keeping.unsent && !this.plan.frozen) HTMLFormElement.prototype.submit.call(this.form);
    } else {
      if (this.wanted) tell("The review opens as soon as the site can be reached.");
      setTimeout(() => this.go(), AGAIN_MS);
    }
  }

  async signingOut(event) {
    const keeping = this.keeping();
    if (!keeping?.unsent) return;
    event.preventDefault();
    const leaving = event.target;
    await keeping.now();
    if (!keeping.unsent) leaving.submit();
    else if (!keeping.halted) tell("Not everything is saved yet. Sign out once it says Saved.");
  }
}
