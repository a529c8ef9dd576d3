// What the site has not acknowledged yet, kept on this device, so that neither a reload nor an empty battery loses it.
// Encrypted: the key comes with the page and is stored nowhere, so only its own reader, signed in, can open it again.
import { living, newWord } from "./lease.js";

const DATABASE = "primum", STORE = "queue";

export class Queue {
  // Takes the key off the page. Null where the browser encrypts nothing (plain http): then all waits on the page only.
  static async from(element) {
    const { queueKey, reading, respondent } = element.dataset;
    element.removeAttribute("data-queue-key");
    if (!globalThis.crypto?.subtle || !globalThis.indexedDB) return null;
    const bytes = Uint8Array.from(atob(queueKey), (character) => character.charCodeAt(0));
    const key = await crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
    return new Queue(key, reading, respondent);
  }

  constructor(key, reading, respondent) {
    Object.assign(this, { key, reading, respondent });
    this.page = navigator.locks ? null : newWord(); // without locks two tabs may have one name: each has a slot of its own
  }

  async put(lease, entry, at) {
    const { reading, respondent, page } = this;
    const sealed = { reading, respondent, lease, at, ...(page && { page }), ...(await this.seal(entry)) };
    await within("readwrite", (store) => store.put(sealed, this.slot(lease)));
  }

  async seal(entry) {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, this.key, new TextEncoder().encode(JSON.stringify(entry)));
    return { iv, data: new Uint8Array(data) };
  }

  // Where the page that is told by `lease` and `page` keeps what it holds; this one, unless another is meant.
  slot(lease, page = this.page) { return [this.reading, lease, ...(page ? [page] : [])].join("."); }

  async remove(slot) {
    await within("readwrite", (store) => store.delete(slot));
  }

  // What a page of this reading left behind, newest first: this tab's own, and of tabs that live no more.
  async left(lease) {
    const found = [];
    for (const sealed of await within("readonly", (store) => store.getAll())) {
      if (sealed.reading !== this.reading || (sealed.lease !== lease && (await living(sealed.lease)))) continue;
      const entry = await this.opened(sealed);
      if (entry !== null) found.push({ lease: sealed.lease, slot: this.slot(sealed.lease, sealed.page ?? null), at: sealed.at, entry });
    }
    return found.sort((a, b) => b.at - a.at);
  }

  // Null: it was sealed under a key that the site no longer gives.
  async opened({ iv, data }) {
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, this.key, data).catch(() => null);
    return plain === null ? null : JSON.parse(new TextDecoder().decode(plain));
  }
}

// The readings of one physician of which this device holds something still, and no living tab looks after it.
export async function waiting(respondent) {
  if (!globalThis.indexedDB) return [];
  const found = new Set();
  for (const sealed of await within("readonly", (store) => store.getAll())) {
    if (sealed.respondent === respondent && !(await living(sealed.lease))) found.add(sealed.reading);
  }
  return [...found];
}

// Written to the disk before it counts as done.
async function within(mode, work) {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  const database = await asked(opening);
  try {
    const transaction = database.transaction(STORE, mode, { durability: "strict" });
    const done = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    const [result] = await Promise.all([asked(work(transaction.objectStore(STORE))), done]);
    return result;
  } finally {
    database.close();
  }
}

function asked(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
