// Nothing put down on this page is let go of before the server has said that it has it. What was sent under a key is
// sent again unchanged until there is an answer; what came after waits its turn, here and in the device's queue.
import { newWord } from "./lease.js";
import { same } from "./plan.js";
import { meant, pause } from "./wire.js";

const DEBOUNCE_MS = 500, LONGEST_DIRTY_MS = 10_000, STUCK_MS = 60_000, REMEMBERED = 20;

export class Keeping {
  // `on` is told what the reader should know: waiting, saved, conflict, over, refused, signedOut, gone.
  constructor({ wire, plan, clock, queue, lease, url, revision, on }) {
    Object.assign(this, { wire, plan, clock, queue, lease, url, revision, on });
    this.pending = null; // sent and not acknowledged: { key, base_revision, draft, offsets_ms }
    this.dirty = false; // something on the page is newer than what was sent
    this.unanswered = []; // every draft that was put down here, before a reload too, and may have reached the site unheard
    this.halted = false; // the reader is to decide between this page and what stands elsewhere
    this.flight = null; // the save that is under way
    this.shownMs = this.pageShownMs = clock.now();
    this.offsets = {};
    this.tries = 0;
    this.dirtySince = null; // when the oldest change was made that the server does not have
    this.keptApart = false;
    this.refusal = null; // why the server cannot take what the page shows
    this.timer = null;
    this.storing = null;
    this.onDevice = false; // whether the last write of the queue succeeded: a device may be full
  }

  get unsent() { return this.pending !== null || this.dirty; }

  get stuck() { return this.dirtySince !== null && performance.now() - this.dirtySince > STUCK_MS; }

  changed(name) {
    this.offsets[name] = Math.max(0, Math.round(this.clock.now() - this.shownMs));
    this.dirty = true;
    this.refusal = null;
    this.dirtySince ??= performance.now();
    this.store();
    if (!this.halted && this.tries === 0) this.schedule(Math.min(DEBOUNCE_MS, Math.max(0, this.dirtySince + LONGEST_DIRTY_MS - performance.now())));
  }

