// Episodes picked on one page stay picked while the list is searched and turned.
const form = document.querySelector("form[data-feed]");
const elsewhere = form.querySelector("[data-elsewhere]");
const count = form.querySelector("[data-count]");
const picked = new Set([...elsewhere.children].map((field) => field.value));

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

function arrive() {
  for (const box of boxes()) {
    if (picked.has(box.value)) box.checked = true;
    note(box);
  }
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
  show();
});
document.body.addEventListener("htmx:afterSwap", arrive);
arrive();
