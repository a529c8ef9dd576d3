// The name under which this tab writes: its own, the same after a reload, and never that of two tabs at a time.
const NAME = "primum.lease", PATIENCE_MS = 3000;

export function newWord() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// `reading`: a tab that has no name yet takes the one under which this browser had that case, if no tab lives by it.
export async function ownLease(reading = null) {
  const before = sessionStorage.getItem(NAME);
  if (before !== null && (await held(before))) return before;
  const left = before === null && navigator.locks ? remembered(reading) : null;
  if (left !== null && (await held(left, { ifAvailable: true }))) {
    sessionStorage.setItem(NAME, left);
    return left;
  }
  const fresh = newWord();
  sessionStorage.setItem(NAME, fresh);
  await held(fresh);
  return fresh;
}

// Under which name this browser may write to a case, kept for the day on which it is killed. A random word: no secret.
export function remember(reading, lease) {
  try {
    localStorage.setItem(nameOf(reading), lease);
  } catch {
    // a browser that keeps nothing: a case that was open in it waits until the site gives it free
  }
}

export function forget(reading) {
  try {
    localStorage.removeItem(nameOf(reading));
  } catch {
    // there is nothing to forget
  }
}

function remembered(reading) {
  try {
    return localStorage.getItem(nameOf(reading));
  } catch {
    return null;
  }
}

function nameOf(reading) { return `${NAME}.${reading}`; }

// The name of a tab that lives no more, for the one that takes up what it left.
export async function inherit(lease) {
  sessionStorage.setItem(NAME, lease);
  await held(lease);
}

// Held as long as this page lives. A tab that was duplicated finds the name of its original taken. The page before this
// one in the same tab may not have let go yet, so there is a little patience.
function held(lease, how = AbortSignal.timeout ? { signal: AbortSignal.timeout(PATIENCE_MS) } : { ifAvailable: true }) {
  if (!navigator.locks) return Promise.resolve(true); // plain http: the server's revisions stand guard alone
  return new Promise((resolve) => {
    const given = (lock) => {
      resolve(lock !== null);
      return lock && new Promise(() => {}); // never let go of
    };
    navigator.locks.request(lockOf(lease), how, given).catch(() => resolve(false));
  });
}

// Whether a tab of that name lives in this browser.
export async function living(lease) {
  if (!navigator.locks) return false;
  const { held: all } = await navigator.locks.query();
  return all.some((lock) => lock.name === lockOf(lease));
}

function lockOf(lease) { return `primum.lease.${lease}`; }
