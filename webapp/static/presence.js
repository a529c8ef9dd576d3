// How long this page was before its reader's eyes: counted here, told to the server with every beat.
// Each beat says the whole count since the page was loaded, so that one that is lost needs no second try.

const BEAT_MS = 15_000, TICK_MS = 1000, LONGEST_TICK_MS = 2000, ACTIVE_MS = 30_000;
const SIGNS = ["input", "keydown", "pointerdown", "pointermove", "scroll", "wheel"];

// `lease` and `csrf` are asked at every beat. `onClock` is given the server's word on the time, with when it was asked
// and when it came; `onMoved` what stands where another page has the lease, at every beat for as long as it has it;
// `onOver` once, and then no beat follows. A beat without an answer says nothing.
export function watch({ url, page = name(), lease, csrf, onClock, onMoved, onOver }) {
  const loaded = Math.round(performance.now());
  let visible = document.visibilityState === "visible";
  let visibleMs = 0, activeMs = 0, hidden = 0;
  let countedAt = performance.now(), sign = null, beatAt = null, told = null, leaving = false;

  // What passed since the last count, but no more than a page that was awake would let pass.
  function count() {
    const now = performance.now(), passed = Math.min(now - countedAt, LONGEST_TICK_MS);
    countedAt = now;
    if (!visible) return;
    visibleMs += passed;
    if (sign !== null && now - sign < ACTIVE_MS) activeMs += passed;
  }

  async function beat(keepalive = false) {
    const body = JSON.stringify({ page, lease: lease(), load_ms: loaded, visible_ms: Math.round(visibleMs), active_ms: Math.round(activeMs), hidden_count: hidden });
    if (body === told) return;
    told = body;
    beatAt = performance.now();
    const asked = { method: "POST", headers: { "Content-Type": "application/json", "X-CSRFToken": csrf() }, body, redirect: "error", keepalive };
    const sentAt = performance.now();
    try {
      const answer = await fetch(url, asked);
      const found = answer.ok || answer.status === 423 || answer.status === 410 ? await answer.json() : null;
      if (answer.ok) onClock?.(found, { sentAt, receivedAt: performance.now() });
      else if (answer.status === 423) onMoved?.(found);
      else if (answer.status === 410) end(found);
    } catch {
      // No connection: the next beat says all that this one would have said.
    }
  }

  function tick() {
    count();
    if (visible && performance.now() - beatAt >= BEAT_MS) beat();
  }

  function turned() {
    if (leaving) return; // to go on to another page is not to look away
    count();
    const now = document.visibilityState === "visible";
    if (visible && !now) hidden += 1;
    visible = now;
    beat(!visible);
  }

  function leave() {
    count();
    leaving = true;
    beat(true);
  }

  // Back out of the browser's memory: what passed meanwhile was before nobody's eyes.
  function back(event) {
    if (!event.persisted) return;
    leaving = false;
    countedAt = performance.now();
  }

  function moved() {
    count();
    sign = performance.now();
  }

  function end(found) {
    if (ticking === null) return;
    clearInterval(ticking);
    ticking = null;
    document.removeEventListener("visibilitychange", turned);
    removeEventListener("pagehide", leave);
    removeEventListener("pageshow", back);
    for (const event of SIGNS) removeEventListener(event, moved, { capture: true });
    onOver?.(found);
  }

  let ticking = setInterval(tick, TICK_MS);
  document.addEventListener("visibilitychange", turned);
  addEventListener("pagehide", leave);
  addEventListener("pageshow", back);
  for (const event of SIGNS) addEventListener(event, moved, { capture: true, passive: true });
  beat();
}

// A name for this load of the page, and for no other.
function name() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
