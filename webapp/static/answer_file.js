// A last resort where the site cannot be reached for long: what the page holds as a file, encrypted as in the queue. The
// receipt of the same case takes it in, on any device on which its reader is signed in.
export async function download(queue, entry, name) {
  const { iv, data } = await queue.seal(entry);
  const text = JSON.stringify({ reading: queue.reading, iv: written(iv), data: written(data) });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// Null: it is no such file, or it belongs to another case.
export async function taken(queue, file) {
  try {
    const { reading, iv, data } = JSON.parse(await file.text());
    return reading === queue.reading ? await queue.opened({ iv: read(iv), data: read(data) }) : null;
  } catch {
    return null;
  }
}

function written(bytes) { return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")); }

function read(text) { return Uint8Array.from(atob(text), (character) => character.charCodeAt(0)); }
