// The versions of a passage in a dialog: what each changed, who saved it, and back to any of them.
import { byId, config, say } from "./dom.js";
import { apply } from "./revise.js";
import { post } from "./send.js";

const settings = config("session-config");
const dialog = byId("history");
let opener = null;
let asked = 0;

export async function openHistory(index) {
  opener ??= document.activeElement;
  const mine = ++asked;
  const answer = await fetch(`${settings.segments}${index}/history`, { redirect: "manual" }).catch(() => null);
  const parsed = new DOMParser().parseFromString(answer?.ok ? await answer.text() : "", "text/html");
  if (mine !== asked) return;
  const shown = [...parsed.body.children].map((node) => document.adoptNode(node));
  const sorry = document.createElement("p");
  sorry.textContent = say("failed");
  dialog.querySelector(".drawer-body").replaceChildren(...(shown.length ? shown : [sorry]));
  if (!dialog.open) dialog.showModal();
}

dialog.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-segment]");
  if (!form) return;
  event.preventDefault();
  const { segment } = form.dataset;
  const { status, body } = await post(form.action, Object.fromEntries(new FormData(form)));
  if (status === 200) apply(body.segments[0]);
  else if (body.current) apply(body.current);
  await openHistory(segment);
  if (status !== 200) {
    const note = document.createElement("p");
    note.className = "field-error";
    note.textContent = `${body.message} ${body.next_step}`;
    dialog.querySelector(".drawer-body").prepend(note);
  }
});
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
dialog.addEventListener("close", () => {
  if (opener?.isConnected) opener.focus({ preventScroll: true });
  opener = null;
});
