// What is shown only once is copied with one press. Without a clipboard (plain http) it is marked, for the keys to copy.
const SHOWN_MS = 2000;
const timers = new WeakMap();

async function copy(button) {
  const field = document.getElementById(button.dataset.copy);
  const word = (button.dataset.word ??= button.textContent);
  field.focus();
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    return;
  }
  button.textContent = button.dataset.copied;
  clearTimeout(timers.get(button));
  timers.set(button, setTimeout(() => (button.textContent = word), SHOWN_MS));
  document.getElementById("status").textContent = button.dataset.copied;
}

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button));
}