  schedule(ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.keep(), ms);
  }

  // At once: the network is back, or the page is about to go.
  async now() {
    this.tries = 0;
    clearTimeout(this.timer);
    await this.keep();
    if (this.unsent && this.tries === 0) await this.keep(); // what came while the one before was under way
  }

  prepare() {
    if (this.pending === null && this.dirty) {
      this.pending = { key: newWord(), base_revision: this.revision, draft: this.plan.draft(), offsets_ms: this.offsets };
      this.unanswered.push(this.pending.draft);
      this.offsets = {};
      this.dirty = false;
      this.store();
    }
    return this.pending;
  }

  keep(how) {
    this.flight ??= this.send(how).finally(() => { this.flight = null; });
    return this.flight;
  }

  async send({ keepalive = false } = {}) {
    if (this.halted || this.refusal || !this.prepare()) return;
    try {
      const body = { ...this.pending, lease: this.lease, elapsed_ms: Math.max(0, Math.round(this.clock.now() - this.shownMs)) };
      await this.settle(await this.wire.post(this.url, body, { keepalive }));
    } catch (fault) {
      this.again(fault instanceof TypeError || fault.name === "TimeoutError" ? "no connection" : "something went wrong");
    }
  }

  async settle(answer) {
    const { ok, status, body, waitMs } = answer;
    if (!meant(answer)) this.again("the site is busy", waitMs);
    else if (ok) this.acknowledged(body);
    else if (status === 409 || status === 423) this.conflict({ moved: status === 423, revision: body.revision, draft: body.draft });
    else if (status === 410) this.over(body);
    else if (status === 422) this.refused(body.error);
    else if (status === 404) {
      this.refusal = "gone";
      this.on.gone();
    } else if (status === 400 || status === 401) await this.signedOut();
    else this.again("the site is busy", waitMs);
  }

  // What was put down after it, before a reload, may have been sent as the page went: nobody has heard of that yet.
  acknowledged({ revision, saved_at, adjusted = [] }) {
    this.unanswered = this.unanswered.slice(this.unanswered.lastIndexOf(this.pending?.draft) + 1);
    this.pending = null;
    this.tries = 0;
    this.revision = revision;
    this.settled();
    this.on.saved({ revision, savedAt: saved_at, adjusted });
  }

  // What is on the page now is next, or nothing is left to be kept.
  settled() {
    if (this.dirty) {
      this.dirtySince = performance.now();
      this.schedule(0);
    } else {
      this.dirtySince = null;
      this.shownMs = this.pageShownMs;
    }
    this.store();
  }

  again(reason, waitMs = 0) {
    const ms = pause(this.tries++, waitMs);
    this.schedule(ms);
    this.on.waiting(reason);
  }

  // Somebody else's answer stands. Where it is what this page shows, or what the page before a reload sent as it went,
  // there is nothing to decide.
  conflict({ moved, revision, draft }) {
    if (!moved && this.unanswered.some((own) => same(own, draft))) return void this.goOn({ revision, draft }, { keepMine: true });
    const agreed = same(draft, this.plan.draft());
    this.halted = true;
    clearTimeout(this.timer);
    if (agreed) this.letGo();
    if (!moved && !this.unsent) return void this.goOn({ revision, draft });
    this.on.conflict({ moved, unsent: this.unsent });
  }

  // The page came with an answer that was refused: as above, before anything was sent from here.
  differs({ moved }) {
    this.dirty = this.halted = true;
    this.dirtySince = performance.now();
    this.store();
    this.on.conflict({ moved, unsent: true });
  }

  // The reader decided, and this page may write again: with what it shows, or with what stands.
  goOn({ revision, draft }, { keepMine = false } = {}) {
    this.halted = false;
    this.tries = 0;
    this.revision = revision;
    if (keepMine && !same(draft, this.plan.draft())) {
      if (this.pending) this.offsets = { ...this.pending.offsets_ms, ...this.offsets };
      this.pending = null;
      this.unanswered = [];
      this.dirty = true;
    } else {
      this.letGo();
      this.plan.show(draft);
    }
    this.on.resumed({ revision });
    this.settled();
  }

  letGo() {
    this.pending = null;
    this.unanswered = [];
    this.dirty = false;
    this.offsets = {};
    this.dirtySince = null;
    this.store();
  }

  // The reading takes nothing more. What is newer than what was just kept apart is sent too, before the page goes.
  over({ kept_apart }) {
    this.keptApart ||= kept_apart;
    this.pending = null;
    this.tries = 0;
    this.settled();
    if (!this.dirty) this.on.over({ keptApart: this.keptApart });
  }

  // The server cannot take this as it is: it stays on the page, and the next change is tried again.
  refused(sentence) {
    this.offsets = { ...this.pending.offsets_ms, ...this.offsets };
    this.pending = null;
    this.dirty = true;
    this.refusal = sentence;
    this.store();
    this.on.refused(sentence);
  }

  // The session ended, or was replaced in another tab: a fresh token is asked for, or a sign-in beside this page.
  async signedOut() {
    const fresh = await this.on.signedOut();
    if (!fresh || this.tries > 0) return void this.again("signed out");
    this.tries = 1;
    this.schedule(0);
  }

  // What an earlier page left in the queue goes on from where it was, under the name of this page.
  async restore({ slot, entry }) {
    this.takeUp(entry);
    await this.queue.put(this.lease, this.entry(), this.clock.now());
    this.onDevice = true;
    if (slot !== this.queue.slot(this.lease)) await this.queue.remove(slot);
  }

  takeUp({ pending, draft, unanswered = [], base_revision, offsets_ms, shown_ms }) {
    const early = this.plan.touched();
    const newest = draft ?? pending.draft;
    this.pending = pending;
    this.dirty = draft !== null;
    this.revision = base_revision;
    this.offsets = offsets_ms;
    this.shownMs = shown_ms;
    this.dirtySince = performance.now();
    this.unanswered = [...unanswered, pending?.draft, draft].filter(Boolean).slice(-REMEMBERED);
    this.plan.show(newest);
    for (const { name, again } of early) {
      again();
      this.changed(name);
    }
  }

  // The queue always holds what is not acknowledged. Many changes in a row are written once more, not once each.
  store() {
    if (this.queue === null) return;
    this.wanted = true;
    this.storing ??= this.write().finally(() => {
      this.storing = null;
      if (this.wanted) this.store();
    });
  }

  async write() {
    while (this.wanted) {
      this.wanted = false;
      const at = this.clock.now();
      try {
        if (!this.unsent) await this.queue.remove(this.queue.slot(this.lease));
        else await this.queue.put(this.lease, this.entry(), at);
        this.onDevice = true;
      } catch {
        this.onDevice = false;
        // A full disk, or a browser that keeps nothing: then it waits on this page, as it does anyway.
      }
    }
  }

  entry() {
    const { pending, dirty, unanswered, revision, offsets, shownMs } = this;
    return { pending, draft: dirty ? this.plan.draft() : null, unanswered, base_revision: revision, offsets_ms: offsets, shown_ms: shownMs };
  }
}
