// The bar stays on top, and grows with what it says: whatever has the focus is scrolled to below it, and stays there.
const bar = document.getElementById("bar");

function makeRoom() {
  document.documentElement.style.scrollPaddingTop = `${bar.offsetHeight + 16}px`;
  const held = document.activeElement;
  if (held === null || held === document.body || bar.contains(held)) return;
  const { top, bottom } = bar.getBoundingClientRect();
  const box = (held.closest(".option") ?? held).getBoundingClientRect();
  if (box.top < bottom && box.bottom > top) held.scrollIntoView({ block: "nearest" });
}

if (bar) new ResizeObserver(makeRoom).observe(bar);
