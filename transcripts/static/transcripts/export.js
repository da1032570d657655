// The export dialog: any link with `data-export` opens its page as a dialog; copying instead of downloading.
import { announce, say } from "./dom.js";
import { refresh } from "./send.js";

const DONE_MS = 2000;

/** Show the page at `address` over the one that is open. */
export async function openExport(address, opener) {
  if (document.querySelector(".export-dialog")) return;
  const dialog = document.createElement("dialog");
  dialog.className = "sheet export-dialog";
  dialog.setAttribute("aria-labelledby", "export-head");
  document.body.append(dialog);
  await refresh(dialog, address)?.catch(() => null);
  const close = dialog.querySelector("[data-close-dialog]");
  if (!close) return location.assign(address);
  ready(dialog);
  close.hidden = false;
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener?.focus();
  });
  dialog.showModal();
  dialog.querySelector("[name=format]:checked").focus();
}

function ready(root) {
  for (const button of root.querySelectorAll("[data-copy-file], [data-copy-link]")) button.hidden = false;
}

/** Pages that are not served over TLS have no clipboard; a selected text is copied there as ever. */
async function copy(text, near) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  near.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("not copied");
}

async function textOf(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.text();
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy-file], [data-copy-link]");
  if (!button) return;
  const { copyFile, copyLink, done } = button.dataset;
  const label = (button.dataset.label ??= button.textContent);
  try {
    await copy(copyFile ? await textOf(copyFile) : new URL(copyLink, location.href).href, button.parentElement);
  } catch {
    return announce(say("failed"));
  }
  announce(done);
  button.textContent = done;
  setTimeout(() => (button.textContent = label), DONE_MS);
});

// Enter in a field shows the new beginning, as every change does; there is nothing to send.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form.export")) return;
  event.preventDefault();
  window.htmx?.trigger(event.target, "change");
});
document.body.addEventListener("htmx:afterSettle", (event) => {
  const form = event.target.closest?.("form.export") ?? event.target.querySelector?.("form.export");
  if (form) ready(form);
});
ready(document);
