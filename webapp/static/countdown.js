// The time left for the case and for the sitting, always recomputed from the server's clock and never counted down.
import { ServerClock } from "./server_clock.js";

const WARNINGS_MS = [[300_000, "Five minutes left."], [60_000, "One minute left."], [20_000, "20 seconds left."]];
const TICK_MS = 250, JUMP_MS = 2000, LAST_LOOK_MS = 5000, ASK_AGAIN_MS = 3000;

export function shown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60, rest = seconds % 60;
  const two = (n) => String(n).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

function number(text) { return text === undefined ? null : Number(text); }

export class Countdown {
  // `onEnd`: the time is over. `onMore`: it was, and the server gave more. `ask` asks the server, and ends in `correctTo`;
  // where nobody can be asked, the estimate stands.
  constructor(dataset, { onEnd = () => {}, onMore = () => {}, ask = null } = {}) {
    Object.assign(this, { onEnd, onMore, ask });
    this.clock = new ServerClock();
    this.clock.noteThePage(Number(dataset.nowMs));
    this.deadlineMs = number(dataset.deadlineMs);
    this.sessionEndsMs = number(dataset.sessionEndsMs);
    this.totalMs = number(dataset.totalMs);
    this.graceMs = Number(dataset.graceMs || 0);
    this.ended = false;
    this.said = new Set();
    this.lookedLast = false;
    this.askedAt = -Infinity;
    this.seen = { date: Date.now(), performance: performance.now() };
    this.bar = document.getElementById("bar");
    this.face = document.getElementById("timer");
    this.sitting = document.getElementById("sitting");
    this.announce = document.getElementById("announce");
    if (!this.limited) return;
    this.previous = this.left();
    this.offerToHide();
    setInterval(() => this.tick(), TICK_MS);
  }

  get limited() { return this.face !== null && this.deadlineMs !== null; }

  left() { return this.deadlineMs - this.clock.now(); }

  // The server's word, and when it was asked and given. A deadline only ever moves later.
  correctTo({ now_ms, deadline_ms, session_ends_ms }, exchange) {
    this.clock.note(now_ms, exchange);
    this.sessionEndsMs = session_ends_ms;
    if (!this.limited || deadline_ms === null) return;
    const more = deadline_ms - this.deadlineMs;
    this.deadlineMs = deadline_ms;
    this.totalMs += more;
    if (more > 0) this.lookedLast = false;
    if (more > 0 && this.ended && this.left() > 0) {
      this.ended = false;
      this.onMore();
    }
    this.tick();
  }

  tick() {
    if (this.jumped() && this.ask) this.clock.doubt();
    if (!this.clock.trusted && performance.now() - this.askedAt > ASK_AGAIN_MS) this.look();
    const left = this.left();
    this.show(left);
    if (!this.clock.trusted) return; // a stale estimate ends nothing
    this.warn(left);
    this.previous = left;
    if (left <= LAST_LOOK_MS && !this.lookedLast) {
      this.lookedLast = true; // more time may have been given since the page last heard of it
      this.look();
    }
    if (left <= 0 && !this.ended) {
      this.ended = true;
      this.onEnd();
    }
  }

  look() {
    this.askedAt = performance.now();
    this.ask?.();
  }

  // Two clocks that do not go alike, or a page that stood still: the device slept, or somebody set its clock.
  jumped() {
    const now = { date: Date.now(), performance: performance.now() };
    const dated = now.date - this.seen.date, passed = now.performance - this.seen.performance;
    this.seen = now;
    return Math.abs(dated - passed) > JUMP_MS || passed > JUMP_MS + TICK_MS;
  }

  show(left) {
    const known = this.clock.trusted || this.ended;
    write(this.face, known ? shown(left) : "–:––");
    this.bar.classList.toggle("short", known && left <= 60_000);
    if (this.sitting === null || this.sessionEndsMs === null) return;
    this.sitting.hidden = this.sessionEndsMs === this.deadlineMs; // then the sitting's clock is the one that is shown
    write(this.sitting.querySelector(".time"), known ? shown(this.sessionEndsMs - this.clock.now()) : "–:––");
  }

  warn(left) {
    const steps = [[this.totalMs / 2, "Half of the time is left."], ...WARNINGS_MS];
    for (const [at, words] of steps) {
      if (this.previous > at && left <= at && at < this.totalMs && !this.said.has(at)) {
        this.said.add(at);
        this.announce.textContent = words;
      }
    }
  }

  offerToHide() {
    const button = document.getElementById("toggle-timer");
    button.hidden = false;
    button.addEventListener("click", () => {
      const hide = this.bar.classList.toggle("timeless");
      button.setAttribute("aria-pressed", String(hide));
      button.textContent = hide ? "Show time" : "Hide time";
    });
  }
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
