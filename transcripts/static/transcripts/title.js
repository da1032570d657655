// The title is changed where it stands: Enter or leaving the field saves, Escape does not.
import { announce, byId, say, setText, slot } from "./dom.js";
import { post } from "./send.js";

const page = byId("session");
const head = page.querySelector("h1");
const button = byId("edit-title");
const form = byId("title-form");
const field = form.elements.title;
let isSaving = false;

function open() {
  if (!form.hidden) return;
  field.value = head.textContent;
  setText(slot(form, "error"), "");
  head.hidden = button.hidden = true;
  form.hidden = false;
  field.focus();
  field.select();
}

function close() {
  if (form.hidden) return;
  const hadFocus = form.contains(document.activeElement);
  form.hidden = true;
  head.hidden = button.hidden = false;
  if (hadFocus || document.activeElement === document.body) button.focus({ preventScroll: true });
}

/** Show a title here; other pages and boards hear of it from the log. */
function show(title) {
  document.title = document.title.replace(head.textContent, () => title);
  head.textContent = title;
}

async function save() {
  if (isSaving || form.hidden) return;
  if (field.value.trim() === head.textContent) return close();
  isSaving = true;
  const { status, body } = await post(form.action, { title: field.value });
  isSaving = false;
  if (status !== 200) return setText(slot(form, "error"), `${body.message} ${body.next_step}`);
  show(body.title);
  close();
  announce(say("renamed", body.title));
}

button.hidden = false;
button.addEventListener("click", open);
head.addEventListener("dblclick", open);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});
field.addEventListener("blur", save);
field.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  event.preventDefault();
  close();
});
