// The time left for the case and for the sitting, always recomputed from the server's clock and never counted down.
import { ServerClock } from "./server_clock.js";

const WARNINGS_MS = [[300_000, "Five minutes left."], [60_000, "One minute left."], [20_000, "20 seconds left."]];
const TICK_MS = 250, WORTH_SAYING_MS = 2000, JUMP_MS = 2000, LAST_LOOK_MS = 5000, ASK_AGAIN_MS = 3000;

export function shown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60, rest = seconds % 60;
  const two = (n) => String(n).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

function number(text) { return text === undefined ? null : Number(text); }

// In words: 1 minute 30 seconds.
export function inWords(ms) {
  const seconds = Math.round(ms / 1000);
  const counted = (n, noun) => (n ? [`${n} ${noun}${n === 1 ? "" : "s"}`] : []);
  return [...counted(Math.floor(seconds / 60), "minute"), ...counted(seconds % 60, "second")].join(" ");
}

export class Countdown {
  // `onEnd`: the time is over. `onMore`: it was, and the server gave more. `onGiven`: the reader is to know how much more.
  // `ask` asks the server, and ends in `correctTo`; where nobody can be asked, the estimate stands.
  constructor(dataset, { onEnd = () => {}, onMore = () => {}, onGiven = () => {}, ask = null } = {}) {
    Object.assign(this, { onEnd, onMore, onGiven, ask });
    this.clock = new ServerClock();
    this.clock.noteThePage(Number(dataset.nowMs));
    this.toldMs = Number(dataset.nowMs); // the server's time of the newest word that this page has had
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

  // Until when what arrives is counted, as the clock on the reader's wall shows it.
  get countsUntil() { return this.limited ? new Date(this.deadlineMs + this.graceMs).toLocaleTimeString([], { hourCycle: "h23" }) : null; }

  // What is sent now comes too late.
  get late() { return this.limited && this.clock.trusted && this.left() < -this.graceMs; }

  left() { return this.deadlineMs - this.clock.now(); }

  // The server's word, and when it was asked and given. A deadline only ever moves later: an answer that was overtaken
  // by a newer one takes nothing back.
  correctTo({ now_ms, deadline_ms, session_ends_ms }, exchange) {
    this.clock.note(now_ms, exchange);
    const overtaken = now_ms < this.toldMs;
    this.toldMs = Math.max(now_ms, this.toldMs);
    this.sessionEndsMs = overtaken ? later(session_ends_ms, this.sessionEndsMs) : session_ends_ms;
    if (!this.limited || deadline_ms === null) return;
    const ends = overtaken ? later(deadline_ms, this.deadlineMs) : deadline_ms;
    const more = ends - this.deadlineMs;
    this.deadlineMs = ends;
    this.totalMs += more;
    if (more > 0) this.lookedLast = false;
    if (more > 0 && this.ended && this.left() > 0) {
      this.ended = false;
      this.onMore();
    }
    if (more > WORTH_SAYING_MS) this.given(more);
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
    this.sitting.hidden = this.sessionEndsMs <= this.deadlineMs; // then the case's own time says it all
    write(this.sitting.querySelector(".time"), known ? shown(this.sessionEndsMs - this.clock.now()) : "–:––");
  }

  // What was said of the time before is not so any more, and is said again when it is.
  given(more) {
    const words = `You were given ${inWords(more)} more.`;
    this.previous = this.left();
    this.said = new Set([...this.said].filter((at) => at >= this.previous));
    this.announce.textContent = words;
    this.onGiven(words);
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
      button.textContent = hide ? "Show time" : "Hide time";
    });
  }
}

// Null: there is no such limit.
function later(one, other) { return one === null || other === null ? other : Math.max(one, other); }

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
