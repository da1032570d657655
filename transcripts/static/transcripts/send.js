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
