// The bar under the head of a session: the microphone of this page is the transcript's sound.
import { announce, byId, clock, setIcon, setText, slot } from "./dom.js";
import { SoundLink } from "./sound_link.js";

const BYTES_PER_MS = 32;
/** More than so many bytes that are only here are worth a word. */
const WORTH_A_WORD = 3000 * BYTES_PER_MS;

const bar = byId("recorder");
const words = bar.dataset;
const button = slot(bar, "record");
const stopButton = slot(bar, "stop");
const chooser = slot(bar, "device");
const meter = slot(bar, "level");
let state = "off";
let audio = null;
let stream = null;
let node = null;
let lock = null;
let heard = 0;
let online = false;

let link = null;

function show(next) {
  state = next;
  bar.dataset.state = next;
  const over = ["stopping", "ended", "refused", "taken"].includes(next);
  button.hidden = over;
  stopButton.hidden = over;
  chooser.disabled = over;
  const recording = next === "recording";
  setIcon(button, recording ? "pause" : "mic");
  slot(button, "word").textContent = recording ? words.pause : heard ? words.resume : words.record;
  button.setAttribute("aria-pressed", String(recording));
  say(words[next] ?? "");
}

function say(text) {
  setText(slot(bar, "state"), text);
  announce(text);
}

function linked(next, detail) {
  online = next === "ready";
  if (next === "ended" || next === "refused" || next === "taken") {
    release();
    show(next);
    if (detail) say(detail);
  } else showUnsafe();
}

function showUnsafe() {
  const waiting = link?.unsafe ?? 0;
  const text = waiting > WORTH_A_WORD || (!online && waiting) ? words.kept.replace("%s", clock(waiting / BYTES_PER_MS)) : "";
  setText(slot(bar, "kept"), text);
}

async function open() {
  const device = chooser.value ? { deviceId: { exact: chooser.value } } : {};
  stream = await navigator.mediaDevices.getUserMedia({
    audio: { ...device, channelCount: 1, echoCancellation: false, noiseSuppression: true, autoGainControl: true },
  });
  await listen({ sampleRate: 16000 }).catch(() => listen({})); // some browsers do not change the rate of a microphone
  stream.getAudioTracks()[0].addEventListener("ended", lostMicrophone);
  await listDevices();
}

async function listen(options) {
  const context = new AudioContext(options);
  try {
    await context.audioWorklet.addModule(words.worklet);
    const source = context.createMediaStreamSource(stream);
    node = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0, channelCount: 1, channelCountMode: "explicit" });
    node.port.onmessage = ({ data }) => take(data);
    source.connect(node);
    await context.resume();
    audio = context;
  } catch (error) {
    await context.close();
    throw error;
  }
}

function take({ bytes, peak }) {
  meter.value = state === "recording" ? Math.min(1, Math.sqrt(peak)) : 0;
  if (!["recording", "stopping"].includes(state)) return;
  heard += bytes.byteLength;
  link.push(bytes);
}

async function listDevices() {
  const chosen = stream?.getAudioTracks()[0]?.getSettings().deviceId ?? chooser.value;
  const found = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "audioinput");
  chooser.replaceChildren(...found.map(({ deviceId, label }, n) => new Option(label || `${words.microphone} ${n + 1}`, deviceId)));
  chooser.value = chosen;
  chooser.parentElement.hidden = found.length < 2;
}

async function record() {
  show("asking");
  try {
    await open();
  } catch (error) {
    release();
    return show(error.name === "NotAllowedError" ? "denied" : error.name === "NotFoundError" ? "missing" : "failed");
  }
  link.tell("resume");
  show("recording");
  keepAwake();
}

async function pause() {
  show("paused");
  await release();
  link.tell("pause");
}

/** What the microphone gave last leaves first; then it is off, and its light goes out. */
async function release() {
  meter.value = 0;
  lock?.release().catch(() => {});
  for (const track of stream?.getTracks() ?? []) track.stop();
  const context = audio;
  stream = audio = null;
  await context?.close().catch(() => {});
}

async function stop() {
  show("stopping");
  node?.port.postMessage("rest");
  await new Promise((done) => setTimeout(done, 200));
  await release();
  link.stop();
}

function lostMicrophone() {
  if (state === "recording") pause().then(() => say(words.missing));
}

async function keepAwake() {
  if (state !== "recording" || document.hidden) return;
  lock = await navigator.wakeLock?.request("screen").catch(() => null);
}

button.addEventListener("click", () => (state === "recording" ? pause() : state !== "asking" && record()));
stopButton.addEventListener("click", stop);
chooser.addEventListener("change", async () => {
  if (state !== "recording") return;
  await release();
  record();
});
navigator.mediaDevices?.addEventListener("devicechange", () => stream && listDevices());
document.addEventListener("visibilitychange", keepAwake);
addEventListener("beforeunload", (event) => {
  if (["recording", "stopping"].includes(state) || (link.unsafe && !["ended", "refused", "taken"].includes(state))) event.preventDefault();
});
link = new SoundLink(words.socket, { onState: linked, onProgress: showUnsafe });
show(navigator.mediaDevices ? "off" : "insecure");
button.disabled = !navigator.mediaDevices;
