// The time left, counted from what the server says with a clock that nobody can set. Recomputed, never decremented.

const WARNINGS_MS = [[300_000, "Five minutes left."], [60_000, "One minute left."], [20_000, "20 seconds left."]];

export function shown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60, rest = seconds % 60;
  const two = (n) => String(n).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

export class Countdown {
  constructor({ remainingMs, totalMs, onEnd }) {
    this.limited = remainingMs !== null;
    this.totalMs = totalMs;
    this.onEnd = onEnd;
    this.ended = false;
    this.face = document.getElementById("timer");
    this.bar = document.getElementById("bar");
    this.announce = document.getElementById("announce");
    this.said = new Set();
    if (!this.limited) return;
    this.correct(remainingMs);
    this.previous = remainingMs;
    this.offerToHide();
    this.ticking = setInterval(() => this.tick(), 250);
  }

  // The server's word, at this moment.
  correctTo({ now_ms, deadline_ms }) {
    if (deadline_ms !== null) this.correct(deadline_ms - now_ms);
  }

  correct(remainingMs) {
    if (remainingMs === null) return;
    this.endsAt = performance.now() + remainingMs;
    this.tick();
  }

  left() { return this.endsAt - performance.now(); }

  tick() {
    if (!this.limited || this.ended) return;
    const left = this.left();
    const text = shown(left);
    if (this.face.textContent !== text) this.face.textContent = text;
    this.bar.classList.toggle("short", left <= 60_000);
    this.warn(left);
    this.previous = left;
    if (left <= 0) {
      this.ended = true;
      clearInterval(this.ticking);
      this.onEnd();
    }
  }

  warn(left) {
    const steps = [[this.totalMs / 2, "Half of the time is left."], ...WARNINGS_MS];
    for (const [at, words] of steps) {
      if (this.previous !== undefined && this.previous > at && left <= at && at < this.totalMs && !this.said.has(at)) {
        this.said.add(at);
        this.announce.textContent = words;
      }
    }
  }

  offerToHide() {
    const button = document.getElementById("toggle-timer");
    button.hidden = false;
    button.addEventListener("click", () => {
      const hide = !this.face.hidden;
      this.face.hidden = hide;
      button.setAttribute("aria-pressed", String(hide));
      button.textContent = hide ? "Show time" : "Hide time";
    });
  }
}

// What a dataset says of the clock: null where there is no limit.
export function clockOf(dataset) {
  const number = (text) => (text === undefined ? null : Number(text));
  const deadlineMs = number(dataset.deadlineMs);
  return { remainingMs: deadlineMs === null ? null : deadlineMs - Number(dataset.nowMs), totalMs: number(dataset.totalMs), graceMs: Number(dataset.graceMs || 0) };
}
