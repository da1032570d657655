// The bar under the head of a session: the microphone of this page is the transcript's sound.
import { announce, byId, clock, setIcon, setText, slot } from "./dom.js";
import { SoundLink } from "./sound_link.js";
import { SoundStore } from "./sound_store.js";

const BYTES_PER_MS = 32;
/** More than so many bytes that are only here are worth a word. */
const WORTH_A_WORD = 3000 * BYTES_PER_MS;
/** So long the audio thread may take to give its last piece. */
const REST_MS = 500;
const LEAST_WORTH = 300 * BYTES_PER_MS;

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
  if (next === "full") return state === "recording" && pause().then(() => say(words.full));
  online = next === "ready";
  if (next === "ended" || next === "refused" || next === "taken") {
    release();
    show(next);
    if (detail) say(detail);
  }
  showUnsafe();
}

const isOver = () => ["ended", "refused", "taken"].includes(state);

function showUnsafe() {
  const waiting = link?.unsafe ?? 0;
  const sentence = isOver() ? words.lost : words.kept;
  const text = waiting > WORTH_A_WORD || (!online && waiting > LEAST_WORTH) ? sentence.replace("%s", clock(waiting / BYTES_PER_MS)) : "";
  setText(slot(bar, "kept"), text);
  slot(bar, "save").hidden = !(isOver() && text);
}

/** What the server takes no more, as a file to upload. */
function save() {
  const pieces = link.rest;
  const size = pieces.reduce((sum, { length }) => sum + length, 0);
  const head = new DataView(new ArrayBuffer(44));
  const put = (at, text) => [...text].forEach((char, n) => head.setUint8(at + n, char.charCodeAt(0)));
  [put(0, "RIFF"), put(8, "WAVEfmt "), put(36, "data")];
  for (const [at, value] of [[4, 36 + size], [16, 16], [24, 16000], [28, 32000], [40, size]]) head.setUint32(at, value, true);
  for (const [at, value] of [[20, 1], [22, 1], [32, 2], [34, 16]]) head.setUint16(at, value, true);
  const file = URL.createObjectURL(new Blob([head, ...pieces], { type: "audio/wav" }));
  Object.assign(document.createElement("a"), { href: file, download: `${words.file}.wav` }).click();
  setTimeout(() => URL.revokeObjectURL(file), 60_000);
  link.drop();
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

function take({ bytes, peak }, isLast = false) {
  if (!isLast) meter.value = state === "recording" ? Math.min(1, Math.sqrt(peak)) : 0;
  if (isOver() || !(isLast || state === "recording")) return;
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
    if (isOver()) return;
    return show(error.name === "NotAllowedError" ? "denied" : error.name === "NotFoundError" ? "missing" : "failed");
  }
  // The server may have ended it while the browser asked for the microphone.
  if (state !== "asking") return release();
  link.tell("resume");
  show("recording");
  keepAwake();
}

async function pause() {
  show("paused");
  await release();
  link.tell("pause");
}

/** The microphone is off and its light out; what it gave last is still taken. */
async function release() {
  const [tracks, context, worklet] = [stream?.getTracks() ?? [], audio, node];
  stream = audio = node = null;
  meter.value = 0;
  lock?.release().catch(() => {});
  for (const track of tracks) track.stop();
  if (context) await rest(worklet);
  await context?.close().catch(() => {});
}

/** The piece that the microphone left unfinished. */
function rest(worklet) {
  return new Promise((done) => {
    setTimeout(done, REST_MS);
    worklet.port.onmessage = ({ data }) => {
      take(data, true);
      if (data.last) done();
    };
    worklet.port.postMessage("rest");
  });
}

async function stop() {
  show("stopping");
  await release();
  link.stop();
}

function lostMicrophone() {
  if (state === "recording") pause().then(() => say(words.missing));
}

async function keepAwake() {
  if (state !== "recording" || document.hidden) return;
  lock?.release().catch(() => {});
  lock = await navigator.wakeLock?.request("screen").catch(() => null);
  if (state !== "recording") lock?.release().catch(() => {});
}

button.addEventListener("click", () => (state === "recording" ? pause() : state !== "asking" && record()));
stopButton.addEventListener("click", stop);
slot(bar, "save").addEventListener("click", save);
chooser.addEventListener("change", async () => {
  if (state !== "recording") return;
  await release();
  record();
});
navigator.mediaDevices?.addEventListener("devicechange", () => stream && listDevices());
document.addEventListener("visibilitychange", keepAwake);
addEventListener("beforeunload", (event) => {
  if (["recording", "stopping"].includes(state) || (link.unsafe && !isOver())) event.preventDefault();
});

/** The recording is over: what this browser never got rid of is offered as a file. */
async function offerTheRest() {
  const store = new SoundStore(words.socket);
  const rest = (await store.load())?.pieces ?? [];
  const unsafe = rest.reduce((sum, { length }) => sum + length, 0);
  const drop = () => {
    store.forget(Number.MAX_SAFE_INTEGER);
    bar.hidden = true;
  };
  link = { rest, unsafe, drop };
  bar.hidden = unsafe < LEAST_WORTH;
  show("ended");
  showUnsafe();
}

if ("over" in words) offerTheRest();
else {
  link = new SoundLink(words.socket, { onState: linked, onProgress: showUnsafe });
  show(navigator.mediaDevices ? "off" : "insecure");
  button.disabled = !navigator.mediaDevices;
}
