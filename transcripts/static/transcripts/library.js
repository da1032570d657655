// The library's ticks: how many there are, and all of the page at once. Without this, the bar works as a plain form.

const picks = () => [...document.querySelectorAll(".row-pick")];

function show() {
  const all = document.getElementById("pick-all");
  if (!all) return;
  const ticked = picks().filter((one) => one.checked).length;
  const count = document.querySelector("#bulk [data-slot=count]");
  all.closest("label").hidden = false;
  all.checked = ticked > 0 && ticked === picks().length;
  all.indeterminate = ticked > 0 && !all.checked;
  count.textContent = ticked ? count.dataset.some.replace("%n", ticked) : count.dataset.none;
}

document.addEventListener("change", (event) => {
  if (event.target.id === "pick-all") for (const one of picks()) one.checked = event.target.checked;
  if (event.target.matches("#pick-all, .row-pick")) show();
});
document.addEventListener("htmx:afterSwap", show);
window.addEventListener("pageshow", show);
show();
