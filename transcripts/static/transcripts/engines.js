// The vocabulary of a team: how many terms there are, while somebody writes.
const count = document.querySelector("[data-terms]");
const terms = count && document.getElementById(count.dataset.terms);

if (terms) {
  const most = count.textContent.split("/")[1];
  terms.addEventListener("input", () => {
    const lines = terms.value.split("\n").map((line) => line.trim()).filter(Boolean);
    count.textContent = `${new Set(lines).size} /${most}`;
  });
}
