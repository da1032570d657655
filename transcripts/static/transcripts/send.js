// What this page sends, and why it may not have arrived: one answer for scripts, whatever went wrong.
import { csrfToken, say } from "./dom.js";

/** POST fields: `{ status, body }`, status 0 with a sentence when there was no answer that counts. */
export async function post(address, fields = {}, { keepalive = false } = {}) {
  const headers = { "X-CSRFToken": csrfToken(), Accept: "application/json" };
  const body = new URLSearchParams(fields);
  let answer;
  try {
    answer = await fetch(address, { method: "POST", headers, body, redirect: "manual", keepalive });
  } catch {
    return { status: 0, body: { message: say("notSent"), next_step: say("notSentNext") } };
  }
  if (answer.type === "opaqueredirect") return { status: 0, body: { message: say("login"), next_step: say("notSentNext") } };
  const isJson = answer.headers.get("content-type")?.startsWith("application/json");
  if (isJson) return { status: answer.status, body: await answer.json() };
  const known = { 403: "forbidden", 404: "gone" };
  const sentence = answer.ok ? "" : say(known[answer.status] ?? "failed");
  return { status: answer.ok ? answer.status : answer.status || 0, body: { message: sentence, next_step: answer.ok ? "" : say("notSentNext") } };
}

/** The server's piece of HTML at `address` into `place`; without an answer the place stays as it is. Each place asks for
 * itself: htmx keeps only the last of several questions of one element, and what names none is asked by the whole page. */
export const refresh = (place, address) =>
  window.htmx?.ajax("GET", address, { target: place, source: place })?.catch(() => {});

/** The same when it is not in use: while somebody is in `place`, it waits until they leave. */
export function refreshIdle(place, address) {
  if (!place.contains(document.activeElement)) return refresh(place, address);
  if (place.isStale) return undefined;
  place.isStale = true;
  const left = (event) => {
    if (place.contains(event.relatedTarget)) return;
    place.removeEventListener("focusout", left);
    place.isStale = false;
    refresh(place, address);
  };
  return place.addEventListener("focusout", left);
}

/** A diff of the server as elements; text goes in as text. */
export function diffNodes(diff, kinds = ["same", "gone", "new"]) {
  return diff
    .filter(([kind]) => kinds.includes(kind))
    .map(([kind, text]) => {
      const node = document.createElement({ same: "span", gone: "del", new: "ins" }[kind]);
      node.textContent = text;
      return node;
    });
}
