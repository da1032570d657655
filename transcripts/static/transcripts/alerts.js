// The side panel's alerts: read again when a watched word was said; the newest is said aloud.
import { announce, byId, clock, say } from "./dom.js";
import { refresh } from "./send.js";

const panel = byId("alerts");
const toast = byId("alert-toast");
const SHOWN_MS = 12000;
let timer = 0;

const read = () => refresh(panel, panel.dataset.from);

export function hit({ term, said, before, after, start_ms: start }) {
  const words = say("alert", `${clock(start)} “${said || term}”`);
  toast.querySelector("a").textContent = words;
  toast.querySelector("a").href = `#t=${clock(start)}`;
  toast.title = [before, said, after].filter(Boolean).join(" ");
  toast.hidden = false;
  announce(words);
  clearTimeout(timer);
  timer = setTimeout(() => (toast.hidden = true), SHOWN_MS);
  read();
}
