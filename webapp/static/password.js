// Take over the offered phrase, and show it, so that it can be written down.
for (const button of document.querySelectorAll("[data-offer]")) {
  const field = document.getElementById(button.dataset.offer);
  button.hidden = false;
  button.addEventListener("click", () => {
    field.type = "text";
    field.value = document.getElementById("offered").textContent;
    field.focus();
  });
}
