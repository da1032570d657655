// Files: dropped anywhere, listed before they go, sent with a bar; what was typed stays when something is wrong.
import { announce, csrfToken, reader, say, slot } from "./dom.js";

const form = document.querySelector("form[data-upload]");
const input = form.querySelector("[name=uploads]");
const chosen = form.querySelector("[data-chosen]");
const bar = form.querySelector("[data-progress]");
let request = null;

function size(bytes) {
  const unit = bytes < 1e6 ? ["kilobyte", 1e3] : bytes < 1e9 ? ["megabyte", 1e6] : ["gigabyte", 1e9];
  const style = { style: "unit", unit: unit[0], maximumFractionDigits: bytes < 1e9 ? 0 : 1 };
  return new Intl.NumberFormat(reader, style).format(Math.max(bytes / unit[1], 1));
}

function setFiles(files) {
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  input.files = transfer.files;
  list();
}

function list() {
  chosen.replaceChildren(...[...input.files].map(item));
  chosen.hidden = input.files.length === 0;
}

function item(file) {
  const [row, name, bytes, remove] = ["li", "span", "span", "button"].map((tag) => document.createElement(tag));
  name.textContent = file.name;
  name.className = "chosen-name";
  bytes.textContent = size(file.size);
  bytes.className = "chosen-size";
  remove.type = "button";
  remove.className = "button quiet small";
  remove.textContent = "×";
  remove.setAttribute("aria-label", say("remove", file.name));
  remove.addEventListener("click", () => setFiles([...input.files].filter((other) => other !== file)));
  row.append(name, bytes, remove);
  return row;
}

function showErrors(errors) {
  for (const place of form.querySelectorAll("[data-error-for]")) {
    const texts = errors[place.dataset.errorFor] ?? [];
    place.textContent = texts.join("\n");
    place.hidden = texts.length === 0;
    if (texts.length) place.closest("details")?.setAttribute("open", "");
  }
  const first = form.querySelector("[data-error-for]:not([hidden])");
  if (!first) return;
  announce(first.textContent);
  const field = form.elements[first.dataset.errorFor];
  field?.focus?.();
  first.scrollIntoView({ block: "center" });
}

function showProgress(share) {
  const percent = new Intl.NumberFormat(reader, { style: "percent" }).format(share);
  bar.hidden = false;
  bar.querySelector("progress").value = share;
  slot(bar, "percent").textContent = share < 1 ? say("uploadPercent", percent) : say("uploadDone");
}

function done(errors) {
  request = null;
  bar.hidden = true;
  for (const button of form.querySelectorAll("button:not([type=button])")) button.disabled = false;
  if (errors) showErrors(errors);
}

function send() {
  request = new XMLHttpRequest();
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("X-CSRFToken", csrfToken());
  request.responseType = "json";
  request.upload.addEventListener("progress", (event) => event.lengthComputable && showProgress(event.loaded / event.total));
  request.addEventListener("load", () => {
    const answer = request.response;
    const failure = say({ 403: "loggedOut", 413: "tooLarge" }[request.status] ?? "failed");
    done(answer?.errors ?? (answer?.location ? null : { "": [failure] }));
    if (answer?.location) location.assign(answer.location);
  });
  request.addEventListener("error", () => done({ "": [say("uploadFailed")] }));
  request.addEventListener("abort", () => done({}));
  request.send(new FormData(form));
  for (const button of form.querySelectorAll("button:not([type=button])")) button.disabled = true;
  if (input.files.length) showProgress(0);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  showErrors({});
  if (!request) send();
});
form.querySelector("[data-abort]").addEventListener("click", () => request?.abort());
input.addEventListener("change", list);
addEventListener("beforeunload", (event) => request && input.files.length && event.preventDefault());

let depth = 0;
const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
addEventListener("dragenter", (event) => {
  if (!hasFiles(event)) return;
  depth += 1;
  document.body.classList.add("dropping");
});
addEventListener("dragleave", (event) => {
  if (!hasFiles(event)) return;
  depth = Math.max(depth - 1, 0);
  if (!depth) document.body.classList.remove("dropping");
});
addEventListener("dragover", (event) => hasFiles(event) && event.preventDefault());
addEventListener("drop", (event) => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  depth = 0;
  document.body.classList.remove("dropping");
  setFiles([...input.files, ...event.dataTransfer.files]);
  form.scrollIntoView({ block: "nearest" });
});

// One line while empty, more as links are pasted; Enter sends a single line, as in every box like it.
const links = form.querySelector("textarea[name=links]");
links.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || links.rows > 1 || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});
list();
