// Copy a link, and say so. Without a script the field can be selected and copied by hand.
const said = document.getElementById("copied");
for (const button of document.querySelectorAll("[data-copy]")) {
  const field = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      said.textContent = "Copied.";
    } catch {
      said.textContent = "Select the link and copy it with your keyboard: this browser does not allow it here.";
    }
  });
}
