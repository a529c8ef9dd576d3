// What the server's clock says now, by a clock that nobody can set. Each exchange gives one estimate: the server's word
// belongs half-way between asking and being told. The quickest of the last few exchanges is nearest to the truth.
const KEPT = 8;

export class ServerClock {
  constructor() {
    this.exchanges = [];
    this.offset = 0;
    this.since = 0; // what was asked before says nothing
  }

  note(nowMs, { sentAt, receivedAt }) {
    if (sentAt < this.since) return;
    this.exchanges.push({ took: receivedAt - sentAt, offset: nowMs - (sentAt + receivedAt) / 2 });
    if (this.exchanges.length > KEPT) this.exchanges.shift();
    this.offset = this.exchanges.reduce((best, each) => (each.took < best.took ? each : best)).offset;
  }

  // The page itself was the first exchange.
  noteThePage(nowMs) {
    const [loading] = performance.getEntriesByType?.("navigation") ?? [];
    const told = loading?.responseStart > 0 && loading.responseStart <= performance.now();
    this.note(nowMs, told ? { sentAt: loading.requestStart, receivedAt: loading.responseStart } : { sentAt: 0, receivedAt: performance.now() });
  }

  now() { return performance.now() + this.offset; }

  // The device slept, or its clocks were set: what was known until now says nothing about now.
  doubt() {
    this.exchanges = [];
    this.since = performance.now();
  }

  get trusted() { return this.exchanges.length > 0; }
}
