// Episodes picked on one page stay picked while the list is searched and turned, and when somebody goes back or reloads.
const form = document.querySelector("form[data-feed]");
const elsewhere = form.querySelector("[data-elsewhere]");
const count = form.querySelector("[data-count]");
/** Of this feed, in this tab. */
const memory = `feed:${form.elements.at.value}`;
const picked = new Set([...elsewhere.children].map((field) => field.value));
for (const key of JSON.parse(sessionStorage.getItem(memory) ?? "[]")) picked.add(key);

const boxes = () => [...form.querySelectorAll(".episode input[type=checkbox]:not(:disabled)")];

function show() {
  const shown = boxes();
  const here = new Set(shown.map((box) => box.value));
  elsewhere.replaceChildren(...[...picked].filter((key) => !here.has(key)).map(hidden));
  count.textContent = picked.size ? form.dataset.picked.replace("%s", new Intl.NumberFormat(document.documentElement.lang || "en").format(picked.size)) : "";
  const all = form.querySelector("[data-all]");
  if (!all) return;
  const ticked = shown.filter((box) => box.checked).length;
  all.checked = ticked > 0 && ticked === shown.length;
  all.indeterminate = ticked > 0 && ticked < shown.length;
}

function hidden(key) {
  const field = document.createElement("input");
  Object.assign(field, { type: "hidden", name: "episode", value: key });
  return field;
}

function note(box) {
  if (box.checked) picked.add(box.value);
  else picked.delete(box.value);
}

function remember() {
  try {
    sessionStorage.setItem(memory, JSON.stringify([...picked]));
  } catch {
    // A full or forbidden storage: they are in the page still.
  }
}

/** Rows came: what is picked decides, not what the browser or the server remembers of a box. */
function arrive() {
  for (const box of boxes()) box.checked = picked.has(box.value);
  const all = form.querySelector(".feed-all");
  if (all) all.hidden = false;
  show();
}

form.addEventListener("change", ({ target }) => {
  if (target.matches("[data-all]")) {
    for (const box of boxes()) {
      box.checked = target.checked;
      note(box);
    }
  } else if (target.name === "episode") note(target);
  remember();
  show();
});
form.addEventListener("submit", () => sessionStorage.removeItem(memory));
document.body.addEventListener("htmx:afterSwap", arrive);
// A browser may fill in what it remembers of the boxes after this has run.
addEventListener("pageshow", arrive);
for (const box of boxes()) if (box.checked) picked.add(box.value);
arrive();
