// The name under which this tab writes: its own, the same after a reload, and never that of two tabs at a time.
const NAME = "primum.lease", PATIENCE_MS = 3000;

export function newWord() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export async function ownLease() {
  const before = sessionStorage.getItem(NAME);
  if (before !== null && (await held(before))) return before;
  const fresh = newWord();
  sessionStorage.setItem(NAME, fresh);
  await held(fresh);
  return fresh;
}

// The name of a tab that lives no more, for the one that takes up what it left.
export async function inherit(lease) {
  sessionStorage.setItem(NAME, lease);
  await held(lease);
}

// Held as long as this page lives. A tab that was duplicated finds the name of its original taken. The page before this
// one in the same tab may not have let go yet, so there is a little patience.
function held(lease) {
  if (!navigator.locks) return Promise.resolve(true); // plain http: the server's revisions stand guard alone
  return new Promise((resolve) => {
    const asked = AbortSignal.timeout ? { signal: AbortSignal.timeout(PATIENCE_MS) } : { ifAvailable: true };
    const given = (lock) => {
      resolve(lock !== null);
      return lock && new Promise(() => {}); // never let go of
    };
    navigator.locks.request(lockOf(lease), asked, given).catch(() => resolve(false));
  });
}

// Whether a tab of that name lives in this browser.
export async function living(lease) {
  if (!navigator.locks) return false;
  const { held: all } = await navigator.locks.query();
  return all.some((lock) => lock.name === lockOf(lease));
}

function lockOf(lease) { return `primum.lease.${lease}`; }
